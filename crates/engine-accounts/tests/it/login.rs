//! Logins: who is let in and who is not, old hashes, changes of password, and expiry.

use engine_accounts::{
    AccountsError, AccountsSettings, ExposeSecret, HashedPassword, Login, NewUser, Peer, SecretString,
};
use store::accounts::users::{self, MustChange};

use crate::stand::{PASSWORD, Stand, cheap, word};

#[tokio::test]
async fn who_is_let_in() {
    // So many failures would lock.
    let stand = Stand::with(AccountsSettings { lockout_failures: 100, ..cheap() }).await;
    stand.user("Ada").await;
    let bob = stand.user("bob").await;
    stand.write(async |tx| stand.accounts.disable_user(tx, &bob.id).await).await.unwrap();
    let without = NewUser::person("carol".parse().unwrap());
    stand.write(async |tx| stand.accounts.create_user(tx, &without).await).await.unwrap();
    let long = "x".repeat(100_000);
    let mut said = std::collections::BTreeSet::new();
    for (name, password, expected) in [
        ("Ada", PASSWORD, "in"),
        ("Ada", "wrong", "wrong-password"),
        ("Ada", "", "wrong-password"),
        ("Ada", &long, "wrong-password"),
        ("Ada", "Deneb, Vega and Altair ", "wrong-password"),
        ("Ada", "\0", "wrong-password"),
        ("ada", PASSWORD, "unknown-user"),
        ("ADA", PASSWORD, "unknown-user"),
        ("nobody", PASSWORD, "unknown-user"),
        ("", PASSWORD, "unknown-user"),
        ("Ada' OR '1'='1", PASSWORD, "unknown-user"),
        ("Ada\0", PASSWORD, "unknown-user"),
        ("#", PASSWORD, "unknown-user"),
        (&long, PASSWORD, "unknown-user"),
        ("bob", PASSWORD, "disabled"),
        ("bob", "wrong", "wrong-password"),
        ("carol", PASSWORD, "no-password"),
        ("carol", "", "no-password"),
    ] {
        let outcome = stand.login(name, password, "here").await;
        assert_eq!(word(&outcome), expected, "{name:.20} {password:.20}");
        said.extend(outcome.err().map(|error| error.to_string()));
    }
    assert_eq!(said.len(), 1, "whoever is refused learns the same: {said:?}");
    let authenticated = stand.login("Ada", PASSWORD, "here").await.unwrap();
    assert_eq!((authenticated.user.username.as_str(), authenticated.must_change_password), ("Ada", false));
}

#[tokio::test]
async fn hashes_of_before_are_replaced_at_login() {
    let stand = Stand::new().await;
    let of_the_spec = bcrypt::hash(PASSWORD, 5).unwrap().replacen("$2b$", "$2a$", 1);
    let dearer = AccountsSettings { argon2_passes: 2, ..cheap() };
    let dearer = Stand::with(dearer).await.hashed("x", PASSWORD).await;
    for (name, hash) in [("a", HashedPassword::import(&of_the_spec).unwrap()), ("b", dearer)] {
        let new = NewUser { password: Some(hash), ..NewUser::person(name.parse().unwrap()) };
        let user = stand.write(async |tx| stand.accounts.create_user(tx, &new).await).await.unwrap();
        let kept = async || {
            let found = users::with_proofs(&stand.store, &user.username).await.unwrap().unwrap();
            found.1.password_hash.unwrap()
        };
        let before = kept().await;
        assert_eq!(word(&stand.login(name, "wrong", "here").await), "wrong-password");
        assert_eq!(kept().await, before);
        assert_eq!(word(&stand.login(name, PASSWORD, "here").await), "in");
        let after = kept().await;
        assert!(after.starts_with("$argon2id$v=19$m=64,t=1,p=1$"), "{after}");
        assert_eq!(word(&stand.login(name, PASSWORD, "here").await), "in");
        assert_eq!(kept().await, after, "once is enough");
        assert_eq!(stand.accounts.user(&user.id).await.unwrap().token_epoch, 0, "the password is the same");
    }
}

#[tokio::test]
async fn a_password_is_changed() {
    let stand = Stand::new().await;
    let ada = stand.user("ada").await;
    let new_password = "Betelgeuse is red";
    let change = async |old: &str, new: &str| {
        let (old, new, peer) = (SecretString::from(old), SecretString::from(new), Peer::named("here"));
        let login = Login { username: "ada", password: &old, code: None, peer: &peer };
        let prepared = stand.accounts.prepare_change(&login, &new).await?;
        stand.write(async |tx| stand.accounts.change_password(tx, &prepared).await).await
    };
    for (old, new, part) in [
        ("wrong", new_password, "is wrong"),
        (PASSWORD, PASSWORD, "it is the old one"),
        (PASSWORD, "short", "5 of at least 8"),
        (PASSWORD, "password123", "guessed soon"),
    ] {
        let error = change(old, new).await.unwrap_err().to_string();
        assert!(error.contains(part), "{new}: {error}");
    }
    assert_eq!(stand.accounts.user(&ada.id).await.unwrap().token_epoch, 0);
    change(PASSWORD, new_password).await.unwrap();
    assert_eq!(word(&stand.login("ada", PASSWORD, "here").await), "wrong-password");
    assert_eq!(stand.login("ada", new_password, "here").await.unwrap().user.token_epoch, 1, "its tokens are void");

    // Of two who change it at once, one changed what the other had proven.
    let (old, peer) = (SecretString::from(new_password), Peer::named("here"));
    let login = Login { username: "ada", password: &old, code: None, peer: &peer };
    let first = stand.accounts.prepare_change(&login, &"Rigel is blue, too".into()).await.unwrap();
    let second = stand.accounts.prepare_change(&login, &"Aldebaran is orange".into()).await.unwrap();
    stand.write(async |tx| stand.accounts.change_password(tx, &first).await).await.unwrap();
    let outcome = stand.write(async |tx| stand.accounts.change_password(tx, &second).await).await;
    assert!(matches!(outcome, Err(AccountsError::Changed { .. })), "{outcome:?}");
}

