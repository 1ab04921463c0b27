//! Patterns for module names, as shells have them for file names.
//!
//! | in a pattern | stands for |
//! |---|---|
//! | `*` | anything, nothing too |
//! | `?` | one character |
//! | `[a-f3]`, `[!a-f3]` | one character of these, or one that is none of them |
//! | any other | itself |
//!
//! A pattern is for the whole name, [`ModuleKey::id`]: `*attn2*`, `unet.up_blocks.1.*`, `text_encoder*`. Behind the part
//! of the model, dots and underscores count as the same, as wherever modules are matched: a pattern fits a module however
//! its file spells it.
//!
//! Costs at most |pattern|·|name| steps: only the last `*` is ever tried again.

use rankweave_adapter::{Error, Kind, ModuleKey, Result};

/// Longest pattern, in characters.
const LONGEST: usize = 256;

/// A pattern, read.
#[derive(Clone, Debug, PartialEq)]
pub struct Glob {
    text: String,
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq)]
enum Part {
    Any,
    One,
    Letter(char),
    Class { negated: bool, spans: Vec<(char, char)> },
}

impl Glob {
    /// Reads a pattern.
    ///
    /// # Errors
    /// `Parameter` for an empty or too long pattern, and for brackets that do not close, hold nothing or run backwards.
    pub fn new(text: &str) -> Result<Glob> {
        let letters: Vec<char> = text.chars().take(LONGEST + 1).collect();
        let wrong = |what: &str, hint: &str| {
            let found: String = letters.iter().take(60).collect();
            Err(Error::new(Kind::Parameter, format!("A pattern for module names {what}")).found(found).hint(hint))
        };
        if letters.is_empty() || letters.len() > LONGEST {
            return wrong(
                "is empty or too long",
                &format!("Write 1 to {LONGEST} characters; * alone is every module."),
            );
        }
        let mut parts = Vec::new();
        let mut rest = &letters[..];
        while let Some((first, behind)) = rest.split_first() {
            rest = behind;
            match first {
                '*' if parts.last() == Some(&Part::Any) => {}
                '*' => parts.push(Part::Any),
                '?' => parts.push(Part::One),
                '[' => match class(behind) {
                    Ok((part, after)) => {
                        parts.push(part);
                        rest = after;
                    }
                    Err(what) => return wrong(what, "Write [abc], [a-f] or [!0-9], closed by ]."),
                },
                letter => parts.push(Part::Letter(*letter)),
            }
        }
        Ok(Glob { text: text.to_owned(), parts })
    }

    /// The pattern as it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Does the pattern fit this module?
    pub fn fits(&self, module: &ModuleKey) -> bool {
        self.fits_name(&Name::new(module))
    }

    /// The same for a name made once for many patterns.
    pub(crate) fn fits_name(&self, name: &Name) -> bool {
        let (mut part, mut at) = (0, 0);
        // Behind the last `*`, and how far it has reached.
        let mut star: Option<(usize, usize)> = None;
        while at < name.letters.len() {
            match self.parts.get(part) {
                Some(Part::Any) => {
                    part += 1;
                    star = Some((part, at));
                }
                Some(one) if one.fits(name, at) => (part, at) = (part + 1, at + 1),
                _ => match star {
                    Some((behind, reached)) => {
                        star = Some((behind, reached + 1));
                        (part, at) = (behind, reached + 1);
                    }
                    None => return false,
                },
            }
        }
        self.parts[part..].iter().all(|p| *p == Part::Any)
    }
}

/// A module's name, letter by letter.
pub(crate) struct Name {
    letters: Vec<char>,
    /// Where the path begins, behind the part of the model.
    path: usize,
}

impl Name {
    pub fn new(module: &ModuleKey) -> Name {
        let letters: Vec<char> = module.id().chars().collect();
        let path = letters.len() - module.path.chars().count();
        Name { letters, path }
    }

    /// The same from [`ModuleKey::id`]: the part of the model ends at the first dot.
    pub fn of_id(id: &str) -> Name {
        let letters: Vec<char> = id.chars().collect();
        let path = letters.iter().position(|c| *c == '.').map_or(0, |dot| dot + 1);
        Name { letters, path }
    }
}

impl Part {
    fn fits(&self, name: &Name, at: usize) -> bool {
        let letter = name.letters[at];
        let either = at >= name.path && matches!(letter, '.' | '_');
        match self {
            Part::Any => false,
            Part::One => true,
            Part::Letter(own) => *own == letter || either && matches!(own, '.' | '_'),
            Part::Class { negated, spans } => {
                let holds = |c: char| spans.iter().any(|(from, to)| (*from..=*to).contains(&c));
                (if either { holds('.') || holds('_') } else { holds(letter) }) != *negated
            }
        }
    }
}

