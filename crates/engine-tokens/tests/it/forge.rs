//! What an attacker can put together: any header, any claims, signed with any key, the platform's own included.

use aws_lc_rs::{
    hmac,
    rand::SystemRandom,
    signature::{Ed25519KeyPair, KeyPair as _},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use store::{
    Vault,
    tokens::{Algorithm, SigningKey, signing_keys},
};

use crate::stand::World;

/// What a token is signed with.
pub(crate) enum With {
    /// Ed25519.
    Ed(Ed25519KeyPair),
    /// HMAC with SHA-256.
    Hmac(Vec<u8>),
    /// This instead of a signature.
    Text(String),
}

impl With {
    /// A key of the attacker's own.
    pub(crate) fn stranger() -> Self {
        let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        Self::Ed(Ed25519KeyPair::from_pkcs8(document.as_ref()).unwrap())
    }

    /// The platform's own key, as only the vault can open it.
    pub(crate) fn ours(world: &World, key: &SigningKey) -> Self {
        let vault = Vault::new(&world.master, &[]).unwrap();
        let private = vault.open(&SigningKey::place(&key.kid), &key.private_sealed).unwrap();
        match key.algorithm {
            Algorithm::EdDsa => Self::Ed(Ed25519KeyPair::from_pkcs8(&private).unwrap()),
            Algorithm::Hs256 => Self::Hmac(private),
        }
    }

    pub(crate) fn public(&self) -> Vec<u8> {
        let Self::Ed(pair) = self else { return Vec::new() };
        pair.public_key().as_ref().to_vec()
    }

    fn signature(&self, message: &str) -> String {
        match self {
            Self::Ed(pair) => encoded(pair.sign(message.as_bytes()).as_ref()),
            Self::Hmac(secret) => {
                encoded(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), message.as_bytes()).as_ref())
            }
            Self::Text(text) => text.clone(),
        }
    }
}

pub(crate) fn encoded(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub(crate) fn decoded(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).unwrap()
}

/// A header and claims as they are, signed.
pub(crate) fn signed_text(message: &str, with: &With) -> String {
    format!("{message}.{}", with.signature(message))
}

/// A token of these texts.
pub(crate) fn token(header: &str, claims: &[u8], with: &With) -> String {
    signed_text(&format!("{}.{}", encoded(header), encoded(claims)), with)
}

/// The same object with some fields set, or without them where the value is null.
pub(crate) fn but(object: &Value, changes: &Value) -> Value {
    let mut object = object.clone();
    for (key, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => object.as_object_mut().unwrap().remove(key),
            value => object.as_object_mut().unwrap().insert(key.clone(), value.clone()),
        };
    }
    object
}

/// The key that signs, a header and claims as the engine makes them.
pub(crate) async fn genuine(world: &World) -> (SigningKey, Value, Value) {
    let keys = signing_keys::all(&world.store).await.unwrap();
    let key = keys.into_iter().find(|key| key.state == store::tokens::KeyState::Active).unwrap();
    let holder = world.user("ada");
    let now = world.now().instant().unix_timestamp();
    let alg = if key.algorithm == Algorithm::EdDsa { "EdDSA" } else { "HS256" };
    let header = json!({ "alg": alg, "typ": "user+jwt", "kid": key.kid.as_str() });
    let claims = json!({
        "iss": "bigskies-security", "aud": "bigskies", "jti": "token-1", "sid": "session-1", "user_id": holder.user_id,
        "username": holder.account, "email": "ada@example.org", "epoch": 0, "iat": now, "nbf": now, "exp": now + 600,
    });
    (key, header, claims)
}
