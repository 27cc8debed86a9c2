//! The engine as a whole: connecting, who it is, its health, and the bound that every call to it has.

use std::{fmt, future::Future, net::SocketAddr, sync::Arc, time::Duration};

use ::engine::{Boxed, Engine};
use bollard::{API_DEFAULT_VERSION, Docker, errors::Error};
use health::Status;
use tokio::{sync::Mutex, task::JoinHandle, time::MissedTickBehavior};
use vocabulary::Clock;

use crate::{
    ContainersError, Endpoint, Object,
    refusal::{Doing, understood},
    transport::Transport,
};

/// The engine's name in health reports.
const NAME: &str = "containers";
/// The oldest API that has all that is asked here: Docker 20.10 and Podman 4.
const API_MIN: (u64, u64) = (1, 41);
/// The library's own bound, which ours must come before.
const LIBRARY_LIMIT_SECONDS: u64 = 24 * 3600;

/// Bounds and intervals. The defaults suit an engine that others use as well.
#[derive(Debug, Clone)]
pub struct Options {
    /// The clock of health reports.
    pub clock: Clock,
    /// The longest time to make a connection, the SSH session included.
    pub connect_limit: Duration,
    /// The longest time for an ordinary call.
    pub call_limit: Duration,
    /// The longest silence while an image or a file is moved, built or pulled.
    pub silence_limit: Duration,
    /// The longest time for one pull, build, load or save, however lively.
    pub transfer_limit: Duration,
    /// The time between two probes of the engine.
    pub probe_interval: Duration,
    /// Who runs the health checks of containers.
    pub health_checks: HealthChecks,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            clock: Clock::system(),
            connect_limit: Duration::from_secs(15),
            call_limit: Duration::from_secs(60),
            silence_limit: Duration::from_secs(120),
            transfer_limit: Duration::from_secs(3600),
            probe_interval: Duration::from_secs(30),
            health_checks: HealthChecks::AsTheEngineDoes,
        }
    }
}

/// Who runs the health checks of containers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HealthChecks {
    /// Docker by itself; with Podman, which leaves them to systemd, we do while we wait for a container.
    AsTheEngineDoes,
    /// We do, while we wait for a container.
    Ours,
}

/// Whose engine it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flavour {
    /// Docker.
    Docker,
    /// Podman behind Docker's API.
    Podman,
}

/// Who the engine says that it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineVersion {
    /// Whose it is.
    pub flavour: Flavour,
    /// Its version, for example `20.10.24+dfsg1`.
    pub version: String,
    /// The newest API that it speaks, for example `1.41`.
    pub api: String,
    /// The operating system of its containers.
    pub system: String,
    /// The processor, in Go's words, for example `amd64`.
    pub architecture: String,
}

/// A Docker or Podman engine. Clones share it.
#[derive(Clone)]
pub struct ContainerEngine {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) docker: Docker,
    pub(crate) transport: Arc<Transport>,
    pub(crate) options: Options,
    pub(crate) version: EngineVersion,
    address: String,
    health: health::Cell,
    probe: Mutex<Option<JoinHandle<()>>>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        if let Some(probe) = self.probe.get_mut().take() {
            probe.abort();
        }
    }
}

impl fmt::Debug for ContainerEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ContainerEngine").field("address", &self.inner.address).finish_non_exhaustive()
    }
}

impl ContainerEngine {
    /// Connects, learns who it is, and refuses one that is too old. Must be called within a tokio runtime.
    pub async fn connect(endpoint: Endpoint, options: Options) -> Result<Self, ContainersError> {
        let address = endpoint.to_string();
        let transport = Arc::new(Transport::new(endpoint, options.connect_limit)?);
        let (carrier, http) = (Arc::clone(&transport), Some("http://engine"));
        let send = move |request| {
            let carrier = Arc::clone(&carrier);
            async move { carrier.send(request).await }
        };
        let docker = Docker::connect_with_custom_transport(send, http, LIBRARY_LIMIT_SECONDS, API_DEFAULT_VERSION)
            .map_err(|error| understood(Doing::new("reaching", Object::Engine, ""), &address, error))?;
        let version = asked_version(&docker, &transport, &options, &address).await?;
        let health = health::Cell::new(NAME, options.clock.clone());
        let probe = Mutex::default();
        let inner = Arc::new(Inner { docker, transport, options, version, address, health, probe });
        let probing = tokio::spawn(watch_over(Arc::downgrade(&inner), inner.options.probe_interval));
        *inner.probe.lock().await = Some(probing);
        Ok(Self { inner })
    }

    /// Who it is.
    pub fn version(&self) -> &EngineVersion {
        &self.inner.version
    }

    /// Where it is, as it was asked for, without keys.
    pub fn address(&self) -> &str {
        &self.inner.address
    }

    /// Where it is.
    pub fn endpoint(&self) -> &Endpoint {
        &self.inner.transport.endpoint
    }

    /// Asks it for a sign of life.
    pub async fn ping(&self) -> Result<(), ContainersError> {
        self.inner.call(Doing::new("asking", Object::Engine, ""), self.inner.docker.ping()).await.map(drop)
    }

