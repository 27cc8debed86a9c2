//! What somebody may do: roles, groups, organisations, and the permissions that they hand on.

mod groups;
mod organisations;
mod permissions;
pub(crate) mod places;
mod roles;

use coordinator::Routes;

use crate::Security;

pub(crate) use groups::{other_organisation, resolve as resolve_group, rules as rules_of_group};
pub(crate) use roles::{resolve as resolve_role, rules as rules_of_role};

/// Adds its handlers.
pub(crate) fn routes(routes: Routes<Security>) -> Routes<Security> {
    routes
        .on(roles::create)
        .on(roles::update)
        .on(roles::delete)
        .on(roles::get)
        .on(roles::list)
        .on(roles::assign)
        .on(roles::remove)
        .on(groups::create)
        .on(groups::update)
        .on(groups::delete)
        .on(groups::get)
        .on(groups::list)
        .on(groups::add)
        .on(groups::remove)
        .on(permissions::check)
        .on(permissions::list)
        .on(permissions::grant)
        .on(permissions::withdraw)
        .on(organisations::create)
        .on(organisations::update)
        .on(organisations::list)
        .on(organisations::delete)
}
