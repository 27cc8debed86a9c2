//! Accounts, groups, roles, organisations and permissions: made, changed, found, refused.

use engine_accounts::{GroupChange, NewUser, UserChange};
use store::{
    Slice,
    accounts::{
        groups,
        permissions::{Holder, Rule},
        users::{Filter, MustChange},
    },
};

use crate::stand::{PASSWORD, Stand};

#[tokio::test]
async fn an_account_from_beginning_to_end() {
    let stand = Stand::new().await;
    let accounts = &stand.accounts;
    let organisation =
        stand.write(async |tx| accounts.create_organisation(tx, "Lowell", "on Mars Hill").await).await.unwrap();
    let new = NewUser {
        email: Some("ada@example.org".to_owned()),
        organisation: Some(organisation.id.clone()),
        ..NewUser::person("Ada".parse().unwrap())
    };
    let ada = stand.write(async |tx| accounts.create_user(tx, &new).await).await.unwrap();
    assert_eq!(accounts.user(&ada.id).await.unwrap(), ada);
    assert_eq!(accounts.user_of_name(&"Ada".parse().unwrap()).await.unwrap(), ada);
    assert!(accounts.user_of_name(&"ada".parse().unwrap()).await.is_err(), "letters count as they are written");

    stand.wait(10);
    for (what, change, email, in_organisation, enabled, must_change, epoch) in [
        ("nothing", UserChange::default(), Some("ada@example.org"), true, true, false, 0),
        (
            "another address",
            UserChange { email: Some(Some("a@b.example".to_owned())), ..UserChange::default() },
            Some("a@b.example"),
            true,
            true,
            false,
            0,
        ),
        ("no address", UserChange { email: Some(None), ..UserChange::default() }, None, true, true, false, 0),
        ("disabled", UserChange { enabled: Some(false), ..UserChange::default() }, None, true, false, false, 1),
        ("disabled again", UserChange { enabled: Some(false), ..UserChange::default() }, None, true, false, false, 1),
        ("enabled", UserChange { enabled: Some(true), ..UserChange::default() }, None, true, true, false, 1),
        (
            "another password wanted, and no organisation",
            UserChange { must_change_password: Some(true), organisation: Some(None), ..UserChange::default() },
            None,
            false,
            true,
            true,
            1,
        ),
    ] {
        let changed = stand.write(async |tx| accounts.update_user(tx, &ada.id, &change).await).await.unwrap();
        let seen = (changed.email.as_deref(), changed.organisation.is_some(), changed.enabled);
        assert_eq!(seen, (email, in_organisation, enabled), "{what}");
        assert_eq!((changed.must_change_password, changed.token_epoch), (must_change, epoch), "{what}");
        assert_eq!((changed.created_at, changed.updated_at), (ada.created_at, stand.now()), "{what}");
        assert_eq!(accounts.user(&ada.id).await.unwrap(), changed, "{what}");
    }
    let hash = stand.hashed("Ada", PASSWORD).await;
    stand.write(async |tx| accounts.set_password(tx, &ada.id, &hash, MustChange::No).await).await.unwrap();
    let ada = accounts.user(&ada.id).await.unwrap();
    assert_eq!((ada.token_epoch, ada.must_change_password, ada.has_password), (2, false, true));
}

#[tokio::test]
async fn accounts_that_are_refused() {
    let stand = Stand::new().await;
    let person = |name: &str, email: Option<&str>| NewUser {
        email: email.map(str::to_owned),
        ..NewUser::person(name.parse().unwrap())
    };
    let first = person("Ada", Some("ada@example.org"));
    stand.write(async |tx| stand.accounts.create_user(tx, &first).await).await.unwrap();
    let nowhere = NewUser { organisation: Some("nowhere".parse().unwrap()), ..person("bob", None) };
    for (what, new, part) in [
        ("the same name", person("Ada", None), "user Ada exists"),
        ("in another case", person("aDA", None), "user aDA exists"),
        ("the same address", person("bob", Some("ada@example.org")), "another account has it"),
        ("the same address in another case", person("bob", Some("ADA@example.ORG")), "another account has it"),
        ("no address", person("bob", Some("bob at example")), "email address is not one"),
        ("an address with a line feed", person("bob", Some("bob@example\n.org")), "email address is not one"),
        ("SQL in an address", person("bob", Some("x@y'; DROP TABLE users; --")), "email address is not one"),
        ("no such organisation", nowhere, "does not exist"),
    ] {
        let error = stand.write(async |tx| stand.accounts.create_user(tx, &new).await).await.unwrap_err().to_string();
        assert!(error.contains(part), "{what}: {error}");
    }
    let empty = person("carol", Some(""));
    let carol = stand.write(async |tx| stand.accounts.create_user(tx, &empty).await).await.unwrap();
    assert_eq!(carol.email, None);
}

