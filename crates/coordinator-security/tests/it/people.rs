//! Accounts: made, found, changed, disabled; passwords and second factors.

use catalog::{
    Secret,
    security::{
        ChangePassword, ConfirmTotp, CreateKey, CreateUser, DeleteUser, EnableUser, EnrolTotp, GetUser, ListUsers,
        Login, Me, RemoveTotp, ResetPassword, SetUp, TokenRevoked, UnlockUser, UpdateUser, UserChange, UserChanged,
        UserCreated,
    },
};
use totp_rs::Builder;
use vocabulary::{Code, ids::UserId};

use crate::{
    login::{login, session},
    stand::{Client, PASSWORD, Stand, next, next_where},
};

pub(crate) fn create(name: &str) -> CreateUser {
    CreateUser {
        username: name.parse().unwrap(),
        email: None,
        password: None,
        organisation_id: None,
        roles: vec![],
        groups: vec![],
        enabled: None,
    }
}

pub(crate) fn update(user_id: &UserId) -> UpdateUser {
    UpdateUser {
        user_id: user_id.clone(),
        username: None,
        email: None,
        enabled: None,
        organisation_id: None,
        leave_organisation: false,
    }
}

fn get(name: &str) -> GetUser {
    GetUser { user_id: None, username: Some(name.parse().unwrap()) }
}

/// What an authenticator shows, `steps` half minutes from now.
pub(crate) fn code(stand: &Stand, secret: &Secret, steps: i64) -> Secret {
    let secret = totp_rs::Secret::try_from_base32(secret.expose()).unwrap();
    let totp = Builder::new().with_secret(secret).build().unwrap();
    let seconds = stand.clock.now().instant().unix_timestamp() + 30 * steps;
    Secret::new(totp.generate(u64::try_from(seconds).unwrap()).to_string())
}

#[tokio::test]
async fn an_account_from_beginning_to_end() {
    let stand = Stand::start().await;
    let root = stand.client("root").await;
    let (mut made, mut changed) = (stand.events::<UserCreated>().await, stand.events::<UserChanged>().await);
    let group = stand.group("night-shift", &["telescope:read"], None).await;
    let email = Some("ann@example.org".to_owned());
    let (roles, groups) = (vec!["observer".parse().unwrap()], vec!["night-shift".parse().unwrap()]);
    let new = root.ask(CreateUser { email, roles, groups, ..create("ann") }).await.unwrap();
    let secret = new.setup_secret.unwrap();
    assert_eq!(new.setup_expires_at.unwrap().since(stand.clock.now()).as_secs(), 24 * 3600);
    let event: UserCreated = next(&mut made).await;
    assert_eq!((event.user.id.clone(), event.changed_by.unwrap().as_str()), (new.user.id.clone(), "root"));
    // Its owner chooses the password, once.
    let lobby = stand.client("lobby.ann").await;
    assert_eq!(lobby.code(login("ann", PASSWORD)).await, Some(Code::Unauthenticated));
    let set_up = |name: &str, password: &str| SetUp {
        username: name.parse().unwrap(),
        setup_secret: secret.clone(),
        new_password: Secret::new(password),
    };
    assert_eq!(lobby.code(set_up("root", PASSWORD)).await, Some(Code::Unauthenticated));
    assert_eq!(lobby.code(set_up("ann", "short")).await, Some(Code::Invalid));
    lobby.ask(set_up("ann", PASSWORD)).await.unwrap();
    assert_eq!(lobby.code(set_up("ann", "another one altogether")).await, Some(Code::Unauthenticated));
    assert_eq!(next::<UserChanged>(&mut changed).await.change, UserChange::PasswordChanged);
    let session = session(&lobby, "ann").await;
    let acting = lobby.with(session.token.expose());
    let me = acting.ask(Me {}).await.unwrap();
    assert_eq!(
        (me.roles.as_slice(), me.groups.as_slice()),
        (&["observer".to_owned()][..], &["night-shift".to_owned()][..])
    );
    assert!(me.permissions.iter().any(|rule| rule.resource == "telescope" && rule.action == "read"));
    assert!(!me.is_administrator && root.ask(Me {}).await.unwrap().is_administrator);
    // Changed: what is not named stays.
    let id = new.user.id;
    let one = root.ask(UpdateUser { email: Some("ann@example.net".to_owned()), ..update(&id) }).await.unwrap();
    assert_eq!((one.user.email.as_deref(), one.user.enabled), (Some("ann@example.net"), true));
    assert_eq!(next::<UserChanged>(&mut changed).await.change, UserChange::Updated);
    let one = root.ask(UpdateUser { email: Some(String::new()), ..update(&id) }).await.unwrap();
    assert_eq!((one.user.email, one.roles), (None, vec!["observer".to_owned()]));
    assert_eq!(
        root.code(UpdateUser { username: Some("bea".parse().unwrap()), ..update(&id) }).await,
        Some(Code::Invalid)
    );
    assert_eq!(root.code(UpdateUser { email: Some("nonsense".to_owned()), ..update(&id) }).await, Some(Code::Invalid));
    // Disabled: its token ends at once.
    let mut revoked = stand.events::<TokenRevoked>().await;
    root.ask(DeleteUser { user_id: id.clone() }).await.unwrap();
    stand.unauthenticated(&acting, Me {}).await;
    assert_eq!(next_where(&mut revoked, |_: &TokenRevoked| true).await.reason, "disabled");
    next_where(&mut changed, |event: &UserChanged| event.change == UserChange::Disabled).await;
    assert_eq!(lobby.code(login("ann", PASSWORD)).await, Some(Code::Unauthenticated));
    root.ask(EnableUser { user_id: id.clone() }).await.unwrap();
    next_where(&mut changed, |event: &UserChanged| event.change == UserChange::Enabled).await;
    stand.unauthenticated(&acting, Me {}).await; // tokens of before stay void
    lobby.ask(login("ann", PASSWORD)).await.unwrap();
    root.ask(UnlockUser { user_id: id.clone() }).await.unwrap();
    next_where(&mut changed, |event: &UserChanged| event.change == UserChange::Unlocked).await;
    let _ = group;
}

