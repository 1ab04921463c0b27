//! Adapters whose change depends on the base model: refused without it, completed with it.

use crate::prepare::Prepared;
use crate::recipe::Rank;
use rankweave_adapter::{Adapter, Base, Error, Kind, KindId, OutTensor, Place, Warning};
use rankweave_merge::family;

/// What a recipe's source says to take of DoRA modules where there is no base.
pub const DIRECTION: &str = "direction";

/// Makes every module one that can be merged: DoRA's direction alone where `directions` says so, else with the weight of
/// the base. True where the base is used.
///
/// # Errors
/// Everything that the base lacks, one error per adapter; without a base, one per adapter that needs it.
pub(crate) fn complete(adapters: &mut [Adapter], directions: &[bool], base: Option<&Base>) -> Result<bool, Vec<Error>> {
    let family = family(adapters).id.clone();
    let (mut errors, mut used) = (Vec::new(), false);
    for (adapter, direction) in adapters.iter_mut().zip(directions) {
        if *direction {
            adapter.take_direction();
        }
        if adapter.needing_base() == 0 {
            continue;
        }
        used = true;
        errors.extend(settings(adapter));
        match base {
            Some(base) => errors.extend(base.attach(adapter, &family).err()),
            None => errors.push(refusal(adapter)),
        }
    }
    if errors.is_empty() { Ok(used) } else { Err(errors) }
}

/// PEFT's rotations cannot be computed without their configuration.
fn settings(adapter: &Adapter) -> Option<Error> {
    let inputs = |m: &&rankweave_adapter::Module| m.part(rankweave_adapter::Part::OftInputs).is_some();
    let module = adapter.modules.iter().find(inputs).filter(|_| adapter.config.is_none())?;
    let error = Error::new(Kind::Mismatch, "An OFT adapter of PEFT cannot be read without its adapter_config.json");
    let hint = "Give the configuration that lies beside it: it says how the rotations are computed.";
    Some(error.file(&adapter.label).module(module.key.id()).hint(hint))
}

fn refusal(adapter: &Adapter) -> Error {
    let needing = adapter.modules.iter().find(|m| m.kind.needs_base());
    let (kind, module) = needing.map_or((KindId::Dora, String::new()), |m| (m.kind, m.key.id()));
    let article = if kind == KindId::Dora { "a" } else { "an" };
    let what = format!("This is {article} {} adapter: its change depends on the base model's weights", kind.title());
    let hint = match kind {
        KindId::Dora => {
            "Give the base checkpoint, too, or choose to merge its direction alone, without its magnitudes \
             (in the terminal --base FILE or --dora direction)."
        }
        _ => "Give the base checkpoint, too (in the terminal --base FILE); only the weights needed are read.",
    };
    Error::new(Kind::Unsupported, what).file(&adapter.label).module(module).hint(hint)
}

/// Says how large whole differences become where nothing is left out.
pub(crate) fn size_warning(prepared: &Prepared) -> Option<Warning> {
    let (adapters, plan) = (&prepared.adapters, &prepared.plan);
    let full =
        |m: &&rankweave_merge::PlannedModule| m.sources.iter().any(|(a, m)| adapters[*a].modules[*m].kind.needs_base());
    let modules: Vec<_> = plan.modules.iter().filter(full).collect();
    let largest = modules.iter().max_by_key(|m| m.rank_bound)?;
    if prepared.recipe.output.rank != Rank::Exact {
        return None;
    }
    let bytes: u64 = plan.tensors_bound(adapters).iter().map(OutTensor::bytes).sum();
    let message = format!(
        "{} modules change by whole matrices, not by a low rank: at exact rank they are written with ranks up to {} \
         (that of {}, {}), up to {} MB in all",
        modules.len(),
        largest.rank_bound,
        largest.key.id(),
        largest.shape,
        bytes.div_ceil(1_000_000),
    );
    Some(Warning { code: "full-rank".into(), message, place: Place::default() })
}
