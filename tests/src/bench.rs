//! The native benchmark: whole runs of the released `rankweave` binary, from process start to file written.
//!
//! A row is a merge of made-up full-size adapters ([`crate::synth`]); each run is timed from outside, with the
//! inputs in the page cache, as they are for someone who has just downloaded them. Medians are what is reported.

use crate::synth::{Family, Plan};
use rankweave_merge::MergeMethod;
use serde_json::{Value, json};
use std::borrow::Cow;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

/// One merge to time.
#[derive(Clone, Debug)]
pub struct Row {
    /// Short name, the output's file name.
    pub id: &'static str,
    /// What is done, in the words that the page's benchmark uses too.
    pub work: Cow<'static, str>,
    /// By which method, at its defaults.
    pub method: &'static str,
    /// What the inputs are, for people.
    pub sizes: &'static str,
    /// What the inputs are.
    pub family: Family,
    /// How many inputs.
    pub inputs: u64,
    /// Their rank.
    pub input_rank: usize,
    /// The rank policy as the command line spells it.
    pub rank: &'static str,
    /// Seconds that a run may take on two cores.
    pub bound: f64,
}

/// The rows, in the order they are reported.
pub const ROWS: [Row; 6] = [
    Row {
        id: "sd15",
        work: Cow::Borrowed("2 × SD1.5, sum to rank 16"),
        method: "sum",
        sizes: "kohya, 264 modules, rank 16, F16",
        family: Family::Sd15,
        inputs: 2,
        input_rank: 16,
        rank: "16",
        bound: 0.5,
    },
    Row {
        id: "sdxl",
        work: Cow::Borrowed("3 × SDXL, sum to rank 32"),
        method: "sum",
        sizes: "kohya, 722 modules, rank 32, F16",
        family: Family::Sdxl,
        inputs: 3,
        input_rank: 32,
        rank: "32",
        bound: 4.0,
    },
    Row {
        id: "sdxl-exact",
        work: Cow::Borrowed("3 × SDXL, sum, exact"),
        method: "sum",
        sizes: "kohya, 722 modules, rank 32, F16",
        family: Family::Sdxl,
        inputs: 3,
        input_rank: 32,
        rank: "exact",
        bound: 1.5,
    },
    Row {
        id: "llama",
        work: Cow::Borrowed("3 × one Llama layer, sum to rank 16"),
        method: "sum",
        sizes: "PEFT, 7 modules, 2048/5632, rank 16, F16",
        family: Family::Llama,
        inputs: 3,
        input_rank: 16,
        rank: "16",
        bound: 0.1,
    },
    Row {
        id: "sd15-ties",
        work: Cow::Borrowed("3 × SD1.5, TIES 20 % to rank 16"),
        method: "ties",
        sizes: "kohya, 264 modules, rank 16, F16",
        family: Family::Sd15,
        inputs: 3,
        input_rank: 16,
        rank: "16",
        bound: 12.0,
    },
    Row {
        id: "llama-ties",
        work: Cow::Borrowed("3 × one Llama layer, TIES 20 % to rank 16"),
        method: "ties",
        sizes: "PEFT, 7 modules, 2048/5632, rank 16, F16",
        family: Family::Llama,
        inputs: 3,
        input_rank: 16,
        rank: "16",
        bound: 3.0,
    },
];

/// A row for every method: three SDXL adapters to rank 32, or as many of them as the method takes; three SD1.5 adapters to
/// rank 16 for those that look at every entry.
pub fn method_rows() -> Vec<Row> {
    let row = |method: &'static dyn MergeMethod| {
        let spec = method.spec();
        let (of, what) = if method.full_rank() { (4, "SD1.5") } else { (1, "SDXL") };
        Row {
            id: if method.full_rank() { "sd15-method" } else { "sdxl-method" },
            work: Cow::Owned(format!("3 × {what} by {} to rank {}", spec.id, ROWS[of].rank)),
            method: spec.id,
            inputs: spec.adapters.1.min(3) as u64,
            bound: 12.0,
            ..ROWS[of].clone()
        }
    };
    rankweave_merge::registry().iter().map(|method| row(*method)).collect()
}

/// What a row's runs gave.
#[derive(Clone, Debug)]
pub struct Measured {
    /// The row.
    pub row: Row,
    /// Bytes of one input file.
    pub input_bytes: u64,
    /// Bytes of the output file.
    pub output_bytes: u64,
    /// Seconds of each run, ascending.
    pub seconds: Vec<f64>,
}

impl Measured {
    /// What went in and came out, for people.
    fn sizes(&self) -> String {
        let megabytes = |bytes: u64| format!("{:.1} MB", bytes as f64 / 1e6);
        let (one, output) = (megabytes(self.input_bytes), megabytes(self.output_bytes));
        format!("{}, {one} each, {output} written", self.row.sizes)
    }

    /// The middle run.
    pub fn median(&self) -> f64 {
        let n = self.seconds.len();
        (self.seconds[(n - 1) / 2] + self.seconds[n / 2]) / 2.0
    }
}

/// The processor's name and how many threads may run at once.
pub fn machine() -> (String, usize) {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    (name.map_or("unknown processor".into(), |(_, name)| name.to_string()), cores)
}

