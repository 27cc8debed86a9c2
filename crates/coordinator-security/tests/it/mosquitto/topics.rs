//! What each kind of account may, as tables; and how it gets there.

use std::{net::Ipv4Addr, time::Duration};

use bus::{BrokerKind, Credentials};
use catalog::{Face, Owner, Party};
use coordinator_security::mosquitto::{Controller, PluginGrant, Wanted, set_up};
use testkit::{Clients, Version};
use vocabulary::Code;

use super::{broker::Broker, session::Session};

fn node() -> Credentials {
    let account = "node".parse().unwrap();
    Credentials { account, password: "0123456789abcdef".to_owned(), broker: BrokerKind::External }
}

fn password_of(role: &str) -> String {
    node().for_role(&role.parse().unwrap()).unwrap().password
}

async fn session(broker: &Broker, role: &str) -> Session {
    Session::open(broker.port, role, &password_of(role)).await.unwrap()
}

#[tokio::test]
async fn nodes_publish_what_they_own() {
    let broker = Broker::start().await;
    let summary = set_up(&broker.administrator().await, &node()).await.unwrap();
    assert_eq!(summary.made.len(), Owner::ALL.len() + Face::ALL.len() + 1);
    let mut telescope = session(&broker, "telescope-coordinator").await;
    for (topic, wanted) in [
        ("bigskies/coordinator/telescope/event/slew-ended", true),
        ("bigskies/coordinator/telescope/state/position/x", true),
        ("bigskies/coordinator/health/telescope-coordinator", true),
        ("bigskies/client/bob/c/reply/1", true),
        ("bigskies/coordinator/bootstrap/request", true),
        ("bigskies/coordinator/health/datastore-coordinator", false),
        ("bigskies/coordinator/service/state/service/x", false),
        ("bigskies/coordinator/bootstrap/credentials", false),
        ("$CONTROL/dynamic-security/v1", false),
        ("elsewhere", false),
    ] {
        assert_eq!(telescope.may_publish(topic, false).await, wanted, "publish {topic}");
        assert_eq!(telescope.may_publish(topic, true).await, wanted, "retain {topic}");
    }
    for (filter, wanted) in [
        ("bigskies/coordinator/telescope/control/slew", true),
        ("bigskies/coordinator/health/+", true),
        ("bigskies/coordinator/telescope/state/+/#", true),
        ("$share/workers/bigskies/coordinator/telescope/control/slew", true),
        ("bigskies/client/telescope-coordinator/c/reply/#", true),
        ("bigskies/coordinator/datastore/backup/create", false),
        ("bigskies/client/bob/#", false),
        ("bigskies/#", false),
        ("$share/workers/#", false),
        ("#", false),
        ("$SYS/#", false),
        ("$CONTROL/#", false),
    ] {
        assert_eq!(telescope.may_read(filter).await, wanted, "read {filter}");
    }
    let mut security = session(&broker, "security-coordinator").await;
    assert!(security.may_publish("$CONTROL/dynamic-security/v1", false).await);
    for role in ["node", "gateway", "message-coordinator"] {
        assert!(!session(&broker, role).await.may_publish("$CONTROL/dynamic-security/v1", false).await, "{role}");
    }
    assert!(session(&broker, "message-coordinator").await.may_read("#").await);
    for (account, password) in [
        ("telescope-coordinator", "another"),
        ("telescope-coordinator", ""),
        ("telescope-coordinator", node().password.as_str()),
        ("node", password_of("telescope-coordinator").as_str()),
        ("nobody", ""),
    ] {
        assert!(Session::open(broker.port, account, password).await.is_none(), "{account} {password}");
    }
}

#[tokio::test]
async fn a_last_will_is_a_message_like_others() {
    let broker = Broker::start().await;
    set_up(&broker.administrator().await, &node()).await.unwrap();
    let mut message = session(&broker, "message-coordinator").await;
    assert!(message.may_read("#").await);
    let (own, others) =
        ("bigskies/coordinator/health/telescope-coordinator", "bigskies/coordinator/health/datastore-coordinator");
    for topic in [others, own] {
        let password = password_of("telescope-coordinator");
        let session = Session::with_will(broker.port, "telescope-coordinator", &password, Some(topic)).await;
        assert!(session.is_some());
        // Dropped without a word.
        drop(session);
    }
    let heard = testkit::until_some("the last will", Duration::from_secs(10), async || {
        Some(message.heard().await).filter(|heard| !heard.is_empty())
    });
    assert_eq!(heard.await, [own]);
}

