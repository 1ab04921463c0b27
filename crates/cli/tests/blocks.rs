//! Block weights and rules on the command line: flags in, tables and reports out.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use rankweave_tests::fixture;
use rankweave_tests::folder::Folder;
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Names that only Stable Diffusion 1 has, in IN01, OUT03 and BASE, at its sizes.
const SHAPES: [fixture::Shape; 4] = [
    ("lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k", 320, 768, &[]),
    ("lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_ff_net_2", 320, 1280, &[]),
    ("lora_unet_up_blocks_1_attentions_0_transformer_blocks_0_attn2_to_v", 1280, 768, &[]),
    ("lora_te_text_model_encoder_layers_0_mlp_fc1", 3072, 768, &[]),
];

/// A folder with two adapters, gone with the test.
struct Adapters(Folder);

impl Adapters {
    fn new(name: &str) -> Adapters {
        let folder = Folder::new(name);
        for (seed, file) in [(1, "one.safetensors"), (2, "two.safetensors")] {
            folder.write(file, fixture::bytes(&fixture::adapter(seed, 2, &SHAPES), "F32"));
        }
        Adapters(folder)
    }

    fn inputs(&self) -> [PathBuf; 2] {
        ["one", "two"].map(|name| self.0.join(format!("{name}.safetensors")))
    }

    fn merge(&self, out: &str, flags: &[&str]) -> Output {
        let report = self.0.join(format!("{out}.json"));
        let mut merge = rankweave();
        merge.arg("merge").args(self.inputs()).arg("-o").arg(self.0.join(format!("{out}.safetensors")));
        merge.arg("--report").arg(report).args(flags).output().unwrap()
    }

    /// The report of a merge that works.
    fn report(&self, out: &str, flags: &[&str]) -> Value {
        let output = self.merge(out, flags);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&self.0.read(&format!("{out}.json"))).unwrap()
    }

    fn bytes(&self, out: &str) -> Vec<u8> {
        self.0.read(&format!("{out}.safetensors"))
    }
}

fn rankweave() -> Command {
    Command::new(env!("CARGO_BIN_EXE_rankweave"))
}

