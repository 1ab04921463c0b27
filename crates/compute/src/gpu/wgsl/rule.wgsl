// The rule, for a tile: the twin of entries/row.rs, step by step and in its order of summation. The xᵢ are made anew for
// each step that looks at all of them, so that there may be any number of adapters.

// What a kernel is compiled for.
override CHOOSE: u32;
override ELECTS: bool;
override SCORES: bool;

const VARIED: u32 = 1u;
const MOSAIC: u32 = 2u;
const HELD: u32 = 3u;

const MASS: u32 = 1u;
const UNWEIGHTED: u32 = 2u;
const COUNT: u32 = 3u;
const UNWEIGHTED_COUNT: u32 = 4u;

const SUM: u32 = 0u;
const MEAN: u32 = 1u;
const WEIGHTED: u32 = 2u;
const MAX: u32 = 3u;

const CANCELLED: f32 = 1e-6;

// What decides whose a position is: bits of the variance, or a word.
var<private> keys: array<vec4<u32>, 4>;

// How many masks hold.
var<private> masks: array<vec4<u32>, 4>;

fn magnitude(x: vec4<f32>) -> vec4<u32> {
    return bitcast<vec4<u32>>(x) & vec4<u32>(0x7fffffffu);
}

fn element(at: Place, a: u32) -> u32 {
    return (at.row + 4u * at.y + a) * job.columns + at.column + 4u * at.x;
}

// hᵢ in row `a` of the invocation's.
fn left(i: u32, x: vec4<f32>, at: Place, a: u32) -> vec4<f32> {
    let bits = magnitude(x);
    let key = keys[a];
    var stays = (bits >= vec4<u32>(parts[i].least)) & (bits < vec4<u32>(parts[i].below));
    stays = stays & (key >= vec4<u32>(parts[i].low)) & (key <= vec4<u32>(parts[i].high));
    if (parts[i].chance > 0u) {
        stays = stays & (words(parts[i].key, parts[i].lane, element(at, a)) >= vec4<u32>(parts[i].chance));
    }
    return select(vec4<f32>(), x * parts[i].gain, stays);
}

// Σ wᵢxᵢ.
fn mass(at: Place) -> Tile {
    var sum = Tile();
    for (var i = 0u; i < job.parts; i++) {
        let x = product(i, at);
        for (var a = 0u; a < 4u; a++) {
            sum[a] += parts[i].weight * x[a];
        }
    }
    return sum;
}

// The variance of the wᵢxᵢ.
fn variance(at: Place) -> Tile {
    let share = 1.0 / f32(job.parts);
    var mean = mass(at);
    var variance = Tile();
    for (var a = 0u; a < 4u; a++) {
        mean[a] *= share;
    }
    for (var i = 0u; i < job.parts; i++) {
        let x = product(i, at);
        for (var a = 0u; a < 4u; a++) {
            let away = parts[i].weight * x[a] - mean[a];
            variance[a] += away * away;
        }
    }
    for (var a = 0u; a < 4u; a++) {
        variance[a] *= share;
    }
    return variance;
}

fn choose(at: Place) {
    if (CHOOSE == VARIED) {
        let found = variance(at);
        for (var a = 0u; a < 4u; a++) {
            keys[a] = bitcast<vec4<u32>>(found[a]);
        }
    } else if (CHOOSE == MOSAIC) {
        for (var a = 0u; a < 4u; a++) {
            keys[a] = words(vec2<u32>(job.key_x, job.key_y), vec2<u32>(job.lane_x, job.lane_y), element(at, a));
        }
    } else {
        for (var a = 0u; a < 4u; a++) {
            keys[a] = vec4<u32>();
        }
    }
}

// γ, as +1, −1 or 0.
fn elected(at: Place) -> Tile {
    var sum = Tile();
    var size = Tile();
    for (var i = 0u; i < job.parts; i++) {
        let x = product(i, at);
        for (var a = 0u; a < 4u; a++) {
            let ballot = vote(i) * left(i, x[a], at, a);
            var counts = ballot;
            if (job.elect == COUNT || job.elect == UNWEIGHTED_COUNT) {
                counts = sign(ballot);
            }
            sum[a] += counts;
            size[a] += abs(counts);
        }
    }
    var gamma = Tile();
    for (var a = 0u; a < 4u; a++) {
        gamma[a] = select(sign(sum[a]), vec4<f32>(job.cancelled), abs(sum[a]) <= CANCELLED * size[a]);
    }
    return gamma;
}

// What an adapter's entries are multiplied by before they vote.
fn vote(i: u32) -> f32 {
    return select(1.0, parts[i].weight, job.elect == MASS || job.elect == COUNT);
}

