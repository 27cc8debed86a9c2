//! Tokens of plugins and nodes.

use engine_tokens::{Kind, TokensError};
use store::Slice;

use crate::stand::{World, until};

#[tokio::test]
async fn plugins() {
    let world = World::new().await;
    let [weather, dome] = ["weather", "dome"].map(|plugin| plugin.parse().unwrap());
    let (first, other) =
        (world.tokens.issue_plugin(&weather).await.unwrap(), world.tokens.issue_plugin(&dome).await.unwrap());
    assert!(!format!("{first:?}").contains(&first.token));
    let claims = world.verifier.verify(&first.token, world.now()).unwrap();
    assert_eq!((claims.kind, claims.account.as_str(), &claims.jti), (Kind::Plugin, "weather", &first.jti));
    assert_eq!((claims.user_id.as_ref(), claims.session.as_ref(), claims.epoch), (None, None, Some(0)));
    assert_eq!(first.expires_at.since(first.renew_at).as_secs(), 2 * 3600);
    let none = world.tokens.sessions(None, &Slice::default()).await.unwrap().items;
    assert!(none.is_empty(), "a plugin has no session");

    // Renewal leaves the one before good; removal takes back all of them, and those of nobody else.
    let second = world.tokens.issue_plugin(&weather).await.unwrap();
    assert_eq!((world.judged(&first.token), world.judged(&second.token)), ("good", "good"));
    let process = world.other_process().await;
    world.tokens.revoke_plugin(&weather).await.unwrap();
    for token in [&first.token, &second.token] {
        assert_eq!(world.judged(token), "outdated");
        until("epoch that is heard of", async || {
            crate::stand::judged(&process.verifier, token, world.now()) == "outdated"
        })
        .await;
    }
    assert_eq!(world.judged(&other.token), "good");
    // Installed again, it gets tokens that are good.
    let third = world.tokens.issue_plugin(&weather).await.unwrap();
    assert_eq!(world.judged(&third.token), "good");
    world.tokens.logout(&third.token).await.unwrap();
    assert_eq!(world.judged(&third.token), "revoked");
}

#[tokio::test]
async fn nodes() {
    let world = World::new().await;
    let (node, namesake) = ("telescope".parse().unwrap(), "telescope".parse().unwrap());
    let token = world.tokens.issue_node(&node).await.unwrap();
    let plugin = world.tokens.issue_plugin(&namesake).await.unwrap();
    let claims = world.verifier.verify(&token.token, world.now()).unwrap();
    assert_eq!((claims.kind, &claims.account), (Kind::Node, &node));
    assert_eq!(token.expires_at.since(token.renew_at).as_secs(), 900);
    world.tokens.revoke_node(&node).await.unwrap();
    // A plugin that has the name of a node is another's.
    assert_eq!((world.judged(&token.token), world.judged(&plugin.token)), ("outdated", "good"));
    world.advance(3600 + 5);
    assert_eq!(world.judged(&token.token), "expired");
    engine::Engine::stop(&world.tokens).await;
    world.store.close().await;
    assert!(matches!(world.tokens.issue_node(&node).await, Err(TokensError::Store(_))));
}
