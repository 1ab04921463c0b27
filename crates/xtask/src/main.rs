//! The project's commands: `cargo xtask <command>`.
//!
//! Each installs what it misses, says what it does before it does it, and does nothing twice. What
//! is installed goes into the project's cache folder (`project.rs`), but for Debian's packages and
//! the wasm32 standard library, which only work where the system wants them.

mod bench;
mod browser;
mod build;
mod check;
mod counts;
mod debian;
mod docs;
mod embed;
mod error;
mod fetcher;
mod fingerprint;
mod finish;
mod fuzz;
mod headers;
mod http;
mod libtest;
mod mime;
mod nodetest;
mod npm;
mod oembed;
mod package;
mod path;
mod playground;
mod project;
mod run;
mod serve;
mod sizes;
mod stale;
mod strip;
mod system;
mod test;
mod toolchain;
mod tools;
mod vulkan;

use error::{Error, Result};
use std::env;
use std::process::ExitCode;

/// A command: its name, its arguments, what it does, and the function that does it.
struct Command {
    name: &'static str,
    arguments: &'static str,
    summary: &'static str,
    run: fn(&[String]) -> Result<()>,
}

const COMMANDS: [Command; 10] = [
    Command {
        name: "serve",
        arguments: "[--port N] [--open]",
        summary: "install what is missing, build the page, serve it on this machine",
        run: serve::serve,
    },
    Command {
        name: "test",
        arguments: "[STEP...]",
        summary: "install what is missing, run every test; or only some steps of it",
        run: test::test,
    },
    Command {
        name: "check",
        arguments: "",
        summary: "the quick part of test: formatting, lints, the libraries' own tests",
        run: |words| none("check", words, check::check),
    },
    Command {
        name: "build",
        arguments: "",
        summary: "install what is missing, build the site into dist/",
        run: |words| none("build", words, build::build),
    },
    Command {
        name: "bench",
        arguments: "[methods | gpu | quality]",
        summary: "measure the work natively and in the page, or on the GPU, or how good every method's results are; print a table",
        run: bench::bench,
    },
    Command {
        name: "fuzz",
        arguments: "[--seconds N] [TARGET...]",
        summary: "feed the readers hostile bytes, five minutes each",
        run: fuzz::fuzz,
    },
    Command {
        name: "site",
        arguments: "[--address URL]",
        summary: "build the site, documentation and all, for that address, and say how to publish it",
        run: site,
    },
    Command {
        name: "npm",
        arguments: "",
        summary: "build the npm package into target/npm/rankweave",
        run: |words| none("npm", words, package::package),
    },
    Command {
        name: "setup",
        arguments: "",
        summary: "only install what is missing: the wasm32 target, tools, npm packages, Chromium, Firefox",
        run: |words| none("setup", words, setup),
    },
    Command {
        name: "help",
        arguments: "",
        summary: "this list",
        run: |_| {
            help();
            Ok(())
        },
    },
];

fn main() -> ExitCode {
    let words: Vec<String> = env::args().skip(1).collect();
    let name = words.first().map_or("help", |word| match word.as_str() {
        "-h" | "--help" => "help",
        word => word,
    });
    let Some(command) = COMMANDS.iter().find(|command| command.name == name) else {
        eprintln!("error: there is no command {name}\n");
        help();
        return ExitCode::from(2);
    };
    match (command.run)(words.get(1..).unwrap_or_default()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn help() {
    println!("cargo xtask <command>\n");
    for Command { name, arguments, summary, .. } in COMMANDS {
        println!("  {:<26} {summary}", format!("{name} {arguments}"));
    }
}

/// Runs a command that takes no arguments.
fn none(name: &str, words: &[String], run: fn() -> Result<()>) -> Result<()> {
    match words.first() {
        None => run(),
        Some(word) => Err(Error::new(
            format!("{name} does not understand {word}"),
            format!("cargo xtask {name}"),
            "it takes no arguments",
        )),
    }
}

fn setup() -> Result<()> {
    let toolchain = toolchain::Toolchain::ready()?;
    let tools = tools::Tools::ready(&toolchain)?;
    npm::install(&npm::folder())?;
    npm::install(&npm::consumer())?;
    vulkan::ready();
    let browser = browser::Browser::ready();
    run::step("Everything is installed");
    run::note(toolchain.version.lines().next().unwrap_or_default());
    run::note(&tools.version);
    for found in [browser.chromium, browser.driver, browser::firefox()] {
        match found {
            Ok(path) => run::note(&path.display().to_string()),
            Err(why) => run::note(&format!("but the tests in this browser cannot run: {why}")),
        }
    }
    Ok(())
}

fn site(words: &[String]) -> Result<()> {
    let words: Vec<&str> = words.iter().flat_map(|word| word.splitn(2, '=')).collect();
    let address = match words.as_slice() {
        [] => None,
        ["--address", address] => Some(oembed::address(address)?),
        _ => {
            let hint = "it takes --address URL, the address that the site will have";
            return Err(Error::new(format!("site does not understand {}", words.join(" ")), "cargo xtask site", hint));
        }
    };
    build::build_at(address.as_deref())?;
    run::step("The site is ready to publish");
    run::note(&format!("{} holds all of it: plain files, for any host and any folder", project::dist().display()));
    run::note("of one. Hosts that read _headers send the headers that it lists; for others the");
    run::note("content security policy stands in the page itself. Nothing has been uploaded.");
    match address {
        Some(address) => run::note(&format!("Its pages tell others (oEmbed) that they are at {address}")),
        None => run::note("With --address URL its pages also tell other sites how to embed them (oEmbed)."),
    }
    Ok(())
}
