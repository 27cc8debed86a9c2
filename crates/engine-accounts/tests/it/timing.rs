//! What the time of a refusal tells: nothing about whether there is such an account, and how it is.
//!
//! That the same work is done is counted, which holds on every machine. The time itself is held to its bound where `BIGSKIES_SOAK` is set,
//! at the default cost of a hash, on a machine that does nothing else. A sample has a wide bound and takes the shortest time of each, which
//! other work on the machine lengthens least.

use std::time::Instant;

use engine_accounts::{AccountsSettings, HashedPassword, NewUser};
use rand::{SeedableRng, rngs::StdRng, seq::SliceRandom};

use crate::stand::{PASSWORD, Stand, cheap, word};

/// Who is tried, and what is heard of it here (never by whoever tries).
const TRIED: [(&str, &str, &str); 10] = [
    ("known", "wrong one", "wrong-password"),
    ("known-too", "wrong one", "wrong-password"),
    ("of-before", "wrong one", "wrong-password"),
    ("of-long-before", "wrong one", "wrong-password"),
    ("unknown", "wrong one", "unknown-user"),
    ("unknown-too", PASSWORD, "unknown-user"),
    ("disabled", "wrong one", "wrong-password"),
    ("disabled", PASSWORD, "disabled"),
    ("without-password", "wrong one", "no-password"),
    ("administrator", "wrong one", "wrong-password"),
];

async fn world(settings: AccountsSettings) -> Stand {
    let stand = Stand::with(settings).await;
    stand.user("known").await;
    stand.user("known-too").await;
    stand.user_with("administrator", "administrator").await;
    let disabled = stand.user("disabled").await;
    stand.write(async |tx| stand.accounts.disable_user(tx, &disabled.id).await).await.unwrap();
    let without = NewUser::person("without-password".parse().unwrap());
    stand.write(async |tx| stand.accounts.create_user(tx, &without).await).await.unwrap();
    for (name, cost) in [("of-before", bcrypt_cost()), ("of-long-before", bcrypt_cost() - 1)] {
        let password = Some(HashedPassword::import(&bcrypt::hash(PASSWORD, cost).unwrap()).unwrap());
        let new = NewUser { password, ..NewUser::person(name.parse().unwrap()) };
        stand.write(async |tx| stand.accounts.create_user(tx, &new).await).await.unwrap();
    }
    stand
}

/// What the dearest of the hashes by bcrypt costs: as the spec's does, or next to nothing.
fn bcrypt_cost() -> u32 {
    if is_long() { 10 } else { 5 }
}

fn is_long() -> bool {
    std::env::var_os("BIGSKIES_SOAK").is_some()
}

/// What a refusal takes: the median, or in a sample the shortest time.
fn typical(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times[if is_long() { times.len() / 2 } else { 0 }]
}

/// Tries all of them in turn, in another order each time, and holds what each takes against the first one's.
#[expect(clippy::print_stdout, reason = "a measurement shows what it found")]
async fn compare(stand: &Stand, what: &str, tried: &[(&str, &str, &str)], peers: &str, rounds: usize, bound: f64) {
    let mut random = StdRng::seed_from_u64(7);
    let mut order: Vec<usize> = (0..tried.len()).collect();
    let mut times = vec![Vec::new(); tried.len()];
    for round in 0..rounds {
        order.shuffle(&mut random);
        for at in &order {
            let (name, password, expected) = tried[*at];
            let peer = format!("{peers}-{round}-{at}");
            let started = Instant::now();
            let outcome = stand.login(name, password, &peer).await;
            times[*at].push(started.elapsed().as_secs_f64() * 1e3);
            assert_eq!(word(&outcome), expected, "{what}: {name}");
        }
    }
    let times: Vec<f64> = times.iter_mut().map(|times| typical(times)).collect();
    for ((name, _, reason), time) in tried.iter().zip(&times) {
        let ratio = time / times[0];
        println!("{what}: {name} ({reason}) {time:.3} ms, {ratio:.3} of the first");
        assert!((1.0 / bound..bound).contains(&ratio), "{what}: {name}: {times:?}");
    }
}

