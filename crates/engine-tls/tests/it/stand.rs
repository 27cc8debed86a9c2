//! One private cluster for all tests of the process, a database for each; and engines on it.

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

use engine_tls::{Certificates, TlsSettings};
use sqlx::{Connection as _, PgConnection};
use store::{
    ClusterOptions, Endpoint, MasterKey, PoolSettings, PrivateCluster, Store, Vault, certificates, migrations,
};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};
use vocabulary::Clock;

static SHARED: Mutex<Weak<Stand>> = Mutex::new(Weak::new());

/// The shared cluster, on a runtime that outlives each test's own.
pub(crate) struct Stand {
    inside: Option<(Runtime, PrivateCluster)>,
    names: AtomicU32,
    _folder: TempDir,
}

/// The shared cluster, started by the first who asks.
fn stand() -> Arc<Stand> {
    let mut shared = SHARED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(stand) = shared.upgrade() {
        return stand;
    }
    let folder = folder();
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
            let stopped = std::thread::spawn(move || runtime.block_on(cluster.stop()).unwrap());
            stopped.join().unwrap();
        }
    }
}

/// A database with a master key and a clock that is set by hand.
pub(crate) struct Site {
    pub(crate) endpoint: Endpoint,
    pub(crate) vault: Vault,
    pub(crate) clock: Clock,
    _stand: Arc<Stand>,
}

impl Site {
    pub(crate) async fn fresh() -> Self {
        let stand = stand();
        let name = format!("test_{}", stand.names.fetch_add(1, Ordering::SeqCst));
        let (_, cluster) = stand.inside.as_ref().unwrap();
        let endpoint = cluster.create_database(&name).await.unwrap();
        migrations::run(&endpoint, &[]).await.unwrap();
        let vault = Vault::new(&MasterKey::fresh().unwrap(), &[]).unwrap();
        // Peers that are not ours go by the system's clock, so this one begins with it.
        Self { endpoint, vault, clock: Clock::by_hand(Clock::system().now()), _stand: stand }
    }

    pub(crate) async fn store(&self) -> Store {
        Store::connect(self.endpoint.clone(), PoolSettings::default()).await.unwrap()
    }

    /// An engine as another process would have it.
    pub(crate) async fn engine(&self, settings: TlsSettings) -> Certificates {
        let (store, vault, clock) = (self.store().await, self.vault.clone(), self.clock.clone());
        Certificates::start(store, vault, clock, settings).await.unwrap()
    }

    /// The key of a domain's certificate, as only who has the master key can read it.
    pub(crate) async fn key_of(&self, domain: &str) -> String {
        let row = certificates::get(&self.store().await, domain).await.unwrap();
        let sealed = row.material.unwrap().private_key_sealed.unwrap();
        String::from_utf8(self.vault.open(&certificates::private_key_place(&row.id), &sealed).unwrap()).unwrap()
    }

    pub(crate) async fn sql(&self) -> PgConnection {
        PgConnection::connect(&self.endpoint.to_url_with_password()).await.unwrap()
    }
}

/// Settings under which nothing is renewed but by the test.
pub(crate) fn settings() -> TlsSettings {
    TlsSettings { renewal_interval: 86400, ..TlsSettings::default() }
}

pub(crate) const fn days(count: u64) -> Duration {
    Duration::from_secs(count * 86400)
}

/// A temporary folder that the server's user can enter.
pub(crate) fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    folder
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
