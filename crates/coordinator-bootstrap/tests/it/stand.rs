//! A private cluster for the test binary, and for each test a broker, a database and the coordinator in its frame.

use std::{
    fs,
    future::Future,
    net::SocketAddr,
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use bus::{BrokerKind, Bus, BusOptions, Delivery, Watch};
use catalog::{Owner, Qos, Shape, envelope, topic};
use coordinator::{Frame, Trust};
use coordinator_bootstrap::{Bootstrap, Facts, Given};
use health::{Report, Status};
use mqtt5::broker::{
    MqttBroker,
    config::{BrokerConfig, StorageBackend, StorageConfig},
};
use store::{ClusterOptions, Endpoint, PoolSettings, PrivateCluster, Store, endpoint::pgpass, migrations};
use tempfile::TempDir;
use tokio::{
    runtime::{Builder, Runtime},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;
use vocabulary::Clock;

const LIMIT: Duration = Duration::from_secs(30);

static SHARED: Mutex<Weak<Cluster>> = Mutex::new(Weak::new());

/// The cluster, on a runtime that outlives each test's own.
struct Cluster {
    inside: Option<(Runtime, PrivateCluster)>,
    names: AtomicU32,
    _folder: TempDir,
}

fn cluster() -> Arc<Cluster> {
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(cluster) = shared.upgrade() {
        return cluster;
    }
    let folder = tempfile::tempdir().unwrap();
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
    let cluster = Arc::new(Cluster { inside, names: AtomicU32::new(0), _folder: folder });
    *shared = Arc::downgrade(&cluster);
    cluster
}

impl Cluster {
    async fn database(&self) -> Endpoint {
        let name = format!("test_{}", self.names.fetch_add(1, Ordering::SeqCst));
        let (_, cluster) = self.inside.as_ref().unwrap();
        let endpoint = cluster.create_database(&name).await.unwrap();
        migrations::run(&endpoint, &[]).await.unwrap();
        endpoint
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Some((runtime, cluster)) = self.inside.take() {
            let stopped = std::thread::spawn(move || runtime.block_on(cluster.stop()).unwrap());
            stopped.join().unwrap();
        }
    }
}

/// The coordinator, its surroundings, and a client.
pub(crate) struct Stand {
    pub(crate) bus: Bus,
    pub(crate) store: Store,
    pub(crate) path: PathBuf,
    _folder: TempDir,
    broker: SocketAddr,
    serving: JoinHandle<()>,
    running: Option<(JoinHandle<()>, CancellationToken)>,
    cluster: Arc<Cluster>,
}

impl Stand {
    pub(crate) async fn start() -> Self {
        let mut stand = Self::without_coordinator().await;
        stand.run().await;
        stand
    }

    pub(crate) async fn without_coordinator() -> Self {
        let cluster = cluster();
        let endpoint = cluster.database().await;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".pgpass");
        pgpass::write(&path, &endpoint).unwrap();
        let store = Store::connect(endpoint, PoolSettings::default()).await.unwrap();
        let (broker, serving) = serve().await;
        let bus = client(broker, "client", &Clock::system()).await;
        Self { bus, store, path, _folder: folder, broker, serving, running: None, cluster }
    }

    pub(crate) async fn another_database(&self) -> Endpoint {
        self.cluster.database().await
    }

    /// Runs the coordinator and waits until it is ready.
    pub(crate) async fn run(&mut self) {
        let account: vocabulary::ids::AccountName = "operator".parse().unwrap();
        let frame = Frame {
            address: self.broker.to_string().parse().unwrap(),
            credentials: None,
            account: account.clone(),
            authority: Arc::new(Trust::new(BrokerKind::External, account, vec![])),
            trail: coordinator::Trail::start(self.store.clone(), Clock::system()),
            vault: None,
            tls: None,
            store: self.store.clone(),
            clock: Clock::system(),
            boot: vec![],
        };
        let given = Given { pgpass_path: self.path.clone(), facts: Facts::default() };
        let mut reports = self.watch(&topic::health(Owner::Bootstrap)).await;
        let stop = CancellationToken::new();
        let running = tokio::spawn(coordinator::run::<Bootstrap>(frame, given, stop.clone()));
        self.running = Some((running, stop));
        let is_ready = |report: &Report| matches!(report.status, Status::Healthy | Status::Degraded);
        next_where(&mut reports, |report: &Report| is_ready(report)).await;
    }

    pub(crate) async fn another_client(&self, name: &str) -> Bus {
        client(self.broker, name, &Clock::system()).await
    }

    /// Watches a filter from now on; retained messages come first.
    pub(crate) async fn watch(&self, filter: &str) -> Watch {
        self.bus.watch(&[(filter.to_owned(), Qos::AtLeastOnce)], 4096).await.unwrap()
    }
}

impl Drop for Stand {
    fn drop(&mut self) {
        if let Some((_, stop)) = self.running.take() {
            stop.cancel();
        }
        self.serving.abort();
    }
}

async fn serve() -> (SocketAddr, JoinHandle<()>) {
    let storage = StorageConfig { backend: StorageBackend::Memory, ..StorageConfig::default() };
    let config = BrokerConfig::default().with_bind_address(([127, 0, 0, 1], 0)).with_storage(storage);
    let mut broker = MqttBroker::with_config(config).await.unwrap();
    let address = broker.local_addr().unwrap();
    (address, tokio::spawn(async move { broker.run().await.unwrap() }))
}

async fn client(broker: SocketAddr, name: &str, clock: &Clock) -> Bus {
    let options = BusOptions {
        address: broker.to_string().parse().unwrap(),
        client_id: name.to_owned(),
        credentials: None,
        account: "operator".parse().unwrap(),
        source: format!("user:{name}"),
        tls: None,
        last_will: None,
        clock: clock.clone(),
    };
    Bus::connect(options, LIMIT).await.unwrap()
}

/// The payload of a message; nothing if it has none.
fn payload<M: Shape>(delivery: &Delivery) -> Option<M> {
    let payload = envelope::read(&delivery.payload, &std::collections::BTreeSet::new()).payload.ok()?;
    serde_json::from_value(payload).ok()
}

/// The next message that is as wanted.
pub(crate) async fn next_where<M: Shape>(watch: &mut Watch, mut wanted: impl FnMut(&M) -> bool) -> M {
    let search = async {
        loop {
            let delivery = watch.next().await.unwrap();
            if let Some(message) = payload::<M>(&delivery).filter(|message| wanted(message)) {
                return message;
            }
        }
    };
    let found = tokio::time::timeout(LIMIT, search).await;
    found.unwrap_or_else(|_| panic!("no such {} came", std::any::type_name::<M>()))
}

/// Waits until `condition` holds.
pub(crate) async fn until<Fut: Future<Output = bool>>(what: &str, mut condition: impl FnMut() -> Fut) {
    let mut ticks = tokio::time::interval(Duration::from_millis(20));
    let come = async {
        while !condition().await {
            ticks.tick().await;
        }
    };
    assert!(tokio::time::timeout(LIMIT, come).await.is_ok(), "{what} did not come true");
}
