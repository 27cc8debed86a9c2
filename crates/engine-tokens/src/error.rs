//! Why a token is not taken, and why the engine could not do something.

use store::{StoreError, VaultError};
use vocabulary::{Fault, ids::SessionId};

/// Why a token is not taken. For the audit trail; who sent it hears the same sentence whatever the reason.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// It is longer than any of ours.
    #[error("token has {bytes} bytes, more than any of ours")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// It has not the form of a token.
    #[error("token is malformed: {what}")]
    Malformed {
        /// What is wrong.
        what: &'static str,
    },
    /// It is for getting a token, not one to come with.
    #[error("token is a refresh token, which is no access token")]
    RefreshToken,
    /// It names an algorithm that is none of ours, or not its key's.
    #[error("token is not signed with its key's algorithm")]
    Algorithm,
    /// It wants something to be understood that nobody here does.
    #[error("token has a critical header, of which none is known")]
    CriticalHeader,
    /// It names no key.
    #[error("token names no key")]
    NoKey,
    /// It names a key that is none of ours.
    #[error("token names an unknown key")]
    UnknownKey,
    /// It names a key that was taken back.
    #[error("token is signed with a key that was revoked")]
    KeyRevoked,
    /// Its key is known here but can't be used: it is sealed and this process has no master key for it.
    #[error("token is signed with a key that this process can't open")]
    KeyClosed,
    /// Its signature is another's.
    #[error("token's signature is wrong")]
    Signature,
    /// Its type is none of ours.
    #[error("token is of a type that is not taken")]
    Type,
    /// A claim is missing or of the wrong kind.
    #[error("token's claims can't be read")]
    Claims,
    /// Another issued it.
    #[error("token is another issuer's")]
    Issuer,
    /// It is for somebody else.
    #[error("token is for another audience")]
    Audience,
    /// Its time is over.
    #[error("token has expired")]
    Expired,
    /// Its time has not come.
    #[error("token is not valid yet")]
    NotYetValid,
    /// It, or its session, was taken back.
    #[error("token has been revoked")]
    Revoked,
    /// All tokens from before an event were taken back.
    #[error("token is from before its owner's rights or password were changed")]
    Outdated,
    /// Its user does not exist or is disabled.
    #[error("token's user does not exist or is disabled")]
    NoUser,
    /// There is no such API key.
    #[error("API key is unknown")]
    UnknownApiKey,
    /// The API key was taken back.
    #[error("API key has been revoked")]
    ApiKeyRevoked,
    /// The API key's time is over.
    #[error("API key has expired")]
    ApiKeyExpired,
}

impl TokenError {
    /// The reason in one word, for the audit trail.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::TooLong { .. } => "too-long",
            Self::Malformed { .. } => "malformed",
            Self::RefreshToken => "refresh-token",
            Self::Algorithm => "algorithm",
            Self::CriticalHeader => "critical-header",
            Self::NoKey => "no-key",
            Self::UnknownKey => "unknown-key",
            Self::KeyRevoked => "key-revoked",
            Self::KeyClosed => "key-closed",
            Self::Signature => "signature",
            Self::Type => "type",
            Self::Claims => "claims",
            Self::Issuer => "issuer",
            Self::Audience => "audience",
            Self::Expired => "expired",
            Self::NotYetValid => "not-yet-valid",
            Self::Revoked => "revoked",
            Self::Outdated => "outdated",
            Self::NoUser => "no-user",
            Self::UnknownApiKey => "unknown-api-key",
            Self::ApiKeyRevoked => "api-key-revoked",
            Self::ApiKeyExpired => "api-key-expired",
        }
    }
}

impl From<TokenError> for Fault {
    fn from(_: TokenError) -> Self {
        Self::unauthenticated("token is not valid").hint("log in again, or bring another token or API key")
    }
}

