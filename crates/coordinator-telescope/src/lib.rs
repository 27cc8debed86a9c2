//! The telescope coordinator: configurations, devices, motion, safety, live positions. The protocol is its engine's.

mod config;
mod control;
mod device;
mod faults;
mod positions;
mod roster;
mod rows;
mod safety;
mod settings;
mod sky;
mod status;

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use bus::Bus;
use catalog::Owner;
use coordinator::{Coordinator, Routes, Start};
use engine::Engine;
use engine_alpaca::{AlpacaEngine, Options};
use store::Store;
use vocabulary::{Clock, Fault};

use crate::roster::Roster;
pub use crate::settings::TelescopeSettings;

/// The telescope coordinator.
pub struct Telescope {
    engine: Arc<AlpacaEngine>,
    roster: Arc<Roster>,
    bus: Bus,
    store: Store,
    clock: Clock,
    settings: RwLock<Arc<TelescopeSettings>>,
}

impl Telescope {
    fn settings(&self) -> Arc<TelescopeSettings> {
        Arc::clone(&self.settings.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Coordinator for Telescope {
    const OWNER: Owner = Owner::Telescope;
    type Settings = TelescopeSettings;
    type Given = ();

    async fn start(start: Start<Self>) -> Result<Self, Fault> {
        let Start { settings, bus, store, clock, given: () } = start;
        let probe_interval = Duration::from_secs(settings.health_check_interval.into());
        let options = Options { clock: clock.clone(), probe_interval, ..Options::default() };
        let telescope = Self {
            engine: Arc::new(AlpacaEngine::new(options).map_err(|e| faults::of_alpaca(&e))?),
            roster: Arc::new(Roster::new(clock.clone())),
            settings: RwLock::new(Arc::new(settings)),
            bus,
            store,
            clock,
        };
        telescope.reload().await?;
        Ok(telescope)
    }

    fn routes() -> Routes<Self> {
        Routes::default()
            .on(config::create)
            .on(config::update)
            .on(config::delete)
            .on(config::get)
            .on(config::list)
            .on(device::discover)
            .on(device::list)
            .on(device::register)
            .on(device::unregister)
            .on(device::assign)
            .on(device::unassign)
            .on(device::connect)
            .on(device::disconnect)
            .on(control::slew)
            .on(control::slew_to_horizon)
            .on(control::abort)
            .on(control::park)
            .on(control::unpark)
            .on(control::track)
            .on(status::get)
    }

    fn engines(&self) -> Vec<Arc<dyn Engine>> {
        vec![Arc::clone(&self.engine) as Arc<dyn Engine>]
    }

    async fn apply(&self, settings: &TelescopeSettings) -> Result<(), Fault> {
        self.engine.set_probe_interval(Duration::from_secs(settings.health_check_interval.into()));
        *self.settings.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(settings.clone());
        Ok(())
    }

    async fn work(self: Arc<Self>) -> Result<(), Fault> {
        tokio::select! {
            outcome = positions::publish(&self) => outcome,
            outcome = positions::follow_links(&self) => outcome,
            outcome = device::keep_connected(&self) => outcome,
            outcome = device::reload_after_restore(&self) => outcome,
        }
    }

    fn scope(&self, named: String) -> String {
        self.roster.scope(named)
    }
}
