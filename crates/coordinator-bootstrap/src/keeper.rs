//! Keeps the database that the `.pgpass` file names: watches the file, and moves to what it says once that is seen to work.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use catalog::bootstrap::Credentials;
use engine::{Boxed, Engine};
use health::{Cell, Report, Status};
use serde_json::{Map, json};
use store::{Endpoint, EndpointError, PoolSettings, Store};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};
use vocabulary::{Clock, Fault};

use crate::{Bootstrap, Facts, handout};

/// How often the file is looked at. It is read each time: some file systems tell the time of a change only to the second.
const LOOK: Duration = Duration::from_secs(2);
/// How soon a database that did not work is tried again while the file stays the same: a wrong password must not lock the account.
const TRY_AGAIN: Duration = Duration::from_secs(10);
/// How long a trial may take.
const TRIAL_LIMIT: Duration = Duration::from_secs(10);

/// Looks at the file often and publishes the credentials, on a change at once.
pub(crate) async fn keep(bootstrap: Arc<Bootstrap>) -> Result<(), Fault> {
    let mut settings = bootstrap.settings.subscribe();
    let mut looks = interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut published = Instant::now();
    let mut last = bootstrap.keeper.credentials();
    loop {
        let every = Duration::from_secs(settings.borrow_and_update().republish_interval_seconds.into());
        tokio::select! {
            _ = looks.tick() => {
                let has_moved = bootstrap.keeper.look().await == Look::Moved;
                // Somebody else in this process may have moved the store, too.
                if !has_moved && bootstrap.keeper.credentials() == last {
                    continue;
                }
            }
            () = sleep_until(published + every) => {}
            changed = settings.changed() => match changed {
                Ok(()) => continue,
                Err(_) => return Ok(()),
            },
        }
        last = bootstrap.keeper.credentials();
        published = Instant::now();
        if let Err(fault) = bootstrap.bus.retain_bare(&last).await {
            tracing::warn!(%fault, "credentials were not published");
        }
    }
}

/// What a look at the file came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Look {
    /// All is as it was.
    Same,
    /// The store has other credentials now.
    Moved,
}

/// The file and the store that follows it.
#[derive(Debug)]
pub(crate) struct Keeper {
    path: PathBuf,
    facts: Facts,
    store: Store,
    refused: Mutex<Option<Refused>>,
    cell: Cell,
}

/// A database that the file names and that did not work.
#[derive(Debug, Clone)]
struct Refused {
    endpoint: Endpoint,
    tried: Instant,
}

impl Keeper {
    pub(crate) fn new(path: PathBuf, facts: Facts, store: Store, clock: Clock) -> Self {
        Self { path, facts, store, refused: Mutex::default(), cell: Cell::new("credentials", clock) }
    }

    /// What is handed out: where the file lies, and the database that works.
    pub(crate) fn credentials(&self) -> Credentials {
        handout::credentials(&self.path, &self.store.endpoint())
    }

    /// Looks at the file once. What it says is tried where it is new; while it does not work, what worked before is kept.
    pub(crate) async fn look(&self) -> Look {
        let found = match self.read().await {
            Ok(found) => found,
            Err(error) => return self.degrade(&error.to_string()),
        };
        if found == self.store.endpoint() {
            *self.refused() = None;
            self.cell.set(Status::Healthy, "password file names the database in use", self.details());
            return Look::Same;
        }
        let is_too_early = |refused: &Refused| refused.endpoint == found && refused.tried.elapsed() < TRY_AGAIN;
        if self.refused().as_ref().is_some_and(is_too_early) {
            return Look::Same;
        }
        match adopt(&self.store, found.clone()).await {
            Ok(()) => {
                *self.refused() = None;
                self.cell.set(Status::Healthy, "password file names the database in use", self.details());
                Look::Moved
            }
            Err(why) => {
                *self.refused() = Some(Refused { endpoint: found, tried: Instant::now() });
                self.degrade(&format!(
                    "password file {} names a database that does not work: {why}",
                    self.path.display()
                ))
            }
        }
    }

    fn degrade(&self, why: &str) -> Look {
        let message = format!("{why}; the credentials from before are kept");
        if self.cell.get().message != message {
            tracing::warn!(path = %self.path.display(), why, "password file can't be followed");
        }
        self.cell.set(Status::Degraded, message, self.details());
        Look::Same
    }

    async fn read(&self) -> Result<Endpoint, EndpointError> {
        let (path, facts) = (self.path.clone(), self.facts.clone());
        let reading = tokio::task::spawn_blocking(move || facts.read(&path));
        reading.await.unwrap_or_else(|e| {
            Err(EndpointError::PasswordFile { path: self.path.clone(), reason: format!("reading it failed: {e}") })
        })
    }

    fn details(&self) -> Map<String, serde_json::Value> {
        let details = [("path", json!(self.path)), ("database", json!(self.store.endpoint().to_string()))];
        details.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    fn refused(&self) -> std::sync::MutexGuard<'_, Option<Refused>> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tries a database with one connection of its own, and moves the store there if it answers.
pub(crate) async fn adopt(store: &Store, endpoint: Endpoint) -> Result<(), String> {
    let one = PoolSettings { min: 0, max: 1, retry_attempts: 0, ..store.settings() };
    let trial = tokio::time::timeout(TRIAL_LIMIT, Store::connect(endpoint.clone(), one)).await;
    let trial = trial.map_err(|_| format!("no answer within {} s", TRIAL_LIMIT.as_secs()))?;
    trial.map_err(|e| e.to_string())?.close().await;
    tracing::info!(%endpoint, "database has other credentials from now on");
    store.repoint(endpoint);
    Ok(())
}

impl Engine for Keeper {
    fn name(&self) -> &'static str {
        "credentials"
    }

    fn health(&self) -> Report {
        self.cell.get()
    }

    fn stop(&self) -> Boxed<'_, ()> {
        Box::pin(async {})
    }
}
