//! What is done for what is wanted, as tables.

use engine_accounts::SecretString;

use super::*;
use crate::mosquitto::{Known, Shapes, Users, acl::Acl};

/// Runs a plan in a thought: what is there afterwards.
fn carried_out(is: &Picture, wanted: &Wanted) -> (Plan, Picture) {
    let plan = plan(is, wanted);
    let mut after = is.clone();
    for command in &plan.commands {
        after.obey(command);
    }
    assert!(super::plan(&after, wanted).is_empty(), "a second time there is nothing to do");
    (plan, after)
}

fn nodes(secret: &str) -> Wanted {
    let mut wanted = Wanted::default();
    let password = |account: &AccountName| Ok(Some(SecretString::from(format!("{secret} {account}"))));
    wanted.nodes(&mut Shapes::default(), password).unwrap();
    wanted
}

fn words(plan: &Plan) -> Vec<String> {
    let word = |command: &Command| serde_json::to_value(command).unwrap()["command"].as_str().unwrap().to_owned();
    plan.commands.iter().map(word).collect()
}

/// One user in a table of their own.
struct Case {
    user: store::accounts::users::User,
    password: Option<&'static str>,
}

fn user(name: &str, changed: &str) -> store::accounts::users::User {
    let at = changed.parse().unwrap();
    store::accounts::users::User {
        id: format!("id-{name}").parse().unwrap(),
        username: name.parse().unwrap(),
        email: None,
        enabled: true,
        organisation: None,
        token_epoch: 0,
        must_change_password: false,
        password_changed_at: Some(at),
        has_password: true,
        has_second_factor: false,
        is_service: false,
        created_at: at,
        updated_at: at,
    }
}

fn users(cases: &[Case]) -> Wanted {
    let at = "2026-11-21T23:00:00Z".parse().unwrap();
    let known = |case: &Case| Some((case.user.username.clone(), Known { secret: case.password?.into(), at }));
    let passwords = cases.iter().filter_map(known).collect();
    let rows: Vec<_> = cases.iter().map(|case| case.user.clone()).collect();
    let users = Users {
        rows: &rows,
        passwords: &passwords,
        one_time: &std::collections::HashMap::new(),
        password_age_max: None,
    };
    let mut wanted = Wanted::default();
    wanted.users(&mut Shapes::default(), &engine_accounts::rights::Snapshot::default(), &users, at);
    wanted
}

const FIRST: &str = "2026-11-21T20:00:00Z";
const LATER: &str = "2026-11-21T21:00:00Z";

#[test]
fn nodes_are_made_once() {
    let (first, after) = carried_out(&Picture::default(), &nodes("one"));
    assert_eq!(after.clients.len(), catalog::Owner::ALL.len() + catalog::Face::ALL.len() + 1);
    assert_eq!(words(&first)[0], "setDefaultACLAccess");
    assert!(after.is_ours("telescope-coordinator") && after.is_ours("node") && first.strangers.is_empty());
    let (other, again) = carried_out(&after, &nodes("another"));
    assert_eq!(words(&other), vec!["modifyClient"; after.clients.len()], "another secret, the same rights");
    assert_eq!(again.roles, after.roles);
}

#[test]
fn who_has_the_same_rights_shares_them() {
    let case = |name| Case { user: user(name, FIRST), password: Some("pw") };
    let wanted = users(&[case("ann"), case("bob")]);
    let of = |name: &str| &wanted.client(name).unwrap().rights;
    assert_eq!((&of("ann").role, &of("ann").shared), (&of("bob").role, &of("bob").shared));
    let lines = |name: &str, filter: &str| of(name).own.iter().any(|acl: &Acl| acl.topic == filter);
    assert!(lines("ann", "bigskies/client/ann/#") && !lines("ann", "bigskies/client/bob/#"));
    assert!(of("ann").shared.iter().all(|acl| !acl.topic.contains("ann")));
    let (plan, _) = carried_out(&Picture::default(), &wanted);
    let roles = words(&plan).iter().filter(|word| *word == "createRole").count();
    assert_eq!(
        roles,
        2 * wanted.len() - 3,
        "four of their own and one for all, since nobody of them is known to the rights"
    );
}

