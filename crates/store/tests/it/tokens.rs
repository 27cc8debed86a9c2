//! The tables of tokens: what they refuse, and of which changes they tell.

use sqlx::postgres::{PgListener, PgPoolOptions};
use store::{
    StoreError,
    tokens::{self, Algorithm, CHANNEL, EndedBefore, KeyState, SigningKey, signing_keys},
};
use vocabulary::ids::SigningKeyId;

use crate::{
    pool::execute,
    stand::{at, stand},
};

fn key(state: KeyState) -> SigningKey {
    let ended = matches!(state, KeyState::Retiring | KeyState::Revoked);
    SigningKey {
        kid: SigningKeyId::fresh(),
        algorithm: Algorithm::EdDsa,
        private_sealed: "v1|sealed".to_owned(),
        public_key: Some(vec![7; 32]),
        state,
        longest_token_seconds: 3600,
        created_at: at(0),
        not_before: at(0),
        activated_at: Some(at(0)),
        retire_at: ended.then(|| at(3600)),
    }
}

/// What goes when keys that were to retire before `second` go.
fn ended_before(second: u64) -> EndedBefore {
    EndedBefore { checks: at(second), sessions: at(second), api_keys: at(0) }
}

#[tokio::test]
async fn one_key_signs_and_one_is_next() {
    let stand = stand();
    let store = stand.store().await;
    let mut tx = store.begin().await.unwrap();
    let kept = [KeyState::Revoked, KeyState::Retiring, KeyState::Retiring, KeyState::Active, KeyState::Next].map(key);
    for key in &kept {
        signing_keys::put(&mut tx, key).await.unwrap();
    }
    tx.commit().await.unwrap();
    let mut read = signing_keys::all(&store).await.unwrap();
    read.sort_by(|a, b| a.kid.cmp(&b.kid));
    assert_eq!(read, kept);

    for (what, wrong) in [
        ("a second one that signs", key(KeyState::Active)),
        ("a second next one", key(KeyState::Next)),
        ("a shared secret with a public half", SigningKey { algorithm: Algorithm::Hs256, ..key(KeyState::Retiring) }),
        ("none of them public", SigningKey { public_key: None, ..key(KeyState::Retiring) }),
        ("a public half that is too short", SigningKey { public_key: Some(vec![7; 31]), ..key(KeyState::Retiring) }),
        ("one that retires never", SigningKey { retire_at: None, ..key(KeyState::Retiring) }),
    ] {
        let mut tx = store.begin().await.unwrap();
        let error = signing_keys::put(&mut tx, &wrong).await.unwrap_err();
        assert!(matches!(error, StoreError::Conflict { .. } | StoreError::Invalid { .. }), "{what}: {error}");
    }
    // Those that are to retire go when their time has come, and no others.
    assert_eq!(tokens::sweep(&store, ended_before(3600)).await.unwrap().signing_keys, 0);
    assert_eq!(tokens::sweep(&store, ended_before(3601)).await.unwrap().signing_keys, 3);
    assert_eq!(signing_keys::all(&store).await.unwrap().len(), 2);
}

#[tokio::test]
async fn what_is_told() {
    let stand = stand();
    let store = stand.store().await;
    let endpoint = store.endpoint();
    let pool = PgPoolOptions::new().max_connections(1).connect(&endpoint.to_url_with_password()).await.unwrap();
    let mut listener = PgListener::connect_with(&pool).await.unwrap();
    listener.listen(CHANNEL).await.unwrap();
    let refresh =
        "INSERT INTO refresh_tokens VALUES (sha256('a'), 's', 'u', 'ada', 0, 'bigskies', NULL, '', now(), now(), now(),
                       now(), now())";
    let api_key =
        "INSERT INTO api_keys VALUES ('k', '00000000', sha256('a'), 'u', 'ada', 'n', NULL, now(), NULL, NULL, NULL)";
    for (statement, is_told) in [
        ("INSERT INTO revoked_tokens VALUES ('j', NULL, 'r', now(), now())", true),
        ("DELETE FROM revoked_tokens", true),
        ("INSERT INTO token_epochs VALUES ('plugin', 'p', 1, now())", true),
        ("UPDATE token_epochs SET epoch = 2", true),
        (refresh, false),
        ("UPDATE refresh_tokens SET used_at = now()", false),
        (api_key, true),
        ("UPDATE api_keys SET last_used_at = now()", false),
        ("UPDATE api_keys SET revoked_at = now()", true),
        ("TRUNCATE api_keys", true),
        ("DELETE FROM signing_keys", true),
    ] {
        // Notices come in the order of their transactions, so what was told comes before this.
        execute(&endpoint, statement).await;
        execute(&endpoint, &format!("NOTIFY {CHANNEL}, 'end'")).await;
        let first = listener.recv().await.unwrap().payload().to_owned();
        assert_eq!(first.is_empty(), is_told, "{statement}");
        if is_told {
            assert_eq!(listener.recv().await.unwrap().payload(), "end", "{statement}");
        }
    }
    drop(listener);
    pool.close().await;
}
