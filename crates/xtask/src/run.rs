//! Other programs: started in a clean environment, without input, with a sign of life on long ones.

use crate::error::{Error, Result};
use crate::project;
use std::env;
use std::ffi::OsStr;
use std::io::{self, BufRead, BufReader, IsTerminal, Read};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

/// How long a question to a program may take before it counts as unanswered.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// After how much silence a long step says that it is still going.
const HEARTBEAT: Duration = Duration::from_secs(30);

/// Announces what is done next.
pub fn step(text: &str) {
    println!("\n==> {text}");
}

/// A line of detail below a step.
pub fn note(text: &str) {
    println!("    {text}");
}

/// A command that starts in the repository, reads nothing, and does not see what `cargo run` and
/// rustup put into the environment of this program.
pub fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(project::root()).stdin(Stdio::null());
    for (name, value) in env::vars_os() {
        let Some(name) = name.to_str() else { continue };
        if is_ours(name) {
            command.env_remove(name);
        } else if name == "LD_LIBRARY_PATH" || name == "DYLD_FALLBACK_LIBRARY_PATH" {
            // Cargo adds the folders of its own toolchain, whose libraries are wrong for another.
            let kept = env::split_paths(&value).filter(|path| !is_cargos(path));
            match env::join_paths(kept) {
                Ok(paths) if !paths.is_empty() => command.env(name, paths),
                _ => command.env_remove(name),
            };
        }
    }
    command
}

/// Runs a command that shows its own output.
pub fn show(what: &str, command: &mut Command) -> Result<()> {
    let status = succeeds(what, command)?;
    if status {
        return Ok(());
    }
    Err(Error::new(format!("{what} failed"), describe(command), "the lines above say why"))
}

/// Like [`show`], but a failure is an answer: false.
pub fn succeeds(what: &str, command: &mut Command) -> Result<bool> {
    let start = Instant::now();
    let mut child = spawn(command)?;
    let mut next = HEARTBEAT;
    let quiet = !io::stdout().is_terminal();
    loop {
        if let Some(status) = poll(&mut child, command)? {
            return Ok(status.success());
        }
        // On a terminal the program shows its progress itself.
        if quiet && start.elapsed() >= next {
            note(&format!("... {what}: {} s", start.elapsed().as_secs()));
            next += HEARTBEAT;
        }
        thread::sleep(Duration::from_millis(20));
    }
}

