//! Who comes and goes and who is refused what, for observers; bounded, so that a slow observer misses events and never holds the broker up.

use std::{fmt, net::SocketAddr, sync::Arc};

use tokio::sync::broadcast::{Receiver, error::RecvError};
use vocabulary::ids::AccountName;

use crate::{
    gate::{Refused, Transport},
    rules::Unacceptable,
};

/// One thing that an observer may want to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A client was welcomed.
    Connected {
        /// Its id.
        client_id: Arc<str>,
        /// Whose it is.
        account: AccountName,
        /// Where it comes from.
        peer: SocketAddr,
        /// What it came over.
        transport: Transport,
    },
    /// A client that had been welcomed is gone; its will has been published.
    Disconnected {
        /// Its id.
        client_id: Arc<str>,
        /// Whose it was.
        account: AccountName,
    },
    /// Somebody was refused something, by the gate or by the broker itself. Messages from inside are not told here: who publishes them
    /// learns it.
    Refused {
        /// The client's id, as far as it is known, cut to 128 characters; empty where the client never said.
        client_id: Arc<str>,
        /// Whose it is, once that is proven.
        account: Option<AccountName>,
        /// Where it comes from.
        peer: SocketAddr,
        /// What it wanted.
        what: Attempt,
        /// Why it may not.
        why: Objection,
    },
    /// The observer was too slow and missed some.
    Missed {
        /// How many.
        events: u64,
    },
}

/// The events since it was asked for.
#[derive(Debug)]
pub struct Events(pub(crate) Receiver<Event>);

impl Events {
    /// The next event, or nothing once the broker is gone.
    pub async fn next(&mut self) -> Option<Event> {
        match self.0.recv().await {
            Ok(event) => Some(event),
            Err(RecvError::Lagged(events)) => Some(Event::Missed { events }),
            Err(RecvError::Closed) => None,
        }
    }
}

/// What a client wanted and may not. Texts are cut to 256 characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attempt {
    /// To connect.
    Connect {
        /// The login name that it brought, unproven.
        username: Option<String>,
    },
    /// To leave a will, or to have it published.
    Will {
        /// Its topic.
        topic: String,
        /// Whether it is to be retained.
        retain: bool,
    },
    /// To publish.
    Publish {
        /// The topic.
        topic: String,
        /// Whether the message is to be retained.
        retain: bool,
    },
    /// To subscribe.
    Subscribe {
        /// The filter, `$share/<group>/` included; empty where [`Objection::Filter`] says why.
        filter: String,
    },
    /// To be understood: a packet broke the rules of MQTT or a bound, and the connection was ended for it.
    Packet,
}

/// Why a client may not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Objection {
    /// The gate does not let it in.
    #[error(transparent)]
    Gate(#[from] Refused),
    /// The gate says that the account has no right to it.
    #[error("the account has no right to it")]
    Rights,
    /// The client id is in use by another account.
    #[error("the client id is another account's")]
    ForeignClientId,
    /// Nobody may have such a client id.
    #[error("nobody may have such a client id")]
    ClientId,
    /// Another way to prove who one is was asked for than there is.
    #[error("this way of authentication is not spoken")]
    Method,
    /// As many clients as allowed are connected.
    #[error("as many clients as allowed are connected")]
    Full,
    /// The topic or filter is none for us.
    #[error("the topic or filter is not acceptable: {0}")]
    Topic(#[from] Unacceptable),
    /// A packet is larger than allowed.
    #[error("a packet of {bytes} bytes is larger than allowed")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// A filter is none, or there are too many of one client.
    #[error("a filter is malformed, or the client has too many")]
    Filter,
    /// The handshake of TLS failed: too old a version, no cipher in common, a certificate that is expired, revoked or another authority's.
    #[error("TLS is refused: {0}")]
    Tls(String),
    /// MQTT is spoken wrongly.
    #[error("MQTT is spoken wrongly: {0}")]
    Malformed(String),
    /// It was too slow: its connection was not made in time.
    #[error("the connection was not made in time")]
    Late,
    /// It is a web page of another site, which may not open a WebSocket here.
    #[error("pages of {0:?} may not connect")]
    Origin(String),
    /// What was proven is no longer so.
    #[error("what was proven is no longer so")]
    Lapsed,
    /// The session can't be read.
    #[error("the session can't be read")]
    Storage,
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect { username: None } => f.write_str("connect"),
            Self::Connect { username: Some(name) } => write!(f, "connect as {name:?}"),
            Self::Will { topic, retain: false } => write!(f, "leave a will to {topic:?}"),
            Self::Will { topic, retain: true } => write!(f, "leave a retained will to {topic:?}"),
            Self::Publish { topic, retain: false } => write!(f, "publish to {topic:?}"),
            Self::Publish { topic, retain: true } => write!(f, "retain a message at {topic:?}"),
            Self::Subscribe { filter } => write!(f, "subscribe to {filter:?}"),
            Self::Packet => f.write_str("send a packet"),
        }
    }
}

/// A client's text, as much of it as is kept.
pub(crate) fn cut(text: &str) -> String {
    text.chars().take(256).collect()
}