#[tokio::test]
async fn what_is_refused() {
    let stand = Stand::start().await;
    let root = stand.client("root").await;
    let ann = stand.user("ann").await;
    for (what, name, wanted) in [
        ("taken", "ann", Code::Conflict),
        ("taken but for the case", "ANN", Code::Conflict),
        ("a process", "node", Code::Invalid),
        ("a coordinator", "telescope-coordinator", Code::Invalid),
        ("a plugin", "plugin.weather", Code::Invalid),
        ("a key", "Key.x", Code::Invalid),
        ("a lobby", "lobby.ann", Code::Invalid),
    ] {
        assert_eq!(root.code(create(name)).await, Some(wanted), "{what}");
    }
    let nobody: UserId = "no-such".parse().unwrap();
    let short = CreateUser { password: Some(Secret::new("short")), ..create("bob") };
    assert_eq!(root.code(short).await, Some(Code::Invalid));
    let role = CreateUser { roles: vec!["no-such".parse().unwrap()], ..create("bob") };
    assert_eq!(root.code(role).await, Some(Code::NotFound));
    let organisation = CreateUser { organisation_id: Some("no-such".parse().unwrap()), ..create("bob") };
    assert_eq!(root.code(organisation).await, Some(Code::Conflict));
    assert_eq!(root.code(update(&nobody)).await, Some(Code::NotFound));
    assert_eq!(root.code(DeleteUser { user_id: nobody.clone() }).await, Some(Code::NotFound));
    assert_eq!(root.code(EnableUser { user_id: nobody.clone() }).await, Some(Code::NotFound));
    assert_eq!(root.code(UnlockUser { user_id: nobody.clone() }).await, Some(Code::NotFound));
    assert_eq!(root.code(ResetPassword { user_id: nobody.clone() }).await, Some(Code::NotFound));
    assert_eq!(root.code(get("no-such")).await, Some(Code::NotFound));
    assert_eq!(root.code(GetUser::default()).await, Some(Code::Invalid));
    let both = GetUser { user_id: Some(ann.clone()), username: Some("ann".parse().unwrap()) };
    assert_eq!(root.code(both).await, Some(Code::Invalid));
    // Nobody is left who could set it right.
    let id = root.ask(get("root")).await.unwrap().user.id;
    assert_eq!(root.code(DeleteUser { user_id: id.clone() }).await, Some(Code::Conflict));
    assert_eq!(root.code(UpdateUser { enabled: Some(false), ..update(&id) }).await, Some(Code::Conflict));
    // Who has no right does none of it.
    let ann_client = stand.client("ann").await;
    assert_eq!(ann_client.code(create("bob")).await, Some(Code::Forbidden));
    assert_eq!(ann_client.code(get("root")).await, Some(Code::Forbidden));
    assert_eq!(ann_client.code(ListUsers::default()).await, Some(Code::Forbidden));
    assert_eq!(ann_client.code(update(&ann)).await, Some(Code::Forbidden));
    assert_eq!(ann_client.code(ResetPassword { user_id: ann }).await, Some(Code::Forbidden));
    stand.unauthenticated(&stand.client("nobody").await, Me {}).await;
}