#[tokio::test]
async fn accounts_are_listed() {
    let stand = Stand::new().await;
    for name in ["dora", "Ada", "bob", "Carl"] {
        stand.user(name).await;
    }
    let of = |name: &'static str| async { stand.accounts.user_of_name(&name.parse().unwrap()).await.unwrap().id };
    let (ada, bob, dora) = (of("Ada").await, of("bob").await, of("dora").await);
    let group = stand
        .write(async |tx| {
            let group = stand.accounts.create_group(tx, "night-shift", "", None).await?;
            stand.accounts.join_group(tx, &group.id, &ada).await?;
            stand.accounts.join_group(tx, &group.id, &dora).await?;
            stand.accounts.assign_role(tx, &"observer".parse().unwrap(), &bob).await?;
            stand.accounts.disable_user(tx, &dora).await?;
            Ok(group)
        })
        .await
        .unwrap();
    for (filter, names) in [
        (Filter::default(), vec!["Ada", "bob", "Carl", "dora"]),
        (Filter { enabled: Some(true), ..Filter::default() }, vec!["Ada", "bob", "Carl"]),
        (Filter { enabled: Some(false), ..Filter::default() }, vec!["dora"]),
        (Filter { group: Some(group.id.clone()), ..Filter::default() }, vec!["Ada", "dora"]),
        (Filter { role: Some("observer".parse().unwrap()), ..Filter::default() }, vec!["bob"]),
        (Filter { organisation: Some("none".parse().unwrap()), ..Filter::default() }, vec![]),
        (Filter { search: Some("AD".to_owned()), ..Filter::default() }, vec!["Ada"]),
        (Filter { search: Some("%".to_owned()), ..Filter::default() }, vec![]),
    ] {
        let mut seen = Vec::new();
        let mut slice = Slice::first(3);
        loop {
            let page = stand.accounts.users(&filter, &slice).await.unwrap();
            seen.extend(page.items.into_iter().map(|user| user.username.to_string()));
            let Some(next) = page.next else { break };
            slice.cursor = Some(next);
        }
        assert_eq!(seen, names, "{filter:?}");
    }
}

