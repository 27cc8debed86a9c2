//! What a token that was taken says.

use vocabulary::{
    Timestamp,
    ids::{AccountName, SessionId, SigningKeyId, TokenId, UserId},
};

use crate::Scopes;

/// Whose token it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A user's, from a login.
    User,
    /// A plugin's.
    Plugin,
    /// A node's: a coordinator or a face.
    Node,
    /// A user's API key.
    Key,
}

impl Kind {
    /// The word in logs and in the audit trail.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Plugin => "plugin",
            Self::Node => "node",
            Self::Key => "key",
        }
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a token that was taken says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims {
    /// Whose it is.
    pub kind: Kind,
    /// The account: the user's name, the plugin's id, or the node's account.
    pub account: AccountName,
    /// The user, for users' tokens and API keys.
    pub user_id: Option<UserId>,
    /// The user's address, if it was known at the time.
    pub email: Option<String>,
    /// The token's own id (`jti`); of an API key its row's.
    pub jti: TokenId,
    /// The session, for users' tokens.
    pub session: Option<SessionId>,
    /// For whom it is; API keys are for anybody of ours.
    pub audience: Option<String>,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// It is good from then on.
    pub not_before: Timestamp,
    /// When it ends; an API key may have no end.
    pub expires_at: Option<Timestamp>,
    /// The epoch of its owner when it was issued; API keys have none, they outlive a change of password.
    pub epoch: Option<i64>,
    /// What it is good for; nothing where that is all that its owner may.
    pub scopes: Option<Scopes>,
    /// The key that it is signed with.
    pub kid: Option<SigningKeyId>,
}

impl Claims {
    /// Whether its scopes leave this right in. Whether its owner has the right is asked elsewhere.
    pub fn permits(&self, resource: &str, action: &str) -> bool {
        self.scopes.as_ref().is_none_or(|scopes| scopes.permit(resource, action))
    }
}
