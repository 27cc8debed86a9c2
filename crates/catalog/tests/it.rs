//! The contract of the catalogue: what must hold for every message, now and when one is added.

use std::collections::{BTreeMap, BTreeSet};

use catalog::{
    Command, Directory, Kind, Lane, Needs, Owner, Privacy, Shape, UserField,
    envelope::ANSWER_FIELDS,
    security::{
        AdmitPlugin, AssignRole, Certificate, CheckPermission, CreateUser, DeleteUser, Holder, ImportCertificate,
        Login, Logout, OneUser, PluginAdmitted, PluginToken, RenewCertificate, RequestCertificate, Role, Session,
        UpdateUser, Validate, VerifyAudit, WhichRole, WhichUser,
    },
    topic,
};
use serde_json::{Value, json};
use vocabulary::{Code, ids::is_level};

/// The commands whose own fields prove who sends them.
const PROVEN_BY_FIELDS: [&str; 5] = [
    "security/auth/login",
    "security/auth/refresh",
    "security/auth/validate",
    "security/auth/logout",
    "security/user/setup",
];

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
            assert_eq!(entry.needs == Needs::Nobody, PROVEN_BY_FIELDS.contains(&&*entry.name), "{}", entry.name);
            assert_ne!(entry.needs, Needs::Addressee, "{}", entry.name);
            let schema = (entry.payload)();
            assert_eq!(schema.get("additionalProperties"), Some(&Value::Bool(false)), "{}", entry.name);
        }
    });
}

