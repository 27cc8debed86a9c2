//! What the frame gives to every coordinator: health, and settings with history.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use settings::Kind as SettingKind;
use vocabulary::Timestamp;

use crate::{
    Entry, Owner,
    kinds::{Command, Done, Effect, Lane, Needs, Notice, Shape},
};

const GIVEN: &[Entry] = &[
    Entry::command::<GetHealth>(),
    Entry::command::<GetSetting>(),
    Entry::command::<ListSettings>(),
    Entry::command::<SetSetting>(),
    Entry::command::<UnsetSetting>(),
    Entry::command::<SettingHistory>(),
    Entry::command::<RollbackSetting>(),
    Entry::notice::<SettingsChanged>(),
    Entry::health::<health::Report>(),
];

/// The rows of the frame's messages as `owner` has them.
pub(crate) fn given_to(owner: Owner) -> impl Iterator<Item = Entry> {
    GIVEN.iter().cloned().map(move |entry| entry.given_to(owner))
}

impl Shape for health::Report {
    fn example() -> Self {
        Self::new("telescope-coordinator", health::Status::Healthy, "all is well", example_time())
            .detail("uptime_seconds", 3600)
    }
}

/// The instant that examples use.
pub(crate) fn example_time() -> Timestamp {
    Timestamp::new(time::macros::datetime!(2026-11-21 20:15:00 UTC))
}

/// Asks a coordinator for its health; answered at once, from memory.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetHealth {}

impl Shape for GetHealth {
    fn example() -> Self {
        Self {}
    }
}

impl Command for GetHealth {
    const NAME: &'static str = "health/get";
    const NEEDS: Needs = Needs::right("", "read");
    const EFFECT: Effect = Effect::Reads;
    const LANE: Lane = Lane::Instant;
    type Reply = HealthNow;
}

/// The health of a coordinator and of its engines.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct HealthNow {
    /// Who is meant.
    pub component: String,
    /// How well it is.
    pub status: health::Status,
    /// One sentence for a person.
    pub message: String,
    /// Figures, among them `uptime_seconds` and what the engines say.
    pub details: Map<String, Value>,
    /// When this was found.
    pub observed_at: Timestamp,
}

impl From<health::Report> for HealthNow {
    fn from(report: health::Report) -> Self {
        let health::Report { component, status, message, details, observed_at } = report;
        Self { component, status, message, details, observed_at }
    }
}

impl Shape for HealthNow {
    fn example() -> Self {
        health::Report::example().into()
    }
}

/// One setting as it stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Setting {
    /// Its key.
    pub key: String,
    /// What holds now; `***` for a secret.
    pub value: Value,
    /// What holds without a row.
    pub default: Value,
    /// Its type.
    pub kind: SettingKind,
    /// What it is for.
    pub description: String,
    /// Whether its value is never shown.
    pub secret: bool,
    /// Where the value comes from: `default`, `row`, or for boot settings (read-only) the flag, variable or file.
    pub origin: String,
}

impl Shape for Setting {
    fn example() -> Self {
        Self {
            key: "discovery_port".to_owned(),
            value: json!(32227),
            default: json!(32227),
            kind: SettingKind::Int,
            description: "The UDP port on which Alpaca devices are asked for.".to_owned(),
            secret: false,
            origin: "default".to_owned(),
        }
    }
}

/// Asks for one setting.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetSetting {
    /// Its key.
    pub key: String,
}

impl Shape for GetSetting {
    fn example() -> Self {
        Self { key: Setting::example().key }
    }
}

impl Command for GetSetting {
    const NAME: &'static str = "settings/get";
    const NEEDS: Needs = Needs::right("", "read");
    const EFFECT: Effect = Effect::Reads;
    type Reply = OneSetting;
}

/// One setting.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct OneSetting {
    /// The setting.
    pub setting: Setting,
}

impl Shape for OneSetting {
    fn example() -> Self {
        Self { setting: Setting::example() }
    }
}

/// Asks for all settings of a coordinator, boot settings included.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListSettings {}

impl Shape for ListSettings {
    fn example() -> Self {
        Self {}
    }
}

impl Command for ListSettings {
    const NAME: &'static str = "settings/list";
    const NEEDS: Needs = Needs::right("", "read");
    const EFFECT: Effect = Effect::Reads;
    type Reply = Settings;
}

