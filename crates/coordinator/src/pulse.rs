//! The pulse of a coordinator: its health published on change and at intervals, its database probed, its memory swept.

use std::{sync::Arc, time::Duration};

use health::Status;
use observability::metrics;
use serde_json::{Map, json};
use tokio::time::{Instant, MissedTickBehavior, interval};
use vocabulary::Fault;

use crate::{Coordinator, shift::Shared};

/// How often a change of health is looked for.
const LOOK: Duration = Duration::from_millis(500);
/// How often the database is probed, and how long it may take to answer.
const PROBE: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(3));
/// How often commands that need not be remembered any longer are forgotten.
const SWEEP: Duration = Duration::from_secs(60);

/// Keeps the pulse until it is dropped.
pub(crate) async fn keep<C: Coordinator>(shared: &Arc<Shared<C>>) -> Result<(), Fault> {
    tokio::join!(publish(shared), probe(shared), sweep(shared)).0
}

async fn publish<C: Coordinator>(shared: &Arc<Shared<C>>) -> Result<(), Fault> {
    let mut looks = ticks(LOOK);
    let mut last = shared.report();
    let mut published = Instant::now();
    loop {
        looks.tick().await;
        let report = shared.report();
        let due = Duration::from_secs(shared.live.now().frame.health_interval_seconds.into());
        let changed = report.status != last.status || report.message != last.message;
        if changed || published.elapsed() >= due {
            metrics::gauge!(metrics::HEALTH, "component" => report.component.clone()).set(figure(report.status));
            if changed {
                tracing::info!(status = %report.status, message = report.message, "health changed");
            }
            if let Err(fault) = shared.bus.report(C::OWNER, &report).await {
                tracing::warn!(%fault, "health was not published");
            }
            published = Instant::now();
            last = report;
        }
    }
}

const fn figure(status: Status) -> f64 {
    match status {
        Status::Healthy => 1.0,
        Status::Degraded => 0.5,
        Status::Unknown | Status::Unhealthy => 0.0,
    }
}

async fn probe<C: Coordinator>(shared: &Arc<Shared<C>>) {
    let mut probes = ticks(PROBE.0);
    loop {
        probes.tick().await;
        probe_once(shared).await;
    }
}

/// Asks the database for a sign of life and keeps what is found.
pub(crate) async fn probe_once<C: Coordinator>(shared: &Arc<Shared<C>>) {
    let found = tokio::time::timeout(PROBE.1, shared.store.ping()).await;
    let mut details = Map::new();
    let (status, message) = match found {
        Ok(Ok(took)) => {
            details.insert("round_trip_milliseconds".to_owned(), json!(took.as_secs_f64() * 1e3));
            (Status::Healthy, "database answers".to_owned())
        }
        Ok(Err(error)) => (Status::Degraded, error.to_string()),
        Err(_) => (Status::Degraded, format!("database gave no sign of life within {} s", PROBE.1.as_secs())),
    };
    shared.database.set(status, message, details);
}

async fn sweep<C: Coordinator>(shared: &Arc<Shared<C>>) {
    let mut sweeps = ticks(SWEEP);
    loop {
        sweeps.tick().await;
        if let Err(error) = shared.inbox.sweep(shared.clock.now()).await {
            tracing::debug!(%error, "memory of accepted commands was not swept");
        }
    }
}

fn ticks(every: Duration) -> tokio::time::Interval {
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}
