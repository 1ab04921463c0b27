//! The few regular expressions that PEFT's `alpha_pattern` keys use, matched without a regex engine.
//!
//! PEFT tests a module's path against `(.*\.)?(KEY)$`. Understood in KEY: letters, digits and `_`, `.` (any
//! character), `\` before a sign, `\d`, `\w`, character lists `[0-9a]`, groups with alternatives `(0|1|2)`, `*`, `+`
//! and `?` behind any of them, and `^` and `$` at the ends. Anything else is refused, never guessed.

use crate::error::{Error, Kind, Result};

/// A compiled key.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Pattern {
    /// A leading `^`: the key stands for the whole path.
    anchored: bool,
    nodes: Vec<Node>,
}

#[derive(Clone, Debug, PartialEq)]
struct Node {
    what: What,
    least: usize,
    most: usize,
}

#[derive(Clone, Debug, PartialEq)]
enum What {
    Any,
    Char(char),
    /// Ranges, and whether they are excluded.
    List(Vec<(char, char)>, bool),
    Group(Vec<Vec<Node>>),
}

/// Steps after which matching gives up: no honest key comes near.
const STEPS: u32 = 200_000;

impl Pattern {
    /// Compiles a key.
    ///
    /// # Errors
    /// `Unsupported` for anything beyond the grammar above.
    pub(crate) fn new(key: &str) -> Result<Pattern> {
        let refuse = || {
            Error::new(Kind::Unsupported, "A pattern in the PEFT configuration is too intricate")
                .key(key.chars().take(200).collect::<String>())
                .hint("Write the module names out, one entry each.")
        };
        let body = key.strip_prefix('^').unwrap_or(key);
        let escaped = body.ends_with("\\$");
        let body = if escaped { body } else { body.strip_suffix('$').unwrap_or(body) };
        let mut chars: Vec<char> = body.chars().rev().collect();
        let alternatives = parse(&mut chars, 0).ok_or_else(refuse)?;
        if !chars.is_empty() || key.len() > 2048 {
            return Err(refuse());
        }
        let nodes = vec![Node { what: What::Group(alternatives), least: 1, most: 1 }];
        Ok(Pattern { anchored: key.starts_with('^'), nodes })
    }

    /// Does the key stand for the module at `path`?
    ///
    /// # Errors
    /// `Unsupported` when matching takes absurdly long.
    pub(crate) fn fits(&self, path: &str) -> Result<bool> {
        let chars: Vec<char> = path.chars().collect();
        let mut starts = vec![0];
        if !self.anchored {
            starts.extend((1..=chars.len()).filter(|i| chars[i - 1] == '.'));
        }
        let mut steps = STEPS;
        for start in starts {
            let nodes: Vec<&Node> = self.nodes.iter().collect();
            match run(&nodes, &chars[start..], &mut steps) {
                Some(false) => {}
                Some(true) => return Ok(true),
                None => return Err(Error::new(Kind::Unsupported, "A pattern takes too long to match").key(path)),
            }
        }
        Ok(false)
    }
}

/// Alternatives up to `)` or the end; `rest` holds the text backwards.
fn parse(rest: &mut Vec<char>, depth: usize) -> Option<Vec<Vec<Node>>> {
    let mut alternatives = vec![Vec::new()];
    while let Some(c) = rest.pop() {
        let what = match c {
            '|' => {
                alternatives.push(Vec::new());
                continue;
            }
            ')' if depth > 0 => {
                rest.push(c);
                return Some(alternatives);
            }
            '(' if depth < 4 => {
                if rest.ends_with(&[':', '?']) {
                    rest.truncate(rest.len() - 2);
                }
                let group = parse(rest, depth + 1)?;
                (rest.pop()? == ')').then_some(What::Group(group))?
            }
            '[' => list(rest)?,
            '.' => What::Any,
            '\\' => match rest.pop()? {
                'd' => What::List(vec![('0', '9')], false),
                'w' => What::List(vec![('0', '9'), ('a', 'z'), ('A', 'Z'), ('_', '_')], false),
                c if c.is_ascii_alphanumeric() => return None,
                c => What::Char(c),
            },
            '*' | '+' | '?' | '{' | '}' | '^' | '$' | '(' | ')' => return None,
            c => What::Char(c),
        };
        let (least, most) = match rest.last() {
            Some('*') => (0, usize::MAX),
            Some('+') => (1, usize::MAX),
            Some('?') => (0, 1),
            _ => (1, 1),
        };
        if (least, most) != (1, 1) {
            rest.pop();
        }
        // `x*?` and `x*+` choose differently but match the same; `x{2}` is not understood.
        if matches!(rest.last(), Some('?' | '+')) && (least, most) != (1, 1) {
            rest.pop();
        }
        alternatives.last_mut()?.push(Node { what, least, most });
    }
    (depth == 0).then_some(alternatives)
}

