//! Tokens that are forged, over, taken back, or another's.

use serde_json::{Value, json};

use super::{
    forge::Forger,
    row::{Row, Trace, Why},
    stand::{Stand, text},
    wire::Met,
};

/// What everybody who is anybody may ask, and nobody else.
const ASKED: &str = "security/user/me";
/// What is said of every token that is not good, whatever is wrong with it.
const VOID: Why = Why::Fault("unauthenticated", "token is not valid");

pub(crate) fn rows(stand: &Stand) -> Vec<Row> {
    let forged = forged(stand).into_iter().map(|(name, token)| refused(stand, name, &token));
    forged.chain(not_good_any_more()).chain(anothers(stand)).collect()
}

fn refused(stand: &Stand, name: &str, token: &str) -> Row {
    Row::ask(name, stand, "ann", ASKED, &json!({}))
        .token(Some(token))
        .refused("unauthenticated", "token is not valid")
        .by(&stand.stranger("gateway"))
}

fn forged(stand: &Stand) -> Vec<(&'static str, String)> {
    let forger = Forger::of(stand, "ann");
    let (header, claims) = (forger.header.clone(), forger.claims.clone());
    let head = |changed: Value| forger.header(&changed);
    let says = |changed: Value| forger.claims(&changed);
    let operator = says(json!({"username": "operator", "user_id": stand.id("operator")}));
    let (begun, ends) = (forger.number("iat"), forger.number("exp"));
    let public = stand.signing_key.public.clone();
    let key = stand.token("ann's key").unwrap();
    vec![
        ("a token with algorithm none and no signature", forger.with(&head(json!({"alg": "none"})), &claims, "")),
        ("a token with algorithm nOnE", forger.with(&head(json!({"alg": "nOnE"})), &claims, "")),
        ("a token with algorithm none and the real signature", forger.tampered(&head(json!({"alg": "none"})), &claims)),
        ("the public key as a shared secret", forger.shared(&head(json!({"alg": "HS256"})), &claims, &public)),
        ("an empty shared secret", forger.shared(&head(json!({"alg": "HS256"})), &claims, b"")),
        ("an algorithm that is none of ours", forger.tampered(&head(json!({"alg": "ES256"})), &claims)),
        ("no algorithm", forger.tampered(&head(json!({"alg": null})), &claims)),
        (
            "a token that has expired",
            forger.stolen(&header, &says(json!({"iat": begun - 7200, "nbf": begun - 7200, "exp": begun - 3600}))),
        ),
        ("a token that is not valid yet", forger.stolen(&header, &says(json!({"nbf": begun + 600})))),
        ("a token for another audience", forger.stolen(&header, &says(json!({"aud": "console"})))),
        ("a token of another issuer", forger.stolen(&header, &says(json!({"iss": "https://evil.example"})))),
        ("a token without an end", forger.stolen(&header, &says(json!({"exp": null})))),
        ("a token that ends far beyond all time", forger.stolen(&header, &says(json!({"exp": i64::MAX})))),
        ("a token of an earlier epoch", forger.stolen(&header, &says(json!({"epoch": forger.number("epoch") - 1})))),
        (
            "a token of a user who never was",
            forger.stolen(&header, &says(json!({"user_id": "0192f0c1-7a0e-7c3e-8a51-0d6f3f1f9a21"}))),
        ),
        ("a token without a session", forger.stolen(&header, &says(json!({"sid": null})))),
        ("a user's token as a node's", forger.stolen(&head(json!({"typ": "node+jwt"})), &claims)),
        ("a token of no type", forger.stolen(&head(json!({"typ": "JWT"})), &claims)),
        (
            "a token signed with an unknown key",
            forger.own(&head(json!({"kid": "0192f0c1-7a0e-7c3e-8a51-0d6f3f1f9a24"})), &claims),
        ),
        ("a token signed with a key of one's own under our key's name", forger.own(&header, &operator)),
        ("a token that names no key", forger.own(&head(json!({"kid": null})), &claims)),
        ("a key named by a path", forger.own(&head(json!({"kid": "../../../../dev/null"})), &claims)),
        ("a key named by SQL", forger.own(&head(json!({"kid": "' UNION SELECT 'x' --"})), &claims)),
        (
            "a token that brings its key along",
            forger.own(&head(json!({"jwk": {"kty": "OKP", "crv": "Ed25519", "x": "AA"}})), &claims),
        ),
        ("a token that says where its key is", forger.own(&head(json!({"jku": "http://127.0.0.1:9/keys"})), &claims)),
        ("a token with a critical header", forger.stolen(&head(json!({"crit": ["b64"], "b64": false})), &claims)),
        ("another's name above the real signature", forger.tampered(&header, &operator)),
        ("a longer life above the real signature", forger.tampered(&header, &says(json!({"exp": ends + 3600})))),
        ("a token without its signature", forger.with(&header, &claims, "")),
        ("a token in two parts", forger.token.rsplit_once('.').unwrap().0.to_owned()),
        ("a token in five parts", format!("{}.a.b", forger.token)),
        ("an empty token", String::new()),
        ("a token of nine thousand letters", "a".repeat(9000)),
        ("a refresh token as a token", stand.someone("ann").refresh_token),
        ("an API key with its end cut off", key[..key.len() - 4].to_owned()),
        ("an API key with another secret", format!("{}{}", &key[..key.len() - 4], "AAAA")),
    ]
}

