//! Chains and keys as text (RFC 7468).

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};

use crate::TlsError;

/// A private key as text. It is not shown where it is logged.
#[derive(Clone, PartialEq, Eq)]
pub struct PrivateKeyPem(String);

impl PrivateKeyPem {
    /// From its text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Its text, for who must hand it out or seal it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    pub(crate) fn to_der(&self) -> Result<PrivateKeyDer<'static>, TlsError> {
        let read = PrivateKeyDer::from_pem_slice(self.0.as_bytes());
        read.map_err(|_| TlsError::defect("reading a private key")("it is no PEM text of a key".to_owned()))
    }
}

impl fmt::Debug for PrivateKeyPem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivateKeyPem(***)")
    }
}

/// How long a line is (RFC 7468, section 2).
const LINE: usize = 64;

/// A chain as text, and nothing else that stood beside it.
pub(crate) fn of_chain(chain: &[CertificateDer<'_>]) -> String {
    chain.iter().map(|certificate| encoded("CERTIFICATE", certificate)).collect()
}

/// A key as text; nothing for a form that came to be after this was written.
pub(crate) fn of_key(key: &PrivateKeyDer<'_>) -> Option<PrivateKeyPem> {
    let label = match key {
        PrivateKeyDer::Pkcs1(_) => "RSA PRIVATE KEY",
        PrivateKeyDer::Sec1(_) => "EC PRIVATE KEY",
        PrivateKeyDer::Pkcs8(_) => "PRIVATE KEY",
        _ => return None,
    };
    Some(PrivateKeyPem(encoded(label, key.secret_der())))
}

fn encoded(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let mut lines = format!("-----BEGIN {label}-----\n");
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, others) = rest.split_at(LINE.min(rest.len()));
        lines.push_str(line);
        lines.push('\n');
        rest = others;
    }
    lines.push_str(&format!("-----END {label}-----\n"));
    lines
}

/// The certificates of a chain, the first one first.
pub(crate) fn chain(text: &str) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text.as_bytes()).collect();
    read.map_err(|e| TlsError::defect("reading a certificate")(e.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_not_shown() {
        let shown = format!("{:?}", PrivateKeyPem::new("-----BEGIN PRIVATE KEY-----"));
        assert_eq!(shown, "PrivateKeyPem(***)");
    }
}
