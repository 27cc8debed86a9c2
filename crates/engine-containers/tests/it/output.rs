//! What containers say, and what happens to them.

use engine_containers::{LogOptions, Source, WithVolumes};

use crate::stand::{LIMIT, Stand};

#[tokio::test]
async fn logs_of_several_are_merged_and_followed() {
    let stand = Stand::start().await;
    let engine = &stand.engine;
    // They take turns by a file that both see.
    let early = stand.started("early", "echo a1; sleep 0.3; echo a2 >&2; sleep 0.3; echo a3; read x").await;
    let late = stand.started("late", "sleep 0.15; echo b1; sleep 0.3; echo b2; sleep 0.3; echo b3").await;
    for name in [&early, &late] {
        engine.ended(name, LIMIT).await.unwrap();
    }
    let names = [early.as_str(), late.as_str()];
    let lines = engine.logs_until_now(&names, &LogOptions::default()).await.unwrap();
    assert_eq!(lines.len(), 6, "{lines:?}");
    assert!(lines.windows(2).all(|pair| pair[0].at <= pair[1].at), "{lines:?}");
    let of = |name: &str| -> Vec<&str> {
        lines.iter().filter(|line| line.container == name).map(|line| line.text.as_str()).collect()
    };
    assert_eq!((of(&early), of(&late)), (vec!["a1", "a2", "a3"], vec!["b1", "b2", "b3"]));
    assert_eq!(lines.iter().filter(|line| line.source == Source::Errors).count(), 1);

    // Since a line: that one and what came after it.
    let since = LogOptions { since: lines[3].at.parse().ok(), last_lines: None };
    let later = engine.logs_until_now(&names, &since).await.unwrap();
    assert_eq!(later, lines[3..]);
    let last = LogOptions { since: None, last_lines: Some(1) };
    assert_eq!(engine.logs_until_now(&names, &last).await.unwrap().len(), 2);

    // Followed: what was said, then what is said, each line once, until the end.
    let talker = stand.started("talker", "for i in 1 2 3 4 5 6; do echo $i; sleep 0.2; done").await;
    let mut followed = engine.follow_logs(&[&talker], &LogOptions::default()).await.unwrap();
    let mut heard = Vec::new();
    while let Some(line) = tokio::time::timeout(LIMIT, followed.next()).await.unwrap() {
        heard.push(line.unwrap().text);
    }
    assert_eq!(heard, ["1", "2", "3", "4", "5", "6"]);
}

#[tokio::test]
async fn what_happens_is_not_missed_between_asking_and_reading() {
    let stand = Stand::start().await;
    let engine = &stand.engine;
    let mut events = engine.events(Some(&stand.name("brief"))).await.unwrap();
    // All of it is over before the first event is read.
    let name = stand.started("brief", "exit 3").await;
    engine.ended(&name, LIMIT).await.unwrap();
    engine.remove(&name, WithVolumes::Remove).await.unwrap();
    let mut actions = Vec::new();
    while actions.last().map(String::as_str) != Some("destroy") {
        let event = tokio::time::timeout(LIMIT, events.next()).await.unwrap().unwrap().unwrap();
        if event.action == "die" {
            assert_eq!(event.attributes.get("exitCode").map(String::as_str), Some("3"));
        }
        actions.push(event.action);
    }
    assert_eq!(actions, ["create", "start", "die", "destroy"]);
}
