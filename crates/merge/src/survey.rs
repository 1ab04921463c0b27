//! What a method looks for in a module before it is merged, and how it is found.

use crate::device::Device;
use crate::method::{ModuleInputs, failed};
use rankweave_adapter::Result;
use rankweave_compute::entries::{Entries, Key, Rule, Sums, Target, radix};

/// What is to be found in one module. The answer is numbers that add up over modules.
pub enum Survey {
    /// These.
    Numbers(Vec<f64>),
    /// How many keys are in which bin: `slots` times [`radix::bins`] numbers.
    Count {
        /// The rule, as far as it is known.
        rule: Rule,
        /// What is counted.
        key: Key,
        /// Which bits of it.
        level: usize,
        /// Of which parts, and the slot that each one's bins go to.
        targets: Vec<(Target, usize)>,
        /// How many slots there are.
        slots: usize,
    },
    /// [`rankweave_compute::entries::Sums`], adapter by adapter of the mix.
    Sums(Rule),
    /// The same with the adapters' own sizes Σ|xᵢ| times |wᵢ|, and all numbers times this: for sums over modules whose
    /// weights differ, or that are to count alike.
    Weighed(Rule, f64),
}

impl From<Vec<f64>> for Survey {
    fn from(numbers: Vec<f64>) -> Survey {
        Survey::Numbers(numbers)
    }
}

impl Survey {
    /// Finds it.
    pub(crate) async fn found(self, module: &ModuleInputs<'_>, device: &Device<'_>) -> Result<Vec<f64>> {
        let pairs = module.pairs;
        match self {
            Survey::Numbers(numbers) => Ok(numbers),
            Survey::Count { rule, key, level, targets, slots } => {
                let entries = Entries { pairs, rule: &rule };
                let own: Vec<Target> = targets.iter().map(|(target, _)| *target).collect();
                let work = async |backend: &dyn rankweave_compute::entries::Backend| {
                    backend.count(entries, key, level, &own).await
                };
                let counts = device.run(entries, work).await.map_err(failed)?;
                let bins = radix::bins(level);
                let mut all = vec![0.0; slots * bins];
                for (counts, (_, slot)) in counts.chunks_exact(bins).zip(&targets) {
                    all[slot * bins..][..bins].copy_from_slice(counts);
                }
                Ok(all)
            }
            Survey::Sums(rule) => Ok(sums(&rule, module, device).await?.numbers(module.present, module.adapters)),
            Survey::Weighed(rule, each) => {
                let mut sums = sums(&rule, module, device).await?;
                sums.parts.iter_mut().zip(module.weights).for_each(|(part, weight)| part.size *= weight.abs());
                let mut numbers = sums.numbers(module.present, module.adapters);
                numbers.iter_mut().for_each(|x| *x *= each);
                Ok(numbers)
            }
        }
    }
}

async fn sums(rule: &Rule, module: &ModuleInputs<'_>, device: &Device<'_>) -> Result<Sums> {
    let entries = Entries { pairs: module.pairs, rule };
    let work = async |backend: &dyn rankweave_compute::entries::Backend| backend.sums(entries).await;
    device.run(entries, work).await.map_err(failed)
}
