//! "Loads in": what a plan says of the programs that read its file, from whole merges.

#![allow(clippy::unwrap_used, reason = "a test says no more by expecting")]

use rankweave_adapter::Adapter;
use rankweave_recipe::{Loads, Prepared, Reads};
use rankweave_tests::engine::{File, Job};
use rankweave_tests::fixture;

fn job(dtype: &str, keys: Option<&str>) -> Job {
    let bytes = fixture::bytes(&fixture::adapter(3, 4, &fixture::SHAPES), "F32");
    let keys = keys.map(Into::into);
    Job { dtype: dtype.into(), keys, ..Job::new("sum", vec![File::new("x", bytes, 1.0)]) }
}

/// From the plan; the report must say the same.
fn loads(dtype: &str, keys: Option<&str>) -> Vec<Loads> {
    let job = job(dtype, keys);
    let adapter = Adapter::open(&job.files[0].bytes, "x", None).unwrap();
    let planned = Prepared::new(job.recipe(), vec![adapter]).unwrap().estimate().loads;
    assert_eq!(job.run().unwrap().report.loads, planned);
    planned
}

fn reads(loads: &[Loads], program: &str) -> Option<Reads> {
    loads.iter().find(|l| l.program == program).map(|l| l.reads)
}

#[test]
fn a_plan_says_which_programs_read_its_file() {
    let kohya = loads("f16", None);
    for program in ["ComfyUI", "AUTOMATIC1111", "Forge", "InvokeAI", "sd-scripts"] {
        assert_eq!(reads(&kohya, program), Some(Reads::Yes), "{program}");
    }
    // Its convolutions are what is not known of.
    let diffusers = kohya.iter().find(|l| l.program == "diffusers").unwrap();
    assert_eq!(diffusers.reads, Reads::Unknown);
    assert!(diffusers.says.contains("convolutions"), "{}", diffusers.says);
    assert_eq!(reads(&kohya, "PEFT"), None);
    let other = loads("f16", Some("diffusers"));
    assert_eq!((reads(&other, "diffusers"), reads(&other, "ComfyUI")), (Some(Reads::Yes), Some(Reads::No)));
}

#[test]
fn eight_bits_are_known_of_few() {
    let eight = loads("f8_e4m3", None);
    assert!(eight.iter().all(|l| l.reads == Reads::Unknown && l.says.contains("8-bit")), "{eight:?}");
}

#[test]
fn of_an_unknown_model_nothing_is_said() {
    let shapes: [fixture::Shape; 1] = [("lora_unet_strange_thing", 8, 6, &[])];
    let bytes = fixture::bytes(&fixture::adapter(4, 2, &shapes), "F32");
    let report = Job::new("sum", vec![File::new("x", bytes, 1.0)]).run().unwrap().report;
    assert_eq!(report.loads, []);
}
