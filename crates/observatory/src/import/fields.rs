//! Fields of a compose file, each with its path for what is said when it can't be read.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::failure::{Failure, Reason};

/// A value, and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Field<'a> {
    pub(super) path: String,
    pub(super) value: &'a Value,
}

const NULL: &Value = &Value::Null;

impl<'a> Field<'a> {
    pub(super) fn new(path: impl Into<String>, value: &'a Value) -> Self {
        Self { path: path.into(), value }
    }

    pub(super) fn wrong(&self, allowed: &str) -> Failure {
        Failure::new(Reason::Configuration, format!("{} can't be used: expected {allowed}", self.path))
            .hint("change it in the compose file; `docker compose config` shows what Compose makes of it")
    }

    pub(super) fn is_absent(&self) -> bool {
        self.value.is_null()
    }

    pub(super) fn get(&self, key: &str) -> Self {
        Self { path: format!("{}.{key}", self.path), value: self.value.get(key).unwrap_or(NULL) }
    }

    /// Refuses keys that are not understood, by name.
    pub(super) fn allow(&self, keys: &[&str]) -> Result<(), Failure> {
        let unknown = self.value.as_object().into_iter().flatten().map(|(key, _)| key);
        match unknown.into_iter().find(|key| !keys.contains(&key.as_str()) && !key.starts_with("x-")) {
            None => Ok(()),
            Some(key) => Err(Failure::new(Reason::Configuration, format!("{}.{key} is not supported", self.path))
                .hint("take it out, or use `docker compose up` for this project")),
        }
    }

    pub(super) fn entries(&self) -> Result<Vec<(String, Self)>, Failure> {
        match self.value {
            Value::Null => Ok(Vec::new()),
            Value::Object(keys) => Ok(keys
                .iter()
                .map(|(key, value)| (key.clone(), Self { path: format!("{}.{key}", self.path), value }))
                .collect()),
            _ => Err(self.wrong("a mapping")),
        }
    }

    pub(super) fn list(&self) -> Result<Vec<Self>, Failure> {
        match self.value {
            Value::Null => Ok(Vec::new()),
            Value::Array(entries) => Ok((0..)
                .zip(entries)
                .map(|(at, value): (usize, _)| Self { path: format!("{}[{at}]", self.path), value })
                .collect()),
            _ => Err(self.wrong("a list")),
        }
    }

    /// A text, number or switch as text.
    pub(super) fn text(&self) -> Result<Option<String>, Failure> {
        match self.value {
            Value::Null => Ok(None),
            Value::String(text) => Ok(Some(text.clone())),
            Value::Number(figure) => Ok(Some(figure.to_string())),
            Value::Bool(flag) => Ok(Some(flag.to_string())),
            Value::Array(_) | Value::Object(_) => Err(self.wrong("a text")),
        }
    }

    pub(super) fn flag(&self) -> Result<Option<bool>, Failure> {
        match self.text()?.as_deref() {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(_) => Err(self.wrong("true or false")),
        }
    }

    pub(super) fn number<T: std::str::FromStr>(&self) -> Result<Option<T>, Failure> {
        self.text()?.map(|text| text.parse().map_err(|_wrong| self.wrong("a number"))).transpose()
    }

    /// Texts: a list of them, or one alone.
    pub(super) fn texts(&self) -> Result<Vec<String>, Failure> {
        match self.value {
            Value::Array(_) => {
                let texts = self.list()?.into_iter().map(|entry| entry.text().map(Option::unwrap_or_default));
                texts.collect()
            }
            _ => Ok(self.text()?.into_iter().collect()),
        }
    }

    /// Pairs: a mapping, or a list of `KEY=VALUE`. What has no value gets `absent`.
    pub(super) fn pairs(&self, absent: impl Fn(&str) -> Option<String>) -> Result<BTreeMap<String, String>, Failure> {
        let mut pairs = BTreeMap::new();
        if self.value.is_array() {
            for text in self.texts()? {
                match text.split_once('=') {
                    Some((key, value)) => pairs.insert(key.to_owned(), value.to_owned()),
                    None => absent(&text).and_then(|value| pairs.insert(text.clone(), value)),
                };
            }
            return Ok(pairs);
        }
        for (key, field) in self.entries()? {
            if let Some(value) = field.text()?.or_else(|| absent(&key)) {
                pairs.insert(key, value);
            }
        }
        Ok(pairs)
    }

