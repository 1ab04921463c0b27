//! What is asked of a backend, as runs of the kernels.

use super::Gpu;
use super::device::Device;
use super::job::{Job, Made};
use super::kernels::{Kernel, Kernels};
use super::multiply::{Multiply, add, cuts};
use super::pace::Pace;
use super::upload::{Module, TILE, ranks, sums_words};
use crate::Error;
use crate::entries::{Combine, Drop, Entries, Key, Powered, Sums, Target, radix};
use faer::Mat;
use wgpu::BufferUsages as Usages;

/// What one word of chance costs, in operations.
const CHANCE: usize = 100;

/// Tiles that one workgroup of `count` goes along.
const STRIP: u32 = 8;

/// One call of a backend's function.
pub(super) struct Run<'a> {
    pub device: &'a Device,
    pub kernels: &'a Kernels,
    pace: &'a Pace,
    pub module: Module<'a>,
    made: Made,
}

/// One step of a submission.
#[derive(Clone)]
pub(super) struct Step<'b> {
    pub job: Job,
    pub pipeline: usize,
    /// Bindings 4, 5 and 6.
    pub read: Option<&'b wgpu::Buffer>,
    pub written: [Option<&'b wgpu::Buffer>; 2],
    pub groups: [usize; 3],
}

impl<'a> Run<'a> {
    /// One that works on these, and counts such keys if it counts.
    pub fn new(gpu: &'a Gpu, entries: Entries<'a>, counted: Option<Key>) -> Run<'a> {
        let Gpu { device, kernels, pace } = gpu;
        pace.begins();
        Run { device, kernels, pace, module: Module::new(device, entries), made: Made::new(entries.rule, counted) }
    }

    pub async fn count(&self, key: Key, level: usize, targets: &[Target]) -> Result<Vec<f64>, Error> {
        let entries = self.module.entries;
        let all = targets.len() * radix::bins(level);
        if all == 0 || key == Key::Score && !matches!(entries.rule.combine, Combine::Scored(_)) {
            return Ok(vec![0.0; all]);
        }
        let words: Vec<u32> = targets.iter().flat_map(|target| [target.part as u32, target.above]).collect();
        let asked = self.storage("targets", words.len());
        self.device.write(&asked, &words);
        let counts = self.storage("counts", all);
        let per_target = match key {
            Key::Magnitude => 2 * ranks(entries) / entries.pairs.len().max(1),
            Key::Variance | Key::Score => 4 * ranks(entries),
        };
        let work = per_target * targets.len();
        let (width, shift) = radix::LEVELS[level];
        let across = self.tiles_across().div_ceil(STRIP as usize);
        self.module.each(self.device, self.rows(work), |mut job| {
            (job.across, job.shift, job.width) = (STRIP, shift, width);
            let groups = [across, strips(&job), targets.len()];
            let pipeline = Kernel::Count as usize;
            self.submit(&[Step { job, pipeline, read: Some(&asked), written: [Some(&counts), None], groups }], work);
            Ok(())
        })?;
        Ok(self.read(&counts, all).await?.into_iter().map(f64::from).collect())
    }

    /// M·`x`.
    pub async fn times(&self, x: &Mat<f32>) -> Result<Mat<f32>, Error> {
        let (work, q) = (self.work(x.ncols(), 1), x.ncols());
        let (multiply, rows) = Multiply::new(self, x, self.rows(work));
        let product = self.storage("product", self.module.entries.out() * 4 * multiply.wide);
        self.module.each(self.device, rows, |job| {
            let into = job.row as usize * multiply.wide;
            self.submit(&multiply.steps(job, &product, into), work);
            Ok(())
        })?;
        self.panel(&product, self.module.entries.out(), q).await
    }

    pub async fn power(&self, x: &Mat<f32>) -> Result<Powered, Error> {
        let (columns, q) = (self.module.entries.columns(), x.ncols());
        let work = self.work(q, 2);
        let (multiply, rows) = Multiply::new(self, x, self.rows(work));
        let seen = self.storage("seen", rows * 4 * multiply.wide);
        let strips = self.module.entries.out().div_ceil(TILE);
        let panels = cuts(self.tiles_across(), strips, columns * 4 * multiply.wide);
        let parts = self.storage("parts of the product", panels * columns * 4 * multiply.wide);
        let (pipeline, runs) = Kernel::Transposed.over(q);
        self.module.each(self.device, rows, |job| {
            let mut steps = multiply.steps(job, &seen, 0).to_vec();
            let job = Job { wide: multiply.wide as u32, ..job };
            let groups = [panels, self.tiles_across(), runs as usize];
            steps.push(Step { job, pipeline, read: Some(&seen), written: [Some(&parts), None], groups });
            self.submit(&steps, work);
            Ok(())
        })?;
        let product = self.storage("product", columns * 4 * multiply.wide);
        self.submit(&[add(self.module.job, &parts, &product, columns * multiply.wide, panels, 0)], 0);
        let z = self.panel(&product, columns, q).await?;
        let squares = self.read(&multiply.squares, multiply.squared).await?;
        Ok(Powered { z, total: squares.into_iter().map(|x| f64::from(f32::from_bits(x))).sum() })
    }

    pub async fn sums(&self) -> Result<Sums, Error> {
        let (entries, across) = (self.module.entries, self.tiles_across());
        let words = sums_words(entries.pairs.len());
        let all = words * across * entries.out().div_ceil(TILE);
        let found = self.storage("sums", all);
        let work = self.work(0, 3);
        self.module.each(self.device, self.rows(work), |mut job| {
            job.into = job.row / TILE as u32 * across as u32;
            let (pipeline, written) = (Kernel::Sums as usize, [Some(&found), None]);
            self.submit(&[Step { job, pipeline, read: None, written, groups: [across, strips(&job), 1] }], work);
            Ok(())
        })?;
        let mut sums = Sums::new(entries.pairs.len());
        let found = self.read(&found, all).await?;
        found.chunks_exact(words).for_each(|tile| add_tile(&mut sums, tile));
        Ok(sums)
    }

    pub fn storage(&self, label: &str, words: usize) -> wgpu::Buffer {
        self.device.buffer(label, words.max(4), Usages::STORAGE | Usages::COPY_SRC)
    }

    /// Tiles side by side.
    pub fn tiles_across(&self) -> usize {
        self.module.entries.columns().div_ceil(TILE)
    }

    /// Operations per entry where M is made `times` times, and multiplied with panels of `q` columns.
    fn work(&self, q: usize, times: usize) -> usize {
        let entries = self.module.entries;
        let chances = entries.rule.parts.iter().filter(|part| part.drop != Drop::None).count();
        times * (self.made.passes() * (2 * ranks(entries) + CHANCE * chances) + 2 * q)
    }

    /// Rows of a range, at `work` operations per entry.
    fn rows(&self, work: usize) -> usize {
        self.module.rows(self.pace.budget(), work)
    }

    /// Submits steps on a range, one after the other, that do `work` operations per entry.
    fn submit(&self, steps: &[Step], work: usize) {
        let rows = steps.first().map_or(0, |step| step.job.end - step.job.row);
        self.pace.submits(work as f64 * f64::from(rows) * self.module.entries.columns() as f64);
        let mut encoder = self.device.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
        let module = &self.module;
        for step in steps {
            let words = step.job.words();
            let job = self.device.buffer("job", words.len(), Usages::UNIFORM);
            self.device.write(&job, &words);
            let [unread, unwritten, also] = &module.spare;
            let buffers = [
                &job,
                &module.ups,
                &module.downs,
                &module.parts,
                step.read.unwrap_or(unread),
                step.written[0].unwrap_or(unwritten),
                step.written[1].unwrap_or(also),
            ];
            let groups = step.groups.map(|groups| groups as u32);
            if self.kernels.run(self.device, &mut pass, (step.pipeline, self.made), buffers, groups) {
                self.pace.compiles();
            }
        }
        drop(pass);
        self.device.queue.submit([encoder.finish()]);
    }

    /// What is in `buffer` once all that was submitted is done.
    async fn read(&self, buffer: &wgpu::Buffer, words: usize) -> Result<Vec<u32>, Error> {
        let read = self.device.read(buffer, words).await;
        self.pace.waited();
        read
    }

    /// The panel of `rows` rows and `q` columns that stands in `buffer`.
    async fn panel(&self, buffer: &wgpu::Buffer, rows: usize, q: usize) -> Result<Mat<f32>, Error> {
        let stride = q.next_multiple_of(4);
        let words = self.read(buffer, rows * stride).await?;
        Ok(Mat::from_fn(rows, q, |i, l| f32::from_bits(words[i * stride + l])))
    }
}

/// Strips of tiles in a range.
pub(super) fn strips(job: &Job) -> usize {
    (job.end - job.row).div_ceil(TILE as u32) as usize
}

/// Adds the numbers of one tile.
fn add_tile(sums: &mut Sums, tile: &[u32]) {
    let at = |i: usize| f64::from(f32::from_bits(tile[i]));
    sums.total += at(0);
    sums.conflicts += at(1);
    sums.against += at(2);
    sums.sizes += at(3);
    (0..3).for_each(|i| sums.held[i] += at(4 + i));
    sums.entries += at(7);
    for (i, part) in sums.parts.iter_mut().enumerate() {
        let own = 8 * (i + 1);
        part.size += at(own);
        part.left += at(own + 1);
        part.kept += at(own + 2);
        part.alone += at(own + 3);
        part.inner += at(own + 4);
        part.agreed += at(own + 5);
        part.squares += at(own + 6);
    }
}
