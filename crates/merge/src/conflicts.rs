//! How adapters pull against each other, entry by entry, before anything is merged.
//!
//! At one position of a module stand the entries vᵢ = wᵢ·xᵢ of T adapters, and m = Σ vᵢ. Counted are
//!
//! | what | of |
//! |---|---|
//! | conflict | positions where some vᵢ > 0 and some vᵢ < 0 |
//! | mass | the share of Σ\|vᵢ\| that cancels: 1 − Σ\|m\|/ΣΣ\|vᵢ\| = 2·Σ min(Σ positive, Σ negative)/ΣΣ\|vᵢ\| |
//! | selfish, shared, catastrophic | positions that one, several, no adapter's mask has: \|vᵢ\| > λ·\|m − vᵢ\|, λ = 0.4 |
//!
//! (The masks are TALL's: Wang et al., ICML 2024, <https://arxiv.org/abs/2405.07813>.) Beside the first stands what it
//! would be if the entries were normal with the adapters' cosines and nothing else, in closed form:
//!
//! ```text
//! T = 2    arccos(cos)/π                    T = 3    3/4 − Σ_{i<j} arcsin(cosᵢⱼ)/2π
//! ```
//!
//! Either all entries are looked at, or some rows of each module, drawn from a seed without putting back. Entries of one
//! row are alike, so the standard error is that of whole rows: with n of N rows and their variance s² a module's sum has
//! N²·(1 − n/N)·s²/n; sums of modules add up. Mass is a ratio of two sums, and has the error of a − R·s over rows.

use crate::device::Device;
use crate::method::failed;
use crate::plan::{Item, Plan};
use crate::read::read_inputs;
use rankweave_adapter::{Adapter, Error, Kind, Result, Source};
use rankweave_compute::entries::{Backend, Cpu, Entries, Rule, Select, Sums};
use rankweave_compute::rng::Stream;
use rankweave_compute::{FactorPair, Grams};
use serde::{Deserialize, Serialize};
use std::f64::consts::{PI, TAU};

/// λ of the masks.
pub const HELD: f64 = 0.4;

/// Which entries are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sample {
    /// All.
    All,
    /// Those of some rows of each module.
    Rows {
        /// How many, at least 2.
        count: usize,
        /// What chance is drawn from.
        seed: u64,
    },
}

/// What is added up over rows: positions in conflict, with no mask, with one, with several; Σ of what cancels, Σ|vᵢ|.
const KINDS: usize = 6;
const CANCELS: usize = 4;
const SIZES: usize = 5;

/// What was counted in one module.
#[derive(Clone, Debug, PartialEq)]
pub struct Tally {
    /// Display name of the module.
    pub module: String,
    /// The adapters that change it: positions in the mix.
    pub sources: Vec<usize>,
    /// Rows of ΔW.
    pub out: usize,
    /// Columns of ΔW.
    pub columns: usize,
    /// How many rows were looked at.
    pub rows: usize,
    /// What the share in conflict would be for normal entries with these cosines; none for more than three adapters.
    pub expected: Option<f64>,
    sums: [f64; KINDS],
    /// Σ of the squares of rows' sums.
    squares: [f64; KINDS],
    /// Σ of products of what cancels and Σ|vᵢ|.
    cross: f64,
}

/// A share and its standard error, which is 0 where all entries were looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// From 0 to 1.
    pub share: f64,
    /// One standard error.
    pub error: f64,
}

/// What one module, or several together, come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Shares {
    /// Positions where adapters pull both ways.
    pub conflict: Measured,
    /// What `conflict` would be for normal entries with the adapters' cosines; `null` where more than three adapters meet.
    pub expected: Option<f64>,
    /// The part of Σ|wᵢ·xᵢ| that cancels.
    pub mass: Measured,
    /// Positions that one adapter's mask has.
    pub selfish: Measured,
    /// Positions that several masks have.
    pub shared: Measured,
    /// Positions that no mask has.
    pub catastrophic: Measured,
}

