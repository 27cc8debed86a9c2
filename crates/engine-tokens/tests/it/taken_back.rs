//! The other half of the attack table: what was good once, what belongs to others, and what only looks like a key.

use std::time::Duration;

use engine_tokens::{NewApiKey, Which};
use serde_json::json;

use crate::{
    attacks::check,
    forge::{but, encoded, genuine},
    stand::World,
};

#[tokio::test]
async fn what_was_taken_back() {
    let world = World::new().await;
    let (_, header, _) = genuine(&world).await;
    let [ada, bob, cyd, dan] = ["ada", "bob", "cyd", "dan"].map(|name| world.user(name));
    let of_ada = world.login(&ada).await;
    let (of_bob, of_cyd, of_dan) = (world.login(&bob).await, world.login(&cyd).await, world.login(&dan).await);
    let key = NewApiKey {
        user_id: dan.user_id.clone(),
        account: dan.account.clone(),
        name: "k".to_owned(),
        scopes: None,
        lifetime: Some(Duration::from_secs(60)),
    };
    let (good, revoked) =
        (world.tokens.create_api_key(&key).await.unwrap(), world.tokens.create_api_key(&key).await.unwrap());
    let of_disabled = NewApiKey { user_id: cyd.user_id.clone(), account: cyd.account.clone(), ..key.clone() };
    let of_disabled = world.tokens.create_api_key(&of_disabled).await.unwrap();
    world.tokens.revoke_api_key(&revoked.row.id).await.unwrap();
    world.tokens.revoke(&of_ada.access_id, "stolen").await.unwrap();
    world.set_epoch(&bob, Some(1));
    world.set_epoch(&cyd, None);
    let ended = world.login(&dan).await;
    let later = world.tokens.refresh(&ended.refresh, Some(&dan)).await.unwrap();
    world.tokens.end_sessions(Which::One(&ended.session), "test").await.unwrap();
    let plugin = world.tokens.issue_plugin(&"weather".parse().unwrap()).await.unwrap();
    let node = world.tokens.issue_node(&"telescope-coordinator".parse().unwrap()).await.unwrap();
    let relabelled = |token: &str, typ: &str| {
        let (_, rest) = token.split_once('.').unwrap();
        format!("{}.{rest}", encoded(but(&header, &json!({ "typ": typ })).to_string()))
    };
    let user_as_node = relabelled(&of_dan.access, "node+jwt");
    let (plugin_as_user, node_as_user) = (relabelled(&plugin.token, "user+jwt"), relabelled(&node.token, "user+jwt"));
    let plugin_as_node = relabelled(&plugin.token, "node+jwt");
    world.tokens.revoke_plugin(&"weather".parse().unwrap()).await.unwrap();
    world.tokens.revoke_node(&"telescope-coordinator".parse().unwrap()).await.unwrap();
    let wrong_secret = format!("{}{}", &good.key[..13], &revoked.key[13..]);
    let unknown = format!("bsk_00000000_{}", &good.key[13..]);
    check(
        &world,
        vec![
            ("a revoked one", of_ada.access.clone(), "revoked"),
            ("from before a change of password", of_bob.access, "outdated"),
            ("of a disabled user", of_cyd.access, "no-user"),
            ("of a session that was ended", ended.access, "revoked"),
            ("the next of a session that was ended", later.access, "revoked"),
            ("a user's token, relabelled as a node's", user_as_node, "signature"),
            ("a plugin's token, relabelled as a user's", plugin_as_user, "signature"),
            ("a node's token, relabelled as a user's", node_as_user, "signature"),
            ("a plugin's token, relabelled as a node's", plugin_as_node, "signature"),
            ("of a plugin that was removed", plugin.token, "outdated"),
            ("of a node that was taken back", node.token, "outdated"),
            ("a refresh token", of_dan.refresh.clone(), "refresh-token"),
            ("a refresh token that is none", "bsr_".to_owned(), "refresh-token"),
            ("an API key", good.key.clone(), "good"),
            ("a revoked API key", revoked.key, "api-key-revoked"),
            ("an API key of a disabled user", of_disabled.key, "no-user"),
            ("an API key with another's secret", wrong_secret, "unknown-api-key"),
            ("an unknown API key", unknown, "unknown-api-key"),
            ("an API key in capitals", format!("bsk_{}", good.key[4..].to_uppercase()), "malformed"),
            ("an API key's prefix in capitals", good.key.replacen("bsk_", "BSK_", 1), "malformed"),
            ("an API key's secret in another case", swapped(&good.key), "unknown-api-key"),
            ("an API key in a JWT's place", format!("{}..", good.key), "malformed"),
            ("an API key with a space", format!("{} ", good.key), "malformed"),
            ("an API key with a line", format!("{}\n", good.key), "malformed"),
            ("an API key with a NUL", format!("{}\0", good.key), "malformed"),
            ("an API key in lookalikes", good.key.replacen("bsk_", "b\u{455}k_", 1), "malformed"),
            ("an API key of megabytes", format!("bsk_{}", "0".repeat(1 << 20)), "too-long"),
            (
                "an API key as its row has it",
                format!("bsk_{}_{}", good.row.prefix, encoded(good.row.sha256)),
                "unknown-api-key",
            ),
            ("an API key that goes on", format!("{}A", good.key), "malformed"),
            ("an API key that ends early", good.key[..55].to_owned(), "malformed"),
            ("the beginning of an API key", "bsk_".to_owned(), "malformed"),
            ("SQL in an API key", format!("bsk_' OR '1_{}", &good.key[13..]), "malformed"),
        ],
    );
    world.advance(61);
    check(&world, vec![("an expired API key", good.key, "api-key-expired"), ("a good one", of_dan.access, "good")]);
}

/// The key with the letters of its secret in the other case.
fn swapped(key: &str) -> String {
    let swap = |c: char| if c.is_ascii_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() };
    format!("{}{}", &key[..13], key[13..].chars().map(swap).collect::<String>())
}
