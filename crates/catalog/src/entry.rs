//! One row of the catalogue: a message with its types erased.

use std::{borrow::Cow, collections::BTreeSet, time::Duration};

use schemars::{JsonSchema, Schema, generate::SchemaSettings};
use serde_json::Value;
use vocabulary::{Permission, ids::is_level};

use crate::{
    kinds::{Command, Effect, Event, Lane, Needs, Notice, Privacy, Qos, Shape, State, UserField},
    owner::Owner,
    topic,
};

/// Which of the kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Answered, always.
    Command,
    /// Told by others.
    Notice,
    /// Published once by its owner.
    Event,
    /// Retained by its owner.
    State,
    /// The owner's health, retained.
    Health,
}

impl Kind {
    /// The word in documents.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Command => "command",
            Self::Notice => "notice",
            Self::Event => "event",
            Self::State => "state",
            Self::Health => "health",
        }
    }

    /// Whether its owner receives it.
    pub const fn is_inbound(self) -> bool {
        matches!(self, Self::Command | Self::Notice)
    }
}

/// A message of the catalogue.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Which kind.
    pub kind: Kind,
    /// `{owner}/…`, without `event/` and `state/`.
    pub name: Cow<'static, str>,
    /// Other spellings of the name.
    pub aliases: &'static [&'static str],
    /// What the sender (of a command or notice) or reader (of the rest) needs.
    pub needs: Needs,
    /// What it does.
    pub effect: Effect,
    /// Where it waits.
    pub lane: Lane,
    /// How it travels.
    pub qos: Qos,
    /// Who may see the answer.
    pub privacy: Privacy,
    /// Whom its `user_id` names.
    pub user: UserField,
    /// How long it may take.
    pub limit: Duration,
    /// What the key of a state is, or of what is sent to one reader alone.
    pub key: &'static str,
    /// The shape of its payload.
    pub payload: fn() -> Schema,
    /// The shape of its answer.
    pub reply: Option<fn() -> Schema>,
    /// An example of its payload.
    pub example: fn() -> Value,
    /// An example of its answer.
    pub reply_example: Option<fn() -> Value>,
    /// Whether the payload travels without an envelope.
    pub bare: bool,
}

impl Entry {
    /// A row for a command.
    pub const fn command<C: Command>() -> Self {
        let mut entry = Self::plain::<C>(Kind::Command, C::NAME, C::NEEDS, C::QOS);
        entry.aliases = C::ALIASES;
        entry.effect = C::EFFECT;
        entry.lane = C::LANE;
        entry.privacy = C::REPLY;
        entry.user = C::USER;
        entry.limit = C::LIMIT;
        entry.reply = Some(schema_of::<C::Reply>);
        entry.reply_example = Some(example_of::<C::Reply>);
        entry
    }

    /// A row for a notice.
    pub const fn notice<N: Notice>() -> Self {
        let mut entry = Self::plain::<N>(Kind::Notice, N::NAME, N::NEEDS, N::QOS);
        entry.aliases = N::ALIASES;
        entry.effect = Effect::Changes;
        entry.reply = Some(schema_of::<N::Reply>);
        entry.reply_example = Some(example_of::<N::Reply>);
        entry
    }

    /// A row for an event.
    pub const fn event<E: Event>() -> Self {
        Self::plain::<E>(Kind::Event, E::NAME, E::NEEDS, E::QOS)
    }

    /// A row for what its owner sends to one reader alone, bare and never retained. `key` is what names the reader in the topic.
    ///
    /// It is no [`Event`]: what publishes events would put a secret where others read.
    pub(crate) const fn addressed<S: Shape>(name: &'static str, key: &'static str) -> Self {
        let mut entry = Self::plain::<S>(Kind::Event, name, Needs::Addressee, Qos::AtLeastOnce).bare();
        entry.key = key;
        entry
    }

    /// A row for a state.
    pub const fn state<S: State>() -> Self {
        let mut entry = Self::plain::<S>(Kind::State, S::NAME, S::NEEDS, S::QOS);
        entry.key = S::KEY;
        entry
    }

    /// A row for the health of an owner.
    pub(crate) const fn health<H: Shape>() -> Self {
        Self::plain::<H>(Kind::Health, "health", Needs::right("health", "read"), Qos::AtLeastOnce)
    }

    /// The same row for a payload that travels without an envelope.
    #[must_use]
    pub(crate) const fn bare(mut self) -> Self {
        self.bare = true;
        self
    }

