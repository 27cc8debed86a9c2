//! Attacks, in tables: each is refused for its own reason, the audit trail says so, and nothing else has happened in the end.

mod doors;
mod escalation;
mod forge;
mod payloads;
mod row;
mod sessions;
mod stand;
mod tokens;
mod topics;
mod trail;
mod wire;

use std::{fmt::Write as _, time::Instant};

use testkit::Broker;

use row::Row;
use stand::Stand;

/// After so many the rest is not tried any more.
const COMPLAINTS_MAX: usize = 60;
/// How many attacks there are at least.
const ROWS_MIN: usize = 400;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_the_embedded_broker() {
    all_of_them(Broker::Embedded).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_mosquitto() {
    all_of_them(Broker::Mosquitto).await;
}

/// Every attack after the other, each judged and looked up in the trail before the next; all complaints at once.
async fn all_of_them(broker: Broker) {
    let stand = Stand::start(broker).await;
    let begun = Instant::now();
    let mut outcome = Outcome::default();
    let tables = [
        tokens::rows,
        sessions::rows,
        escalation::rows,
        topics::rows,
        payloads::rows,
        doors::rows,
        sessions::brute_force,
    ];
    for table in tables {
        outcome.play(&stand, table).await;
    }
    stand.is_undisturbed().await;
    // What was tampered with is told as health, so this comes when all have been seen to be well.
    outcome.play(&stand, trail::rows).await;
    trail::is_as_it_was(&stand).await;
    let Outcome { complaints, count } = outcome;
    println!("{count} attacks on {broker:?} in {:?}", begun.elapsed());
    assert!(complaints.is_empty(), "of {count} attacks on {broker:?} these went wrong:\n{complaints}");
    assert!(count >= ROWS_MIN, "{count} attacks are too few");
}

/// How many were tried, and what went wrong.
#[derive(Default)]
struct Outcome {
    complaints: String,
    count: usize,
}

impl Outcome {
    /// Plays a table, which is written when its turn comes, since some of it depends on what is there then.
    async fn play(&mut self, stand: &Stand, table: fn(&Stand) -> Vec<Row>) {
        for row in table(stand) {
            let name = row.name.clone();
            self.count += 1;
            if let Err(complaint) = stand.check(row).await {
                let _ = writeln!(self.complaints, "{name}: {complaint}");
                let complaints = &self.complaints;
                assert!(complaints.lines().count() < COMPLAINTS_MAX, "these went wrong first:\n{complaints}");
            }
        }
    }
}
