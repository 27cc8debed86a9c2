//! The tables change, and so does what a connection may.

use std::time::{Duration, Instant};

use engine_accounts::Accounts;
use engine_tokens::NewApiKey;
use store::accounts::{
    permissions::{Holder, Rule},
    users::MustChange,
};
use testkit::until;
use vocabulary::{
    Scopes,
    ids::{AccountName, RoleId, UserId},
};

use super::stand::{PASSWORD, Stand};

const LIMIT: Duration = Duration::from_secs(30);
const SLEW: &str = "bigskies/coordinator/telescope/control/slew";
const STATES: &str = "bigskies/coordinator/telescope/state/#";

#[tokio::test]
async fn users_have_their_rights_and_no_more() {
    let stand = Stand::start().await;
    stand.user("ann", "operator").await;
    stand.user("olga", "observer").await;
    stand.user("root.user", "administrator").await;
    let mut ann = stand.session("ann", PASSWORD).await;
    for (topic, wanted) in [
        (SLEW, true),
        ("bigskies/coordinator/security/auth/logout", true),
        ("bigskies/coordinator/telescope/settings/set", false),
        ("bigskies/coordinator/security/user/create", false),
        ("bigskies/coordinator/datastore/backup/create", false),
        ("bigskies/coordinator/telescope/event/slew-ended", false),
        ("bigskies/coordinator/telescope/state/position/x", false),
        ("bigskies/coordinator/health/telescope-coordinator", false),
        ("bigskies/coordinator/telescope/response/control/slew/response", false),
        ("bigskies/client/ann/c/reply/1", false),
        ("bigskies/client/olga/c/reply/1", false),
        ("bigskies/plugin/weather/control/stop", false),
        ("$CONTROL/dynamic-security/v1", false),
        ("elsewhere", false),
    ] {
        assert_eq!(ann.may_publish(topic, false).await, wanted, "publish {topic}");
        assert_eq!(ann.may_publish(topic, true).await, wanted, "retain {topic}");
    }
    for (filter, wanted) in [
        ("bigskies/client/ann/#", true),
        ("bigskies/client/ann/c/reply/+", true),
        (STATES, true),
        ("bigskies/coordinator/telescope/event/#", true),
        ("$share/g/bigskies/coordinator/telescope/event/#", true),
        ("bigskies/client/olga/#", false),
        ("bigskies/client/+/c/reply/#", false),
        ("bigskies/coordinator/telescope/#", false),
        (SLEW, false),
        ("bigskies/coordinator/security/plugin/+/token", false),
        ("bigskies/coordinator/bootstrap/credentials", false),
        ("$share/g/#", false),
        ("bigskies/#", false),
        ("#", false),
    ] {
        assert_eq!(ann.may_read(filter).await, wanted, "read {filter}");
    }
    let mut olga = stand.session("olga", PASSWORD).await;
    assert!(olga.may_read(STATES).await && !olga.may_publish(SLEW, false).await);
    let mut root = stand.session("root.user", PASSWORD).await;
    assert!(root.may_publish("bigskies/coordinator/security/user/create", false).await);
    assert!(!root.may_publish("bigskies/coordinator/health/telescope-coordinator", true).await);
    assert!(!root.may_publish("$CONTROL/dynamic-security/v1", false).await);

    let mut lobby = stand.session("lobby.ann", PASSWORD).await;
    for (topic, wanted) in [("bigskies/coordinator/security/auth/login", true), (SLEW, false)] {
        assert_eq!(lobby.may_publish(topic, false).await, wanted, "lobby: publish {topic}");
    }
    for (filter, wanted) in [("bigskies/client/lobby.ann/#", true), ("bigskies/client/ann/#", false), (STATES, false)] {
        assert_eq!(lobby.may_read(filter).await, wanted, "lobby: read {filter}");
    }
    for (account, password) in [("ann", "another"), ("ann", ""), ("lobby.ann", "another"), ("bob", PASSWORD)] {
        assert!(super::session::Session::open(stand.broker.port, account, password).await.is_none(), "{account}");
    }
}

async fn holder(accounts: &Accounts) -> (RoleId, Holder) {
    let roles = accounts.roles(None, &store::Slice::default()).await.unwrap().items;
    let role = roles.into_iter().find(|role| role.name == "watchers").unwrap();
    (role.id.clone(), Holder::Role(role.id))
}

