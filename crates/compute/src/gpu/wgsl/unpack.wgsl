// Numbers of 16 bits, as pack.rs packs them: the exact ones, by integer operations. (WGSL's own unpacking may make zeros of
// what is below 2⁻¹⁴.)

const F32: u32 = 0u;
const F16: u32 = 1u;
const BF16: u32 = 2u;

// 2⁻²⁴, the smallest of F16.
const TINY: f32 = 1.0 / 16777216.0;

// In which vec4 of words the numbers 4·four, … stand.
fn place(four: u32, format: u32) -> u32 {
    return select(four / 2u, four, format == F32);
}

// The four numbers, of that vec4.
fn unpacked(words: vec4<u32>, four: u32, format: u32) -> vec4<f32> {
    if (format == F32) {
        return bitcast<vec4<f32>>(words);
    }
    let pair = select(words.xy, words.zw, four % 2u == 1u);
    let bits = vec4<u32>(pair.x, pair.x >> 16u, pair.y, pair.y >> 16u) & vec4<u32>(0xffffu);
    if (format == BF16) {
        return bitcast<vec4<f32>>(bits << vec4<u32>(16u));
    }
    let size = bits & vec4<u32>(0x7fffu);
    let normal = (size << vec4<u32>(13u)) + vec4<u32>(112u << 23u);
    let small = bitcast<vec4<u32>>(vec4<f32>(size) * TINY);
    let sign = (bits & vec4<u32>(0x8000u)) << vec4<u32>(16u);
    return bitcast<vec4<f32>>(select(normal, small, size < vec4<u32>(0x400u)) | sign);
}