// One number of those that have γ.
fn combined(at: Place) -> Tile {
    var gamma = Tile();
    if (ELECTS) {
        gamma = elected(at);
    }
    var m = Tile();
    var count = Tile();
    var alone = Tile();
    for (var i = 0u; i < job.parts; i++) {
        let x = product(i, at);
        let each = select(parts[i].weight, 1.0, job.combine == MEAN);
        for (var a = 0u; a < 4u; a++) {
            let h = left(i, x[a], at, a);
            let v = parts[i].weight * h;
            var takes = h != vec4<f32>();
            if (ELECTS) {
                let ballot = vote(i) * h;
                let positive = (ballot > vec4<f32>()) & (gamma[a] > vec4<f32>());
                takes = positive | ((ballot < vec4<f32>()) & (gamma[a] < vec4<f32>()));
            }
            if (job.combine == MAX) {
                m[a] = select(m[a], v, takes & (abs(v) > abs(m[a])));
            } else {
                m[a] += select(vec4<f32>(), v, takes);
            }
            count[a] += select(vec4<f32>(), vec4<f32>(each), takes);
            alone[a] += select(vec4<f32>(), vec4<f32>(parts[i].alone), takes);
        }
    }
    for (var a = 0u; a < 4u; a++) {
        if (job.combine == MEAN) {
            let one = (count[a] == vec4<f32>(1.0)) & vec4<bool>(job.lone != 0u);
            m[a] = select(m[a] / max(count[a], vec4<f32>(1.0)), m[a] * alone[a], one);
        } else if (job.combine == WEIGHTED) {
            let some = abs(count[a]) > vec4<f32>(1e-12);
            m[a] = select(m[a], m[a] / select(vec4<f32>(1.0), count[a], some), some);
        }
    }
    return m;
}

// The score of adapter `i`'s entries, in row `a` of the invocation's.
fn score(i: u32, own: vec4<f32>, sum: vec4<f32>) -> vec4<f32> {
    let range = parts[i].score;
    let clamped = min(max(abs(own), vec4<f32>(range.x)), vec4<f32>(range.y));
    var place = vec4<f32>();
    if (range.y > range.x) {
        place = (clamped - range.x) / (range.y - range.x);
    }
    // tanh of what is beyond this is ±1, and not a number on some devices.
    let pull = clamp(own * sum, vec4<f32>(-10.0), vec4<f32>(10.0));
    return exp(f32(job.parts) * place * place) * tanh(pull);
}

// The mean by scores.
fn scored(at: Place) -> Tile {
    let all = mass(at);
    var sum = Tile();
    var weight = Tile();
    for (var i = 0u; i < job.parts; i++) {
        let x = product(i, at);
        let range = parts[i].score;
        for (var a = 0u; a < 4u; a++) {
            let own = parts[i].weight * x[a];
            let clamped = min(max(abs(own), vec4<f32>(range.x)), vec4<f32>(range.y));
            var s = vec4<f32>();
            if (range.w > range.z) {
                let value = (score(i, own, all[a]) - range.z) / (range.w - range.z);
                s = clamp(value, vec4<f32>(), vec4<f32>(1.0));
            }
            sum[a] += sign(own) * clamped * s;
            weight[a] += s;
        }
    }
    for (var a = 0u; a < 4u; a++) {
        sum[a] /= max(weight[a], vec4<f32>(1e-12));
    }
    return sum;
}

// The masks that compare with what was combined.
fn held(at: Place, unmasked: Tile) -> Tile {
    var m = unmasked;
    masks = array<vec4<u32>, 4>();
    for (var i = 0u; i < job.parts; i++) {
        let x = product(i, at);
        for (var a = 0u; a < 4u; a++) {
            let own = parts[i].weight * x[a];
            let holds = abs(own) > job.factor * abs(m[a] - own);
            let asked = job.only >= job.parts || job.only == i;
            masks[a] += select(vec4<u32>(), vec4<u32>(1u), holds & vec4<bool>(asked));
        }
    }
    for (var a = 0u; a < 4u; a++) {
        m[a] = select(m[a], vec4<f32>(), masks[a] < vec4<u32>(job.least));
    }
    return m;
}

// M: the invocation's entries; 0 outside of it. All invocations of the workgroup call it together.
fn merged(at: Place) -> Tile {
    choose(at);
    var m = Tile();
    if (SCORES) {
        m = scored(at);
    } else {
        m = combined(at);
    }
    if (CHOOSE == HELD) {
        m = held(at, m);
    }
    for (var a = 0u; a < 4u; a++) {
        m[a] = select(vec4<f32>(), m[a] * job.scale, inside(at, a));
    }
    return m;
}
