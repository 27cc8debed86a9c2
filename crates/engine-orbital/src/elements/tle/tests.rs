//! Tables of lines: what is read, what is refused and where, what is written.

use super::*;
use crate::{Angle, Form, Origin};

const FIRST: &str = "1 00900U 64063C   21234.90231961  .00000213  00000-0  21758-3 0  9993";
const SECOND: &str = "2 00900  90.1638  35.5804 0027095 195.3942 333.7357 13.73573692829678";

fn calsphere() -> Elements {
    Elements {
        name: None,
        norad: NoradId::new(900).unwrap(),
        classification: 'U',
        designator: "1964-063C".to_owned(),
        epoch: "2021-08-22T21:39:20.414304Z".parse().unwrap(),
        mean_motion_revolutions_per_day: 13.735_736_92,
        mean_motion_dot: 0.000_002_13,
        mean_motion_ddot: 0.0,
        bstar: 0.000_217_58,
        eccentricity: 0.002_709_5,
        inclination: Angle::degrees(90.1638),
        ascending_node: Angle::degrees(35.5804),
        argument_of_perigee: Angle::degrees(195.3942),
        mean_anomaly: Angle::degrees(333.7357),
        ephemeris_type: 0,
        element_set: 999,
        revolution: 82_967,
    }
}

/// A line with other text from a column on, and the checksum that it then has.
fn with(line: &str, column: usize, text: &str) -> String {
    let mut changed = line.to_owned();
    changed.replace_range(column - 1..column - 1 + text.len(), text);
    format!("{}{}", &changed[..68], checksum(&changed))
}

#[test]
fn two_lines_are_elements_and_back() {
    let set = Elements::from_tle(FIRST, SECOND).unwrap();
    assert_eq!(set, calsphere());
    assert_eq!(set.to_tle().unwrap(), [FIRST, SECOND]);
}

#[test]
fn columns_of_the_first_line() {
    let check = |column: usize, text: &str, expected: fn(&mut Elements)| {
        let mut set = calsphere();
        expected(&mut set);
        let line = with(FIRST, column, text);
        assert_eq!(Elements::from_tle(&line, SECOND), Ok(set), "{text:?} in column {column}");
    };
    check(3, "  900", |_| ());
    check(8, "S", |set| set.classification = 'S');
    check(8, " ", |_| ());
    check(10, "        ", |set| set.designator.clear());
    check(10, "57001AAA", |set| set.designator = "1957-001AAA".to_owned());
    check(10, "56001A  ", |set| set.designator = "2056-001A".to_owned());
    check(10, "1964-63C", |set| set.designator = "1964-63C".to_owned());
    check(19, "57001.00000000", |set| set.epoch = "1957-01-01T00:00:00Z".parse().unwrap());
    check(19, "56366.99999999", |set| set.epoch = "2056-12-31T23:59:59.999136Z".parse().unwrap());
    check(19, " 0  1.5       ", |set| set.epoch = "2000-01-01T12:00:00Z".parse().unwrap());
    check(34, "-.00000119", |set| set.mean_motion_dot = -0.000_001_19);
    check(34, "+.99999999", |set| set.mean_motion_dot = 0.999_999_99);
    check(45, "-30915-6", |set| set.mean_motion_ddot = -0.309_15e-6);
    check(54, "-46579+1", |set| set.bstar = -4.6579);
    check(54, "        ", |set| set.bstar = 0.0);
    check(54, " 00012-9", |set| set.bstar = 0.000_12e-9);
    check(63, " ", |_| ());
    check(63, "2", |set| set.ephemeris_type = 2);
    check(65, "   7", |set| set.element_set = 7);
    check(65, "    ", |set| set.element_set = 0);
}

