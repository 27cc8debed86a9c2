//! The envelope around payloads, its bare form, and answers: read leniently, bounded before parsing, written one way.

mod unambiguous;

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::{Map, Value, json};
use vocabulary::{Fault, Timestamp, ids::fresh_uuid};

use unambiguous::Unambiguous;

/// The largest payload that is read, in bytes.
pub const LARGEST_PAYLOAD_BYTES: usize = 256 * 1024;
/// The deepest nesting that is read.
pub const DEEPEST_NESTING: usize = 32;
/// The longest message id, in bytes.
pub const LONGEST_ID_BYTES: usize = 128;
/// The longest message or hint of a fault in an answer, in bytes.
const LONGEST_QUOTE_BYTES: usize = 2000;
/// The fields that every answer has, and that no reply may have of its own.
pub const ANSWER_FIELDS: [&str; 7] =
    ["message_id", "correlation_id", "type", "source", "timestamp", "success", "error"];

const KINDS: [&str; 5] = ["command", "event", "status", "request", "response"];
const LIFTED: [&str; 5] = ["message_id", "correlation_id", "reply_to", "deadline", "token"];

/// What stands around a payload.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Header {
    /// The sender's name for this message.
    pub message_id: Option<String>,
    /// The sender's name for the exchange it belongs to.
    pub correlation_id: Option<String>,
    /// The topic that the answer is wanted on.
    pub reply_to: Option<String>,
    /// Until when the answer is of use.
    pub deadline: Option<Timestamp>,
    /// When it was made; only an envelope says so.
    pub timestamp: Option<Timestamp>,
    /// What proves the sender.
    pub token: Option<String>,
    /// Who it says it is from: informative, never trusted.
    pub source: Option<String>,
    /// W3C trace context.
    pub trace_parent: Option<String>,
}

/// A message as it came: what could be read of the header, and the payload or why there is none.
#[derive(Debug, Clone, PartialEq)]
pub struct Read {
    /// What could be read of it.
    pub header: Header,
    /// An object, unless something else was sent bare.
    pub payload: Result<Value, Fault>,
    /// What is wrong with the header, where the payload could be read all the same. Only safety may overlook it.
    pub complaint: Option<Fault>,
}

impl Read {
    fn refused(fault: Fault) -> Self {
        Self { header: Header::default(), payload: Err(fault), complaint: None }
    }

    fn plain(payload: Value) -> Self {
        Self { header: Header::default(), payload: Ok(payload), complaint: None }
    }
}

/// Reads a message. `own` are the fields of the message itself, which the bare form does not lift.
pub fn read(bytes: &[u8], own: &BTreeSet<String>) -> Read {
    if let Err(fault) = bounds(bytes) {
        return Read::refused(fault);
    }
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Read::plain(json!({}));
    }
    let value = match serde_json::from_slice(bytes) {
        Ok(Unambiguous(value)) => value,
        Err(e) if e.is_data() => {
            return Read::refused(Fault::invalid(format!("payload is ambiguous: {e}")).hint("name each field once"));
        }
        Err(e) => {
            return Read::refused(
                Fault::invalid(format!("payload is not JSON: {e}")).hint("send a JSON object, or nothing for {}"),
            );
        }
    };
    match value {
        Value::Object(object) if is_envelope(&object) => of_envelope(object),
        Value::Object(object) => of_bare(object, own),
        other => Read::plain(other),
    }
}

/// Whether an object is an envelope: `payload` is an object and `type` one of the five words.
fn is_envelope(object: &Map<String, Value>) -> bool {
    object.get("payload").is_some_and(Value::is_object)
        && object.get("type").and_then(Value::as_str).is_some_and(|kind| KINDS.contains(&kind))
}

fn of_envelope(mut object: Map<String, Value>) -> Read {
    let payload = object.remove("payload").unwrap_or_default();
    let (header, complaint) = header_of(&object, true);
    Read { header, payload: Ok(payload), complaint }
}

fn of_bare(mut object: Map<String, Value>, own: &BTreeSet<String>) -> Read {
    let lifted: Map<String, Value> =
        LIFTED.iter().filter(|field| !own.contains(**field)).filter_map(|field| object.remove_entry(*field)).collect();
    let (header, complaint) = header_of(&lifted, false);
    Read { header, payload: Ok(Value::Object(object)), complaint }
}

