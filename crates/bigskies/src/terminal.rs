//! The operator's terminal: commands in a person's words, each a question to the bus. What serves an observatory is elsewhere.

mod admin;
mod client;
mod doctor;
mod health;
mod identity;
mod listen;
mod login;
mod logins;
mod logout;
mod nearest;
mod orbit;
pub(crate) mod output;
mod pages;
mod private_file;
mod prompt;
mod send;
mod settings;
pub(crate) mod table;
mod telescope;
pub(crate) mod topics;
mod watch;
mod whoami;

use clap::{CommandFactory as _, Subcommand};
use clap_complete::Shell;
use vocabulary::Fault;

pub(crate) use client::ClientOptions;
pub(crate) use settings::owner_parser;

use crate::{
    cli::Cli,
    describe::{self, Describe},
    terminal::{
        admin::Admin,
        client::Client,
        doctor::Doctor,
        health::Health,
        login::Login,
        logout::Logout,
        orbit::Orbit,
        output::{Ending, Output},
        send::Send,
        settings::Settings,
        telescope::Telescope,
        watch::Watch,
        whoami::Whoami,
    },
};

/// What an operator can do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Log in at an observatory. An API key is kept, with which every other command connects from then on.
    Login(Login),
    /// Log out: revoke the key that was kept.
    Logout(Logout),
    /// Show who one is to the observatory, and what one may do.
    Whoami(Whoami),
    /// Manage accounts, roles, groups, permissions, keys and certificates, and read the audit trail.
    #[command(subcommand)]
    Admin(Box<Admin>),
    /// Move telescopes and see where they point.
    #[command(subcommand)]
    Telescope(Telescope),
    /// Know where satellites are, when they pass and how close they come, from element sets in a file.
    #[command(subcommand)]
    Orbit(Box<Orbit>),
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
        Command::Describe(describe) => describe::run(describe, out),
        Command::Completions { shell } => completions(shell, out),
        Command::Orbit(orbit) => orbit::run(*orbit, options, out),
        Command::Doctor(_) => doctor::run(options, out).await,
        Command::Login(login) => login::run(login, options, out).await,
        Command::Logout(logout) => logout::run(logout, options, out).await,
        Command::Admin(admin) => admin::run(*admin, options, out).await,
        Command::Whoami(_) => connected(options, async |client| whoami::run(client, out).await).await,
        Command::Telescope(telescope) => {
            connected(options, async |client| telescope::run(telescope, client, out).await).await
        }
        Command::Send(send) => connected(options, async |client| send::run(send, client, out).await).await,
        Command::Watch(watch) => connected(options, async |client| watch::run(watch, client, out).await).await,
        Command::Settings(settings) => {
            connected(options, async |client| settings::run(settings, client, out).await).await
        }
        Command::Health(_) => connected(options, async |client| health::run(client, out).await).await,
    }
}

/// Does something over a connection, and closes it.
async fn connected(
    options: &ClientOptions,
    deed: impl AsyncFnOnce(&Client) -> Result<(), Ending>,
) -> Result<(), Ending> {
    let client = Client::connect(options).await?;
    let outcome = deed(&client).await;
    client.close().await;
    outcome
}

fn completions(shell: Shell, out: &mut Output) -> Result<(), Ending> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "bigskies", &mut script);
    out.text(&String::from_utf8_lossy(&script))
}
