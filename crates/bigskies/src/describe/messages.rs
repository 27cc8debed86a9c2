//! The messages of the catalogue, before a person or a program.

use catalog::{Directory, Entry, Kind, Lane, Privacy};
use serde_json::{Value, json};

use crate::terminal::{
    output::{Ending, Output, Paint},
    table::{Shown, pairs, table},
    topics::{called, unknown},
};

/// Describes one message in full, or several as a table.
pub(crate) fn describe(name: Option<&str>, out: &mut Output) -> Result<(), Ending> {
    let directory = Directory::default();
    let found = find(&directory, name);
    match (found.as_slice(), name) {
        ([], Some(name)) => Err(unknown(&directory, name).into()),
        ([one], Some(_)) => out.show(&object(one), |paint| words(paint, one)),
        (several, _) => {
            let all: Vec<Value> = several.iter().map(|entry| object(entry)).collect();
            out.show(&json!({ "messages": all }), |paint| list(paint, several))
        }
    }
}

fn find<'a>(directory: &'a Directory, name: Option<&str>) -> Vec<&'a Entry> {
    let Some(name) = name else { return directory.entries().iter().collect() };
    let exact = called(directory, name);
    if !exact.is_empty() {
        return exact;
    }
    if let Some(entry) = directory.find(name) {
        return vec![entry];
    }
    let begins = format!("{}/", name.trim_end_matches('/'));
    directory.entries().iter().filter(|entry| entry.name.starts_with(&begins)).collect()
}

fn list(paint: Paint, entries: &[&Entry]) -> String {
    let rows = entries.iter().map(|entry| {
        vec![
            Shown::name(entry.name.clone()),
            entry.kind.as_str().into(),
            entry.needs.to_string().into(),
            first_sentence(&entry.summary()).into(),
        ]
    });
    table(paint, &["message", "kind", "needs", "is"], rows)
}

fn first_sentence(text: &str) -> String {
    let end = text.find(". ").map_or(text.len(), |end| end + 1);
    text.get(..end).unwrap_or(text).to_owned()
}

fn words(paint: Paint, entry: &Entry) -> String {
    let mut facts =
        vec![("message", paint.name(&entry.name)), ("kind", entry.kind.as_str().to_owned()), ("topic", entry.topic())];
    let spellings: Vec<String> = entry.inbound_topics().into_iter().skip(1).collect();
    if !spellings.is_empty() {
        facts.push(("also", spellings.join(", ")));
    }
    if entry.kind == Kind::State && !entry.key.is_empty() {
        facts.push(("key", entry.key.to_owned()));
    }
    facts.push(("needs", entry.needs.to_string()));
    facts.push(("QoS", u8::from(entry.qos).to_string()));
    if let Some(response) = entry.response_topic() {
        facts.push(("answer", response));
    }
    if entry.kind == Kind::Command {
        facts.push(("limit", format!("{} s", entry.limit.as_secs())));
    }
    if entry.lane == Lane::Safety {
        facts.push(("safety", "executed on receipt, whatever its timestamp".to_owned()));
    }
    if entry.privacy == Privacy::Private {
        facts.push(("private", "answered on a reply topic of the caller's own only".to_owned()));
    }
    let mut parts = vec![entry.summary(), pairs(paint, &facts)];
    parts.extend(fields(paint, "field", &(entry.payload)().to_value()));
    parts.extend(entry.reply.and_then(|reply| fields(paint, "field of the answer", &reply().to_value())));
    parts.push(format!("{}\n{:#}", paint.heading("for example"), (entry.example)()));
    parts.join("\n\n")
}

fn fields(paint: Paint, heading: &str, schema: &Value) -> Option<String> {
    let properties = schema.get("properties")?.as_object().filter(|properties| !properties.is_empty())?;
    let required: Vec<&str> =
        schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    let rows = properties.iter().map(|(name, property)| {
        let text = property.get("description").and_then(Value::as_str).unwrap_or_default().replace('\n', " ");
        let must = if required.contains(&name.as_str()) { "required" } else { "" };
        vec![name.into(), must.into(), text.into()]
    });
    Some(table(paint, &[heading, "", "is"], rows))
}

fn object(entry: &Entry) -> Value {
    json!({
        "name": entry.name,
        "kind": entry.kind.as_str(),
        "topic": entry.topic(),
        "aliases": entry.aliases,
        "needs": entry.needs.to_string(),
        "qos": u8::from(entry.qos),
        "limit_seconds": entry.limit.as_secs(),
        "summary": entry.summary(),
        "payload": (entry.payload)().to_value(),
        "reply": entry.reply.map(|reply| reply().to_value()),
        "example": (entry.example)(),
        "reply_example": entry.reply_example.map(|example| example()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_found() {
        let directory = Directory::default();
        for (name, names) in [
            (Some("telescope/control/slew"), Some(vec!["telescope/control/slew"])),
            (Some("bigskies/coordinator/telescope/control/slew"), Some(vec!["telescope/control/slew"])),
            (Some("telescope.event.slew-ended"), Some(vec!["telescope/slew-ended"])),
            (Some("service/event/heartbeat"), Some(vec!["service/heartbeat"])),
            (Some("message/deadletter"), Some(vec!["message/deadletter/list", "message/deadletter/clear"])),
            (Some("nothing"), Some(vec![])),
            (None, None),
        ] {
            let found: Vec<&str> = find(&directory, name).into_iter().map(|entry| entry.name.as_ref()).collect();
            match names {
                Some(names) => assert_eq!(found, names, "{name:?}"),
                None => assert_eq!(found.len(), directory.entries().len()),
            }
        }
    }

    #[test]
    fn every_message_can_be_described() {
        for entry in Directory::default().entries() {
            let words = words(Paint::Plain, entry);
            assert!(words.contains(&entry.topic()) && words.contains("for example"), "{words}");
        }
    }

    #[test]
    fn sentences() {
        for (text, first) in [("One. Two.", "One."), ("One", "One"), ("", ""), ("At 1.5 m. Two", "At 1.5 m.")] {
            assert_eq!(first_sentence(text), first);
        }
    }
}