#[tokio::test]
async fn a_right_that_is_gone_is_gone_at_once() {
    let stand = Stand::start().await;
    let accounts = &stand.accounts;
    let rule = Rule::allow("telescope", "*");
    let role = stand.write(async |tx| accounts.create_role(tx, "watchers", "They watch.").await).await;
    let (id, holder) = holder(accounts).await;
    assert_eq!(id, role.id);
    stand.write(async |tx| accounts.grant(tx, &holder, &rule).await).await;
    let user = stand.user("ann", id.as_str()).await;
    let mut ann = stand.session("ann", PASSWORD).await;
    let role = super::stand::node().for_role(&"telescope-coordinator".parse().unwrap()).unwrap();
    let mut telescope = stand.session("telescope-coordinator", &role.password).await;
    assert!(ann.may_publish(SLEW, false).await);
    assert!(ann.may_read(STATES).await);
    assert!(telescope.may_publish("bigskies/coordinator/telescope/state/position/x", false).await);
    assert_eq!(ann.heard().await, ["bigskies/coordinator/telescope/state/position/x"]);

    let start = Instant::now();
    stand.write(async |tx| accounts.withdraw(tx, &holder, &rule).await).await;
    until("the right is gone", LIMIT, async || !ann.may_publish(SLEW, false).await).await;
    println!("a right that was withdrawn was gone after {:?}", start.elapsed());
    ann.heard().await;
    assert!(telescope.may_publish("bigskies/coordinator/telescope/state/position/x", false).await);
    assert_eq!(ann.heard().await, [""; 0], "the subscription stands, and nothing comes");
    assert!(!ann.may_read(STATES).await && ann.may_read("bigskies/client/ann/#").await);

    stand.write(async |tx| accounts.grant(tx, &holder, &rule).await).await;
    until("the right is back", LIMIT, async || ann.may_publish(SLEW, false).await).await;
    assert!(ann.stands(), "other rights of a role throw nobody out");
    stand.write(async |tx| accounts.withdraw_role(tx, &id, &user.id).await).await;
    assert!(ann.thrown_out().await, "who leaves a role comes back without it");
    let mut again = stand.session("ann", PASSWORD).await;
    assert!(!again.may_publish(SLEW, false).await && !again.may_read(STATES).await);
    assert!(again.may_read("bigskies/client/ann/#").await, "it is still somebody");
}

#[tokio::test]
async fn who_is_disabled_is_thrown_out_and_kept_out() {
    let stand = Stand::start().await;
    let ann = stand.user("ann", "operator").await;
    let (mut session, mut lobby) = (stand.session("ann", PASSWORD).await, stand.session("lobby.ann", PASSWORD).await);
    let start = Instant::now();
    stand.write(async |tx| stand.accounts.disable_user(tx, &ann.id).await).await;
    assert!(session.thrown_out().await);
    println!("a disabled user was thrown out after {:?}", start.elapsed());
    assert!(lobby.thrown_out().await);
    stand.is_shut("ann", PASSWORD).await;
    stand.write(async |tx| stand.accounts.enable_user(tx, &ann.id).await).await;
    assert!(stand.session("ann", PASSWORD).await.may_publish(SLEW, false).await);
}

#[tokio::test]
async fn passwords_follow() {
    let stand = Stand::start().await;
    let ann = stand.user("ann", "operator").await;
    let session = stand.session("ann", PASSWORD).await;
    // The same password again, as at each login.
    stand.passwords.password_known(&ann.username, &PASSWORD.into());
    stand.looked_again().await;
    assert!(session.stands(), "a login throws nobody out");

    const NEW: &str = "Albireo is two of them";
    let set = async |password: &str, must_change| {
        stand.clock.advance(Duration::from_secs(1));
        let hashed = stand.hashed("ann", password).await;
        stand.write(async |tx| stand.accounts.set_password(tx, &ann.id, &hashed, must_change).await).await;
    };
    set(NEW, MustChange::No).await;
    stand.is_shut("ann", PASSWORD).await;
    stand.is_shut("lobby.ann", PASSWORD).await;
    // What was right before the change is not right after it.
    stand.passwords.password_known(&ann.username, &NEW.into());
    assert!(stand.session("ann", NEW).await.may_publish(SLEW, false).await);

    set("chosen by somebody else", MustChange::Yes).await;
    stand.passwords.password_known(&ann.username, &"chosen by somebody else".into());
    let mut session = stand.session("ann", "chosen by somebody else").await;
    assert!(!session.may_publish(SLEW, false).await && !session.may_read(STATES).await);
    let mut lobby = stand.session("lobby.ann", "chosen by somebody else").await;
    assert!(lobby.may_publish("bigskies/coordinator/security/auth/login", false).await);

    stand.clock.advance(Duration::from_secs(1));
    let secret = stand.write(async |tx| stand.accounts.reset_password(tx, &ann.id).await).await;
    stand.is_shut("lobby.ann", "chosen by somebody else").await;
    stand.passwords.one_time_secret_known(&ann.username, &secret);
    let secret = engine_accounts::ExposeSecret::expose_secret(&secret).to_owned();
    assert!(
        stand.session("lobby.ann", &secret).await.may_publish("bigskies/coordinator/security/user/setup", false).await
    );
    assert!(super::session::Session::open(stand.broker.port, "ann", &secret).await.is_none());
}