#[test]
fn what_is_wrong_in_a_line_is_said_with_its_column() {
    let check = |first: &str, second: &str, expected: &str| {
        let said = Elements::from_tle(first, second).unwrap_err().to_string();
        assert_eq!(said, expected);
    };
    let one = |column: usize, text: &str, expected: &str| check(&with(FIRST, column, text), SECOND, expected);
    let two = |column: usize, text: &str, expected: &str| check(FIRST, &with(SECOND, column, text), expected);
    one(
        3,
        "I0900",
        "line 1, column 3: catalogue number \"I0900\": five digits, or a letter other than I and O and four digits is expected",
    );
    one(8, "?", "line 1, column 8: classification \"?\": U, C or S is expected");
    one(19, "x1", "line 1, column 19: epoch \"x1\": two digits of a year is expected");
    one(
        21,
        "366",
        "line 1, column 21: epoch \"366.90231961\": a day of that year, with up to eight decimals is expected",
    );
    one(
        21,
        "000",
        "line 1, column 21: epoch \"000.90231961\": a day of that year, with up to eight decimals is expected",
    );
    one(
        34,
        " .0000x213",
        "line 1, column 34: first derivative of the mean motion \" .0000x213\": a number with a point is expected",
    );
    one(
        54,
        " 2.758-3",
        "line 1, column 54: drag term \" 2.758-3\": a sign or a blank, five digits and an exponent, as -12345-3 is expected",
    );
    one(63, "4", "line 1, column 63: ephemeris type \"4\" is not supported: only SGP4 (not SGP4-XP) is");
    two(3, "00901", "line 2, column 3: line 2 is of 901, line 1 of 900: put the two lines of one object together");
    two(9, "390.1638", "line 2, column 9: inclination \"390.1638\": degrees from 0 to 360 is expected");
    two(
        27,
        "-027095",
        "line 2, column 27: eccentricity \"-027095\": seven digits, without the point before them is expected",
    );
    two(53, " 0.00000000", "line 2, column 53: mean motion \" 0.00000000\": revolutions a day above 0 is expected");
    let short =
        "line 1, column 69: the line ends after 68 of 69 characters: give the whole line, or count the blanks in it";
    check(&FIRST[..68], SECOND, short);
    check(
        &FIRST.replace('U', "é"),
        SECOND,
        "line 1, column 8: 'é' is no character of a TLE: only ASCII stands in its two lines",
    );
    check(
        &format!("{FIRST}7"),
        SECOND,
        "line 1, column 70: '7' is no character of a TLE: only ASCII stands in its two lines",
    );
    let checksum = "line 2, column 69: checksum '9' where the line adds up to 8: fetch the set again, or read it with checksums ignored";
    check(FIRST, &format!("{}9", &SECOND[..68]), checksum);
    check(SECOND, FIRST, "line 1, column 1: line number \"2 \": 1 and a blank is expected");
}

#[test]
fn sets_are_found_among_names_and_strays() {
    let check = |text: &str, expected: &[Result<Option<&str>, &str>]| {
        let found = read(text, Checksums::Verified).into_iter().map(|set| match set {
            Ok(set) => Ok(set.name),
            Err(misread) => Err(misread.to_string()),
        });
        let expected = expected.iter().map(|one| one.map(|name| name.map(str::to_owned)).map_err(str::to_owned));
        assert_eq!(found.collect::<Vec<_>>(), expected.collect::<Vec<_>>(), "{text}");
    };
    let pair = format!("{FIRST}\n{SECOND}\n");
    check("", &[]);
    check(&pair, &[Ok(None)]);
    check(&pair.replace('\n', "     \r\n\r\n"), &[Ok(None)]);
    check(&format!("{FIRST}\n{SECOND}    0.0   4320.0   360.00"), &[Ok(None)]);
    check(&format!("CALSPHERE 1    \n{pair}{pair}"), &[Ok(Some("CALSPHERE 1")), Ok(None)]);
    check(&format!("0 1 KUNS-PF\n{pair}# a word\n2 SATS\n{pair}"), &[Ok(Some("1 KUNS-PF")), Ok(Some("2 SATS"))]);
    check(&format!("UNKNOWN\n{pair}"), &[Ok(None)]);
    let without_two = "line 2, column 1: line 1 without line 2: each set is an optional name, then line 1, then line 2";
    check(&format!("A\n{FIRST}\nB\n{pair}"), &[Err(without_two), Ok(Some("B"))]);
    check(&format!("A\n{FIRST}\n{pair}"), &[Err(without_two), Ok(None)]);
    let without_one = "line 1, column 1: line 2 without line 1: each set is an optional name, then line 1, then line 2";
    check(&format!("{SECOND}\n{pair}"), &[Err(without_one), Ok(None)]);
    let alone =
        "line 1, column 1: a name without its two lines: each set is an optional name, then line 1, then line 2";
    check(&format!("A\nB\n{pair}"), &[Err(alone), Ok(Some("B"))]);
    check("A", &[Err(alone)]);
}