/// Why a session does not go on. For the audit trail, as [`TokenError`] is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RefreshError {
    /// It has not the form of a refresh token, or there is none such.
    #[error("refresh token is unknown")]
    Unknown,
    /// It was used before. Somebody else has it, so the session has been ended.
    #[error("refresh token was used before, so session {session} has been ended")]
    Reused {
        /// The session.
        session: SessionId,
    },
    /// The session was ended.
    #[error("session {session} has been ended")]
    Ended {
        /// The session.
        session: SessionId,
    },
    /// It was not used for too long.
    #[error("session {session} was idle for too long")]
    Idle {
        /// The session.
        session: SessionId,
    },
    /// The session went on as long as one may.
    #[error("session {session} is over")]
    Over {
        /// The session.
        session: SessionId,
    },
    /// The user does not exist or is disabled; the session has been ended.
    #[error("user of session {session} does not exist or is disabled")]
    NoUser {
        /// The session.
        session: SessionId,
    },
    /// The user's password or rights were changed since; the session has been ended.
    #[error("session {session} is from before its user's rights or password were changed")]
    Outdated {
        /// The session.
        session: SessionId,
    },
}

impl RefreshError {
    /// The reason in one word, for the audit trail.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Reused { .. } => "reused",
            Self::Ended { .. } => "ended",
            Self::Idle { .. } => "idle",
            Self::Over { .. } => "over",
            Self::NoUser { .. } => "no-user",
            Self::Outdated { .. } => "outdated",
        }
    }

    /// The session that is meant, where there is one.
    pub const fn session(&self) -> Option<&SessionId> {
        match self {
            Self::Unknown => None,
            Self::Reused { session }
            | Self::Ended { session }
            | Self::Idle { session }
            | Self::Over { session }
            | Self::NoUser { session }
            | Self::Outdated { session } => Some(session),
        }
    }

    /// Whether the session has to be ended for it.
    pub(crate) const fn ends_session(&self) -> bool {
        matches!(self, Self::Reused { .. } | Self::NoUser { .. } | Self::Outdated { .. })
    }
}

impl From<RefreshError> for Fault {
    fn from(_: RefreshError) -> Self {
        Self::unauthenticated("session can't go on").hint("log in again")
    }
}

/// Why the engine could not do something.
#[derive(Debug, thiserror::Error)]
pub enum TokensError {
    /// The database does not answer, or refuses.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A signing key can't be sealed or opened.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// A token is not taken.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// A session does not go on.
    #[error(transparent)]
    Refresh(#[from] RefreshError),
    /// The settings can't stand.
    #[error("{key} can't be {why}")]
    Settings {
        /// The first key that is wrong.
        key: &'static str,
        /// Why.
        why: String,
    },
    /// What is asked for can't be.
    #[error("{what}")]
    Invalid {
        /// A fragment that names the object.
        what: String,
    },
    /// The user has as many API keys as there may be.
    #[error(
        "user {user} has {max} API keys, which is as many as there may be; revoke one, or raise api_keys_per_user_max"
    )]
    TooManyApiKeys {
        /// The user.
        user: String,
        /// How many there may be.
        max: u32,
    },
    /// No key signs at the moment.
    #[error("no key signs tokens; see the engine's health for the reason")]
    NoSigningKey,
    /// A key can't be made or used.
    #[error("signing key {kid} can't be used: {reason}; revoke it, so that another takes its place")]
    SigningKey {
        /// The key.
        kid: String,
        /// Why.
        reason: String,
    },
    /// The system's random numbers failed.
    #[error("no secret can be made: the system gives no random numbers")]
    NoRandomness,
    /// Who keeps the verifier fresh does not listen where changes of tokens are told.
    #[error("changes of tokens are not heard; listen on {}", store::tokens::CHANNEL)]
    Deaf,
}

impl From<TokensError> for Fault {
    fn from(error: TokensError) -> Self {
        let message = error.to_string();
        match error {
            TokensError::Store(error) => error.into(),
            TokensError::Vault(error) => error.into(),
            TokensError::Token(error) => error.into(),
            TokensError::Refresh(error) => error.into(),
            TokensError::Settings { .. } | TokensError::Invalid { .. } => Self::invalid(message),
            TokensError::TooManyApiKeys { .. } => Self::conflict(message),
            TokensError::NoSigningKey => Self::unavailable(message),
            TokensError::SigningKey { .. } | TokensError::NoRandomness | TokensError::Deaf => Self::internal(message),
        }
    }
}
