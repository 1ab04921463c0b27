//! The kernels: WGSL texts, put together, and what they are bound to. With `tile` goes `unpack`.
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
use super::job::Made;
use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::BTreeMap;

const TILE: &str = concat!(include_str!("wgsl/tile.wgsl"), include_str!("wgsl/unpack.wgsl"));
const RULE: &str = concat!(include_str!("wgsl/chance.wgsl"), include_str!("wgsl/rule.wgsl"));
const PANEL: &str = include_str!("wgsl/panel.wgsl");

/// A kernel's name and text.
#[derive(Clone, Debug)]
pub struct Shader {
    /// Its file, and how many columns of a panel are worked on at a time, by 64.
    pub name: &'static str,
    /// WGSL.
    pub text: String,
    /// How many of the constants of a rule it has to be given.
    constants: usize,
}

/// All kernels, as they are given to a device.
pub fn shaders() -> Vec<Shader> {
    let whole = |name, constants, own: &str| Shader { name, text: [TILE, RULE, own].concat(), constants };
    let panels = |name, chunks: &str, own: &str| {
        let chunks = format!("const CHUNKS: u32 = {chunks}u;\n");
        Shader { name, text: [&chunks, TILE, RULE, PANEL, own].concat(), constants: 3 }
    };
    let (multiply, transposed) = (include_str!("wgsl/multiply.wgsl"), include_str!("wgsl/transposed.wgsl"));
    vec![
        whole("count", 4, include_str!("wgsl/count.wgsl")),
        whole("sums", 3, include_str!("wgsl/sums.wgsl")),
        Shader { name: "add", text: [TILE, include_str!("wgsl/add.wgsl")].concat(), constants: 0 },
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

/// The kernels of a device, each compiled when it is first needed for a kind of rule.
pub(super) struct Kernels {
    layout: wgpu::BindGroupLayout,
    bound: wgpu::PipelineLayout,
    shaders: Vec<Shader>,
    made: RefCell<BTreeMap<(usize, Made), wgpu::ComputePipeline>>,
}

/// Whether each binding is written to; the first is the job.
const WRITTEN: [bool; 7] = [false, false, false, false, false, true, true];

impl Kernels {
    /// None of them is compiled yet.
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
        Kernels { layout, bound, shaders: shaders(), made: RefCell::default() }
    }

    /// Compiles a kernel. What is wrong with it is told to the device's error scopes.
    fn compile(&self, device: &Device, which: usize, made: Made) -> wgpu::ComputePipeline {
        let Shader { name, ref text, constants } = self.shaders[which];
        let source = wgpu::ShaderSource::Wgsl(Cow::Borrowed(text));
        let module = wgpu::ShaderModuleDescriptor { label: Some(name), source };
        let compilation_options = wgpu::PipelineCompilationOptions {
            constants: &made.constants()[..constants],
            ..wgpu::PipelineCompilationOptions::default()
        };
        device.device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: Some(name),
            layout: Some(&self.bound),
            module: &device.device.create_shader_module(module),
            entry_point: None,
            compilation_options,
            cache: None,
        })
    }

    /// Adds a run of shader `which`, for such rules, to `pass`, in `groups` workgroups. Answers whether it was compiled for
    /// it.
    pub fn run(
        &self,
        device: &Device,
        pass: &mut wgpu::ComputePass,
        (which, made): (usize, Made),
        buffers: [&wgpu::Buffer; WRITTEN.len()],
        groups: [u32; 3],
    ) -> bool {
        let mut entries = Vec::with_capacity(buffers.len());
        for (binding, buffer) in (0..).zip(buffers) {
            entries.push(wgpu::BindGroupEntry { binding, resource: buffer.as_entire_binding() });
        }
        let bound = device.device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: None,
            layout: &self.layout,
            entries: &entries,
        });
        let mut pipelines = self.made.borrow_mut();
        let known = pipelines.len();
        pass.set_pipeline(pipelines.entry((which, made)).or_insert_with(|| self.compile(device, which, made)));
        pass.set_bind_group(0, &bound, &[]);
        pass.dispatch_workgroups(groups[0], groups[1], groups[2]);
        pipelines.len() > known
    }
}
