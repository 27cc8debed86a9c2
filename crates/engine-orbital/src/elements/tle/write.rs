//! Elements as two lines, refused where a column would lose something, and the rounding to what the columns hold.

use vocabulary::Timestamp;

use super::{
    EPOCH_STEP_MICROSECONDS, FIRST_YEAR, checksum,
    columns::{long_designator, short_designator},
    is_line, name_in, new_year,
};
use crate::elements::{Angle, Elements, form::BYTE_ORDER_MARK, misread::Misfit};

/// Each set as a name line, where it has a name, and two lines.
pub(in crate::elements) fn write(sets: &[Elements]) -> Result<String, Misfit> {
    let mut text = String::with_capacity(sets.len() * 165);
    for set in sets {
        let [first, second] = set.to_tle()?;
        if let Some(line) = name_line(set)? {
            text.push_str(&line);
            text.push('\n');
        }
        text.push_str(&first);
        text.push('\n');
        text.push_str(&second);
        text.push('\n');
    }
    Ok(text)
}

impl Elements {
    /// The two lines, without the name, which read as the very same elements; or the first value that has more digits than
    /// its columns.
    pub fn to_tle(&self) -> Result<[String; 2], Misfit> {
        let id = self.norad.alpha5().ok_or_else(|| {
            self.misfit("catalogue number", self.norad.to_string(), "write an OMM: alpha-5 ends at 339999")
        })?;
        let first = format!(
            "1 {id}{class} {designator:8} {epoch} {dot} {ddot} {bstar} {kind} {set:>4}",
            class = self.letter()?,
            designator = self.designator_columns()?,
            epoch = self.epoch_columns()?,
            dot = self.dot_columns()?,
            ddot = self.exponent_columns("second derivative of the mean motion", self.mean_motion_ddot)?,
            bstar = self.exponent_columns("drag term", self.bstar)?,
            kind = self.whole_columns("ephemeris type", u32::from(self.ephemeris_type), 9)?,
            set = self.whole_columns("element set number", self.element_set, 9_999)?,
        );
        let second = format!(
            "2 {id} {inclination} {node} {eccentricity} {perigee} {anomaly} {motion}{revolution:>5}",
            inclination = self.angle_columns("inclination", self.inclination)?,
            node = self.angle_columns("right ascension of the ascending node", self.ascending_node)?,
            eccentricity = self.eccentricity_columns()?,
            perigee = self.angle_columns("argument of perigee", self.argument_of_perigee)?,
            anomaly = self.angle_columns("mean anomaly", self.mean_anomaly)?,
            motion = self.motion_columns()?,
            revolution = self.whole_columns("revolution number", self.revolution, 99_999)?,
        );
        Ok([first, second].map(|line| format!("{line}{}", checksum(&line))))
    }

    /// These elements with the digits that a TLE holds: angles to 0.0001° (18 m along an orbit of 700 km), epoch to 864 µs
    /// (half a step is 3 m), counters without what exceeds them. Other values may still not fit, as a catalogue number above 339999.
    #[must_use]
    pub fn rounded_for_tle(&self) -> Self {
        let angle = |angle: Angle| Angle::degrees(rounded(angle.to_degrees().rem_euclid(360.0), 4));
        Self {
            epoch: rounded_epoch(self.epoch).unwrap_or(self.epoch),
            mean_motion_revolutions_per_day: rounded(self.mean_motion_revolutions_per_day, 8),
            mean_motion_dot: rounded(self.mean_motion_dot, 8),
            mean_motion_ddot: to_five_digits(self.mean_motion_ddot),
            bstar: to_five_digits(self.bstar),
            eccentricity: rounded(self.eccentricity, 7),
            inclination: angle(self.inclination),
            ascending_node: angle(self.ascending_node),
            argument_of_perigee: angle(self.argument_of_perigee),
            mean_anomaly: angle(self.mean_anomaly),
            element_set: self.element_set % 10_000,
            revolution: self.revolution % 100_000,
            ..self.clone()
        }
    }

    fn misfit(&self, field: &'static str, value: impl Into<String>, way_out: &'static str) -> Misfit {
        Misfit { norad: self.norad, field, value: value.into(), form: "a TLE", way_out }
    }

    fn too_fine(&self, field: &'static str, value: f64) -> Misfit {
        self.misfit(field, format!("{value:?}"), "write an OMM, or round to what a TLE holds")
    }

    fn letter(&self) -> Result<char, Misfit> {
        let letter = self.classification;
        let wrong = || self.misfit("classification", letter, "U, C or S is expected");
        letter.is_ascii_alphabetic().then_some(letter).ok_or_else(wrong)
    }

    fn designator_columns(&self) -> Result<String, Misfit> {
        let text = self.designator.as_str();
        if let Some(short) = short_designator(text) {
            return Ok(short);
        }
        let plain = text.len() <= 8 && text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
        if plain && text.trim() == text && long_designator(text).is_none() {
            return Ok(text.to_owned());
        }
        Err(self.misfit(
            "international designator",
            format!("{text:?}"),
            "a launch from 1957 to 2056 as 1998-067A is expected",
        ))
    }

