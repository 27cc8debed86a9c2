//! The only automation of this workspace, as `cargo xtask COMMAND`: the table of commands, and who carries each out.

mod areas;
mod ci;
mod coverage;
mod failure;
mod fuzz;
mod generate;
mod needs;
mod places;
mod postgresql;
mod process;
mod skeleton;
mod suite;
mod tidy;
mod up;
mod wheel;
mod workspace;

use std::process::ExitCode;

use crate::{failure::Failure, process::say};

/// One command: how it is called, what it does, and who does it.
struct Command {
    name: &'static str,
    usage: &'static str,
    about: &'static str,
    more: &'static str,
    run: fn(&[String]) -> Result<(), Failure>,
}

const COMMANDS: &[Command] = &[
    Command {
        name: "up",
        usage: "up [--dev] [ARGUMENT…]",
        about: "build everything and start the platform",
        more: "Looks for PostgreSQL 15 or newer and fetches a bundle where there is none, builds the release profile (the debug \
               profile with --dev), then becomes `bigskies up ARGUMENT…`.",
        run: up::run,
    },
    Command {
        name: "test",
        usage: "test [FILTER…]",
        about: "set up what tests need, then run every check and every test",
        more: "Without a filter: tidy, generate --check, all tests, doc tests. With filters: only the tests whose names contain \
               one of them.",
        run: suite::run,
    },
    Command {
        name: "ci",
        usage: "ci",
        about: "what a change must pass: format, lints, licences, then test",
        more: "",
        run: ci::run,
    },
    Command {
        name: "tidy",
        usage: "tidy",
        about: "check the rules of the house that the compiler does not know",
        more: "CONTRIBUTING.md lists the rules. Each finding names its file and line and a way out.",
        run: tidy::run,
    },
    Command {
        name: "generate",
        usage: "generate [--check]",
        about: "write docs/generated and .sqlx from the code",
        more: "With --check nothing is written; stale files are listed and the command fails.",
        run: generate::run,
    },
    Command {
        name: "new",
        usage: "new {coordinator|engine|message} NAME",
        about: "write a skeleton in the style of the house",
        more: "A coordinator or engine is named by one word (`weather`), a message by its owner and its type \
               (`telescope/FocusMoved`).",
        run: skeleton::run,
    },
    Command {
        name: "bench",
        usage: "bench [AREA]",
        about: "measure one area beside its peers, on this machine",
        more: "Without an area, the areas are listed.",
        run: areas::bench,
    },
    Command {
        name: "coverage",
        usage: "coverage [FILTER…]",
        about: "run the tests of the monitoring stack's tool and say which lines they run",
        more: "Writes LCOV where sonar-project.properties says, prints the share of lines for each room, and fails below 90 %. Needs \
               LLVM's tools: on Debian `sudo apt-get install llvm-19`.",
        run: coverage::run,
    },
    Command {
        name: "wheel",
        usage: "wheel",
        about: "build the monitoring stack's tool as a Python package",
        more: "Writes target/wheels. `cargo xtask soak wheel` installs it and holds it to its size and speed.",
        run: wheel::run,
    },
    Command {
        name: "soak",
        usage: "soak [AREA]",
        about: "run the proofs that take long",
        more: "Without an area, the areas are listed.",
        run: areas::soak,
    },
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match dispatch(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            say(&format!("error: {failure}"));
            ExitCode::FAILURE
        }
    }
}

fn dispatch(arguments: &[String]) -> Result<(), Failure> {
    let Some((name, rest)) = arguments.split_first() else {
        process::print(&help());
        return Ok(());
    };
    if matches!(name.as_str(), "help" | "--help" | "-h") {
        process::print(&rest.first().and_then(|name| find(name)).map_or_else(help, Command::help));
        return Ok(());
    }
    let command = find(name)
        .ok_or_else(|| Failure::new(format!("no command `{name}`"), "`cargo xtask --help` lists the commands"))?;
    if asks_for_help(command, rest) {
        process::print(&command.help());
        return Ok(());
    }
    (command.run)(rest)
}

/// `up --help` is ours too, since the platform may not be built yet; after `--` it is the platform's.
fn asks_for_help(command: &Command, rest: &[String]) -> bool {
    let ours = rest.iter().take_while(|argument| command.name != "up" || argument.as_str() != "--");
    ours.into_iter().any(|argument| argument == "--help" || argument == "-h")
}

fn find(name: &str) -> Option<&'static Command> {
    COMMANDS.iter().find(|command| command.name == name)
}

impl Command {
    fn help(&self) -> String {
        let more = if self.more.is_empty() { String::new() } else { format!("\n{}\n", self.more) };
        format!("cargo xtask {}\n\n{}.\n{more}", self.usage, sentence(self.about))
    }
}

fn help() -> String {
    let width = COMMANDS.iter().map(|command| command.usage.chars().count()).max().unwrap_or(0);
    let mut text = String::from("The automation of BIG SKIES.\n\nUsage: cargo xtask COMMAND\n\n");
    for command in COMMANDS {
        text.push_str(&format!("  {:width$}  {}\n", command.usage, command.about));
    }
    text.push_str("\n`cargo xtask COMMAND --help` says more about one.\n");
    text
}

fn sentence(fragment: &str) -> String {
    let mut letters = fragment.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_is_listed_and_explained() {
        let text = help();
        for command in COMMANDS {
            assert!(text.contains(command.usage), "{} is not in the help", command.name);
            assert!(command.help().starts_with("cargo xtask "), "{} has no help", command.name);
        }
    }

    #[test]
    fn an_unknown_command_names_the_way_out() {
        let failure = dispatch(&["dance".to_owned()]).unwrap_err();
        assert_eq!(failure.to_string(), "no command `dance`\n  hint: `cargo xtask --help` lists the commands");
    }
}
