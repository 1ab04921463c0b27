// Y = M·X, and the squares of M. A workgroup goes along some tiles of a strip of 64 rows; what the strip's workgroups have
// stands in panels one after the other, which add.wgsl adds up.

@group(0) @binding(6) var<storage, read_write> squares: array<f32>;

@compute @workgroup_size(16, 16, 1)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let tiles = (job.columns + 63u) / 64u;
    let last = min((group.x + 1u) * job.across, tiles);
    let column = 16u * CHUNKS * group.z;
    var square = 0.0;
    for (var tile = group.x * job.across; tile < last; tile++) {
        let at = Place(job.row + 64u * group.y, 64u * tile, local.x, local.y);
        let m = merged(at);
        square += dot(m[0], m[0]) + dot(m[1], m[1]) + dot(m[2], m[2]) + dot(m[3], m[3]);
        for (var quarter = 0u; quarter < 4u; quarter++) {
            workgroupBarrier();
            if (at.x / 4u == quarter) {
                let to = 64u * (at.x % 4u) + at.y;
                pool[to] = vec4<f32>(m[0].x, m[1].x, m[2].x, m[3].x);
                pool[to + 16u] = vec4<f32>(m[0].y, m[1].y, m[2].y, m[3].y);
                pool[to + 32u] = vec4<f32>(m[0].z, m[1].z, m[2].z, m[3].z);
                pool[to + 48u] = vec4<f32>(m[0].w, m[1].w, m[2].w, m[3].w);
            }
            bring(at.column + 16u * quarter, job.columns, column, at);
            workgroupBarrier();
            meet(at);
        }
    }
    let rows = job.end - job.row;
    for (var a = 0u; a < 4u; a++) {
        let row = 64u * group.y + 4u * local.y + a;
        for (var j = 0u; j < CHUNKS; j++) {
            let to = column + 16u * j + local.x;
            if (row < rows && to < job.wide) {
                product_of_panel[(group.x * rows + row) * job.wide + to] = sums[4u * j + a];
            }
        }
    }
    let all = sum_of_all(vec4<f32>(square, 0.0, 0.0, 0.0), 16u * local.y + local.x);
    if (group.z == 0u && local.x + local.y == 0u) {
        squares[(job.row / 64u + group.y) * job.cuts + group.x] = all.x;
    }
}
