//! A true Alpaca telescope over HTTP with discovery, and the faults and the record of effects that tests need.
//!
//! The protocol itself is served by the crate `ascom-alpaca`, so that it is not our reading of the standard that our engine is tested
//! against. That crate always answers discovery on port 32227 and cannot fail on request; so its server stands on a loopback
//! address that nobody asks, and ours, with a discovery of its own, stands in front.

mod effects;
mod faults;
mod mount;
mod proxy;
mod responder;
mod sky;
mod telescope;

use std::{
    borrow::Cow,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use ascom_alpaca::{Server, api::ServerInfo};
use tokio::{net::TcpListener, task::JoinHandle};
use vocabulary::Clock;

pub use effects::{Deed, Effect};
pub use faults::{FaultKind, ScriptedFault, Strikes};

use self::{
    effects::Effects, faults::Faults, mount::Mount, proxy::Front, responder::Responder, telescope::SimulatedTelescope,
};

/// How a simulated telescope is made. The default is a watchable one on a free loopback port, without discovery.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where it serves HTTP; port 0 takes a free one.
    pub http: SocketAddr,
    /// Where it answers discovery, if at all; port 0 takes a free one. The standard's port is 32227.
    pub discovery: Option<SocketAddr>,
    /// The device's name.
    pub name: String,
    /// The device's unique id; `simulated-` is put in front where it is missing.
    pub unique_id: String,
    /// Where it stands.
    pub site: Site,
    /// What its right ascension and declination refer to.
    pub equatorial_system: EquatorialSystem,
    /// How fast it slews, in degrees of a great circle per second.
    pub slew_degrees_per_second: f64,
    /// The altitude below which it refuses to slew.
    pub horizon_degrees: f64,
    /// Its clock.
    pub clock: Clock,
}

/// Where a telescope stands (WGS-84).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Site {
    /// North positive.
    pub latitude_degrees: f64,
    /// East positive.
    pub longitude_degrees: f64,
    /// Above mean sea level.
    pub elevation_metres: f64,
}

/// What the coordinates of the simulated mount refer to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EquatorialSystem {
    /// Equator and equinox of now, as seen from its site.
    Topocentric,
    /// Equator and equinox of J2000.0.
    J2000,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            http: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            discovery: None,
            name: "Simulated telescope".to_owned(),
            unique_id: "simulated-telescope-0".to_owned(),
            site: Site { latitude_degrees: 28.7606, longitude_degrees: -17.8816, elevation_metres: 2396.0 },
            equatorial_system: EquatorialSystem::Topocentric,
            slew_degrees_per_second: 6.0,
            horizon_degrees: 0.0,
            clock: Clock::system(),
        }
    }
}

/// Why a simulator can't start.
#[derive(Debug, thiserror::Error)]
pub enum SimulatorError {
    /// An address can't be used.
    #[error("simulator can't listen on {address}: {error}; choose another address or port 0")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        error: std::io::Error,
    },
    /// The protocol's server has no place on the loopback network.
    #[error("simulator found no loopback address for its inner server: {0}; free UDP port 32227 on 127.0.0.0/8")]
    Inner(String),
    /// An option makes no sense.
    #[error("simulator option {0}")]
    Option(&'static str),
}

/// A running simulated telescope. It ends when it is stopped or dropped.
#[derive(Debug)]
pub struct AlpacaSimulator {
    address: SocketAddr,
    discovery_address: Option<SocketAddr>,
    effects: Effects,
    faults: Faults,
    tasks: Mutex<Vec<JoinHandle<()>>>,
}

