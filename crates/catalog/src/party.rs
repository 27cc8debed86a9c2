//! Who an account on the bus belongs to, as its name tells. No user is named like any of the others.

use vocabulary::ids::{AccountName, ApiKeyId, NotAnId, PluginId};

use crate::Owner;

/// What comes before a plugin's id.
const PLUGIN: &str = "plugin.";
/// What comes before an API key's id.
const KEY: &str = "key.";
/// What comes before the name of a user who is to log in yet.
const LOBBY: &str = "lobby.";

/// Who an account belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Party {
    /// A coordinator: `telescope-coordinator`.
    Coordinator(Owner),
    /// A face of the platform: `gateway`.
    Face(Face),
    /// A process of ours that waits for the database and for the coordinators: `node`.
    Node,
    /// A plugin: `plugin.weather`.
    Plugin(PluginId),
    /// A connection that an API key opened: `key.0192f0c1-…`. It has what the key leaves of its user's rights.
    Key(ApiKeyId),
    /// A user whose password is right and who is to log in yet, with a second factor or a password of their own: `lobby.ann`. It has the
    /// rights of nobody.
    Lobby(AccountName),
    /// A user: `ann`.
    User(AccountName),
}

/// A face of the platform, which sends for others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Face {
    /// HTTP and WebSocket.
    Gateway,
}

impl Face {
    /// Every face.
    pub const ALL: [Self; 1] = [Self::Gateway];

    /// Its account and role.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
        }
    }
}

impl Party {
    /// Who the account belongs to.
    pub fn of(account: &AccountName) -> Self {
        let name = account.as_str();
        if let Some(owner) = name.strip_suffix("-coordinator").and_then(Owner::of_name) {
            return Self::Coordinator(owner);
        }
        if let Some(face) = Face::ALL.into_iter().find(|face| face.name() == name) {
            return Self::Face(face);
        }
        if name == "node" {
            return Self::Node;
        }
        let rest = |prefix: &str| name.strip_prefix(prefix).map(str::to_owned);
        if let Some(id) = rest(PLUGIN).and_then(|id| id.parse().ok()) {
            return Self::Plugin(id);
        }
        if let Some(id) = rest(KEY).and_then(|id| id.parse().ok()) {
            return Self::Key(id);
        }
        if let Some(user) = rest(LOBBY).and_then(|user| user.parse().ok()) {
            return Self::Lobby(user);
        }
        Self::User(account.clone())
    }

    /// Its account.
    ///
    /// # Errors
    /// An id is too long to stand behind its prefix.
    pub fn account(&self) -> Result<AccountName, NotAnId> {
        match self {
            Self::Coordinator(owner) => owner.component().parse(),
            Self::Face(face) => face.name().parse(),
            Self::Node => "node".parse(),
            Self::Plugin(id) => format!("{PLUGIN}{id}").parse(),
            Self::Key(id) => format!("{KEY}{id}").parse(),
            Self::Lobby(user) => format!("{LOBBY}{user}").parse(),
            Self::User(account) => Ok(account.clone()),
        }
    }

    /// Whether a user may be called so. Names that others have, or could have one day, are not theirs.
    pub fn is_free_for_users(account: &AccountName) -> bool {
        let name = account.as_str().to_ascii_lowercase();
        let taken = ["node", "nobody", "gateway", "orbital", "alpaca", "system"];
        let begins = [PLUGIN, KEY, LOBBY, "account."];
        !taken.contains(&name.as_str())
            && !name.ends_with("-coordinator")
            && !begins.iter().any(|prefix| name.starts_with(prefix))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_who_it_is() {
        for (name, party) in [
            ("telescope-coordinator", Party::Coordinator(Owner::Telescope)),
            ("gateway", Party::Face(Face::Gateway)),
            ("node", Party::Node),
            ("plugin.weather", Party::Plugin("weather".parse().unwrap())),
            ("key.k1", Party::Key("k1".parse().unwrap())),
            ("lobby.ann", Party::Lobby("ann".parse().unwrap())),
            ("ann", Party::User("ann".parse().unwrap())),
            ("my-coordinator", Party::User("my-coordinator".parse().unwrap())),
        ] {
            let account: AccountName = name.parse().unwrap();
            assert_eq!(Party::of(&account), party, "{name}");
            assert_eq!(party.account().unwrap(), account, "{name}");
        }
    }

    #[test]
    fn users_are_not_called_like_others() {
        for (name, free) in [
            ("ann", true),
            ("node1", true),
            ("keynes", true),
            ("Node", false),
            ("gateway", false),
            ("telescope-coordinator", false),
            ("mission-Coordinator", false),
            ("plugin.weather", false),
            ("KEY.x", false),
            ("lobby.ann", false),
        ] {
            assert_eq!(Party::is_free_for_users(&name.parse().unwrap()), free, "{name}");
        }
    }
}
