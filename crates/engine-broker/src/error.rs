//! What can go wrong with the broker itself and with messages published from inside.

use std::{io, net::SocketAddr, path::PathBuf};

use vocabulary::ids::AccountName;

use crate::{gate::Transport, rules::Unacceptable};

/// Why the broker does not start.
#[derive(Debug, thiserror::Error)]
pub enum BrokerError {
    /// Another program listens there.
    #[error(
        "address {address} for MQTT over {transport} is taken; stop the program that listens there or choose another address"
    )]
    AddressTaken {
        /// The address as it was asked for.
        address: SocketAddr,
        /// Which of the two lists it stands in.
        transport: Transport,
    },
    /// TLS is spoken already, with another configuration.
    #[error("the broker speaks TLS already")]
    TlsSpoken,
    /// The address can't be listened on for another reason.
    #[error(
        "address {address} for MQTT over {transport} can't be listened on ({source}); choose an address of this machine"
    )]
    Listen {
        /// The address as it was asked for.
        address: SocketAddr,
        /// Which of the two lists it stands in.
        transport: Transport,
        /// What the system says.
        source: io::Error,
    },
    /// TLS was asked for, and there is nothing to speak it with.
    #[error(
        "address {address} is for MQTT over {transport}, and there is no TLS configuration; give one with a certificate, or no such address"
    )]
    NoTls {
        /// The first such address.
        address: SocketAddr,
        /// Which of the lists it stands in.
        transport: Transport,
    },
    /// Another broker works in the same folder.
    #[error("folder {path} is in use by another broker; stop that one or choose another folder", path = path.display())]
    StorageTaken {
        /// The folder.
        path: PathBuf,
    },
    /// Sessions and retained messages can't be kept in the folder.
    #[error("folder {path} can't hold sessions and retained messages ({reason}); check its rights and the free space", path = path.display())]
    Storage {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        reason: String,
    },
}

/// Why a message from inside was not published.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PublishError {
    /// The topic is no topic for us.
    #[error("topic {topic:?} can't be published to: {reason}")]
    Topic {
        /// The topic, cut to 80 characters.
        topic: String,
        /// Which rule it breaks.
        reason: Unacceptable,
    },
    /// The gate says no.
    #[error("account {account} may not publish to {topic:?}; grant it the topic or publish as another account")]
    NotAllowed {
        /// Who asked.
        account: AccountName,
        /// The topic.
        topic: String,
    },
    /// The message is larger than a packet may be.
    #[error("message of {bytes} bytes to {topic:?} is too large: {limit} bytes are allowed")]
    TooLarge {
        /// The topic.
        topic: String,
        /// Size of the payload.
        bytes: usize,
        /// What is allowed.
        limit: usize,
    },
    /// The broker has been stopped.
    #[error("broker is stopped; start it again")]
    Stopped,
}
