//! Products of M with a thin panel, cut into parts that many workgroups make at once, and added up in a fixed order.

use super::job::Job;
use super::kernels::Kernel;
use super::run::{Run, Step, strips};
use super::upload::{BINDING, TILE};
use faer::Mat;

/// Workgroups that keep a large device busy.
const BUSY: usize = 512;

/// Most panels that are added up for one.
const CUTS: usize = 16;

/// Numbers that the panels of a range's product with M take, unless 64 rows take more: 32 MiB.
const PARTIAL: usize = BINDING / 4;

/// Products of M and one panel.
pub(super) struct Multiply {
    panel: wgpu::Buffer,
    /// vec4s in a row of the panel.
    pub wide: usize,
    /// Into how many panels a range's product is cut, tiles of each, and their room.
    cuts: usize,
    across: usize,
    parts: wgpu::Buffer,
    /// Sums of squares, and how many.
    pub squares: wgpu::Buffer,
    pub squared: usize,
    pipeline: usize,
    runs: usize,
}

impl Multiply {
    /// For ranges of at most `rows` rows; says of how many there is room for. A strip of tiles is cut in the same way however
    /// many there are at a time.
    pub fn new(run: &Run, x: &Mat<f32>, rows: usize) -> (Multiply, usize) {
        let (entries, wide) = (run.module.entries, x.ncols().div_ceil(4));
        let mut words = vec![0; x.nrows() * 4 * wide];
        for (i, row) in words.chunks_exact_mut(4 * wide.max(1)).enumerate() {
            (0..x.ncols()).for_each(|l| row[l] = x[(i, l)].to_bits());
        }
        let panel = run.storage("panel", words.len());
        run.device.write(&panel, &words);
        let tiles = run.tiles_across();
        let across = tiles.div_ceil(cuts(1, tiles, TILE * 4 * wide));
        let cuts = tiles.div_ceil(across);
        let rows = rows.min((PARTIAL / (cuts * 4 * wide).max(1) / TILE * TILE).max(TILE));
        let squared = cuts * entries.out().div_ceil(TILE);
        let (pipeline, runs) = Kernel::Multiply.over(x.ncols());
        let multiply = Multiply {
            panel,
            wide,
            cuts,
            across,
            parts: run.storage("parts of a product", cuts * rows * 4 * wide),
            squares: run.storage("squares", squared),
            squared,
            pipeline,
            runs: runs as usize,
        };
        (multiply, rows)
    }

    /// Multiplies a range of M with the panel, into `product` from the vec4 `into` on.
    pub fn steps<'b>(&'b self, job: Job, product: &'b wgpu::Buffer, into: usize) -> [Step<'b>; 2] {
        let job = Job { wide: self.wide as u32, across: self.across as u32, cuts: self.cuts as u32, ..job };
        let step = Step {
            job,
            pipeline: self.pipeline,
            read: Some(&self.panel),
            written: [Some(&self.parts), Some(&self.squares)],
            groups: [self.cuts, strips(&job), self.runs],
        };
        let rows = (job.end - job.row) as usize;
        [step, add(job, &self.parts, product, rows * self.wide, self.cuts, into)]
    }
}

/// Adds `panels` panels of `size` vec4s.
pub(super) fn add<'b>(
    job: Job,
    parts: &'b wgpu::Buffer,
    sum: &'b wgpu::Buffer,
    size: usize,
    panels: usize,
    into: usize,
) -> Step<'b> {
    let job = Job { size: size as u32, panels: panels as u32, into: into as u32, ..job };
    let groups = [size.div_ceil(256).clamp(1, 1024), 1, 1];
    Step { job, pipeline: Kernel::Add as usize, read: Some(parts), written: [Some(sum), None], groups }
}

/// Into how many panels of `words` numbers a product is cut, so that there is work for all: `strips` strips of `tiles`. The
/// order of summation follows, so it is asked of the module and never of a range.
pub(super) fn cuts(strips: usize, tiles: usize, words: usize) -> usize {
    let room = BINDING / words.max(1);
    BUSY.div_ceil(strips.max(1)).min(tiles).min(CUTS).min(room).max(1)
}
