//! Passwords: changed by who has them, reset by who manages accounts, chosen with a one-time secret.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vocabulary::{
    Timestamp,
    ids::{AccountName, UserId},
};

use super::{example_id, example_user, user};
use crate::{
    frame::example_time,
    kinds::{Command, Done, Effect, Needs, Privacy, Shape, UserField},
    secret::Secret,
};

/// Changes one's own password. Every token that the account has ends with it.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangePassword {
    /// The password as it is.
    pub old_password: Secret,
    /// The password as it is to be, 8 to 1024 bytes.
    pub new_password: Secret,
    /// The six digits of the authenticator, or a recovery code, where the account has a second factor.
    pub code: Option<Secret>,
    /// Whether the account's API keys are revoked as well. They stay where nothing is said.
    #[serde(default)]
    pub revoke_api_keys: bool,
}

impl Shape for ChangePassword {
    fn example() -> Self {
        Self {
            old_password: Secret::new("a long walk under Orion"),
            new_password: Secret::new("a longer walk under Cygnus"),
            code: None,
            revoke_api_keys: false,
        }
    }
}

impl Command for ChangePassword {
    const NAME: &'static str = "security/user/password/change";
    const ALIASES: &'static [&'static str] = &["security/user/change-password"];
    const NEEDS: Needs = Needs::Anybody;
    const EFFECT: Effect = Effect::Changes;
    type Reply = Done;
}

/// Takes the password of an account away, and every token with it. A one-time secret lets its owner choose another.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ResetPassword {
    /// Whose.
    pub user_id: UserId,
}

impl Shape for ResetPassword {
    fn example() -> Self {
        Self { user_id: example_user() }
    }
}

impl Command for ResetPassword {
    const NAME: &'static str = "security/user/password/reset";
    const ALIASES: &'static [&'static str] = &["security/user/reset-password"];
    const NEEDS: Needs = user::CONFIGURE;
    const EFFECT: Effect = Effect::Changes;
    const REPLY: Privacy = Privacy::Private;
    const USER: UserField = UserField::Object;
    type Reply = PasswordReset;

    fn scope(&self) -> Option<String> {
        Some(self.user_id.to_string())
    }
}

/// What lets the owner of an account choose its password, once.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct PasswordReset {
    /// The secret, for `security/user/setup`.
    pub setup_secret: Secret,
    /// When it ends.
    pub setup_expires_at: Timestamp,
}

impl Shape for PasswordReset {
    fn example() -> Self {
        Self { setup_secret: Secret::new("bss_c2VjcmV0"), setup_expires_at: example_time() }
    }
}

/// Chooses the password of an account with a one-time secret; or makes the first administrator with the one that the first start showed.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetUp {
    /// The account.
    pub username: AccountName,
    /// The secret.
    pub setup_secret: Secret,
    /// The password, 8 to 1024 bytes.
    pub new_password: Secret,
}

impl Shape for SetUp {
    fn example() -> Self {
        Self {
            username: example_id("ann"),
            setup_secret: PasswordReset::example().setup_secret,
            new_password: ChangePassword::example().new_password,
        }
    }
}

impl Command for SetUp {
    const NAME: &'static str = "security/user/setup";
    const NEEDS: Needs = Needs::Nobody;
    const EFFECT: Effect = Effect::Changes;
    type Reply = Done;

    fn scope(&self) -> Option<String> {
        Some(self.username.to_string())
    }
}
