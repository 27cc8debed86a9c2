//! The first files of a coordinator: its messages in the catalogue, its crate with settings and a handler, and a test of its routes.

use super::{Name, Skeleton, manifest};

const MESSAGES: &str = r#"//! The {dashed} coordinator's messages.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Entry,
    kinds::{Command, Effect, Needs, Shape},
};

/// Its rows.
pub const MESSAGES: &[Entry] = &[Entry::command::<Greet>()];

/// Greets the coordinator.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Greet {
    /// Who greets.
    pub name: String,
}

impl Shape for Greet {
    fn example() -> Self {
        Self { name: "operator".to_owned() }
    }
}

impl Command for Greet {
    const NAME: &'static str = "{dashed}/greet";
    const NEEDS: Needs = Needs::right("{dashed}", "read");
    const EFFECT: Effect = Effect::Reads;
    type Reply = Greeting;
}

/// What the coordinator says.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Greeting {
    /// A sentence.
    pub greeting: String,
}

impl Shape for Greeting {
    fn example() -> Self {
        Self { greeting: "clear skies, operator".to_owned() }
    }
}
"#;

const LIB: &str = r#"//! The {dashed} coordinator: what it is responsible for, and what it leaves to others.

mod greeting;
mod {snake}_settings;

use std::sync::Arc;

use catalog::Owner;
use coordinator::{Coordinator, Routes, Start};
use engine::Engine;
use tokio::sync::watch;
use vocabulary::Fault;

pub use {snake}_settings::{camel}Settings;

/// The coordinator. What changes, apart from its settings, is kept by engines and the store.
#[derive(Debug)]
pub struct {camel} {
    settings: watch::Sender<{camel}Settings>,
}

impl Coordinator for {camel} {
    const OWNER: Owner = Owner::{camel};
    type Settings = {camel}Settings;
    type Given = ();

    async fn start(start: Start<Self>) -> Result<Self, Fault> {
        Ok(Self { settings: watch::Sender::new(start.settings) })
    }

    fn routes() -> Routes<Self> {
        Routes::default().on(greeting::greet)
    }

    fn engines(&self) -> Vec<Arc<dyn Engine>> {
        Vec::new()
    }

    async fn apply(&self, settings: &Self::Settings) -> Result<(), Fault> {
        self.settings.send_replace(settings.clone());
        Ok(())
    }
}
"#;

const SETTINGS: &str = r#"//! The settings of the {dashed} coordinator.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use settings::{Complaints, Settings};

/// Its settings; each field is a key, each doc comment its description.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct {camel}Settings {
    /// What it wishes to those who greet it.
    pub wish: String,
}

impl Default for {camel}Settings {
    fn default() -> Self {
        Self { wish: "clear skies".to_owned() }
    }
}

impl Settings for {camel}Settings {
    fn validate(&self, complaints: &mut Complaints) {
        if self.wish.trim().is_empty() {
            complaints.add("wish", "is empty");
        }
    }
}
"#;

const HANDLER: &str = r#"//! Answers greetings.

use catalog::{snake}::{Greet, Greeting};
use coordinator::Cx;
use vocabulary::Fault;

use crate::{camel};

/// Wishes the caller what the settings say.
pub(crate) async fn greet(cx: Cx<{camel}>, greet: Greet) -> Result<Greeting, Fault> {
    let wish = cx.settings.borrow().wish.clone();
    Ok(Greeting { greeting: format!("{wish}, {}", greet.name) })
}
"#;

const TESTS: &str = r#"//! The {dashed} coordinator from outside.

use std::collections::BTreeSet;

use coordinator::Coordinator;
use coordinator_{snake}::{{camel}, {camel}Settings};
use settings::{Complaints, Settings};

#[test]
fn every_message_has_a_handler() {
    let inbound = catalog::{snake}::MESSAGES.iter().filter(|entry| entry.kind.is_inbound());
    let declared: BTreeSet<String> = inbound.map(|entry| entry.name.to_string()).collect();
    assert_eq!({camel}::routes().names(), declared);
}

#[test]
fn settings_that_cannot_stand_are_named() {
    for (wish, expected) in [("clear skies", ""), (" ", "wish: is empty")] {
        let mut complaints = Complaints::default();
        {camel}Settings { wish: wish.to_owned() }.validate(&mut complaints);
        assert_eq!(complaints.to_string(), expected, "{wish:?}");
    }
}
"#;

pub(super) fn draw(name: &Name) -> Skeleton {
    let package = format!("coordinator-{}", name.dashed);
    let dependencies = ["catalog", "coordinator", "engine", "schemars", "serde", "settings", "tokio", "vocabulary"];
    let lines: String = dependencies.iter().map(|dependency| format!("{dependency}.workspace = true\n")).collect();
    let description = name.put("The {dashed} coordinator: its field and its decisions.");
    let file = |path: &str, text: &str| (format!("crates/{package}/{path}"), name.put(text));
    Skeleton {
        files: vec![
            (format!("crates/catalog/src/{}.rs", name.snake), name.put(MESSAGES)),
            (format!("crates/{package}/Cargo.toml"), format!("{}\n[dependencies]\n{lines}", manifest(&package, &description))),
            file("src/lib.rs", LIB),
            file(&format!("src/{}_settings.rs", name.snake), SETTINGS),
            file("src/greeting.rs", HANDLER),
            file("tests/it.rs", TESTS),
        ],
        left: vec![
            name.put("`pub mod {snake};` to crates/catalog/src/lib.rs, and the variant `{camel}` to `Owner` in crates/catalog/src/owner.rs"),
            format!("`{package} = {{ path = \"crates/{package}\" }}` to [workspace.dependencies] in Cargo.toml"),
            format!("a row for `{package}`, with its engines, to ROWS in xtask/src/tidy/imports.rs"),
            "a role in crates/bigskies, in the order of starting, with what it is given".to_owned(),
            "its real messages in place of the greeting, and `faults.rs` when it has an engine".to_owned(),
            "what `cargo xtask generate` then writes to docs/generated, and a line to CHANGELOG.md".to_owned(),
        ],
    }
}