impl AlpacaSimulator {
    /// Starts a telescope; when this returns it answers.
    pub async fn start(mut options: Options) -> Result<Self, SimulatorError> {
        if options.slew_degrees_per_second.is_nan() || options.slew_degrees_per_second <= 0.0 {
            return Err(SimulatorError::Option("slew_degrees_per_second must be more than 0"));
        }
        if !options.unique_id.starts_with("simulated-") {
            options.unique_id.insert_str(0, "simulated-");
        }
        let effects = Effects::new(options.clock.clone());
        let faults = Faults::default();
        let listener = listen(options.http).await?;
        let address = listener.local_addr().map_err(|error| SimulatorError::Listen { address: options.http, error })?;
        let responder = options.discovery.map(|asked| {
            Responder::bind(asked)
                .and_then(|bound| Ok((bound.address()?, bound)))
                .map_err(|error| SimulatorError::Listen { address: asked, error })
        });
        let responder = responder.transpose()?;
        let mount = Arc::new(Mutex::new(Mount::new(&options, effects.clone())));
        let (behind, inner) = start_inner(&options, &mount).await?;
        let front = Front { behind, effects: effects.clone(), faults: faults.clone() };
        let mut tasks = vec![inner, tokio::spawn(proxy::serve(listener, front))];
        let discovery_address = responder.as_ref().map(|(address, _)| *address);
        if let Some((_, responder)) = responder {
            tasks.push(tokio::spawn(responder.serve(address.port(), faults.clone())));
        }
        tracing::info!(%address, discovery = ?discovery_address, name = options.name, "simulated telescope started");
        Ok(Self { address, discovery_address, effects, faults, tasks: Mutex::new(tasks) })
    }

    /// Where it serves HTTP.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The server's URL, as `http://host:port`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where it answers discovery.
    pub fn discovery_address(&self) -> Option<SocketAddr> {
        self.discovery_address
    }

    /// What it has done, in order.
    pub fn effects(&self) -> Vec<Effect> {
        self.effects.all()
    }

    /// Replaces the faults in force; calls that hang already go on hanging.
    pub fn set_faults(&self, faults: Vec<ScriptedFault>) {
        self.faults.set(faults);
    }

    /// Ends all faults.
    pub fn clear_faults(&self) {
        self.faults.set(Vec::new());
    }

    /// How many calls the faults have struck since the start; one that hangs is counted when it begins to.
    pub fn struck(&self) -> u64 {
        self.faults.struck()
    }

    /// Closes its sockets and connections; a second call does nothing.
    pub async fn stop(&self) {
        let tasks: Vec<_> = std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        for task in &tasks {
            task.abort();
        }
        for task in tasks {
            let _ = task.await;
        }
    }
}

impl Drop for AlpacaSimulator {
    fn drop(&mut self) {
        for task in self.tasks.get_mut().unwrap_or_else(PoisonError::into_inner) {
            task.abort();
        }
    }
}

async fn listen(address: SocketAddr) -> Result<TcpListener, SimulatorError> {
    TcpListener::bind(address).await.map_err(|error| SimulatorError::Listen { address, error })
}

/// Starts the protocol's server on a loopback address of its own and returns where it is.
async fn start_inner(
    options: &Options,
    mount: &Arc<Mutex<Mount>>,
) -> Result<(SocketAddr, JoinHandle<()>), SimulatorError> {
    const ATTEMPTS: usize = 20;
    let mut last = String::new();
    for _ in 0..ATTEMPTS {
        let mut server = Server::new(ServerInfo {
            server_name: Cow::Owned(options.name.clone()),
            manufacturer: Cow::Borrowed("BIG SKIES simulator"),
            manufacturer_version: Cow::Borrowed(env!("CARGO_PKG_VERSION")),
            location: Cow::Borrowed("simulated"),
        });
        server.listen_addr = SocketAddr::new(quiet_loopback(), 0);
        server.devices.register(SimulatedTelescope {
            name: options.name.clone(),
            unique_id: options.unique_id.clone(),
            mount: Arc::clone(mount),
        });
        match tokio::time::timeout(Duration::from_secs(5), server.bind()).await {
            Ok(Ok(bound)) => {
                let address = bound.listen_addr();
                let task = tokio::spawn(async move {
                    let Err(error) = bound.start().await;
                    tracing::error!(%error, "the protocol's server of the simulator ended");
                });
                return Ok((address, task));
            }
            Ok(Err(error)) => last = error.to_string(),
            Err(_) => last = "binding took too long".to_owned(),
        }
    }
    Err(SimulatorError::Inner(last))
}

/// A loopback address that is hardly anybody's: its last three bytes come from a fresh UUID.
fn quiet_loopback() -> IpAddr {
    let random = vocabulary::ids::fresh_uuid().into_bytes();
    IpAddr::V4(Ipv4Addr::new(127, 64 | (random[13] & 0x3f), random[14], random[15].clamp(1, 254)))
}
