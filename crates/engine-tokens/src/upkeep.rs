//! What the engine does by itself: turns keys over, removes what ended, and looks at its own health.

use std::{
    sync::{Arc, PoisonError},
    time::Duration,
};

use health::Status;
use serde_json::{Map, Value, json};
use store::tokens::{self, EndedBefore, Figures};
use tokio::time::{Instant, MissedTickBehavior, interval_at};
use vocabulary::Timestamp;

use crate::{TokensError, tokens::Inner, verifier::LEEWAY};

/// How often it does all that.
const ROUND: Duration = Duration::from_secs(15);
/// For so long a session that ended is remembered, so that whoever comes back hears that it was idle for too long and not that nobody
/// knows it.
const SESSION_KEPT: Duration = Duration::from_secs(7 * 86_400);
/// From then on without news from the database the checks of tokens count as out of date.
const STALE: Duration = Duration::from_secs(30);

/// Until the engine ends.
pub(crate) async fn run(inner: Arc<Inner>) {
    // The engine looked at everything as it started.
    let mut rounds = interval_at(Instant::now() + ROUND, ROUND);
    rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut changed = inner.verifier.changed();
    loop {
        tokio::select! {
            () = inner.stopping.cancelled() => return,
            _ = rounds.tick() => {}
            // Another process may have turned the keys over.
            outcome = changed.changed() => {
                let signs = inner.signer.load().as_ref().map(|signer| signer.kid.clone());
                if outcome.is_ok() && inner.verifier.active() == signs {
                    continue;
                }
            }
        }
        tokio::select! {
            () = inner.stopping.cancelled() => return,
            () = inner.tend() => {}
        }
    }
}

impl Inner {
    /// One round.
    pub(crate) async fn tend(&self) {
        if let Err(error) = self.tend_keys().await {
            tracing::error!(%error, "signing keys can't be looked after");
        }
        if let Err(error) = self.sweep_if_due().await {
            tracing::warn!(%error, "tokens that ended can't be removed");
        }
        self.look().await;
    }

    async fn sweep_if_due(&self) -> Result<(), TokensError> {
        let (now, settings) = (self.clock.now(), self.settings.load_full());
        let every = Duration::from_secs(settings.token_cleanup_interval_seconds.into());
        let swept_at = *self.swept_at.read().unwrap_or_else(PoisonError::into_inner);
        if now.since(swept_at) < every {
            return Ok(());
        }
        let ended_before = EndedBefore {
            // What is refused because it ended is refused by its own end for a little longer than it is remembered otherwise.
            checks: now.minus(2 * LEEWAY),
            sessions: now.minus(SESSION_KEPT),
            api_keys: now.minus(Duration::from_secs(settings.api_key_kept_seconds.into())),
        };
        let swept = tokens::sweep(&self.store, ended_before).await?;
        *self.swept_at.write().unwrap_or_else(PoisonError::into_inner) = now;
        if swept != tokens::Swept::default() {
            tracing::info!(
                refresh_tokens = swept.refresh_tokens,
                revoked = swept.revoked,
                signing_keys = swept.signing_keys,
                api_keys = swept.api_keys,
                "tokens and keys that ended were removed"
            );
        }
        Ok(())
    }

    /// Looks at its own health.
    pub(crate) async fn look(&self) {
        let now = self.clock.now();
        let figures = tokens::figures(&self.store, now).await;
        let age = self.verifier.age(now);
        let signer = self.signer.load_full();
        let (status, message) = if signer.is_none() {
            (Status::Unhealthy, "no key signs tokens; see the log for the reason".to_owned())
        } else if let Err(error) = &figures {
            (Status::Degraded, error.to_string())
        } else if age > STALE {
            let seconds = age.as_secs();
            (Status::Degraded, format!("what tokens are checked against was read {seconds} s ago; see the database"))
        } else {
            (Status::Healthy, "tokens are issued and checked".to_owned())
        };
        self.health.set(status, message, self.details(figures.ok(), age));
    }

    fn details(&self, figures: Option<Figures>, age: Duration) -> Map<String, Value> {
        let signer = self.signer.load();
        let next_rotation = *self.next_rotation.read().unwrap_or_else(PoisonError::into_inner);
        let mut details = Map::from_iter([
            ("token_algorithm".to_owned(), json!(signer.as_ref().map(|signer| signer.algorithm.as_str()))),
            ("signing_key".to_owned(), json!(signer.as_ref().map(|signer| signer.kid.as_str()))),
            ("signing_keys".to_owned(), self.verifier.key_states()),
            ("next_rotation_at".to_owned(), json!(next_rotation.as_ref().map(Timestamp::to_string))),
            ("token_duration_seconds".to_owned(), json!(self.settings.load().token_duration)),
            ("snapshot_age_seconds".to_owned(), json!(age.as_secs())),
        ]);
        if let Some(figures) = figures {
            details.insert("api_keys_active".to_owned(), json!(figures.api_keys_active));
            details.insert("api_keys_expired".to_owned(), json!(figures.api_keys_expired));
            details.insert("sessions".to_owned(), json!(figures.sessions));
            details.insert("revoked".to_owned(), json!(figures.revoked));
        }
        details
    }
}
