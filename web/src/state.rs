//! What the components share. Everything here is a signal, so the page follows by itself.

use crate::base;
use crate::embed::{self, Asked, Embed, Host};
use crate::entries::Entry;
use crate::gpu;
use crate::job::Job;
use crate::recall::Wanted;
use crate::share;
use leptos::prelude::*;
use rankweave_adapter::Error;
use rankweave_wasm::client::Engine;
use rankweave_wasm::protocol::{Estimate, Fit, Gpu, Method, Mix, ParamKind, Rank, Recalled, Settings, Value};
use std::rc::Rc;
use web_sys::Blob;

/// Handles to all shared state; cheap to copy.
#[derive(Clone, Copy)]
pub struct State {
    /// How it stands in another page, if it does.
    pub embed: Option<Embed>,
    /// The page around it, once that has spoken.
    pub host: RwSignal<Option<Host>, LocalStorage>,
    /// What that page has asked the reader for.
    pub asked: RwSignal<Option<Asked>>,
    /// The engine, once it is there.
    pub engine: RwSignal<Option<Rc<Engine>>, LocalStorage>,
    /// Whether the engine is there.
    pub ready: RwSignal<bool>,
    /// Whether everything the page ever fetches is there.
    pub loaded: RwSignal<bool>,
    /// The registry of methods, in reading order.
    pub methods: RwSignal<Vec<Method>>,
    /// Open adapters, in the user's order.
    pub entries: RwSignal<Vec<Entry>>,
    /// The base checkpoint, if one is open.
    pub base: RwSignal<Option<base::Chosen>>,
    /// Whether files are being added.
    pub adding: StoredValue<bool>,
    /// How many files are being opened.
    pub opening: RwSignal<usize>,
    /// What could not be opened.
    pub troubles: RwSignal<Vec<Error>>,
    /// Method and output.
    pub form: Form,
    /// What is known of the GPU.
    pub gpu: RwSignal<gpu::Known>,
    /// What a merge would give.
    pub estimate: RwSignal<Option<Result<Estimate, Vec<Error>>>>,
    /// Whether that is being worked out.
    pub estimating: RwSignal<bool>,
    /// How the adapters go together.
    pub fit: RwSignal<Option<Fit>>,
    /// Adapters that an opened recipe names, while files for some of them are missing.
    pub wanted: RwSignal<Vec<Wanted>>,
    /// The recipe that was opened last.
    pub recalled: RwSignal<Option<Recalled>>,
    /// Id of the recipe that the page shows; empty until it is known.
    pub recipe_id: RwSignal<String>,
    /// The link to it; empty likewise.
    pub link: RwSignal<String>,
    /// Whether links tell the names of files.
    pub names: RwSignal<bool>,
    /// Adapters that are no longer shown, for those who go back.
    pub parked: RwSignal<Vec<Entry>>,
    /// The merge, if there is one.
    pub job: RwSignal<Job>,
    /// The file that came out.
    pub file: RwSignal<Option<Blob>, LocalStorage>,
    /// How many merges there have been.
    pub runs: RwSignal<u32>,
    /// What assistive technology is told.
    pub say: RwSignal<String>,
}

/// What the user chose in column 3.
#[derive(Clone, Copy)]
pub struct Form {
    /// Id of the method.
    pub method: RwSignal<String>,
    /// Values that differ from the default, by method and parameter. Other methods' values are kept.
    pub params: RwSignal<Vec<Chosen>>,
    /// Which rank policy.
    pub policy: RwSignal<Policy>,
    /// Rank of [`Policy::Fixed`].
    pub fixed: RwSignal<f64>,
    /// Percent of [`Policy::Energy`].
    pub energy: RwSignal<f64>,
    /// Number type of the output, or `same`.
    pub dtype: RwSignal<String>,
    /// Spelling of the output, or `same`.
    pub keys: RwSignal<String>,
    /// What is taken over from the inputs' metadata.
    pub metadata: RwSignal<String>,
    /// Highest rank of [`Policy::Energy`], where a recipe says one.
    pub most: RwSignal<Option<u32>>,
    /// For methods that use chance; 0 unless said otherwise.
    pub seed: RwSignal<Option<u32>>,
    /// Title of the output, where a recipe says one.
    pub title: RwSignal<Option<String>>,
    /// Whether a GPU helps.
    pub gpu: RwSignal<Gpu>,
}

/// A parameter's value.
#[derive(Clone)]
pub struct Chosen {
    method: String,
    name: String,
    value: Value,
}

/// Which rank policy.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Policy {
    /// As high as the exact result needs.
    Exact,
    /// Whole differences.
    Dense,
    /// At most a number.
    Fixed,
    /// As low as a share of the energy allows.
    Energy,
}

