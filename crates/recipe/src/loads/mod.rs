//! "Loads in": which programs read the file that a plan writes.
//!
//! What a file holds is a set of things (pairs, convolutions, LoHa modules, text encoders, 8-bit numbers, …). A row of
//! the [table](table) says of one program, for some spellings and families, which things it reads and which it leaves
//! out or refuses. Nothing is inferred from one row to another:
//!
//! | the file holds … | answer |
//! |---|---|
//! | only things that the row reads | it loads |
//! | a thing that the row leaves out | it loads partly, and a sentence says what is missing |
//! | a thing that the row refuses | it does not load, and a sentence says why |
//! | a thing that the row does not name | unknown, and a sentence says which |
//!
//! A spelling and family without any row is known of no program; the list is empty then.

mod table;

use crate::prepare::Prepared;
use rankweave_adapter::{Component, DialectId, Dtype, KindId};
use rankweave_merge::{Form, family};
use serde::{Deserialize, Serialize};
use table::{ROWS, Row};

/// Whether a program reads a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reads {
    /// All of it.
    Yes,
    /// Not all of it.
    Partly,
    /// None of it.
    No,
    /// It is not known.
    Unknown,
}

impl Reads {
    /// In a word, for people.
    pub fn word(self) -> &'static str {
        match self {
            Reads::Yes => "yes",
            Reads::Partly => "partly",
            Reads::No => "no",
            Reads::Unknown => "unknown",
        }
    }
}

/// What is known of one program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Loads {
    /// Its name.
    pub program: String,
    /// Whether it reads the file.
    pub reads: Reads,
    /// What is left out, why it does not load, what is not known; or empty.
    pub says: String,
}

/// Things that a file may hold, as bits.
pub(crate) mod thing {
    /// Plain pairs of linear layers, with an alpha of their own or none.
    pub const PAIR: u16 = 1;
    /// Pairs of convolutions with a kernel larger than 1×1.
    pub const CONVOLUTION: u16 = 1 << 1;
    /// LoHa modules.
    pub const LOHA: u16 = 1 << 2;
    /// LoKr modules.
    pub const LOKR: u16 = 1 << 3;
    /// Whole differences.
    pub const FULL: u16 = 1 << 4;
    /// Changes of biases and norms.
    pub const VECTOR: u16 = 1 << 5;
    /// Pairs of embeddings, stored turned.
    pub const EMBEDDING: u16 = 1 << 6;
    /// Modules of text encoders other than T5.
    pub const TEXT: u16 = 1 << 7;
    /// Modules of T5.
    pub const T5: u16 = 1 << 8;
    /// 8-bit numbers.
    pub const F8: u16 = 1 << 9;
    /// Scales in adapter_config.json that are not 1.
    pub const ALPHAS: u16 = 1 << 10;
    /// Tensors that are no factors.
    pub const OTHERS: u16 = 1 << 11;

    /// What they are called after "whether it reads".
    pub const NAMES: [(u16, &str); 12] = [
        (PAIR, "pairs"),
        (CONVOLUTION, "convolutions"),
        (LOHA, "LoHa modules"),
        (LOKR, "LoKr modules"),
        (FULL, "whole differences"),
        (VECTOR, "changes of biases and norms"),
        (EMBEDDING, "embeddings"),
        (TEXT, "text encoders"),
        (T5, "T5"),
        (F8, "8-bit numbers"),
        (ALPHAS, "alphas in adapter_config.json"),
        (OTHERS, "tensors that are no factors"),
    ];
}

/// What is known of every program about the file that `prepared` will write, in the table's order.
pub(crate) fn loads(prepared: &Prepared) -> Vec<Loads> {
    of(prepared.plan.dialect, &family(&prepared.adapters).id, held(prepared))
}

