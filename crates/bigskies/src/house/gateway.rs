//! The HTTP face of this process.

use std::{net::SocketAddr, sync::Arc};

use bus::Bus;
use catalog::Owner;
use service_gateway::{Gateway, GatewayOptions};
use vocabulary::{Clock, Fault};

use crate::house::{security::Security, tls::TlsOptions};

/// Starts the gateway; with HTTPS, and answers to challenges of ACME, where the process knows of certificates.
pub(crate) async fn start(
    http: SocketAddr,
    tls: &TlsOptions,
    bus: Bus,
    security: Option<&Security>,
) -> Result<Gateway, Fault> {
    let mut options = GatewayOptions::new(bus, Clock::system(), Owner::ALL.to_vec());
    if let Some(security) = security {
        options.tls = tls.https(security)?;
        if let Some(sealed) = &security.sealed {
            let challenges = sealed.keyring.challenges();
            options.challenge = Some(Arc::new(move |token: &str| challenges.lookup_http01(token)));
        }
    }
    Gateway::start(http, options).await.map_err(|e| {
        Fault::conflict(e.to_string())
            .hint("stop the program that listens there, or choose another address with --http or --https")
    })
}
