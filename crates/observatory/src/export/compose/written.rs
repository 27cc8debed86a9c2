//! YAML in which a text is a text for every reader: what could be a date, a number or a switch to one of them stands in quotes.

use serde_norway::Value;

/// Words that some reader takes for something else than a text.
const WORDS: [&str; 9] = ["true", "false", "yes", "no", "on", "off", "null", "y", "n"];

/// A key that is longer than this does not stand on its value's line; readers end at 1024 letters.
const PLAIN_KEY_BYTES_MAX: usize = 1000;

/// The document, with one sentence above it.
pub(super) fn document(sentence: &str, value: &Value) -> String {
    let mut text = format!("# {sentence}\n");
    inner(value, 0, &mut text);
    text
}

fn inner(value: &Value, indent: usize, text: &mut String) {
    let margin = " ".repeat(indent);
    match value {
        Value::Mapping(pairs) => {
            for (key, value) in pairs {
                let key = scalar(key);
                // A longer one has to be announced (YAML 1.2, 7.4.2).
                if key.len() > PLAIN_KEY_BYTES_MAX {
                    text.push_str(&format!("{margin}? {key}\n{margin}:"));
                } else {
                    text.push_str(&format!("{margin}{key}:"));
                }
                behind(value, indent + 2, text);
            }
        }
        Value::Sequence(entries) => {
            for entry in entries {
                let mut lines = String::new();
                match entry {
                    Value::Mapping(pairs) if !pairs.is_empty() => inner(entry, indent + 2, &mut lines),
                    _ => behind(entry, indent + 2, &mut lines),
                }
                text.push_str(&format!("{margin}- {}", lines.trim_start()));
            }
        }
        _ => text.push_str(&format!("{margin}{}\n", scalar(value))),
    }
}

/// What stands behind a key: on its line, or below.
fn behind(value: &Value, indent: usize, text: &mut String) {
    match value {
        Value::Mapping(pairs) if pairs.is_empty() => text.push_str(" {}\n"),
        Value::Sequence(entries) if entries.is_empty() => text.push_str(" []\n"),
        Value::Mapping(_) | Value::Sequence(_) => {
            text.push('\n');
            inner(value, indent, text);
        }
        _ => text.push_str(&format!(" {}\n", scalar(value))),
    }
}

fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) if is_plain(text) => text.clone(),
        Value::String(text) => quoted(text),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(figure) => figure.to_string(),
        Value::Null | Value::Sequence(_) | Value::Mapping(_) | Value::Tagged(_) => "null".to_owned(),
    }
}

/// What JSON writes, YAML reads; but for letters that it takes for the end of a line, or for none at all (YAML 1.1, 5.1 and 5.4).
fn quoted(text: &str) -> String {
    let mut quoted = String::new();
    for letter in serde_json::Value::String(text.to_owned()).to_string().chars() {
        match letter {
            '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}' => {
                quoted.push_str(&format!("\\u{:04x}", u32::from(letter)));
            }
            letter => quoted.push(letter),
        }
    }
    quoted
}

fn is_plain(text: &str) -> bool {
    let first = text.chars().next().is_some_and(|first| first.is_ascii_alphabetic() || first == '/');
    let rest = text.chars().all(|letter| letter.is_ascii_alphanumeric() || "_./:@+=-".contains(letter));
    first && rest && !text.ends_with(':') && !WORDS.contains(&text.to_ascii_lowercase().as_str())
}
