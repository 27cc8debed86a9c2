//! What reaches whom: refusals that break nobody, filters, wills, stamps, retained messages, sessions, shared subscriptions.

use std::time::Duration;

use engine_broker::{Message, PublishError, Quality, Unacceptable};

use crate::{
    raw::{BOTH, Hello, Level, Raw, packet},
    stand::{account, broker, until},
};

#[tokio::test]
async fn refused_messages_disturb_nobody() {
    let (broker, tcp, _) = broker().await;
    let mut root = Raw::welcome(tcp, &Hello::new(Level::V5, "root", "root")).await;
    root.subscribe("#").await;
    let deep = "open/".to_owned() + &"a/".repeat(32);
    let long = "open/".to_owned() + &"x".repeat(200);
    let mut refused = 0;
    for level in BOTH {
        let mut alice = Raw::welcome(tcp, &Hello::new(level, "alice", "alice")).await;
        for (topic, retain, allowed) in [
            ("open/a", false, true),
            ("open/a", true, false),
            ("kept/a", true, true),
            ("kept/a", false, true),
            ("closed/a", false, false),
            ("$SYS/broker/uptime", false, false),
            ("$share/g/open/a", false, false),
            (&deep, false, false),
            (&long, false, false),
        ] {
            for qos in [0, 1, 2] {
                let answer = alice.publish(topic, b"x", qos, retain).await;
                let code = if allowed || level == Level::V311 { vec![] } else { vec![0x87] };
                match answer.as_deref() {
                    None => assert_eq!(qos, 0),
                    // 3.1.1 has no negative acknowledgement: the packet identifier alone, else clients such as paho disconnect.
                    Some(&[0x40 | 0x50, 2, 0, 7]) => assert!(code.is_empty(), "{topic} {qos} {level:?}"),
                    Some(&[0x40 | 0x50, _, 0, 7, got, ..]) => assert_eq!(vec![got], code, "{topic} {qos} {level:?}"),
                    other => panic!("{other:?}"),
                }
                if qos == 2 && code.is_empty() {
                    alice.send(&[0x62, 2, 0, 7]).await;
                    assert_eq!(alice.next().await.as_deref(), Some(&[0x70, 2, 0, 7][..]), "{topic} {level:?}");
                }
                alice.expect_quiet().await;
                if allowed {
                    assert_eq!(root.message().await, (topic.to_owned(), b"x".to_vec()), "{topic} {qos} {level:?}");
                } else {
                    refused += 1;
                    root.expect_quiet().await;
                }
            }
        }
        // A PUBREL that nobody awaits is answered with a reason code by the protocol crate, which 3.1.1 does not know either.
        alice.send(&[0x62, 2, 0, 99]).await;
        let answer = alice.next().await.unwrap();
        assert_eq!(answer.len(), if level == Level::V311 { 4 } else { 6 }, "{answer:?}");
        alice.bye().await;
    }
    assert_eq!(broker.statistics().await.refused_publishes, refused);
    assert_eq!(broker.statistics().await.retained, 1, "only what was allowed is retained");
}

#[tokio::test]
async fn marks_stay_with_their_messages() {
    let (broker, tcp, _) = broker().await;
    let mut root = Raw::welcome(tcp, &Hello::new(Level::V5, "root", "root")).await;
    root.subscribe("open/#").await;
    let mut alice = Raw::welcome(tcp, &Hello::new(Level::V311, "alice", "alice")).await;
    // Many messages in one write: every third is to be retained, which this account may not.
    let many: Vec<u8> = (0..300_u32)
        .flat_map(|i| packet(0x30 | u8::from(i % 3 == 0), &[&[0, 6][..], b"open/a", i.to_string().as_bytes()].concat()))
        .collect();
    alice.send(&many).await;
    for i in (0..300).filter(|i| i % 3 != 0) {
        assert_eq!(root.message().await.1, i.to_string().into_bytes());
    }
    root.expect_quiet().await;
    assert_eq!((broker.statistics().await.retained, broker.statistics().await.refused_publishes), (0, 100));
}

#[tokio::test]
async fn filters() {
    let (broker, tcp, _) = broker().await;
    let deep = "open/".to_owned() + &vec!["+"; 29_999].join("/");
    let long = "open/".to_owned() + &"x".repeat(200);
    for level in BOTH {
        let mut alice = Raw::welcome(tcp, &Hello::new(level, "alice", "alice")).await;
        for (filter, granted) in [
            ("open/a", true),
            ("open/#", true),
            ("open/+/b", true),
            ("#", false),
            ("+/a", false),
            ("closed/a", false),
            ("$SYS/#", false),
            ("$share/workers/open/#", true),
            ("$share/workers/closed/#", false),
            ("$share/workers/#", false),
            ("$share/open/closed/a", false),
            ("$share//open/a", false),
            ("$share/workers", false),
            ("$share/wor+ers/open/a", false),
            ("open/a#", false),
            (&deep, false),
            (&long, false),
        ] {
            let code = alice.subscribe(filter).await;
            assert_eq!(code < 0x80, granted, "{} with {level:?}: {code:#x}", &filter[..filter.len().min(80)]);
        }
        let all = broker.clients().await;
        assert_eq!(all[0].filters, ["$share/workers/open/#", "open/#", "open/+/b", "open/a"]);
        assert_eq!((all[0].client_id.as_str(), &all[0].account), ("alice", &account("alice")));
        assert_eq!(all[0].link.unwrap().protocol.as_str(), if level == Level::V311 { "3.1.1" } else { "5" });
        alice.bye().await;
    }
}

