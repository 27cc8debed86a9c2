//! Rights that nobody gave: to oneself, to one's group, over administrators, in another organisation, with a key that is good for less.

use serde_json::{Value, json};

use super::{
    row::{NOT_AUTHORIZED, Row, Trace, Why},
    stand::Stand,
};

pub(crate) fn rows(stand: &Stand) -> Vec<Row> {
    by_nobody(stand)
        .into_iter()
        .chain(by_an_operator(stand))
        .chain(by_an_organisations_administrator(stand))
        .chain(with_less(stand))
        .chain(by_name(stand))
        .collect()
}

/// Who has no role at all, and one who looks on.
fn by_nobody(stand: &Stand) -> Vec<Row> {
    let eve = stand.id("eve");
    let ask = |name: &str, command: &str, payload: Value, lacks: &'static str| {
        Row::ask(name, stand, "eve", command, &payload).refused("forbidden", lacks)
    };
    let mount = stand.id("mount");
    vec![
        ask(
            "a role for oneself",
            "security/role/assign",
            json!({"user_id": eve, "role": "administrator"}),
            "eve lacks role:configure",
        ),
        ask(
            "a right for a role",
            "security/permission/grant",
            json!({"role_id": "observer", "resource": "*", "action": "*"}),
            "eve lacks permission:configure",
        ),
        ask(
            "membership for oneself",
            "security/group/add",
            json!({"group_id": stand.id("hill-admins"), "user_id": eve}),
            "eve lacks group:configure",
        ),
        ask(
            "a second account",
            "security/user/create",
            json!({"username": "eve2", "roles": ["administrator"]}),
            "eve lacks user:write",
        ),
        ask(
            "an administrator's password",
            "security/user/password/reset",
            json!({"user_id": stand.id("operator")}),
            "eve lacks user:configure",
        ),
        ask(
            "the end of an administrator",
            "security/user/delete",
            json!({"user_id": stand.id("operator")}),
            "eve lacks user:write",
        ),
        ask("the accounts", "security/user/list", json!({}), "eve lacks user:read"),
        ask("the audit trail", "security/audit/query", json!({}), "eve lacks audit:read"),
        ask("the audit trail as lines", "security/audit/export", json!({}), "eve lacks audit:read"),
        ask(
            "a node's certificate",
            "security/cert/node",
            json!({"name": "mole", "role": "telescope-coordinator"}),
            "eve lacks certificate:configure",
        ),
        ask(
            "the operator's certificate",
            "security/cert/account",
            json!({"username": "operator"}),
            "eve lacks certificate:configure",
        ),
        ask(
            "a plugin of one's own",
            "security/plugin/admit",
            json!({"plugin_id": "mole", "permissions": ["*:*"]}),
            "eve lacks plugin:configure",
        ),
        ask(
            "weaker locks",
            "security/settings/set",
            json!({"key": "lockout_failures", "value": 100}),
            "eve lacks security:configure",
        ),
        ask(
            "a telescope's motion",
            "telescope/control/slew",
            json!({"device_id": mount, "right_ascension": 3.0, "declination": 75.0}),
            "eve lacks telescope:control",
        ),
        ask(
            "the end of a motion",
            "telescope/control/abort",
            json!({"device_id": mount}),
            "eve lacks telescope:control",
        ),
        ask("a backup", "datastore/backup/create", json!({}), "eve lacks datastore:configure"),
        Row::ask(
            "a motion by who looks on",
            stand,
            "bob",
            "telescope/control/slew",
            &json!({"device_id": mount, "right_ascension": 3.0, "declination": 75.0}),
        )
        .refused("forbidden", "bob lacks telescope:control"),
        Row::ask(
            "the mount parked by who looks on",
            stand,
            "bob",
            "telescope/control/park",
            &json!({"device_id": mount}),
        )
        .refused("forbidden", "bob lacks telescope:control"),
    ]
}

