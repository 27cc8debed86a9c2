//! The security coordinator in its frame, over our broker and a real database.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test ends where its stand is not as expected")]

mod admission;
mod audit;
mod certificates;
mod escalation;
mod keys;
mod login;
mod mosquitto;
mod people;
mod plugins;
mod rights;
mod secrets;
mod sessions;
mod setup;
mod stand;

use std::collections::BTreeSet;

use coordinator::Coordinator as _;
use coordinator_security::Security;

#[test]
fn every_message_has_a_handler() {
    let handled = Security::routes().names();
    let inbound = catalog::security::MESSAGES.iter().filter(|entry| entry.kind.is_inbound());
    let declared: BTreeSet<String> = inbound.map(|entry| entry.name.to_string()).collect();
    assert_eq!(handled, declared);
    assert!(handled.len() >= 59, "{}", handled.len());
}
