//! The message coordinator on a broker and in a database of its own, and a client beside it.

use std::{
    fs,
    future::Future,
    os::unix::fs::PermissionsExt,
    sync::{
        Arc, Mutex, Weak,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use bus::{BrokerKind, Bus, BusOptions};
use catalog::{Command, Owner, frame::SetSetting};
use coordinator::{Frame, Trust};
use coordinator_message::{Given, Message};
use engine::{Boxed, Engine as _};
use engine_broker::{Admission, Asker, Broker, Credentials, Gate, Options, Refused};
use serde_json::Value;
use store::{ClusterOptions, PoolSettings, PrivateCluster, Store, migrations};
use tempfile::TempDir;
use tokio::{
    runtime::{Builder, Runtime},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;
use vocabulary::{Clock, Fault, ids::AccountName};

/// How long a test waits for anything before it fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

static SHARED: Mutex<Weak<Server>> = Mutex::new(Weak::new());

/// A database server for all tests, on a runtime that outlives each test's own.
struct Server {
    inside: Option<(Runtime, PrivateCluster)>,
    names: AtomicU32,
    _folder: TempDir,
}

/// The server, started by the first who asks.
fn server() -> Arc<Server> {
    let mut shared = SHARED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(server) = shared.upgrade() {
        return server;
    }
    let folder = tempfile::tempdir().unwrap();
    // The server's user must be able to enter it.
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let path = folder.path().to_owned();
    let started = std::thread::spawn(move || {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let server_settings = [("fsync".to_owned(), "off".to_owned())].into();
        let options = ClusterOptions { server_settings, ..ClusterOptions::default() };
        let cluster = runtime.block_on(PrivateCluster::start(&path, options)).unwrap();
        (runtime, cluster)
    });
    let inside = Some(started.join().unwrap());
    let server = Arc::new(Server { inside, names: AtomicU32::new(0), _folder: folder });
    *shared = Arc::downgrade(&server);
    server
}

impl Server {
    async fn store(&self) -> Store {
        let name = format!("test_{}", self.names.fetch_add(1, Ordering::SeqCst));
        let (_, cluster) = self.inside.as_ref().unwrap();
        let endpoint = cluster.create_database(&name).await.unwrap();
        migrations::run(&endpoint, &[]).await.unwrap();
        Store::connect(endpoint, PoolSettings::default()).await.unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some((runtime, cluster)) = self.inside.take() {
            std::thread::spawn(move || runtime.block_on(cluster.stop()).unwrap()).join().unwrap();
        }
    }
}

/// Everybody is the operator and may do everything.
struct Open;

impl Gate for Open {
    fn connect<'a>(&'a self, _: &'a Credentials) -> Boxed<'a, Result<Admission, Refused>> {
        Box::pin(async { Ok(operator().into()) })
    }

    fn publish(&self, _: &Asker<'_>, _: &str, _: bool) -> bool {
        true
    }

    fn subscribe(&self, _: &Asker<'_>, _: &str) -> bool {
        true
    }
}

fn operator() -> AccountName {
    "operator".parse().unwrap()
}

/// The coordinator and what it needs.
pub(crate) struct Stand {
    pub(crate) broker: Broker,
    pub(crate) client: Bus,
    frame: Frame,
    running: Option<(CancellationToken, JoinHandle<()>)>,
    _server: Arc<Server>,
}

impl Stand {
    pub(crate) async fn start() -> Self {
        let server = server();
        let mut options = Options::new(Arc::new(Open), Clock::system());
        options.tcp = vec!["127.0.0.1:0".parse().unwrap()];
        let broker = Broker::start(options).await.unwrap();
        let store = server.store().await;
        let frame = Frame {
            address: broker.tcp_addresses()[0].to_string().parse().unwrap(),
            credentials: None,
            account: operator(),
            authority: Arc::new(Trust::new(BrokerKind::Embedded, operator(), vec![])),
            trail: coordinator::Trail::start(store.clone(), Clock::system()),
            vault: None,
            tls: None,
            store,
            clock: Clock::system(),
            boot: vec![],
        };
        let options = BusOptions {
            address: frame.address.clone(),
            client_id: "test".to_owned(),
            credentials: None,
            account: operator(),
            source: "user:operator".to_owned(),
            tls: None,
            last_will: None,
            clock: Clock::system(),
        };
        let client = Bus::connect(options, PATIENCE).await.unwrap();
        let mut stand = Self { broker, client, frame, running: None, _server: server };
        stand.start_coordinator().await;
        stand
    }

    pub(crate) async fn start_coordinator(&mut self) {
        let given = Given {
            broker: Some(self.broker.clone()),
            kind: BrokerKind::Embedded,
            address: self.frame.address.to_string(),
        };
        let stop = CancellationToken::new();
        let running = tokio::spawn(coordinator::run::<Message>(self.frame.clone(), given, stop.clone()));
        self.running = Some((stop, running));
        until("the coordinator answers", async || {
            self.client.ask_of(Owner::Message, &catalog::frame::GetHealth {}).await.is_ok()
        })
        .await;
    }

    pub(crate) async fn stop_coordinator(&mut self) {
        let (stop, running) = self.running.take().unwrap();
        stop.cancel();
        tokio::time::timeout(PATIENCE, running).await.unwrap().unwrap();
    }

    /// Asks until the answer is as wanted.
    pub(crate) async fn ask_until<C: Command>(&self, command: &C, wanted: impl Fn(&C::Reply) -> bool) -> C::Reply {
        let mut last = None;
        until(C::NAME, async || {
            // It may be away for a moment.
            let Ok(reply) = self.client.ask(command).await else { return false };
            let is_wanted = wanted(&reply);
            last = Some(reply);
            is_wanted
        })
        .await;
        last.unwrap()
    }

    pub(crate) async fn set(&self, key: &str, value: impl Into<Value>) -> Result<(), Fault> {
        let set = SetSetting { key: key.to_owned(), value: value.into() };
        self.client.ask_of(Owner::Message, &set).await.map(|_| ())
    }

    pub(crate) async fn stop(mut self) {
        self.stop_coordinator().await;
        self.client.close().await;
        self.broker.stop().await;
        self.frame.store.close().await;
    }
}

/// Waits until `condition` holds.
pub(crate) async fn until(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let mut ticks = tokio::time::interval(Duration::from_millis(20));
    let come = async {
        while !condition().await {
            ticks.tick().await;
        }
    };
    assert!(tokio::time::timeout(PATIENCE, come).await.is_ok(), "{what}: did not come true");
}

/// What `future` comes to, within the patience of a test.
pub(crate) async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.unwrap()
}
