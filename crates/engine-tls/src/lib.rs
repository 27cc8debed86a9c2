//! Certificates: an internal authority, self-signed ones, ACME and import; kept with sealed keys, served and swapped live.
//!
//! | what | where |
//! |---|---|
//! | issue, obtain, import, renew, revoke, list: in the one process that owns certificates | [`Certificates`] |
//! | what listeners and clients of every process serve and trust, never waiting | [`Keyring`] |
//! | who a peer is | [`Peer`], [`peer_identity`] |
//! | what an ACME directory looks up | [`Challenges`] |
//!
//! No listener lives here: who accepts connections asks the [`Keyring`] for a configuration once and keeps it.

mod acme;
mod certificates;
mod error;
mod keyring;
mod names;
mod peer;
mod pem;
mod settings;
mod workshop;
mod x509;

pub use certificates::{Certificate, Certificates, Issued, Round, State};
pub use error::{AcmeFailure, TlsError};
pub use keyring::{
    ClientUse, Keyring, Shown, Trust,
    challenges::{ACME_ALPN, Challenges},
    server::{ClientCertificates, ServerUse, Versions},
};
pub use peer::{Peer, peer_identity};
pub use pem::PrivateKeyPem;
pub use settings::{AcmeChallenge, TlsSettings};
pub use store::certificates::{Kind, Purpose, revocations::RevocationReason};
