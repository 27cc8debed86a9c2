//! Nobody raises anybody above what he has himself, and nobody reaches into another organisation.

use catalog::{
    Secret,
    security::{
        AddMember, AssignRole, CreateKey, CreateUser, DeleteGroup, DeleteRole, DeleteUser, EnableUser, EnrolTotp,
        GetUser, GrantPermission, IssueAccountCertificate, IssueNodeCertificate, ListUsers, RemoveMember, RemoveRole,
        RemoveTotp, ResetPassword, RevokeKey, Ruling, UnlockUser, UpdateGroup, UpdateUser,
    },
};
use vocabulary::{Code, ids::UserId};

use crate::{
    people::{create, update},
    rights::{grant, withdraw},
    stand::{Client, Stand},
};

fn assign(user: &UserId, role: &str) -> AssignRole {
    AssignRole { user_id: user.clone(), role_id: None, role: Some(role.to_owned()) }
}

fn remove(user: &UserId, role: &str) -> RemoveRole {
    RemoveRole { user_id: user.clone(), role_id: None, role: Some(role.to_owned()) }
}

/// A manager who may do everything about accounts and rights, has no other rights, and is no administrator.
async fn manager(stand: &Stand) -> (UserId, Client) {
    let kinds = ["user", "role", "group", "permission", "certificate", "key", "organisation"];
    let actions = ["read", "write", "configure"];
    let rules: Vec<String> = kinds.iter().flat_map(|kind| actions.map(|action| format!("{kind}:{action}"))).collect();
    stand.role("manager", &rules.iter().map(String::as_str).collect::<Vec<_>>()).await;
    (stand.user_with("max", &["manager"]).await, stand.client("max").await)
}

#[tokio::test]
async fn an_administrator_is_an_administrators_alone() {
    let stand = Stand::start().await;
    let (max, client) = manager(&stand).await;
    let root = stand.rights.user_id(&"root".parse().unwrap()).unwrap();
    let boss = stand.user_with("boss", &["administrator"]).await;
    let refused = [
        ("update", client.code(UpdateUser { email: Some("x@example.org".to_owned()), ..update(&boss) }).await),
        ("disable", client.code(UpdateUser { enabled: Some(false), ..update(&boss) }).await),
        ("delete", client.code(DeleteUser { user_id: boss.clone() }).await),
        ("enable", client.code(EnableUser { user_id: boss.clone() }).await),
        ("unlock", client.code(UnlockUser { user_id: boss.clone() }).await),
        ("reset", client.code(ResetPassword { user_id: boss.clone() }).await),
        (
            "second factor",
            client.code(RemoveTotp { user_id: Some(boss.clone()), code: None, revoke_api_keys: false }).await,
        ),
        ("demote", client.code(remove(&boss, "administrator")).await),
        ("give more", client.code(assign(&boss, "manager")).await),
        ("promote", client.code(assign(&max, "administrator")).await),
        ("make one", client.code(CreateUser { roles: vec!["administrator".parse().unwrap()], ..create("eve") }).await),
        (
            "key",
            client
                .code(CreateKey { name: "x".to_owned(), scopes: None, expires_at: None, user_id: Some(boss.clone()) })
                .await,
        ),
        ("certificate", client.code(IssueAccountCertificate { username: "boss".parse().unwrap() }).await),
        (
            "process",
            client
                .code(IssueNodeCertificate {
                    name: "x".parse().unwrap(),
                    role: Some("telescope".parse().unwrap()),
                    hosts: vec![],
                })
                .await,
        ),
    ];
    for (what, code) in refused {
        assert_eq!(code, Some(Code::Forbidden), "{what}");
    }
    let boss_client = stand.client("boss").await;
    boss_client.ask(UnlockUser { user_id: root.clone() }).await.unwrap();
    boss_client.ask(UpdateUser { enabled: Some(false), ..update(&root) }).await.unwrap();
    // A disabled one too: it could come back.
    assert_eq!(client.code(ResetPassword { user_id: root }).await, Some(Code::Forbidden));
}

