//! The page in a frame of another page, at `embed/`. What is shown is said by its address, after `#`:
//!
//! | name | value | where absent |
//! |---|---|---|
//! | `r` | a recipe, as in links to the page | the reader begins with nothing |
//! | `view` | `merge`: adapters and result; `explain`: adapters and what happens; `all` | `merge` |
//! | `controls` | `0`: readers add files and merge, and change nothing else; `1` | `1` |
//! | `theme` | `light` or `dark` (`www/theme.js` reads it) | as chosen in the page, or the system's |
//!
//! The page around it may talk to it (`channel.rs`), and is told how tall it is (`height.rs`). Nothing here needs storage,
//! shared memory, a file picker, or an origin of its own.

mod calls;
mod channel;
mod events;
mod frame;
mod hand_over;
mod height;

pub use channel::Host;
pub use frame::Frame;
pub use hand_over::Asked;

use crate::address;
use crate::state::State;
use rankweave_adapter::{Error, Kind};

/// What the frame's address asks for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Embed {
    /// Which parts are shown.
    pub view: View,
    /// Whether readers may change more than the files.
    pub controls: bool,
}

/// Which parts are shown, beside the adapters.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum View {
    /// Method and result.
    Merge,
    /// What happens.
    Explain,
    /// Both.
    All,
}

/// The names of the views.
const VIEWS: [(&str, View); 3] = [("merge", View::Merge), ("explain", View::Explain), ("all", View::All)];

/// What is asked for; none where the page stands for itself.
pub fn read() -> Option<Embed> {
    address::embedded().then(|| parse(&address::parts()).0)
}

/// What the parts of an address ask for, and what is not understood of it.
fn parse(parts: &[String]) -> (Embed, Vec<Error>) {
    let mut wrong = Vec::new();
    let mut word = |name: &str, known: &[&str]| {
        let value = parts.iter().find_map(|part| part.strip_prefix(name)?.strip_prefix('='))?;
        let place = known.iter().position(|one| *one == value);
        if place.is_none() {
            let error = Error::new(Kind::Parameter, "The frame's address is not understood").key(name);
            let hint = "It is shown as if that were not there.";
            wrong.push(error.expected(known.join(" or ")).found(value).hint(hint));
        }
        place
    };
    let view = word("view", &VIEWS.map(|(name, _)| name)).map_or(View::Merge, |place| VIEWS[place].1);
    let controls = word("controls", &["0", "1"]) != Some(0);
    (Embed { view, controls }, wrong)
}

/// Speaks with the page around this one. Called once.
pub fn follow(state: State) {
    height::follow();
    channel::follow(state);
    events::follow(state);
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasm_bindgen_test::wasm_bindgen_test;

    fn read(text: &str) -> (View, bool, usize) {
        let parts: Vec<String> = text.split('&').map(str::to_owned).collect();
        let (embed, wrong) = parse(&parts);
        (embed.view, embed.controls, wrong.len())
    }

    #[test]
    #[wasm_bindgen_test]
    fn words_are_understood_or_told() {
        assert_eq!(read(""), (View::Merge, true, 0));
        assert_eq!(read("r=1zabc&view=all&controls=0"), (View::All, false, 0));
        assert_eq!(read("view=explain&controls=1&theme=dark"), (View::Explain, true, 0));
        assert_eq!(read("view=blocks&controls=no"), (View::Merge, true, 2));
        assert_eq!(read("viewer=all&view"), (View::Merge, true, 0));
    }
}
