//! The embedded broker of this process.

use std::{net::SocketAddr, path::PathBuf, sync::Arc};

use bus::{Address, Credentials};
use engine_broker::{Broker, BrokerError, Options, Transport};
use vocabulary::{Clock, Fault};

use crate::house::{node, security::door::Door};

/// Where the broker listens.
#[derive(Debug, Clone)]
pub(crate) struct Listen {
    pub(crate) mqtt: SocketAddr,
    pub(crate) websocket: Option<SocketAddr>,
    /// Everybody is let in; loopback only.
    pub(crate) open: bool,
}

/// A broker of ours, and its door.
#[derive(Clone)]
pub(crate) struct Embedded {
    pub(crate) broker: Broker,
    pub(crate) door: Arc<Door>,
}

/// Starts the broker, for nodes alone until the door is opened to all.
pub(crate) async fn start(listen: &Listen, node: Credentials, storage: PathBuf) -> Result<Embedded, Fault> {
    let addresses = [Some(listen.mqtt), listen.websocket];
    if let Some(address) = addresses.into_iter().flatten().find(|address| listen.open && !address.ip().is_loopback()) {
        return Err(Fault::invalid(format!("--open would let everybody in at {address}, which others can reach"))
            .hint("listen on 127.0.0.1 only, or leave --open out"));
    }
    let door = Arc::new(Door::new(node, listen.open.then(node::operator)));
    let mut options = Options::new(Arc::clone(&door) as _, Clock::system());
    options.tcp = vec![listen.mqtt];
    options.websocket = listen.websocket.into_iter().collect();
    options.storage = Some(storage);
    let broker = Broker::start(options).await.map_err(fault)?;
    Ok(Embedded { broker, door })
}

/// Where clients of this process reach the broker.
pub(crate) fn address_of(broker: &Broker) -> Result<Address, Fault> {
    let bound = broker.tcp_addresses().first().ok_or_else(|| Fault::internal("broker listens nowhere"))?;
    let mut reached = *bound;
    if bound.ip().is_unspecified() {
        reached.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
    }
    reached.to_string().parse()
}

pub(crate) fn fault(error: BrokerError) -> Fault {
    let flag = |transport: Transport| match transport {
        Transport::Tcp => "--mqtt",
        Transport::WebSocket => "--mqtt-ws",
        Transport::Tls => "--mqtts",
        Transport::SecureWebSocket => "--mqtt-wss",
    };
    match &error {
        BrokerError::AddressTaken { address, transport } => {
            Fault::conflict(format!("address {address} is taken by another program"))
                .hint(format!("stop that one, or choose another address with {}", flag(*transport)))
        }
        BrokerError::Listen { transport, .. } => {
            Fault::invalid(error.to_string()).hint(format!("choose another address with {}", flag(*transport)))
        }
        BrokerError::NoTls { .. } | BrokerError::TlsSpoken => Fault::internal(error.to_string()),
        BrokerError::StorageTaken { .. } | BrokerError::Storage { .. } => {
            Fault::unavailable(error.to_string()).hint("choose another folder with --data-dir")
        }
    }
}
