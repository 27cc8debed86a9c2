//! Element sets out of texts that a parser may refuse: the verification set has wrong checksums and missing columns on purpose.

use std::time::Duration;

use engine_orbital::{Angle, Elements};
use vocabulary::Timestamp;

/// Reads the columns of a TLE, whatever its checksums are.
pub(crate) fn elements(first: &str, second: &str) -> Elements {
    let number = |text: &str| text.trim().parse::<f64>().unwrap();
    let exponential = |text: &str| {
        let (digits, exponent) = text.split_at(text.len() - 2);
        let (sign, digits) = if let Some(rest) = digits.strip_prefix('-') { (-1.0, rest) } else { (1.0, digits) };
        sign * number(&format!("0.{}", digits.trim_start_matches(['+', ' ']))) * 10_f64.powf(number(exponent))
    };
    let angle = |text: &str| Angle::degrees(number(text));
    Elements {
        name: None,
        norad: first[2..7].parse().unwrap(),
        classification: 'U',
        designator: String::new(),
        epoch: epoch(&first[18..32]),
        mean_motion_revolutions_per_day: number(&second[52..63]),
        mean_motion_dot: 0.0,
        mean_motion_ddot: 0.0,
        bstar: exponential(&first[53..61]),
        eccentricity: number(&format!("0.{}", second[26..33].trim())),
        inclination: angle(&second[8..16]),
        ascending_node: angle(&second[17..25]),
        argument_of_perigee: angle(&second[34..42]),
        mean_anomaly: angle(&second[43..51]),
        ephemeris_type: 0,
        element_set: 0,
        revolution: 0,
    }
}

fn epoch(text: &str) -> Timestamp {
    let (year, rest) = text.split_at(2);
    let (day, fraction) = rest.split_once('.').unwrap();
    let year: u32 = year.parse().unwrap();
    let century = if year < 57 { 2000 } else { 1900 };
    let begin: Timestamp = format!("{}-01-01T00:00:00Z", century + year).parse().unwrap();
    let days: u64 = day.trim().parse::<u64>().unwrap() - 1;
    let fraction: u64 = format!("{fraction:0<8}").parse().unwrap();
    begin.plus(Duration::from_micros(days * 86_400_000_000 + fraction * 864))
}
