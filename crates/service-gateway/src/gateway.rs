//! The gateway: started at an address, stopped in good order.

use std::{fmt, net::SocketAddr, sync::Arc, time::Duration};

use bus::Bus;
use catalog::Owner;
use rustls::ServerConfig;
use tokio::{net::TcpListener, time::timeout};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use vocabulary::Clock;

use crate::{
    GatewayError, listener,
    pages::Pages,
    watch::{self, Ear},
};

/// How long pages on their way may take to arrive when it ends.
const STOP_LIMIT: Duration = Duration::from_secs(5);

/// Answers the token of an ACME challenge (http-01) while an order for a certificate is under way, at once.
pub type Challenge = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// What a gateway needs.
#[derive(Clone)]
pub struct GatewayOptions {
    /// Its connection to the bus. It may be down; then that is what the pages say.
    pub bus: Bus,
    /// Where now comes from.
    pub clock: Clock,
    /// The coordinators without which the observatory is not ready.
    pub expected: Vec<Owner>,
    /// Where the same pages are served over TLS too, port 0 for one that the system chooses, and how TLS is spoken. What certificate is
    /// shown is asked at each handshake, so that it may change.
    pub tls: Option<(SocketAddr, Arc<ServerConfig>)>,
    /// Answers the challenges of ACME, if certificates are ordered so.
    pub challenge: Option<Challenge>,
}

impl GatewayOptions {
    /// Options without TLS and challenges.
    pub const fn new(bus: Bus, clock: Clock, expected: Vec<Owner>) -> Self {
        Self { bus, clock, expected, tls: None, challenge: None }
    }
}

impl fmt::Debug for GatewayOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GatewayOptions")
            .field("bus", &self.bus)
            .field("expected", &self.expected)
            .field("tls", &self.tls.as_ref().map(|(address, _)| address))
            .finish_non_exhaustive()
    }
}

/// A running gateway. Dropped, it stops without waiting for anything.
#[derive(Debug)]
pub struct Gateway {
    address: SocketAddr,
    tls_address: Option<SocketAddr>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Gateway {
    /// Listens at `address`, port 0 for one that the system chooses. Once this returns, pages are served.
    ///
    /// # Errors
    /// An address can't be listened on, TLS would be spoken for what is not served here, or the bus is closed.
    pub async fn start(address: SocketAddr, options: GatewayOptions) -> Result<Self, GatewayError> {
        let GatewayOptions { bus, clock, expected, tls, challenge } = options;
        let (listener, bound) = bind(address).await.map_err(|reason| GatewayError::Address { address, reason })?;
        let secured = match tls {
            Some((address, config)) => Some(bind_secured(address, config).await?),
            None => None,
        };
        let tls_address = secured.as_ref().map(|(_, bound, _)| *bound);
        let (tasks, stop, ear) = (TaskTracker::new(), CancellationToken::new(), Ear::default());
        let reports = watch::begin(&bus).await?;
        let listening = watch::listen(ear.clone(), bus, reports, expected.clone());
        tasks.spawn(stop.clone().run_until_cancelled_owned(listening));
        let pages = Pages { ear, expected, clock, challenge }.router();
        tasks.spawn(listener::listen(listener, None, pages.clone(), tasks.clone(), stop.clone()));
        if let Some((listener, _, config)) = secured {
            tasks.spawn(listener::listen(listener, Some(config), pages, tasks.clone(), stop.clone()));
        }
        tracing::info!(address = %bound, ?tls_address, "HTTP is served");
        Ok(Self { address: bound, tls_address, tasks, stop })
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it listens with TLS, if it does.
    pub const fn tls_address(&self) -> Option<SocketAddr> {
        self.tls_address
    }

    /// Takes no more connections, lets pages on their way arrive, and ends; bounded.
    pub async fn stop(self) {
        self.stop.cancel();
        self.tasks.close();
        if timeout(STOP_LIMIT, self.tasks.wait()).await.is_err() {
            tracing::warn!("HTTP connections are left");
        }
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn bind(address: SocketAddr) -> std::io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind(address).await?;
    let bound = listener.local_addr()?;
    Ok((listener, bound))
}

async fn bind_secured(
    address: SocketAddr,
    config: Arc<ServerConfig>,
) -> Result<(TcpListener, SocketAddr, Arc<ServerConfig>), GatewayError> {
    // Whoever agrees on a protocol expects it to be spoken.
    let strange = config.alpn_protocols.iter().find(|protocol| !listener::SPOKEN.contains(&protocol.as_slice()));
    if let Some(strange) = strange {
        return Err(GatewayError::Protocol { name: String::from_utf8_lossy(strange).into_owned() });
    }
    let (listener, bound) = bind(address).await.map_err(|reason| GatewayError::SecuredAddress { address, reason })?;
    Ok((listener, bound, config))
}
