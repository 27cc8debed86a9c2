//! Who may connect, publish and subscribe: asked here, answered by who starts the broker.

use std::{fmt, net::SocketAddr};

use engine::Boxed;
use vocabulary::ids::AccountName;

/// The answers to the broker's three questions. `publish` and `subscribe` are asked for every message and filter, so they must be
/// quick and must not wait.
pub trait Gate: Send + Sync + 'static {
    /// The account behind these credentials. A call that outlasts the handshake's deadline counts as refused.
    fn connect<'a>(&'a self, credentials: &'a Credentials) -> Boxed<'a, Result<AccountName, Refused>>;

    /// Whether the account may publish to this topic, as a retained message or not. Asked for wills too.
    fn publish(&self, account: &AccountName, topic: &str, retain: bool) -> bool;

    /// Whether the account may read everything that this filter matches; `$share/<group>/` is already stripped.
    fn subscribe(&self, account: &AccountName, filter: &str) -> bool;
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
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("client_id", &self.client_id)
            .field("username", &self.username)
            .field("password", &self.password.as_ref().map(|_| "***"))
            .field("peer", &self.peer)
            .field("transport", &self.transport)
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
}

impl Transport {
    /// The word in logs and lists.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::WebSocket => "websocket",
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
