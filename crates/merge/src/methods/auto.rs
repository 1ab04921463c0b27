//! Auto: looks at the adapters and chooses a method and a scale, without any data.
//!
//! | what is found over the whole file | what is done | why |
//! |---|---|---|
//! | one adapter, or a weight below 0 | sum | something is to be taken away, or nothing is in the way |
//! | inputs frozen orthonormal and apart (`orthogonal`) in every module | sum | trained so that the sum loses nothing |
//! | mean cosine of all pairs above ½ | mean | runs of one training: their common part at its own strength |
//! | else | TSV-M of the directions that hold 99 % of each adapter's energy, as large as the adapters are on average | adapters of different subjects blur each other |
//!
//! Cosines, like norms, are of the whole file. Weak directions are left out before the frames are made orthogonal, since
//! that gives them full weight; the mean norm keeps T adapters from pushing √T times as far as one was trained to
//! (what λ = 1/√T is to task arithmetic). The report says what was chosen, and why. Weights count: they are part of the
//! norms. Costs as `tsv`, and two more looks at all modules.
//!
//! The thresholds come from what adapters are like (independent ones have cosines near 0, runs of one training near 1),
//! not from a search.

use crate::crosstalk::Crosstalk;
use crate::facts::Facts;
use crate::gram::{self, Gram};
use crate::method::{Detail, MergeMethod, Merged, ModuleInputs, Outcome};
use crate::spec::{ANY, Law, Params, Reference, Section, Spec};
use crate::spectra;
use crate::survey::Survey;
use rankweave_adapter::{Result, Warning};
use rankweave_compute::{Mat, Nulls, RankPolicy, linalg};

pub(super) struct Auto;

static SPEC: Spec = Spec {
    id: "auto",
    title: "Automatic",
    summary: "Looks at norms, angles and crosstalk of the adapters, chooses a method and a scale, and says why.",
    formula: "sum, mean, or TSV-M of the leading directions at the adapters' mean norm",
    when: "When you do not want to choose. Weights still say how much of each adapter you want; the scale of the whole is \
           chosen so that several adapters push no further than one.",
    reference: Reference { title: "Thresholds of this project, measured with bench quality", url: "" },
    section: Section::Auto,
    adapters: ANY,
    experimental: false,
    params: &[],
    laws: &[Law::Single, Law::OrderFree, Law::GaugeFree, Law::Idempotent],
};

/// Adapters with a mean cosine above this are runs of one training.
const ALIKE: f64 = 0.5;

