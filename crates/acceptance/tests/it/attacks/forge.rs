//! Tokens that nobody issued: with real keys and false claims, and with false keys and real claims.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use serde_json::{Value, json};

use super::stand::Stand;

/// What a forger starts from: the parts of a token that is good.
pub(crate) struct Forger {
    pub(crate) token: String,
    pub(crate) header: Value,
    pub(crate) claims: Value,
    stolen: EncodingKey,
}

impl Forger {
    /// From the token of somebody, with the observatory's own key.
    pub(crate) fn of(stand: &Stand, who: &str) -> Self {
        let token = stand.token(who).unwrap();
        let part = |index: usize| -> Value {
            let bytes = URL_SAFE_NO_PAD.decode(token.split('.').nth(index).unwrap()).unwrap();
            serde_json::from_slice(&bytes).unwrap()
        };
        let (header, claims) = (part(0), part(1));
        Self { stolen: EncodingKey::from_ed_der(&stand.signing_key.private), token, header, claims }
    }

    /// The claims with some changed.
    pub(crate) fn claims(&self, changed: &Value) -> Value {
        merged(&self.claims, changed)
    }

    /// The header with some fields changed; null takes one away.
    pub(crate) fn header(&self, changed: &Value) -> Value {
        merged(&self.header, changed)
    }

    /// Signed with the observatory's own key: what is wrong is what it says.
    pub(crate) fn stolen(&self, header: &Value, claims: &Value) -> String {
        signed(header, claims, &self.stolen, Algorithm::EdDSA)
    }

    /// Signed with a key of the forger's own.
    pub(crate) fn own(&self, header: &Value, claims: &Value) -> String {
        let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
        signed(header, claims, &EncodingKey::from_ed_der(pair.serialized_der()), Algorithm::EdDSA)
    }

    /// Signed with a secret.
    pub(crate) fn shared(&self, header: &Value, claims: &Value, secret: &[u8]) -> String {
        signed(header, claims, &EncodingKey::from_secret(secret), Algorithm::HS256)
    }

    /// With the real signature below other words.
    pub(crate) fn tampered(&self, header: &Value, claims: &Value) -> String {
        format!("{}.{}", unsigned(header, claims), self.token.rsplit('.').next().unwrap())
    }

    /// With this in place of a signature.
    pub(crate) fn with(&self, header: &Value, claims: &Value, signature: &str) -> String {
        format!("{}.{signature}", unsigned(header, claims))
    }

    /// A claim that is a number.
    pub(crate) fn number(&self, claim: &str) -> i64 {
        self.claims[claim].as_i64().unwrap()
    }
}

fn signed(header: &Value, claims: &Value, key: &EncodingKey, algorithm: Algorithm) -> String {
    let message = unsigned(header, claims);
    let signature = crypto::sign(message.as_bytes(), key, algorithm).unwrap();
    format!("{message}.{signature}")
}

fn unsigned(header: &Value, claims: &Value) -> String {
    [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string())).join(".")
}

fn merged(all: &Value, changed: &Value) -> Value {
    let mut all = all.clone();
    for (name, value) in changed.as_object().into_iter().flatten() {
        all[name] = value.clone();
    }
    if let Some(fields) = all.as_object_mut() {
        fields.retain(|_, value| *value != json!(null));
    }
    all
}
