//! `.env` files: names and values, in the form that Compose reads, too.

use std::collections::BTreeMap;

use crate::failure::{Failure, Reason};

/// The file with these values; names without one are listed as comments.
pub fn write<'a>(values: &BTreeMap<String, String>, missing: impl Iterator<Item = &'a String>) -> String {
    let mut text =
        "# Secrets; keep this file to yourself. Everything else of this project names them only.\n".to_owned();
    for (name, value) in values {
        text.push_str(&format!("{name}={}\n", quoted(value)));
    }
    for name in missing {
        text.push_str(&format!("# {name} has no value yet\n"));
    }
    text
}

fn quoted(value: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "_-./:@%+,=".contains(letter);
    if !value.is_empty() && value.chars().all(is_plain) {
        return value.to_owned();
    }
    // Nothing has a meaning between single quotes.
    if !value.contains(['\'', '\n', '\r', '\\']) {
        return format!("'{value}'");
    }
    let mut quoted = String::from("\"");
    for letter in value.chars() {
        match letter {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '$' => quoted.push_str("\\$"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            letter => quoted.push(letter),
        }
    }
    quoted.push('"');
    quoted
}

/// Names and values of such a file.
///
/// # Errors
/// Where a line is not understood: its number; what it says is not told.
pub fn read(name: &str, text: &str) -> Result<BTreeMap<String, String>, Failure> {
    let mut values = BTreeMap::new();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        let line = line.strip_prefix("export ").unwrap_or(line).trim_start();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let wrong = |what: &str| {
            Failure::new(Reason::Configuration, format!("{name}:{number}: {what}"))
                .hint("each line is NAME=VALUE, the value plain or in quotes")
        };
        let (variable, value) = line.split_once('=').ok_or_else(|| wrong("the line has no `=`"))?;
        let value = value.trim();
        let value = match value.chars().next() {
            Some('\'') => {
                let rest = value.get(1..).unwrap_or_default();
                rest.split('\'').next().filter(|inner| inner.len() < rest.len()).map(str::to_owned)
            }
            Some('"') => unescaped(value.get(1..).unwrap_or_default()),
            _ => Some(value.split(" #").next().unwrap_or(value).trim_end().to_owned()),
        };
        values.insert(variable.trim().to_owned(), value.ok_or_else(|| wrong("a quote is not closed"))?);
    }
    Ok(values)
}

/// What stands before the closing quote.
fn unescaped(text: &str) -> Option<String> {
    let mut value = String::new();
    let mut letters = text.chars();
    loop {
        match letters.next()? {
            '"' => return Some(value),
            '\\' => match letters.next()? {
                'n' => value.push('\n'),
                'r' => value.push('\r'),
                't' => value.push('\t'),
                letter @ ('"' | '\\' | '$') => value.push(letter),
                letter => value.extend(['\\', letter]),
            },
            letter => value.push(letter),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_others_write_is_read() {
        let text = "A=1\n# no\n\nexport B = 'x # y'\nC=\"a\\nb\" # said\nD=x # said\nE=\n";
        let read = read(".env", text).unwrap();
        let expected = [("A", "1"), ("B", "x # y"), ("C", "a\nb"), ("D", "x"), ("E", "")];
        assert_eq!(read, expected.map(|(k, v)| (k.to_owned(), v.to_owned())).into());
        for wrong in ["A", "A='x", "A=\"x"] {
            let said = super::read("f", wrong).unwrap_err().message;
            assert!(said.starts_with("f:1: "), "{said}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(values in proptest::collection::btree_map("[A-Z]{1,4}", "[ -~\n\r\u{e4}]{0,12}", 0..5)) {
            prop_assert_eq!(read(".env", &write(&values, std::iter::empty())).unwrap(), values);
        }
    }
}
