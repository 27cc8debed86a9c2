//! What the broker does by itself: looks at its own health, drops what has expired.

use std::sync::Arc;

use health::{Report, Status};
use mqtt5::broker::storage::StorageBackend;
use tokio::time::{MissedTickBehavior, interval};

use crate::{admissions, rights, shared::Shared, statistics};

/// Starts the two rounds, once health has been looked at.
pub(crate) async fn start(shared: &Arc<Shared>) {
    let listeners = shared.listening();
    look(shared, listeners).await;
    let watched = Arc::clone(shared);
    shared.tasks.spawn(async move {
        let mut rounds = interval(watched.limits.health_interval);
        rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while next(&mut rounds, &watched).await {
            look(&watched, listeners).await;
        }
    });
    let swept = Arc::clone(shared);
    shared.tasks.spawn(async move {
        let mut rounds = interval(swept.limits.cleanup_interval);
        rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while next(&mut rounds, &swept).await {
            sweep(&swept).await;
        }
    });
}

async fn next(rounds: &mut tokio::time::Interval, shared: &Shared) -> bool {
    tokio::select! {
        _ = rounds.tick() => true,
        () = shared.stopping.cancelled() => false,
    }
}

async fn sweep(shared: &Shared) {
    if let Err(error) = shared.storage.cleanup_expired().await {
        tracing::error!(%error, "expired messages and sessions can't be dropped");
    }
    shared.router.sweep_sessions().await;
    shared.monitor.cleanup_expired_windows().await;
    // A SUBSCRIBE that was under way while rights changed passed with the old ones.
    rights::review(shared, None).await;
    admissions::review(shared);
}

async fn look(shared: &Shared, listeners: usize) {
    let figures = statistics::now(shared).await;
    let (status, message) = if shared.listening() < listeners {
        (Status::Unhealthy, "a listener has ended; restart the broker".to_owned())
    } else if figures.clients * 10 > shared.limits.clients * 9 {
        (Status::Degraded, format!("{} of {} clients; raise the limit", figures.clients, shared.limits.clients))
    } else {
        (Status::Healthy, format!("{} clients", figures.clients))
    };
    let report = Report::new("broker", status, message, shared.clock.now())
        .detail("uptime_seconds", figures.uptime.as_secs())
        .detail("clients", figures.clients)
        .detail("sessions", figures.sessions)
        .detail("filters", figures.filters)
        .detail("retained", figures.retained)
        .detail("messages_in", figures.messages_in)
        .detail("messages_out", figures.messages_out)
        .detail("bytes_in", figures.bytes_in)
        .detail("bytes_out", figures.bytes_out)
        .detail("refused_connects", figures.refused_connects)
        .detail("refused_publishes", figures.refused_publishes)
        .detail("refused_subscribes", figures.refused_subscribes);
    shared.health.set(report.status, report.message, report.details);
}

/// The last word on health.
pub(crate) fn note_stopped(shared: &Shared) {
    shared.health.set(Status::Unhealthy, "stopped", shared.health.get().details);
}
