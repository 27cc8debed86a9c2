//! Typed settings over rows with history: which keys there are, their types and defaults, and every complaint at once.

use std::collections::BTreeMap;

use schemars::{JsonSchema, generate::SchemaSettings};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

/// The settings of one coordinator: a plain struct whose fields are the keys, whose doc comments describe them, whose
/// `Default` is what holds without rows. Fields are flat; a list or a map is one value.
pub trait Settings:
    Serialize + DeserializeOwned + JsonSchema + Default + Clone + PartialEq + Send + Sync + 'static
{
    /// Keys whose values are never shown.
    const SECRETS: &'static [&'static str] = &[];
    /// Keys of an earlier program that came from rows and are boot settings here: reported and ignored.
    const BOOT: &'static [&'static str] = &["broker_url", "broker_port", "database_url", "jwt_secret"];

    /// Adds a complaint for everything that cannot stand.
    fn validate(&self, complaints: &mut Complaints);
}

/// What is wrong, key by key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Complaints(Vec<(String, String)>);

impl Complaints {
    /// Adds one.
    pub fn add(&mut self, key: &str, what: impl Into<String>) {
        self.0.push((key.to_owned(), what.into()));
    }

    /// Complains unless `low <= value <= high`.
    pub fn range<T: PartialOrd + std::fmt::Display>(&mut self, key: &str, value: T, low: T, high: T) {
        if !(low <= value && value <= high) {
            self.add(key, format!("{value} is not between {low} and {high}"));
        }
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The keys complained about, each with the reason.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, what)| (key.as_str(), what.as_str()))
    }
}

impl std::fmt::Display for Complaints {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (index, (key, what)) in self.0.iter().enumerate() {
            write!(f, "{}{key}: {what}", if index == 0 { "" } else { "; " })?;
        }
        Ok(())
    }
}

/// The type hint of a row, as the `coordinator_config` table spells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Text.
    String,
    /// A whole number.
    Int,
    /// Yes or no.
    Bool,
    /// A number.
    Float,
    /// A whole number of seconds.
    Duration,
    /// Anything else: a list or a map.
    Object,
}

impl Kind {
    /// The word in the table.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Int => "int",
            Self::Bool => "bool",
            Self::Float => "float",
            Self::Duration => "duration",
            Self::Object => "object",
        }
    }
}

/// One key of a coordinator.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Key {
    /// Its name.
    pub key: String,
    /// What it is for.
    pub description: String,
    /// Its type.
    pub kind: Kind,
    /// What holds without a row.
    pub default: Value,
    /// Whether its value is never shown.
    pub secret: bool,
}

/// All keys of `S`, in alphabetical order, read off the struct.
pub fn keys<S: Settings>() -> Vec<Key> {
    let schema = SchemaSettings::draft2020_12()
        .with(|s| s.inline_subschemas = true)
        .into_generator()
        .into_root_schema_for::<S>();
    let defaults = to_rows(&S::default());
    let described = |key: &str| {
        let property = schema.get("properties").and_then(|p| p.get(key));
        let text = property.and_then(|p| p.get("description")).and_then(Value::as_str).unwrap_or_default();
        let kind = property.map_or(Kind::Object, kind_of);
        (text.split_whitespace().collect::<Vec<_>>().join(" "), kind)
    };
    defaults
        .into_iter()
        .map(|(key, default)| {
            let (description, kind) = described(&key);
            Key { secret: S::SECRETS.contains(&key.as_str()), key, description, kind, default }
        })
        .collect()
}

fn kind_of(property: &Value) -> Kind {
    // An enumeration whose words are described is a choice of constants.
    let is_word = |choice: &Value| choice.get("const").is_some_and(Value::is_string);
    if property.get("oneOf").and_then(Value::as_array).is_some_and(|choices| choices.iter().all(is_word)) {
        return Kind::String;
    }
    match property.get("type").and_then(Value::as_str) {
        Some("string") => Kind::String,
        Some("integer") => Kind::Int,
        Some("boolean") => Kind::Bool,
        Some("number") => Kind::Float,
        _ => Kind::Object,
    }
}

