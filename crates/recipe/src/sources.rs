//! Which file is which source: by what they hold, not by what they are called.

use crate::base::DIRECTION;
use crate::check::parameter;
use crate::recipe::{Recipe, SourceRef};
use rankweave_adapter::{Error, Kind};

/// What the names of places begin with.
const SCHEMES: [&str; 4] = ["hf:", "urn:air:", "https://", "sample:"];
/// Most places of a source.
const MOST_PLACES: usize = 4;
/// Most characters of a label or place.
const LONGEST: usize = 200;

/// What is known of a file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Identity {
    /// Its name.
    pub label: String,
    /// Bytes.
    pub size: u64,
    /// SHA-256 of its tensor data, 64 hex digits, if it was worked out.
    pub data: Option<String>,
    /// SHA-256 of the whole file, likewise.
    pub file: Option<String>,
}

/// How a file fits a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Match {
    /// It holds the same, or nothing says otherwise.
    Same(usize),
    /// It has the source's name and holds something else.
    Other(usize),
    /// There is none.
    None,
}

/// For each source of the recipe the file that is meant: of the same hash; for sources without one, of the same name and
/// size, then of the same name. Each file goes to one source. What is left over with the name of a source that it does not
/// fit is told as [`Match::Other`].
pub fn assign(recipe: &Recipe, files: &[Identity]) -> Vec<Match> {
    let mut found = vec![Match::None; recipe.sources.len()];
    let mut free: Vec<bool> = vec![true; files.len()];
    let rules: [fn(&SourceRef, &Identity) -> bool; 4] = [
        |source, file| is(source.data.as_deref(), file.data.as_deref()),
        |source, file| is(source.file.as_deref(), file.file.as_deref()),
        |source, file| !hashed(source) && named(source, file) && source.size == Some(file.size),
        |source, file| !hashed(source) && named(source, file),
    ];
    for rule in rules {
        for (source, slot) in recipe.sources.iter().zip(&mut found).filter(|(_, slot)| **slot == Match::None) {
            if let Some(i) = (0..files.len()).find(|i| free[*i] && rule(source, &files[*i])) {
                (*slot, free[i]) = (Match::Same(i), false);
            }
        }
    }
    for (source, slot) in recipe.sources.iter().zip(&mut found).filter(|(_, slot)| **slot == Match::None) {
        if let Some(i) = (0..files.len()).find(|i| free[*i] && named(source, &files[*i])) {
            (*slot, free[i]) = (Match::Other(i), false);
        }
    }
    found
}

/// The order of files in which each stands at its source's place. With `any`, files that fit no source take the places
/// that are left, in their order.
///
/// # Errors
/// `Mismatch` for every source whose file is missing, or holds something else.
pub fn order(recipe: &Recipe, files: &[Identity], any: bool) -> Result<Vec<usize>, Vec<Error>> {
    let found = assign(recipe, files);
    let same = |m: &Match| if let Match::Same(i) = m { Some(*i) } else { None };
    let placed: Vec<usize> = found.iter().filter_map(same).collect();
    let mut rest = (0..files.len()).filter(|i| !placed.contains(i));
    let (mut order, mut errors) = (Vec::new(), Vec::new());
    for ((source, found), i) in recipe.sources.iter().zip(&found).zip(0..) {
        // A source that says nothing of itself is whatever stands at its place.
        let open = any || !hashed(source) && source.label.is_none();
        match same(found).or_else(|| open.then(|| rest.next()).flatten()) {
            Some(file) => order.push(file),
            None => errors.push(missing(source, i, *found, files)),
        }
    }
    if errors.is_empty() { Ok(order) } else { Err(errors) }
}

/// Says in the recipe which files stand at its sources' places, in their order.
pub fn identify(recipe: &mut Recipe, files: &[Identity]) {
    for (source, file) in recipe.sources.iter_mut().zip(files) {
        let known = [(&source.data, &file.data), (&source.file, &file.file)];
        if !known.into_iter().any(|(source, file)| is(source.as_deref(), file.as_deref())) {
            // Whatever was said of another file is not true of this one.
            (source.label, source.size, source.file, source.at) = (None, None, None, Vec::new());
        }
        source.label.get_or_insert_with(|| file.label.clone());
        source.size = Some(file.size);
        source.data = file.data.as_ref().map(|hash| format!("sha256:{hash}"));
    }
}

