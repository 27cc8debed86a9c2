//! Logins that are guessed, sessions that are stolen, and secrets asked for where others can read.

use serde_json::{Value, json};

use super::{
    row::{Back, Row, Trace, Why},
    stand::{Stand, text},
    wire::Met,
};

/// What is said of every login that fails, whatever was wrong.
const SAME: &str = "user name, password or code is wrong, or the account is locked for a while";
const LOGIN: &str = "security/auth/login";
const REFRESH: &str = "security/auth/refresh";

pub(crate) fn rows(stand: &Stand) -> Vec<Row> {
    logins(stand).into_iter().chain(refreshing(stand)).chain(secrets(stand)).chain(unfinished()).collect()
}

/// Last of all, since it locks the place from which everybody comes.
pub(crate) fn brute_force(stand: &Stand) -> Vec<Row> {
    let over = "gateway";
    let stranger = stand.stranger(over);
    vec![
        Row::scene("the right password after too many wrong ones", |stand| {
            Box::pin(async {
                let gus = stand.person("gus", json!({})).await;
                stand.good("security/settings/set", json!({"key": "lockout_failures", "value": 3})).await;
                for guess in 0..4 {
                    let wrong = json!({"username": "gus", "password": format!("guess number {guess}")});
                    let met = stand.try_as("nobody", LOGIN, &wrong).await;
                    assert!(Why::Fault("unauthenticated", SAME).fits(&met), "guess {guess}: {met:?}");
                }
                stand.try_as("nobody", LOGIN, &json!({"username": "gus", "password": gus.password})).await
            })
        })
        .why(Why::Fault("unauthenticated", SAME))
        .audited(Trace::refused(LOGIN, &stranger, "unauthenticated")),
        Row::scene("a name without an account is locked as one with", |stand| {
            Box::pin(async {
                let mut answers = Vec::new();
                for _ in 0..5 {
                    let wrong = json!({"username": "nobody.at.all", "password": "whatever it is"});
                    answers.push(stand.try_as("nobody", LOGIN, &wrong).await);
                }
                let same = answers.iter().all(|met| Why::Fault("unauthenticated", SAME).fits(met));
                if same { Met::NoEffect } else { Met::Passed }
            })
        }),
        Row::scene("a lock is opened by an administrator alone", |stand| {
            Box::pin(async {
                let met = stand.try_as("ann", "security/user/unlock", &json!({"username": "gus"})).await;
                stand.good("security/settings/set", json!({"key": "lockout_failures", "value": 100})).await;
                met
            })
        })
        .why(Why::Fault("forbidden", "ann lacks user:configure"))
        .audited(Trace::refused("security/user/unlock", "ann", "forbidden")),
    ]
}

fn logins(stand: &Stand) -> Vec<Row> {
    let stranger = stand.stranger("gateway");
    let login = |name: &str, username: &str, password: &str| {
        let payload = json!({"username": username, "password": password});
        Row::ask(name, stand, "nobody", LOGIN, &payload).refused("unauthenticated", SAME).by(&stranger)
    };
    let gateway = stand.someone("gateway").password;
    vec![
        login("a wrong password", "ann", "not her password"),
        login("an unknown user", "nobody.here", "not a password"),
        login("the right password in other letters", "ann", &stand.someone("ann").password.to_uppercase()),
        login("an empty password", "ann", ""),
        login("a password with a zero byte", "ann", "the constellations of ann\0"),
        login("a node's account with a password of one's own", "telescope-coordinator", "the constellations of ann"),
        login("a node's account with another node's password", "telescope-coordinator", &gateway),
        login("a plugin's account with a user's password", "plugin.weather", &stand.someone("ann").password),
        login("the account of an API key with the key", "key.1", &stand.someone("ann's key").password),
        login("the lobby of a user", "lobby.ann", &stand.someone("ann").password),
        login("a token in place of a password", "ann", &stand.token("ann").unwrap()),
        login("SQL in place of a password", "ann", "' OR '1'='1"),
        Row::ask("SQL in place of a name", stand, "nobody", LOGIN, &json!({"username": "ann' --", "password": "x"}))
            .refused("invalid", "is not an id"),
        Row::ask(
            "a list in place of a password",
            stand,
            "nobody",
            LOGIN,
            &json!({"username": "ann", "password": ["x"]}),
        )
        .refused("invalid", ""),
        Row::scene("who is disabled hears the same with the right password", |stand| {
            Box::pin(async {
                let off = stand.person("off", json!({})).await;
                stand.good("security/user/delete", json!({"user_id": off.id})).await;
                stand.try_as("nobody", LOGIN, &json!({"username": "off", "password": off.password})).await
            })
        })
        .why(Why::Fault("unauthenticated", SAME))
        .audited(Trace::refused(LOGIN, &stranger, "unauthenticated")),
        Row::scene("names can't be told apart by the time that a refusal takes", |stand| {
            Box::pin(async {
                let mut took = [Vec::new(), Vec::new()];
                for _ in 0..7 {
                    for (name, took) in ["bob", "nobody.here"].into_iter().zip(&mut took) {
                        let since = std::time::Instant::now();
                        stand.try_as("nobody", LOGIN, &json!({"username": name, "password": "wrong as ever"})).await;
                        took.push(since.elapsed());
                    }
                }
                let [known, unknown] = took.map(|mut took| {
                    took.sort();
                    took[took.len() / 2].as_secs_f64()
                });
                println!("a login that fails: {known:.4} s for a name with an account, {unknown:.4} s for one without");
                if (0.5..2.0).contains(&(known / unknown)) { Met::NoEffect } else { Met::Passed }
            })
        }),
    ]
}

