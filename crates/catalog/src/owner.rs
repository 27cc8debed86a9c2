//! Who owns messages: the coordinators.

use crate::{Entry, application, bootstrap, datastore, frame, message, security, telescope};

/// A coordinator as the bus knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Owner {
    /// Hands out the database.
    Bootstrap,
    /// Watches the bus.
    Message,
    /// Watches the database.
    Datastore,
    /// Knows who somebody is and what they may do.
    Security,
    /// Keeps the registry of services.
    Application,
    /// Moves telescopes.
    Telescope,
}

impl Owner {
    /// Every coordinator, in the order of their start.
    pub const ALL: [Self; 6] =
        [Self::Bootstrap, Self::Datastore, Self::Security, Self::Message, Self::Application, Self::Telescope];

    /// Its name: the role, the source, health and settings rows.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bootstrap => "bootstrap",
            Self::Message => "message",
            Self::Datastore => "datastore",
            Self::Security => "security",
            Self::Application => "application",
            Self::Telescope => "telescope",
        }
    }

    /// Its word in topics: the name, but for the application coordinator, which the spec calls `service` there.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Application => "service",
            Self::Bootstrap | Self::Message | Self::Datastore | Self::Security | Self::Telescope => self.name(),
        }
    }

    /// The coordinator of this name.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|owner| owner.name() == name)
    }

    /// The coordinator with this word in topics.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|owner| owner.word() == word)
    }

    /// `coordinator:{name}`, the source of what it publishes.
    pub fn source(self) -> String {
        format!("coordinator:{}", self.name())
    }

    /// Its component in health reports: `{name}-coordinator`.
    pub fn component(self) -> String {
        format!("{}-coordinator", self.name())
    }

    /// Its messages, those that the frame gives to all included.
    pub fn messages(self) -> Vec<Entry> {
        let own = match self {
            Self::Bootstrap => bootstrap::MESSAGES,
            Self::Message => message::MESSAGES,
            Self::Datastore => datastore::MESSAGES,
            Self::Security => security::MESSAGES,
            Self::Application => application::MESSAGES,
            Self::Telescope => telescope::MESSAGES,
        };
        own.iter().cloned().chain(frame::given_to(self)).collect()
    }
}

impl std::fmt::Display for Owner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
