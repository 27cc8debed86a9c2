//! Backup and restoration: a round trip, work meanwhile, and files that are refused before anything is touched.

use std::{fs, os::unix::fs::MetadataExt, path::Path};

use serde_json::json;
use store::{
    Endpoint, Slice, Store,
    backup::{BackupError, backup, restore, verify},
    setting_rows::{self, SettingRow},
};

use crate::{
    pool::execute,
    stand::{at, folder, stand},
};

async fn put(store: &Store, value: i64) {
    let mut tx = store.begin().await.unwrap();
    let value = json!(value);
    let row = SettingRow { coordinator: "x-coordinator", key: "k", value: &value, kind: "int", secret: false };
    setting_rows::put(&mut tx, &row, "ada").await.unwrap();
    tx.commit().await.unwrap();
}

/// Everything that is in the database, as text.
async fn content(endpoint: &Endpoint) -> String {
    let mut all = String::new();
    for table in [
        "coordinator_config",
        "coordinator_config_history",
        "dead_letters",
        "telescope_configurations",
        "telescope_devices",
        "domes",
        "parts",
    ] {
        all += &execute(endpoint, &format!("SELECT to_jsonb(t) FROM {table} t ORDER BY 1")).await;
    }
    all
}

/// Rows of every kind: texts that COPY escapes, bytes, references, partitions, computed columns, circles.
const ROWS: &str = r#"
    CREATE TABLE domes (id int PRIMARY KEY, "the name" text, twice int GENERATED ALWAYS AS (id * 2) STORED,
        "over" int REFERENCES domes);
    INSERT INTO domes (id, "the name", "over") VALUES (2, E'tab\t line\n back\\slash \\. end', 1), (1, NULL, 2);
    CREATE TABLE parts (id serial, at int) PARTITION BY RANGE (at);
    CREATE TABLE parts_one PARTITION OF parts FOR VALUES FROM (0) TO (10);
    INSERT INTO parts (at) VALUES (1), (2);
    INSERT INTO dead_letters (topic, payload, payload_size, reason, received_at)
        SELECT 'a/' || n, sha256(n::text::bytea), n, 'test', now() FROM generate_series(1, 20000) n;
    INSERT INTO telescope_configurations VALUES ('t', 'Big', '', 'ada', 'user', NULL, 'altaz', true, now(), now());
    INSERT INTO devices (id, device_type, device_number, name, last_seen, created_at, updated_at)
        VALUES ('d', 'telescope', 0, 'mount', now(), now(), now());
    INSERT INTO telescope_devices VALUES ('t', 'telescope', 'd', true, NULL, now(), now());
"#;

#[tokio::test]
async fn there_and_back() {
    let (stand, folder) = (stand(), folder());
    let store = stand.store().await;
    let endpoint = store.endpoint();
    put(&store, 1).await;
    put(&store, 2).await;
    execute(&endpoint, ROWS).await;
    let before = content(&endpoint).await;
    let path = folder.path().join("sky.backup");
    let started = std::time::Instant::now();
    let summary = backup(&endpoint, &path, at(0)).await.unwrap();
    let (bytes, wrote) = (fs::metadata(&path).unwrap().len(), started.elapsed());
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
    assert_eq!(verify(&path).await.unwrap(), summary);

    put(&store, 3).await;
    execute(&endpoint, "DELETE FROM telescope_configurations; DELETE FROM dead_letters WHERE id % 2 = 0").await;
    assert_ne!(content(&endpoint).await, before);
    let started = std::time::Instant::now();
    assert_eq!(restore(&endpoint, &path).await.unwrap(), summary);
    println!("backup of {bytes} bytes: {} ms, restored: {} ms", wrote.as_millis(), started.elapsed().as_millis());
    assert_eq!(content(&endpoint).await, before);

    // The history goes on where it was, and its trigger works again.
    put(&store, 4).await;
    let history = setting_rows::history(&store, "x-coordinator", None, &Slice::default()).await.unwrap();
    let values: Vec<_> = history.items.iter().map(|change| change.new_value.clone().unwrap()).collect();
    assert_eq!(json!(values), json!([4, 2, 1]));
    execute(&endpoint, "INSERT INTO parts (at) VALUES (3)").await;

    // The same file into another database, which has the tables and nothing in them.
    let other = stand.store().await;
    let tables: String = ROWS.lines().filter(|line| line.contains("CREATE") || line.contains("REFERENCES")).collect();
    execute(&other.endpoint(), &tables).await;
    restore(&other.endpoint(), &path).await.unwrap();
    assert_eq!(content(&other.endpoint()).await, before);
}

#[tokio::test]
async fn refused_before_anything_is_touched() {
    let (stand, folder) = (stand(), folder());
    let store = stand.store().await;
    let endpoint = store.endpoint();
    put(&store, 1).await;
    let path = folder.path().join("sky.backup");
    backup(&endpoint, &path, at(0)).await.unwrap();
    put(&store, 2).await;
    let whole = fs::read(&path).unwrap();
    let damaged = folder.path().join("damaged.backup");
    let flipped = |at: usize| {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        bytes
    };
    let longer = [whole.clone(), vec![0]].concat();
    let places = (0..whole.len()).step_by(97).chain([0, whole.len() - 1]).map(|at| (format!("byte {at}"), flipped(at)));
    let cuts = [0, 5, 100, whole.len() - 33, whole.len() - 1].map(|at| (format!("cut at {at}"), whole[..at].to_vec()));
    for (what, bytes) in places.chain(cuts).chain([("longer".to_owned(), longer)]) {
        fs::write(&damaged, bytes).unwrap();
        let error = restore(&endpoint, &damaged).await.unwrap_err();
        assert!(matches!(error, BackupError::Damaged { .. }), "{what}: {error}");
    }
    let missing = restore(&endpoint, Path::new("/nowhere/sky.backup")).await.unwrap_err();
    assert!(matches!(missing, BackupError::File { .. }), "{missing}");
    let unwritable = backup(&endpoint, Path::new("/nowhere/sky.backup"), at(0)).await.unwrap_err();
    assert!(matches!(unwritable, BackupError::File { .. }), "{unwritable}");

    let insert =
        "INSERT INTO schema_migrations (version, name, checksum, execution_time_ms) VALUES (900, 'orbits', 'x', 1)";
    execute(&endpoint, insert).await;
    let error = restore(&endpoint, &path).await.unwrap_err();
    assert!(matches!(error, BackupError::Schema { .. }) && error.to_string().contains("orbits"), "{error}");
    let rows = setting_rows::load(&store, "x-coordinator").await.unwrap();
    assert_eq!(json!(rows), json!({"k": 2}));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
}
