//! The service: started at its addresses, stopped in good order.

use std::{fmt, io, net::SocketAddr, sync::Arc, time::Duration};

use engine_orbital::{Elements, Orientations};
use orbital_client::{
    FILE_DESCRIPTOR_SET,
    proto::{
        GroundStation,
        orbital_service_server::{OrbitalServiceServer, SERVICE_NAME},
    },
};
use rustls::ServerConfig;
use store::StoreError;
use tokio::time::{Instant, timeout};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tonic::service::Routes;
use tonic_health::{ServingStatus, server::HealthReporter};
use vocabulary::{Clock, Fault};

use crate::{
    answers::register::named_station,
    call::Calls,
    face::Face,
    known::Known,
    limits::Limits,
    listener::{self, ALPN, Speech, bind},
    methods::Guard,
    pages,
    registry::{Registry, Rows},
    work::Work,
};

/// How long everything may take to end: calls under way, then their work.
const STOP_LIMIT: Duration = Duration::from_secs(7);

/// What the service needs.
#[derive(Clone)]
pub struct OrbitalOptions {
    /// Where gRPC is served without TLS, port 0 for one that the system chooses.
    pub address: Option<SocketAddr>,
    /// Where gRPC is served over TLS, and how TLS is spoken; its protocols must be `h2` alone. What certificate is shown is asked at each
    /// handshake, so that it may change.
    pub tls: Option<(SocketAddr, Arc<ServerConfig>)>,
    /// Where `/metrics` and `/health` are served over HTTP.
    pub pages: Option<SocketAddr>,
    /// Who may call.
    pub guard: Guard,
    /// Where now comes from.
    pub clock: Clock,
    /// The bounds.
    pub limits: Limits,
    /// The satellites that are known by their catalogue numbers; of several sets of a number the last counts.
    pub catalogue: Vec<Elements>,
    /// The ground stations that are known from the beginning.
    pub stations: Vec<GroundStation>,
    /// How the Earth is turned.
    pub orientations: Arc<Orientations>,
    /// Where what is registered is kept; where there is nothing, it is forgotten at the end.
    pub registrations: Option<Rows>,
}

impl OrbitalOptions {
    /// At one address, without TLS and pages, nothing known but the bundled orientations of the Earth.
    pub fn at(address: SocketAddr, guard: Guard) -> Self {
        Self { address: Some(address), ..Self::new(guard) }
    }

    /// The same at no address yet.
    pub fn new(guard: Guard) -> Self {
        Self {
            address: None,
            tls: None,
            pages: None,
            guard,
            clock: Clock::system(),
            limits: Limits::default(),
            catalogue: Vec::new(),
            stations: Vec::new(),
            orientations: Arc::new(Orientations::bundled().clone()),
            registrations: None,
        }
    }
}

impl fmt::Debug for OrbitalOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OrbitalOptions")
            .field("address", &self.address)
            .field("tls", &self.tls.as_ref().map(|(address, _)| address))
            .field("pages", &self.pages)
            .field("limits", &self.limits)
            .field("catalogue", &self.catalogue.len())
            .finish_non_exhaustive()
    }
}

