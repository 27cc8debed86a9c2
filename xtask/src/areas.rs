//! `cargo xtask bench` and `cargo xtask soak`: which areas there are, and what measures or proves each.

use crate::{
    failure::Failure,
    fuzz, needs,
    process::{Program, print, say},
    suite,
    up::{self, Profile},
    wheel,
};

/// Something that is measured or proven at length.
struct Area {
    name: &'static str,
    /// What its figures say.
    shows: &'static str,
    step: Step,
}

/// How it is done.
enum Step {
    /// Benches of one package that drive no program and need no service, one after the other.
    Alone { package: &'static str, benches: &'static [&'static str] },
    /// Benches of the workspace, one after the other, beside the programs built for release, which they may drive.
    Bench(&'static [&'static str]),
    /// The property tests of a package, with so many cases each.
    Properties { package: &'static str, cases: u32 },
    /// A module of the acceptance tests with all that it can show, in the limits that are promised.
    Acceptance(&'static str),
    /// Noise for each fuzz target of a package, for so many seconds each, after its property tests with so many cases.
    Fuzz { package: &'static str, targets: &'static [&'static str], seconds: u32, cases: u32 },
    /// The tests of a package with all that they can show, one after the other, in the limits that are promised.
    Package(&'static str),
    /// The monitoring stack's tool as a Python package.
    Wheel,
}

const BENCHES: &[Area] = &[
    Area {
        name: "bus",
        shows: "deliver rate, round trip, idle memory and start beside Mosquitto; what authorisation adds, and logins",
        step: Step::Bench(&["bus"]),
    },
    Area {
        name: "rights",
        shows: "a check of a right beside Cedar and Casbin, logins, checks of tokens, and how soon what was taken away is gone",
        step: Step::Bench(&["rights", "tokens"]),
    },
    Area {
        name: "orbit",
        shows: "states of satellites, passes and close approaches a second beside the peers of each, and where the peers differ from us",
        step: Step::Alone { package: "engine-orbital", benches: &["propagation", "passes", "approaches"] },
    },
];

const SOAKS: &[Area] = &[
    Area {
        name: "catalog",
        shows: "a million cases of every property of messages, topics and envelopes",
        step: Step::Properties { package: "catalog", cases: 1_000_000 },
    },
    Area {
        name: "vocabulary",
        shows: "a million cases of every property of ids, angles and times",
        step: Step::Properties { package: "vocabulary", cases: 1_000_000 },
    },
    Area {
        name: "astrometry",
        shows: "a hundred thousand cases of the laws of separations and time scales",
        step: Step::Properties { package: "astrometry", cases: 100_000 },
    },
    Area {
        name: "elements",
        shows: "ten minutes of noise for the reader of each form of element sets, and a hundred thousand cases of their laws",
        step: Step::Fuzz {
            package: "engine-orbital",
            targets: &["tle", "omm_json", "omm_xml", "omm_kvn", "omm_csv"],
            seconds: 600,
            cases: 100_000,
        },
    },
    Area {
        name: "faults",
        shows: "two hundred commands for each that is killed, on both brokers; states after twenty restarts of each broker",
        step: Step::Acceptance("faults::"),
    },
    Area {
        name: "safety",
        shows: "fifty aborts in every fault, each at the device within 200 ms",
        step: Step::Acceptance("safety::"),
    },
    Area {
        name: "rights",
        shows: "a million questions to rights that change meanwhile, the time of a refusal, a thousand changes seen elsewhere",
        step: Step::Package("engine-accounts"),
    },
    Area {
        name: "tokens",
        shows: "a million times noise, and as often each kind of broken token; how soon a revocation is heard of",
        step: Step::Package("engine-tokens"),
    },
    Area {
        name: "house",
        shows: "roles that find nothing to work with, folders in use, a password that changes",
        step: Step::Acceptance("house::"),
    },
    Area {
        name: "observatory",
        shows: "a monitoring stack whose start is killed at twenty points, and converges each time; changes of 24 kinds behind its back, and what Compose sees of them",
        step: Step::Package("observatory"),
    },
    Area {
        name: "wheel",
        shows: "the Python package: its size, the time of its help, and a stack that it starts where nothing else is installed",
        step: Step::Wheel,
    },
];

/// Measures one area.
pub(crate) fn bench(arguments: &[String]) -> Result<(), Failure> {
    choose("bench", BENCHES, arguments)
}

/// Proves one area at length.
pub(crate) fn soak(arguments: &[String]) -> Result<(), Failure> {
    choose("soak", SOAKS, arguments)
}

fn choose(command: &str, areas: &[Area], arguments: &[String]) -> Result<(), Failure> {
    let Some((name, rest)) = arguments.split_first() else {
        print(&list(command, areas));
        return Ok(());
    };
    match areas.iter().find(|area| area.name == name) {
        Some(area) => area.step.run(rest),
        None => Err(Failure::new(format!("{command} has no area `{name}`"), list(command, areas))),
    }
}

fn list(command: &str, areas: &[Area]) -> String {
    let lines = areas.iter().map(|area| format!("  {:12} {}\n", area.name, area.shows));
    format!("the areas of `cargo xtask {command}`:\n{}", lines.collect::<String>())
}

impl Step {
    fn run(&self, arguments: &[String]) -> Result<(), Failure> {
        match *self {
            Self::Bench(names) => {
                let ready = needs::ensure()?;
                up::build(Profile::Release)?;
                let chosen = names.iter().flat_map(|name| ["--bench", name]);
                let cargo = Program::cargo().args(["bench", "--workspace"]).args(chosen).args(["--"]).args(arguments);
                suite::prepared(cargo, &ready)?.show()
            }
            Self::Alone { package, benches } => {
                for bench in benches {
                    let cargo = Program::cargo().args(["bench", "--package", package, "--bench", bench, "--"]);
                    cargo.args(arguments).show()?;
                }
                Ok(())
            }
            Self::Properties { package, cases } => {
                say(&format!(
                    "{cases} cases of each property; a failing case is kept beside its test and runs first from then on"
                ));
                let cargo = Program::cargo().args(["test", "--release", "--package", package]).args(arguments);
                cargo.env("PROPTEST_CASES", cases.to_string()).show()
            }
            Self::Acceptance(module) => {
                let ready = needs::ensure()?;
                up::build(Profile::Release)?;
                let cargo =
                    Program::cargo().args(["test", "--release", "--package", "acceptance", "--test", "it", "--"]);
                let one_by_one = cargo.args([module, "--nocapture", "--test-threads", "1"]).args(arguments);
                suite::prepared(one_by_one.env("BIGSKIES_SOAK", "yes"), &ready)?.show()
            }
            Self::Fuzz { package, targets, seconds, cases } => {
                let cargo = Program::cargo().args(["test", "--release", "--package", package, "elements"]);
                cargo.env("PROPTEST_CASES", cases.to_string()).show()?;
                targets.iter().try_for_each(|target| fuzz::run(package, target, seconds, arguments))
            }
            Self::Wheel => wheel::prove(arguments),
            Self::Package(package) => {
                let ready = needs::ensure()?;
                let cargo = Program::cargo().args(["test", "--release", "--package", package, "--test", "it", "--"]);
                let one_by_one = cargo.args(["--nocapture", "--test-threads", "1"]).args(arguments);
                suite::prepared(one_by_one.env("BIGSKIES_SOAK", "yes"), &ready)?.show()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_area_lists_the_areas() {
        for (command, run, areas) in [("bench", bench as fn(&[String]) -> _, BENCHES), ("soak", soak, SOAKS)] {
            let said = run(&["moon".to_owned()]).unwrap_err().to_string();
            assert!(said.contains(&format!("{command} has no area `moon`")), "{said}");
            for area in areas {
                assert!(said.contains(area.name), "{said}");
            }
        }
    }
}
