//! Access tokens, sessions, API keys and plugin tokens: issued, rotated, taken back, and checked without waiting.
//!
//! [`Tokens`] is the engine that issues and takes back; one process has it. [`Verifier`] checks; every process has one, over what it
//! read from the store and keeps fresh by the store's notices.
//!
//! Access tokens are JWTs (RFC 7519), signed with a key of ours that their `kid` names. The key's own record says what it signs with;
//! the token's header is only compared with it. What is told apart by `typ` (RFC 8725 §3.11): users', plugins' and nodes' tokens.
//! Plugins have JWTs rather than keys in rows, since theirs end soon and are renewed by us, so that nothing needs to be remembered for
//! them but the epoch from before which they are refused.

mod api_keys;
mod cache;
mod claims;
mod error;
mod jwt;
mod keys;
mod known;
mod machines;
mod rotation;
mod secrets;
mod sessions;
mod settings;
mod tokens;
mod upkeep;
mod verifier;

pub use api_keys::{CreatedApiKey, NewApiKey};
pub use claims::{Claims, Kind};
pub use error::{RefreshError, TokenError, TokensError};
pub use machines::MachineToken;
pub use sessions::{Holder, Issued, Subject};
pub use settings::{SigningAlgorithm, TokensSettings};
pub use store::tokens::sessions::Which;
pub use tokens::Tokens;
pub use verifier::{CurrentEpoch, Verifier};
pub use vocabulary::{NotAScope, Scopes};

/// What every API key begins with.
pub const API_KEY_PREFIX: &str = secrets::API_KEY;
/// Who issues our tokens (`iss`).
pub const ISSUER: &str = "bigskies-security";
/// For whom they are where nothing else is said (`aud`).
pub const AUDIENCE: &str = "bigskies";
