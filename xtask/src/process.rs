//! Starting other programs: in the workspace's folder, with their output shown or caught, and a failure that names the command.

use std::{
    ffi::OsStr,
    io::Write,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::{failure::Failure, places};

/// One program to run.
#[derive(Debug)]
pub(crate) struct Program {
    name: String,
    command: Command,
    words: Vec<String>,
}

impl Program {
    pub(crate) fn new(program: impl AsRef<OsStr>) -> Self {
        let name = program.as_ref().to_string_lossy().into_owned();
        let mut command = Command::new(program);
        command.current_dir(places::root());
        Self { words: vec![name.clone()], name, command }
    }

    /// The cargo that started this automation.
    pub(crate) fn cargo() -> Self {
        let mut cargo = Self::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        // What cargo told this program of its package: some build scripts look at it, and would run again each time that a person and
        // this automation build in turn, with everything that stands on them.
        for (name, _) in std::env::vars_os().filter(|(name, _)| is_of_a_package(name)) {
            cargo.command.env_remove(name);
        }
        cargo
    }

    pub(crate) fn args<I, S>(mut self, arguments: I) -> Self
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        for argument in arguments {
            self.words.push(argument.as_ref().to_string_lossy().into_owned());
            self.command.arg(argument);
        }
        self
    }

    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    pub(crate) fn folder(mut self, folder: &Path) -> Self {
        self.command.current_dir(folder);
        self
    }

    /// Runs it with its output on ours, and says so first.
    pub(crate) fn show(mut self) -> Result<(), Failure> {
        say(&format!("$ {}", self.line()));
        let status = self.command.status().map_err(|error| self.cannot_start(&error))?;
        if status.success() {
            return Ok(());
        }
        Err(Failure::new(format!("`{}` ended with {status}", self.line()), "what it printed above says why"))
    }

    /// Runs it quietly; its standard output, or a failure with the end of its error output.
    pub(crate) fn catch(mut self) -> Result<String, Failure> {
        let output = self.command.stdin(Stdio::null()).output().map_err(|error| self.cannot_start(&error))?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let last: Vec<&str> = said.lines().rev().take(6).collect();
        let last: Vec<&str> = last.into_iter().rev().collect();
        Err(Failure::new(
            format!("`{}` ended with {}: {}", self.line(), output.status, last.join(" / ")),
            "run it by hand to see more",
        ))
    }

    /// Becomes that program; comes back only with a failure.
    pub(crate) fn become_it(mut self) -> Failure {
        say(&format!("$ {}", self.line()));
        let error = self.command.exec();
        self.cannot_start(&error)
    }

    fn line(&self) -> String {
        self.words.join(" ")
    }

    fn cannot_start(&self, error: &std::io::Error) -> Failure {
        Failure::new(format!("cannot start `{}`: {error}", self.name), "install it, or put it on the PATH")
    }
}

/// Where a program stands, on the PATH or in the folders where systems keep services.
pub(crate) fn find_program(name: &str) -> Option<PathBuf> {
    search_path().into_iter().map(|folder| folder.join(name)).find(|file| file.is_file())
}

/// The PATH's folders and those that an ordinary user's PATH leaves out.
pub(crate) fn search_path() -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> =
        std::env::var_os("PATH").map(|path| std::env::split_paths(&path).collect()).unwrap_or_default();
    for more in ["/usr/sbin", "/usr/local/sbin", "/opt/homebrew/sbin", "/opt/homebrew/bin"] {
        let more = PathBuf::from(more);
        if !folders.contains(&more) {
            folders.push(more);
        }
    }
    folders
}

/// Whether this process is root, which may install packages and whose PostgreSQL must run as somebody else.
pub(crate) fn is_root() -> bool {
    Program::new("id").args(["-u"]).catch().is_ok_and(|id| id.trim() == "0")
}

/// A line of progress, on standard error so that a command's own output stays clean.
pub(crate) fn say(line: &str) {
    // A closed terminal is no reason to stop working.
    let _closed = writeln!(std::io::stderr().lock(), "{line}");
}

/// A command's own output.
pub(crate) fn print(text: &str) {
    let _closed = std::io::stdout().lock().write_all(text.as_bytes());
}

/// Whether cargo sets this variable for the program of one package.
fn is_of_a_package(variable: &OsStr) -> bool {
    const OTHERS: [&str; 5] =
        ["CARGO_BIN_NAME", "CARGO_CRATE_NAME", "CARGO_MANIFEST_DIR", "CARGO_MANIFEST_PATH", "CARGO_PRIMARY_PACKAGE"];
    let name = variable.to_string_lossy();
    name.starts_with("CARGO_PKG_") || OTHERS.contains(&&*name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargo_is_told_nothing_of_this_package() {
        for (variable, is_told) in [
            ("CARGO_PKG_NAME", false),
            ("CARGO_MANIFEST_DIR", false),
            ("CARGO_TARGET_DIR", true),
            ("CARGO_HOME", true),
            ("CARGO", true),
            ("PATH", true),
        ] {
            assert_eq!(is_of_a_package(OsStr::new(variable)), !is_told, "{variable}");
        }
    }

    #[test]
    fn output_is_caught_and_failures_name_the_command() {
        assert_eq!(Program::new("echo").args(["one", "two"]).catch().unwrap(), "one two\n");
        let failure = Program::new("sh").args(["-c", "echo why >&2; exit 3"]).catch().unwrap_err().to_string();
        assert!(failure.contains("exit status: 3: why"), "{failure}");
        let failure = Program::new("no-such-program").catch().unwrap_err().to_string();
        assert!(failure.contains("cannot start `no-such-program`"), "{failure}");
    }

    #[test]
    fn programs_are_found_on_the_path() {
        assert!(find_program("sh").is_some());
        assert_eq!(find_program("no-such-program"), None);
    }
}
