//! `cargo xtask coverage`: which lines of the monitoring stack's tool and of its engine room the tests run, as LCOV for the quality gate
//! and as a figure for each room. The tests drive the real program; what it runs counts wherever it ends by itself.

use std::{collections::BTreeMap, path::PathBuf};

use crate::{
    failure::Failure,
    needs, places,
    process::{self, Program, print, say},
    suite,
};

const ROOMS: [&str; 2] = ["engine-containers", "observatory"];
/// What each room is held to.
const PERCENT_MIN: f64 = 90.0;
/// The file that says where the quality gate looks for the report.
const GATE: &str = "sonar-project.properties";
const REPORT_KEY: &str = "sonar.rust.lcov.reportPaths=";
/// LLVM's tools that read what today's compiler writes; Debian numbers them.
const LLVM_VERSIONS: std::ops::RangeInclusive<u32> = 19..=40;

/// The command.
pub(crate) fn run(filters: &[String]) -> Result<(), Failure> {
    let ready = needs::ensure()?;
    let tools = tools()?;
    if process::find_program("cargo-llvm-cov").is_none() {
        say("cargo-llvm-cov is not here; cargo installs it");
        Program::cargo().args(["install", "--locked", "--quiet", "cargo-llvm-cov"]).show()?;
    }
    // With filters what was run before counts on.
    if filters.is_empty() {
        Program::cargo().args(["llvm-cov", "clean", "--profraw-only"]).show()?;
    }
    let told = |cargo: Program| tools.iter().fold(cargo, |cargo, (name, path)| cargo.env(name, path));
    let rooms = ROOMS.iter().flat_map(|room| ["--package", room]);
    let tests = if process::find_program("cargo-nextest").is_some() {
        Program::cargo().args(["llvm-cov", "nextest", "--no-report", "--profile", "ci"]).args(rooms).args(filters)
    } else {
        Program::cargo()
            .args(["llvm-cov", "test", "--no-report", "--no-fail-fast"])
            .args(rooms)
            .args(["--"])
            .args(filters)
    };
    let outcome = suite::prepared(told(tests), &ready)?.show();
    let report = report_place()?;
    if let Some(folder) = report.parent() {
        places::make(folder)?;
    }
    told(Program::cargo().args(["llvm-cov", "report", "--lcov", "--output-path"])).args([&report]).show()?;
    let root = format!("{}/", places::root().display());
    let text = places::read(&report)?.replace(&format!("SF:{root}"), "SF:");
    places::write(&report, &text)?;
    let rooms = figures(&text);
    print(&table(&rooms));
    say(&format!("the report for the quality gate: {}", report.display()));
    // A test that failed is told before what it did not come to.
    outcome?;
    let below: Vec<&str> =
        rooms.iter().filter(|(_, room)| room.percent() < PERCENT_MIN).map(|(name, _)| &**name).collect();
    if below.is_empty() {
        return Ok(());
    }
    Err(Failure::new(
        format!("below {PERCENT_MIN} % of lines: {}", below.join(", ")),
        "the report names the lines that no test runs; add rows to the tests beside them",
    ))
}

/// The tools that read profiles, as variables for cargo-llvm-cov; none where it finds the toolchain's own.
fn tools() -> Result<Vec<(&'static str, PathBuf)>, Failure> {
    if std::env::var_os("LLVM_COV").is_some() && std::env::var_os("LLVM_PROFDATA").is_some() {
        return Ok(Vec::new());
    }
    let of = |name: &str, version: u32| process::find_program(&format!("{name}-{version}"));
    let numbered =
        LLVM_VERSIONS.rev().find_map(|version| Some((of("llvm-cov", version)?, of("llvm-profdata", version)?)));
    if let Some((cov, profdata)) = numbered {
        return Ok(vec![("LLVM_COV", cov), ("LLVM_PROFDATA", profdata)]);
    }
    let sysroot = Program::new("rustc").args(["--print", "target-libdir"]).catch()?;
    let own = PathBuf::from(sysroot.trim()).with_file_name("bin").join("llvm-profdata");
    if own.is_file() {
        return Ok(Vec::new());
    }
    Err(Failure::new(
        "coverage needs LLVM's tools in version 19 or newer, which are not here",
        "on Debian: `sudo apt-get install llvm-19`; elsewhere: `rustup component add llvm-tools`; or name them in LLVM_COV and LLVM_PROFDATA",
    ))
}

/// Where the quality gate looks.
fn report_place() -> Result<PathBuf, Failure> {
    let text = places::read(&places::root().join(GATE))?;
    let place = text.lines().find_map(|line| line.strip_prefix(REPORT_KEY));
    let place = place.ok_or_else(|| {
        Failure::new(format!("{GATE} names no report"), format!("add a line `{REPORT_KEY}target/lcov.info`"))
    })?;
    Ok(places::root().join(place.trim()))
}

/// Lines of a room.
#[derive(Debug, Default, PartialEq, Eq)]
struct Lines {
    found: u64,
    run: u64,
}

impl Lines {
    #[expect(clippy::cast_precision_loss, reason = "no room has 2^52 lines")]
    fn percent(&self) -> f64 {
        if self.found == 0 { 0.0 } else { self.run as f64 * 100.0 / self.found as f64 }
    }
}

/// The lines of each room and of each of its files. In LCOV a file begins with `SF:`; `LF:` counts its lines, `LH:` those that were run.
fn figures(lcov: &str) -> BTreeMap<String, Lines> {
    let mut rooms: BTreeMap<String, Lines> = ROOMS.iter().map(|room| ((*room).to_owned(), Lines::default())).collect();
    let mut here = None;
    for line in lcov.lines() {
        let count = |digits: &str| digits.trim().parse().unwrap_or(0);
        if let Some(path) = line.strip_prefix("SF:") {
            let room = path.split('/').skip_while(|part| *part != "crates").nth(1).unwrap_or_default();
            here = ROOMS.contains(&room).then(|| room.to_owned());
        } else if let Some(room) = here.as_ref().and_then(|name| rooms.get_mut(name)) {
            if let Some(found) = line.strip_prefix("LF:") {
                room.found += count(found);
            } else if let Some(run) = line.strip_prefix("LH:") {
                room.run += count(run);
            }
        }
    }
    rooms
}

fn table(rooms: &BTreeMap<String, Lines>) -> String {
    let row = |(name, room): (&String, &Lines)| {
        format!("{name:20} {:6} of {:6} lines  {:5.1} %\n", room.run, room.found, room.percent())
    };
    rooms.iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_summed_by_room() {
        let lcov = "SF:crates/observatory/src/a.rs\nDA:1,1\nLF:10\nLH:9\nend_of_record\n\
                    SF:/x/crates/observatory/src/b.rs\nLF:10\nLH:8\nend_of_record\nSF:crates/other/src/a.rs\nLF:5\nLH:0\n";
        let rooms = figures(lcov);
        assert_eq!(rooms["observatory"], Lines { found: 20, run: 17 });
        assert_eq!(rooms["engine-containers"], Lines::default());
        assert!(table(&rooms).contains("observatory              17 of     20 lines   85.0 %"), "{}", table(&rooms));
    }

    #[test]
    fn the_gate_names_its_report() {
        assert!(report_place().unwrap().ends_with("target/lcov.info"));
    }
}
