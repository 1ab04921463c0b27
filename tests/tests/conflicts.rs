//! How adapters pull against each other, against a count of every dense entry; and rows drawn by chance against all of
//! them, within the error that is told.

#![allow(clippy::unwrap_used, reason = "a test says no more by expecting")]

use rankweave_adapter::{Adapter, Error, Kind, Source};
use rankweave_recipe::{Conflicts, Measured, Measurement, Shares};
use rankweave_tests::dense::Matrix;
use rankweave_tests::engine::{File, Job};
use rankweave_tests::fixture::{self, SHAPES, Shape};
use rankweave_tests::naive;
use rankweave_tests::tensors;
use std::collections::BTreeMap;

/// λ of the masks.
const LAMBDA: f64 = 0.4;

fn file(seed: u64, rank: usize, shapes: &[Shape], weight: f64) -> File {
    File::new(&format!("{seed}"), fixture::bytes(&fixture::adapter(seed, rank, shapes), "F32"), weight)
}

fn measured(files: &[File], rows: Option<usize>, seed: u64) -> Result<Conflicts, Vec<Error>> {
    let job = Job { seed, ..Job::new("sum", files.to_vec()) };
    let adapters = files.iter().map(|f| Adapter::open(&f.bytes, &f.label, None).unwrap()).collect();
    let measurement = Measurement::new(job.recipe(), adapters, None, rows)?;
    let sources: Vec<&dyn Source> = files.iter().map(|f| &f.bytes as &dyn Source).collect();
    let mut tallies = Vec::new();
    for task in 0..measurement.tasks() {
        tallies.extend(measurement.task(&sources, task).map_err(|e| vec![e])?);
    }
    Ok(measurement.finish(&tallies))
}

/// Counts of one module, or of several: positions, in conflict, selfish, shared, catastrophic; what cancels; Σ|v|.
#[derive(Clone, Copy, Debug, Default)]
struct Count {
    positions: f64,
    conflict: f64,
    held: [f64; 3],
    cancels: f64,
    sizes: f64,
}

impl Count {
    fn of(taus: &[Matrix]) -> Count {
        let mut count = Count::default();
        for at in 0..taus[0].values.len() {
            let v: Vec<f64> = taus.iter().map(|tau| tau.values[at]).collect();
            let (m, size) = (v.iter().sum::<f64>(), v.iter().map(|v| v.abs()).sum::<f64>());
            let masks = v.iter().filter(|v| v.abs() > LAMBDA * (m - **v).abs()).count();
            count.positions += 1.0;
            count.conflict += f64::from(u8::from(v.iter().any(|v| *v > 0.0) && v.iter().any(|v| *v < 0.0)));
            count.held[masks.min(2)] += 1.0;
            count.cancels += size - m.abs();
            count.sizes += size;
        }
        count
    }

    fn plus(self, other: Count) -> Count {
        Count {
            positions: self.positions + other.positions,
            conflict: self.conflict + other.conflict,
            held: [0, 1, 2].map(|i| self.held[i] + other.held[i]),
            cancels: self.cancels + other.cancels,
            sizes: self.sizes + other.sizes,
        }
    }

    fn same_as(&self, found: &Shares, what: &str) {
        let near = |found: Measured, wanted: f64, name: &str| {
            assert!((found.share - wanted).abs() < 1e-6, "{what}, {name}: {} is not {wanted}", found.share);
            assert!(found.error == 0.0, "{what}, {name}");
        };
        near(found.conflict, self.conflict / self.positions, "conflict");
        near(found.mass, self.cancels / self.sizes, "mass");
        near(found.catastrophic, self.held[0] / self.positions, "catastrophic");
        near(found.selfish, self.held[1] / self.positions, "selfish");
        near(found.shared, self.held[2] / self.positions, "shared");
    }
}

