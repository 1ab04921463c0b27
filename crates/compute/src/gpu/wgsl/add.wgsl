// Adds panels that stand one after the other, from the first.

const POOL: u32 = 512u;

@group(0) @binding(4) var<storage, read> panels: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read_write> sum: array<vec4<f32>>;

@compute @workgroup_size(256, 1, 1)
fn main(@builtin(global_invocation_id) at: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    for (var i = at.x; i < job.size; i += 256u * groups.x) {
        var all = vec4<f32>();
        for (var panel = 0u; panel < job.panels; panel++) {
            all += panels[panel * job.size + i];
        }
        sum[job.into + i] = all;
    }
}
