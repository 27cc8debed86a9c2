//! `status`: each service, how it is, where it is reached, its version, and what somebody changed.

use serde::Serialize;
use serde_json::Value;

use super::Desk;
use crate::{
    configuration::Kind,
    failure::Reason,
    output::{Ending, Output, table},
    plan::Plan,
    proof,
    runtime::{Seen, State},
    stack::{Part, Stack},
};

#[derive(Serialize)]
struct Status {
    project: String,
    environment: String,
    engine: &'static str,
    services: Vec<Row>,
    /// What `up` would mend.
    drift: Vec<String>,
}

#[derive(Serialize)]
struct Row {
    service: Kind,
    state: String,
    health: &'static str,
    url: String,
    version: Option<String>,
    #[serde(flatten)]
    seen: Option<Seen>,
}

pub(super) async fn run(desk: &Desk, out: &mut Output) -> Result<u8, Ending> {
    let seen = desk.runtime.look(&desk.stack).await?;
    let http = proof::client()?;
    let mut services = Vec::new();
    for part in &desk.stack.parts {
        let found = seen.iter().find(|seen| seen.kind == part.kind).cloned();
        services.push(row(&http, &desk.stack, part, found).await);
    }
    let plan = Plan::of(&desk.stack, &seen);
    let status = Status {
        project: desk.stack.project.to_string(),
        environment: desk.stack.environment.to_string(),
        engine: desk.runtime.name(),
        drift: plan.changes.iter().map(ToString::to_string).collect(),
        services,
    };
    out.show(&status, || in_words(&status))?;
    let is_well = status.services.iter().all(|row| row.health == HEALTHY) && status.drift.is_empty();
    Ok(if is_well { 0 } else { Reason::Unwell.exit_code() })
}

const HEALTHY: &str = "healthy";

async fn row(http: &reqwest::Client, stack: &Stack, part: &Part, seen: Option<Seen>) -> Row {
    let state = seen.as_ref().map_or_else(|| "absent".to_owned(), |seen| format!("{:?}", seen.state).to_lowercase());
    // Somebody else may answer at the port of a service that is not there, and one that is frozen keeps whoever asks waiting.
    let may_answer = seen.as_ref().is_some_and(|seen| matches!(seen.state, State::Running | State::Restarting));
    let is_healthy = may_answer && proof::is_ready(http, stack, part).await;
    Row {
        service: part.kind,
        state,
        health: if is_healthy { HEALTHY } else { "unhealthy" },
        url: stack.address(part),
        version: if is_healthy { version(http, &stack.url(part), part.kind).await } else { None },
        seen,
    }
}

fn in_words(status: &Status) -> String {
    let rows = status.services.iter().map(|row| {
        let restarts = row.seen.as_ref().map_or(0, |seen| seen.restarts);
        vec![
            row.service.to_string(),
            if restarts > 0 { format!("{} ({restarts} restarts)", row.state) } else { row.state.clone() },
            row.health.to_owned(),
            row.url.clone(),
            row.version.clone().unwrap_or_else(|| "-".to_owned()),
            row.seen.as_ref().map_or_else(|| "-".to_owned(), |seen| seen.id.clone()),
        ]
    });
    let mut words = format!("{} in {}, as {}\n", status.project, status.environment, status.engine);
    words.push_str(&table(&["service", "state", "health", "address", "version", "id"], rows));
    for change in &status.drift {
        words.push_str(&format!("\ndrift: {change}"));
    }
    words
}

/// The version that a service says it has.
pub(super) async fn version(http: &reqwest::Client, url: &str, kind: Kind) -> Option<String> {
    let (path, pointer) = match kind {
        Kind::Prometheus => ("/api/v1/status/buildinfo", "/data/version"),
        Kind::Pushgateway => ("/api/v1/status", "/data/build_information/version"),
        Kind::Grafana => ("/api/health", "/version"),
        Kind::Alertmanager => ("/api/v2/status", "/versionInfo/version"),
        Kind::NodeExporter => return labelled_version(http, url, "node_exporter_build_info{").await,
        Kind::MqttExporter => return None,
    };
    let answer: Value = http.get(format!("{url}{path}")).send().await.ok()?.json().await.ok()?;
    Some(answer.pointer(pointer)?.as_str()?.to_owned())
}

async fn labelled_version(http: &reqwest::Client, url: &str, metric: &str) -> Option<String> {
    let text = http.get(format!("{url}/metrics")).send().await.ok()?.text().await.ok()?;
    let line = text.lines().find(|line| line.starts_with(metric))?;
    let (_, rest) = line.split_once(",version=\"").or_else(|| line.split_once("{version=\""))?;
    Some(rest.split('"').next()?.to_owned())
}