/// wᵢ·ΔWᵢ of the files that have a module, by its canonical name.
fn taus(files: &[File]) -> BTreeMap<String, Vec<Matrix>> {
    let mut all: BTreeMap<String, Vec<Matrix>> = BTreeMap::new();
    for file in files {
        for (name, pair) in naive::modules(&tensors::read(&file.bytes), None) {
            let weight = if name.contains("text") { file.te_weight.unwrap_or(file.weight) } else { file.weight };
            if weight != 0.0 {
                all.entry(name).or_default().push(pair.delta().scaled(weight));
            }
        }
    }
    all
}

#[test]
fn all_entries_are_counted() {
    let sets = [
        vec![file(1, 4, &SHAPES, 1.0), file(2, 8, &SHAPES[..4], 0.6)],
        vec![file(1, 4, &SHAPES, 1.0), file(2, 8, &SHAPES[..4], -0.6), file(3, 2, &SHAPES[1..], 1.4)],
        vec![
            file(4, 3, &SHAPES, 1.0),
            file(5, 3, &SHAPES, 1.0),
            file(6, 3, &SHAPES, 0.5),
            File { te_weight: Some(0.0), ..file(7, 3, &SHAPES[2..], -2.0) },
        ],
    ];
    for files in &sets {
        let found = measured(files, None, 0).unwrap_or_else(|e| panic!("{}", e[0]));
        let all = taus(files);
        let several: BTreeMap<_, _> = all.iter().filter(|(_, taus)| taus.len() > 1).collect();
        assert_eq!(found.modules.len(), several.len());
        assert_eq!(found.alone, all.len() - several.len());
        assert!(found.exact && found.rows.is_none() && found.seed.is_none() && found.factor == LAMBDA);
        let mut total = Count::default();
        for module in &found.modules {
            let taus = several[&naive::canonical_of_id(&module.module)];
            assert_eq!((module.sources.len(), module.rows), (taus.len(), module.out), "{}", module.module);
            let count = Count::of(taus);
            count.same_as(&module.shares, &module.module);
            total = total.plus(count);
            let cos = |a: &Matrix, b: &Matrix| a.inner(b) / a.norm() / b.norm();
            match (&taus[..], module.shares.expected) {
                ([a, b], Some(told)) => assert!((told - cos(a, b).acos() / std::f64::consts::PI).abs() < 1e-9),
                ([_, _, _], Some(told)) => assert!((0.4..0.95).contains(&told), "{told}"),
                (_, told) => assert!(told.is_none()),
            }
        }
        total.same_as(&found.total, "all");
        let shares = found.modules.iter().map(|m| m.shares.conflict.share);
        assert!(shares.clone().zip(shares.skip(1)).all(|(a, b)| a >= b), "those with the most conflict first");
    }
}

/// What entries that are normal and independent give, is what is expected of them: of high rank they nearly are.
#[test]
fn independent_entries_meet_what_is_expected_of_them() {
    let shapes: [Shape; 1] = [("lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_k", 160, 160, &[])];
    for count in [2, 3] {
        let files: Vec<File> = (0..count).map(|seed| file(seed + 20, 128, &shapes, 1.0)).collect();
        let found = measured(&files, None, 0).unwrap().total;
        assert!((found.conflict.share - found.expected.unwrap()).abs() < 0.01, "{found:?}");
    }
}

#[test]
fn twins_never_pull_apart_and_opposites_always_do() {
    let twin = file(3, 4, &SHAPES, 1.0);
    let one = measured(&[twin.clone(), File { weight: 0.5, ..twin.clone() }], None, 0).unwrap().total;
    assert_eq!((one.conflict.share, one.mass.share, one.shared.share), (0.0, 0.0, 1.0));
    assert!(one.expected.unwrap() < 1e-6);
    let other = measured(&[twin.clone(), File { weight: -1.0, ..twin }], None, 0).unwrap().total;
    assert_eq!((other.conflict.share, other.mass.share), (1.0, 1.0));
    assert!(other.expected.unwrap() > 1.0 - 1e-6);
}

