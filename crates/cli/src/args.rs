//! The command line.

use clap::{ArgGroup, Args, Parser, Subcommand, ValueEnum};
use rankweave_adapter::MetadataMode;
use rankweave_merge::registry;
use std::path::PathBuf;

/// Merges LoRA adapters exactly: any rank, any trainer, one file out.
#[derive(Parser)]
#[command(name = "rankweave", version, disable_help_subcommand = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Say what adapter files are, and how they go together.
    Inspect(Inspect),
    /// List the merge methods with their parameters.
    Methods(Methods),
    /// Merge adapters into one.
    Merge(Box<Merge>),
    /// Check a recipe, and print it in another form.
    Recipe(Recipe),
    /// Rewrite one adapter in another spelling or type.
    Convert(Convert),
    /// Say what a file says of itself, or write it anew with other metadata and the same tensors.
    Metadata(Metadata),
    /// Hash files as model sites do, and check the hashes that they state.
    Hash(Hash),
}

#[derive(Args)]
pub(crate) struct Inspect {
    /// Safetensors files or PEFT folders.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Read the tensors too: true hashes, untrained modules, numbers that are not finite.
    #[arg(long)]
    pub tensors: bool,
    /// Print a JSON object: files, and how they go together.
    #[arg(long)]
    pub json: bool,
    /// Print the blocks of each file's family instead, with the modules that the file has there.
    #[arg(long, conflicts_with = "conflicts")]
    pub blocks: bool,
    /// Count, module by module, where the files pull against each other: in some rows of each module, or exactly.
    #[arg(long, value_name = "HOW", num_args = 0..=1, require_equals = true, default_missing_value = "sampled")]
    pub conflicts: Option<ConflictsArg>,
    /// What the rows are drawn from [default: 0].
    #[arg(long, requires = "conflicts")]
    pub seed: Option<u32>,
    /// One weight per file, for --conflicts [default: all 1].
    #[arg(long, requires = "conflicts", value_delimiter = ',', allow_hyphen_values = true, value_name = "W,W,…")]
    pub weights: Option<Vec<f64>>,
    #[command(flatten)]
    pub base: Based,
}

/// Which entries --conflicts looks at.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ConflictsArg {
    /// Some rows of each module.
    Sampled,
    /// All.
    Exact,
}

#[derive(Args)]
pub(crate) struct Methods {
    /// Print a JSON array of the methods' descriptions.
    #[arg(long)]
    pub json: bool,
}

