//! Bad input, in tables: whatever anybody sends, it is answered as the bus promises, where it promises, and nobody is disturbed by it.

mod devices;
mod envelopes;
mod fields;
mod row;
mod scenes;
mod stand;
mod topics;

use std::fmt::Write as _;

use testkit::Broker;

use stand::Stand;

/// After so many the rest is not tried any more.
const COMPLAINTS_MAX: usize = 40;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_the_embedded_broker() {
    all_of_it(Broker::Embedded).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_mosquitto() {
    all_of_it(Broker::Mosquitto).await;
}

/// Every row of every table, each answered before the next is sent, then what takes more than one message; all complaints at once.
async fn all_of_it(broker: Broker) {
    let mut stand = Stand::start(broker).await;
    // Each table is written when its turn comes, since times in it are near to now.
    let tables = [fields::rows, envelopes::rows, devices::rows, topics::rows];
    let (mut complaints, mut sent) = (String::new(), Vec::new());
    for row in tables.into_iter().flat_map(|table| table(&stand)) {
        let (token, outcome) = stand.check(&row).await;
        if let Err(complaint) = outcome {
            let _ = writeln!(complaints, "{}: {complaint}", row.name);
            // Each of these may have cost the whole wait for an answer.
            assert!(complaints.lines().count() < COMPLAINTS_MAX, "these went wrong first:\n{complaints}");
        }
        sent.push((row, token));
    }
    stand.catch_up().await;
    for (row, token) in &sent {
        let (answers, wanted) = (stand.answers(token), row.answers());
        if answers.len() != wanted {
            let _ = writeln!(complaints, "{}: {} answers instead of {wanted}: {answers:?}", row.name, answers.len());
        }
    }
    assert!(complaints.is_empty(), "of {} rows on {broker:?} these went wrong:\n{complaints}", sent.len());
    assert!(sent.len() >= 60, "{} rows are too few", sent.len());
    scenes::play(&stand).await;
    stand.is_undisturbed().await;
    scenes::after_a_restart(&mut stand).await;
}
