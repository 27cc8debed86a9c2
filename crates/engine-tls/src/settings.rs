//! What an administrator may choose about certificates.

use std::{path::PathBuf, time::Duration};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::certificates::ChallengeKind;
use url::Url;

/// Let's Encrypt's directories, by the words for them.
const PRODUCTION: &str = "https://acme-v02.api.letsencrypt.org/directory";
const STAGING: &str = "https://acme-staging-v02.api.letsencrypt.org/directory";

const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;

/// How it is proved to an ACME directory that a domain is ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum AcmeChallenge {
    /// By a file over HTTP, on port 80 of the domain.
    #[serde(rename = "http-01")]
    Http01,
    /// By a certificate over TLS, on port 443 of the domain.
    #[serde(rename = "tls-alpn-01")]
    TlsAlpn01,
}

impl From<AcmeChallenge> for ChallengeKind {
    fn from(challenge: AcmeChallenge) -> Self {
        match challenge {
            AcmeChallenge::Http01 => Self::Http01,
            AcmeChallenge::TlsAlpn01 => Self::TlsAlpn01,
        }
    }
}

/// The settings of certificates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TlsSettings {
    /// The ACME directory that certificates are ordered from: `production` or `staging` of Let's Encrypt, an https address, or
    /// nothing for none.
    pub acme_directory: String,
    /// Whom the ACME directory writes to, an e-mail address.
    pub acme_contact: String,
    /// Whether the directory's terms of service are agreed to, without which it gives nothing.
    pub acme_terms_agreed: bool,
    /// How it is proved to the ACME directory that a domain is ours.
    pub acme_challenge: AcmeChallenge,
    /// A PEM file with the root that the ACME directory's own certificate is checked with; nothing for the system's.
    pub acme_root_file: String,
    /// How many days before its end a certificate is renewed and health warns; for short-lived ones a third of their life.
    pub renew_before_days: u32,
    /// How long a certificate of a node is valid, in hours.
    pub node_certificate_hours: u32,
    /// How long a certificate of our own authority for a listener is valid, in days.
    pub server_certificate_days: u32,
    /// How long a client certificate of an account is valid, in days.
    pub account_certificate_days: u32,
    /// How long a self-signed certificate is valid, in days.
    pub self_signed_days: u32,
    /// How long an authority of our own is valid, in days.
    pub authority_days: u32,
    /// How often it is looked for what is to be renewed, in seconds.
    pub renewal_interval: u32,
}

impl Default for TlsSettings {
    fn default() -> Self {
        Self {
            acme_directory: String::new(),
            acme_contact: String::new(),
            acme_terms_agreed: false,
            acme_challenge: AcmeChallenge::Http01,
            acme_root_file: String::new(),
            renew_before_days: 30,
            node_certificate_hours: 7 * 24,
            server_certificate_days: 90,
            account_certificate_days: 365,
            self_signed_days: 365,
            authority_days: 3650,
            renewal_interval: 600,
        }
    }
}

impl TlsSettings {
    /// Every complaint, key by key; nothing where the settings can stand.
    pub fn validate(&self) -> Vec<(&'static str, String)> {
        let mut complaints = Vec::new();
        let mut complain = |key, what: String| complaints.push((key, what));
        if !self.acme_directory.is_empty() && self.directory_url().is_none() {
            let what = "is neither `production`, `staging`, an https address, nor empty";
            complain("acme_directory", format!("{:?} {what}", self.acme_directory));
        }
        if !self.acme_contact.is_empty() && !is_address(&self.acme_contact) {
            complain("acme_contact", format!("{:?} is no e-mail address", self.acme_contact));
        }
        for (key, value, low, high) in [
            ("renew_before_days", self.renew_before_days, 1, 365),
            ("node_certificate_hours", self.node_certificate_hours, 1, 24 * 398),
            ("server_certificate_days", self.server_certificate_days, 1, 398),
            ("account_certificate_days", self.account_certificate_days, 1, 3650),
            ("self_signed_days", self.self_signed_days, 1, 3650),
            ("authority_days", self.authority_days, 30, 36500),
            ("renewal_interval", self.renewal_interval, 1, 86400),
        ] {
            if !(low..=high).contains(&value) {
                complain(key, format!("{value} is not between {low} and {high}"));
            }
        }
        complaints
    }

