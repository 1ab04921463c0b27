//! Recipes in other forms on the command line: what is printed makes the same file when it is read or run again.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use rankweave_tests::folder::Folder;
use rankweave_tests::{fixture, tensors};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output};

const SHAPES: [fixture::Shape; 2] = [
    ("lora_unet_down_blocks_0_attentions_0_proj_in", 32, 24, &[]),
    ("lora_te_text_model_encoder_layers_0_mlp_fc1", 16, 20, &[]),
];
/// Names that a shell, YAML and Python would like to misread.
const NAMES: [&str; 2] = ["it's $(touch x) \"#: é.safetensors", "-o.safetensors"];

/// A folder with adapters, gone with the test.
struct Adapters(Folder);

impl Adapters {
    fn new(name: &str) -> Adapters {
        let folder = Folder::new(name);
        for (seed, file) in [(1, NAMES[0]), (2, NAMES[1]), (1, "one.safetensors"), (2, "two.safetensors")] {
            folder.write(file, fixture::bytes(&fixture::adapter(seed, 3, &SHAPES), "F16"));
        }
        Adapters(folder)
    }

    /// Runs the program in the folder.
    fn run(&self, words: &[&str]) -> Output {
        let output = Command::new(env!("CARGO_BIN_EXE_rankweave")).args(words).current_dir(&*self.0).output().unwrap();
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        output
    }

    fn printed(&self, recipe: &str, form: &str) -> String {
        let output = self.run(&["recipe", recipe, "--as", form]);
        String::from_utf8(output.stdout).unwrap().trim_end_matches('\n').to_owned()
    }

    fn read(&self, name: &str) -> Vec<u8> {
        self.0.read(name)
    }

    fn write(&self, name: &str, text: &str) {
        self.0.write(name, text);
    }
}

/// A recipe that flags can say, and one that they cannot.
const FLAGS: [&str; 8] = [
    "--weights=0.8,-0.55",
    "--te-weights=0.3,0",
    "--method=ties",
    "--param=density=0.35",
    "--rank=4",
    "--rule=b:*proj*=0.5",
    "--dtype=f32",
    "--gpu=off",
];

fn with_title(folder: &Adapters) {
    let mut recipe: Value = serde_json::from_str(&folder.printed("wanted.safetensors", "json")).unwrap();
    recipe["output"]["title"] = json!("x's");
    folder.write("titled.json", &recipe.to_string());
}

#[test]
fn a_printed_command_makes_the_same_file() {
    let folder = Adapters::new("command");
    let files = [NAMES[0], &format!("./{}", NAMES[1])];
    folder.run(&[&["merge", files[0], files[1], "-o", "wanted.safetensors"], &FLAGS[..]].concat());
    with_title(&folder);
    let own = Path::new(env!("CARGO_BIN_EXE_rankweave")).parent().unwrap();
    let path = format!("{}:{}", own.display(), std::env::var("PATH").unwrap());
    for (recipe, link) in [("wanted.safetensors", false), ("titled.json", true)] {
        folder.run(&["merge", "--recipe", recipe, files[0], files[1], "-o", "again.safetensors", "--gpu=off"]);
        let command = folder.printed(recipe, "command");
        assert_eq!(command.contains("--recipe"), link, "{command}");
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("{command} --gpu=off")]).env("PATH", &path);
        let output = shell.current_dir(&*folder.0).output().unwrap();
        assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
        assert!(folder.read("merged.safetensors") == folder.read("again.safetensors"), "{command}");
        assert!(!folder.0.join("x").exists(), "the shell ran a part of a name");
    }
}

#[test]
fn yaml_and_prompts_are_recipes() {
    let folder = Adapters::new("yaml");
    folder.run(&[&["merge", "one.safetensors", "two.safetensors", "-o", "wanted.safetensors"], &FLAGS[..]].concat());
    folder.write("recipe.yaml", &folder.printed("wanted.safetensors", "yaml"));
    folder.run(&[
        "merge",
        "--recipe",
        "recipe.yaml",
        "two.safetensors",
        "one.safetensors",
        "-o",
        "again.safetensors",
        "--gpu=off",
    ]);
    assert!(folder.read("wanted.safetensors") == folder.read("again.safetensors"));

    let prompt = "a cat, <lora:one:0.8> <lora:two:te=0:unet=0.5>";
    folder.run(&["merge", "--recipe", prompt, "two.safetensors", "one.safetensors", "-o", "prompt.safetensors"]);
    let flags = ["--weights=0.8,0.5", "--te-weights=0.8,0", "--dtype=f32"];
    folder.run(&[&["merge", "one.safetensors", "two.safetensors", "-o", "flags.safetensors"], &flags[..]].concat());
    assert_eq!(folder.printed("prompt.safetensors", "id"), folder.printed("flags.safetensors", "id"));
    assert!(data(&folder.read("prompt.safetensors")) == data(&folder.read("flags.safetensors")));
    assert_eq!(folder.printed("flags.safetensors", "prompt"), "<lora:one:0.8> <lora:two:te=0:unet=0.5>");

    folder.write("kit.yaml", "merge_method: linear\nmodels:\n- model: base+one.safetensors\n  parameters: {weight: 1}\n- model: two.safetensors\n  parameters: {weight: 3}\n");
    let output = folder.run(&["recipe", "kit.yaml", "--as", "prompt"]);
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("warning: YAML, key /models/0/model:") && told.contains("divided by their sum, 4"), "{told}");
    assert_eq!(String::from_utf8(output.stdout).unwrap().trim(), "<lora:one:0.25> <lora:two:0.75>");
}

/// What follows the header.
fn data(bytes: &[u8]) -> &[u8] {
    &bytes[8 + usize::try_from(u64::from_le_bytes(bytes[..8].try_into().unwrap())).unwrap()..]
}

