//! Login, refresh, validation, logout: of users, and of the platform's own processes.

use catalog::{
    Secret,
    security::{
        AccountLocked, ChangePassword, Login, LoginFailed, LoginRefusal, Logout, Me, PublicKeys, Refresh, Revoked,
        Session, TokenRevoked, Validate,
    },
};
use coordinator_security::SecuritySettings;
use vocabulary::{Code, Fault};

use crate::stand::{Client, PASSWORD, Stand, next, next_where};

pub(crate) fn login(name: &str, password: &str) -> Login {
    Login { username: name.parse().unwrap(), password: Secret::new(password), code: None, client: None }
}

pub(crate) async fn session(client: &Client, name: &str) -> Session {
    client.ask(login(name, PASSWORD)).await.unwrap()
}

fn validate(token: &str) -> Validate {
    Validate { token: Secret::new(token) }
}

#[tokio::test]
async fn a_session_from_beginning_to_end() {
    let stand = Stand::start().await;
    let ann = stand.user_with("ann", &["observer"]).await;
    let lobby = stand.client("lobby.ann").await;
    let session = session(&lobby, "ann").await;
    assert_eq!((session.user.id.clone(), session.must_change_password), (ann.clone(), false));
    let seconds = session.expires_at.since(stand.clock.now()).as_secs();
    assert_eq!(seconds, u64::from(SecuritySettings::default().tokens.token_duration));
    // The token acts for its user, whoever brings it.
    let acting = lobby.with(session.token.expose());
    assert_eq!(acting.ask(Me {}).await.unwrap().roles, ["observer"]);
    let valid = lobby.ask(validate(session.token.expose())).await.unwrap();
    assert_eq!((valid.valid, valid.user_id.as_ref(), valid.expires_at), (true, Some(&ann), Some(session.expires_at)));
    // The next tokens, once.
    let refresh = Refresh { refresh_token: session.refresh_token.clone() };
    let second: Session = lobby.ask(refresh.clone()).await.unwrap();
    assert_ne!(second.token.expose(), session.token.expose());
    assert_eq!(second.user.id, ann);
    // The first once more: one of the two is a thief, so the session ends.
    let mut revoked = stand.events::<TokenRevoked>().await;
    assert_eq!(lobby.code(refresh).await, Some(Code::Unauthenticated));
    let event: TokenRevoked = next(&mut revoked).await;
    assert_eq!((event.what, event.reason.as_str()), (Revoked::Session, "reused"));
    assert_eq!(event.username.unwrap().as_str(), "ann");
    let over = lobby.ask(validate(second.token.expose())).await.unwrap();
    assert_eq!((over.valid, over.user_id, over.reason.as_deref()), (false, None, Some("token is not valid")));
    stand.unauthenticated(&acting, Me {}).await;
}

#[tokio::test]
async fn a_logout_holds_at_once() {
    let stand = Stand::start().await;
    stand.user("ann").await;
    let lobby = stand.client("lobby.ann").await;
    let session = session(&lobby, "ann").await;
    let mut revoked = stand.events::<TokenRevoked>().await;
    lobby.ask(Logout { token: session.token.clone() }).await.unwrap();
    assert!(!lobby.ask(validate(session.token.expose())).await.unwrap().valid);
    assert_eq!(next::<TokenRevoked>(&mut revoked).await.reason, "logout");
    assert_eq!(lobby.code(Refresh { refresh_token: session.refresh_token }).await, Some(Code::Unauthenticated));
    for nonsense in ["", "nonsense", "a.b.c", "bsr_x", "bsk_00000000_x", &"x".repeat(100_000)] {
        assert!(!lobby.ask(validate(nonsense)).await.unwrap().valid, "{nonsense:.20}");
        let token = Secret::new(nonsense);
        assert_eq!(lobby.code(Logout { token: token.clone() }).await, Some(Code::Unauthenticated), "{nonsense:.20}");
        assert_eq!(lobby.code(Refresh { refresh_token: token }).await, Some(Code::Unauthenticated), "{nonsense:.20}");
    }
}

