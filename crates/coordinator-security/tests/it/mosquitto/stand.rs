//! One private cluster for all tests of the process; for each a database with engines over it, a Mosquitto, and the mirror between them.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use bus::{BrokerKind, Credentials};
use coordinator_security::mosquitto::{Mirror, Passwords, set_up};
use engine_accounts::{Accounts, AccountsError, AccountsSettings, HashedPassword, NewUser, Rights};
use engine_tokens::{CurrentEpoch, Tokens, TokensSettings, Verifier};
use store::{
    Changes, ClusterOptions, MasterKey, PoolSettings, PrivateCluster, Store, Tx, Vault,
    accounts::{RIGHTS_CHANNEL, users::User},
    migrations, tokens,
};
use tempfile::TempDir;
use testkit::until;
use tokio::{
    runtime::{Builder, Runtime},
    task::JoinHandle,
};
use vocabulary::Clock;

use super::{broker::Broker, session::Session};

static SHARED: Mutex<Weak<Server>> = Mutex::new(Weak::new());

/// The password of accounts that [`Stand::user`] makes.
pub(crate) const PASSWORD: &str = "Deneb, Vega and Altair";
const LIMIT: Duration = Duration::from_secs(30);

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
        let server_settings = [("fsync".to_owned(), "off".to_owned())].into();
        let options = ClusterOptions { server_settings, ..ClusterOptions::default() };
        let cluster = runtime.block_on(PrivateCluster::start(&path, options)).unwrap();
        (runtime, cluster)
    });
    let server = Arc::new(Server { inside: Some(started.join().unwrap()), names: AtomicU32::new(0), _folder: folder });
    *shared = Arc::downgrade(&server);
    server
}

/// Engines, a Mosquitto, and the mirror between them.
pub(crate) struct Stand {
    pub(crate) broker: Broker,
    pub(crate) accounts: Accounts,
    pub(crate) tokens: Tokens,
    pub(crate) passwords: Passwords,
    pub(crate) clock: Clock,
    store: Store,
    task: JoinHandle<()>,
    _changes: Changes,
    _server: Arc<Server>,
}

impl Drop for Stand {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub(crate) fn node() -> Credentials {
    let account = "node".parse().unwrap();
    Credentials { account, password: "0123456789abcdef".to_owned(), broker: BrokerKind::External }
}

impl Stand {
    pub(crate) async fn start() -> Self {
        let server = server();
        let name = format!("mosquitto_{}", server.names.fetch_add(1, Ordering::SeqCst));
        let (_, cluster) = server.inside.as_ref().unwrap();
        let endpoint = cluster.create_database(&name).await.unwrap();
        migrations::run(&endpoint, &[]).await.unwrap();
        let store = Store::connect(endpoint, PoolSettings::default()).await.unwrap();
        let vault = Vault::new(&MasterKey::fresh().unwrap(), &[]).unwrap();
        let clock = Clock::by_hand("2026-11-21T20:00:00Z".parse().unwrap());
        // A hash under these costs next to nothing.
        let cheap = AccountsSettings { argon2_memory_kibibytes: 64, argon2_passes: 1, ..AccountsSettings::default() };
        let accounts = Accounts::start(store.clone(), vault.clone(), clock.clone(), cheap).await.unwrap();
        let changes = Changes::listen(store.clone(), &[RIGHTS_CHANNEL, tokens::CHANNEL]);
        let changed = changes.on(RIGHTS_CHANNEL).unwrap();
        let rights = Rights::start(store.clone(), changed, Vec::new()).await.unwrap();
        let of_rights = rights.clone();
        let epochs: CurrentEpoch = Arc::new(move |user| of_rights.token_epoch_of(user).map(u64::cast_signed));
        let verifier =
            Verifier::start(store.clone(), Some(vault.clone()), &changes, epochs, clock.clone()).await.unwrap();
        let tokens = Tokens::start(store.clone(), vault, verifier.clone(), clock.clone(), TokensSettings::default())
            .await
            .unwrap();
        let broker = Broker::start().await;
        set_up(&broker.administrator().await, &node()).await.unwrap();
        let role = node().for_role(&"security-coordinator".parse().unwrap()).unwrap();
        let bus = broker.bus(role.account.as_str(), &role.password).await;
        let opened = Mirror::open(&bus, accounts.clone(), tokens.clone(), rights, clock.clone()).await;
        let (mirror, passwords) = opened.unwrap();
        let task = tokio::spawn(mirror.run(verifier.changed()));
        Self { broker, accounts, tokens, passwords, clock, store, task, _changes: changes, _server: server }
    }

    /// Writes in a transaction that lasts where it succeeds.
    pub(crate) async fn write<T>(&self, work: impl AsyncFnOnce(&mut Tx) -> Result<T, AccountsError>) -> T {
        let mut tx = self.store.begin().await.unwrap();
        let outcome = work(&mut tx).await.unwrap();
        tx.commit().await.unwrap();
        outcome
    }

    pub(crate) async fn hashed(&self, name: &str, password: &str) -> HashedPassword {
        self.accounts.prepare_password(&name.parse().unwrap(), &password.into()).await.unwrap()
    }

    /// An account with [`PASSWORD`] and a role, which Mosquitto hears of.
    pub(crate) async fn user(&self, name: &str, role: &str) -> User {
        let password = Some(self.hashed(name, PASSWORD).await);
        let new = NewUser { password, ..NewUser::person(name.parse().unwrap()) };
        let role = role.parse().unwrap();
        let user = self
            .write(async |tx| {
                let user = self.accounts.create_user(tx, &new).await?;
                self.accounts.assign_role(tx, &role, &user.id).await?;
                Ok(user)
            })
            .await;
        self.passwords.password_known(&user.username, &PASSWORD.into());
        user
    }

    /// Connects as soon as that is possible.
    pub(crate) async fn session(&self, account: &str, password: &str) -> Session {
        let port = self.broker.port;
        let what = format!("{account} connects");
        testkit::until_some(&what, LIMIT, async || Session::open(port, account, password).await).await
    }

    /// Waits until nobody gets in like that.
    pub(crate) async fn is_shut(&self, account: &str, password: &str) {
        let port = self.broker.port;
        let what = format!("{account} is kept out");
        until(&what, LIMIT, async || Session::open(port, account, password).await.is_none()).await;
    }

    /// How many rounds the mirror has made.
    pub(crate) fn rounds(&self) -> u64 {
        self.passwords.standing().borrow().rounds
    }

    /// Waits until the mirror has looked at everything once more.
    pub(crate) async fn looked_again(&self) {
        let before = self.rounds();
        self.passwords.look_again();
        until("the mirror has looked", LIMIT, async || self.rounds() > before).await;
    }
}