#[derive(Args)]
pub(crate) struct Merge {
    /// Safetensors files or PEFT folders.
    #[arg(required = true, value_name = "INPUT")]
    pub inputs: Vec<PathBuf>,
    /// Where to write: a name ending in .safetensors is a file, any other a PEFT folder.
    #[arg(short, long, value_name = "OUT")]
    pub output: PathBuf,
    /// One weight per input: the strength one would type at inference, any sign [default: all 1].
    #[arg(long, value_delimiter = ',', allow_hyphen_values = true, value_name = "W,W,…")]
    pub weights: Option<Vec<f64>>,
    /// The same for text encoders [default: as --weights].
    #[arg(long, value_delimiter = ',', allow_hyphen_values = true, value_name = "W,W,…")]
    pub te_weights: Option<Vec<f64>>,
    /// Block weights of an input (a, b, …; all of them without ID=): a preset, a list of numbers, or NAME=NUMBER,…; may be
    /// given several times, the last one for an input counts. `rankweave inspect --blocks` lists the names.
    #[arg(long, value_name = "[ID=]WEIGHTS", allow_hyphen_values = true)]
    pub blocks: Vec<String>,
    /// Multiply the weight of the modules whose names fit a pattern (*, ?, [a-z]); of several rules that fit a module
    /// the last one counts.
    #[arg(long = "rule", value_name = "[ID:]PATTERN=NUMBER", allow_hyphen_values = true)]
    pub rules: Vec<String>,
    /// Take the modules whose names fit a pattern out of an input, whatever --rule says of them.
    #[arg(long = "drop", value_name = "[ID:]PATTERN", allow_hyphen_values = true)]
    pub drops: Vec<String>,
    #[command(flatten)]
    pub base: Based,
    /// The merge method; `rankweave methods` lists them.
    #[arg(long, value_parser = method_ids(), default_value = "sum")]
    pub method: String,
    /// A parameter of the method; may be given several times.
    #[arg(long = "param", value_parser = param, value_name = "NAME=VALUE", allow_hyphen_values = true)]
    pub params: Vec<(String, String)>,
    /// Rank of the result: exact (nothing lost), a number, energy:SHARE, or dense: whole differences instead of pairs, as
    /// kohya's, ComfyUI's and diffusers' spellings have them.
    #[arg(long, default_value = "exact")]
    pub rank: String,
    /// Type of the factors [default: that of the first input].
    #[arg(long)]
    pub dtype: Option<DtypeArg>,
    /// Spelling of the keys.
    #[arg(long, default_value = "same")]
    pub keys: KeysArg,
    /// What is taken over from the inputs' metadata.
    #[arg(long, value_parser = metadata_modes(), default_value = "minimal", value_name = "MODE")]
    pub metadata: String,
    /// Seed of methods that use chance.
    #[arg(long)]
    pub seed: Option<u32>,
    /// Whether a GPU helps with methods that look at every entry. Its results differ from the CPU's by rounding: the file is
    /// not reproducible byte for byte then.
    #[arg(long, default_value = "auto", value_name = "WHETHER")]
    pub gpu: GpuArg,
    /// Write the report as JSON to this file.
    #[arg(long, value_name = "FILE.json")]
    pub report: Option<PathBuf>,
    /// Take weights, method and output from a recipe: a file with JSON, YAML like mergekit's or ours, or a prompt; a link; a
    /// prompt's <lora:…> tags; or a merged file that tells its own. Inputs are known by what they hold, or by name.
    #[arg(long, value_name = "RECIPE", conflicts_with_all = ["weights", "te_weights", "blocks", "rules", "drops", "method", "params", "rank", "dtype", "keys", "metadata", "seed"])]
    pub recipe: Option<String>,
    /// Take files that are not those of the recipe, in its order.
    #[arg(long, requires = "recipe")]
    pub any_files: bool,
}

#[derive(Args)]
pub(crate) struct Recipe {
    /// A file with JSON, YAML like mergekit's or ours, or a prompt; a link; a prompt's <lora:…> tags; or a merged file that
    /// tells its own.
    #[arg(value_name = "RECIPE")]
    pub recipe: String,
    /// How to print it.
    #[arg(long = "as", value_name = "FORM", default_value = "json")]
    pub form: RecipeForm,
}

/// How `rankweave recipe` prints.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum RecipeForm {
    /// JSON, indented.
    Json,
    /// The part of an address after `#r=`.
    Link,
    /// Its id: the same for all recipes that mean the same.
    Id,
    /// YAML like mergekit's, with what mergekit has no word for under a key of its own.
    Yaml,
    /// A command line that merges, for a POSIX shell.
    Command,
    /// A Python script that merges, for those who work with PEFT.
    Python,
    /// A prompt's <lora:…> tags, for plain sums.
    Prompt,
}

#[derive(Args)]
pub(crate) struct Convert {
    /// A safetensors file or PEFT folder.
    pub input: PathBuf,
    /// Where to write: a name ending in .safetensors is a file, any other a PEFT folder.
    #[arg(short, long, value_name = "OUT")]
    pub output: PathBuf,
    /// Spelling of the keys.
    #[arg(long, default_value = "same")]
    pub keys: KeysArg,
    /// Type of the factors [default: that of the input].
    #[arg(long)]
    pub dtype: Option<DtypeArg>,
    /// Only one part of the model: unet, transformer, text_encoder, text_encoder_2, text_encoder_3 or prior. A PEFT folder
    /// holds one.
    #[arg(long, value_name = "PART")]
    pub part: Option<String>,
    #[command(flatten)]
    pub base: Based,
}

