//! After a backup was restored, nothing is good again that was taken back since, and everybody logs in anew.

use engine_tokens::{NewApiKey, RefreshError, TokensError};
use store::backup::{backup, restore};
use vocabulary::ids::AccountName;

use crate::stand::{World, judged, until};

#[tokio::test]
async fn nobody_goes_on() {
    let world = World::new().await;
    let process = world.other_process().await;
    let [ada, bob] = ["ada", "bob"].map(|name| world.user(name));
    let key = |user: &engine_tokens::Holder| NewApiKey {
        user_id: user.user_id.clone(),
        account: user.account.clone(),
        name: "k".to_owned(),
        scopes: None,
        lifetime: None,
    };
    let (kept, taken) = (
        world.tokens.create_api_key(&key(&bob)).await.unwrap(),
        world.tokens.create_api_key(&key(&bob)).await.unwrap(),
    );
    let node: AccountName = "telescope-coordinator".parse().unwrap();
    let weather = "weather".parse().unwrap();
    let before = world.login(&ada).await;
    let of_bob = world.login(&bob).await;
    let (of_plugin, of_node) =
        (world.tokens.issue_plugin(&weather).await.unwrap(), world.tokens.issue_node(&node).await.unwrap());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sky.backup");
    backup(&world.endpoint, &path, world.now()).await.unwrap();

    world.tokens.logout(&before.access).await.unwrap();
    world.tokens.revoke_plugin(&weather).await.unwrap();
    world.tokens.revoke_api_key(&taken.row.id).await.unwrap();
    let after = world.login(&bob).await;
    restore(&world.endpoint, &path).await.unwrap();

    let old = [&before.access, &of_bob.access, &after.access, &of_plugin.token, &of_node.token];
    for verifier in [&world.verifier, &process.verifier] {
        until("tokens of before are refused everywhere", async || {
            old.iter().all(|token| judged(verifier, token, world.now()) == "unknown-key")
        })
        .await;
        assert_eq!(judged(verifier, &kept.key, world.now()), "good");
        assert_eq!(judged(verifier, &taken.key, world.now()), "api-key-revoked");
    }
    for session in [&before, &of_bob, &after] {
        let refused = world.tokens.refresh(&session.refresh, Some(&bob)).await;
        assert!(matches!(refused, Err(TokensError::Refresh(RefreshError::Unknown))), "{refused:?}");
    }
    // The engine hears of it, too, and signs with another key from then on.
    until("another key that signs", async || {
        let issued = world.login(&bob).await;
        judged(&world.verifier, &issued.access, world.now()) == "good"
    })
    .await;
    for (what, token) in [
        ("plugin", world.tokens.issue_plugin(&weather).await.unwrap().token),
        ("node", world.tokens.issue_node(&node).await.unwrap().token),
    ] {
        assert_eq!(world.judged(&token), "good", "{what}");
        until("the key is known everywhere", async || judged(&process.verifier, &token, world.now()) == "good").await;
    }
}
