//! The columns of one line of a TLE, each read as what it is. Columns count from 1, as in every description.

use std::ops::RangeInclusive;

use vocabulary::Timestamp;

use super::{FIRST_YEAR, checksum, epoch};
use crate::elements::{
    Angle, Checksums, NoradId,
    misread::{Misread, Position, Problem, cut},
};

/// One line, long enough and ASCII in its columns.
pub(super) struct Line<'t> {
    number: usize,
    text: &'t str,
}

impl<'t> Line<'t> {
    /// Text after a blank in column 70 is not looked at: test cases keep instants there.
    pub(super) fn new(number: usize, text: &'t str, checksums: Checksums) -> Result<Self, Misread> {
        let line = Self { number, text };
        if let Some((index, character)) = text.chars().take(69).enumerate().find(|(_, letter)| !letter.is_ascii()) {
            return Err(line.wrong(index + 1, Problem::Character { character }));
        }
        let least = match checksums {
            Checksums::Verified => 69,
            Checksums::Ignored => 68,
        };
        let length = text.chars().count();
        if length < least {
            return Err(line.wrong(length + 1, Problem::Short { length }));
        }
        if let Some(after) = text.get(69..).and_then(|rest| rest.chars().next()).filter(|after| !after.is_whitespace())
        {
            return Err(line.wrong(70, Problem::Character { character: after }));
        }
        if checksums == Checksums::Verified {
            line.verify()?;
        }
        Ok(line)
    }

    fn verify(&self) -> Result<(), Misread> {
        let found = self.text(69..=69).chars().next().unwrap_or(' ');
        let expected = checksum(self.text);
        if found.to_digit(10) == Some(expected) {
            return Ok(());
        }
        Err(self.wrong(69, Problem::Checksum { found, expected }))
    }

    pub(super) fn wrong(&self, column: usize, problem: Problem) -> Misread {
        Misread { at: Position { line: self.number, column }, problem }
    }

