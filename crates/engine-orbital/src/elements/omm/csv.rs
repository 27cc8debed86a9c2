//! OMM as CSV (RFC 4180) as CelesTrak and Space-Track give it: the keywords in the first line, one set in each line after it.
//! The table is taken apart here, because an error must say where in the text a value stands.

use std::borrow::Cow;

use super::{Field, Record, Value, Written};
use crate::elements::{
    Elements,
    misread::{Fault, Misfit},
};

/// One record for each line after the first.
pub(in crate::elements) fn records(text: &str) -> Vec<Result<Record<'_>, Fault>> {
    let mut rows = Rows { text, at: 0 }.filter(|row| !matches!(row, Ok(row) if row.is_blank()));
    let header = match rows.next() {
        Some(Ok(header)) => header,
        Some(Err(fault)) => return vec![Err(fault)],
        None => return Vec::new(),
    };
    rows.map(|row| row.and_then(|row| record(&header, row))).collect()
}

fn record<'t>(header: &Row<'t>, row: Row<'t>) -> Result<Record<'t>, Fault> {
    let (expected, found) = (header.cells.len(), row.cells.len());
    if expected != found {
        let message =
            format!("the line has {found} values where the first line has {expected} keywords: add or remove commas");
        return Err(Fault::syntax(row.at, message));
    }
    let key = |cell: &Cell<'t>| Cow::Owned(cell.value.trim().to_owned());
    let pairs = header.cells.iter().zip(row.cells);
    let fields = pairs.map(|(name, cell)| Field { key: key(name), value: cell.value, at: cell.at });
    Ok(Record { at: row.at, fields: fields.collect() })
}

/// One line of the table, which may span lines of the text within quotes.
struct Row<'t> {
    at: usize,
    cells: Vec<Cell<'t>>,
}

struct Cell<'t> {
    at: usize,
    value: Cow<'t, str>,
}

impl Row<'_> {
    fn is_blank(&self) -> bool {
        matches!(self.cells.as_slice(), [only] if only.value.trim().is_empty())
    }
}

struct Rows<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Iterator for Rows<'t> {
    type Item = Result<Row<'t>, Fault>;

    fn next(&mut self) -> Option<Self::Item> {
        let at = self.at;
        if at >= self.text.len() {
            return None;
        }
        let mut cells = Vec::new();
        loop {
            match self.cell() {
                Ok((cell, ends)) => {
                    cells.push(cell);
                    if ends {
                        return Some(Ok(Row { at, cells }));
                    }
                }
                Err(fault) => {
                    self.at = self.text.len();
                    return Some(Err(fault));
                }
            }
        }
    }
}

impl<'t> Rows<'t> {
    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// The next cell, and whether its line ends after it.
    fn cell(&mut self) -> Result<(Cell<'t>, bool), Fault> {
        let at = self.at;
        let value = if self.rest().starts_with('"') { Cow::Owned(self.quoted()?) } else { Cow::Borrowed(self.bare()) };
        let separator = self.rest().chars().next();
        self.at += usize::from(separator.is_some());
        Ok((Cell { at, value }, separator != Some(',')))
    }

    /// Up to the comma or the end of the line.
    fn bare(&mut self) -> &'t str {
        let rest = self.rest();
        let (value, _) = rest.split_at(rest.find([',', '\n']).unwrap_or(rest.len()));
        self.at += value.len();
        value.strip_suffix('\r').unwrap_or(value)
    }

    /// Within quotes, where two of them are one.
    fn quoted(&mut self) -> Result<String, Fault> {
        let opened = self.at;
        let mut value = String::new();
        loop {
            self.at += 1;
            let rest = self.rest();
            let Some(end) = rest.find('"') else {
                return Err(Fault::syntax(opened, "the quote is not closed: write quotes within a value twice"));
            };
            value.push_str(rest.get(..end).unwrap_or_default());
            self.at += end + 1;
            if !self.rest().starts_with('"') {
                break;
            }
            value.push('"');
        }
        if self.rest().starts_with("\r\n") {
            self.at += 1;
        }
        if self.rest().is_empty() || self.rest().starts_with([',', '\n']) {
            return Ok(value);
        }
        Err(Fault::syntax(self.at, "text after a closing quote: write quotes within a value twice"))
    }
}

/// The keywords, then each set in a line.
pub(in crate::elements) fn write(sets: &[Elements]) -> Result<String, Misfit> {
    let mut text = String::new();
    for set in sets {
        let line = Written::of(set)?;
        if text.is_empty() {
            text = line.all().map(|(key, _)| *key).collect::<Vec<_>>().join(",");
            text.push('\n');
        }
        text.push_str(&line.all().map(|(_, value)| cell(value)).collect::<Vec<_>>().join(","));
        text.push('\n');
    }
    Ok(text)
}

fn cell(value: &Value) -> String {
    let plain = value.plain();
    if plain.contains([',', '"']) { format!("\"{}\"", plain.replace('"', "\"\"")) } else { plain }
}