/// What is known of every program about a file in `dialect` of `family` that holds the things `held`.
fn of(dialect: DialectId, family: &str, held: u16) -> Vec<Loads> {
    let fits = |row: &&Row| row.dialects.contains(&dialect) && row.families.contains(&family);
    ROWS.iter().filter(fits).map(|row| row.of(held)).collect()
}

impl Row {
    fn of(&self, held: u16) -> Loads {
        let named = self.lacks.iter().filter(|lack| lack.things & held != 0);
        let unread = self.lacks.iter().fold(self.reads, |known, lack| known | lack.things);
        let unknown: Vec<&str> =
            thing::NAMES.iter().filter(|(bit, _)| held & bit & !unread != 0).map(|(_, name)| *name).collect();
        let mut says: Vec<String> = named.clone().map(|lack| lack.says.to_owned()).collect();
        let refused = named.clone().any(|lack| lack.refuses);
        if !unknown.is_empty() && !refused {
            says.push(format!("Whether it reads {} is not known.", unknown.join(", ")));
        }
        if !self.note.is_empty() && !refused {
            says.push(self.note.to_owned());
        }
        let reads = match () {
            () if refused => Reads::No,
            () if !unknown.is_empty() => Reads::Unknown,
            () if named.count() > 0 || self.partly => Reads::Partly,
            () => Reads::Yes,
        };
        Loads { program: self.program.to_owned(), reads, says: says.join(" ") }
    }
}

/// The things that the output will hold.
fn held(prepared: &Prepared) -> u16 {
    let Prepared { plan, adapters, .. } = prepared;
    let family = family(adapters).id.as_str();
    let t5 = |component| match component {
        Component::TextEncoder(2) => family == "flux1",
        Component::TextEncoder(3) => true,
        Component::TextEncoder(1) => family == "chroma",
        _ => false,
    };
    let mut held = 0;
    for module in &plan.modules {
        held |= match module.form {
            Form::Vector => thing::VECTOR,
            Form::Embedding => thing::EMBEDDING,
            Form::Pair if module.shape.kernel.iter().any(|k| *k > 1) => thing::CONVOLUTION,
            Form::Pair => thing::PAIR,
            Form::Dense => thing::FULL,
            Form::Kept => match adapters[module.sources[0].0].modules[module.sources[0].1].kind {
                KindId::Loha => thing::LOHA,
                KindId::Lokr => thing::LOKR,
                _ => thing::FULL,
            },
        };
        if module.key.component.is_text_encoder() {
            held |= if t5(module.key.component) { thing::T5 } else { thing::TEXT };
        }
    }
    let alphas = plan.dialect == DialectId::Peft && plan.keep_alpha;
    for (found, bit) in [
        (matches!(plan.dtype, Dtype::F8_E4M3 | Dtype::F8_E5M2), thing::F8),
        (
            alphas && adapters.iter().flat_map(|a| &a.modules).any(|m| m.alpha != rankweave_adapter::Alpha::None),
            thing::ALPHAS,
        ),
        (adapters.iter().any(|a| !a.extras.is_empty()), thing::OTHERS),
    ] {
        held |= if found { bit } else { 0 };
    }
    held
}

#[cfg(test)]
mod tests {
    use super::*;
    use rankweave_adapter::layout::families;

    fn one(program: &str, dialect: DialectId, family: &str, held: u16) -> Loads {
        let found = of(dialect, family, held).into_iter().find(|l| l.program == program);
        found.unwrap_or_else(|| panic!("{program} {dialect:?} {family}"))
    }

