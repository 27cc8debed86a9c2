//! The reference of all commands, read off the command line's definition.

use std::fmt::Write as _;

use clap::{Arg, ArgAction, Command, CommandFactory as _};

use crate::{cli::Cli, describe::cell};

/// The page of the documents.
pub(crate) fn page() -> String {
    let mut root = Cli::command();
    root.build();
    let mut page = String::from(
        "# Commands\n\nGenerated from the command line's definition by `cargo xtask generate`; do not edit.\n\n\
         Exit codes are in [exit-codes.md](exit-codes.md). Errors and their hints go to standard error, results to standard output.\n",
    );
    write_command(&mut page, root, Depth::Root);
    page
}

/// The text with the full stop at its end that clap takes away from a single sentence.
fn sentences(text: &str) -> String {
    let is_open = !text.is_empty() && !text.ends_with(['.', '!', '?', '…']);
    if is_open { format!("{text}.") } else { text.to_owned() }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Depth {
    Root,
    Below,
}

fn write_command(page: &mut String, mut command: Command, depth: Depth) {
    let name = command.get_bin_name().unwrap_or_else(|| command.get_name()).to_owned();
    let about = command.get_long_about().or_else(|| command.get_about());
    let about = about.map(|about| sentences(about.to_string().trim())).unwrap_or_default();
    let usage = command.render_usage().to_string();
    let usage: Vec<&str> = usage.trim_start_matches("Usage: ").lines().map(str::trim).collect();
    let _ = write!(page, "\n## {name}\n\n{about}\n\n```\n{}\n```\n", usage.join("\n"));
    // Global options stand once, at the root.
    let is_shown =
        |arg: &&Arg| !arg.is_hide_set() && (depth == Depth::Root || !arg.is_global_set()) && !is_built_in(arg);
    write_arguments(page, "argument", command.get_positionals().filter(is_shown));
    write_arguments(page, "option", command.get_arguments().filter(|arg| !arg.is_positional()).filter(is_shown));
    if let Some(example) = command.get_after_help().map(ToString::to_string) {
        let lines: Vec<&str> = example.lines().skip(1).map(str::trim).collect();
        let _ = write!(page, "\nExample:\n\n```sh\n{}\n```\n", lines.join("\n"));
    }
    let below: Vec<Command> =
        command.get_subcommands().filter(|sub| !sub.is_hide_set() && sub.get_name() != "help").cloned().collect();
    for sub in below {
        write_command(page, sub, Depth::Below);
    }
}

fn is_built_in(arg: &Arg) -> bool {
    matches!(arg.get_action(), ArgAction::Help | ArgAction::HelpShort | ArgAction::HelpLong | ArgAction::Version)
}

fn write_arguments<'a>(page: &mut String, heading: &str, arguments: impl Iterator<Item = &'a Arg>) {
    let rows: Vec<String> = arguments.map(row).collect();
    if rows.is_empty() {
        return;
    }
    let _ = write!(page, "\n| {heading} | |\n|---|---|\n{}\n", rows.join("\n"));
}

fn row(arg: &Arg) -> String {
    let mut about = arg
        .get_long_help()
        .or_else(|| arg.get_help())
        .map(|help| sentences(&cell(&help.to_string())))
        .unwrap_or_default();
    let mut more = |sentence: String| {
        let _ = write!(about, " {sentence}");
    };
    if arg.get_action().takes_values() {
        let values: Vec<String> = arg
            .get_possible_values()
            .iter()
            .filter(|value| !value.is_hide_set())
            .map(|value| format!("`{}`", value.get_name()))
            .collect();
        if !values.is_empty() {
            more(format!("One of {}.", values.join(", ")));
        }
        let defaults: Vec<_> = arg.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
        if !defaults.is_empty() && !arg.is_hide_default_value_set() {
            more(format!("Default: `{}`.", defaults.join(" ")));
        }
    }
    if let Some(variable) = arg.get_env() {
        more(format!("Environment: `{}`.", variable.to_string_lossy()));
    }
    if arg.is_required_set() {
        more("Required.".to_owned());
    }
    format!("| `{}` | {} |", cell(&spelling(arg)), about.trim())
}

/// The argument as it is written on the command line.
fn spelling(arg: &Arg) -> String {
    let names = arg.get_value_names().unwrap_or_default();
    if arg.is_positional() {
        let name = names.first().map_or_else(|| arg.get_id().as_str().to_uppercase(), ToString::to_string);
        return if matches!(arg.get_action(), ArgAction::Append) { format!("{name}…") } else { name };
    }
    let mut words = Vec::new();
    words.extend(arg.get_short().map(|short| format!("-{short}")));
    words.extend(arg.get_long().map(|long| format!("--{long}")));
    let mut spelling = words.join(", ");
    if arg.get_action().takes_values() {
        for name in names {
            let _ = write!(spelling, " {name}");
        }
    }
    spelling
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_holds_together() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_page_has_every_command() {
        let page = page();
        for part in [
            "## bigskies\n",
            "## bigskies up\n",
            "## bigskies telescope slew\n",
            "## bigskies admin user create\n",
            "Example:\n\n```sh\nbigskies admin role assign operator ann\n```\n",
            "bigskies telescope slew [OPTIONS] [TELESCOPE] <RA> <DEC>\n",
            "| `--altaz ALT AZ` |",
            "| `--broker ADDR` |",
            "Environment: `BIGSKIES_BROKER`.",
            "| `FILTER…` |",
            "One of `j2000`, `of-date`, `mount`. Default: `j2000`.",
        ] {
            assert!(page.contains(part), "{part:?} is not in\n{page}");
        }
        for part in ["generated", "bigskies help", "\u{1b}"] {
            assert!(!page.contains(&format!("## bigskies describe {part}")) && !page.contains("\u{1b}"), "{part:?}");
        }
        assert_eq!(page.matches("| `--broker ADDR` |").count(), 1, "global options stand once");
    }

    #[test]
    fn every_argument_says_what_it_is() {
        let mut root = Cli::command();
        root.build();
        check_below(&root);
    }

    #[test]
    fn examples_can_be_typed() {
        let root = Cli::command();
        for wanted in ["login", "logout", "whoami", "admin"] {
            let command = root.get_subcommands().find(|sub| sub.get_name() == wanted).unwrap();
            check_examples(command);
        }
    }

    /// Every command without others below it has an example that the command line takes.
    fn check_examples(command: &Command) {
        if command.has_subcommands() {
            command.get_subcommands().for_each(check_examples);
            return;
        }
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        let example = help.strip_prefix("Example:\n  ").unwrap_or_else(|| panic!("{} has none", command.get_name()));
        let words = example.split('"').enumerate().flat_map(|(place, part)| {
            let quoted = place % 2 == 1;
            if quoted { vec![part] } else { part.split_whitespace().collect() }
        });
        let parsed = Cli::command().try_get_matches_from(words);
        assert!(parsed.is_ok(), "{example}: {}", parsed.unwrap_err());
    }

    fn check_below(command: &Command) {
        assert!(command.get_about().is_some(), "{}", command.get_name());
        for arg in command.get_arguments().filter(|arg| !is_built_in(arg)) {
            assert!(arg.get_help().is_some(), "{} of {}", arg.get_id(), command.get_name());
        }
        for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
            check_below(sub);
        }
    }
}
