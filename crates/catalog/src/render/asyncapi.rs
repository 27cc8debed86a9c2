//! The catalogue as an AsyncAPI 3.0 document (asyncapi.com/docs/reference/specification/v3.0.0).

use serde_json::{Map, Value, json};

use crate::{Entry, Kind, envelope::ANSWER_FIELDS};

/// The document. Operations are seen from the coordinators: they receive commands and notices and send everything else.
pub fn asyncapi(entries: &[Entry]) -> Value {
    let (mut channels, mut operations, mut messages) = (Map::new(), Map::new(), Map::new());
    for entry in entries {
        let id = entry.id();
        channels.insert(id.clone(), channel(entry, &id));
        messages.insert(id.clone(), message(entry, &id));
        if entry.reply.is_some() {
            let answer = format!("{id}.response");
            channels.insert(answer.clone(), answer_channel(entry, &answer));
            messages.insert(answer.clone(), answer_message(entry, &answer));
        }
        operations.insert(id.clone(), operation(entry, &id));
    }
    json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "BIG SKIES",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Every message on the bus of an observatory, its satellites and its monitoring.",
            "license": { "name": "MIT OR Apache-2.0" },
        },
        "defaultContentType": "application/json",
        "servers": {
            "mqtt": { "host": "127.0.0.1:1883", "protocol": "mqtt", "protocolVersion": "5" },
            "websocket": { "host": "127.0.0.1:9001", "protocol": "ws" },
        },
        "channels": channels,
        "operations": operations,
        "components": {
            "messages": messages,
            "correlationIds": { "message_id": {
                "description": "The sender's name for the message; its answer brings it back.",
                "location": "$message.payload#/message_id",
            } },
        },
    })
}

fn channel(entry: &Entry, id: &str) -> Value {
    let mut channel = json!({
        "address": entry.topic(),
        "summary": entry.summary(),
        "messages": { "message": { "$ref": format!("#/components/messages/{id}") } },
    });
    if entry.topic().contains("{key}") {
        channel["parameters"] = json!({ "key": { "description": entry.key } });
    }
    channel
}

fn answer_channel(entry: &Entry, id: &str) -> Value {
    json!({
        "address": entry.response_topic(),
        "summary": format!("Answers to {}, where the request brings no reply topic.", entry.name),
        "messages": { "message": { "$ref": format!("#/components/messages/{id}") } },
    })
}

fn operation(entry: &Entry, id: &str) -> Value {
    let mut operation = json!({
        "action": if entry.kind.is_inbound() { "receive" } else { "send" },
        "channel": { "$ref": format!("#/channels/{id}") },
        "summary": entry.summary(),
        "bindings": { "mqtt": {
            "qos": u8::from(entry.qos),
            "retain": matches!(entry.kind, Kind::State | Kind::Health),
            "bindingVersion": "0.2.0",
        } },
        "x-needs": entry.needs.to_string(),
        "x-lane": entry.lane.as_str(),
        "x-aliases": entry.inbound_topics().into_iter().skip(1).collect::<Vec<_>>(),
    });
    if entry.reply.is_some() {
        operation["reply"] = json!({
            "channel": { "$ref": format!("#/channels/{id}.response") },
            "address": {
                "description": "The MQTT 5 response topic, or the envelope's reply_to.",
                "location": "$message.payload#/reply_to",
            },
        });
    }
    operation
}

fn message(entry: &Entry, id: &str) -> Value {
    let payload = (entry.payload)().to_value();
    let (schema, example) = if entry.bare || entry.kind.is_inbound() {
        (payload, (entry.example)())
    } else {
        (enveloped(payload), example_envelope(entry))
    };
    json!({
        "name": id,
        "title": entry.name,
        "summary": entry.summary(),
        "contentType": "application/json",
        "payload": schema,
        "examples": [{ "payload": example }],
    })
}

fn answer_message(entry: &Entry, id: &str) -> Value {
    let mut schema = entry.reply.map_or_else(|| json!({}), |reply| reply().to_value());
    if let Some(schema) = schema.as_object_mut() {
        let properties = schema.entry("properties").or_insert_with(|| json!({}));
        for field in ANSWER_FIELDS {
            properties[field] = match field {
                "success" => json!({ "type": "boolean" }),
                "error" => json!({ "type": "object" }),
                "message_id" | "correlation_id" => json!({ "type": ["string", "null"] }),
                _ => json!({ "type": "string" }),
            };
        }
        // A refusal has none of the reply's own fields.
        schema.insert("required".to_owned(), json!(["type", "source", "timestamp", "success"]));
    }
    json!({
        "name": id,
        "title": format!("answer to {}", entry.name),
        "contentType": "application/json",
        "correlationId": { "$ref": "#/components/correlationIds/message_id" },
        "payload": schema,
    })
}

fn enveloped(payload: Value) -> Value {
    json!({
        "type": "object",
        "required": ["message_id", "type", "source", "timestamp", "payload"],
        "properties": {
            "message_id": { "type": "string" },
            "type": { "enum": ["command", "event", "status", "request", "response"] },
            "source": { "type": "string" },
            "timestamp": { "type": "string", "format": "date-time" },
            "payload": payload,
        },
    })
}

fn example_envelope(entry: &Entry) -> Value {
    json!({
        "message_id": "0192f0c1-7a0e-7c3e-8a51-0d6f3f1f9a13",
        "type": if entry.kind == Kind::Event { "event" } else { "status" },
        "source": "coordinator:telescope",
        "timestamp": crate::frame::example_time(),
        "payload": (entry.example)(),
    })
}
