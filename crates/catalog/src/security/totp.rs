//! The second factor: time-based one-time passwords (RFC 6238) and recovery codes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vocabulary::ids::UserId;

use crate::{
    kinds::{Command, Done, Effect, Needs, Privacy, Shape},
    secret::Secret,
};

/// Makes a second factor for one's own account. It counts once it is confirmed.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EnrolTotp {}

impl Shape for EnrolTotp {
    fn example() -> Self {
        Self {}
    }
}

impl Command for EnrolTotp {
    const NAME: &'static str = "security/user/totp/enrol";
    const ALIASES: &'static [&'static str] = &["security/user/totp/enroll"];
    const NEEDS: Needs = Needs::Anybody;
    const EFFECT: Effect = Effect::Changes;
    const REPLY: Privacy = Privacy::Private;
    type Reply = TotpEnrolment;
}

/// What an authenticator needs.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct TotpEnrolment {
    /// All of it as one address, to show as a QR code.
    pub otpauth_uri: Secret,
    /// The secret alone, in base32, to type.
    pub secret: Secret,
}

impl Shape for TotpEnrolment {
    fn example() -> Self {
        Self {
            otpauth_uri: Secret::new("otpauth://totp/BIG%20SKIES:ann?secret=ORSXG5A&issuer=BIG%20SKIES"),
            secret: Secret::new("ORSXG5A"),
        }
    }
}

/// Shows that the authenticator has the new secret, which counts from then on.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfirmTotp {
    /// The six digits that the authenticator shows.
    pub code: Secret,
}

impl Shape for ConfirmTotp {
    fn example() -> Self {
        Self { code: Secret::new("123456") }
    }
}

impl Command for ConfirmTotp {
    const NAME: &'static str = "security/user/totp/confirm";
    const NEEDS: Needs = Needs::Anybody;
    const EFFECT: Effect = Effect::Changes;
    const REPLY: Privacy = Privacy::Private;
    type Reply = RecoveryCodes;
}

/// What stands for the second factor where the authenticator is lost.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct RecoveryCodes {
    /// Each works once. They are not shown again.
    pub recovery_codes: Vec<Secret>,
}

impl Shape for RecoveryCodes {
    fn example() -> Self {
        Self { recovery_codes: vec![Secret::new("k7qd-2mzp-x4hw")] }
    }
}

/// Takes the second factor of an account away.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RemoveTotp {
    /// Whose; the caller's own unless an administrator asks.
    pub user_id: Option<UserId>,
    /// The six digits of the authenticator, or a recovery code, where it is the caller's own.
    pub code: Option<Secret>,
    /// Whether the account's API keys are revoked as well. They stay where nothing is said.
    #[serde(default)]
    pub revoke_api_keys: bool,
}

impl Shape for RemoveTotp {
    fn example() -> Self {
        Self { user_id: None, code: Some(ConfirmTotp::example().code), revoke_api_keys: false }
    }
}

impl Command for RemoveTotp {
    const NAME: &'static str = "security/user/totp/remove";
    const NEEDS: Needs = Needs::Anybody;
    const EFFECT: Effect = Effect::Changes;
    type Reply = Done;

    fn scope(&self) -> Option<String> {
        self.user_id.as_ref().map(ToString::to_string)
    }
}