#[tokio::test]
async fn nobody_hands_on_what_he_has_not() {
    let stand = Stand::start().await;
    let (max, client) = manager(&stand).await;
    let ann = stand.user("ann").await;
    let weak = stand.role("weak", &["user:read"]).await;
    let strong = stand.role("strong", &["telescope:control"]).await;
    let bound = stand.role("bound", &["!telescope:control"]).await;
    let crew = stand.group("crew", &["telescope:read"], None).await;
    let fenced = stand.group("fenced", &["!telescope:read"], None).await;
    let bea = stand.user_with("bea", &["strong", "bound"]).await;
    let of =
        |role: &vocabulary::ids::RoleId, right: &str| GrantPermission { role_id: Some(role.clone()), ..grant(right) };
    let denial =
        |role: &vocabulary::ids::RoleId, right: &str| GrantPermission { effect: Ruling::Deny, ..of(role, right) };
    let to_crew = |right: &str| GrantPermission { group_id: Some(crew.clone()), ..grant(right) };
    let everything = GrantPermission { scope: Some("user:x".to_owned()), ..of(&weak, "*:*") };
    let refused = [
        ("a role with more", client.code(assign(&ann, "strong")).await),
        ("himself", client.code(assign(&max, "operator")).await),
        ("a group with more", client.code(AddMember { group_id: crew.clone(), user_id: ann.clone() }).await),
        ("himself into a group", client.code(AddMember { group_id: crew.clone(), user_id: max.clone() }).await),
        ("a right of others", client.code(of(&weak, "telescope:control")).await),
        ("every right", client.code(of(&weak, "*:*")).await),
        ("every action", client.code(of(&weak, "user:*")).await),
        ("every kind", client.code(of(&weak, "*:read")).await),
        ("every right somewhere", client.code(everything).await),
        ("to a group", client.code(to_crew("telescope:control")).await),
        ("lift a denial", client.code(withdraw(denial(&bound, "telescope:control"))).await),
        ("lift it with the role", client.code(remove(&bea, "bound")).await),
        ("delete the role", client.code(DeleteRole { role_id: bound.clone() }).await),
        ("lift it with the group", client.code(RemoveMember { group_id: fenced.clone(), user_id: ann.clone() }).await),
        ("delete the group", client.code(DeleteGroup { group_id: fenced }).await),
        ("take over who has more", client.code(ResetPassword { user_id: bea.clone() }).await),
        ("act as who has more", client.code(IssueAccountCertificate { username: "bea".parse().unwrap() }).await),
        (
            "a new account with more",
            client.code(CreateUser { roles: vec!["strong".parse().unwrap()], ..create("eve") }).await,
        ),
        (
            "a new one in a group",
            client.code(CreateUser { groups: vec!["crew".parse().unwrap()], ..create("eve") }).await,
        ),
        ("bind administrators", {
            stand.user_with("chief", &["administrator", "weak"]).await;
            client.code(denial(&weak, "user:read")).await
        }),
        ("change what they have", client.code(withdraw(of(&weak, "user:read"))).await),
    ];
    for (what, code) in refused {
        assert_eq!(code, Some(Code::Forbidden), "{what}");
    }
    // What he has, he may hand on; and bind others as he likes.
    stand.role("clerk", &["user:read", "user:write"]).await;
    let allowed = [
        ("a role with less", client.code(assign(&ann, "clerk")).await),
        ("take it back", client.code(remove(&ann, "clerk")).await),
        ("a role without denials", client.code(remove(&bea, "strong")).await),
        ("deny", client.code(denial(&strong, "telescope:control")).await),
        ("grant what he has", client.code(of(&strong, "user:read")).await),
        ("take over who has less", client.code(ResetPassword { user_id: ann.clone() }).await),
        ("act as who has less", client.code(IssueAccountCertificate { username: "ann".parse().unwrap() }).await),
        (
            "make one with less",
            client.code(CreateUser { roles: vec!["clerk".parse().unwrap()], ..create("eve") }).await,
        ),
        ("unlock", client.code(UnlockUser { user_id: bea }).await),
    ];
    for (what, code) in allowed {
        assert_eq!(code, None, "{what}");
    }
}