#[tokio::test]
async fn groups_roles_and_organisations() {
    let stand = Stand::new().await;
    let accounts = &stand.accounts;
    let user = stand.user("ada").await;
    let (organisation, group, role) = stand
        .write(async |tx| {
            let organisation = accounts.create_organisation(tx, "Lowell", "").await?;
            let group = accounts.create_group(tx, "owls", "awake", Some(&organisation.id)).await?;
            let role = accounts.create_role(tx, "guide", "").await?;
            assert!(accounts.join_group(tx, &group.id, &user.id).await?);
            assert!(!accounts.join_group(tx, &group.id, &user.id).await?);
            assert!(accounts.assign_role(tx, &role.id, &user.id).await?);
            assert!(!accounts.assign_role(tx, &role.id, &user.id).await?);
            Ok((organisation, group, role))
        })
        .await
        .unwrap();
    let holder = Holder::Group(group.id.clone());
    let rule = Rule::allow("telescope", "read").within("telescope:t1");
    for (granted, then) in [(true, "granted"), (false, "had it")] {
        assert_eq!(stand.write(async |tx| accounts.grant(tx, &holder, &rule).await).await.unwrap(), granted, "{then}");
    }
    let permissions = accounts.permissions(Some(&holder), &Slice::default()).await.unwrap().items;
    assert_eq!(permissions.iter().map(|row| &row.rule).collect::<Vec<_>>(), [&rule]);
    assert_eq!(accounts.permission(&permissions[0].id).await.unwrap(), permissions[0]);

    let filter = groups::Filter { member: Some(user.id.clone()), organisation: Some(organisation.id.clone()) };
    assert_eq!(accounts.groups(&filter, &Slice::default()).await.unwrap().items, std::slice::from_ref(&group));
    assert_eq!(accounts.roles(Some(&user.id), &Slice::default()).await.unwrap().items, std::slice::from_ref(&role));
    assert_eq!(accounts.organisations(&Slice::default()).await.unwrap().items, std::slice::from_ref(&organisation));

    let larks = GroupChange { name: Some("larks".to_owned()), ..GroupChange::default() };
    let renamed = stand.write(async |tx| accounts.update_group(tx, &group.id, &larks).await).await.unwrap();
    assert_eq!((renamed.name.as_str(), renamed.description.as_str()), ("larks", "awake"));
    let described =
        stand.write(async |tx| accounts.update_role(tx, &role.id, None, Some("shows")).await).await.unwrap();
    assert_eq!((described.name.as_str(), described.description.as_str()), ("guide", "shows"));
    let error = stand.write(async |tx| accounts.remove_organisation(tx, &organisation.id).await).await.unwrap_err();
    assert!(error.to_string().contains("still has accounts or groups"), "{error}");

    stand
        .write(async |tx| {
            assert!(accounts.withdraw(tx, &holder, &rule).await?);
            assert!(!accounts.withdraw(tx, &holder, &rule).await?);
            assert!(accounts.leave_group(tx, &group.id, &user.id).await?);
            assert!(!accounts.leave_group(tx, &group.id, &user.id).await?);
            accounts.remove_group(tx, &group.id).await?;
            accounts.remove_role(tx, &role.id).await?;
            accounts.remove_organisation(tx, &organisation.id).await
        })
        .await
        .unwrap();
    assert!(accounts.group(&group.id).await.is_err() && accounts.role(&role.id).await.is_err());
    assert!(accounts.organisation(&organisation.id).await.is_err());
    assert_eq!(accounts.user(&user.id).await.unwrap().token_epoch, 1, "a role was lost");
}

#[tokio::test]
async fn what_is_no_word_and_who_does_not_exist() {
    let stand = Stand::new().await;
    let accounts = &stand.accounts;
    let user = stand.user("ada").await;
    let holder = Holder::Role("observer".parse().unwrap());
    for (rule, part) in [
        (Rule::allow("Telescope", "read"), "resource is not"),
        (Rule::allow("", "read"), "resource is not"),
        (Rule::allow("telescope", "re:ad"), "action is not"),
        (Rule::allow("telescope", "**"), "action is not"),
        (Rule::allow("telescope", "read").within("t1"), "scope is not"),
        (Rule::allow("telescope", "read").within("telescope:#"), "scope is not"),
        (Rule::allow("telescope'; --", "read"), "resource is not"),
    ] {
        let error = stand.write(async |tx| accounts.grant(tx, &holder, &rule).await).await.unwrap_err().to_string();
        assert!(error.contains(part), "{rule}: {error}");
    }
    let nobody = "nobody".parse().unwrap();
    let rule = Rule::allow("telescope", "read");
    let nothing = Holder::Group("nothing".parse().unwrap());
    let errors = [
        ("user nobody", stand.write(async |tx| accounts.disable_user(tx, &nobody).await.map(drop)).await),
        ("user nobody", stand.write(async |tx| accounts.reset_password(tx, &nobody).await.map(drop)).await),
        (
            "user nobody",
            stand
                .write(async |tx| accounts.assign_role(tx, &"observer".parse().unwrap(), &nobody).await.map(drop))
                .await,
        ),
        (
            "role none",
            stand.write(async |tx| accounts.assign_role(tx, &"none".parse().unwrap(), &user.id).await.map(drop)).await,
        ),
        (
            "group none",
            stand.write(async |tx| accounts.join_group(tx, &"none".parse().unwrap(), &user.id).await.map(drop)).await,
        ),
        ("group nothing", stand.write(async |tx| accounts.grant(tx, &nothing, &rule).await.map(drop)).await),
        (
            "group two words",
            stand.write(async |tx| accounts.create_group(tx, "two words", "", None).await.map(drop)).await,
        ),
        ("role OBSERVER", stand.write(async |tx| accounts.create_role(tx, "OBSERVER", "").await.map(drop)).await),
    ];
    for (part, outcome) in errors {
        let error = outcome.unwrap_err().to_string();
        assert!(error.contains(part), "{part}: {error}");
    }
}
