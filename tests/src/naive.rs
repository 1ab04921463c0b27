//! The oracle: adapters and merges as the formulas say, dense, in f64.
//!
//! ```text
//! ΔW = s·B·A      s = alpha/r   (alpha/√r under rsLoRA, 1 without alpha)
//! sum, concat     M = Σ wᵢ·ΔWᵢ (sum: times λ)
//! mean            M = Σ wᵢ·ΔWᵢ / T    T = adapters that have the module, or all of them
//! rank            the leading singular values of M: all above 1e-6 of the first, at most N of these,
//!                 or as few as hold a share of Σσ²
//! ```
//!
//! MLX stores both factors transposed, and the scale itself: ΔW = scale·lora_bᵀ·lora_aᵀ.
//!
//! Names of all dialects are brought to one form by plain text rules: see [`canonical`].

use crate::dense::Matrix;
use crate::tensors::{Tensor, TensorFile};
use serde_json::Value;
use std::collections::BTreeMap;

/// One module's factors.
#[derive(Clone, Debug)]
pub struct Pair {
    /// B, out × r.
    pub up: Matrix,
    /// A, r × columns, a convolution's kernel flattened into the columns.
    pub down: Matrix,
    /// s.
    pub scale: f64,
}

impl Pair {
    /// s·B·A.
    pub fn delta(&self) -> Matrix {
        self.up.times(&self.down).scaled(self.scale)
    }
}

/// The modules of one adapter by canonical name.
pub type Modules = BTreeMap<String, Pair>;

const SUFFIXES: [(&str, &str); 8] = [
    (".lora_a", ".lora_b"),
    (".lora_down.weight", ".lora_up.weight"),
    (".lora_A.weight", ".lora_B.weight"),
    (".lora_A.default.weight", ".lora_B.default.weight"),
    (".lora.down.weight", ".lora.up.weight"),
    (".lora_linear_layer.down.weight", ".lora_linear_layer.up.weight"),
    ("_lora.down.weight", "_lora.up.weight"),
    (":down", ":up"),
];

/// One name for a module however it is spelled: component and path with underscores, `unet_mid_block_…`. A language
/// model's component is left out, since its files do not spell it.
pub fn canonical(base: &str) -> String {
    let plain = base.strip_prefix("base_model.model.").unwrap_or(base).replace(".processor.", ".");
    let parts = [
        ("lora_unet_", "unet_"),
        ("lora_te_", "text_encoder_"),
        ("lora_te1_", "text_encoder_"),
        ("lora_te2_", "text_encoder_2_"),
        ("lora_transformer_", "transformer_"),
    ];
    let mut name = plain.replace('.', "_");
    for (prefix, component) in parts {
        if let Some(rest) = name.strip_prefix(prefix) {
            name = format!("{component}{rest}");
        }
    }
    // Some files leave the component out where the first word tells it.
    for (word, component) in [
        ("down_blocks_", "unet_"),
        ("mid_block_", "unet_"),
        ("up_blocks_", "unet_"),
        ("transformer_blocks_", "transformer_"),
        ("text_model_", "text_encoder_"),
    ] {
        if name.starts_with(word) {
            name.insert_str(0, component);
        }
    }
    // Attention processors call `to_out.0` simply `to_out`.
    if name.ends_with("_to_out") { name + "_0" } else { name }
}

/// The canonical name of an id such as `unet.mid_block.…` or `model.model.layers.0.…`.
pub fn canonical_of_id(id: &str) -> String {
    canonical(id.strip_prefix("model.").unwrap_or(id))
}

/// Every factor pair of a file. `config` is its adapter_config.json.
pub fn modules(file: &TensorFile, config: Option<&Value>) -> Modules {
    let mut found = Modules::new();
    for (name, down) in &file.tensors {
        // Sam_LoRA has a prefix instead: `w_a_000`, `w_b_000`.
        let sam = name.strip_prefix("w_a_").map(|number| (number, format!("w_b_{number}")));
        let suffixed = || SUFFIXES.iter().find_map(|(d, u)| Some((name.strip_suffix(d)?, *u)));
        let Some((base, up)) = sam.or_else(|| suffixed().map(|(base, up)| (base, format!("{base}{up}")))) else {
            continue;
        };
        let up = &file.tensors[&up];
        if name.ends_with(".lora_a") {
            let matrix = |t: &Tensor| Matrix::new(t.shape[0], t.shape[1], t.values.clone()).transposed();
            let scale = config.map_or(1.0, |c| c["lora_parameters"]["scale"].as_f64().expect("a scale"));
            found.insert(canonical(base), Pair { up: matrix(up), down: matrix(down), scale });
            continue;
        }
        let rank = down.shape[0];
        let alpha = match (file.tensors.get(&format!("{base}.alpha")), config) {
            (Some(tensor), _) => Some(tensor.values[0]),
            (None, Some(config)) => Some(configured_alpha(config, base).expect("an alpha")),
            (None, None) => None,
        };
        let rslora = config.is_some_and(|c| c["use_rslora"] == true);
        let divisor = if rslora { (rank as f64).sqrt() } else { rank as f64 };
        let matrix = |rows: usize, values: &[f64]| Matrix::new(rows, values.len() / rows, values.to_vec());
        let pair = Pair {
            up: matrix(up.shape[0], &up.values),
            down: matrix(rank, &down.values),
            scale: alpha.map_or(1.0, |alpha| alpha / divisor),
        };
        let before = found.insert(canonical(base), pair);
        assert!(before.is_none(), "{name} is spelled twice");
    }
    found
}