fn refreshing(stand: &Stand) -> Vec<Row> {
    let stranger = stand.stranger("gateway");
    let refresh = |name: &str, token: String| {
        Row::ask(name, stand, "nobody", REFRESH, &json!({"refresh_token": token}))
            .refused("unauthenticated", "session can't go on")
            .by(&stranger)
    };
    vec![
        refresh("a refresh token that never was", "bsr_bm90IG9uZSBvZiBvdXJz".to_owned()),
        refresh("an access token to refresh with", stand.token("ann").unwrap()),
        refresh("an API key to refresh with", stand.token("ann's key").unwrap()),
        refresh("SQL to refresh with", "bsr_' OR ''='".to_owned()),
        Row::scene("a refresh token that was used before", |stand| {
            Box::pin(async {
                let ref_ = stand.person("rey", json!({})).await;
                let first = json!({"refresh_token": ref_.refresh_token});
                stand.try_as("nobody", REFRESH, &first).await;
                stand.try_as("nobody", REFRESH, &first).await
            })
        })
        .why(Why::Fault("unauthenticated", "session can't go on"))
        .audited(Trace::refused(REFRESH, &stranger, "unauthenticated")),
        Row::scene("the session of a refresh token that was used twice is over for its thief, too", |stand| {
            Box::pin(async {
                let rob = stand.person("rob", json!({})).await;
                let first = json!({"refresh_token": rob.refresh_token});
                let Met::Answer(next) = stand.try_as("nobody", REFRESH, &first).await else { return Met::Silence };
                stand.try_as("nobody", REFRESH, &first).await;
                let second = json!({"refresh_token": text(&next["refresh_token"])});
                let refused = stand.try_as("nobody", REFRESH, &second).await;
                assert!(Why::Fault("unauthenticated", "session can't go on").fits(&refused), "{refused:?}");
                let token = Some(text(&next["token"]));
                stand.deliver(&stand.message("gateway", token, "security/user/me", &json!({}))).await
            })
        })
        .why(Why::Fault("unauthenticated", "token is not valid")),
        Row::scene("a refresh after the logout", |stand| {
            Box::pin(async {
                let out = stand.person("out", json!({})).await;
                stand.good("security/auth/logout", json!({"token": out.token})).await;
                stand.try_as("nobody", REFRESH, &json!({"refresh_token": out.refresh_token})).await
            })
        })
        .why(Why::Fault("unauthenticated", "session can't go on")),
    ]
}