/// Over many seeds the sampled shares lie about the exact ones as their errors say: nearly all within two, none beyond
/// five; and an error that is told far too large would be as wrong.
#[test]
fn rows_by_chance_tell_their_own_error() {
    let shapes: [Shape; 3] = [
        ("lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_k", 300, 40, &[]),
        ("lora_unet_mid_block_attentions_0_transformer_blocks_0_attn2_to_v", 120, 64, &[]),
        ("lora_unet_down_blocks_0_resnets_0_conv1", 20, 6, &[3, 3]),
    ];
    let files = [file(31, 4, &shapes, 1.0), file(32, 6, &shapes, 0.7), file(33, 2, &shapes, -0.9)];
    let exact = measured(&files, None, 0).unwrap();
    let of = |s: &Shares| [s.conflict, s.mass, s.selfish, s.shared, s.catastrophic];
    let (mut squares, mut drawn, mut within) = (0.0, 0, 0);
    for seed in 0..40 {
        let found = measured(&files, Some(24), seed).unwrap();
        assert_eq!((found.exact, found.rows, found.seed), (false, Some(24), Some(seed as u32)));
        let mut pairs = vec![(found.total, exact.total)];
        for module in &found.modules {
            assert_eq!(module.rows, module.out.min(24), "{}", module.module);
            let whole = exact.modules.iter().find(|m| m.module == module.module).unwrap();
            assert_eq!(module.shares.expected, whole.shares.expected, "cosines are those of the whole");
            pairs.push((module.shares, whole.shares));
        }
        for (sampled, whole) in pairs {
            for (sampled, whole) in of(&sampled).into_iter().zip(of(&whole)) {
                let off = (sampled.share - whole.share).abs();
                if sampled.error == 0.0 {
                    assert!(off < 1e-9, "all rows were looked at");
                    continue;
                }
                let score = off / sampled.error;
                assert!(score < 5.0, "{sampled:?} is {whole:?}");
                (squares, drawn, within) = (squares + score * score, drawn + 1, within + usize::from(score < 2.0));
            }
        }
    }
    let (mean, within) = ((squares / f64::from(drawn)).sqrt(), within as f64 / f64::from(drawn));
    assert!((0.85..1.15).contains(&mean), "errors are {mean} of what is told");
    assert!(within > 0.92, "{within} lie within two errors");
    assert!(measured(&files, Some(24), 7).unwrap() == measured(&files, Some(24), 7).unwrap());
    let all = measured(&files, Some(300), 7).unwrap();
    assert_eq!(all.modules, exact.modules, "more rows than there are");
}

#[test]
fn one_adapter_has_no_conflicts() {
    let errors = measured(&[file(1, 4, &SHAPES, 1.0)], None, 0).unwrap_err();
    assert_eq!(errors[0].kind, Kind::Parameter);
    let mut diverged = fixture::adapter(2, 4, &SHAPES[..1]);
    diverged[0].pair.scale = 1e30;
    diverged[0].pair.up.values.iter_mut().for_each(|x| *x *= 1e15);
    let diverged = File::new("diverged", fixture::bytes(&diverged, "F32"), 1.0);
    let found = measured(&[file(1, 4, &SHAPES, 1.0), diverged], Some(8), 0);
    assert!(found.is_err_and(|e| matches!(e[0].kind, Kind::Limit | Kind::Malformed)));
}

/// The numbers as JSON, and back.
#[test]
fn the_answer_is_stable_json() {
    let files = [file(1, 4, &SHAPES, 1.0), file(2, 8, &SHAPES[..4], 0.6)];
    let found = measured(&files, Some(8), 3).unwrap();
    let text = serde_json::to_string(&found).unwrap();
    let read: Conflicts = serde_json::from_str(&text).unwrap();
    assert_eq!((read.modules.len(), &read.modules[0].module), (4, &found.modules[0].module));
    assert!((read.total.mass.error - found.total.mass.error).abs() < 1e-12);
    for name in ["\"conflicts\":1", "\"exact\":false", "\"rows\":8", "\"seed\":3", "\"factor\":0.4", "\"alone\":2"] {
        assert!(text.contains(name), "{name}: {text}");
    }
}
