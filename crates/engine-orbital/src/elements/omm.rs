//! Orbit mean-elements messages (CCSDS 502.0-B-3, section 4): the keywords that SGP4 needs, whatever the syntax. Comments,
//! covariances, spacecraft data and user-defined values are passed over; what would change the meaning of the elements is refused.

pub(super) mod csv;
mod epoch;
pub(super) mod json;
pub(super) mod kvn;
pub(super) mod xml;

use std::borrow::Cow;

use super::{
    Angle, Elements, NoradId, Origin, known,
    misread::{Fault, Misfit, Misread, Problem, Ruler, cut},
};

/// The keyword of the catalogue number, which every set has.
pub(super) const NORAD_CAT_ID: &str = "NORAD_CAT_ID";
/// The keyword that begins a message in KVN.
const VERSION: &str = "CCSDS_OMM_VERS";
/// What stands for a name or designator that nobody knows (502.0-B-3, table 4-2).
const UNKNOWN: &str = "UNKNOWN";

/// The keywords that are read. In XML they are elements, in JSON keys, in CSV columns.
const KEYWORDS: [&str; 23] = [
    VERSION,
    "OBJECT_NAME",
    "OBJECT_ID",
    "CENTER_NAME",
    "REF_FRAME",
    "TIME_SYSTEM",
    "MEAN_ELEMENT_THEORY",
    "EPOCH",
    "MEAN_MOTION",
    "SEMI_MAJOR_AXIS",
    "ECCENTRICITY",
    "INCLINATION",
    "RA_OF_ASC_NODE",
    "ARG_OF_PERICENTER",
    "MEAN_ANOMALY",
    "EPHEMERIS_TYPE",
    "CLASSIFICATION_TYPE",
    NORAD_CAT_ID,
    "ELEMENT_SET_NO",
    "REV_AT_EPOCH",
    "BSTAR",
    "MEAN_MOTION_DOT",
    "MEAN_MOTION_DDOT",
];

/// What fixes the meaning of the elements, and the words for what SGP4 wants. A keyword that is absent means it, too.
const MEANING: [(&str, &[&str]); 4] = [
    ("CENTER_NAME", &["EARTH"]),
    ("REF_FRAME", &["TEME", "TEMEOFDATE", "TEMEOFEPOCH"]),
    ("TIME_SYSTEM", &["UTC"]),
    ("MEAN_ELEMENT_THEORY", &["SGP4", "SGP/SGP4", "SGP", "SDP4", "SGP4/SDP4"]),
];

/// One message, as its syntax gives it: keywords and values with their places.
pub(super) struct Record<'t> {
    at: usize,
    fields: Vec<Field<'t>>,
}

/// One keyword and its value.
pub(super) struct Field<'t> {
    key: Cow<'t, str>,
    value: Cow<'t, str>,
    at: usize,
}

/// Whether a text is a keyword that we read.
pub(super) fn is_keyword(text: &str) -> bool {
    KEYWORDS.contains(&text)
}

/// The elements of each message, or what is wrong with it.
pub(super) fn elements(text: &str, records: Vec<Result<Record<'_>, Fault>>) -> Vec<Result<Elements, Misread>> {
    let mut ruler = Ruler::new(text);
    let set = |record: Result<Record<'_>, Fault>| {
        if let Ok(record) = &record {
            ruler.pass(record.at);
        }
        record.and_then(|record| Known::of(&record)?.elements()).map_err(|fault| ruler.misread(fault))
    };
    records.into_iter().map(set).collect()
}

/// The fields of a record that have a meaning, each once.
struct Known<'r> {
    at: usize,
    values: [Option<&'r Field<'r>>; KEYWORDS.len()],
}

impl<'r> Known<'r> {
    fn of(record: &'r Record<'r>) -> Result<Self, Fault> {
        let mut values = [None; KEYWORDS.len()];
        for field in &record.fields {
            let Some((key, slot)) = KEYWORDS.iter().zip(&mut values).find(|(key, _)| **key == field.key) else {
                continue;
            };
            if slot.replace(field).is_some() {
                return Err(Fault { at: field.at, problem: Problem::Twice { key } });
            }
        }
        Ok(Self { at: record.at, values })
    }

