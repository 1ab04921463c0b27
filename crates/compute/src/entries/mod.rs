//! Rules by entry on deltas that are never stored.
//!
//! TIES, DARE and masks look at the single entries of ΔWᵢ = sᵢ·Bᵢ·Aᵢ, of which one module can have 67 million. They are
//! made in panels of some rows, looked at, and forgotten:
//!
//! ```text
//! rows a..b of all ΔWᵢ ──rule──▶ rows a..b of M ──▶ counts of keys   (exact thresholds: radix)
//!                                               ──▶ Mᵀ·(M·Z), M·Z    (truncated SVD: sketch)
//!                                               ──▶ sums
//! ```
//!
//! [`Backend`] is who does this: [`Cpu`], or a GPU. Entries are f32 products with a fixed order of summation, so the CPU's
//! counts, masks and results are the same bits on every machine of a kind. All else stays in factor space.

mod cpu;
mod fused;
pub mod radix;
mod row;
mod rule;
mod scored;
mod sketch;
mod sums;
mod thin;

pub use cpu::Cpu;
pub use rule::{CANCELLED, Cancelled, Combine, Drop, Elect, Keep, Part, Rule, Score, Select};
pub use sketch::{Sketch, truncated};
pub use sums::{PartSums, Sums};

use crate::{Error, FactorPair};
use faer::Mat;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

/// The deltas of one module, all out×columns, and the rule they are merged by. There is at least one, and one part of
/// the rule for each.
#[derive(Clone, Copy)]
pub struct Entries<'a> {
    /// ΔWᵢ.
    pub pairs: &'a [FactorPair],
    /// What is done at each position.
    pub rule: &'a Rule,
}

impl Entries<'_> {
    /// Rows of each delta.
    pub fn out(&self) -> usize {
        self.pairs.first().map_or(0, |pair| pair.out)
    }

    /// Columns of each delta.
    pub fn columns(&self) -> usize {
        self.pairs.first().map_or(0, |pair| pair.columns)
    }
}

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// The bits of |xᵢ|, of all entries.
    Magnitude,
    /// The bits of the variance of the gainᵢ·xᵢ, of all positions; the target's part plays no role.
    Variance,
    /// [`radix::ordered`] of the scores, by the rule's [`Combine::Scored`].
    Score,
}

/// Which keys a count is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// Whose.
    pub part: usize,
    /// Those with these bits above the level's.
    pub above: u32,
}

/// MᵀM·Z and ‖M‖².
pub struct Powered {
    /// columns×q.
    pub z: Mat<f32>,
    /// ‖M‖²_F.
    pub total: f64,
}

/// Work that may have to wait for a device. The CPU's is done when it is first asked for, see [`now`].
pub type Work<'a, T> = Pin<Box<dyn Future<Output = Result<T, Error>> + 'a>>;

/// Who makes panels and looks at them. Memory beyond the factors: some panels, whatever the module's size.
pub trait Backend {
    /// How many keys of each target are in which bin of `level`: `targets.len()` × [`radix::bins`].
    fn count<'a>(&'a self, entries: Entries<'a>, key: Key, level: usize, targets: &'a [Target]) -> Work<'a, Vec<f64>>;

    /// Mᵀ·(M·`z`), of a columns×q `z`.
    fn power<'a>(&'a self, entries: Entries<'a>, z: &'a Mat<f32>) -> Work<'a, Powered>;

    /// M·`z`, out×q.
    fn times<'a>(&'a self, entries: Entries<'a>, z: &'a Mat<f32>) -> Work<'a, Mat<f32>>;

    /// Sums over all entries.
    fn sums<'a>(&'a self, entries: Entries<'a>) -> Work<'a, Sums>;

    /// Whether it can apply this rule to deltas of this size; others go to [`Cpu`].
    fn takes(&self, entries: Entries) -> bool;

    /// What it is called in reports: none for the CPU.
    fn name(&self) -> Option<&str>;
}

/// The result of work that never waits; none if it waits after all.
pub fn now<T>(work: impl Future<Output = T>) -> Option<T> {
    match std::pin::pin!(work).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => Some(result),
        Poll::Pending => None,
    }
}
