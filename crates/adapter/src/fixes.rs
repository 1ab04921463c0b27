//! What to do about each warning: one short sentence per code.

use crate::error::Warning;

/// Codes and what to do. Codes that are missing ask for nothing.
const FIXES: &[(&str, &str)] = &[
    ("different-families", "Merge adapters of one base model only: remove the others."),
    ("no-overlap", "Check that all adapters are for the same base model."),
    ("only-in-one", "Nothing, if that is meant; else compare what each was trained on."),
    ("weight-zero", "Raise a weight, or remove the adapter."),
    ("zero-modules", "Look whether an adapter is untrained, or the weights cancel."),
    ("extra-kept", "Make the adapter whose tensor you want the heaviest."),
    ("extra-dropped", "Give the adapter a weight if you want its tensor."),
    ("extra-tensors", "Nothing: they are kept beside the merged modules as they are."),
    ("left-out", "Choose kohya keys for the output, or those of the input, if these changes matter."),
    ("expanded", "Choose another key spelling or number type for the output if the file gets too large."),
    ("vera-inputs", "Check the merged adapter against the original before you rely on it."),
    ("tags-left-out", "Repair the entry with rankweave metadata, or choose another metadata mode."),
    ("stale-hash", "Remove the entry, or merge or convert the file anew."),
    ("wrong-hash", "Remove the entry, or merge or convert the file: the new one states true hashes."),
    ("null-metadata", "Nothing: the merged file has a header that all tools read."),
    ("mixed-dialects", "Choose one key spelling for the output."),
    ("positional-names", "Merge it with files of the same trainer and model only."),
    ("control-lora", "Merge it with other ControlLoRAs of the same control only."),
    ("no-config", "Add the adapter_config.json that lies beside the original file."),
    ("config-rank", "Check that the adapter_config.json belongs to this file."),
    ("config-field", "Load the merged adapter as its base model needs it."),
    ("dropped-by-rule", "Nothing, if that is meant; else change the rule."),
    ("no-block", "Nothing: such modules keep the adapter's weight."),
    ("needs-base", "Give the base checkpoint, or take a DoRA adapter's direction alone."),
    ("dora-direction", "Give the base checkpoint to merge what was trained."),
    ("auto", "Nothing; or choose a method yourself."),
    ("arbitrary-groups", "Take the balanced gauge, more groups, or another method, such as auto."),
    ("orthogonal-adapters", "Nothing: no method does better."),
    ("crosstalk", "Where it is large, try auto, tsv or np-lora."),
    ("full-rank", "Choose a rank, such as 64, or a share of the energy."),
    ("more-directions", "Ask for a higher rank where too little is kept; dense keeps all."),
    ("gpu", "Nothing; or switch the GPU off for a file that can be reproduced byte for byte."),
    ("gpu-failed", "Nothing: the CPU did its part. Switch the GPU off if this comes back."),
    ("on-factors", "Take space=delta, unless a file of PEFT's is to be reproduced."),
    ("as-expected", "Nothing."),
    (
        "not-as-expected",
        "Compare the report's residual and weights; give the files and settings that the recipe was made with.",
    ),
    ("no-rank", "Choose a rank if the file gets too large."),
    ("no-type", "Choose a number type if another one is wanted."),
    ("no-weight", "Set the weight if 1 is not meant."),
    ("normalised", "Set the weights yourself if another sum is meant."),
    ("not-imported", "Nothing, if it is of no concern for adapters; else set it here."),
    ("which-weight", "Check the two weights; te= and unet= leave no doubt."),
    ("named-twice", "Check the weight: it is the sum of those that were given."),
    ("blocks-wait", "Add the file: its model family says which blocks are meant."),
    ("bias-not-scaled", "Compare the result with the original: where biases are small, little is lost."),
    ("captured-little", "Ask for a larger rank, or merge fewer adapters."),
    ("rule-unused", "Check the pattern against the names in the report."),
    ("untrained", "Use a later checkpoint, unless these modules were frozen on purpose."),
    ("not-finite", "Use another checkpoint: training diverged, or the file is damaged."),
];

/// What to do about a warning or a finding with this code, in one sentence; empty for a code that is not known.
pub fn fix(code: &str) -> &'static str {
    FIXES.iter().find(|(known, _)| *known == code).map_or("", |(_, fix)| fix)
}

impl Warning {
    /// What to do about it, in one sentence; empty for a code that is not known.
    pub fn fix(&self) -> &'static str {
        fix(&self.code)
    }
}
