//! The roles that a process can have.

use clap::ValueEnum as _;
use serde_json::{Value, json};

use crate::{
    run::Role,
    terminal::{
        output::{Ending, Output, Paint},
        table::{Shown, table},
    },
};

/// Describes the roles.
pub(crate) fn describe(out: &mut Output) -> Result<(), Ending> {
    let all = all();
    let objects: Vec<Value> =
        all.iter().map(|(name, about, kind)| json!({ "role": name, "kind": kind, "about": about })).collect();
    out.show(&json!({ "roles": objects }), |paint| words(paint, &all))
}

fn words(paint: Paint, all: &[(String, String, &'static str)]) -> String {
    let rows = all.iter().map(|(name, about, kind)| vec![Shown::name(name), (*kind).into(), about.into()]);
    table(paint, &["role", "kind", "does"], rows)
}

fn all() -> Vec<(String, String, &'static str)> {
    let of = |role: &Role| {
        let value = role.to_possible_value()?;
        let about = value.get_help().map(ToString::to_string).unwrap_or_default();
        let kind = if role.owner().is_some() { "coordinator" } else { "other" };
        Some((value.get_name().to_owned(), about, kind))
    };
    Role::value_variants().iter().filter_map(of).collect()
}

#[cfg(test)]
mod tests {
    use catalog::Owner;

    use super::*;

    #[test]
    fn every_coordinator_is_a_role() {
        let all = all();
        for owner in Owner::ALL {
            assert!(all.iter().any(|(name, about, _)| name == owner.name() && !about.is_empty()), "{owner}");
        }
    }
}