/// What carries a secret is answered where nobody else reads, or not at all.
fn secrets(stand: &Stand) -> Vec<Row> {
    let ann = json!({"username": "ann", "password": stand.someone("ann").password});
    let asked: Vec<(&str, &str, Value)> = vec![
        ("operator", "security/key/create", json!({"name": "for all to read"})),
        ("operator", "security/user/create", json!({"username": "seen"})),
        ("operator", "security/user/password/reset", json!({"user_id": stand.id("bob")})),
        ("operator", "security/user/totp/enrol", json!({})),
        ("operator", "security/cert/node", json!({"name": "seen"})),
        ("operator", "security/cert/account", json!({"username": "ann"})),
        ("operator", "security/plugin/admit", json!({"plugin_id": "seen"})),
        ("operator", "security/audit/export", json!({})),
        ("nobody", REFRESH, json!({"refresh_token": "bsr_eA"})),
        ("nobody", LOGIN, ann.clone()),
    ];
    let unnamed = asked.into_iter().map(|(who, command, payload)| {
        Row::ask(format!("{command} to be answered for all to read"), stand, who, command, &payload)
            .back(Back::Unnamed)
            .refused("invalid", "is answered privately and brings no reply topic")
    });
    let places = [
        ("another's reply topic", "bigskies/client/eve/x/reply/1"),
        ("the reply topic of somebody who is yet to log in", "bigskies/client/lobby.eve/x/reply/1"),
        ("the reply topic of an API key", "bigskies/client/key.1/x/reply/1"),
        ("an event's topic", "bigskies/coordinator/security/event/user-created"),
        ("a command's topic", "bigskies/coordinator/telescope/control/slew"),
    ];
    let sent_elsewhere = places.into_iter().flat_map(|(what, place)| {
        [Back::Topic(place.to_owned()), Back::Field(place.to_owned())].map(|back| {
            let way = if matches!(back, Back::Topic(_)) { "by the response topic" } else { "by reply_to" };
            Row::ask(format!("a login to be answered on {what}, {way}"), stand, "nobody", LOGIN, &ann)
                .back(back)
                .refused("forbidden", "own")
                .by(&stand.stranger("gateway"))
        })
    });
    unnamed.chain(sent_elsewhere).collect()
}

/// Sessions that are good for one thing alone.
fn unfinished() -> Vec<Row> {
    let must = |stand_does: &'static str, payload: fn(&Stand) -> Value| {
        Row::scene(format!("who must change the password asks for {stand_does}"), move |stand: &Stand| {
            Box::pin(async move {
                must_change(stand).await;
                stand.try_as("mia", stand_does, &payload(stand)).await
            })
        })
        .why(Why::Fault("forbidden", ""))
        .audited(Trace::refused(stand_does, "mia", "forbidden"))
    };
    vec![
        must("telescope/config/list", |_| json!({})),
        must("security/key/create", |_| json!({"name": "instead"})),
        Row::scene("who must change the password connects with it", |stand| {
            Box::pin(async {
                must_change(stand).await;
                match stand.connect(&stand.hello("mia")).await {
                    Err(met) => met,
                    // On another broker the connection stands, with the rights of who is to log in yet.
                    Ok(mut wire) => wire.subscribe(b"bigskies/coordinator/telescope/state/#").await,
                }
            })
        })
        .why(Why::Broker(&[0x86, 0x87])),
        Row::scene("a one-time secret that was used before", |stand| {
            Box::pin(async {
                let made = stand.good("security/user/create", json!({"username": "sue"})).await;
                let secret = text(&made["setup_secret"]);
                stand.keep_secret(&secret);
                let chosen =
                    |password: &str| json!({"username": "sue", "setup_secret": secret, "new_password": password});
                let first = stand.try_as("nobody", "security/user/setup", &chosen("the first that she chose")).await;
                assert!(matches!(&first, Met::Answer(answer) if answer["success"] == true), "{first:?}");
                stand.try_as("nobody", "security/user/setup", &chosen("that of somebody else")).await
            })
        })
        .why(Why::Fault("unauthenticated", "")),
        Row::scene("a guessed one-time secret", |stand| {
            Box::pin(async {
                let chosen =
                    json!({"username": "operator", "setup_secret": "guessed", "new_password": "mine from now on"});
                stand.try_as("nobody", "security/user/setup", &chosen).await
            })
        })
        .why(Why::Fault("unauthenticated", "")),
        Row::scene("a password is changed without the old one", |stand| {
            Box::pin(async {
                let change = json!({"old_password": "guessed", "new_password": "mine from now on"});
                stand.try_as("ann", "security/user/password/change", &change).await
            })
        })
        .why(Why::Fault("unauthenticated", "")),
    ]
}

/// Somebody whose password is an administrator's choice, logged in.
async fn must_change(stand: &Stand) {
    if stand.token("mia").is_some() {
        return;
    }
    let set = |value: bool| json!({"key": "initial_password_must_change", "value": value});
    stand.good("security/settings/set", set(true)).await;
    stand.person("mia", json!({"roles": ["operator"]})).await;
    stand.good("security/settings/set", set(false)).await;
}
