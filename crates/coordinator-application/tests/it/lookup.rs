//! Discovery by name, endpoint, metadata and health, page by page.

use bus::Ask;
use catalog::{
    Qos,
    application::{Heartbeat, ListServices, Register},
    topic,
};
use health::Status;
use serde_json::{Value, json};
use vocabulary::Code;

use crate::stand::{Stand, until};

async fn register(stand: &Stand, id: &str, name: &str, endpoint: &str, metadata: Value) {
    let register = json!(Register {
        id: id.parse().unwrap(),
        name: name.to_owned(),
        endpoint: endpoint.to_owned(),
        metadata: serde_json::from_value(metadata).unwrap(),
    });
    let topic = topic::inbound("service/register");
    stand.bus.ask_topic(&topic, register, Qos::AtLeastOnce, Ask::default()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn lists() {
    let stand = Stand::start().await;
    register(&stand, "z", "alpha", "http://h:1", json!({"rack": 1, "tags": ["a", "b"]})).await;
    register(&stand, "a", "beta", "http://h:2", json!({"rack": 2, "site": {"name": "n", "row": 1}})).await;
    register(&stand, "m", "alpha", "http://h:3", json!({})).await;
    register(&stand, "b", "gamma/1", "http://h:2", json!({"rack": 2})).await;
    let ill = Heartbeat { id: "m".parse().unwrap(), status: Some(Status::Unhealthy) };
    stand.bus.tell(&ill).await.unwrap();
    until("an ill service", || async {
        let unhealthy = ListServices { status: Some(Status::Unhealthy), ..ListServices::default() };
        stand.bus.ask(&unhealthy).await.unwrap().services.len() == 1
    })
    .await;
    for (list, ids) in [
        (json!({}), "m z a b"),
        (json!({"name": "alpha"}), "m z"),
        (json!({"name": "alph"}), ""),
        (json!({"endpoint": "http://h:2"}), "a b"),
        (json!({"endpoint": "http://h:2", "name": "beta"}), "a"),
        (json!({"metadata": {"rack": 2}}), "a b"),
        (json!({"metadata": {"rack": 2.0, "site": {"row": 1}}}), "a"),
        (json!({"metadata": {"tags": ["b"]}}), "z"),
        (json!({"metadata": {"tags": "b"}}), ""),
        (json!({"status": "healthy"}), "z a b"),
        (json!({"status": "unhealthy", "name": "alpha"}), "m"),
        (json!({"limit": 2}), "m z"),
        (json!({"limit": 2, "cursor": "z/alpha"}), "a b"),
        (json!({"limit": 2, "cursor": "gone/beta"}), "b"),
        (json!({"cursor": "b/gamma/1"}), ""),
    ] {
        let asked: ListServices = serde_json::from_value(list.clone()).unwrap();
        let found = stand.bus.ask(&asked).await.unwrap().services;
        let found: Vec<&str> = found.iter().map(|service| service.id.as_str()).collect();
        assert_eq!(found.join(" "), ids, "{list}");
    }
    let wrong = ListServices { cursor: Some("nonsense".to_owned()), ..ListServices::default() };
    assert_eq!(stand.bus.ask(&wrong).await.unwrap_err().code, Code::Invalid);
    let mut list = ListServices { limit: Some(1), ..ListServices::default() };
    let mut seen = Vec::new();
    loop {
        let page = stand.bus.ask(&list).await.unwrap();
        seen.extend(page.services.into_iter().map(|service| service.id.to_string()));
        list.cursor = page.next;
        if list.cursor.is_none() {
            break;
        }
    }
    assert_eq!(seen, ["m", "z", "a", "b"]);
}
