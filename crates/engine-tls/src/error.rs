//! Why a certificate can't be had, kept or used, and the way out.

use std::{io, path::PathBuf, time::Duration};

use store::{StoreError, VaultError};
use vocabulary::Fault;

/// The error of everything that makes, keeps and gives certificates.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The rows can't be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A key can't be sealed or opened.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The settings can't stand.
    #[error("settings of certificates can't stand: {}", complaints.iter().map(|(key, what)| format!("{key}: {what}")).collect::<Vec<_>>().join("; "))]
    Settings {
        /// Each key with what is wrong.
        complaints: Vec<(&'static str, String)>,
    },
    /// A name can't stand in a certificate.
    #[error("{name:?} can't be a name in a certificate: {reason}")]
    Name {
        /// The name, cut to 80 characters.
        name: String,
        /// Why.
        reason: &'static str,
    },
    /// What is to be imported is not what it should be.
    #[error("{what}")]
    Import {
        /// A fragment that names the object.
        what: String,
        /// What to do about it.
        hint: &'static str,
    },
    /// The domain has a certificate of another kind.
    #[error("{domain} has a certificate already, which is {there}")]
    Taken {
        /// The domain.
        domain: String,
        /// What is there.
        there: String,
    },
    /// A certificate of this kind is not renewed here.
    #[error("{domain} can't be renewed here: it is {kind}")]
    NotOurs {
        /// The domain.
        domain: String,
        /// What it is.
        kind: String,
    },
    /// No certificate with this serial number can be revoked.
    #[error("serial number {serial} can't be revoked: {reason}")]
    Serial {
        /// The serial number.
        serial: String,
        /// Why.
        reason: &'static str,
    },
    /// No authority is there to issue.
    #[error("no authority of ours issues certificates; another process may be making one at this moment")]
    NoAuthority,
    /// ACME is not set up.
    #[error("no certificate can be ordered from an ACME directory: {reason}")]
    AcmeSettings {
        /// What is missing.
        reason: &'static str,
        /// What to do about it.
        hint: &'static str,
    },
    /// The directory gave no certificate.
    #[error("ACME directory {directory} gave no certificate: {reason}")]
    Acme {
        /// The directory's address.
        directory: String,
        /// What it said, or why it can't be asked.
        reason: String,
        /// What kind of failure it is.
        failure: AcmeFailure,
    },
    /// A file can't be read.
    #[error("file {} can't be read: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Something took too long.
    #[error("{what} was not done within {} s", limit.as_secs())]
    Late {
        /// What was done.
        what: &'static str,
        /// How long it was waited for.
        limit: Duration,
    },
    /// Another process renews certificates at this moment.
    #[error("another process renews certificates at this moment")]
    Elsewhere,
    /// Keys or certificates can't be made or read; a defect, or a row that was changed by hand.
    #[error("{what} failed: {reason}")]
    Defect {
        /// What was done.
        what: &'static str,
        /// What the library said.
        reason: String,
    },
}

/// How an ACME order failed, by which the pause before the next one is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AcmeFailure {
    /// The directory asks for patience.
    RateLimited,
    /// It can't be reached, or fails.
    Away,
    /// It refuses.
    Refused,
    /// It looked at the domain and did not find the answer there.
    Unproved,
    /// It does not accept the number that it gave to a question, more than once; the same again may work (RFC 8555, section 6.5).
    BadNonce,
}

impl TlsError {
    pub(crate) fn defect(what: &'static str) -> impl Fn(String) -> Self {
        move |reason| Self::Defect { what, reason }
    }
}

impl From<TlsError> for Fault {
    fn from(error: TlsError) -> Self {
        let message = error.to_string();
        match error {
            TlsError::Store(error) => error.into(),
            TlsError::Vault(error) => error.into(),
            TlsError::Settings { .. } => Self::invalid(message).hint("change the settings named"),
            TlsError::Name { .. } => Self::invalid(message).hint("give DNS names or addresses"),
            TlsError::Import { hint, .. } => Self::invalid(message).hint(hint),
            TlsError::Taken { .. } => Self::conflict(message).hint("remove that one first, or choose another domain"),
            TlsError::NotOurs { .. } => Self::invalid(message).hint("bring a new one in its place"),
            TlsError::Serial { .. } => Self::not_found(message).hint("`cert/list` shows the serial numbers"),
            TlsError::NoAuthority => Self::unavailable(message).hint("try again"),
            TlsError::AcmeSettings { hint, .. } => Self::invalid(message).hint(hint),
            TlsError::Acme { failure: AcmeFailure::RateLimited, .. } => {
                Self::busy(message).hint("it is tried again later; `cert/list` shows when")
            }
            TlsError::Acme { failure: AcmeFailure::Away | AcmeFailure::BadNonce, .. } => {
                Self::unavailable(message).hint("it is tried again later; `cert/list` shows when")
            }
            TlsError::Acme { failure: AcmeFailure::Refused | AcmeFailure::Unproved, .. } => Self::invalid(message)
                .hint("see that the domain leads to this machine's ports 80 and 443; it is tried again later"),
            TlsError::File { .. } => Self::invalid(message).hint("name a file that this process can read"),
            TlsError::Late { .. } => Self::timeout(message).hint("`cert/list` shows how it ended"),
            TlsError::Elsewhere => Self::busy(message).hint("try again"),
            TlsError::Defect { .. } => Self::internal(message).hint("please report it, with the log"),
        }
    }
}