/// One who moves telescopes, and nothing else.
fn by_an_operator(stand: &Stand) -> Vec<Row> {
    let operator = stand.id("operator");
    let ask = |name: &str, command: &str, payload: Value| Row::ask(name, stand, "ann", command, &payload);
    vec![
        ask("a key of somebody else", "security/key/create", json!({"name": "mine", "user_id": operator}))
            .refused("forbidden", "ann may not ask for"),
        ask("a look at another's keys", "security/key/list", json!({"user_id": operator}))
            .refused("forbidden", "ann may not ask for"),
        ask(
            "the end of another's key",
            "security/key/revoke",
            json!({"id": "0192f0c1-7a0e-7c3e-8a51-0d6f3f1f9a21", "user_id": operator}),
        )
        .refused("forbidden", "ann may not ask for"),
        ask(
            "another's rights",
            "security/permission/check",
            json!({"user_id": operator, "resource": "telescope", "action": "control"}),
        )
        .refused("forbidden", "ann may not ask for"),
        ask("another's second factor", "security/user/totp/remove", json!({"user_id": operator}))
            .refused("forbidden", ""),
        ask("settings", "telescope/settings/set", json!({"key": "poll_interval_seconds", "value": 1}))
            .refused("forbidden", "ann lacks telescope:configure"),
        ask("a telescope in another's name", "telescope/config/create", json!({"name": "Mine", "user_id": operator}))
            .refused("forbidden", "ann may not ask for"),
        ask("a promotion", "security/role/assign", json!({"user_id": stand.id("ann"), "role": "administrator"}))
            .refused("forbidden", "ann lacks role:configure"),
        Row::publish(
            "ann: the database's password",
            "ann",
            "bigskies/coordinator/bootstrap/request",
            &json!({}),
            false,
        ),
        ask("settings of the bus", "message/settings/set", json!({"key": "health_interval_seconds", "value": 1}))
            .refused("forbidden", "ann lacks message:configure"),
    ]
}