    fn elements(&self) -> Result<Elements, Fault> {
        self.meaning()?;
        Ok(Elements {
            name: self.text("OBJECT_NAME").and_then(known).map(str::to_owned),
            norad: self.norad()?,
            classification: self.classification()?,
            designator: self.text("OBJECT_ID").and_then(known).unwrap_or_default().to_owned(),
            epoch: self.epoch()?,
            mean_motion_revolutions_per_day: self.mean_motion()?,
            mean_motion_dot: self.number_or_zero("MEAN_MOTION_DOT")?,
            mean_motion_ddot: self.number_or_zero("MEAN_MOTION_DDOT")?,
            bstar: self.number("BSTAR")?,
            eccentricity: self.within(
                "ECCENTRICITY",
                |value| (0.0..1.0).contains(&value),
                "a number from 0 to below 1",
            )?,
            inclination: self.angle("INCLINATION")?,
            ascending_node: self.angle("RA_OF_ASC_NODE")?,
            argument_of_perigee: self.angle("ARG_OF_PERICENTER")?,
            mean_anomaly: self.angle("MEAN_ANOMALY")?,
            ephemeris_type: self.ephemeris_type()?,
            element_set: self.whole("ELEMENT_SET_NO")?,
            revolution: self.whole("REV_AT_EPOCH")?,
        })
    }

    /// Elements of another theory, frame or planet would be read without a murmur and propagated to a wrong place.
    fn meaning(&self) -> Result<(), Fault> {
        for (key, supported) in MEANING {
            let Some(field) = self.field(key) else { continue };
            let text = field.value.trim();
            if !supported.iter().any(|word| word.eq_ignore_ascii_case(text)) {
                let supported = supported.first().copied().unwrap_or_default();
                return Err(Fault {
                    at: field.at,
                    problem: Problem::Unsupported { field: key, text: cut(text), supported },
                });
            }
        }
        Ok(())
    }

    fn field(&self, key: &'static str) -> Option<&'r Field<'r>> {
        let (_, field) = KEYWORDS.iter().zip(self.values).find(|(known, _)| **known == key)?;
        field
    }

