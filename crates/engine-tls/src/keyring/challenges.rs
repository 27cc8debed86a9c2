//! What ACME directories look up at our faces while an order is under way, in whichever process it is.

use super::Keyring;

/// The protocol by which the challenge tls-alpn-01 is asked (RFC 8737, section 6.2). A connection that agreed on it is closed after the
/// handshake.
pub const ACME_ALPN: &[u8] = b"acme-tls/1";

/// The answers to challenges, at once.
#[derive(Debug, Clone)]
pub struct Challenges(Keyring);

impl Challenges {
    pub(super) const fn new(keyring: Keyring) -> Self {
        Self(keyring)
    }

    /// What is answered to `GET /.well-known/acme-challenge/{token}`, as `application/octet-stream` (RFC 8555, section 8.3).
    pub fn lookup_http01(&self, token: &str) -> Option<String> {
        self.0.picture().http01(token)
    }
}
