//! A whole merge inside one worker: desk and hand talk through the wire as they do with the page between them.

use super::gpu::GpuHand;
use super::{Answer, Worker};
use crate::protocol::{
    About, Checked, Facts, Fit, Gpu, Input, Level, Method, Mix, Output, Rank, Ready, Request, Row, Settings, Summary,
};
use crate::wire::{Message, Sort};
use js_sys::{Array, Uint8Array};
use rankweave_adapter::{Adapter, Error, Part, Source, read_modules};
use serde::de::DeserializeOwned;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};
use web_sys::Blob;

wasm_bindgen_test_configure!(run_in_dedicated_worker);

const WIDTH: usize = 8;

/// A PEFT adapter of two modules, rank 2: `up` is `factor` times a fixed pattern.
fn adapter(factor: f32) -> Vec<u8> {
    let names = ["q_proj.lora_A", "q_proj.lora_B", "v_proj.lora_A", "v_proj.lora_B"];
    let (mut header, mut data) = (String::from("{"), Vec::new());
    for (i, name) in names.iter().enumerate() {
        let up = i % 2 == 1;
        let shape = if up { [WIDTH, 2] } else { [2, WIDTH] };
        let (from, to) = (data.len(), data.len() + 8 * WIDTH);
        let comma = if i > 0 { "," } else { "" };
        header += &format!(
            r#"{comma}"base_model.model.layers.0.{name}.weight":{{"dtype":"F32","shape":[{},{}],"data_offsets":[{from},{to}]}}"#,
            shape[0], shape[1]
        );
        for n in 0..2 * WIDTH {
            let pattern = ((7 * n + 3 * i) % 11) as f32 / 4.0 - 1.0;
            data.extend_from_slice(&(if up { factor * pattern } else { pattern }).to_le_bytes());
        }
    }
    header += "}";
    [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &data].concat()
}

fn blob(bytes: &[u8]) -> Blob {
    Blob::new_with_u8_array_sequence(&Array::of1(&Uint8Array::from(bytes))).unwrap()
}

/// Sends a request through the wire and back.
fn ask<T: DeserializeOwned>(worker: &mut Worker, request: &Request, attached: &[JsValue]) -> (T, Vec<JsValue>) {
    let message = Message::new(7, Sort::Ask, request, attached.to_vec()).unwrap();
    let message = Message::from_js(&message.to_js()).unwrap();
    assert_eq!((message.number, message.sort, message.read::<Request>().unwrap()), (7, Sort::Ask, request.clone()));
    let answer = worker.answer(message.read().unwrap(), message.attached);
    let Answer { body, attached } = answer.unwrap_or_else(|errors| panic!("{}", errors[0]));
    let message = Message { number: 7, sort: Sort::Answer, body, attached };
    let message = Message::from_js(&message.to_js()).unwrap();
    (message.read().unwrap(), message.attached)
}

fn settings(weights: &[f64]) -> Settings {
    Settings {
        recipe: None,
        mix: weights.iter().map(|&weight| Mix { weight, ..Mix::default() }).collect(),
        method: "sum".into(),
        params: Vec::new(),
        rank: Rank::Exact,
        dtype: "same".into(),
        keys: "same".into(),
        seed: None,
        metadata: "minimal".into(),
        title: None,
        expected: None,
        base: None,
        gpu: Gpu::Off,
    }
}

fn open(worker: &mut Worker, number: u32, bytes: &[u8]) {
    let request = Request::Open { adapter: number, label: format!("{number}.safetensors"), config: None };
    let (facts, _) = ask::<Facts>(worker, &request, &[blob(bytes).into()]);
    assert_eq!((facts.modules, facts.ranks, facts.size), (2, vec![(2, 2)], bytes.len() as u64));
}

/// Merges two adapters with the weights given and reads the file that comes out.
fn merge(worker: &mut Worker, files: &[Vec<u8>], weights: &[f64]) -> (Summary, Vec<u8>) {
    let numbers: Vec<u32> = (1..=files.len() as u32).collect();
    for (number, bytes) in numbers.iter().zip(files) {
        open(worker, *number, bytes);
    }
    let (begun, _) = ask::<Ready>(worker, &Request::Begin { adapters: numbers, settings: settings(weights) }, &[]);
    let inputs = (1..=files.len()).map(|n| Input { label: format!("{n}.safetensors"), config: None }).collect();
    let blobs: Vec<JsValue> = files.iter().map(|bytes| blob(bytes).into()).collect();
    let (prepared, _) = ask::<Ready>(worker, &Request::Prepare { inputs, settings: settings(weights) }, &blobs);
    assert_eq!(begun, prepared, "desk and hand made different plans");
    for task in 0..begun.tasks {
        let (Output { meta, .. }, bytes) = ask(worker, &Request::Run { task }, &[]);
        ask::<()>(worker, &Request::Write { task, meta }, &bytes);
    }
    let (summary, attached) = ask(worker, &Request::Finish, &[]);
    let source = super::file(&attached, 0).unwrap();
    let mut bytes = vec![0; source.len() as usize];
    source.read_at(0, &mut bytes).unwrap();
    (summary, bytes)
}

