//! `test`: everything, in order. A step that fails does not keep the next from running.

use crate::browser::{self, Browser};
use crate::check::{self, BROWSER, cargo_test, conclude, harness};
use crate::counts::Tally;
use crate::error::{Error, Result};
use crate::http::{self, Site};
use crate::nodetest::NodeTest;
use crate::toolchain::{Toolchain, WASM};
use crate::tools::Tools;
use crate::{build, npm, package, project, run, vulkan};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::Instant;

/// The steps, by the names that the command takes.
const STEPS: [(&str, Step); 6] =
    [("style", style), ("native", native), ("wasm", wasm), ("build", site), ("browser", browser), ("npm", package)];

type Step = fn(&Toolchain, &Tools) -> Result<Tally>;

/// Runs the command: all steps, or those that are named.
pub fn test(words: &[String]) -> Result<()> {
    let known = |word: &String| STEPS.iter().any(|(name, _)| name == word);
    if let Some(wrong) = words.iter().find(|word| !known(word)) {
        let names = STEPS.map(|(name, _)| name).join(", ");
        return Err(Error::new(
            format!("test does not understand {wrong}"),
            "cargo xtask test",
            format!("it takes the names of steps: {names}"),
        ));
    }
    let start = Instant::now();
    let toolchain = Toolchain::ready()?;
    let tools = Tools::ready(&toolchain)?;
    let mut tally = Tally::default();
    for (name, step) in STEPS {
        if !words.is_empty() && !words.iter().any(|word| word == name) {
            continue;
        }
        let began = Instant::now();
        match step(&toolchain, &tools) {
            Ok(more) => tally.add(more),
            Err(error) => {
                println!("{error}");
                tally.add(Tally::failure(format!("{name}: {}", error.what)));
            }
        }
        run::note(&format!("{name}: {} s", began.elapsed().as_secs()));
    }
    run::note(&format!("all: {} s", start.elapsed().as_secs()));
    conclude(&tally)
}

fn style(toolchain: &Toolchain, _: &Tools) -> Result<Tally> {
    check::style(toolchain)
}

fn native(toolchain: &Toolchain, _: &Tools) -> Result<Tally> {
    vulkan::ready();
    run::step("Testing what runs natively, with the examples in the documentation");
    cargo_test(toolchain, "native tests", &[])
}

fn wasm(toolchain: &Toolchain, tools: &Tools) -> Result<Tally> {
    let browser = Browser::ready();
    run::step("Testing what runs in a browser, compiled to wasm");
    let mut cargo = toolchain.cargo();
    cargo
        .args(["test", "--no-fail-fast", "--tests", "--target", WASM])
        .args(BROWSER)
        .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER", tools.bin.join("wasm-bindgen-test-runner"))
        .env("WASM_BINDGEN_TEST_TIMEOUT", "300")
        .env("WASM_BINDGEN_TEST_WEBDRIVER_JSON", npm::folder().join("webdriver.json"));
    let mut tally = Tally::default();
    match (&browser.chromium, &browser.driver) {
        (Ok(_), Ok(driver)) => {
            cargo.env("CHROMEDRIVER", driver);
        }
        (Err(why), _) | (_, Err(why)) => {
            cargo.env("WASM_BINDGEN_TEST_ONLY_NODE", "1");
            tally.add(Tally::skip("wasm tests that need a browser", why));
        }
    }
    tally.add(harness("wasm tests", &mut cargo)?);
    tally.add(kernels(toolchain, tools)?);
    Ok(tally)
}

/// The GPU's kernels once more, in Firefox.
fn kernels(toolchain: &Toolchain, tools: &Tools) -> Result<Tally> {
    let node = npm::node().map_err(|error| error.what);
    let (node, firefox) = match node.and_then(|node| Ok((node, browser::firefox()?))) {
        Ok(both) => both,
        Err(why) => return Ok(Tally::skip("the GPU's kernels in Firefox", why)),
    };
    vulkan::ready();
    npm::install(&npm::folder())?;
    run::step("Testing the GPU's kernels in Firefox");
    let runner = format!("{} {}", node.display(), npm::folder().join("kernels.mjs").display());
    let mut cargo = toolchain.cargo();
    cargo
        .args(["test", "--test", "gpu", "--target", WASM])
        .args(BROWSER)
        .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER", runner)
        .env("RANKWEAVE_RUNNER", tools.bin.join("wasm-bindgen-test-runner"))
        .env("RANKWEAVE_FIREFOX", firefox);
    harness("kernels in Firefox", &mut cargo)
}

