//! Signing keys: turned over without a logout, of either algorithm, taken back, sealed anew; and what health says of it all.

use std::collections::BTreeSet;

use engine::Engine;
use engine_tokens::{SigningAlgorithm, Tokens, TokensError, TokensSettings, Verifier};
use health::Status;
use serde_json::Value;
use store::{
    Changes, MasterKey, Vault,
    tokens::{Algorithm, CHANNEL, KeyState, SigningKey, signing_keys},
};

use crate::stand::{Process, World, epochs_of, judged};

const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;

async fn of_state(world: &World, state: KeyState) -> Vec<SigningKey> {
    signing_keys::all(&world.store).await.unwrap().into_iter().filter(|key| key.state == state).collect()
}

async fn active(world: &World) -> SigningKey {
    of_state(world, KeyState::Active).await.remove(0)
}

fn published(jwks: &Value) -> BTreeSet<String> {
    let keys = jwks["keys"].as_array().unwrap();
    assert!(keys.iter().all(|key| key["kty"] == "OKP" && key["crv"] == "Ed25519" && key["x"].is_string()));
    assert!(keys.iter().all(|key| key.get("d").is_none() && key.get("k").is_none()), "nothing private");
    keys.iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_key_follows_another_and_nobody_is_logged_out() {
    let world = World::new().await;
    let (ada, other) = (world.user("ada"), world.other_process().await);
    let first = active(&world).await;
    let next = of_state(&world, KeyState::Next).await.remove(0);
    let both: BTreeSet<_> = [&first, &next].map(|key| key.kid.to_string()).into();
    assert_eq!(published(&world.tokens.jwks()), both, "the next one is published before it signs");

    let mut session = world.login(&ada).await;
    let mut signed_by = BTreeSet::new();
    let mut logins = 0;
    // Forty days, in half days and around the turn in half hours. The client goes on with its session as clients do, and logs in anew
    // when it is over.
    let steps = [vec![12 * HOUR; 59], vec![HOUR / 2; 48], vec![12 * HOUR; 19]].concat();
    for seconds in steps {
        world.advance(seconds);
        world.tokens.tend().await;
        let next = match world.tokens.refresh(&session.refresh, Some(&ada)).await {
            Ok(next) => next,
            Err(TokensError::Refresh(error)) => {
                assert_eq!(error.reason(), "over");
                logins += 1;
                world.login(&ada).await
            }
            Err(error) => panic!("{error}"),
        };
        // The token from before the turn is as good as the one from after it.
        let before = if seconds < HOUR { "good" } else { "expired" };
        assert_eq!((world.judged(&session.access), world.judged(&next.access)), (before, "good"));
        signed_by.insert(world.verifier.verify(&next.access, world.now()).unwrap().kid.clone().unwrap());
        session = next;
    }
    assert_eq!((logins, signed_by.len()), (1, 2));
    assert_eq!(active(&world).await.kid, next.kid);
    assert!(of_state(&world, KeyState::Retiring).await.is_empty(), "the first one is forgotten");
    assert!(!published(&world.tokens.jwks()).contains(first.kid.as_str()));
    other.verifier.reload().await.unwrap();
    assert_eq!(judged(&other.verifier, &session.access, world.now()), "good");
}

#[tokio::test]
async fn a_retiring_key_stays_as_long_as_its_longest_token() {
    let day = u32::try_from(DAY).unwrap();
    let world = World::with(TokensSettings { plugin_token_duration: 2 * day, ..TokensSettings::default() }).await;
    let plugin = world.tokens.issue_plugin(&"weather".parse().unwrap()).await.unwrap();
    // The tokens that are out keep their lives when the settings give shorter ones.
    let short = TokensSettings { plugin_token_duration: day, ..TokensSettings::default() };
    world.tokens.apply(short).await.unwrap();
    world.tokens.rotate().await.unwrap();
    for (hours, reason, retiring) in [(0, "good", 1), (47, "good", 1), (1, "expired", 1), (1, "unknown-key", 0)] {
        world.advance(hours * HOUR + u64::from(hours == 1) * 10);
        world.tokens.tend().await;
        world.verifier.reload().await.unwrap();
        assert_eq!(world.judged(&plugin.token), reason, "{hours}");
        assert_eq!(of_state(&world, KeyState::Retiring).await.len(), retiring, "{hours}");
    }
}

#[tokio::test]
async fn both_algorithms_at_once() {
    let mut world = World::new().await;
    let ada = world.user("ada");
    let before = world.login(&ada).await;
    let settings = TokensSettings { signing_algorithm: SigningAlgorithm::Hs256, ..TokensSettings::default() };
    world.tokens.apply(settings).await.unwrap();
    // The next key is made anew, and signs once it was there for long enough.
    assert_eq!(active(&world).await.algorithm, Algorithm::EdDsa);
    assert_eq!(of_state(&world, KeyState::Next).await[0].algorithm, Algorithm::Hs256);
    world.tokens.rotate().await.unwrap();
    let after = world.login(&ada).await;
    assert_eq!(active(&world).await.algorithm, Algorithm::Hs256);
    assert_eq!((world.judged(&before.access), world.judged(&after.access)), ("good", "good"));
    assert_eq!(published(&world.tokens.jwks()).len(), 1, "a shared secret is never published");
    assert_eq!(world.tokens.health().details["token_algorithm"], "hs256");

    // Who has no master key can't check what is signed with a shared secret, and says so.
    let changes = Changes::listen(world.store.clone(), &[CHANNEL]);
    let started =
        Verifier::start(world.store.clone(), None, &changes, epochs_of(&world.users), world.clock.clone()).await;
    let closed = started.unwrap();
    assert_eq!(judged(&closed, &before.access, world.now()), "good");
    assert_eq!(judged(&closed, &after.access, world.now()), "key-closed");
    // That is no news each time that it is read.
    let known = closed.generation();
    closed.reload().await.unwrap();
    assert_eq!(closed.generation(), known);

    // And back.
    world.deafen();
    world.tokens.apply(TokensSettings::default()).await.unwrap();
    world.advance(DAY + 1);
    world.tokens.tend().await;
    assert_eq!(active(&world).await.algorithm, Algorithm::EdDsa);
    let again = world.tokens.refresh(&after.refresh, Some(&ada)).await;
    assert!(matches!(again, Err(TokensError::Refresh(_))), "a day without a word is too long for a session");
    assert_eq!(world.judged(&world.login(&ada).await.access), "good");
}

#[tokio::test]
async fn a_key_that_was_stolen() {
    let world = World::new().await;
    let ada = world.user("ada");
    let (stolen, next) = (active(&world).await, of_state(&world, KeyState::Next).await.remove(0));
    let before = world.login(&ada).await;
    world.tokens.revoke_signing_key(&stolen.kid).await.unwrap();
    assert_eq!(world.judged(&before.access), "key-revoked");
    assert_eq!(active(&world).await.kid, next.kid);
    assert!(!published(&world.tokens.jwks()).contains(stolen.kid.as_str()));
    // The session is not the key's: it goes on under the next one.
    let after = world.tokens.refresh(&before.refresh, Some(&ada)).await.unwrap();
    assert_eq!(world.judged(&after.access), "good");
    // One that never signed is just replaced.
    let next = of_state(&world, KeyState::Next).await.remove(0);
    world.tokens.revoke_signing_key(&next.kid).await.unwrap();
    assert_ne!(of_state(&world, KeyState::Next).await[0].kid, next.kid);
    assert_eq!(world.judged(&after.access), "good");
    let unknown = world.tokens.revoke_signing_key(&"another".parse().unwrap()).await;
    assert!(unknown.unwrap_err().to_string().contains("another does not exist"));
    // It is forgotten when its last token would have ended.
    world.advance(DAY + HOUR);
    world.tokens.tend().await;
    world.verifier.reload().await.unwrap();
    assert_eq!((world.judged(&before.access), of_state(&world, KeyState::Revoked).await.len()), ("unknown-key", 0));
}

#[tokio::test]
async fn the_master_key_changes() {
    let world = World::new().await;
    let ada = world.user("ada");
    let issued = world.login(&ada).await;
    engine::Engine::stop(&world.tokens).await;
    let fresh = MasterKey::fresh().unwrap();
    let former = [world.master.clone()];
    let settings = TokensSettings::default;
    let process = Process::start(&world.endpoint, &fresh, &former, &world.clock, &world.users).await;
    // Without the former one nothing can be signed, and it is said why.
    let (alone, both) = (Vault::new(&fresh, &[]).unwrap(), Vault::new(&fresh, &former).unwrap());
    let start =
        |vault| Tokens::start(world.store.clone(), vault, process.verifier.clone(), world.clock.clone(), settings());
    let refused = start(alone.clone()).await.unwrap_err();
    assert!(refused.to_string().contains("which was not given"), "{refused}");
    let tokens = start(both).await.unwrap();
    engine::Engine::stop(&tokens).await;
    // From then on the new one is enough.
    let tokens = start(alone).await.unwrap();
    let next = tokens.refresh(&issued.refresh, Some(&ada)).await.unwrap();
    for token in [&issued.access, &next.access] {
        assert_eq!(judged(&process.verifier, token, world.now()), "good");
    }
    let all = signing_keys::all(&world.store).await.unwrap();
    assert!(all.iter().all(|key| key.private_sealed.contains(fresh.id())));
}

#[tokio::test]
async fn what_health_says() {
    let world = World::new().await;
    let ada = world.user("ada");
    world.login(&ada).await;
    world.tokens.tend().await;
    let report = world.tokens.health();
    assert_eq!((report.status, world.tokens.name()), (Status::Healthy, "tokens"));
    let details = &report.details;
    assert_eq!(details["token_algorithm"], "eddsa");
    assert_eq!(details["signing_key"], active(&world).await.kid.as_str());
    assert_eq!((&details["sessions"], &details["revoked"]), (&1.into(), &0.into()));
    assert_eq!((&details["api_keys_active"], &details["api_keys_expired"]), (&0.into(), &0.into()));
    let states: BTreeSet<_> =
        details["signing_keys"].as_object().unwrap().values().map(|v| v.as_str().unwrap()).collect();
    assert_eq!(states, ["active", "next"].into());
    let due = world.now().plus(std::time::Duration::from_secs(30 * DAY)).to_string();
    assert_eq!(details["next_rotation_at"], due.as_str());

    for (settings, key) in [
        (TokensSettings { token_duration: 0, ..TokensSettings::default() }, "token_duration"),
        (TokensSettings { node_token_duration: 0, ..TokensSettings::default() }, "node_token_duration"),
    ] {
        let refused = world.tokens.apply(settings).await.unwrap_err().to_string();
        assert!(refused.contains(key), "{refused}");
    }
    assert_eq!(world.tokens.settings(), TokensSettings::default());

    // Without a database it still checks, says that it is ill, and issues nothing.
    let issued = world.login(&ada).await;
    world.store.close().await;
    world.tokens.tend().await;
    assert_eq!(world.tokens.health().status, Status::Degraded);
    assert_eq!(world.judged(&issued.access), "good");
    assert!(matches!(world.tokens.refresh(&issued.refresh, Some(&ada)).await, Err(TokensError::Store(_))));
}
