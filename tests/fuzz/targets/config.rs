//! Any text as an adapter_config.json, as a recipe, and as block weights.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rankweave_adapter::{Limits, PeftConfig, layout};
use rankweave_recipe::Recipe;

fuzz_target!(|text: &str| {
    let limits = Limits::default();
    if let Ok(config) = PeftConfig::parse(text, &limits) {
        for path in ["model.layers.0.self_attn.q_proj", "a", ""] {
            let _ = config.alpha_of(path);
        }
    }
    if let Ok(recipe) = Recipe::from_json(text) {
        let again = Recipe::from_json(&recipe.to_json());
        assert_eq!(again.ok().as_ref(), Some(&recipe), "a recipe survives being written");
    }
    for family in ["sd15", "sdxl", "flux1", "wan", "llama"] {
        let _ = layout::block_weights(family, text);
    }
});