    /// The address of the ACME directory, if there is one.
    pub fn directory_url(&self) -> Option<String> {
        match self.acme_directory.as_str() {
            "production" => Some(PRODUCTION.to_owned()),
            "staging" => Some(STAGING.to_owned()),
            text => Url::parse(text).ok().filter(|url| url.scheme() == "https").map(String::from),
        }
    }

    pub(crate) fn root_file(&self) -> Option<PathBuf> {
        (!self.acme_root_file.is_empty()).then(|| PathBuf::from(&self.acme_root_file))
    }

    pub(crate) fn renew_before(&self) -> Duration {
        Duration::from_secs(u64::from(self.renew_before_days) * DAY)
    }

    pub(crate) fn node_life(&self) -> Duration {
        Duration::from_secs(u64::from(self.node_certificate_hours) * HOUR)
    }

    pub(crate) fn server_life(&self) -> Duration {
        Duration::from_secs(u64::from(self.server_certificate_days) * DAY)
    }

    pub(crate) fn account_life(&self) -> Duration {
        Duration::from_secs(u64::from(self.account_certificate_days) * DAY)
    }

    pub(crate) fn self_signed_life(&self) -> Duration {
        Duration::from_secs(u64::from(self.self_signed_days) * DAY)
    }

    pub(crate) fn authority_life(&self) -> Duration {
        Duration::from_secs(u64::from(self.authority_days) * DAY)
    }

    pub(crate) fn interval(&self) -> Duration {
        Duration::from_secs(u64::from(self.renewal_interval.max(1)))
    }
}

/// Whether it is one plain e-mail address, without what a `mailto:` would understand besides (RFC 8555, section 7.3).
fn is_address(text: &str) -> bool {
    let has_both = text.split_once('@').is_some_and(|(name, host)| !name.is_empty() && !host.is_empty());
    has_both && !text.contains([',', '?', ' ', ':'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn complaints() {
        let good = TlsSettings::default();
        for (settings, key) in [
            (TlsSettings { acme_directory: "http://x/".to_owned(), ..good.clone() }, "acme_directory"),
            (TlsSettings { acme_directory: "prod".to_owned(), ..good.clone() }, "acme_directory"),
            (TlsSettings { acme_contact: "me".to_owned(), ..good.clone() }, "acme_contact"),
            (TlsSettings { acme_contact: "a@b,c@d".to_owned(), ..good.clone() }, "acme_contact"),
            (TlsSettings { renew_before_days: 0, ..good.clone() }, "renew_before_days"),
            (TlsSettings { server_certificate_days: 399, ..good.clone() }, "server_certificate_days"),
        ] {
            let keys: Vec<_> = settings.validate().into_iter().map(|(key, _)| key).collect();
            assert_eq!(keys, [key], "{settings:?}");
        }
        for directory in ["", "production", "staging", "https://localhost:14000/dir"] {
            let settings = TlsSettings { acme_directory: directory.to_owned(), ..good.clone() };
            assert!(settings.validate().is_empty(), "{directory}");
        }
    }

    #[test]
    fn directories_by_word() {
        for (word, url) in [
            ("production", Some(PRODUCTION)),
            ("staging", Some(STAGING)),
            ("https://localhost:14000/dir", Some("https://localhost:14000/dir")),
            ("", None),
            ("ftp://localhost/", None),
        ] {
            let settings = TlsSettings { acme_directory: word.to_owned(), ..TlsSettings::default() };
            assert_eq!(settings.directory_url().as_deref(), url, "{word}");
        }
    }
}
