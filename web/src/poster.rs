//! A picture of a merge, for pages where nothing runs: what goes in, how much of it, by which method.
//!
//! It is SVG that needs nothing else: no typeface, no script, no other file. Light values are attributes, dark ones a
//! style of its own, so it is readable where styles are taken out. Nothing can be measured while it is written, so
//! texts are cut by their letters, with room to spare.

use crate::format::{count, fixed, number};
use crate::markup::{MARKUP, cut, escaped};
use crate::state::State;
use leptos::prelude::*;
use rankweave_wasm::protocol::Rank;

/// What a poster tells.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Poster {
    /// Title of the recipe, or how many adapters there are.
    pub title: String,
    /// Title of the method.
    pub method: String,
    /// The adapters, in order.
    pub rows: Vec<Row>,
    /// Rank and number type of the result.
    pub output: String,
    /// Id of the recipe, or empty.
    pub id: String,
}

/// An adapter.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Row {
    /// Its name.
    pub label: String,
    /// Colour slot.
    pub thread: usize,
    /// Its weight.
    pub weight: f64,
    /// Another one for text encoders, where it has one.
    pub te: Option<f64>,
    /// Factors of its blocks; empty: all 1.
    pub blocks: Vec<f64>,
}

/// How many adapters have a row.
const ROWS: usize = 6;
/// How many blocks are drawn.
const CELLS: usize = 128;
const WIDTH: u32 = 640;
/// From the border to what is drawn.
const EDGE: u32 = 28;
/// Where the first row begins, and how high each is.
const TOP: u32 = 88;
const ROW: u32 = 36;

const TEXT: &str = "system-ui,-apple-system,&#39;Segoe UI&#39;,Roboto,&#39;Noto Sans&#39;,sans-serif";

/// Class, light, dark: the page's own colours. Threads come first.
const COLOURS: [(&str, &str, &str); 15] = [
    ("thread-0", "#3d5bd9", "#8fa4ff"),
    ("thread-1", "#b56a00", "#f2b44f"),
    ("thread-2", "#00786a", "#50c9b6"),
    ("thread-3", "#b62f67", "#f58fb6"),
    ("thread-4", "#7a41bd", "#c39df7"),
    ("thread-5", "#63721a", "#c2d062"),
    ("thread-6", "#0a739f", "#68c5ee"),
    ("thread-7", "#a3462c", "#f0977b"),
    ("card", "#ffffff", "#1d2026"),
    ("sunken", "#f0eee8", "#16181d"),
    ("line", "#dfdbd1", "#33373f"),
    ("ink", "#1d2126", "#e9ebef"),
    ("muted", "#5a6069", "#a6aebb"),
    ("accent", "#2d47b9", "#a3b2ff"),
    ("bad", "#b0241c", "#ff9c92"),
];

/// The mark, 32 units each way.
const MARK: &str = r##"<rect width="32" height="32" rx="8" fill="#20306f"/><g fill="none" stroke-width="4" stroke-linecap="round"><path stroke="#f3b75c" d="M6 11h20M6 21h20"/><path stroke="#a9b8ff" d="M11 6v2.4M11 13.6V26M21 6v12.4M21 23.6V26"/></g>"##;

