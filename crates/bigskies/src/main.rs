//! BIG SKIES: the server and the operator's terminal in one binary. Here stands only who is called for which command.

mod cli;
mod data_folder;
mod describe;
mod house;
mod run;
mod terminal;
mod up;

use std::{io::Write as _, process::ExitCode};

use clap::Parser as _;
use vocabulary::Fault;

use crate::cli::{Cli, Command};

fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(e) => return failed(&Fault::unavailable(format!("threads can't be started: {e}"))),
    };
    let outcome = runtime.block_on(dispatch(cli));
    // A thread that still waits for a name or a disk must not hold the process up.
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => failed(&fault),
    }
}

async fn dispatch(cli: Cli) -> Result<(), Fault> {
    match cli.command {
        Command::Up(options) => up::run(*options, &cli.client).await,
        Command::Run(options) => run::run(*options, &cli.client).await,
        Command::Terminal(command) => terminal::run(command, cli.client).await,
    }
}

/// Tells the fault and the way out on standard error, and comes to its exit code.
fn failed(fault: &Fault) -> ExitCode {
    let mut out = std::io::stderr().lock();
    let _ = writeln!(out, "error: {}", fault.message);
    if !fault.hint.is_empty() {
        let _ = writeln!(out, "hint: {}", fault.hint);
    }
    ExitCode::from(fault.code.exit_code())
}
