//! Modules that are written as they are stored: LoHa, LoKr and whole differences of a file that is only rewritten.
//!
//! As a factor pair a LoHa of rank r has rank r². Where nothing is merged, and the output's spelling has the kind, its
//! tensors are carried over instead, each with all its digits: only their names change.
//!
//! | carried over | |
//! |---|---|
//! | kohya, ComfyUI, diffusers | the names' endings and `.alpha` are the same in all three |
//! | PEFT | LoHa and LoKr are types of their own: the whole file has one, its alphas go to adapter_config.json |
//! | number type | the stored one, or one that holds every number of it |
//! | never | parts of a fused module, or a module whose rows change places |
//! | asked for whole differences | those alone; all else becomes one, see [`crate::dense`] |
//!
//! Where that cannot be, the module becomes a pair as in a merge, and a warning says why.

use crate::device::Device;
use crate::facts::Facts;
use crate::fuse::Cut;
use crate::method::{Merged, ModuleInputs, Outcome};
use crate::plan::{Plan, Request};
use crate::planned::PlannedModule;
use crate::report::{ModuleReport, SourceShare};
use crate::scale;
use crate::spec::Law;
use crate::weights::Share;
use rankweave_adapter::{
    Adapter, Alpha, DialectId, Dtype, Kind, KindId, Module, OutTensor, OutputKeys, Part, PeftLycoris, Place, Result,
    Stored, Warning, dtype,
};
use rankweave_compute::entries::{Cpu, now};
use rankweave_compute::{FactorPair, Grams, RankPolicy};
use std::cell::OnceCell;

/// A tensor that is carried over.
#[derive(Clone, Debug, PartialEq)]
pub struct KeptTensor {
    /// What it is; alpha where it is no factor.
    pub part: Option<Part>,
    /// Its name, type and shape in the output.
    pub tensor: OutTensor,
}

/// What can be carried over in one plan.
pub(crate) struct Keeping {
    dialect: DialectId,
    dtype: Dtype,
    keep_alpha: bool,
    /// Nothing is merged.
    lone: bool,
    /// Whole differences are wanted, and nothing else is carried over.
    dense: bool,
    /// The type of the PEFT file.
    pub lycoris: Option<PeftLycoris>,
    /// Modules that become pairs, and why, in the order in which reasons came up.
    expanded: Vec<(&'static str, usize, usize)>,
}

impl Keeping {
    pub(crate) fn new(request: &Request, dialect: DialectId) -> Keeping {
        let lone = request.adapters.len() == 1 && request.rank == RankPolicy::Exact && leaves_one_alone(request);
        let weighed = request.adapters.iter().zip(request.weights);
        let left = |(adapter, weight): (&Adapter, &crate::Weight)| {
            let merged = |m: &&Module| matches!(weight.of(&m.key), Share::Merged { .. });
            PeftLycoris::of(&adapter.header, adapter.modules.iter().filter(merged))
        };
        let lycoris = (lone && dialect == DialectId::Peft).then(|| weighed.map(left).next().flatten()).flatten();
        let Request { dtype, keep_alpha, dense, .. } = *request;
        Keeping { dialect, dtype, keep_alpha, lone, dense, lycoris, expanded: Vec::new() }
    }

    /// The tensors of a module that is carried over, and its names; `None` where it becomes a pair. `keys` are its names as
    /// one, `exact` that its weight is 1 and no rule is involved.
    pub(crate) fn tensors(
        &mut self,
        adapter: &Adapter,
        module: &Module,
        cuts: &[Cut],
        keys: &OutputKeys,
        swapped: bool,
        exact: bool,
    ) -> Option<(Vec<KeptTensor>, OutputKeys)> {
        if !self.lone || !exact || !matches!(module.kind, KindId::Loha | KindId::Lokr | KindId::Full) {
            return None;
        }
        if self.dense && module.kind != KindId::Full {
            return None;
        }
        match self.reason(adapter, module, cuts, swapped) {
            Some(_) if self.dense => None,
            None => Some(self.named(adapter, module, keys)),
            Some(why) => {
                match self.expanded.iter_mut().find(|(own, ..)| *own == why) {
                    Some((_, count, rank)) => (*count, *rank) = (*count + 1, module.rank.max(*rank)),
                    None => self.expanded.push((why, 1, module.rank)),
                }
                None
            }
        }
    }

