//! What can be set of tokens while the engine runs.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A day, in seconds.
const DAY: u32 = 24 * 3600;

/// What can be set while it runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TokensSettings {
    /// How long an access token is good, in seconds.
    pub token_duration: u32,
    /// A session that was not refreshed for this long, in seconds, ends.
    pub session_idle_seconds: u32,
    /// A session ends after this time, in seconds, however much it is used.
    pub session_absolute_seconds: u32,
    /// How many sessions a user has at once; one more ends the oldest.
    pub sessions_per_user_max: u32,
    /// What tokens are signed with from the next key on. Tokens signed with the other remain good until they expire.
    pub signing_algorithm: SigningAlgorithm,
    /// How long a key signs before the next one takes its place, in seconds.
    pub signing_key_lifetime_seconds: u32,
    /// How long a key is published before it signs, in seconds.
    pub signing_key_announce_seconds: u32,
    /// How long a plugin's token is good, in seconds.
    pub plugin_token_duration: u32,
    /// How long before its end a plugin's token is renewed, in seconds.
    pub plugin_token_renew_seconds: u32,
    /// How long a node's token is good, in seconds.
    pub node_token_duration: u32,
    /// How long an API key is good where nothing is said, in seconds.
    pub api_key_lifetime_seconds: u32,
    /// How long an API key may be good, in seconds.
    pub api_key_lifetime_seconds_max: u32,
    /// How many API keys a user has at once.
    pub api_keys_per_user_max: u32,
    /// For how long an API key that ended stays in lists, in seconds.
    pub api_key_kept_seconds: u32,
    /// How often what ended is removed, in seconds.
    pub token_cleanup_interval_seconds: u32,
}

/// What tokens are signed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SigningAlgorithm {
    /// Ed25519: who checks tokens needs no secret.
    Eddsa,
    /// HMAC with SHA-256, as the earlier program had it: who checks tokens could make them.
    Hs256,
}

impl From<SigningAlgorithm> for store::tokens::Algorithm {
    fn from(algorithm: SigningAlgorithm) -> Self {
        match algorithm {
            SigningAlgorithm::Eddsa => Self::EdDsa,
            SigningAlgorithm::Hs256 => Self::Hs256,
        }
    }
}

impl Default for TokensSettings {
    fn default() -> Self {
        Self {
            token_duration: 3600,
            session_idle_seconds: DAY,
            session_absolute_seconds: 30 * DAY,
            sessions_per_user_max: 50,
            signing_algorithm: SigningAlgorithm::Eddsa,
            signing_key_lifetime_seconds: 30 * DAY,
            signing_key_announce_seconds: DAY,
            plugin_token_duration: DAY,
            plugin_token_renew_seconds: 2 * 3600,
            node_token_duration: 3600,
            api_key_lifetime_seconds: 90 * DAY,
            api_key_lifetime_seconds_max: 366 * DAY,
            api_keys_per_user_max: 50,
            api_key_kept_seconds: 90 * DAY,
            token_cleanup_interval_seconds: 600,
        }
    }
}

impl TokensSettings {
    /// What cannot stand: the key and why. Empty where all of it can.
    pub fn validate(&self) -> Vec<(&'static str, String)> {
        let ranges = [
            ("token_duration", self.token_duration, 10, DAY),
            ("session_idle_seconds", self.session_idle_seconds, 60, 366 * DAY),
            ("session_absolute_seconds", self.session_absolute_seconds, 60, 366 * DAY),
            ("sessions_per_user_max", self.sessions_per_user_max, 1, 10_000),
            ("signing_key_lifetime_seconds", self.signing_key_lifetime_seconds, 3600, 3660 * DAY),
            ("signing_key_announce_seconds", self.signing_key_announce_seconds, 10, 30 * DAY),
            ("plugin_token_duration", self.plugin_token_duration, 60, 30 * DAY),
            ("plugin_token_renew_seconds", self.plugin_token_renew_seconds, 10, 30 * DAY),
            ("node_token_duration", self.node_token_duration, 60, 30 * DAY),
            ("api_key_lifetime_seconds", self.api_key_lifetime_seconds, 60, 3660 * DAY),
            ("api_key_lifetime_seconds_max", self.api_key_lifetime_seconds_max, 60, 3660 * DAY),
            ("api_keys_per_user_max", self.api_keys_per_user_max, 0, 1000),
            ("api_key_kept_seconds", self.api_key_kept_seconds, 0, 3660 * DAY),
            ("token_cleanup_interval_seconds", self.token_cleanup_interval_seconds, 10, DAY),
        ];
        let orders = [
            ("session_idle_seconds", self.session_idle_seconds, "token_duration", self.token_duration),
            (
                "session_absolute_seconds",
                self.session_absolute_seconds,
                "session_idle_seconds",
                self.session_idle_seconds,
            ),
            (
                "signing_key_lifetime_seconds",
                self.signing_key_lifetime_seconds,
                "signing_key_announce_seconds",
                self.signing_key_announce_seconds,
            ),
            (
                "plugin_token_duration",
                self.plugin_token_duration,
                "plugin_token_renew_seconds",
                self.plugin_token_renew_seconds.saturating_add(1),
            ),
            (
                "api_key_lifetime_seconds_max",
                self.api_key_lifetime_seconds_max,
                "api_key_lifetime_seconds",
                self.api_key_lifetime_seconds,
            ),
        ];
        let out_of_range = ranges
            .into_iter()
            .filter(|(_, value, low, high)| !(low..=high).contains(&value))
            .map(|(key, value, low, high)| (key, format!("{value} is not between {low} and {high}")));
        let out_of_order = orders
            .into_iter()
            .filter(|(_, value, _, other)| value < other)
            .map(|(key, value, than, _)| (key, format!("{value} is too little beside {than}")));
        out_of_range.chain(out_of_order).collect()
    }

    /// The longest life that any token may get.
    pub(crate) fn longest_token_seconds(&self) -> i64 {
        self.token_duration.max(self.plugin_token_duration).max(self.node_token_duration).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_stand() {
        let given = TokensSettings::default;
        for (settings, keys) in [
            (given(), vec![]),
            (TokensSettings { token_duration: 9, ..given() }, vec!["token_duration"]),
            (TokensSettings { session_idle_seconds: 3599, ..given() }, vec!["session_idle_seconds"]),
            (TokensSettings { session_absolute_seconds: DAY, ..given() }, vec![]),
            (TokensSettings { session_absolute_seconds: DAY - 1, ..given() }, vec!["session_absolute_seconds"]),
            (TokensSettings { signing_key_lifetime_seconds: 3600, ..given() }, vec!["signing_key_lifetime_seconds"]),
            (TokensSettings { plugin_token_renew_seconds: DAY, ..given() }, vec!["plugin_token_duration"]),
            (
                TokensSettings { api_key_lifetime_seconds: 0, api_keys_per_user_max: 1001, ..given() },
                vec!["api_key_lifetime_seconds", "api_keys_per_user_max"],
            ),
        ] {
            let found: Vec<_> = settings.validate().into_iter().map(|(key, _)| key).collect();
            assert_eq!(found, keys, "{settings:?}");
        }
    }

    #[test]
    fn words_are_the_tables() {
        for algorithm in [SigningAlgorithm::Eddsa, SigningAlgorithm::Hs256] {
            let word = serde_json::to_value(algorithm).unwrap();
            assert_eq!(word, store::tokens::Algorithm::from(algorithm).as_str());
        }
    }
}
