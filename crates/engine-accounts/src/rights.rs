//! Who may do what, answered from memory in every process: a snapshot that is compiled anew when the database says that rights changed.
//!
//! A check never waits and never fails. Where the database is away the last snapshot holds, so that an abort works then, too; nothing can
//! be changed meanwhile either. As soon as it is back the tables are read again.

mod compile;
mod snapshot;

use std::{sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use store::{
    Changed, Store, StoreError,
    accounts::tables::{self, Tables},
};
use tokio::{
    sync::{Mutex, watch},
    task::{JoinHandle, spawn_blocking},
    time::sleep,
};
use vocabulary::{
    Permission,
    ids::{AccountName, UserId},
};

pub use snapshot::{Account, Snapshot};
pub use store::accounts::plugins::Manifest;

/// The pause before a database that gave no answer is asked again.
const PAUSE: Duration = Duration::from_millis(200);

/// What somebody wants to do: one word for the kind of thing, one for what is done to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Right<'a> {
    /// The kind of thing.
    pub resource: &'a str,
    /// What is done to it.
    pub action: &'a str,
}

impl From<Permission> for Right<'static> {
    fn from(permission: Permission) -> Self {
        Self { resource: permission.resource, action: permission.action }
    }
}

impl<'a> From<(&'a str, &'a str)> for Right<'a> {
    fn from((resource, action): (&'a str, &'a str)) -> Self {
        Self { resource, action }
    }
}

impl std::fmt::Display for Right<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.resource, self.action)
    }
}

/// Whether somebody may do something, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision {
    /// Whether it may be done.
    pub allowed: bool,
    /// Why, or why not.
    pub reason: Reason,
    /// Which state of the tables decided.
    pub generation: u64,
}

/// Why somebody may do something, or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// A role or a group allows it.
    Granted,
    /// A role or a group denies it, whatever else allows it.
    Denied,
    /// Nothing allows it.
    NotGranted,
    /// The account is disabled.
    Disabled,
    /// There is no such account.
    UnknownAccount,
}

impl Reason {
    /// The word in the audit.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Granted => "granted",
            Self::Denied => "denied",
            Self::NotGranted => "not-granted",
            Self::Disabled => "disabled",
            Self::UnknownAccount => "unknown-account",
        }
    }
}

/// Who may do what, now. Cheap to clone; all clones see the same.
#[derive(Debug, Clone)]
pub struct Rights {
    current: Arc<ArcSwap<Snapshot>>,
    generations: watch::Sender<u64>,
    source: Option<Arc<Source>>,
    _keeper: Option<Arc<Keeper>>,
}

/// Where snapshots come from.
#[derive(Debug)]
struct Source {
    store: Store,
    known: Vec<Permission>,
    current: Arc<ArcSwap<Snapshot>>,
    generations: watch::Sender<u64>,
    /// One reads at a time, so that what was read earlier never takes the place of what was read later.
    turn: Mutex<()>,
}

/// Ends with the last of the handles.
#[derive(Debug)]
struct Keeper(JoinHandle<()>);

impl Drop for Keeper {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Rights {
    /// Reads the tables, and again whenever `changed` tells of it (listen on [`store::accounts::RIGHTS_CHANNEL`]). The rights that messages
    /// need are `known`, so that a check of one is fast whether or not a row names it; every other right can be asked for all the same.
    ///
    /// # Errors
    /// The database does not answer within the bounds.
    pub async fn start(store: Store, changed: Changed, known: Vec<Permission>) -> Result<Self, StoreError> {
        let mut rights = Self::of(Snapshot::compile(&Tables::default(), &known));
        let source = Arc::new(Source {
            store,
            known,
            current: rights.current.clone(),
            generations: rights.generations.clone(),
            turn: Mutex::new(()),
        });
        source.read().await?;
        rights._keeper = Some(Arc::new(Keeper(tokio::spawn(keep(source.clone(), changed)))));
        rights.source = Some(source);
        Ok(rights)
    }

