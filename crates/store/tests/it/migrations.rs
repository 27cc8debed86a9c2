//! Migrations: once, in order, one process at a time, and never edited.

use store::migrations::{self, ExtraMigration, MigrationError, Origin, State};
use store::{PoolSettings, Store};

use crate::stand::stand;

fn extra(version: i32, name: &str, sql: &str) -> ExtraMigration {
    ExtraMigration { version, name: name.to_owned(), sql: sql.to_owned() }
}

#[tokio::test]
async fn twice_at_once_and_once_more() {
    let stand = stand();
    let endpoint = stand.database().await;
    let (one, two) = tokio::join!(migrations::run(&endpoint, &[]), migrations::run(&endpoint, &[]));
    let (one, two) = (one.unwrap(), two.unwrap());
    assert_eq!(one.applied.len() + two.applied.len(), 8);
    assert_eq!(one.skipped.len() + two.skipped.len(), 8);
    assert!(one.applied.is_empty() || two.applied.is_empty());
    let third = migrations::run(&endpoint, &[]).await.unwrap();
    assert_eq!((third.applied.len(), third.skipped.len()), (0, 8));
    let status = migrations::status(&endpoint, &[]).await.unwrap();
    assert!(status.iter().all(|s| s.state == State::Applied && s.checksum.len() == 64));
}

#[tokio::test]
async fn the_operators_own_files() {
    let stand = stand();
    let endpoint = stand.database().await;
    let first = extra(1, "domes", "CREATE TABLE domes (id int); INSERT INTO domes VALUES (1)");
    let report = migrations::run(&endpoint, std::slice::from_ref(&first)).await.unwrap();
    assert_eq!(report.applied.last().map(String::as_str), Some("domes"));

    let broken = extra(2, "broken", "CREATE TABLE halfway (id int); SELECT nonsense");
    let edited = extra(1, "domes", "CREATE TABLE domes (id bigint)");
    let same = extra(1, "others", "SELECT 1");
    for (files, part) in [
        (vec![first.clone(), broken], "broken failed and left nothing behind"),
        (vec![edited], "domes was edited after it ran"),
        (vec![first.clone(), same], "others has a version or a name"),
    ] {
        let error = migrations::run(&endpoint, &files).await.unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
    let second = extra(2, "halfway", "CREATE TABLE halfway (id int)");
    let report = migrations::run(&endpoint, &[second.clone(), first.clone()]).await.unwrap();
    assert_eq!(report.applied, ["halfway"]);
    // A file that ran may leave the list.
    assert_eq!(migrations::run(&endpoint, &[second]).await.unwrap().applied.len(), 0);
    let status = migrations::status(&endpoint, &[first]).await.unwrap();
    let states: Vec<State> = status.iter().filter(|s| s.origin == Origin::Extra).map(|s| s.state).collect();
    assert_eq!(states, [State::Applied, State::Unknown]);
}

#[tokio::test]
async fn edited_or_newer_ones_are_refused() {
    let stand = stand();
    for (statement, expected) in [
        ("UPDATE schema_migrations SET checksum = repeat('0', 64) WHERE name = 'inbox'", "inbox was edited"),
        (
            "INSERT INTO schema_migrations (version, name, checksum, execution_time_ms) VALUES (900, 'orbits', 'x', 1)",
            "newer program (migration orbits",
        ),
    ] {
        let endpoint = stand.database().await;
        migrations::run(&endpoint, &[]).await.unwrap();
        crate::pool::execute(&endpoint, statement).await;
        let error = migrations::run(&endpoint, &[]).await.unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }
}

#[tokio::test]
async fn a_database_that_is_away() {
    let stand = stand();
    let endpoint = stand.database().await.with_database("nowhere");
    let error = migrations::run(&endpoint, &[]).await.unwrap_err();
    assert!(matches!(error, MigrationError::Store(ref e) if e.is_unavailable()), "{error}");
    let settings = PoolSettings { acquire_timeout_seconds: 1, ..PoolSettings::default() };
    let error = Store::connect(endpoint, settings).await.unwrap_err();
    assert!(error.to_string().contains("\"nowhere\" does not exist"), "{error}");
}
