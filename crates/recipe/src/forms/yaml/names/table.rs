//! mergekit's methods and parameters, and what they are called here.
//!
//! | mergekit | here | |
//! |---|---|---|
//! | `task_arithmetic`, `linear` | `sum` | with `normalize` (`linear`'s default) the weights are divided by their sum |
//! | `ties`, `dare_ties` | `ties`, `dare-ties` with `variant` = `mergekit` | |
//! | `dare_linear` | `dare` with `rescale` = `l1` | dropped = 1 − density |
//! | `della`, `della_linear`, `breadcrumbs`, `breadcrumbs_ties` | `della`, `breadcrumbs` | |
//! | `sce`, `slerp`, `nuslerp`, `multislerp`, `karcher`, `model_stock`, `ram`, `ramplus_tl` | the same | |
//! | `rankweave:ID` | method ID, with its own parameters | mergekit refuses it |
//!
//! Where a parameter is not given, it is mergekit's default that holds, not ours.

/// mergekit's methods that are not here.
pub(super) const OTHERS: [&str; 5] = ["passthrough", "nearswap", "arcee_fusion", "core_space", "fuse"];
/// Parameters that change nothing here.
pub(super) const IDLE: [&str; 6] = ["int8_mask", "tol", "eps", "embed_slerp", "rescale_norm", "swapping"];

/// Settings of ours: name and value.
pub(super) type Sets = &'static [(&'static str, &'static str)];

/// A method of mergekit.
pub(super) struct Known {
    pub name: &'static str,
    pub id: &'static str,
    pub sets: Sets,
    /// mergekit's name, ours, mergekit's default; none where it has to be given. `drop` is 1 − mergekit's number.
    pub numbers: &'static [(&'static str, &'static str, Option<f64>)],
    pub flags: &'static [Flag],
    /// Has it a weight for each model?
    pub weights: bool,
}

/// Something that is on or off, and what that means here; none where it cannot be done.
pub(super) struct Flag {
    pub name: &'static str,
    pub default: bool,
    pub on: Option<Sets>,
    pub off: Option<Sets>,
}

const fn flag(name: &'static str, default: bool, on: Option<Sets>, off: Option<Sets>) -> Flag {
    Flag { name, default, on, off }
}

const NONE: Option<Sets> = Some(&[]);
const LAMBDA: (&str, &str, Option<f64>) = ("lambda", "lambda", Some(1.0));
const DENSITY: (&str, &str, Option<f64>) = ("density", "density", Some(1.0));
const DROP: (&str, &str, Option<f64>) = ("density", "drop", Some(1.0));
const EPSILON: (&str, &str, Option<f64>) = ("epsilon", "epsilon", Some(0.15));
const GAMMA: (&str, &str, Option<f64>) = ("gamma", "gamma", Some(0.01));
const L1: Flag = flag("rescale", true, Some(&[("rescale", "l1")]), Some(&[("rescale", "none")]));
const PLAIN: Flag = flag("rescale", false, None, NONE);
const SUMMED: Flag = flag("normalize", false, None, NONE);
const NORMALISED: Flag = flag("normalize", true, Some(&[("combine", "weighted")]), Some(&[("combine", "sum")]));

pub(super) static KNOWN: [Known; 17] = [
    Known {
        name: "task_arithmetic",
        id: "sum",
        sets: &[],
        numbers: &[LAMBDA],
        flags: &[flag("normalize", false, NONE, NONE), PLAIN],
        weights: true,
    },
    Known {
        name: "linear",
        id: "sum",
        sets: &[],
        numbers: &[],
        flags: &[flag("normalize", true, NONE, NONE)],
        weights: true,
    },
    Known {
        name: "ties",
        id: "ties",
        sets: &[("variant", "mergekit")],
        numbers: &[DENSITY, LAMBDA],
        flags: &[flag("normalize", true, NONE, Some(&[("combine", "sum")])), PLAIN],
        weights: true,
    },
    Known {
        name: "dare_ties",
        id: "dare-ties",
        sets: &[("variant", "mergekit")],
        numbers: &[DROP, LAMBDA],
        flags: &[
            flag("normalize", false, Some(&[("combine", "weighted")]), NONE),
            flag("rescale", true, NONE, Some(&[("rescale", "none")])),
        ],
        weights: true,
    },
    Known { name: "dare_linear", id: "dare", sets: &[], numbers: &[DROP, LAMBDA], flags: &[SUMMED, L1], weights: true },
    Known {
        name: "della",
        id: "della",
        sets: &[],
        numbers: &[DENSITY, EPSILON, LAMBDA],
        flags: &[NORMALISED, L1],
        weights: true,
    },
    Known {
        name: "della_linear",
        id: "della",
        sets: &[("elect", "none")],
        numbers: &[DENSITY, EPSILON, LAMBDA],
        flags: &[SUMMED, L1],
        weights: true,
    },
    Known {
        name: "breadcrumbs",
        id: "breadcrumbs",
        sets: &[],
        numbers: &[DENSITY, GAMMA, LAMBDA],
        flags: &[SUMMED, PLAIN],
        weights: true,
    },
    Known {
        name: "breadcrumbs_ties",
        id: "breadcrumbs",
        sets: &[("elect", "mass")],
        numbers: &[DENSITY, GAMMA, LAMBDA],
        flags: &[flag("normalize", false, Some(&[("combine", "weighted")]), Some(&[("combine", "sum")])), PLAIN],
        weights: true,
    },
    Known {
        name: "sce",
        id: "sce",
        sets: &[],
        numbers: &[("select_topk", "select", Some(1.0))],
        flags: &[],
        weights: false,
    },
    Known { name: "slerp", id: "slerp", sets: &[], numbers: &[("t", "t", None)], flags: &[], weights: false },
    Known {
        name: "nuslerp",
        id: "nuslerp",
        sets: &[],
        numbers: &[],
        flags: &[
            flag("nuslerp_flatten", true, NONE, Some(&[("rows", "true")])),
            flag("nuslerp_row_wise", false, NONE, NONE),
        ],
        weights: true,
    },
    Known {
        name: "multislerp",
        id: "multi-slerp",
        sets: &[],
        numbers: &[],
        flags: &[flag("normalize_weights", true, NONE, None)],
        weights: true,
    },
    Known {
        name: "karcher",
        id: "karcher",
        sets: &[],
        numbers: &[("max_iter", "steps", Some(10.0))],
        flags: &[],
        weights: false,
    },
    Known {
        name: "model_stock",
        id: "model-stock",
        sets: &[],
        numbers: &[],
        flags: &[flag("filter_wise", false, None, NONE)],
        weights: false,
    },
    Known {
        name: "ram",
        id: "ram",
        sets: &[("active", "absolute"), ("r", "0")],
        numbers: &[("epsilon", "threshold", Some(1e-5))],
        flags: &[],
        weights: false,
    },
    Known {
        name: "ramplus_tl",
        id: "ram",
        sets: &[("active", "absolute")],
        numbers: &[("epsilon", "threshold", Some(1e-5)), ("r", "r", Some(0.1)), ("alpha", "alpha", Some(0.2))],
        flags: &[],
        weights: false,
    },
];
