//! Who somebody is: login, refresh, validation, logout, and what becomes known of them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vocabulary::{
    Timestamp,
    ids::{AccountName, ClientName, SigningKeyId, UserId},
};

use super::{User, audit, example_id, example_user};
use crate::{
    frame::example_time,
    kinds::{Command, Done, Effect, Event, Lane, Needs, Privacy, Shape, State},
    secret::Secret,
};

/// Proves who somebody is, with a password and, where the account has one, a second factor.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Login {
    /// The account.
    pub username: AccountName,
    /// Its password.
    pub password: Secret,
    /// The six digits of the authenticator, or a recovery code, where the account has a second factor.
    pub code: Option<Secret>,
    /// What the session is listed as.
    pub client: Option<ClientName>,
}

impl Shape for Login {
    fn example() -> Self {
        Self {
            username: example_id("ann"),
            password: Secret::new("a long walk under Orion"),
            code: None,
            client: Some(example_id("console")),
        }
    }
}

impl Command for Login {
    const NAME: &'static str = "security/auth/login";
    const NEEDS: Needs = Needs::Nobody;
    const EFFECT: Effect = Effect::Changes;
    const REPLY: Privacy = Privacy::Private;
    type Reply = Session;
}

/// A session: a short-lived token to act with, and a longer-lived one to get the next with.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Session {
    /// The token to act with (a JSON Web Token, RFC 7519).
    pub token: Secret,
    /// When it ends.
    pub expires_at: Timestamp,
    /// The token to get the next one with, once.
    pub refresh_token: Secret,
    /// When that ends.
    pub refresh_expires_at: Timestamp,
    /// The account.
    pub user: User,
    /// Whether nothing but a change of the password is allowed.
    pub must_change_password: bool,
}

impl Shape for Session {
    fn example() -> Self {
        Self {
            token: Secret::new("eyJhbGciOiJFZERTQSJ9.e30.c2lnbmF0dXJl"),
            expires_at: example_time(),
            refresh_token: Secret::new("bsr_c2VjcmV0"),
            refresh_expires_at: example_time(),
            user: User::example(),
            must_change_password: false,
        }
    }
}

/// Gets the next tokens of a session. A refresh token works once; using it again ends the session, since one of the two users stole it.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Refresh {
    /// The session's last refresh token.
    pub refresh_token: Secret,
}

impl Shape for Refresh {
    fn example() -> Self {
        Self { refresh_token: Session::example().refresh_token }
    }
}

impl Command for Refresh {
    const NAME: &'static str = "security/auth/refresh";
    const NEEDS: Needs = Needs::Nobody;
    const EFFECT: Effect = Effect::Changes;
    const REPLY: Privacy = Privacy::Private;
    type Reply = Session;
}

/// Asks whether a token is good, and whose it is.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Validate {
    /// The token.
    pub token: Secret,
}

impl Shape for Validate {
    fn example() -> Self {
        Self { token: Session::example().token }
    }
}

impl Command for Validate {
    const NAME: &'static str = "security/auth/validate";
    const NEEDS: Needs = Needs::Nobody;
    const EFFECT: Effect = Effect::Reads;
    const LANE: Lane = Lane::Instant;
    type Reply = TokenValidity;
}

/// Whether a token is good. Of one that is not, nothing is told but that.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TokenValidity {
    /// Whether it is good, now.
    pub valid: bool,
    /// Whose it is.
    pub user_id: Option<UserId>,
    /// What that account is called.
    pub username: Option<AccountName>,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
    /// Why it is not good.
    pub reason: Option<String>,
}

impl Shape for TokenValidity {
    fn example() -> Self {
        Self {
            valid: true,
            user_id: Some(example_user()),
            username: Some(example_id("ann")),
            expires_at: Some(example_time()),
            reason: None,
        }
    }
}

/// Ends the session of a token: neither it nor the session's refresh token works from then on.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Logout {
    /// The token.
    pub token: Secret,
}

impl Shape for Logout {
    fn example() -> Self {
        Self { token: Session::example().token }
    }
}

impl Command for Logout {
    const NAME: &'static str = "security/auth/logout";
    const NEEDS: Needs = Needs::Nobody;
    const EFFECT: Effect = Effect::Changes;
    type Reply = Done;
}

