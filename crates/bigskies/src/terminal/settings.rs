//! `bigskies settings`: see and change what holds in a coordinator.

use catalog::{
    Owner,
    frame::{
        GetSetting, ListSettings, OneSetting, RollbackSetting, SetSetting, Setting, SettingChange, SettingHistory,
        UnsetSetting,
    },
};
use clap::{
    Subcommand,
    builder::{PossibleValue, PossibleValuesParser, TypedValueParser},
};
use serde_json::Value;
use settings::Kind;

use crate::terminal::{
    client::Client,
    output::{Ending, Form, Output, Paint, harmless},
    table::{Shown, pairs, table},
};

/// What to do with settings.
#[derive(Debug, Subcommand)]
pub(crate) enum Settings {
    /// Show all settings of a coordinator, boot settings included.
    List {
        /// The coordinator.
        #[arg(value_parser = owner_parser())]
        coordinator: Owner,
    },
    /// Show one setting.
    Get {
        /// The coordinator.
        #[arg(value_parser = owner_parser())]
        coordinator: Owner,
        /// The setting.
        key: String,
    },
    /// Change a setting. It is checked and put into effect before it is kept.
    Set {
        /// The coordinator.
        #[arg(value_parser = owner_parser())]
        coordinator: Owner,
        /// The setting.
        key: String,
        /// The new value, as JSON; what is not JSON is text.
        #[arg(allow_hyphen_values = true)]
        value: String,
    },
    /// Go back to the default of a setting.
    Unset {
        /// The coordinator.
        #[arg(value_parser = owner_parser())]
        coordinator: Owner,
        /// The setting.
        key: String,
    },
    /// Show who changed what when, newest first.
    History {
        /// The coordinator.
        #[arg(value_parser = owner_parser())]
        coordinator: Owner,
        /// Only this setting.
        key: Option<String>,
        /// At most so many changes.
        #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
        count: u32,
    },
    /// Go back to what held after a change.
    Rollback {
        /// The coordinator.
        #[arg(value_parser = owner_parser())]
        coordinator: Owner,
        /// The id of the change, as `history` shows it.
        change: String,
    },
}

/// Reads the name of a coordinator, or its word in topics.
pub(crate) fn owner_parser() -> impl TypedValueParser<Value = Owner> {
    let values = Owner::ALL.map(|owner| {
        let value = PossibleValue::new(owner.name());
        if owner.word() == owner.name() { value } else { value.alias(owner.word()) }
    });
    PossibleValuesParser::new(values)
        .try_map(|name| Owner::of_name(&name).or_else(|| Owner::of_word(&name)).ok_or("no coordinator is called so"))
}

/// Does it.
pub(crate) async fn run(settings: Settings, client: &Client, out: &mut Output) -> Result<(), Ending> {
    match settings {
        Settings::List { coordinator } => {
            let reply = client.ask_of(coordinator, &ListSettings {}).await?;
            out.show(&reply, |paint| list(paint, &reply.settings))
        }
        Settings::Get { coordinator, key } => {
            let reply = client.ask_of(coordinator, &GetSetting { key }).await?;
            show_one(out, &reply)
        }
        Settings::Set { coordinator, key, value } => {
            let known = client.ask_of(coordinator, &GetSetting { key: key.clone() }).await?;
            let value = value_of(&value, known.setting.kind);
            let reply = client.ask_of(coordinator, &SetSetting { key, value }).await?;
            show_one(out, &reply)
        }
        Settings::Unset { coordinator, key } => {
            let reply = client.ask_of(coordinator, &UnsetSetting { key }).await?;
            show_one(out, &reply)
        }
        Settings::History { coordinator, key, count } => {
            let history = SettingHistory { key, limit: Some(count), cursor: None };
            let reply = client.ask_of(coordinator, &history).await?;
            out.show(&reply, |paint| changes(paint, &reply.changes))
        }
        Settings::Rollback { coordinator, change } => {
            let reply = client.ask_of(coordinator, &RollbackSetting { change_id: change }).await?;
            show_one(out, &reply)
        }
    }
}

/// The value that a text on the command line means: JSON, else text. Where text is wanted, digits are text.
fn value_of(text: &str, kind: Kind) -> Value {
    match serde_json::from_str(text) {
        Ok(value @ Value::String(_)) => value,
        Ok(_) if kind == Kind::String => Value::String(text.to_owned()),
        Ok(value) => value,
        Err(_) => Value::String(text.to_owned()),
    }
}

fn show_one(out: &mut Output, reply: &OneSetting) -> Result<(), Ending> {
    match out.form() {
        Form::Json => out.show(reply, |_| String::new()),
        Form::Person => out.text(&one(out.paint(), &reply.setting)),
    }
}

fn list(paint: Paint, settings: &[Setting]) -> String {
    let rows = settings.iter().map(|setting| {
        let value = shown(&setting.value);
        let changed = setting.value != setting.default && setting.origin == "row";
        let value = if changed { Shown::doubtful(value) } else { value.into() };
        vec![setting.key.clone().into(), value, shown(&setting.default).into(), harmless(&setting.origin).into()]
    });
    table(paint, &["setting", "value", "default", "origin"], rows)
}

fn one(paint: Paint, setting: &Setting) -> String {
    pairs(
        paint,
        &[
            ("setting", setting.key.clone()),
            ("value", shown(&setting.value)),
            ("default", shown(&setting.default)),
            ("type", setting.kind.as_str().to_owned()),
            ("origin", harmless(&setting.origin)),
            ("is", harmless(&setting.description)),
        ],
    )
}

fn changes(paint: Paint, changes: &[SettingChange]) -> String {
    if changes.is_empty() {
        return "nothing was changed".to_owned();
    }
    let rows = changes.iter().map(|change| {
        vec![
            change.changed_at.to_string().into(),
            change.key.clone().into(),
            shown(&change.old_value).into(),
            shown(&change.new_value).into(),
            change.changed_by.as_deref().map_or_else(|| "in the database".to_owned(), harmless).into(),
            change.id.clone().into(),
        ]
    });
    table(paint, &["when", "setting", "from", "to", "by", "change"], rows)
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => harmless(text),
        other => harmless(&other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use catalog::Shape as _;
    use serde_json::json;

    use super::*;

    #[test]
    fn values_on_the_command_line() {
        for (text, kind, value) in [
            ("5", Kind::Int, json!(5)),
            ("5", Kind::String, json!("5")),
            ("\"5\"", Kind::String, json!("5")),
            ("-1.5", Kind::Float, json!(-1.5)),
            ("loopback", Kind::Object, json!("loopback")),
            ("{\"a\":1}", Kind::Object, json!({"a": 1})),
            ("true", Kind::Bool, json!(true)),
            ("yes", Kind::Bool, json!("yes")),
            ("null", Kind::Object, json!(null)),
            ("", Kind::String, json!("")),
        ] {
            assert_eq!(value_of(text, kind), value, "{text}");
        }
    }

    #[test]
    fn tables() {
        let setting = Setting { value: json!(32228), origin: "row".to_owned(), ..Setting::example() };
        assert_eq!(
            list(Paint::Plain, &[setting]),
            "SETTING         VALUE  DEFAULT  ORIGIN\ndiscovery_port  32228  32227    row"
        );
        let history = catalog::frame::SettingChanges::example();
        let shown = changes(Paint::Plain, &history.changes);
        assert!(shown.contains("2026-11-21T20:15:00Z  discovery_port  32227  32228  operator"), "{shown}");
        assert_eq!(changes(Paint::Plain, &[]), "nothing was changed");
    }
}