/// The header fields of an object and the first complaint about them; what is well formed is kept all the same.
fn header_of(object: &Map<String, Value>, enveloped: bool) -> (Header, Option<Fault>) {
    let mut fault = None;
    let mut complain = |field: &str, what: &str, hint: &str| {
        fault.get_or_insert_with(|| Fault::invalid(format!("{field} {what}")).hint(hint));
    };
    let mut text = |field: &str| match object.get(field) {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) => Some(text.clone()),
        Some(_) => {
            complain(field, "is not text", "send it as a JSON string");
            None
        }
    };
    let mut header = Header {
        message_id: text("message_id"),
        correlation_id: text("correlation_id"),
        reply_to: text("reply_to"),
        token: text("token"),
        source: text("source").filter(|_| enveloped),
        trace_parent: text("trace_parent").filter(|_| enveloped),
        deadline: None,
        timestamp: None,
    };
    if enveloped && header.message_id.is_none() {
        header.message_id = text("id");
    }
    let (deadline, timestamp) = (text("deadline"), text("timestamp").filter(|_| enveloped));
    for (field, value, place) in
        [("deadline", deadline, &mut header.deadline), ("timestamp", timestamp, &mut header.timestamp)]
    {
        match value.map(|value| value.parse()) {
            Some(Ok(instant)) => *place = Some(instant),
            Some(Err(e)) => complain(field, &format!("can't be read: {e}"), "write it as RFC 3339"),
            None => {}
        }
    }
    for (field, place) in [("message_id", &mut header.message_id), ("correlation_id", &mut header.correlation_id)] {
        if place.as_deref().is_some_and(|id| !is_id(id)) {
            *place = None;
            complain(field, "is not usable", "use 1 to 128 bytes of printable text, for example a UUID");
        }
    }
    (header, fault)
}

/// Whether a text may be the id of a message: 1 to 128 bytes, printable.
pub fn is_id(text: &str) -> bool {
    (1..=LONGEST_ID_BYTES).contains(&text.len()) && !text.chars().any(char::is_control)
}

/// Refuses what is too large or too deep before a parser sees it.
fn bounds(bytes: &[u8]) -> Result<(), Fault> {
    if bytes.len() > LARGEST_PAYLOAD_BYTES {
        return Err(Fault::invalid(format!("payload has more than {LARGEST_PAYLOAD_BYTES} bytes"))
            .hint("send less, or in parts"));
    }
    let (mut depth, mut in_text, mut escaped) = (0_usize, false, false);
    for byte in bytes {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b'{' | b'[' if !in_text => depth += 1,
            b'}' | b']' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > DEEPEST_NESTING {
            return Err(Fault::invalid(format!("payload is nested deeper than {DEEPEST_NESTING}"))
                .hint("flatten the objects and lists"));
        }
    }
    Ok(())
}

/// An envelope of ours around a payload: a fresh UUIDv7 for its id.
pub fn wrap(kind: &str, source: &str, now: Timestamp, payload: &impl Serialize) -> Value {
    json!({
        "message_id": fresh_uuid().to_string(),
        "type": kind,
        "source": source,
        "timestamp": now,
        "payload": serde_json::to_value(payload).unwrap_or_default(),
    })
}

/// The answer to a request: one object without `payload`, with the reply's own fields or the error.
pub fn answer(request: &Header, source: &str, now: Timestamp, outcome: Result<&Map<String, Value>, &Fault>) -> Value {
    let mut object = Map::new();
    object.insert("message_id".to_owned(), json!(request.message_id));
    object.insert("correlation_id".to_owned(), json!(request.correlation_id));
    object.insert("type".to_owned(), json!("response"));
    object.insert("source".to_owned(), json!(source));
    object.insert("timestamp".to_owned(), json!(now));
    object.insert("success".to_owned(), json!(outcome.is_ok()));
    match outcome {
        Ok(reply) => object.extend(reply.clone()),
        Err(fault) => {
            object.insert(
                "error".to_owned(),
                json!({ "code": fault.code, "message": cut(&fault.message), "hint": cut(&fault.hint) }),
            );
        }
    }
    Value::Object(object)
}

/// A fault quotes what was sent, which may be long and longer still once it is escaped: no answer may outgrow what a broker takes.
fn cut(text: &str) -> String {
    if text.len() <= LONGEST_QUOTE_BYTES {
        return text.to_owned();
    }
    format!("{}…", text.get(..text.floor_char_boundary(LONGEST_QUOTE_BYTES)).unwrap_or_default())
}