#[tokio::test]
async fn passwords_that_must_be_changed() {
    let stand = Stand::with(AccountsSettings { password_age_days_max: 90, ..cheap() }).await;
    let ada = stand.user("ada").await;
    let password = Some(stand.hashed("node", PASSWORD).await);
    let service = NewUser { is_service: true, password, ..NewUser::person("node".parse().unwrap()) };
    stand.write(async |tx| stand.accounts.create_user(tx, &service).await).await.unwrap();
    let must = async |name: &str| stand.login(name, PASSWORD, "here").await.unwrap().must_change_password;
    assert!(!must("ada").await);
    let hash = stand.hashed("ada", PASSWORD).await;
    stand.write(async |tx| stand.accounts.set_password(tx, &ada.id, &hash, MustChange::Yes).await).await.unwrap();
    assert!(must("ada").await, "somebody else chose it");
    stand.write(async |tx| stand.accounts.set_password(tx, &ada.id, &hash, MustChange::No).await).await.unwrap();
    assert!(!must("ada").await);
    stand.wait(90 * 86_400);
    assert!(!must("ada").await);
    stand.wait(1);
    assert!(must("ada").await, "it is too old");
    assert!(!must("node").await, "a service has nobody who could choose one");
}

#[tokio::test]
async fn a_password_is_reset_with_a_secret_that_is_good_once() {
    let stand = Stand::new().await;
    let accounts = &stand.accounts;
    let ada = stand.user("ada").await;
    let redeem = async |secret: &SecretString, password: &str| {
        let password = SecretString::from(password);
        stand.write(async |tx| accounts.redeem_password(tx, secret, &password).await).await
    };
    let secret = stand.write(async |tx| accounts.reset_password(tx, &ada.id).await).await.unwrap();
    assert_eq!(word(&stand.login("ada", PASSWORD, "here").await), "no-password");
    assert!(secret.expose_secret().len() >= 47 && !format!("{secret:?}").contains(secret.expose_secret()));

    let error = redeem(&secret, "short").await.unwrap_err();
    assert!(matches!(error, AccountsError::Policy { .. }), "{error}");
    let user = redeem(&secret, "Capella shines yellow").await.unwrap();
    assert_eq!((user.token_epoch, user.has_password), (2, true));
    assert_eq!(word(&stand.login("ada", "Capella shines yellow", "here").await), "in");
    let spent = redeem(&secret, "Capella shines again").await;
    assert!(matches!(spent, Err(AccountsError::SetupSecret)), "{spent:?}");

    let first = stand.write(async |tx| accounts.reset_password(tx, &ada.id).await).await.unwrap();
    let second = stand.write(async |tx| accounts.reset_password(tx, &ada.id).await).await.unwrap();
    let replaced = redeem(&first, "Capella shines again").await;
    assert!(matches!(replaced, Err(AccountsError::SetupSecret)), "only the last one is good");
    stand.wait(24 * 3600);
    let late = redeem(&second, "Capella shines again").await;
    assert!(matches!(late, Err(AccountsError::SetupSecret)), "it is good for a day");
    for wrong in ["", "bss_", "bss_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "' OR true --"] {
        let outcome = redeem(&wrong.into(), "Capella shines again").await;
        assert!(matches!(outcome, Err(AccountsError::SetupSecret)), "{wrong}");
    }
    let invitation = stand.write(async |tx| accounts.issue_password_secret(tx, &ada.id).await).await.unwrap();
    stand.write(async |tx| accounts.disable_user(tx, &ada.id).await).await.unwrap();
    let disabled = redeem(&invitation, "Capella shines again").await;
    assert!(matches!(disabled, Err(AccountsError::SetupSecret)), "not for who is disabled");
}

#[tokio::test]
async fn many_logins_of_one_account_at_once() {
    let stand = Stand::new().await;
    stand.user("face").await;
    let logins = (0..40).map(|n| {
        let stand = &stand;
        async move { word(&stand.login("face", PASSWORD, &format!("peer-{}", n % 4)).await) }
    });
    let words = futures_of(logins.collect()).await;
    assert!(words.iter().all(|word| *word == "in"), "{words:?}");
}

/// Runs all at once.
pub(crate) async fn futures_of<T>(futures: Vec<impl Future<Output = T>>) -> Vec<T> {
    let mut waiting: Vec<_> = futures.into_iter().map(Box::pin).map(Some).collect();
    let mut done: Vec<Option<T>> = waiting.iter().map(|_| None).collect();
    std::future::poll_fn(|context| {
        for (slot, done) in waiting.iter_mut().zip(&mut done) {
            let Some(future) = slot else { continue };
            if let std::task::Poll::Ready(value) = future.as_mut().poll(context) {
                (*slot, *done) = (None, Some(value));
            }
        }
        if waiting.iter().all(Option::is_none) { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    done.into_iter().map(Option::unwrap).collect()
}
