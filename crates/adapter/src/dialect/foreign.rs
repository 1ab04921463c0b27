//! Adapters of other kinds: recognised, refused by name, never misread.
//!
//! The first entry of the list that any tensor bears the mark of gives the message.

use crate::error::{Error, Kind};

/// How a tensor's name gives a kind away.
enum Mark {
    Ends(&'static str),
    Has(&'static str),
    Starts(&'static str),
    Is(fn(&str) -> bool),
}
use Mark::{Ends, Has, Is, Starts};

impl Mark {
    fn fits(&self, name: &str) -> bool {
        match self {
            Ends(s) => name.ends_with(s),
            Has(s) => name.contains(s),
            Starts(s) => name.starts_with(s),
            Is(test) => test(name),
        }
    }
}

pub(crate) const MERGE_INTO_BASE: &str =
    "Merge it into the base with its own trainer, and extract a LoRA from the difference.";
const LATER: &str = "Convert the adapter to LoRA with its trainer's tools.";
const NO_SIZES: &str = "Its file does not say how large the modules are; load it in PEFT, merge it into the base and \
    extract a LoRA from the difference.";

/// What it is called, how it is known, what to do.
const KINDS: &[(&str, &[Mark], &str)] = &[
    ("a BOFT adapter", &[Has(".boft_R"), Has(".boft_s")], MERGE_INTO_BASE),
    (
        "an OFT adapter of an older or another spelling",
        &[Has(".oft_diag"), Has(".oft_r"), Has(".oft_embedding_R"), Starts("oft_unet_")],
        MERGE_INTO_BASE,
    ),
    ("an IA³ adapter of LyCORIS", &[Ends(".on_input")], MERGE_INTO_BASE),
    ("a UniLoRA adapter", &[Has("unilora_")], LATER),
    ("a FineGates adapter", &[Has(".finegates_")], MERGE_INTO_BASE),
    ("a GLoRA adapter", &[Ends(".a1.weight"), Ends(".b1.weight"), Has(".glora_")], MERGE_INTO_BASE),
    ("a RandLoRA adapter", &[Has("randlora_")], LATER),
    ("a VB-LoRA adapter", &[Has("vblora_")], LATER),
    ("a FourierFT adapter", &[Has("fourierft_")], LATER),
    ("a WaveFT adapter", &[Has("waveft_")], LATER),
    ("a C3A adapter", &[Has(".c3a_")], LATER),
    ("a KaSA adapter", &[Has(".lora_diag")], MERGE_INTO_BASE),
    ("a SHiRA adapter", &[Has(".shira_")], NO_SIZES),
    ("a MiSS (Bone) adapter", &[Has(".bone_"), Has(".miss_")], MERGE_INTO_BASE),
    ("an HRA adapter", &[Has(".hra_u")], MERGE_INTO_BASE),
    ("a HiRA adapter", &[Has(".hira_")], MERGE_INTO_BASE),
    ("a RoAd adapter", &[Has(".road_theta"), Has(".road_alpha")], MERGE_INTO_BASE),
    ("a DeLoRA adapter", &[Has(".delora_")], LATER),
    ("a prompt-tuning adapter", &[Is(|n| n == "prompt_embeddings")], "It holds prompts, not changes of weights."),
    ("an X-LoRA adapter", &[Has("xlora_classifier")], LATER),
    ("an adapter with whole replacement weights (.set_weight)", &[Ends(".set_weight"), Ends(".reshape_weight")], LATER),
];

/// The refusal for a file with these tensor names (those that are no part of a plain pair), if one is due.
pub(crate) fn refusal(names: &[&str]) -> Option<Error> {
    KINDS.iter().find_map(|(title, marks, hint)| {
        let name = names.iter().find(|n| marks.iter().any(|m| m.fits(n)))?;
        let what = format!("This is {title}, which Rankweave does not read");
        Some(Error::new(Kind::Unsupported, what).key(*name).hint(*hint))
    })
}

/// The error for a file without a single pair.
pub(crate) fn not_an_adapter(names: &[&str]) -> Error {
    let error = Error::new(Kind::Unsupported, "This is not a LoRA adapter")
        .expected("pairs of factors, such as X.lora_up.weight and X.lora_down.weight")
        .hint("Choose the adapter's file; whole models, text encoders and VAEs cannot be merged here.");
    match names.first() {
        Some(first) => error.found(format!("{} other tensors", names.len())).key(*first),
        None => error.found("no tensors"),
    }
}
