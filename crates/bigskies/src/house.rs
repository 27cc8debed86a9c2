//! The parts that a process of the observatory runs, put together from the rooms: broker, database, coordinators, faces.

pub(crate) mod boot;
pub(crate) mod broker;
pub(crate) mod coordinators;
pub(crate) mod database;
pub(crate) mod folder;
pub(crate) mod gateway;
pub(crate) mod node;
pub(crate) mod node_token;
pub(crate) mod orbital;
pub(crate) mod ready;
pub(crate) mod security;
pub(crate) mod serve;
pub(crate) mod signals;
pub(crate) mod tls;
pub(crate) mod trust;

use std::sync::Arc;

use bus::{Address, BrokerKind, Bus, BusOptions, Credentials};
use catalog::Face;
use rustls::ClientConfig;
use tokio_util::sync::CancellationToken;
use vocabulary::{
    Clock, Fault,
    ids::{AccountName, fresh_uuid},
};

/// How a process reaches the broker.
#[derive(Clone)]
pub(crate) struct Reach {
    pub(crate) address: Address,
    /// How TLS is spoken with it, where its address says so.
    pub(crate) tls: Option<Arc<ClientConfig>>,
    /// As whom the process counts where it has no login: its certificate says so, or everybody is let in.
    pub(crate) account: AccountName,
    /// The node's login, or that of the one role that the process has.
    pub(crate) credentials: Option<Credentials>,
    /// Whose broker it is.
    pub(crate) kind: BrokerKind,
}

impl Reach {
    /// A connection of the process itself, to see how its parts are.
    pub(crate) fn own_bus(&self) -> Bus {
        self.bus("node", self.credentials.clone())
    }

    /// The connection of a face, which brings a token of its own where the broker does not tell that it is one, until `stop`.
    pub(crate) fn face_bus(&self, face: Face, stop: &CancellationToken) -> Result<Bus, Fault> {
        let credentials = node::of_face(self.credentials.as_ref(), face)?;
        let bus = self.bus(face.name(), credentials.clone());
        node_token::keep(bus.clone(), credentials, self.kind, stop.clone());
        Ok(bus)
    }

    fn bus(&self, source: &str, credentials: Option<Credentials>) -> Bus {
        Bus::open(BusOptions {
            address: self.address.clone(),
            tls: self.tls.clone(),
            client_id: format!("{source}-{}", fresh_uuid()),
            account: credentials.as_ref().map_or_else(|| self.account.clone(), |login| login.account.clone()),
            credentials,
            source: source.to_owned(),
            last_will: None,
            clock: Clock::system(),
        })
    }
}
