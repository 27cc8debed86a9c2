//! API keys: what programs act with in place of a login.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vocabulary::{
    Timestamp,
    ids::{AccountName, ApiKeyId, UserId},
};

use super::{example_id, example_user};
use crate::{
    frame::example_time,
    kinds::{Command, Done, Effect, Needs, Privacy, Shape},
    secret::Secret,
};

/// An API key, without the key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ApiKey {
    /// Its id.
    pub id: ApiKeyId,
    /// What its owner calls it.
    pub name: String,
    /// The eight characters that the key begins with, behind `bsk_`, to know it by.
    pub prefix: String,
    /// Whose it is.
    pub user_id: UserId,
    /// What that account is called.
    pub username: AccountName,
    /// What it may do of what its account may, as `resource:action`; null for all of it.
    pub scopes: Option<Vec<String>>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends; null if it does not.
    pub expires_at: Option<Timestamp>,
    /// When it was last used, to the minute or so.
    pub last_used_at: Option<Timestamp>,
    /// When it was taken back; null if it was not.
    pub revoked_at: Option<Timestamp>,
}

impl Shape for ApiKey {
    fn example() -> Self {
        Self {
            id: example_id("0192f0c1-7a0e-7c3e-8a51-0d6f3f1f9a26"),
            name: "nightly flats".to_owned(),
            prefix: "3f1f9a26".to_owned(),
            user_id: example_user(),
            username: example_id("ann"),
            scopes: Some(vec!["telescope:read".to_owned(), "telescope:control".to_owned()]),
            created_at: example_time(),
            expires_at: Some(example_time()),
            last_used_at: None,
            revoked_at: None,
        }
    }
}

/// Makes an API key for an account. The key is shown once, in the answer.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateKey {
    /// What to call it, 1 to 100 characters.
    pub name: String,
    /// What it may do of what its account may, as `resource:action`; all of it where nothing is said.
    pub scopes: Option<Vec<String>>,
    /// When it is to end; by the setting where nothing is said.
    pub expires_at: Option<Timestamp>,
    /// For whom; the caller's own account unless an administrator asks.
    pub user_id: Option<UserId>,
}

impl Shape for CreateKey {
    fn example() -> Self {
        let ApiKey { name, scopes, expires_at, .. } = ApiKey::example();
        Self { name, scopes, expires_at, user_id: None }
    }
}

impl Command for CreateKey {
    const NAME: &'static str = "security/key/create";
    // A key may do no more than who makes it, and every login at a terminal makes one.
    const NEEDS: Needs = Needs::Anybody;
    const EFFECT: Effect = Effect::Changes;
    const REPLY: Privacy = Privacy::Private;
    type Reply = KeyCreated;
}

/// The key was made.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct KeyCreated {
    /// Its id.
    pub id: ApiKeyId,
    /// The key. It is not shown again.
    pub key: Secret,
    /// The eight characters that it begins with, behind `bsk_`, to know it by.
    pub prefix: String,
    /// When it ends; null if it does not.
    pub expires_at: Option<Timestamp>,
}

impl Shape for KeyCreated {
    fn example() -> Self {
        let ApiKey { id, prefix, expires_at, .. } = ApiKey::example();
        Self { id, key: Secret::new(format!("bsk_{prefix}_c2VjcmV0")), prefix, expires_at }
    }
}

/// Asks for the API keys of an account.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListKeys {
    /// Whose; the caller's own unless an administrator asks.
    pub user_id: Option<UserId>,
    /// At most so many.
    pub limit: Option<u32>,
    /// The `next` of the page before.
    pub cursor: Option<String>,
}

impl Shape for ListKeys {
    fn example() -> Self {
        Self { limit: Some(10), ..Self::default() }
    }
}

impl Command for ListKeys {
    const NAME: &'static str = "security/key/list";
    const NEEDS: Needs = Needs::Anybody;
    const EFFECT: Effect = Effect::Reads;
    type Reply = ApiKeys;
}

/// A page of API keys.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct ApiKeys {
    /// Newest first, those that ended included.
    pub keys: Vec<ApiKey>,
    /// Where the next page begins; null at the end.
    pub next: Option<String>,
}

impl Shape for ApiKeys {
    fn example() -> Self {
        Self { keys: vec![ApiKey::example()], next: None }
    }
}

/// Takes an API key back. It works nowhere from then on.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RevokeKey {
    /// Which one.
    pub id: ApiKeyId,
    /// Whose; the caller's own unless an administrator asks.
    pub user_id: Option<UserId>,
}

impl Shape for RevokeKey {
    fn example() -> Self {
        Self { id: ApiKey::example().id, user_id: None }
    }
}

impl Command for RevokeKey {
    const NAME: &'static str = "security/key/revoke";
    const ALIASES: &'static [&'static str] = &["security/key/delete"];
    const NEEDS: Needs = Needs::Anybody;
    const EFFECT: Effect = Effect::Changes;
    type Reply = Done;

    fn scope(&self) -> Option<String> {
        Some(self.id.to_string())
    }
}
