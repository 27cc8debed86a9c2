//! The beginning: no account, no default password, and one first administrator.

use engine::Engine;
use engine_accounts::{AccountsError, NewUser};
use store::{Slice, accounts::users::Filter};

use crate::stand::{PASSWORD, Stand, until, word};

#[tokio::test]
async fn the_first_administrator() {
    let stand = Stand::new().await;
    let accounts = &stand.accounts;
    assert!(accounts.users(&Filter::default(), &Slice::default()).await.unwrap().items.is_empty(), "nobody is seeded");
    assert!(!accounts.has_administrator().await.unwrap());
    until("the health says what is missing", || async { accounts.health().message.contains("bigskies admin create") })
        .await;
    for name in ["admin", "administrator", "root", "bigskies"] {
        let outcome = stand.login(name, "bigskies_admin_2024", name).await;
        assert_eq!(word(&outcome), "unknown-user");
    }

    let person = async |name: &str| NewUser {
        password: Some(stand.hashed(name, PASSWORD).await),
        ..NewUser::person(name.parse().unwrap())
    };
    let (ada, bob) = (person("ada").await, person("bob").await);
    let (one, two) = tokio::join!(
        stand.write(async |tx| accounts.create_first_administrator(tx, &ada).await),
        stand.write(async |tx| accounts.create_first_administrator(tx, &bob).await)
    );
    let (won, lost) = if one.is_ok() { (one, two) } else { (two, one) };
    assert!(matches!(lost, Err(AccountsError::AdministratorExists)), "of two at once one is it: {lost:?}");
    assert!(accounts.has_administrator().await.unwrap());
    let won = won.unwrap();
    let roles = accounts.roles(Some(&won.id), &Slice::default()).await.unwrap().items;
    assert_eq!(roles.iter().map(|role| role.name.as_str()).collect::<Vec<_>>(), ["administrator"]);
    assert_eq!(word(&stand.login(won.username.as_str(), PASSWORD, "here").await), "in");
    accounts.stop().await;
    accounts.stop().await;
}

#[tokio::test]
async fn the_first_administrator_by_a_secret() {
    let stand = Stand::new().await;
    let accounts = &stand.accounts;
    let ada =
        NewUser { password: Some(stand.hashed("ada", PASSWORD).await), ..NewUser::person("ada".parse().unwrap()) };
    let issue = async || stand.write(async |tx| accounts.issue_first_secret(tx).await).await;
    let redeem = async |secret| stand.write(async |tx| accounts.redeem_first(tx, secret, &ada).await).await;
    let replaced = issue().await.unwrap();
    let late = issue().await.unwrap();
    let refused = redeem(&replaced).await;
    assert!(matches!(refused, Err(AccountsError::SetupSecret)), "only the last one is good");
    stand.wait(24 * 3600);
    let refused = redeem(&late).await;
    assert!(matches!(refused, Err(AccountsError::SetupSecret)), "it is good for a day");

    let secret = issue().await.unwrap();
    let as_password = stand.write(async |tx| accounts.redeem_password(tx, &secret, &PASSWORD.into()).await).await;
    assert!(matches!(as_password, Err(AccountsError::SetupSecret)), "it opens nothing else");
    redeem(&secret).await.unwrap();
    let again = redeem(&secret).await;
    assert!(matches!(again, Err(AccountsError::SetupSecret)), "it is good once");
    assert!(matches!(issue().await, Err(AccountsError::AdministratorExists)));
}
