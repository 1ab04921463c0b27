//! A module on the device: its factors, its parts, and the ranges of rows that are worked on at a time.
//!
//! Aᵢ is there whole, Bᵢ a slab of rows at a time, so that no binding is larger than every device can have. Both stand
//! rank by rank, rows and columns filled up with zeros to whole fours, and each in its own format (`pack.rs`): a four is
//! one vec4 of words, or half of one.

use super::device::Device;
use super::job::{Job, part_words};
use super::pack::Format;
use crate::Error;
use crate::entries::Entries;
use std::ops::Range;

/// Rows and columns of a tile.
pub(super) const TILE: usize = 64;

/// Words that one binding may hold: 128 MiB.
pub(super) const BINDING: usize = (128 << 20) / 4;

/// Numbers of Bᵢ that are on the device at a time.
const SLAB: usize = (4 << 20) / 4;

/// Workgroups of one dispatch in one direction.
const GROUPS: usize = 65_535;

/// Where a factor stands among those of its kind.
#[derive(Clone, Copy)]
pub(super) struct Placed {
    /// The first vec4 of words.
    pub at: usize,
    pub format: Format,
}

/// A module's factors and parts.
pub(super) struct Module<'a> {
    pub entries: Entries<'a>,
    /// What is the same for all runs.
    pub job: Job,
    pub ups: wgpu::Buffer,
    pub downs: wgpu::Buffer,
    pub parts: wgpu::Buffer,
    /// Bound where a kernel has no use for a binding: one that is read, two that are written.
    pub spare: [wgpu::Buffer; 3],
    /// Where every Bᵢ stands.
    placed: Vec<Placed>,
    /// Words of all.
    up_words: usize,
    /// Rows of a slab.
    slab: usize,
}

/// Σ rᵢ.
pub(super) fn ranks(entries: Entries) -> usize {
    entries.pairs.iter().map(|pair| pair.rank).sum()
}

/// Whether the module fits the bindings and indices of the kernels, in whichever formats its factors are: packed they take
/// less.
pub(super) fn fits(entries: Entries) -> bool {
    let (out, columns, parts) = (entries.out(), entries.columns(), entries.pairs.len());
    let (across, down) = (columns.div_ceil(TILE), out.div_ceil(TILE));
    let words = |per: usize, count: usize| per.checked_mul(count).is_some_and(|words| words <= BINDING);
    (1..=GROUPS).contains(&across)
        && (1..=GROUPS).contains(&down)
        && out.checked_mul(columns).is_some_and(|entries| u32::try_from(entries).is_ok())
        && parts == entries.rule.parts.len()
        && words(ranks(entries), columns.next_multiple_of(4))
        && words(ranks(entries), TILE)
        && words(sums_words(parts), across * down)
}

/// Numbers that `sums.wgsl` writes for a tile.
pub(super) fn sums_words(parts: usize) -> usize {
    4 * (2 + 2 * parts)
}

impl<'a> Module<'a> {
    /// Brings the parts and all Aᵢ to the device.
    pub fn new(device: &Device, entries: Entries<'a>) -> Module<'a> {
        let all = ranks(entries).max(1);
        let slab = (SLAB / all / TILE * TILE).clamp(TILE, entries.out().next_multiple_of(TILE));
        let (up_stride, down_stride) = (slab / 4, entries.columns().div_ceil(4));
        let mut job = Job::new(entries);
        (job.up_stride, job.down_stride) = (up_stride as u32, down_stride as u32);
        let mut downs = Vec::new();
        let (mut parts, mut placed) = (Vec::new(), Vec::new());
        let mut up_words = 0;
        for (i, pair) in entries.pairs.iter().enumerate() {
            let up = Placed { at: up_words / 4, format: Format::of(&pair.up) };
            let down = Placed { at: downs.len() / 4, format: Format::of(&pair.down) };
            parts.extend(part_words(entries, i, up, down));
            placed.push(up);
            up_words += up.format.words(pair.rank * slab);
            let (from, words) = (downs.len(), down.format.words(pair.rank * 4 * down_stride));
            downs.resize(from + words, 0);
            let own = &mut downs[from..];
            for (k, row) in pair.down.chunks_exact(pair.columns).enumerate() {
                row.iter().zip(4 * down_stride * k..).for_each(|(x, at)| down.format.put(*x, at, own));
            }
        }
        let buffer = |label, words: usize| device.buffer(label, words.max(4), wgpu::BufferUsages::STORAGE);
        let module = Module {
            entries,
            job,
            ups: buffer("up", up_words),
            downs: buffer("down", downs.len()),
            parts: buffer("parts", parts.len()),
            spare: [buffer("unread", 4), buffer("unwritten", 4), buffer("unwritten", 4)],
            placed,
            up_words,
            slab,
        };
        device.write(&module.downs, &downs);
        device.write(&module.parts, &parts);
        module
    }

    /// Rows of the largest range that takes no more than `budget` operations, at `work` per entry; 64 at least.
    pub fn rows(&self, budget: f64, work: usize) -> usize {
        let per_row = work.max(1) as f64 * self.entries.columns() as f64;
        ((budget / per_row) as usize / TILE * TILE).clamp(TILE, self.slab)
    }

    /// Calls `each` with the job of every range of at most `rows` rows, from the first, their Bᵢ being on the device then.
    pub fn each(
        &self,
        device: &Device,
        rows: usize,
        mut each: impl FnMut(Job) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let out = self.entries.out();
        for slab in (0..out).step_by(self.slab) {
            let slab_end = out.min(slab + self.slab);
            self.bring(device, slab..slab_end);
            for row in (slab..slab_end).step_by(rows) {
                let end = slab_end.min(row + rows);
                each(Job { slab: slab as u32, row: row as u32, end: end as u32, ..self.job })?;
            }
        }
        Ok(())
    }

    /// Brings some rows of all Bᵢ to the device.
    fn bring(&self, device: &Device, rows: Range<usize>) {
        let mut ups = vec![0; self.up_words];
        for (pair, Placed { at, format }) in self.entries.pairs.iter().zip(&self.placed) {
            let own = &mut ups[4 * at..];
            for (r, row) in rows.clone().enumerate() {
                let from = &pair.up[row * pair.rank..(row + 1) * pair.rank];
                from.iter().enumerate().for_each(|(k, x)| format.put(*x, k * self.slab + r, own));
            }
        }
        device.write(&self.ups, &ups);
    }
}
