//! Two-line elements: fixed columns, seventy years old, still what most catalogues are written in. Columns as in Hoots and
//! Roehrich, Spacetrack Report 3 (1980), and Space-Track's description of alpha-5.

mod columns;
mod write;

use vocabulary::Timestamp;

use self::columns::Line;
pub(super) use self::write::write;
use super::{
    Checksums, Elements, NoradId,
    misread::{Misread, Position, Problem},
};

/// One step of an epoch in microseconds: a hundred-millionth of a day.
const EPOCH_STEP_MICROSECONDS: i64 = 864;
/// Of the two digits of a year, from this on the last century is meant: Sputnik's year.
const FIRST_YEAR: i32 = 1957;

impl Elements {
    /// From the two lines, checksums verified. Errors count the first line as 1.
    pub fn from_tle(first: &str, second: &str) -> Result<Self, Misread> {
        pair((1, first.trim_end()), (2, second.trim_end()), Checksums::Verified)
    }
}

/// Whether a text begins as this line of a TLE: its number, a blank, a catalogue number.
pub(super) fn is_line(number: u8, text: &str) -> bool {
    let digit = char::from(b'0' + number);
    let id = text.strip_prefix(digit).and_then(|rest| rest.strip_prefix(' ')).and_then(|rest| rest.get(..5));
    id.is_some_and(|id| id.parse::<NoradId>().is_ok())
}

/// All sets of a text. Blank lines and lines that begin with `#` are skipped.
pub(super) fn read(text: &str, checksums: Checksums) -> Vec<Result<Elements, Misread>> {
    let mut reading = Reading::default();
    for (index, line) in text.lines().enumerate() {
        let (number, line) = (index + 1, line.trim_end());
        if line.is_empty() || line.starts_with('#') {
            continue;
        } else if is_line(1, line) {
            reading.first(number, line);
        } else if is_line(2, line) {
            reading.second(number, line, checksums);
        } else {
            reading.name(number, line);
        }
    }
    reading.end()
}

/// What was read, and what waits for its second half.
#[derive(Default)]
struct Reading<'t> {
    sets: Vec<Result<Elements, Misread>>,
    name: Option<(usize, &'t str)>,
    first: Option<(usize, &'t str)>,
}

impl<'t> Reading<'t> {
    fn name(&mut self, number: usize, line: &'t str) {
        self.lone_first();
        self.lone_name();
        self.name = Some((number, line));
    }

    fn first(&mut self, number: usize, line: &'t str) {
        if self.lone_first() {
            self.name = None;
        }
        self.first = Some((number, line));
    }

    fn second(&mut self, number: usize, line: &'t str, checksums: Checksums) {
        let name = self.name.take();
        let Some(first) = self.first.take() else {
            self.alone(number, "line 2", "line 1");
            return;
        };
        let set = pair(first, (number, line), checksums);
        self.sets.push(set.map(|set| Elements { name: name.and_then(|(_, line)| name_in(line)), ..set }));
    }

    fn lone_first(&mut self) -> bool {
        let lone = self.first.take();
        if let Some((number, _)) = lone {
            self.name = None;
            self.alone(number, "line 1", "line 2");
        }
        lone.is_some()
    }

    fn lone_name(&mut self) {
        if let Some((number, _)) = self.name.take() {
            self.alone(number, "a name", "its two lines");
        }
    }

    fn alone(&mut self, line: usize, found: &'static str, missing: &'static str) {
        let problem = Problem::Alone { found, missing };
        self.sets.push(Err(Misread { at: Position { line, column: 1 }, problem }));
    }

    fn end(mut self) -> Vec<Result<Elements, Misread>> {
        self.lone_first();
        self.lone_name();
        self.sets
    }
}

/// The name on a name line: Space-Track writes `0 ` before it.
fn name_in(line: &str) -> Option<String> {
    let name = line.strip_prefix("0 ").unwrap_or(line).trim();
    super::known(name).map(str::to_owned)
}

fn pair(first: (usize, &str), second: (usize, &str), checksums: Checksums) -> Result<Elements, Misread> {
    let (one, two) = (Line::new(first.0, first.1, checksums)?, Line::new(second.0, second.1, checksums)?);
    one.begins_with('1')?;
    two.begins_with('2')?;
    let (norad, again) = (one.norad()?, two.norad()?);
    if norad != again {
        return Err(two.wrong(3, Problem::OtherObject { first: norad, second: again }));
    }
    Ok(Elements {
        name: None,
        norad,
        classification: one.classification()?,
        designator: one.designator()?,
        epoch: one.epoch()?,
        mean_motion_dot: one.decimal(34..=43, "first derivative of the mean motion")?,
        mean_motion_ddot: one.with_exponent(45..=52, "second derivative of the mean motion")?,
        bstar: one.with_exponent(54..=61, "drag term")?,
        ephemeris_type: one.ephemeris_type()?,
        element_set: one.whole(65..=68, "element set number")?,
        inclination: two.angle(9..=16, "inclination")?,
        ascending_node: two.angle(18..=25, "right ascension of the ascending node")?,
        eccentricity: two.eccentricity()?,
        argument_of_perigee: two.angle(35..=42, "argument of perigee")?,
        mean_anomaly: two.angle(44..=51, "mean anomaly")?,
        mean_motion_revolutions_per_day: two.mean_motion()?,
        revolution: two.whole(64..=68, "revolution number")?,
    })
}

/// The sum of the digits, a minus counting one, of the first 68 columns; its last digit.
fn checksum(line: &str) -> u32 {
    let worth = |byte: u8| match byte {
        b'-' => 1,
        digit if digit.is_ascii_digit() => u32::from(digit - b'0'),
        _ => 0,
    };
    line.bytes().take(68).map(worth).sum::<u32>() % 10
}

/// Midnight of 1 January of a year, UTC.
fn new_year(year: i32) -> Option<time::OffsetDateTime> {
    time::Date::from_ordinal_date(year, 1).ok().map(|date| date.midnight().assume_utc())
}

/// The instant so many hundred-millionths of a day after the beginning of a year.
fn epoch(year: i32, steps: i64) -> Option<Timestamp> {
    new_year(year)?
        .checked_add(time::Duration::microseconds(steps.checked_mul(EPOCH_STEP_MICROSECONDS)?))
        .map(Timestamp::new)
}

#[cfg(test)]
mod tests;
