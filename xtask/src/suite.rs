//! `cargo xtask test`: sets up what tests need, then runs every check and every test.

use crate::{
    failure::Failure,
    generate,
    needs::{self, Ready},
    places,
    process::{self, Program, say},
    tidy,
    up::{self, Profile},
};

/// How the tests are run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pace {
    /// For a person who waits: the first failure ends it.
    Quick,
    /// For a machine: everything is run, whatever fails.
    Whole,
}

/// The command.
pub(crate) fn run(filters: &[String]) -> Result<(), Failure> {
    if let Some(flag) = filters.iter().find(|filter| filter.starts_with('-')) {
        return Err(Failure::new(
            format!("test takes no flag, but got `{flag}`"),
            "give parts of test names, or nothing",
        ));
    }
    // Whoever runs it unattended wants to know everything that fails.
    let pace = if std::env::var_os("CI").is_some() { Pace::Whole } else { Pace::Quick };
    at_pace(pace, filters)
}

/// The tests, and without a filter the checks before them.
pub(crate) fn at_pace(pace: Pace, filters: &[String]) -> Result<(), Failure> {
    let ready = needs::ensure()?;
    if !filters.is_empty() {
        up::build(Profile::Debug)?;
        return tests(pace, filters, &ready);
    }
    tidy::run(&[])?;
    generate::check()?;
    validate_asyncapi(&ready)?;
    tests(pace, &[], &ready)?;
    prepared(Program::cargo().args(["test", "--workspace", "--doc"]), &ready)?.show()
}

fn tests(pace: Pace, filters: &[String], ready: &Ready) -> Result<(), Failure> {
    let cargo = Program::cargo();
    let cargo = if process::find_program("cargo-nextest").is_some() {
        cargo.args(["nextest", "run", "--workspace"]).args(nextest_flags(pace)).args(filters)
    } else {
        say("cargo-nextest is not here, so cargo runs the tests: the same tests, one program after the other");
        cargo
            .args(["test", "--workspace", "--lib", "--bins", "--tests"])
            .args(test_flags(pace))
            .args(["--"])
            .args(filters)
    };
    prepared(cargo, ready)?.show()
}

const fn nextest_flags(pace: Pace) -> &'static [&'static str] {
    match pace {
        Pace::Quick => &[],
        Pace::Whole => &["--profile", "ci"],
    }
}

const fn test_flags(pace: Pace) -> &'static [&'static str] {
    match pace {
        Pace::Quick => &[],
        Pace::Whole => &["--no-fail-fast"],
    }
}

/// Tells tests where things stand.
pub(crate) fn prepared(cargo: Program, ready: &Ready) -> Result<Program, Failure> {
    let path = std::env::join_paths(process::search_path()).map_err(|error| {
        Failure::new(format!("the PATH cannot be extended: {error}"), "take folders with `:` in their name out of it")
    })?;
    let cargo = cargo.env("PATH", path).env("BIGSKIES_TEST_PYTHON", &ready.python);
    let cargo = cargo.env("BIGSKIES_TEST_NODE", &ready.node);
    Ok(match &ready.bundle {
        Some(folder) => cargo.env("BIGSKIES_POSTGRES_BIN", folder),
        None => cargo,
    })
}

/// Somebody else's parser accepts what the catalogue renders.
fn validate_asyncapi(ready: &Ready) -> Result<(), Failure> {
    let script = places::root().join("xtask/asyncapi.mjs");
    let document = places::root().join("docs/generated/asyncapi.json");
    Program::new("node").args([&script, &ready.node, &document]).show()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_refused() {
        assert!(run(&["--release".to_owned()]).unwrap_err().to_string().contains("`--release`"));
    }
}
