//! Secrets in what others wrote: found by the name that they stand under and by their shape, and replaced by a mark that names them. What
//! they were is kept apart, so that they can be put back. A value that is taken for a secret and is none costs a line in `.env`, no more.

mod keys;
mod lines;
mod shapes;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

use regex::{Captures, Regex};
use serde_json::Value;

pub use keys::is_secret_key;

use crate::failure::{Failure, Reason};

/// What a mark begins with.
const MARK: &str = "@@secret:";
/// What it ends with.
const MARK_END: &str = "@@";
/// A secret shorter than this may be an ordinary word elsewhere, and is replaced only where it was found.
const COMMON_LENGTH_MAX: usize = 7;
/// Values under keys of these names say what is where; a secret that is the same word is replaced elsewhere only.
const STRUCTURE: [&str; 21] = [
    "name",
    "image",
    "source",
    "target",
    "path",
    "folder",
    "kind",
    "volume",
    "networks",
    "network_mode",
    "host_name",
    "from",
    "on",
    "containers",
    "container",
    "services",
    "service",
    "why",
    "project",
    "what",
    "id",
];

#[expect(clippy::expect_used, reason = "the pattern is a constant, and a test reads it")]
static MARKS: LazyLock<Regex> =
    LazyLock::new(|| Regex::new("@@secret:([A-Z0-9_]+)@@").expect("the pattern is a regular expression"));

/// Secrets that were found, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Secrets {
    by_name: BTreeMap<String, String>,
    by_value: BTreeMap<String, String>,
}

impl Secrets {
    /// Names and values, for a file that only its owner reads.
    pub const fn values(&self) -> &BTreeMap<String, String> {
        &self.by_name
    }

    /// Replaces a value as a whole: the mark. `owner` and `key` name it.
    fn keep(&mut self, owner: &str, key: &str, value: &str) -> String {
        if let Some(name) = self.by_value.get(value) {
            return mark(name);
        }
        let base = variable_name(owner, key);
        let mut name = base.clone();
        let mut number = 2_u32;
        while self.by_name.contains_key(&name) {
            name = format!("{base}_{number}");
            number += 1;
        }
        self.by_name.insert(name.clone(), value.to_owned());
        self.by_value.insert(value.to_owned(), name.clone());
        mark(&name)
    }

    /// The value of a pair, without what must not be seen.
    pub fn pair(&mut self, owner: &str, key: &str, value: &str) -> String {
        if value.contains(MARK) || (is_secret_key(key) && keys::may_be_secret(value)) {
            return self.keep(owner, key, value);
        }
        let found = shapes::replace(value, keys::tells_a_digest(key), &mut |name, secret| {
            self.keep(owner, if name.is_empty() { key } else { name }, secret)
        });
        found.into_owned()
    }

    /// Words of a command line.
    pub fn words(&mut self, owner: &str, words: &[String]) -> Vec<String> {
        let mut before = "";
        let mut hidden = Vec::with_capacity(words.len());
        for word in words {
            let flag = before.strip_prefix('-').map(|flag| flag.trim_start_matches('-'));
            let flag = flag.filter(|flag| !flag.contains('='));
            let said = word.split_once('=').filter(|(name, value)| {
                let is_name = name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
                is_name && is_secret_key(name) && keys::may_be_secret(value)
            });
            if let Some((name, value)) = said {
                hidden.push(format!("{name}={}", self.keep(owner, name, value)));
                before = word;
                continue;
            }
            hidden.push(match flag {
                Some(flag) if is_secret_key(flag) && !word.starts_with('-') && keys::may_be_secret(word) => {
                    self.keep(owner, flag, word)
                }
                Some("u" | "user") => match word.split_once(':') {
                    Some((user, password)) if !password.is_empty() && !user.contains('/') => {
                        format!("{user}:{}", self.keep(owner, "user_password", password))
                    }
                    _ => self.pair(owner, "", word),
                },
                _ => self.pair(owner, "", word),
            });
            before = word;
        }
        hidden
    }

    /// The text of a file.
    pub fn file(&mut self, owner: &str, path: &str, text: &str) -> String {
        let name = path.rsplit('/').next().unwrap_or(path);
        let is_secret_as_a_whole = keys::is_secret_file(path) && !text.trim().is_empty();
        if text.contains(MARK) || is_secret_as_a_whole {
            return self.keep(owner, name, text);
        }
        lines::replace(text, &mut |key, secret| self.keep(owner, if key.is_empty() { name } else { key }, secret))
    }