/// All settings of a coordinator.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Settings {
    /// In alphabetical order, boot settings last.
    pub settings: Vec<Setting>,
}

impl Shape for Settings {
    fn example() -> Self {
        Self { settings: vec![Setting::example()] }
    }
}

/// Changes a setting: validated, applied and checked before it is kept.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetSetting {
    /// Its key.
    pub key: String,
    /// The new value.
    pub value: Value,
}

impl Shape for SetSetting {
    fn example() -> Self {
        Self { key: Setting::example().key, value: json!(32228) }
    }
}

impl Command for SetSetting {
    const NAME: &'static str = "settings/set";
    const NEEDS: Needs = Needs::right("", "configure");
    const EFFECT: Effect = Effect::Changes;
    type Reply = OneSetting;

    fn scope(&self) -> Option<String> {
        Some("settings".to_owned())
    }
}

/// Takes the row of a setting away, so that its default holds.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UnsetSetting {
    /// Its key.
    pub key: String,
}

impl Shape for UnsetSetting {
    fn example() -> Self {
        Self { key: Setting::example().key }
    }
}

impl Command for UnsetSetting {
    const NAME: &'static str = "settings/unset";
    const NEEDS: Needs = Needs::right("", "configure");
    const EFFECT: Effect = Effect::Changes;
    type Reply = OneSetting;

    fn scope(&self) -> Option<String> {
        Some("settings".to_owned())
    }
}

/// Asks who changed which setting when, newest first.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SettingHistory {
    /// Only this key.
    pub key: Option<String>,
    /// At most so many changes.
    pub limit: Option<u32>,
    /// The `next` of the page before.
    pub cursor: Option<String>,
}

impl Shape for SettingHistory {
    fn example() -> Self {
        Self { key: Some(Setting::example().key), limit: Some(10), cursor: None }
    }
}

impl Command for SettingHistory {
    const NAME: &'static str = "settings/history";
    const NEEDS: Needs = Needs::right("", "read");
    const EFFECT: Effect = Effect::Reads;
    type Reply = SettingChanges;
}

/// A change of a setting.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct SettingChange {
    /// Names the change, to go back to what held after it.
    pub id: String,
    /// The setting's key.
    pub key: String,
    /// What held before; null if there was no row.
    pub old_value: Value,
    /// What held after; null if the row was taken away.
    pub new_value: Value,
    /// When.
    pub changed_at: Timestamp,
    /// The account that changed it; null if that was done in the database.
    pub changed_by: Option<String>,
}

/// A page of changes.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct SettingChanges {
    /// Newest first.
    pub changes: Vec<SettingChange>,
    /// Where the next page begins; null at the end.
    pub next: Option<String>,
}

impl Shape for SettingChanges {
    fn example() -> Self {
        let change = SettingChange {
            id: "0192f0c1-7a0e-7c3e-8a51-0d6f3f1f9a10".to_owned(),
            key: Setting::example().key,
            old_value: json!(32227),
            new_value: json!(32228),
            changed_at: example_time(),
            changed_by: Some("operator".to_owned()),
        };
        Self { changes: vec![change], next: None }
    }
}

/// Goes back to what held after a change in the history; itself a change.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RollbackSetting {
    /// The `id` of the change whose new value is wanted.
    pub change_id: String,
}

impl Shape for RollbackSetting {
    fn example() -> Self {
        Self { change_id: SettingChanges::example().changes.remove(0).id }
    }
}

impl Command for RollbackSetting {
    const NAME: &'static str = "settings/rollback";
    const NEEDS: Needs = Needs::right("", "configure");
    const EFFECT: Effect = Effect::Changes;
    type Reply = OneSetting;

    fn scope(&self) -> Option<String> {
        Some("settings".to_owned())
    }
}

/// Says that rows of settings were changed by hand: they are read again, validated, and applied or refused.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
pub struct SettingsChanged {
    /// The key that changed; informative, since all are read again.
    pub config_key: Option<String>,
    /// The new value; informative.
    pub config_value: Option<Value>,
}

impl Shape for SettingsChanged {
    fn example() -> Self {
        Self { config_key: Some(Setting::example().key), config_value: Some(json!(32228)) }
    }
}

impl Notice for SettingsChanged {
    const NAME: &'static str = "config/update";
    const NEEDS: Needs = Needs::right("", "configure");
    type Reply = Done;
}