    /// Rights that stay as they are: for tests and benches of who asks.
    pub fn of(snapshot: Snapshot) -> Self {
        let generations = watch::Sender::new(snapshot.generation());
        Self { current: Arc::new(ArcSwap::from_pointee(snapshot)), generations, source: None, _keeper: None }
    }

    /// Whether `account` may do this, everywhere or, with a scope (`kind:id`, for example `telescope:t1`), there.
    pub fn check<'a>(&self, account: &AccountName, right: impl Into<Right<'a>>, scope: Option<&str>) -> Decision {
        self.current.load().check(account, right.into(), scope.as_slice())
    }

    /// The same for what lies in several scopes at once, for example a telescope and its organisation: what one of them allows is
    /// allowed, and what one of them denies is denied.
    pub fn check_within<'a>(&self, account: &AccountName, right: impl Into<Right<'a>>, scopes: &[&str]) -> Decision {
        self.current.load().check(account, right.into(), scopes)
    }

    /// Whether `account` may do this somewhere: everywhere, or in some scope or other. For who is asked before the thing is known.
    pub fn check_somewhere<'a>(&self, account: &AccountName, right: impl Into<Right<'a>>) -> bool {
        self.current.load().check_somewhere(account, right.into())
    }

    /// Whether the account is enabled and has the administrator's role.
    pub fn is_administrator(&self, account: &AccountName) -> bool {
        self.current.load().account(account).is_some_and(|account| account.enabled && account.administrator)
    }

    /// The number below which tokens of the account are void; nothing if it is disabled or unknown, and all are.
    pub fn token_epoch(&self, account: &AccountName) -> Option<u64> {
        let current = self.current.load();
        current.account(account).filter(|account| account.enabled).map(|account| account.token_epoch)
    }

    /// The same by the account's id.
    pub fn token_epoch_of(&self, id: &UserId) -> Option<u64> {
        let current = self.current.load();
        current.account_of(id).filter(|account| account.enabled).map(|account| account.token_epoch)
    }

    /// Whether what began while the account had this epoch may go on: it is enabled, and nothing has voided its tokens since.
    pub fn stands(&self, account: &AccountName, epoch: u64) -> bool {
        // An earlier epoch than that is known where this process has not yet read of what the account has done.
        self.token_epoch(account).is_some_and(|now| now <= epoch)
    }

    /// The id of an account, disabled or not.
    pub fn user_id(&self, account: &AccountName) -> Option<UserId> {
        self.current.load().account(account).map(|account| account.id.clone())
    }

    /// The state of the tables that answers now, for whoever asks many things of one.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.current.load_full()
    }

    /// Tells of each new state, for whoever must end what is not allowed any more.
    pub fn generations(&self) -> watch::Receiver<u64> {
        self.generations.subscribe()
    }

    /// Reads the tables now instead of when the notice of a change arrives: for who has just changed them and answers next.
    ///
    /// # Errors
    /// The database does not answer within the bounds.
    pub async fn refresh(&self) -> Result<(), StoreError> {
        match &self.source {
            Some(source) => source.read().await,
            None => Ok(()),
        }
    }
}

impl Source {
    async fn read(&self) -> Result<(), StoreError> {
        let _turn = self.turn.lock().await;
        let tables = tables::read(&self.store).await?;
        let known = self.known.clone();
        // With many accounts this takes milliseconds, in which the runtime's threads have messages to carry.
        let compiled = spawn_blocking(move || Snapshot::compile(&tables, &known)).await;
        let compiled = compiled.map_err(|e| StoreError::Defect { operation: "rights", reason: e.to_string() })?;
        let generation = compiled.generation();
        self.current.store(Arc::new(compiled));
        self.generations.send_replace(generation);
        Ok(())
    }
}

async fn keep(source: Arc<Source>, mut changed: Changed) {
    loop {
        changed.next().await;
        while let Err(error) = source.read().await {
            tracing::warn!(%error, "rights can't be read; the last ones hold");
            sleep(PAUSE).await;
        }
    }
}
