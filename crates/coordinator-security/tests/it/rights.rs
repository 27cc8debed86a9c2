//! Roles, groups, organisations, permissions: changed, and in effect when the answer comes.

use catalog::security::{
    AddMember, AssignRole, CheckPermission, CreateGroup, CreateOrganisation, CreateRole, DeleteGroup,
    DeleteOrganisation, DeleteRole, GetGroup, GetRole, GrantPermission, ListGroups, ListOrganisations, ListPermissions,
    ListRoles, ListUsers, RemoveMember, RemoveRole, RightsChange, RightsChanged, Ruling, UpdateGroup,
    UpdateOrganisation, UpdateRole, WithdrawPermission,
};
use vocabulary::{
    Code,
    ids::{GroupId, RoleId},
};

use crate::stand::{Stand, next};

pub(crate) fn grant(right: &str) -> GrantPermission {
    let (resource, action) = right.split_once(':').unwrap();
    GrantPermission {
        role_id: None,
        group_id: None,
        resource: resource.to_owned(),
        action: action.to_owned(),
        effect: Ruling::Allow,
        scope: None,
    }
}

pub(crate) fn withdraw(grant: GrantPermission) -> WithdrawPermission {
    let GrantPermission { role_id, group_id, resource, action, effect, scope } = grant;
    WithdrawPermission { role_id, group_id, resource, action, effect, scope }
}

#[tokio::test]
async fn a_role_from_beginning_to_end() {
    let stand = Stand::start().await;
    let root = stand.client("root").await;
    let ann = stand.user("ann").await;
    let client = stand.client("ann").await;
    let mut events = stand.events::<RightsChanged>().await;
    let made = root.ask(CreateRole { name: "registrar".to_owned(), description: "Keeps the list.".to_owned() }).await;
    let role = made.unwrap().role;
    let mut told = vec![RightsChange::RoleCreated];
    let of_role = |right: &str| GrantPermission { role_id: Some(role.id.clone()), ..grant(right) };
    root.ask(of_role("user:read")).await.unwrap();
    told.push(RightsChange::PermissionGranted);
    root.ask(of_role("user:read")).await.unwrap();
    assert_eq!(client.code(ListUsers::default()).await, Some(Code::Forbidden));
    root.ask(AssignRole { user_id: ann.clone(), role_id: None, role: Some("registrar".to_owned()) }).await.unwrap();
    told.push(RightsChange::RoleAssigned);
    assert_eq!(client.code(ListUsers::default()).await, None, "it holds when the answer comes");
    // A denial overrides.
    let denial = GrantPermission { effect: Ruling::Deny, ..of_role("user:read") };
    root.ask(denial.clone()).await.unwrap();
    told.push(RightsChange::PermissionGranted);
    assert_eq!(client.code(ListUsers::default()).await, Some(Code::Forbidden));
    root.ask(withdraw(denial)).await.unwrap();
    told.push(RightsChange::PermissionWithdrawn);
    assert_eq!(client.code(ListUsers::default()).await, None);
    let update = UpdateRole { role_id: role.id.clone(), name: Some("clerk".to_owned()), description: None };
    let updated = root.ask(update).await.unwrap().role;
    assert_eq!((updated.name.as_str(), updated.description.as_str()), ("clerk", "Keeps the list."));
    told.push(RightsChange::RoleUpdated);
    let get = |role: &str| GetRole { role_id: None, role: Some(role.to_owned()) };
    assert_eq!(root.ask(get("clerk")).await.unwrap().role.id, role.id);
    assert_eq!(root.code(get("registrar")).await, Some(Code::NotFound));
    let list = ListRoles { user_id: Some(ann.clone()), ..ListRoles::default() };
    assert_eq!(root.ask(list).await.unwrap().roles, [updated]);
    root.ask(RemoveRole { user_id: ann.clone(), role_id: Some(role.id.clone()), role: None }).await.unwrap();
    told.push(RightsChange::RoleRemoved);
    assert_eq!(client.code(ListUsers::default()).await, Some(Code::Forbidden));
    root.ask(DeleteRole { role_id: role.id.clone() }).await.unwrap();
    told.push(RightsChange::RoleDeleted);
    for change in told {
        let event: RightsChanged = next(&mut events).await;
        assert_eq!((event.change, event.role_id.as_ref()), (change, Some(&role.id)));
        assert_eq!(event.changed_by.unwrap().as_str(), "root");
    }
}

