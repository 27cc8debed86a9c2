//! Second factors: enrolled, confirmed, asked for, never twice; and recovery codes.

use engine_accounts::{AccountsError, AuthError, ExposeSecret, Factor, RecoveryCodes, SecretString};
use store::accounts::users;
use totp_rs::{Builder, Secret};
use vocabulary::ids::UserId;

use crate::stand::{PASSWORD, Stand, word};

/// What an authenticator shows, `steps` half minutes from now.
fn code(stand: &Stand, secret: &SecretString, steps: i64) -> String {
    let secret = Secret::try_from_base32(secret.expose_secret()).unwrap();
    let totp = Builder::new().with_secret(secret).build().unwrap();
    let seconds = stand.now().instant().unix_timestamp() + 30 * steps;
    totp.generate(u64::try_from(seconds).unwrap()).to_string()
}

async fn enrolled(stand: &Stand, id: &UserId) -> (SecretString, RecoveryCodes) {
    let enrolment = stand.write(async |tx| stand.accounts.enrol_second_factor(tx, id).await).await.unwrap();
    let first = code(stand, &enrolment.secret, 0);
    let codes = stand.write(async |tx| stand.accounts.confirm_second_factor(tx, id, &first).await).await.unwrap();
    stand.wait(30);
    (enrolment.secret, codes)
}

#[tokio::test]
async fn a_second_factor_from_beginning_to_end() {
    let stand = Stand::new().await;
    let accounts = &stand.accounts;
    let ada = stand.user("ada").await;
    let nothing = stand.write(async |tx| accounts.confirm_second_factor(tx, &ada.id, "000000").await).await;
    assert!(matches!(nothing, Err(AccountsError::NotEnrolled { .. })));

    let lost = stand.write(async |tx| accounts.enrol_second_factor(tx, &ada.id).await).await.unwrap();
    let enrolment = stand.write(async |tx| accounts.enrol_second_factor(tx, &ada.id).await).await.unwrap();
    let url = enrolment.url.expose_secret();
    assert!(
        url.starts_with("otpauth://totp/BIG%20SKIES:ada?secret=") && url.contains(enrolment.secret.expose_secret())
    );
    assert_eq!(word(&stand.login("ada", PASSWORD, "here").await), "in", "it is not asked for before it is confirmed");
    for wrong in ["000000", "", "abcdef", &code(&stand, &lost.secret, 0), &code(&stand, &enrolment.secret, 2)] {
        let outcome = stand.write(async |tx| accounts.confirm_second_factor(tx, &ada.id, wrong).await).await;
        assert!(matches!(outcome, Err(AccountsError::WrongCode)), "{wrong}");
    }
    let first = code(&stand, &enrolment.secret, 0);
    stand.write(async |tx| accounts.confirm_second_factor(tx, &ada.id, &first).await).await.unwrap();
    let ada = accounts.user(&ada.id).await.unwrap();
    assert_eq!((ada.has_second_factor, ada.token_epoch), (true, 1), "tokens without it are void");
    let again = stand.write(async |tx| accounts.enrol_second_factor(tx, &ada.id).await).await;
    assert!(matches!(again, Err(AccountsError::AlreadyEnrolled { .. })), "nobody replaces it unseen");

    let (_, proofs) = users::with_proofs(&stand.store, &ada.username).await.unwrap().unwrap();
    let sealed = proofs.totp_secret.unwrap();
    assert!(sealed.starts_with("v1|") && !sealed.contains(enrolment.secret.expose_secret()));
    stand.write(async |tx| accounts.remove_second_factor(tx, &ada.id).await).await.unwrap();
    assert_eq!(stand.login("ada", PASSWORD, "here").await.unwrap().factor, Factor::None);
    assert_eq!(accounts.recovery_codes_left(&ada.id).await.unwrap(), 0);
}