/// Counts in the modules of one task that two adapters or more change. `sources` are the adapters' bytes, then the base's
/// files; `backend` looks at whole modules, rows are the CPU's.
///
/// # Errors
/// As [`crate::run_task`].
pub async fn conflicts_task(
    plan: &Plan,
    adapters: &[Adapter],
    sources: &[&dyn Source],
    task: usize,
    sample: Sample,
    backend: &dyn Backend,
) -> Result<Vec<Tally>> {
    let items = plan.task(task);
    let mut pairs = read_inputs(plan, adapters, sources, items)?.pairs;
    let mut tallies = Vec::new();
    for item in items {
        let Item::Module(m) = *item else { continue };
        let module = &plan.modules[m];
        let pairs = pairs.remove(&m).unwrap_or_default();
        let grams = Grams::new(&pairs).map_err(failed)?;
        let at_work: Vec<usize> =
            (0..pairs.len()).filter(|i| module.weights[*i] != 0.0 && grams.inner(*i, *i) > 0.0).collect();
        if at_work.len() < 2 {
            continue;
        }
        let name = module.key.id();
        let cos = |i: usize, j: usize| {
            let sign = (module.weights[i] * module.weights[j]).signum();
            (sign * grams.inner(i, j) / (grams.inner(i, i) * grams.inner(j, j)).sqrt()).clamp(-1.0, 1.0)
        };
        let mut tally = Tally {
            sources: at_work.iter().map(|i| module.adapters[*i]).collect(),
            out: module.shape.out,
            columns: module.shape.columns(),
            rows: 0,
            expected: expected(&at_work, cos),
            module: name,
            sums: [0.0; KINDS],
            squares: [0.0; KINDS],
            cross: 0.0,
        };
        let select = Select::Held { factor: HELD as f32, least: 0, only: None };
        let rule = Rule { select, ..Rule::sum(&module.weights) };
        let found = match sample {
            Sample::Rows { count, seed } if count < tally.out => {
                let rows = drawn(tally.out, count.max(2), Stream::new(seed, &tally.module, 0));
                tally.look_at(pairs, &rule, &rows);
                Ok(())
            }
            _ => {
                let entries = Entries { pairs: &pairs, rule: &rule };
                let work = async |backend: &dyn Backend| backend.sums(entries).await;
                Device::new(backend).run(entries, work).await.map(|sums| {
                    tally.rows = tally.out;
                    tally.sums = kinds(&sums);
                })
            }
        };
        found.map_err(|e| failed(e).module(&tally.module))?;
        if !tally.sums[SIZES].is_finite() {
            let error = Error::new(Kind::Limit, "A module's entries are too large for f32");
            return Err(error.module(&tally.module).hint("The training diverged; use another checkpoint."));
        }
        tallies.push(tally);
    }
    Ok(tallies)
}

/// The share in conflict of normal entries with these cosines.
fn expected(of: &[usize], cos: impl Fn(usize, usize) -> f64) -> Option<f64> {
    match *of {
        [a, b] => Some(cos(a, b).acos() / PI),
        [a, b, c] => Some(0.75 - (cos(a, b).asin() + cos(a, c).asin() + cos(b, c).asin()) / TAU),
        _ => None,
    }
}

/// `count` of `out` rows, ascending.
fn drawn(out: usize, count: usize, stream: Stream) -> Vec<usize> {
    let mut words = vec![0; out];
    stream.words(0, &mut words);
    let mut places: Vec<(u32, usize)> = words.into_iter().zip(0..).collect();
    places.sort_unstable();
    let mut rows: Vec<usize> = places.into_iter().take(count).map(|(_, row)| row).collect();
    rows.sort_unstable();
    rows
}

fn kinds(sums: &Sums) -> [f64; KINDS] {
    let [none, one, several] = sums.held;
    [sums.conflicts, none, one, several, 2.0 * sums.against, sums.sizes]
}

