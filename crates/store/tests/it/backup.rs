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

/// Users, keys and what proves them, as they are when the backup is made.
const BEFORE: &str = "
    INSERT INTO users (id, username, token_epoch, totp_secret, totp_last_step, created_at, updated_at)
        VALUES ('ada', 'ada', 3, 'sealed', 100, now(), now()), ('bob', 'bob', 0, NULL, NULL, now(), now());
    INSERT INTO recovery_codes SELECT 'ada', sha256(n::text::bytea), now() FROM generate_series(1, 3) n;
    INSERT INTO setup_secrets VALUES (sha256('x'), 'bob', now() + interval '1 day', now());
    INSERT INTO signing_keys (kid, algorithm, private_sealed, public_key, state, created_at, not_before, activated_at)
        VALUES ('stolen-later', 'eddsa', 'v1|', sha256('x'), 'active', now(), now(), now());
    INSERT INTO refresh_tokens (hash, session, user_id, account, epoch, audience, session_began_at, issued_at, expires_at,
            absolute_expires_at, access_expires_at)
        VALUES (sha256('r'), 's', 'ada', 'ada', 3, 'bigskies', now(), now(), now() + interval '1 day', now() + interval '1 day', now());
    INSERT INTO token_epochs VALUES ('plugin', 'weather', 2, now());
    INSERT INTO api_keys (id, prefix, sha256, user_id, account, name, created_at, revoked_at)
        VALUES ('good', '00000001', sha256('1'), 'ada', 'ada', 'k', now(), NULL),
               ('revoked', '00000002', sha256('2'), 'ada', 'ada', 'k', now(), now()),
               ('revoked-later', '00000003', sha256('3'), 'ada', 'ada', 'k', now(), NULL),
               ('forgotten-later', '00000004', sha256('4'), 'bob', 'bob', 'k', now(), NULL);
    INSERT INTO authorities VALUES ('ca', 'pem', 'v1|', 'active', now(), now() + interval '1 day', now());
    INSERT INTO revoked_certificates VALUES ('ca', 'aa', '', 'unspecified', now(), now() + interval '1 day');
";

/// What is taken back after it.
const SINCE: &str = "
    UPDATE users SET token_epoch = 9, totp_last_step = 105 WHERE id = 'ada';
    INSERT INTO users (id, username, token_epoch, created_at, updated_at) VALUES ('cyd', 'cyd', 40, now(), now());
    DELETE FROM recovery_codes WHERE code_hash = sha256('2');
    DELETE FROM setup_secrets;
    UPDATE signing_keys SET state = 'revoked', retire_at = now();
    DELETE FROM refresh_tokens;
    UPDATE token_epochs SET epoch = 5;
    INSERT INTO token_epochs VALUES ('node', 'telescope-coordinator', 1, now());
    UPDATE api_keys SET revoked_at = now() WHERE id = 'revoked-later';
    DELETE FROM api_keys WHERE id = 'forgotten-later';
    INSERT INTO api_keys (id, prefix, sha256, user_id, account, name, created_at)
        VALUES ('newer', '00000005', sha256('5'), 'cyd', 'cyd', 'k', now());
    INSERT INTO revoked_certificates VALUES ('ca', 'bb', '', 'key-compromise', now(), now() + interval '1 day');
";

#[tokio::test]
async fn what_was_taken_back_stays_so() {
    let (stand, folder) = (stand(), folder());
    let (store, fresh) = (stand.store().await, stand.store().await);
    let endpoint = store.endpoint();
    execute(&endpoint, BEFORE).await;
    let path = folder.path().join("sky.backup");
    backup(&endpoint, &path, at(0)).await.unwrap();
    execute(&endpoint, SINCE).await;
    let nothing_left = "SELECT (SELECT count(*) FROM signing_keys) + (SELECT count(*) FROM refresh_tokens)
        + (SELECT count(*) FROM setup_secrets)";
    let users = "SELECT string_agg(username || ' ' || token_epoch || ' ' || coalesce(totp_last_step, 0), ', ' ORDER BY id) FROM users";
    let epochs = "SELECT string_agg(kind || ' ' || account || ' ' || epoch, ', ' ORDER BY kind) FROM token_epochs";
    let keys =
        "SELECT string_agg(id || CASE WHEN revoked_at IS NULL THEN '' ELSE ' off' END, ', ' ORDER BY id) FROM api_keys";
    let codes = "SELECT count(*) FROM recovery_codes";
    let revoked = "SELECT string_agg(serial, ' ' ORDER BY serial) FROM revoked_certificates";
    for target in [&store, &fresh] {
        restore(&target.endpoint(), &path).await.unwrap();
    }
    for (what, target, question, expected) in [
        // Above the 40 that somebody had who is not in the backup.
        ("epochs of users", &store, users, "ada 41 105, bob 41 0"),
        ("epochs of others", &store, epochs, "node telescope-coordinator 41, plugin weather 41"),
        ("keys and sessions", &store, nothing_left, "0"),
        ("API keys", &store, keys, "good, revoked off, revoked-later off"),
        ("recovery codes", &store, codes, "2"),
        ("certificates", &store, revoked, "aa bb"),
        ("epochs of users on a new machine", &fresh, users, "ada 4 100, bob 4 0"),
        ("epochs of others on a new machine", &fresh, epochs, "plugin weather 4"),
        ("keys and sessions on a new machine", &fresh, nothing_left, "0"),
        ("API keys on a new machine", &fresh, keys, "forgotten-later, good, revoked off, revoked-later"),
        ("recovery codes on a new machine", &fresh, codes, "3"),
        ("certificates on a new machine", &fresh, revoked, "aa"),
    ] {
        assert_eq!(execute(&target.endpoint(), question).await, expected, "{what}");
    }
    // Once more, and the epochs rise again: what was handed out in between is void, too.
    restore(&endpoint, &path).await.unwrap();
    assert_eq!(execute(&endpoint, users).await, "ada 42 105, bob 42 0");
}