    /// The same row as the frame gives it to `owner`: the name behind the owner's, the right on the owner's resource.
    #[must_use]
    pub fn given_to(mut self, owner: Owner) -> Self {
        self.name = match self.kind {
            Kind::Health => format!("health/{}-coordinator", owner.name()).into(),
            Kind::Notice => format!("config/update/{}-coordinator", owner.name()).into(),
            Kind::Command | Kind::Event | Kind::State => format!("{}/{}", owner.word(), self.name).into(),
        };
        if let Needs::Right(Permission { action, .. }) = self.needs {
            self.needs = Needs::right(owner.word(), action);
        }
        self
    }

    const fn plain<S: Shape>(kind: Kind, name: &'static str, needs: Needs, qos: Qos) -> Self {
        Self {
            kind,
            name: Cow::Borrowed(name),
            aliases: &[],
            needs,
            effect: Effect::Reads,
            lane: Lane::Ordinary,
            qos,
            privacy: Privacy::Public,
            user: UserField::Behalf,
            limit: Duration::from_secs(30),
            key: "",
            payload: schema_of::<S>,
            reply: None,
            example: example_of::<S>,
            reply_example: None,
            bare: false,
        }
    }

    /// The topic it is published on, with `{key}` for the key, where it has one.
    pub fn topic(&self) -> String {
        self.topic_of("{key}")
    }

    /// The topic, or the filter if `key` is a wildcard, for this key.
    pub fn topic_of(&self, key: &str) -> String {
        match self.kind {
            Kind::Command | Kind::Notice => topic::inbound(&self.name),
            Kind::Event if self.key.is_empty() => topic::event(&self.name),
            Kind::Event => topic::addressed(&self.name, key),
            Kind::State if self.key.is_empty() => topic::inbound(&self.name),
            Kind::State => topic::state(&self.name, key),
            Kind::Health => topic::inbound(&self.name),
        }
    }

    /// Every topic on which its owner listens for it: the canonical one first.
    pub fn inbound_topics(&self) -> Vec<String> {
        if !self.kind.is_inbound() {
            return Vec::new();
        }
        std::iter::once(self.name.as_ref()).chain(self.aliases.iter().copied()).map(topic::inbound).collect()
    }

    /// The topic of its answer where no reply topic is given.
    pub fn response_topic(&self) -> Option<String> {
        self.reply.map(|_| topic::response(&self.name))
    }

    /// One sentence on what it is: the first of its doc comment.
    pub fn summary(&self) -> String {
        let text = (self.payload)().get("description").and_then(Value::as_str).unwrap_or_default().to_owned();
        text.split("\n\n").next().unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// The names of its payload's own fields.
    pub fn fields(&self) -> BTreeSet<String> {
        match (self.payload)().get("properties").and_then(Value::as_object) {
            Some(properties) => properties.keys().cloned().collect(),
            None => BTreeSet::new(),
        }
    }

    /// Those of them that are secrets, which nothing may keep.
    pub fn secrets(&self) -> BTreeSet<String> {
        let schema = (self.payload)();
        let properties = schema.get("properties").and_then(Value::as_object);
        let is_secret = |shape: &Value| shape.get("format").and_then(Value::as_str) == Some("password");
        let named = properties.into_iter().flatten().filter(|(_, shape)| {
            is_secret(shape)
                || shape.get("anyOf").and_then(Value::as_array).is_some_and(|any| any.iter().any(is_secret))
        });
        named.map(|(name, _)| name.clone()).collect()
    }

    /// An id for documents: the name with `.` for `/`.
    pub fn id(&self) -> String {
        let id = match self.kind {
            Kind::Event if self.key.is_empty() => self.name.replacen('/', "/event/", 1),
            Kind::State => self.name.replacen('/', "/state/", 1),
            Kind::Command | Kind::Notice | Kind::Event | Kind::Health => self.name.to_string(),
        };
        debug_assert!(id.split('/').all(is_level));
        id.replace('/', ".")
    }
}

/// The JSON Schema of a type, whole: without references.
pub(crate) fn schema_of<T: JsonSchema>() -> Schema {
    SchemaSettings::draft2020_12().with(|s| s.inline_subschemas = true).into_generator().into_root_schema_for::<T>()
}

fn example_of<T: Shape>() -> Value {
    serde_json::to_value(T::example()).unwrap_or(Value::Null)
}
