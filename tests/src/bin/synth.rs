//! Writes a full-size adapter with the names and shapes of a real one.
//!
//! `synth sd15|sdxl|llama OUT [--rank 16] [--alpha 16] [--dtype f32|f16|bf16] [--seed 0]`: OUT is a file, or for `llama` a
//! folder that gets adapter_model.safetensors and adapter_config.json.

use rankweave_tests::synth::{Family, Plan};
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::process::ExitCode;

const USAGE: &str = "usage: synth sd15|sdxl|llama OUT [--rank 16] [--alpha 16] [--dtype f32|f16|bf16] [--seed 0]";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some((plan, out)) = parse(&arguments) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    match write(&plan, Path::new(out)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{out}: {error}");
            ExitCode::FAILURE
        }
    }
}

fn parse(arguments: &[String]) -> Option<(Plan, &str)> {
    let [family, out, options @ ..] = arguments else {
        return None;
    };
    let mut plan = Plan { family: Family::from_id(family)?, rank: 16, alpha: 16.0, dtype: "F16", seed: 0 };
    for option in options.chunks(2) {
        let [name, value] = option else { return None };
        match name.as_str() {
            "--rank" => plan.rank = value.parse().ok().filter(|r| *r > 0)?,
            "--alpha" => plan.alpha = value.parse().ok()?,
            "--seed" => plan.seed = value.parse().ok()?,
            "--dtype" => plan.dtype = ["F32", "F16", "BF16"].into_iter().find(|d| d.eq_ignore_ascii_case(value))?,
            _ => return None,
        }
    }
    Some((plan, out))
}

fn write(plan: &Plan, out: &Path) -> io::Result<()> {
    let file = match plan.config() {
        Some(config) => {
            fs::create_dir_all(out)?;
            fs::write(out.join("adapter_config.json"), config)?;
            out.join("adapter_model.safetensors")
        }
        None => out.to_path_buf(),
    };
    let mut writer = BufWriter::new(File::create(file)?);
    plan.write(&mut writer)?;
    writer.flush()
}
