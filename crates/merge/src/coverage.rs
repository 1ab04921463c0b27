//! How far the adapters overlap, as a plan's warnings.

use crate::fuse::Joined;
use rankweave_adapter::{Adapter, Warning};

/// Says how far the adapters overlap.
pub(crate) fn coverage(adapters: &[Adapter], groups: &[Joined]) -> Vec<Warning> {
    let mut warnings: Vec<Warning> = adapters.iter().flat_map(|a| a.warnings.clone()).collect();
    if adapters.len() < 2 {
        return warnings;
    }
    let known: Vec<_> = adapters.iter().filter(|a| a.family.id != "unknown").collect();
    if let Some(other) = known.iter().find(|a| a.family.id != known[0].family.id) {
        let (first, second) = (&known[0], other);
        let message = format!(
            "{} looks made for {}, {} for {}",
            first.label, first.family.title, second.label, second.family.title
        );
        warnings.push(Warning::new("different-families", &second.label, message));
    }
    // The only adapter that has a module.
    let only = |group: &Joined| {
        let (a, _) = group.members[0];
        group.members.iter().all(|(other, _)| *other == a).then_some(a)
    };
    if groups.iter().all(|group| only(group).is_some()) {
        let message = "The adapters share no module: the result carries each of them unchanged beside the others";
        warnings.push(Warning { code: "no-overlap".into(), message: message.into(), place: Default::default() });
        return warnings;
    }
    for (a, adapter) in adapters.iter().enumerate() {
        let alone = groups.iter().filter(|group| only(group) == Some(a)).count();
        if alone > 0 {
            let total = groups.iter().filter(|group| group.members.iter().any(|(own, _)| *own == a)).count();
            let message = format!("{alone} of its {total} modules are in no other adapter and are taken from it alone");
            warnings.push(Warning::new("only-in-one", &adapter.label, message));
        }
    }
    warnings
}
