//! Every kind that needs the base against its formula.

use crate::support::{
    CONVOLUTION, CONVOLUTION_NAMES, EPSILON, LINEAR, LINEAR_NAMES, PEFT, PEFT_NAMES, base_of, file, holds, job, matrix,
    named, pair, positive, random,
};
use rankweave_tests::base::{self, Side};
use rankweave_tests::dense::Matrix;
use rankweave_tests::kinds;
use rankweave_tests::tensors::{self, Tensor};
use serde_json::json;

#[test]
fn dora_of_linear_layers_and_convolutions() {
    for seed in 0..24u64 {
        let (out, inp) = (2 + seed as usize * 5 % 9, 2 + seed as usize * 3 % 7);
        let dtype = ["F32", "F16", "BF16"][seed as usize % 3];
        let cases = [(LINEAR, &[][..], &LINEAR_NAMES[..]), (CONVOLUTION, &[3, 3], &CONVOLUTION_NAMES)];
        for (name, kernel, names) in cases {
            let ones: Vec<usize> = kernel.iter().map(|_| 1).collect();
            let size: usize = kernel.iter().product();
            let weight = random("w", seed, &[&[out, inp], kernel].concat(), dtype);
            let (label, spelled) = names[seed as usize % names.len()];
            for (side, shape) in [(Side::Out, [out, 1]), (Side::In(size), [1, inp])] {
                let (mut list, direction) = pair(name, seed, out, inp, kernel);
                let m = positive("m", seed, &[&shape[..], &ones].concat());
                let wanted = base::dora(&matrix(&weight), &direction, &m.values, side, EPSILON);
                list.push(named(name, ".dora_scale", m));
                holds(&job(list, base_of(label, spelled, &weight)), name, &wanted);
            }
        }
    }
}

#[test]
fn dora_of_peft() {
    for seed in 0..12u64 {
        let (out, inp) = (3 + seed as usize % 5, 2 + seed as usize % 4);
        let weight = random("w", seed, &[out, inp], "BF16");
        let (mut list, direction) = pair(PEFT, seed, out, inp, &[]);
        let m = positive("m", seed, &[out]);
        let wanted = base::dora(&matrix(&weight), &direction.scaled(2.0), &m.values, Side::Out, 0.0);
        let ending = [".lora_magnitude_vector", ".lora_magnitude_vector.weight"][seed as usize % 2];
        list.push(named(PEFT, ending, m));
        let (label, spelled) = PEFT_NAMES[seed as usize % 3];
        let mut job = job(list, base_of(label, spelled, &weight));
        let rank = 1 + seed % 3;
        job.files[0].config =
            Some(json!({"peft_type": "LORA", "r": rank, "lora_alpha": 2 * rank, "use_dora": true}).to_string());
        holds(&job, PEFT, &wanted);
    }
    // A convolution's magnitudes are the outputs', though they stand in the second place.
    let name = "base_model.model.conv.0";
    let weight = random("w", 1, &[5, 4, 3, 3], "F32");
    let (mut list, direction) = pair(name, 4, 5, 4, &[3, 3]);
    let m = positive("m", 1, &[1, 5, 1, 1]);
    let wanted = base::dora(&matrix(&weight), &direction, &m.values, Side::Out, 0.0);
    list.push(named(name, ".lora_magnitude_vector", m));
    holds(&job(list, base_of("m", "conv.0.weight", &weight)), name, &wanted);
}

#[test]
fn a_base_that_stores_its_weights_transposed() {
    let name = "base_model.model.transformer.h.0.attn.c_proj";
    for (out, inp) in [(5, 3), (4, 4)] {
        let stored = random("w", 3, &[inp, out], "F32");
        let (mut list, direction) = pair(name, 3, out, inp, &[]);
        let m = positive("m", 3, &[out]);
        let wanted = base::dora(&matrix(&stored).transposed(), &direction, &m.values, Side::Out, 0.0);
        list.push(named(name, ".lora_magnitude_vector", m));
        let mut job = job(list, base_of("m", "h.0.attn.c_proj.weight", &stored));
        job.files[0].config = Some(
            json!({"peft_type": "LORA", "r": 1, "lora_alpha": 1, "use_dora": true, "fan_in_fan_out": true}).to_string(),
        );
        holds(&job, name, &wanted);
    }
}

#[test]
fn dora_over_products_of_other_kinds() {
    let (out, inp) = (6, 8);
    let weight = random("w", 5, &[out, inp], "F32");
    let loha = [(".hada_w1_a", [out, 2]), (".hada_w1_b", [2, inp]), (".hada_w2_a", [out, 2]), (".hada_w2_b", [2, inp])];
    let lokr = [(".lokr_w1", [2, 4]), (".lokr_w2_a", [3, 2]), (".lokr_w2_b", [2, 2]), ("", [0, 0])];
    for parts in [loha, lokr] {
        let parts = parts.iter().filter(|(ending, _)| !ending.is_empty());
        let mut list: Vec<_> = parts.map(|(e, shape)| named(LINEAR, e, random(e, 5, shape, "F32"))).collect();
        list.push(named(LINEAR, ".alpha", Tensor::new("F32", &[], vec![1.0])));
        let direction = kinds::deltas(&tensors::read(&file(&list)), None).into_values().next().unwrap();
        for (side, shape) in [(Side::Out, [out, 1]), (Side::In(1), [1, inp])] {
            let m = positive("m", 5, &shape);
            let wanted = base::dora(&matrix(&weight), &direction, &m.values, side, EPSILON);
            let mut list = list.clone();
            list.push(named(LINEAR, ".dora_scale", m));
            holds(&job(list, base_of("m", LINEAR_NAMES[0].1, &weight)), LINEAR, &wanted);
        }
    }
}