fn inspect(path: &Path, flags: &[&str]) -> String {
    let output = rankweave().args(["inspect", "--blocks"]).arg(path).args(flags).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// (block, adapter) → (least, largest, dropped).
fn block(report: &Value, name: &str, source: usize) -> (Value, Value, Value) {
    let lines = report["blocks"].as_array().unwrap();
    let line = lines.iter().find(|l| l["block"] == name && l["source"] == source).unwrap();
    (line["least"].clone(), line["largest"].clone(), line["dropped"].clone())
}

#[test]
fn inspect_lists_the_blocks_of_the_family() {
    let folder = Adapters::new("inspect");
    let text = inspect(&folder.inputs()[0], &[]);
    for (name, what) in [("IN01", "2 modules"), ("OUT03", "1 module"), ("BASE", "text encoders"), ("M00", "coarsest")] {
        let line = text.lines().find(|l| l.trim_start().starts_with(name)).unwrap();
        assert!(line.contains(what), "{line}");
    }
    assert!(text.contains("OUTALL") && text.contains("17, 26 numbers"), "{text}");
    let facts: Value = serde_json::from_str(&inspect(&folder.inputs()[0], &["--json"])).unwrap();
    assert_eq!((facts[0]["family"].clone(), facts[0]["blocks"].as_array().unwrap().len()), (json!("sd15"), 27));
}

#[test]
fn block_weights_and_rules_reach_the_modules_they_name() {
    let folder = Adapters::new("reach");
    let flags = ["--weights", "0.8,0.5", "--blocks", "a=IN01=0.5,OUT*=0", "--rule", "b:*attn2*=0.5", "--drop", "*ff*"];
    let report = folder.report("out", &flags);
    assert_eq!(block(&report, "IN01", 0), (json!(0.4), json!(0.4), json!(1)));
    assert_eq!(block(&report, "IN01", 1), (json!(0.25), json!(0.25), json!(1)));
    assert_eq!(block(&report, "OUT03", 0), (json!(0.0), json!(0.0), json!(0)));
    assert_eq!(block(&report, "OUT03", 1), (json!(0.25), json!(0.25), json!(0)));
    assert_eq!(block(&report, "BASE", 0), (json!(0.8), json!(0.8), json!(0)));
    let dropped = report["dropped"].as_array().unwrap();
    assert_eq!(dropped.len(), 2);
    assert!(dropped.iter().all(|d| d["rule"] == "*ff*" && d["module"].as_str().unwrap().ends_with("ff.net.2")));
    let modules = report["modules"].as_array().unwrap();
    assert_eq!(modules.len(), 3);
    let line = modules.iter().find(|m| m["block"] == "IN01").unwrap();
    assert_eq!(line["weights"], json!([0.4, 0.25]));
    // The weight that is found in the file is the one typed, not that of some block.
    for (source, weight) in report["sources"].as_array().unwrap().iter().zip([0.8, 0.5]) {
        assert!((source["recovered_weight"].as_f64().unwrap() - weight).abs() < 1e-5, "{source}");
    }
}

#[test]
fn a_list_without_a_name_is_for_all_inputs_and_the_last_one_counts() {
    let folder = Adapters::new("all");
    let report = folder.report("out", &["--blocks", "OUTALL", "--blocks", "b=INALL"]);
    let mix = &report["recipe"]["mix"];
    assert_eq!(mix[0]["blocks"], json!({"scheme": "sd15", "preset": "OUTALL"}));
    assert_eq!(mix[1]["blocks"], json!({"scheme": "sd15", "preset": "INALL"}));
    // The same as numbers makes the same file, and names of weight 1 change nothing.
    let numbers = "1,0,0,0,0,0,0,0,1,1,1,1,1,1,1,1,1";
    let listed = folder
        .report("listed", &["--blocks", &format!("a={numbers}"), "--blocks=b=[1 1 1 1 1 1 1 0 0 0 0 0 0 0 0 0 0]"]);
    assert_eq!(listed["recipe"]["mix"][0]["blocks"]["values"].as_array().map(Vec::len), Some(27));
    assert_eq!(listed["sha256_data"], report["sha256_data"]);
    let plain = folder.report("plain", &["--blocks", "IN01=1"]);
    assert!(plain["recipe"]["mix"][0].get("blocks").is_none());
}

#[test]
fn the_recipe_in_the_file_makes_it_again() {
    let folder = Adapters::new("again");
    let flags =
        ["--weights", "0.7,-0.3", "--blocks", "a=ALL0.5,OUT*=-1", "--rule", "*to_k=0.25", "--drop", "b:text_encoder*"];
    let report = folder.report("first", &flags);
    let recipe = folder.0.join("recipe.json");
    fs::write(&recipe, report["recipe"].to_string()).unwrap();
    folder.report("second", &["--recipe", recipe.to_str().unwrap()]);
    assert!(folder.bytes("first") == folder.bytes("second"));
}

#[test]
fn what_cannot_be_meant_is_refused_by_name() {
    let folder = Adapters::new("refused");
    for (flags, wanted) in [
        (&["--blocks", "a=dfsadfsfds"][..], "OUTALL"),
        (&["--blocks", "b=1,2,3"], "17 or 26 numbers"),
        (&["--blocks", "a=IN99=1"], "IN00-IN11"),
        (&["--blocks", "a=IN01=11"], "-10 to 10"),
        (&["--rule", "c:*=1"], "a, b"),
        (&["--rule", "*attn2*"], "PATTERN=NUMBER"),
        (&["--rule", "*=11"], "-10 to 10"),
        (&["--drop", "[a"], "without a ]"),
        (&["--drop", "*"], "nothing is left to merge"),
        (&["--blocks", "NONE"], "nothing is left to merge"),
    ] {
        let output = folder.merge("out", flags);
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{flags:?}: {text}");
        assert!(text.contains(wanted), "{flags:?}: {text}");
        assert!(!folder.0.join("out.safetensors").exists());
    }
    // All problems at once.
    let output = folder.merge("out", &["--blocks", "a=X=1", "--blocks", "b=1,2", "--rule", "z:*=1"]);
    assert_eq!(String::from_utf8(output.stderr).unwrap().matches("error: ").count(), 3);
    let recipe = folder.0.join("recipe.json");
    fs::write(&recipe, "{}").unwrap();
    assert_eq!(folder.merge("out", &["--recipe", recipe.to_str().unwrap(), "--drop", "*"]).status.code(), Some(2));
}