    /// Why a module cannot be carried over.
    fn reason(&self, adapter: &Adapter, module: &Module, cuts: &[Cut], swapped: bool) -> Option<&'static str> {
        let peft = self.dialect == DialectId::Peft;
        let types = module.parts.iter().map(|(_, tensor)| adapter.header.tensors[*tensor].dtype);
        let named = [DialectId::Kohya, DialectId::Comfy, DialectId::Diffusers, DialectId::Mixed];
        // Readers that have no configuration take 1 for the scale of two whole Kronecker factors, and 0 for no alpha.
        let whole = module.part(Part::LokrW1).is_some() && module.part(Part::LokrW2).is_some();
        let sayable = |alpha: f64| alpha != 0.0 && (!whole || alpha == module.dim as f64);
        let stated = !matches!(module.alpha, Alpha::None);
        Some(match module.alpha {
            _ if !cuts.is_empty() => "the output's spelling fuses or divides them",
            _ if swapped != module.swapped => "the output's spelling has their rows in another order",
            _ if peft && module.kind == KindId::Full => "PEFT has no type for them",
            _ if peft && self.lycoris.is_none() => "a PEFT file has one type, whose shapes not all modules have",
            _ if peft && !self.keep_alpha && stated => "their alphas need an adapter_config.json: write a PEFT folder",
            _ if !peft && module.dialect != self.dialect && !named.contains(&self.dialect) => {
                "the output's spelling has no names for them"
            }
            Alpha::Value(_) if module.rslora => "only an adapter_config.json can state their scale",
            Alpha::Value(alpha) if !peft && !sayable(alpha) => "only an adapter_config.json can state their scale",
            _ if !types.into_iter().all(|own| holds(self.dtype, own)) => "the number type holds fewer digits",
            _ => return None,
        })
    }

    fn named(&self, adapter: &Adapter, module: &Module, keys: &OutputKeys) -> (Vec<KeptTensor>, OutputKeys) {
        let same = module.dialect == self.dialect || self.dialect == DialectId::Mixed;
        let base = [".lora_up.weight", ".lora_B.weight"].iter().find_map(|ending| keys.up.strip_suffix(ending));
        let base = if same { module.raw.as_str() } else { base.unwrap_or(&keys.up) };
        let of = |(part, tensor): &(Part, usize)| {
            let stored = &adapter.header.tensors[*tensor];
            let ending = part.ending().unwrap_or_default();
            let key = if same { stored.name.clone() } else { format!("{base}{ending}") };
            let shape = match &self.lycoris {
                Some(lycoris) => lycoris.shape(*part, &stored.shape),
                None => stored.shape.clone(),
            };
            KeptTensor { part: Some(*part), tensor: OutTensor { key, dtype: self.dtype, shape } }
        };
        let mut tensors: Vec<KeptTensor> = module.parts.iter().map(of).collect();
        let up = tensors.first().map_or_else(String::new, |first| first.tensor.key.clone());
        let alpha =
            |dtype, shape| KeptTensor { part: None, tensor: OutTensor { key: format!("{base}.alpha"), dtype, shape } };
        tensors.extend(match module.alpha {
            _ if self.dialect == DialectId::Peft => None,
            Alpha::None => None,
            Alpha::Tensor(tensor) => {
                let stored = &adapter.header.tensors[tensor];
                let key = if same { stored.name.clone() } else { format!("{base}.alpha") };
                let floats = [Dtype::F32, Dtype::F16, Dtype::BF16, Dtype::F8_E4M3, Dtype::F8_E5M2];
                let dtype = if floats.contains(&stored.dtype) { stored.dtype } else { Dtype::F64 };
                Some(KeptTensor { part: None, tensor: OutTensor { key, dtype, shape: stored.shape.clone() } })
            }
            Alpha::Value(value) if f64::from(value as f32) == value => Some(alpha(Dtype::F32, Vec::new())),
            Alpha::Value(_) => Some(alpha(Dtype::F64, Vec::new())),
        });
        tensors.sort_by(|a, b| a.tensor.key.cmp(&b.tensor.key));
        (tensors, OutputKeys { up, down: String::new(), alpha: None, rows: keys.rows })
    }

    /// The rank that is said of a module that is carried over.
    pub(crate) fn rank(&self, module: &Module) -> usize {
        match &self.lycoris {
            Some(lycoris) => lycoris.rank(module),
            None if module.dim > 0 => module.dim,
            None => module.rank,
        }
    }

