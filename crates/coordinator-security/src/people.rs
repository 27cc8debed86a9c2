//! Accounts: made, found, changed, disabled; their passwords and second factors.

mod accounts;
mod finding;
mod passwords;
mod second_factors;

use coordinator::Routes;

use crate::Security;

/// Adds its handlers.
pub(crate) fn routes(routes: Routes<Security>) -> Routes<Security> {
    routes
        .on(accounts::create)
        .on(accounts::update)
        .on(accounts::delete)
        .on(accounts::enable)
        .on(accounts::unlock)
        .on(finding::get)
        .on(finding::list)
        .on(finding::me)
        .on(passwords::change)
        .on(passwords::reset)
        .on(passwords::set_up)
        .on(second_factors::enrol)
        .on(second_factors::confirm)
        .on(second_factors::remove)
}
