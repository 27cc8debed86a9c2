//! Secrets in files of settings, whose lines say `KEY: VALUE`, `KEY = VALUE` or `KEY VALUE`, and in blocks below a key.

use std::sync::LazyLock;

use regex::Regex;

use super::{
    keys::{is_about, is_secret_heading, is_secret_key, may_be_secret},
    shapes,
};

#[expect(clippy::expect_used, reason = "the pattern is a constant, and a test reads it")]
static SETTING: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r#"^(?P<before>[ \t]*(?:-[ \t]+)?(?:export[ \t]+)?["']?)(?P<key>[A-Za-z_][A-Za-z0-9_.\-]*)(?P<between>["']?[ \t]*(?:=>|:=|[=:])[ \t]*|[ \t]+)(?P<value>[^\s=:].*?|[=:]\S.*?)(?P<after>[ \t]*[,;]?[ \t]*\r?)$"#,
    )
    .expect("the shape of a setting is a regular expression")
});

#[expect(clippy::expect_used, reason = "the pattern is a constant, and a test reads it")]
static HEADING: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"^(?P<indent>[ \t]*)(?:-[ \t]+)?["']?(?P<key>[A-Za-z_][A-Za-z0-9_.\-]*)["']?[ \t]*:[ \t]*(?P<style>[|>][0-9+-]*)?[ \t]*\r?$"#)
        .expect("the shape of a heading is a regular expression")
});

/// The text with each secret replaced by what `keep` gives for it and the name that it stands under, which may be empty.
pub(super) fn replace(text: &str, keep: &mut dyn FnMut(&str, &str) -> String) -> String {
    // What goes over several lines comes first: private keys.
    let text = if text.contains("PRIVATE KEY-----") {
        shapes::replace(text, false, keep).into_owned()
    } else {
        text.to_owned()
    };
    let mut written = String::new();
    // The key above the lines, and how far in it stands, while we are below a secret's name.
    let mut block: Option<(String, usize)> = None;
    for line in text.split_inclusive('\n') {
        let (line, end) = line.strip_suffix('\n').map_or((line, ""), |line| (line, "\n"));
        let indent = line.len() - line.trim_start().len();
        if block.as_ref().is_some_and(|(_, outer)| {
            let is_entry = indent == *outer && line.trim_start().starts_with("- ");
            !line.trim().is_empty() && indent <= *outer && !is_entry
        }) {
            block = None;
        }
        let whole = match &block {
            Some((key, _)) => below(line, key, keep),
            None => None,
        };
        written.push_str(&whole.unwrap_or_else(|| one(line, keep)));
        written.push_str(end);
        if block.is_none()
            && let Some(heading) = HEADING.captures(line)
            && let Some(key) = heading.name("key").filter(|key| is_secret_heading(key.as_str()))
        {
            block = Some((key.as_str().to_owned(), indent));
        }
    }
    written
}

/// A line that stands on its own.
fn one(line: &str, keep: &mut dyn FnMut(&str, &str) -> String) -> String {
    if let Some(found) = SETTING.captures(line)
        && let (Some(key), Some(value)) = (found.name("key"), found.name("value"))
        && is_secret_key(key.as_str())
        && !line.contains(super::MARK)
        && !matches!(value.as_str().chars().next(), Some('{' | '[' | '|' | '>'))
    {
        let inner = unquoted(value.as_str());
        if may_be_secret(inner) {
            let from = value.start() + value.as_str().find(inner).unwrap_or_default();
            let (before, rest) = line.split_at(from);
            return format!("{before}{}{}", keep(key.as_str(), inner), rest.get(inner.len()..).unwrap_or_default());
        }
    }
    shapes::replace(line, false, keep).into_owned()
}

/// A line below the name of a secret: its text, the entry of a list, or a value under another name.
fn below(line: &str, key: &str, keep: &mut dyn FnMut(&str, &str) -> String) -> Option<String> {
    let trimmed = line.trim();
    let entry = trimmed.strip_prefix("- ").unwrap_or(trimmed).trim_start();
    if entry.is_empty() || entry.contains(super::MARK) || entry.starts_with('#') {
        return None;
    }
    let value = match SETTING
        .captures(line)
        .filter(|found| found.name("between").is_some_and(|between| between.as_str().contains([':', '='])))
    {
        Some(found) if is_about(found.name("key")?.as_str()) => return None,
        Some(found) => unquoted(found.name("value")?.as_str()).to_owned(),
        None if HEADING.is_match(line) => return None,
        None => unquoted(entry.trim_end_matches(',')).to_owned(),
    };
    if !may_be_secret(&value) {
        return None;
    }
    let from = line.rfind(&value)?;
    let (before, rest) = line.split_at(from);
    Some(format!("{before}{}{}", keep(key, &value), rest.get(value.len()..).unwrap_or_default()))
}

/// Without quotes around it, and what follows the second of them.
fn unquoted(value: &str) -> &str {
    for quote in ['"', '\''] {
        if let Some(rest) = value.strip_prefix(quote)
            && let Some(end) = rest.rfind(quote)
        {
            return rest.get(..end).unwrap_or(rest);
        }
    }
    value
}