/// Reads a class behind its `[`; a `]` that comes first stands for itself.
fn class(letters: &[char]) -> std::result::Result<(Part, &[char]), &'static str> {
    let negated = matches!(letters.first(), Some('!' | '^'));
    let letters = &letters[usize::from(negated)..];
    let own = letters.iter().skip(1).position(|c| *c == ']').map(|n| n + 1);
    let end = own.ok_or(if letters.first() == Some(&']') { "has empty brackets" } else { "has a [ without a ]" })?;
    let mut spans = Vec::new();
    let mut rest = &letters[..end];
    while let [from, more @ ..] = rest {
        let (to, after) = match more {
            ['-', to, after @ ..] => (to, after),
            _ => (from, more),
        };
        if from > to {
            return Err("has a range that runs backwards");
        }
        spans.push((*from, *to));
        rest = after;
    }
    Ok((Part::Class { negated, spans }, &letters[end + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rankweave_adapter::Component;

    fn module(component: Component, path: &str) -> ModuleKey {
        ModuleKey { component, path: path.into() }
    }

    fn fits(pattern: &str, path: &str) -> bool {
        Glob::new(pattern).unwrap().fits(&module(Component::Unet, path))
    }

    /// The definition, tried in every way there is: for short names only.
    fn naive(pattern: &[char], name: &[char]) -> bool {
        match pattern {
            [] => name.is_empty(),
            ['*', rest @ ..] => (0..=name.len()).any(|n| naive(rest, &name[n..])),
            ['?', rest @ ..] => !name.is_empty() && naive(rest, &name[1..]),
            [c, rest @ ..] => name.first() == Some(c) && naive(rest, &name[1..]),
        }
    }

    #[test]
    fn agrees_with_the_definition_on_all_short_patterns() {
        let (letters, alphabet) = (['a', 'b'], ['a', 'b', '*', '?']);
        let words = |of: &[char], most: u32| {
            let size = of.len();
            let word = move |n: usize, length: u32, of: &[char]| -> Vec<char> {
                (0..length).map(|i| of[n / size.pow(i) % size]).collect()
            };
            (0..=most).flat_map(|l| (0..size.pow(l)).map(move |n| (n, l))).map(|(n, l)| word(n, l, of)).collect()
        };
        let (names, patterns): (Vec<Vec<char>>, Vec<Vec<char>>) = (words(&letters, 5), words(&alphabet, 5));
        for pattern in &patterns {
            let text: String = "unet.".chars().chain(pattern.iter().copied()).collect();
            let glob = Glob::new(&text).unwrap();
            for name in &names {
                let key = module(Component::Unet, &name.iter().collect::<String>());
                assert_eq!(glob.fits(&key), naive(pattern, name), "{text} and {}", key.id());
            }
        }
    }

    #[test]
    fn dots_and_underscores_are_the_same_in_the_path_and_not_before_it() {
        let (dotted, flat) = ("down_blocks.1.attentions.0.proj_in", "down_blocks_1_attentions_0_proj_in");
        for pattern in ["unet.down_blocks.1.*", "unet.down_blocks_1_*", "*blocks?1?a*", "*[.]proj[_]in", "*[._]0[._]*"]
        {
            assert!(fits(pattern, dotted) && fits(pattern, flat), "{pattern}");
        }
        let second = module(Component::TextEncoder(2), "text_model.encoder");
        assert!(!Glob::new("text_encoder.*").unwrap().fits(&second));
        assert!(Glob::new("text_encoder_2.*").unwrap().fits(&second));
        assert!(!fits("unet_down*", dotted) && !fits("down*", dotted), "the name begins with the part of the model");
        assert!(!fits("*[!._]proj*", dotted));
    }

    #[test]
    fn classes() {
        assert!(fits("*.[0-3].x", "a.2.x") && !fits("*.[0-3].x", "a.4.x") && fits("*.[!0-3].x", "a.4.x"));
        assert!(fits("*[]x]", "a]") && fits("*[a-]", "b-") && fits("*[^b]", "a") && !fits("*[^b]", "b"));
        assert!(!fits("*FF*", "ff"), "letters count as they are");
    }

    #[test]
    fn what_is_no_pattern_is_told() {
        for (text, what) in [
            ("", "empty"),
            (&"a".repeat(257), "too long"),
            ("a[bc", "without a ]"),
            ("a[", "without a ]"),
            ("a[!", "without a ]"),
            ("[]", "empty brackets"),
            ("[!]", "empty brackets"),
            ("[z-a]", "backwards"),
        ] {
            let error = Glob::new(text).unwrap_err();
            assert!(error.what.contains(what), "{text}: {}", error.what);
        }
        assert!(Glob::new(&"é".repeat(256)).is_ok());
    }

    /// Steps, not time: a pattern that makes others run for years.
    #[test]
    fn hostile_patterns_end() {
        let name = "a".repeat(60_000);
        for pattern in ["*a".repeat(127) + "*b", "*a?*[a-a]".repeat(28) + "b", "*".repeat(256)] {
            assert_eq!(fits(&pattern, &name), !pattern.ends_with('b'));
        }
    }
}