/// Every field of a schema, however deep, with its name.
fn each_field(schema: &Value, visit: &mut impl FnMut(&str, &Value)) {
    for (name, field) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        visit(name, field);
    }
    match schema {
        Value::Object(parts) => parts.values().for_each(|part| each_field(part, visit)),
        Value::Array(parts) => parts.iter().for_each(|part| each_field(part, visit)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn has_a_secret(schema: &Value) -> bool {
    schema.get("format").is_some_and(|format| format == "password")
        || match schema {
            Value::Object(parts) => parts.values().any(has_a_secret),
            Value::Array(parts) => parts.iter().any(has_a_secret),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
        }
}

#[test]
fn secrets_are_told_to_one_alone() {
    for_each(|entry| {
        if !entry.kind.is_inbound() {
            assert_eq!(has_a_secret((entry.payload)().as_value()), entry.needs == Needs::Addressee, "{}", entry.id());
        }
        if entry.reply.is_some_and(|reply| has_a_secret(reply().as_value())) {
            assert_eq!(entry.privacy, Privacy::Private, "{}", entry.id());
        }
    });
}

#[test]
fn what_is_called_a_secret_is_one() {
    let telling = ["password", "secret", "token", "code", "private_key_pem", "recovery_codes"];
    for_each(|entry| {
        let schemas = std::iter::once((entry.payload)()).chain(entry.reply.map(|reply| reply()));
        for schema in schemas {
            each_field(schema.as_value(), &mut |name, field| {
                let words: Vec<&str> = name.split('_').collect();
                let told = telling.contains(&name) || words.ends_with(&["password"]) || words.ends_with(&["token"]);
                // A setting says whether it is secret; the code of a fault or of an audit row is that of an error.
                let is_text = field["type"] != "boolean" && field.get("oneOf").is_none();
                let tells = is_text && !entry.name.starts_with("security/audit/");
                assert!(!(told && tells) || has_a_secret(field), "{}: {name}", entry.id());
            });
        }
    });
}

#[test]
fn nobody_acts_for_another_without_a_right() {
    for_each(|entry| {
        if entry.user == UserField::Object {
            assert!(entry.fields().contains("user_id"), "{}", entry.name);
            assert!(matches!(entry.needs, Needs::Right(_)), "{}", entry.name);
        }
    });
    let ann = CreateUser { roles: Vec::new(), ..CreateUser::example() };
    let mut promoted = CreateUser::example();
    promoted.groups = vec!["north-dome".parse().unwrap()];
    assert_eq!(ann.also_needs(), []);
    assert_eq!(promoted.also_needs(), [Needs::right("role", "configure"), Needs::right("group", "configure")]);
}

#[test]
fn a_plugin_can_be_let_in_as_the_example_says() {
    let AdmitPlugin { plugin_id, publishes, reads, .. } = AdmitPlugin::example();
    assert_eq!(catalog::plugin_may_ask_for(&plugin_id, &publishes, &reads), Ok(()));
    let account = catalog::Party::Plugin(plugin_id).account().unwrap();
    assert_eq!(PluginAdmitted::example().account, account);
}

#[test]
fn a_plugin_reads_its_own_token_alone() {
    let plugin = "all-sky-camera".parse().unwrap();
    let directory = Directory::default();
    let entry = directory.find(&PluginToken::topic(&plugin)).unwrap();
    assert_eq!(PluginToken::topic(&plugin), "bigskies/coordinator/security/plugin/all-sky-camera/token");
    assert_eq!((entry.topic_of(plugin.as_str()), entry.needs), (PluginToken::topic(&plugin), Needs::Addressee));
    assert!(entry.bare);
}

/// Requests as the earlier program's clients write them, and the spec's.
#[test]
fn earlier_requests_are_understood() {
    fn check<C: Command>(request: Value, good: bool) {
        let read = serde_json::from_value::<C>(request.clone());
        assert_eq!(read.is_ok(), good, "{} {request}: {:?}", C::NAME, read.err().map(|e| e.to_string()));
    }
    let id = "00000000-0000-0000-0000-000000000001";
    check::<Login>(json!({"username": "user", "password": "pass"}), true);
    check::<Login>(json!({"username": "user", "password": 1234}), false);
    check::<Login>(json!({"username": "user", "password": "pass", "admin": true}), false);
    check::<Login>(json!({"username": "user'; DROP TABLE users; --", "password": "pass"}), false);
    check::<Logout>(json!({"token": "t"}), true);
    check::<Validate>(json!({"token": "t"}), true);
    check::<CreateUser>(json!({"username": "u", "email": "u@example.org", "password": "p"}), true);
    check::<UpdateUser>(json!({"id": id, "email": "u@example.org", "enabled": true}), true);
    check::<UpdateUser>(json!({"user_id": id, "enabled": false}), true);
    check::<UpdateUser>(json!({"user_id": id, "id": id}), false);
    check::<DeleteUser>(json!({"user_id": id}), true);
    check::<AssignRole>(json!({"user_id": id, "role_id": id}), true);
    check::<AssignRole>(json!({"user_id": id, "role": "operator"}), true);
    check::<AssignRole>(json!({"user_id": "../../x", "role": "operator"}), false);
    check::<CheckPermission>(json!({"user_id": id, "resource": "telescope", "action": "control"}), true);
    for order in ["self-signed", "letsencrypt", "acme", "internal"] {
        check::<RequestCertificate>(json!({"domain": "a.org", "email": "u@a.org", "type": order}), true);
    }
    check::<RequestCertificate>(json!({"domain": "a.org", "type": "letsencrypt", "sans": ["b.a.org"]}), true);
    check::<RequestCertificate>(json!({"domain": "a.org", "type": "free"}), false);
    check::<RenewCertificate>(json!({"domain": "a.org"}), true);
    check::<VerifyAudit>(json!({"from": 3}), true);
}

#[test]
fn what_two_fields_tell_apart_is_given_once() {
    let (user, role) = (OneUser::example().user, Role::example().id);
    let codes = [
        WhichUser::of(Some(user.id.clone()), Some(user.username.clone())).unwrap_err().code,
        WhichUser::of(None, None).unwrap_err().code,
        WhichRole::of(None, None).unwrap_err().code,
        Holder::of(None, None).unwrap_err().code,
    ];
    assert_eq!(codes, [Code::Invalid; 4]);
    assert_eq!(WhichUser::of(None, Some(user.username.clone())), Ok(WhichUser::Name(user.username)));
    assert_eq!(Holder::of(Some(role.clone()), None), Ok(Holder::Role(role)));
}

#[test]
fn a_certificate_has_a_key_that_can_stand_in_a_topic() {
    for (domain, stands) in
        [("sky.example.org", true), ("*.example.org", false), ("node:telescope", false), ("::1", false)]
    {
        let certificate = Certificate { domain: domain.to_owned(), ..Certificate::example() };
        assert_eq!(certificate.key() == domain, stands, "{domain}");
        assert!(is_level(certificate.key()));
    }
}

#[test]
fn no_secret_is_printed() {
    let printed = format!(
        "{:?} {:?} {:?} {:?} {:?}",
        Login::example(),
        Session::example(),
        ImportCertificate::example(),
        PluginToken::example(),
        PluginAdmitted::example()
    );
    let sent = json!([Login::example(), Session::example(), ImportCertificate::example(), PluginAdmitted::example()]);
    let sent = sent.to_string();
    for secret in ["Orion", "eyJhbGci", "bsr_", "PRIVATE KEY", "b25lIG9m"] {
        assert!(sent.contains(secret) && !printed.contains(secret), "{secret}");
    }
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
