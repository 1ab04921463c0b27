// Z += Mᵀ·Y over some rows of M, of which Y (`panel`) are the same rows. A workgroup goes down some tiles of a strip of 64
// columns; each has a panel of its own to add to, which add.wgsl adds up. With n workgroups to a strip, the tiles of a panel
// are every nth of M, and what is there already is gone on with: so the order of summation is the same for any range.

@compute @workgroup_size(16, 16, 1)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_id) local: vec3<u32>,
) {
    let rows = job.end - job.row;
    let tiles = (rows + 63u) / 64u;
    let first = (group.x + groups.x - job.row / 64u % groups.x) % groups.x;
    if (first >= tiles) {
        return;
    }
    let column = 16u * CHUNKS * group.z;
    for (var a = 0u; a < 4u; a++) {
        let row = 64u * group.y + 4u * local.y + a;
        for (var j = 0u; j < CHUNKS; j++) {
            let source = column + 16u * j + local.x;
            if (row < job.columns && source < job.wide) {
                sums[4u * j + a] = product_of_panel[(group.x * job.columns + row) * job.wide + source];
            }
        }
    }
    for (var tile = first; tile < tiles; tile += groups.x) {
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
                product_of_panel[(group.x * job.columns + row) * job.wide + to] = sums[4u * j + a];
            }
        }
    }
}
