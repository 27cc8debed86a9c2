//! The database of this process: a private cluster in the data folder, or one that is given.

use std::path::Path;

use coordinator_bootstrap::Facts;
use store::{ClusterOptions, Endpoint, PoolSettings, PrivateCluster, Store, endpoint::pgpass, migrations};
use vocabulary::Fault;

/// The database, with its server if that is ours.
pub(crate) struct Database {
    pub(crate) store: Store,
    pub(crate) cluster: Option<PrivateCluster>,
}

impl Database {
    /// Uses the given database, else starts the private cluster, and brings the tables up to date.
    pub(crate) async fn open(given: Option<&str>, data: &Path) -> Result<Self, Fault> {
        let (endpoint, cluster) = match given {
            Some(url) => (endpoint_of(url)?, None),
            None => {
                let cluster = private(data).await?;
                (cluster.endpoint(), Some(cluster))
            }
        };
        let migrated = migrate(&endpoint, &[]).await;
        let store = match migrated {
            Ok(()) => Store::connect(endpoint, PoolSettings::default()).await.map_err(Fault::from),
            Err(fault) => Err(fault),
        };
        match store {
            Ok(store) => Ok(Self { store, cluster }),
            Err(fault) => {
                stop(cluster).await;
                Err(fault)
            }
        }
    }

    /// What the bootstrap coordinator hands out: a file that gives the password, and where the database is.
    pub(crate) fn handed_out(&self, data: &Path) -> Result<coordinator_bootstrap::Given, Fault> {
        let endpoint = self.store.endpoint();
        let pgpass_path = data.join("pgpass");
        pgpass::write(&pgpass_path, &endpoint).map_err(|e| Fault::unavailable(e.to_string()))?;
        Ok(coordinator_bootstrap::Given { pgpass_path, facts: Facts::of(&endpoint) })
    }

    /// Closes the connections and ends the private server.
    pub(crate) async fn close(self) {
        self.store.close().await;
        stop(self.cluster).await;
    }
}

async fn stop(cluster: Option<PrivateCluster>) {
    if let Some(cluster) = cluster
        && let Err(error) = cluster.stop().await
    {
        tracing::warn!(%error, "database server did not end in good order");
    }
}

/// Starts the private cluster.
pub(crate) async fn private(data: &Path) -> Result<PrivateCluster, Fault> {
    let mut options = ClusterOptions::default();
    options.bundles.push(crate::data_folder::data_folder(None).join("postgresql/bin"));
    options.bundles.push(data.join("postgresql/bin"));
    PrivateCluster::start(&data.join("database"), options)
        .await
        .map_err(|e| Fault::unavailable(e.to_string()).hint("`bigskies up --database URL` uses a database of yours"))
}

/// The endpoint of a URL.
pub(crate) fn endpoint_of(url: &str) -> Result<Endpoint, Fault> {
    url.parse().map_err(|e: store::EndpointError| {
        Fault::invalid(e.to_string()).hint("write postgres://user:password@host:5432/database?sslmode=verify-full")
    })
}

/// Brings the tables up to date.
pub(crate) async fn migrate(endpoint: &Endpoint, extra: &[migrations::ExtraMigration]) -> Result<(), Fault> {
    let report = migrations::run(endpoint, extra).await.map_err(|e| {
        Fault::unavailable(e.to_string()).hint("see that the database runs and that the account may change its tables")
    })?;
    if !report.applied.is_empty() {
        tracing::info!(applied = report.applied.len(), "tables were brought up to date");
    }
    Ok(())
}
