//! The registry of services: register, heartbeat, timeout, discovery.

mod faults;
mod lookup;
mod membership;
mod registry;
mod settings;
mod watch;

use std::{future::Future, sync::Arc};

use bus::Bus;
use catalog::Owner;
use coordinator::{Coordinator, Routes, Start};
use engine::Engine;
use store::Store;
use tokio::sync::{Notify, watch as signal};
use vocabulary::{Clock, Fault, Timestamp};

pub use crate::settings::ApplicationSettings;

use crate::registry::Registry;

/// The application coordinator. Its word in topics is `service`.
#[derive(Debug)]
pub struct Application {
    registry: Arc<Registry>,
    settings: signal::Sender<ApplicationSettings>,
    /// Since when heartbeats can be heard without a break.
    listening: signal::Sender<Timestamp>,
    /// States are to be published.
    news: Notify,
    bus: Bus,
    store: Store,
    clock: Clock,
}

impl Coordinator for Application {
    const OWNER: Owner = Owner::Application;
    type Settings = ApplicationSettings;
    type Given = ();

    async fn start(start: Start<Self>) -> Result<Self, Fault> {
        let Start { settings, bus, store, clock, given: () } = start;
        let registry = Arc::new(Registry::new(clock.clone(), settings.services_max));
        let (settings, listening) = (signal::Sender::new(settings), signal::Sender::new(clock.now()));
        let application = Self { registry, settings, listening, news: Notify::new(), bus, store, clock };
        application.read_rows().await?;
        // What stands at the broker is taken for dead unless it was published again before the first message is taken.
        application.publish_changed().await?;
        Ok(application)
    }

    fn routes() -> Routes<Self> {
        Routes::default()
            .hear(membership::register)
            .hear(membership::heartbeat)
            .on(membership::unregister)
            .on(lookup::get)
            .on(lookup::list)
    }

    fn engines(&self) -> Vec<Arc<dyn Engine>> {
        vec![Arc::clone(&self.registry) as Arc<dyn Engine>]
    }

    async fn apply(&self, settings: &ApplicationSettings) -> Result<(), Fault> {
        self.registry.allow(settings.services_max);
        self.settings.send_replace(settings.clone());
        Ok(())
    }

    fn work(self: Arc<Self>) -> impl Future<Output = Result<(), Fault>> + Send {
        watch::keep(self)
    }
}
