//! The registry: every merge method, in reading order.

mod ace;
mod awd;
mod cart;
mod concat;
mod dc_merge;
mod iso_c;
mod iso_cts;
mod mean;
mod pico;
mod robust_merge;
mod star;
mod sum;
mod svc;
mod tsv;
mod twin;
mod wudi;

use crate::method::MergeMethod;

/// All methods. A new one is a file beside this and a line here.
pub fn registry() -> &'static [&'static dyn MergeMethod] {
    &[
        // Sums and averages
        &sum::Sum,
        &mean::Mean,
        &concat::Concat,
        // Spectral
        &tsv::Tsv,
        &iso_c::IsoC,
        &iso_cts::IsoCts,
        &star::Star,
        &dc_merge::DcMerge,
        &wudi::Wudi,
        &pico::Pico,
        &svc::Svc,
        &cart::Cart,
        &robust_merge::RobustMerge,
        &ace::Ace,
        &awd::Awd,
        &twin::Twin,
    ]
}

/// The method with this id.
pub fn find(id: &str) -> Option<&'static dyn MergeMethod> {
    registry().iter().copied().find(|method| method.spec().id == id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_unique_and_found() {
        for (i, method) in registry().iter().enumerate() {
            let id = method.spec().id;
            assert_eq!(registry().iter().position(|m| m.spec().id == id), Some(i));
            assert!(find(id).is_some());
        }
        assert!(find("no such method").is_none());
    }
}
