//! Lockout: whoever guesses is stopped, whoever owns the account is not.

use engine_accounts::{Accounts, AuthError, Login, Peer, SecretString};
use store::accounts::attempts;

use crate::{
    login::futures_of,
    stand::{PASSWORD, Stand, cheap, word},
};

/// Fails `count` times.
async fn fail(stand: &Stand, name: &str, peer: &str, count: u32) {
    for n in 1..=count {
        let outcome = stand.login(name, "wrong one", peer).await;
        assert!(matches!(outcome, Err(AuthError::Refused { .. })), "failure {n} of {name} from {peer}: {outcome:?}");
    }
}

#[tokio::test]
async fn the_sixth_try_is_refused_unseen() {
    let stand = Stand::new().await;
    stand.user("ada").await;
    for name in ["ada", "nobody"] {
        let peer = |n: u32| format!("{name}-{n}");
        // From five places, so that it is the account that is locked.
        for n in 0..5 {
            fail(&stand, name, &peer(n), 1).await;
        }
        let mut said = Vec::new();
        for password in ["wrong one", PASSWORD] {
            let error = stand.login(name, password, &peer(6)).await.unwrap_err();
            assert!(matches!(error, AuthError::Locked { .. }), "{name}: {error}");
            said.push(error.to_string());
        }
        assert_eq!(said[0], said[1], "a lock says nothing about a password");
        let shouted = name.to_uppercase();
        assert_eq!(word(&stand.login(&shouted, PASSWORD, &peer(7)).await), "locked", "nor about how a name is written");
    }
    stand.wait(15 * 60 - 1);
    assert_eq!(word(&stand.login("ada", PASSWORD, "ada-6").await), "locked");
    stand.wait(1);
    assert_eq!(word(&stand.login("ada", PASSWORD, "ada-6").await), "in");
}

#[tokio::test]
async fn locks_double_survive_a_restart_and_end_with_a_success() {
    let stand = Stand::new().await;
    stand.user("ada").await;
    for (minutes, round) in [(15, 0), (30, 1), (60, 2)] {
        for n in 0..5 {
            fail(&stand, "ada", &format!("{round}-{n}"), 1).await;
        }
        let again =
            Accounts::start(stand.store.clone(), stand.vault.clone(), stand.clock.clone(), cheap()).await.unwrap();
        let (password, peer) = (SecretString::from(PASSWORD), Peer::named("elsewhere"));
        let login = Login { username: "ada", password: &password, code: None, peer: &peer };
        let Err(AuthError::Locked { until }) = again.authenticate(&login).await else { panic!("not locked") };
        assert_eq!(until.since(stand.now()).as_secs(), minutes * 60, "round {round}");
        stand.wait(minutes * 60);
    }
    assert_eq!(word(&stand.login("ada", PASSWORD, "new").await), "in");
    for n in 0..5 {
        fail(&stand, "ada", &format!("after-{n}"), 1).await;
    }
    stand.wait(15 * 60);
    assert_eq!(word(&stand.login("ada", PASSWORD, "newer").await), "in", "the count of locks began anew");
}

#[tokio::test]
async fn a_success_forgives_the_failures_before_it() {
    let stand = Stand::new().await;
    stand.user("ada").await;
    for round in 0..4 {
        for n in 0..4 {
            fail(&stand, "ada", &format!("{round}-{n}"), 1).await;
        }
        assert_eq!(word(&stand.login("ada", PASSWORD, &format!("{round}-in")).await), "in", "round {round}");
    }
    // At a place that is known it is the same with the counter of that place.
    for round in 0..4 {
        fail(&stand, "ada", "0-in", 4).await;
        assert_eq!(word(&stand.login("ada", PASSWORD, "0-in").await), "in", "round {round}");
    }
}