/// What was good once, each of somebody of its own.
fn not_good_any_more() -> Vec<Row> {
    vec![
        Row::scene("a token after its logout", |stand| {
            Box::pin(async {
                let token = stand.person("lou", json!({})).await.token;
                stand.good("security/auth/logout", json!({"token": token})).await;
                comes_to_nothing(stand, token.as_deref()).await
            })
        })
        .why(VOID),
        Row::scene("a token of who was disabled meanwhile", |stand| {
            Box::pin(async {
                let dis = stand.person("dis", json!({})).await;
                stand.good("security/user/delete", json!({"user_id": dis.id})).await;
                comes_to_nothing(stand, dis.token.as_deref()).await
            })
        })
        .why(VOID),
        Row::scene("a token from before the password was reset", |stand| {
            Box::pin(async {
                let res = stand.person("res", json!({})).await;
                let reset = stand.good("security/user/password/reset", json!({"user_id": res.id})).await;
                stand.keep_secret(&text(&reset["setup_secret"]));
                comes_to_nothing(stand, res.token.as_deref()).await
            })
        })
        .why(VOID),
        Row::scene("an API key that was revoked", |stand| {
            Box::pin(async {
                let key = stand.key("bob", &["telescope:read"]).await;
                stand.good("security/key/revoke", json!({"id": key.id})).await;
                comes_to_nothing(stand, key.token.as_deref()).await
            })
        })
        .why(VOID),
        Row::scene("an API key of who was disabled meanwhile", |stand| {
            Box::pin(async {
                let kim = stand.person("kim", json!({})).await;
                let key = stand.key("kim", &["telescope:read"]).await;
                stand.good("security/user/delete", json!({"user_id": kim.id})).await;
                comes_to_nothing(stand, key.token.as_deref()).await
            })
        })
        .why(Why::Fault("unauthenticated", "")),
        Row::scene("a connection of who is disabled while it stands", |stand| {
            Box::pin(async {
                let mid = stand.person("mid", json!({"roles": ["operator"]})).await;
                let mut wire = stand.connect(&stand.hello("mid")).await.ok().unwrap();
                stand.good("security/user/delete", json!({"user_id": mid.id})).await;
                wire.end().await
            })
        })
        .why(Why::Ended),
    ]
}

async fn comes_to_nothing(stand: &Stand, token: Option<&str>) -> Met {
    stand.deliver(&stand.message("gateway", token.map(str::to_owned), ASKED, &json!({}))).await
}

/// What is good, and somebody else's.
fn anothers(stand: &Stand) -> Vec<Row> {
    let ask = |name: &str, over: &str, token: Option<String>| {
        Row::ask(name, stand, "ann", "telescope/config/list", &json!({})).over(over).token(token.as_deref())
    };
    let embedded = stand.broker.is_embedded();
    // On another broker the token alone is who asks; what another's connection gains by a stolen one is its owner's rights and no
    // answer, since answers go to the owner's own topics alone.
    let stolen = |row: Row, owner: &str, over: &str, code: &'static str, fragment: &'static str| {
        if embedded { row.refused("forbidden", fragment).by(over) } else { row.refused(code, "is not").by(owner) }
    };
    let plugin =
        |name: &str, command: &str, over: &str| Row::ask(name, stand, "plugin.weather", command, &json!({})).over(over);
    let own = if embedded { "is not ann's own" } else { "is not plugin.weather's own" };
    vec![
        stolen(
            ask("bob's token over ann's connection", "ann", stand.token("bob")),
            "bob",
            "ann",
            "forbidden",
            "is not ann's own",
        ),
        stolen(
            ask("the operator's token over ann's connection", "ann", stand.token("operator")),
            "operator",
            "ann",
            "forbidden",
            "is not ann's own",
        ),
        Row::ask(
            "no token over the gateway's connection",
            stand,
            "nobody",
            "telescope/control/park",
            &json!({"device_id": stand.id("mount")}),
        )
        .refused(
            if embedded { "forbidden" } else { "unauthenticated" },
            if embedded { "gateway lacks telescope:control" } else { "brings no token" },
        )
        .by(&stand.stranger("gateway")),
        plugin("a plugin's token over a user's connection", "telescope/config/list", "ann")
            .refused("forbidden", own)
            .by(if embedded { "ann" } else { "plugin.weather" }),
        plugin("a plugin's token for what its manifest does not name", "telescope/config/list", "gateway")
            .refused("forbidden", "lacks telescope:read"),
        plugin("a plugin's token for the audit trail", "security/audit/query", "gateway")
            .refused("forbidden", "lacks audit:read"),
        node(),
    ]
}

/// A coordinator's token, with which a user's rights are claimed.
fn node() -> Row {
    let row = Row::scene("a node's token in place of a user's", |stand| {
        Box::pin(async {
            let password = stand.someone("telescope-coordinator").password;
            let login = json!({"username": "telescope-coordinator", "password": password});
            let message = stand.message("telescope-coordinator", None, "security/auth/login", &login);
            let Met::Answer(answer) = stand.deliver(&message).await else { return Met::Silence };
            let token = text(&answer["token"]);
            stand.keep_secret(&token);
            let create = json!({"username": "mole"});
            stand.deliver(&stand.message("gateway", Some(token), "security/user/create", &create)).await
        })
    });
    let trace = Trace::refused("security/user/create", "telescope-coordinator", "forbidden");
    row.why(Why::Fault("forbidden", "lacks user:write")).audited(trace)
}
