//! The program `observatory`: reads the command line, does what it says, and ends with the exit code that the documents list.

use std::process::ExitCode;

use clap::Parser as _;
use observatory::{
    cli::Cli,
    commands,
    failure::{Failure, Reason},
    output::{Ending, Output},
};

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let _nobody_listens = error.print();
            let code = if error.use_stderr() { Reason::Usage.exit_code() } else { 0 };
            return ExitCode::from(code);
        }
    };
    let mut out = Output::new(cli.options.form());
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            return out.failed(&Failure::new(Reason::Unavailable, format!("the program can't be started: {error}")));
        }
    };
    let outcome = runtime.block_on(async {
        tokio::select! {
            outcome = commands::run(cli, &mut out) => outcome,
            _ = tokio::signal::ctrl_c() => Err(Failure::new(Reason::Interrupted, "interrupted")
                .hint("the next `observatory up` finishes what was begun")
                .into()),
        }
    });
    // A thread that still waits for a name or a disk must not hold the process up.
    runtime.shutdown_timeout(std::time::Duration::from_millis(200));
    match outcome {
        Ok(code) => ExitCode::from(code),
        Err(Ending::PipeClosed) => ExitCode::SUCCESS,
        Err(Ending::Failure(failure)) => out.failed(&failure),
    }
}
