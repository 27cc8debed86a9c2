//! Certificates of listeners: asked for, brought along, renewed, removed; and what becomes known of all certificates.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vocabulary::{
    Timestamp,
    ids::{CertificateId, is_level},
};

use super::example_id;
use crate::{
    frame::example_time,
    kinds::{Command, Done, Effect, Event, Lane, Needs, Shape, State},
    secret::Secret,
};

const READ: Needs = Needs::right("certificate", "read");
const WRITE: Needs = Needs::right("certificate", "write");
/// A directory looks up what it asked for from outside, and takes its time.
const ORDER_LIMIT: Duration = Duration::from_secs(300);

/// Where a certificate comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CertificateKind {
    /// Signed with its own key, for development.
    SelfSigned,
    /// From our own authority, for who trusts it.
    Internal,
    /// From an ACME directory (RFC 8555), such as Let's Encrypt.
    Acme,
    /// Brought along.
    Imported,
}

/// What a certificate is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CertificatePurpose {
    /// A listener's.
    Server,
    /// A process of ours, on both ends of a connection.
    Node,
    /// A client's that has an account.
    Account,
}

/// How a certificate is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CertificateStatus {
    /// Good, with time to its end.
    Valid,
    /// Good, but to be renewed.
    Due,
    /// Ordered, but not here yet.
    Awaited,
    /// Not good any more.
    Expired,
}

/// What everybody may know of a certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Certificate {
    /// Its id.
    pub id: CertificateId,
    /// What it is known by: a DNS name or an address; `node:…` and `account:…` for those.
    pub domain: String,
    /// The DNS names and addresses that it is good for.
    pub names: Vec<String>,
    /// Where it comes from.
    pub kind: CertificateKind,
    /// What it is for.
    pub purpose: CertificatePurpose,
    /// How it is.
    pub status: CertificateStatus,
    /// Its serial number, in hexadecimal; null while it is awaited, and likewise below.
    pub serial: Option<String>,
    /// Who issued it, as it says.
    pub issuer: Option<String>,
    /// When it becomes good.
    pub not_before: Option<Timestamp>,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
    /// When it is to be renewed.
    pub renew_after: Option<Timestamp>,
    /// Before this it is not tried again.
    pub retry_after: Option<Timestamp>,
    /// Why the last try to get or renew it failed; null if it did not.
    pub last_error: Option<String>,
}

impl Certificate {
    /// The key of its state: the domain, or the id where that can't stand in a topic.
    pub fn key(&self) -> &str {
        if is_level(&self.domain) { &self.domain } else { self.id.as_str() }
    }
}

impl Shape for Certificate {
    fn example() -> Self {
        Self {
            id: example_id("0192f0c1-7a0e-7c3e-8a51-0d6f3f1f9a27"),
            domain: "sky.example.org".to_owned(),
            names: vec!["sky.example.org".to_owned(), "www.sky.example.org".to_owned()],
            kind: CertificateKind::Acme,
            purpose: CertificatePurpose::Server,
            status: CertificateStatus::Valid,
            serial: Some("3f1f9a27".to_owned()),
            issuer: Some("CN=R11, O=Let's Encrypt, C=US".to_owned()),
            not_before: Some(example_time()),
            expires_at: Some(example_time()),
            renew_after: Some(example_time()),
            retry_after: None,
            last_error: None,
        }
    }
}

impl State for Certificate {
    const NAME: &'static str = "security/certificates";
    const NEEDS: Needs = READ;
    const KEY: &'static str = "the certificate's domain, or its id where the domain can't stand in a topic";
}

/// From where a certificate is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CertificateOrder {
    /// Signed with its own key, for development.
    SelfSigned,
    /// From the ACME directory of the settings, which is Let's Encrypt's where nothing is said; `acme` is understood as well.
    #[serde(alias = "acme")]
    Letsencrypt,
    /// From our own authority.
    Internal,
}

/// Asks for a certificate for a listener. Answered at the end, when it is there and served.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RequestCertificate {
    /// The name that it is for, a DNS name or, but for an ACME directory, an address.
    pub domain: String,
    /// Whom the directory writes to; by the setting where nothing is said.
    pub email: Option<String>,
    /// From where it is wanted.
    #[serde(rename = "type")]
    pub order: CertificateOrder,
    /// More names that it is for.
    #[serde(default)]
    pub sans: Vec<String>,
}

impl Shape for RequestCertificate {
    fn example() -> Self {
        Self {
            domain: "sky.example.org".to_owned(),
            email: Some("ann@example.org".to_owned()),
            order: CertificateOrder::Letsencrypt,
            sans: vec!["www.sky.example.org".to_owned()],
        }
    }
}

impl Command for RequestCertificate {
    const NAME: &'static str = "security/cert/request";
    const NEEDS: Needs = WRITE;
    const EFFECT: Effect = Effect::Changes;
    const LANE: Lane = Lane::Slow;
    const LIMIT: Duration = ORDER_LIMIT;
    type Reply = Certificate;

    fn scope(&self) -> Option<String> {
        Some(self.domain.clone())
    }
}