/// Rows, columns and values of every tensor of a file of F32.
fn matrices(bytes: &[u8]) -> BTreeMap<String, (usize, usize, Vec<f64>)> {
    let data = data(bytes);
    let header: Value = serde_json::from_slice(&bytes[8..bytes.len() - data.len()]).unwrap();
    let tensors = header.as_object().unwrap().iter().filter(|(name, _)| *name != "__metadata__");
    let matrix = |about: &Value| {
        assert_eq!(about["dtype"], "F32");
        let at = |i: usize| usize::try_from(about["data_offsets"][i].as_u64().unwrap()).unwrap();
        let side = |i: usize| usize::try_from(about["shape"][i].as_u64().unwrap()).unwrap();
        let values = data[at(0)..at(1)].chunks_exact(4).map(|b| f64::from(f32::from_le_bytes(b.try_into().unwrap())));
        (side(0), side(1), values.collect())
    };
    tensors.map(|(name, about)| (name.clone(), matrix(about))).collect()
}

/// B·A of every module of a PEFT file whose scales are all 1.
fn changes(bytes: &[u8]) -> BTreeMap<String, Vec<f64>> {
    let matrices = matrices(bytes);
    let downs = matrices.iter().filter_map(|(name, down)| Some((name.strip_suffix(".lora_A.weight")?, down)));
    let change = |(module, (rank, columns, a)): (&str, &(usize, usize, Vec<f64>))| {
        let (out, _, b) = &matrices[&format!("{module}.lora_B.weight")];
        let entry = |i: usize| (0..*rank).map(|k| b[i / columns * rank + k] * a[k * columns + i % columns]).sum();
        (module.to_owned(), (0..out * columns).map(entry).collect())
    };
    downs.map(change).collect()
}

/// A PEFT folder of random factors.
fn peft(folder: &Adapters, name: &str, seed: u64, rank: usize, config: &Value) {
    let shapes: [fixture::Shape; 3] = [
        ("model.layers.0.q_proj", 12, 8, &[]),
        ("model.layers.0.down_proj", 6, 10, &[]),
        ("model.layers.1.q_proj", 12, 8, &[]),
    ];
    let mut list = Vec::new();
    // One module is in one adapter alone.
    for module in fixture::adapter(seed, rank, &shapes[..if rank == 3 { 3 } else { 2 }]) {
        let pair = &module.pair;
        let tensor = |shape: [usize; 2], values: &[f64]| tensors::Tensor::new("BF16", &shape, values.to_vec());
        let name = |factor: &str| format!("base_model.model.{}.{factor}.weight", module.name);
        list.push((name("lora_A"), tensor([rank, module.inp], &pair.down.values)));
        list.push((name("lora_B"), tensor([pair.up.rows, rank], &pair.up.values)));
    }
    folder.0.write(&format!("{name}/adapter_model.safetensors"), tensors::write(&list, &BTreeMap::new()));
    folder.write(&format!("{name}/adapter_config.json"), &config.to_string());
}

#[test]
fn a_printed_script_makes_the_same_sum() {
    let needed = Command::new("python3").args(["-c", "import numpy, safetensors.numpy"]).output();
    if !needed.is_ok_and(|output| output.status.success()) {
        println!("skipped: there is no python3 with numpy and safetensors");
        return;
    }
    let folder = Adapters::new("python");
    let base = json!({"peft_type": "LORA", "r": 3, "lora_alpha": 5, "target_modules": ["q_proj", "down_proj"]});
    let mut first = base.clone();
    first["alpha_pattern"] = json!({"down_proj": 2});
    peft(&folder, "a 'b\" é", 1, 3, &first);
    let mut second = base;
    (second["r"], second["use_rslora"]) = (json!(5), json!(true));
    peft(&folder, "other", 2, 5, &second);
    for method in ["--method=sum", "--method=concat", "--method=mean"] {
        let merge =
            ["merge", "a 'b\" é", "other", "-o", "wanted.safetensors", "--weights=0.8,-0.5", "--param=lambda=1.5"];
        folder.run(&[&merge[..], &["--keys=peft", "--dtype=f32", method]].concat());
        folder.write("script.py", &folder.printed("wanted.safetensors", "python"));
        let output = Command::new("python3").args(["script.py", "out"]).current_dir(&*folder.0).output().unwrap();
        let told = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && told.contains("PeftModel.from_pretrained(base, 'out')"), "{told}");
        let config: Value = serde_json::from_slice(&folder.read("out/adapter_config.json")).unwrap();
        assert_eq!((&config["r"], &config["rank_pattern"]), (&config["lora_alpha"], &config["alpha_pattern"]));
        assert_eq!((&config["r"], &config["use_rslora"]), (&json!(8), &json!(false)));
        let (made, wanted) =
            (changes(&folder.read("out/adapter_model.safetensors")), changes(&folder.read("wanted.safetensors")));
        assert_eq!((made.len(), made.keys().collect::<Vec<_>>()), (3, wanted.keys().collect()));
        for (module, made) in &made {
            let largest = made.iter().zip(&wanted[module]).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            let size = made.iter().fold(0.0, |most: f64, x| most.max(x.abs()));
            assert!(largest <= 1e-6 * size.max(1.0) && size > 0.1, "{method} {module}: {largest} of {size}");
        }
        // The folder has the scales that its configuration says.
        folder.run(&["merge", "out", "-o", "again.safetensors", "--keys=peft", "--dtype=f32"]);
        let again = changes(&folder.read("again.safetensors"));
        for (module, again) in &again {
            let largest = again.iter().zip(&wanted[module]).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            assert!(largest <= 2e-6, "{method} {module}: {largest}");
        }
    }
}