fn missing(source: &SourceRef, i: usize, found: Match, files: &[Identity]) -> Error {
    let name = source.label.as_deref().unwrap_or(&source.id);
    let hash = [&source.data, &source.file].into_iter().flatten().next();
    let other = if let Match::Other(file) = found { files.get(file) } else { None };
    let what = match other {
        Some(_) => format!("{name} holds something else than the recipe was made with"),
        None => format!("{name} is not among the files"),
    };
    let mut error = Error::new(Kind::Mismatch, what).key(format!("/sources/{i}"));
    error.expected = hash.cloned();
    error.found = other.and_then(|file| Some(format!("sha256:{}", file.data.as_ref().or(file.file.as_ref())?)));
    error.hint("Give the file that the recipe was made with, or accept other files with --any-files.")
}

fn is(source: Option<&str>, file: Option<&str>) -> bool {
    source.zip(file).is_some_and(|(source, file)| source.strip_prefix("sha256:") == Some(file))
}

fn hashed(source: &SourceRef) -> bool {
    source.data.is_some() || source.file.is_some()
}

fn named(source: &SourceRef, file: &Identity) -> bool {
    source.label.as_ref() == Some(&file.label)
}

/// What is wrong with what the recipe says of its sources.
pub(crate) fn problems(recipe: &Recipe, found: &mut Vec<Error>) {
    for (i, source) in recipe.sources.iter().enumerate() {
        if !well_formed(&source.id) {
            found.push(
                parameter("A source's id is not valid")
                    .key(format!("/sources/{i}/id"))
                    .expected("a lower-case letter, then up to 15 letters, digits or _")
                    .found(&source.id),
            );
        }
        if recipe.sources[..i].iter().any(|s| s.id == source.id) {
            found.push(parameter("Two sources have the same id").key(format!("/sources/{i}/id")).found(&source.id));
        }
        let hashes = [("data", &source.data), ("file", &source.file)];
        found.extend(hashes.into_iter().filter_map(|(key, hash)| hash_problem(&format!("/sources/{i}/{key}"), hash)));
        if let Some(other) = source.dora.as_deref().filter(|dora| *dora != DIRECTION) {
            let error = parameter("How DoRA modules are to be taken is not valid").found(other);
            found.push(error.key(format!("/sources/{i}/dora")).expected(format!("{DIRECTION}, or nothing")));
        }
        places(source, i, found);
    }
    if let Some(expect) = &recipe.expect {
        found.extend(hash_problem("/expect/data", &expect.data));
        if let Some(other) = expect.backend.as_deref().filter(|b| !["cpu", "gpu"].contains(b)) {
            found
                .push(parameter("The backend is not valid").key("/expect/backend").expected("cpu or gpu").found(other));
        }
    }
}

fn places(source: &SourceRef, i: usize, found: &mut Vec<Error>) {
    if source.at.len() > MOST_PLACES {
        let error = parameter("A source has too many places").key(format!("/sources/{i}/at"));
        found.push(error.expected(format!("at most {MOST_PLACES}")).found(source.at.len().to_string()));
    }
    for (k, place) in
        source.at.iter().enumerate().filter(|(_, at)| !SCHEMES.iter().any(|scheme| at.starts_with(scheme)))
    {
        let error = parameter("A source's place is of an unknown kind").key(format!("/sources/{i}/at/{k}"));
        found.push(error.expected(SCHEMES.join("…, ") + "…").found(place));
    }
    let texts = [("label", source.label.as_ref())].into_iter().chain(source.at.iter().map(|at| ("at", Some(at))));
    for (key, text) in texts {
        let length = text.map_or(0, |text| text.chars().count());
        if length > LONGEST {
            let error = parameter("A text of the recipe is too long").key(format!("/sources/{i}/{key}"));
            found.push(error.expected(format!("at most {LONGEST} characters")).found(length.to_string()));
        }
    }
}

