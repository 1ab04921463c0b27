// One tile, 64×64 entries, of ΔWᵢ = sᵢ·Bᵢ·Aᵢ. A workgroup has 16×16 invocations, each with 4×4 entries of the tile in
// registers; 16 rows of Bᵢᵀ and of Aᵢ at a time go through `pool`, which each kernel has of its own size.
//
//   ups    Bᵢᵀ, rank × rows of the slab, in fours of rows     (the rows that are on the device at a time)
//   downs  Aᵢ, rank × columns, in fours of columns
//
// A four is a vec4 of words, or half of one, as the format says (unpack.wgsl). It is unpacked, and Bᵢ multiplied by sᵢ, on
// the way into `pool`: what is done for every product knows of neither.

struct Job {
    // Of M.
    rows: u32,
    columns: u32,
    // First row worked on, and first row of the slab; multiples of 64.
    row: u32,
    slab: u32,
    // One past the last row worked on.
    end: u32,
    // Fours in a row of Bᵢᵀ, of Aᵢ, and of the thin panel.
    up_stride: u32,
    down_stride: u32,
    wide: u32,
    parts: u32,
    // Tiles a workgroup goes along; into how many workgroups a strip of tiles is cut for M·X.
    across: u32,
    cuts: u32,
    // The rule's.
    elect: u32,
    cancelled: f32,
    combine: u32,
    lone: u32,
    least: u32,
    only: u32,
    factor: f32,
    scale: f32,
    // Chance for the whole position.
    key_x: u32,
    key_y: u32,
    lane_x: u32,
    lane_y: u32,
    // Which bits of a key are counted.
    shift: u32,
    width: u32,
    // What is added up: how many vec4s, of how many panels, and where they go.
    size: u32,
    panels: u32,
    into: u32,
    unused_0: u32,
    unused_1: u32,
    unused_2: u32,
    unused_3: u32,
}

struct Part {
    // Where Bᵢᵀ and Aᵢ begin, in vec4s of words, and their formats.
    up: u32,
    down: u32,
    up_format: u32,
    down_format: u32,
    rank: u32,
    // sᵢ.
    scale: f32,
    weight: f32,
    // Bits of |x| that stay.
    least: u32,
    below: u32,
    gain: f32,
    alone: f32,
    // Entries whose word is below go.
    chance: u32,
    // The position is this part's where its key is from `low` up to `high`.
    low: u32,
    high: u32,
    unused_0: u32,
    unused_1: u32,
    key: vec2<u32>,
    lane: vec2<u32>,
    // low, high, floor and top of its score.
    score: vec4<f32>,
}

alias Tile = array<vec4<f32>, 4>;

// First row and column of a tile, and the invocation's place in it.
struct Place {
    row: u32,
    column: u32,
    x: u32,
    y: u32,
}

@group(0) @binding(0) var<uniform> job: Job;
@group(0) @binding(1) var<storage, read> ups: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> downs: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read> parts: array<Part>;

var<workgroup> pool: array<vec4<f32>, POOL>;

// xᵢ: the invocation's entries of ΔWᵢ, row by row; 0 outside of M. All invocations of the workgroup call it together.
fn product(i: u32, at: Place) -> Tile {
    var x0 = vec4<f32>();
    var x1 = vec4<f32>();
    var x2 = vec4<f32>();
    var x3 = vec4<f32>();
    let rank = parts[i].rank;
    let row = (at.row - job.slab) / 4u + at.x;
    let column = at.column / 4u + at.x;
    for (var first = 0u; first < rank; first += 16u) {
        let k = first + at.y;
        var b = vec4<f32>();
        var a = vec4<f32>();
        if (k < rank && row < job.up_stride) {
            let four = k * job.up_stride + row;
            let words = ups[parts[i].up + place(four, parts[i].up_format)];
            b = unpacked(words, four, parts[i].up_format) * parts[i].scale;
        }
        if (k < rank && column < job.down_stride) {
            let four = k * job.down_stride + column;
            a = unpacked(downs[parts[i].down + place(four, parts[i].down_format)], four, parts[i].down_format);
        }
        workgroupBarrier();
        pool[at.y * 16u + at.x] = b;
        pool[256u + at.y * 16u + at.x] = a;
        workgroupBarrier();
        let steps = min(16u, rank - first);
        for (var k = 0u; k < steps; k++) {
            let b = pool[k * 16u + at.y];
            let a = pool[256u + k * 16u + at.x];
            x0 += b.x * a;
            x1 += b.y * a;
            x2 += b.z * a;
            x3 += b.w * a;
        }
    }
    return Tile(x0, x1, x2, x3);
}

// Which of the four entries from row `a` of the invocation's on are inside M.
fn inside(at: Place, a: u32) -> vec4<bool> {
    let columns = vec4<u32>(0u, 1u, 2u, 3u) + at.column + 4u * at.x;
    return (columns < vec4<u32>(job.columns)) & vec4<bool>(at.row + 4u * at.y + a < job.end);
}

// Σ over the workgroup, in a tree; to all invocations.
fn sum_of_all(value: vec4<f32>, local: u32) -> vec4<f32> {
    workgroupBarrier();
    pool[local] = value;
    workgroupBarrier();
    for (var half = 128u; half > 0u; half >>= 1u) {
        if (local < half) {
            pool[local] += pool[local + half];
        }
        workgroupBarrier();
    }
    return pool[0];
}