/// Why the service did not start.
#[derive(Debug, thiserror::Error)]
pub enum OrbitalError {
    /// An address can't be listened on.
    #[error("address {address} can't be listened on for {what}: {reason}")]
    Address {
        /// The address.
        address: SocketAddr,
        /// What should be served there.
        what: &'static str,
        /// Why.
        reason: io::Error,
    },
    /// TLS would let clients choose another protocol than HTTP/2.
    #[error("gRPC over TLS is spoken as h2 alone; let the TLS configuration name that protocol and no other")]
    Protocol,
    /// A ground station can't be used.
    #[error("ground station {id:?} can't be used: {why}")]
    Station {
        /// Its id.
        id: String,
        /// Why.
        why: String,
    },
    /// What is registered can't be read.
    #[error("registered satellites and ground stations can't be read: {0}")]
    Registrations(#[from] StoreError),
    /// The contract can't be reflected.
    #[error("contract can't be reflected: {0}")]
    Contract(String),
}

impl From<OrbitalError> for Fault {
    fn from(error: OrbitalError) -> Self {
        let said = error.to_string();
        match error {
            OrbitalError::Address { .. } => Self::conflict(said).hint("free it, or choose another one"),
            OrbitalError::Station { .. } => Self::invalid(said).hint("correct the list of ground stations"),
            OrbitalError::Registrations(error) => Self { message: said, ..Self::from(error) },
            OrbitalError::Protocol | OrbitalError::Contract(_) => Self::internal(said),
        }
    }
}

/// A running service. Dropped, it stops without waiting for anything.
#[derive(Debug)]
pub struct Orbital {
    address: Option<SocketAddr>,
    tls_address: Option<SocketAddr>,
    pages_address: Option<SocketAddr>,
    health: HealthReporter,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Orbital {
    /// Listens at its addresses. Once this returns, calls are answered.
    ///
    /// # Errors
    /// An address can't be listened on, TLS would be spoken for something else than gRPC, a station is none, or what is registered can't be
    /// read.
    pub async fn start(options: OrbitalOptions) -> Result<Self, OrbitalError> {
        let OrbitalOptions {
            address,
            tls,
            pages,
            guard,
            clock,
            limits,
            catalogue,
            stations,
            orientations,
            registrations,
        } = options;
        let stations = stations.into_iter().map(|sent| {
            let id = sent.id.clone();
            named_station(sent)
                .map_err(|refusal| OrbitalError::Station { id, why: tonic::Status::from(refusal).message().to_owned() })
        });
        let known = Known::new(catalogue, stations.collect::<Result<_, _>>()?, limits);
        let (store, changed) = registrations.map(|rows| (rows.store, rows.changed)).unzip();
        let registry = Registry::new(known.clone(), limits, store);
        registry.read().await?;
        let face = Face {
            known,
            registry: registry.clone(),
            work: Work::new(limits),
            limits,
            orientations,
            clock,
            began: Instant::now(),
            stop: CancellationToken::new(),
        };
        let (tasks, stop) = (TaskTracker::new(), face.stop.clone());
        if let Some(changed) = changed {
            tasks.spawn(registry.follow(changed, stop.clone()));
        }
        let (routes, health) = routes(face, limits).await?;
        let calls = Calls::new(routes.prepare().into_axum_router(), guard, limits);
        let mut service = Self { address: None, tls_address: None, pages_address: None, health, tasks, stop };
        if let Some(address) = address {
            service.address =
                Some(service.serve(address, "gRPC", Speech::Grpc(Box::new(calls.clone()), None), limits).await?);
        }
        if let Some((address, config)) = tls {
            if config.alpn_protocols != [ALPN] {
                return Err(OrbitalError::Protocol);
            }
            let speech = Speech::Grpc(Box::new(calls), Some(config));
            service.tls_address = Some(service.serve(address, "gRPC over TLS", speech, limits).await?);
        }
        if let Some(address) = pages {
            let speech = Speech::Pages(pages::router());
            service.pages_address = Some(service.serve(address, "metrics", speech, limits).await?);
        }
        service.report(ServingStatus::Serving).await;
        tracing::info!(
            address = service.address.map(display),
            tls_address = service.tls_address.map(display),
            "gRPC is served"
        );
        Ok(service)
    }

    async fn serve(
        &self,
        address: SocketAddr,
        what: &'static str,
        speech: Speech,
        limits: Limits,
    ) -> Result<SocketAddr, OrbitalError> {
        let bound = bind(address).await;
        let (listener, bound) = bound.map_err(|reason| OrbitalError::Address { address, what, reason })?;
        self.tasks.spawn(listener::listen(listener, speech, limits, self.tasks.clone(), self.stop.clone()));
        Ok(bound)
    }

    async fn report(&self, status: ServingStatus) {
        for name in ["", SERVICE_NAME] {
            self.health.set_service_status(name, status).await;
        }
    }

    /// Where it listens without TLS, if it does.
    pub const fn address(&self) -> Option<SocketAddr> {
        self.address
    }

    /// Where it listens with TLS, if it does.
    pub const fn tls_address(&self) -> Option<SocketAddr> {
        self.tls_address
    }

    /// Where pages are, if they are.
    pub const fn pages_address(&self) -> Option<SocketAddr> {
        self.pages_address
    }

    /// Says that it serves no longer, takes no more connections, lets calls on their way end, and ends; bounded.
    pub async fn stop(self) {
        self.report(ServingStatus::NotServing).await;
        self.stop.cancel();
        self.tasks.close();
        if timeout(STOP_LIMIT, self.tasks.wait()).await.is_err() {
            tracing::warn!("gRPC connections are left");
        }
    }
}

impl Drop for Orbital {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// The service itself, health and reflection.
async fn routes(face: Face, limits: Limits) -> Result<(Routes, HealthReporter), OrbitalError> {
    let wrong = |e: tonic_reflection::server::Error| OrbitalError::Contract(e.to_string());
    let reflection = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(FILE_DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
    };
    let (reporter, health) = tonic_health::server::health_reporter();
    let service = OrbitalServiceServer::new(face)
        .max_decoding_message_size(limits.request_bytes_max)
        .max_encoding_message_size(usize::MAX);
    let routes = Routes::new(service)
        .add_service(health)
        .add_service(reflection().build_v1().map_err(wrong)?)
        .add_service(reflection().build_v1alpha().map_err(wrong)?);
    Ok((routes, reporter))
}
