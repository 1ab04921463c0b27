//! What there is to say about a model family, as data.
//!
//! Every family is one [`Layout`]. Names are patterns: `#` stands for a number, a `*` at the beginning for anything.

use crate::module::{Component, Module};

/// A family: everything that code elsewhere needs to know about it.
#[derive(Clone, Copy)]
pub(super) struct Layout {
    /// Stable id, such as `sdxl`.
    pub id: &'static str,
    /// Name for people.
    pub title: &'static str,
    /// How it is recognised.
    pub rules: &'static [Rule],
    /// Its blocks.
    pub slots: Slots,
    /// Lists of numbers that people type for its blocks.
    pub schemes: &'static [Scheme],
    /// Named settings of its blocks, beside those that every family has.
    pub presets: &'static [Preset],
    /// Modules that map one to one: the original name, the native one (diffusers, transformers).
    pub pairs: &'static [Pair],
    /// Modules that map one to many.
    pub fusions: &'static [Fused],
    /// Modules that both spellings name alike.
    pub alike: &'static [&'static str],
}

impl Layout {
    pub(super) const fn new(id: &'static str, title: &'static str, rules: &'static [Rule]) -> Layout {
        Layout {
            id,
            title,
            rules,
            slots: Slots::None,
            schemes: &[],
            presets: &[],
            pairs: &[],
            fusions: &[],
            alike: &[],
        }
    }
}

/// One way to recognise a family: a module of `component` whose path fits `pattern` (`#` stands for digits, `*` for
/// anything, underscores for dots) and whose weight has these sizes.
pub(super) struct Rule {
    pub component: Component,
    pub pattern: &'static str,
    pub confidence: f64,
    pub inp: Option<usize>,
    pub out: Option<usize>,
}

impl Rule {
    pub(super) const fn new(component: Component, pattern: &'static str, confidence: f64) -> Rule {
        Rule { component, pattern, confidence, inp: None, out: None }
    }

    /// A rule for a transformer.
    pub(super) const fn dit(pattern: &'static str, confidence: f64) -> Rule {
        Rule::new(Component::Transformer, pattern, confidence)
    }

    /// Asks for this number of input features.
    pub(super) const fn inp(mut self, n: usize) -> Rule {
        self.inp = Some(n);
        self
    }

    /// Asks for this number of output features.
    pub(super) const fn out(mut self, n: usize) -> Rule {
        self.out = Some(n);
        self
    }

    /// Does the module fit? `path` is its path with underscores for dots.
    pub(super) fn fits(&self, module: &Module, path: &str) -> bool {
        module.key.component == self.component
            && self.inp.is_none_or(|n| n == module.shape.inp)
            && self.out.is_none_or(|n| n == module.shape.out)
            && fits(self.pattern.as_bytes(), path.as_bytes())
    }
}

/// Does `path` fit `pattern`?
fn fits(pattern: &[u8], path: &[u8]) -> bool {
    match pattern.split_first() {
        None => path.is_empty(),
        Some((b'*', rest)) => (0..=path.len()).any(|n| fits(rest, &path[n..])),
        Some((b'#', rest)) => {
            let digits = path.iter().take_while(|b| b.is_ascii_digit()).count();
            digits > 0 && fits(rest, &path[digits..])
        }
        Some((c, rest)) => path.first() == Some(c) && fits(rest, &path[1..]),
    }
}

/// How a family is cut into blocks.
#[derive(Clone, Copy)]
pub(super) enum Slots {
    /// Not at all.
    None,
    /// `BASE`, `IN00`…, `M00`, `OUT00`…, `OTHER`: three blocks down and three up for every stage of a U-Net.
    Unet(&'static [Stage]),
    /// `BASE` for the text encoders where there are any, the layers of every stack, `OTHER`.
    Stacks { base: bool, stacks: &'static [Stack] },
}

/// A stage of a U-Net: all that happens at one resolution.
pub(super) struct Stage {
    pub channels: usize,
    /// Size of the picture there, in words.
    pub size: &'static str,
    /// Transformer layers per attention; 0 means none.
    pub down: usize,
    pub up: usize,
}

/// Layers that follow each other.
pub(super) struct Stack {
    /// What the layers are called: `D` for `D00`, `D01`, ….
    pub letter: &'static str,
    /// How paths into it begin, before the layer's number, with underscores; `*` means that anything may come before.
    pub names: &'static [&'static str],
    /// Number of layers, of the deepest member of the family.
    pub count: usize,
    /// The same in words where members differ: `24 or 38`.
    pub depth: &'static str,
    /// What a layer is, in words.
    pub role: &'static str,
}

/// A list of numbers for blocks: how many there are, and which block each one is for. Several lines mean that every
/// number is for a block of each line.
pub(super) struct Scheme {
    pub count: usize,
    pub lines: &'static [&'static str],
}

/// A named setting: the blocks that are kept whole; all others become 0.
pub(super) struct Preset {
    pub name: &'static str,
    pub keeps: &'static str,
}

