//! One private cluster for all tests of the process, a database for each; it stops when the last test lets go of it.

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

use store::{ClusterOptions, Endpoint, PoolSettings, PrivateCluster, Store, migrations};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};
use vocabulary::Timestamp;

static SHARED: Mutex<Weak<Stand>> = Mutex::new(Weak::new());

/// The shared cluster, on a runtime that outlives each test's own.
pub(crate) struct Stand {
    inside: Option<(Runtime, PrivateCluster)>,
    endpoint: Endpoint,
    names: AtomicU32,
    _folder: TempDir,
}

/// The shared cluster, started by the first who asks.
pub(crate) fn stand() -> Arc<Stand> {
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
    let (runtime, cluster) = started.join().unwrap();
    let endpoint = cluster.endpoint();
    let stand =
        Arc::new(Stand { inside: Some((runtime, cluster)), endpoint, names: AtomicU32::new(0), _folder: folder });
    *shared = Arc::downgrade(&stand);
    stand
}

impl Stand {
    /// An empty database.
    pub(crate) async fn database(&self) -> Endpoint {
        let name = format!("test_{}", self.names.fetch_add(1, Ordering::SeqCst));
        let (_, cluster) = self.inside.as_ref().unwrap();
        let endpoint = cluster.create_database(&name).await.unwrap();
        assert_ne!(endpoint, self.endpoint);
        endpoint
    }

    /// A migrated database.
    pub(crate) async fn store(&self) -> Store {
        let endpoint = self.database().await;
        migrations::run(&endpoint, &[]).await.unwrap();
        Store::connect(endpoint, PoolSettings::default()).await.unwrap()
    }
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

/// A temporary folder that the server's user can enter.
pub(crate) fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

/// The instant `seconds` after a fixed one.
pub(crate) fn at(seconds: u64) -> Timestamp {
    "2026-11-21T20:00:00Z".parse::<Timestamp>().unwrap().plus(Duration::from_secs(seconds))
}

/// Waits until `condition` holds.
pub(crate) async fn until<Fut: Future<Output = bool>>(what: &str, mut condition: impl FnMut() -> Fut) {
    let mut ticks = tokio::time::interval(Duration::from_millis(20));
    let come = async {
        while !condition().await {
            ticks.tick().await;
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(30), come).await.is_ok(), "{what} did not come true");
}
