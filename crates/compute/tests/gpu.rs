//! The GPU's kernels: naga takes each of them, and what they compute is what the CPU does.

#![cfg(feature = "gpu")]
#![allow(clippy::unwrap_used, reason = "a test says no more by expecting")]

use rankweave_compute::gpu;

#[test]
fn every_shader_is_valid() {
    let shaders = gpu::shaders();
    assert_eq!(shaders.len(), 7);
    for shader in shaders {
        let module = naga::front::wgsl::parse_str(&shader.text)
            .unwrap_or_else(|error| panic!("{}: {}", shader.name, error.emit_to_string(&shader.text)));
        let (flags, capabilities) = (naga::valid::ValidationFlags::all(), naga::valid::Capabilities::empty());
        let info = naga::valid::Validator::new(flags, capabilities).validate(&module);
        info.unwrap_or_else(|error| panic!("{}: {}", shader.name, error.emit_to_string(&shader.text)));
        let mut layouter = naga::proc::Layouter::default();
        layouter.update(module.to_ctx()).unwrap();
        let shared = module.global_variables.iter().filter(|(_, of)| of.space == naga::AddressSpace::WorkGroup);
        let bytes: u32 = shared.map(|(_, of)| layouter[of.ty].size).sum();
        assert!(bytes <= 16 << 10, "{}: {bytes} bytes of workgroup memory", shader.name);
    }
}