#[tokio::test]
async fn keys_have_what_their_scopes_leave_until_they_end() {
    let stand = Stand::start().await;
    let ann = stand.user("ann", "operator").await;
    let make = async |scopes: Option<&str>, lifetime| {
        let new = NewApiKey {
            user_id: ann.id.clone(),
            account: ann.username.clone(),
            name: "a script".to_owned(),
            scopes: scopes.map(|scopes| Scopes::parse(scopes.split(' ')).unwrap()),
            lifetime,
        };
        let made = stand.tokens.create_api_key(&new).await.unwrap();
        stand.passwords.key_known(&made.row.id, &made.key);
        (format!("key.{}", made.row.id), made)
    };
    let (name, read) = make(Some("telescope:read"), None).await;
    let mut reader = stand.session(&name, &read.key).await;
    assert!(reader.may_read(STATES).await && !reader.may_publish(SLEW, false).await);
    assert!(
        reader.may_read(&format!("bigskies/client/{name}/#")).await && !reader.may_read("bigskies/client/ann/#").await
    );
    let (whole_name, whole) = make(None, Some(Duration::from_secs(60))).await;
    let mut whole_session = stand.session(&whole_name, &whole.key).await;
    assert!(whole_session.may_publish(SLEW, false).await);
    assert!(!whole_session.may_publish("bigskies/coordinator/security/user/create", false).await);

    stand.tokens.revoke_api_key(&read.row.id).await.unwrap();
    assert!(reader.thrown_out().await);
    stand.is_shut(&name, &read.key).await;
    assert!(whole_session.stands());
    stand.clock.advance(Duration::from_secs(60));
    stand.passwords.look_again();
    assert!(whole_session.thrown_out().await);
}

#[tokio::test]
async fn what_happens_while_mosquitto_is_away_is_made_up_for() {
    let mut stand = Stand::start().await;
    let ann = stand.user("ann", "operator").await;
    stand.user("bob", "operator").await;
    let (_, bob) = (stand.session("ann", PASSWORD).await, stand.session("bob", PASSWORD).await);
    stand.broker.restart().await;
    until("the connection ends", LIMIT, async || !bob.stands()).await;
    let mut bob = stand.session("bob", PASSWORD).await;
    assert!(bob.may_publish(SLEW, false).await, "a restart keeps everybody");
    stand.write(async |tx| stand.accounts.disable_user(tx, &ann.id).await).await;
    stand.user("cleo", "observer").await;
    stand.is_shut("ann", PASSWORD).await;
    assert!(stand.session("cleo", PASSWORD).await.may_read(STATES).await);
    let rounds = stand.rounds();
    stand.looked_again().await;
    assert!(stand.rounds() > rounds && stand.passwords.standing().borrow().in_step && bob.stands());
}

/// Ids are not names: what is in the tables decides.
#[tokio::test]
async fn who_is_unknown_is_made_nothing() {
    let stand = Stand::start().await;
    let (nobody, id): (AccountName, UserId) = ("nobody.here".parse().unwrap(), "x".parse().unwrap());
    stand.passwords.password_known(&nobody, &PASSWORD.into());
    stand.looked_again().await;
    assert!(super::session::Session::open(stand.broker.port, nobody.as_str(), PASSWORD).await.is_none());
    assert!(stand.accounts.user(&id).await.is_err());
}
