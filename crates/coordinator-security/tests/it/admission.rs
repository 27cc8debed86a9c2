//! Plugins let in with what their manifests name, by who has as much, and let in no more.

use catalog::security::{
    AdmitPlugin, CreateKey, DismissPlugin, GrantPermission, ListAdmittedPlugins, Login, QueryAudit, Revoked, Rule,
    Ruling, TokenRevoked, UserChange, UserChanged, UserCreated,
};
use serde_json::json;
use vocabulary::{Code, ids::AccountName};

use crate::{
    rights::grant,
    stand::{Stand, next, next_where},
};

fn named(id: &str) -> AdmitPlugin {
    serde_json::from_value(json!({ "plugin_id": id })).unwrap()
}

/// With these topics to publish on, filters to read, and permissions.
fn admit(publishes: &[&str], reads: &[&str], permissions: &[&str]) -> AdmitPlugin {
    let manifest =
        json!({ "plugin_id": "weather", "publishes": publishes, "reads": reads, "permissions": permissions });
    serde_json::from_value(manifest).unwrap()
}

const PARK: &str = "bigskies/coordinator/telescope/control/park";
const EVENTS: &str = "bigskies/coordinator/telescope/event/#";

fn dismiss() -> DismissPlugin {
    DismissPlugin { plugin_id: "weather".parse().unwrap() }
}

fn login(password: &str) -> Login {
    serde_json::from_value(json!({ "username": "plugin.weather", "password": password })).unwrap()
}

#[tokio::test]
async fn a_plugin_from_beginning_to_end() {
    let stand = Stand::start().await;
    let (root, plugin) = (stand.client("root").await, stand.client("plugin.weather").await);
    let name: AccountName = "plugin.weather".parse().unwrap();
    let (mut made, mut changed) = (stand.events::<UserCreated>().await, stand.events::<UserChanged>().await);
    let mut revoked = stand.events::<TokenRevoked>().await;
    let denied = Rule { effect: Ruling::Deny, scope: Some("telescope:t1".to_owned()), ..rule("telescope", "write") };
    let mut manifest = admit(&[PARK, "sky/clouds"], &[EVENTS], &["telescope:control", "key:write"]);
    manifest.permissions.push(denied.clone());
    let admitted = root.ask(manifest.clone()).await.unwrap();
    assert_eq!((&admitted.account, next::<UserCreated>(&mut made).await.user.id), (&name, admitted.user_id.clone()));
    let account = stand.rights.snapshot().account(&name).cloned().unwrap();
    let topics = account.manifest.unwrap();
    assert_eq!((&topics.publishes, &topics.reads), (&manifest.publishes, &manifest.reads));
    assert!(stand.rights.check(&name, ("telescope", "control"), None).allowed);
    let session = plugin.ask(login(admitted.password.expose())).await.unwrap();
    let key = json!({ "name": "x" });
    let key = plugin.ask(serde_json::from_value::<CreateKey>(key).unwrap()).await.unwrap();

    let listed = root.ask(ListAdmittedPlugins::default()).await.unwrap();
    let [one] = listed.plugins.as_slice() else { panic!("{listed:?}") };
    assert_eq!((one.plugin_id.as_str(), &one.account, one.enabled), ("weather", &name, true));
    assert_eq!((&one.publishes, &one.reads), (&manifest.publishes, &manifest.reads));
    assert_eq!(one.permissions, [rule("key", "write"), rule("telescope", "control"), denied]);

    let again = root.ask(admit(&[], &[], &["telescope:read"])).await.unwrap();
    assert_eq!(again.user_id, admitted.user_id);
    assert_eq!(plugin.code(login(admitted.password.expose())).await, Some(Code::Unauthenticated));
    for void in [session.token.expose(), key.key.expose()] {
        let client = stand.client("nobody").await.with(void);
        stand.unauthenticated(&client, ListAdmittedPlugins::default()).await;
    }
    plugin.ask(login(again.password.expose())).await.unwrap();
    assert!(!stand.rights.check(&name, ("telescope", "control"), None).allowed);
    assert_eq!(
        root.ask(ListAdmittedPlugins::default()).await.unwrap().plugins[0].permissions,
        [rule("telescope", "read")]
    );
    next_where(&mut changed, |event: &UserChanged| event.change == UserChange::PasswordChanged).await;

    root.ask(dismiss()).await.unwrap();
    assert_eq!(plugin.code(login(again.password.expose())).await, Some(Code::Unauthenticated));
    assert!(root.ask(ListAdmittedPlugins::default()).await.unwrap().plugins.is_empty());
    assert_eq!(root.code(dismiss()).await, Some(Code::NotFound));
    next_where(&mut changed, |event: &UserChanged| event.change == UserChange::Disabled).await;
    next_where(&mut revoked, |event: &TokenRevoked| event.what == Revoked::User && event.reason == "dismissed").await;
    root.ask(manifest).await.unwrap();
    next_where(&mut changed, |event: &UserChanged| event.change == UserChange::Enabled).await;

    let trail = root.ask(QueryAudit { action: Some("security/plugin/admit".to_owned()), ..QueryAudit::default() });
    let rows = trail.await.unwrap().rows;
    assert_eq!(rows.len(), 3);
    let first = rows.iter().min_by_key(|row| row.sequence).unwrap();
    assert_eq!(first.object, "weather");
    assert_eq!(first.details["publishes"], json!([PARK, "sky/clouds"]));
    assert!(first.details["permissions"].to_string().contains("allow telescope:control"));
    let written = serde_json::to_string(&rows).unwrap();
    assert!(!written.contains(admitted.password.expose()) && !written.contains(again.password.expose()));
}

