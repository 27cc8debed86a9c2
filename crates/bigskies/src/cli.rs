//! The root of the command line.

use clap::{Parser, Subcommand};

use crate::{
    run::RunOptions,
    terminal::{self, ClientOptions},
    up::UpOptions,
};

/// An operations platform for everything that watches the sky and everything that flies in it.
#[derive(Debug, Parser)]
#[command(name = "bigskies", version, propagate_version = true, max_term_width = 120)]
pub(crate) struct Cli {
    /// How the terminal's commands reach the observatory.
    #[command(flatten)]
    pub(crate) client: ClientOptions,
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Start an observatory on this machine: broker, database, coordinators, a simulated telescope.
    Up(Box<UpOptions>),
    /// Run some roles of an observatory, against a broker and a database that others run.
    Run(Box<RunOptions>),
    /// The operator's terminal.
    #[command(flatten)]
    Terminal(terminal::Command),
}
