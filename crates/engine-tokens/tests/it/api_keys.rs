//! API keys: shown once, good within scopes until they end, listed for their users.

use std::time::Duration;

use engine_tokens::{Kind, NewApiKey, Scopes, TokensError, TokensSettings};
use store::{Slice, tokens::api_keys};
use vocabulary::{Code, Fault};

use crate::stand::{World, until};

fn wanted(world: &World, user: &str, name: &str) -> NewApiKey {
    let holder = world.user(user);
    NewApiKey { user_id: holder.user_id, account: holder.account, name: name.to_owned(), scopes: None, lifetime: None }
}

#[tokio::test]
async fn made_used_listed_and_taken_back() {
    let world = World::new().await;
    let scopes = Scopes::parse(["telescope:*", "plugin:read"]).unwrap();
    let all = world.tokens.create_api_key(&wanted(&world, "ada", "for scripts")).await.unwrap();
    let some = NewApiKey { scopes: Some(scopes.clone()), ..wanted(&world, "ada", "for the dome") };
    let some = world.tokens.create_api_key(&some).await.unwrap();
    world.tokens.create_api_key(&wanted(&world, "bob", "for scripts")).await.unwrap();
    assert!(!format!("{all:?}").contains(&all.key) && !format!("{all:?}").contains(&all.key[13..]));
    assert!(all.key.starts_with(&format!("bsk_{}_", all.row.prefix)) && all.key.len() == 56);

    let claims = world.verifier.verify(&some.key, world.now()).unwrap();
    assert_eq!((claims.kind, claims.account.as_str(), claims.jti.as_str()), (Kind::Key, "ada", some.row.id.as_str()));
    assert_eq!((&claims.scopes, claims.session.as_ref(), claims.epoch), (&Some(scopes), None, None));
    assert!(claims.permits("telescope", "control") && !claims.permits("user", "write"));
    assert!(world.verifier.verify(&all.key, world.now()).unwrap().permits("user", "write"));
    // It outlives a change of password, not its user.
    let ada = world.user("ada");
    world.set_epoch(&ada, Some(5));
    assert_eq!(world.judged(&all.key), "good");
    assert!(matches!(world.tokens.logout(&all.key).await, Err(TokensError::Token(error)) if error.reason() == "type"));

    let of_ada = world.tokens.api_keys(Some(&ada.user_id), &Slice::default()).await.unwrap().items;
    let names: Vec<_> = of_ada.iter().map(|key| key.name.as_str()).collect();
    assert_eq!(names, ["for scripts", "for the dome"]);
    let page = world.tokens.api_keys(None, &Slice::first(2)).await.unwrap();
    let rest = world.tokens.api_keys(None, &Slice { limit: None, cursor: page.next }).await.unwrap();
    assert_eq!((page.items.len(), rest.items.len(), rest.next), (2, 1, None));

    world.tokens.revoke_api_key(&all.row.id).await.unwrap();
    world.tokens.revoke_api_key(&all.row.id).await.unwrap();
    assert_eq!((world.judged(&all.key), world.judged(&some.key)), ("api-key-revoked", "good"));
    assert!(world.tokens.api_key(&all.row.id).await.unwrap().revoked_at.is_some());
    let unknown = Fault::from(world.tokens.revoke_api_key(&"another".parse().unwrap()).await.unwrap_err());
    assert_eq!(unknown.code, Code::NotFound);
    let mut tx = world.store.begin().await.unwrap();
    assert_eq!(world.tokens.revoke_api_keys_of_in(&mut tx, &ada.user_id).await.unwrap(), 1);
    tx.commit().await.unwrap();
    until("revocation that is heard of", async || world.judged(&some.key) == "api-key-revoked").await;
}

#[tokio::test]
async fn what_can_not_be() {
    let world = World::with(TokensSettings { api_keys_per_user_max: 2, ..TokensSettings::default() }).await;
    let good = wanted(&world, "ada", "k");
    let year = Duration::from_secs(366 * 24 * 3600);
    for (what, key) in [
        ("no name", NewApiKey { name: String::new(), ..good.clone() }),
        ("spaces for a name", NewApiKey { name: "  ".to_owned(), ..good.clone() }),
        ("a name with a line end", NewApiKey { name: "a\nadmin logged in".to_owned(), ..good.clone() }),
        ("a name with an escape", NewApiKey { name: "a\u{1b}[2J".to_owned(), ..good.clone() }),
        ("a long name", NewApiKey { name: "x".repeat(101), ..good.clone() }),
        ("no time", NewApiKey { lifetime: Some(Duration::ZERO), ..good.clone() }),
        ("too much time", NewApiKey { lifetime: Some(year + Duration::from_secs(1)), ..good.clone() }),
        ("for ever", NewApiKey { lifetime: Some(Duration::MAX), ..good.clone() }),
    ] {
        let refused = Fault::from(world.tokens.create_api_key(&key).await.unwrap_err());
        assert_eq!(refused.code, Code::Invalid, "{what}");
    }
    let sql = NewApiKey { name: "'); DROP TABLE api_keys; --".to_owned(), lifetime: Some(year), ..good.clone() };
    let first = world.tokens.create_api_key(&sql).await.unwrap();
    assert_eq!(world.tokens.api_key(&first.row.id).await.unwrap().name, sql.name);
    // Of many at once no more get through than there may be.
    let go = || world.tokens.create_api_key(&good);
    let outcomes: [_; 4] = tokio::join!(go(), go(), go(), go()).into();
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    let full = outcomes.into_iter().find_map(Result::err).unwrap();
    assert_eq!(Fault::from(full).code, Code::Conflict);
    // One that ended makes room.
    world.tokens.revoke_api_key(&first.row.id).await.unwrap();
    world.tokens.create_api_key(&good).await.unwrap();
}

#[tokio::test]
async fn the_last_use_is_noted_and_the_dead_are_removed() {
    let world = World::new().await;
    let key = world.tokens.create_api_key(&wanted(&world, "ada", "k")).await.unwrap();
    let id = key.row.id.clone();
    let at = world.now();
    assert_eq!(world.judged(&key.key), "good");
    world.verifier.note_uses().await;
    let noted = world.tokens.api_key(&id).await.unwrap().last_used_at;
    assert_eq!(noted.map(|noted| at.since(noted)), Some(Duration::from_millis(250)), "of the second that has begun");
    for seconds in [60, 30] {
        api_keys::touch(&world.store, &[(id.clone(), at.plus(Duration::from_secs(seconds)))]).await.unwrap();
    }
    let noted = world.tokens.api_key(&id).await.unwrap().last_used_at;
    assert_eq!(noted, Some(at.plus(Duration::from_secs(60))), "it goes forward only");

    world.advance(91 * 24 * 3600);
    assert_eq!(world.judged(&key.key), "api-key-expired");
    world.tokens.tend().await;
    let details = engine::Engine::health(&world.tokens).details;
    assert_eq!((&details["api_keys_active"], &details["api_keys_expired"]), (&0.into(), &1.into()));
    world.advance(90 * 24 * 3600);
    world.tokens.tend().await;
    assert_eq!(Fault::from(world.tokens.api_key(&id).await.unwrap_err()).code, Code::NotFound);
}
