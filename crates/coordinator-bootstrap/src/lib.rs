//! Hands out the database: its `.pgpass` file, migrations, and where the credentials lie, over the bus.
//!
//! Coordinators in other processes begin with [`await_credentials`] and go on with [`follow_credentials`].

pub mod configuration;
mod followers;
mod handout;
mod keeper;
mod settings;

use std::{future::Future, path::PathBuf, sync::Arc};

use bus::Bus;
use catalog::{Done, Owner, bootstrap::RequestCredentials};
use coordinator::{Coordinator, Cx, Routes, Start};
use engine::Engine;
use tokio::sync::watch;
use vocabulary::Fault;

pub use crate::{
    configuration::{Configuration, ConfigurationError},
    followers::{await_credentials, follow_credentials},
    handout::Facts,
    settings::BootstrapSettings,
};

use crate::keeper::Keeper;

/// What the composition root hands in.
#[derive(Debug, Clone)]
pub struct Given {
    /// The `.pgpass` file; absolute, since others open it by this path.
    pub pgpass_path: PathBuf,
    /// What is known of the database besides the file.
    pub facts: Facts,
}

/// The bootstrap coordinator.
#[derive(Debug)]
pub struct Bootstrap {
    keeper: Arc<Keeper>,
    settings: watch::Sender<BootstrapSettings>,
    bus: Bus,
}

impl Coordinator for Bootstrap {
    const OWNER: Owner = Owner::Bootstrap;
    type Settings = BootstrapSettings;
    type Given = Given;

    async fn start(start: Start<Self>) -> Result<Self, Fault> {
        let Start { settings, bus, store, clock, given: Given { pgpass_path, facts } } = start;
        if !pgpass_path.is_absolute() {
            return Err(Fault::invalid(format!("path {} of the password file is not absolute", pgpass_path.display()))
                .hint("name it from the root on: others open it by this path"));
        }
        let keeper = Arc::new(Keeper::new(pgpass_path, facts, store, clock));
        keeper.look().await;
        bus.retain_bare(&keeper.credentials()).await?;
        Ok(Self { keeper, settings: watch::Sender::new(settings), bus })
    }

    fn routes() -> Routes<Self> {
        Routes::default().hear(request)
    }

    fn engines(&self) -> Vec<Arc<dyn Engine>> {
        vec![Arc::clone(&self.keeper) as Arc<dyn Engine>]
    }

    async fn apply(&self, settings: &BootstrapSettings) -> Result<(), Fault> {
        self.settings.send_replace(settings.clone());
        Ok(())
    }

    fn work(self: Arc<Self>) -> impl Future<Output = Result<(), Fault>> + Send {
        keeper::keep(self)
    }
}

/// Hands the credentials out again.
async fn request(cx: Cx<Bootstrap>, request: RequestCredentials) -> Result<Done, Fault> {
    tracing::debug!(by = request.coordinator, "credentials are asked for");
    cx.bus().retain_bare(&cx.keeper.credentials()).await?;
    Ok(Done {})
}
