//! Sessions that a login began: who has which, and their end.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vocabulary::{
    Timestamp,
    ids::{AccountName, SessionId, UserId},
};

use super::{example_id, example_user};
use crate::{
    frame::example_time,
    kinds::{Command, Done, Effect, Needs, Shape},
};

/// A session that can go on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OpenSession {
    /// Its id.
    pub id: SessionId,
    /// Whose it is.
    pub user_id: UserId,
    /// What that account is called.
    pub username: AccountName,
    /// What the client said of itself at the login.
    pub client: String,
    /// When it began.
    pub began_at: Timestamp,
    /// When it was heard of last.
    pub refreshed_at: Timestamp,
    /// Unused until then, it ends.
    pub expires_at: Timestamp,
    /// Its end, whatever happens.
    pub ends_at: Timestamp,
}

impl Shape for OpenSession {
    fn example() -> Self {
        Self {
            id: example_id("0192f0c1-7a0e-7c3e-8a51-0d6f3f1f9a23"),
            user_id: example_user(),
            username: example_id("ann"),
            client: "console".to_owned(),
            began_at: example_time(),
            refreshed_at: example_time(),
            expires_at: example_time(),
            ends_at: example_time(),
        }
    }
}

/// Asks for the sessions of an account that can go on.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListSessions {
    /// Whose; the caller's own unless an administrator asks.
    pub user_id: Option<UserId>,
    /// At most so many.
    pub limit: Option<u32>,
    /// The `next` of the page before.
    pub cursor: Option<String>,
}

impl Shape for ListSessions {
    fn example() -> Self {
        Self { limit: Some(10), ..Self::default() }
    }
}

impl Command for ListSessions {
    const NAME: &'static str = "security/session/list";
    const NEEDS: Needs = Needs::Anybody;
    const EFFECT: Effect = Effect::Reads;
    type Reply = OpenSessions;
}

/// A page of sessions.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct OpenSessions {
    /// Oldest first.
    pub sessions: Vec<OpenSession>,
    /// Where the next page begins; null at the end.
    pub next: Option<String>,
}

impl Shape for OpenSessions {
    fn example() -> Self {
        Self { sessions: vec![OpenSession::example()], next: None }
    }
}

/// Ends a session. None of its tokens is good from then on.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EndSession {
    /// Which one.
    pub id: SessionId,
    /// Whose; the caller's own unless an administrator asks.
    pub user_id: Option<UserId>,
}

impl Shape for EndSession {
    fn example() -> Self {
        Self { id: OpenSession::example().id, user_id: None }
    }
}

impl Command for EndSession {
    const NAME: &'static str = "security/session/end";
    const NEEDS: Needs = Needs::Anybody;
    const EFFECT: Effect = Effect::Changes;
    type Reply = Done;

    fn scope(&self) -> Option<String> {
        Some(self.id.to_string())
    }
}

/// Ends all sessions of an account, the one that asks included; or, for an administrator, those of everybody.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EndSessions {
    /// Whose; the caller's own unless an administrator asks.
    pub user_id: Option<UserId>,
    /// Whether those of everybody are to end.
    #[serde(default)]
    pub everybody: bool,
}

impl Shape for EndSessions {
    fn example() -> Self {
        Self::default()
    }
}

impl Command for EndSessions {
    const NAME: &'static str = "security/session/end-all";
    const NEEDS: Needs = Needs::Anybody;
    const EFFECT: Effect = Effect::Changes;
    type Reply = SessionsEnded;
}

/// They have ended.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct SessionsEnded {
    /// How many there were.
    pub ended: u64,
}

impl Shape for SessionsEnded {
    fn example() -> Self {
        Self { ended: 2 }
    }
}
