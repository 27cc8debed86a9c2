//! On which line of a file a field stands.

use toml_edit::{Item, TableLike, Value};

/// Part of the way to a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// Into a table.
    Key(String),
    /// Into an array.
    Index(usize),
}

/// The way that a path such as `scrape.targets[0].job` names.
pub(super) fn steps(path: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    for part in path.split('.').filter(|part| !part.is_empty()) {
        let (key, indexes) = part.split_once('[').unwrap_or((part, ""));
        steps.push(Step::Key(key.to_owned()));
        let numbers = indexes.split(['[', ']']).filter_map(|number| number.parse().ok());
        steps.extend(numbers.map(Step::Index));
    }
    steps
}

/// The line, counted from 1, of the field at the end of the way, or of the last part of the way that is there.
pub(super) fn line_of(text: &str, way: &[Step]) -> Option<usize> {
    let document = toml_edit::Document::parse(text).ok()?;
    let (mut at, mut place) = (None, Place::Table(document.as_table()));
    for step in way {
        let Some((begin, next)) = place.step(step) else { break };
        at = begin.or(at);
        place = next;
    }
    at.map(|begin| line_at(text, begin))
}

/// The line of a byte of the text, counted from 1.
pub(super) fn line_at(text: &str, byte: usize) -> usize {
    text.bytes().take(byte).filter(|byte| *byte == b'\n').count() + 1
}

enum Place<'a> {
    Table(&'a dyn TableLike),
    Item(&'a Item),
    Value(&'a Value),
    End,
}

impl<'a> Place<'a> {
    fn step(&self, step: &Step) -> Option<(Option<usize>, Self)> {
        match (self, step) {
            (Self::Table(table), Step::Key(name)) => {
                let (key, item) = table.get_key_value(name)?;
                let begin = key.span().or_else(|| item.span()).map(|span| span.start);
                Some((begin, Self::of(item)))
            }
            (Self::Item(Item::ArrayOfTables(tables)), Step::Index(index)) => {
                let table = tables.get(*index)?;
                Some((table.span().map(|span| span.start), Place::Table(table)))
            }
            (Self::Value(Value::Array(array)), Step::Index(index)) => {
                let value = array.get(*index)?;
                Some((value.span().map(|span| span.start), Self::of_value(value)))
            }
            _ => None,
        }
    }

    fn of(item: &'a Item) -> Self {
        match item {
            Item::None => Self::End,
            Item::Table(table) => Self::Table(table),
            Item::Value(value) => Self::of_value(value),
            Item::ArrayOfTables(_) => Self::Item(item),
        }
    }

    fn of_value(value: &'a Value) -> Self {
        match value {
            Value::InlineTable(table) => Self::Table(table),
            _ => Self::Value(value),
        }
    }
}
