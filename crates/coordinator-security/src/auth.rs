//! Who somebody is: login, refresh, validation, logout, and the public keys with which others check our tokens.

pub(crate) mod jwks;
mod listed;
mod login;
mod nodes;
mod sessions;

use coordinator::{Caller, Routes};
use engine_accounts::Peer;

pub(crate) use login::refused;

use crate::Security;

/// Adds its handlers.
pub(crate) fn routes(routes: Routes<Security>) -> Routes<Security> {
    let routes = routes.on(login::login).on(sessions::refresh).on(sessions::validate).on(sessions::logout);
    routes.on(listed::list).on(listed::end).on(listed::end_all)
}

/// Where somebody comes from, as failures are counted by it: the account of the connection, which has proven itself at the broker's door.
/// The client's id would be another place at each connection, and no place be known.
pub(crate) fn peer_of(caller: &Caller) -> Peer {
    Peer::named(caller.over.as_ref().unwrap_or(&caller.account).as_str())
}