/// A login failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LoginFailed {
    /// The account; null if there is none of that name, which may be a password in the wrong field.
    pub username: Option<AccountName>,
    /// The address that it came from; null where the broker does not say it.
    pub peer: Option<String>,
    /// What was wrong. Who tried it is not told that.
    pub reason: LoginRefusal,
}

impl Shape for LoginFailed {
    fn example() -> Self {
        Self {
            username: Some(example_id("ann")),
            peer: Some("192.0.2.7".to_owned()),
            reason: LoginRefusal::WrongPassword,
        }
    }
}

impl Event for LoginFailed {
    const NAME: &'static str = "security/login-failed";
    const NEEDS: Needs = audit::READ;
}

/// What was wrong with a login.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LoginRefusal {
    /// There is no such account.
    UnknownUser,
    /// The account has no password.
    NoPassword,
    /// The password is another one.
    WrongPassword,
    /// The account is disabled.
    Disabled,
    /// The password is right, and no code was given.
    NoCode,
    /// The code is none of the second factor, nor of the recovery codes.
    WrongCode,
    /// The code was used before.
    ReplayedCode,
    /// The account changed while the password was checked.
    Changed,
    /// Too many logins had failed.
    Locked,
}

/// Too many logins failed, so that none is let in for a while.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AccountLocked {
    /// The account; null where an address is locked for all accounts.
    pub username: Option<AccountName>,
    /// The address; null where the account is locked for all addresses that it was not used from before.
    pub peer: Option<String>,
    /// Until when.
    pub locked_until: Timestamp,
}

impl Shape for AccountLocked {
    fn example() -> Self {
        Self { username: Some(example_id("ann")), peer: None, locked_until: example_time() }
    }
}

impl Event for AccountLocked {
    const NAME: &'static str = "security/account-locked";
    const NEEDS: Needs = audit::READ;
}

/// What was handed out is not good any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TokenRevoked {
    /// What it is.
    pub what: Revoked,
    /// Its id, which is no part of it; of all that a user has, the user's.
    pub id: String,
    /// Whose it was.
    pub username: Option<AccountName>,
    /// Why, in a word: `logout`, `reuse`, `password`, `disabled`, …
    pub reason: String,
}

impl Shape for TokenRevoked {
    fn example() -> Self {
        Self {
            what: Revoked::Session,
            id: "0192f0c1-7a0e-7c3e-8a51-0d6f3f1f9a23".to_owned(),
            username: Some(example_id("ann")),
            reason: "logout".to_owned(),
        }
    }
}

impl Event for TokenRevoked {
    const NAME: &'static str = "security/token-revoked";
    const NEEDS: Needs = audit::READ;
}

/// What can be taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Revoked {
    /// One token.
    Token,
    /// All tokens of one session.
    Session,
    /// All tokens of one user.
    User,
    /// All sessions of everybody; then the id is `*`.
    Everybody,
    /// One API key.
    Key,
}

/// The public keys of the tokens that are signed here: a JSON Web Key set (RFC 7517), with which anybody checks a token alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PublicKeys {
    /// The key in use, the one to come, and those with tokens that have not ended.
    pub keys: Vec<PublicKey>,
}

impl Shape for PublicKeys {
    fn example() -> Self {
        Self { keys: vec![PublicKey::example()] }
    }
}

impl State for PublicKeys {
    const NAME: &'static str = "security/keys";
    const NEEDS: Needs = Needs::Anybody;
    const KEY: &'static str = "always `jwks`";
}

/// One of them: an Ed25519 key (RFC 8037).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PublicKey {
    /// Its id, which tokens name.
    pub kid: SigningKeyId,
    /// The family: `OKP`.
    pub kty: String,
    /// The curve: `Ed25519`.
    pub crv: String,
    /// What signs with it: `EdDSA`.
    pub alg: String,
    /// What it is for: `sig`.
    #[serde(rename = "use")]
    pub purpose: String,
    /// The 32 bytes of the key, in base64url without padding.
    pub x: String,
}

impl Shape for PublicKey {
    fn example() -> Self {
        Self {
            kid: example_id("0192f0c1-7a0e-7c3e-8a51-0d6f3f1f9a24"),
            kty: "OKP".to_owned(),
            crv: "Ed25519".to_owned(),
            alg: "EdDSA".to_owned(),
            purpose: "sig".to_owned(),
            x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo".to_owned(),
        }
    }
}
