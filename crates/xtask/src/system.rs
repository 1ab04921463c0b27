//! The machine: which programs it has, and Debian's packages where they are needed.

use crate::error::{Error, Result};
use crate::run::{self, PATIENCE};
use std::env;
use std::path::PathBuf;
use std::process::Command;

/// The first of these programs that is on the PATH.
pub fn find(names: &[&str]) -> Option<PathBuf> {
    let folders = env::var_os("PATH")?;
    names.iter().find_map(|name| env::split_paths(&folders).map(|folder| folder.join(name)).find(|path| path.is_file()))
}

/// Installs those of Debian's packages that are missing. Says so first, and why.
pub fn install_packages(packages: &[&str], why: &str) -> Result<()> {
    let missing: Vec<&str> = packages.iter().copied().filter(|package| !has_package(package)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let names = missing.join(" ");
    if find(&["apt-get"]).is_none() {
        return Err(Error::new(
            format!("this system has no apt-get, which is how {why} would be installed"),
            format!("Debian packages {names}"),
            "install their like with this system's own package manager, then run this again",
        ));
    }
    run::step(&format!("Installing Debian packages for {why}: {names}"));
    let by_hand = format!("apt-get update && apt-get install --no-install-recommends {names}");
    let install = || -> Result<bool> {
        let mut apt = as_root("apt-get", &by_hand)?;
        apt.args(["install", "-y", "-q", "--no-install-recommends"]);
        apt.args(&missing);
        run::succeeds("apt-get install", &mut apt)
    };
    if install()? {
        return Ok(());
    }
    run::step("Updating Debian's package lists, which are missing or old, and trying again");
    let mut update = as_root("apt-get", &by_hand)?;
    run::show("apt-get update", update.args(["update", "-q"]))?;
    if install()? {
        return Ok(());
    }
    Err(Error::new(
        format!("Debian's packages for {why} cannot be installed"),
        format!("apt-get install {names}"),
        "the lines above say why; this needs Debian 12 or a relative that has these packages",
    ))
}

/// A command that runs with the rights to change the system; if they cannot be had, an error that
/// tells what to type by hand.
pub fn as_root(program: &str, by_hand: &str) -> Result<Command> {
    let is_root = run::ask(run::command("id").arg("-u"), PATIENCE);
    let mut command = if is_root.is_some_and(|id| id.trim() == "0") {
        run::command("env")
    } else if run::ask(run::command("sudo").args(["-n", "true"]), PATIENCE).is_some() {
        let mut sudo = run::command("sudo");
        sudo.args(["-n", "env"]);
        sudo
    } else {
        return Err(Error::new(
            "this user may not change the system, and sudo is missing or asks for a password",
            program,
            format!("run this as root, then the command again: {by_hand}"),
        ));
    };
    command.arg("DEBIAN_FRONTEND=noninteractive").arg(program);
    Ok(command)
}

fn has_package(package: &str) -> bool {
    let mut query = run::command("dpkg-query");
    query.args(["-W", "-f=${db:Status-Status}", package]);
    run::ask(&mut query, PATIENCE).is_some_and(|status| status == "installed")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_found_on_the_path() {
        assert!(find(&["no such program", "sh"]).is_some_and(|path| path.ends_with("sh")));
        assert_eq!(find(&["no such program"]), None);
    }
}