/// `alpha_pattern` (a key matches a path that equals it or ends in it after a dot), else `lora_alpha`.
pub fn configured_alpha(config: &Value, base: &str) -> Option<f64> {
    let patterns = config["alpha_pattern"].as_object();
    let matching = patterns.into_iter().flatten().find(|(key, _)| base == *key || base.ends_with(&format!(".{key}")));
    matching.map_or(&config["lora_alpha"], |(_, alpha)| alpha).as_f64()
}

/// How many directions are kept.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Keep {
    /// All but null ones.
    Exact,
    /// At most this many.
    Fixed(usize),
    /// As few as hold this share of the energy, and at most that many.
    Energy(f64, usize),
}

impl Keep {
    /// From a recipe's `output.rank`.
    pub fn from_json(rank: &Value) -> Keep {
        let most = rank["max"].as_u64().map_or(usize::MAX, |m| m as usize);
        match rank["mode"].as_str() {
            Some("fixed") => Keep::Fixed(rank["value"].as_u64().expect("a rank") as usize),
            Some("energy") => Keep::Energy(rank["value"].as_f64().expect("a share"), most),
            _ => Keep::Exact,
        }
    }

    /// How many of these singular values (descending) stay.
    pub fn count(self, sigma: &[f64]) -> usize {
        let top = sigma.first().copied().unwrap_or(0.0);
        let numeric = sigma.iter().filter(|s| **s > 1e-6 * top).count();
        match self {
            Keep::Exact => numeric,
            Keep::Fixed(most) => numeric.min(most),
            Keep::Energy(share, most) => {
                let total: f64 = sigma.iter().map(|s| s * s).sum();
                let mut held = 0.0;
                let below = sigma.iter().take_while(|s| {
                    held += *s * *s;
                    held < share * total
                });
                (below.count() + 1).min(numeric).min(most)
            }
        }
    }
}

/// One input of a merge.
#[derive(Clone, Debug)]
pub struct Input {
    /// Its modules.
    pub modules: Modules,
    /// Its weight.
    pub weight: f64,
    /// Its weight for text encoders, where that is another one.
    pub te_weight: Option<f64>,
}

impl Input {
    /// The weight that holds for a module.
    pub fn weight_of(&self, module: &str) -> f64 {
        if module.starts_with("text_encoder") { self.te_weight.unwrap_or(self.weight) } else { self.weight }
    }
}

/// What a method of a recipe (`{"id", "params"}`) makes of a module, before any truncation.
pub fn merged(method: &Value, inputs: &[Input], module: &str) -> Matrix {
    let have: Vec<&Input> = inputs.iter().filter(|i| i.modules.contains_key(module)).collect();
    let deltas = have.iter().map(|i| i.modules[module].delta().scaled(i.weight_of(module)));
    let sum = deltas.reduce(|a, b| a.plus(1.0, &b)).expect("an adapter has the module");
    let params = &method["params"];
    match method["id"].as_str().unwrap_or_default() {
        "sum" => sum.scaled(params["lambda"].as_f64().unwrap_or(1.0)),
        "concat" => sum,
        "mean" if params["divide_by"] == "all" => sum.scaled(1.0 / inputs.len() as f64),
        "mean" => sum.scaled(1.0 / have.len() as f64),
        other => panic!("the oracle knows no method {other}: write its formula here"),
    }
}

/// All modules of all inputs.
pub fn names(inputs: &[Input]) -> Vec<String> {
    let mut names: Vec<String> = inputs.iter().flat_map(|i| i.modules.keys().cloned()).collect();
    names.sort();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_module_have_one_name() {
        let name = "unet_down_blocks_0_attentions_1_transformer_blocks_0_attn1_to_out_0";
        for spelled in [
            "lora_unet_down_blocks_0_attentions_1_transformer_blocks_0_attn1_to_out_0",
            "unet.down_blocks.0.attentions.1.transformer_blocks.0.attn1.to_out.0",
            "unet.down_blocks.0.attentions.1.transformer_blocks.0.attn1.processor.to_out",
            "down_blocks.0.attentions.1.transformer_blocks.0.attn1.processor.to_out",
            "base_model.model.down_blocks.0.attentions.1.transformer_blocks.0.attn1.to_out.0",
        ] {
            assert_eq!(canonical(spelled), name);
        }
        assert_eq!(
            canonical_of_id("model.model.layers.0.mlp.up_proj"),
            canonical("base_model.model.model.layers.0.mlp.up_proj")
        );
    }

    #[test]
    fn ranks_as_the_policies_say() {
        let sigma = [2.0, 1.0, 1e-3, 1e-9];
        assert_eq!(Keep::Exact.count(&sigma), 3);
        assert_eq!(Keep::Fixed(2).count(&sigma), 2);
        assert_eq!((Keep::Energy(0.79, 9).count(&sigma), Keep::Energy(0.81, 9).count(&sigma)), (1, 2));
        assert_eq!((Keep::Energy(1.0, 1).count(&sigma), Keep::Exact.count(&[0.0])), (1, 0));
    }
}
