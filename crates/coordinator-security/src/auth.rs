//! Who somebody is: login, refresh, validation, logout, and the public keys with which others check our tokens.

pub(crate) mod jwks;
mod login;
mod nodes;
mod sessions;

use coordinator::{Caller, Routes};
use engine_accounts::Peer;

pub(crate) use login::refused;

use crate::Security;

/// Adds its handlers.
pub(crate) fn routes(routes: Routes<Security>) -> Routes<Security> {
    routes.on(login::login).on(sessions::refresh).on(sessions::validate).on(sessions::logout)
}

/// Where somebody comes from, as failures are counted by it: the client where our broker says which one, else the connection's account.
pub(crate) fn peer_of(caller: &Caller) -> Peer {
    let origin = Some(caller.origin.as_str()).filter(|origin| !origin.is_empty());
    let connection = caller.over.as_ref().unwrap_or(&caller.account);
    Peer::named(origin.unwrap_or(connection.as_str()))
}
