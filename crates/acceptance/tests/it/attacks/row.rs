//! One row: an attack, why it is refused, and what the audit trail must say of it.

use std::pin::Pin;

use catalog::topic;
use serde_json::Value;

use super::{
    stand::Stand,
    wire::{Connect, Met, Parcel},
};

/// The broker's word for a client that has no right (MQTT 5, 2.4).
pub(crate) const NOT_AUTHORIZED: u8 = 0x87;

/// Why an attack comes to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Why {
    /// The coordinator says this code, with this in its message.
    Fault(&'static str, &'static str),
    /// The broker says one of these reason codes.
    Broker(&'static [u8]),
    /// The connection is ended, with whatever reason code, or never made.
    Ended,
    /// Nobody answers, and nothing happens.
    Silence,
    /// It is taken and has no effect; whoever plays it looks.
    NoEffect,
}

impl Why {
    pub(crate) fn fits(self, met: &Met) -> bool {
        match (self, met) {
            (Self::Fault(code, fragment), Met::Answer(answer)) => {
                let message = answer["error"]["message"].as_str().unwrap_or_default();
                answer["success"] == false && answer["error"]["code"] == code && message.contains(fragment)
            }
            (Self::Broker(codes), Met::Broker(code)) => codes.contains(code),
            (Self::Ended, Met::Ended) => true,
            (Self::Ended, Met::Broker(code)) => *code >= 0x80,
            (Self::Silence, Met::Silence) | (Self::NoEffect, Met::NoEffect) => true,
            _ => false,
        }
    }
}

/// What the audit trail must say.
#[derive(Debug, Clone)]
pub(crate) struct Trace {
    pub(crate) action: String,
    pub(crate) account: String,
    pub(crate) outcome: &'static str,
    /// Part of the code.
    pub(crate) code: String,
    /// Part of the object, where that is looked at.
    pub(crate) object: String,
    /// Whether our own broker writes it, and nobody does on another's.
    pub(crate) is_brokers: bool,
}

impl Trace {
    /// What a coordinator refused.
    pub(crate) fn refused(action: &str, account: &str, code: &str) -> Self {
        Self {
            action: action.to_owned(),
            account: account.to_owned(),
            outcome: "refused",
            code: code.to_owned(),
            object: String::new(),
            is_brokers: false,
        }
    }

    /// What our own broker refused.
    pub(crate) fn of_broker(action: &str, account: &str, object: &str, code: &str) -> Self {
        Self { object: object.to_owned(), is_brokers: true, ..Self::refused(action, account, code) }
    }
}

/// Where the answer is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Back {
    /// On the sender's own reply topic.
    Own,
    /// Nowhere in particular.
    Unnamed,
    /// Here, by the response topic of MQTT 5.
    Topic(String),
    /// Here, by the field `reply_to`.
    Field(String),
}

/// A message to a coordinator.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    /// Whose connection it comes over.
    pub(crate) over: String,
    pub(crate) token: Option<String>,
    pub(crate) command: String,
    pub(crate) payload: Vec<u8>,
    /// Whether the payload is sent as it is, without anything by which its answer is known.
    pub(crate) is_raw: bool,
    pub(crate) back: Back,
    pub(crate) retain: bool,
    /// Further user properties.
    pub(crate) properties: Vec<(String, String)>,
}

/// What is played by hand.
pub(crate) type Deed = Box<dyn for<'a> FnOnce(&'a Stand) -> Played<'a>>;
pub(crate) type Played<'a> = Pin<Box<dyn Future<Output = Met> + 'a>>;

pub(crate) enum Attack {
    Message(Message),
    Publish { who: String, parcel: Parcel },
    Subscribe { who: String, filter: String },
    Connect(Connect),
    Scene(Deed),
}

/// An attack, why it is refused, and what is recorded of it.
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) attack: Attack,
    pub(crate) refused: Why,
    /// Nothing where it is no question of rights, or never reaches whoever writes the trail.
    pub(crate) audited: Option<Trace>,
}

impl Row {
    fn new(name: impl Into<String>, attack: Attack, refused: Why, audited: Option<Trace>) -> Self {
        Self { name: name.into(), attack, refused, audited }
    }

    /// A message that this account sends over the gateway's connection, which may bring anybody's token and send anything: so it is the
    /// coordinator that must refuse it, on every broker.
    pub(crate) fn ask(name: impl Into<String>, stand: &Stand, who: &str, command: &str, payload: &Value) -> Self {
        let message = Message {
            over: "gateway".to_owned(),
            token: stand.token(who),
            command: command.to_owned(),
            payload: payload.to_string().into_bytes(),
            is_raw: false,
            back: Back::Own,
            retain: false,
            properties: Vec::new(),
        };
        let trace = Trace::refused(command, who, "");
        Self::new(name, Attack::Message(message), Why::Fault("forbidden", ""), Some(trace))
    }

