//! One row: what is sent, and what must come of it.

use catalog::topic;
use serde_json::Value;

/// How the way back is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Back {
    /// By the response topic of MQTT 5, one of the sender's own.
    Own,
    /// Not at all.
    Unnamed,
    /// By the response topic of MQTT 5, this one.
    Topic(String),
}

/// What must come of it.
#[derive(Debug, Clone)]
pub(crate) enum Outcome {
    /// It is refused with this code, and the message has this in it.
    Refused(&'static str, &'static str),
    /// It is done, and the answer has this in it.
    Done(&'static str),
    /// Nobody answers.
    Silence,
    /// The broker lets nobody send it, and ours records that.
    Barred,
}

/// Where the answer must appear.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// On the reply topic that MQTT 5 brought, the sender's own.
    Own,
    /// On the shared response topic of the message.
    Shared,
    /// Here.
    Topic(String),
}

/// What is sent, and what must come of it.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) name: String,
    /// Behind `bigskies/coordinator/`, unless it is a whole topic.
    message: String,
    pub(crate) payload: Vec<u8>,
    pub(crate) back: Back,
    pub(crate) outcome: Outcome,
    pub(crate) place: Place,
    /// Over a connection of its own, which the broker may end.
    pub(crate) alone: bool,
}

impl Row {
    /// A message and its payload as bytes; by itself it must be done.
    pub(crate) fn bytes(name: &str, message: &str, payload: impl Into<Vec<u8>>) -> Self {
        Self {
            name: name.to_owned(),
            message: message.to_owned(),
            payload: payload.into(),
            back: Back::Own,
            outcome: Outcome::Done(""),
            place: Place::Own,
            alone: false,
        }
    }

    /// A message and its payload as JSON; by itself it must be done.
    pub(crate) fn json(name: &str, message: &str, payload: &Value) -> Self {
        Self::bytes(name, message, payload.to_string())
    }

    /// Refused with this code; the message has `fragment` in it.
    pub(crate) fn refused(mut self, code: &'static str, fragment: &'static str) -> Self {
        self.outcome = Outcome::Refused(code, fragment);
        self
    }

    /// Refused as `invalid`; the message has `fragment` in it.
    pub(crate) fn invalid(self, fragment: &'static str) -> Self {
        self.refused("invalid", fragment)
    }

    /// Done; the answer has `fragment` in it.
    pub(crate) fn done(mut self, fragment: &'static str) -> Self {
        self.outcome = Outcome::Done(fragment);
        self
    }

    /// Nobody answers.
    pub(crate) fn silence(mut self) -> Self {
        self.outcome = Outcome::Silence;
        self
    }

    /// The broker lets nobody send it, and ours records that.
    pub(crate) fn barred(mut self) -> Self {
        self.outcome = Outcome::Barred;
        self
    }

    /// Sent without a way back, so that what is answered is on the shared response topic.
    pub(crate) fn shared(mut self) -> Self {
        (self.back, self.place) = (Back::Unnamed, Place::Shared);
        self
    }

    /// Sent with this response topic; what is answered is on the shared one all the same.
    pub(crate) fn back_to(mut self, topic: &str) -> Self {
        (self.back, self.place) = (Back::Topic(topic.to_owned()), Place::Shared);
        self
    }

    /// Sent without a response topic of MQTT 5; what is answered is here, since the payload says so.
    pub(crate) fn answered_on(mut self, topic: &str) -> Self {
        (self.back, self.place) = (Back::Unnamed, Place::Topic(topic.to_owned()));
        self
    }

    /// Over a connection of its own.
    pub(crate) fn alone(mut self) -> Self {
        self.alone = true;
        self
    }

    /// Where it is published.
    pub(crate) fn topic(&self) -> String {
        if self.message.starts_with("bigskies/") || self.message.starts_with('$') {
            self.message.clone()
        } else {
            topic::inbound(&self.message)
        }
    }

    /// Where it is answered if its way back is not named or not its own.
    pub(crate) fn shared_topic(&self) -> String {
        topic::response(&self.message)
    }

    /// How many answers it must have in the end.
    pub(crate) const fn answers(&self) -> usize {
        match self.outcome {
            Outcome::Refused(..) | Outcome::Done(_) => 1,
            Outcome::Silence | Outcome::Barred => 0,
        }
    }
}