/// What the page shows. Without the names of files adapters are only counted.
pub fn read(state: State) -> Poster {
    let (names, settings) = (state.names.get(), state.settings());
    let mut rows = Vec::new();
    let mut dtype = settings.dtype;
    let entries = state.entries.get();
    for (entry, mix) in entries.iter().zip(settings.mix) {
        let label = if names { entry.label.clone() } else { format!("Adapter {}", rows.len() + 1) };
        let mut row = Row {
            label: label.strip_suffix(".safetensors").unwrap_or(&label).to_owned(),
            thread: entry.thread,
            weight: mix.weight,
            te: mix.te,
            blocks: mix.blocks,
        };
        entry.facts.with(|facts| {
            // Blocks that the file has nothing in are left out.
            let mut blocks = facts.blocks.iter();
            row.blocks.retain(|_| blocks.next().is_some_and(|block| block.modules > 0));
            row.te = row.te.filter(|_| facts.text_encoder_modules > 0);
            if dtype == "same" {
                dtype.clone_from(&facts.dtype);
            }
        });
        rows.push(row);
    }
    let rank = match settings.rank {
        Rank::Exact => "exact rank".to_owned(),
        Rank::Dense => "whole differences".to_owned(),
        Rank::Fixed { value } => format!("rank at most {value}"),
        Rank::Energy { value, .. } => format!("{} % of the energy", number(100.0 * value)),
    };
    let many = match u32::try_from(rows.len()) {
        Ok(1) => "One adapter".to_owned(),
        many => format!("{}, one merge", count(many.unwrap_or(u32::MAX), "adapter")),
    };
    Poster {
        title: settings.title.filter(|title| !title.trim().is_empty()).unwrap_or(many),
        method: state.method().map(|method| method.title).unwrap_or_default(),
        rows,
        output: format!("{rank}, {}", dtype.to_ascii_uppercase()),
        id: state.recipe_id.get(),
    }
}

impl Poster {
    /// All of it in words.
    pub fn words(&self) -> String {
        let mut told = format!("{}:", cut(&self.method, 60));
        for row in self.rows.iter().take(ROWS) {
            told += &format!(" {} {},", cut(&row.label, 60), number(row.weight));
        }
        if let Some(more) = self.more() {
            told += &format!(" {more},");
        }
        format!("{told} {}", cut(&self.output, 60))
    }

    fn more(&self) -> Option<String> {
        let more = self.rows.len().saturating_sub(ROWS);
        (more > 0).then(|| format!("and {more} more"))
    }

    /// The picture, of 640 units by at most 400.
    pub fn svg(&self) -> String {
        let rows = self.rows.get(..ROWS).unwrap_or(&self.rows);
        let columns = Columns::of(rows);
        let mut body = text((EDGE, 44), "20\" font-weight=\"650", "ink", &cut(&self.title, 43));
        body += &text((EDGE, 67), "14", "muted", &cut(&format!("{} · {}", self.method, self.output), 62));
        let mut y = TOP;
        for row in rows {
            body += &columns.row(row, y);
            y += ROW;
        }
        if let Some(more) = self.more() {
            body += &text((EDGE + 16, y + 18), "14", "muted", &more);
            y += 28;
        }
        body += &rect((EDGE, y + 8), (WIDTH - 2 * EDGE, 1), "line", "");
        body += &format!("<g transform=\"translate({EDGE} {}) scale(.75)\">{MARK}</g>", y + 22);
        body += &text((EDGE + 34, y + 39), "14\" font-weight=\"600", "accent", "Merge it in your browser · Rankweave");
        let end = "12\" text-anchor=\"end";
        if !self.id.is_empty() {
            body += &text((WIDTH - EDGE, y + 39), end, "muted", &format!("Recipe {}", cut(&self.id, 20)));
        }
        let height = y + 64;
        let mut dark = String::new();
        for (class, _, value) in COLOURS {
            dark += &format!(".{class}{{fill:{value}}}");
        }
        let (title, words) = (escaped(&cut(&self.title, 120), MARKUP), escaped(&self.words(), MARKUP));
        let card = rect((0, 0), (WIDTH, height), "line", " rx=\"14\"")
            + &rect((1, 1), (WIDTH - 2, height - 2), "card", " rx=\"13\"");
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" viewBox=\"0 0 {WIDTH} {height}\" \
             role=\"img\" font-family=\"{TEXT}\"><title>{title}</title><desc>{words}</desc>\
             <style>@media(prefers-color-scheme:dark){{{dark}}}</style>{card}{body}</svg>\n"
        )
    }
}

/// Where the parts of a row stand: with blocks there is less room for names.
struct Columns {
    /// Letters of a name.
    letters: u32,
    /// Where bars begin and how wide they can be.
    bar: (u32, u32),
    /// Where numbers end.
    number: u32,
    /// The lowest and the highest weight that there is room for.
    span: (f64, f64),
}