/// What a command prints on its standard output, as text; None as for [`bytes`].
pub fn ask(command: &mut Command, limit: Duration) -> Option<String> {
    let bytes = bytes(command, limit)?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// What a command writes to its standard output; None if it cannot be started, fails, or takes
/// longer than the limit (it is ended then).
pub fn bytes(command: &mut Command, limit: Duration) -> Option<Vec<u8>> {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().ok()?;
    let mut pipe = child.stdout.take()?;
    let reader = thread::spawn(move || {
        let mut bytes = Vec::new();
        pipe.read_to_end(&mut bytes).map(|_| bytes)
    });
    let start = Instant::now();
    loop {
        match child.try_wait().ok()? {
            Some(status) => {
                let bytes = reader.join().ok()?.ok()?;
                return status.success().then_some(bytes);
            }
            None if start.elapsed() > limit => {
                let _ = child.kill();
                let _ = child.wait();
                return None;
            }
            None => thread::sleep(Duration::from_millis(5)),
        }
    }
}

/// Runs a command and hands each line that it prints on its standard output to a function, which
/// tells whether to show it. Lines of the other stream are all shown. Answers whether the command
/// succeeded.
pub fn each_line(what: &str, command: &mut Command, mut line: impl FnMut(&str) -> bool) -> Result<bool> {
    let start = Instant::now();
    let mut child = spawn(command.stdout(Stdio::piped()).stderr(Stdio::piped()))?;
    let (sender, lines) = mpsc::channel();
    let pipes: [(bool, Option<Box<dyn Read + Send>>); 2] = [
        (true, child.stdout.take().map(|pipe| Box::new(pipe) as _)),
        (false, child.stderr.take().map(|pipe| Box::new(pipe) as _)),
    ];
    for (is_output, pipe) in pipes {
        let Some(pipe) = pipe else { continue };
        let sender = sender.clone();
        thread::spawn(move || {
            for bytes in BufReader::new(pipe).split(b'\n').map_while(io::Result::ok) {
                let text = String::from_utf8_lossy(&bytes).into_owned();
                if sender.send((is_output, text)).is_err() {
                    return;
                }
            }
        });
    }
    drop(sender);
    loop {
        match lines.recv_timeout(HEARTBEAT) {
            Ok((is_output, text)) => {
                let text = text.trim_end_matches('\r');
                if !is_output || line(text) {
                    println!("{text}");
                }
            }
            Err(RecvTimeoutError::Timeout) => {
                note(&format!("... {what}: {} s", start.elapsed().as_secs()));
            }
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    let status = child.wait().map_err(|e| not_started(command, &e))?;
    Ok(status.success())
}

/// The command as one would type it.
pub fn describe(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words
        .map(|word| word.to_string_lossy())
        .map(|word| if word.contains(' ') { format!("'{word}'") } else { word.into_owned() })
        .collect::<Vec<_>>()
        .join(" ")
}

fn spawn(command: &mut Command) -> Result<Child> {
    command.spawn().map_err(|e| not_started(command, &e))
}

fn poll(child: &mut Child, command: &Command) -> Result<Option<ExitStatus>> {
    child.try_wait().map_err(|e| not_started(command, &e))
}

fn not_started(command: &Command, error: &io::Error) -> Error {
    let program = command.get_program().to_string_lossy().into_owned();
    Error::new(
        format!("cannot run {program}: {error}"),
        describe(command),
        format!("install {program}, or put it on the PATH"),
    )
}

/// Variables that cargo and rustup set for this program, and those that would change how every
/// build is done. A build must be the same one however it was asked for.
fn is_ours(name: &str) -> bool {
    const NAMES: [&str; 12] = [
        "CARGO",
        "CARGO_BIN_NAME",
        "CARGO_BUILD_TARGET",
        "CARGO_CRATE_NAME",
        "CARGO_ENCODED_RUSTFLAGS",
        "CARGO_PRIMARY_PACKAGE",
        "OUT_DIR",
        // It would silently replace the flags of .cargo/config.toml, and so lose simd128.
        "RUSTFLAGS",
        "RUSTUP_TOOLCHAIN_SOURCE",
        "RUST_RECURSION_COUNT",
        "RUSTC",
        "RUSTDOC",
    ];
    NAMES.contains(&name) || name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")
}

fn is_cargos(path: &Path) -> bool {
    let mut parts = path.iter();
    parts.any(|part| part == "toolchains" || part == "deps" || part == "debug" || part == "rustlib")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_has_an_answer_or_none() {
        assert_eq!(ask(command("echo").arg("hi"), PATIENCE).as_deref(), Some("hi\n"));
        assert_eq!(ask(&mut command("false"), PATIENCE), None);
        assert_eq!(ask(&mut command("no such program"), PATIENCE), None);
        let start = Instant::now();
        assert_eq!(ask(command("sleep").arg("20"), Duration::from_millis(50)), None);
        assert!(start.elapsed() < Duration::from_secs(10));
    }

    #[test]
    fn lines_of_the_output_arrive() {
        let mut lines = Vec::new();
        let mut both = command("sh");
        both.args(["-c", "echo one; echo err >&2; printf 'two\\r\\nthree'; exit 3"]);
        let ok = each_line("test", &mut both, |line| {
            lines.push(line.to_owned());
            false
        });
        assert_eq!(lines, ["one", "two", "three"]);
        assert!(!ok.unwrap());
    }

    #[test]
    fn a_description_can_be_typed() {
        assert_eq!(describe(command("a").args(["b", "c d"])), "a b 'c d'");
    }
}
