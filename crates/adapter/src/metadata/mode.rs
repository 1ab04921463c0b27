//! What a merged file takes over from its inputs' metadata.

/// How much of the inputs' metadata a merged file keeps. What it says of itself (rank, alpha, hashes, title, recipe) is
/// its own in every mode but `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MetadataMode {
    /// Nothing but what all inputs agree on and loaders look at.
    #[default]
    Minimal,
    /// What adds up: tag counts, data sets, trigger phrases, authors, licences.
    MergeTags,
    /// Everything the first input says, and every input's licence.
    KeepFirst,
    /// As `MergeTags`, and each input's own metadata under `rankweave.source.<n>.`, counted from 1 in the mix's order.
    KeepAll,
    /// Nothing but what loaders cannot do without.
    None,
}

impl MetadataMode {
    /// All modes, in the order that they are shown.
    pub const ALL: [MetadataMode; 5] = [
        MetadataMode::Minimal,
        MetadataMode::MergeTags,
        MetadataMode::KeepFirst,
        MetadataMode::KeepAll,
        MetadataMode::None,
    ];

    /// As a recipe spells it.
    pub fn id(self) -> &'static str {
        match self {
            MetadataMode::Minimal => "minimal",
            MetadataMode::MergeTags => "merge-tags",
            MetadataMode::KeepFirst => "keep-first",
            MetadataMode::KeepAll => "keep-all",
            MetadataMode::None => "none",
        }
    }

    /// The mode that a recipe spells so.
    pub fn of(id: &str) -> Option<MetadataMode> {
        Self::ALL.into_iter().find(|mode| mode.id() == id)
    }
}
