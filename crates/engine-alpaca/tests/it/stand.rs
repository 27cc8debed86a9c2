//! One engine and one simulated telescope, and waiting for what must become so.

use std::{future::Future, time::Duration};

use engine_alpaca::{AlpacaEngine, DeviceType, Endpoint, Link, Options, TelescopeStatus};
use simulator::{AlpacaSimulator, alpaca::Deed};
use vocabulary::{Altitude, Azimuth, Declination, RightAscension, ids::DeviceId};

/// The longest that any state is waited for.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Short bounds, so that tests of them are short; still long enough for a busy machine.
pub(crate) fn brisk() -> Options {
    Options {
        call_timeout: Duration::from_secs(2),
        urgent_timeout: Duration::from_secs(2),
        device_connect_timeout: Duration::from_secs(5),
        probe_interval: Duration::from_millis(50),
        probe_timeout: Duration::from_secs(1),
        reconnect_pause_min: Duration::from_millis(50),
        reconnect_pause_max: Duration::from_millis(200),
        ..Options::default()
    }
}

/// A simulator whose slews are over at once.
pub(crate) fn fast() -> simulator::Options {
    simulator::Options { slew_degrees_per_second: 100_000.0, ..simulator::Options::default() }
}

pub(crate) struct Stand {
    pub(crate) engine: AlpacaEngine,
    pub(crate) simulator: AlpacaSimulator,
    pub(crate) id: DeviceId,
}

impl Stand {
    pub(crate) async fn registered(options: Options, simulated: simulator::Options) -> Self {
        let engine = AlpacaEngine::new(options).unwrap();
        let simulator = AlpacaSimulator::start(simulated).await.unwrap();
        let id = DeviceId::fresh();
        engine.register(id.clone(), telescope_at(&simulator.url())).unwrap();
        Self { engine, simulator, id }
    }

    pub(crate) async fn connected(options: Options, simulated: simulator::Options) -> Self {
        let stand = Self::registered(options, simulated).await;
        stand.engine.connect(&stand.id).await.unwrap();
        stand
    }

    pub(crate) async fn status(&self) -> TelescopeStatus {
        self.engine.status(&self.id).await.unwrap()
    }

    /// A place an hour east of the meridian, which is above the horizon of the simulated site.
    pub(crate) async fn up(&self) -> (RightAscension, Declination) {
        let sidereal = self.status().await.sidereal_time.unwrap().value();
        (RightAscension::hours((sidereal + 1.0).rem_euclid(24.0)).unwrap(), Declination::degrees(20.0).unwrap())
    }

    pub(crate) fn deeds(&self) -> Vec<Deed> {
        self.simulator.effects().into_iter().map(|effect| effect.deed).collect()
    }

    pub(crate) async fn link_becomes(&self, link: Link) {
        until(&format!("link {link:?}"), || async { self.engine.link(&self.id).unwrap().link == link }).await;
    }
}

pub(crate) fn telescope_at(url: &str) -> Endpoint {
    Endpoint { server_url: url.parse().unwrap(), device_type: DeviceType::Telescope, device_number: 0 }
}

pub(crate) fn horizontal(altitude: f64, azimuth: f64) -> (Altitude, Azimuth) {
    (Altitude::degrees(altitude).unwrap(), Azimuth::degrees(azimuth).unwrap())
}

/// Asks again and again until it is so.
pub(crate) async fn until<F: Future<Output = bool>>(what: &str, mut so: impl FnMut() -> F) {
    let asking = async {
        let mut ticks = tokio::time::interval(Duration::from_millis(5));
        while !so().await {
            ticks.tick().await;
        }
    };
    let became_so = tokio::time::timeout(PATIENCE, asking).await;
    assert!(became_so.is_ok(), "{what}: waited {PATIENCE:?}");
}