    /// The same over the account's own connection.
    pub(crate) fn send(name: impl Into<String>, stand: &Stand, who: &str, command: &str, payload: &Value) -> Self {
        Self::ask(name, stand, who, command, payload).over(who)
    }

    /// A message on a topic that is not for this account to send: the broker refuses it.
    pub(crate) fn publish(name: impl Into<String>, who: &str, topic: &str, payload: &Value, retain: bool) -> Self {
        let parcel = Parcel {
            topic: topic.as_bytes().to_vec(),
            payload: payload.to_string().into_bytes(),
            retain,
            ..Parcel::default()
        };
        let trace = Trace::of_broker("bus/publish", who, topic, "no right");
        let attack = Attack::Publish { who: who.to_owned(), parcel };
        Self::new(name, attack, Why::Broker(&[NOT_AUTHORIZED]), Some(trace))
    }

    /// A filter that is not for this account to read: the broker refuses it.
    pub(crate) fn subscribe(who: &str, filter: &str) -> Self {
        let attack = Attack::Subscribe { who: who.to_owned(), filter: filter.to_owned() };
        let trace = Trace::of_broker("bus/subscribe", who, filter, "no right");
        Self::new(format!("{who} reads {filter}"), attack, Why::Broker(&[NOT_AUTHORIZED]), Some(trace))
    }

    /// A connection that is not let in.
    pub(crate) fn connect(name: impl Into<String>, connect: Connect) -> Self {
        let username = connect.username.clone().unwrap_or_default();
        let trace = Trace::of_broker("bus/connect", "", &username, "");
        // Name or password is wrong, or the account may not: which of the two is the broker's to say.
        Self::new(name, Attack::Connect(connect), Why::Broker(&[0x86, NOT_AUTHORIZED]), Some(trace))
    }

    /// The same by a name that nobody has. It may be a password in the wrong field, so that the trail does not keep it.
    pub(crate) fn connect_unknown(name: impl Into<String>, connect: Connect) -> Self {
        Self::connect(name, connect).audited(Trace::of_broker("bus/connect", "", "an unknown name", ""))
    }

    /// What takes more than one step.
    pub(crate) fn scene<F>(name: impl Into<String>, deed: F) -> Self
    where
        F: for<'a> FnOnce(&'a Stand) -> Played<'a> + 'static,
    {
        Self::new(name, Attack::Scene(Box::new(deed)), Why::NoEffect, None)
    }

    /// Refused with this code, and this in the message. What is no question of rights is not among the refusals of the trail.
    pub(crate) fn refused(mut self, code: &'static str, fragment: &'static str) -> Self {
        self.refused = Why::Fault(code, fragment);
        match (code, &mut self.audited) {
            ("unauthenticated" | "forbidden", Some(trace)) => code.clone_into(&mut trace.code),
            _ => self.audited = None,
        }
        self
    }

    pub(crate) fn why(mut self, why: Why) -> Self {
        self.refused = why;
        self
    }

    /// The trail names this account.
    pub(crate) fn by(mut self, account: &str) -> Self {
        if let Some(trace) = &mut self.audited {
            account.clone_into(&mut trace.account);
        }
        self
    }

    /// The trail has this.
    pub(crate) fn audited(mut self, trace: Trace) -> Self {
        self.audited = Some(trace);
        self
    }

    /// The trail has nothing of it.
    pub(crate) fn unaudited(mut self) -> Self {
        self.audited = None;
        self
    }

    fn message(mut self, change: impl FnOnce(&mut Message)) -> Self {
        match &mut self.attack {
            Attack::Message(message) => change(message),
            _ => panic!("{} is no message", self.name),
        }
        self
    }

    /// Over this account's connection.
    pub(crate) fn over(self, account: &str) -> Self {
        self.message(|message| account.clone_into(&mut message.over))
    }

    /// With this token, or none.
    pub(crate) fn token(self, token: Option<&str>) -> Self {
        self.message(|message| message.token = token.map(str::to_owned))
    }

    pub(crate) fn back(self, back: Back) -> Self {
        self.message(|message| message.back = back)
    }

    pub(crate) fn bytes(self, payload: impl Into<Vec<u8>>) -> Self {
        self.message(|message| (message.payload, message.is_raw) = (payload.into(), true))
    }

    pub(crate) fn property(self, name: &str, value: &str) -> Self {
        self.message(|message| message.properties.push((name.to_owned(), value.to_owned())))
    }
}

impl Message {
    /// Where it is published.
    pub(crate) fn topic(&self) -> String {
        topic::inbound(&self.command)
    }
}