#[tokio::test]
async fn wills_are_published() {
    let (_broker, tcp, _) = broker().await;
    let mut root = Raw::welcome(tcp, &Hello::new(Level::V5, "root", "root")).await;
    root.subscribe("#").await;
    for level in BOTH {
        for (topic, retain) in [("open/will", false), ("kept/will", true)] {
            let hello = Hello { will: Some((topic, retain)), ..Hello::new(level, "mortal", "alice") };
            drop(Raw::welcome(tcp, &hello).await);
            assert_eq!(root.message().await, (topic.to_owned(), b"gone".to_vec()));
            Raw::welcome(tcp, &hello).await.bye().await;
            root.expect_quiet().await;
        }
    }
    let mut late = Raw::welcome(tcp, &Hello::new(Level::V311, "late", "root")).await;
    late.subscribe("#").await;
    assert_eq!(late.message().await.0, "kept/will");
}

#[tokio::test]
async fn too_large_a_packet_ends_the_connection_only() {
    let (_broker, tcp, _) = broker().await;
    let mut other = Raw::welcome(tcp, &Hello::new(Level::V5, "other", "alice")).await;
    for level in BOTH {
        let mut alice = Raw::welcome(tcp, &Hello::new(level, "alice", "alice")).await;
        let most = (1 << 20) - 100;
        assert!(alice.publish("open/a", &vec![0; most], 1, false).await.is_some(), "a large message passes");
        alice.send(&[0x30, 0xff, 0xff, 0xff, 0x7f]).await;
        let end = alice.next().await;
        assert!(end.is_none() || end.is_some_and(|packet| packet[0] == 0xe0 && level == Level::V5));
        other.expect_quiet().await;
    }
}

#[tokio::test]
async fn shared_subscriptions_share() {
    let (_broker, tcp, _) = broker().await;
    let mut workers = Vec::new();
    for id in ["w1", "w2"] {
        let mut worker = Raw::welcome(tcp, &Hello::new(Level::V5, id, "alice")).await;
        assert_eq!(worker.subscribe("$share/workers/open/#").await, 1);
        workers.push(worker);
    }
    let mut root = Raw::welcome(tcp, &Hello::new(Level::V311, "root", "root")).await;
    for i in 0..10_u8 {
        root.publish("open/job", &[i], 1, false).await;
    }
    let mut seen = Vec::new();
    for worker in &mut workers {
        for _ in 0..5 {
            seen.extend(worker.message().await.1);
        }
        worker.expect_quiet().await;
    }
    seen.sort_unstable();
    assert_eq!(seen, (0..10).collect::<Vec<u8>>());
}

#[tokio::test]
async fn sessions_wait_for_their_clients() {
    let (broker, tcp, _) = broker().await;
    for level in BOTH {
        let hello = Hello::new(level, "away", "alice").staying();
        let mut alice = Raw::welcome(tcp, &hello).await;
        alice.subscribe("open/#").await;
        alice.bye().await;
        until("alice is away", async || broker.clients().await.iter().all(|client| client.link.is_none())).await;
        let mut root = Raw::welcome(tcp, &Hello::new(level, "root", "root")).await;
        for i in 0..5_u8 {
            root.publish("open/a", &[i], 1, false).await;
        }
        root.bye().await;
        let (mut alice, code, present) = Raw::hello(tcp, &hello).await;
        assert_eq!((code, present), (0, true));
        for i in 0..5_u8 {
            assert_eq!(alice.message().await.1, [i], "in order");
        }
        alice.bye().await;
        Raw::welcome(tcp, &Hello::new(level, "away", "alice")).await.bye().await;
    }
}

#[tokio::test]
async fn messages_from_inside_meet_the_same_checks() {
    let (broker, tcp, _) = broker().await;
    let mut root = Raw::welcome(tcp, &Hello::new(Level::V311, "root", "root")).await;
    root.subscribe("#").await;
    let alice = account("alice");
    let refused = |topic: &str| Err(PublishError::NotAllowed { account: account("alice"), topic: topic.to_owned() });
    let topic = |topic: &str, reason| Err(PublishError::Topic { topic: topic.to_owned(), reason });
    for (message, expected) in [
        (Message::new("open/a", "1"), Ok(())),
        (Message { quality: Quality::AtMostOnce, ..Message::new("open/a", "2") }, Ok(())),
        (Message { quality: Quality::ExactlyOnce, ..Message::new("open/a", "3") }, Ok(())),
        (Message::new("kept/a", "4").retained(), Ok(())),
        (Message::new("open/a", "5").retained(), refused("open/a")),
        (Message::new("closed/a", "6"), refused("closed/a")),
        (Message::new("$SYS/a", "7"), topic("$SYS/a", Unacceptable::Reserved)),
        (Message::new("open/#", "8"), topic("open/#", Unacceptable::Character)),
        (
            Message::new("open/a", vec![0; (1 << 20) + 1]),
            Err(PublishError::TooLarge { topic: "open/a".to_owned(), bytes: (1 << 20) + 1, limit: 1 << 20 }),
        ),
    ] {
        let (topic, payload) = (message.topic.clone(), message.payload.to_vec());
        assert_eq!(broker.publish(&alice, message).await, expected);
        if expected.is_ok() {
            assert_eq!(root.message().await, (topic, payload));
        } else {
            root.expect_quiet().await;
        }
    }
    let brief = Message { expiry: Some(Duration::from_secs(1)), ..Message::new("kept/brief", "9").retained() };
    broker.publish(&alice, brief).await.unwrap();
    engine::Engine::stop(&broker).await;
    assert_eq!(broker.publish(&alice, Message::new("open/a", "late")).await, Err(PublishError::Stopped));
}
