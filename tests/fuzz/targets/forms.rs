//! Any text as a recipe in any form. What is read is checked, and can be written in every form; its YAML means the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rankweave_recipe::forms;

fuzz_target!(|text: &str| {
    let Ok(read) = forms::read(text) else { return };
    let recipe = read.recipe;
    let sound = recipe.problems().is_empty();
    let _ = (recipe.to_prompt(), recipe.to_command(), recipe.to_python(), forms::qr(&recipe.link()));
    let yaml = recipe.to_yaml();
    // Keys that are not known may lie deeper or be more than YAML is read.
    if sound && recipe.other.is_empty() && text.len() < 10_000 {
        let again = forms::read(&yaml).map(|read| read.recipe.id());
        assert!(again.as_ref().is_ok_and(|id| *id == recipe.id()), "{again:?} {yaml}");
    }
});