#[tokio::test]
async fn organisations_are_apart() {
    let stand = Stand::start().await;
    let (here, there) = (stand.organisation("Hill").await, stand.organisation("Valley").await);
    let scoped = |right: &str| format!("{right}@organisation:{here}");
    let rights = [
        "user:read",
        "user:write",
        "user:configure",
        "group:read",
        "group:write",
        "group:configure",
        "role:configure",
        "service:read",
    ];
    let rules: Vec<String> = rights.iter().map(|right| scoped(right)).collect();
    stand.role("warden", &rules.iter().map(String::as_str).collect::<Vec<_>>()).await;
    stand.member("wim", &["warden"], Some(&here)).await;
    let client = stand.client("wim").await;
    let ann = stand.member("ann", &[], Some(&here)).await;
    let bob = stand.member("bob", &[], Some(&there)).await;
    let ours = stand.group("ours", &[], Some(&here)).await;
    let theirs = stand.group("theirs", &[], Some(&there)).await;
    let get = |id: &UserId| GetUser { user_id: Some(id.clone()), username: None };
    let list = |organisation| ListUsers { organisation_id: organisation, ..ListUsers::default() };
    let join =
        |group: &vocabulary::ids::GroupId, user: &UserId| AddMember { group_id: group.clone(), user_id: user.clone() };
    let moved = UpdateGroup {
        group_id: ours.clone(),
        name: None,
        description: None,
        organisation_id: Some(there.clone()),
        leave_organisation: false,
    };
    stand.until_places_are_known(&client, &ours).await;
    let refused = [
        ("read", client.code(get(&bob)).await),
        ("list theirs", client.code(list(Some(there.clone()))).await),
        ("list all", client.code(list(None)).await),
        ("update", client.code(update(&bob)).await),
        ("disable", client.code(DeleteUser { user_id: bob.clone() }).await),
        ("reset", client.code(ResetPassword { user_id: bob.clone() }).await),
        ("make theirs", client.code(CreateUser { organisation_id: Some(there.clone()), ..create("eve") }).await),
        ("make anybody's", client.code(create("eve")).await),
        ("send away", client.code(UpdateUser { organisation_id: Some(there.clone()), ..update(&ann) }).await),
        ("let go", client.code(UpdateUser { leave_organisation: true, ..update(&ann) }).await),
        ("bring in", client.code(UpdateUser { organisation_id: Some(here.clone()), ..update(&bob) }).await),
        ("their group", client.code(join(&theirs, &ann)).await),
        ("their people", client.code(join(&ours, &bob)).await),
        ("group away", client.code(moved.clone()).await),
        (
            "their group's name",
            client
                .code(UpdateGroup {
                    group_id: theirs.clone(),
                    organisation_id: None,
                    name: Some("x".to_owned()),
                    ..moved.clone()
                })
                .await,
        ),
        ("a role for theirs", client.code(assign(&bob, "warden")).await),
    ];
    for (what, code) in refused {
        assert_eq!(code, Some(Code::Forbidden), "{what}");
    }
    let allowed = [
        ("read", client.code(get(&ann)).await),
        ("list ours", client.code(list(Some(here.clone()))).await),
        ("update", client.code(UpdateUser { email: Some("ann@example.org".to_owned()), ..update(&ann) }).await),
        ("make ours", client.code(CreateUser { organisation_id: Some(here.clone()), ..create("eve") }).await),
        ("our group", client.code(join(&ours, &ann)).await),
        (
            "our group's name",
            client.code(UpdateGroup { organisation_id: None, name: Some("hills".to_owned()), ..moved }).await,
        ),
        ("our role", client.code(assign(&ann, "warden")).await),
        ("disable", client.code(DeleteUser { user_id: ann }).await),
    ];
    for (what, code) in allowed {
        assert_eq!(code, None, "{what}");
    }
}

#[tokio::test]
async fn a_key_is_good_for_no_more_than_it_says() {
    let stand = Stand::start().await;
    let root = stand.client("root").await;
    let boss = stand.user_with("boss", &["administrator"]).await;
    let make = |scopes: &[&str], user: Option<&UserId>| CreateKey {
        name: "x".to_owned(),
        scopes: Some(scopes.iter().map(|scope| (*scope).to_owned()).collect()),
        expires_at: None,
        user_id: user.cloned(),
    };
    let made = root.ask(make(&["user:write", "user:configure", "key:write", "role:configure"], None)).await.unwrap();
    let narrow = root.with(made.key.expose());
    let refused = [
        ("wider", narrow.code(make(&["telescope:control"], None)).await),
        ("every one", narrow.code(make(&["*:*"], None)).await),
        ("every action", narrow.code(make(&["user:*"], None)).await),
        ("for another", narrow.code(make(&["user:write"], Some(&boss))).await),
        ("reset an administrator", narrow.code(ResetPassword { user_id: boss.clone() }).await),
        (
            "another's second factor",
            narrow.code(RemoveTotp { user_id: Some(boss.clone()), code: None, revoke_api_keys: false }).await,
        ),
        ("own second factor", narrow.code(EnrolTotp {}).await),
        ("make an administrator", narrow.code(assign(&stand.user("ann").await, "administrator")).await),
        ("what it leaves out", narrow.code(ListUsers::default()).await),
        ("take over", narrow.code(IssueAccountCertificate { username: "boss".parse().unwrap() }).await),
    ];
    for (what, code) in refused {
        assert_eq!(code, Some(Code::Forbidden), "{what}");
    }
    // Keys would otherwise have children that outlive them.
    assert_eq!(narrow.code(make(&["user:write"], None)).await, Some(Code::Forbidden));
    narrow.ask(RevokeKey { id: made.id, user_id: None }).await.unwrap();
    stand.unauthenticated(&narrow, make(&["user:write"], None)).await;
    let _ = Secret::new("");
}
