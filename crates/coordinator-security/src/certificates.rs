//! Certificates: of listeners, of our own processes, of accounts; and the states that show them.

mod issued;
mod listeners;
pub(crate) mod states;

use coordinator::Routes;

use crate::Security;

/// Adds its handlers.
pub(crate) fn routes(routes: Routes<Security>) -> Routes<Security> {
    routes
        .on(listeners::request)
        .on(listeners::renew)
        .on(listeners::list)
        .on(listeners::get)
        .on(listeners::import)
        .on(listeners::remove)
        .on(issued::revoke)
        .on(issued::authority)
        .on(issued::node)
        .on(issued::account)
}
