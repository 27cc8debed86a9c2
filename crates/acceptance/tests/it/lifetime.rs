//! What happens when parts of an observatory end and come back: the others notice, nothing is forgotten, and a second one is refused.

use std::time::Duration;

use serde_json::json;
use testkit::{Arrangement, Broker, Code, Database, Observatory, Recipe, until};

use crate::voice::Way;

/// How long an observatory may take to be well again.
const WELL_AGAIN: Duration = Duration::from_secs(10);
/// How long one question may wait that was sent too early.
const PATIENCE: Duration = Duration::from_secs(1);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_process_is_started_again_and_adopts_its_database() {
    let mut observatory = Observatory::with(Broker::Embedded, Database::Private).start().await;
    let made = Way::Bus.open(&observatory).await.good("telescope/config/create", json!({"name": "North dome"})).await;
    let server = observatory.postmaster().pid();
    observatory.kill("up").await;
    assert!(server.is_some() && observatory.postmaster().pid() == server, "the database server lives on");
    observatory.start_again("up").await;
    assert_eq!(observatory.postmaster().pid(), server);
    let found = Way::Bus.open(&observatory).await.good("telescope/config/list", json!({})).await;
    assert_eq!(found["configs"][0]["id"], made["id"], "{found}");
    assert_eq!(observatory.interrupt("up").await, Some(0));
    assert_eq!(observatory.postmaster().pid(), None, "the database server ends with who adopted it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_one_is_refused() {
    let observatory = Observatory::with(Broker::Embedded, Database::Private).start().await;
    let first = observatory.process("up").recipe();
    let with = |name: &str, flag: &str, value: &str| {
        let mut arguments = first.arguments.clone();
        let place = arguments.iter().position(|argument| argument == flag).unwrap();
        arguments[place + 1] = value.to_owned();
        Recipe { name: name.to_owned(), arguments, ..first.clone() }
    };
    let folder = observatory.data().with_file_name("other-data").display().to_string();
    let same_folder = with("same-folder", "--mqtt", "127.0.0.1:0");
    let same_port = with("same-port", "--data-dir", &folder);
    for (recipe, complaint, way_out) in
        [(same_folder, "is in use by process", "--data-dir"), (same_port, "is taken by another program", "--mqtt")]
    {
        let second = recipe.start();
        assert_eq!(
            second.ended(WELL_AGAIN).await,
            Some(i32::from(Code::Conflict.exit_code())),
            "{}",
            second.last_words()
        );
        let said = second.log();
        assert!(said.contains(complaint) && said.contains(way_out), "{said}");
    }
    observatory.healthy_again(WELL_AGAIN).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn roles_come_and_go() {
    let plan = Observatory::with(Broker::Mosquitto, Database::Given).arrangement(Arrangement::Apart);
    let mut observatory = plan.start().await;
    observatory.kill("telescope").await;
    let voice = Way::Bus.open(&observatory).await;
    until("the telescope coordinator is known to be gone", WELL_AGAIN, async || {
        // What was sent before the news came waits for its own limit, so each is given up soon.
        let asked = tokio::time::timeout(PATIENCE, voice.ask("telescope/device/list", json!({}))).await;
        let refusal = asked.ok().and_then(Result::err);
        refusal.is_some_and(|refusal| refusal.code == "unavailable" && refusal.message.contains("not running"))
    })
    .await;
    voice.good("datastore/ping", json!({})).await;
    drop(voice);
    for name in ["telescope", "bootstrap", "mosquitto"] {
        if observatory.process(name).runs() {
            observatory.kill(name).await;
        }
        observatory.start_again(name).await;
        observatory.healthy_again(WELL_AGAIN).await;
    }
    Way::Bus.open(&observatory).await.good("telescope/device/list", json!({})).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_database_ends_or_hangs() {
    let observatory = Observatory::with(Broker::Embedded, Database::Private).start().await;
    observatory.postmaster().kill().await;
    observatory.postmaster().ready(WELL_AGAIN).await;
    observatory.healthy_again(WELL_AGAIN).await;
    let voice = Way::Bus.open(&observatory).await;
    observatory.postmaster().freeze();
    let refused = voice.ask("telescope/config/create", json!({"name": "frozen"})).await.unwrap_err();
    assert!(["unavailable", "timeout"].contains(&refused.code.as_str()), "{refused:?}");
    observatory.postmaster().thaw();
    observatory.healthy_again(WELL_AGAIN).await;
    voice.good("telescope/config/create", json!({"name": "thawed"})).await;
}
