//! Noise for one fuzz target of a package, on the nightly toolchain, which libFuzzer's instrumentation needs.

use std::fs;

use crate::{
    failure::Failure,
    places,
    process::{Program, find_program},
};

/// Runs it for so many seconds, from the seeds that are committed and from what earlier runs found. It fails at the first text that
/// breaks a law, and says where it keeps that text.
pub(crate) fn run(package: &str, target: &str, seconds: u32, arguments: &[String]) -> Result<(), Failure> {
    if find_program("cargo-fuzz").is_none() {
        return Err(Failure::new("cargo-fuzz is not installed", "run `cargo install cargo-fuzz`"));
    }
    let folder = places::root().join("crates").join(package).join("fuzz");
    let found = places::target().join("fuzz-corpus").join(package).join(target);
    fs::create_dir_all(&found).map_err(|error| Failure::of_path("make", &found, &error))?;
    let cargo = Program::new("rustup").args(["run", "nightly", "cargo", "fuzz", "run", "--fuzz-dir"]).args([&folder]);
    let cargo = cargo.args([target]).args([&found]).args([folder.join("seeds").join(target)]);
    let cargo = cargo.args(["--", &format!("-max_total_time={seconds}")]).args(arguments);
    cargo.env("CARGO_TARGET_DIR", places::target().join("fuzz")).show()
}