/// Every entry of every ΔW of a file, module by module.
fn deltas(file: &[u8]) -> Vec<f64> {
    let opened = Adapter::open(&file, "x", None).unwrap();
    let all: Vec<usize> = (0..opened.modules.len()).collect();
    let mut entries = Vec::new();
    for (module, stored) in opened.modules.iter().zip(read_modules(&opened, &file, &all).unwrap()) {
        let values = |part| stored.part(part).unwrap().values.as_slice();
        let (up, down) = (values(Part::Up), values(Part::Down));
        for (row, column) in (0..WIDTH).flat_map(|i| (0..WIDTH).map(move |j| (i, j))) {
            let product = |r: usize| f64::from(up[row * module.rank + r]) * f64::from(down[r * WIDTH + column]);
            entries.push(stored.scale * (0..module.rank).map(product).sum::<f64>());
        }
    }
    entries
}

#[wasm_bindgen_test]
fn a_merge_of_opposites_at_unlike_weights_is_the_difference() {
    let mut worker = Worker::default();
    let (summary, file) = merge(&mut worker, &[adapter(1.0), adapter(-1.0)], &[0.75, 0.25]);
    assert_eq!(summary.size, file.len() as u64);
    assert!(summary.residual < 1e-6, "{}", summary.residual);
    // PEFT's name, since that is the first one's spelling.
    assert_eq!(summary.name, "adapter_model.safetensors");
    for (half, whole) in deltas(&file).iter().zip(&deltas(&adapter(1.0))) {
        assert!((half - 0.5 * whole).abs() < 1e-5, "{half} is not half of {whole}");
    }
    let (rows, _) = ask::<Vec<Row>>(&mut worker, &Request::Rows { from: 1, count: 5 }, &[]);
    assert_eq!(rows.len(), 1);
    assert_eq!((rows[0].out, rows[0].columns, rows[0].source_ranks.len()), (8, 8, 2));
}

#[wasm_bindgen_test]
fn a_slice_is_read_where_it_lies_and_never_past_the_end() {
    let bytes: Vec<u8> = (0..=255).collect();
    let source = super::file(&[blob(&bytes).into()], 0).unwrap();
    assert_eq!(source.len(), 256);
    let mut piece = [0; 4];
    source.read_at(250, &mut piece).unwrap();
    assert_eq!(piece, [250, 251, 252, 253]);
    assert!(source.read_at(253, &mut piece).is_err());
    assert!(source.read_at(u64::MAX, &mut piece).is_err());
    source.gather(&[200..201, 7..9, 255..256], &mut piece).unwrap();
    assert_eq!(piece, [200, 7, 8, 255]);
    assert!(source.gather(&[0..1, 4..6], &mut piece).is_err());
    assert!(source.gather(&[0..2, 255..257], &mut piece).is_err());
}

#[wasm_bindgen_test]
fn a_file_is_described_read_and_compared() {
    let mut worker = Worker::default();
    let bytes = adapter(1.0);
    open(&mut worker, 1, &bytes);
    open(&mut worker, 2, &adapter(2.0));
    let (about, _) = ask::<About>(&mut worker, &Request::About { adapter: 1 }, &[]);
    assert_eq!((about.entries, about.picture, about.triggers.len()), (0, None, 0));
    let input = Input { label: "1.safetensors".into(), config: None };
    let (checked, _) = ask::<Checked>(&mut worker, &Request::Check { input }, &[blob(&bytes).into()]);
    let (sha256, _) = ask::<String>(&mut worker, &Request::Hash, &[blob(&bytes).into()]);
    assert!(checked.hashes.iter().any(|hash| hash.name == "SHA-256" && hash.text == sha256 && hash.there));
    let compare = Request::Compare { adapters: vec![1, 2], readings: vec![Some(checked.reading), None] };
    let (fit, _) = ask::<Fit>(&mut worker, &compare, &[]);
    assert_eq!((fit.verdict, fit.overlaps[0].shared, fit.size_count), (Level::Good, 2, 0));
    assert!(worker.answer(Request::About { adapter: 9 }, Vec::new()).is_err());
}