/// A module that has one name in each spelling.
pub(super) struct Pair {
    pub original: &'static str,
    pub native: &'static str,
    pub rows: Rows,
}

impl Pair {
    pub(super) const fn new(original: &'static str, native: &'static str) -> Pair {
        Pair { original, native, rows: Rows::Same }
    }

    /// A pair whose rows come in another order.
    pub(super) const fn rows(mut self, rows: Rows) -> Pair {
        self.rows = rows;
        self
    }
}

/// What happens to the rows of a weight, and so to those of its up factor, when a module takes its name in the other
/// spelling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rows {
    /// Nothing.
    Same,
    /// The two halves change places: one spelling has shift before scale, the other scale before shift.
    SwappedHalves,
    /// The two halves change places where there are only two, that is where out = 2·inp; other members of the family
    /// have more parts and keep their order.
    SwappedIfTwo,
}

impl Rows {
    /// Must the halves of an `out×inp` weight be swapped?
    pub fn swapped(self, out: usize, inp: usize) -> bool {
        match self {
            Rows::Same => false,
            Rows::SwappedHalves => true,
            Rows::SwappedIfTwo => inp.checked_mul(2) == Some(out),
        }
    }
}

/// A module of one spelling that is several of the other.
pub(super) struct Fused {
    pub whole: &'static str,
    pub parts: &'static [&'static str],
    pub split: Split,
}

/// How many rows of a fused `out×inp` weight belong to which part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Split {
    /// Three times `inp`: queries, keys, values of attention that has as many heads for all three. Any other number of
    /// rows is not told apart by shapes alone.
    Thirds,
    /// Queries of `inp` rows; keys and values share the rest.
    Grouped,
    /// Queries, keys and values of `inp` rows each; the rest is the last part.
    ThirdsAndRest,
    /// Two equal parts.
    Halves,
}

impl Split {
    /// Rows of each part, in order, or `None` when the shape does not tell.
    pub(super) fn rows(self, out: usize, inp: usize) -> Option<Vec<usize>> {
        let three = inp.checked_mul(3).filter(|n| *n > 0)?;
        match self {
            Split::Thirds if out == three => Some(vec![inp; 3]),
            Split::Grouped => {
                let rest = out.checked_sub(inp).filter(|n| *n > 0 && n % 2 == 0 && *n <= 2 * inp)?;
                Some(vec![inp, rest / 2, rest / 2])
            }
            Split::ThirdsAndRest => {
                let rest = out.checked_sub(three).filter(|n| *n > 0)?;
                Some(vec![inp, inp, inp, rest])
            }
            Split::Halves if out > 0 && out.is_multiple_of(2) => Some(vec![out / 2; 2]),
            Split::Thirds | Split::Halves => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        let fits = |pattern: &str, path: &str| fits(pattern.as_bytes(), path.as_bytes());
        assert!(fits("*attn2_to_k", "a_attn2_to_k") && fits("#", "12") && fits("blocks_#_q", "blocks_31_q"));
        assert!(!fits("#", "1a") && !fits("blocks_#_q", "blocks_x_q") && !fits("*k", "kq"));
        assert!(fits("a_*_z", "a_b_c_z") && !fits("a_*_z", "a_z") && fits("", "") && !fits("", "a"));
    }

    #[test]
    fn rows_add_up_or_are_not_known() {
        assert_eq!(Split::Thirds.rows(9216, 3072), Some(vec![3072; 3]));
        assert_eq!(Split::Thirds.rows(6144, 4096), None);
        assert_eq!(Split::Grouped.rows(3840, 2304), Some(vec![2304, 768, 768]));
        assert_eq!(Split::Grouped.rows(6912, 2304), Some(vec![2304; 3]));
        assert_eq!(Split::Grouped.rows(2304, 2304), None);
        assert_eq!(Split::ThirdsAndRest.rows(21504, 3072), Some(vec![3072, 3072, 3072, 12288]));
        assert_eq!(Split::ThirdsAndRest.rows(9216, 3072), None);
        assert_eq!(Split::Halves.rows(22016, 4096), Some(vec![11008; 2]));
        assert_eq!(Split::Halves.rows(3, 4), None);
        for split in [Split::Thirds, Split::Grouped, Split::ThirdsAndRest, Split::Halves] {
            for (out, inp) in [(0, 0), (usize::MAX, usize::MAX), (usize::MAX, 1), (1, usize::MAX / 3)] {
                assert!(split.rows(out, inp).is_none_or(|rows| rows.iter().sum::<usize>() == out), "{split:?}");
            }
        }
    }

    #[test]
    fn halves_are_swapped_where_there_are_two() {
        assert!(!Rows::Same.swapped(2, 1) && Rows::SwappedHalves.swapped(6, 1));
        assert!(Rows::SwappedIfTwo.swapped(3072, 1536) && !Rows::SwappedIfTwo.swapped(9216, 1536));
        assert!(!Rows::SwappedIfTwo.swapped(usize::MAX, usize::MAX));
    }
}
