//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;

use crate::{
    configuration::{EngineKind, Kind},
    output::Form,
};

/// The monitoring stack around BIG SKIES: Prometheus, Grafana, Pushgateway and what belongs to them.
#[derive(Debug, Parser)]
#[command(name = "observatory", version, propagate_version = true, max_term_width = 120)]
#[command(after_help = "Every exit code is documented in docs/guides/observatory/exit-codes.md; 0 is success.")]
pub struct Cli {
    /// What holds for every command.
    #[command(flatten)]
    pub options: Options,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What holds for every command.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// The configuration; without it `observatory.toml` of the current folder where there is one, else the defaults.
    #[arg(long, global = true, env = "OBSERVATORY_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Where data and state are kept; without it a folder of the project below the user's data folder.
    #[arg(long, global = true, env = "OBSERVATORY_DATA", value_name = "FOLDER")]
    pub data: Option<PathBuf>,
    /// The environment to work on.
    #[arg(long, short, global = true, value_name = "NAME")]
    pub environment: Option<String>,
    /// What runs the stack.
    #[arg(long, global = true, value_name = "ENGINE")]
    pub engine: Option<EngineKind>,
    /// The host that the stack runs on, reached over SSH.
    #[arg(long, global = true, value_name = "HOST")]
    pub host: Option<String>,
    /// Switch a service on.
    #[arg(long, global = true, value_name = "SERVICE")]
    pub with: Vec<Kind>,
    /// Switch a service off.
    #[arg(long, global = true, value_name = "SERVICE")]
    pub without: Vec<Kind>,
    /// Set any field of the configuration for this time.
    #[arg(long, global = true, value_name = "FIELD=VALUE")]
    pub set: Vec<String>,
    /// Write results as JSON, one object a line.
    #[arg(long, global = true)]
    pub json: bool,
}

impl Options {
    /// For whom results are written.
    pub const fn form(&self) -> Form {
        if self.json { Form::Json } else { Form::Person }
    }
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start the stack, or change it to what is configured, and wait until a pushed sample is scraped and queried back.
    Up(Up),
    /// Take the stack down.
    Down(Down),
    /// Show each service: how it is, where it is reached, its version, and what somebody changed.
    Status,
    /// Show what services wrote.
    Logs(Logs),
    /// Show what `up` would change; exit code 0 if nothing, 2 if something.
    Plan,
    /// Write what the services keep into one archive: samples, Grafana's database, pushed metrics.
    Backup(Backup),
    /// Put back what an archive holds.
    Restore(Restore),
    /// Find out what runs on a host, whoever set it up: containers, networks, volumes, and configuration files from inside.
    Discover(Discover),
    /// Write what runs on a host as a project that can be started elsewhere; secrets go into `.env` alone.
    Export(Export),
    /// Make what an export, a compose project or a discovery describes; shows what it would do first.
    Import(Import),
    /// Write the files of the stack into a folder: compose file, configuration files, dashboards, rules.
    Render(Render),
    /// See, check and change the configuration.
    #[command(subcommand)]
    Config(Config),
    /// Write completions for a shell to standard output.
    Completions {
        /// The shell.
        shell: Shell,
    },
    /// Keep one program of a stack running; called by `up --engine process`.
    #[command(hide = true)]
    Keep {
        /// The stack's folder.
        folder: PathBuf,
        /// The service.
        service: Kind,
    },
}

/// Start the stack.
#[derive(Debug, Args)]
pub struct Up {
    /// Show what would change, and change nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// How long the stack has to show that it works.
    #[arg(long, default_value_t = 120, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub wait_seconds: u64,
}

/// Take the stack down.
#[derive(Debug, Args)]
pub struct Down {
    /// Remove the data, too; asks first.
    #[arg(long)]
    pub volumes: bool,
    /// Answer yes to what is asked.
    #[arg(long, short)]
    pub yes: bool,
    /// Show what would be taken down, and change nothing.
    #[arg(long)]
    pub dry_run: bool,
}

/// Show what services wrote.
#[derive(Debug, Args)]
pub struct Logs {
    /// The services; all without any.
    pub services: Vec<Kind>,
    /// Only what is younger: a time such as 2026-11-21T20:15:00Z, or a length such as 15m.
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// How many lines of each service at most.
    #[arg(long, default_value_t = 200, value_name = "LINES")]
    pub tail: usize,
    /// Go on with what they write from now on.
    #[arg(long, short)]
    pub follow: bool,
}

