//! What the components share. Everything here is a signal, so the page follows by itself.

use crate::base;
use crate::entries::Entry;
use crate::gpu;
use crate::job::Job;
use leptos::prelude::*;
use rankweave_adapter::Error;
use rankweave_wasm::client::Engine;
use rankweave_wasm::protocol::{Estimate, Fit, Gpu, Method, Mix, ParamKind, Rank, Settings, Value};
use std::rc::Rc;

/// Handles to all shared state; cheap to copy.
#[derive(Clone, Copy)]
pub struct State {
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
    /// How the adapters go together.
    pub fit: RwSignal<Option<Fit>>,
    /// The merge, if there is one.
    pub job: RwSignal<Job>,
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
            gpu: RwSignal::new(gpu::remembered()),
        };
        State {
            engine: RwSignal::new_local(None),
            ready: RwSignal::new(false),
            loaded: RwSignal::new(false),
            methods: RwSignal::default(),
            entries: RwSignal::default(),
            base: RwSignal::new(None),
            opening: RwSignal::new(0),
            troubles: RwSignal::default(),
            form,
            gpu: RwSignal::default(),
            estimate: RwSignal::new(None),
            fit: RwSignal::new(None),
            job: RwSignal::new(Job::Idle),
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
            Policy::Energy => Rank::Energy { value: self.form.energy.get() / 100.0 },
        };
        let mix = self.entries.with(|entries| entries.iter().map(mix).collect());
        let (dtype, keys, metadata) = (self.form.dtype.get(), self.form.keys.get(), self.form.metadata.get());
        let base = self.base.with(|chosen| chosen.as_ref().map(|chosen| chosen.base.clone()));
        let gpu = self.form.gpu.get();
        Settings { recipe: None, mix, method, params, rank, dtype, keys, seed: None, metadata, base, gpu }
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
