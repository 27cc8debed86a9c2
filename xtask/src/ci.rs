//! `cargo xtask ci`: what a change must pass.

use crate::{
    failure::Failure,
    process::{self, Program, say},
    suite::{self, Pace},
};

/// Format, lints, licences, then every check and test.
pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    if let Some(argument) = arguments.first() {
        return Err(Failure::new(format!("ci takes no argument, but got `{argument}`"), "call `cargo xtask ci`"));
    }
    Program::cargo().args(["fmt", "--all", "--check"]).show()?;
    Program::cargo().args(["clippy", "--workspace", "--all-targets", "--", "--deny", "warnings"]).show()?;
    if process::find_program("cargo-deny").is_some() {
        Program::cargo().args(["deny", "--locked", "check", "licenses", "bans", "sources"]).show()?;
    } else {
        say("cargo-deny is not here, so licences and sources are not checked; `cargo install cargo-deny` adds it");
    }
    suite::at_pace(Pace::Whole, &[])
}
