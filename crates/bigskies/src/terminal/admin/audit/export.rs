//! `bigskies admin audit export`: the whole trail as JSON lines, page by page.

use std::{
    fs::{File, OpenOptions},
    io::{IsTerminal as _, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use catalog::security::{AuditOutcome, ExportAudit};
use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;
use vocabulary::Fault;

use crate::terminal::{
    admin::audit::WhichArgs,
    client::Client,
    output::{Ending, Output},
};

/// How many rows are asked for at once; fewer come where they are long.
const PAGE: u32 = 1000;

/// What to write where.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  bigskies admin audit export --from 2026-11-01T00:00:00Z --out november.jsonl")]
pub(crate) struct ExportArgs {
    #[command(flatten)]
    which: WhichArgs,
    /// Write to this file; to standard output where nothing is said.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Writes all pages.
pub(crate) async fn run(arguments: ExportArgs, client: &Client, out: &mut Output) -> Result<(), Ending> {
    let ExportArgs { which, out: path } = arguments;
    let user_id = which.user_id(client).await?;
    let WhichArgs { account, user: _, action, object, outcome, from, to } = which;
    let mut export = ExportAudit {
        account,
        user_id,
        action,
        object,
        outcome: outcome.map(AuditOutcome::from),
        from,
        to,
        limit: Some(PAGE),
        cursor: None,
    };
    let mut file = path.as_deref().map(create).transpose()?;
    let bar = bar();
    let mut rows = 0;
    loop {
        let page = client.ask(&export).await?;
        match (&mut file, path.as_deref()) {
            (Some(file), Some(path)) => file.write_all(page.lines.as_bytes()).map_err(|e| unwritten(path, &e))?,
            _ if page.lines.is_empty() => {}
            _ => out.text(&page.lines)?,
        }
        rows += u64::from(page.rows);
        bar.set_position(rows);
        // A page without rows that names another would never end.
        match page.next.filter(|_| page.rows > 0) {
            Some(next) => export.cursor = Some(next),
            None => break,
        }
    }
    bar.finish_and_clear();
    let (Some(file), Some(path)) = (file, path) else { return Ok(()) };
    file.sync_all().map_err(|e| unwritten(&path, &e))?;
    out.show(&json!({ "rows": rows, "file": path }), |_| format!("{rows} rows are in {}", path.display()))
}

/// The trail tells who was where when, so its owner alone reads it.
fn create(path: &Path) -> Result<File, Fault> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600).open(path).map_err(|e| unwritten(path, &e))
}

fn unwritten(path: &Path, error: &std::io::Error) -> Fault {
    Fault::unavailable(format!("{} can't be written: {error}", path.display())).hint("see to the folder and the disk")
}

/// How many rows there will be is not known.
fn bar() -> ProgressBar {
    let bar = ProgressBar::no_length();
    if !std::io::stderr().is_terminal() {
        bar.set_draw_target(ProgressDrawTarget::hidden());
    }
    if let Ok(style) = ProgressStyle::with_template("{spinner} {human_pos} rows, {per_sec}") {
        bar.set_style(style);
    }
    bar
}
