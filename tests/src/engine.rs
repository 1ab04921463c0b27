//! The only door to the code under test: whole merges in memory, from files' bytes to a file's bytes.

use crate::naive::{self, Modules};
use crate::tensors;
use rankweave_adapter::base::shards;
use rankweave_adapter::{Adapter, Base, Error, Source};
use rankweave_recipe::{Assembler, Facts, Prepared, Recipe, Report};
use serde_json::{Value, json};

/// One input file.
#[derive(Clone, Debug)]
pub struct File {
    /// What it is called.
    pub label: String,
    /// All its bytes.
    pub bytes: Vec<u8>,
    /// Its adapter_config.json.
    pub config: Option<String>,
    /// Its weight.
    pub weight: f64,
    /// Its weight for text encoders, where that is another one.
    pub te_weight: Option<f64>,
    /// `blocks` of its entry in a recipe's mix, or null.
    pub blocks: Value,
    /// `rules` of its entry in a recipe's mix, or null.
    pub rules: Value,
    /// `dora` of its source in a recipe.
    pub dora: Option<&'static str>,
}

/// A merge to do.
#[derive(Clone, Debug)]
pub struct Job {
    /// The inputs, in order.
    pub files: Vec<File>,
    /// `{"id", "params"}` of a recipe.
    pub method: Value,
    /// `output.rank` of a recipe.
    pub rank: Value,
    /// The recipe's seed.
    pub seed: u64,
    /// `f32`, `f16` or `bf16`.
    pub dtype: String,
    /// `output.keys` of a recipe.
    pub keys: Option<String>,
    /// `output.metadata` of a recipe.
    pub metadata: Option<String>,
    /// The base model's files: label and bytes. None for no base.
    pub base: Vec<(String, Vec<u8>)>,
    /// Text of the index beside them.
    pub index: Option<String>,
}

/// What a merge made.
#[derive(Clone, Debug)]
pub struct Merged {
    /// The whole file.
    pub bytes: Vec<u8>,
    /// Its adapter_config.json, for a PEFT output.
    pub config: Option<String>,
    /// The report.
    pub report: Report,
}

impl File {
    /// A file with a weight.
    pub fn new(label: &str, bytes: Vec<u8>, weight: f64) -> File {
        File {
            label: label.into(),
            bytes,
            config: None,
            weight,
            te_weight: None,
            blocks: Value::Null,
            rules: Value::Null,
            dora: None,
        }
    }
}

impl Job {
    /// An exact merge to f32 with a method's defaults.
    pub fn new(method: &str, files: Vec<File>) -> Job {
        Job {
            files,
            method: json!({"id": method}),
            rank: json!({"mode": "exact"}),
            seed: 0,
            dtype: "f32".into(),
            keys: None,
            metadata: None,
            base: Vec::new(),
            index: None,
        }
    }

    /// The recipe that says all this.
    pub fn recipe(&self) -> Recipe {
        let id = |i: usize| format!("s{i}");
        let source = |(i, file): (usize, &File)| match file.dora {
            Some(dora) => json!({"id": id(i), "dora": dora}),
            None => json!({"id": id(i)}),
        };
        let sources: Vec<Value> = self.files.iter().enumerate().map(source).collect();
        let entry = |(i, file): (usize, &File)| {
            let mut entry = json!({"src": id(i), "weight": file.weight, "te": file.te_weight});
            for (key, value) in [("blocks", &file.blocks), ("rules", &file.rules)] {
                if !value.is_null() {
                    entry[key] = value.clone();
                }
            }
            entry
        };
        let mix: Vec<Value> = self.files.iter().enumerate().map(entry).collect();
        // A PEFT output is a folder, whose configuration can hold alphas.
        let alpha = (self.keys.as_deref() == Some("peft")).then_some("keep-first");
        let output = json!({"alpha": alpha, "rank": self.rank, "dtype": self.dtype, "keys": self.keys, "metadata": self.metadata});
        let recipe = json!({"recipe": 1, "sources": sources, "mix": mix, "method": self.method, "seed": self.seed, "output": output});
        Recipe::from_json(&recipe.to_string()).expect("a recipe of the tests is well formed")
    }

    /// The base, where there is one.
    fn open_base(&self) -> Result<Option<Base>, Error> {
        if self.base.is_empty() {
            return Ok(None);
        }
        let files: Vec<(&str, &dyn Source)> =
            self.base.iter().map(|(label, bytes)| (label.as_str(), bytes as &dyn Source)).collect();
        let indexed = self.index.as_ref().map(|text| shards(text, "index")).transpose()?;
        Base::open("base", &files, indexed.as_deref()).map(Some)
    }

    /// Opens, plans, runs every task in turn, assembles.
    ///
    /// # Errors
    /// Whatever the engine answers.
    pub fn run(&self) -> Result<Merged, Vec<Error>> {
        self.run_in_order(|tasks| (0..tasks).collect())
    }

    /// The same with the tasks run in another order, as many workers would.
    ///
    /// # Errors
    /// Whatever the engine answers.
    pub fn run_in_order(&self, order: impl Fn(usize) -> Vec<usize>) -> Result<Merged, Vec<Error>> {
        let open = |file: &File| Adapter::open(&file.bytes, &file.label, file.config.as_deref());
        let adapters = self.files.iter().map(open).collect::<Result<Vec<_>, Error>>().map_err(|e| vec![e])?;
        let base = self.open_base().map_err(|e| vec![e])?;
        let prepared = Prepared::with_base(self.recipe(), adapters, base.as_ref())?;
        let files = self.files.iter().map(|file| &file.bytes).chain(self.base.iter().map(|(_, bytes)| bytes));
        let sources: Vec<&dyn Source> = files.map(|bytes| bytes as &dyn Source).collect();
        let mut facts = Facts::default();
        for _ in 0..prepared.rounds() {
            let survey = |task| prepared.survey_task(&sources, task, &facts).map(|found| (task, found));
            let found = order(prepared.tasks()).into_iter().map(survey).collect::<Result<Vec<_>, Error>>();
            let mut found = found.map_err(|e| vec![e])?;
            found.sort_by_key(|(task, _)| *task);
            facts.add(&found.into_iter().map(|(_, found)| found).collect::<Vec<_>>());
        }
        let run = |task| prepared.run_task(&sources, task, &facts);
        let mut outputs =
            order(prepared.tasks()).into_iter().map(run).collect::<Result<Vec<_>, Error>>().map_err(|e| vec![e])?;
        outputs.sort_by_key(|output| output.task);
        let mut assembler = Assembler::new(&prepared);
        for output in &outputs {
            assembler.data(&output.bytes);
            assembler.end_task(output.task, &output.modules).map_err(|e| vec![e])?;
        }
        let finished = assembler.finish(&facts).map_err(|e| vec![e])?;
        let mut bytes = finished.header;
        outputs.iter().for_each(|output| bytes.extend(&output.bytes));
        Ok(Merged { bytes, config: finished.adapter_config, report: finished.report })
    }
}

impl Merged {
    /// The modules of the file, read by the oracle, by canonical name.
    pub fn modules(&self) -> Modules {
        let config = self.config.as_ref().map(|text| serde_json::from_str(text).expect("a JSON configuration"));
        naive::modules(&tensors::read(&self.bytes), config.as_ref())
    }
}