#[tokio::test]
async fn accounts_are_found() {
    let stand = Stand::start().await;
    let root = stand.client("root").await;
    let organisation = stand.organisation("Hill").await;
    stand.user_with("ann", &["observer"]).await;
    let bob = stand.member("bob", &[], Some(&organisation)).await;
    stand.user("carl").await;
    root.ask(DeleteUser { user_id: bob }).await.unwrap();
    for (list, names) in [
        (ListUsers::default(), vec!["ann", "bob", "carl", "root"]),
        (ListUsers { search: Some("AR".to_owned()), ..ListUsers::default() }, vec!["carl"]),
        (ListUsers { search: Some("'%_".to_owned()), ..ListUsers::default() }, vec![]),
        (ListUsers { enabled: Some(false), ..ListUsers::default() }, vec!["bob"]),
        (ListUsers { organisation_id: Some(organisation), ..ListUsers::default() }, vec!["bob"]),
        (ListUsers { role_id: Some("observer".parse().unwrap()), ..ListUsers::default() }, vec!["ann"]),
    ] {
        let (mut found, mut cursor) = (Vec::new(), None);
        loop {
            let page = root.ask(ListUsers { limit: Some(2), cursor, ..list.clone() }).await.unwrap();
            found.extend(page.users.into_iter().map(|user| user.username.to_string()));
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(found, names, "{list:?}");
    }
    let wrong = ListUsers { cursor: Some("?".to_owned()), ..ListUsers::default() };
    assert_eq!(root.code(wrong).await, Some(Code::Invalid));
}

#[tokio::test]
async fn passwords_end_tokens() {
    let stand = Stand::start().await;
    let root = stand.client("root").await;
    let ann = stand.user("ann").await;
    let lobby = stand.client("lobby.ann").await;
    let first = lobby.with(session(&lobby, "ann").await.token.expose());
    let second = lobby.with(session(&lobby, "ann").await.token.expose());
    let new = "Betelgeuse is about to explode";
    let change = ChangePassword {
        old_password: Secret::new(PASSWORD),
        new_password: Secret::new(new),
        code: None,
        revoke_api_keys: false,
    };
    first.ask(change).await.unwrap();
    for client in [&first, &second] {
        stand.unauthenticated(client, Me {}).await;
    }
    let third = lobby.with(lobby.ask(login("ann", new)).await.unwrap().token.expose());
    let reset = root.ask(ResetPassword { user_id: ann }).await.unwrap();
    stand.unauthenticated(&third, Me {}).await;
    assert_eq!(lobby.code(login("ann", new)).await, Some(Code::Unauthenticated));
    stand.advance(25 * 3600);
    let late = SetUp {
        username: "ann".parse().unwrap(),
        setup_secret: reset.setup_secret,
        new_password: Secret::new(PASSWORD),
    };
    assert_eq!(lobby.code(late).await, Some(Code::Unauthenticated), "it has expired");
}

#[tokio::test]
async fn api_keys_go_where_that_is_asked_for() {
    let stand = Stand::start().await;
    let root = stand.client("root").await;
    let ann = stand.user("ann").await;
    let lobby = stand.client("lobby.ann").await;
    let acting = async |password: &str| lobby.with(lobby.ask(login("ann", password)).await.unwrap().token.expose());
    let key = async |client: &Client| {
        let new = CreateKey { name: "script".to_owned(), scopes: None, expires_at: None, user_id: None };
        lobby.with(client.ask(new).await.unwrap().key.expose())
    };
    let (one, two) = ("Betelgeuse is about to explode", "Aldebaran follows the Pleiades");
    let change = |old: &str, new: &str, revoke_api_keys| ChangePassword {
        old_password: Secret::new(old),
        new_password: Secret::new(new),
        code: None,
        revoke_api_keys,
    };
    let client = acting(PASSWORD).await;
    let script = key(&client).await;
    client.ask(change(PASSWORD, one, false)).await.unwrap();
    script.ask(Me {}).await.unwrap();
    acting(one).await.ask(change(one, two, true)).await.unwrap();
    stand.unauthenticated(&script, Me {}).await;

    let client = acting(two).await;
    let script = key(&client).await;
    let secret = client.ask(EnrolTotp {}).await.unwrap().secret;
    client.ask(ConfirmTotp { code: code(&stand, &secret, 0) }).await.unwrap();
    script.ask(Me {}).await.unwrap();
    root.ask(RemoveTotp { user_id: Some(ann), code: None, revoke_api_keys: true }).await.unwrap();
    stand.unauthenticated(&script, Me {}).await;
}

#[tokio::test]
async fn a_second_factor_from_beginning_to_end() {
    let stand = Stand::start().await;
    let root = stand.client("root").await;
    let ann = stand.user("ann").await;
    let lobby = stand.client("lobby.ann").await;
    let acting = lobby.with(session(&lobby, "ann").await.token.expose());
    assert_eq!(acting.code(ConfirmTotp { code: Secret::new("000000") }).await, Some(Code::Conflict));
    let enrolment = acting.ask(EnrolTotp {}).await.unwrap();
    assert!(enrolment.otpauth_uri.expose().contains(enrolment.secret.expose()));
    assert_eq!(acting.code(ConfirmTotp { code: code(&stand, &enrolment.secret, 5) }).await, Some(Code::Invalid));
    let mut changed = stand.events::<UserChanged>().await;
    let codes = acting.ask(ConfirmTotp { code: code(&stand, &enrolment.secret, 0) }).await.unwrap().recovery_codes;
    assert_eq!(codes.len(), 10);
    let event: UserChanged = next(&mut changed).await;
    assert!(event.change == UserChange::TotpConfirmed && event.user.has_totp);
    stand.unauthenticated(&acting, Me {}).await; // a token from before it is void
    stand.advance(30);
    let missing = lobby.ask(login("ann", PASSWORD)).await.unwrap_err();
    assert!(missing.code == Code::Unauthenticated && missing.hint.contains("code"), "{missing}");
    let with = |code: &Secret| Login { code: Some(code.clone()), ..login("ann", PASSWORD) };
    let now = code(&stand, &enrolment.secret, 0);
    let acting = lobby.with(lobby.ask(with(&now)).await.unwrap().token.expose());
    assert_eq!(lobby.code(with(&now)).await, Some(Code::Unauthenticated), "each is good once");
    lobby.ask(with(&codes[0])).await.unwrap();
    assert_eq!(lobby.code(with(&codes[0])).await, Some(Code::Unauthenticated), "so is each recovery code");
    // The password is not changed without it.
    stand.advance(30);
    let new = "Betelgeuse is about to explode";
    let change = |code: Option<Secret>| ChangePassword {
        old_password: Secret::new(PASSWORD),
        new_password: Secret::new(new),
        code,
        revoke_api_keys: false,
    };
    assert_eq!(acting.code(change(None)).await, Some(Code::Unauthenticated));
    acting.ask(change(Some(code(&stand, &enrolment.secret, 0)))).await.unwrap();
    stand.advance(30);
    let again = Login { code: Some(code(&stand, &enrolment.secret, 0)), ..login("ann", new) };
    let acting = lobby.with(lobby.ask(again).await.unwrap().token.expose());
    // Nor is it taken away without it, but by an administrator.
    stand.advance(30);
    let remove = |code: Option<Secret>| RemoveTotp { user_id: None, code, revoke_api_keys: false };
    assert_eq!(acting.code(remove(None)).await, Some(Code::Invalid));
    assert_eq!(acting.code(remove(Some(Secret::new("000000")))).await, Some(Code::Unauthenticated));
    let of_root = RemoveTotp { user_id: Some("root".parse().unwrap()), code: None, revoke_api_keys: false };
    assert_eq!(acting.code(of_root).await, Some(Code::Forbidden));
    acting.ask(remove(Some(code(&stand, &enrolment.secret, 0)))).await.unwrap();
    assert!(!root.ask(get("ann")).await.unwrap().user.has_totp);
    stand.unauthenticated(&acting, Me {}).await; // what was proven with it is void
    let acting = lobby.with(lobby.ask(login("ann", new)).await.unwrap().token.expose());
    acting.ask(EnrolTotp {}).await.unwrap();
    root.ask(RemoveTotp { user_id: Some(ann), code: None, revoke_api_keys: false }).await.unwrap();
    lobby.ask(login("ann", new)).await.unwrap();
}

#[tokio::test]
async fn who_has_no_row_has_no_password() {
    let stand = Stand::start().await;
    let node = stand.client("node").await;
    let me = node.ask(Me {}).await.unwrap();
    assert!(me.user.is_none() && me.username.as_str() == "node");
    let change = ChangePassword {
        old_password: Secret::new(PASSWORD),
        new_password: Secret::new("another one altogether"),
        code: None,
        revoke_api_keys: false,
    };
    assert_eq!(node.code(change).await, Some(Code::Invalid));
    assert_eq!(node.code(EnrolTotp {}).await, Some(Code::Invalid));
    assert_eq!(node.code(RemoveTotp::default()).await, Some(Code::Invalid));
}