/// The settings as rows.
pub fn to_rows<S: Settings>(settings: &S) -> BTreeMap<String, Value> {
    match serde_json::to_value(settings) {
        Ok(Value::Object(map)) => map.into_iter().collect(),
        _ => BTreeMap::new(),
    }
}

/// What rows come to: the settings, and keys that were there but mean nothing here.
#[derive(Debug, Clone, PartialEq)]
pub struct Parsed<S> {
    /// The settings: rows over defaults.
    pub settings: S,
    /// Keys of boot settings, which rows cannot set.
    pub boot: Vec<String>,
    /// Keys that nobody knows.
    pub unknown: Vec<String>,
}

/// Puts rows over the defaults and validates the result. Boot and unknown keys are reported, not refused.
///
/// # Errors
/// Every row of a wrong type and every complaint of [`Settings::validate`], at once.
pub fn parse<S: Settings>(rows: &BTreeMap<String, Value>) -> Result<Parsed<S>, Complaints> {
    let mut complaints = Complaints::default();
    let mut merged = to_rows(&S::default());
    let (mut boot, mut unknown) = (Vec::new(), Vec::new());
    for (key, value) in rows {
        if S::BOOT.contains(&key.as_str()) {
            boot.push(key.clone());
        } else if let Some(default) = merged.get(key).cloned() {
            merged.insert(key.clone(), value.clone());
            if let Err(e) = read::<S>(&merged) {
                complaints.add(key, e);
                merged.insert(key.clone(), default);
            }
        } else {
            unknown.push(key.clone());
        }
    }
    match read::<S>(&merged) {
        Ok(settings) => {
            settings.validate(&mut complaints);
            if complaints.is_empty() { Ok(Parsed { settings, boot, unknown }) } else { Err(complaints) }
        }
        Err(e) => {
            complaints.add("*", e);
            Err(complaints)
        }
    }
}

fn read<S: Settings>(rows: &BTreeMap<String, Value>) -> Result<S, String> {
    serde_json::to_value(rows).and_then(serde_json::from_value).map_err(|e| e.to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
    struct Example {
        /// How often, in seconds.
        interval: u32,
        /// Who answers.
        name: String,
        /// Where the horizon is, in degrees.
        horizon_degrees: f64,
        /// Whom to trust.
        trusted: Vec<String>,
    }

    impl Default for Example {
        fn default() -> Self {
            Self { interval: 30, name: "x".to_owned(), horizon_degrees: 10.0, trusted: vec![] }
        }
    }

    impl Settings for Example {
        const SECRETS: &'static [&'static str] = &["name"];
        fn validate(&self, complaints: &mut Complaints) {
            complaints.range("interval", self.interval, 1, 3600);
            complaints.range("horizon_degrees", self.horizon_degrees, -5.0, 85.0);
        }
    }

    fn rows(value: Value) -> BTreeMap<String, Value> {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn rows_stand_over_defaults() {
        let parsed = parse::<Example>(&rows(json!({"interval": 5, "broker_url": "x", "colour": 1}))).unwrap();
        assert_eq!(parsed.settings, Example { interval: 5, ..Example::default() });
        assert_eq!((parsed.boot, parsed.unknown), (vec!["broker_url".to_owned()], vec!["colour".to_owned()]));
    }

    #[test]
    fn every_complaint_at_once() {
        let complaints =
            parse::<Example>(&rows(json!({"interval": 0, "horizon_degrees": 99, "trusted": 3}))).unwrap_err();
        let keys: Vec<&str> = complaints.iter().map(|(key, _)| key).collect();
        assert_eq!(keys, ["trusted", "interval", "horizon_degrees"]);
    }

    #[test]
    fn keys_are_read_off_the_struct() {
        let keys = keys::<Example>();
        let row = |key: &str| keys.iter().find(|k| k.key == key).unwrap().clone();
        assert_eq!(row("interval").kind, Kind::Int);
        assert_eq!(row("interval").description, "How often, in seconds.");
        assert_eq!(row("horizon_degrees").kind, Kind::Float);
        assert_eq!(row("trusted").kind, Kind::Object);
        assert!(row("name").secret && !row("interval").secret);
    }
}
