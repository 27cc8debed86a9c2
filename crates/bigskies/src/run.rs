//! `bigskies run ROLE…`: some roles of an observatory, against a broker and a database that others run.

use clap::Args;
use vocabulary::Fault;

/// What `run` can be told.
#[derive(Debug, Args)]
pub(crate) struct RunOptions {
    /// The roles.
    #[arg(required = true)]
    roles: Vec<String>,
}

/// Runs the roles until the process is told to end.
pub(crate) async fn run(options: RunOptions, _: &crate::terminal::ClientOptions) -> Result<(), Fault> {
    Err(Fault::invalid(format!("{:?}", options.roles)))
}
