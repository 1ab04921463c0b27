//! The registry: every merge method, in reading order.

mod ace;
mod analogy;
mod angle_gate;
mod auto;
mod awd;
mod breadcrumbs;
mod cap_outliers;
mod cart;
mod coefficients;
mod compeft;
mod concat;
mod consensus;
mod core;
mod crossover;
mod ctm;
mod dare;
mod dare_ties;
mod dc_merge;
mod della;
mod do_merging;
mod doge;
mod drop_units;
mod emr;
mod frequency;
mod from;
mod gram_schmidt;
mod iso_c;
mod iso_cts;
mod karcher;
mod knots;
mod least_squares;
mod lego;
mod lowdin;
mod magmax;
mod magnitude_prune;
mod mean;
mod metagpt;
mod model_stock;
mod mosaic;
mod multi_slerp;
mod mutate;
mod nan;
mod norm_equalise;
mod np_lora;
mod nuslerp;
mod opcm;
mod orthogonal;
mod pcb;
mod pico;
mod ram;
mod resize;
mod robust_merge;
mod sce;
mod slerp;
mod star;
mod sum;
mod svc;
mod tall;
mod ties;
mod tsv;
mod twin;
mod wudi;
mod zip_columns;

use crate::method::MergeMethod;

/// In reading order, section by section; the first is what is done unless another is asked for. A new method is a file beside this and a line here.
static REGISTRY: &[&dyn MergeMethod] = &[
    // Sums and averages
    &sum::Sum,
    &mean::Mean,
    &concat::Concat,
    &analogy::Analogy,
    // Automatic
    &auto::Auto,
    // Weights from norms and angles
    &norm_equalise::METHOD,
    &cap_outliers::METHOD,
    &nan::METHOD,
    &from::METHOD,
    &metagpt::METHOD,
    &model_stock::METHOD,
    &least_squares::METHOD,
    &slerp::METHOD,
    &nuslerp::NuSlerp,
    &multi_slerp::METHOD,
    &karcher::METHOD,
    // Rank-wise clustering
    &lego::Lego,
    // Orthogonal
    &orthogonal::Orthogonal,
    &np_lora::NpLora,
    &opcm::Opcm,
    &do_merging::DoMerging,
    &gram_schmidt::METHOD,
    &angle_gate::AngleGate,
    &lowdin::Lowdin,
    &zip_columns::ZipColumns,
    // Aligned spaces
    &knots::Knots,
    &core::Core,
    &ctm::Ctm,
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
    // Sparse masks
    &ties::Ties,
    &dare::Dare,
    &dare_ties::DareTies,
    &della::Della,
    &breadcrumbs::Breadcrumbs,
    &magnitude_prune::MagnitudePrune,
    &sce::Sce,
    &magmax::MagMax,
    &emr::Emr,
    &consensus::Consensus,
    &tall::Tall,
    &pcb::Pcb,
    &ram::Ram,
    &mosaic::Mosaic,
    &doge::Doge,
    &frequency::Frequency,
    // Reduction of one adapter
    &resize::Resize,
    &drop_units::DropUnits,
    &compeft::Compeft,
    // Variation
    &crossover::Crossover,
    &mutate::Mutate,
    &coefficients::Coefficients,
];

/// All methods.
pub fn registry() -> &'static [&'static dyn MergeMethod] {
    REGISTRY
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
