//! Every message of the telescope coordinator has a handler.

use coordinator::Coordinator as _;
use coordinator_telescope::Telescope;

#[test]
fn every_message_has_a_handler() {
    let handled = Telescope::routes().names();
    let inbound = catalog::telescope::MESSAGES.iter().filter(|entry| entry.kind.is_inbound());
    let declared: std::collections::BTreeSet<String> = inbound.map(|entry| entry.name.to_string()).collect();
    assert_eq!(handled, declared);
}