fn rule(resource: &str, action: &str) -> Rule {
    Rule { resource: resource.to_owned(), action: action.to_owned(), effect: Ruling::Allow, scope: None }
}

#[tokio::test]
async fn nobody_lets_a_plugin_do_what_he_may_not() {
    let stand = Stand::start().await;
    stand.role("keeper", &["plugin:read", "plugin:configure", "telescope:read", "telescope:control"]).await;
    stand.role("watcher", &["plugin:read", "telescope:*"]).await;
    stand.user_with("kim", &["keeper"]).await;
    stand.user_with("wim", &["watcher"]).await;
    let (kim, wim, root) = (stand.client("kim").await, stand.client("wim").await, stand.client("root").await);
    let security = "bigskies/coordinator/security/event/login-failed";
    for (what, admit, wanted) in [
        ("nothing", admit(&[], &[], &[]), None),
        ("what he has", admit(&[PARK, "sky/x"], &[EVENTS, "sky/#"], &["telescope:read", "telescope:control"]), None),
        ("another right", admit(&[], &[], &["telescope:write"]), Some(Code::Forbidden)),
        ("every action", admit(&[], &[], &["telescope:*"]), Some(Code::Forbidden)),
        ("everything", admit(&[], &[], &["*:*"]), Some(Code::Forbidden)),
        ("what others read", admit(&[], &[security], &[]), Some(Code::Forbidden)),
        ("all states", admit(&[], &["bigskies/coordinator/+/state/#"], &[]), Some(Code::Forbidden)),
        (
            "another party's topic",
            admit(&["bigskies/coordinator/health/telescope-coordinator"], &[], &[]),
            Some(Code::Invalid),
        ),
        ("another plugin's", admit(&[], &["bigskies/plugin/other/#"], &[]), Some(Code::Invalid)),
        ("others' replies", admit(&[], &["bigskies/client/#"], &[]), Some(Code::Invalid)),
        ("the database", admit(&[], &["bigskies/coordinator/bootstrap/credentials"], &[]), Some(Code::Invalid)),
        ("no permission", admit(&[], &[], &["Telescope:read"]), Some(Code::Forbidden)),
        ("a long id", named(&"x".repeat(58)), Some(Code::Invalid)),
    ] {
        assert_eq!(kim.code(admit).await, wanted, "{what}");
    }
    assert_eq!(wim.code(admit(&[], &[], &[])).await, Some(Code::Forbidden));
    assert_eq!(wim.code(dismiss()).await, Some(Code::Forbidden));
    assert_eq!(wim.ask(ListAdmittedPlugins::default()).await.unwrap().plugins.len(), 1);
    assert_eq!(stand.client("plugin.weather").await.code(admit(&[], &[], &[])).await, Some(Code::Forbidden), "itself");

    // What an administrator denied a plugin is not lifted by letting it in again.
    let own = GrantPermission { role_id: Some("plugin.weather".parse().unwrap()), ..grant("service:write") };
    root.ask(GrantPermission { effect: Ruling::Deny, ..own }).await.unwrap();
    assert_eq!(kim.code(admit(&[], &[], &[])).await, Some(Code::Forbidden));
    assert_eq!(kim.code(dismiss()).await, Some(Code::Forbidden));
    assert_eq!(root.code(admit(&[], &[], &[])).await, None);
    assert_eq!(kim.code(dismiss()).await, None);
}

#[tokio::test]
async fn a_password_goes_to_a_private_topic_alone() {
    let stand = Stand::start().await;
    let root = stand.client("root").await;
    let admitted = root.ask(named("weather")).await.unwrap();
    let topic = catalog::topic::inbound("security/plugin/admit");
    let mut refusals = stand.watch(catalog::topic::EVERY_RESPONSE).await;
    let payload = bytes::Bytes::from(r#"{"plugin_id": "dome"}"#);
    root.bus.publish(bus::Outgoing { topic, payload, ..bus::Outgoing::default() }).await.unwrap();
    let refusal = tokio::time::timeout(crate::stand::LIMIT, refusals.next()).await.unwrap().unwrap();
    assert!(String::from_utf8_lossy(&refusal.payload).contains("\"success\":false"));
    let plugins = root.ask(ListAdmittedPlugins::default()).await.unwrap().plugins;
    assert_eq!(plugins.len(), 1);
    let seen = stand.published.lock().unwrap().iter().any(|(_, text)| text.contains(admitted.password.expose()));
    assert!(!seen);
}
