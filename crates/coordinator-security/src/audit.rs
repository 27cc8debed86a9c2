//! The audit trail: read, handed out, looked through. What is in it the frame writes.

pub(crate) mod keeping;
mod reading;

use coordinator::Routes;

use crate::Security;

/// Adds its handlers.
pub(crate) fn routes(routes: Routes<Security>) -> Routes<Security> {
    routes.on(reading::query).on(reading::export).on(reading::verify)
}
