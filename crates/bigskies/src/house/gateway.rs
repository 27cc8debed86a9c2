//! The HTTP face of this process.

use std::net::SocketAddr;

use bus::Bus;
use catalog::Owner;
use service_gateway::{Gateway, GatewayOptions};
use vocabulary::{Clock, Fault};

/// Starts the gateway.
pub(crate) async fn start(http: SocketAddr, bus: Bus) -> Result<Gateway, Fault> {
    let options = GatewayOptions::new(bus, Clock::system(), Owner::ALL.to_vec());
    Gateway::start(http, options).await.map_err(|e| {
        Fault::conflict(e.to_string())
            .hint("stop the program that listens there, or choose another address with --http")
    })
}
