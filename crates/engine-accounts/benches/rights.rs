//! `cargo xtask bench rights`: what a check of a right costs beside Cedar and Casbin, how many logins a second there are, and how soon a
//! right that was taken away is gone in another process.
//!
//! The two peers are a package of their own (`benches/peers`), outside the workspace: nothing else needs their 160 crates. `--alone` leaves
//! them out.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a bench prints its figures and ends where it can't measure"
)]

#[path = "rights/logins.rs"]
mod logins;
#[path = "rights/measure.rs"]
mod measure;
#[path = "rights/revocation.rs"]
mod revocation;
#[path = "rights/scenario.rs"]
mod scenario;
#[path = "../tests/it/stand.rs"]
#[expect(dead_code, reason = "tests need more of it")]
mod stand;
#[path = "rights/table.rs"]
mod table;

use std::{hint::black_box, path::Path, process::Command};

use engine_accounts::{Rights, rights::Snapshot};
use measure::nanoseconds;
use scenario::{Numbers, questions, tables};
use table::{Goal, Table, Unit, median, surroundings};

const ROUNDS: usize = 7;

fn main() {
    let is_alone = std::env::args().any(|argument| argument == "--alone");
    let mut table = Table::default();
    checks(&mut table);
    if !is_alone {
        beside_peers(&mut table);
    }
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(logins::measure(&mut table));
    runtime.block_on(revocation::measure(&mut table));
    println!("{}{}", table.render(), surroundings());
}

fn checks(table: &mut Table) {
    let mut numbers = Numbers::new();
    let tables = tables(&mut numbers);
    let questions = questions(&mut numbers, 20_000);
    let rights = Rights::of(Snapshot::compile(&tables, &[]));
    let check = |scope: Option<&str>| {
        let round = || {
            nanoseconds(questions.len(), || {
                for question in &questions {
                    let right = (question.resource.as_str(), question.action);
                    black_box(rights.check(&question.account, right, scope));
                }
            })
        };
        median((0..ROUNDS).map(|_| round()))
    };
    table.alone("check of a right", Unit::Nanoseconds, Goal::AtMost(60.0), check(None));
    table.alone("check of a right in one place", Unit::Nanoseconds, Goal::None, check(Some("telescope:t1")));
    let compile = || nanoseconds(1, || drop(black_box(Snapshot::compile(&tables, &[]))));
    let compile = median((0..ROUNDS).map(|_| compile()));
    table.alone("compilation of the tables", Unit::Nanoseconds, Goal::None, compile);
}

fn beside_peers(table: &mut Table) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peers");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    // This program lies in `release/deps` of the target folder.
    let program = std::env::current_exe().expect("a program");
    let target = program.ancestors().nth(3).expect("a target folder").join("peers");
    let mut peers = Command::new(cargo);
    peers.args(["run", "--quiet", "--release"]).current_dir(folder).env("CARGO_TARGET_DIR", target);
    let said = peers.stderr(std::process::Stdio::inherit()).output().expect("cargo starts");
    assert!(said.status.success(), "the peers could not be measured");
    let mut all: Vec<(String, Vec<(f64, f64)>)> = Vec::new();
    for line in String::from_utf8(said.stdout).expect("text").lines() {
        let [peer, own, their] = line.split('\t').collect::<Vec<_>>()[..] else { continue };
        let round = (own.parse().expect("nanoseconds"), their.parse().expect("nanoseconds"));
        match all.last_mut().filter(|(last, _)| last == peer) {
            Some((_, rounds)) => rounds.push(round),
            None => all.push((peer.to_owned(), vec![round])),
        }
    }
    for (peer, rounds) in &all {
        table.compare(&format!("the same beside {peer}"), Unit::Nanoseconds, Goal::TimesAtLeast(20.0), rounds);
    }
}