impl State {
    /// The empty page.
    pub fn new() -> Self {
        let form = Form {
            method: RwSignal::new(String::new()),
            params: RwSignal::default(),
            policy: RwSignal::new(Policy::Exact),
            fixed: RwSignal::new(32.0),
            energy: RwSignal::new(99.0),
            dtype: RwSignal::new("same".into()),
            keys: RwSignal::new("same".into()),
            metadata: RwSignal::new("minimal".into()),
            most: RwSignal::new(None),
            seed: RwSignal::new(None),
            title: RwSignal::new(None),
            gpu: RwSignal::new(gpu::remembered()),
        };
        State {
            embed: embed::read(),
            host: RwSignal::new_local(None),
            asked: RwSignal::new(None),
            engine: RwSignal::new_local(None),
            ready: RwSignal::new(false),
            loaded: RwSignal::new(false),
            methods: RwSignal::default(),
            entries: RwSignal::default(),
            base: RwSignal::new(None),
            adding: StoredValue::new(false),
            opening: RwSignal::new(0),
            troubles: RwSignal::default(),
            form,
            gpu: RwSignal::default(),
            estimate: RwSignal::new(None),
            estimating: RwSignal::new(false),
            fit: RwSignal::new(None),
            wanted: RwSignal::default(),
            recalled: RwSignal::new(None),
            recipe_id: RwSignal::default(),
            link: RwSignal::default(),
            names: RwSignal::new(share::remembered()),
            parked: RwSignal::default(),
            job: RwSignal::new(Job::Idle),
            file: RwSignal::new_local(None),
            runs: RwSignal::new(0),
            say: RwSignal::default(),
        }
    }

    /// The chosen method, once the registry is there.
    pub fn method(&self) -> Option<Method> {
        let id = self.form.method.get();
        self.methods.with(|all| all.iter().find(|m| m.id == id).cloned())
    }

    /// Numbers of the open adapters.
    pub fn adapters(&self) -> Vec<u32> {
        self.entries.with(|entries| entries.iter().map(|e| e.number).collect())
    }

    /// Everything the user chose, for the engine.
    pub fn settings(&self) -> Settings {
        let mix = |e: &Entry| Mix {
            weight: e.weight.get(),
            te: e.te.get(),
            blocks: e.blocks.get(),
            direction: e.direction.get(),
            rules: e.rules.get(),
            data: e.identity.with(|identity| identity.hash().cloned()),
            at: e.at.get(),
        };
        let method = self.form.method.get();
        let own = |one: &Chosen| (one.method == method).then(|| (one.name.clone(), one.value.clone()));
        let params = self.form.params.with(|params| params.iter().filter_map(own).collect());
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the field allows 1 to 4096")]
        let fixed = self.form.fixed.get() as u32;
        let rank = match self.form.policy.get() {
            Policy::Exact => Rank::Exact,
            Policy::Dense => Rank::Dense,
            Policy::Fixed => Rank::Fixed { value: fixed },
            Policy::Energy => Rank::Energy { value: self.form.energy.get() / 100.0, max: self.form.most.get() },
        };
        let mix = self.entries.with(|entries| entries.iter().map(mix).collect());
        let (dtype, keys, metadata) = (self.form.dtype.get(), self.form.keys.get(), self.form.metadata.get());
        let base = self.base.with(|chosen| chosen.as_ref().map(|chosen| chosen.base.clone()));
        let (gpu, seed, title) = (self.form.gpu.get(), self.form.seed.get(), self.form.title.get());
        let expected = self.expected();
        let recipe = None;
        Settings { recipe, mix, method, params, rank, dtype, keys, seed, metadata, title, expected, base, gpu }
    }

    /// The recipe that was opened, and what should come out of it.
    fn expected(&self) -> Option<(String, String)> {
        self.recalled.with(|recalled| recalled.as_ref().and_then(|r| Some((r.id.clone(), r.expected.clone()?))))
    }
}

impl Form {
    /// The value of a parameter: as chosen, or its default.
    pub fn value(&self, method: &str, name: &str, kind: &ParamKind) -> Value {
        let is = |one: &&Chosen| one.method == method && one.name == name;
        let chosen = self.params.with(|params| params.iter().find(is).map(|one| one.value.clone()));
        chosen.unwrap_or_else(|| match kind {
            ParamKind::Number { default, .. } => Value::Number(*default),
            ParamKind::Choice { default, .. } => Value::Choice(default.clone()),
            ParamKind::Flag { default } => Value::Flag(*default),
            ParamKind::Text => Value::Text(String::new()),
        })
    }

    /// Takes over all that a recipe says of method and output.
    pub fn recall(&self, recalled: &Recalled) {
        self.params.update(|params| {
            params.retain(|one| one.method != recalled.method);
            let chosen = |(name, value): &(String, Value)| Chosen {
                method: recalled.method.clone(),
                name: name.clone(),
                value: value.clone(),
            };
            params.extend(recalled.params.iter().map(chosen));
        });
        self.method.set(recalled.method.clone());
        self.most.set(None);
        self.policy.set(match recalled.rank {
            Rank::Exact => Policy::Exact,
            Rank::Dense => Policy::Dense,
            Rank::Fixed { value } => {
                self.fixed.set(f64::from(value));
                Policy::Fixed
            }
            Rank::Energy { value, max } => {
                self.energy.set(100.0 * value);
                self.most.set(max);
                Policy::Energy
            }
        });
        self.dtype.set(recalled.dtype.clone());
        self.keys.set(recalled.keys.clone());
        self.metadata.set(recalled.metadata.clone());
        self.seed.set(recalled.seed);
        self.title.set(recalled.title.clone());
    }

    /// Chooses a value.
    pub fn choose(&self, method: &str, name: &str, value: Value) {
        self.params.update(|params| {
            params.retain(|one| one.method != method || one.name != name);
            params.push(Chosen { method: method.into(), name: name.into(), value });
        });
    }
}

/// The shared state, from anywhere below the app.
pub fn state() -> State {
    expect_context()
}