/// Makes a row's inputs in `folder` where they are not there yet; returns what to name on the command line.
///
/// # Errors
/// When a file cannot be written.
pub fn inputs(row: &Row, folder: &Path) -> io::Result<Vec<PathBuf>> {
    fs::create_dir_all(folder)?;
    (0..row.inputs).map(|seed| input(row, seed, folder)).collect()
}

fn input(row: &Row, seed: u64, folder: &Path) -> io::Result<PathBuf> {
    // PEFT's usual alpha for the language model; half the rank, as image trainers like it, for the others.
    let alpha = if row.family == Family::Llama { 32.0 } else { row.input_rank as f64 / 2.0 };
    let plan = Plan { family: row.family, rank: row.input_rank, alpha, dtype: "F16", seed };
    let name = format!("{:?}-rank{}-seed{seed}", row.family, row.input_rank).to_lowercase();
    let path = match plan.config() {
        Some(config) => {
            fs::create_dir_all(folder.join(&name))?;
            fs::write(folder.join(&name).join("adapter_config.json"), config)?;
            folder.join(name)
        }
        None => folder.join(name + ".safetensors"),
    };
    let file = tensors_of(&path);
    if !file.exists() {
        // Written beside and renamed, so that a run broken off leaves no half file to be believed.
        let part = file.with_extension("part");
        let mut writer = BufWriter::new(File::create(&part)?);
        plan.write(&mut writer)?;
        writer.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
        fs::rename(part, file)?;
    }
    Ok(path)
}

/// The tensor file of an input: itself, or the one in its folder.
fn tensors_of(path: &Path) -> PathBuf {
    if path.extension().is_some() { path.into() } else { path.join("adapter_model.safetensors") }
}

/// Times `runs` merges of a row with the program `binary`, after one that is not counted.
///
/// # Errors
/// When the program cannot be started or fails.
pub fn measure(row: &Row, binary: &Path, folder: &Path, runs: usize) -> io::Result<Measured> {
    let inputs = inputs(row, folder)?;
    let output = folder.join(format!("merged-{}.safetensors", row.id));
    let weights: Vec<&str> = ["0.7", "0.5", "-0.3"].into_iter().take(inputs.len()).collect();
    let mut seconds = Vec::new();
    for run in 0..=runs {
        let mut command = Command::new(binary);
        command.arg("merge").args(&inputs).arg("-o").arg(&output);
        command.args(["--method", row.method, "--rank", row.rank, "--dtype", "f16", "--weights", &weights.join(",")]);
        let start = Instant::now();
        let done = command.stdin(Stdio::null()).stdout(Stdio::null()).output()?;
        let took = start.elapsed().as_secs_f64();
        if !done.status.success() {
            let said = String::from_utf8_lossy(&done.stderr).into_owned();
            return Err(io::Error::other(format!("{command:?}: {}\n{said}", done.status)));
        }
        if run > 0 {
            seconds.push(took);
        }
    }
    seconds.sort_by(f64::total_cmp);
    let size = |path: &Path| fs::metadata(path).map(|m| m.len());
    let measured = Measured {
        row: row.clone(),
        input_bytes: size(&tensors_of(&inputs[0]))?,
        output_bytes: size(&output)?,
        seconds,
    };
    fs::remove_file(output)?;
    Ok(measured)
}

/// One line per row: `bench | work | median | bound | sizes`.
pub fn lines(measured: &[Measured]) -> String {
    let line = |m: &Measured| {
        let (work, median, bound) = (&m.row.work, m.median(), m.row.bound);
        format!("bench | {work} | {median:.2} s | {bound} s | {}\n", m.sizes())
    };
    measured.iter().map(line).collect()
}

/// A Markdown table.
pub fn table(measured: &[Measured]) -> String {
    let mut text = String::from("| work | sizes | median | fastest | bound |\n|---|---|---|---|---|\n");
    for m in measured {
        let missed = if m.median() <= m.row.bound { "" } else { ": missed" };
        let (work, sizes, median, fastest) = (&m.row.work, m.sizes(), m.median(), m.seconds[0]);
        text += &format!("| {work} | {sizes} | {median:.2} s | {fastest:.2} s | ≤ {} s{missed} |\n", m.row.bound);
    }
    text
}

/// The same as JSON: `{machine: {cpu, cores}, rows: [{id, work, sizes, inputs, input_bytes, output_bytes, seconds, median, bound}]}`.
pub fn as_json(measured: &[Measured]) -> Value {
    let (cpu, cores) = machine();
    let row = |m: &Measured| {
        json!({
            "id": m.row.id, "work": m.row.work, "sizes": m.row.sizes, "inputs": m.row.inputs, "input_bytes": m.input_bytes,
            "output_bytes": m.output_bytes, "seconds": m.seconds, "median": m.median(), "bound": m.row.bound,
        })
    };
    json!({"machine": {"cpu": cpu, "cores": cores}, "rows": measured.iter().map(row).collect::<Vec<_>>()})
}

/// Writes a line of progress to the error stream.
pub fn say(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle() {
        let of = |seconds: &[f64]| {
            Measured { row: ROWS[0].clone(), input_bytes: 0, output_bytes: 0, seconds: seconds.to_vec() }.median()
        };
        assert_eq!(of(&[1.0, 2.0, 9.0]), 2.0);
        assert_eq!(of(&[1.0, 2.0, 4.0, 9.0]), 3.0);
    }
}
