//! What a connection is refused: counted, logged, told to observers, and said to the client.

use std::sync::atomic::Ordering;

use mqtt5::{MqttError, packet::connect::ConnectPacket, protocol::v5::reason_codes::ReasonCode};
use vocabulary::ids::AccountName;

use super::{Connection, Identity};
use crate::{
    events::{Attempt, Objection, cut},
    gate::Refused,
};

impl Connection {
    /// The client was refused before it could say who it is.
    pub(crate) fn note_refused_unknown(&self, why: Objection) {
        self.shared.counters.refused_connects.fetch_add(1, Ordering::Relaxed);
        tracing::warn!(peer = %self.peer, transport = %self.transport, reason = %why, "connection refused");
        self.shared.tell_refused("", None, self.peer, Attempt::Connect { username: None }, why);
    }

    /// The client is told which filters it has and that it may not have so many. Those beyond what was refused here the protocol crate has
    /// refused unasked: they are malformed, or too many.
    pub(crate) fn note_granted(&self, refused: usize) {
        let known = self.refused_filters.swap(0, Ordering::Relaxed) as usize;
        for _ in known..refused {
            self.shared.counters.refused_subscribes.fetch_add(1, Ordering::Relaxed);
            self.tell_refused(Attempt::Subscribe { filter: String::new() }, Objection::Filter);
        }
    }

    /// The handler ended with this error. Where that is a refusal which nobody was told of yet, observers are.
    pub(crate) fn note_failure(&self, error: &MqttError) {
        let Some(why) = objection(error).filter(|_| !self.refused.load(Ordering::Relaxed)) else { return };
        if self.identity.get().is_some() {
            return self.tell_refused(Attempt::Packet, why);
        }
        self.shared.counters.refused_connects.fetch_add(1, Ordering::Relaxed);
        let id = match error {
            MqttError::InvalidClientId(id) => id,
            // The only thing for which the protocol crate refuses a client unasked.
            MqttError::AuthenticationFailed => "cert:",
            _ => "",
        };
        self.shared.tell_refused(id, None, self.peer, Attempt::Connect { username: None }, why);
    }

    /// Tells observers of an admitted client.
    pub(super) fn tell_refused(&self, what: Attempt, why: Objection) {
        let Some(Identity { client_id, account, .. }) = self.identity.get() else { return };
        self.shared.tell_refused(client_id, Some(account), self.peer, what, why);
    }

    /// A message or will is refused.
    pub(super) fn note_refused_publish(&self, topic: &str, retain: bool, will: bool, why: Objection) {
        self.shared.counters.refused_publishes.fetch_add(1, Ordering::Relaxed);
        if self.shared.is_observed() {
            let topic = cut(topic);
            self.tell_refused(
                if will { Attempt::Will { topic, retain } } else { Attempt::Publish { topic, retain } },
                why,
            );
        }
    }

    /// The client is told that it may not connect.
    pub(super) fn note_refused_connect(&self, connect: &ConnectPacket, refusal: Refusal) -> ReasonCode {
        let (client, peer, code) = (&connect.client_id, self.peer, refusal.code());
        self.refused.store(true, Ordering::Relaxed);
        self.shared.counters.refused_connects.fetch_add(1, Ordering::Relaxed);
        let user = connect.username.as_deref();
        let Refusal { account, what, why } = refusal;
        tracing::warn!(client, user, %peer, transport = %self.transport, reason = %why, "client refused");
        let what = match what {
            Attempt::Connect { .. } => Attempt::Connect { username: user.map(cut) },
            other => other,
        };
        self.shared.tell_refused(client, account.as_ref(), peer, what, why);
        code
    }
}

/// Why a client is not admitted. Always boxed, since it is rare and large.
pub(super) struct Refusal {
    account: Option<AccountName>,
    what: Attempt,
    why: Objection,
}

impl Refusal {
    pub(super) fn new(what: Attempt, why: Objection) -> Box<Self> {
        Box::new(Self { account: None, what, why })
    }

    pub(super) fn connect(why: Objection) -> Box<Self> {
        Self::new(Attempt::Connect { username: None }, why)
    }

    /// The same, of a client that has proven whose it is.
    pub(super) fn of(mut self: Box<Self>, account: &str) -> Box<Self> {
        self.account = account.parse().ok();
        self
    }

    const fn code(&self) -> ReasonCode {
        match self.why {
            Objection::Gate(Refused::Credentials) => ReasonCode::BadUsernameOrPassword,
            Objection::Gate(Refused::Busy) | Objection::Full => ReasonCode::ServerBusy,
            Objection::Gate(Refused::NotAllowed) | Objection::Rights | Objection::Lapsed | Objection::Origin(_) => {
                ReasonCode::NotAuthorized
            }
            Objection::Late => ReasonCode::MaximumConnectTime,
            Objection::ForeignClientId | Objection::ClientId => ReasonCode::ClientIdentifierNotValid,
            Objection::Method => ReasonCode::BadAuthenticationMethod,
            Objection::Topic(_) => ReasonCode::TopicNameInvalid,
            Objection::TooLarge { .. } => ReasonCode::PacketTooLarge,
            Objection::Malformed(_) | Objection::Tls(_) | Objection::Filter => ReasonCode::MalformedPacket,
            Objection::Storage => ReasonCode::ServerUnavailable,
        }
    }
}

/// What is wrong with a client whose handler ended with this error; nothing where merely the connection broke.
fn objection(error: &MqttError) -> Option<Objection> {
    match error {
        MqttError::PacketTooLarge { size, .. } => Some(Objection::TooLarge { bytes: *size }),
        MqttError::InvalidClientId(_) | MqttError::ClientIdentifierNotValid | MqttError::AuthenticationFailed => {
            Some(Objection::ClientId)
        }
        MqttError::ProtocolError(_)
        | MqttError::MalformedPacket(_)
        | MqttError::InvalidTopicName(_)
        | MqttError::InvalidTopicFilter(_)
        | MqttError::InvalidPacketType(_)
        | MqttError::InvalidPropertyId(_)
        | MqttError::DuplicatePropertyId(_)
        | MqttError::InvalidQoS(_)
        | MqttError::InvalidReasonCode(_)
        | MqttError::InvalidState(_)
        | MqttError::PacketIdInUse(_)
        | MqttError::PayloadFormatInvalid
        | MqttError::QuotaExceeded
        | MqttError::ReceiveMaximumExceeded
        | MqttError::TopicAliasInvalid(_)
        | MqttError::UnsupportedProtocolVersion => Some(Objection::Malformed(cut(&error.to_string()))),
        _ => None,
    }
}
