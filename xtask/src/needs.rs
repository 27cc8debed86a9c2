//! What tests need besides Rust: a broker and clients that are not ours, PostgreSQL, Python and Node packages. Installed where that
//! is ours to do, else explained.

use std::path::{Path, PathBuf};

use crate::{
    failure::Failure,
    places,
    postgresql::{self, Programs},
    process::{self, Program, say},
};

/// Something that tests run, the packages that have it, and whether it is here.
struct Need {
    what: &'static str,
    debian: &'static str,
    homebrew: &'static str,
    is_here: fn(&str) -> bool,
}

const NEEDS: &[Need] = &[
    Need { what: "mosquitto", debian: "mosquitto", homebrew: "mosquitto", is_here: has_program },
    Need { what: "mosquitto_ctrl", debian: "mosquitto", homebrew: "mosquitto", is_here: has_program },
    Need { what: "mosquitto_pub", debian: "mosquitto-clients", homebrew: "mosquitto", is_here: has_program },
    Need { what: "mosquitto_sub", debian: "mosquitto-clients", homebrew: "mosquitto", is_here: has_program },
    Need { what: "curl", debian: "curl", homebrew: "curl", is_here: has_program },
    Need { what: "python3", debian: "python3", homebrew: "python", is_here: has_program },
    Need { what: "ensurepip", debian: "python3-venv", homebrew: "python", is_here: has_module },
    Need { what: "npm", debian: "npm", homebrew: "node", is_here: has_program },
    Need { what: "ssh", debian: "openssh-client", homebrew: "openssh", is_here: has_program },
    Need { what: "sshd", debian: "openssh-server", homebrew: "openssh", is_here: has_program },
    Need { what: "dockerd", debian: "docker.io", homebrew: "docker", is_here: has_docker },
    Need { what: "docker", debian: "docker.io", homebrew: "docker", is_here: has_program },
    Need { what: "ip", debian: "iproute2", homebrew: "iproute2mac", is_here: has_program },
    Need { what: "busybox", debian: "busybox-static", homebrew: "busybox", is_here: has_program },
    Need { what: "openssl", debian: "openssl", homebrew: "openssl", is_here: has_program },
    Need { what: "pebble", debian: "pebble", homebrew: "pebble", is_here: has_program },
    Need { what: "pebble-challtestsrv", debian: "pebble", homebrew: "pebble", is_here: has_program },
    Need { what: "prometheus", debian: "prometheus", homebrew: "prometheus", is_here: has_program },
    Need { what: "promtool", debian: "prometheus", homebrew: "prometheus", is_here: has_program },
    Need {
        what: "prometheus-pushgateway",
        debian: "prometheus-pushgateway",
        homebrew: "prometheus-pushgateway",
        is_here: has_program,
    },
    Need {
        what: "prometheus-alertmanager",
        debian: "prometheus-alertmanager",
        homebrew: "alertmanager",
        is_here: has_program,
    },
    Need {
        what: "prometheus-node-exporter",
        debian: "prometheus-node-exporter",
        homebrew: "node_exporter",
        is_here: has_program,
    },
];

/// PostgreSQL has a second way in, the bundle, so only who can install it without asking does.
const POSTGRESQL: Need =
    Need { what: "postgres", debian: "postgresql", homebrew: "postgresql", is_here: |_| postgresql::is_installed() };

/// What Node runs in tests: the validator of AsyncAPI documents; Grafana's types, and the compiler that holds dashboards against them.
const NODE: [&str; 3] = ["@asyncapi/parser@3.6.3", "@grafana/schema@13.2.3", "typescript@5.9.3"];

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
    install()?;
    let missing = missing();
    if !missing.is_empty() {
        return Err(explain(&missing));
    }
    let bundle = match postgresql::ensure()? {
        Programs::System => None,
        Programs::Bundle(folder) => Some(folder),
    };
    Ok(Ready { python: python()?, node: node()?, bundle })
}

fn missing() -> Vec<&'static Need> {
    NEEDS.iter().filter(|need| !(need.is_here)(need.what)).collect()
}

fn has_program(name: &str) -> bool {
    process::find_program(name).is_some()
}

/// An engine that runs will do for who is not root, and can't start one.
fn has_docker(program: &str) -> bool {
    has_program(program) || (!process::is_root() && Path::new("/var/run/docker.sock").exists())
}

fn has_module(name: &str) -> bool {
    Program::new("python3").args(["-c", &format!("import {name}")]).catch().is_ok()
}

/// Root on Debian installs; anybody else is told how.
fn install() -> Result<(), Failure> {
    if !process::is_root() || !has_program("apt-get") {
        return Ok(());
    }
    let mut needs = missing();
    if !(POSTGRESQL.is_here)(POSTGRESQL.what) {
        needs.push(&POSTGRESQL);
    }
    if needs.is_empty() {
        return Ok(());
    }
    let apt = || Program::new("apt-get").env("DEBIAN_FRONTEND", "noninteractive");
    apt().args(["update", "--quiet"]).show()?;
    let packages = packages(&needs, |need| need.debian);
    apt().args(["install", "--yes", "--quiet", "--no-install-recommends"]).args(&packages).show()?;
    let services = [
        "mosquitto",
        "postgresql",
        "prometheus",
        "prometheus-pushgateway",
        "prometheus-alertmanager",
        "prometheus-node-exporter",
    ];
    services.iter().filter(|name| packages.contains(name)).for_each(|name| keep_from_starting(name));
    Ok(())
}

/// Debian starts a service with its package, on a port that `bigskies up` may want; tests need the program only.
fn keep_from_starting(name: &str) {
    if Path::new("/run/systemd/system").exists() {
        let stopped = Program::new("systemctl").args(["disable", "--now", name]).catch();
        say(&match stopped {
            Ok(_) => format!("the system's service {name} is disabled, so that its port stays free"),
            Err(_) => format!("the system's service {name} may hold a port; `systemctl disable --now {name}` frees it"),
        });
    }
}

fn packages(needs: &[&Need], of: fn(&Need) -> &'static str) -> Vec<&'static str> {
    let mut packages: Vec<&str> = needs.iter().map(|need| of(need)).collect();
    packages.dedup();
    packages
}

fn explain(needs: &[&Need]) -> Failure {
    let debian = packages(needs, |need| need.debian).join(" ");
    let homebrew = packages(needs, |need| need.homebrew).join(" ");
    Failure::new(
        format!("tests need what is not here: {}", packages(needs, |need| need.what).join(", ")),
        format!("on Debian: `sudo apt-get install {debian}`; on macOS: `brew install {homebrew}`"),
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

/// The Node packages of the tests, in the versions named here.
fn node() -> Result<PathBuf, Failure> {
    let folder = places::target().join("node");
    let (mark, wanted) = (folder.join("installed"), NODE.join(" "));
    if places::read(&mark).is_ok_and(|found| found == wanted) {
        return Ok(folder);
    }
    say("fetching the Node packages of the tests");
    places::make_empty(&folder)?;
    let quiet = ["install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix"];
    Program::new("npm").args(quiet).args([&folder]).args(NODE).show()?;
    places::write(&mark, wanted)?;
    Ok(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named_with_the_command() {
        let needs: Vec<&Need> = NEEDS.iter().filter(|need| need.what.starts_with("mosquitto")).collect();
        let said = explain(&needs).to_string();
        assert!(said.contains("mosquitto, mosquitto_ctrl, mosquitto_pub, mosquitto_sub"), "{said}");
        assert!(said.contains("`sudo apt-get install mosquitto mosquitto-clients`"), "{said}");
        assert!(said.contains("`brew install mosquitto`"), "{said}");
    }
}
