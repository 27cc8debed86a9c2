//! OMM as lines of `KEY = value` (CCSDS 502.0-B-3, section 7). A file has one message by the standard; catalogues put many one
//! after the other, each beginning with its version or, where that is left out, with its name.

use std::borrow::Cow;

use super::{Field, Record, VERSION, Written};
use crate::elements::{
    Elements, Origin,
    misread::{Fault, Misfit, cut},
};

/// One record for each message.
pub(in crate::elements) fn records(text: &str) -> Vec<Result<Record<'_>, Fault>> {
    let mut records: Vec<Result<Record<'_>, Fault>> = Vec::new();
    let mut seen_name = false;
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let at = start;
        start += line.len();
        let line = line.trim_end();
        let comment = line.trim_start().strip_prefix("COMMENT");
        if line.is_empty() || comment.is_some_and(|rest| rest.is_empty() || rest.starts_with(char::is_whitespace)) {
            continue;
        }
        let field = field(line, at);
        let key = field.as_ref().map_or("", |field| &field.key);
        if records.is_empty() || key == VERSION || (key == "OBJECT_NAME" && seen_name) {
            records.push(Ok(Record { at, fields: Vec::new() }));
            seen_name = false;
        }
        seen_name |= key == "OBJECT_NAME";
        let Some(last) = records.last_mut() else { continue };
        match (&mut *last, field) {
            (Ok(record), Ok(field)) => record.fields.push(field),
            (Ok(_), Err(fault)) => *last = Err(fault),
            (Err(_), _) => {}
        }
    }
    records
}

fn field(line: &str, at: usize) -> Result<Field<'_>, Fault> {
    let indent = line.len() - line.trim_start().len();
    let broken = |why: &str| Fault::syntax(at + indent, format!("{:?} {why}", cut(line.trim_start())));
    let (key, value) = line.split_once('=').ok_or_else(|| broken("has no `=`: each line is KEY = value or COMMENT"))?;
    let before_value = key.len() + 1 + value.len() - value.trim_start().len();
    let key = key.trim();
    if key.starts_with("CCSDS_") && key != VERSION {
        return Err(broken("begins another message: only orbit mean-elements messages (CCSDS_OMM_VERS) are read"));
    }
    Ok(Field { key: Cow::Borrowed(key), value: Cow::Borrowed(value.trim()), at: at + before_value })
}

/// One message for each set, with a blank line between.
pub(in crate::elements) fn write(sets: &[Elements], origin: &Origin) -> Result<String, Misfit> {
    let mut text = String::new();
    for (index, set) in sets.iter().enumerate() {
        text.push_str(if index == 0 { "" } else { "\n" });
        let [created, originator] = super::header(set, origin)?;
        for (key, value) in [(VERSION, "3.0"), ("CREATION_DATE", created.as_str()), ("ORIGINATOR", originator.as_str())]
        {
            text.push_str(&format!("{key} = {value}\n"));
        }
        for (key, value) in Written::of(set)?.all() {
            text.push_str(&format!("{key} = {}\n", value.plain()));
        }
    }
    Ok(text)
}
