//! The database: pool, health, statistics, backup and restore. It observes and administers; the server itself is the composition root's.

mod backup;
mod datastore_settings;
mod figures;
mod vault;

use std::{path::PathBuf, sync::Arc};

use bus::Bus;
use catalog::Owner;
use coordinator::{Coordinator, Routes, Start};
use engine::Engine;
use health::Report;
use store::Store;
use tokio::sync::watch;
use vocabulary::{Clock, Fault};

pub use datastore_settings::DatastoreSettings;

use crate::{figures::Gauge, vault::Vault};

/// What the composition root hands in.
#[derive(Debug, Clone)]
pub struct Given {
    /// The folder of the backups.
    pub backups: PathBuf,
}

/// The datastore coordinator.
#[derive(Debug)]
pub struct Datastore {
    settings: watch::Sender<DatastoreSettings>,
    bus: Bus,
    store: Store,
    clock: Clock,
    gauge: Gauge,
    vault: Vault,
}

impl Coordinator for Datastore {
    const OWNER: Owner = Owner::Datastore;
    type Settings = DatastoreSettings;
    type Given = Given;

    async fn start(start: Start<Self>) -> Result<Self, Fault> {
        let Start { settings, bus, store, clock, given } = start;
        reconfigure(&store, &settings);
        let vault = Vault::open(given.backups, clock.clone());
        let gauge = Gauge::new(clock.clone());
        figures::sample(&store, &gauge, settings.capacity_warning_percent).await;
        Ok(Self { settings: watch::Sender::new(settings), bus, store, clock, gauge, vault })
    }

    fn routes() -> Routes<Self> {
        Routes::default()
            .on(figures::ping)
            .on(figures::statistics)
            .on(backup::create)
            .on(backup::restore)
            .on(backup::list)
    }

    fn engines(&self) -> Vec<Arc<dyn Engine>> {
        Vec::new()
    }

    async fn apply(&self, settings: &DatastoreSettings) -> Result<(), Fault> {
        if reconfigure(&self.store, settings) {
            // A pool that the database refuses must not stand.
            self.store.ping().await?;
        }
        self.settings.send_replace(settings.clone());
        Ok(())
    }

    async fn work(self: Arc<Self>) -> Result<(), Fault> {
        tokio::try_join!(figures::keep_sampling(&self), backup::work_off(&self)).map(|_| ())
    }

    fn health(&self) -> Vec<Report> {
        vec![self.gauge.health(self.clock.now()), self.vault.health()]
    }
}

/// Lets the pool have the settings' bounds; says whether they are others than before.
fn reconfigure(store: &Store, settings: &DatastoreSettings) -> bool {
    let pool = settings.pool();
    let differs = store.settings() != pool;
    if differs {
        store.reconfigure(pool);
    }
    differs
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use catalog::datastore::MESSAGES;

    use super::*;

    #[test]
    fn every_message_has_a_handler() {
        let inbound = MESSAGES.iter().filter(|entry| entry.kind.is_inbound());
        let declared: BTreeSet<String> = inbound.map(|entry| entry.name.to_string()).collect();
        assert_eq!(Datastore::routes().names(), declared);
    }
}