#[wasm_bindgen_test]
fn a_hash_is_that_of_the_whole_file() {
    let mut worker = Worker::default();
    let (sha256, _) = ask::<String>(&mut worker, &Request::Hash, &[blob(b"abc").into()]);
    assert_eq!(sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

#[wasm_bindgen_test]
fn the_registry_survives_the_wire() {
    let mut worker = Worker::default();
    let (methods, _) = ask::<Vec<Method>>(&mut worker, &Request::Methods, &[]);
    assert_eq!(methods.len(), rankweave_merge::registry().len());
    assert!(methods.iter().any(|method| method.id == "sum"));
}

#[wasm_bindgen_test]
fn an_error_keeps_its_place() {
    let mut worker = Worker::default();
    let request = Request::Open { adapter: 1, label: "bad.safetensors".into(), config: None };
    let errors = worker.answer(request, vec![blob(b"nothing of the kind").unchecked_into()]).err().unwrap();
    let message = Message::new(1, Sort::Failed, &errors, Vec::new()).unwrap();
    assert_eq!(message.read::<Vec<Error>>().unwrap(), errors);
    assert_eq!(errors[0].place.file.as_deref(), Some("bad.safetensors"));
}

/// Asks a hand with a GPU.
async fn ask_gpu<T: DeserializeOwned>(hand: &mut GpuHand, request: Request, attached: &[JsValue]) -> (T, Vec<JsValue>) {
    let answer = hand.answer(request, attached.to_vec()).await;
    let Answer { body, attached } = answer.unwrap_or_else(|errors| panic!("{}", errors[0]));
    (serde_wasm_bindgen::from_value(body).unwrap(), attached)
}

#[wasm_bindgen_test]
async fn a_hand_with_a_gpu_makes_the_same_plan_and_the_same_file_but_for_rounding() {
    let (mut desk, mut hand) = (Worker::default(), GpuHand::default());
    let files = [adapter(1.0), adapter(-0.5)];
    let settings = Settings { method: "ties".into(), dtype: "f32".into(), gpu: Gpu::On, ..settings(&[0.75, 0.25]) };
    files.iter().zip(1..).for_each(|(bytes, number)| open(&mut desk, number, bytes));
    let begin = Request::Begin { adapters: vec![1, 2], settings: settings.clone() };
    let inputs = (1..=2).map(|n| Input { label: format!("{n}.safetensors"), config: None }).collect();
    let prepare = Request::Prepare { inputs, settings };
    let blobs: Vec<JsValue> = files.iter().map(|bytes| blob(bytes).into()).collect();
    let mut made = Vec::new();
    for with_gpu in [false, true] {
        let wanted = if with_gpu { Gpu::On } else { Gpu::Off };
        let (name, _) = ask_gpu::<Option<String>>(&mut hand, Request::Gpu { wanted }, &[]).await;
        assert_eq!(name.is_some(), with_gpu);
        let (begun, _) = ask::<Ready>(&mut desk, &begin, &[]);
        assert!(begun.by_entry);
        assert_eq!(ask_gpu::<Ready>(&mut hand, prepare.clone(), &blobs).await.0, begun);
        for _ in 0..begun.rounds {
            let mut tasks = Vec::new();
            for task in 0..begun.tasks {
                tasks.push(ask_gpu(&mut hand, Request::Survey { task }, &[]).await.0);
            }
            ask::<()>(&mut desk, &Request::Found { tasks: tasks.clone() }, &[]);
            ask_gpu::<()>(&mut hand, Request::Found { tasks }, &[]).await;
        }
        for task in 0..begun.tasks {
            let (Output { meta, .. }, bytes) = ask_gpu(&mut hand, Request::Run { task }, &[]).await;
            ask::<()>(&mut desk, &Request::Write { task, meta }, &bytes);
        }
        let (summary, attached) = ask::<Summary>(&mut desk, &Request::Finish, &[]);
        assert_eq!(summary.remarks.iter().any(|remark| remark.code == "gpu"), with_gpu);
        let source = super::file(&attached, 0).unwrap();
        let mut bytes = vec![0; source.len() as usize];
        source.read_at(0, &mut bytes).unwrap();
        made.push(deltas(&bytes));
    }
    for (x, y) in made[1].iter().zip(&made[0]) {
        assert!((x - y).abs() <= 1e-4 * (1.0 + y.abs()), "{x} instead of {y}");
    }
}
