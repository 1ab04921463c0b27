//! What has to be known before a module can be merged: rounds over all modules, and looks at one.

use crate::device::Device;
use crate::engine::{inputs, place};
use crate::facts::{self, Facts};
use crate::method::{ModuleInputs, failed};
use crate::plan::{Item, Plan};
use crate::planned::PlannedModule;
use crate::read::read_inputs;
use crate::scale;
use rankweave_adapter::{Adapter, Result, Source};
use rankweave_compute::entries::Backend;
use rankweave_compute::{FactorPair, Grams};
use std::cell::OnceCell;

/// What the next round finds in task `task`, `facts` being those of the rounds before. The numbers of all tasks go to
/// [`Facts::add`], in the tasks' order. `sources` are the adapters' bytes, in their order; `backend` works on entries.
///
/// # Errors
/// As [`run_task`].
pub async fn survey_task(
    plan: &Plan,
    adapters: &[Adapter],
    sources: &[&dyn Source],
    task: usize,
    facts: &Facts,
    backend: &dyn Backend,
) -> Result<Vec<f64>> {
    let items = plan.task(task);
    // Nothing is carried over where modules are looked at first.
    let mut pairs = read_inputs(plan, adapters, sources, items)?.pairs;
    let (mut by_device, mut sums) = (0.0, Vec::new());
    for item in items {
        let Item::Module(m) = *item else { continue };
        let module = &plan.modules[m];
        let pairs = pairs.remove(&m).unwrap_or_default();
        let device = Device::new(backend);
        let found = survey_module(plan, module, &pairs, facts, &device).await;
        facts::add(&mut sums, &found.map_err(|e| place(e, module, adapters))?);
        by_device += f64::from(u8::from(device.line().is_some()));
    }
    sums.insert(0, by_device);
    Ok(sums)
}

async fn survey_module(
    plan: &Plan,
    module: &PlannedModule,
    pairs: &[FactorPair],
    facts: &Facts,
    device: &Device<'_>,
) -> Result<Vec<f64>> {
    let grams = Grams::new(pairs).map_err(failed)?;
    let name = module.key.id();
    let mut inputs = inputs(plan, module, &name, pairs, &grams, facts);
    let round = facts.rounds();
    if round < plan.method.rounds(&plan.params) {
        return plan.method.survey(round, &inputs, &plan.params)?.found(&inputs, device).await;
    }
    let looked = look(plan, &mut inputs, device).await?;
    inputs.looked = &looked;
    scale::survey(&inputs, &plan.method.merge(&inputs, &plan.params)?.merged, device).await
}

/// What the method's looks find in a module.
pub(crate) async fn look(plan: &Plan, module: &mut ModuleInputs<'_>, device: &Device<'_>) -> Result<Facts> {
    let mut looked = Facts::default();
    for look in 0..plan.method.looks(&plan.params) {
        let module = ModuleInputs { looked: &looked, core: OnceCell::new(), ..*module };
        let found = plan.method.look(look, &module, &plan.params)?.found(&module, device).await?;
        looked.push(found);
    }
    Ok(looked)
}
