//! The audit trail kept: looked through by and by, its end noted in the log, its oldest rows removed when their time is over.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use catalog::security::AuditBroken;
use health::{Cell, Report, Status};
use serde_json::{Map, json};
use store::{
    StoreError,
    audit::{self, Break, Ends},
};
use tokio::time::{Instant, sleep, sleep_until};
use vocabulary::{Clock, Fault};

use crate::{Security, shown};

/// The part's name in the health.
const NAME: &str = "audit";
/// How many rows are looked at at once; between pieces others get their turn at the database.
const PIECE: i64 = 5000;
/// The pause between two pieces.
const BREATH: Duration = Duration::from_millis(50);
/// The pause before a database that gave no answer is asked again.
const PAUSE: Duration = Duration::from_secs(30);
/// How often it is looked whether a round is due.
const TICK: Duration = Duration::from_secs(60);
/// How often rows are removed whose time is over.
const RETENTION_INTERVAL: Duration = Duration::from_secs(24 * 3600);

/// What is known of the trail.
#[derive(Debug)]
pub(crate) struct Trail {
    health: Cell,
    broken: Mutex<Option<Break>>,
}

impl Trail {
    pub(crate) fn new(clock: Clock) -> Self {
        let health = Cell::new(NAME, clock);
        health.set(Status::Healthy, "trail was not looked through yet", Map::new());
        Self { health, broken: Mutex::default() }
    }

    pub(crate) fn health(&self) -> Report {
        self.health.get()
    }

    pub(crate) fn is_whole(&self, ends: &Ends) {
        *self.broken.lock().unwrap_or_else(PoisonError::into_inner) = None;
        let details = Map::from_iter([
            ("first_sequence".to_owned(), json!(ends.anchor_sequence + 1)),
            ("last_sequence".to_owned(), json!(ends.sequence)),
            ("last_hash".to_owned(), json!(shown::hexadecimal(&ends.hash))),
        ]);
        self.health.set(Status::Healthy, format!("trail is whole up to row {}", ends.sequence), details);
    }

    /// Notes a break. Tells whether it is another than before.
    fn is_broken(&self, found: Break) -> bool {
        let message = format!("trail is broken at row {}: {}", found.sequence, found.flaw);
        self.health.set(Status::Degraded, message, Map::from_iter([("broken".to_owned(), json!(found.sequence))]));
        let former = self.broken.lock().unwrap_or_else(PoisonError::into_inner).replace(found);
        former != Some(found)
    }
}

impl Security {
    /// Tells of a break, once.
    pub(crate) async fn found_broken(&self, found: Break) {
        if self.trail.is_broken(found) {
            tracing::error!(sequence = found.sequence, flaw = %found.flaw, "audit trail is broken");
            let observed_at = self.clock.now();
            self.announce(&AuditBroken { first_broken: shown::broken(found), observed_at }).await;
        }
    }

    /// Looks all of it through, piece by piece.
    async fn look_through(&self) -> Result<(), StoreError> {
        let ends = audit::ends(&self.store).await?;
        // Noted elsewhere, the last hash proves later that nothing before it was changed.
        tracing::info!(sequence = ends.sequence, hash = shown::hexadecimal(&ends.hash), "audit trail ends here");
        let mut first = ends.anchor_sequence + 1;
        while first <= ends.sequence {
            let last = (first + PIECE - 1).min(ends.sequence);
            // The last piece goes to the end, whichever that is by then, and sees that it is the one that was appended last.
            let to = (last < ends.sequence).then_some(last);
            let verdict = audit::verify(&self.store, Some(first), to).await?;
            if let Some(found) = verdict.first_broken {
                self.found_broken(found).await;
                return Ok(());
            }
            first = last + 1;
            sleep(BREATH).await;
        }
        if ends.sequence == ends.anchor_sequence
            && let Some(found) = audit::verify(&self.store, None, None).await?.first_broken
        {
            self.found_broken(found).await;
            return Ok(());
        }
        self.trail.is_whole(&ends);
        Ok(())
    }

    async fn remove_old_rows(&self) -> Result<(), StoreError> {
        let days = self.settings().audit_retention_days;
        if days == 0 {
            return Ok(());
        }
        let since = self.clock.now().minus(Duration::from_secs(u64::from(days) * 24 * 3600));
        let removed = audit::retain(&self.store, since).await?;
        if removed > 0 {
            tracing::info!(removed, "audit rows whose time is over were removed");
        }
        Ok(())
    }
}

/// Looks it through at the beginning and at the interval of the settings.
pub(crate) async fn keep(security: &Security) -> Result<(), Fault> {
    let (mut looked, mut removed): (Option<Instant>, Option<Instant>) = (None, None);
    loop {
        let every = Duration::from_secs(security.settings().audit_verify_interval_seconds.into());
        if removed.is_none_or(|at| at.elapsed() >= RETENTION_INTERVAL) {
            wait_for(|| security.remove_old_rows()).await;
            removed = Some(Instant::now());
        }
        if looked.is_none_or(|at| at.elapsed() >= every) {
            wait_for(|| security.look_through()).await;
            looked = Some(Instant::now());
        }
        sleep_until(Instant::now() + TICK.min(every)).await;
    }
}

async fn wait_for<Fut: Future<Output = Result<(), StoreError>>>(work: impl Fn() -> Fut) {
    while let Err(error) = work().await {
        tracing::warn!(%error, "audit trail can't be looked after");
        sleep(PAUSE).await;
    }
}