/// Share of an adapter's ‖·‖² that its leading directions hold.
const ENERGY: f64 = 0.99;

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Choice {
    Sum(Reason),
    Mean { cosine: f64 },
    Spectral { cosine: f64 },
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Reason {
    Alone,
    Negative,
    Orthogonal,
}

impl MergeMethod for Auto {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn rounds(&self, _: &Params) -> usize {
        2
    }

    /// First the Gram matrix, how many modules several adapters have, how many of those they have without crosstalk, and
    /// negative weights; then ‖M‖² before it is scaled.
    fn survey(&self, round: usize, module: &ModuleInputs, _: &Params) -> Result<Survey> {
        if round == 0 {
            let mut found = gram::survey(module);
            let crosstalk = (module.pairs.len() > 1).then(|| Crosstalk::of(module));
            let count = |yes: bool| f64::from(u8::from(yes));
            found.push(module.adapters as f64);
            found.push(1.0);
            found.push(count(crosstalk.is_some()));
            found.push(count(crosstalk.is_some_and(|c| c.is_none())));
            found.push(count(module.weights.iter().any(|w| *w < 0.0)));
            return Ok(found.into());
        }
        match choice(module.facts) {
            Choice::Spectral { .. } => {
                let delta = whitened(module)?;
                Ok(vec![linalg::inner(delta.as_ref(), delta.as_ref())].into())
            }
            _ => Ok(vec![0.0].into()),
        }
    }

    fn merge(&self, module: &ModuleInputs, _: &Params) -> Result<Outcome> {
        let share = match choice(module.facts) {
            Choice::Spectral { .. } => {
                let mut delta = whitened(module)?;
                let factor = scale(module.facts);
                delta.col_iter_mut().for_each(|column| column.iter_mut().for_each(|x| *x *= factor));
                return Ok(Merged::Core(delta).into());
            }
            Choice::Mean { .. } => 1.0 / module.pairs.len().max(1) as f64,
            Choice::Sum(_) => 1.0,
        };
        let coefficients = module.weights.iter().map(|w| share * w).collect();
        Ok(Merged::Linear { coefficients, nulls: Nulls::Drop }.into())
    }

    fn remarks(&self, facts: &Facts, _: &[&[Detail]], _: &Params) -> Vec<Warning> {
        let message = match choice(facts) {
            Choice::Sum(Reason::Alone) => "Sum: there is one adapter".to_owned(),
            Choice::Sum(Reason::Negative) => "Sum: a weight is negative, so something is to be taken away".to_owned(),
            Choice::Sum(Reason::Orthogonal) => {
                "Sum: these are orthogonal adapters, whose plain sum loses nothing".to_owned()
            }
            Choice::Mean { cosine } => {
                format!("Mean: the adapters are much alike (mean cosine {cosine:.2}), as runs of one training are")
            }
            Choice::Spectral { cosine } => format!(
                "TSV-M of the directions that hold 99 % of each adapter's energy, times {:.2} so that the result is as large \
                 as the adapters are on average: they are unlike (mean cosine {cosine:.2}) and would blur each other in a \
                 sum",
                scale(facts)
            ),
        };
        vec![Warning { code: "auto".to_owned(), message, place: Default::default() }]
    }
}

/// Round 0: the Gram matrix of all adapters, and what was counted.
fn found(facts: &Facts) -> (Gram, [f64; 3]) {
    let [rest @ .., adapters, modules, shared, apart, negative] = facts.round(0) else {
        return (Gram::of_file(facts, 0, 0), [0.0; 3]);
    };
    let adapters = if *modules > 0.0 { (adapters / modules).round() as usize } else { 0 };
    debug_assert_eq!(rest.len(), adapters * (adapters + 1));
    (Gram::of_file(facts, 0, adapters), [*shared, *apart, *negative])
}

fn choice(facts: &Facts) -> Choice {
    let (gram, [shared, apart, negative]) = found(facts);
    let live: Vec<usize> = (0..gram.count).filter(|i| gram.norm(*i) > 0.0).collect();
    if live.len() < 2 {
        return Choice::Sum(Reason::Alone);
    }
    if negative > 0.0 {
        return Choice::Sum(Reason::Negative);
    }
    if shared > 0.0 && apart == shared {
        return Choice::Sum(Reason::Orthogonal);
    }
    let pairs = live.iter().flat_map(|i| live.iter().filter(move |j| *j < i).map(move |j| (*i, *j)));
    let cosines: Vec<f64> = pairs.map(|(i, j)| gram.cosine(i, j)).collect();
    let cosine = cosines.iter().sum::<f64>() / cosines.len() as f64;
    if cosine > ALIKE { Choice::Mean { cosine } } else { Choice::Spectral { cosine } }
}

/// What brings the result to the adapters' mean norm.
fn scale(facts: &Facts) -> f64 {
    let norms: Vec<f64> = found(facts).0.norms().into_iter().filter(|norm| *norm > 0.0).collect();
    let own = facts.round(1).first().copied().unwrap_or(0.0).sqrt();
    if own > 0.0 { norms.iter().sum::<f64>() / norms.len() as f64 / own } else { 1.0 }
}

/// TSV-M of every adapter's leading directions.
fn whitened(module: &ModuleInputs) -> Result<Mat<f64>> {
    let mut parts = spectra::thins(&module.deltas()?)?;
    for part in &mut parts {
        let kept = RankPolicy::Energy { share: ENERGY, max: None }.choose(&part.sigma);
        spectra::shorten(part, kept);
    }
    spectra::orthogonalised(&parts)
}
