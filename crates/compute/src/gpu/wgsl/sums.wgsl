// The numbers of entries/sums.rs, for one tile a workgroup; the CPU adds them up in f64. Counts are exact: a tile has 4096
// entries.
//
//   vec4s of a tile: (‖M‖², conflicts, against, sizes), (held by 0, 1, more, entries),
//                    then by part (size, left, kept, alone), (inner, agreed, 0, 0)

const POOL: u32 = 512u;

@group(0) @binding(5) var<storage, read_write> found: array<vec4<f32>>;

fn ones(which: vec4<bool>) -> vec4<f32> {
    return select(vec4<f32>(), vec4<f32>(1.0), which);
}

// Σ of the four.
fn across(x: vec4<f32>) -> f32 {
    return dot(x, vec4<f32>(1.0));
}

@compute @workgroup_size(16, 16, 1)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_id) local: vec3<u32>,
) {
    let at = Place(job.row + 64u * group.y, 64u * group.x, local.x, local.y);
    let first = (job.into + group.y * groups.x + group.x) * (2u + 2u * job.parts);
    let index = 16u * local.y + local.x;
    let m = merged(at);
    var positive = Tile();
    var negative = Tile();
    var count = Tile();
    for (var i = 0u; i < job.parts; i++) {
        let x = product(i, at);
        for (var a = 0u; a < 4u; a++) {
            let h = left(i, x[a], at, a);
            let v = parts[i].weight * h;
            positive[a] += max(v, vec4<f32>());
            negative[a] += max(-v, vec4<f32>());
            count[a] += ones(h != vec4<f32>());
        }
    }
    var totals = vec4<f32>();
    var holders = vec4<f32>();
    for (var a = 0u; a < 4u; a++) {
        let within = inside(at, a);
        let smaller = min(positive[a], negative[a]);
        totals += vec4<f32>(
            dot(m[a], m[a]),
            across(ones(smaller > vec4<f32>())),
            across(smaller),
            across(positive[a] + negative[a]),
        );
        var by = count[a];
        if (CHOOSE == HELD) {
            by = vec4<f32>(masks[a]);
        }
        let none = across(ones((by == vec4<f32>()) & within));
        let one = across(ones((by == vec4<f32>(1.0)) & within));
        let all = across(ones(within));
        holders += vec4<f32>(none, one, all - none - one, all);
    }
    totals = sum_of_all(totals, index);
    holders = sum_of_all(holders, index);
    if (index == 0u) {
        found[first] = totals;
        found[first + 1u] = holders;
    }
    for (var i = 0u; i < job.parts; i++) {
        let x = product(i, at);
        var own = vec4<f32>();
        var both = vec4<f32>();
        for (var a = 0u; a < 4u; a++) {
            let h = left(i, x[a], at, a);
            let some = h != vec4<f32>();
            let pulls = parts[i].weight * x[a];
            let agree = ((pulls > vec4<f32>()) & (m[a] > vec4<f32>())) | ((pulls < vec4<f32>()) & (m[a] < vec4<f32>()));
            own += vec4<f32>(
                across(abs(x[a])),
                across(select(vec4<f32>(), abs(h / parts[i].gain), some)),
                across(ones(some)),
                across(ones(some & (count[a] == vec4<f32>(1.0)))),
            );
            both += vec4<f32>(dot(x[a], m[a]), across(select(vec4<f32>(), abs(m[a]), agree)), 0.0, 0.0);
        }
        own = sum_of_all(own, index);
        both = sum_of_all(both, index);
        if (index == 0u) {
            found[first + 2u + 2u * i] = own;
            found[first + 3u + 2u * i] = both;
        }
    }
}
