//! The health of the whole system: followed, published, and its changes recorded.

use std::{collections::BTreeMap, time::Duration};

use bus::Delivery;
use catalog::{
    Owner, Qos,
    message::{HealthChanged, HealthHistory, HealthTransitions, SystemHealth, SystemHealthNow},
    topic,
};
use coordinator::Cx;
use health::{Report, Status};
use serde_json::Value;
use store::{Cursor, Slice, StoreError, health_history};
use tokio::time::Instant;
use vocabulary::Fault;

use crate::{
    Message, closed,
    letters::{self, ticks},
};

/// Room for reports that were not looked at yet.
const ROOM: usize = 1024;
/// How often who fell silent is looked for.
const LOOK: Duration = Duration::from_millis(500);
/// How often changes are recorded.
const RECORD: Duration = Duration::from_secs(1);
/// How long the recorded history may take to say how things stood before.
const REMEMBER_LIMIT: Duration = Duration::from_secs(3);
/// The key of the one state.
const KEY: &str = "system";

/// Answers with the health of the whole, at once.
pub(crate) async fn health(cx: Cx<Message>, _: SystemHealth) -> Result<SystemHealthNow, Fault> {
    Ok(cx.pulses.overview(cx.interval(), Instant::now(), cx.now()))
}

/// Lists changes of health, newest first.
pub(crate) async fn history(cx: Cx<Message>, asked: HealthHistory) -> Result<HealthTransitions, Fault> {
    let slice = Slice { limit: asked.limit, cursor: asked.cursor.map(Cursor) };
    let page = health_history::list(cx.store(), asked.component.as_deref(), &slice).await?;
    let transitions = page.items.into_iter().map(|transition| transition.report).collect();
    Ok(HealthTransitions { transitions, next: page.next.map(|cursor| cursor.0) })
}

/// What was published last.
struct Published {
    summary: BTreeMap<String, (Status, String)>,
    at: Instant,
}

/// Follows the reports of all coordinators until the bus is closed.
pub(crate) async fn follow(message: &Message) -> Result<(), Fault> {
    remember(message).await;
    let mut reports = message.bus.watch(&[(topic::EVERY_HEALTH.to_owned(), Qos::AtLeastOnce)], ROOM).await?;
    let mut looks = ticks(LOOK);
    let mut published = None;
    loop {
        tokio::select! {
            delivery = reports.next() => hear(message, &delivery.ok_or_else(closed)?),
            _ = looks.tick() => {}
        }
        tell_changes(message).await;
        publish(message, &mut published).await;
    }
}

fn hear(message: &Message, delivery: &Delivery) {
    // Others' topics are dead letters, and an empty payload takes a retained report away.
    let Some(owner) = Owner::ALL.into_iter().find(|owner| topic::health(*owner) == delivery.topic) else { return };
    if delivery.payload.is_empty() {
        return;
    }
    match report_of(&delivery.payload) {
        Some(report) => message.pulses.hear(owner, report, delivery.retained, Instant::now()),
        None => letters::post(message, delivery, letters::UNREADABLE),
    }
}

/// A report in an envelope, or bare.
fn report_of(payload: &[u8]) -> Option<Report> {
    let mut read: Value = serde_json::from_slice(payload).ok()?;
    let inner = read.get_mut("payload").map(Value::take);
    serde_json::from_value(inner.unwrap_or(read)).ok()
}

async fn tell_changes(message: &Message) {
    for change in message.pulses.changes(message.interval(), Instant::now()) {
        let Report { component, status, message: text, observed_at, .. } = change.report;
        tracing::info!(component, from = %change.from, to = %status, text, "health of a coordinator changed");
        let event = HealthChanged { component, from: change.from, to: status, message: text, observed_at };
        if let Err(fault) = message.bus.emit(&event).await {
            tracing::warn!(%fault, "change of health was not told");
        }
    }
}

/// Publishes the health of the whole where it changed, and at intervals.
async fn publish(message: &Message, published: &mut Option<Published>) {
    let (interval, now) = (message.interval(), Instant::now());
    let overview = message.pulses.overview(interval, now, message.clock.now());
    let part = |(name, report): (&String, &Report)| (name.clone(), (report.status, report.message.clone()));
    let summary: BTreeMap<_, _> = overview.components.iter().map(part).collect();
    let stands = published.as_ref().is_some_and(|p| p.summary == summary && now.duration_since(p.at) < interval);
    if stands {
        return;
    }
    if let Err(fault) = message.bus.retain(KEY, &overview).await {
        tracing::warn!(%fault, "health of the system was not published");
    }
    *published = Some(Published { summary, at: now });
}

/// How each coordinator stood when that was last recorded, so that a new life does not take everything for a change.
async fn remember(message: &Message) {
    let asking = async {
        for owner in Owner::ALL {
            let page = health_history::list(&message.store, Some(&owner.component()), &Slice::first(1)).await?;
            if let Some(last) = page.items.first() {
                message.pulses.remember(owner, last.report.status);
            }
        }
        Ok::<_, StoreError>(())
    };
    match tokio::time::timeout(REMEMBER_LIMIT, asking).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%error, "recorded health can't be read"),
        Err(_) => tracing::warn!("recorded health can't be read in time"),
    }
}

/// Records changes; while the database is away they wait.
pub(crate) async fn record(message: &Message) -> Result<(), Fault> {
    let mut ticks = ticks(RECORD);
    loop {
        ticks.tick().await;
        let reports = message.pulses.take_unrecorded();
        if reports.is_empty() {
            continue;
        }
        if let Err(error) = record_all(message, &reports).await {
            tracing::warn!(%error, changes = reports.len(), "changes of health were not recorded");
            if error.is_unavailable() {
                message.pulses.put_back(reports);
            }
        }
    }
}

async fn record_all(message: &Message, reports: &[Report]) -> Result<(), StoreError> {
    let mut tx = message.store.begin().await?;
    for report in reports {
        health_history::record(&mut tx, report).await?;
    }
    tx.commit().await
}

#[cfg(test)]
mod tests {
    use catalog::{Shape, envelope};

    use super::*;

    #[test]
    fn reports_are_read_in_and_out_of_envelopes() {
        let report = Report::example();
        let wrapped = envelope::wrap("status", "coordinator:x", report.observed_at, &report).to_string();
        let bare = serde_json::to_string(&report).unwrap();
        for (payload, expected) in [
            (wrapped.as_str(), Some(&report)),
            (bare.as_str(), Some(&report)),
            ("", None),
            ("{", None),
            ("[]", None),
            (r#"{"payload": {"status": "fine"}}"#, None),
        ] {
            assert_eq!(report_of(payload.as_bytes()).as_ref(), expected, "{payload}");
        }
    }
}
