//! JSON Web Tokens (RFC 7515, RFC 7519) as we write them and as we read them: strictly, and with the key's own algorithm.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::Header;
use serde::{Deserialize, Serialize};
use store::tokens::Algorithm;
use time::OffsetDateTime;
use vocabulary::{Timestamp, ids::SigningKeyId};

use crate::{
    Claims, ISSUER, Kind, NotAScope, Scopes, TokenError, TokensError,
    keys::{Signer, VerifyingKey},
};

/// How long a token may be.
pub(crate) const TOKEN_BYTES_MAX: usize = 8 * 1024;

/// A header, as far as it is looked at. `jku`, `x5u`, `jwk` and their like are not: where a key comes from is not the token's to say.
#[derive(Deserialize)]
struct Head {
    alg: String,
    typ: Option<String>,
    kid: Option<String>,
    #[serde(default, rename = "crit", deserialize_with = "even_null")]
    critical: Option<serde_json::Value>,
}

/// A field that is there though it says nothing is not one that is not there.
fn even_null<'de, D: serde::Deserializer<'de>>(field: D) -> Result<Option<serde_json::Value>, D::Error> {
    serde_json::Value::deserialize(field).map(Some)
}

/// The claims of our tokens.
#[derive(Serialize, Deserialize)]
struct Body {
    iss: String,
    aud: String,
    jti: String,
    iat: i64,
    nbf: i64,
    exp: i64,
    username: String,
    epoch: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    user_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sid: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
}

/// A token in its parts, of which nothing is proven.
pub(crate) struct Unproven<'a> {
    pub(crate) kid: String,
    alg: String,
    typ: Option<String>,
    message: &'a str,
    body: &'a str,
    signature: &'a str,
}

/// The algorithm's name in headers (RFC 7518 §3.1, RFC 8037 §3.1).
pub(crate) const fn name_of(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::EdDsa => "EdDSA",
        Algorithm::Hs256 => "HS256",
    }
}

const fn library_name(algorithm: Algorithm) -> jsonwebtoken::Algorithm {
    match algorithm {
        Algorithm::EdDsa => jsonwebtoken::Algorithm::EdDSA,
        Algorithm::Hs256 => jsonwebtoken::Algorithm::HS256,
    }
}

/// Signs claims, all of which must be there that its kind has.
pub(crate) fn sign(signer: &Signer, claims: &Claims) -> Result<String, TokensError> {
    let typ = type_of(claims.kind).ok_or_else(|| TokensError::Invalid { what: "an API key is no JWT".to_owned() })?;
    let header = Header {
        typ: Some(typ.to_owned()),
        kid: Some(signer.kid.to_string()),
        ..Header::new(library_name(signer.algorithm))
    };
    let body = Body {
        iss: ISSUER.to_owned(),
        aud: claims.audience.clone().unwrap_or_default(),
        jti: claims.jti.to_string(),
        iat: seconds(claims.issued_at),
        nbf: seconds(claims.not_before),
        exp: claims.expires_at.map(seconds).unwrap_or_default(),
        username: claims.account.to_string(),
        epoch: claims.epoch.unwrap_or_default(),
        user_id: claims.user_id.clone().map(String::from),
        email: claims.email.clone(),
        sid: claims.session.clone().map(String::from),
        scope: claims.scopes.as_ref().map(ToString::to_string),
    };
    jsonwebtoken::encode(&header, &body, &signer.key)
        .map_err(|e| TokensError::SigningKey { kid: signer.kid.to_string(), reason: e.to_string() })
}

