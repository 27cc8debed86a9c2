//! Secrets that are texts: how they are made, what they look like, and the hash that is kept instead of them.

use aws_lc_rs::rand;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};
use store::tokens::Hash;

use crate::TokensError;

/// The bytes of a secret. At 256 bits a plain SHA-256 of it can be kept: there is nothing to guess.
const SECRET_BYTES: usize = 32;
/// The characters of a secret in base64url.
const SECRET_CHARACTERS: usize = 43;
/// What a refresh token begins with.
pub(crate) const REFRESH: &str = "bsr_";
/// What an API key begins with.
pub(crate) const API_KEY: &str = "bsk_";
/// The characters of an API key's prefix.
const PREFIX_CHARACTERS: usize = 8;

/// Random bytes.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], TokensError> {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).map_err(|_| TokensError::NoRandomness)?;
    Ok(bytes)
}

/// A fresh refresh token.
pub(crate) fn refresh_token() -> Result<String, TokensError> {
    Ok(format!("{REFRESH}{}", URL_SAFE_NO_PAD.encode(random::<SECRET_BYTES>()?)))
}

/// A fresh API key and its prefix, which may be known to everybody.
pub(crate) fn api_key() -> Result<(String, String), TokensError> {
    let prefix: String = random::<{ PREFIX_CHARACTERS / 2 }>()?.iter().map(|byte| format!("{byte:02x}")).collect();
    let key = format!("{API_KEY}{prefix}_{}", URL_SAFE_NO_PAD.encode(random::<SECRET_BYTES>()?));
    Ok((key, prefix))
}

/// The hash of a text that has the form of a refresh token.
pub(crate) fn hash_of_refresh_token(token: &str) -> Option<Hash> {
    token.strip_prefix(REFRESH).filter(|secret| is_secret(secret)).map(|_| hash(token))
}

/// The prefix of a text that has the form of an API key.
pub(crate) fn prefix_of_api_key(key: &str) -> Option<&str> {
    let (prefix, secret) = key.strip_prefix(API_KEY)?.split_once('_')?;
    let is_prefix = prefix.len() == PREFIX_CHARACTERS
        && prefix.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    (is_prefix && is_secret(secret)).then_some(prefix)
}

/// SHA-256.
pub(crate) fn hash(text: &str) -> Hash {
    Sha256::digest(text.as_bytes()).into()
}

fn is_secret(text: &str) -> bool {
    text.len() == SECRET_CHARACTERS
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_they_look_like() {
        let (key, prefix) = api_key().unwrap();
        assert_eq!((key.len(), prefix_of_api_key(&key)), (4 + 8 + 1 + 43, Some(prefix.as_str())));
        let token = refresh_token().unwrap();
        assert_eq!(hash_of_refresh_token(&token), Some(hash(&token)));
        let secret = &key[13..];
        for wrong in [
            String::new(),
            "bsk_".to_owned(),
            format!("bsk_{prefix}"),
            format!("bsk_{prefix}_"),
            format!("bsk_{}_{secret}", prefix.to_uppercase() + "A"),
            format!("bsk_{prefix}0_{secret}"),
            format!("bsk_{prefix}_{secret}A"),
            format!("bsk_{prefix}_{}", &secret[1..]),
            format!("bsk_{prefix}_{}=", &secret[1..]),
            format!("BSK_{prefix}_{secret}"),
            format!(" bsk_{prefix}_{secret}"),
            token.clone(),
        ] {
            assert_eq!(prefix_of_api_key(&wrong), None, "{wrong}");
        }
        for wrong in [key.as_str(), "bsr_", &token[1..], &format!("{token}A"), &format!("{token}\0")] {
            assert_eq!(hash_of_refresh_token(wrong), None, "{wrong}");
        }
    }
}
