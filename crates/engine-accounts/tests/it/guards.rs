//! What must not be taken away: the last administrator, and what came with the program.

use engine_accounts::{AccountsError, UserChange};
use store::{
    Slice,
    accounts::permissions::{Holder, Rule},
};
use vocabulary::ids::RoleId;

use crate::stand::Stand;

fn administrator() -> RoleId {
    "administrator".parse().unwrap()
}

#[tokio::test]
async fn the_last_administrator_stays() {
    let stand = Stand::new().await;
    let accounts = &stand.accounts;
    let ada = stand.user_with("ada", "administrator").await;
    let service = stand.user_with("bob", "operator").await;
    let group = stand.write(async |tx| accounts.create_group(tx, "all", "", None).await).await.unwrap();
    let everybody = Holder::Group(group.id.clone());
    let observer: RoleId = "observer".parse().unwrap();
    let attempts = || async {
        let disabled = UserChange { enabled: Some(false), ..UserChange::default() };
        [
            ("disable", stand.write(async |tx| accounts.disable_user(tx, &ada.id).await.map(drop)).await),
            ("update", stand.write(async |tx| accounts.update_user(tx, &ada.id, &disabled).await.map(drop)).await),
            (
                "withdraw",
                stand.write(async |tx| accounts.withdraw_role(tx, &administrator(), &ada.id).await.map(drop)).await,
            ),
            (
                "deny through a group",
                stand
                    .write(async |tx| {
                        accounts.join_group(tx, &group.id, &ada.id).await?;
                        accounts.grant(tx, &everybody, &Rule::deny("*", "*")).await.map(drop)
                    })
                    .await,
            ),
            (
                "join a group that denies",
                stand
                    .write(async |tx| {
                        accounts.grant(tx, &everybody, &Rule::deny("user", "write")).await?;
                        accounts.join_group(tx, &group.id, &ada.id).await.map(drop)
                    })
                    .await,
            ),
            (
                "get a role that denies",
                stand
                    .write(async |tx| {
                        accounts.grant(tx, &Holder::Role(observer.clone()), &Rule::deny("*", "write")).await?;
                        accounts.assign_role(tx, &observer, &ada.id).await.map(drop)
                    })
                    .await,
            ),
        ]
    };
    for (what, outcome) in attempts().await {
        assert!(matches!(outcome, Err(AccountsError::LastAdministrator)), "{what}: {outcome:?}");
    }
    let harmless = stand
        .write(async |tx| {
            accounts.grant(tx, &everybody, &Rule::deny("telescope", "control")).await?;
            accounts.join_group(tx, &group.id, &ada.id).await
        })
        .await;
    assert!(harmless.unwrap(), "a denial that lets accounts be administrated is the administrator's own affair");
    stand.write(async |tx| accounts.disable_user(tx, &service.id).await).await.unwrap();

    let second = stand.user_with("eve", "administrator").await;
    stand.write(async |tx| accounts.disable_user(tx, &ada.id).await).await.unwrap();
    let outcome = stand.write(async |tx| accounts.disable_user(tx, &second.id).await).await;
    assert!(matches!(outcome, Err(AccountsError::LastAdministrator)), "a disabled one does not count");
}

#[tokio::test]
async fn two_can_not_take_each_other_away_at_once() {
    let stand = Stand::new().await;
    let accounts = &stand.accounts;
    for round in 0..10 {
        let (one, two) = (format!("a{round}"), format!("b{round}"));
        let one = stand.user_with(&one, "administrator").await;
        let two = stand.user_with(&two, "administrator").await;
        let (first, second) = tokio::join!(
            stand.write(async |tx| accounts.disable_user(tx, &one.id).await),
            stand.write(async |tx| accounts.withdraw_role(tx, &administrator(), &two.id).await)
        );
        assert!(first.is_ok() != second.is_ok(), "round {round}: {first:?}, {second:?}");
        assert!(accounts.has_administrator().await.unwrap());
        force_disabled(&stand, &one.id).await;
        force_disabled(&stand, &two.id).await;
    }
}

/// Takes away even the last one, as somebody does by hand in the database.
async fn force_disabled(stand: &Stand, id: &vocabulary::ids::UserId) {
    let mut tx = stand.store.begin().await.unwrap();
    store::accounts::users::set_enabled(&mut tx, id, false, stand.now()).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn what_came_with_the_program_stays() {
    let stand = Stand::new().await;
    let accounts = &stand.accounts;
    let holder = Holder::Role(administrator());
    let everything = accounts.permissions(Some(&holder), &Slice::default()).await.unwrap().items;
    assert_eq!(everything.iter().map(|row| row.rule.clone()).collect::<Vec<_>>(), [Rule::allow("*", "*")]);
    let everything = &everything[0].id;
    for (what, outcome) in [
        ("remove", stand.write(async |tx| accounts.remove_role(tx, &administrator()).await).await),
        ("remove another", stand.write(async |tx| accounts.remove_role(tx, &"plugin".parse().unwrap()).await).await),
        (
            "rename",
            stand
                .write(async |tx| accounts.update_role(tx, &administrator(), Some("boss"), None).await.map(drop))
                .await,
        ),
        ("deny", stand.write(async |tx| accounts.grant(tx, &holder, &Rule::deny("user", "*")).await.map(drop)).await),
        (
            "withdraw",
            stand.write(async |tx| accounts.withdraw(tx, &holder, &Rule::allow("*", "*")).await.map(drop)).await,
        ),
        ("the permission itself", stand.write(async |tx| accounts.remove_permission(tx, everything).await).await),
    ] {
        assert!(matches!(outcome, Err(AccountsError::Builtin { .. })), "{what}: {outcome:?}");
    }
    let role = stand.write(async |tx| accounts.update_role(tx, &administrator(), None, Some("the boss")).await).await;
    assert_eq!(role.unwrap().description, "the boss");
}
