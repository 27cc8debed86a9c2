//! Signing keys at work: the half that signs, and the half that checks.

use std::{fmt, sync::Arc};

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{Ed25519KeyPair, KeyPair as _},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{DecodingKey, EncodingKey};
use serde_json::{Value, json};
use store::{
    Vault,
    tokens::{Algorithm, KeyState, SigningKey},
};
use vocabulary::{Timestamp, ids::SigningKeyId};

use crate::{TokensError, jwt, secrets};

/// The bytes of a shared secret: the block of SHA-256, beyond which a longer one is worth no more.
const SHARED_BYTES: usize = 64;

/// The half that signs.
pub(crate) struct Signer {
    pub(crate) kid: SigningKeyId,
    pub(crate) algorithm: Algorithm,
    pub(crate) key: EncodingKey,
}

/// The half that checks.
pub(crate) struct VerifyingKey {
    pub(crate) kid: SigningKeyId,
    pub(crate) algorithm: Algorithm,
    pub(crate) state: KeyState,
    /// Nothing where it is sealed and can't be opened here.
    pub(crate) material: Option<DecodingKey>,
    /// What could not be opened: it is tried again once it is sealed otherwise, and not at every reading.
    unopened: Option<String>,
    public_key: Option<Vec<u8>>,
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifyingKey").field("kid", &self.kid).field("state", &self.state).finish_non_exhaustive()
    }
}

/// A fresh key that will sign. It takes some 50 µs, so it needs no thread of its own.
pub(crate) fn fresh(
    algorithm: Algorithm,
    vault: &Vault,
    now: Timestamp,
    not_before: Timestamp,
) -> Result<SigningKey, TokensError> {
    let kid = SigningKeyId::fresh();
    let unusable = |reason: String| TokensError::SigningKey { kid: kid.to_string(), reason };
    let (private, public_key) = match algorithm {
        Algorithm::EdDsa => {
            let document =
                Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).map_err(|_| TokensError::NoRandomness)?;
            let pair = Ed25519KeyPair::from_pkcs8(document.as_ref()).map_err(|e| unusable(e.to_string()))?;
            (document.as_ref().to_vec(), Some(pair.public_key().as_ref().to_vec()))
        }
        Algorithm::Hs256 => (secrets::random::<SHARED_BYTES>()?.to_vec(), None),
    };
    let private_sealed = vault.seal(&SigningKey::place(&kid), &private)?;
    Ok(SigningKey {
        kid,
        algorithm,
        private_sealed,
        public_key,
        state: KeyState::Next,
        longest_token_seconds: 0,
        created_at: now,
        not_before,
        activated_at: None,
        retire_at: None,
    })
}

impl Signer {
    /// Opens a key.
    pub(crate) fn open(key: &SigningKey, vault: &Vault) -> Result<Self, TokensError> {
        let private = vault.open(&SigningKey::place(&key.kid), &key.private_sealed)?;
        let encoding = match key.algorithm {
            Algorithm::EdDsa => EncodingKey::from_ed_der(&private),
            Algorithm::Hs256 => EncodingKey::from_secret(&private),
        };
        Ok(Self { kid: key.kid.clone(), algorithm: key.algorithm, key: encoding })
    }
}

impl VerifyingKey {
    /// The half of a key that checks. A shared secret needs the vault.
    pub(crate) fn of(key: &SigningKey, vault: Option<&Vault>) -> Arc<Self> {
        let material = match key.algorithm {
            Algorithm::EdDsa => key.public_key.as_deref().map(DecodingKey::from_ed_der),
            Algorithm::Hs256 => vault.and_then(|vault| {
                vault
                    .open(&SigningKey::place(&key.kid), &key.private_sealed)
                    .inspect_err(|error| tracing::error!(kid = %key.kid, %error, "signing key can't be opened"))
                    .ok()
                    .map(|secret| DecodingKey::from_secret(&secret))
            }),
        };
        Arc::new(Self {
            kid: key.kid.clone(),
            algorithm: key.algorithm,
            state: key.state,
            unopened: material.is_none().then(|| key.private_sealed.clone()),
            material,
            public_key: key.public_key.clone(),
        })
    }

    /// Whether it stands for the same as a row does.
    pub(crate) fn is(&self, key: &SigningKey) -> bool {
        let is_as_open = self.unopened.as_ref().is_none_or(|unopened| *unopened == key.private_sealed);
        self.kid == key.kid && self.state == key.state && self.public_key == key.public_key && is_as_open
    }

    /// The public key as a JWK (RFC 8037 §2), where there is one.
    pub(crate) fn jwk(&self) -> Option<Value> {
        let x = URL_SAFE_NO_PAD.encode(self.public_key.as_ref()?);
        let alg = jwt::name_of(self.algorithm);
        let kid = self.kid.as_str();
        Some(json!({ "kty": "OKP", "crv": "Ed25519", "x": x, "kid": kid, "alg": alg, "use": "sig" }))
    }
}