#[tokio::test]
async fn what_was_wrong_is_told_to_the_audit_alone() {
    let stand = Stand::start().await;
    let bob = stand.user("bob").await;
    stand.user("ann").await;
    let root = stand.client("root").await;
    root.ask(catalog::security::DeleteUser { user_id: bob }).await.unwrap();
    let mut failures = stand.events::<LoginFailed>().await;
    let mut faults: Vec<Fault> = Vec::new();
    for (name, password, reason, username) in [
        ("ann", "wrong one", LoginRefusal::WrongPassword, Some("ann")),
        ("nobody-such", PASSWORD, LoginRefusal::UnknownUser, None),
        ("bob", PASSWORD, LoginRefusal::Disabled, Some("bob")),
        ("key.0192f0c1", PASSWORD, LoginRefusal::UnknownUser, None),
        ("plugin.weather", PASSWORD, LoginRefusal::UnknownUser, None),
    ] {
        // Each from elsewhere, so that no place is locked.
        let client = stand.client("nobody").await;
        faults.push(client.ask(login(name, password)).await.unwrap_err());
        let failed: LoginFailed = next(&mut failures).await;
        assert_eq!(failed.reason, reason, "{name}");
        assert_eq!(failed.username.as_ref().map(|name| name.as_str()), username, "{name}");
    }
    assert_eq!(faults[0].code, Code::Unauthenticated);
    assert!(!faults[0].hint.is_empty());
    assert!(faults.iter().all(|fault| *fault == faults[0]), "{faults:?}");
}

#[tokio::test]
async fn too_many_failures_lock() {
    let stand = Stand::start().await;
    let ann = stand.user("ann").await;
    let (mut locks, mut failures) = (stand.events::<AccountLocked>().await, stand.events::<LoginFailed>().await);
    // From everywhere, so that no place is locked.
    let first = stand.client("stranger0").await.ask(login("ann", "wrong one")).await.unwrap_err();
    for place in 1..5 {
        stand.client(&format!("stranger{place}")).await.ask(login("ann", "wrong one")).await.unwrap_err();
    }
    let lock: AccountLocked = next(&mut locks).await;
    assert_eq!((lock.username.unwrap().as_str(), lock.peer), ("ann", None));
    assert!(lock.locked_until > stand.clock.now());
    // With the right password it is the same, to the letter.
    let locked = stand.client("stranger5").await.ask(login("ann", PASSWORD)).await.unwrap_err();
    assert_eq!(locked, first);
    next_where(&mut failures, |failed: &LoginFailed| failed.reason == LoginRefusal::Locked).await;
    let root = stand.client("root").await;
    let get = catalog::security::GetUser { user_id: Some(ann.clone()), username: None };
    assert_eq!(root.ask(get.clone()).await.unwrap().locked_until, Some(lock.locked_until));
    root.ask(catalog::security::UnlockUser { user_id: ann }).await.unwrap();
    assert_eq!(root.ask(get).await.unwrap().locked_until, None);
    session(&stand.client("nobody").await, "ann").await;
    // A place is locked for all accounts.
    let client = stand.client("nobody").await;
    for name in ["a", "b", "c", "d", "e"] {
        client.ask(login(name, "wrong one")).await.unwrap_err();
    }
    let lock: AccountLocked = next_where(&mut locks, |lock: &AccountLocked| lock.peer.is_some()).await;
    assert_eq!(lock.username, None);
}

