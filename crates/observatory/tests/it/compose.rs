//! Docker's Compose, which the set-up of the tests has brought along: another program's word on what we write.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

use crate::{dock::Dock, site::Answer};

/// Where `cargo xtask test` makes the Python environment that holds Compose's own program.
const PYTHON: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/python/bin/python");

/// `docker compose`, with a folder of its own for what Docker's client is told.
pub(crate) struct Compose {
    folder: TempDir,
}

impl Compose {
    /// The one of the set-up, else one that is installed for the whole machine. Without any the test fails.
    #[track_caller]
    pub(crate) fn find() -> Self {
        let python = std::env::var_os("BIGSKIES_TEST_PYTHON").map_or_else(|| PathBuf::from(PYTHON), PathBuf::from);
        let program = python.with_file_name("docker-compose");
        let compose = Self { folder: tempfile::tempdir().unwrap() };
        if program.is_file() {
            let plugins = compose.folder.path().join("cli-plugins");
            std::fs::create_dir(&plugins).unwrap();
            std::os::unix::fs::symlink(std::path::absolute(&program).unwrap(), plugins.join("docker-compose")).unwrap();
        }
        let version = compose.command().args(["version", "--short"]).output().map(Answer::from);
        let said = match &version {
            Ok(answer) if answer.code == 0 => return compose,
            Ok(answer) => answer.err.trim().to_owned(),
            Err(error) => error.to_string(),
        };
        panic!(
            "`docker compose version` says {said:?}, and {} is{} there; `cargo xtask test` brings Compose along as \
             crates/testkit/python-requirements.txt names it, on other machines install Docker's client and its Compose plugin",
            program.display(),
            if program.is_file() { "" } else { " not" },
        );
    }

    /// What makes Docker's client know it: the value of `DOCKER_CONFIG`.
    pub(crate) fn configuration(&self) -> &Path {
        self.folder.path()
    }

    fn command(&self) -> Command {
        let mut command = Command::new("docker");
        command.arg("compose").env("DOCKER_CONFIG", self.folder.path());
        command
    }

    /// Its word on the project in a folder: nothing where it takes it.
    pub(crate) fn complaint(&self, folder: &Path) -> Option<String> {
        let checked: Answer = self.command().args(["config", "--quiet"]).current_dir(folder).output().unwrap().into();
        let is_well = checked.code == 0 && checked.out.is_empty() && checked.err.is_empty();
        (!is_well).then(|| format!("exit code {}: {}{}", checked.code, checked.out, checked.err))
    }

    /// Holds a folder that we wrote against it.
    #[track_caller]
    pub(crate) fn expect_to_take(&self, folder: &Path) {
        if let Some(complaint) = self.complaint(folder) {
            let text = std::fs::read_to_string(folder.join("compose.yaml")).unwrap();
            panic!("Compose does not take it: {complaint}\n{text}");
        }
    }

    /// What it says of a site's stack, and whether it succeeded.
    pub(crate) fn ask(&self, dock: &Dock, arguments: &[&str]) -> (bool, String) {
        let mut command = self.command();
        command.args(["--ansi", "never", "--progress", "plain"]).args(arguments);
        command.env("DOCKER_HOST", dock.dockerd.address()).current_dir(dock.site.path());
        let done = command.output().unwrap();
        let both = [done.stdout, done.stderr].concat();
        (done.status.success(), String::from_utf8_lossy(&both).into_owned())
    }
}

#[test]
fn compose_takes_what_is_well_and_nothing_else() {
    let compose = Compose::find();
    let folder = tempfile::tempdir().unwrap();
    let complaint = |text: &str| {
        std::fs::write(folder.path().join("compose.yaml"), text).unwrap();
        compose.complaint(folder.path())
    };
    assert_eq!(complaint("services:\n  web:\n    image: busybox\n"), None);
    for (text, said) in [
        ("services:\n  web:\n    image: busybox\n    colour: red\n", "colour"),
        (
            "services:\n  web:\n    image: busybox\n    environment:\n      A: ${NOBODY_SET_IT:?it is missing}\n",
            "missing",
        ),
        ("services:\n  web:\n    image: busybox\n    networks: [nowhere]\n", "nowhere"),
    ] {
        let complaint = complaint(text).unwrap_or_default();
        assert!(complaint.contains(said), "{text}: {complaint}");
    }
}
