//! The built binary, as a user or a script meets it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use rankweave_tests::folder::{Folder, names};
use serde_json::Value;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

const SAMPLES: [&str; 3] = ["turned-digits", "inverted-digits", "noisy-digits"];

fn sample(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../www/samples/{name}.safetensors"))
}

fn samples() -> Vec<PathBuf> {
    SAMPLES.map(sample).to_vec()
}

fn rankweave() -> Command {
    Command::new(env!("CARGO_BIN_EXE_rankweave"))
}

fn merge(inputs: &[PathBuf], out: &Path, flags: &[&str]) -> Output {
    rankweave().arg("merge").args(inputs).arg("-o").arg(out).args(flags).output().unwrap()
}

fn merged(inputs: &[PathBuf], out: &Path, flags: &[&str]) -> Vec<u8> {
    let output = merge(inputs, out, flags);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.stdout.is_empty(), "a pipe gets no summary");
    if out.is_file() { fs::read(out).unwrap() } else { Vec::new() }
}

fn metadata(file: &[u8]) -> Value {
    let len = u64::from_le_bytes(file[..8].try_into().unwrap()) as usize;
    let header: Value = serde_json::from_slice(&file[8..8 + len]).unwrap();
    header["__metadata__"].clone()
}

fn json(output: &Output) -> Value {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn methods_are_an_array_of_specs() {
    let specs = json(&rankweave().args(["methods", "--json"]).output().unwrap());
    let ids: Vec<_> = specs.as_array().unwrap().iter().map(|s| s["id"].as_str().unwrap()).collect();
    let registry: Vec<_> = rankweave_merge::registry().iter().map(|m| m.spec().id).collect();
    assert_eq!(ids, registry);
    for spec in specs.as_array().unwrap() {
        for field in ["id", "title", "summary", "formula", "when", "reference", "params"] {
            assert!(!spec[field].is_null(), "{field} of {}", spec["id"]);
        }
    }
    assert_eq!(specs[0]["params"][0]["type"], "number");
}

#[test]
fn inspect_tells_the_facts_of_every_file() {
    let facts = json(&rankweave().args(["inspect", "--json"]).args(samples()).output().unwrap());
    let facts = facts["files"].as_array().unwrap();
    assert_eq!(facts.len(), 3);
    let dialects: Vec<_> = facts.iter().map(|f| f["dialect"].as_str().unwrap()).collect();
    assert_eq!(dialects, ["kohya", "peft", "diffusers"]);
    assert_eq!(facts[0]["alpha"]["scale"], serde_json::json!([0.5, 0.5]));
    for (f, (rank, dtype)) in facts.iter().zip([("16", "F16"), ("8", "F32"), ("4", "BF16")]) {
        let modules = f["modules"].as_u64().unwrap();
        assert!(modules > 0);
        assert_eq!(f["ranks"][rank], modules, "{f}");
        assert_eq!(f["dtypes"][dtype], 2 * modules, "{f}");
        assert!(f["family"]["id"].is_string() && f["kinds"]["lora"] == modules && f["warnings"].is_array());
    }
}

#[test]
fn inspect_says_how_files_go_together() {
    let folder = Folder::new("together");
    let found = json(&rankweave().args(["inspect", "--json", "--tensors"]).args(samples()).output().unwrap());
    let together = &found["compatibility"];
    assert_eq!((together["verdict"].as_str(), together["overlaps"].as_array().unwrap().len()), (Some("good"), 3));
    assert_eq!(together["overlaps"][0]["shared"], found["files"][0]["modules"]);
    assert_eq!(together["files"][0]["scan"]["untrained"], serde_json::json!([]));
    assert!(together["files"][0]["alpha_from"] == "tensors" && together["shapes"].as_array().unwrap().is_empty());
    let told = rankweave().arg("inspect").args(samples()).output().unwrap();
    let text = String::from_utf8(told.stdout).unwrap();
    for line in ["These files together", "100 %", "All 12 modules are in every adapter", "% sure", "from tensors"] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
    // A file that cannot be read is an error; what could be read is told all the same.
    let missing = folder.join("missing.safetensors");
    let both = rankweave().arg("inspect").arg(&missing).args(samples()).output().unwrap();
    assert_eq!(both.status.code(), Some(1));
    assert!(String::from_utf8(both.stdout).unwrap().contains("These files together"));
    let alone = rankweave().arg("inspect").arg(sample("turned-digits")).output().unwrap();
    assert!(alone.status.success() && !String::from_utf8(alone.stdout).unwrap().contains("together"));
}

#[test]
fn the_recipe_in_a_merged_file_makes_the_same_bytes_again() {
    let folder = Folder::new("recipe");
    let flags = ["--weights", "0.7,-0.3,0.5", "--method", "mean", "--param", "divide_by=all", "--rank", "6"];
    let first = merged(&samples(), &folder.join("first.safetensors"), &flags);
    let recipe = folder.join("recipe.json");
    fs::write(&recipe, metadata(&first)["rankweave.recipe"].as_str().unwrap()).unwrap();
    let again = folder.join("again.safetensors");
    let second = merged(&samples(), &again, &["--recipe", recipe.to_str().unwrap()]);
    assert!(first == second, "the recipe did not reproduce the file");
}

#[test]
fn the_report_names_what_was_done() {
    let folder = Folder::new("report");
    let path = folder.join("report.json");
    let flags = ["--weights", "0.7,-0.3,0.5", "--dtype", "f32", "--report", path.to_str().unwrap()];
    merged(&samples(), &folder.join("out.safetensors"), &flags);
    let report: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    for (source, weight) in report["sources"].as_array().unwrap().iter().zip([0.7, -0.3, 0.5]) {
        assert_eq!(source["weight"], weight);
        let recovered = source["recovered_weight"].as_f64().unwrap();
        assert!((recovered - weight).abs() < 1e-6, "{recovered} for {weight}");
    }
    assert!(report["residual"].as_f64().unwrap() < 1e-7);
    assert_eq!(report["energy"], 1.0);
    let modules = report["modules"].as_array().unwrap();
    assert!(modules.iter().all(|m| m["rank"] == 28 && m["ranks"] == serde_json::json!([16, 8, 4])), "{modules:?}");
    assert!(report["warnings"].is_array());
}

#[test]
fn the_hash_in_the_header_is_that_of_the_data() {
    let folder = Folder::new("hash");
    let out = folder.join("out.safetensors");
    let path = folder.join("report.json");
    let file = merged(&samples(), &out, &["--keys", "kohya", "--report", path.to_str().unwrap()]);
    let len = u64::from_le_bytes(file[..8].try_into().unwrap()) as usize;
    let mut sum = Command::new("sha256sum");
    let Ok(mut child) = sum.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn() else {
        println!("skipped: the_hash_in_the_header_is_that_of_the_data: sha256sum is not on this machine");
        return;
    };
    child.stdin.take().unwrap().write_all(&file[8 + len..]).unwrap();
    let digest = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap()[..64].to_owned();
    let metadata = metadata(&file);
    assert_eq!(metadata["sshs_model_hash"], digest.as_str());
    assert_eq!(metadata["modelspec.hash_sha256"], format!("0x{digest}"));
    let report: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    assert_eq!(report["sha256_data"], digest.as_str());
    assert_eq!(report["bytes"], file.len());
}

#[test]
fn a_folder_is_a_peft_adapter_and_reads_back() {
    let folder = Folder::new("peft");
    let out = folder.join("out");
    merged(&samples()[..2], &out, &["--weights", "0.7,0.5"]);
    assert_eq!(names(&out), ["adapter_config.json", "adapter_model.safetensors"]);
    let facts = &json(&rankweave().args(["inspect", "--json"]).arg(&out).output().unwrap())["files"];
    assert_eq!(facts[0]["dialect"], "peft");
    assert_eq!(
        facts[0]["alpha"],
        serde_json::json!({"from": "config", "values": {"24": facts[0]["modules"]}, "scale": [1.0, 1.0]})
    );
}

#[test]
fn convert_changes_the_spelling_and_keeps_the_rank() {
    let folder = Folder::new("convert");
    let out = folder.join("out.safetensors");
    let mut convert = rankweave();
    convert.arg("convert").arg(sample("turned-digits")).arg("-o").arg(&out);
    assert!(convert.args(["--keys", "diffusers", "--dtype", "f32"]).status().unwrap().success());
    let facts = &json(&rankweave().args(["inspect", "--json"]).arg(&out).output().unwrap())["files"];
    assert_eq!(facts[0]["dialect"], "diffusers");
    assert_eq!(facts[0]["ranks"]["16"], facts[0]["modules"]);
    assert_eq!(facts[0]["dtypes"].as_object().unwrap().keys().collect::<Vec<_>>(), ["F32"]);
}

/// `--rank dense` writes whole differences, and a recipe from the report does so again.
#[test]
fn dense_writes_whole_differences() {
    let folder = Folder::new("dense");
    let (out, again, report) = (folder.join("out.safetensors"), folder.join("b.safetensors"), folder.join("r.json"));
    let flags = ["--rank", "dense", "--keys", "kohya", "--report", report.to_str().unwrap()];
    assert!(merge(&samples()[..2], &out, &flags).status.success());
    let facts = &json(&rankweave().args(["inspect", "--json"]).arg(&out).output().unwrap())["files"][0];
    assert_eq!(facts["kinds"], serde_json::json!({"full": facts["modules"]}));
    let report: Value = serde_json::from_slice(&fs::read(&report).unwrap()).unwrap();
    assert_eq!(report["recipe"]["output"]["rank"], serde_json::json!({"mode": "dense"}));
    assert_eq!(report["bytes"], fs::metadata(&out).unwrap().len());
    let recipe = folder.join("recipe.json");
    fs::write(&recipe, report["recipe"].to_string()).unwrap();
    assert!(merge(&samples()[..2], &again, &["--recipe", recipe.to_str().unwrap()]).status.success());
    assert_eq!(fs::read(&out).unwrap(), fs::read(&again).unwrap());
    let refused = merge(&samples()[..2], &folder.join("c.safetensors"), &["--rank", "dense", "--keys", "peft"]);
    let text = String::from_utf8(refused.stderr).unwrap();
    assert!(!refused.status.success() && text.contains("--keys kohya"), "{text}");
}

/// `inspect --conflicts` measures some rows of each module, or all entries, and says which.
#[test]
fn conflicts_are_measured_by_rows_or_exactly() {
    let measured = |flags: &[&str]| {
        let output = rankweave().args(["inspect", "--json"]).args(samples()).args(flags).output().unwrap();
        assert!(output.status.success(), "{flags:?}");
        json(&output)["conflicts"].clone()
    };
    assert!(measured(&[]).is_null());
    let exact = measured(&["--conflicts=exact"]);
    assert!(exact["exact"] == true && exact["rows"].is_null() && exact["modules"].as_array().unwrap().len() == 12);
    let sampled = measured(&["--conflicts", "--seed", "3"]);
    assert_eq!((&sampled["exact"], &sampled["rows"], &sampled["seed"]), (&false.into(), &64.into(), &3.into()));
    let share = |of: &Value, name: &str| of["total"][name]["share"].as_f64().unwrap();
    for name in ["conflict", "mass", "selfish", "shared", "catastrophic"] {
        let off = (share(&exact, name) - share(&sampled, name)).abs();
        assert!(off <= 5.0 * sampled["total"][name]["error"].as_f64().unwrap() + 1e-9, "{name}: {off}");
    }
    // Only signs matter to how often, sizes too to how much.
    let weighed = measured(&["--conflicts=exact", "--weights", "1,0.25,2"]);
    assert_eq!(share(&weighed, "conflict"), share(&exact, "conflict"));
    assert!((share(&weighed, "mass") - share(&exact, "mass")).abs() > 0.01);
    let turned = measured(&["--conflicts=exact", "--weights", "1,-1,1"]);
    assert!(share(&turned, "conflict") != share(&exact, "conflict"));
    let text = rankweave().arg("inspect").args(samples()).arg("--conflicts").output().unwrap().stdout;
    let text = String::from_utf8(text).unwrap();
    assert!(text.contains("64 rows of each module, drawn from seed 0") && text.contains("attn.to_k"), "{text}");
    let alone = rankweave().args(["inspect", "--conflicts"]).arg(sample("turned-digits")).output().unwrap();
    assert!(!alone.status.success() && String::from_utf8(alone.stderr).unwrap().contains("Add another adapter"));
}

/// LoHa modules of a U-Net and a text encoder, F32, every number 0.5.
fn two_parts() -> Vec<u8> {
    let (mut entries, mut end) = (Vec::new(), 0);
    let bases = [
        "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_k",
        "lora_te_text_model_encoder_layers_0_mlp_fc1",
    ];
    for base in bases {
        for (ending, rows, columns) in
            [("hada_w1_a", 6, 2), ("hada_w1_b", 2, 4), ("hada_w2_a", 6, 2), ("hada_w2_b", 2, 4)]
        {
            let start = end;
            end += 4 * rows * columns;
            entries.push(format!(
                r#""{base}.{ending}":{{"dtype":"F32","shape":[{rows},{columns}],"data_offsets":[{start},{end}]}}"#
            ));
        }
    }
    let header = format!("{{{}}}", entries.join(","));
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.as_bytes());
    (0..end / 4).for_each(|_| bytes.extend(0.5f32.to_le_bytes()));
    bytes
}

