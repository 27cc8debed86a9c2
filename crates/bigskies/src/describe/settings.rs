//! The settings of every coordinator, read off their types.

use std::fmt::Write as _;

use catalog::Owner;
use coordinator::{Coordinator, FrameSettings};
use coordinator_application::Application;
use coordinator_bootstrap::Bootstrap;
use coordinator_datastore::Datastore;
use coordinator_message::Message;
use coordinator_telescope::Telescope;
use serde_json::{Value, json};
use settings::Key;

use crate::{
    describe::cell,
    terminal::{
        output::{Ending, Output, Paint},
        table::{Shown, table},
    },
};

/// Describes the settings of a coordinator, or of all.
pub(crate) fn describe(owner: Option<Owner>, out: &mut Output) -> Result<(), Ending> {
    let owners = owner.map_or_else(|| Owner::ALL.to_vec(), |owner| vec![owner]);
    let objects: serde_json::Map<String, Value> =
        owners.iter().map(|owner| (owner.name().to_owned(), json!(all(*owner)))).collect();
    out.show(&objects, |paint| owners.iter().map(|owner| words(paint, *owner)).collect::<Vec<_>>().join("\n\n"))
}

/// The page of the documents.
pub(crate) fn page() -> String {
    let mut page = String::from(
        "# Settings\n\nGenerated from the settings' types by `cargo xtask generate`; do not edit.\n\n\
         What holds where nothing is said is the default. `bigskies settings set COORDINATOR KEY VALUE` changes a setting while the \
         coordinator runs: the new value is checked and put into effect before it is kept. `bigskies settings history COORDINATOR` tells who \
         changed what. Boot settings (broker, database, addresses, data folder) come from flags, environment and one file instead; \
         `bigskies settings list COORDINATOR` shows them beside the others.\n",
    );
    write_section(&mut page, "Every coordinator", &settings::keys::<FrameSettings>());
    for owner in Owner::ALL {
        write_section(&mut page, owner.name(), &own(owner));
    }
    page
}

fn write_section(page: &mut String, heading: &str, keys: &[Key]) {
    let _ = write!(page, "\n## {heading}\n\n");
    if keys.is_empty() {
        let _ = writeln!(page, "It has none of its own.");
        return;
    }
    let _ = write!(page, "| setting | type | default | |\n|---|---|---|---|\n");
    for key in keys {
        let secret = if key.secret { " Never shown." } else { "" };
        let _ = writeln!(
            page,
            "| `{}` | {} | `{}` | {}{secret} |",
            key.key,
            key.kind.as_str(),
            cell(&key.default.to_string()),
            cell(&key.description)
        );
    }
}

fn words(paint: Paint, owner: Owner) -> String {
    let rows = all(owner).into_iter().map(|key| {
        vec![Shown::name(key.key), key.kind.as_str().into(), key.default.to_string().into(), key.description.into()]
    });
    format!("{}\n{}", paint.heading(owner.name()), table(paint, &["setting", "type", "default", "is"], rows))
}

/// The keys of a coordinator, those that the frame adds included, in alphabetical order.
fn all(owner: Owner) -> Vec<Key> {
    let mut keys = own(owner);
    keys.extend(settings::keys::<FrameSettings>());
    keys.sort_by(|one, other| one.key.cmp(&other.key));
    keys
}

/// The keys of a coordinator's own.
fn own(owner: Owner) -> Vec<Key> {
    match owner {
        Owner::Bootstrap => keys_of::<Bootstrap>(),
        Owner::Datastore => keys_of::<Datastore>(),
        Owner::Security => Vec::new(),
        Owner::Message => keys_of::<Message>(),
        Owner::Application => keys_of::<Application>(),
        Owner::Telescope => keys_of::<Telescope>(),
    }
}

fn keys_of<C: Coordinator>() -> Vec<Key> {
    settings::keys::<C::Settings>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_is_described() {
        for owner in Owner::ALL {
            for key in all(owner) {
                assert!(key.description.ends_with(['.', ')']), "{owner} {}: {:?}", key.key, key.description);
            }
        }
    }

    #[test]
    fn no_setting_has_two_owners() {
        for owner in Owner::ALL {
            let keys = all(owner);
            let mut once = keys.clone();
            once.dedup_by(|one, other| one.key == other.key);
            assert_eq!(keys.len(), once.len(), "{owner}");
        }
    }

    #[test]
    fn the_page_has_them() {
        let page = page();
        assert!(page.contains("| `discovery_port` | int | `32227` | The UDP port"), "{page}");
        assert!(page.contains("| `queue_capacity` | int | `16384` |"), "{page}");
    }
}
