//! Figures that are printed, not judged: memory of idle clients, cost of a retained message on disk.

use std::time::Instant;

use engine_broker::{Broker, Options};

use crate::{
    raw::{Hello, Level, Raw},
    stand::{TableGate, options, until},
};

fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().split(' ').next()?.parse().ok()).unwrap_or(0)
}

#[tokio::test]
async fn a_thousand_idle_clients() {
    let gate = TableGate::new();
    let broker = Broker::start(options(&gate)).await.unwrap();
    let tcp = broker.tcp_addresses()[0];
    let (before, started) = (resident_kib(), Instant::now());
    let mut idle = Vec::new();
    for i in 0..1000 {
        let mut raw = Raw::welcome(tcp, &Hello::new(Level::V5, &format!("idle-{i}"), "alice")).await;
        raw.subscribe(&format!("open/{i}")).await;
        idle.push(raw);
    }
    let (with, took) = (resident_kib(), started.elapsed());
    println!("1000 idle clients: {before} KiB before, {with} KiB with them (both ends), connected in {took:?}");
    let figures = broker.statistics().await;
    assert_eq!((figures.clients, figures.sessions, figures.filters), (1000, 1000, 1000));
    drop(idle);
    until("all are gone", async || broker.statistics().await.sessions == 0).await;
    assert_eq!(broker.statistics().await.filters, 0);
}

#[tokio::test]
async fn retained_messages_on_disk() {
    let (gate, folder) = (TableGate::new(), tempfile::tempdir().unwrap());
    let options = Options { storage: Some(folder.path().to_owned()), ..options(&gate) };
    let broker = Broker::start(options).await.unwrap();
    let mut raw = Raw::welcome(broker.tcp_addresses()[0], &Hello::new(Level::V5, "root", "root")).await;
    for (name, retain) in [("not retained", false), ("retained", true)] {
        let started = Instant::now();
        for i in 0..100_u8 {
            raw.publish("kept/state", &[i], 1, retain).await;
        }
        println!("a message with QoS 1, {name}: {:?} each", started.elapsed() / 100);
    }
}
