//! OMM as XML (CCSDS 505.0-B): `omm` with header and body, alone or many within `ndm`. Whatever stands within `omm` and has the
//! name of a keyword is taken; where in the tree it stands is not looked at.

use std::borrow::Cow;

use quick_xml::{
    Reader,
    escape::{escape, resolve_predefined_entity},
    events::{BytesRef, Event},
};

use super::{Field, Record, Value, Written};
use crate::elements::{
    Elements, Origin,
    misread::{Fault, Misfit},
};

const WAY_OUT: &str = "give `omm` messages, alone or within `ndm`";

/// One record for each `omm`.
pub(in crate::elements) fn records(text: &str) -> Vec<Result<Record<'_>, Fault>> {
    let mut walk = Walk { reader: Reader::from_str(text), records: Vec::new(), open: None, leaf: None };
    loop {
        let at = offset(walk.reader.buffer_position());
        match walk.step(at) {
            Ok(true) => {}
            Ok(false) => break,
            Err(fault) => {
                walk.records.push(Err(fault));
                break;
            }
        }
    }
    if walk.records.is_empty() {
        walk.records.push(Err(Fault::syntax(0, format!("no orbit mean-elements message in the XML: {WAY_OUT}"))));
    }
    walk.records
}

struct Walk<'t> {
    reader: Reader<&'t [u8]>,
    records: Vec<Result<Record<'t>, Fault>>,
    open: Option<Record<'t>>,
    leaf: Option<Field<'t>>,
}

impl<'t> Walk<'t> {
    /// One event; false at the end.
    fn step(&mut self, at: usize) -> Result<bool, Fault> {
        let event = self.reader.read_event();
        let event = event.map_err(|error| {
            Fault::syntax(offset(self.reader.error_position()), format!("broken XML, {error}: {WAY_OUT}"))
        })?;
        match event {
            Event::Start(tag) => {
                let after = offset(self.reader.buffer_position());
                self.start(tag.local_name().as_ref(), at, after)?;
            }
            Event::End(tag) => self.end(tag.local_name().as_ref()),
            Event::Empty(tag) => {
                self.start(tag.local_name().as_ref(), at, at)?;
                self.end(tag.local_name().as_ref());
            }
            Event::Text(text) => self.append(&text.xml10_content()),
            Event::CData(text) => self.append(&text.xml10_content()),
            Event::GeneralRef(reference) => {
                let resolved = resolved(&reference).ok_or_else(|| {
                    Fault::syntax(at, "an entity that XML does not define: write the character itself")
                })?;
                self.append(&resolved);
            }
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
            Event::Eof if self.open.is_some() => {
                return Err(Fault::syntax(at, format!("the text ends within a message: {WAY_OUT}")));
            }
            Event::Eof => return Ok(false),
        }
        Ok(true)
    }

    fn start(&mut self, name: &str, at: usize, after: usize) -> Result<(), Fault> {
        match (name, &self.open) {
            ("omm", None) => self.open = Some(Record { at, fields: Vec::new() }),
            ("omm", Some(_)) => return Err(Fault::syntax(at, format!("a message within a message: {WAY_OUT}"))),
            (_, None) => {}
            (_, Some(_)) => {
                self.leaf =
                    Some(Field { key: Cow::Owned(name.to_owned()), value: Cow::Owned(String::new()), at: after });
            }
        }
        Ok(())
    }

    /// The end of what was opened last is the end of a value; any other end closes a group.
    fn end(&mut self, name: &str) {
        if name == "omm" {
            self.records.extend(self.open.take().map(Ok));
            self.leaf = None;
        }
        if let (Some(leaf), Some(record)) = (self.leaf.take().filter(|leaf| leaf.key == name), &mut self.open) {
            record.fields.push(leaf);
        }
    }

    fn append(&mut self, text: &str) {
        if let Some(leaf) = &mut self.leaf {
            leaf.value.to_mut().push_str(text);
        }
    }
}

fn resolved(reference: &BytesRef<'_>) -> Option<String> {
    match reference.resolve_char_ref() {
        Ok(Some(letter)) => Some(letter.to_string()),
        Ok(None) => resolve_predefined_entity(&reference.xml10_content()).map(str::to_owned),
        Err(_) => None,
    }
}

fn offset(position: u64) -> usize {
    usize::try_from(position).unwrap_or(usize::MAX)
}

/// All sets as `omm` messages within one `ndm`.
pub(in crate::elements) fn write(sets: &[Elements], origin: &Origin) -> Result<String, Misfit> {
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ndm>\n");
    for set in sets {
        let written = Written::of(set)?;
        let [created, originator] = super::header(set, origin)?;
        let header = [("CREATION_DATE", Value::Text(created)), ("ORIGINATOR", Value::Text(originator))];
        text.push_str("<omm id=\"CCSDS_OMM_VERS\" version=\"3.0\">\n");
        group(&mut text, "header", &header);
        text.push_str("<body><segment>\n");
        group(&mut text, "metadata", &written.metadata);
        text.push_str("<data>\n");
        group(&mut text, "meanElements", &written.mean_elements);
        group(&mut text, "tleParameters", &written.tle_parameters);
        text.push_str("</data>\n</segment></body>\n</omm>\n");
    }
    text.push_str("</ndm>\n");
    Ok(text)
}

fn group(text: &mut String, name: &str, values: &[(&'static str, Value)]) {
    text.push_str(&format!("<{name}>\n"));
    for (key, value) in values {
        text.push_str(&format!("<{key}>{}</{key}>\n", escape(value.plain().as_str())));
    }
    text.push_str(&format!("</{name}>\n"));
}
