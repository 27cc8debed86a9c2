//! The datastore coordinator on somebody else's broker and a real database.

#![expect(clippy::unwrap_used, reason = "a test ends where its stand is not as expected")]

mod stand;

use bus::{Delivery, Watch};
use catalog::{
    Event, Owner, Qos, State,
    datastore::{
        BackupEnded, BackupProgress, BackupStarted, CreateBackup, GetStatistics, ListBackups, Ping, RestoreBackup,
    },
    frame::{GetHealth, GetSetting},
    topic,
};
use health::Status;
use serde_json::Value;
use store::inbox::Inbox;
use vocabulary::{Code, Fault};

use crate::stand::{PATIENCE, Stand, until};

fn payload<T: serde::de::DeserializeOwned>(delivery: &Delivery) -> T {
    let mut read: Value = serde_json::from_slice(&delivery.payload).unwrap();
    serde_json::from_value(read["payload"].take()).unwrap()
}

async fn next(watch: &mut Watch) -> Delivery {
    tokio::time::timeout(PATIENCE, watch.next()).await.unwrap().unwrap()
}

async fn create(stand: &Stand, name: Option<&str>) -> Result<BackupStarted, Fault> {
    stand.ask(&CreateBackup { name: name.map(str::to_owned) }).await
}

async fn restore(stand: &Stand, name: &str) -> Result<BackupStarted, Fault> {
    stand.ask(&RestoreBackup { name: name.to_owned() }).await
}

async fn ended(events: &mut Watch, started: &BackupStarted) -> BackupEnded {
    let ended: BackupEnded = payload(&next(events).await);
    assert_eq!((&ended.operation_id, &ended.name), (&started.operation_id, &started.name));
    ended
}

#[tokio::test(flavor = "multi_thread")]
async fn figures_and_health() {
    let stand = Stand::start().await;
    assert!(stand.ask(&Ping {}).await.unwrap().round_trip_milliseconds > 0.0);
    let figures = stand.ask(&GetStatistics {}).await.unwrap();
    assert!(figures.endpoint.starts_with("postgres://"), "{}", figures.endpoint);
    assert_eq!(figures.pool_max, 20);
    assert!(figures.pool_connections >= 1 && figures.server_max >= 20 && figures.database_bytes > 1_000_000);

    stand.set("max_connections", 7).await.unwrap();
    assert_eq!(stand.ask(&GetStatistics {}).await.unwrap().pool_max, 7);
    assert_eq!(stand.store.settings().max, 7);
    for (key, value) in [("max_connections", 4), ("min_connections", 8), ("capacity_warning_percent", 101)] {
        assert_eq!(stand.set(key, value).await.unwrap_err().code, Code::Invalid, "{key} {value}");
    }
    let health = async || stand.client.ask_of(Owner::Datastore, &GetHealth {}).await.unwrap();
    let now = health().await;
    assert_eq!((now.status, &now.details["pool"]["max"]), (Status::Healthy, &Value::from(7)), "{}", now.message);
    // The server itself holds more than one of its hundred connections.
    stand.set("capacity_warning_percent", 1).await.unwrap();
    until("capacity is warned of", async || health().await.status == Status::Degraded).await;
    stand.set("capacity_warning_percent", 80).await.unwrap();
    until("there is no warning", async || health().await.status == Status::Healthy).await;
    stand.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn backup_and_restoration() {
    let stand = Stand::start().await;
    let mut events = stand.client.watch(&[(topic::event(BackupEnded::NAME), Qos::AtLeastOnce)], 100).await.unwrap();
    let states = topic::states(BackupProgress::NAME);
    let mut progress = stand.client.watch(&[(states, Qos::AtLeastOnce)], 1000).await.unwrap();
    stand.set("retry_attempts", 3).await.unwrap();

    let started = create(&stand, Some("before")).await.unwrap();
    let done = ended(&mut events, &started).await;
    assert_eq!(done.failure, None);
    // The setting and its history, beside what the migrations bring.
    let rows = done.rows;
    assert!(rows >= 2, "{rows}");
    let mut seen = Vec::new();
    loop {
        let delivery = next(&mut progress).await;
        assert!(delivery.topic.ends_with(started.operation_id.as_str()));
        if delivery.payload.is_empty() {
            break;
        }
        seen.push(payload::<BackupProgress>(&delivery));
    }
    assert!(!seen.is_empty() && seen.iter().all(|p| p.tables_done <= p.tables_total), "{seen:?}");
    let backups = stand.ask(&ListBackups {}).await.unwrap().backups;
    let names: Vec<_> = backups.iter().map(|backup| backup.name.as_str()).collect();
    assert_eq!(names, ["before"]);
    assert!(backups[0].size_bytes > 100);

    for (outcome, code) in [
        (create(&stand, Some("before")).await, Code::Conflict),
        (create(&stand, Some("../before")).await, Code::Invalid),
        (restore(&stand, "nothing").await, Code::NotFound),
        (restore(&stand, "../backups/before").await, Code::Invalid),
    ] {
        assert_eq!(outcome.map(|started| started.name).unwrap_err().code, code);
    }

    stand.set("retry_attempts", 9).await.unwrap();
    let started = restore(&stand, "before").await.unwrap();
    let done = ended(&mut events, &started).await;
    assert_eq!((done.failure, done.rows), (None, rows));
    // Settings are rows, too, and read again.
    let get = GetSetting { key: "retry_attempts".to_owned() };
    until("the setting is what it was", async || {
        stand.client.ask_of(Owner::Datastore, &get).await.unwrap().setting.value == 3
    })
    .await;
    until("the pool has it", async || stand.store.settings().retry_attempts == 3).await;
    // Commands that were accepted since the backup are still remembered.
    let inbox = Inbox::open(stand.store.clone(), "datastore", vocabulary::ids::fresh_uuid(), 1000).await.unwrap();
    assert!(inbox.rows() >= 4, "{}", inbox.rows());

    let path = stand.folder.path().join("backups/damaged.backup");
    std::fs::copy(path.with_file_name("before.backup"), &path).unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let started = restore(&stand, "damaged").await.unwrap();
    let failure = ended(&mut events, &started).await.failure.unwrap();
    assert_eq!(failure.code, Code::Invalid, "{failure}");
    assert_eq!(create(&stand, None).await.map(|started| started.name.len()).unwrap(), "20261121T201500Z".len());
    stand.stop().await;
}
