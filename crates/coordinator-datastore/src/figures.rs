//! The figures of the pool and of the database: asked for, and sampled for the coordinator's health.

use std::time::Duration;

use catalog::datastore::{GetStatistics, Ping, Pong, Statistics as Shown};
use coordinator::Cx;
use health::{Report, Status};
use serde_json::{Map, Value, json};
use store::{Statistics, Store, StoreError};
use vocabulary::{Clock, Fault, Timestamp};

use crate::Datastore;

/// How often figures are sampled, and how soon again while the database is not well.
const SAMPLE: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(1));
/// How long a sample may take.
const SAMPLE_LIMIT: Duration = Duration::from_secs(5);
/// An older sample says nothing any longer.
const STALE: Duration = Duration::from_secs(30);

/// Asks the database for a sign of life.
pub(crate) async fn ping(cx: Cx<Datastore>, _: Ping) -> Result<Pong, Fault> {
    Ok(Pong { round_trip_milliseconds: cx.store().ping().await?.as_secs_f64() * 1e3 })
}

/// Answers with the figures as they are now.
pub(crate) async fn statistics(cx: Cx<Datastore>, _: GetStatistics) -> Result<Shown, Fault> {
    let figures = cx.store().statistics().await?;
    Ok(Shown {
        server_version: figures.server_version,
        endpoint: cx.store().endpoint().to_string(),
        pool_connections: figures.size,
        pool_idle: figures.idle,
        pool_max: figures.max,
        server_connections: figures.server_connections,
        server_max: figures.server_connections_max,
        database_bytes: figures.database_bytes,
    })
}

/// The last sample.
#[derive(Debug)]
pub(crate) struct Gauge(health::Cell);

impl Gauge {
    pub(crate) fn new(clock: Clock) -> Self {
        Self(health::Cell::new("pool", clock))
    }

    pub(crate) fn health(&self, now: Timestamp) -> Report {
        self.0.get().at_age(now, STALE)
    }
}

/// Samples figures for as long as it is polled: at intervals, and sooner while the database is not well.
pub(crate) async fn keep_sampling(datastore: &Datastore) -> Result<(), Fault> {
    let mut settings = datastore.settings.subscribe();
    loop {
        let percent = settings.borrow_and_update().capacity_warning_percent;
        let status = sample(&datastore.store, &datastore.gauge, percent).await;
        tokio::select! {
            () = tokio::time::sleep(if status == Status::Healthy { SAMPLE.0 } else { SAMPLE.1 }) => {}
            changed = settings.changed() => changed.map_err(|_| Fault::internal("settings are gone"))?,
        }
    }
}

/// Takes a sample and says how well the database is.
pub(crate) async fn sample(store: &Store, gauge: &Gauge, percent: u32) -> Status {
    let sampled = tokio::time::timeout(SAMPLE_LIMIT, store.statistics()).await;
    let sampled = sampled.unwrap_or(Err(StoreError::Late { operation: "statistics", bound: SAMPLE_LIMIT }));
    let (status, text) = judge(&sampled, percent);
    gauge.0.set(status, text, sampled.map_or_else(|_| Map::new(), |figures| details(&figures)));
    status
}

fn details(figures: &Statistics) -> Map<String, Value> {
    match json!(figures) {
        Value::Object(details) => details,
        _ => Map::new(),
    }
}

/// How well the database is: ill without an answer, in need of attention when connections become scarce.
fn judge(sampled: &Result<Statistics, StoreError>, percent: u32) -> (Status, String) {
    let figures = match sampled {
        Ok(figures) => figures,
        Err(error) => return (Status::Unhealthy, error.to_string()),
    };
    let scarce = |used: u32, of: u32| u64::from(used) * 100 >= u64::from(of.max(1)) * u64::from(percent);
    // No figures in the texts: what changes with each sample would be published with each.
    if scarce(figures.in_use, figures.max) {
        return (Status::Degraded, format!("{percent} % of the pool's {} connections are in use", figures.max));
    }
    if scarce(figures.server_connections, figures.server_connections_max) {
        let max = figures.server_connections_max;
        return (Status::Degraded, format!("{percent} % of the server's {max} connections are taken"));
    }
    (Status::Healthy, "database answers".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_well_the_database_is() {
        use Status::{Degraded, Healthy, Unhealthy};
        let figures = |in_use, server_connections| {
            Ok(Statistics {
                size: 20,
                idle: 20 - in_use,
                in_use,
                max: 20,
                min: 5,
                database_bytes: 1,
                server_version: "15".to_owned(),
                server_connections,
                server_connections_max: 50,
            })
        };
        let away = Err(StoreError::Late { operation: "statistics", bound: Duration::from_secs(5) });
        for (sampled, percent, status, text) in [
            (figures(0, 5), 80, Healthy, "database answers"),
            (figures(15, 39), 80, Healthy, "database answers"),
            (figures(16, 16), 80, Degraded, "80 % of the pool's 20 connections are in use"),
            (figures(0, 40), 80, Degraded, "80 % of the server's 50 connections are taken"),
            (figures(19, 49), 100, Healthy, "database answers"),
            (away, 80, Unhealthy, "database gave no answer to statistics within 5000 ms"),
        ] {
            assert_eq!(judge(&sampled, percent), (status, text.to_owned()));
        }
    }
}
