//! `cargo xtask bench rights`, its second half: what a check of a token costs, and how soon one that was taken back is refused by another
//! process.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a bench prints its figures and ends where it can't measure"
)]

#[path = "../tests/it/stand.rs"]
#[expect(dead_code, reason = "tests need more of it")]
mod stand;
#[path = "../../engine-accounts/benches/rights/table.rs"]
#[expect(dead_code, reason = "the bench that it belongs to needs more of it")]
mod table;

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use engine_tokens::NewApiKey;
use stand::{Process, World, judged};
use table::{Goal, Table, Unit, at, median, surroundings};

/// Tokens that are checked in a round. All of them are remembered.
const TOKENS: usize = 2000;
const ROUNDS: usize = 7;
/// Rows that each process reads again for each revocation.
const API_KEYS: usize = 1000;
const REVOCATIONS: usize = 250;

fn main() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let mut table = Table::default();
    runtime.block_on(async {
        let world = World::new().await;
        checks(&world, &mut table).await;
        revocations(&world, &mut table).await;
    });
    println!("{}{}", table.render(), surroundings());
}

async fn checks(world: &World, table: &mut Table) {
    let mut tokens = Vec::new();
    for plugin in 0..TOKENS {
        let plugin = format!("plugin-{plugin}").parse().expect("an id");
        tokens.push(world.tokens.issue_plugin(&plugin).await.expect("a token").token);
    }
    let key = api_key(world, "ada").await;
    world.verifier.reload().await.expect("a database");
    let mut rounds: [Vec<f64>; 3] = Default::default();
    for round in 0..ROUNDS {
        // Later than a signature is remembered.
        let now = world.now().plus(Duration::from_secs(round as u64 * 60));
        let check = |token: &str| drop(black_box(world.verifier.verify(token, now).expect("a good one")));
        let all = || {
            let started = Instant::now();
            tokens.iter().for_each(|token| check(token));
            started.elapsed().as_secs_f64() * 1e9 / TOKENS as f64
        };
        rounds[0].push(all());
        rounds[1].push(all());
        let started = Instant::now();
        (0..TOKENS).for_each(|_| check(&key));
        rounds[2].push(started.elapsed().as_secs_f64() * 1e9 / TOKENS as f64);
    }
    let names = ["check of a token, the first (Ed25519)", "check of a token seen a moment ago", "check of an API key"];
    for (name, rounds) in names.into_iter().zip(rounds) {
        table.alone(name, Unit::Nanoseconds, Goal::None, median(rounds.into_iter()));
    }
}

async fn api_key(world: &World, user: &str) -> String {
    let holder = world.user(user);
    let (user_id, account) = (holder.user_id, holder.account);
    let wanted = NewApiKey { user_id, account, name: "bench".to_owned(), scopes: None, lifetime: None };
    let mut tx = world.store.begin().await.expect("a transaction");
    let made = world.tokens.create_api_key_in(&mut tx, &wanted).await.expect("a key");
    tx.commit().await.expect("a commit");
    made.key
}

async fn revocations(world: &World, table: &mut Table) {
    for user in 0..API_KEYS {
        api_key(world, &format!("user-{user}")).await;
    }
    let (one, other) = (world.other_process().await, world.other_process().await);
    let ada = world.user("ada");
    let mut times = Vec::new();
    for _ in 0..REVOCATIONS {
        let issued = world.login(&ada).await;
        let mut tx = world.store.begin().await.expect("a transaction");
        world.tokens.logout_in(&mut tx, &issued.access).await.expect("a good one");
        let started = Instant::now();
        tx.commit().await.expect("a commit");
        for process in [&one, &other] {
            until_refused(process, &issued.access, world).await;
        }
        times.push(started.elapsed().as_secs_f64() * 1e9);
    }
    let figure = format!("a token taken back, refused by two other processes: p50 of {REVOCATIONS}");
    table.alone(&figure, Unit::Nanoseconds, Goal::None, at(&mut times, 0.5));
    table.alone("  p99", Unit::Nanoseconds, Goal::AtMost(1e8), at(&mut times, 0.99));
}

async fn until_refused(process: &Process, token: &str, world: &World) {
    let mut changed = process.verifier.changed();
    let refused = async {
        while judged(&process.verifier, token, world.now()) != "revoked" {
            changed.changed().await.expect("a verifier that hears");
        }
    };
    tokio::time::timeout(Duration::from_secs(10), refused).await.expect("a notice");
}
