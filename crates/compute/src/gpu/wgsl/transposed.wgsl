// Z += Mᵀ·Y over some rows of M, of which Y (`panel`) are the same rows. A workgroup goes down some tiles of a strip of 64
// columns; each has a panel of its own to add to, which add.wgsl adds up.

@compute @workgroup_size(16, 16, 1)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let rows = job.end - job.row;
    let tiles = (rows + 63u) / 64u;
    let last = min((group.x + 1u) * job.down, tiles);
    let column = 16u * CHUNKS * group.z;
    for (var tile = group.x * job.down; tile < last; tile++) {
        let at = Place(job.row + 64u * tile, 64u * group.y, local.x, local.y);
        let m = merged(at);
        for (var quarter = 0u; quarter < 4u; quarter++) {
            workgroupBarrier();
            if (at.y / 4u == quarter) {
                let to = 64u * (at.y % 4u) + at.x;
                pool[to] = m[0];
                pool[to + 16u] = m[1];
                pool[to + 32u] = m[2];
                pool[to + 48u] = m[3];
            }
            bring(64u * tile + 16u * quarter, rows, column, at);
            workgroupBarrier();
            meet(at);
        }
    }
    for (var a = 0u; a < 4u; a++) {
        let row = 64u * group.y + 4u * local.y + a;
        for (var j = 0u; j < CHUNKS; j++) {
            let to = column + 16u * j + local.x;
            if (row < job.columns && to < job.wide) {
                product_of_panel[(group.x * job.columns + row) * job.wide + to] += sums[4u * j + a];
            }
        }
    }
}
