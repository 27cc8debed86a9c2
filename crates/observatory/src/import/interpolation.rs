//! Variables in a compose file, in the forms of the Compose specification: `$NAME`, `${NAME}`, with `-`, `?` or `+` behind the name for what
//! counts otherwise, and `$$` for a dollar.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::{
    failure::{Failure, Reason},
    redaction::no_value,
};

/// How deep defaults may lie in defaults.
const DEPTH_MAX: usize = 16;

/// Puts values in place of variables, in all texts of a document.
///
/// # Errors
/// Where a variable that is needed has no value, or a dollar leads nowhere.
pub(super) fn interpolate(document: &mut Value, values: &BTreeMap<String, String>) -> Result<(), Failure> {
    let mut missing = BTreeSet::new();
    within(document, values, &mut missing)?;
    if missing.is_empty() { Ok(()) } else { Err(no_value(&missing)) }
}

fn within(value: &mut Value, values: &BTreeMap<String, String>, missing: &mut BTreeSet<String>) -> Result<(), Failure> {
    match value {
        Value::String(text) if text.contains('$') => *text = replaced(text, values, missing, 0)?,
        Value::Array(entries) => {
            for entry in entries {
                within(entry, values, missing)?;
            }
        }
        Value::Object(keys) => {
            for (_, inner) in keys {
                within(inner, values, missing)?;
            }
        }
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
    Ok(())
}

fn wrong() -> Failure {
    Failure::new(Reason::Configuration, "a dollar in the compose file leads to no variable")
        .hint("write $$ where a dollar is meant")
}

fn replaced(
    text: &str,
    values: &BTreeMap<String, String>,
    missing: &mut BTreeSet<String>,
    depth: usize,
) -> Result<String, Failure> {
    if depth > DEPTH_MAX {
        return Err(wrong());
    }
    let mut said = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        said.push_str(before);
        rest = if let Some(after) = after.strip_prefix('$') {
            said.push('$');
            after
        } else if let Some(after) = after.strip_prefix('{') {
            let end = closing(after).ok_or_else(wrong)?;
            let (inner, after) = after.split_at(end);
            said.push_str(&one(inner, values, missing, depth)?);
            after.get(1..).unwrap_or_default()
        } else {
            let end = after.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(after.len());
            if end == 0 {
                return Err(wrong());
            }
            let (name, after) = after.split_at(end);
            said.push_str(values.get(name).map(String::as_str).unwrap_or_default());
            after
        };
    }
    said.push_str(rest);
    Ok(said)
}

/// Where the brace closes that was opened before.
fn closing(text: &str) -> Option<usize> {
    let mut open = 1_usize;
    let mut letters = text.char_indices().peekable();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '$' if letters.peek().is_some_and(|(_, next)| *next == '{') => {
                open += 1;
                letters.next();
            }
            '}' => {
                open -= 1;
                if open == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
    }
    None
}

/// What stands between the braces.
fn one(
    inner: &str,
    values: &BTreeMap<String, String>,
    missing: &mut BTreeSet<String>,
    depth: usize,
) -> Result<String, Failure> {
    let end = inner.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(inner.len());
    let (name, rule) = inner.split_at(end);
    if name.is_empty() {
        return Err(wrong());
    }
    let (empty_counts, rule) = rule.strip_prefix(':').map_or((true, rule), |rule| (false, rule));
    let value = values.get(name).filter(|value| empty_counts || !value.is_empty());
    let rest = rule.get(1..).unwrap_or_default();
    match (rule.chars().next(), value) {
        (None, value) => Ok(value.cloned().unwrap_or_default()),
        (Some('-'), Some(value)) | (Some('?'), Some(value)) => Ok(value.clone()),
        (Some('-'), None) | (Some('+'), Some(_)) => replaced(rest, values, missing, depth + 1),
        (Some('+'), None) => Ok(String::new()),
        (Some('?'), None) => {
            missing.insert(name.to_owned());
            Ok(String::new())
        }
        _ => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_replaced_as_the_specification_says() {
        let values = BTreeMap::from([("A".to_owned(), "1".to_owned()), ("E".to_owned(), String::new())]);
        for (text, expected) in [
            ("$A${A}$$A", Some("11$A")),
            ("${B}$B", Some("")),
            ("${B:-x}${B-y}${A:-z}", Some("xy1")),
            ("${E:-x}${E-y}", Some("x")),
            ("${A:+x}${E:+y}${E+z}", Some("xz")),
            ("${B:-${A}-${C:-d}}", Some("1-d")),
            ("${A:?no}", Some("1")),
            ("${B:?no}", None),
            ("${E:?no}", None),
            ("${A", None),
            ("${}", None),
            ("$-", None),
            ("${A!}", None),
        ] {
            let mut document = serde_json::json!([{ "a": text }]);
            let done = interpolate(&mut document, &values).map(|()| document[0]["a"].as_str().unwrap().to_owned());
            assert_eq!(done.ok().as_deref(), expected, "{text}");
        }
    }
}