    #[test]
    fn every_row_is_reached_and_every_thing_in_it_has_its_answer() {
        for (number, row) in ROWS.iter().enumerate() {
            assert!(!row.dialects.is_empty() && !row.families.is_empty(), "row {number}");
            for dialect in row.dialects {
                for family in row.families {
                    assert!(families().any(|(id, _)| id == *family), "row {number}: {family}");
                    let rows = ROWS.iter().filter(|other| {
                        other.program == row.program
                            && other.dialects.contains(dialect)
                            && other.families.contains(family)
                    });
                    assert_eq!(rows.count(), 1, "{} twice: {dialect:?} {family}", row.program);
                    for (bit, name) in thing::NAMES {
                        let found = one(row.program, *dialect, family, bit);
                        let lack = row.lacks.iter().find(|lack| lack.things & bit != 0);
                        let expected = match lack {
                            Some(lack) if lack.refuses => Reads::No,
                            None if row.reads & bit == 0 => Reads::Unknown,
                            Some(_) => Reads::Partly,
                            None if row.partly => Reads::Partly,
                            None => Reads::Yes,
                        };
                        assert_eq!(found.reads, expected, "row {number} {name}");
                        if let Some(lack) = lack {
                            assert!(found.says.contains(lack.says), "row {number} {name}");
                            assert_eq!(row.reads & bit, 0, "row {number} reads {name} and does not");
                        }
                        assert_eq!(
                            found.says.contains(name),
                            expected == Reads::Unknown || lack.is_some_and(|l| l.says.contains(name)),
                            "row {number} {name}: {}",
                            found.says
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn nothing_is_guessed() {
        for dialect in DialectId::ALL {
            assert_eq!(of(dialect, "unknown", thing::PAIR), [], "{dialect:?}");
            assert_eq!(of(dialect, "", thing::PAIR), [], "{dialect:?}");
        }
        for (family, _) in families() {
            assert_eq!(of(DialectId::SamLora, family, thing::PAIR), [], "{family}");
            assert_eq!(of(DialectId::Mixed, family, thing::PAIR), [], "{family}");
        }
        // A language model in an image model's spelling.
        assert_eq!(of(DialectId::Kohya, "llama", thing::PAIR), []);
        let eight = one("ComfyUI", DialectId::Kohya, "sdxl", thing::PAIR | thing::F8);
        assert_eq!(
            (eight.reads, eight.says.as_str()),
            (Reads::Unknown, "Whether it reads 8-bit numbers is not known.")
        );
    }

    #[test]
    fn well_known_cases_come_out_right() {
        use DialectId::{Comfy, Diffusers, Kohya, Peft};
        use thing::{FULL, LOHA, LOKR, OTHERS, PAIR, T5, TEXT};
        for (program, dialect, family, held, expected) in [
            ("ComfyUI", Kohya, "sdxl", PAIR | TEXT, Reads::Yes),
            ("ComfyUI", Kohya, "flux1", LOHA | LOKR | FULL | TEXT, Reads::Yes),
            ("AUTOMATIC1111", Kohya, "sdxl", LOHA | LOKR, Reads::Yes),
            ("diffusers", Kohya, "sdxl", PAIR | TEXT, Reads::Yes),
            ("diffusers", Kohya, "sdxl", PAIR | LOHA, Reads::No),
            ("diffusers", Kohya, "flux1", PAIR | TEXT | T5, Reads::Partly),
            ("diffusers", Diffusers, "flux1", PAIR, Reads::Yes),
            ("diffusers", Comfy, "flux1", PAIR, Reads::No),
            ("ComfyUI", Diffusers, "sdxl", PAIR, Reads::No),
            ("ComfyUI", Diffusers, "flux1", PAIR, Reads::Yes),
            ("sd-scripts", Kohya, "flux1", PAIR | thing::F8, Reads::Yes),
            ("PEFT", Peft, "llama", PAIR | thing::EMBEDDING | thing::ALPHAS, Reads::Yes),
            ("PEFT", Peft, "llama", LOHA, Reads::Yes),
            ("vLLM", Peft, "llama", PAIR | OTHERS, Reads::No),
            ("vLLM", Peft, "llama", PAIR | thing::ALPHAS, Reads::Partly),
        ] {
            let found = one(program, dialect, family, held);
            assert_eq!(found.reads, expected, "{program} {dialect:?} {family} {held:b}: {}", found.says);
        }
    }
}