#[test]
fn a_peft_folder_is_made_of_one_part() {
    let folder = Folder::new("part");
    let input = folder.join("two.safetensors");
    fs::write(&input, two_parts()).unwrap();
    let convert = |part: &[&str], out: &str| {
        let mut convert = rankweave();
        convert.arg("convert").arg(&input).arg("-o").arg(folder.join(out)).args(part).output().unwrap()
    };
    let both = convert(&[], "both");
    assert_eq!(both.status.code(), Some(1));
    assert!(String::from_utf8(both.stderr).unwrap().contains("--part"));
    for part in ["unet", "text_encoder"] {
        assert!(convert(&["--part", part], part).status.success());
        let config = fs::read_to_string(folder.join(part).join("adapter_config.json")).unwrap();
        assert!(config.contains("\"LOHA\""), "{config}");
        let facts = &json(&rankweave().args(["inspect", "--json"]).arg(folder.join(part)).output().unwrap())["files"];
        assert_eq!((&facts[0]["modules"], &facts[0]["dialect"]), (&1.into(), &"peft".into()));
    }
    let none = convert(&["--part", "transformer"], "none");
    assert!(String::from_utf8(none.stderr).unwrap().contains("text_encoder, unet"));
}

#[test]
fn errors_are_three_lines_and_leave_nothing_behind() {
    let folder = Folder::new("errors");
    let whole = fs::read(sample("turned-digits")).unwrap();
    let broken = folder.join("broken.safetensors");
    fs::write(&broken, &whole[..whole.len() - 100]).unwrap();
    let before = folder.names();
    let missing = folder.join("missing.safetensors");
    for input in [broken, missing] {
        let output = merge(&[sample("noisy-digits"), input.clone()], &folder.join("out.safetensors"), &[]);
        assert_eq!(output.status.code(), Some(1));
        let text = String::from_utf8(output.stderr).unwrap();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 3, "{text}");
        assert!(lines[0].starts_with("error: "), "{text}");
        assert!(lines[1].contains("where: ") && lines[1].contains(input.file_name().unwrap().to_str().unwrap()));
        assert!(lines[2].contains("hint: ") && lines[2].len() > "  hint: ".len());
    }
    assert_eq!(folder.names(), before);
}