impl Columns {
    fn of(rows: &[Row]) -> Self {
        let weights = || rows.iter().flat_map(|row| [row.weight, row.te.unwrap_or(0.0)]).filter(|w| w.is_finite());
        let span = (weights().fold(0.0, f64::min), weights().fold(1.0, f64::max));
        if rows.iter().any(|row| !row.blocks.is_empty()) {
            Columns { letters: 23, bar: (256, 130), number: 440, span }
        } else {
            Columns { letters: 34, bar: (350, 206), number: WIDTH - EDGE, span }
        }
    }

    /// Where a weight lies, in units of the picture.
    fn at(&self, weight: f64) -> f64 {
        let (low, high) = self.span;
        let (from, wide) = self.bar;
        let weight = if weight.is_finite() { weight.clamp(low, high) } else { 0.0 };
        f64::from(from) + (weight - low) / (high - low) * f64::from(wide)
    }

    fn row(&self, row: &Row, y: u32) -> String {
        let thread = COLOURS[row.thread % 8].0;
        let mut told = rect((EDGE, y + 8), (4, 18), thread, " rx=\"2\"");
        told += &text((EDGE + 16, y + 22), "14", "ink", &cut(&row.label, self.letters));
        let (from, wide) = self.bar;
        told += &rect((from, y + 12), (wide, 10), "sunken", " rx=\"3\"");
        let (zero, end) = (self.at(0.0), self.at(row.weight));
        told += &format!(
            "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"10\" rx=\"2\"{}/>",
            fixed(zero.min(end), 1),
            y + 12,
            fixed((end - zero).abs(), 1),
            paint(thread)
        );
        told +=
            &format!("<rect x=\"{}\" y=\"{}\" width=\"1\" height=\"18\"{}/>", fixed(zero, 1), y + 8, paint("muted"));
        let end = "14\" font-weight=\"600\" text-anchor=\"end";
        let higher = if row.te.is_some() { 5 } else { 0 };
        told += &text((self.number, y + 22 - higher), end, "ink", &number(row.weight));
        if let Some(te) = row.te {
            told += &text((self.number, y + 31), "11\" text-anchor=\"end", "muted", &format!("text {}", number(te)));
        }
        told + &cells(&row.blocks, y + 8, thread)
    }
}

/// A cell for each block, from the number to the edge: the fuller its colour, the higher its factor; empty at 0.
fn cells(blocks: &[f64], y: u32, thread: &'static str) -> String {
    let blocks = blocks.get(..CELLS).unwrap_or(blocks);
    let Ok(all @ 1..) = u32::try_from(blocks.len()) else { return String::new() };
    let (from, wide) = (456, WIDTH - EDGE - 456);
    let each = f64::from(wide) / f64::from(all);
    let gap = if each > 4.0 { 1.0 } else { 0.4 };
    let (mut told, mut x) = (String::new(), f64::from(from));
    for &factor in blocks {
        let (colour, full) = match (factor.abs() / 2.0).min(1.0) {
            full if factor < 0.0 => ("bad", 0.1 + 0.9 * full),
            full if factor > 0.0 => (thread, 0.1 + 0.9 * full),
            _ => ("sunken", 1.0),
        };
        told += &format!(
            "<rect x=\"{}\" y=\"{y}\" width=\"{}\" height=\"18\" opacity=\"{}\"{}/>",
            fixed(x, 1),
            fixed(each - gap, 1),
            fixed(full, 2),
            paint(colour)
        );
        x += each;
    }
    told
}

/// A colour by name, as attributes.
fn paint(class: &str) -> String {
    let light = COLOURS.iter().find(|(name, ..)| *name == class).map_or("#000", |(_, light, _)| light);
    format!(" class=\"{class}\" fill=\"{light}\"")
}

fn rect((x, y): (u32, u32), (width, height): (u32, u32), colour: &str, more: &str) -> String {
    format!("<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\"{more}{}/>", paint(colour))
}

