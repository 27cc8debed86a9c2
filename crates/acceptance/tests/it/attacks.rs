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
    // Each table is written when its turn comes, since some of it depends on what is there then.
    let tables = [
        tokens::rows,
        sessions::rows,
        escalation::rows,
        topics::rows,
        payloads::rows,
        doors::rows,
        trail::rows,
        sessions::brute_force,
    ];
    let (mut complaints, mut count) = (String::new(), 0);
    for row in tables.into_iter().flat_map(|table| table(&stand)) {
        let name = row.name.clone();
        count += 1;
        if let Err(complaint) = stand.check(row).await {
            let _ = writeln!(complaints, "{name}: {complaint}");
            assert!(complaints.lines().count() < COMPLAINTS_MAX, "these went wrong first:\n{complaints}");
        }
    }
    println!("{count} attacks on {broker:?} in {:?}", begun.elapsed());
    assert!(complaints.is_empty(), "of {count} attacks on {broker:?} these went wrong:\n{complaints}");
    assert!(count >= ROWS_MIN, "{count} attacks are too few");
    // That it was seen to be tampered with is told until it is seen to be whole.
    trail::is_as_it_was(&stand).await;
    stand.is_undisturbed().await;
}