#[tokio::test]
async fn processes_of_the_platform_log_in_with_what_derives_from_the_nodes_secret() {
    let stand = Stand::start().await;
    let client = stand.client("telescope-coordinator").await;
    for (account, password, is_let_in) in [
        (
            "telescope-coordinator",
            stand.node.for_role(&"telescope-coordinator".parse().unwrap()).unwrap().password,
            true,
        ),
        ("gateway", stand.node.for_role(&"gateway".parse().unwrap()).unwrap().password, true),
        ("node", stand.node.password.clone(), true),
        ("gateway", stand.node.password.clone(), false),
        ("telescope-coordinator", stand.node.for_role(&"gateway".parse().unwrap()).unwrap().password, false),
        ("message-coordinator", String::new(), false),
    ] {
        match client.ask(login(account, &password)).await {
            Ok(session) => {
                assert!(is_let_in, "{account}");
                assert!(session.user.is_service && session.refresh_token.expose().is_empty());
                let valid = client.ask(validate(session.token.expose())).await.unwrap();
                assert_eq!((valid.username.unwrap().as_str(), valid.user_id), (account, None));
                client.ask(Logout { token: session.token.clone() }).await.unwrap();
                assert!(!client.ask(validate(session.token.expose())).await.unwrap().valid);
            }
            Err(fault) => assert!(!is_let_in && fault.code == Code::Unauthenticated, "{account}: {fault}"),
        }
    }
}

#[tokio::test]
async fn another_ones_choice_of_password_lets_nothing_be_done_but_choose_one() {
    let stand = Stand::start().await;
    let root = stand.client("root").await;
    let set = catalog::frame::SetSetting { key: "initial_password_must_change".to_owned(), value: true.into() };
    root.bus.ask_of(catalog::Owner::Security, &set).await.unwrap();
    let create = catalog::security::CreateUser {
        username: "ann".parse().unwrap(),
        email: None,
        password: Some(Secret::new(PASSWORD)),
        organisation_id: None,
        roles: vec!["operator".parse().unwrap()],
        groups: vec![],
        enabled: None,
    };
    assert!(root.ask(create).await.unwrap().setup_secret.is_none());
    let lobby = stand.client("lobby.ann").await;
    let session = session(&lobby, "ann").await;
    assert!(session.must_change_password);
    let acting = lobby.with(session.token.expose());
    assert_eq!(acting.ask(Me {}).await.unwrap().username.as_str(), "ann");
    assert_eq!(acting.code(catalog::security::ListUsers::default()).await, Some(Code::Forbidden));
    assert_eq!(acting.code(catalog::security::EnrolTotp {}).await, Some(Code::Forbidden));
    let key = catalog::security::CreateKey { name: "x".to_owned(), scopes: None, expires_at: None, user_id: None };
    assert_eq!(acting.code(key).await, Some(Code::Forbidden));
    let new = "Betelgeuse is about to explode";
    let change = |old: &str, new: &str| ChangePassword {
        old_password: Secret::new(old),
        new_password: Secret::new(new),
        code: None,
        revoke_api_keys: false,
    };
    assert_eq!(acting.code(change("wrong one", new)).await, Some(Code::Unauthenticated));
    assert_eq!(acting.code(change(PASSWORD, "short")).await, Some(Code::Invalid));
    assert_eq!(acting.code(change(PASSWORD, PASSWORD)).await, Some(Code::Invalid));
    acting.ask(change(PASSWORD, new)).await.unwrap();
    stand.unauthenticated(&acting, Me {}).await;
    assert_eq!(lobby.code(login("ann", PASSWORD)).await, Some(Code::Unauthenticated));
    assert!(!lobby.ask(login("ann", new)).await.unwrap().must_change_password);
}

#[tokio::test]
async fn public_keys_are_a_state_and_follow_the_settings() {
    let stand = Stand::start().await;
    let mut states = stand.watch(&catalog::topic::state("security/keys", "jwks")).await;
    let first: PublicKeys = next(&mut states).await;
    assert!(!first.keys.is_empty() && first.keys.iter().all(|key| key.kty == "OKP" && key.purpose == "sig"));
    // A shared secret is nobody's to see.
    let root = stand.client("root").await;
    let set = catalog::frame::SetSetting { key: "signing_algorithm".to_owned(), value: "hs256".into() };
    root.bus.ask_of(catalog::Owner::Security, &set).await.unwrap();
    next_where(&mut states, |keys: &PublicKeys| keys.keys.len() < first.keys.len() || *keys != first).await;
}
