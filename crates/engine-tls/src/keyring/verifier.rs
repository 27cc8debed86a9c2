//! Checks peers: that one of our authorities issued what they show, for this use, in time, and did not revoke it.

use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime},
    server::danger::{ClientCertVerified, ClientCertVerifier},
};

use super::{Keyring, server::ClientCertificates};

const UNKNOWN: Error = Error::InvalidCertificate(CertificateError::UnknownIssuer);
const REVOKED: Error = Error::InvalidCertificate(CertificateError::Revoked);

/// Lets clients in that one of our authorities vouches for.
#[derive(Debug)]
pub(super) struct ClientsOfOurs {
    keyring: Keyring,
    asked: ClientCertificates,
}

impl ClientsOfOurs {
    pub(super) const fn new(keyring: Keyring, asked: ClientCertificates) -> Self {
        Self { keyring, asked }
    }
}

/// The signatures of a handshake are checked with the same algorithms on both ends.
macro_rules! signatures {
    (|$this:ident| $keyring:expr) => {
        fn verify_tls12_signature(
            &self,
            message: &[u8],
            certificate: &CertificateDer<'_>,
            signed: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            let $this = self;
            let provider = $keyring.provider();
            verify_tls12_signature(message, certificate, signed, &provider.signature_verification_algorithms)
        }

        fn verify_tls13_signature(
            &self,
            message: &[u8],
            certificate: &CertificateDer<'_>,
            signed: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            let $this = self;
            let provider = $keyring.provider();
            verify_tls13_signature(message, certificate, signed, &provider.signature_verification_algorithms)
        }

        fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
            let $this = self;
            $keyring.provider().signature_verification_algorithms.supported_schemes()
        }
    };
}

impl ClientCertVerifier for ClientsOfOurs {
    fn client_auth_mandatory(&self) -> bool {
        self.asked == ClientCertificates::Required
    }

    /// None: they would be of the authorities of a moment, and a client with one certificate shows it anyway.
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        leaf: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let picture = self.keyring.picture();
        let verified = picture.clients.as_ref().ok_or(UNKNOWN)?.verify_client_cert(leaf, others, now)?;
        if picture.is_revoked(leaf) { Err(REVOKED) } else { Ok(verified) }
    }

    signatures!(|this| this.keyring);
}

/// Trusts servers that one of our authorities vouches for.
#[derive(Debug)]
pub(super) struct ServersOfOurs(pub(super) Keyring);

impl ServerCertVerifier for ServersOfOurs {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let picture = self.0.picture();
        let verified = picture.servers.as_ref().ok_or(UNKNOWN)?.verify_server_cert(leaf, others, name, ocsp, now)?;
        if picture.is_revoked(leaf) { Err(REVOKED) } else { Ok(verified) }
    }

    signatures!(|this| this.0);
}
