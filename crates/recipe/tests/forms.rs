//! Random recipes come back from every form that holds all of them.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::prelude::*;
use rankweave_merge::registry;
use rankweave_recipe::forms::read;
use rankweave_recipe::{Blocks, Rank, Recipe, Rule, canonical};
use serde_json::json;

fn weight() -> impl Strategy<Value = f64> {
    prop_oneof![Just(1.0), Just(0.0), (-200..=200_i32).prop_map(|x| f64::from(x) / 20.0), -10.0..10.0, Just(1e-9)]
}

fn rank() -> impl Strategy<Value = Rank> {
    prop_oneof![
        Just(Rank::Exact),
        Just(Rank::Dense),
        (1..4096_usize).prop_map(|value| Rank::Fixed { value }),
        (0.01..1.0, proptest::option::of(1..99_usize)).prop_map(|(value, max)| Rank::Energy { value, max }),
    ]
}

fn rule() -> impl Strategy<Value = Rule> {
    ("[a-z*?._]{1,12}", proptest::option::of(weight())).prop_map(|(pattern, weight)| Rule {
        pattern,
        drop: weight.is_none(),
        weight,
    })
}

/// What a source says of itself, weights, block weights, rules.
type Part = (Option<String>, Option<u64>, f64, Option<f64>, Option<usize>, Vec<Rule>);

fn part() -> impl Strategy<Value = Part> {
    let text = proptest::option::of("\\PC{0,12}|[a-z]{1,8}\\.safetensors|\\n\\u{2028}\\u{85}- : #|true|~|1e3|\"'");
    let (blocks, rules) = (proptest::option::of(0..4_usize), proptest::collection::vec(rule(), 0..3));
    (text, proptest::option::of(any::<u64>()), weight(), proptest::option::of(weight()), blocks, rules)
}

prop_compose! {
    /// A recipe without problems.
    fn recipe()(
        parts in proptest::collection::vec(part(), 1..5),
        method in 0..registry().len(),
        number in 0.0..1.0,
        given in any::<[bool; 3]>(),
        rank in rank(),
        dtype in 0..5_usize,
        seed in proptest::option::of(any::<u32>()),
        name in proptest::option::of("\\PC{0,20}"),
    ) -> Recipe {
        let mut recipe = Recipe::blank(parts.len());
        for (i, (label, size, weight, te, blocks, rules)) in parts.into_iter().enumerate() {
            (recipe.sources[i].label, recipe.sources[i].size) = (label, size);
            (recipe.mix[i].weight, recipe.mix[i].te, recipe.mix[i].rules) = (weight, te, rules);
            recipe.mix[i].blocks = blocks.map(|b| Blocks {
                scheme: "sdxl".into(),
                preset: (b < 3).then(|| ["OUTALL", "NONE", "ALL"][b].to_owned()),
                values: (b == 3).then(|| vec![0.25; 12]),
            });
        }
        recipe.method.id = registry()[method].spec().id.into();
        // Those that the method has stay.
        for (name, value) in [("density", json!(number)), ("variant", json!("mergekit")), ("lambda", json!(number))] {
            recipe.method.params.insert(name.into(), value);
        }
        let mut own = registry()[method].spec().all_params();
        recipe.method.params.retain(|name, _| given[name.len() % 3] && own.any(|param| param.name == name));
        (recipe.output.rank, recipe.seed, recipe.name) = (rank, seed, name);
        recipe.output.dtype = ["f32", "f16", "bf16", "f8_e4m3", "f8_e5m2"][dtype].into();
        recipe
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn every_whole_form_gives_the_recipe_back(recipe in recipe()) {
        let normal = canonical(&recipe.normal());
        for text in [recipe.to_json(), serde_json::to_string_pretty(&recipe).unwrap(), recipe.link(), recipe.to_yaml()] {
            let back = read(&text).map_err(|errors| TestCaseError::fail(format!("{errors:?}\n{text}")))?;
            prop_assert_eq!(back.recipe.id(), recipe.id(), "{}", text);
            prop_assert_eq!(canonical(&back.recipe.normal()), normal.clone());
            prop_assert_eq!(back.warnings, vec![]);
        }
    }

    #[test]
    fn what_is_printed_for_programs_is_one_piece(recipe in recipe()) {
        let (command, script) = (recipe.to_command(), recipe.to_python());
        prop_assert!(!command.contains(|c: char| c.is_control()) && script.is_ascii());
        if let Some(prompt) = recipe.to_prompt() {
            let tags = read(&prompt).map_err(|errors| TestCaseError::fail(format!("{errors:?}\n{prompt}")));
            // One file that is named twice is one source there.
            if let Ok(read) = tags {
                prop_assert!(read.recipe.mix.len() <= recipe.mix.len());
            }
        }
    }

    #[test]
    fn any_text_is_a_recipe_or_an_error(text in "\\PC{0,80}|[a-z<>:\\[\\]{}&*!|\\-\\n 01.#\"']{0,80}") {
        if let Err(errors) = read(&text) {
            prop_assert!(!errors.is_empty());
        }
    }
}
