//! What the processes of an observatory owe each other and their supervisor: a folder for each alone, an end that says whether to try again,
//! and a password that may change under them.

use std::time::Duration;

use catalog::{Owner, topic};
use serde_json::json;
use testkit::{Arrangement, Ask, Broker, Database, Observatory, Outgoing, until};

use crate::stand::{ask, is_soak};

/// The exit code of a conflict.
const IN_USE: i32 = 7;
/// The exit code after which a supervisor tries again (`EX_TEMPFAIL` of sysexits.h).
const TRY_AGAIN: i32 = 75;
/// How long the coordinators may take to follow another password.
const FOLLOWED: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_instance_beside_processes_apart_is_refused() {
    let plan = Observatory::with(Broker::Embedded, Database::Private).arrangement(Arrangement::Apart);
    let observatory = plan.start().await;
    refused(&observatory, &[&["up"], &["run", "broker"], &["run", "database"]]).await;
}

/// On the same data folder none of these starts; what runs goes on.
async fn refused(observatory: &Observatory, seconds: &[&[&str]]) {
    let data = observatory.data().display().to_string();
    for second in seconds {
        let arguments: Vec<&str> = second.iter().copied().chain(["--data-dir", &data]).collect();
        let ended = observatory.terminal(&arguments).await;
        assert_eq!(ended.code, Some(IN_USE), "{second:?}: {ended:?}");
        for part in [&data, "is in use by process", "--data-dir"] {
            assert!(ended.stderr.contains(part), "{second:?} does not say {part:?}: {ended:?}");
        }
    }
    observatory.healthy_again(Duration::from_secs(10)).await;
}

/// Each waits half a minute before it gives up, so that this is for the soak.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_role_without_what_it_needs_ends_so_that_it_is_tried_again() {
    if !is_soak() {
        return;
    }
    let plan = Observatory::with(Broker::Embedded, Database::Private).arrangement(Arrangement::Apart);
    let observatory = plan.start().await;
    observatory.kill("bootstrap").await;
    let bus = observatory.client("operator").await;
    let nothing = Outgoing { topic: topic::CREDENTIALS.to_owned(), retain: true, ..Outgoing::default() };
    bus.publish(nothing).await.unwrap();
    let elsewhere = observatory.data().with_file_name("elsewhere").display().to_string();
    for (second, says) in
        [(&["run", "application", "--data-dir", &elsewhere][..], "no credentials for the database within 30 s")]
    {
        let ended = observatory.terminal(second).await;
        assert_eq!(ended.code, Some(TRY_AGAIN), "{second:?}: {ended:?}");
        assert!(ended.stderr.contains(says) && ended.stderr.contains("hint: "), "{second:?}: {ended:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_password_reaches_every_process() {
    let plan = Observatory::with(Broker::Embedded, Database::Given).arrangement(Arrangement::Apart);
    let mut observatory = plan.start().await;
    let pids = |observatory: &Observatory| Owner::ALL.map(|owner| observatory.process(owner.name()).pid());
    let before = pids(&observatory);
    observatory.change_database_password("another:one\\too").await;
    let bus = observatory.client("operator").await;
    for owner in Owner::ALL {
        // A row that is written and read needs the password; no row of this name was there before.
        let key = json!({ "key": "health_interval_seconds", "value": 29 });
        until(&format!("a setting of {owner} with the other password"), FOLLOWED, async || {
            let how = Ask { limit: Some(Duration::from_secs(3)), ..Ask::default() };
            ask(&bus, &format!("{}/settings/set", owner.word()), key.clone(), how).await.is_ok()
        })
        .await;
    }
    observatory.healthy_again(FOLLOWED).await;
    assert_eq!(pids(&observatory), before, "nobody was started again");
    assert!(Owner::ALL.iter().all(|owner| observatory.process(owner.name()).runs()));
}