    fn text(&self, columns: RangeInclusive<usize>) -> &'t str {
        self.text.get(columns.start() - 1..*columns.end()).unwrap_or_default()
    }

    fn value(&self, columns: RangeInclusive<usize>, field: &'static str, expected: &'static str) -> Misread {
        let text = cut(self.text(columns.clone()));
        self.wrong(*columns.start(), Problem::Value { field, text, expected })
    }

    pub(super) fn begins_with(&self, digit: char) -> Result<(), Misread> {
        if self.text.starts_with(digit) && self.text(2..=2) == " " {
            return Ok(());
        }
        Err(self.value(1..=2, "line number", if digit == '1' { "1 and a blank" } else { "2 and a blank" }))
    }

    pub(super) fn norad(&self) -> Result<NoradId, Misread> {
        let expected = "five digits, or a letter other than I and O and four digits";
        self.text(3..=7).parse().map_err(|_| self.value(3..=7, "catalogue number", expected))
    }

    pub(super) fn classification(&self) -> Result<char, Misread> {
        match self.text(8..=8).chars().next() {
            None | Some(' ') => Ok('U'),
            Some(letter) if letter.is_ascii_alphabetic() => Ok(letter),
            Some(_) => Err(self.value(8..=8, "classification", "U, C or S")),
        }
    }

    /// `98067A` becomes `1998-067A`; what has another form is kept.
    pub(super) fn designator(&self) -> Result<String, Misread> {
        let text = self.text(10..=17).trim();
        if text.chars().any(|letter| letter.is_ascii_control()) {
            return Err(self.value(10..=17, "international designator", "a launch as 98067A"));
        }
        Ok(long_designator(text).unwrap_or_else(|| text.to_owned()))
    }

    pub(super) fn epoch(&self) -> Result<Timestamp, Misread> {
        let year = || self.value(19..=20, "epoch", "two digits of a year");
        let short = digits(self.text(19..=20).trim_start()).ok_or_else(year)?;
        let year = full_year(i32::try_from(short).map_err(|_| year())?);
        let day = || self.value(21..=32, "epoch", "a day of that year, with up to eight decimals");
        let (whole, fraction) = self.text(21..=32).trim().split_once('.').ok_or_else(day)?;
        if fraction.len() > 8 {
            return Err(day());
        }
        let parts = digits(&format!("{fraction:0<8}")).ok_or_else(day)?;
        let whole = digits(whole).filter(|whole| (1..=i64::from(time::util::days_in_year(year))).contains(whole));
        let steps = (whole.ok_or_else(day)? - 1) * 100_000_000 + parts;
        epoch(year, steps).ok_or_else(day)
    }

    /// Digits with a point, perhaps a sign.
    pub(super) fn decimal(&self, columns: RangeInclusive<usize>, field: &'static str) -> Result<f64, Misread> {
        let text = self.text(columns.clone()).trim();
        if text.is_empty() {
            return Ok(0.0);
        }
        let plain = text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.".contains(&byte));
        let number = if plain { text.parse().ok() } else { None };
        number.ok_or_else(|| self.value(columns, field, "a number with a point"))
    }

    /// Eight columns as `-12345-3`, which is -0.12345e-3. A blank is a zero.
    pub(super) fn with_exponent(&self, columns: RangeInclusive<usize>, field: &'static str) -> Result<f64, Misread> {
        let wrong =
            || self.value(columns.clone(), field, "a sign or a blank, five digits and an exponent, as -12345-3");
        let text = self.text(columns.clone()).replace(' ', "0");
        let (sign, rest) = text.split_at_checked(1).ok_or_else(wrong)?;
        let (mantissa, exponent) = rest.split_at_checked(5).ok_or_else(wrong)?;
        let sign = match sign {
            "0" | "+" => "",
            "-" => "-",
            _ => return Err(wrong()),
        };
        let exponent = match exponent.split_at_checked(1).ok_or_else(wrong)? {
            ("0" | "+", digit) => format!("+{digit}"),
            ("-", digit) => format!("-{digit}"),
            _ => return Err(wrong()),
        };
        digits(mantissa).ok_or_else(wrong)?;
        digits(exponent.get(1..).unwrap_or_default()).ok_or_else(wrong)?;
        format!("{sign}0.{mantissa}e{exponent}").parse().map_err(|_| wrong())
    }

    pub(super) fn whole(&self, columns: RangeInclusive<usize>, field: &'static str) -> Result<u32, Misread> {
        let text = self.text(columns.clone()).trim();
        let number = if text.is_empty() { Some(0) } else { digits(text) };
        number.and_then(|number| u32::try_from(number).ok()).ok_or_else(|| self.value(columns, field, "digits"))
    }

    /// What SGP4 cannot read under that name is refused: in type 4 the columns of the drag term mean something else.
    pub(super) fn ephemeris_type(&self) -> Result<u8, Misread> {
        let columns = 63..=63;
        let number = self.whole(columns, "ephemeris type")?;
        if number == 4 {
            let problem =
                Problem::Unsupported { field: "ephemeris type", text: "4".to_owned(), supported: "SGP4 (not SGP4-XP)" };
            return Err(self.wrong(63, problem));
        }
        u8::try_from(number).map_err(|_| self.value(63..=63, "ephemeris type", "a digit"))
    }

    pub(super) fn angle(&self, columns: RangeInclusive<usize>, field: &'static str) -> Result<Angle, Misread> {
        let degrees = self.decimal(columns.clone(), field)?;
        if (0.0..=360.0).contains(&degrees) {
            return Ok(Angle::degrees(degrees));
        }
        Err(self.value(columns, field, "degrees from 0 to 360"))
    }

    /// Seven digits after a point that is not written.
    pub(super) fn eccentricity(&self) -> Result<f64, Misread> {
        let text = self.text(27..=33).replace(' ', "0");
        let wrong = || self.value(27..=33, "eccentricity", "seven digits, without the point before them");
        digits(&text).ok_or_else(wrong)?;
        format!("0.{text}").parse().map_err(|_| wrong())
    }

    pub(super) fn mean_motion(&self) -> Result<f64, Misread> {
        let columns = 53..=63;
        let motion = self.decimal(columns.clone(), "mean motion")?;
        if motion > 0.0 { Ok(motion) } else { Err(self.value(columns, "mean motion", "revolutions a day above 0")) }
    }
}

/// Digits and nothing else, up to eighteen.
fn digits(text: &str) -> Option<i64> {
    let fits = (1..=18).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if fits { text.parse().ok() } else { None }
}

/// The year that two digits mean.
pub(super) fn full_year(short: i32) -> i32 {
    if short < FIRST_YEAR % 100 { 2000 + short } else { 1900 + short }
}

/// `98067A` as `1998-067A`.
pub(super) fn long_designator(text: &str) -> Option<String> {
    let (year, rest) = text.split_at_checked(2)?;
    let (launch, piece) = rest.split_at_checked(3)?;
    let year = full_year(i32::try_from(digits(year)?).ok()?);
    digits(launch)?;
    is_piece(piece).then(|| format!("{year}-{launch}{piece}"))
}

/// `1998-067A` as `98067A`, where that is read back as the same.
pub(super) fn short_designator(text: &str) -> Option<String> {
    let (year, rest) = text.split_once('-')?;
    let short = format!("{}{rest}", year.get(2..)?);
    (long_designator(&short).as_deref() == Some(text)).then_some(short)
}

fn is_piece(text: &str) -> bool {
    (1..=3).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_uppercase())
}
