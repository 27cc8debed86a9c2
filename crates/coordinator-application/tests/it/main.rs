//! The application coordinator in its frame, over a real broker and a real database.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test ends where its stand is not as expected")]

mod life;
mod lookup;
mod stand;
mod storm;

use std::collections::BTreeSet;

use coordinator::Coordinator as _;
use coordinator_application::{Application, ApplicationSettings};
use settings::{Complaints, Settings as _};

#[test]
fn every_message_has_a_handler() {
    let handled = Application::routes().names();
    let inbound = catalog::application::MESSAGES.iter().filter(|entry| entry.kind.is_inbound());
    let declared: BTreeSet<String> = inbound.map(|entry| entry.name.to_string()).collect();
    assert_eq!(handled, declared);
}

#[test]
fn settings_that_cannot_stand() {
    let usual = ApplicationSettings::default();
    for (settings, keys) in [
        (usual.clone(), vec![]),
        (ApplicationSettings { registry_check_interval: 0, ..usual.clone() }, vec!["registry_check_interval"]),
        (
            ApplicationSettings { service_timeout: 0, services_max: 0, ..usual.clone() },
            vec!["service_timeout", "services_max"],
        ),
        (ApplicationSettings { forget_after_seconds: 100, ..usual }, vec!["forget_after_seconds"]),
    ] {
        let mut complaints = Complaints::default();
        settings.validate(&mut complaints);
        assert_eq!(complaints.iter().map(|(key, _)| key).collect::<Vec<_>>(), keys);
    }
}