    fn text(&self, key: &'static str) -> Option<&'r str> {
        self.field(key).map(|field| field.value.trim())
    }

    fn needed(&self, key: &'static str) -> Result<&'r Field<'r>, Fault> {
        self.field(key)
            .filter(|field| !field.value.trim().is_empty())
            .ok_or(Fault { at: self.at, problem: Problem::Missing { key } })
    }

    fn wrong(field: &Field<'_>, key: &'static str, expected: &'static str) -> Fault {
        Fault { at: field.at, problem: Problem::Value { field: key, text: cut(field.value.trim()), expected } }
    }

    fn norad(&self) -> Result<NoradId, Fault> {
        let field = self.needed(NORAD_CAT_ID)?;
        field.value.parse().map_err(|_| Self::wrong(field, NORAD_CAT_ID, "a number of up to nine digits"))
    }

    fn classification(&self) -> Result<char, Fault> {
        let Some(field) = self.field("CLASSIFICATION_TYPE") else { return Ok('U') };
        let mut letters = field.value.trim().chars();
        match (letters.next(), letters.next()) {
            (None, _) => Ok('U'),
            (Some(letter), None) if letter.is_ascii_alphabetic() => Ok(letter),
            _ => Err(Self::wrong(field, "CLASSIFICATION_TYPE", "U, C or S")),
        }
    }

    fn epoch(&self) -> Result<vocabulary::Timestamp, Fault> {
        let field = self.needed("EPOCH")?;
        let expected = "UTC as 2021-08-22T16:38:31.244351 or 2021-234T16:38:31.244351";
        epoch::read(field.value.trim()).ok_or_else(|| Self::wrong(field, "EPOCH", expected))
    }

    fn mean_motion(&self) -> Result<f64, Fault> {
        match (self.field("MEAN_MOTION"), self.field("SEMI_MAJOR_AXIS")) {
            (None, Some(axis)) => {
                let text = cut(axis.value.trim());
                let problem =
                    Problem::Unsupported { field: "SEMI_MAJOR_AXIS", text, supported: "MEAN_MOTION, as SGP4 has it," };
                Err(Fault { at: axis.at, problem })
            }
            _ => self.within("MEAN_MOTION", |value| value > 0.0, "revolutions a day above 0"),
        }
    }

    fn ephemeris_type(&self) -> Result<u8, Fault> {
        const KEY: &str = "EPHEMERIS_TYPE";
        let number = self.whole(KEY)?;
        let Some(field) = self.field(KEY) else { return Ok(0) };
        if number == 4 {
            let problem = Problem::Unsupported { field: KEY, text: "4".to_owned(), supported: "SGP4 (not SGP4-XP)" };
            return Err(Fault { at: field.at, problem });
        }
        u8::try_from(number).map_err(|_| Self::wrong(field, KEY, "a number up to 255"))
    }

    fn angle(&self, key: &'static str) -> Result<Angle, Fault> {
        self.within(key, |value| (-360.0..=360.0).contains(&value), "degrees from -360 to 360").map(Angle::degrees)
    }

    fn within(&self, key: &'static str, holds: fn(f64) -> bool, expected: &'static str) -> Result<f64, Fault> {
        let value = self.number(key)?;
        if holds(value) { Ok(value) } else { Err(Self::wrong(self.needed(key)?, key, expected)) }
    }

    fn number_or_zero(&self, key: &'static str) -> Result<f64, Fault> {
        if self.text(key).is_none_or(str::is_empty) { Ok(0.0) } else { self.number(key) }
    }

    fn number(&self, key: &'static str) -> Result<f64, Fault> {
        let field = self.needed(key)?;
        let text = without_unit(&field.value);
        let plain = text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
        let number = if plain { text.parse::<f64>().ok() } else { None };
        number.filter(|number| number.is_finite()).ok_or_else(|| Self::wrong(field, key, "a number"))
    }

    fn whole(&self, key: &'static str) -> Result<u32, Fault> {
        let Some(field) = self.field(key) else { return Ok(0) };
        let text = without_unit(&field.value);
        if text.is_empty() {
            return Ok(0);
        }
        let plain = text.bytes().all(|byte| byte.is_ascii_digit());
        let number = if plain { text.parse().ok() } else { None };
        number.ok_or_else(|| Self::wrong(field, key, "a whole number up to 4294967295"))
    }
}

/// `15.09 [rev/day]` without its unit, which the standard fixes for each keyword.
fn without_unit(text: &str) -> &str {
    text.split('[').next().unwrap_or_default().trim()
}

/// A value to be written.
enum Value {
    Text(String),
    Number(f64),
    Whole(u32),
}

impl Value {
    /// As it stands in KVN, XML and CSV; the shortest digits that read as the same number.
    fn plain(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Number(number) => format!("{number:?}"),
            Self::Whole(number) => number.to_string(),
        }
    }
}