#[test]
fn users_come_and_go() {
    let case = |changed, password| Case { user: user("ann", changed), password };
    let (unknown, after) = carried_out(&Picture::default(), &users(&[case(FIRST, None)]));
    assert_eq!(words(&unknown), ["setDefaultACLAccess"], "nobody is made without a password");
    let (_, is) = carried_out(&after, &users(&[case(FIRST, Some("pw"))]));
    assert_eq!(is.clients.keys().collect::<Vec<_>>(), ["ann", "lobby.ann"]);

    let disabled =
        || Case { user: store::accounts::users::User { enabled: false, ..user("ann", FIRST) }, password: None };
    for (what, cases, wanted) in [
        ("nothing changed", vec![case(FIRST, None)], vec![]),
        ("the same password at a login", vec![case(FIRST, Some("pw"))], vec![]),
        ("a new password", vec![case(LATER, Some("new"))], vec!["modifyClient", "modifyClient"]),
        (
            "a new password that nobody told",
            vec![case(LATER, None)],
            vec!["deleteClient", "deleteClient", "deleteRole", "deleteRole", "deleteRole"],
        ),
        ("disabled", vec![disabled()], vec!["disableClient", "disableClient"]),
        ("removed", vec![], vec!["deleteClient", "deleteClient", "deleteRole", "deleteRole", "deleteRole"]),
    ] {
        let (plan, _) = carried_out(&is, &users(&cases));
        let mut words = words(&plan);
        // How many roles are shared is the catalogue's affair.
        words.dedup_by(|one, other| one == "deleteRole" && other == "deleteRole");
        let mut expected = wanted.clone();
        expected.dedup_by(|one, other| *one == "deleteRole" && *other == "deleteRole");
        assert_eq!(words, expected, "{what}");
    }
    let (_, locked) = carried_out(&is, &users(&[disabled()]));
    let (plan, _) = carried_out(&locked, &users(&[case(FIRST, None)]));
    assert_eq!(words(&plan), ["enableClient", "enableClient"]);
}

#[test]
fn what_is_anothers_stays() {
    let stranger = PresentClient { roles: ["admin".to_owned()].into(), ..PresentClient::default() };
    let mut is = Picture::default();
    is.clients.insert("admin".to_owned(), stranger.clone());
    is.clients.insert("robot".to_owned(), stranger.clone());
    is.roles.insert("admin".to_owned(), [].into());
    // Somebody uses a role of ours for a client of theirs.
    is.roles.insert("account.gone".to_owned(), [].into());
    is.clients
        .insert("other".to_owned(), PresentClient { roles: ["account.gone".to_owned()].into(), ..stranger.clone() });
    let (plan, after) = carried_out(&is, &users(&[Case { user: user("admin", FIRST), password: Some("pw") }]));
    assert_eq!(plan.strangers, ["admin"]);
    assert_eq!(after.clients.get("admin"), Some(&stranger));
    assert_eq!(after.clients.get("robot"), Some(&stranger));
    assert!(after.roles.contains_key("account.gone") && after.roles.contains_key("admin"));
}

#[test]
fn each_realm_keeps_to_itself() {
    let (_, with_nodes) = carried_out(&Picture::default(), &nodes("one"));
    let (_, with_users) = carried_out(&with_nodes, &users(&[Case { user: user("ann", FIRST), password: Some("pw") }]));
    let (plan, after) = carried_out(&with_users, &nodes("one"));
    assert!(plan.is_empty() && after.clients.contains_key("ann"));
    let (_, without_users) = carried_out(&with_users, &users(&[]));
    assert_eq!(without_users, with_nodes);
}

#[test]
fn a_role_that_was_tampered_with_is_put_right() {
    let (_, mut is) = carried_out(&Picture::default(), &nodes("one"));
    is.roles.get_mut("account.gateway").unwrap().clear();
    let (plan, _) = carried_out(&is, &nodes("one"));
    assert_eq!(words(&plan), ["modifyRole"]);
}
