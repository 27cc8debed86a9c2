//! Settings as rows: what is put is loaded, and the database itself remembers what was.

use serde_json::{Value, json};
use store::{
    Slice, Store, StoreError,
    setting_rows::{self, SettingRow},
};

use crate::{pool::execute, stand::stand};

const COORDINATOR: &str = "telescope-coordinator";

async fn put(store: &Store, key: &str, value: Value, author: &str) {
    let mut tx = store.begin().await.unwrap();
    let row = SettingRow { coordinator: COORDINATOR, key, value: &value, kind: "int", secret: key == "token" };
    setting_rows::put(&mut tx, &row, author).await.unwrap();
    tx.commit().await.unwrap();
}

async fn remove(store: &Store, key: &str, author: &str) -> bool {
    let mut tx = store.begin().await.unwrap();
    let there = setting_rows::remove(&mut tx, COORDINATOR, key, author).await.unwrap();
    tx.commit().await.unwrap();
    there
}

#[tokio::test]
async fn the_history_outlives_the_key() {
    let stand = stand();
    let store = stand.store().await;
    put(&store, "port", json!(1), "ada").await;
    put(&store, "port", json!(2), "bob").await;
    put(&store, "port", json!(2), "bob").await;
    put(&store, "token", json!("hush"), "ada").await;
    assert!(remove(&store, "port", "cyd").await);
    assert!(!remove(&store, "port", "cyd").await);
    put(&store, "port", json!(3), "ada").await;
    for statement in [
        "UPDATE coordinator_config SET config_value = '4' WHERE config_key = 'port'",
        "UPDATE coordinator_config SET config_key = 'gate' WHERE config_key = 'port'",
        "DELETE FROM coordinator_config WHERE config_key = 'gate'",
    ] {
        execute(&store.endpoint(), statement).await;
    }
    let rows = setting_rows::load(&store, COORDINATOR).await.unwrap();
    assert_eq!(rows.into_iter().collect::<Vec<_>>(), [("token".to_owned(), json!("hush"))]);

    let page = setting_rows::history(&store, COORDINATOR, None, &Slice::default()).await.unwrap();
    let seen: Vec<_> = page
        .items
        .iter()
        .rev()
        .map(|c| (&*c.key, c.old_value.clone(), c.new_value.clone(), &*c.changed_by, c.secret))
        .collect();
    let expected = [
        ("port", None, Some(json!(1)), "ada", false),
        ("port", Some(json!(1)), Some(json!(2)), "bob", false),
        ("token", None, Some(json!("hush")), "ada", true),
        ("port", Some(json!(2)), None, "cyd", false),
        ("port", None, Some(json!(3)), "ada", false),
        ("port", Some(json!(3)), Some(json!(4)), "bigskies", false),
        ("port", Some(json!(4)), None, "bigskies", false),
        ("gate", None, Some(json!(4)), "bigskies", false),
        ("gate", Some(json!(4)), None, "bigskies", false),
    ];
    assert_eq!(seen, expected);

    let second = &page.items[7];
    assert_eq!(setting_rows::change(&store, COORDINATOR, second.id).await.unwrap(), *second);
    let then = setting_rows::as_of(&store, COORDINATOR, page.items[6].id).await.unwrap();
    assert_eq!(json!(then), json!({"port": 2, "token": "hush"}));
    let missing = setting_rows::change(&store, "another-coordinator", second.id).await.unwrap_err();
    assert!(matches!(missing, StoreError::NotFound { .. }), "{missing}");
}

#[tokio::test]
async fn the_history_comes_in_pages() {
    let stand = stand();
    let store = stand.store().await;
    for value in 0..5 {
        put(&store, "port", json!(value), "ada").await;
    }
    put(&store, "other", json!(0), "ada").await;
    let mut slice = Slice::first(2);
    let mut seen = Vec::new();
    loop {
        let page = setting_rows::history(&store, COORDINATOR, Some("port"), &slice).await.unwrap();
        seen.push(page.items.iter().map(|c| c.new_value.clone().unwrap()).collect::<Vec<_>>());
        slice.cursor = page.next;
        if slice.cursor.is_none() {
            break;
        }
    }
    assert_eq!(json!(seen), json!([[4, 3], [2, 1], [0]]));
}

#[tokio::test]
async fn what_is_undone_leaves_nothing() {
    let stand = stand();
    let store = stand.store().await;
    let value = json!(1);
    let row = SettingRow { coordinator: COORDINATOR, key: "port", value: &value, kind: "int", secret: false };
    let mut tx = store.begin().await.unwrap();
    setting_rows::put(&mut tx, &row, "ada").await.unwrap();
    assert_eq!(setting_rows::load_for_change(&mut tx, COORDINATOR).await.unwrap().len(), 1);
    drop(tx);
    assert!(setting_rows::load(&store, COORDINATOR).await.unwrap().is_empty());

    for (row, part) in [
        (SettingRow { kind: "colour", ..row.clone() }, "config_type_check"),
        (SettingRow { key: "a\0b", ..row.clone() }, "NUL"),
    ] {
        let mut tx = store.begin().await.unwrap();
        let error = setting_rows::put(&mut tx, &row, "ada").await.unwrap_err();
        assert!(matches!(error, StoreError::Invalid { .. }) && error.to_string().contains(part), "{error}");
    }
}