#[test]
fn wrong_usage_exits_with_2_and_wrong_settings_with_1() {
    let folder = Folder::new("usage");
    let out = folder.join("out.safetensors");
    let code = |flags: &[&str]| merge(&samples(), &out, flags).status.code();
    assert_eq!(code(&["--method", "nonsense"]), Some(2));
    assert_eq!(code(&["--weights", "one,two,three"]), Some(2));
    assert_eq!(code(&["--no-such-flag"]), Some(2));
    assert_eq!(rankweave().arg("merge").status().unwrap().code(), Some(2));
    assert_eq!(code(&["--weights", "1,2"]), Some(1));
    assert_eq!(code(&["--weights", "nan,1,1"]), Some(1));
    assert_eq!(code(&["--param", "lambda=1000"]), Some(1));
    assert_eq!(code(&["--param", "lamda=1"]), Some(1));
    assert_eq!(code(&["--rank", "0"]), Some(1));
    assert_eq!(code(&["--weights", "0,0,0"]), Some(1));
    assert!(folder.names().is_empty());
}

/// Ctrl-C in the middle of a large merge: no output and no draft, exit code 1.
#[cfg(unix)]
#[test]
fn an_interrupted_merge_leaves_no_half_file() {
    use rankweave_tests::synth::{Family, Plan};
    let folder = Folder::new("interrupt");
    let input = folder.join("in.safetensors");
    let synth = Plan { family: Family::Sd15, rank: 64, alpha: 32.0, dtype: "F16", seed: 1 };
    synth.write(&mut std::io::BufWriter::new(fs::File::create(&input).unwrap())).unwrap();
    let out = folder.join("out.safetensors");
    let mut child = rankweave()
        .arg("merge")
        .args(vec![&input; 4])
        .args(["--weights", "1,0.5,0.25,0.125", "--rank", "16", "-o"])
        .arg(&out)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    while folder.names().len() < 2 {
        assert!(child.try_wait().unwrap().is_none(), "the merge ended before it could be interrupted");
        std::thread::yield_now();
    }
    Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8(output.stderr).unwrap().starts_with("error: Cancelled"));
    assert_eq!(folder.names(), ["in.safetensors"]);
}
