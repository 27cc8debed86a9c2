//! Tokens of plugins: sent to the plugin that shows itself, and to nobody who says so.

use bus::Outgoing;
use bytes::Bytes;
use catalog::{
    Qos,
    security::{PluginToken, Validate},
};
use vocabulary::ids::PluginId;

use crate::stand::{Client, LIMIT, Stand, until};

async fn show(client: &Client, plugin: &str, word: &str, status: &str, retain: bool) {
    let topic = format!("bigskies/plugin/{plugin}/{word}");
    let payload = Bytes::from(format!("{{\"status\":\"{status}\"}}"));
    let sign = Outgoing { topic, payload, qos: Qos::AtLeastOnce, retain, ..Outgoing::default() };
    client.bus.publish(sign).await.unwrap();
}

#[tokio::test]
async fn a_plugin_gets_its_token_when_it_shows_itself() {
    let stand = Stand::start().await;
    let id: PluginId = "weather".parse().unwrap();
    let plugin = stand.client("plugin.weather").await;
    let mut tokens = plugin.bus.watch(&[(PluginToken::topic(&id), Qos::AtLeastOnce)], 64).await.unwrap();
    let thief = stand.client("plugin.thief").await;
    // Neither another one's word nor an old one counts.
    show(&thief, "weather", "health", "healthy", false).await;
    show(&plugin, "weather", "health", "healthy", true).await;
    // The retained one was live for the coordinator, which was there; so it is the first sign.
    let first = tokio::time::timeout(LIMIT, tokens.next()).await.unwrap().unwrap();
    assert!(!first.retained);
    let first: PluginToken = serde_json::from_slice(&first.payload).unwrap();
    assert_eq!(first.plugin_id, id);
    let valid = plugin.ask(Validate { token: first.token.clone() }).await.unwrap();
    assert_eq!((valid.valid, valid.username.unwrap().as_str()), (true, "weather"));
    assert_eq!(first.expires_at.since(stand.clock.now()).as_secs(), 86_400);
    // Further signs bring none, until the end comes near or it starts anew.
    show(&plugin, "weather", "health", "healthy", false).await;
    show(&plugin, "weather", "status", "unhealthy", false).await;
    show(&plugin, "weather", "status", "healthy", false).await;
    let second = tokio::time::timeout(LIMIT, tokens.next()).await.unwrap().unwrap();
    let second: PluginToken = serde_json::from_slice(&second.payload).unwrap();
    assert_ne!(second.token.expose(), first.token.expose());
    stand.advance(86_400 - 3600);
    show(&plugin, "weather", "health", "healthy", false).await;
    let third = tokio::time::timeout(LIMIT, tokens.next()).await.unwrap().unwrap();
    let third: PluginToken = serde_json::from_slice(&third.payload).unwrap();
    assert!(third.expires_at > second.expires_at);
    // Nothing of it stands at the broker.
    let later = stand.client("plugin.weather").await;
    let mut retained = later.bus.watch(&[(PluginToken::topic(&id), Qos::AtLeastOnce)], 64).await.unwrap();
    show(&later, "weather", "health", "unhealthy", false).await;
    show(&later, "weather", "health", "healthy", false).await;
    let next = tokio::time::timeout(LIMIT, retained.next()).await.unwrap().unwrap();
    assert!(!next.retained);
    until("the end", || async { true }).await;
}
