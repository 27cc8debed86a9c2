//! OMM as JSON, as CelesTrak (numbers) and Space-Track (numbers as text) give it: an array of objects, or one object after the other.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;

use super::{Field, Record, Value, Written, is_keyword};
use crate::elements::{
    Elements,
    misread::{Fault, Misfit, Problem, cut},
};

/// One record for each object.
pub(in crate::elements) fn records(text: &str) -> Vec<Result<Record<'_>, Fault>> {
    if !text.trim_start().starts_with('[') {
        let objects = serde_json::Deserializer::from_str(text).into_iter::<&RawValue>();
        return objects.map(|raw| raw.map_err(|error| fault(text, &error)).and_then(|raw| record(text, raw))).collect();
    }
    match serde_json::from_str::<Vec<&RawValue>>(text) {
        Ok(items) => items.into_iter().map(|raw| record(text, raw)).collect(),
        Err(error) => vec![Err(fault(text, &error))],
    }
}

/// One object for each set, in an array.
pub(in crate::elements) fn write(sets: &[Elements]) -> Result<String, Misfit> {
    let mut text = String::from("[");
    for (index, set) in sets.iter().enumerate() {
        text.push_str(if index == 0 { "\n  {\n" } else { ",\n  {\n" });
        let lines = Written::of(set)?;
        let lines = lines.all().map(|(key, value)| format!("    \"{key}\": {}", literal(value))).collect::<Vec<_>>();
        text.push_str(&lines.join(",\n"));
        text.push_str("\n  }");
    }
    text.push_str("\n]\n");
    Ok(text)
}

fn literal(value: &Value) -> String {
    match value {
        Value::Text(text) => serde_json::Value::from(text.as_str()).to_string(),
        Value::Number(_) | Value::Whole(_) => value.plain(),
    }
}

/// The keys and values of an object, in their order, doubles included.
struct Pairs<'t>(Vec<(String, &'t RawValue)>);

impl<'t> Deserialize<'t> for Pairs<'t> {
    fn deserialize<D: Deserializer<'t>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(PairsVisitor)
    }
}

struct PairsVisitor;

impl<'t> Visitor<'t> for PairsVisitor {
    type Value = Pairs<'t>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with the keywords of an OMM")
    }
    fn visit_map<A: MapAccess<'t>>(self, mut map: A) -> Result<Pairs<'t>, A::Error> {
        let mut pairs = Vec::new();
        while let Some(pair) = map.next_entry()? {
            pairs.push(pair);
        }
        Ok(Pairs(pairs))
    }
}

fn record<'t>(text: &str, raw: &'t RawValue) -> Result<Record<'t>, Fault> {
    let at = offset(text, raw);
    let not_one = |_| Fault {
        at,
        problem: Problem::Value {
            field: "item",
            text: cut(raw.get()),
            expected: "an object with the keywords of an OMM",
        },
    };
    let Pairs(pairs) = serde_json::from_str(raw.get()).map_err(not_one)?;
    let fields = pairs.into_iter().filter_map(|(key, raw)| field(text, key, raw).transpose());
    Ok(Record { at, fields: fields.collect::<Result<_, _>>()? })
}

/// Null is as good as absent.
fn field<'t>(text: &str, key: String, raw: &'t RawValue) -> Result<Option<Field<'t>>, Fault> {
    let at = offset(text, raw);
    let value = match raw.get().bytes().next() {
        _ if !is_keyword(&key) => return Ok(None),
        Some(b'n') => return Ok(None),
        Some(b'"') => match serde_json::from_str::<String>(raw.get()) {
            Ok(value) => Cow::Owned(value),
            Err(error) => return Err(Fault::syntax(at, format!("{key} is broken: {error}"))),
        },
        Some(b'[' | b'{' | b't' | b'f') | None => {
            return Err(Fault::syntax(at, format!("{key} is {}: a text or a number is expected", cut(raw.get()))));
        }
        Some(_) => Cow::Borrowed(raw.get()),
    };
    Ok(Some(Field { key: Cow::Owned(key), value, at }))
}

/// Where a part of the text stands in it.
fn offset(text: &str, part: &RawValue) -> usize {
    part.get().as_ptr().addr().saturating_sub(text.as_ptr().addr())
}

/// The error of the library at its place; it counts lines from 1 and bytes within them.
fn fault(text: &str, error: &serde_json::Error) -> Fault {
    let before = text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum::<usize>();
    let at = before + error.column().saturating_sub(1);
    let message = error.to_string();
    let reason = message.split(" at line ").next().unwrap_or_default();
    Fault::syntax(at, format!("broken JSON, {reason}: give an array of objects, or one object after the other"))
}
