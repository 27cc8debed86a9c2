//! Who there is and what they may do: organisations, users, groups, roles, permissions, and what is remembered of logins.

pub mod attempts;
pub mod grants;
pub mod groups;
pub mod organisations;
pub mod permissions;
pub mod plugins;
pub mod recovery;
pub mod roles;
pub mod setups;
pub mod tables;
pub mod users;

use crate::StoreError;

/// The channel on which the database tells that rights may have changed; see [`crate::Changes`].
pub const RIGHTS_CHANNEL: &str = crate::changes::RIGHTS;

/// The role whose holders may do everything.
pub const ADMINISTRATOR: &str = "administrator";

/// What an identifier of ours in a row is read as.
fn id_of<T: TryFrom<String, Error = vocabulary::ids::NotAnId>>(text: String) -> Result<T, StoreError> {
    T::try_from(text).map_err(|e| StoreError::unreadable("accounts", e))
}

/// The words of the operator for what the constraints say of `object`, which is of this `kind`.
fn named(error: StoreError, kind: &str, object: &str) -> StoreError {
    let object: String = object.chars().take(80).collect();
    match error {
        StoreError::Conflict { what } => StoreError::Conflict { what: conflict(&what, kind, &object).unwrap_or(what) },
        StoreError::Invalid { what } => StoreError::Invalid { what: complaint(&what, kind, &object).unwrap_or(what) },
        other => other,
    }
}

fn conflict(what: &str, kind: &str, object: &str) -> Option<String> {
    let has = |name: &str| what.contains(name);
    if has("user_email") {
        return Some(format!("{kind} {object} can't have this email address: another account has it"));
    }
    if has("organisation_id_fkey") {
        return Some(format!("{kind} {object} and an organisation: it does not exist, or still has members"));
    }
    let taken = has("_name)") || has("_name\"") || has("permission_once") || has("_pkey");
    taken.then(|| format!("{kind} {object} exists; names that differ only in upper and lower case are the same"))
}

fn complaint(what: &str, kind: &str, object: &str) -> Option<String> {
    let rules = [
        ("user_email_form", "email address is not one: it needs an @ and at most 254 characters"),
        ("_name_form", "name is not one: 1 to 64 of the characters A-Z a-z 0-9 . _ - are allowed"),
        ("_name_length", "name is not one: 1 to 128 characters are allowed"),
        ("_description_length", "description is longer than 2000 characters"),
        ("manifest_publishes_count", "manifest names more than 100 topics to publish on"),
        ("manifest_reads_count", "manifest names more than 100 filters to read"),
        (
            "manifest_publishes_form",
            "manifest names a topic to publish on that is none: 1 to 200 bytes, without + # and control characters, and no $ in front",
        ),
        (
            "manifest_reads_form",
            "manifest names a filter to read that is none: 1 to 200 bytes, without control characters, and no $ in front",
        ),
        ("permission_resource_form", "resource is not a lower-case word, nor *"),
        ("permission_action_form", "action is not a lower-case word, nor *"),
        ("permission_scope_form", "scope is not of the form kind:id, for example telescope:t1"),
    ];
    let (_, rule) = rules.into_iter().find(|(constraint, _)| what.contains(constraint))?;
    Some(format!("{kind} {object}: {rule}"))
}

/// A number that the tables keep as a signed one and never below zero.
fn count_of(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}