/// Renews a certificate now, from where it came. Answered at the end, when the new one is served.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RenewCertificate {
    /// Its domain.
    pub domain: String,
}

impl Shape for RenewCertificate {
    fn example() -> Self {
        Self { domain: Certificate::example().domain }
    }
}

impl Command for RenewCertificate {
    const NAME: &'static str = "security/cert/renew";
    const NEEDS: Needs = WRITE;
    const EFFECT: Effect = Effect::Changes;
    const LANE: Lane = Lane::Slow;
    const LIMIT: Duration = ORDER_LIMIT;
    type Reply = Certificate;

    fn scope(&self) -> Option<String> {
        Some(self.domain.clone())
    }
}

/// Asks for the certificates.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListCertificates {
    /// At most so many.
    pub limit: Option<u32>,
    /// The `next` of the page before.
    pub cursor: Option<String>,
}

impl Shape for ListCertificates {
    fn example() -> Self {
        Self { limit: Some(10), cursor: None }
    }
}

impl Command for ListCertificates {
    const NAME: &'static str = "security/cert/list";
    const NEEDS: Needs = READ;
    const EFFECT: Effect = Effect::Reads;
    type Reply = Certificates;
}

/// A page of certificates.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Certificates {
    /// By domain.
    pub certificates: Vec<Certificate>,
    /// Where the next page begins; null at the end.
    pub next: Option<String>,
}

impl Shape for Certificates {
    fn example() -> Self {
        Self { certificates: vec![Certificate::example()], next: None }
    }
}

/// Asks for one certificate.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetCertificate {
    /// Its domain.
    pub domain: String,
}

impl Shape for GetCertificate {
    fn example() -> Self {
        Self { domain: Certificate::example().domain }
    }
}

impl Command for GetCertificate {
    const NAME: &'static str = "security/cert/get";
    const NEEDS: Needs = READ;
    const EFFECT: Effect = Effect::Reads;
    type Reply = OneCertificate;
}

/// One certificate, without its key.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct OneCertificate {
    /// What is known of it.
    pub certificate: Certificate,
    /// The chain (PEM, RFC 7468), the certificate itself first; empty while it is awaited.
    pub certificate_pem: String,
}

impl Shape for OneCertificate {
    fn example() -> Self {
        Self { certificate: Certificate::example(), certificate_pem: example_pem("CERTIFICATE") }
    }
}

/// Brings a certificate along, with its key. It is served at once.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportCertificate {
    /// The name that it is to be served for.
    pub domain: String,
    /// The chain (PEM, RFC 7468), the certificate itself first.
    pub certificate_pem: String,
    /// Its private key (PEM): PKCS #8, PKCS #1 or SEC 1.
    pub private_key_pem: Secret,
}

impl Shape for ImportCertificate {
    fn example() -> Self {
        Self {
            domain: Certificate::example().domain,
            certificate_pem: example_pem("CERTIFICATE"),
            private_key_pem: Secret::new(example_pem("PRIVATE KEY")),
        }
    }
}

impl Command for ImportCertificate {
    const NAME: &'static str = "security/cert/import";
    const NEEDS: Needs = WRITE;
    const EFFECT: Effect = Effect::Changes;
    type Reply = Certificate;

    fn scope(&self) -> Option<String> {
        Some(self.domain.clone())
    }
}

/// Takes a certificate and its key away. It is not served any more.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RemoveCertificate {
    /// Its domain.
    pub domain: String,
}

impl Shape for RemoveCertificate {
    fn example() -> Self {
        Self { domain: Certificate::example().domain }
    }
}

impl Command for RemoveCertificate {
    const NAME: &'static str = "security/cert/remove";
    const ALIASES: &'static [&'static str] = &["security/cert/delete"];
    const NEEDS: Needs = WRITE;
    const EFFECT: Effect = Effect::Changes;
    type Reply = Done;

    fn scope(&self) -> Option<String> {
        Some(self.domain.clone())
    }
}

/// A certificate was issued, renewed or brought along.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct CertificateIssued {
    /// What is known of it.
    pub certificate: Certificate,
}

impl Shape for CertificateIssued {
    fn example() -> Self {
        Self { certificate: Certificate::example() }
    }
}

impl Event for CertificateIssued {
    const NAME: &'static str = "security/certificate-issued";
    const NEEDS: Needs = READ;
}

/// A certificate comes to its end and is not renewed.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct CertificateExpiring {
    /// What is known of it.
    pub certificate: Certificate,
}

impl Shape for CertificateExpiring {
    fn example() -> Self {
        let last_error = Some("directory does not answer".to_owned());
        Self { certificate: Certificate { status: CertificateStatus::Due, last_error, ..Certificate::example() } }
    }
}

impl Event for CertificateExpiring {
    const NAME: &'static str = "security/certificate-expiring";
    const NEEDS: Needs = READ;
}

pub(super) fn example_pem(label: &str) -> String {
    format!("-----BEGIN {label}-----\nMA==\n-----END {label}-----\n")
}
