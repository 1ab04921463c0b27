//! `serve`: builds the site and serves it on this machine.

use crate::error::{Error, Result};
use crate::http::{self, Site};
use crate::{build, project, run, system};

/// The port when none is asked for.
const PORT: u16 = 8080;

/// Runs the command.
pub fn serve(words: &[String]) -> Result<()> {
    let options = Options::parse(words)?;
    // Before the build, so that a taken port is known at once.
    let listener = http::listen(options.port)?;
    build::build()?;
    let site = Site::new(&project::dist())?;
    let address = http::address(&listener);
    run::step(&format!("Rankweave is at {address} (Ctrl-C ends)"));
    if options.open {
        open(&address);
    }
    site.serve(&listener);
    Ok(())
}

#[derive(Debug, PartialEq, Eq)]
struct Options {
    port: u16,
    open: bool,
}

impl Options {
    fn parse(words: &[String]) -> Result<Self> {
        let mut options = Self { port: PORT, open: false };
        let mut words = words.iter().map(String::as_str);
        while let Some(word) = words.next() {
            let port = match word.split_once('=') {
                Some(("--port", value)) => Some(value),
                _ if word == "--port" => Some(words.next().unwrap_or_default()),
                _ if word == "--open" => {
                    options.open = true;
                    None
                }
                _ => return Err(Self::wrong(word)),
            };
            if let Some(port) = port {
                options.port = port.parse().map_err(|_| Self::wrong(word))?;
            }
        }
        Ok(options)
    }

    fn wrong(word: &str) -> Error {
        Error::new(
            format!("serve does not understand {word}"),
            "cargo xtask serve",
            "it takes --port N (0 to 65535) and --open",
        )
    }
}

/// Opens the page in the user's browser, if that can be done.
fn open(address: &str) {
    let opener = system::find(&["xdg-open", "open", "wslview"]);
    let opened = opener.is_some_and(|opener| run::command(opener).arg(address).spawn().is_ok());
    if !opened {
        run::note("found no program that opens a browser; open the address yourself");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Options> {
        let words: Vec<_> = text.split_whitespace().map(str::to_owned).collect();
        Options::parse(&words)
    }

    #[test]
    fn options_in_both_spellings() {
        assert_eq!(parse("").unwrap(), Options { port: 8080, open: false });
        assert_eq!(parse("--port 9 --open").unwrap(), Options { port: 9, open: true });
        assert_eq!(parse("--port=0").unwrap(), Options { port: 0, open: false });
        for wrong in ["--port", "--port x", "--port=70000", "--opens", "8080"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