    /// Anything in JSON.
    pub fn json(&mut self, owner: &str, key: &str, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.pair(owner, key, text),
            Value::Object(keys) => {
                for (key, inner) in keys {
                    self.json(owner, key, inner);
                }
            }
            Value::Array(entries) => {
                let words: Option<Vec<String>> =
                    entries.iter().map(|entry| entry.as_str().map(str::to_owned)).collect();
                match words {
                    Some(words) if matches!(key, "Cmd" | "Entrypoint" | "Test") => {
                        *entries = self.words(owner, &words).into_iter().map(Value::String).collect();
                    }
                    _ => entries.iter_mut().for_each(|entry| self.json(owner, key, entry)),
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// Replaces what is known by now wherever else it stands, except in names and places.
    pub fn everywhere(&self, value: &mut Value) {
        let structure = structure_of(value);
        let mut known: Vec<(&str, &str)> = self
            .by_value
            .iter()
            .filter(|(secret, _)| secret.len() > COMMON_LENGTH_MAX && !structure.contains(secret.as_str()))
            .map(|(secret, name)| (secret.as_str(), name.as_str()))
            .collect();
        // The longest first, since one may be part of another.
        known.sort_by_key(|(secret, _)| std::cmp::Reverse(secret.len()));
        replace_known(value, "", &known);
    }

    /// Marks of a text, given back what they stand for.
    ///
    /// # Errors
    /// Where one has no value: its name.
    pub fn restore(values: &BTreeMap<String, String>, text: &str) -> Result<String, Failure> {
        let mut missing = BTreeSet::new();
        let restored = MARKS.replace_all(text, |found: &Captures<'_>| {
            let name = found.get(1).map_or("", |name| name.as_str());
            values.get(name).cloned().unwrap_or_else(|| {
                missing.insert(name.to_owned());
                String::new()
            })
        });
        if missing.is_empty() { Ok(restored.into_owned()) } else { Err(no_value(&missing)) }
    }
}

/// Names of secrets that nothing is known of.
pub fn no_value(names: &BTreeSet<String>) -> Failure {
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    Failure::new(Reason::Configuration, format!("no value is known for {}", names.join(", ")))
        .hint("set them in `.env` beside the compose file, or name a file that has them with --env-file")
}

/// A text whose marks are written by `write`, and what is between them by `between`.
pub fn with_marks(text: &str, between: impl Fn(&str) -> String, write: impl Fn(&str) -> String) -> String {
    let mut written = String::new();
    let mut from = 0;
    for found in MARKS.captures_iter(text) {
        let (Some(whole), Some(name)) = (found.get(0), found.get(1)) else { continue };
        written.push_str(&between(text.get(from..whole.start()).unwrap_or_default()));
        written.push_str(&write(name.as_str()));
        from = whole.end();
    }
    written.push_str(&between(text.get(from..).unwrap_or_default()));
    written
}

fn mark(name: &str) -> String {
    format!("{MARK}{name}{MARK_END}")
}

/// A name that shells and Compose take for a variable.
fn variable_name(owner: &str, key: &str) -> String {
    let joined = if key.is_empty() { format!("{owner}_secret") } else { format!("{owner}_{key}") };
    let mut name = String::new();
    for letter in joined.chars() {
        match letter {
            letter if letter.is_ascii_alphanumeric() => name.push(letter.to_ascii_uppercase()),
            _ if !name.ends_with('_') => name.push('_'),
            _ => {}
        }
    }
    let name = name.trim_matches('_');
    if name.chars().next().is_some_and(|first| first.is_ascii_alphabetic()) {
        name.to_owned()
    } else {
        format!("S_{name}")
    }
}

/// The words that names and places consist of.
fn structure_of(value: &Value) -> BTreeSet<String> {
    let mut words = BTreeSet::new();
    gather(value, "", &mut words);
    words
}

fn gather(value: &Value, key: &str, words: &mut BTreeSet<String>) {
    match value {
        Value::String(text) if STRUCTURE.contains(&key) => {
            words.insert(text.clone());
            words.extend(text.split(['/', ':']).map(str::to_owned));
        }
        Value::Array(entries) => entries.iter().for_each(|entry| gather(entry, key, words)),
        Value::Object(keys) => keys.iter().for_each(|(key, inner)| gather(inner, key, words)),
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn replace_known(value: &mut Value, key: &str, known: &[(&str, &str)]) {
    match value {
        Value::String(text) if !STRUCTURE.contains(&key) => {
            for (secret, name) in known {
                if text.contains(secret) {
                    *text = text.replace(secret, &mark(name));
                }
            }
        }
        Value::Array(entries) => entries.iter_mut().for_each(|entry| replace_known(entry, key, known)),
        Value::Object(keys) => keys.iter_mut().for_each(|(key, inner)| replace_known(inner, key, known)),
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests;