#[tokio::test]
async fn each_code_is_good_once() {
    let stand = Stand::new().await;
    let ada = stand.user("ada").await;
    let (secret, _) = enrolled(&stand, &ada.id).await;
    let missing = stand.login("ada", PASSWORD, "here").await;
    assert!(matches!(missing, Err(AuthError::CodeRequired)), "{missing:?}");
    let wrong_password = stand.login_with_code("ada", "wrong one", Some(&code(&stand, &secret, 0)), "here").await;
    assert_eq!(word(&wrong_password), "wrong-password");
    for (what, steps, expected) in [
        ("used at the confirmation", -1, "replayed-code"),
        ("this one", 0, "in"),
        ("this one again", 0, "replayed-code"),
        ("the next one, from a clock that is fast", 1, "in"),
        ("this one after the next", 0, "replayed-code"),
        ("one of a minute hence", 2, "wrong-code"),
    ] {
        let outcome = stand.login_with_code("ada", PASSWORD, Some(&code(&stand, &secret, steps)), "here").await;
        assert_eq!(word(&outcome), expected, "{what}");
        if let Ok(authenticated) = outcome {
            assert_eq!(authenticated.factor, Factor::Totp);
        }
    }
}

#[tokio::test]
async fn one_code_at_two_places_at_once() {
    let stand = Stand::new().await;
    let ada = stand.user("ada").await;
    let (secret, _) = enrolled(&stand, &ada.id).await;
    for round in 0..5 {
        stand.wait(60);
        let code = code(&stand, &secret, 0);
        let (one, two) = (format!("a-{round}"), format!("b-{round}"));
        let (one, two) = tokio::join!(
            stand.login_with_code("ada", PASSWORD, Some(&code), &one),
            stand.login_with_code("ada", PASSWORD, Some(&code), &two)
        );
        let mut words = [word(&one), word(&two)];
        words.sort_unstable();
        assert_eq!(words, ["in", "replayed-code"], "round {round}");
    }
}

#[tokio::test]
async fn codes_can_not_be_guessed() {
    let stand = Stand::new().await;
    let ada = stand.user("ada").await;
    let (secret, _) = enrolled(&stand, &ada.id).await;
    let good = code(&stand, &secret, 0);
    for n in 0..5 {
        let wrong = format!("{:06}", (good.parse::<u32>().unwrap() + 1000 + n) % 1_000_000);
        let outcome = stand.login_with_code("ada", PASSWORD, Some(&wrong), &format!("peer-{n}")).await;
        assert_eq!(word(&outcome), "wrong-code");
    }
    assert_eq!(word(&stand.login_with_code("ada", PASSWORD, Some(&good), "peer-9").await), "locked");
}

#[tokio::test]
async fn recovery_codes_are_good_once() {
    let stand = Stand::new().await;
    let ada = stand.user("ada").await;
    let (_, codes) = enrolled(&stand, &ada.id).await;
    assert_eq!(codes.0.len(), 10);
    let code = |n: usize| codes.0[n].expose_secret().to_owned();
    for (what, code, expected, left) in [
        ("the first", code(0), "in", 9),
        ("the first again", code(0), "wrong-code", 9),
        ("typed in capitals, with blanks", code(1).to_uppercase().replace('-', " "), "in", 8),
        ("none", "0000-0000-0000-0000".to_owned(), "wrong-code", 8),
        ("nothing", String::new(), "wrong-code", 8),
    ] {
        let outcome = stand.login_with_code("ada", PASSWORD, Some(&code), "here").await;
        assert_eq!(word(&outcome), expected, "{what}");
        assert_eq!(stand.accounts.recovery_codes_left(&ada.id).await.unwrap(), left, "{what}");
        if let Ok(authenticated) = outcome {
            assert_eq!(authenticated.factor, Factor::Recovery);
        }
    }
    let renewed = stand.write(async |tx| stand.accounts.renew_recovery_codes(tx, &ada.id).await).await.unwrap();
    let outcome = stand.login_with_code("ada", PASSWORD, Some(&code(5)), "here").await;
    assert_eq!(word(&outcome), "wrong-code", "the old ones ended");
    let new = renewed.0[5].expose_secret();
    assert_eq!(word(&stand.login_with_code("ada", PASSWORD, Some(new), "here").await), "in");
    assert!(!format!("{renewed:?}").contains(new), "codes are not in logs");
}