/// Under 3.1.1 a refused publish is acknowledged and dropped.
#[tokio::test]
async fn an_older_protocol_has_no_more_rights() {
    let broker = Broker::start().await;
    set_up(&broker.administrator().await, &node()).await.unwrap();
    let role = node().for_role(&"telescope-coordinator".parse().unwrap()).unwrap();
    let clients = Clients::new((Ipv4Addr::LOCALHOST, broker.port).into(), Some(role), None, Version::V311);
    let own = "bigskies/coordinator/health/telescope-coordinator";
    // mosquitto_sub says that it has subscribed when it has a message to show.
    clients.publish(own, "1", &["-r"]).await;
    let heard = clients.subscribe(&["#", "bigskies/client/bob/#", "bigskies/coordinator/health/+"]).await;
    let mut message = session(&broker, "message-coordinator").await;
    assert!(message.may_read("#").await);
    message.heard().await;
    for topic in ["bigskies/coordinator/health/datastore-coordinator", "elsewhere"] {
        clients.publish(topic, "{}", &["-r"]).await;
    }
    // An answer for bob, which is none of its business.
    clients.publish("bigskies/client/bob/c/reply/1", "{}", &[]).await;
    clients.publish(own, "2", &["-r"]).await;
    heard.wait_for("its own health", Duration::from_secs(10), |heard| heard.payload == 2).await;
    assert!(heard.messages().iter().all(|heard| heard.topic == own), "{:?}", heard.messages());
    let all = ["bigskies/client/bob/c/reply/1", own];
    let mut seen = message.heard().await;
    seen.sort();
    assert_eq!(seen, all);
}

#[tokio::test]
async fn a_second_time_there_is_nothing_to_do() {
    let mut broker = Broker::start().await;
    let first = set_up(&broker.administrator().await, &node()).await.unwrap();
    assert!(first.commands > 16, "{first:?}");
    for what in ["at once", "after a restart"] {
        let summary = set_up(&broker.administrator().await, &node()).await.unwrap();
        assert_eq!((summary.commands, summary.strangers.len()), (0, 0), "{what}: {summary:?}");
        assert!(
            session(&broker, "gateway").await.may_publish("bigskies/coordinator/telescope/control/slew", false).await
        );
        broker.restart().await;
    }
    // As the coordinator itself would: by its own account.
    let bus = broker.bus("security-coordinator", &password_of("security-coordinator")).await;
    assert_eq!(set_up(&bus, &node()).await.unwrap().commands, 0);
    let other = Credentials { password: "another".to_owned(), ..node() };
    let renewed = set_up(&broker.administrator().await, &other).await.unwrap();
    assert_eq!(renewed.changed.len(), renewed.commands);
    assert!(Session::open(broker.port, "gateway", &password_of("gateway")).await.is_none());
}

#[tokio::test]
async fn a_plugin_goes_no_further_than_its_topics() {
    let broker = Broker::start().await;
    let mut controller = Controller::open(&broker.administrator().await).await.unwrap();
    let grant = PluginGrant {
        id: "weather".parse().unwrap(),
        publishes: vec!["bigskies/coordinator/telescope/control/park".to_owned()],
        reads: vec!["bigskies/coordinator/telescope/state/position/+".to_owned()],
        password: Some("a token of its own".into()),
    };
    let wanted = |grants: &[PluginGrant]| {
        let mut wanted = Wanted::default();
        wanted.plugins(&catalog::all(), grants).unwrap();
        wanted
    };
    controller.provision(&wanted(std::slice::from_ref(&grant))).await.unwrap();
    let account = Party::Plugin(grant.id.clone()).account().unwrap();
    let mut plugin = Session::open(broker.port, account.as_str(), "a token of its own").await.unwrap();
    for (topic, wanted) in [
        ("bigskies/plugin/weather/health", true),
        ("bigskies/plugin/weather/data/wind", true),
        ("bigskies/coordinator/telescope/control/park", true),
        ("bigskies/coordinator/telescope/control/slew", false),
        ("bigskies/plugin/other/health", false),
        ("bigskies/coordinator/security/plugin/weather/token", false),
        ("bigskies/coordinator/health/telescope-coordinator", false),
    ] {
        assert_eq!(plugin.may_publish(topic, true).await, wanted, "publish {topic}");
    }
    for (filter, wanted) in [
        ("bigskies/plugin/weather/control/#", true),
        ("bigskies/coordinator/security/plugin/weather/token", true),
        ("bigskies/coordinator/telescope/state/position/x", true),
        ("bigskies/coordinator/telescope/state/#", false),
        ("bigskies/coordinator/security/plugin/+/token", false),
        ("bigskies/plugin/#", false),
        ("#", false),
    ] {
        assert_eq!(plugin.may_read(filter).await, wanted, "read {filter}");
    }
    let removed = controller.provision(&wanted(&[])).await.unwrap();
    assert_eq!(removed.removed, ["plugin.weather"]);
    assert!(plugin.thrown_out().await);
    assert!(controller.look().await.unwrap().roles.keys().eq(["admin"]), "no role is left behind");
}

#[tokio::test]
async fn without_the_plugin_there_is_a_way_out() {
    let broker = Broker::start_without_plugin().await;
    let fault = set_up(&broker.administrator().await, &node()).await.unwrap_err();
    assert_eq!(fault.code, Code::Unavailable);
    assert!(fault.hint.contains("mosquitto.conf"), "{fault:?}");
    let gateway = Credentials { account: "gateway".parse().unwrap(), ..node() };
    assert_eq!(set_up(&broker.administrator().await, &gateway).await.unwrap_err().code, Code::Invalid);
}