/// One who manages the accounts of one organisation.
fn by_an_organisations_administrator(stand: &Stand) -> Vec<Row> {
    let id = |name: &str| stand.id(name);
    let ask = |name: &str, command: &str, payload: Value| {
        Row::ask(name, stand, "ora", command, &payload).refused("forbidden", "ora")
    };
    let everything = |holder: Value| {
        let mut grant = json!({"resource": "*", "action": "*"});
        for (name, value) in holder.as_object().into_iter().flatten() {
            grant[name] = value.clone();
        }
        grant
    };
    vec![
        ask(
            "an administrator's role for oneself",
            "security/role/assign",
            json!({"user_id": id("ora"), "role": "administrator"}),
        ),
        ask(
            "an administrator's role for one's own",
            "security/role/assign",
            json!({"user_id": id("hal"), "role": "administrator"}),
        ),
        ask("a role with more than one has", "security/role/assign", json!({"user_id": id("hal"), "role": "operator"})),
        ask(
            "a role for another organisation's",
            "security/role/assign",
            json!({"user_id": id("val"), "role": "observer"}),
        ),
        ask(
            "an administrator of one's own making",
            "security/user/create",
            json!({"username": "hal2", "organisation_id": id("hill"), "roles": ["administrator"]}),
        ),
        ask(
            "an account in another organisation",
            "security/user/create",
            json!({"username": "val2", "organisation_id": id("valley")}),
        ),
        ask("an account in no organisation", "security/user/create", json!({"username": "free"})),
        ask(
            "an account with the groups of another organisation",
            "security/user/create",
            json!({"username": "hal3", "organisation_id": id("hill"), "groups": [id("valley-group")]}),
        ),
        ask(
            "another organisation's account",
            "security/user/update",
            json!({"user_id": id("val"), "email": "ora@example.org"}),
        ),
        ask(
            "another organisation's account taken over",
            "security/user/update",
            json!({"user_id": id("val"), "organisation_id": id("hill")}),
        ),
        ask(
            "one's own account sent to another organisation",
            "security/user/update",
            json!({"user_id": id("hal"), "organisation_id": id("valley")}),
        ),
        ask(
            "one's own account freed of all organisations",
            "security/user/update",
            json!({"user_id": id("hal"), "leave_organisation": true}),
        ),
        ask("another organisation's account read", "security/user/get", json!({"user_id": id("val")})),
        ask("another organisation's accounts listed", "security/user/list", json!({"organisation_id": id("valley")})),
        ask("everybody's accounts listed", "security/user/list", json!({})),
        ask("another organisation's account disabled", "security/user/delete", json!({"user_id": id("val")})),
        ask("another organisation's password", "security/user/password/reset", json!({"user_id": id("val")})),
        ask("the password of who has no organisation", "security/user/password/reset", json!({"user_id": id("eve")})),
        ask("the administrator's password", "security/user/password/reset", json!({"user_id": id("operator")})),
        ask(
            "another organisation's member in one's group",
            "security/group/add",
            json!({"group_id": id("hill-group"), "user_id": id("val")}),
        ),
        ask(
            "oneself in another organisation's group",
            "security/group/add",
            json!({"group_id": id("valley-group"), "user_id": id("ora")}),
        ),
        ask(
            "another organisation's member taken out",
            "security/group/remove",
            json!({"group_id": id("valley-group"), "user_id": id("val")}),
        ),
        ask("another organisation's group read", "security/group/get", json!({"group_id": id("valley-group")})),
        ask(
            "another organisation's group taken",
            "security/group/update",
            json!({"group_id": id("valley-group"), "organisation_id": id("hill")}),
        ),
        ask("another organisation's group removed", "security/group/delete", json!({"group_id": id("valley-group")})),
        ask(
            "a group in another organisation",
            "security/group/create",
            json!({"name": "moles", "organisation_id": id("valley")}),
        ),
        ask("a group for everybody", "security/group/create", json!({"name": "moles"})),
        ask(
            "everything for one's own group",
            "security/permission/grant",
            everything(json!({"group_id": id("hill-admins")})),
        ),
        ask(
            "telescopes for one's own group",
            "security/permission/grant",
            json!({"group_id": id("hill-group"), "resource": "telescope", "action": "control"}),
        ),
        ask(
            "one's own right without its bounds",
            "security/permission/grant",
            json!({"group_id": id("hill-admins"), "resource": "user", "action": "configure"}),
        ),
        ask(
            "one's own right in another organisation",
            "security/permission/grant",
            json!({"group_id": id("hill-admins"), "resource": "user", "action": "configure", "scope": format!("organisation:{}", id("valley"))}),
        ),
        ask("everything for a role", "security/permission/grant", everything(json!({"role_id": "observer"}))),
        ask(
            "a denial for administrators",
            "security/permission/grant",
            json!({"role_id": "administrator", "resource": "*", "action": "*", "effect": "deny"}),
        ),
        ask(
            "the administrators' right taken",
            "security/permission/withdraw",
            everything(json!({"role_id": "administrator"})),
        ),
        ask("a role", "security/role/create", json!({"name": "mole"})),
        ask(
            "another organisation",
            "security/organisation/update",
            json!({"organisation_id": id("valley"), "name": "Ours"}),
        ),
        ask(
            "the end of another organisation",
            "security/organisation/delete",
            json!({"organisation_id": id("valley")}),
        ),
        ask("a plugin with everything", "security/plugin/admit", json!({"plugin_id": "mole", "permissions": ["*:*"]})),
        ask("a key for one's own member", "security/key/create", json!({"name": "mine", "user_id": id("hal")})),
    ]
}

