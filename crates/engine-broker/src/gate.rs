//! Who may connect, publish and subscribe: asked here, answered by who starts the broker.

use std::{
    fmt,
    net::{Ipv4Addr, SocketAddr, SocketAddrV4},
    sync::Arc,
};

use engine::Boxed;
use rustls::pki_types::CertificateDer;
use vocabulary::{Timestamp, ids::AccountName};

/// The answers to the broker's three questions. `publish` and `subscribe` are asked for every message and filter, so they must be
/// quick and must not wait.
pub trait Gate: Send + Sync + 'static {
    /// Who is behind these credentials, and for how long. A call that outlasts the handshake's deadline counts as refused.
    fn connect<'a>(&'a self, credentials: &'a Credentials) -> Boxed<'a, Result<Admission, Refused>>;

    /// Whether the asker may publish to this topic, as a retained message or not. Asked for wills too, when they are left and again when
    /// they are due.
    fn publish(&self, asker: &Asker<'_>, topic: &str, retain: bool) -> bool;

    /// Whether the asker may read everything that this filter matches; `$share/<group>/` is already stripped.
    fn subscribe(&self, asker: &Asker<'_>, filter: &str) -> bool;
}

/// Whether what a client was admitted by still stands: its token is not revoked, its certificate neither, its account not disabled. Asked
/// often, so it must be quick and must not wait.
pub type StillProven = Arc<dyn Fn() -> bool + Send + Sync>;

/// As whom a client is admitted, and for how long.
#[derive(Clone)]
pub struct Admission {
    /// Whose the connection is.
    pub account: AccountName,
    /// When the broker ends the connection, if what the client was admitted by has an end.
    pub until: Option<Timestamp>,
    /// Asked by [`Broker::review_connections`](crate::Broker::review_connections), which ends the connection once it says no.
    pub proof: Option<StillProven>,
}

impl From<AccountName> for Admission {
    /// As this account, for as long as the client stays.
    fn from(account: AccountName) -> Self {
        Self { account, until: None, proof: None }
    }
}

impl fmt::Debug for Admission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Admission")
            .field("account", &self.account)
            .field("until", &self.until)
            .field("proof", &self.proof.as_ref().map(|_| "asked on review"))
            .finish()
    }
}

/// Who wants to publish or to subscribe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asker<'a> {
    /// Whose the connection is.
    pub account: &'a AccountName,
    /// Its client's id; [`INSIDE`](Self::INSIDE) for messages from inside.
    pub client_id: &'a str,
    /// Where it comes from; [`NOWHERE`](Self::NOWHERE) for messages from inside, and where subscriptions that exist are asked about again.
    pub peer: SocketAddr,
}

impl<'a> Asker<'a> {
    /// The client id under which messages from inside are asked about; no client can have it.
    pub const INSIDE: &'static str = "$inside";
    /// The address of who has no connection at the moment.
    pub const NOWHERE: SocketAddr = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0));

    pub(crate) const fn inside(account: &'a AccountName) -> Self {
        Self { account, client_id: Self::INSIDE, peer: Self::NOWHERE }
    }
}

/// What a client brings when it connects.
#[derive(Clone)]
pub struct Credentials {
    /// The id that the client chose, or the one given to it if it chose none.
    pub client_id: String,
    /// The login name, if it brought one.
    pub username: Option<String>,
    /// The password, if it brought one; any bytes.
    pub password: Option<Vec<u8>>,
    /// Where the connection comes from.
    pub peer: SocketAddr,
    /// What it came over.
    pub transport: Transport,
    /// The client's certificate and those that lead to its authority, as TLS has proven them; empty where it showed none.
    pub certificate: Vec<CertificateDer<'static>>,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("client_id", &self.client_id)
            .field("username", &self.username)
            .field("password", &self.password.as_ref().map(|_| "***"))
            .field("peer", &self.peer)
            .field("transport", &self.transport)
            .field("certificates", &self.certificate.len())
            .finish()
    }
}

/// What MQTT runs over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Transport {
    /// Plain TCP.
    Tcp,
    /// Binary WebSocket frames.
    WebSocket,
    /// TLS over TCP.
    Tls,
    /// Binary WebSocket frames over TLS.
    SecureWebSocket,
}

impl Transport {
    /// The word in logs and lists.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::WebSocket => "websocket",
            Self::Tls => "tls",
            Self::SecureWebSocket => "secure-websocket",
        }
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a client may not connect; it sees the matching reason code of MQTT 5, or the return code of 3.1.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Name or password is wrong or missing.
    #[error("name or password is wrong or missing")]
    Credentials,
    /// The account exists but may not connect, or not like this.
    #[error("the account may not connect")]
    NotAllowed,
    /// It can't be decided now; the client should try again.
    #[error("busy, try again later")]
    Busy,
}