/// A character list after its `[`.
fn list(rest: &mut Vec<char>) -> Option<What> {
    let excluded = rest.last() == Some(&'^');
    if excluded {
        rest.pop();
    }
    let mut ranges = Vec::new();
    loop {
        match rest.pop()? {
            ']' if !ranges.is_empty() => return Some(What::List(ranges, excluded)),
            '\\' => match rest.pop()? {
                'd' => ranges.push(('0', '9')),
                c if c.is_ascii_alphanumeric() => return None,
                c => ranges.push((c, c)),
            },
            from if rest.last() == Some(&'-') && rest.get(rest.len().wrapping_sub(2)) != Some(&']') => {
                rest.pop();
                ranges.push((from, rest.pop()?));
            }
            c => ranges.push((c, c)),
        }
    }
}

/// Do the nodes match all of `text`? `None` when the steps run out.
fn run(nodes: &[&Node], text: &[char], steps: &mut u32) -> Option<bool> {
    *steps = steps.checked_sub(1)?;
    let Some((node, rest)) = nodes.split_first() else { return Some(text.is_empty()) };
    if let What::Group(alternatives) = &node.what {
        if (node.least, node.most) != (1, 1) {
            return repeated_group(node, rest, text, steps);
        }
        for alternative in alternatives {
            let joined: Vec<&Node> = alternative.iter().chain(rest.iter().copied()).collect();
            if run(&joined, text, steps)? {
                return Some(true);
            }
        }
        return Some(false);
    }
    let mut n = 0;
    loop {
        if n >= node.least && run(rest, &text[n..], steps)? {
            return Some(true);
        }
        if n >= node.most || n >= text.len() || !fits_char(&node.what, text[n]) {
            return Some(false);
        }
        n += 1;
    }
}

/// A group with `*`, `+` or `?`: once (and perhaps again), or not at all.
fn repeated_group(node: &Node, rest: &[&Node], text: &[char], steps: &mut u32) -> Option<bool> {
    if node.least == 0 && run(rest, text, steps)? {
        return Some(true);
    }
    if node.most == 0 || text.is_empty() {
        return Some(false);
    }
    let once = Node { what: node.what.clone(), least: 1, most: 1 };
    let again = Node { what: node.what.clone(), least: 0, most: node.most.saturating_sub(1).min(text.len() - 1) };
    let joined: Vec<&Node> = [&once, &again].into_iter().chain(rest.iter().copied()).collect();
    run(&joined, text, steps)
}

fn fits_char(what: &What, c: char) -> bool {
    match what {
        What::Any => c != '\n',
        What::Char(own) => *own == c,
        What::List(ranges, excluded) => ranges.iter().any(|(a, b)| (*a..=*b).contains(&c)) != *excluded,
        What::Group(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(key: &str, path: &str) -> bool {
        Pattern::new(key).unwrap().fits(path).unwrap()
    }

    #[test]
    fn plain_keys_match_whole_names_at_the_end() {
        assert!(fits("q_proj", "model.layers.0.self_attn.q_proj"));
        assert!(fits("self_attn.q_proj", "model.layers.0.self_attn.q_proj"));
        assert!(!fits("proj", "model.q_proj"));
        assert!(!fits("self_attn", "model.self_attn.q_proj"));
        assert!(fits("lin0", "lin0"));
    }

    #[test]
    fn the_patterns_people_write() {
        assert!(fits(r"layers\.\d+\.self_attn\.q_proj", "model.layers.17.self_attn.q_proj"));
        assert!(fits(r"layers\.(0|1|12)\..*q_proj", "model.layers.12.self_attn.q_proj"));
        assert!(!fits(r"layers\.(0|1|12)\..*q_proj", "model.layers.2.self_attn.q_proj"));
        assert!(fits(r"^model.layers.0.q$", "model.layers.0.q") && !fits(r"^layers.0.q", "model.layers.0.q"));
        assert!(fits(r"layers.[0-3].(q|k)_proj", "x.layers.2.k_proj") && !fits(r"layers.[^0-3].q", "layers.2.q"));
        assert!(fits(r".*", "anything") && fits("(a|b)+c?", "abba") && fits("(?:ab)?c", "abc") && fits("q|k", "x.k"));
        assert!(fits(r"(\w+_)*proj", "a_b_proj") && fits(r"[\d.]+", "1.2"));
    }

    #[test]
    fn the_rest_is_refused() {
        for key in ["a{2}", "(a", "a)", "[a", "*a", r"\b", "(?=a)", "(?!x)y", r"\1", "a^b"] {
            assert_eq!(Pattern::new(key).map(|_| ()).unwrap_err().kind, Kind::Unsupported, "{key}");
        }
    }

    #[test]
    fn runaway_patterns_end() {
        let p = Pattern::new("(a*)*(a*)*(a*)*b").unwrap();
        let _ = p.fits(&"a".repeat(500));
        let p = Pattern::new("(a|a)*(a|a)*(a|a)*b").unwrap();
        assert_eq!(p.fits(&"a".repeat(60)).unwrap_err().kind, Kind::Unsupported);
    }
}
