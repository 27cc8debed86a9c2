//! Our own authority: its certificates, what it issues to be handed out, what it revokes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vocabulary::ids::{AccountName, NodeName, NodeRole};

use super::{
    certificate::{Certificate, CertificateKind, CertificatePurpose, example_pem},
    example_id,
};
use crate::{
    kinds::{Command, Done, Effect, Needs, Privacy, Shape},
    secret::Secret,
};

/// What bears on who others take somebody for.
const CONFIGURE: Needs = Needs::right("certificate", "configure");

/// Asks for the certificates of our own authority, with which others check what it issued.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetAuthority {}

impl Shape for GetAuthority {
    fn example() -> Self {
        Self {}
    }
}

impl Command for GetAuthority {
    const NAME: &'static str = "security/cert/authority";
    const NEEDS: Needs = Needs::Anybody;
    const EFFECT: Effect = Effect::Reads;
    type Reply = Authority;
}

/// Our own authority, as everybody may know it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Authority {
    /// Its certificates (PEM, RFC 7468): the one that issues, and those before it of which something is still in use.
    pub authorities_pem: String,
}

impl Shape for Authority {
    fn example() -> Self {
        Self { authorities_pem: example_pem("CERTIFICATE") }
    }
}

/// Issues a certificate with which a process of ours shows itself to others. Its key is in the answer.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IssueNodeCertificate {
    /// The process.
    pub name: NodeName,
    /// What it is: the name of a coordinator or of a face; its own name where nothing is said.
    pub role: Option<NodeRole>,
    /// The DNS names and addresses at which others reach it, besides its own machine's.
    #[serde(default)]
    pub hosts: Vec<String>,
}

impl Shape for IssueNodeCertificate {
    fn example() -> Self {
        Self {
            name: example_id("telescope-1"),
            role: Some(example_id("telescope")),
            hosts: vec!["dome.example.org".to_owned()],
        }
    }
}

impl Command for IssueNodeCertificate {
    const NAME: &'static str = "security/cert/node";
    const NEEDS: Needs = CONFIGURE;
    const EFFECT: Effect = Effect::Changes;
    const REPLY: Privacy = Privacy::Private;
    type Reply = IssuedCertificate;

    fn scope(&self) -> Option<String> {
        Some(self.name.to_string())
    }
}

/// Issues a certificate with which a client that has an account shows itself. Its key is in the answer and nowhere else.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IssueAccountCertificate {
    /// The account.
    pub username: AccountName,
}

impl Shape for IssueAccountCertificate {
    fn example() -> Self {
        Self { username: example_id("ann") }
    }
}

impl Command for IssueAccountCertificate {
    const NAME: &'static str = "security/cert/account";
    const NEEDS: Needs = CONFIGURE;
    const EFFECT: Effect = Effect::Changes;
    const REPLY: Privacy = Privacy::Private;
    type Reply = IssuedCertificate;

    fn scope(&self) -> Option<String> {
        Some(self.username.to_string())
    }
}

/// A certificate that was issued to be handed out, with its key.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct IssuedCertificate {
    /// What is known of it.
    pub certificate: Certificate,
    /// The chain (PEM), the certificate itself first.
    pub certificate_pem: String,
    /// Its private key (PEM).
    pub private_key_pem: Secret,
    /// The certificates of our authority (PEM), with which its owner checks others.
    pub authorities_pem: String,
}

impl Shape for IssuedCertificate {
    fn example() -> Self {
        let domain = "node:telescope-1".to_owned();
        let (kind, purpose) = (CertificateKind::Internal, CertificatePurpose::Node);
        Self {
            certificate: Certificate { domain, kind, purpose, ..Certificate::example() },
            certificate_pem: example_pem("CERTIFICATE"),
            private_key_pem: Secret::new(example_pem("PRIVATE KEY")),
            authorities_pem: example_pem("CERTIFICATE"),
        }
    }
}

/// Why a certificate is revoked (RFC 5280, section 5.3.1).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RevocationReason {
    /// It is not said.
    #[default]
    Unspecified,
    /// Somebody else has the key.
    KeyCompromise,
    /// Its owner is called otherwise, or belongs elsewhere.
    AffiliationChanged,
    /// There is another one.
    Superseded,
    /// It is not needed any more.
    CessationOfOperation,
    /// Its owner may not have it any more.
    PrivilegeWithdrawn,
}

/// Revokes a certificate of our own authority. Nobody of ours takes it from then on.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RevokeCertificate {
    /// Its serial number, in hexadecimal.
    pub serial: String,
    /// Why.
    #[serde(default)]
    pub reason: RevocationReason,
}

impl Shape for RevokeCertificate {
    fn example() -> Self {
        Self { serial: "3f1f9a27".to_owned(), reason: RevocationReason::KeyCompromise }
    }
}

impl Command for RevokeCertificate {
    const NAME: &'static str = "security/cert/revoke";
    const NEEDS: Needs = CONFIGURE;
    const EFFECT: Effect = Effect::Changes;
    type Reply = Done;

    fn scope(&self) -> Option<String> {
        Some(self.serial.clone())
    }
}
