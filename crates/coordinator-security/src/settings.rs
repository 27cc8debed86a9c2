//! The settings of the security coordinator: those of its engines, key by key beside its own.

use engine_accounts::AccountsSettings;
use engine_tls::TlsSettings;
use engine_tokens::TokensSettings;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use settings::{Complaints, Settings};

/// What can be set while it runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SecuritySettings {
    /// Passwords, their hashes, lockout.
    #[serde(flatten)]
    pub accounts: AccountsSettings,
    /// Tokens, sessions, keys.
    #[serde(flatten)]
    pub tokens: TokensSettings,
    /// Certificates.
    #[serde(flatten)]
    pub certificates: TlsSettings,
    /// Whether a password that an administrator chose for somebody must be replaced by its owner at the first login.
    pub initial_password_must_change: bool,
    /// How long rows of the audit trail are kept, in days; 0 keeps them for ever.
    pub audit_retention_days: u32,
    /// How often the audit trail is looked through for rows that were changed, in seconds.
    pub audit_verify_interval_seconds: u32,
}

impl Default for SecuritySettings {
    fn default() -> Self {
        Self {
            accounts: AccountsSettings::default(),
            tokens: TokensSettings::default(),
            certificates: TlsSettings::default(),
            initial_password_must_change: false,
            audit_retention_days: 3 * 366,
            audit_verify_interval_seconds: 24 * 3600,
        }
    }
}

impl Settings for SecuritySettings {
    fn validate(&self, complaints: &mut Complaints) {
        for complaint in self.accounts.validate() {
            complaints.add(complaint.key, complaint.what);
        }
        for (key, what) in self.tokens.validate().into_iter().chain(self.certificates.validate()) {
            complaints.add(key, what);
        }
        complaints.range("audit_retention_days", self.audit_retention_days, 0, 36_600);
        complaints.range("audit_verify_interval_seconds", self.audit_verify_interval_seconds, 60, 30 * 24 * 3600);
    }
}

#[cfg(test)]
mod tests {
    use settings::Kind;

    use super::*;

    #[test]
    fn keys_are_flat_and_described() {
        let keys = settings::keys::<SecuritySettings>();
        for (key, kind) in [
            ("token_duration", Kind::Int),
            ("signing_algorithm", Kind::String),
            ("password_length_min", Kind::Int),
            ("acme_directory", Kind::String),
            ("acme_terms_agreed", Kind::Bool),
            ("audit_retention_days", Kind::Int),
        ] {
            let found = keys.iter().find(|one| one.key == key).unwrap();
            assert_eq!(found.kind, kind, "{key}");
        }
        for key in &keys {
            assert!(!key.description.is_empty(), "{} has no description", key.key);
        }
        assert!(keys.len() > 40, "{}", keys.len());
        let distinct: std::collections::BTreeSet<_> = keys.iter().map(|key| &key.key).collect();
        assert_eq!(distinct.len(), keys.len());
    }

    #[test]
    fn rows_over_defaults() {
        let rows = [("token_duration", 60.into()), ("acme_contact", "ann@example.org".into())];
        let parsed = settings::parse::<SecuritySettings>(&rows.map(|(key, value)| (key.to_owned(), value)).into());
        let settings = parsed.unwrap().settings;
        assert_eq!(
            (settings.tokens.token_duration, settings.certificates.acme_contact.as_str()),
            (60, "ann@example.org")
        );
    }

    #[test]
    fn every_complaint_at_once() {
        let mut settings = SecuritySettings { audit_verify_interval_seconds: 1, ..SecuritySettings::default() };
        settings.accounts.lockout_failures = 0;
        settings.tokens.token_duration = 1;
        settings.certificates.renew_before_days = 0;
        let mut complaints = Complaints::default();
        settings.validate(&mut complaints);
        let keys: Vec<&str> = complaints.iter().map(|(key, _)| key).collect();
        assert_eq!(keys, ["lockout_failures", "token_duration", "renew_before_days", "audit_verify_interval_seconds"]);
    }
}
