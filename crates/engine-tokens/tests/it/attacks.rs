//! The attack table: what is brought instead of a token, and the reason for which it is refused.

use engine_tokens::Verifier;
use serde_json::{Value, json};
use store::{Changes, tokens::CHANNEL};
use vocabulary::{Clock, Code, Fault};

use crate::{
    forge::{With, but, decoded, encoded, genuine, signed_text, token},
    stand::{World, epochs_of, judged, subject},
};

/// Each row: what it is, the token, the reason.
pub(crate) type Rows = Vec<(&'static str, String, &'static str)>;

pub(crate) fn check(world: &World, rows: Rows) {
    for (what, token, reason) in &rows {
        assert_eq!(world.judged(token), *reason, "{what}: {token:.200}");
        // A second time is no better, whatever was remembered of the first.
        assert_eq!(world.judged(token), *reason, "{what}, again");
    }
}

#[tokio::test]
async fn algorithms_and_keys() {
    let world = World::new().await;
    let (key, header, claims) = genuine(&world).await;
    let (ours, stranger) = (With::ours(&world, &key), With::stranger());
    let public = key.public_key.clone().unwrap();
    assert_eq!(public, ours.public());
    let body = claims.to_string();
    let signed = |header: &Value, with: &With| token(&header.to_string(), body.as_bytes(), with);
    let headed = |changes: Value, with: &With| signed(&but(&header, &changes), with);
    let none = With::Text(String::new());
    let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "x": encoded(stranger.public()) });
    let twice = |header: &str| token(header, body.as_bytes(), &ours);
    let all_cases = (0..16_usize).map(|which| {
        let letter = |(at, c): (usize, char)| if which >> at & 1 == 1 { c.to_ascii_uppercase() } else { c };
        let spelling: String = "none".chars().enumerate().map(letter).collect();
        ("unsigned, in any case", headed(json!({ "alg": spelling }), &none), "algorithm")
    });
    check(&world, all_cases.collect());
    check(
        &world,
        vec![
            ("a genuine one", signed(&header, &ours), "good"),
            ("unsigned, NONE, no key", headed(json!({ "alg": "NONE", "kid": null }), &none), "algorithm"),
            ("signed, said not to be", headed(json!({ "alg": "none" }), &ours), "algorithm"),
            ("unsigned, with a space", headed(json!({ "alg": "none " }), &none), "algorithm"),
            ("unsigned, in lookalikes", headed(json!({ "alg": "n\u{43e}ne" }), &none), "algorithm"),
            ("HS256 with a NUL", headed(json!({ "alg": "HS256\0" }), &With::Hmac(public.clone())), "algorithm"),
            ("empty algorithm", headed(json!({ "alg": "" }), &ours), "algorithm"),
            ("no algorithm", headed(json!({ "alg": null }), &ours), "malformed"),
            ("algorithm is a list", headed(json!({ "alg": ["EdDSA"] }), &ours), "malformed"),
            ("HMAC with the public key", headed(json!({ "alg": "HS256" }), &With::Hmac(public.clone())), "algorithm"),
            (
                "HMAC with the public key as text",
                headed(json!({ "alg": "HS256" }), &With::Hmac(encoded(&public).into_bytes())),
                "algorithm",
            ),
            ("HMAC with nothing", headed(json!({ "alg": "HS256" }), &With::Hmac(Vec::new())), "algorithm"),
            ("HMAC that says EdDSA", signed(&header, &With::Hmac(public.clone())), "signature"),
            ("another HMAC", headed(json!({ "alg": "HS512" }), &With::Hmac(public)), "algorithm"),
            ("RSA", headed(json!({ "alg": "RS256" }), &ours), "algorithm"),
            ("ECDSA", headed(json!({ "alg": "ES256" }), &ours), "algorithm"),
            ("lower case", headed(json!({ "alg": "eddsa" }), &ours), "algorithm"),
            ("no key", headed(json!({ "kid": null }), &ours), "no-key"),
            ("key is a number", headed(json!({ "kid": 1 }), &ours), "malformed"),
            ("empty key", headed(json!({ "kid": "" }), &ours), "unknown-key"),
            ("unknown key", headed(json!({ "kid": "another" }), &ours), "unknown-key"),
            ("path in the key", headed(json!({ "kid": "../../etc/passwd" }), &ours), "unknown-key"),
            (
                "path of an empty file in the key",
                headed(json!({ "kid": "../../../dev/null" }), &With::Hmac(Vec::new())),
                "unknown-key",
            ),
            (
                "the same, said to be HMAC",
                headed(json!({ "kid": "/dev/null", "alg": "HS256" }), &With::Hmac(Vec::new())),
                "unknown-key",
            ),
            ("path before the key", headed(json!({ "kid": format!("./{}", key.kid) }), &ours), "unknown-key"),
            ("file in the key", headed(json!({ "kid": "file:///etc/passwd" }), &ours), "unknown-key"),
            ("command in the key", headed(json!({ "kid": "x|id" }), &ours), "unknown-key"),
            (
                "SQL that brings a key",
                headed(json!({ "kid": "x' UNION SELECT 'secret' --" }), &With::Hmac(b"secret".to_vec())),
                "unknown-key",
            ),
            ("SQL that destroys", headed(json!({ "kid": "'; DROP TABLE signing_keys; --" }), &ours), "unknown-key"),
            ("long key", headed(json!({ "kid": "k".repeat(4000) }), &ours), "unknown-key"),
            ("key is an object", headed(json!({ "kid": { "a": 1 } }), &ours), "malformed"),
            ("key is a list", headed(json!({ "kid": [key.kid.as_str()] }), &ours), "malformed"),
            ("space before the key", headed(json!({ "kid": format!(" {}", key.kid) }), &ours), "unknown-key"),
            ("SQL in the key", headed(json!({ "kid": "' OR 1=1 --" }), &ours), "unknown-key"),
            ("NUL after the key", headed(json!({ "kid": format!("{}\0", key.kid) }), &ours), "unknown-key"),
            ("key in capitals", headed(json!({ "kid": key.kid.as_str().to_uppercase() }), &ours), "unknown-key"),
            ("a stranger's key", signed(&header, &stranger), "signature"),
            ("key from a URL", headed(json!({ "jku": "https://evil.example/keys" }), &stranger), "signature"),
            ("certificate from a URL", headed(json!({ "x5u": "http://169.254.169.254/" }), &stranger), "signature"),
            ("key brought along", headed(json!({ "jwk": jwk }), &stranger), "signature"),
            ("certificate brought along", headed(json!({ "x5c": ["MIIB"] }), &stranger), "signature"),
            ("key brought along, no name", headed(json!({ "jwk": jwk, "kid": null }), &stranger), "no-key"),
            ("critical header", headed(json!({ "crit": ["exp"] }), &ours), "critical-header"),
            ("critical header, none", headed(json!({ "crit": [] }), &ours), "critical-header"),
            ("critical header is text", headed(json!({ "crit": "exp" }), &ours), "critical-header"),
            (
                "critical header is null",
                twice(&header.to_string().replacen('{', "{\"crit\":null,", 1)),
                "critical-header",
            ),
            (
                "two critical headers",
                twice(&header.to_string().replacen('{', "{\"crit\":[],\"crit\":[],", 1)),
                "malformed",
            ),
            ("unencoded payload", headed(json!({ "crit": ["b64"], "b64": false }), &ours), "critical-header"),
            ("two algorithms", twice(&format!(r#"{{"alg":"EdDSA","alg":"none","kid":"{}"}}"#, key.kid)), "malformed"),
            ("two keys", twice(&format!(r#"{{"alg":"EdDSA","kid":"x","kid":"{}"}}"#, key.kid)), "malformed"),
            ("two types", twice(&header.to_string().replacen('{', "{\"typ\":\"user+jwt\",", 1)), "malformed"),
            ("type is a number", headed(json!({ "typ": 1 }), &ours), "malformed"),
            ("compressed", headed(json!({ "zip": "DEF", "crit": ["zip"] }), &ours), "critical-header"),
            (
                "deep header that is read",
                twice(&format!("{{\"alg\":{}{}}}", "[".repeat(2000), "]".repeat(2000))),
                "malformed",
            ),
            (
                "deep header that is not read",
                twice(&format!("{{\"alg\":\"EdDSA\",\"x\":{}{}}}", "[".repeat(2000), "]".repeat(2000))),
                "no-key",
            ),
            (
                "deep critical header",
                twice(&format!("{{\"alg\":\"EdDSA\",\"crit\":{}{}}}", "[".repeat(2000), "]".repeat(2000))),
                "malformed",
            ),
            ("header goes on", twice(&format!("{header} {{}}")), "malformed"),
            ("header is nothing", twice(""), "malformed"),
            (
                "key brought along, as ours",
                headed(
                    json!({ "jwk": { "kty": "OKP", "crv": "Ed25519", "x": encoded(stranger.public()), "kid": key.kid.as_str() } }),
                    &stranger,
                ),
                "signature",
            ),
            ("header is a list", twice("[]"), "malformed"),
            ("header is text", twice("\"EdDSA\""), "malformed"),
            ("header with a byte order mark", twice(&format!("\u{feff}{header}")), "malformed"),
        ],
    );
}

#[tokio::test]
async fn claims() {
    let world = World::new().await;
    let (key, header, claims) = genuine(&world).await;
    let ours = With::ours(&world, &key);
    let now = world.now().instant().unix_timestamp();
    let raw = |claims: &[u8]| token(&header.to_string(), claims, &ours);
    let says = |changes: Value| raw(but(&claims, &changes).to_string().as_bytes());
    let of_type = |typ: Value, changes: Value| {
        token(&but(&header, &json!({ "typ": typ })).to_string(), but(&claims, &changes).to_string().as_bytes(), &ours)
    };
    let unlike_user = json!({ "user_id": null, "sid": null, "email": null });
    let with_exp = |exp: &str| {
        raw(claims.to_string().replace(&format!("\"exp\":{}", now + 600), &format!("\"exp\":{exp}")).as_bytes())
    };
    let given_twice = |claim: &str, value: &str| {
        raw(claims.to_string().replacen('{', &format!("{{\"{claim}\":{value},"), 1).as_bytes())
    };
    check(
        &world,
        vec![
            ("a genuine one", says(json!({})), "good"),
            ("expired", says(json!({ "exp": now - 6 })), "expired"),
            ("just expired, clocks differ", says(json!({ "exp": now - 4 })), "good"),
            ("expired in 1970", says(json!({ "exp": 0 })), "expired"),
            ("expired before", says(json!({ "exp": -1 })), "expired"),
            ("without end", says(json!({ "exp": null })), "claims"),
            ("end is text", says(json!({ "exp": "2099-01-01" })), "claims"),
            ("end is a fraction", with_exp("99999999999.5"), "claims"),
            ("end is too large", with_exp("1e400"), "claims"),
            ("end is out of the calendar", says(json!({ "exp": i64::MAX })), "claims"),
            ("end is not a number", with_exp("NaN"), "claims"),
            ("end is given twice", with_exp(&format!("{},\"exp\":{}", now - 60, now + 600)), "claims"),
            ("expired when it was issued", says(json!({ "iat": now - 10, "exp": now - 20 })), "expired"),
            ("good in capitals", says(json!({ "exp": null, "EXP": now + 600 })), "claims"),
            ("not yet", says(json!({ "nbf": now + 7 })), "not-yet-valid"),
            ("not before its end", says(json!({ "nbf": now + 3600 })), "not-yet-valid"),
            ("not yet, clocks differ", says(json!({ "nbf": now + 4 })), "good"),
            ("no beginning", says(json!({ "nbf": null })), "claims"),
            ("issued tomorrow", says(json!({ "iat": now + 86_400 })), "not-yet-valid"),
            ("issued in a moment", says(json!({ "iat": now + 7 })), "not-yet-valid"),
            (
                "issued at a fraction",
                raw(claims.to_string().replace(&format!("\"iat\":{now}"), &format!("\"iat\":{now}.5")).as_bytes()),
                "claims",
            ),
            ("never issued", says(json!({ "iat": null })), "claims"),
            ("another issuer", says(json!({ "iss": "evil" })), "issuer"),
            ("no issuer", says(json!({ "iss": null })), "claims"),
            ("two issuers", says(json!({ "iss": ["evil", "bigskies-security"] })), "claims"),
            ("issuer with a space", says(json!({ "iss": "bigskies-security " })), "issuer"),
            ("another audience", says(json!({ "aud": "another" })), "audience"),
            ("audience with a space", says(json!({ "aud": "bigskies " })), "audience"),
            ("audience in capitals", says(json!({ "aud": "BIGSKIES" })), "audience"),
            ("audience is a list", says(json!({ "aud": ["bigskies"] })), "claims"),
            ("no audience", says(json!({ "aud": null })), "claims"),
            ("two audiences", says(json!({ "aud": ["bigskies", "another"] })), "claims"),
            ("empty audience", says(json!({ "aud": "" })), "audience"),
            ("no type", of_type(Value::Null, json!({})), "type"),
            ("any type", of_type(json!("JWT"), json!({})), "type"),
            ("identity instead of access", of_type(json!("id+jwt"), json!({})), "type"),
            ("user's as plugin's", of_type(json!("plugin+jwt"), json!({})), "claims"),
            ("user's as node's", of_type(json!("node+jwt"), json!({ "username": "security" })), "claims"),
            ("plugin's", of_type(json!("plugin+jwt"), unlike_user.clone()), "good"),
            ("plugin's as user's", of_type(json!("user+jwt"), unlike_user), "claims"),
            ("type in capitals", of_type(json!("USER+JWT"), json!({})), "type"),
            ("no user", says(json!({ "user_id": null })), "claims"),
            ("no session", says(json!({ "sid": null })), "claims"),
            ("unknown user", says(json!({ "user_id": "nobody" })), "no-user"),
            ("SQL for a user", says(json!({ "user_id": "' OR 1=1 --" })), "claims"),
            ("no name", says(json!({ "username": null })), "claims"),
            ("topic in the name", says(json!({ "username": "ada/#" })), "claims"),
            ("NUL in the name", says(json!({ "username": "ada\0" })), "claims"),
            ("lookalike in the name", says(json!({ "username": "аda" })), "claims"),
            ("name of 65 characters", says(json!({ "username": "a".repeat(65) })), "claims"),
            ("no id", says(json!({ "jti": null })), "claims"),
            ("id is a path", says(json!({ "jti": "../x" })), "claims"),
            ("no epoch", says(json!({ "epoch": null })), "claims"),
            ("epoch from before", says(json!({ "epoch": -1 })), "outdated"),
            ("epoch is text", says(json!({ "epoch": "9" })), "claims"),
            ("scope is none", says(json!({ "scope": "everything" })), "claims"),
            ("scope is empty, and good for nothing", says(json!({ "scope": "" })), "good"),
            ("two names", given_twice("username", "\"root\""), "claims"),
            ("two users", given_twice("user_id", "\"id-of-root\""), "claims"),
            ("two ids", given_twice("jti", "\"another\""), "claims"),
            ("two sessions", given_twice("sid", "\"another\""), "claims"),
            ("two epochs", given_twice("epoch", "99"), "claims"),
            ("two audiences, apart", given_twice("aud", "\"another\""), "claims"),
            ("two issuers, apart", given_twice("iss", "\"evil\""), "claims"),
            ("two scopes", says(json!({ "scope": "telescope:read telescope:read *" })), "claims"),
            (
                "name is null",
                raw(claims.to_string().replace("\"username\":\"ada\"", "\"username\":null").as_bytes()),
                "claims",
            ),
            (
                "epoch is too large",
                raw(claims.to_string().replace("\"epoch\":0", "\"epoch\":99999999999999999999").as_bytes()),
                "claims",
            ),
            ("path in the session", says(json!({ "sid": "../session-1" })), "claims"),
            ("a token in a token", raw(says(json!({})).as_bytes()), "claims"),
            ("claims go on", raw(format!("{claims}{claims}").as_bytes()), "claims"),
            ("a byte after the claims", raw(format!("{claims}\0").as_bytes()), "claims"),
            ("claims with a byte order mark", raw(format!("\u{feff}{claims}").as_bytes()), "claims"),
            // Nobody reads it, so it is only skipped, whatever its depth; and only we can have signed it.
            (
                "claims are deep in what is not read",
                raw(claims
                    .to_string()
                    .replacen('{', &format!("{{\"x\":{}{},", "[".repeat(2000), "]".repeat(2000)), 1)
                    .as_bytes()),
                "good",
            ),
            ("claims are a list", raw(b"[]"), "claims"),
            ("claims are nothing", raw(b""), "claims"),
            ("claims are deep", raw(format!("{}{}", "[".repeat(2000), "]".repeat(2000)).as_bytes()), "claims"),
            ("claims are no text", raw(b"{\"iss\":\"\xff\xfe\"}"), "claims"),
            ("lone surrogate", raw(claims.to_string().replace("ada@", "\\ud800@").as_bytes()), "claims"),
        ],
    );
}

/// The same bytes in base64url with other letters at the end, which a careless reader takes: the last one has bits that mean nothing.
fn twin_of(text: &str) -> String {
    let unused = match text.len() % 4 {
        2 => 4,
        3 => 2,
        _ => return format!("{text}A"),
    };
    const LETTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let (rest, last) = text.split_at(text.len() - 1);
    let value = LETTERS.find(last).unwrap();
    let other = value ^ 1;
    assert_eq!(value >> unused, other >> unused);
    format!("{rest}{}", &LETTERS[other..=other])
}

/// The signature with the order of the group added to its number (RFC 8032 §8.4): good for who does not look whether it is too large.
fn malleable(signature: &str) -> String {
    const ORDER: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let mut bytes = decoded(signature);
    let mut carry = 0;
    for (byte, order) in bytes[32..].iter_mut().zip(ORDER) {
        let sum = u16::from(*byte) + u16::from(order) + carry;
        (*byte, carry) = (sum as u8, sum >> 8);
    }
    assert_eq!(carry, 0);
    encoded(bytes)
}

#[tokio::test]
async fn forms() {
    let world = World::new().await;
    let (key, header, claims) = genuine(&world).await;
    let ours = With::ours(&world, &key);
    let good = token(&header.to_string(), claims.to_string().as_bytes(), &ours);
    let parts: Vec<&str> = good.split('.').collect();
    let &[head, body, signature] = parts.as_slice() else { panic!("three parts") };
    let other = token(&header.to_string(), but(&claims, &json!({ "username": "root" })).to_string().as_bytes(), &ours);
    let other_body = other.split('.').nth(1).unwrap();
    // The last character of 64 bytes in base64 has four bits that mean nothing.
    let last = signature.chars().last().unwrap();
    let twin = char::from_u32(last as u32 + 1).unwrap();
    let limit = 8 * 1024;
    let resigned = |head: &str, body: &str| signed_text(&format!("{head}.{body}"), &ours);
    check(
        &world,
        vec![
            ("nothing", String::new(), "malformed"),
            ("a space", " ".to_owned(), "malformed"),
            ("dots", "..".to_owned(), "malformed"),
            ("many dots", ".".repeat(limit), "malformed"),
            ("two parts", format!("{head}.{body}"), "malformed"),
            ("four parts", format!("{good}.{signature}"), "malformed"),
            ("five parts, as if encrypted", format!("{good}.{body}.{signature}"), "malformed"),
            ("no signature", format!("{head}.{body}."), "signature"),
            ("half a signature", format!("{head}.{body}.{}", &signature[..40]), "signature"),
            ("another's signature", format!("{head}.{other_body}.{signature}"), "signature"),
            ("an empty signature of nothing", "e30.e30.".to_owned(), "malformed"),
            ("a signature of zeros", format!("{head}.{body}.{}", encoded([0; 64])), "signature"),
            ("a signature of 63 bytes", format!("{head}.{body}.{}", encoded([1; 63])), "signature"),
            ("a signature of 65 bytes", format!("{head}.{body}.{}", encoded([1; 65])), "signature"),
            ("the signature twice", format!("{head}.{body}.{signature}{signature}"), "signature"),
            ("the same signature in another number", format!("{head}.{body}.{}", malleable(signature)), "signature"),
            ("the claims in other letters", format!("{head}.{}.{signature}", twin_of(body)), "signature"),
            ("the header in other letters", format!("{}.{body}.{signature}", twin_of(head)), "malformed"),
            ("signed, claims in other letters", resigned(head, &twin_of(body)), "claims"),
            ("signed, claims padded", resigned(head, &format!("{body}=")), "claims"),
            ("signed, header padded", resigned(&format!("{head}="), body), "malformed"),
            (
                "signed, claims in standard base64",
                resigned(head, &format!("{}+/", &body[..body.len() / 4 * 4])),
                "claims",
            ),
            ("parts in another order", format!("{body}.{head}.{signature}"), "malformed"),
            ("a dot after", format!("{good}."), "malformed"),
            ("a dot before", format!(".{good}"), "malformed"),
            ("a tab after", format!("{good}\t"), "malformed"),
            ("a line within", format!("{head}.\n{body}.{signature}"), "signature"),
            ("full stops that are none", good.replace('.', "\u{ff0e}"), "malformed"),
            ("percent signs", good.replace('.', "%2e"), "malformed"),
            ("a padded signature", format!("{good}=="), "malformed"),
            ("the same signature in other letters", format!("{head}.{body}.{}{twin}", &signature[..85]), "malformed"),
            ("standard base64", good.replace('.', "+"), "malformed"),
            ("a space before", format!(" {good}"), "malformed"),
            ("a line after", format!("{good}\n"), "malformed"),
            ("the header of HTTP", format!("Bearer {good}"), "malformed"),
            ("NUL after", format!("{good}\0"), "malformed"),
            ("not ASCII", "é.é.é".to_owned(), "malformed"),
            ("one byte too long", "a".repeat(limit + 1), "too-long"),
            (
                "as long as may be",
                format!("{}.{body}.{signature}", "A".repeat(limit - 1 - body.len() - 1 - 86)),
                "malformed",
            ),
            ("a megabyte", "a.".repeat(1 << 19), "too-long"),
            ("a JSON serialisation", json!({ "payload": body, "signature": signature }).to_string(), "malformed"),
            ("a genuine one", good.clone(), "good"),
        ],
    );
}

#[tokio::test]
async fn who_is_refused_hears_one_sentence() {
    let world = World::new().await;
    let (key, header, claims) = genuine(&world).await;
    let ours = With::ours(&world, &key);
    let signed = |claims: &Value| token(&header.to_string(), claims.to_string().as_bytes(), &ours);
    let mut heard = Vec::new();
    for attempt in
        [signed(&but(&claims, &json!({ "exp": 0 }))), signed(&but(&claims, &json!({ "user_id": "x" }))), "x".to_owned()]
    {
        heard.push(Fault::from(world.verifier.verify(&attempt, world.now()).unwrap_err()));
    }
    heard.dedup();
    assert_eq!((heard.len(), heard[0].code), (1, Code::Unauthenticated));
}

#[tokio::test]
async fn audiences_are_kept_apart() {
    let world = World::new().await;
    let ada = world.user("ada");
    let for_gateway = engine_tokens::Subject { audience: Some("gateway".to_owned()), ..subject(&ada) };
    let (ours, theirs) = (world.login(&ada).await, world.tokens.issue(&for_gateway).await.unwrap());
    let gateway = world.verifier.for_audience("gateway");
    for (verifier, token, reason) in [
        (&world.verifier, &ours.access, "good"),
        (&gateway, &ours.access, "audience"),
        (&world.verifier, &theirs.access, "audience"),
        (&gateway, &theirs.access, "good"),
    ] {
        assert_eq!(judged(verifier, token, world.now()), reason);
    }
    // The next token of the session is for the same audience.
    let next = world.tokens.refresh(&theirs.refresh, Some(&ada)).await.unwrap();
    assert_eq!(judged(&gateway, &next.access, world.now()), "good");
    // Nobody hears of changes who does not listen.
    let deaf = Changes::listen(world.store.clone(), &["another"]);
    let started = Verifier::start(world.store.clone(), None, &deaf, epochs_of(&world.users), Clock::system()).await;
    assert!(started.unwrap_err().to_string().contains(CHANNEL));
}