#[tokio::test]
async fn a_place_is_locked_for_all_whom_it_does_not_know() {
    let stand = Stand::new().await;
    for name in ["ada", "bob", "eve"] {
        stand.user(name).await;
    }
    assert_eq!(word(&stand.login("ada", PASSWORD, "lobby").await), "in");
    for name in ["u1", "u2", "u3", "u4", "u5"] {
        fail(&stand, name, "lobby", 1).await;
    }
    for (name, peer, expected) in
        [("bob", "lobby", "locked"), ("nobody", "lobby", "locked"), ("ada", "lobby", "in"), ("bob", "elsewhere", "in")]
    {
        assert_eq!(word(&stand.login(name, PASSWORD, peer).await), expected, "{name} from {peer}");
    }
    // An account of one's own washes nothing off.
    stand.wait(15 * 60);
    for round in 0..2 {
        fail(&stand, "bob", "desk", 2).await;
        assert_eq!(word(&stand.login("eve", PASSWORD, "desk").await), "in", "round {round}");
    }
    fail(&stand, "ada", "desk", 1).await;
    assert_eq!(word(&stand.login("bob", PASSWORD, "desk").await), "locked");
}

#[tokio::test]
async fn nobody_far_away_locks_an_administrator_out() {
    let stand = Stand::new().await;
    stand.user_with("ada", "administrator").await;
    assert_eq!(word(&stand.login("ada", PASSWORD, "console").await), "in");
    for n in 0..5 {
        fail(&stand, "ada", &format!("far-{n}"), 1).await;
    }
    assert_eq!(word(&stand.login("ada", PASSWORD, "far-9").await), "locked");
    assert_eq!(word(&stand.login("ada", PASSWORD, "console").await), "in");
    assert_eq!(word(&stand.login("ada", PASSWORD, "far-9").await), "locked", "which lets nobody else in");
    // The known place has a count of its own, which is as strict.
    fail(&stand, "ada", "console", 5).await;
    assert_eq!(word(&stand.login("ada", PASSWORD, "console").await), "locked");
    let opened = stand.write(async |tx| stand.accounts.unlock_user(tx, &"ada".parse().unwrap()).await).await;
    assert!(opened.unwrap());
    for peer in ["console", "far-9"] {
        assert_eq!(word(&stand.login("ada", PASSWORD, peer).await), "in", "{peer}, unlocked by an administrator");
    }
    // A place is forgotten after a month.
    stand.wait(31 * 86_400);
    for n in 0..5 {
        fail(&stand, "ada", &format!("further-{n}"), 1).await;
    }
    assert_eq!(word(&stand.login("ada", PASSWORD, "console").await), "locked");
}

#[tokio::test]
async fn guesses_at_once_count_one_by_one() {
    let stand = Stand::new().await;
    stand.user("ada").await;
    let guess =
        async |what: &str, n: u32, password: &str| word(&stand.login("ada", password, &format!("{what}-{n}")).await);
    let words = futures_of((0..60).map(|n| guess("wrong", n, "wrong one")).collect()).await;
    let count = |words: &[&str], wanted: &str| words.iter().filter(|word| **word == wanted).count();
    assert_eq!((count(&words, "wrong-password"), count(&words, "locked")), (5, 55), "{words:?}");

    // Where the right one is among them, it is let in before the lock, or hears of the lock like the wrong ones.
    stand.wait(15 * 60);
    let password = |n: u32| if n == 30 { PASSWORD } else { "wrong one" };
    let words = futures_of((0..60).map(|n| guess("mixed", n, password(n))).collect()).await;
    let (wrong, right) = (count(&words, "wrong-password"), count(&words, "in"));
    assert!(wrong <= 5 * (1 + right) && words.iter().all(|word| ["wrong-password", "locked", "in"].contains(word)));
    assert_eq!(guess("last", 0, PASSWORD).await, "locked");
}

#[tokio::test]
async fn counters_that_say_nothing_any_more_are_removed() {
    let stand = Stand::new().await;
    stand.user("ada").await;
    stand.login("ada", PASSWORD, "console").await.unwrap();
    fail(&stand, "nobody", "far", 1).await;
    let (now, day) = (stand.now(), std::time::Duration::from_secs(86_400));
    for (what, quiet, known, removed) in [
        ("nothing is old", now.minus(day), now.minus(day), 0),
        ("failures are old", now.plus(day), now.minus(day), 4),
        ("the place is old", now.plus(day), now.plus(day), 1),
    ] {
        assert_eq!(attempts::tidy(&stand.store, quiet, known).await.unwrap(), removed, "{what}");
    }
}