/// A line of text; other attributes can follow its size.
fn text((x, y): (u32, u32), size: &str, colour: &str, told: &str) -> String {
    format!("<text x=\"{x}\" y=\"{y}\" font-size=\"{size}\"{}>{}</text>", paint(colour), escaped(told, MARKUP))
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasm_bindgen_test::wasm_bindgen_test;

    fn row(label: &str, weight: f64) -> Row {
        Row { label: label.into(), weight, ..Row::default() }
    }

    fn poster(rows: Vec<Row>) -> Poster {
        Poster {
            title: format!("{} adapters, one merge", rows.len()),
            method: "Weighted sum".into(),
            rows,
            output: "exact rank, F16".into(),
            id: "K5QW2ZJ7M3AB".into(),
        }
    }

    type Element = (String, Vec<(String, String)>);

    /// Takes the picture apart as an XML reader would, and fails where it is not well-formed: its elements with their
    /// attributes, and its texts.
    fn parsed(svg: &str) -> (Vec<Element>, Vec<String>) {
        let (mut elements, mut texts, mut open) = (Vec::new(), Vec::new(), Vec::<String>::new());
        let mut rest = svg.trim_end();
        while let Some(after) = rest.strip_prefix('<') {
            let (inside, after) = after.split_once('>').expect("a tag that ends");
            if let Some(name) = inside.strip_prefix('/') {
                assert_eq!(open.pop().as_deref(), Some(name));
            } else {
                let (inside, empty) = inside.strip_suffix('/').map_or((inside, false), |inside| (inside, true));
                let (name, mut more) = inside.split_once(' ').unwrap_or((inside, ""));
                let mut attributes = Vec::new();
                while !more.is_empty() {
                    let (key, after) = more.split_once("=\"").expect("an attribute");
                    let (value, after) = after.split_once('"').expect("a value that ends");
                    assert!(key.chars().all(|c| c.is_ascii_alphabetic() || c == '-'), "{key}");
                    assert!(attributes.iter().all(|(other, _)| other != key), "{key} twice");
                    attributes.push((key.to_owned(), value.to_owned()));
                    more = after.trim_start();
                }
                elements.push((name.to_owned(), attributes));
                if !empty {
                    open.push(name.into());
                }
            }
            let end = after.find('<').unwrap_or(after.len());
            let (told, after) = after.split_at(end);
            // Only references that XML knows, and no character that XML forbids.
            for reference in told.split('&').skip(1) {
                let name = reference.split_once(';').expect("a whole reference").0;
                assert!(["amp", "lt", "gt", "quot"].contains(&name) || name.starts_with('#'), "{told}");
            }
            assert!(!told.contains(|c: char| c.is_control() || c == '\u{ffff}'), "{told}");
            if !told.is_empty() {
                texts.push(told.to_owned());
            }
            rest = after;
        }
        assert!(rest.is_empty() && open.is_empty(), "{rest} {open:?}");
        (elements, texts)
    }

    /// Fails where a rectangle leaves the picture; the picture's height.
    fn bounds(svg: &str) -> f64 {
        let (elements, _) = parsed(svg);
        let number = |attributes: &[(String, String)], name: &str| {
            let value = attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.parse::<f64>());
            value.transpose().expect("a number").unwrap_or(0.0)
        };
        let (_, own) = &elements[0];
        let (width, height) = (number(own, "width"), number(own, "height"));
        for (name, attributes) in elements.iter().filter(|(name, _)| name == "rect" || name == "text") {
            let [x, y, wide, high] = ["x", "y", "width", "height"].map(|name| number(attributes, name));
            assert!(x >= 0.0 && y >= 0.0 && wide >= 0.0, "{name} {attributes:?}");
            assert!(x + wide <= width && y + high <= height, "{name} {attributes:?}");
        }
        height
    }

    #[wasm_bindgen_test]
    fn it_tells_what_is_merged() {
        let svg = poster(vec![row("ink", 0.7), row("portrait", -0.25)]).svg();
        let (elements, texts) = parsed(&svg);
        let told = |text: &str| assert!(texts.iter().any(|told| told == text), "{text}: {texts:?}");
        told("2 adapters, one merge");
        told("Weighted sum · exact rank, F16");
        for text in ["ink", "0.7", "portrait", "-0.25", "Recipe K5QW2ZJ7M3AB", "Merge it in your browser · Rankweave"]
        {
            told(text);
        }
        told("Weighted sum: ink 0.7, portrait -0.25, exact rank, F16");
        assert_eq!(elements[0].0, "svg");
        assert!(
            elements.iter().all(|(name, _)| !["script", "image", "a", "use", "foreignObject"].contains(&name.as_str()))
        );
        assert!(svg.matches("http").count() == 1 && !svg.contains("url("));
    }

    #[wasm_bindgen_test]
    fn hostile_names_stay_text() {
        let name = "</text><script>x</script>\u{0}\u{8}\u{ffff}\u{202e}&amp;\"' ]]> {{x}} \u{1f600}";
        let mut all = poster(vec![row(name, 1.0)]);
        all.title = name.into();
        all.method = name.repeat(9);
        all.output = name.into();
        all.id = name.into();
        let (elements, texts) = parsed(&all.svg());
        assert!(elements.iter().all(|(name, _)| name != "script"));
        assert!(texts.iter().any(|text| text.starts_with("&lt;/text&gt;&lt;script")), "{texts:?}");
        assert!(texts.iter().all(|text| text.starts_with("@media") || text.len() < 600), "{texts:?}");
    }

    #[wasm_bindgen_test]
    fn many_adapters_and_blocks_stay_inside() {
        let wide = |i: usize| Row {
            label: "Wide Ünïcode 名前 ".repeat(20),
            thread: i,
            weight: [10.0, -10.0, 0.0, f64::NAN, 1e300, 0.05][i % 6],
            te: i.is_multiple_of(2).then_some(-3.0),
            blocks: vec![[0.0, 1.0, -1.5, 2.0, f64::INFINITY][i % 5]; [0, 1, 12, 57, 5000][i % 5]],
        };
        let svg = poster((0..20).map(wide).collect()).svg();
        let height = bounds(&svg);
        assert!((320.0..=400.0).contains(&height), "{height}");
        assert!(parsed(&svg).1.contains(&"and 14 more".to_owned()));
        assert!(svg.len() < 60_000, "{}", svg.len());
        assert!(bounds(&poster(Vec::new()).svg()) > 100.0);
    }

    #[wasm_bindgen_test]
    fn bars_begin_at_zero() {
        let columns = Columns::of(&[row("a", 2.0), row("b", -2.0)]);
        let (from, wide) = (f64::from(columns.bar.0), f64::from(columns.bar.1));
        assert_eq!([columns.at(-2.0), columns.at(0.0), columns.at(2.0)], [from, from + wide / 2.0, from + wide]);
        // Small weights look small.
        let columns = Columns::of(&[row("a", 0.25)]);
        assert_eq!([columns.at(0.0), columns.at(0.25)], [from, from + wide / 4.0]);
    }

    #[wasm_bindgen_test]
    fn blocks_are_told_by_colour() {
        let all = poster(vec![Row { blocks: vec![0.0, 1.0, 2.0, -2.0], ..row("a", 1.0) }]);
        let (elements, _) = parsed(&all.svg());
        let cells: Vec<(&str, &str)> = elements
            .iter()
            .filter_map(|(_, own)| {
                let value = |name: &str| own.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
                Some((value("class")?, value("opacity")?))
            })
            .collect();
        assert_eq!(cells, [("sunken", "1.00"), ("thread-0", "0.55"), ("thread-0", "1.00"), ("bad", "1.00")]);
    }

    #[wasm_bindgen_test]
    fn colours_are_the_pages_own() {
        let css = include_str!("../../www/css/tokens.css");
        for (name, light, dark) in COLOURS {
            assert!(css.contains(&format!("--{name}: light-dark({light}, {dark});")), "{name}");
        }
    }
}