#[tokio::test]
async fn a_group_from_beginning_to_end() {
    let stand = Stand::start().await;
    let root = stand.client("root").await;
    let ann = stand.user("ann").await;
    let client = stand.client("ann").await;
    let made = CreateOrganisation { name: "Hill".to_owned(), description: String::new() };
    let organisation = root.ask(made.clone()).await.unwrap().organisation.id;
    assert_eq!(root.code(made).await, Some(Code::Conflict));
    let make = CreateGroup { name: "north".to_owned(), description: "x".to_owned(), organisation_id: None };
    let group = root.ask(make.clone()).await.unwrap().group;
    assert_eq!(root.code(make).await, Some(Code::Conflict));
    let of_group = |right: &str| GrantPermission { group_id: Some(group.id.clone()), ..grant(right) };
    root.ask(of_group("user:read")).await.unwrap();
    root.ask(AddMember { group_id: group.id.clone(), user_id: ann.clone() }).await.unwrap();
    assert_eq!(client.code(ListUsers::default()).await, None);
    let joined = UpdateGroup {
        group_id: group.id.clone(),
        name: None,
        description: None,
        organisation_id: Some(organisation.clone()),
        leave_organisation: false,
    };
    let updated = root.ask(joined.clone()).await.unwrap().group;
    assert_eq!((updated.organisation_id.as_ref(), updated.description.as_str()), (Some(&organisation), "x"));
    let list = ListGroups {
        user_id: Some(ann.clone()),
        organisation_id: Some(organisation.clone()),
        limit: None,
        cursor: None,
    };
    assert_eq!(root.ask(list).await.unwrap().groups, std::slice::from_ref(&updated));
    assert_eq!(root.ask(GetGroup { group_id: group.id.clone() }).await.unwrap().group, updated);
    let delete = DeleteOrganisation { organisation_id: organisation.clone() };
    assert_eq!(root.code(delete.clone()).await, Some(Code::Conflict));
    assert_eq!(root.code(UpdateGroup { leave_organisation: true, ..joined.clone() }).await, Some(Code::Invalid));
    let left = UpdateGroup { organisation_id: None, leave_organisation: true, ..joined };
    assert_eq!(root.ask(left).await.unwrap().group.organisation_id, None);
    let rename = UpdateOrganisation {
        organisation_id: organisation.clone(),
        name: Some("Valley".to_owned()),
        description: None,
    };
    assert_eq!(root.ask(rename).await.unwrap().organisation.name, "Valley");
    assert_eq!(root.ask(ListOrganisations::default()).await.unwrap().organisations.len(), 1);
    root.ask(delete.clone()).await.unwrap();
    assert_eq!(root.code(delete).await, Some(Code::NotFound));
    root.ask(RemoveMember { group_id: group.id.clone(), user_id: ann.clone() }).await.unwrap();
    assert_eq!(client.code(ListUsers::default()).await, Some(Code::Forbidden));
    root.ask(DeleteGroup { group_id: group.id.clone() }).await.unwrap();
    assert_eq!(root.code(GetGroup { group_id: group.id }).await, Some(Code::NotFound));
}

#[tokio::test]
async fn what_is_refused() {
    let stand = Stand::start().await;
    let root = stand.client("root").await;
    let ann = stand.user_with("ann", &["observer"]).await;
    let (no_role, no_group): (RoleId, GroupId) = ("no-such".parse().unwrap(), "no-such".parse().unwrap());
    let administrator: RoleId = "administrator".parse().unwrap();
    let of_administrator = |right: &str| GrantPermission { role_id: Some(administrator.clone()), ..grant(right) };
    let codes = [
        (
            "a role's name is none",
            root.code(CreateRole { name: "two words".to_owned(), description: String::new() }).await,
            Code::Invalid,
        ),
        (
            "a role is there",
            root.code(CreateRole { name: "operator".to_owned(), description: String::new() }).await,
            Code::Conflict,
        ),
        ("a builtin role", root.code(DeleteRole { role_id: administrator.clone() }).await, Code::Conflict),
        ("no role", root.code(DeleteRole { role_id: no_role.clone() }).await, Code::NotFound),
        (
            "no role to give",
            root.code(AssignRole { user_id: ann.clone(), role_id: Some(no_role.clone()), role: None }).await,
            Code::NotFound,
        ),
        ("neither", root.code(AssignRole { user_id: ann.clone(), role_id: None, role: None }).await, Code::Invalid),
        (
            "nobody",
            root.code(AssignRole {
                user_id: "no-such".parse().unwrap(),
                role_id: Some(administrator.clone()),
                role: None,
            })
            .await,
            Code::NotFound,
        ),
        ("no group", root.code(AddMember { group_id: no_group.clone(), user_id: ann.clone() }).await, Code::NotFound),
        ("no holder", root.code(grant("telescope:read")).await, Code::Invalid),
        (
            "a word",
            root.code(GrantPermission { role_id: Some("operator".parse().unwrap()), ..grant("Telescope:read") }).await,
            Code::Invalid,
        ),
        ("what administrators may", root.code(withdraw(of_administrator("*:*"))).await, Code::Conflict),
        (
            "what administrators may not",
            root.code(GrantPermission { effect: Ruling::Deny, ..of_administrator("user:*") }).await,
            Code::Conflict,
        ),
        (
            "the last administrator",
            root.code(RemoveRole {
                user_id: stand.rights.user_id(&"root".parse().unwrap()).unwrap(),
                role_id: Some(administrator.clone()),
                role: None,
            })
            .await,
            Code::Conflict,
        ),
    ];
    for (what, found, wanted) in codes {
        assert_eq!(found, Some(wanted), "{what}");
    }
    let client = stand.client("ann").await;
    let forbidden = [
        client.code(CreateRole { name: "x".to_owned(), description: String::new() }).await,
        client.code(ListRoles::default()).await,
        client.code(AssignRole { user_id: ann.clone(), role_id: Some(administrator), role: None }).await,
        client.code(CreateGroup { name: "x".to_owned(), description: String::new(), organisation_id: None }).await,
        client.code(ListGroups::default()).await,
        client.code(AddMember { group_id: no_group, user_id: ann }).await,
        client.code(GrantPermission { role_id: Some("observer".parse().unwrap()), ..grant("*:*") }).await,
        client.code(ListPermissions::default()).await,
        client.code(CreateOrganisation { name: "x".to_owned(), description: String::new() }).await,
        client.code(ListOrganisations::default()).await,
    ];
    assert_eq!(forbidden, [Some(Code::Forbidden); 10]);
}