fn well_formed(id: &str) -> bool {
    let mut letters = id.chars();
    letters.next().is_some_and(|c| c.is_ascii_lowercase())
        && id.len() <= 16
        && letters.all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

fn hash_problem(key: &str, hash: &Option<String>) -> Option<Error> {
    let hash = hash.as_deref()?;
    let digits = hash.strip_prefix("sha256:").unwrap_or_default();
    let fits = digits.len() == 64 && digits.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    let error = || parameter("A hash is not valid").key(key).expected("sha256: and 64 digits 0-9, a-f").found(hash);
    (!fits).then(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(c: char) -> String {
        c.to_string().repeat(64)
    }

    /// a by data, b by file, c by name, d by nothing.
    fn recipe() -> Recipe {
        let mut recipe = Recipe::blank(4);
        let [a, b, c, _] = &mut recipe.sources[..] else { unreachable!() };
        (a.data, a.label) = (Some(format!("sha256:{}", hash('a'))), Some("a.safetensors".into()));
        b.file = Some(format!("sha256:{}", hash('b')));
        (c.label, c.size) = (Some("c.safetensors".into()), Some(7));
        recipe
    }

    fn file(label: &str, size: u64, data: char, whole: char) -> Identity {
        Identity { label: label.into(), size, data: Some(hash(data)), file: Some(hash(whole)) }
    }

    #[test]
    fn files_go_to_their_sources_whatever_their_order_and_names() {
        let files = [
            file("other.safetensors", 1, '0', '1'),
            file("c.safetensors", 8, '2', '3'),
            file("c.safetensors", 7, '4', '5'),
            file("renamed.safetensors", 1, '6', 'b'),
            file("b.safetensors", 1, 'a', '9'),
        ];
        let same = Match::Same;
        assert_eq!(assign(&recipe(), &files), [same(4), same(3), same(2), Match::None]);
        assert_eq!(order(&recipe(), &files[..], false).unwrap(), [4, 3, 2, 0]);
    }

    #[test]
    fn a_file_of_the_same_name_that_holds_something_else_is_told() {
        let files = [file("a.safetensors", 1, 'c', 'd'), file("x", 1, '0', 'b'), file("c.safetensors", 1, '1', '1')];
        assert_eq!(assign(&recipe(), &files)[0], Match::Other(0));
        let errors = order(&recipe(), &files, false).unwrap_err();
        assert_eq!(errors.len(), 1, "{errors:?}");
        assert!(errors[0].what.contains("something else") && errors[0].expected.as_ref().unwrap().contains("aaaa"));
        assert_eq!(errors[0].found, Some(format!("sha256:{}", hash('c'))));
        let all = [&files[..], &[file("y", 1, 'e', 'e')]].concat();
        assert_eq!(order(&recipe(), &all, true).unwrap(), [0, 1, 2, 3]);
    }

    #[test]
    fn what_was_said_of_another_file_goes() {
        let mut recipe = recipe();
        recipe.sources[0].at = vec!["hf:u/r@0/a".into()];
        recipe.sources[1].at = vec!["hf:u/r@0/b".into()];
        let files =
            [file("new", 5, 'a', '0'), file("other", 6, '1', '2'), file("c", 7, '3', '3'), file("d", 8, '4', '4')];
        identify(&mut recipe, &files);
        let [a, b, ..] = &recipe.sources[..] else { unreachable!() };
        assert_eq!((a.label.as_deref(), a.size, a.at.len()), (Some("a.safetensors"), Some(5), 1));
        assert_eq!((b.label.as_deref(), b.size, b.at.len(), &b.file), (Some("other"), Some(6), 0, &None));
        assert_eq!(b.data, Some(format!("sha256:{}", hash('1'))));
        let back: Vec<_> = assign(&recipe, &files).into_iter().collect();
        assert_eq!(back, [Match::Same(0), Match::Same(1), Match::Same(2), Match::Same(3)]);
    }

    #[test]
    fn what_is_wrong_with_sources_is_told_at_once() {
        let mut recipe = recipe();
        recipe.sources[0].data = Some("sha256:ABC".into());
        recipe.sources[1].id = "a".into();
        recipe.sources[2].id = "C d".into();
        recipe.sources[2].at = vec!["hf:u/r@0/f".into(), "ftp://x".into(), "javascript:alert(1)".into()];
        recipe.sources[3].label = Some("x".repeat(201));
        recipe.expect = Some(crate::Expect { backend: Some("abacus".into()), ..crate::Expect::default() });
        let mut found = Vec::new();
        problems(&recipe, &mut found);
        let keys: Vec<_> = found.iter().map(|error| error.place.key.as_deref().unwrap()).collect();
        let wanted = [
            "/sources/0/data",
            "/sources/1/id",
            "/sources/2/id",
            "/sources/2/at/1",
            "/sources/2/at/2",
            "/sources/3/label",
        ];
        assert_eq!(keys, [&wanted[..], &["/expect/backend"]].concat());
    }
}
