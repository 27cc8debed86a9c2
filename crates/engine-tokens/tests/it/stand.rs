//! One private cluster for all tests of the process, and an engine on a database of its own for each.

use std::{
    collections::HashMap,
    fs,
    future::Future,
    os::unix::fs::PermissionsExt,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use engine_tokens::{CurrentEpoch, Holder, Issued, Subject, TokenError, Tokens, TokensSettings, Verifier};
use store::{
    Changes, ClusterOptions, Endpoint, MasterKey, PoolSettings, PrivateCluster, Store, Vault, migrations,
    tokens::CHANNEL,
};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};
use vocabulary::{Clock, Timestamp, ids::UserId};

static SHARED: Mutex<Weak<Stand>> = Mutex::new(Weak::new());

/// The shared cluster, on a runtime that outlives each test's own.
pub(crate) struct Stand {
    inside: Option<(Runtime, PrivateCluster)>,
    names: AtomicU32,
    _folder: TempDir,
}

fn stand() -> Arc<Stand> {
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(stand) = shared.upgrade() {
        return stand;
    }
    let folder = tempfile::tempdir().unwrap();
    // For root the server runs as somebody else, who must be able to enter.
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let path = folder.path().to_owned();
    let started = std::thread::spawn(move || {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        // What these tests write need not survive the machine.
        let server_settings = [("fsync".to_owned(), "off".to_owned())].into();
        let options = ClusterOptions { server_settings, ..ClusterOptions::default() };
        let cluster = runtime.block_on(PrivateCluster::start(&path, options)).unwrap();
        (runtime, cluster)
    });
    let stand = Arc::new(Stand { inside: Some(started.join().unwrap()), names: AtomicU32::new(0), _folder: folder });
    *shared = Arc::downgrade(&stand);
    stand
}

impl Drop for Stand {
    fn drop(&mut self) {
        if let Some((runtime, cluster)) = self.inside.take() {
            // A test's own runtime may be the one that drops this, and one can't wait inside another.
            std::thread::spawn(move || runtime.block_on(cluster.stop()).unwrap()).join().unwrap();
        }
    }
}

/// The users that there are, and their epochs.
pub(crate) type Users = Arc<Mutex<HashMap<UserId, i64>>>;

/// An engine with all that it needs.
pub(crate) struct World {
    pub(crate) tokens: Tokens,
    pub(crate) verifier: Verifier,
    pub(crate) clock: Clock,
    pub(crate) users: Users,
    pub(crate) master: MasterKey,
    pub(crate) store: Store,
    pub(crate) endpoint: Endpoint,
    changes: Vec<Changes>,
    _stand: Arc<Stand>,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(TokensSettings::default()).await
    }

    pub(crate) async fn with(settings: TokensSettings) -> Self {
        let stand = stand();
        let name = format!("test_{}", stand.names.fetch_add(1, Ordering::SeqCst));
        let (_, cluster) = stand.inside.as_ref().unwrap();
        let endpoint = cluster.create_database(&name).await.unwrap();
        migrations::run(&endpoint, &[]).await.unwrap();
        let master = MasterKey::fresh().unwrap();
        let clock = Clock::by_hand("2026-11-21T20:00:00.25Z".parse().unwrap());
        let users: Users = Arc::default();
        let parts = Process::start(&endpoint, &master, &[], &clock, &users).await;
        let vault = Vault::new(&master, &[]).unwrap();
        let tokens =
            Tokens::start(parts.store.clone(), vault, parts.verifier.clone(), clock.clone(), settings).await.unwrap();
        Self {
            tokens,
            verifier: parts.verifier,
            clock,
            users,
            master,
            store: parts.store,
            endpoint,
            changes: vec![parts.changes],
            _stand: stand,
        }
    }

    /// What another process has: a pool, a connection for notices and a verifier of its own.
    pub(crate) async fn other_process(&self) -> Process {
        Process::start(&self.endpoint, &self.master, &[], &self.clock, &self.users).await
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    /// A user that exists from now on.
    pub(crate) fn user(&self, name: &str) -> Holder {
        let user_id: UserId = format!("id-of-{name}").parse().unwrap();
        self.users.lock().unwrap().insert(user_id.clone(), 0);
        Holder { user_id, account: name.parse().unwrap(), email: Some(format!("{name}@example.org")), epoch: 0 }
    }

    pub(crate) fn set_epoch(&self, user: &Holder, epoch: Option<i64>) {
        let mut users = self.users.lock().unwrap();
        match epoch {
            Some(epoch) => users.insert(user.user_id.clone(), epoch),
            None => users.remove(&user.user_id),
        };
    }

    pub(crate) async fn login(&self, holder: &Holder) -> Issued {
        self.tokens.issue(&subject(holder)).await.unwrap()
    }

    /// Why a token is refused, or `good`.
    pub(crate) fn judged(&self, token: &str) -> &'static str {
        judged(&self.verifier, token, self.now())
    }

    /// Ends what hears of changes, so that only what is asked for is read.
    pub(crate) fn deafen(&mut self) {
        self.changes.clear();
    }
}

/// What each process has.
pub(crate) struct Process {
    pub(crate) store: Store,
    pub(crate) verifier: Verifier,
    pub(crate) changes: Changes,
}

impl Process {
    pub(crate) async fn start(
        endpoint: &Endpoint,
        master: &MasterKey,
        former: &[MasterKey],
        clock: &Clock,
        users: &Users,
    ) -> Self {
        let store = Store::connect(endpoint.clone(), PoolSettings::default()).await.unwrap();
        let changes = Changes::listen(store.clone(), &[CHANNEL]);
        let vault = Vault::new(master, former).unwrap();
        let started = Verifier::start(store.clone(), Some(vault), &changes, epochs_of(users), clock.clone());
        Self { verifier: started.await.unwrap(), store, changes }
    }
}

pub(crate) fn epochs_of(users: &Users) -> CurrentEpoch {
    let users = Arc::clone(users);
    Arc::new(move |user| users.lock().unwrap().get(user).copied())
}

pub(crate) fn subject(holder: &Holder) -> Subject {
    Subject { holder: holder.clone(), audience: None, scopes: None, client: "a test".to_owned() }
}

pub(crate) fn judged(verifier: &Verifier, token: &str, now: Timestamp) -> &'static str {
    verifier.verify(token, now).map_or_else(|error: TokenError| error.reason(), |_| "good")
}

/// Waits until `condition` holds.
pub(crate) async fn until<Fut: Future<Output = bool>>(what: &str, mut condition: impl FnMut() -> Fut) {
    let mut ticks = tokio::time::interval(Duration::from_millis(5));
    let come = async {
        while !condition().await {
            ticks.tick().await;
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(30), come).await.is_ok(), "{what} did not come true");
}
