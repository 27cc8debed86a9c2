//! Tokens of plugins: sent to the plugin that shows itself and is let in, and to nobody who says so.

use bus::Outgoing;
use bytes::Bytes;
use catalog::{
    Qos,
    security::{AdmitPlugin, DismissPlugin, PluginToken, Validate},
    topic,
};
use vocabulary::ids::PluginId;

use crate::stand::{Client, LIMIT, Stand, until};

async fn show(client: &Client, plugin: &str, word: &str, status: &str, retain: bool) {
    let topic = format!("bigskies/plugin/{plugin}/{word}");
    let payload = Bytes::from(format!("{{\"status\":\"{status}\"}}"));
    let sign = Outgoing { topic, payload, qos: Qos::AtLeastOnce, retain, ..Outgoing::default() };
    client.bus.publish(sign).await.unwrap();
}

fn admit(plugin: &PluginId) -> AdmitPlugin {
    let (publishes, reads, permissions) = Default::default();
    AdmitPlugin { plugin_id: plugin.clone(), publishes, reads, permissions }
}

#[tokio::test]
async fn one_that_is_not_let_in_gets_none() {
    let stand = Stand::start().await;
    let (weather, dome): (PluginId, PluginId) = ("weather".parse().unwrap(), "dome".parse().unwrap());
    let root = stand.client("root").await;
    root.ask(admit(&dome)).await.unwrap();
    let (plugin, other) = (stand.client("plugin.weather").await, stand.client("plugin.dome").await);
    let mut tokens = stand.watch(topic::EVERY_PLUGIN_TOKEN).await;
    // Signs are heard one after the other, so the other's token would come behind.
    let next = async |watch: &mut bus::Watch| {
        let token = tokio::time::timeout(LIMIT, watch.next()).await.unwrap().unwrap();
        serde_json::from_slice::<PluginToken>(&token.payload).unwrap()
    };
    show(&plugin, "weather", "health", "healthy", false).await;
    show(&other, "dome", "health", "healthy", false).await;
    assert_eq!(next(&mut tokens).await.plugin_id, dome);
    root.ask(admit(&weather)).await.unwrap();
    show(&plugin, "weather", "health", "healthy", false).await;
    let first = next(&mut tokens).await;
    assert_eq!(first.plugin_id, weather);
    // Let in again it needs another one, since that is void.
    root.ask(admit(&weather)).await.unwrap();
    assert!(!plugin.ask(Validate { token: first.token }).await.unwrap().valid);
    show(&plugin, "weather", "health", "healthy", false).await;
    let second = next(&mut tokens).await;
    assert!(plugin.ask(Validate { token: second.token.clone() }).await.unwrap().valid);
    root.ask(DismissPlugin { plugin_id: weather }).await.unwrap();
    assert!(!plugin.ask(Validate { token: second.token }).await.unwrap().valid);
    show(&plugin, "weather", "status", "unhealthy", false).await;
    show(&plugin, "weather", "health", "healthy", false).await;
    show(&other, "dome", "status", "unhealthy", false).await;
    show(&other, "dome", "health", "healthy", false).await;
    assert_eq!(next(&mut tokens).await.plugin_id, dome);
}

#[tokio::test]
async fn a_plugin_gets_its_token_when_it_shows_itself() {
    let stand = Stand::start().await;
    let id: PluginId = "weather".parse().unwrap();
    let root = stand.client("root").await;
    root.ask(admit(&id)).await.unwrap();
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
