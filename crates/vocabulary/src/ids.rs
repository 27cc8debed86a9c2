//! Identifiers: types, never bare strings; what becomes a topic level matches `[A-Za-z0-9._-]{1,64}`.

use std::{borrow::Cow, fmt, str::FromStr};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// The pattern of an identifier that may stand as one level of a topic.
pub const LEVEL_PATTERN: &str = "^[A-Za-z0-9._-]{1,64}$";

/// Why a text is not an identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not an id: 1 to 64 of the characters A-Z a-z 0-9 . _ - are allowed")]
pub struct NotAnId {
    /// The text, cut to 80 characters.
    pub text: String,
}

/// Whether `text` may stand as one level of a topic.
pub fn is_level(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
}

/// Declares identifiers that share the checks but not the type.
macro_rules! identifiers {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => { $(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The identifier as text.
            pub fn as_str(&self) -> &str { &self.0 }
        }

        impl TryFrom<String> for $name {
            type Error = NotAnId;
            fn try_from(text: String) -> Result<Self, NotAnId> {
                if is_level(&text) { Ok(Self(text)) } else { Err(NotAnId { text: text.chars().take(80).collect() }) }
            }
        }

        impl FromStr for $name {
            type Err = NotAnId;
            fn from_str(text: &str) -> Result<Self, NotAnId> { Self::try_from(text.to_owned()) }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String { id.0 }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str { &self.0 }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str(&self.0) }
        }

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> { stringify!($name).into() }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "pattern": LEVEL_PATTERN })
            }
        }
    )* };
}

identifiers! {
    /// Who is connected: the login name of a person, a plugin, a face or a node.
    AccountName,
    /// One client of an account; free for the client to choose.
    ClientName,
    /// A device, under an id of ours.
    DeviceId,
    /// A telescope configuration.
    TelescopeId,
    /// An observatory site.
    SiteId,
    /// A service in the registry.
    ServiceId,
    /// A plugin.
    PluginId,
    /// A long piece of work that was started by a command.
    OperationId,
    /// An account, in rows; on the bus it is its [`AccountName`].
    UserId,
    /// A group of accounts.
    GroupId,
    /// A role of accounts.
    RoleId,
    /// A permission as rows keep it.
    PermissionId,
    /// An organisation that accounts and groups belong to.
    OrganisationId,
    /// A process of ours, as other processes of ours know it.
    NodeName,
    /// What a node is for: the name of a coordinator or of a face.
    NodeRole,
    /// A certificate that is served or handed out.
    CertificateId,
    /// A certificate authority of our own.
    AuthorityId,
    /// An account at an ACME directory.
    AcmeAccountId,
    /// One login and all tokens that follow from it.
    SessionId,
    /// One token (`jti`, RFC 7519 §4.1.7).
    TokenId,
    /// A key that tokens are signed with (`kid`, RFC 7515 §4.1.4).
    SigningKeyId,
    /// An API key's row; not a part of the key.
    ApiKeyId,
}

/// A fresh UUIDv7 (RFC 9562), which sorts by the time of its making.
pub fn fresh_uuid() -> uuid::Uuid {
    uuid::Uuid::now_v7()
}

/// Declares `fresh()` for identifiers that we mint.
macro_rules! minted {
    ($($name:ident),*) => { $(
        impl $name {
            /// A new identifier, a UUIDv7.
            pub fn fresh() -> Self { Self(fresh_uuid().to_string()) }
        }
    )* };
}

minted!(
    DeviceId,
    TelescopeId,
    SiteId,
    ServiceId,
    OperationId,
    ClientName,
    UserId,
    GroupId,
    RoleId,
    PermissionId,
    OrganisationId,
    CertificateId,
    AuthorityId,
    AcmeAccountId,
    SessionId,
    TokenId,
    SigningKeyId,
    ApiKeyId
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels() {
        for (text, good) in [
            ("a", true),
            ("mount-1.b_C", true),
            (&"x".repeat(64) as &str, true),
            (&"x".repeat(65) as &str, false),
            ("", false),
            ("a/b", false),
            ("+", false),
            ("#", false),
            ("a b", false),
            ("é", false),
            ("a\0", false),
        ] {
            assert_eq!(DeviceId::from_str(text).is_ok(), good, "{text:?}");
        }
    }
}
