//! Rules by entry on the deltas, or on their factors.
//!
//! | `space` | matrices | weights | result |
//! |---|---|---|---|
//! | `delta` | ΔWᵢ (out×columns) | wᵢ | a matrix of full rank, truncated |
//! | `factors` | Bᵢ (out×r), and apart from them Aᵢ (r×columns) | √\|wᵢ·sᵢ\|, for Aᵢ with the sign of wᵢ·sᵢ | the pair of the two results |
//!
//! PEFT's `ties`, `dare_linear`, `dare_ties` and `magnitude_prune` are those on the factors, and their `…_svd` those on the
//! deltas. Even where nothing is dropped the first are no sums of adapters: (Σ√wᵢ·Bᵢ)·(Σ√wᵢ·Aᵢ) has all BᵢAⱼ in it, and
//! masks on factors are no masks on their product. They are here so that what PEFT made can be made again.
//!
//! A factor is small, so its rules are worked out here and at once: the matrix X is given to the CPU as the pair (X, I) or
//! (I, X), whose product is X to the bit.

use crate::method::{Merged, ModuleInputs, Outcome};
use crate::spec::{Option as Choice, ParamKind, ParamSpec, Params};
use crate::trim::{Trim, at_least};
use rankweave_adapter::{Error, Kind, Result, Warning};
use rankweave_compute::FactorPair;
use rankweave_compute::entries::{Backend, Cpu, Entries, Keep, PartSums, Rule, Sums, now, radix};
use rankweave_compute::rng::Stream;

/// Which matrices.
pub(crate) const SPACE: ParamSpec = ParamSpec {
    name: "space",
    title: "Applied to",
    help: "The change of each module, or its two factors one by one, as PEFT does without _svd: for making again what it \
           made. On factors every module is its own scope, and adapters have to have one rank.",
    kind: ParamKind::Choice {
        default: "delta",
        options: &[Choice { id: "delta", title: "the change" }, Choice { id: "factors", title: "its factors" }],
    },
};

/// Is the rule applied to factors?
pub(crate) fn on_factors(params: &Params) -> bool {
    params.choice("space") == "factors"
}

/// The matrices of all adapters that a rule is made for.
pub(crate) struct Matrices<'a, 'm> {
    module: &'a ModuleInputs<'m>,
    /// None: these are the deltas.
    side: Option<Side>,
}

/// The ups or the downs of all adapters, each as a pair with an identity.
struct Side {
    pairs: Vec<FactorPair>,
    weights: Vec<f64>,
    up: bool,
}

impl<'a, 'm> Matrices<'a, 'm> {
    /// Those of the deltas.
    pub fn deltas(module: &'a ModuleInputs<'m>) -> Matrices<'a, 'm> {
        Matrices { module, side: None }
    }

    /// The weight of each.
    pub fn weights(&self) -> &[f64] {
        self.side.as_ref().map_or(self.module.weights, |side| &side.weights)
    }

    /// Where matrix `i` has its chance from.
    pub fn stream(&self, i: usize) -> Stream {
        // What chance does to an up says nothing of the down.
        let lanes = self.side.as_ref().map_or(0, |side| if side.up { 1 << 32 } else { 2 << 32 });
        Stream::new(self.module.seed, self.module.name, lanes + self.module.present[i] as u64)
    }

    /// What each keeps: of a delta what `trim` says, of a factor as PEFT has it the ⌊density·entries⌋ largest, one at least,
    /// and all that are equal to the smallest of them.
    pub fn keep(&self, rule: &mut Rule, trim: &Trim, params: &Params) {
        for (i, part) in rule.parts.iter_mut().enumerate() {
            part.keep = match &self.side {
                None => trim.keep(self.module, self.module.present[i]),
                Some(side) => largest(side.matrix(i), params.number("density")),
            };
        }
    }

    /// Sums over the entries of each, by a rule: of deltas those that the first look has found.
    ///
    /// # Errors
    /// `Device` never, as the CPU does not fail.
    pub fn sums(&self, rule: &Rule) -> Result<Vec<PartSums>> {
        let Some(side) = &self.side else {
            let found = Sums::of(self.module.looked.round(0)).parts;
            return Ok(self.module.present.iter().map(|a| found.get(*a).copied().unwrap_or_default()).collect());
        };
        let work = Cpu.sums(Entries { pairs: &side.pairs, rule });
        let sums = now(work).and_then(std::result::Result::ok);
        sums.map(|sums| sums.parts).ok_or_else(|| Error::new(Kind::Device, "The CPU did not add up a factor's entries"))
    }
}