#[tokio::test]
async fn whoever_is_refused_cost_the_same() {
    let stand = world(AccountsSettings { lockout_failures: 100, ..cheap() }).await;
    let long = "x".repeat(100_000);
    let others =
        [("known", long.as_str(), "wrong-password"), ("unknown", &long, "unknown-user"), ("#", "", "unknown-user")];
    for (name, password, expected) in TRIED.into_iter().chain(others) {
        let before = spent(&stand);
        let outcome = stand.login(name, password, "here").await;
        let said = outcome.as_ref().map_or_else(ToString::to_string, |_| String::new());
        let (hashes, rounds) = spent(&stand);
        let spent = (hashes - before.0, rounds - before.1);
        assert_eq!((word(&outcome), spent), (expected, (1, 1 << bcrypt_cost())), "{name}");
        assert_eq!(said, stand.login("known", "wrong one", "there").await.unwrap_err().to_string(), "{name}");
    }
    // Who is let in costs the same, so that a success is not seen before its answer.
    for (name, cost) in [("known", bcrypt_cost()), ("of-before", bcrypt_cost()), ("of-long-before", bcrypt_cost() - 1)]
    {
        let before = spent(&stand);
        assert_eq!(word(&stand.login(name, PASSWORD, "here").await), "in");
        let (hashes, rounds) = spent(&stand);
        assert_eq!((hashes - before.0, rounds - before.1), (1, 1 << cost), "{name}");
    }
    // With the last of those hashes goes what they cost.
    let before = spent(&stand);
    assert_eq!(word(&stand.login("unknown", PASSWORD, "here").await), "unknown-user");
    assert_eq!(spent(&stand), (before.0 + 1, before.1));
}

/// Hashes by Argon2id and rounds of bcrypt that passwords have cost so far.
fn spent(stand: &Stand) -> (u64, u64) {
    (stand.accounts.passwords_compared(), stand.accounts.bcrypt_rounds())
}

#[tokio::test]
async fn a_lock_costs_none() {
    let stand = world(AccountsSettings { lockout_failures: 2, ..cheap() }).await;
    for (name, _, _) in TRIED {
        for n in 0..2 {
            let _counted = stand.login(name, "wrong one", &format!("before-{name}-{n}")).await;
        }
        let before = spent(&stand);
        for password in [PASSWORD, "wrong one"] {
            let outcome = stand.login(name, password, &format!("after-{name}-{}", password.len())).await;
            assert_eq!(word(&outcome), "locked", "{name}");
        }
        assert_eq!(spent(&stand), before, "{name}: a lock says nothing about a password");
    }
}

#[tokio::test]
async fn refusals_take_equally_long() {
    let (settings, rounds, bound) = if is_long() {
        (AccountsSettings { lockout_failures: 1000, ..AccountsSettings::default() }, 101, 1.05)
    } else {
        (AccountsSettings { argon2_memory_kibibytes: 1024, lockout_failures: 1000, ..cheap() }, 15, 3.0)
    };
    let stand = world(settings).await;
    compare(&stand, "refused", &TRIED, "peer", rounds, bound).await;
}

#[tokio::test]
async fn locks_take_equally_long() {
    let stand = world(AccountsSettings { lockout_failures: 2, ..cheap() }).await;
    for (name, _, _) in TRIED {
        for n in 0..2 {
            let _counted = stand.login(name, "wrong one", &format!("before-{name}-{n}")).await;
        }
    }
    // There is no hash to hide behind: what is left are two statements, which take their time as the database has it.
    let (rounds, bound) = if is_long() { (1001, 1.10) } else { (51, 3.0) };
    let locked = TRIED.map(|(name, password, _)| (name, password, "locked"));
    compare(&stand, "locked", &locked, "after", rounds, bound).await;
}
