//! One private cluster for all tests of the process, and for each test a database with an engine over it.

use std::{
    fs,
    future::Future,
    ops::AsyncFnOnce,
    os::unix::fs::PermissionsExt,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use engine_accounts::{
    Accounts, AccountsError, AccountsSettings, AuthError, Authenticated, HashedPassword, Login, NewUser, Peer, Rights,
    SecretString,
};
use store::{
    Changes, ClusterOptions, MasterKey, PoolSettings, PrivateCluster, Store, Tx, Vault,
    accounts::{RIGHTS_CHANNEL, users::User},
    migrations,
};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};
use vocabulary::{Clock, Permission, Timestamp};

static SHARED: Mutex<Weak<Server>> = Mutex::new(Weak::new());

/// The password of accounts that [`Stand::user`] makes.
pub(crate) const PASSWORD: &str = "Deneb, Vega and Altair";

/// The shared cluster, on a runtime that outlives each test's own.
struct Server {
    inside: Option<(Runtime, PrivateCluster)>,
    names: AtomicU32,
    _folder: TempDir,
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some((runtime, cluster)) = self.inside.take() {
            // A test's own runtime may be the one that drops this, and one can't wait inside another.
            std::thread::spawn(move || runtime.block_on(cluster.stop()).unwrap()).join().unwrap();
        }
    }
}

/// The shared cluster, started by the first who asks.
fn server() -> Arc<Server> {
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(server) = shared.upgrade() {
        return server;
    }
    let folder = tempfile::tempdir().unwrap();
    // For root the server runs as somebody else, who must be able to enter.
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let path = folder.path().to_owned();
    let started = std::thread::spawn(move || {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        // What these tests write need not survive the machine.
        let settings = [("fsync", "off"), ("max_connections", "200")];
        let server_settings = settings.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
        let options = ClusterOptions { server_settings, ..ClusterOptions::default() };
        let cluster = runtime.block_on(PrivateCluster::start(&path, options)).unwrap();
        (runtime, cluster)
    });
    let inside = Some(started.join().unwrap());
    let server = Arc::new(Server { inside, names: AtomicU32::new(0), _folder: folder });
    *shared = Arc::downgrade(&server);
    server
}

/// A database and an engine over it, at an instant that the test moves.
pub(crate) struct Stand {
    pub(crate) store: Store,
    pub(crate) vault: Vault,
    pub(crate) clock: Clock,
    pub(crate) accounts: Accounts,
    _server: Arc<Server>,
}

/// Settings under which a hash costs next to nothing.
pub(crate) fn cheap() -> AccountsSettings {
    AccountsSettings { argon2_memory_kibibytes: 64, argon2_passes: 1, ..AccountsSettings::default() }
}

impl Stand {
    pub(crate) async fn new() -> Self {
        Self::with(cheap()).await
    }

    pub(crate) async fn with(settings: AccountsSettings) -> Self {
        let server = server();
        let name = format!("test_{}", server.names.fetch_add(1, Ordering::SeqCst));
        let (_, cluster) = server.inside.as_ref().unwrap();
        let endpoint = cluster.create_database(&name).await.unwrap();
        migrations::run(&endpoint, &[]).await.unwrap();
        let store = Store::connect(endpoint, PoolSettings::default()).await.unwrap();
        let vault = Vault::new(&MasterKey::fresh().unwrap(), &[]).unwrap();
        let clock = Clock::by_hand("2026-11-21T20:00:00Z".parse().unwrap());
        let accounts = Accounts::start(store.clone(), vault.clone(), clock.clone(), settings).await.unwrap();
        Self { store, vault, clock, accounts, _server: server }
    }

    /// Writes in a transaction that lasts where it succeeds.
    pub(crate) async fn write<T>(
        &self,
        work: impl AsyncFnOnce(&mut Tx) -> Result<T, AccountsError>,
    ) -> Result<T, AccountsError> {
        let mut tx = self.store.begin().await.unwrap();
        let outcome = work(&mut tx).await;
        match outcome {
            Ok(_) => tx.commit().await.unwrap(),
            Err(_) => tx.rollback().await.unwrap(),
        }
        outcome
    }

    /// A password, hashed.
    pub(crate) async fn hashed(&self, name: &str, password: &str) -> HashedPassword {
        self.accounts.prepare_password(&name.parse().unwrap(), &password.into()).await.unwrap()
    }

    /// An account with [`PASSWORD`].
    pub(crate) async fn user(&self, name: &str) -> User {
        let password = Some(self.hashed(name, PASSWORD).await);
        let new = NewUser { password, ..NewUser::person(name.parse().unwrap()) };
        self.write(async |tx| self.accounts.create_user(tx, &new).await).await.unwrap()
    }

    /// An account with [`PASSWORD`] and a role.
    pub(crate) async fn user_with(&self, name: &str, role: &str) -> User {
        let user = self.user(name).await;
        let role = role.parse().unwrap();
        self.write(async |tx| self.accounts.assign_role(tx, &role, &user.id).await).await.unwrap();
        user
    }

    /// A login from a place.
    pub(crate) async fn login(&self, name: &str, password: &str, peer: &str) -> Result<Authenticated, AuthError> {
        self.login_with_code(name, password, None, peer).await
    }

    pub(crate) async fn login_with_code(
        &self,
        name: &str,
        password: &str,
        code: Option<&str>,
        peer: &str,
    ) -> Result<Authenticated, AuthError> {
        let (password, peer) = (SecretString::from(password), Peer::named(peer));
        self.accounts.authenticate(&Login { username: name, password: &password, code, peer: &peer }).await
    }

    /// Rights as another process has them.
    pub(crate) async fn rights(&self, known: &[Permission]) -> (Rights, Changes) {
        self.rights_of(&self.store, known).await
    }

    /// The same over a store of that process's own.
    pub(crate) async fn rights_of(&self, store: &Store, known: &[Permission]) -> (Rights, Changes) {
        let changes = Changes::listen(store.clone(), &[RIGHTS_CHANNEL]);
        let changed = changes.on(RIGHTS_CHANNEL).unwrap();
        (Rights::start(store.clone(), changed, known.to_vec()).await.unwrap(), changes)
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn wait(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }
}

/// What a login came to, in one word.
pub(crate) fn word(outcome: &Result<Authenticated, AuthError>) -> &'static str {
    match outcome {
        Ok(_) => "in",
        Err(error) => error.refusal().map_or("failed", |refusal| refusal.as_str()),
    }
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
