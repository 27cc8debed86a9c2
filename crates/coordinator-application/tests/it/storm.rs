//! Many clients at once about the same few services: in the end memory, table and retained states agree.

use std::collections::BTreeMap;

use bus::Ask;
use catalog::{
    Qos, State,
    application::{GetService, ListServices, Service},
    topic,
};
use futures::future::join_all;
use serde_json::json;
use store::services::{self, Filter};
use vocabulary::{Code, ids::ServiceId};

use crate::stand::{Stand, payload, until};

const CLIENTS: usize = 4;
const ROUNDS: usize = 60;
const SERVICES: usize = 3;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn memory_table_and_states_agree_in_the_end() {
    let stand = Stand::start().await;
    let clients = join_all((0..CLIENTS).map(|n| stand.another_client(["one", "two", "three", "four"][n]))).await;
    let mut states = stand.watch(&topic::states(Service::NAME)).await;
    let storms = clients.iter().enumerate().map(|(n, bus)| async move {
        let asked = (0..ROUNDS).map(|round| async move {
            let id = format!("s{}", (round + n) % SERVICES);
            let (verb, payload) = match (round * 7 + n) % 5 {
                0 | 1 => ("register", json!({"id": id, "name": format!("{n}-{round}")})),
                2 => ("unregister", json!({"id": id})),
                3 => ("heartbeat", json!({"id": id, "status": "degraded"})),
                _ => ("heartbeat", json!({"id": id})),
            };
            let topic = topic::inbound(&format!("service/{verb}"));
            let answer = bus.ask_topic(&topic, payload, Qos::AtLeastOnce, Ask::default()).await;
            if let Err(fault) = answer {
                assert_eq!(fault.code, Code::NotFound, "{verb}: {fault}");
            }
        });
        join_all(asked).await;
    });
    join_all(storms).await;

    let rows = services::list(&stand.store, &Filter::default(), &store::Slice::default()).await.unwrap().items;
    let rows: BTreeMap<ServiceId, (String, _)> = rows.into_iter().map(|row| (row.id, (row.name, row.status))).collect();
    let listed = stand.bus.ask(&ListServices::default()).await.unwrap().services;
    let listed: BTreeMap<ServiceId, (String, _)> =
        listed.into_iter().map(|service| (service.id, (service.name, service.status))).collect();
    assert_eq!(listed, rows);
    for id in rows.keys() {
        assert!(stand.bus.ask(&GetService { id: id.clone() }).await.is_ok());
    }
    let mut kept: BTreeMap<ServiceId, (String, _)> = BTreeMap::new();
    until("agreement of states and table", || {
        while let Some(Some(delivery)) = futures::FutureExt::now_or_never(states.next()) {
            let id: ServiceId = delivery.topic.rsplit('/').next().unwrap().parse().unwrap();
            match payload::<Service>(&delivery) {
                Some(service) if !delivery.payload.is_empty() => {
                    kept.insert(id, (service.name, service.status));
                }
                _ => {
                    kept.remove(&id);
                }
            }
        }
        let agree = kept == rows;
        async move { agree }
    })
    .await;
}