#[derive(Args)]
#[command(group = ArgGroup::new("changes").args(["set", "remove"]).multiple(true).requires("output"))]
pub(crate) struct Metadata {
    /// A safetensors file, or a PEFT folder for the one in it.
    pub file: PathBuf,
    /// Print a JSON object: what is said in words, and every entry.
    #[arg(long, conflicts_with = "output")]
    pub json: bool,
    /// Set an entry; may be given several times.
    #[arg(long, value_parser = param, value_name = "KEY=VALUE", allow_hyphen_values = true)]
    pub set: Vec<(String, String)>,
    /// Remove an entry; may be given several times.
    #[arg(long, value_name = "KEY")]
    pub remove: Vec<String>,
    /// The file to write; never the one that is read.
    #[arg(short, long, value_name = "OUT", requires = "changes")]
    pub output: Option<PathBuf>,
}

/// What adapters that depend on the base model are merged with.
#[derive(Args)]
pub(crate) struct Based {
    /// The base model, for adapters that depend on its weights (DoRA, IA³, OFT): a .safetensors file, a folder, or the
    /// model.safetensors.index.json of several files. Only headers and the weights needed are read.
    #[arg(long = "base", value_name = "MODEL")]
    pub model: Option<PathBuf>,
    /// Without the base: what to take of DoRA adapters. The direction alone, without magnitudes, is not what was trained.
    #[arg(long, value_name = "HOW")]
    pub dora: Option<DoraArg>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum DoraArg {
    Direction,
}

#[derive(Args)]
pub(crate) struct Hash {
    /// Safetensors files or PEFT folders.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Print a JSON array, one object per file.
    #[arg(long)]
    pub json: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum GpuArg {
    /// Where there is one.
    Auto,
    /// Even a program that plays one; an error if there is none.
    On,
    /// Never: the file is the same on every machine of a kind.
    Off,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum DtypeArg {
    F32,
    F16,
    Bf16,
    #[value(name = "f8_e4m3")]
    F8E4m3,
    #[value(name = "f8_e5m2")]
    F8E5m2,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum KeysArg {
    /// As the first input.
    Same,
    Peft,
    Kohya,
    Diffusers,
    Comfy,
}

impl DtypeArg {
    pub fn id(self) -> &'static str {
        match self {
            DtypeArg::F32 => "f32",
            DtypeArg::F16 => "f16",
            DtypeArg::Bf16 => "bf16",
            DtypeArg::F8E4m3 => "f8_e4m3",
            DtypeArg::F8E5m2 => "f8_e5m2",
        }
    }
}

impl KeysArg {
    /// As a recipe spells it; `None` for the first input's.
    pub fn id(self) -> Option<&'static str> {
        match self {
            KeysArg::Same => None,
            KeysArg::Peft => Some("peft"),
            KeysArg::Kohya => Some("kohya"),
            KeysArg::Diffusers => Some("diffusers"),
            KeysArg::Comfy => Some("comfy"),
        }
    }
}

fn method_ids() -> clap::builder::PossibleValuesParser {
    registry().iter().map(|method| method.spec().id).collect::<Vec<_>>().into()
}

fn metadata_modes() -> clap::builder::PossibleValuesParser {
    MetadataMode::ALL.map(MetadataMode::id).into()
}

fn param(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("expected NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn negative_weights_are_values_not_flags() {
        let cli = Cli::parse_from(["rankweave", "merge", "a", "b", "-o", "c", "--weights", "-0.3,0.7"]);
        let Command::Merge(merge) = cli.command else { panic!("merge") };
        assert_eq!(merge.weights, Some(vec![-0.3, 0.7]));
    }
}