/// Takes a token apart.
pub(crate) fn parse(token: &str) -> Result<Unproven<'_>, TokenError> {
    let malformed = |what| TokenError::Malformed { what };
    let mut dots = token.match_indices('.').map(|(at, _)| at);
    let (Some(first), Some(second), None) = (dots.next(), dots.next(), dots.next()) else {
        return Err(malformed("it has not three parts"));
    };
    let (head, body, signature) = (&token[..first], &token[first + 1..second], &token[second + 1..]);
    let head = URL_SAFE_NO_PAD.decode(head).map_err(|_| malformed("its header is not base64url"))?;
    let head: Head = serde_json::from_slice(&head).map_err(|_| malformed("its header can't be read"))?;
    if head.critical.is_some() {
        return Err(TokenError::CriticalHeader);
    }
    if ![Algorithm::EdDsa, Algorithm::Hs256].map(name_of).contains(&head.alg.as_str()) {
        return Err(TokenError::Algorithm);
    }
    let kid = head.kid.ok_or(TokenError::NoKey)?;
    Ok(Unproven { kid, alg: head.alg, typ: head.typ, message: &token[..second], body, signature })
}

/// What the token says, if this key signed it. Whether it is for us, and now, is not looked at.
pub(crate) fn prove(token: &Unproven<'_>, key: &VerifyingKey) -> Result<Claims, TokenError> {
    if token.alg != name_of(key.algorithm) {
        return Err(TokenError::Algorithm);
    }
    let material = key.material.as_ref().ok_or(TokenError::KeyClosed)?;
    let (message, algorithm) = (token.message.as_bytes(), library_name(key.algorithm));
    match jsonwebtoken::crypto::verify(token.signature, message, material, algorithm) {
        Ok(true) => {}
        Ok(false) => return Err(TokenError::Signature),
        Err(_) => return Err(TokenError::Malformed { what: "its signature is not base64url" }),
    }
    let kind = [Kind::User, Kind::Plugin, Kind::Node].into_iter().find(|kind| type_of(*kind) == token.typ.as_deref());
    let kind = kind.ok_or(TokenError::Type)?;
    let body = URL_SAFE_NO_PAD.decode(token.body).map_err(|_| TokenError::Claims)?;
    let body: Body = serde_json::from_slice(&body).map_err(|_| TokenError::Claims)?;
    if body.iss != ISSUER {
        return Err(TokenError::Issuer);
    }
    claims_of(kind, body, &key.kid).ok_or(TokenError::Claims)
}

/// The `typ` of a kind's tokens.
const fn type_of(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::User => Some("user+jwt"),
        Kind::Plugin => Some("plugin+jwt"),
        Kind::Node => Some("node+jwt"),
        Kind::Key => None,
    }
}

fn claims_of(kind: Kind, body: Body, kid: &SigningKeyId) -> Option<Claims> {
    let claims = Claims {
        kind,
        account: body.username.parse().ok()?,
        user_id: body.user_id.map(|id| id.parse()).transpose().ok()?,
        email: body.email,
        jti: body.jti.parse().ok()?,
        session: body.sid.map(|id| id.parse()).transpose().ok()?,
        audience: Some(body.aud),
        issued_at: instant(body.iat)?,
        not_before: instant(body.nbf)?,
        expires_at: Some(instant(body.exp)?),
        epoch: Some(body.epoch),
        scopes: body.scope.map(|scope| scopes_of(&scope)).transpose().ok()?,
        kid: Some(kid.clone()),
    };
    let is_a_user = claims.user_id.is_some() && claims.session.is_some();
    (is_a_user == (kind == Kind::User)).then_some(claims)
}

/// The claim `scope`; an empty one leaves nothing in, as a session's has whose password must be changed.
fn scopes_of(claim: &str) -> Result<Scopes, NotAScope> {
    if claim.is_empty() { Ok(Scopes::none()) } else { Scopes::parse(claim.split(' ')) }
}

/// The whole seconds of an instant, as JWTs count (RFC 7519 §2, NumericDate).
pub(crate) fn seconds(at: Timestamp) -> i64 {
    at.instant().unix_timestamp()
}

/// The instant without its fraction of a second, as a token can say it.
pub(crate) fn whole_second(at: Timestamp) -> Timestamp {
    instant(seconds(at)).unwrap_or(at)
}

fn instant(seconds: i64) -> Option<Timestamp> {
    OffsetDateTime::from_unix_timestamp(seconds).ok().map(Timestamp::new)
}
