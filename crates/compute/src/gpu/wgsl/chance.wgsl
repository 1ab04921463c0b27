// Philox4x32-10, bit for bit the CPU's (rng.rs): word r·columns + c of a stream belongs to entry (r, c).

// Low and high half of a·b, by halves of 16 bits.
fn wide(a: u32, b: u32) -> vec2<u32> {
    let low = (a & 0xffffu) * (b & 0xffffu);
    let left = (a >> 16u) * (b & 0xffffu);
    let right = (a & 0xffffu) * (b >> 16u);
    let middle = (low >> 16u) + (left & 0xffffu) + (right & 0xffffu);
    let high = (a >> 16u) * (b >> 16u) + (left >> 16u) + (right >> 16u) + (middle >> 16u);
    return vec2<u32>((low & 0xffffu) | (middle << 16u), high);
}

fn philox(block: u32, lane: vec2<u32>, seed: vec2<u32>) -> vec4<u32> {
    var counter = vec4<u32>(block, 0u, lane);
    var key = seed;
    for (var round = 0u; round < 10u; round++) {
        let first = wide(0xD2511F53u, counter.x);
        let second = wide(0xCD9E8D57u, counter.z);
        counter = vec4<u32>(second.y ^ counter.y ^ key.x, second.x, first.y ^ counter.w ^ key.y, first.x);
        key += vec2<u32>(0x9E3779B9u, 0xBB67AE85u);
    }
    return counter;
}

// Four words from `element` on.
fn words(key: vec2<u32>, lane: vec2<u32>, element: u32) -> vec4<u32> {
    let a = philox(element / 4u, lane, key);
    let shift = element % 4u;
    if (shift == 0u) {
        return a;
    }
    let b = philox(element / 4u + 1u, lane, key);
    if (shift == 1u) {
        return vec4<u32>(a.yzw, b.x);
    }
    if (shift == 2u) {
        return vec4<u32>(a.zw, b.xy);
    }
    return vec4<u32>(a.w, b.xyz);
}
