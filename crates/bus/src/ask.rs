//! What a question carries besides its payload.

use std::time::Duration;

use vocabulary::Timestamp;

/// How to ask.
#[derive(Debug, Clone, Default)]
pub struct Ask {
    /// The id to ask under; a fresh UUIDv7 where nothing is said. Asked again under the same id, a command has at most one effect.
    pub id: Option<String>,
    /// How long to wait for the answer; the message's own limit where nothing is said.
    pub limit: Option<Duration>,
    /// The deadline that is sent along; the end of the wait where nothing is said.
    pub deadline: Option<Timestamp>,
    /// The timestamp that is sent along; now where nothing is said.
    pub timestamp: Option<Timestamp>,
    /// A token of the user who is acted for.
    pub token: Option<String>,
}
