//! API keys: made, listed, used, taken back.

use std::time::Duration;

use catalog::security::{CreateKey, DeleteUser, ListKeys, ListUsers, Me, RevokeKey, Revoked, TokenRevoked};
use vocabulary::{Code, ids::ApiKeyId};

use crate::stand::{Stand, next_where};

fn make(name: &str) -> CreateKey {
    CreateKey { name: name.to_owned(), scopes: None, expires_at: None, user_id: None }
}

#[tokio::test]
async fn a_key_from_beginning_to_end() {
    let stand = Stand::start().await;
    stand.role("keeper", &["key:write", "user:read"]).await;
    let ann = stand.user_with("ann", &["keeper"]).await;
    let (client, root) = (stand.client("ann").await, stand.client("root").await);
    let end = stand.clock.now().plus(Duration::from_secs(3600));
    let scopes = Some(vec!["user:read".to_owned()]);
    let made = client.ask(CreateKey { scopes, expires_at: Some(end), ..make("nightly flats") }).await.unwrap();
    assert_eq!(made.expires_at, Some(end));
    assert!(made.key.expose().starts_with(&format!("bsk_{}_", made.prefix)));
    let other = stand.client("nobody").await.with(made.key.expose());
    assert_eq!(other.ask(Me {}).await.unwrap().username.as_str(), "ann");
    assert_eq!(other.code(ListUsers::default()).await, None);
    let wider = CreateKey { scopes: Some(vec!["key:write".to_owned()]), ..make("x") };
    assert_eq!(other.code(wider).await, Some(Code::Forbidden), "its scopes leave that out");
    let listed = client.ask(ListKeys::default()).await.unwrap().keys;
    assert_eq!((listed.len(), listed[0].id.clone(), listed[0].name.as_str()), (1, made.id.clone(), "nightly flats"));
    let of_ann = ListKeys { user_id: Some(ann.clone()), ..ListKeys::default() };
    assert_eq!(root.ask(of_ann.clone()).await.unwrap().keys, listed);
    assert!(root.ask(ListKeys::default()).await.unwrap().keys.is_empty());
    let mut revoked = stand.events::<TokenRevoked>().await;
    client.ask(RevokeKey { id: made.id.clone(), user_id: None }).await.unwrap();
    stand.unauthenticated(&other, Me {}).await; // it works nowhere from then on
    let event = next_where(&mut revoked, |event: &TokenRevoked| event.what == Revoked::Key).await;
    assert_eq!(event.id, made.id.to_string());
    assert!(client.ask(ListKeys::default()).await.unwrap().keys[0].revoked_at.is_some());
    // Those of a disabled account end with it.
    let second = client.ask(make("second")).await.unwrap();
    let other = other.with(second.key.expose());
    other.ask(Me {}).await.unwrap();
    root.ask(DeleteUser { user_id: ann.clone() }).await.unwrap();
    stand.unauthenticated(&other, Me {}).await;
    let keys = root.ask(of_ann).await.unwrap().keys;
    assert!(keys.iter().all(|key| key.revoked_at.is_some()));
}

#[tokio::test]
async fn what_is_refused() {
    let stand = Stand::start().await;
    stand.role("keeper", &["key:write"]).await;
    let ann = stand.user_with("ann", &["keeper"]).await;
    stand.user_with("bob", &["keeper"]).await;
    let (client, bob, root) = (stand.client("ann").await, stand.client("bob").await, stand.client("root").await);
    let past = stand.clock.now();
    let far = past.plus(Duration::from_secs(400 * 86_400));
    let scopes = |text: &str| Some(vec![text.to_owned()]);
    for (what, make, wanted) in [
        ("no name", make(""), Code::Invalid),
        ("a long name", make(&"x".repeat(101)), Code::Invalid),
        ("no scope", CreateKey { scopes: Some(vec![]), ..make("x") }, Code::Invalid),
        ("nonsense", CreateKey { scopes: scopes("Everything"), ..make("x") }, Code::Invalid),
        ("past", CreateKey { expires_at: Some(past), ..make("x") }, Code::Invalid),
        ("too long", CreateKey { expires_at: Some(far), ..make("x") }, Code::Invalid),
        ("for another", CreateKey { user_id: Some("root".parse().unwrap()), ..make("x") }, Code::Forbidden),
    ] {
        assert_eq!(client.code(make).await, Some(wanted), "{what}");
    }
    let made = client.ask(make("x")).await.unwrap();
    let revoke = |id: &ApiKeyId| RevokeKey { id: id.clone(), user_id: None };
    assert_eq!(bob.code(revoke(&made.id)).await, Some(Code::NotFound), "another's is as if there were none");
    assert_eq!(bob.code(revoke(&"no-such".parse().unwrap())).await, Some(Code::NotFound));
    let of_ann = ListKeys { user_id: Some(ann.clone()), ..ListKeys::default() };
    assert_eq!(bob.code(of_ann).await, Some(Code::Forbidden));
    let of_another = RevokeKey { id: made.id.clone(), user_id: Some("root".parse().unwrap()) };
    assert_eq!(root.code(of_another).await, Some(Code::NotFound), "it is not that one's");
    root.ask(RevokeKey { id: made.id, user_id: Some(ann.clone()) }).await.unwrap();
    let for_ann = root.ask(CreateKey { user_id: Some(ann), ..make("from above") }).await.unwrap();
    assert_eq!(client.with(for_ann.key.expose()).ask(Me {}).await.unwrap().username.as_str(), "ann");
}