/// A key that is good for less than its owner.
fn with_less(stand: &Stand) -> Vec<Row> {
    let mount = stand.id("mount");
    let key = stand.token("ann's key");
    let ask = |name: &str, command: &str, payload: Value| {
        Row::ask(name, stand, "ann", command, &payload).token(key.as_deref()).refused("forbidden", "")
    };
    let slew = json!({"device_id": mount, "right_ascension": 3.0, "declination": 75.0});
    vec![
        ask(
            "a key that reads makes one that moves",
            "security/key/create",
            json!({"name": "more", "scopes": ["telescope:control"]}),
        ),
        ask("a key that reads makes one for everything", "security/key/create", json!({"name": "more"})),
        ask(
            "a key that reads makes one that lasts",
            "security/key/create",
            json!({"name": "more", "scopes": ["telescope:read"]}),
        ),
        ask("a key that reads moves", "telescope/control/slew", slew.clone())
            .refused("forbidden", "leaves telescope:control out"),
        ask("a key that reads parks", "telescope/control/park", json!({"device_id": mount}))
            .refused("forbidden", "leaves telescope:control out"),
        ask("a key that reads writes", "telescope/config/create", json!({"name": "Mine"}))
            .refused("forbidden", "leaves telescope:write out"),
        ask(
            "a key changes the password of its owner without knowing it",
            "security/user/password/change",
            json!({"old_password": "guessed", "new_password": "another walk under Orion"}),
        )
        .refused("unauthenticated", "is wrong"),
        ask("a key gives its owner a second factor", "security/user/totp/enrol", json!({})),
        ask("a key that reads reads services", "service/list", json!({}))
            .refused("forbidden", "leaves service:read out"),
        Row::scene("a key moves over a connection of its own", move |stand| {
            let slew = slew.clone();
            Box::pin(async move {
                let key = stand.someone("ann's key");
                let account = format!("key.{}", key.id);
                stand.deliver(&stand.message(&account, key.token, "telescope/control/slew", &slew)).await
            })
        })
        .why(Why::Broker(&[NOT_AUTHORIZED])),
        Row::scene("an administrator's key for permissions hands on everything", |stand| {
            Box::pin(async {
                let key = stand.key("operator", &["permission:configure"]).await;
                let grant = json!({"role_id": "observer", "resource": "*", "action": "*"});
                stand.deliver(&stand.message("gateway", key.token, "security/permission/grant", &grant)).await
            })
        })
        .why(Why::Fault("forbidden", "operator may not"))
        .audited(Trace::refused("security/permission/grant", "operator", "forbidden")),
        Row::scene("an administrator's key for accounts takes an administrator's account", |stand| {
            Box::pin(async {
                let key = stand.key("operator", &["user:configure", "user:write"]).await;
                let reset = json!({"user_id": stand.id("operator")});
                stand.deliver(&stand.message("gateway", key.token, "security/user/password/reset", &reset)).await
            })
        })
        .why(Why::Fault("forbidden", "operator may not"))
        .audited(Trace::refused("security/user/password/reset", "operator", "forbidden")),
        Row::scene("an administrator's key for roles gives the administrator's", |stand| {
            Box::pin(async {
                let key = stand.key("operator", &["role:*"]).await;
                let assign = json!({"user_id": stand.id("eve"), "role": "administrator"});
                stand.deliver(&stand.message("gateway", key.token, "security/role/assign", &assign)).await
            })
        })
        .why(Why::Fault("forbidden", "operator may not"))
        .audited(Trace::refused("security/role/assign", "operator", "forbidden")),
        Row::scene("an administrator's key for nothing else acts for another", |stand| {
            Box::pin(async {
                let key = stand.key("operator", &["telescope:read"]).await;
                let list = json!({"user_id": stand.id("ann")});
                stand.deliver(&stand.message("gateway", key.token, "security/key/list", &list)).await
            })
        })
        .why(Why::Fault("forbidden", "operator may not ask for")),
    ]
}

/// Names that are others' on the bus, asked for by one who may make accounts. It is no question of rights, so it is no refusal in the trail.
fn by_name(stand: &Stand) -> Vec<Row> {
    [
        "node",
        "Gateway",
        "telescope-coordinator",
        "plugin.weather",
        "key.1",
        "lobby.ann",
        "nobody",
        "system",
        "mission-Coordinator",
    ]
    .into_iter()
    .map(|name| {
        Row::ask(
            format!("a user called {name}"),
            stand,
            "operator",
            "security/user/create",
            &json!({ "username": name }),
        )
        .refused("invalid", "is no name for a user")
    })
    .chain([
        Row::ask(
            "a user called like another in other letters",
            stand,
            "operator",
            "security/user/create",
            &json!({"username": "Operator"}),
        )
        .refused("conflict", ""),
        Row::ask(
            "the last administrator disables himself",
            stand,
            "operator",
            "security/user/delete",
            &json!({"user_id": stand.id("operator")}),
        )
        .refused("conflict", ""),
    ])
    .collect()
}
