//! A certificate as it is listed: everything but its key.

use store::certificates::{self, Kind, Purpose};
use vocabulary::{
    Timestamp,
    ids::{CertificateId, NodeRole},
};

use crate::PrivateKeyPem;

/// A certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// Its id.
    pub id: CertificateId,
    /// What it is known by: a DNS name or an address; `node:…` and `account:…` for those.
    pub domain: String,
    /// The DNS names and addresses that it is valid for.
    pub names: Vec<String>,
    /// Where it comes from.
    pub kind: Kind,
    /// What it is for.
    pub purpose: Purpose,
    /// What the node is for, where it is a node's.
    pub role: Option<NodeRole>,
    /// How it is.
    pub state: State,
    /// The chain, the certificate itself first; nothing while it is awaited, and likewise below.
    pub certificate_pem: String,
    /// Its serial number, in hexadecimal.
    pub serial: String,
    /// Who issued it, as it says.
    pub issuer: String,
    /// When it becomes valid.
    pub not_before: Option<Timestamp>,
    /// When it ends to be valid.
    pub expires_at: Option<Timestamp>,
    /// When it is to be renewed.
    pub renew_after: Option<Timestamp>,
    /// How often it was tried to get or renew it since that worked last.
    pub attempts: u32,
    /// Before this it is not tried again.
    pub retry_after: Option<Timestamp>,
    /// Why the last try failed.
    pub last_error: Option<String>,
}

/// How a certificate is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// Good, with time to its end.
    Valid,
    /// Good, but to be renewed.
    Due,
    /// Ordered, but not here yet.
    Awaited,
    /// Not good any more.
    Expired,
}

/// A certificate that was issued to be handed out, with its key.
#[derive(Debug, Clone)]
pub struct Issued {
    /// The certificate.
    pub certificate: Certificate,
    /// Its key, which is a secret.
    pub private_key_pem: PrivateKeyPem,
    /// The certificates of our authorities, with which its owner checks others.
    pub authorities_pem: String,
}

impl Certificate {
    pub(super) fn of(row: certificates::Certificate, now: Timestamp) -> Self {
        let state = State::of(&row, now);
        let (not_before, expires_at, renew_after) = match &row.material {
            Some(material) => (Some(material.not_before), Some(material.expires_at), Some(material.renew_after)),
            None => (None, None, None),
        };
        let (certificate_pem, serial, issuer) = row
            .material
            .map(|material| (material.certificate_pem, material.serial, material.issuer))
            .unwrap_or_default();
        Self {
            id: row.id,
            domain: row.domain,
            names: row.names,
            kind: row.kind,
            purpose: row.purpose,
            role: row.role,
            state,
            certificate_pem,
            serial,
            issuer,
            not_before,
            expires_at,
            renew_after,
            attempts: row.attempts,
            retry_after: row.retry_after,
            last_error: row.last_error,
        }
    }
}

impl State {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Due => "due",
            Self::Awaited => "awaited",
            Self::Expired => "expired",
        }
    }

    pub(super) fn of(row: &certificates::Certificate, now: Timestamp) -> Self {
        match &row.material {
            None => Self::Awaited,
            Some(material) if material.expires_at <= now => Self::Expired,
            Some(material) if material.renew_after <= now => Self::Due,
            Some(_) => Self::Valid,
        }
    }
}

impl std::fmt::Display for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
