// How many keys of a target are in which bin: the exact radix of entries/radix.rs. A workgroup goes along a strip of
// tiles with bins of its own, and adds them to all once. Integers: the order plays no role.

const POOL: u32 = 512u;
override COUNTED: u32;

const MAGNITUDE: u32 = 0u;
const VARIANCE: u32 = 1u;

struct Target {
    part: u32,
    above: u32,
}

@group(0) @binding(4) var<storage, read> targets: array<Target>;
@group(0) @binding(5) var<storage, read_write> counts: array<atomic<u32>>;

var<workgroup> bins: array<atomic<u32>, 2048>;

// The score's key: ordered as the numbers are.
fn ordered(x: vec4<f32>) -> vec4<u32> {
    let bits = bitcast<vec4<u32>>(x);
    return select(bits | vec4<u32>(0x80000000u), ~bits, bits >= vec4<u32>(0x80000000u));
}

fn tally(key: u32, above: u32) {
    // Nothing is above the first level's.
    var own = 0u;
    if (job.shift + job.width < 32u) {
        own = key >> (job.shift + job.width);
    }
    if (own == above) {
        atomicAdd(&bins[(key >> job.shift) & ((1u << job.width) - 1u)], 1u);
    }
}

@compute @workgroup_size(16, 16, 1)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let part = targets[group.z].part;
    let above = targets[group.z].above;
    let tiles = (job.columns + 63u) / 64u;
    let last = min((group.x + 1u) * job.across, tiles);
    for (var tile = group.x * job.across; tile < last; tile++) {
        let at = Place(job.row + 64u * group.y, 64u * tile, local.x, local.y);
        var values = Tile();
        if (COUNTED == VARIANCE) {
            values = variance(at);
        } else if (COUNTED == MAGNITUDE) {
            values = product(part, at);
        } else {
            let all = mass(at);
            values = product(part, at);
            for (var a = 0u; a < 4u; a++) {
                values[a] = score(part, parts[part].weight * values[a], all[a]);
            }
        }
        for (var a = 0u; a < 4u; a++) {
            var key = magnitude(values[a]);
            if (COUNTED > VARIANCE) {
                key = ordered(values[a]);
            }
            let counts = inside(at, a);
            if (counts.x) { tally(key.x, above); }
            if (counts.y) { tally(key.y, above); }
            if (counts.z) { tally(key.z, above); }
            if (counts.w) { tally(key.w, above); }
        }
    }
    workgroupBarrier();
    let size = 1u << job.width;
    for (var bin = 16u * local.y + local.x; bin < size; bin += 256u) {
        let found = atomicLoad(&bins[bin]);
        if (found > 0u) {
            atomicAdd(&counts[group.z * size + bin], found);
        }
    }
}
