//! `bigskies health`: how well every part is.

use catalog::message::{SystemHealth, SystemHealthNow};
use clap::Args;
use health::{Report, Status};
use vocabulary::{Clock, Timestamp};

use crate::terminal::{
    client::Client,
    output::{Ending, Output, Paint, harmless},
    table::{Shown, duration, table},
};

/// Nothing needs to be said.
#[derive(Debug, Args)]
pub(crate) struct Health {}

/// Asks the message coordinator, which hears all.
pub(crate) async fn run(client: &Client, out: &mut Output) -> Result<(), Ending> {
    let system = client.ask(&SystemHealth {}).await.map_err(|fault| {
        let hint = "`bigskies doctor` asks each coordinator by itself";
        vocabulary::Fault::new(fault.code, fault.message).hint(hint)
    })?;
    out.show(&system, |paint| words(paint, &system, Clock::system().now()))
}

fn words(paint: Paint, system: &SystemHealthNow, now: Timestamp) -> String {
    let rows = system.components.values().map(|report| row(report, now));
    let parts = table(paint, &["part", "status", "up for", "seen", "says"], rows);
    format!("the observatory is {}: {}\n\n{parts}", status(system.status).painted(paint), harmless(&system.message))
}

fn row(report: &Report, now: Timestamp) -> Vec<Shown> {
    let age = now.since(report.observed_at).as_secs();
    let up = report.details.get("uptime_seconds").and_then(serde_json::Value::as_u64);
    vec![
        harmless(&report.component).into(),
        status(report.status),
        up.map_or_else(|| "-".to_owned(), |up| duration(up.saturating_add(age))).into(),
        format!("{} ago", duration(age)).into(),
        harmless(&report.message).into(),
    ]
}

/// The word for how well something is, in its colour.
fn status(status: Status) -> Shown {
    match status {
        Status::Healthy => Shown::good(status.as_str()),
        Status::Unknown | Status::Degraded => Shown::doubtful(status.as_str()),
        Status::Unhealthy => Shown::bad(status.as_str()),
    }
}

#[cfg(test)]
mod tests {
    use catalog::Shape as _;

    use super::*;

    #[test]
    fn the_whole_and_its_parts() {
        let shown = words(Paint::Plain, &SystemHealthNow::example(), "2026-11-21T20:15:07Z".parse().unwrap());
        assert_eq!(
            shown,
            "the observatory is healthy: all is well\n\n\
             PART                   STATUS   UP FOR  SEEN     SAYS\n\
             telescope-coordinator  healthy  60 min  7 s ago  all is well"
        );
    }
}