/// The keywords of one set and their values, in the order of the standard: metadata, mean elements, TLE parameters.
struct Written {
    metadata: [(&'static str, Value); 6],
    mean_elements: [(&'static str, Value); 7],
    tle_parameters: [(&'static str, Value); 8],
}

impl Written {
    fn of(set: &Elements) -> Result<Self, Misfit> {
        let way_out = "one line of text without blanks around it is expected";
        let text = |field, text: &str| match text {
            "" => Ok(Value::Text(UNKNOWN.to_owned())),
            UNKNOWN => Err(misfit(set, field, text, "leave it out, which says the same")),
            _ if text.trim() == text && !text.contains(is_unwritable) => Ok(Value::Text(text.to_owned())),
            _ => Err(misfit(set, field, text, way_out)),
        };
        let number = |field, value: f64| {
            let finite = value.is_finite().then_some(Value::Number(value));
            finite.ok_or_else(|| misfit(set, field, &value.to_string(), "a finite number is expected"))
        };
        let angle = |field, angle: Angle| number(field, angle.to_degrees());
        let letter = set.classification;
        if !letter.is_ascii_alphabetic() {
            return Err(misfit(set, "classification", &letter.to_string(), "U, C or S is expected"));
        }
        let epoch = epoch::written(set.epoch);
        let epoch =
            epoch.ok_or_else(|| misfit(set, "epoch", &set.epoch.to_string(), "a year up to 9999 is expected"))?;
        let fixed = |text: &str| Value::Text(text.to_owned());
        Ok(Self {
            metadata: [
                ("OBJECT_NAME", text("name", set.name.as_deref().unwrap_or_default())?),
                ("OBJECT_ID", text("international designator", &set.designator)?),
                ("CENTER_NAME", fixed("EARTH")),
                ("REF_FRAME", fixed("TEME")),
                ("TIME_SYSTEM", fixed("UTC")),
                ("MEAN_ELEMENT_THEORY", fixed("SGP4")),
            ],
            mean_elements: [
                ("EPOCH", Value::Text(epoch)),
                ("MEAN_MOTION", number("mean motion", set.mean_motion_revolutions_per_day)?),
                ("ECCENTRICITY", number("eccentricity", set.eccentricity)?),
                ("INCLINATION", angle("inclination", set.inclination)?),
                ("RA_OF_ASC_NODE", angle("right ascension of the ascending node", set.ascending_node)?),
                ("ARG_OF_PERICENTER", angle("argument of perigee", set.argument_of_perigee)?),
                ("MEAN_ANOMALY", angle("mean anomaly", set.mean_anomaly)?),
            ],
            tle_parameters: [
                ("EPHEMERIS_TYPE", Value::Whole(u32::from(set.ephemeris_type))),
                ("CLASSIFICATION_TYPE", Value::Text(letter.to_string())),
                (NORAD_CAT_ID, Value::Whole(set.norad.number())),
                ("ELEMENT_SET_NO", Value::Whole(set.element_set)),
                ("REV_AT_EPOCH", Value::Whole(set.revolution)),
                ("BSTAR", number("drag term", set.bstar)?),
                ("MEAN_MOTION_DOT", number("first derivative of the mean motion", set.mean_motion_dot)?),
                ("MEAN_MOTION_DDOT", number("second derivative of the mean motion", set.mean_motion_ddot)?),
            ],
        })
    }

    fn all(&self) -> impl Iterator<Item = &(&'static str, Value)> {
        self.metadata.iter().chain(&self.mean_elements).chain(&self.tle_parameters)
    }
}

/// When it was created and by whom, as the header of a message wants it.
fn header(set: &Elements, origin: &Origin) -> Result<[String; 2], Misfit> {
    let created = epoch::written(origin.created)
        .ok_or_else(|| misfit(set, "creation date", &origin.created.to_string(), "a year up to 9999 is expected"))?;
    let originator = origin.originator.as_str();
    if originator.is_empty() || originator.trim() != originator || originator.contains(is_unwritable) {
        return Err(misfit(set, "originator", originator, "one line of text without blanks around it is expected"));
    }
    Ok([created, originator.to_owned()])
}

fn misfit(set: &Elements, field: &'static str, value: &str, way_out: &'static str) -> Misfit {
    Misfit { norad: set.norad, field, value: format!("{value:?}"), form: "an OMM", way_out }
}

/// What XML 1.0 cannot carry, or a line of KVN cannot.
fn is_unwritable(letter: char) -> bool {
    letter.is_control() || matches!(letter, '\u{fffe}' | '\u{ffff}')
}

#[cfg(test)]
mod tests;
