//! The kernels: WGSL texts, put together, and what they are bound to.
//!
//! | kernel | made of | does |
//! |---|---|---|
//! | `count` | tile, chance, rule | keys → bins |
//! | `multiply` | tile, chance, rule, panel | Y = M·X, ‖M‖² |
//! | `transposed` | tile, chance, rule, panel | Z = Mᵀ·Y |
//! | `sums` | tile, chance, rule | the numbers of [`crate::entries::Sums`] |
//! | `add` | tile | panels added up |
//!
//! All have one layout of bindings: 0 the job, 1 and 2 the factors, 3 the parts, 4 what is read, 5 and 6 what is written.

use super::device::Device;
use std::borrow::Cow;

const TILE: &str = include_str!("wgsl/tile.wgsl");
const RULE: &str = concat!(include_str!("wgsl/chance.wgsl"), include_str!("wgsl/rule.wgsl"));
const PANEL: &str = include_str!("wgsl/panel.wgsl");

/// A kernel's name and text.
#[derive(Clone, Debug)]
pub struct Shader {
    /// Its file, and in how many columns of 64 a panel is worked on.
    pub name: &'static str,
    /// WGSL.
    pub text: String,
}

/// All kernels, as they are given to a device.
pub fn shaders() -> Vec<Shader> {
    let whole = |name, own: &str| Shader { name, text: [TILE, RULE, own].concat() };
    let panels = |name, chunks: &str, own: &str| {
        let chunks = format!("const CHUNKS: u32 = {chunks}u;\n");
        Shader { name, text: [&chunks, TILE, RULE, PANEL, own].concat() }
    };
    let (multiply, transposed) = (include_str!("wgsl/multiply.wgsl"), include_str!("wgsl/transposed.wgsl"));
    vec![
        whole("count", include_str!("wgsl/count.wgsl")),
        whole("sums", include_str!("wgsl/sums.wgsl")),
        Shader { name: "add", text: [TILE, include_str!("wgsl/add.wgsl")].concat() },
        panels("multiply 1", "1", multiply),
        panels("multiply 2", "2", multiply),
        panels("transposed 1", "1", transposed),
        panels("transposed 2", "2", transposed),
    ]
}

/// A kernel, in the order of [`shaders`].
#[derive(Clone, Copy, Debug)]
pub(super) enum Kernel {
    Count = 0,
    Sums = 1,
    Add = 2,
    Multiply = 3,
    Transposed = 5,
}

/// Columns of a panel that one run of [`Kernel::Multiply`] works on, and the most that one is made for.
const CHUNK: usize = 64;

impl Kernel {
    /// Which pipeline does it for a panel of `columns` columns, and how often it has to be run.
    pub fn over(self, columns: usize) -> (usize, u32) {
        let chunks = columns.div_ceil(CHUNK);
        let both = usize::from(chunks > 1);
        (self as usize + both, chunks.div_ceil(1 + both) as u32)
    }
}

/// The kernels of a device.
pub(super) struct Kernels {
    layout: wgpu::BindGroupLayout,
    pipelines: Vec<wgpu::ComputePipeline>,
}

/// Whether each binding is written to; the first is the job.
const WRITTEN: [bool; 7] = [false, false, false, false, false, true, true];

impl Kernels {
    /// Compiles all of them. What is wrong is told to the device's error scopes.
    pub fn new(device: &Device) -> Kernels {
        let device = &device.device;
        let entry = |(binding, written): (usize, &bool)| wgpu::BindGroupLayoutEntry {
            binding: binding as u32,
            visibility: wgpu::ShaderStages::COMPUTE,
            ty: wgpu::BindingType::Buffer {
                ty: match binding {
                    0 => wgpu::BufferBindingType::Uniform,
                    _ => wgpu::BufferBindingType::Storage { read_only: !written },
                },
                has_dynamic_offset: false,
                min_binding_size: None,
            },
            count: None,
        };
        let entries: Vec<_> = WRITTEN.iter().enumerate().map(entry).collect();
        let layout =
            device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor { label: None, entries: &entries });
        let bound = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label: None,
            bind_group_layouts: &[Some(&layout)],
            ..wgpu::PipelineLayoutDescriptor::default()
        });
        let pipeline = |shader: Shader| {
            let source = wgpu::ShaderSource::Wgsl(Cow::Owned(shader.text));
            let descriptor = wgpu::ShaderModuleDescriptor { label: Some(shader.name), source };
            device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
                label: Some(shader.name),
                layout: Some(&bound),
                module: &device.create_shader_module(descriptor),
                entry_point: None,
                compilation_options: wgpu::PipelineCompilationOptions::default(),
                cache: None,
            })
        };
        Kernels { pipelines: shaders().into_iter().map(pipeline).collect(), layout }
    }

    /// Adds a run of pipeline `which` to `pass`, in `groups` workgroups.
    pub fn run(
        &self,
        device: &Device,
        pass: &mut wgpu::ComputePass,
        which: usize,
        buffers: [&wgpu::Buffer; WRITTEN.len()],
        groups: [u32; 3],
    ) {
        let mut entries = Vec::with_capacity(buffers.len());
        for (binding, buffer) in (0..).zip(buffers) {
            entries.push(wgpu::BindGroupEntry { binding, resource: buffer.as_entire_binding() });
        }
        let bound = device.device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: None,
            layout: &self.layout,
            entries: &entries,
        });
        pass.set_pipeline(&self.pipelines[which]);
        pass.set_bind_group(0, &bound, &[]);
        pass.dispatch_workgroups(groups[0], groups[1], groups[2]);
    }
}
