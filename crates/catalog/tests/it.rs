//! The contract of the catalogue: what must hold for every message, now and when one is added.

use std::collections::{BTreeMap, BTreeSet};

use catalog::{Directory, Kind, Lane, Needs, Owner, envelope::ANSWER_FIELDS, topic};
use serde_json::Value;
use vocabulary::ids::is_level;

fn for_each(mut check: impl FnMut(&catalog::Entry)) {
    let entries = catalog::all();
    assert!(entries.len() > 50);
    for entry in &entries {
        check(entry);
    }
}

#[test]
fn names_are_topics_of_their_owner() {
    for_each(|entry| {
        assert!(topic::is_publishable(&entry.topic().replace("{key}", "k")), "{}", entry.name);
        assert!(entry.name.split('/').all(is_level), "{}", entry.name);
        let word = entry.name.split('/').next().unwrap();
        assert!(matches!(word, "health" | "config") || Owner::of_word(word).is_some(), "{}", entry.name);
        for alias in entry.aliases {
            assert!(alias.split('/').all(is_level), "{alias}");
        }
    });
}

#[test]
fn no_two_messages_share_a_topic() {
    let mut seen = BTreeMap::new();
    for_each(|entry| {
        let inbound = entry.inbound_topics();
        let topics = if inbound.is_empty() { vec![entry.topic()] } else { inbound };
        for topic in topics.into_iter().chain(entry.response_topic()) {
            if let Some(other) = seen.insert(topic.clone(), entry.id()) {
                panic!("{topic} is both {other} and {}", entry.id());
            }
        }
    });
}

#[test]
fn every_message_is_described() {
    for_each(|entry| {
        assert!(entry.summary().ends_with('.'), "{} has no sentence of its own", entry.id());
        let schemas = std::iter::once((entry.payload)()).chain(entry.reply.map(|reply| reply()));
        for schema in schemas {
            let Some(properties) = schema.get("properties").and_then(Value::as_object) else { continue };
            for (field, property) in properties {
                assert!(property.get("description").is_some(), "{}.{field} has no description", entry.id());
            }
        }
    });
}

#[test]
fn examples_fit_their_schemas_by_field() {
    for_each(|entry| {
        let fields: BTreeSet<String> = (entry.example)().as_object().unwrap().keys().cloned().collect();
        assert!(fields.is_subset(&entry.fields()), "{}", entry.id());
    });
}

#[test]
fn commands_name_what_they_need_and_refuse_unknown_fields() {
    for_each(|entry| {
        if entry.kind == Kind::Command {
            assert_ne!(entry.needs, Needs::Nobody, "{}", entry.name);
            let schema = (entry.payload)();
            assert_eq!(schema.get("additionalProperties"), Some(&Value::Bool(false)), "{}", entry.name);
        }
    });
}

#[test]
fn no_reply_has_a_field_of_the_answer() {
    for_each(|entry| {
        if let Some(example) = entry.reply_example {
            for field in example().as_object().unwrap().keys() {
                // `message` is not among them, `error` and `success` are.
                assert!(!ANSWER_FIELDS.contains(&field.as_str()), "{}: {field}", entry.name);
            }
        }
    });
}

#[test]
fn lists_are_paged() {
    for_each(|entry| {
        let replies = entry.reply.map(|reply| reply()).and_then(|s| s.get("properties").cloned());
        if replies.is_some_and(|properties| properties.get("next").is_some()) {
            let fields = entry.fields();
            assert!(fields.contains("limit") && fields.contains("cursor"), "{}", entry.name);
        }
    });
}

#[test]
fn safety_is_abort_and_park() {
    let names: Vec<String> =
        catalog::all().into_iter().filter(|e| e.lane == Lane::Safety).map(|e| e.name.to_string()).collect();
    assert_eq!(names, ["telescope/control/abort", "telescope/control/park"]);
}

#[test]
fn topics_lead_to_their_messages() {
    let directory = Directory::default();
    for_each(|entry| {
        let topics = entry.inbound_topics();
        let topics = if topics.is_empty() { vec![entry.topic().replace("{key}", "some-key")] } else { topics };
        for topic in topics {
            assert_eq!(directory.find(&topic).map(catalog::Entry::id), Some(entry.id()), "{topic}");
        }
    });
    for stranger in ["bigskies/coordinator/telescope/control/slwe", "bigskies/coordinator/nobody/x", "other"] {
        assert!(!directory.owns(stranger), "{stranger}");
    }
    for owned in ["bigskies/client/ann/c/reply/1", "bigskies/plugin/p/health", "$SYS/broker/uptime"] {
        assert!(directory.owns(owned), "{owned}");
    }
}

#[test]
fn documents_name_every_message() {
    let documents: BTreeMap<String, String> = catalog::render::documents().into_iter().collect();
    let asyncapi: Value = serde_json::from_str(&documents["asyncapi.json"]).unwrap();
    for_each(|entry| {
        assert!(asyncapi["channels"].get(entry.id()).is_some(), "{}", entry.id());
        assert!(documents["messages.md"].contains(&format!("### {}\n", entry.id())), "{}", entry.id());
        assert!(documents.contains_key(&format!("schemas/{}.json", entry.id())), "{}", entry.id());
    });
}
