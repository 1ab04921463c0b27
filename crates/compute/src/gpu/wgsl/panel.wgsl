// A tile of M, or of Mᵀ, times a thin panel. The tile stays in registers; a quarter of it at a time goes through the upper
// half of `pool` with what it meets of the panel. CHUNKS·64 columns of the panel are worked on at a time.

const POOL: u32 = 256u + 256u * CHUNKS;

@group(0) @binding(4) var<storage, read> panel: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read_write> product_of_panel: array<vec4<f32>>;

var<private> sums: array<vec4<f32>, 4u * CHUNKS>;

// Sixteen rows of the panel from `row` on, of which there are `rows`, into the pool.
fn bring(row: u32, rows: u32, column: u32, at: Place) {
    for (var j = 0u; j < CHUNKS; j++) {
        let source = column + 16u * j + at.x;
        var value = vec4<f32>();
        if (row + at.y < rows && source < job.wide) {
            value = panel[(row + at.y) * job.wide + source];
        }
        pool[256u + 256u * j + 16u * at.y + at.x] = value;
    }
}

// Adds what sixteen rows of the panel and the quarter of the tile make.
fn meet(at: Place) {
    for (var k = 0u; k < 16u; k++) {
        let b = pool[16u * k + at.y];
        for (var j = 0u; j < CHUNKS; j++) {
            let a = pool[256u + 256u * j + 16u * k + at.x];
            sums[4u * j] += b.x * a;
            sums[4u * j + 1u] += b.y * a;
            sums[4u * j + 2u] += b.z * a;
            sums[4u * j + 3u] += b.w * a;
        }
    }
}