/// Write what the services keep into one archive.
#[derive(Debug, Args)]
pub struct Backup {
    /// The archive, or a folder in which it is named by project, environment and time.
    #[arg(value_name = "FILE|FOLDER")]
    pub to: PathBuf,
    /// Show what would be saved and how, and write nothing.
    #[arg(long)]
    pub dry_run: bool,
}

/// Put back what an archive holds.
#[derive(Debug, Args)]
pub struct Restore {
    /// The archive.
    #[arg(value_name = "FILE")]
    pub from: PathBuf,
    /// Answer yes to what is asked.
    #[arg(long, short)]
    pub yes: bool,
    /// Check the archive, show what would be replaced, and change nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// How long the services have to be ready again.
    #[arg(long, default_value_t = 120, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub wait_seconds: u64,
}

/// Find out what runs on a host.
#[derive(Debug, Args)]
pub struct Discover {
    /// Read what the script gathered, or the data of an earlier discovery, instead of asking a host.
    #[arg(long, value_name = "FILE")]
    pub from: Option<PathBuf>,
    /// Write a shell script to standard output that gathers the same on a host where one may only log in by hand.
    #[arg(long, conflicts_with_all = ["from", "report", "out"])]
    pub script: bool,
    /// Look at these containers or compose projects alone.
    #[arg(long, value_name = "NAME")]
    pub only: Vec<String>,
    /// Write the report into a file, too.
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// Write the data as JSON into a file, too.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// Write what runs on a host as a project.
#[derive(Debug, Args)]
pub struct Export {
    /// The folder.
    #[arg(value_name = "FOLDER")]
    pub out: PathBuf,
    /// Read what the script gathered, or the data of an earlier discovery, instead of asking a host.
    #[arg(long, value_name = "FILE")]
    pub from: Option<PathBuf>,
    /// Take these containers or compose projects alone.
    #[arg(long, value_name = "NAME")]
    pub only: Vec<String>,
    /// The name of the project; without it that of the folder.
    #[arg(long, value_name = "NAME")]
    pub project: Option<String>,
    /// Show which files would be written, and write none.
    #[arg(long)]
    pub dry_run: bool,
}

/// Make what an export, a compose project or a discovery describes.
#[derive(Debug, Args)]
pub struct Import {
    /// The folder of an export or of a compose project.
    #[arg(value_name = "FOLDER", required_unless_present = "from", conflicts_with = "from")]
    pub folder: Option<PathBuf>,
    /// What the script gathered, or the data of a discovery.
    #[arg(long, value_name = "FILE")]
    pub from: Option<PathBuf>,
    /// Values of variables and secrets, besides those in the folder's `.env`.
    #[arg(long, value_name = "FILE")]
    pub env_file: Option<PathBuf>,
    /// Do it without asking.
    #[arg(long, short)]
    pub yes: bool,
    /// Show what would be done, and do nothing.
    #[arg(long)]
    pub dry_run: bool,
}

/// Write the files of the stack into a folder.
#[derive(Debug, Args)]
pub struct Render {
    /// The folder.
    #[arg(long, value_name = "FOLDER")]
    pub out: PathBuf,
    /// Show which files would differ, and write none.
    #[arg(long)]
    pub dry_run: bool,
}

/// See, check and change the configuration.
#[derive(Debug, Subcommand)]
pub enum Config {
    /// Show all that counts.
    Show {
        /// Show where each value came from.
        #[arg(long)]
        origin: bool,
    },
    /// Show one field.
    Get {
        /// The field, such as `services.prometheus.port`.
        field: String,
    },
    /// Set one field in the file.
    Set {
        /// The field, such as `services.prometheus.port`.
        field: String,
        /// Its value, as TOML; what is none is a text.
        value: String,
        /// Show the line that would be written, and write nothing.
        #[arg(long)]
        dry_run: bool,
    },
    /// Take one field out of the file, so that its default counts again.
    Unset {
        /// The field.
        field: String,
        /// Check that it can be taken out, and write nothing.
        #[arg(long)]
        dry_run: bool,
    },
    /// Say whether the configuration can be used.
    Validate,
    /// Open the file in $VISUAL or $EDITOR; it is kept only if it can be used.
    Edit,
}