    /// Names of pairs that have no value.
    pub(super) fn bare(&self) -> Result<Vec<String>, Failure> {
        if self.value.is_array() {
            return Ok(self.texts()?.into_iter().filter(|text| !text.contains('=')).collect());
        }
        Ok(self.entries()?.into_iter().filter(|(_, field)| field.is_absent()).map(|(name, _)| name).collect())
    }

    /// A command: a list of words, or a line for a shell to take apart.
    pub(super) fn words(&self) -> Result<Option<Vec<String>>, Failure> {
        match self.value {
            Value::Null => Ok(None),
            Value::String(line) => split(line).map(Some).ok_or_else(|| self.wrong("a line whose quotes are closed")),
            _ => self.texts().map(Some),
        }
    }

    /// Seconds of `1m30s`, `500ms`, `2`.
    pub(super) fn seconds(&self) -> Result<Option<f64>, Failure> {
        let Some(text) = self.text()? else { return Ok(None) };
        seconds(&text).map(Some).ok_or_else(|| self.wrong("a length of time such as 1m30s"))
    }

    /// Bytes of `512m`, `1g`, `1024`.
    pub(super) fn bytes(&self) -> Result<Option<u64>, Failure> {
        let Some(text) = self.text()? else { return Ok(None) };
        bytes(&text).map(Some).ok_or_else(|| self.wrong("a number of bytes such as 512m"))
    }
}

fn seconds(text: &str) -> Option<f64> {
    if let Ok(plain) = text.parse::<f64>() {
        return Some(plain);
    }
    let mut whole = 0.0;
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (figure, after) = rest.split_at(end);
        let unit_end = after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len());
        let (unit, after) = after.split_at(unit_end);
        let factor = match unit {
            "ns" => 1e-9,
            "us" | "µs" => 1e-6,
            "ms" => 1e-3,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            _ => return None,
        };
        whole += figure.parse::<f64>().ok()? * factor;
        rest = after;
    }
    Some(whole)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it saturates, and a negative size is 0")]
fn bytes(text: &str) -> Option<u64> {
    if let Ok(plain) = text.parse::<u64>() {
        return Some(plain);
    }
    let lower = text.trim().to_ascii_lowercase();
    let end = lower.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let (figure, unit) = lower.split_at(end);
    let shift = match unit.trim() {
        "b" => 0,
        "k" | "kb" | "kib" => 10,
        "m" | "mb" | "mib" => 20,
        "g" | "gb" | "gib" => 30,
        "t" | "tb" | "tib" => 40,
        _ => return None,
    };
    let factor = f64::from(1_u32 << 10).powi(shift / 10);
    Some((figure.parse::<f64>().ok()? * factor).round() as u64)
}

/// The words of a line, as a shell takes them apart.
fn split(line: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        match (quote, letter) {
            (Some(open), letter) if letter == open => quote = None,
            (Some('\''), letter) => word.get_or_insert_default().push(letter),
            (_, '\\') => {
                let next = letters.next()?;
                let is_kept = quote == Some('"') && !matches!(next, '"' | '\\' | '$' | '`');
                if is_kept {
                    word.get_or_insert_default().push('\\');
                }
                word.get_or_insert_default().push(next);
            }
            (Some(_), letter) => word.get_or_insert_default().push(letter),
            (None, '\'' | '"') => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            (None, letter) if letter.is_whitespace() => words.extend(word.take()),
            (None, letter) => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    if quote.is_none() { Some(words) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_sizes_are_read() {
        for (text, expected) in
            [("1m30s", Some(90.0)), ("0.5s", Some(0.5)), ("250ms", Some(0.25)), ("3", Some(3.0)), ("x", None)]
        {
            assert_eq!(seconds(text), expected, "{text}");
        }
        for (text, expected) in [
            ("512m", Some(512 << 20)),
            ("1g", Some(1 << 30)),
            ("1.5kb", Some(1536)),
            ("7", Some(7)),
            ("b", None),
            ("1x", None),
        ] {
            assert_eq!(bytes(text), expected, "{text}");
        }
    }

    #[test]
    fn lines_are_taken_apart_as_a_shell_does() {
        let words = |line: &str| split(line);
        let of = |words: &[&str]| Some(words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>());
        assert_eq!(words("a  'b c' \"d \\\" e\" f\\ g ''"), of(&["a", "b c", "d \" e", "f g", ""]));
        assert_eq!(words("a 'b"), None);
    }
}