#[tokio::test]
async fn permissions_are_asked_for_and_listed() {
    let stand = Stand::start().await;
    let root = stand.client("root").await;
    let role = stand.role("north", &["telescope:control@telescope:north", "!telescope:read"]).await;
    let ann = stand.user_with("ann", &["observer", "north"]).await;
    let client = stand.client("ann").await;
    let check = |right: &str, scope: Option<&str>| {
        let (resource, action) = right.split_once(':').unwrap();
        let (resource, action) = (resource.to_owned(), action.to_owned());
        CheckPermission { user_id: None, resource, action, scope: scope.map(str::to_owned) }
    };
    for (right, scope, allowed) in [
        ("telescope:control", Some("telescope:north"), true),
        ("telescope:control", Some("telescope:south"), false),
        ("telescope:control", None, false),
        ("telescope:read", None, false),
        ("service:read", None, true),
        ("unheard:of", None, false),
    ] {
        let decision = client.ask(check(right, scope)).await.unwrap();
        assert_eq!(decision.allowed, allowed, "{right} {scope:?}: {}", decision.reason);
        for user in [ann.as_str(), "ann"] {
            let of_ann = CheckPermission { user_id: Some(user.parse().unwrap()), ..check(right, scope) };
            assert_eq!(root.ask(of_ann.clone()).await.unwrap(), decision);
            assert_eq!(client.ask(of_ann).await.unwrap(), decision);
        }
    }
    let of_root = CheckPermission { user_id: Some("root".parse().unwrap()), ..check("telescope:read", None) };
    assert_eq!(client.code(of_root.clone()).await, Some(Code::Forbidden));
    assert!(root.ask(of_root).await.unwrap().allowed);
    let of_nobody = CheckPermission { user_id: Some("no-such".parse().unwrap()), ..check("telescope:read", None) };
    assert!(!root.ask(of_nobody).await.unwrap().allowed);

    let all = |list: ListPermissions| {
        let root = &root;
        async move {
            let (mut found, mut cursor) = (Vec::new(), None);
            loop {
                let page = root.ask(ListPermissions { limit: Some(3), cursor, ..list.clone() }).await.unwrap();
                assert!(page.permissions.len() <= 3);
                found.extend(page.permissions);
                cursor = page.next;
                if cursor.is_none() {
                    return found;
                }
            }
        }
    };
    let of_role = all(ListPermissions { role_id: Some(role.clone()), ..ListPermissions::default() }).await;
    assert_eq!(of_role.len(), 2);
    assert!(of_role.iter().all(|permission| permission.role_id.as_ref() == Some(&role)));
    let of_ann = all(ListPermissions { user_id: Some(ann), ..ListPermissions::default() }).await;
    assert!(of_ann.len() > 5 && of_ann.iter().any(|permission| permission.rule.effect == Ruling::Deny));
    let of_kind = all(ListPermissions { resource: Some("telescope".to_owned()), ..ListPermissions::default() }).await;
    assert!(of_kind.len() >= 6 && of_kind.iter().all(|permission| permission.rule.resource == "telescope"));
    let everything = all(ListPermissions::default()).await;
    let distinct: std::collections::HashSet<String> = everything.iter().map(|one| format!("{one:?}")).collect();
    assert!(everything.len() > of_kind.len() && distinct.len() == everything.len());
}