#[test]
fn checksums_can_be_ignored() {
    let text = format!("{}\n{}0", &FIRST[..68], &SECOND[..68]);
    assert!(Form::Tle.read(&text, Checksums::Verified).iter().all(Result::is_err));
    assert_eq!(Form::Tle.read(&text, Checksums::Ignored), [Ok(calsphere())]);
}

#[test]
fn what_does_not_fit_is_refused_until_it_is_rounded() {
    let check = |change: fn(&mut Elements), expected: &str, is_cured: bool| {
        let mut set = calsphere();
        change(&mut set);
        assert_eq!(set.to_tle().unwrap_err().to_string(), expected);
        assert_eq!(set.rounded_for_tle().to_tle().is_ok(), is_cured, "{expected}");
    };
    let id = "the catalogue number 340000 of 340000 does not fit a TLE: write an OMM: alpha-5 ends at 339999";
    check(|set| set.norad = NoradId::new(340_000).unwrap(), id, false);
    let late = "the epoch 2057-01-01T00:00:00Z of 900 does not fit a TLE: write an OMM: a TLE has two digits for the years 1957 to 2056";
    check(|set| set.epoch = "2057-01-01T00:00:00Z".parse().unwrap(), late, false);
    let fine = "the epoch 2021-08-22T21:39:20.414305Z of 900 does not fit a TLE: write an OMM, or round to the steps of 864 µs that a TLE holds";
    check(|set| set.epoch = "2021-08-22T21:39:20.414305Z".parse().unwrap(), fine, true);
    let angle = "the inclination 51.64512 of 900 does not fit a TLE: write an OMM, or round to what a TLE holds";
    check(|set| set.inclination = Angle::degrees(51.645_12), angle, true);
    let anomaly = "the mean anomaly -10.0 of 900 does not fit a TLE: write an OMM, or round to what a TLE holds";
    check(|set| set.mean_anomaly = Angle::degrees(-10.0), anomaly, true);
    let drag = "the drag term 1e-15 of 900 does not fit a TLE: write an OMM, or round to what a TLE holds";
    check(|set| set.bstar = 1e-15, drag, true);
    let revolution =
        "the revolution number 123456 of 900 does not fit a TLE: write an OMM, or count from 0 again as a TLE does";
    check(|set| set.revolution = 123_456, revolution, true);
    let designator = "the international designator \"2057-001A\" of 900 does not fit a TLE: a launch from 1957 to 2056 as 1998-067A is expected";
    check(|set| set.designator = "2057-001A".to_owned(), designator, false);
    let motion = "the mean motion NaN of 900 does not fit a TLE: write an OMM, or round to what a TLE holds";
    check(|set| set.mean_motion_revolutions_per_day = f64::NAN, motion, false);
}

#[test]
fn names_go_back_as_they_came() {
    let origin = Origin { originator: "TESTS".to_owned(), created: calsphere().epoch };
    let check = |name: &str, expected: Option<&str>| {
        let set = Elements { name: Some(name.to_owned()), ..calsphere() };
        let written = Form::Tle.write(std::slice::from_ref(&set), &origin);
        let line = written.as_ref().ok().and_then(|text| text.lines().next());
        assert_eq!(line, expected, "{name:?}");
        if let Ok(text) = written {
            assert_eq!(Elements::read(&text), Ok(vec![set]), "{name:?}");
        }
    };
    check("CALSPHERE 1", Some("CALSPHERE 1"));
    check("0 ZERO", Some("0 0 ZERO"));
    check("# 1", Some("0 # 1"));
    check("1 00900 X", Some("0 1 00900 X"));
    check("[{<é", Some("[{<é"));
    check("\u{feff}MARK", Some("0 \u{feff}MARK"));
    check(" blank", None);
    check("two\nlines", None);
    check("", None);
    check("UNKNOWN", None);
}
