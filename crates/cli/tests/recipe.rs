//! Recipes on the command line: a merged file tells how to make it again, and files are known by what they hold.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use rankweave_tests::fixture;
use rankweave_tests::folder::Folder;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const SHAPES: [fixture::Shape; 2] = [
    ("lora_unet_down_blocks_0_attentions_0_proj_in", 32, 24, &[]),
    ("lora_te_text_model_encoder_layers_0_mlp_fc1", 16, 20, &[]),
];

/// A folder with three adapters, gone with the test.
struct Adapters(Folder);

impl Adapters {
    fn new(name: &str) -> Adapters {
        let folder = Folder::new(name);
        for (seed, file) in [(1, "one"), (2, "two"), (3, "three")] {
            let bytes = fixture::bytes(&fixture::adapter(seed, 3, &SHAPES), "F16");
            folder.write(&format!("{file}.safetensors"), bytes);
        }
        Adapters(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Merges files of these names into `out`.
    fn merge(&self, inputs: &[&str], out: &str, flags: &[&str]) -> Output {
        let inputs = inputs.iter().map(|name| self.path(&format!("{name}.safetensors")));
        let mut merge = rankweave();
        merge.arg("merge").args(inputs).arg("-o").arg(self.path(out)).arg("--report").arg(self.path("report.json"));
        merge.args(flags).output().unwrap()
    }

    fn merged(&self, inputs: &[&str], out: &str, flags: &[&str]) -> Vec<u8> {
        let output = self.merge(inputs, out, flags);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        self.0.read(out)
    }

    /// Codes of the last report's remarks.
    fn remarks(&self) -> Vec<String> {
        let report: Value = serde_json::from_slice(&self.0.read("report.json")).unwrap();
        let codes = report["remarks"].as_array().unwrap().iter();
        codes.map(|remark| remark["code"].as_str().unwrap().to_owned()).collect()
    }

    /// What `rankweave recipe` prints.
    fn printed(&self, recipe: &str, form: &str) -> String {
        let output = rankweave().arg("recipe").arg(recipe).args(["--as", form]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }
}

fn rankweave() -> Command {
    Command::new(env!("CARGO_BIN_EXE_rankweave"))
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

const FLAGS: [&str; 8] =
    ["--weights", "0.8,-0.55", "--te-weights=0.3,0", "--method=ties", "--param", "density=0.35", "--rank", "4"];

#[test]
fn a_merged_file_tells_how_to_make_it_again() {
    let folder = Adapters::new("again");
    let wanted = folder.merged(&["one", "two"], "a.safetensors", &FLAGS);
    assert_eq!(folder.remarks(), [""; 0], "nothing was expected");
    let merged = folder.path("a.safetensors");
    let link = folder.printed(text(&merged), "link");
    fs::write(folder.path("recipe.json"), folder.printed(text(&merged), "json")).unwrap();
    fs::rename(folder.path("two.safetensors"), folder.path("renamed.safetensors")).unwrap();
    let address = format!("https://rankweave.example/#r={link}");
    for recipe in [text(&merged), text(&folder.path("recipe.json")), &link, &address] {
        // In another order, under another name.
        let made = folder.merged(&["renamed", "one"], "b.safetensors", &["--recipe", recipe]);
        assert!(made == wanted, "{recipe}: the files differ");
        assert_eq!(folder.remarks(), ["as-expected"]);
    }
    assert_eq!(folder.printed(&link, "id"), folder.printed(text(&merged), "id"));
}

#[test]
fn another_file_is_refused_until_it_is_wanted() {
    let folder = Adapters::new("other");
    let wanted = folder.merged(&["one", "two"], "a.safetensors", &FLAGS);
    let recipe = folder.path("a.safetensors");
    let recipe = text(&recipe);
    let refused = folder.merge(&["one", "three"], "b.safetensors", &["--recipe", recipe]);
    let told = String::from_utf8(refused.stderr).unwrap();
    assert!(!refused.status.success() && !folder.path("b.safetensors").exists());
    assert!(told.contains("two.safetensors is not among the files") && told.contains("/sources/1"), "{told}");
    let made = folder.merged(&["one", "three"], "b.safetensors", &["--recipe", recipe, "--any-files"]);
    assert!(made != wanted);
    assert_eq!(folder.remarks(), ["not-as-expected"]);
    let plain = folder.merged(&["one", "three"], "c.safetensors", &FLAGS);
    assert!(made == plain, "the recipe in it tells of the files that were taken");
}

#[test]
fn all_that_is_wrong_with_a_recipe_is_told_with_its_place() {
    let folder = Adapters::new("wrong");
    let recipe = r#"{"recipe":1,"sources":[{"id":"a","data":"sha256:0"},{"id":"B"}],
        "mix":[{"src":"a","weight":99},{"src":"c"}],"method":{"id":"ties","params":{"density":7,"colour":1}},
        "output":{"rank":{"mode":"fixed","value":0},"dtype":"f64","keys":"same:x"},"overrides":[]}"#;
    fs::write(folder.path("recipe.json"), recipe).unwrap();
    let output = rankweave().arg("recipe").arg(folder.path("recipe.json")).output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && output.stdout.is_empty());
    for pointer in [
        "/sources/0/data",
        "/sources/1/id",
        "/mix/0/weight",
        "/mix/1/src",
        "/method/params/density",
        "/method/params/colour",
        "/output/rank",
        "/output/dtype",
        "/output/keys",
        "/overrides",
    ] {
        assert!(told.contains(&format!("key {pointer}")), "{pointer}: {told}");
    }
    let nothing = rankweave().args(["recipe", text(&folder.path("one.safetensors"))]).output().unwrap();
    assert!(String::from_utf8(nothing.stderr).unwrap().contains("tells no recipe"));
}
