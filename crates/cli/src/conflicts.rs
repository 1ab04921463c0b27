//! `rankweave inspect --conflicts`: how adapters pull against each other, as a table.

use crate::args::{ConflictsArg, Inspect};
use crate::inputs::Input;
use crate::merge::{per_input, take_directions};
use crate::show::line;
use crate::{base, cancel, pool, progress};
use rankweave_adapter::display::clean;
use rankweave_adapter::{Error, Source};
use rankweave_merge::entries::Backend;
use rankweave_recipe::{CONFLICT_ROWS, Conflicts, Measured, Measurement, Recipe, Shares};

/// Modules listed; JSON has all.
const SHOWN: usize = 20;

/// Measures the inputs at the weights asked for.
pub(crate) fn measure(args: &Inspect, how: ConflictsArg, inputs: Vec<Input>) -> Result<Conflicts, Vec<Error>> {
    let one = |e: Error| vec![e];
    let model = base::open(args.base.model.as_deref()).map_err(one)?;
    let mut recipe = Recipe { seed: args.seed, ..Recipe::blank(inputs.len()) };
    let weights = per_input(args.weights.as_deref(), inputs.len(), "--weights").map_err(one)?;
    for (entry, weight) in recipe.mix.iter_mut().zip(weights.unwrap_or_default()) {
        entry.weight = *weight;
    }
    take_directions(&mut recipe, &args.base, &inputs);
    let (adapters, sources): (Vec<_>, Vec<_>) = inputs.into_iter().map(|i| (i.adapter, i.source)).unzip();
    let files = sources.iter().chain(model.iter().flat_map(|model| &model.sources));
    let sources: Vec<&(dyn Source + Sync)> = files.map(|s| s as _).collect();
    let rows = (how == ConflictsArg::Sampled).then_some(CONFLICT_ROWS);
    let measurement = Measurement::new(recipe, adapters, model.as_ref().map(|model| &model.base), rows)?;
    let bar = progress::bar((0..measurement.tasks()).map(|task| measurement.modules_in(task)).sum());
    bar.set_message("counting");
    let (mut tallies, mut done) = (Vec::new(), 0);
    let task = |_: &dyn Backend, sources: &[&dyn Source], task| measurement.task(sources, task);
    pool::in_parallel(measurement.tasks(), &sources, &cancel::flag(), None, task, |found| {
        tallies.extend(found);
        bar.inc(measurement.modules_in(done) as u64);
        done += 1;
        Ok(())
    })
    .map_err(one)?;
    bar.finish_and_clear();
    Ok(measurement.finish(&tallies))
}

/// Prints it, the modules with the most conflict first.
pub(crate) fn print(found: &Conflicts) {
    println!("Conflicts between these files");
    line(
        "looked at",
        match (found.rows, found.seed) {
            (Some(rows), Some(seed)) => {
                format!("{rows} rows of each module, drawn from seed {seed}; ± one standard error")
            }
            _ => "all entries".to_owned(),
        },
    );
    if found.modules.is_empty() {
        line("modules", "none is changed by two of them");
        println!();
        return;
    }
    let Shares { conflict, expected, mass, selfish, shared, catastrophic } = &found.total;
    let expected = expected.map_or_else(String::new, |share| {
        format!(", {} expected of random entries with these cosines", percent(share))
    });
    line("conflict", format!("{} of positions pull both ways{expected}", told(conflict)));
    line("mass", format!("{} of what they add cancels", told(mass)));
    let factor = found.factor;
    line(
        "masks",
        format!(
            "selfish {}, shared {}, catastrophic {} (λ = {factor})",
            told(selfish),
            told(shared),
            told(catastrophic)
        ),
    );
    if found.alone > 0 {
        line("alone", format!("{} modules that only one of them changes are not counted", found.alone));
    }
    println!(
        "  {:>9}{:>10}{:>9}{:>9}{:>9}{:>9}  module",
        "conflict", "expected", "mass", "selfish", "shared", "catastr."
    );
    for module in found.modules.iter().take(SHOWN) {
        let Shares { conflict, expected, mass, selfish, shared, catastrophic } = &module.shares;
        let expected = expected.map_or_else(|| "–".to_owned(), percent);
        let [conflict, mass, selfish, shared, catastrophic] =
            [conflict, mass, selfish, shared, catastrophic].map(|m| percent(m.share));
        let name = clean(&module.module, 120);
        println!("  {conflict:>9}{expected:>10}{mass:>9}{selfish:>9}{shared:>9}{catastrophic:>9}  {name}");
    }
    if found.modules.len() > SHOWN {
        println!("  and {} more", found.modules.len() - SHOWN);
    }
    println!();
}

fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

/// `48.7 %`, or `48.70 ± 0.21 %`.
fn told(of: &Measured) -> String {
    let Measured { share, error } = *of;
    if error > 0.0 { format!("{:.2} ± {:.2} %", 100.0 * share, 100.0 * error) } else { percent(share) }
}
