//! The gateway: started at an address, stopped in good order.

use std::{net::SocketAddr, time::Duration};

use bus::Bus;
use catalog::Owner;
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

/// What a gateway needs.
#[derive(Debug, Clone)]
pub struct GatewayOptions {
    /// Its connection to the bus. It may be down; then that is what the pages say.
    pub bus: Bus,
    /// Where now comes from.
    pub clock: Clock,
    /// The coordinators without which the observatory is not ready.
    pub expected: Vec<Owner>,
}

/// A running gateway. Dropped, it stops without waiting for anything.
#[derive(Debug)]
pub struct Gateway {
    address: SocketAddr,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Gateway {
    /// Listens at `address`, port 0 for one that the system chooses. Once this returns, pages are served.
    ///
    /// # Errors
    /// The address can't be listened on, or the bus is closed.
    pub async fn start(address: SocketAddr, options: GatewayOptions) -> Result<Self, GatewayError> {
        let refused = |reason| GatewayError::Address { address, reason };
        let listener = TcpListener::bind(address).await.map_err(refused)?;
        let bound = listener.local_addr().map_err(refused)?;
        let GatewayOptions { bus, clock, expected } = options;
        let (tasks, stop, ear) = (TaskTracker::new(), CancellationToken::new(), Ear::default());
        let reports = watch::begin(&bus).await?;
        let listening = watch::listen(ear.clone(), bus, reports, expected.clone());
        tasks.spawn(stop.clone().run_until_cancelled_owned(listening));
        let pages = Pages { ear, expected, clock }.router();
        tasks.spawn(listener::listen(listener, pages, tasks.clone(), stop.clone()));
        tracing::info!(address = %bound, "HTTP is served");
        Ok(Self { address: bound, tasks, stop })
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
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