impl Side {
    fn of(module: &ModuleInputs, up: bool) -> Side {
        let pair = |pair: &FactorPair| {
            let (&FactorPair { out, columns, rank, .. }, eye) = (pair, identity(pair.rank));
            match up {
                true => FactorPair { out, columns: rank, rank, up: pair.up.clone(), down: eye, scale: 1.0 },
                false => FactorPair { out: rank, columns, rank, up: eye, down: pair.down.clone(), scale: 1.0 },
            }
        };
        let weight = |(pair, weight): (&FactorPair, &f64)| {
            let both = weight * pair.scale;
            both.abs().sqrt() * if !up && both < 0.0 { -1.0 } else { 1.0 }
        };
        Side {
            pairs: module.pairs.iter().map(pair).collect(),
            weights: module.pairs.iter().zip(module.weights).map(weight).collect(),
            up,
        }
    }

    fn matrix(&self, i: usize) -> &[f32] {
        if self.up { &self.pairs[i].up } else { &self.pairs[i].down }
    }
}

/// What a module becomes by the rule that `rule` makes for its deltas, or for its factors, as `params` ask.
///
/// # Errors
/// `Mismatch` of factors of unlike ranks; those of `rule`.
pub(crate) fn merged(
    module: &ModuleInputs,
    params: &Params,
    rule: impl Fn(&Matrices) -> Result<Rule>,
) -> Result<Outcome> {
    if !on_factors(params) {
        return Ok(Merged::Entries(Box::new(rule(&Matrices::deltas(module))?)).into());
    }
    let first = &module.pairs[0];
    if module.pairs.iter().any(|pair| pair.rank != first.rank) {
        return Err(unequal(module));
    }
    let apply = |up: bool| -> Result<Vec<f32>> {
        let matrices = Matrices { module, side: Some(Side::of(module, up)) };
        let rule = rule(&matrices)?;
        let mut all = Vec::new();
        if let Some(side) = &matrices.side {
            Cpu.rows(Entries { pairs: &side.pairs, rule: &rule }, |row| all.extend_from_slice(row));
        }
        Ok(all)
    };
    Ok(Merged::Pair(FactorPair { up: apply(true)?, down: apply(false)?, scale: 1.0, ..*first }).into())
}

/// What is to be said of a merge on factors.
pub(crate) fn remarks(params: &Params) -> Vec<Warning> {
    let message = "The rule was applied to the factors up and down, as PEFT does without _svd. What comes out is no neighbour \
                   of what it makes of the changes themselves: products of one adapter's up with another's down are in it";
    let warning = Warning { code: "on-factors".to_owned(), message: message.to_owned(), place: Default::default() };
    if on_factors(params) { vec![warning] } else { Vec::new() }
}

fn unequal(module: &ModuleInputs) -> Error {
    let rank = |(pair, a): (&FactorPair, &usize)| {
        format!("{} of {}", pair.rank, module.labels.get(*a).map_or("an adapter", String::as_str))
    };
    let ranks: Vec<String> = module.pairs.iter().zip(module.present).map(rank).collect();
    Error::new(Kind::Mismatch, "Factors are merged entry by entry only where they are of one rank")
        .expected(format!("rank {} in all adapters", module.pairs[0].rank))
        .found(format!("ranks {}", ranks.join(", ")))
        .hint("Apply the rule to the change (space = delta), or bring the adapters to one rank first with resize.")
}

fn identity(rank: usize) -> Vec<f32> {
    (0..rank * rank).map(|i| f32::from(u8::from(i / rank == i % rank))).collect()
}

fn largest(x: &[f32], density: f64) -> Keep {
    if density >= 1.0 || x.is_empty() {
        return Keep::All;
    }
    let mut keys: Vec<u32> = x.iter().map(|x| radix::magnitude(*x)).collect();
    let kept = ((density * keys.len() as f64) as usize).max(1);
    let place = keys.len() - kept;
    at_least(*keys.select_nth_unstable(place).1)
}