/// Reads an answer: the reply's own fields, or the error.
pub fn read_answer(bytes: &[u8]) -> Result<Map<String, Value>, Fault> {
    let strange = |what: String| Fault::internal(format!("answer can't be read: {what}"));
    let value: Value = serde_json::from_slice(bytes).map_err(|e| strange(e.to_string()))?;
    let Value::Object(mut object) = value else { return Err(strange("it is not an object".to_owned())) };
    let success = object.get("success").and_then(Value::as_bool).unwrap_or(false);
    let error = object.remove("error");
    if !success {
        let error = error.ok_or_else(|| strange("it has neither success nor error".to_owned()))?;
        return Err(serde_json::from_value(error).unwrap_or_else(|e| strange(e.to_string())));
    }
    for field in ANSWER_FIELDS {
        object.remove(field);
    }
    Ok(object)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn own(fields: &[&str]) -> BTreeSet<String> {
        fields.iter().map(|f| (*f).to_owned()).collect()
    }

    #[test]
    fn both_forms() {
        let header = |id: Option<&str>| Header { message_id: id.map(str::to_owned), ..Header::default() };
        for (text, fields, wanted_header, payload) in [
            ("", &[][..], header(None), json!({})),
            ("  \n", &[], header(None), json!({})),
            (r#"{"a":1}"#, &[], header(None), json!({"a": 1})),
            (r#"{"message_id":"r","a":1}"#, &[], header(Some("r")), json!({"a": 1})),
            (r#"{"message_id":"r"}"#, &["message_id"], header(None), json!({"message_id": "r"})),
            (r#"{"id":"x","type":"panel"}"#, &["id"], header(None), json!({"id": "x", "type": "panel"})),
            (r#"{"id":"x","type":"command","payload":{"a":1}}"#, &[], header(Some("x")), json!({"a": 1})),
            (r#"{"type":"command","payload":3}"#, &[], header(None), json!({"type": "command", "payload": 3})),
            ("[1]", &[], header(None), json!([1])),
        ] {
            let read = read(text.as_bytes(), &own(fields));
            assert_eq!((read.header, read.payload), (wanted_header, Ok(payload)), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_read_keeps_the_way_back() {
        let text = r#"{"message_id":"r","reply_to":"bigskies/client/a/b/reply/1","deadline":"soon","a":1}"#;
        let read = read(text.as_bytes(), &own(&[]));
        assert_eq!(read.header.message_id.as_deref(), Some("r"));
        assert_eq!(read.header.reply_to.as_deref(), Some("bigskies/client/a/b/reply/1"));
        assert_eq!(read.payload, Ok(json!({"a": 1})));
        assert_eq!(read.complaint.unwrap().code, vocabulary::Code::Invalid);
    }

    #[test]
    fn bounds_hold_before_parsing() {
        let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
        let large = format!("\"{}\"", "x".repeat(LARGEST_PAYLOAD_BYTES));
        let in_text = format!("\"{}\"", "[".repeat(100));
        for (text, good) in [(&deep, false), (&large, false), (&in_text, true)] {
            assert_eq!(read(text.as_bytes(), &own(&[])).payload.is_ok(), good);
        }
    }

    #[test]
    fn an_answer_reads_back() {
        let now = "2026-11-21T20:15:00Z".parse().unwrap();
        let request = Header { message_id: Some("req-456".to_owned()), ..Header::default() };
        let reply = json!({"configs": []});
        let good = answer(&request, "coordinator:telescope", now, Ok(reply.as_object().unwrap()));
        assert_eq!(read_answer(good.to_string().as_bytes()), Ok(reply.as_object().unwrap().clone()));
        let fault = Fault::busy("queue is full").hint("try later");
        let bad = answer(&request, "coordinator:telescope", now, Err(&fault));
        assert_eq!(bad["message_id"], "req-456");
        assert_eq!(read_answer(bad.to_string().as_bytes()), Err(fault));
        let quoting = Fault::invalid("\u{7f}".repeat(LARGEST_PAYLOAD_BYTES)).hint("é".repeat(3000));
        assert!(answer(&request, "coordinator:telescope", now, Err(&quoting)).to_string().len() < 20_000);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = read(&bytes, &own(&[]));
            let _ = read_answer(&bytes);
        }
    }
}
