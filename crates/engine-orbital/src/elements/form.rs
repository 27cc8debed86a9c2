//! The forms that element sets come in: which one a text has, reading it, and writing it back.

use vocabulary::Timestamp;

use super::{
    Elements,
    misread::{Misfit, Misread, Position, Problem},
    omm, tle,
};

/// How element sets are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Form {
    /// Two lines each, with or without a line for the name before them.
    Tle,
    /// Orbit mean-elements messages as JSON: an array of objects, or objects one after the other.
    OmmJson,
    /// Orbit mean-elements messages as XML (CCSDS 502.0-B and 505.0-B): `omm`, or many within `ndm`.
    OmmXml,
    /// Orbit mean-elements messages as lines of `KEY = value` (CCSDS 502.0-B, section 4), one after the other.
    OmmKvn,
    /// Orbit mean-elements messages as CSV, with the keywords in the first line.
    OmmCsv,
}

/// Whether the checksums of a TLE count. Other forms have none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Checksums {
    /// A wrong or missing one is an error.
    #[default]
    Verified,
    /// They are not looked at.
    Ignored,
}

/// What an OMM says about itself in XML and KVN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// Who wrote it.
    pub originator: String,
    /// When it was written.
    pub created: Timestamp,
}

impl Form {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Tle, Self::OmmJson, Self::OmmXml, Self::OmmKvn, Self::OmmCsv];

    /// Its usual name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tle => "TLE",
            Self::OmmJson => "OMM (JSON)",
            Self::OmmXml => "OMM (XML)",
            Self::OmmKvn => "OMM (KVN)",
            Self::OmmCsv => "OMM (CSV)",
        }
    }

    /// The form that a text has, by its first lines.
    pub fn of(text: &str) -> Result<Self, Misread> {
        let unknown = |problem| Misread { at: Position { line: 1, column: 1 }, problem };
        let text = without_mark(text);
        let mut lines = text.lines().map(str::trim_end).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let first = lines.next().ok_or_else(|| unknown(Problem::Empty))?;
        let is_tle = |line: &str| tle::is_line(1, line) || tle::is_line(2, line);
        let start = first.trim_start();
        if is_tle(first) || lines.next().is_some_and(is_tle) {
            Ok(Self::Tle)
        } else if start.starts_with(['[', '{']) {
            Ok(Self::OmmJson)
        } else if start.starts_with('<') {
            Ok(Self::OmmXml)
        } else if first.split(',').any(|key| key.trim().trim_matches('"') == omm::NORAD_CAT_ID) {
            Ok(Self::OmmCsv)
        } else if start.starts_with("COMMENT")
            || start.split_once('=').is_some_and(|(key, _)| omm::is_keyword(key.trim()))
        {
            Ok(Self::OmmKvn)
        } else {
            Err(unknown(Problem::UnknownForm))
        }
    }

    /// Every set of a text, in its order, or what is wrong with it. One broken set does not hide the others, except where the
    /// syntax of JSON or XML is broken: then the last item says where.
    pub fn read(self, text: &str, checksums: Checksums) -> Vec<Result<Elements, Misread>> {
        let text = without_mark(text);
        match self {
            Self::Tle => tle::read(text, checksums),
            Self::OmmJson => omm::elements(text, omm::json::records(text)),
            Self::OmmXml => omm::elements(text, omm::xml::records(text)),
            Self::OmmKvn => omm::elements(text, omm::kvn::records(text)),
            Self::OmmCsv => omm::elements(text, omm::csv::records(text)),
        }
    }

    /// The sets as text that reads as the very same elements, or the first value that the form cannot hold without loss.
    /// A TLE has few digits: [`Elements::rounded_for_tle`] cuts to them.
    pub fn write(self, sets: &[Elements], origin: &Origin) -> Result<String, Misfit> {
        match self {
            Self::Tle => tle::write(sets),
            Self::OmmJson => omm::json::write(sets),
            Self::OmmXml => omm::xml::write(sets, origin),
            Self::OmmKvn => omm::kvn::write(sets, origin),
            Self::OmmCsv => omm::csv::write(sets),
        }
    }
}

/// What some editors put first in a file; it does not belong to the text.
pub(super) const BYTE_ORDER_MARK: char = '\u{feff}';

fn without_mark(text: &str) -> &str {
    text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text)
}

impl Elements {
    /// Every set of a text of any form, checksums verified, or the first thing that is wrong.
    /// [`Form::read`] reads on after an error.
    pub fn read(text: &str) -> Result<Vec<Self>, Misread> {
        Form::of(text)?.read(text, Checksums::Verified).into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINES: &str = "1 00900U 64063C   21234.90231961  .00000213  00000-0  21758-3 0  9993
2 00900  90.1638  35.5804 0027095 195.3942 333.7357 13.73573692829678";

    #[test]
    fn the_form_is_told_by_the_first_lines() {
        let check = |text: &str, expected: Result<Form, &str>| {
            let found = Form::of(text).map_err(|misread| misread.to_string());
            assert_eq!(found, expected.map_err(str::to_owned), "{text:?}");
        };
        check(LINES, Ok(Form::Tle));
        check(&format!("\u{feff}# why\r\n\r\nCALSPHERE 1  \n{LINES}"), Ok(Form::Tle));
        check(&format!("[{{<CALSPHERE = 1\n{LINES}"), Ok(Form::Tle));
        check("  [{\"NORAD_CAT_ID\": 5}]", Ok(Form::OmmJson));
        check("{}", Ok(Form::OmmJson));
        check("<?xml version=\"1.0\"?><ndm/>", Ok(Form::OmmXml));
        check("CCSDS_OMM_VERS = 2.0", Ok(Form::OmmKvn));
        check("COMMENT from somewhere\nCCSDS_OMM_VERS=2.0", Ok(Form::OmmKvn));
        check("OBJECT_NAME,NORAD_CAT_ID", Ok(Form::OmmCsv));
        check("\"NORAD_CAT_ID\",\"EPOCH\"", Ok(Form::OmmCsv));
        let empty = "line 1, column 1: no element sets: give two-line elements, or an OMM as JSON, XML, KVN or CSV";
        check(" \n# nothing", Err(empty));
        let unknown =
            "line 1, column 1: neither a TLE nor an OMM: give two-line elements, or an OMM as JSON, XML, KVN or CSV";
        check("hello = world", Err(unknown));
    }
}
