//! What tests need besides Rust: a broker and clients that are not ours, PostgreSQL, Python and Node packages. Installed where that
//! is ours to do, else explained.

use std::path::PathBuf;

use crate::{
    failure::Failure,
    places,
    postgresql::{self, Programs},
    process::{self, Program, say},
};

/// A program that tests run, and the Debian package that has it.
struct Need {
    program: &'static str,
    debian: &'static str,
    homebrew: &'static str,
}

const NEEDS: &[Need] = &[
    Need { program: "mosquitto", debian: "mosquitto", homebrew: "mosquitto" },
    Need { program: "mosquitto_pub", debian: "mosquitto-clients", homebrew: "mosquitto" },
    Need { program: "mosquitto_sub", debian: "mosquitto-clients", homebrew: "mosquitto" },
    Need { program: "python3", debian: "python3", homebrew: "python" },
    Need { program: "npm", debian: "npm", homebrew: "node" },
];

const ASYNCAPI: &str = "@asyncapi/parser@3.6.3";

/// What the set-up has made ready.
#[derive(Debug)]
pub(crate) struct Ready {
    /// The Python that has the pinned packages.
    pub(crate) python: PathBuf,
    /// The folder with the Node packages.
    pub(crate) node: PathBuf,
    /// PostgreSQL's programs, where they are a bundle.
    pub(crate) bundle: Option<PathBuf>,
}

/// Makes everything ready; quick when it already is.
pub(crate) fn ensure() -> Result<Ready, Failure> {
    install(&missing())?;
    let still = missing();
    if !still.is_empty() {
        return Err(explain(&still));
    }
    let bundle = match postgresql::ensure()? {
        Programs::System(_) => None,
        Programs::Bundle(folder) => Some(folder),
    };
    Ok(Ready { python: python()?, node: node()?, bundle })
}

fn missing() -> Vec<&'static Need> {
    NEEDS.iter().filter(|need| process::find_program(need.program).is_none()).collect()
}

/// Root on Debian installs; anybody else is told how.
fn install(needs: &[&Need]) -> Result<(), Failure> {
    if needs.is_empty() || !process::is_root() || process::find_program("apt-get").is_none() {
        return Ok(());
    }
    let apt = || Program::new("apt-get").env("DEBIAN_FRONTEND", "noninteractive");
    apt().args(["update", "--quiet"]).show()?;
    apt().args(["install", "--yes", "--quiet", "--no-install-recommends"]).args(debian_packages(needs)).show()?;
    if needs.iter().any(|need| need.program == "mosquitto") {
        free_the_port();
    }
    Ok(())
}

/// Debian starts a broker with its package, on the port that `bigskies up` wants; tests need the program only.
fn free_the_port() {
    if std::path::Path::new("/run/systemd/system").exists() {
        let stopped = Program::new("systemctl").args(["disable", "--now", "mosquitto.service"]).catch();
        say(match stopped {
            Ok(_) => "the system's mosquitto.service is disabled, so that port 1883 stays free",
            Err(_) => "mosquitto.service may hold port 1883; `systemctl disable --now mosquitto` frees it",
        });
    }
}

fn debian_packages(needs: &[&Need]) -> Vec<&'static str> {
    let mut packages: Vec<&str> = needs.iter().map(|need| need.debian).collect();
    packages.dedup();
    packages
}

fn explain(needs: &[&Need]) -> Failure {
    let programs: Vec<&str> = needs.iter().map(|need| need.program).collect();
    let mut homebrew: Vec<&str> = needs.iter().map(|need| need.homebrew).collect();
    homebrew.dedup();
    Failure::new(
        format!("tests need programs that are not here: {}", programs.join(", ")),
        format!(
            "on Debian: `sudo apt-get install {}`; on macOS: `brew install {}`",
            debian_packages(needs).join(" "),
            homebrew.join(" ")
        ),
    )
}

/// A virtual environment with the pinned packages, made again when the list changes.
fn python() -> Result<PathBuf, Failure> {
    let folder = places::target().join("python");
    let program = folder.join("bin/python");
    let list = places::root().join("crates/testkit/python-requirements.txt");
    let (mark, wanted) = (folder.join("requirements.sha256"), postgresql::sha256(places::read(&list)?.as_bytes()));
    if program.is_file() && places::read(&mark).is_ok_and(|found| found == wanted) {
        return Ok(program);
    }
    say("making the Python environment of the tests");
    places::remove(&folder)?;
    Program::new("python3").args(["-m", "venv"]).args([&folder]).catch().map_err(|failure| {
        Failure::new(
            format!("no virtual environment could be made: {failure}"),
            "on Debian: `sudo apt-get install python3-venv`",
        )
    })?;
    Program::new(&program)
        .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"])
        .args([&list])
        .show()?;
    places::write(&mark, wanted)?;
    Ok(program)
}

/// The validator of AsyncAPI documents, in the version named here.
fn node() -> Result<PathBuf, Failure> {
    let folder = places::target().join("node");
    let mark = folder.join("installed");
    if places::read(&mark).is_ok_and(|found| found == ASYNCAPI) {
        return Ok(folder);
    }
    say("fetching the AsyncAPI validator");
    places::make_empty(&folder)?;
    let quiet = ["install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix"];
    Program::new("npm").args(quiet).args([&folder]).args([ASYNCAPI]).show()?;
    places::write(&mark, ASYNCAPI)?;
    Ok(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named_with_the_command() {
        let needs: Vec<&Need> = NEEDS.iter().filter(|need| need.program.starts_with("mosquitto")).collect();
        let said = explain(&needs).to_string();
        assert!(said.contains("mosquitto, mosquitto_pub, mosquitto_sub"), "{said}");
        assert!(said.contains("`sudo apt-get install mosquitto mosquitto-clients`"), "{said}");
        assert!(said.contains("`brew install mosquitto`"), "{said}");
    }
}
