//! The operator's terminal: commands in a person's words, each a question to the bus. What serves an observatory is elsewhere.

mod client;
mod doctor;
mod health;
mod listen;
mod nearest;
pub(crate) mod output;
mod send;
mod settings;
pub(crate) mod table;
mod telescope;
pub(crate) mod topics;
mod watch;

use clap::{CommandFactory as _, Subcommand};
use clap_complete::Shell;
use vocabulary::Fault;

pub(crate) use client::ClientOptions;
pub(crate) use settings::owner_parser;

use crate::{
    cli::Cli,
    describe::{self, Describe},
    terminal::{
        client::Client,
        doctor::Doctor,
        health::Health,
        output::{Ending, Output},
        send::Send,
        settings::Settings,
        telescope::Telescope,
        watch::Watch,
    },
};

/// What an operator can do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Move telescopes and see where they point.
    #[command(subcommand)]
    Telescope(Telescope),
    /// Send a message and show its answer.
    Send(Send),
    /// Show messages as they come.
    Watch(Watch),
    /// See and change the settings of coordinators.
    #[command(subcommand)]
    Settings(Settings),
    /// Show how well every part of the observatory is.
    Health(Health),
    /// Look at each part and say what is wrong and what to do about it.
    Doctor(Doctor),
    /// Describe messages, settings and roles.
    #[command(subcommand)]
    Describe(Describe),
    /// Write completions for a shell to standard output.
    Completions {
        /// The shell.
        shell: Shell,
    },
}

/// Does what an operator asks for.
///
/// # Errors
/// Whatever the asked coordinator says, and what keeps it from being asked.
pub(crate) async fn run(command: Command, options: ClientOptions) -> Result<(), Fault> {
    let mut out = options.output();
    match dispatch(command, &options, &mut out).await {
        // Whoever reads has read enough.
        Ok(()) | Err(Ending::PipeClosed) => Ok(()),
        Err(Ending::Fault(fault)) => Err(fault),
    }
}

async fn dispatch(command: Command, options: &ClientOptions, out: &mut Output) -> Result<(), Ending> {
    match command {
        Command::Describe(describe) => return describe::run(describe, out),
        Command::Completions { shell } => return completions(shell, out),
        Command::Doctor(_) => return doctor::run(options, out).await,
        Command::Telescope(_) | Command::Send(_) | Command::Watch(_) | Command::Settings(_) | Command::Health(_) => {}
    }
    let client = Client::connect(options).await?;
    let outcome = match command {
        Command::Telescope(telescope) => telescope::run(telescope, &client, out).await,
        Command::Send(send) => send::run(send, &client, out).await,
        Command::Watch(watch) => watch::run(watch, &client, out).await,
        Command::Settings(settings) => settings::run(settings, &client, out).await,
        Command::Health(_) => health::run(&client, out).await,
        Command::Doctor(_) | Command::Describe(_) | Command::Completions { .. } => Ok(()),
    };
    client.close().await;
    outcome
}

fn completions(shell: Shell, out: &mut Output) -> Result<(), Ending> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "bigskies", &mut script);
    out.text(&String::from_utf8_lossy(&script))
}