fn site(toolchain: &Toolchain, tools: &Tools) -> Result<Tally> {
    build::build_with(toolchain, tools)?;
    Ok(Tally::default())
}

fn browser(toolchain: &Toolchain, tools: &Tools) -> Result<Tally> {
    let node = npm::node().map_err(|error| error.what);
    let chromium = match node.and_then(|_| Browser::ready().chromium) {
        Ok(path) => path,
        Err(why) => return Ok(Tally::skip("browser tests", why)),
    };
    build::build_with(toolchain, tools)?;
    let program = program(toolchain, "the page")?;
    npm::install(&npm::folder())?;
    vulkan::ready();
    let firefox = browser::firefox();
    run::step("Testing the page in Chromium, and the main things in Firefox");
    let mut node = page_script("run.mjs", &chromium, &program)?;
    match firefox {
        Ok(path) => node.env("RANKWEAVE_FIREFOX", path),
        Err(why) => node.env("RANKWEAVE_NO_FIREFOX", why),
    };
    node_tests("browser tests", &mut node)
}

/// The package, packed, installed and used as others do.
fn package(toolchain: &Toolchain, tools: &Tools) -> Result<Tally> {
    let node = match npm::node() {
        Ok(path) => path,
        Err(error) => return Ok(Tally::skip("tests of the npm package", error.what)),
    };
    let folder = package::package_with(toolchain, tools)?;
    let program = program(toolchain, "the package")?;
    npm::install(&npm::folder())?;
    npm::install(&npm::consumer())?;
    run::step("Testing the npm package in Node, in Chromium and through bundlers");
    let mut node = run::command(node);
    node.arg(npm::consumer().join("run.mjs")).env("RANKWEAVE_PACKAGE", folder).env("RANKWEAVE_CLI", program);
    // Without it the tests that need it say so.
    if let Ok(chromium) = Browser::ready().chromium {
        node.env("RANKWEAVE_CHROMIUM", chromium);
    }
    node_tests("tests of the npm package", &mut node)
}

/// The command-line program, which `what` is compared with.
fn program(toolchain: &Toolchain, what: &str) -> Result<PathBuf> {
    run::step(&format!("Building the command-line program, which {what} is compared with"));
    run::show("cargo build", toolchain.cargo().args(["build", "-p", "rankweave-cli"]))?;
    Ok(project::target(toolchain.cargo())?.join("debug/rankweave"))
}

/// Runs tests of Node.
fn node_tests(name: &str, node: &mut Command) -> Result<Tally> {
    let mut reader = NodeTest::default();
    let good = run::each_line(name, node, |line| reader.line(line))?;
    let mut tally = reader.finish();
    if !good && tally.failed == 0 {
        tally.add(Tally::failure(format!("{name}: see above")));
    }
    if good && tally == Tally::default() {
        tally.add(Tally::failure(format!("{name}: none ran")));
    }
    Ok(tally)
}

/// A script of tests/browser, with the site served for it, and what it must know in variables.
pub fn page_script(name: &str, chromium: &Path, program: &PathBuf) -> Result<Command> {
    let listener = http::listen(0)?;
    let address = http::address(&listener);
    let site = Site::new(&project::dist())?;
    thread::spawn(move || site.serve(&listener));
    let mut node = run::command(npm::node()?);
    node.arg(npm::folder().join(name))
        .env("RANKWEAVE_URL", address)
        .env("RANKWEAVE_DIST", project::dist())
        .env("RANKWEAVE_CHROMIUM", chromium)
        .env("RANKWEAVE_CLI", program);
    Ok(node)
}
