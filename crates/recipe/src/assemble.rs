//! Puts the tasks' outputs together: hashes the data, and makes the header last.

use crate::prepare::Prepared;
use crate::report::{Report, report};
use rankweave_adapter::hash::{LEGACY_BYTES, legacy_hash};
use rankweave_adapter::{Error, Kind, OutTensor, PeftModule, Result, header_bytes, peft_config};
use rankweave_merge::{Facts, ModuleReport};
use sha2::{Digest, Sha256};
use std::borrow::Borrow;

/// kohya's legacy hash of files that end before the bytes it looks at: says nothing, so it is not written.
const LEGACY_OF_NOTHING: &str = "e3b0c442";

/// Takes task outputs in the tasks' order. `P` is a reference to the [`Prepared`], or an owner such as `Rc`.
pub struct Assembler<P: Borrow<Prepared>> {
    prepared: P,
    next: usize,
    hash: Sha256,
    /// Bytes of the next task so far.
    pending: u64,
    /// The data's beginning, as far as kohya's legacy hash may look.
    beginning: Vec<u8>,
    data_len: u64,
    tensors: Vec<OutTensor>,
    modules: Vec<ModuleReport>,
}

/// A complete output: the file is `header`, then all tasks' bytes in order.
pub struct Finished {
    /// The file's first bytes, always [`Prepared::room`] long.
    pub header: Vec<u8>,
    /// What was done.
    pub report: Report,
    /// SHA-256 of the tensor data, 64 hex digits.
    pub data_sha256: String,
    /// adapter_config.json, for a PEFT output.
    pub adapter_config: Option<String>,
}

impl<P: Borrow<Prepared>> Assembler<P> {
    /// An empty output.
    pub fn new(prepared: P) -> Self {
        let (hash, beginning, tensors, modules) = Default::default();
        Assembler { prepared, next: 0, hash, pending: 0, beginning, data_len: 0, tensors, modules }
    }

    /// Takes some of the next task's bytes. They are hashed and not kept, so pieces that fit a cache are cheapest.
    pub fn data(&mut self, bytes: &[u8]) {
        self.hash.update(bytes);
        let missing = (LEGACY_BYTES - self.beginning.len()).min(bytes.len());
        self.beginning.extend_from_slice(&bytes[..missing]);
        self.pending += bytes.len() as u64;
    }

    /// Ends the next task, all of whose bytes were given to [`Assembler::data`] before.
    ///
    /// # Errors
    /// `Io` where the output is not the next task's or is incomplete.
    pub fn end_task(&mut self, task: usize, modules: &[ModuleReport]) -> Result<()> {
        let prepared = self.prepared.borrow();
        let ranks: Vec<usize> = modules.iter().map(|m| m.rank).collect();
        let tensors = prepared.plan.tensors_of(&prepared.adapters, task, &ranks);
        let expected: u64 = tensors.iter().map(OutTensor::bytes).sum();
        if task != self.next || expected != self.pending {
            return Err(Error::new(Kind::Io, "A part of the output is missing or damaged")
                .expected(format!("task {} of {expected} bytes", self.next))
                .found(format!("task {task} of {} bytes", self.pending))
                .hint("Merge again."));
        }
        self.next += 1;
        self.pending = 0;
        self.data_len += expected;
        self.tensors.extend(tensors);
        self.modules.extend_from_slice(modules);
        Ok(())
    }

    /// Makes the header and the report. `facts` are what the rounds before the tasks have found.
    ///
    /// # Errors
    /// `Io` where tasks are missing; `Parameter` for names that occur twice.
    pub fn finish(self, facts: &Facts) -> Result<Finished> {
        let prepared = self.prepared.borrow();
        if self.next != prepared.tasks() {
            return Err(Error::new(Kind::Io, "The output is incomplete")
                .expected(format!("{} tasks", prepared.tasks()))
                .found(self.next.to_string()));
        }
        let data_sha256: String = self.hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        let made = made(prepared, &self.modules);
        let by_device = facts.by_device() || self.modules.iter().any(|module| module.device.is_some());
        let metadata = prepared.metadata(&made, &data_sha256, None, by_device);
        // A file with tensors out of the usual order may need bytes from further on; then it goes without this hash.
        let legacy = legacy_hash(&self.tensors, &metadata, &self.beginning).unwrap_or_default();
        let legacy = legacy.filter(|hash| *hash != LEGACY_OF_NOTHING);
        let metadata = match &legacy {
            Some(hash) => prepared.metadata(&made, &data_sha256, Some(hash), by_device),
            None => metadata,
        };
        let header = header_bytes(&self.tensors, &metadata, prepared.room())?;
        if header.len() != prepared.room() {
            return Err(Error::new(Kind::Limit, "The header outgrew the room kept for it")
                .expected(format!("{} bytes", prepared.room()))
                .found(format!("{} bytes", header.len())));
        }
        let adapter_config = prepared.is_peft().then(|| config(prepared, &self.modules));
        let bytes = header.len() as u64 + self.data_len;
        let report =
            report(prepared, &self.modules, facts, &data_sha256, bytes, prepared.made(&data_sha256, by_device));
        Ok(Finished { header, report, data_sha256, adapter_config })
    }
}

/// Ranks and alphas in the plan's order; reports come in the output's order.
fn made(prepared: &Prepared, modules: &[ModuleReport]) -> Vec<(usize, f64)> {
    let by_key: std::collections::HashMap<&str, (usize, f64)> =
        modules.iter().map(|m| (m.key.as_str(), (m.rank, m.alpha))).collect();
    prepared.plan.modules.iter().map(|m| by_key.get(m.keys.up.as_str()).copied().unwrap_or((1, 1.0))).collect()
}

/// What the names of modules' first tensors end with in a PEFT file.
const FIRST_ENDINGS: [&str; 5] = [".lora_B.weight", ".lora_embedding_B", ".hada_w1_a", ".lokr_w1", ".lokr_w1_a"];

fn config(prepared: &Prepared, modules: &[ModuleReport]) -> String {
    let path = |key: &str| {
        let path = key.strip_prefix("base_model.model.").unwrap_or(key);
        let mut fits = FIRST_ENDINGS.iter().filter_map(|ending| path.strip_suffix(ending));
        fits.next().map(str::to_owned)
    };
    let made = |m: &ModuleReport| Some(PeftModule { path: path(&m.key)?, rank: m.rank, alpha: m.alpha });
    let made: Vec<PeftModule> = modules.iter().filter_map(made).collect();
    let biases = modules.iter().any(|m| m.key.ends_with(".lora_B.bias"));
    let inputs: Vec<_> = prepared.adapters.iter().filter_map(|a| a.config.as_ref()).collect();
    peft_config(&made, &saved_modules(prepared), biases, prepared.plan.lycoris.as_ref(), &inputs)
}

/// Paths of whole modules that are kept in the file.
fn saved_modules(prepared: &Prepared) -> Vec<String> {
    let extras = prepared.adapters.iter().flat_map(|a| &a.extras);
    let mut paths: Vec<String> = extras
        .filter_map(|e| e.name.strip_prefix("base_model.model."))
        .filter_map(|name| name.rsplit_once('.').map(|(path, _)| path.to_owned()))
        .collect();
    paths.sort();
    paths.dedup();
    paths
}
