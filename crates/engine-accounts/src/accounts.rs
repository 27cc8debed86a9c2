//! The engine: what it holds, how it is, and how it ends.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use arc_swap::ArcSwap;
use engine::{Boxed, Engine};
use health::{Cell, Report, Status};
use serde_json::Map;
use store::{
    Store, Vault,
    accounts::{attempts, users},
};
use tokio::{
    task::JoinHandle,
    time::{Instant, sleep},
};
use vocabulary::{Clock, Timestamp};

use crate::{AccountsError, AccountsSettings, passwords::Hasher};

/// The engine's name in health reports.
const NAME: &str = "accounts";
/// How often it looks how it is.
const PROBE_INTERVAL: Duration = Duration::from_secs(15);
/// The same as long as something is amiss, so that it is seen soon that all is well: the first administrator was made.
const PROBE_INTERVAL_AMISS: Duration = Duration::from_secs(1);
/// How often it removes counters that say nothing any more.
const TIDYING_INTERVAL: Duration = Duration::from_secs(3600);

/// Accounts and what proves them. Cheap to clone; all clones are one engine.
#[derive(Debug, Clone)]
pub struct Accounts(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    store: Store,
    vault: Vault,
    clock: Clock,
    settings: Arc<ArcSwap<AccountsSettings>>,
    hasher: Hasher,
    health: Cell,
    keeper: Mutex<Option<JoinHandle<()>>>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        let keeper = self.keeper.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(keeper) = keeper {
            keeper.abort();
        }
    }
}

impl Accounts {
    /// Begins. A database that is away is seen in the health, not here.
    ///
    /// # Errors
    /// The settings of the hash can't be used, or the system gives no random numbers.
    pub async fn start(
        store: Store,
        vault: Vault,
        clock: Clock,
        settings: AccountsSettings,
    ) -> Result<Self, AccountsError> {
        let hasher = Hasher::start(&settings).await?;
        let health = Cell::new(NAME, clock.clone());
        let settings = Arc::new(ArcSwap::from_pointee(settings));
        let keeper = tokio::spawn(keep(store.clone(), clock.clone(), settings.clone(), health.clone()));
        Ok(Self(Arc::new(Inner { store, vault, clock, settings, hasher, health, keeper: Mutex::new(Some(keeper)) })))
    }

    /// Takes other settings; they hold from the next login and the next password on.
    ///
    /// # Errors
    /// The settings of the hash can't be used; then the old ones stay.
    pub async fn apply(&self, settings: AccountsSettings) -> Result<(), AccountsError> {
        self.0.hasher.renew(&settings).await?;
        self.0.settings.store(Arc::new(settings));
        Ok(())
    }

    /// The settings that hold.
    pub fn settings(&self) -> Arc<AccountsSettings> {
        self.0.settings.load_full()
    }

    /// How many passwords were hashed to be compared since the engine began: one for each that was looked at, whether there is such an
    /// account or not.
    pub fn passwords_compared(&self) -> u64 {
        self.0.hasher.comparisons()
    }

    /// How many rounds of bcrypt that took besides: none where no password is kept in that form, else as many for everybody.
    pub fn bcrypt_rounds(&self) -> u64 {
        self.0.hasher.bcrypt_rounds()
    }

    pub(crate) fn store(&self) -> &Store {
        &self.0.store
    }

    pub(crate) fn vault(&self) -> &Vault {
        &self.0.vault
    }

    pub(crate) fn hasher(&self) -> &Hasher {
        &self.0.hasher
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.0.clock.now()
    }
}

impl Engine for Accounts {
    fn name(&self) -> &'static str {
        NAME
    }

    fn health(&self) -> Report {
        self.0.health.get()
    }

    fn stop(&self) -> Boxed<'_, ()> {
        Box::pin(async {
            let keeper = self.0.keeper.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(keeper) = keeper {
                keeper.abort();
                let _cancelled = keeper.await;
            }
        })
    }
}

/// Looks how it is, and once in a while removes what says nothing any more.
async fn keep(store: Store, clock: Clock, settings: Arc<ArcSwap<AccountsSettings>>, health: Cell) {
    let mut tidied: Option<Instant> = None;
    loop {
        observe(&store, clock.now(), &health).await;
        if tidied.is_none_or(|at| at.elapsed() >= TIDYING_INTERVAL) {
            tidied = Some(Instant::now());
            let (now, settings) = (clock.now(), settings.load_full());
            let quiet = now.minus(Duration::from_secs(2 * u64::from(settings.lockout_seconds_max)));
            match attempts::tidy(&store, quiet, now.minus(settings.known_peer_age_max())).await {
                Ok(0) => {}
                Ok(removed) => tracing::debug!(removed, "old login counters were removed"),
                Err(error) => tracing::debug!(%error, "old login counters can't be removed"),
            }
        }
        let is_well = health.get().status == Status::Healthy;
        sleep(if is_well { PROBE_INTERVAL } else { PROBE_INTERVAL_AMISS }).await;
    }
}

async fn observe(store: &Store, now: Timestamp, health: &Cell) {
    let found = async {
        let has_administrator = users::has_administrator(store).await?;
        Ok::<_, store::StoreError>((has_administrator, attempts::count_locked(store, now).await?))
    };
    let mut details = Map::new();
    match found.await {
        Ok((has_administrator, locked)) => {
            details.insert("locked".to_owned(), locked.into());
            details.insert("has_administrator".to_owned(), has_administrator.into());
            let (status, message) = match (has_administrator, locked) {
                (false, _) => {
                    (Status::Degraded, "there is no administrator yet; bigskies admin create makes one".to_owned())
                }
                (true, 0) => (Status::Healthy, "accounts can log in".to_owned()),
                (true, locked) => {
                    (Status::Healthy, format!("accounts can log in; {locked} accounts or places are locked"))
                }
            };
            health.set(status, message, details);
        }
        Err(error) => health.set(Status::Unhealthy, error.to_string(), details),
    }
}
