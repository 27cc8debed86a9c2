//! The bootstrap coordinator: its configuration, and the hand-out over a real broker about real databases.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test ends where its stand is not as expected")]

mod configuration;
mod handing_out;
mod stand;

use std::collections::BTreeSet;

use coordinator::Coordinator as _;
use coordinator_bootstrap::Bootstrap;

#[test]
fn every_message_has_a_handler() {
    let handled = Bootstrap::routes().names();
    let inbound = catalog::bootstrap::MESSAGES.iter().filter(|entry| entry.kind.is_inbound());
    let declared: BTreeSet<String> = inbound.map(|entry| entry.name.to_string()).collect();
    assert_eq!(handled, declared);
}
