//! `bigskies describe`: messages, settings, roles and commands as the code has them, for the terminal and for the documents.

mod commands;
mod exit_codes;
mod generated;
mod messages;
mod roles;
mod settings;

use std::path::PathBuf;

use catalog::Owner;
use clap::Subcommand;

use crate::terminal::{
    output::{Ending, Output},
    owner_parser,
};

/// What to describe. Nothing of it needs a running observatory.
#[derive(Debug, Subcommand)]
pub(crate) enum Describe {
    /// Describe the messages on the bus.
    Messages {
        /// A message by its name, another spelling or its topic, or the beginning of several; all where nothing is said.
        #[arg(value_name = "NAME")]
        name: Option<String>,
    },
    /// Describe the settings of coordinators.
    Settings {
        /// Only of this coordinator.
        #[arg(value_parser = owner_parser())]
        coordinator: Option<Owner>,
    },
    /// Describe the roles that `bigskies run` can take.
    Roles,
    /// Write all generated documents into a folder.
    #[command(hide = true)]
    Generated {
        /// The folder.
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
    },
}

/// Describes it.
pub(crate) fn run(describe: Describe, out: &mut Output) -> Result<(), Ending> {
    match describe {
        Describe::Messages { name } => messages::describe(name.as_deref(), out),
        Describe::Settings { coordinator } => settings::describe(coordinator, out),
        Describe::Roles => roles::describe(out),
        Describe::Generated { out: folder } => generated::write(&folder, out),
    }
}

/// A text as one cell of a table in Markdown.
fn cell(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
}