    fn epoch_columns(&self) -> Result<String, Misfit> {
        let refused = |way_out| self.misfit("epoch", self.epoch.to_string(), way_out);
        let instant = self.epoch.instant();
        let years = FIRST_YEAR..FIRST_YEAR + 100;
        let start = new_year(instant.year()).filter(|_| years.contains(&instant.year()));
        let start = start.ok_or_else(|| refused("write an OMM: a TLE has two digits for the years 1957 to 2056"))?;
        let microseconds = (instant - start).whole_microseconds();
        let step = i128::from(EPOCH_STEP_MICROSECONDS);
        if microseconds % step != 0 {
            return Err(refused("write an OMM, or round to the steps of 864 µs that a TLE holds"));
        }
        let (day, part) = (microseconds / step / 100_000_000 + 1, microseconds / step % 100_000_000);
        Ok(format!("{:02}{day:03}.{part:08}", instant.year() % 100))
    }

    fn dot_columns(&self) -> Result<String, Misfit> {
        let value = self.mean_motion_dot;
        let text = format!("{:.8}", value.abs());
        let sign = if value.is_sign_negative() { '-' } else { ' ' };
        let fits = text.strip_prefix('0').filter(|_| text.parse() == Ok(value.abs()));
        fits.map(|digits| format!("{sign}{digits}"))
            .ok_or_else(|| self.too_fine("first derivative of the mean motion", value))
    }

    fn exponent_columns(&self, field: &'static str, value: f64) -> Result<String, Misfit> {
        exponent_columns(value).ok_or_else(|| self.too_fine(field, value))
    }

    fn whole_columns(&self, field: &'static str, value: u32, most: u32) -> Result<u32, Misfit> {
        let wrong = || self.misfit(field, value.to_string(), "write an OMM, or count from 0 again as a TLE does");
        (value <= most).then_some(value).ok_or_else(wrong)
    }

    fn angle_columns(&self, field: &'static str, angle: Angle) -> Result<String, Misfit> {
        let degrees = angle.to_degrees() + 0.0;
        let text = format!("{degrees:8.4}");
        let fits = (0.0..=360.0).contains(&degrees) && text.trim().parse() == Ok(degrees);
        fits.then_some(text).ok_or_else(|| self.too_fine(field, degrees))
    }

    fn eccentricity_columns(&self) -> Result<String, Misfit> {
        let value = self.eccentricity + 0.0;
        let text = format!("{value:.7}");
        let digits = text.strip_prefix("0.").filter(|_| text.parse() == Ok(value));
        digits.map(str::to_owned).ok_or_else(|| self.too_fine("eccentricity", value))
    }

    fn motion_columns(&self) -> Result<String, Misfit> {
        let value = self.mean_motion_revolutions_per_day;
        let text = format!("{value:11.8}");
        let fits = value > 0.0 && text.len() == 11 && text.trim().parse() == Ok(value);
        fits.then_some(text).ok_or_else(|| self.too_fine("mean motion", value))
    }
}

/// The name as a line of its own; `0 ` goes before it where it would be taken for something else.
fn name_line(set: &Elements) -> Result<Option<String>, Misfit> {
    let Some(name) = &set.name else { return Ok(None) };
    let reads_back = |line: &str| {
        let special = line.starts_with(['#', BYTE_ORDER_MARK]) || is_line(1, line) || is_line(2, line);
        !special && name_in(line).as_ref() == Some(name)
    };
    let is_one_line = !name.contains(char::is_control) && name.trim() == name;
    let fits = [name.clone(), format!("0 {name}")].into_iter().find(|line| is_one_line && reads_back(line));
    let wrong = || set.misfit("name", format!("{name:?}"), "give it one line of text without blanks around it");
    fits.map(Some).ok_or_else(wrong)
}

/// A value in eight columns as `-12345-3`, or nothing where that would lose something.
fn exponent_columns(value: f64) -> Option<String> {
    let sign = if value.is_sign_negative() { '-' } else { ' ' };
    if value == 0.0 {
        return Some(format!("{sign}00000-0"));
    }
    let scientific = format!("{:.4e}", value.abs());
    let (mantissa, exponent) = scientific.split_once('e')?;
    let (mantissa, exponent) = (mantissa.replace('.', ""), exponent.parse::<i32>().ok()? + 1);
    // Below 1e-10 leading zeros carry on.
    let zeros = usize::try_from((-9 - exponent).clamp(0, 5)).ok()?;
    let digits = format!("{}{mantissa}", "0".repeat(zeros));
    let (kept, exponent) = (digits.get(..5)?, exponent.max(-9));
    let same = format!("0.{kept}e{exponent}").parse() == Ok(value.abs());
    let exponent_sign = if exponent < 0 { '-' } else { '+' };
    (same && exponent <= 9).then(|| format!("{sign}{kept}{exponent_sign}{}", exponent.abs()))
}

fn rounded(value: f64, decimals: usize) -> f64 {
    format!("{value:.decimals$}").parse().unwrap_or(value)
}

/// To the nearest value that `exponent_columns` writes; what is too small becomes zero.
fn to_five_digits(value: f64) -> f64 {
    let five = format!("{value:.4e}").parse().unwrap_or(value);
    if exponent_columns(five).is_some() { five } else { rounded(value, 14) }
}

fn rounded_epoch(epoch: Timestamp) -> Option<Timestamp> {
    let start = new_year(epoch.instant().year())?;
    let step = i128::from(EPOCH_STEP_MICROSECONDS);
    let steps = ((epoch.instant() - start).whole_microseconds() + step / 2) / step;
    super::epoch(epoch.instant().year(), i64::try_from(steps).ok()?)
}
