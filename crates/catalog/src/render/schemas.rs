//! JSON Schemas: one file a message, with its payload and its answer.

use serde_json::{Value, json};

use crate::Entry;

/// A schema document per message, by its id.
pub fn schemas(entries: &[Entry]) -> Vec<(String, Value)> {
    entries.iter().map(|entry| (entry.id(), schema(entry))).collect()
}

fn schema(entry: &Entry) -> Value {
    let mut definitions = json!({ "payload": (entry.payload)() });
    if let Some(reply) = entry.reply {
        definitions["reply"] = json!(reply());
    }
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": entry.id(),
        "description": entry.summary(),
        "$ref": "#/$defs/payload",
        "$defs": definitions,
    })
}
