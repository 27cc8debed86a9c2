//! A private cluster for the test binary, a door that is open to all, and a table of who may do what.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicU32, Ordering},
    },
};

use bus::Delivery;
use catalog::{Entry, Needs, Party, envelope};
use coordinator::{Authority, Caller};
use engine::Boxed;
use engine_accounts::Rights;
use engine_broker::{Admission, Asker, Gate, Refused};
use engine_tokens::Verifier;
use store::{ClusterOptions, PoolSettings, PrivateCluster, Store, migrations};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};
use vocabulary::{Clock, Fault, ids::AccountName};

static SHARED: Mutex<Weak<Cluster>> = Mutex::new(Weak::new());

/// The cluster, on a runtime that outlives each test's own.
pub(super) struct Cluster {
    pub(super) inside: Option<(Runtime, PrivateCluster)>,
    names: AtomicU32,
    _folder: TempDir,
}

pub(super) fn cluster() -> Arc<Cluster> {
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(cluster) = shared.upgrade() {
        return cluster;
    }
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let path = folder.path().to_owned();
    let started = std::thread::spawn(move || {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let server_settings = [("fsync", "off"), ("max_connections", "300")];
        let server_settings = server_settings.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
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
    pub(super) async fn store(&self) -> Store {
        let name = format!("test_{}", self.names.fetch_add(1, Ordering::SeqCst));
        let (_, cluster) = self.inside.as_ref().unwrap();
        let endpoint = cluster.create_database(&name).await.unwrap();
        migrations::run(&endpoint, &[]).await.unwrap();
        Store::connect(endpoint, PoolSettings { max: 12, ..PoolSettings::default() }).await.unwrap()
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

/// Lets everybody in under the name that he brings.
pub(super) struct OpenDoor;

impl Gate for OpenDoor {
    fn connect<'a>(&'a self, client: &'a engine_broker::Credentials) -> Boxed<'a, Result<Admission, Refused>> {
        Box::pin(async move {
            let name = client.username.as_deref().and_then(|name| name.parse::<AccountName>().ok());
            name.map(Admission::from).ok_or(Refused::Credentials)
        })
    }
    fn publish(&self, _: &Asker<'_>, _: &str, _: bool) -> bool {
        true
    }
    fn subscribe(&self, _: &Asker<'_>, _: &str) -> bool {
        true
    }
}

/// Knows users by the stamp of the broker or by the token that a message brings, and their rights by the tables.
pub(super) struct Table {
    pub(super) rights: Rights,
    pub(super) verifier: Verifier,
    pub(super) clock: Clock,
}

impl Authority for Table {
    fn caller(&self, entry: &Entry, delivery: &Delivery, header: &envelope::Header) -> Result<Caller, Fault> {
        let stranger = Caller::stranger(delivery);
        if let Some(token) = delivery.token.as_ref().or(header.token.as_ref()) {
            let claims = self.verifier.verify(token, self.clock.now())?;
            return Ok(Caller {
                account: claims.account.clone(),
                user: claims.user_id.clone(),
                administrator: self.rights.is_administrator(&claims.account),
                scopes: claims.scopes.clone(),
                over: Some(stranger.account.clone()),
                origin: stranger.origin,
            });
        }
        let (account, user) = (stranger.account.clone(), self.rights.user_id(&stranger.account));
        match (Party::of(&account), &user) {
            (_, Some(_)) => Ok(Caller { administrator: self.rights.is_administrator(&account), user, ..stranger }),
            (Party::Coordinator(_) | Party::Face(_) | Party::Node, None) => Ok(stranger),
            _ if entry.needs == Needs::Nobody => Ok(stranger),
            _ => Err(Fault::unauthenticated(format!("account {account} is not known"))),
        }
    }

    fn stranger(&self, delivery: &Delivery) -> Caller {
        Caller::stranger(delivery)
    }

    fn permits(&self, caller: &Caller, needs: Needs, scopes: &[&str]) -> Result<(), Fault> {
        match needs {
            Needs::Nobody | Needs::Anybody | Needs::Node => Ok(()),
            Needs::Right(right)
                if caller.leaves_in(right) && self.rights.check_within(&caller.account, right, scopes).allowed =>
            {
                Ok(())
            }
            Needs::Right(_) | Needs::Addressee => Err(Fault::forbidden(format!("{} lacks {needs}", caller.account))),
        }
    }
}
