//! The datastore coordinator on Mosquitto and in a database of its own, and a client beside it.

use std::{
    fs,
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    process::{Child, Command as Process, Stdio},
    time::Duration,
};

use bus::{Address, BrokerKind, Bus, BusOptions};
use catalog::{Command, Owner, frame::SetSetting};
use coordinator::{Frame, Trust};
use coordinator_datastore::{Datastore, Given};
use serde_json::Value;
use store::{ClusterOptions, PoolSettings, PrivateCluster, Store, migrations};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use vocabulary::{Clock, Fault, ids::AccountName};

/// How long a test waits for anything before it fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Debian keeps it where an ordinary user does not look.
const MOSQUITTO: [&str; 2] = ["/usr/sbin/mosquitto", "mosquitto"];

/// Somebody else's broker, killed when it is dropped.
struct Mosquitto(Child);

impl Mosquitto {
    /// Starts one; another program may take the port that was just free, so this is tried again.
    async fn start(folder: &TempDir) -> (Self, Address) {
        for _ in 0..5 {
            let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            let file = folder.path().join("mosquitto.conf");
            fs::write(&file, format!("listener {port} 127.0.0.1\nallow_anonymous true\n")).unwrap();
            let start = |program: &str| {
                let quiet = |process: &mut Process| process.stdout(Stdio::null()).stderr(Stdio::null()).spawn().ok();
                quiet(Process::new(program).arg("-c").arg(&file))
            };
            let mut broker = Self(MOSQUITTO.into_iter().find_map(start).unwrap());
            let address = Address { host: "127.0.0.1".to_owned(), port, tls: false };
            if let Ok(probe) = Bus::connect(options(&address, "probe"), Duration::from_secs(5)).await {
                probe.close().await;
                if broker.0.try_wait().unwrap().is_none() {
                    return (broker, address);
                }
            }
        }
        unreachable!("mosquitto did not start; apt-get install mosquitto");
    }
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

fn operator() -> AccountName {
    "operator".parse().unwrap()
}

fn options(address: &Address, client_id: &str) -> BusOptions {
    BusOptions {
        address: address.clone(),
        client_id: client_id.to_owned(),
        credentials: None,
        account: operator(),
        source: "user:operator".to_owned(),
        tls: None,
        last_will: None,
        clock: Clock::system(),
    }
}

/// The coordinator and what it needs.
pub(crate) struct Stand {
    pub(crate) client: Bus,
    pub(crate) store: Store,
    pub(crate) folder: TempDir,
    cluster: PrivateCluster,
    running: (CancellationToken, JoinHandle<()>),
    _broker: Mosquitto,
}

impl Stand {
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        // The server's user must be able to enter it.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let server_settings = [("fsync".to_owned(), "off".to_owned())].into();
        let cluster_options = ClusterOptions { server_settings, ..ClusterOptions::default() };
        let cluster = PrivateCluster::start(&folder.path().join("cluster"), cluster_options).await.unwrap();
        migrations::run(&cluster.endpoint(), &[]).await.unwrap();
        let store = Store::connect(cluster.endpoint(), PoolSettings::default()).await.unwrap();
        let (broker, address) = Mosquitto::start(&folder).await;
        let frame = Frame {
            address: address.clone(),
            credentials: None,
            account: operator(),
            authority: std::sync::Arc::new(Trust::new(BrokerKind::External, operator(), vec![])),
            trail: coordinator::Trail::start(store.clone(), Clock::system()),
            vault: None,
            tls: None,
            store: store.clone(),
            clock: Clock::system(),
            boot: vec![],
        };
        let given = Given { backups: folder.path().join("backups") };
        let stop = CancellationToken::new();
        let running = tokio::spawn(coordinator::run::<Datastore>(frame, given, stop.clone()));
        let client = Bus::connect(options(&address, "test"), PATIENCE).await.unwrap();
        until("the coordinator answers", async || {
            client.ask_of(Owner::Datastore, &catalog::frame::GetHealth {}).await.is_ok()
        })
        .await;
        Self { client, store, folder, cluster, running: (stop, running), _broker: broker }
    }

    pub(crate) async fn set(&self, key: &str, value: impl Into<Value>) -> Result<(), Fault> {
        let set = SetSetting { key: key.to_owned(), value: value.into() };
        self.client.ask_of(Owner::Datastore, &set).await.map(|_| ())
    }

    pub(crate) async fn ask<C: Command>(&self, command: &C) -> Result<C::Reply, Fault> {
        self.client.ask(command).await
    }

    pub(crate) async fn stop(self) {
        let (stop, running) = self.running;
        stop.cancel();
        tokio::time::timeout(PATIENCE, running).await.unwrap().unwrap();
        self.client.close().await;
        self.store.close().await;
        self.cluster.stop().await.unwrap();
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
