//! The memory of accepted commands: every decision, a crowd with one id, a crash between acceptance and outcome.

use std::collections::BTreeMap;

use serde_json::json;
use store::{
    Store, StoreError,
    inbox::{Acceptance, Decision, Inbox},
    setting_rows::{self, SettingRow},
};
use uuid::Uuid;

use crate::stand::{at, stand};

fn command<'a>(caller: &'a str, id: &'a str) -> Acceptance<'a> {
    Acceptance {
        caller,
        id,
        attempt: Uuid::now_v7(),
        message: "telescope/control/slew",
        fingerprint: [7; 32],
        private: false,
        accepted_at: at(0),
        deadline: at(30),
        keep_until: at(3630),
    }
}

async fn open(store: &Store, rows_max: u64) -> Inbox {
    Inbox::open(store.clone(), "telescope", Uuid::now_v7(), rows_max).await.unwrap()
}

#[tokio::test]
async fn decisions() {
    let stand = stand();
    let store = stand.store().await;
    let before = open(&store, 100).await;
    for id in ["lost", "lost-private"] {
        let command = Acceptance { private: id == "lost-private", ..command("ada", id) };
        assert_eq!(before.accept(&command).await.unwrap(), Decision::New);
    }
    let inbox = open(&store, 100).await;
    let done = json!({"success": true});
    for id in ["done", "private", "running"] {
        let command = Acceptance { private: id == "private", ..command("ada", id) };
        assert_eq!(inbox.accept(&command).await.unwrap(), Decision::New);
    }
    inbox.finish("ada", "done", Some(&done), at(1)).await.unwrap();
    inbox.finish("ada", "done", Some(&json!("second answer")), at(2)).await.unwrap();
    inbox.finish("ada", "private", Some(&json!("the token")), at(1)).await.unwrap();

    for (what, command, decision) in [
        ("repeat", command("ada", "done"), Decision::Repeat(done.clone())),
        ("private", Acceptance { private: true, ..command("ada", "private") }, Decision::RepeatOfPrivate),
        ("executing", command("ada", "running"), Decision::Executing),
        ("earlier run", command("ada", "lost"), Decision::OutcomeUnknown),
        ("other payload", Acceptance { fingerprint: [8; 32], ..command("ada", "done") }, Decision::Conflict),
        (
            "other message",
            Acceptance { message: "telescope/control/park", ..command("ada", "done") },
            Decision::Conflict,
        ),
        ("other caller", command("bob", "done"), Decision::New),
    ] {
        assert_eq!(inbox.accept(&command).await.unwrap(), decision, "{what}");
    }
    let elsewhere = Inbox::open(store.clone(), "plugin", Uuid::now_v7(), 100).await.unwrap();
    assert_eq!(elsewhere.accept(&command("ada", "done")).await.unwrap(), Decision::New);

    let unknown = json!({"success": false, "error": {"code": "unavailable"}});
    assert_eq!(inbox.settle_unknown(&unknown, at(5)).await.unwrap(), 2);
    for id in ["lost", "lost-private"] {
        assert_eq!(inbox.accept(&command("ada", id)).await.unwrap(), Decision::Repeat(unknown.clone()), "{id}");
    }
    assert_eq!(inbox.accept(&command("ada", "running")).await.unwrap(), Decision::Executing);

    let (first, repeat) = (command("ada", "lost answer"), command("ada", "lost answer"));
    for (what, accepted, withdrawn, there) in [
        ("its own row", Some(&first), &first, true),
        ("a row twice", None, &first, false),
        ("the row of a repeat", Some(&repeat), &first, false),
    ] {
        if let Some(command) = accepted {
            assert_eq!(inbox.accept(command).await.unwrap(), Decision::New, "{what}");
        }
        assert_eq!(inbox.withdraw("ada", withdrawn.id, withdrawn.attempt).await.unwrap(), there, "{what}");
    }
    inbox.finish("ada", repeat.id, Some(&done), at(6)).await.unwrap();
    assert!(!inbox.withdraw("ada", repeat.id, repeat.attempt).await.unwrap(), "what has its answer stays");
}

#[tokio::test]
async fn bounded_and_swept() {
    let stand = stand();
    let store = stand.store().await;
    let inbox = open(&store, 3).await;
    for (id, decision) in [("a", Decision::New), ("b", Decision::New), ("c", Decision::New), ("d", Decision::Full)] {
        assert_eq!(inbox.accept(&command("ada", id)).await.unwrap(), decision, "{id}");
    }
    // One that is remembered is recognised however full it is.
    assert_eq!(inbox.accept(&command("ada", "a")).await.unwrap(), Decision::Executing);
    assert_eq!(inbox.sweep(at(3630)).await.unwrap(), 0);
    assert_eq!((inbox.sweep(at(3631)).await.unwrap(), inbox.rows()), (3, 0));
    assert_eq!(inbox.accept(&command("ada", "d")).await.unwrap(), Decision::New);
}

#[tokio::test]
async fn a_hundred_at_once_are_one() {
    let stand = stand();
    let store = stand.store().await;
    let inbox = open(&store, 1000).await;
    for round in 0..5 {
        let id = format!("round-{round}");
        let asked = futures::future::join_all((0..100).map(|_| {
            let (inbox, id) = (inbox.clone(), id.clone());
            tokio::spawn(async move { inbox.accept(&command("ada", &id)).await.unwrap() })
        }));
        let mut decisions = BTreeMap::new();
        for decision in asked.await {
            *decisions.entry(format!("{:?}", decision.unwrap())).or_insert(0) += 1;
        }
        assert_eq!(decisions, BTreeMap::from([("New".to_owned(), 1), ("Executing".to_owned(), 99)]));
    }
    assert_eq!(inbox.rows(), 5);
}

#[tokio::test]
async fn outcome_and_effect_are_one() {
    let stand = stand();
    let store = stand.store().await;
    let inbox = open(&store, 100).await;
    let value = json!(1);
    let row = SettingRow { coordinator: "x-coordinator", key: "k", value: &value, kind: "int", secret: false };
    for (id, commits) in [("undone", false), ("kept", true)] {
        inbox.accept(&command("ada", id)).await.unwrap();
        let mut tx = store.begin().await.unwrap();
        setting_rows::put(&mut tx, &row, "ada").await.unwrap();
        inbox.finish_in(&mut tx, "ada", id, Some(&json!(id)), at(1)).await.unwrap();
        if commits {
            tx.commit().await.unwrap()
        } else {
            tx.rollback().await.unwrap()
        }
        assert_eq!(setting_rows::load(&store, "x-coordinator").await.unwrap().len(), usize::from(commits));
        let expected = if commits { Decision::Repeat(json!(id)) } else { Decision::Executing };
        assert_eq!(inbox.accept(&command("ada", id)).await.unwrap(), expected);
    }
    let mut tx = store.begin().await.unwrap();
    let error = inbox.finish_in(&mut tx, "ada", "kept", None, at(2)).await.unwrap_err();
    assert!(matches!(error, StoreError::Conflict { .. }), "{error}");
}

#[tokio::test]
async fn what_one_acceptance_costs() {
    let stand = stand();
    let store = stand.store().await;
    let inbox = open(&store, 10_000).await;
    let started = std::time::Instant::now();
    for number in 0..200 {
        inbox.accept(&command("ada", &number.to_string())).await.unwrap();
    }
    println!("one acceptance, not synced to disk: {} µs", started.elapsed().as_micros() / 200);
}