impl Tally {
    /// Adds up these rows, one after the other: their variance is what tells the error.
    fn look_at(&mut self, mut pairs: Vec<FactorPair>, rule: &Rule, rows: &[usize]) {
        let ups: Vec<Vec<f32>> = pairs.iter_mut().map(|pair| std::mem::take(&mut pair.up)).collect();
        pairs.iter_mut().for_each(|pair| pair.out = 1);
        self.rows = rows.len();
        for row in rows {
            for (pair, up) in pairs.iter_mut().zip(&ups) {
                pair.up.clear();
                pair.up.extend_from_slice(&up[row * pair.rank..(row + 1) * pair.rank]);
            }
            let found = kinds(&Cpu.rows_and_sums(Entries { pairs: &pairs, rule }, |_| {}));
            for ((sum, square), found) in self.sums.iter_mut().zip(&mut self.squares).zip(found) {
                *sum += found;
                *square += found * found;
            }
            self.cross += found[CANCELS] * found[SIZES];
        }
    }

    /// What the module's sum of one kind is told to be: N/n of what was seen.
    fn whole(&self, kind: usize) -> f64 {
        self.sums[kind] * self.out as f64 / self.rows as f64
    }

    /// The variance of a whole sum, of rows with this sum and this sum of squares.
    fn variance(&self, sum: f64, squares: f64) -> f64 {
        let (n, all) = (self.rows as f64, self.out as f64);
        if self.rows >= self.out {
            return 0.0;
        }
        let between = ((squares - sum * sum / n) / (n - 1.0)).max(0.0);
        all * (all - n) * between / n
    }
}

impl Shares {
    /// Of all positions of these modules together.
    pub fn of(tallies: &[&Tally]) -> Shares {
        let positions = |tally: &&Tally| tally.out as f64 * tally.columns as f64;
        let all: f64 = tallies.iter().map(positions).sum();
        if all == 0.0 {
            return Shares::default();
        }
        let counted = |kind: usize| {
            let sum: f64 = tallies.iter().map(|tally| tally.whole(kind)).sum();
            let variance: f64 = tallies.iter().map(|t| t.variance(t.sums[kind], t.squares[kind])).sum();
            Measured { share: sum / all, error: variance.sqrt() / all }
        };
        let sizes: f64 = tallies.iter().map(|tally| tally.whole(SIZES)).sum();
        let ratio = tallies.iter().map(|tally| tally.whole(CANCELS)).sum::<f64>() / sizes.max(f64::MIN_POSITIVE);
        let rest = |t: &&Tally| {
            let squares = t.squares[CANCELS] - 2.0 * ratio * t.cross + ratio * ratio * t.squares[SIZES];
            t.variance(t.sums[CANCELS] - ratio * t.sums[SIZES], squares)
        };
        let error = tallies.iter().map(rest).sum::<f64>().sqrt() / sizes.max(f64::MIN_POSITIVE);
        let expected: Option<f64> = tallies.iter().map(|tally| Some(positions(tally) * tally.expected?)).sum();
        Shares {
            conflict: counted(0),
            expected: expected.map(|sum| sum / all),
            mass: Measured { share: ratio, error },
            catastrophic: counted(1),
            selfish: counted(2),
            shared: counted(3),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_drawn_once_each() {
        for seed in 0..20 {
            let rows = drawn(100, 64, Stream::new(seed, "x", 0));
            assert!(rows.len() == 64 && rows.is_sorted() && rows.windows(2).all(|two| two[0] < two[1]));
        }
        assert_eq!(drawn(3, 3, Stream::new(1, "x", 0)), [0, 1, 2]);
    }

    #[test]
    fn what_is_expected_is_known_at_the_ends() {
        let near = |of: &[usize], cos: f64, wanted: f64| {
            let found = expected(of, |_, _| cos).unwrap_or(f64::NAN);
            assert!((found - wanted).abs() < 1e-12, "{of:?} {cos}: {found}");
        };
        near(&[0, 1], 0.0, 0.5);
        near(&[0, 1], 1.0, 0.0);
        near(&[0, 1], -1.0, 1.0);
        near(&[0, 1, 2], 0.0, 0.75);
        near(&[0, 1, 2], 1.0, 0.0);
        assert_eq!(expected(&[0, 1, 2, 3], |_, _| 0.0), None);
    }
}
