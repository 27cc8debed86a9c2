//! What a check of a right costs, alone and, unless `--alone` is given, beside Cedar and Casbin in one run.
//!
//! The two peers are a package of their own (`benches/peers`), outside the workspace: nothing else needs their 160 crates.

#![expect(
    clippy::print_stdout,
    clippy::expect_used,
    reason = "a bench prints its figures and ends where it can't measure"
)]

#[path = "rights/measure.rs"]
mod measure;
#[path = "rights/scenario.rs"]
mod scenario;

use std::{hint::black_box, path::Path, process::Command};

use engine_accounts::{Rights, rights::Snapshot};
use measure::{nanoseconds, readable};
use scenario::{Numbers, questions, tables};

fn main() {
    let is_alone = std::env::args().any(|argument| argument == "--alone");
    alone();
    if !is_alone {
        beside_peers();
    }
}

fn alone() {
    let mut numbers = Numbers::new();
    let tables = tables(&mut numbers);
    let questions = questions(&mut numbers, 20_000);
    let rights = Rights::of(Snapshot::compile(&tables, &[]));
    let everywhere = nanoseconds(questions.len(), || {
        for question in &questions {
            black_box(rights.check(&question.account, (question.resource.as_str(), question.action), None));
        }
    });
    let scoped = nanoseconds(questions.len(), || {
        for question in &questions {
            let right = (question.resource.as_str(), question.action);
            black_box(rights.check(&question.account, right, Some("telescope:t1")));
        }
    });
    let compile = nanoseconds(1, || drop(black_box(Snapshot::compile(&tables, &[]))));
    println!("check of a right           {:>10}", readable(everywhere));
    println!("check of a right somewhere {:>10}", readable(scoped));
    println!("compilation of the tables  {:>10}", readable(compile));
}

fn beside_peers() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peers");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    // This program lies in `release/deps` of the target folder.
    let program = std::env::current_exe().expect("a program");
    let target = program.ancestors().nth(3).expect("a target folder").join("peers");
    let mut peers = Command::new(cargo);
    peers.args(["run", "--quiet", "--release"]).current_dir(folder).env("CARGO_TARGET_DIR", target);
    let status = peers.status().expect("cargo starts");
    assert!(status.success(), "the peers could not be measured");
}
