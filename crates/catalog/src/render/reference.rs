//! The reference of all messages in Markdown: topics, aliases, rights, quality of service, fields, examples.

use std::fmt::Write as _;

use serde_json::Value;

use crate::{Entry, Kind, Lane, Owner, Privacy};

/// The reference.
pub fn reference(entries: &[Entry]) -> String {
    let mut page = String::from(
        "# Messages\n\nGenerated from the catalogue by `cargo xtask generate`; do not edit.\n\nTopics below stand whole. \
         The answer to a command goes to the MQTT 5 response topic, else to the envelope's `reply_to`, else to the response topic shown.\n\n\
         What a message needs is the right of who sends it, or of who reads what coordinators publish: `resource:action`, or `anybody` (an \
         account is enough), `nobody` (its own fields prove who sends it), or `addressee` (only who stands in the topic).\n",
    );
    for owner in Owner::ALL {
        let owned: Vec<&Entry> = entries.iter().filter(|entry| is_of(entry, owner)).collect();
        write_owner(&mut page, owner, &owned);
    }
    page
}

fn is_of(entry: &Entry, owner: Owner) -> bool {
    let given = format!("{}-coordinator", owner.name());
    match entry.name.split_once('/') {
        Some(("health" | "config", rest)) => rest.ends_with(&given),
        Some((word, _)) => word == owner.word(),
        None => false,
    }
}

fn write_owner(page: &mut String, owner: Owner, entries: &[&Entry]) {
    let _ =
        write!(page, "\n## {}\n\n| message | kind | topic | needs | QoS |\n|---|---|---|---|---|\n", owner.component());
    for entry in entries {
        let _ = writeln!(
            page,
            "| [{name}](#{anchor}) | {kind} | `{topic}` | {needs} | {qos} |",
            name = entry.id(),
            anchor = entry.id().replace('.', ""),
            kind = entry.kind.as_str(),
            topic = entry.topic(),
            needs = entry.needs,
            qos = u8::from(entry.qos),
        );
    }
    for entry in entries {
        write_entry(page, entry);
    }
}

fn write_entry(page: &mut String, entry: &Entry) {
    let _ = write!(page, "\n### {}\n\n{}\n\n", entry.id(), entry.summary());
    let _ = writeln!(page, "- topic: `{}`", entry.topic());
    for alias in entry.inbound_topics().iter().skip(1) {
        let _ = writeln!(page, "- also: `{alias}`");
    }
    if let Some(response) = entry.response_topic() {
        let _ = writeln!(page, "- answer: `{response}`");
    }
    if !entry.key.is_empty() {
        let _ = writeln!(page, "- key: {}", entry.key);
    }
    if entry.kind == Kind::Command {
        let _ = writeln!(page, "- limit: {} s", entry.limit.as_secs());
    }
    if entry.lane == Lane::Safety {
        let _ = writeln!(page, "- safety: executed on receipt, whatever its timestamp");
    }
    if entry.privacy == Privacy::Private {
        let _ = writeln!(page, "- private: answered on a reply topic of the caller's own only");
    }
    write_fields(page, "field", &(entry.payload)().to_value());
    if let Some(reply) = entry.reply {
        write_fields(page, "field of the answer", &reply().to_value());
    }
    let _ = write!(page, "\n```json\n{:#}\n```\n", (entry.example)());
}

fn write_fields(page: &mut String, heading: &str, schema: &Value) {
    let Some(properties) = schema.get("properties").and_then(Value::as_object).filter(|p| !p.is_empty()) else {
        return;
    };
    let required: Vec<&str> =
        schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    let _ = write!(page, "\n| {heading} | type | | |\n|---|---|---|---|\n");
    for (name, property) in properties {
        let text = property.get("description").and_then(Value::as_str).unwrap_or_default().replace('\n', " ");
        let must = if required.contains(&name.as_str()) { "required" } else { "" };
        let _ = writeln!(page, "| `{name}` | {} | {must} | {text} |", kind_of(property));
    }
}

fn kind_of(property: &Value) -> String {
    if let Some(words) = property.get("enum").and_then(Value::as_array) {
        return words.iter().map(|word| format!("`{}`", word.as_str().unwrap_or("null"))).collect::<Vec<_>>().join(" ");
    }
    match property.get("type") {
        Some(Value::String(kind)) => kind.clone(),
        Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" or "),
        _ if property.get("oneOf").or_else(|| property.get("anyOf")).is_some() => "one of several".to_owned(),
        _ => "any".to_owned(),
    }
}