    /// An address of this machine that leads to a TCP address of the engine's host: through the session where that is behind SSH, as long as
    /// this value lives; else the same address.
    pub async fn way_to(&self, there: SocketAddr) -> Result<SocketAddr, ContainersError> {
        self.inner.transport.way_to(there).await
    }

    pub(crate) fn docker(&self) -> &Docker {
        &self.inner.docker
    }

    pub(crate) async fn call<T>(
        &self,
        doing: Doing<'_>,
        asked: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, ContainersError> {
        self.inner.call(doing, asked).await
    }

    pub(crate) async fn call_within<T>(
        &self,
        doing: Doing<'_>,
        limit: Duration,
        asked: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, ContainersError> {
        self.inner.call_within(doing, limit, asked).await
    }

    pub(crate) async fn explained(&self, doing: Doing<'_>, error: Error) -> ContainersError {
        self.inner.explained(doing, error).await
    }
}

impl Inner {
    async fn call<T>(
        &self,
        doing: Doing<'_>,
        asked: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, ContainersError> {
        self.call_within(doing, self.options.call_limit, asked).await
    }

    async fn call_within<T>(
        &self,
        doing: Doing<'_>,
        limit: Duration,
        asked: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, ContainersError> {
        match tokio::time::timeout(limit, asked).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(self.explained(doing, error).await),
            Err(_) => Err(ContainersError::TimedOut { doing: doing.to_string(), limit }),
        }
    }

    /// The error of ours, with what the SSH session knows where the connection was lost.
    async fn explained(&self, doing: Doing<'_>, error: Error) -> ContainersError {
        let error = understood(doing, &self.address, error);
        match error {
            ContainersError::Lost { .. } => self.transport.explain().await.unwrap_or(error),
            _ => error,
        }
    }

    async fn probe(&self) {
        let asked = self.call(Doing::new("asking", Object::Engine, ""), self.docker.info()).await;
        let mut details = serde_json::Map::new();
        details.insert("address".to_owned(), self.address.as_str().into());
        details.insert("version".to_owned(), self.version.version.as_str().into());
        match asked {
            Ok(found) => {
                let figures = [
                    ("containers_running", found.containers_running),
                    ("containers_stopped", found.containers_stopped),
                    ("images", found.images),
                ];
                details.extend(figures.map(|(name, figure)| (name.to_owned(), figure.into())));
                self.health.set(Status::Healthy, "the engine answers", details);
            }
            Err(error) => self.health.set(Status::Unhealthy, error.to_string(), details),
        }
    }
}

impl Engine for ContainerEngine {
    fn name(&self) -> &'static str {
        NAME
    }

    fn health(&self) -> health::Report {
        self.inner.health.get().at_age(self.inner.options.clock.now(), self.inner.options.probe_interval * 3)
    }

    fn stop(&self) -> Boxed<'_, ()> {
        Box::pin(async move {
            if let Some(probe) = self.inner.probe.lock().await.take() {
                probe.abort();
                let _aborted_on_purpose = probe.await;
            }
            self.inner.transport.close().await;
        })
    }
}

async fn watch_over(inner: std::sync::Weak<Inner>, interval: Duration) {
    // An interval of nothing would spin.
    let mut ticks = tokio::time::interval(interval.max(Duration::from_millis(10)));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        match inner.upgrade() {
            Some(inner) => inner.probe().await,
            None => return,
        }
    }
}

async fn asked_version(
    docker: &Docker,
    transport: &Transport,
    options: &Options,
    address: &str,
) -> Result<EngineVersion, ContainersError> {
    let doing = Doing::new("asking", Object::Engine, "");
    // The first request makes the connection, which has a bound of its own.
    let limit = options.connect_limit + options.call_limit;
    let asked = tokio::time::timeout(limit, docker.version()).await;
    let answer = asked.map_err(|_| ContainersError::TimedOut { doing: doing.to_string(), limit })?;
    let found = match answer.map_err(|error| understood(doing, address, error)) {
        Ok(found) => found,
        Err(error @ ContainersError::Lost { .. }) => return Err(transport.explain_first().await.unwrap_or(error)),
        Err(error) => return Err(error),
    };
    let api = found.api_version.unwrap_or_default();
    if numbers(&api) < API_MIN {
        return Err(ContainersError::VersionSkew {
            endpoint: address.to_owned(),
            found: api,
            needed: format!("{}.{}", API_MIN.0, API_MIN.1),
            way_out: "update the engine to Docker 20.10 or Podman 4, or newer".to_owned(),
        });
    }
    let is_podman = found.components.iter().flatten().any(|part| part.name.contains("Podman"));
    Ok(EngineVersion {
        flavour: if is_podman { Flavour::Podman } else { Flavour::Docker },
        version: found.version.unwrap_or_default(),
        api,
        system: found.os.unwrap_or_default(),
        architecture: found.arch.unwrap_or_default(),
    })
}

fn numbers(api: &str) -> (u64, u64) {
    let (major, minor) = api.split_once('.').unwrap_or((api, "0"));
    (major.parse().unwrap_or(0), minor.parse().unwrap_or(0))
}
