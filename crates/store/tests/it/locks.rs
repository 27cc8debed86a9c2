//! One owner per name: the second waits, and the loss of the connection is noticed.

use std::time::Duration;

use store::Leadership;

use crate::{
    pool::execute,
    stand::{stand, until},
};

const PATIENCE: Duration = Duration::from_secs(20);

#[tokio::test]
async fn the_second_waits_for_the_first() {
    let stand = stand();
    let endpoint = stand.database().await;
    let first = Leadership::try_acquire(&endpoint, "telescope").await.unwrap().unwrap();
    assert!(first.holds() && first.name() == "telescope");
    assert!(Leadership::try_acquire(&endpoint, "telescope").await.unwrap().is_none());
    assert!(Leadership::acquire(&endpoint, "telescope", Duration::ZERO).await.unwrap().is_none());
    let other = Leadership::try_acquire(&endpoint, "plugin").await.unwrap();
    assert!(other.is_some());

    let waiting = {
        let endpoint = endpoint.clone();
        tokio::spawn(async move { Leadership::acquire(&endpoint, "telescope", PATIENCE).await })
    };
    first.release().await;
    let second = waiting.await.unwrap().unwrap().unwrap();
    assert!(second.holds());

    // Dropped, as by a task that ends.
    drop(second);
    assert!(Leadership::acquire(&endpoint, "telescope", PATIENCE).await.unwrap().is_some());
}

#[tokio::test]
async fn a_broken_connection_is_noticed() {
    let stand = stand();
    let endpoint = stand.database().await;
    let first = Leadership::try_acquire(&endpoint, "telescope").await.unwrap().unwrap();
    let lost = first.lost();
    let others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()";
    execute(&endpoint, others).await;
    tokio::time::timeout(Duration::from_secs(10), lost).await.unwrap();
    assert!(!first.holds());
    until("the name is free", || async {
        Leadership::try_acquire(&endpoint, "telescope").await.is_ok_and(|leadership| leadership.is_some())
    })
    .await;
}
