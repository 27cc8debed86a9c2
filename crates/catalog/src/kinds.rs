//! The kinds of message and what each declares of itself.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use vocabulary::Permission;

/// What every payload is: readable, writable, described, with an example that the documents show and the tests send.
pub trait Shape: Serialize + DeserializeOwned + JsonSchema + Send + 'static {
    /// A plausible value.
    fn example() -> Self;
}

/// What the caller (of an event or state: the reader) needs. The frame checks it; no handler does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// Nothing: the fields of the message prove the caller.
    Nobody,
    /// An account, whatever its rights.
    Anybody,
    /// To be a process of ours. The broker lets nobody else publish it, which is all the proof there is before there are tokens.
    Node,
    /// A right.
    Right(Permission),
    /// To be the one whose id stands in the topic. No right makes up for it: what is sent to one reader alone is a secret.
    Addressee,
}

impl Needs {
    /// A right by its two words.
    pub const fn right(resource: &'static str, action: &'static str) -> Self {
        Self::Right(Permission::new(resource, action))
    }
}

impl std::fmt::Display for Needs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Nobody => f.write_str("nobody"),
            Self::Anybody => f.write_str("anybody"),
            Self::Node => f.write_str("node"),
            Self::Right(permission) => permission.fmt(f),
            Self::Addressee => f.write_str("addressee"),
        }
    }
}

/// What an accepted command does. What changes or moves things is recorded before its effect and has at most one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It only looks.
    Reads,
    /// It changes rows.
    Changes,
    /// It moves hardware.
    Moves,
}

/// Whether an answer may be seen by others than the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Privacy {
    /// On the shared response topic where no reply topic is given.
    Public,
    /// Only on a reply topic of the caller's own; never stored.
    Private,
}

/// Whom the field `user_id` of a message names, where it has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserField {
    /// For whom it is done: the caller's own account, unless an administrator asks.
    Behalf,
    /// What it is about: any account, for who has the right.
    Object,
}

/// Which queue of its owner a message waits in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Lane {
    /// Answered from memory, at once.
    Instant,
    /// The usual one.
    Ordinary,
    /// Work of seconds, which must not hold up the others.
    Slow,
    /// Executed on receipt, over a connection of its own.
    Safety,
}

impl Lane {
    /// Every lane.
    pub const ALL: [Self; 4] = [Self::Instant, Self::Ordinary, Self::Slow, Self::Safety];

    /// The word in metrics and documents.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Instant => "instant",
            Self::Ordinary => "ordinary",
            Self::Slow => "slow",
            Self::Safety => "safety",
        }
    }
}

/// MQTT's quality of service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "u8", into = "u8")]
#[schemars(with = "u8")]
pub enum Qos {
    /// 0
    AtMostOnce,
    /// 1
    AtLeastOnce,
    /// 2
    ExactlyOnce,
}

impl From<Qos> for u8 {
    fn from(qos: Qos) -> Self {
        match qos {
            Qos::AtMostOnce => 0,
            Qos::AtLeastOnce => 1,
            Qos::ExactlyOnce => 2,
        }
    }
}

impl TryFrom<u8> for Qos {
    type Error = String;
    fn try_from(number: u8) -> Result<Self, String> {
        match number {
            0 => Ok(Self::AtMostOnce),
            1 => Ok(Self::AtLeastOnce),
            2 => Ok(Self::ExactlyOnce),
            _ => Err(format!("{number} is not a quality of service: 0, 1 or 2")),
        }
    }
}

/// A request that is answered, always.
pub trait Command: Shape {
    /// `{owner}/[{group}/]{verb}`, as it stands behind `bigskies/coordinator/`.
    const NAME: &'static str;
    /// Other spellings of the name that work the same.
    const ALIASES: &'static [&'static str] = &[];
    /// What the caller needs.
    const NEEDS: Needs;
    /// What it does.
    const EFFECT: Effect;
    /// Where it waits.
    const LANE: Lane = Lane::Ordinary;
    /// How it travels.
    const QOS: Qos = Qos::AtLeastOnce;
    /// Who may see the answer.
    const REPLY: Privacy = Privacy::Public;
    /// Whom its `user_id` names.
    const USER: UserField = UserField::Behalf;
    /// How long it may take from its timestamp on, where it brings no deadline.
    const LIMIT: Duration = Duration::from_secs(30);
    /// The answer.
    type Reply: Shape;

    /// The one thing it is about, if it is about one: what moves or changes the same thing runs one after the other.
    fn scope(&self) -> Option<String> {
        None
    }

    /// What the caller needs besides, for what this one asks. The frame checks it as it checks what every one needs.
    fn also_needs(&self) -> Vec<Needs> {
        Vec::new()
    }
}

/// Something others tell us. Answered only on a reply topic that it brings, or with an error.
pub trait Notice: Shape {
    /// `{owner}/{verb}`, as it stands behind `bigskies/coordinator/`.
    const NAME: &'static str;
    /// Other spellings of the name that work the same.
    const ALIASES: &'static [&'static str] = &[];
    /// What the sender needs.
    const NEEDS: Needs;
    /// How it travels.
    const QOS: Qos = Qos::AtLeastOnce;
    /// The answer, where one is wanted.
    type Reply: Shape;

    /// The one thing it is about, if it is about one: what is about the same thing is heard in the order of its arrival.
    fn scope(&self) -> Option<String> {
        None
    }
}

/// A fact, in the past tense, published once by its owner.
pub trait Event: Shape {
    /// `{owner}/{name}`; the topic has `event/` between the two.
    const NAME: &'static str;
    /// What a reader needs.
    const NEEDS: Needs;
    /// How it travels.
    const QOS: Qos = Qos::AtLeastOnce;
}

/// What stands until it is published again: retained, one per key.
pub trait State: Shape {
    /// `{owner}/{name}`; the topic has `state/` between the two and the key behind.
    const NAME: &'static str;
    /// What a reader needs.
    const NEEDS: Needs;
    /// How it travels.
    const QOS: Qos = Qos::AtLeastOnce;
    /// What the key is.
    const KEY: &'static str;
}

/// The answer of what has nothing to tell but that it is done.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Done {}

impl Shape for Done {
    fn example() -> Self {
        Self {}
    }
}