    /// What became pairs although nothing is merged.
    pub(crate) fn warnings(&self) -> impl Iterator<Item = Warning> {
        self.expanded.iter().map(|(why, count, rank)| Warning {
            code: "expanded".into(),
            message: format!(
                "{count} LoHa, LoKr or whole-difference modules are written as factor pairs of rank up to {rank}: {why}"
            ),
            place: Place::default(),
        })
    }
}

/// Does the method leave a lone adapter of weight 1 as it is? By its laws it does at neutral settings; a module of one
/// number tells whether they are that.
fn leaves_one_alone(request: &Request) -> bool {
    let (method, params) = (request.method, &request.params);
    let lawful = method.spec().laws.iter().any(|law| matches!(law, Law::Idempotent | Law::Additive));
    // What a text says may be of some modules only.
    if !lawful || params.has_text() || method.rounds(params) + method.looks(params) + scale::rounds(params) > 0 {
        return false;
    }
    let pairs = [FactorPair { out: 1, columns: 1, rank: 1, up: vec![1.0], down: vec![1.0], scale: 1.0 }];
    let Ok(grams) = Grams::new(&pairs) else { return false };
    let facts = Facts::default();
    let labels = [String::new()];
    let inputs = ModuleInputs {
        name: "",
        pairs: &pairs,
        weights: &[1.0],
        present: &[0],
        grams: &grams,
        labels: &labels,
        adapters: 1,
        rank: request.rank,
        facts: &facts,
        looked: &facts,
        seed: request.seed,
        core: OnceCell::new(),
    };
    let Ok(Outcome { merged, .. }) = method.merge(&inputs, params) else { return false };
    let factor = now(scale::factor(&inputs, &merged, params, 0, &Device::new(&Cpu)));
    matches!(merged, Merged::Linear { coefficients, .. } if coefficients == [1.0])
        && factor.is_some_and(|f| f.is_ok_and(|f| f == 1.0))
}

/// Has `wide` every number of `narrow`?
fn holds(wide: Dtype, narrow: Dtype) -> bool {
    let eight = matches!(narrow, Dtype::F8_E4M3 | Dtype::F8_E5M2);
    wide == narrow
        || eight && matches!(wide, Dtype::F16 | Dtype::BF16)
        || wide == Dtype::F32 && (eight || matches!(narrow, Dtype::F16 | Dtype::BF16))
}

/// Writes the tensors of a module that is carried over, and says so.
///
/// # Errors
/// `Malformed` where a tensor was not read.
pub(crate) fn write(plan: &Plan, module: &PlannedModule, stored: &Stored, out: &mut Vec<u8>) -> Result<ModuleReport> {
    for KeptTensor { part, tensor } in &module.kept {
        match part {
            Some(part) => {
                let values = stored.part(*part).ok_or_else(|| {
                    rankweave_adapter::Error::new(Kind::Malformed, "A module's tensors do not fit together")
                })?;
                dtype::encode(tensor.dtype, &values.values, out)?;
            }
            None if tensor.dtype == Dtype::F64 => out.extend(stored.alpha.to_le_bytes()),
            None => {
                let start = out.len();
                if dtype::encode(tensor.dtype, &[stored.alpha as f32], out)? > 0 {
                    // It was 0, which means none, and the rank is too large for the type.
                    out.truncate(start);
                    dtype::encode(tensor.dtype, &[0.0], out)?;
                }
            }
        }
    }
    let rank = module.rank_bound;
    let share = |source: &usize| SourceShare { source: *source, rank, weight: 1.0, factor: 1.0, inner: 0.0 };
    // Two whole Kronecker factors have the scale 1, which PEFT too is told.
    let alpha = if plan.dialect == DialectId::Peft && stored.scale == 1.0 { rank as f64 } else { stored.alpha };
    Ok(ModuleReport {
        module: module.key.id(),
        key: module.keys.up.clone(),
        text_encoder: module.key.component.is_text_encoder(),
        out: module.shape.out,
        columns: module.shape.columns(),
        rank,
        sources: module.adapters.iter().map(share).collect(),
        inner_products: vec![0.0],
        total: 0.0,
        kept: 0.0,
        lost: 0.0,
        rounding: 0.0,
        alpha,
        carried: true,
        details: Vec::new(),
        picture: None,
        device: None,
    })
}