#[test]
fn factors_of_outputs_and_inputs() {
    let config = Some(json!({"peft_type": "IA3"}).to_string());
    for seed in 0..6 {
        let weight = random("w", seed, &[5, 3], "F16");
        for (side, shape) in [(Side::Out, [5, 1]), (Side::In(1), [1, 3])] {
            let l = positive("l", seed, &shape);
            let wanted = base::ia3(&matrix(&weight), &l.values, side);
            let mut job = job(vec![named(PEFT, ".ia3_l", l)], base_of("m", PEFT_NAMES[0].1, &weight));
            job.files[0].config = config.clone();
            holds(&job, PEFT, &wanted);
        }
    }
    let name = "base_model.model.conv.0";
    let weight = random("w", 1, &[5, 4, 3, 3], "F32");
    for (side, n) in [(Side::Out, 5), (Side::In(9), 4)] {
        let l = positive("l", 1, &[1, n, 1, 1]);
        let wanted = base::ia3(&matrix(&weight), &l.values, side);
        let mut job = job(vec![named(name, ".ia3_l", l)], base_of("m", "conv.0.weight", &weight));
        job.files[0].config = config.clone();
        holds(&job, name, &wanted);
    }
}

#[test]
fn a_bias_that_would_be_scaled_too_is_told() {
    let weight = random("w", 1, &[5, 3], "F32");
    let list = [
        (PEFT_NAMES[0].1.to_owned(), weight),
        ("model.layers.0.self_attn.q_proj.bias".to_owned(), random("b", 1, &[5], "F32")),
    ];
    for (shape, expected) in [([5, 1], true), ([1, 3], false)] {
        let mut job = job(vec![named(PEFT, ".ia3_l", positive("l", 1, &shape))], vec![("m".into(), file(&list))]);
        job.files[0].config = Some(json!({"peft_type": "IA3"}).to_string());
        let told = job.run().unwrap().report.warnings.into_iter().find(|w| w.code == "bias-not-scaled");
        assert_eq!(told.is_some(), expected);
        assert!(told.is_none_or(|w| w.message.contains("q_proj.bias")));
    }
}

#[test]
fn rotations_of_outputs() {
    for (count, b, kernel, bounded, rescaled) in [
        (3, 2, &[][..], false, false),
        (2, 4, &[3, 3], false, true),
        (2, 3, &[], true, false),
        (1, 5, &[1, 1], true, true),
    ] {
        let (out, inp) = (count * b, 3);
        let shape = [&[out, inp], kernel].concat();
        let weight = random("w", 2, &shape, "F32");
        let blocks = random("x", 2, &[count, b, b], "F32");
        let alpha = if bounded { f64::from(0.01f32) } else { 0.0 };
        let rho = positive("r", 2, &[out, 1]);
        let split: Vec<Matrix> = blocks.values.chunks(b * b).map(|x| Matrix::new(b, b, x.to_vec())).collect();
        let rescale = rescaled.then_some(rho.values.as_slice());
        let wanted = base::oft_outputs(&matrix(&weight), &split, alpha * out as f64, rescale);
        // kohya's prefix, and LyCORIS's.
        for prefix in ["oft_unet_", "lora_unet_"] {
            let name = format!("{prefix}{}", LINEAR.strip_prefix("lora_unet_").unwrap());
            let mut list = vec![named(&name, ".oft_blocks", blocks.clone())];
            list.push(named(&name, ".alpha", Tensor::new("F32", &[], vec![alpha])));
            list.extend(rescaled.then(|| named(&name, ".rescale", rho.clone())));
            holds(&job(list, base_of("m", LINEAR_NAMES[0].1, &weight)), LINEAR, &wanted);
        }
    }
}

#[test]
fn rotations_of_inputs() {
    for (count, b, kernel, settings) in [
        (3, 4, &[][..], json!({"use_cayley_neumann": true, "num_cayley_neumann_terms": 5})),
        (3, 4, &[], json!({"use_cayley_neumann": false})),
        (3, 4, &[], json!({"use_cayley_neumann": true, "num_cayley_neumann_terms": 3})),
        (3, 4, &[], json!({"use_cayley_neumann": true, "num_cayley_neumann_terms": 2})),
        (1, 3, &[], json!({"block_share": true})),
        (2, 6, &[], json!({"coft": true, "eps": 0.001})),
        (3, 6, &[3, 3], json!({})),
    ] {
        let columns = if count == 1 { 12 } else { count * b };
        let size: usize = kernel.iter().product();
        let weight = random("w", 4, &[&[5, columns / size], kernel].concat(), "F32");
        let mut q = random("q", 4, &[count, b * (b - 1) / 2], "F32");
        q.values.iter_mut().for_each(|x| *x *= 0.125);
        let triangles: Vec<Vec<f64>> = q.values.chunks(b * (b - 1) / 2).map(<[f64]>::to_vec).collect();
        let terms =
            (settings["use_cayley_neumann"] == true).then(|| settings["num_cayley_neumann_terms"].as_u64().unwrap());
        let bound = (settings["coft"] == true).then(|| 0.001 / (count as f64).sqrt());
        let wanted = base::oft_inputs(&matrix(&weight), &triangles, b, terms.map(|n| n as usize), bound);
        let mut config = settings.clone();
        config["peft_type"] = json!("OFT");
        let list = vec![named(PEFT, ".oft_R.weight", q)];
        let mut job = job(list, base_of("m", PEFT_NAMES[0].1, &weight));
        let errors = job.run().unwrap_err();
        assert!(errors[0].what.contains("adapter_config.json"), "{}", errors[0]);
        job.files[0].config = Some(config.to_string());
        holds(&job, PEFT, &wanted);
    }
}
