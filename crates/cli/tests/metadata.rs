//! `rankweave metadata`, `hash`, and `merge --metadata`: the built binary, as a user or a script meets it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use rankweave_tests::folder::Folder;
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn sample(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../www/samples/{name}.safetensors"))
}

fn run(command: &str, files: &[&Path], flags: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_rankweave")).arg(command).args(files).args(flags).output().unwrap()
}

fn ok(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn json_of(command: &str, file: &Path) -> Value {
    serde_json::from_str(&ok(&run(command, &[file], &["--json"]))).unwrap()
}

fn edit(input: &Path, out: &Path, flags: &[&str]) -> Output {
    let out = out.to_str().unwrap();
    run("metadata", &[input], &[flags, &["-o", out]].concat())
}

fn data(file: &Path) -> Vec<u8> {
    let bytes = fs::read(file).unwrap();
    bytes[8 + u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize..].to_vec()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn metadata_is_set_removed_and_shown() {
    let folder = Folder::new("edit");
    let (first, second) = (folder.join("first.safetensors"), folder.join("deeper/second.safetensors"));
    let set = [
        "--set",
        "modelspec.title=Ink = wash",
        "--set",
        "modelspec.license=MIT",
        "--set",
        "x=-1",
        "--set",
        "ss_tag_frequency={\"a\": {\"sks\": 3}}",
        "--set",
        "ss_network_dim=16",
        "--set",
        "ss_network_alpha=8.0",
    ];
    ok(&edit(&sample("turned-digits"), &first, &set));
    let said = json_of("metadata", &first);
    assert_eq!(said["file"], "first.safetensors");
    assert_eq!(said["metadata"]["modelspec.title"], "Ink = wash");
    assert_eq!(said["described"]["title"], "Ink = wash");
    assert_eq!(said["described"]["licences"], json!(["MIT"]));
    assert_eq!(said["described"]["tags"], json!({"distinct": 1, "top": [{"tag": "sks", "count": 3}]}));
    let text = ok(&run("metadata", &[&first], &[]));
    for line in ["Ink = wash", "MIT", "sks 3", "rank 16, alpha 8", "modelspec.license"] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
    ok(&edit(&first, &second, &["--remove", "x", "--set", "modelspec.title=Other"]));
    let metadata = json_of("metadata", &second)["metadata"].clone();
    assert_eq!((&metadata["modelspec.title"], &metadata["x"]), (&json!("Other"), &Value::Null));
    for file in [&first, &second] {
        assert!(data(file) == data(&sample("turned-digits")), "the tensors were changed");
        assert_eq!(
            json_of("inspect", file)["files"][0]["modules"],
            json_of("inspect", &sample("turned-digits"))["files"][0]["modules"]
        );
    }
    let inspected = ok(&run("inspect", &[&second], &[]));
    assert!(inspected.contains("Other") && inspected.contains("MIT"), "{inspected}");
    assert_eq!(json_of("inspect", &second)["files"][0]["described"]["title"], "Other");
    assert_eq!(folder.names(), ["deeper", "first.safetensors"]);
}

#[test]
fn edits_that_cannot_be_done_write_nothing() {
    let folder = Folder::new("refused");
    let input = folder.join("in.safetensors");
    fs::copy(sample("noisy-digits"), &input).unwrap();
    let before = fs::read(&input).unwrap();
    let out = folder.join("out.safetensors");
    let fails = |out: &Path, flags: &[&str], code: i32, word: &str| {
        let output = edit(&input, out, flags);
        let text = stderr(&output);
        assert_eq!(output.status.code(), Some(code), "{text}");
        assert!(text.contains(word), "{text}");
        assert!(code == 2 || text.lines().count() == 3, "{text}");
    };
    fails(&input, &["--set", "a=b"], 1, "The output is the input");
    fails(&folder.join("./x/../in.safetensors"), &["--set", "a=b"], 1, "The output is the input");
    #[cfg(unix)]
    {
        let link = folder.join("link.safetensors");
        std::os::unix::fs::symlink(&input, &link).unwrap();
        fails(&link, &["--set", "a=b"], 1, "The output is the input");
        fs::remove_file(link).unwrap();
    }
    fails(&folder, &["--set", "a=b"], 1, "is a folder");
    fails(&out, &["--remove", "no-such-key"], 1, "no-such-key");
    fails(&out, &["--set", "a=b", "--remove", "a"], 1, "changed twice");
    fails(&out, &["--set", "=b"], 1, "key is empty");
    fails(&out, &["--set", "novalue"], 2, "KEY=VALUE");
    fails(&out, &[], 2, "--set");
    fails(&out, &["--json", "--set", "a=b"], 2, "--json");
    assert_eq!(run("metadata", &[&input], &["--set", "a=b"]).status.code(), Some(2));
    let _ = fs::remove_dir_all(folder.join("x"));
    assert_eq!(folder.names(), ["in.safetensors"]);
    assert!(fs::read(&input).unwrap() == before);
}

#[test]
fn hashes_are_those_of_other_programs_and_claims_are_checked() {
    let folder = Folder::new("hash");
    let input = sample("turned-digits");
    let hashed = json_of("hash", &input);
    let h = &hashed[0]["hashes"];
    assert_eq!(hashed[0]["size"], fs::metadata(&input).unwrap().len());
    let digest = h["sha256"].as_str().unwrap();
    assert_eq!(h["autov2"], digest[..10].to_uppercase().as_str());
    match Command::new("sha256sum").arg(&input).output() {
        Ok(sum) => assert_eq!(digest, &String::from_utf8(sum.stdout).unwrap()[..64]),
        Err(_) => println!("skipped: hashes_are_those_of_other_programs: sha256sum is not on this machine"),
    }
    let right = h["data_sha256"].as_str().unwrap();
    let out = folder.join("stated.safetensors");
    let wrong = "12".repeat(32);
    let set = [
        format!("sshs_model_hash=0x{right}"),
        format!("modelspec.hash_sha256=0x{wrong}"),
        "sshs_legacy_hash=e3b0c442".into(),
    ];
    let flags: Vec<&str> = set.iter().flat_map(|s| ["--set", s.as_str()]).collect();
    ok(&edit(&input, &out, &flags));
    let stated = json_of("hash", &out);
    assert_eq!(stated[0]["hashes"]["data_sha256"], right, "editing leaves it");
    assert_ne!(stated[0]["hashes"]["sha256"], digest);
    let verdict = |key: &str| {
        let claims = stated[0]["claims"].as_array().unwrap();
        claims.iter().find(|c| c["key"] == key).map(|c| (c["verdict"].clone(), c["misspelt"].clone())).unwrap()
    };
    assert_eq!(verdict("sshs_model_hash"), (json!("right"), json!(true)));
    assert_eq!(verdict("modelspec.hash_sha256"), (json!("wrong"), json!(false)));
    assert_eq!(verdict("sshs_legacy_hash"), (json!("of-nothing"), json!(false)));
    assert_eq!(stated[0]["warnings"][0]["code"], "wrong-hash");
    let missing = folder.join("missing.safetensors");
    let both = run("hash", &[&missing, &out], &[]);
    assert_eq!(both.status.code(), Some(1));
    let text = String::from_utf8(both.stdout.clone()).unwrap();
    for word in ["stated.safetensors", right, "AutoV3", "BLAKE3", "CRC32", "modelspec.hash_sha256"] {
        assert!(text.contains(word), "{word} is not in\n{text}");
    }
    assert!(stderr(&both).contains("missing.safetensors") && stderr(&both).contains("warning: "));
}

#[test]
fn a_merge_takes_over_what_it_is_asked_to_and_hashes_true() {
    let folder = Folder::new("merge");
    let tagged = |name: &str, tags: &str, licence: &str| {
        let out = folder.join(format!("{name}.safetensors"));
        let set = [format!("ss_tag_frequency={tags}"), format!("modelspec.license={licence}")];
        ok(&edit(&sample(name), &out, &["--set", &set[0], "--set", &set[1]]));
        out
    };
    let one = tagged("turned-digits", r#"{"a": {"x": 1}}"#, "MIT");
    let two = tagged("inverted-digits", r#"{"a": {"x": 2}, "b": {"y": 5}}"#, "no merging");
    let merge = |mode: &str, name: &str| {
        let out = folder.join(name);
        ok(&run("merge", &[&one, &two], &["--metadata", mode, "-o", out.to_str().unwrap()]));
        out
    };
    for mode in ["minimal", "merge-tags", "keep-first", "keep-all", "none"] {
        let out = merge(mode, &format!("{mode}.safetensors"));
        let claims = json_of("hash", &out)[0]["claims"].clone();
        let right =
            claims.as_array().unwrap().iter().filter(|c| c["verdict"] == "right" && c["misspelt"] == false).count();
        assert_eq!(right, claims.as_array().unwrap().len(), "{claims}");
        assert_eq!(right >= 2, mode != "none", "{mode}: {claims}");
        let said = json_of("metadata", &out);
        let tags = match mode {
            "merge-tags" | "keep-all" => json!(r#"{"a":{"x":3},"b":{"y":5}}"#),
            "keep-first" => json!(r#"{"a": {"x": 1}}"#),
            _ => Value::Null,
        };
        assert_eq!(said["metadata"]["ss_tag_frequency"], tags, "{mode}");
        let licences = if tags.is_null() { json!([]) } else { json!(["MIT", "no merging"]) };
        assert_eq!(said["described"]["licences"], licences, "{mode}");
    }
    let first = merge("merge-tags", "again.safetensors");
    assert!(fs::read(&first).unwrap() == fs::read(folder.join("merge-tags.safetensors")).unwrap());
    let recipe = folder.join("recipe.json");
    fs::write(&recipe, json_of("metadata", &first)["metadata"]["rankweave.recipe"].as_str().unwrap()).unwrap();
    let (again, recipe) = (folder.join("third.safetensors"), recipe.to_str().unwrap().to_owned());
    ok(&run("merge", &[&one, &two], &["--recipe", &recipe, "-o", again.to_str().unwrap()]));
    assert!(fs::read(&first).unwrap() == fs::read(again).unwrap(), "the recipe carries the mode");
    let out = folder.join("bad.safetensors");
    let bad = run("merge", &[&one, &two], &["--metadata", "most", "-o", out.to_str().unwrap()]);
    assert_eq!(bad.status.code(), Some(2));
}
