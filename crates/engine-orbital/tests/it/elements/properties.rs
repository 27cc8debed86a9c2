//! Laws of the readers and writers for whatever a form can hold, and for noise.

use engine_orbital::{Angle, Checksums, Elements, Form, NoradId, catalogue};
use proptest::{option, prelude::*, sample::Index};
use vocabulary::Timestamp;

use super::origin;

/// Years 1957 to 2056 as microseconds since 1970, which is what a TLE can say.
const TLE_YEARS_MICROSECONDS: std::ops::Range<i64> = -410_227_200_000_000..2_745_446_400_000_000;

fn instant(microseconds: i64) -> Timestamp {
    let nanoseconds = i128::from(microseconds) * 1000;
    Timestamp::new(time::OffsetDateTime::from_unix_timestamp_nanos(nanoseconds).unwrap())
}

fn name() -> impl Strategy<Value = Option<String>> {
    let name = "[!-~äΩ☃][ -~äΩ☃]{0,30}".prop_map(|text| text.trim().to_owned());
    option::of(name.prop_filter("a word for no name", |text| !text.is_empty() && text != "UNKNOWN"))
}

fn angle() -> impl Strategy<Value = Angle> {
    prop_oneof![Just(0.0), Just(360.0), 0.0..360.0].prop_map(Angle::degrees)
}

fn small() -> impl Strategy<Value = f64> {
    let scaled = (-1.0..1.0, -14..2_i32).prop_map(|(value, exponent): (f64, i32)| value * 10_f64.powi(exponent));
    prop_oneof![Just(0.0), scaled]
}

prop_compose! {
    fn identity()(
        name in name(),
        norad in prop_oneof![0..340_000_u32, 0..=NoradId::MAX],
        classification in "[UCS]",
        designator in prop_oneof!["", "(19[5-9][0-9]|20[0-5][0-9])-[0-9]{3}[A-Z]{1,3}", "[!-~]([ -~]{0,5}[!-~])?"],
        ephemeris_type in prop_oneof![0..4_u8, 5..10_u8],
        element_set in 0..20_000_u32,
        revolution in 0..200_000_u32,
    ) -> (Option<String>, NoradId, char, String, u8, u32, u32) {
        let letter = classification.chars().next().unwrap();
        let designator = if designator == "UNKNOWN" { String::new() } else { designator };
        (name, NoradId::new(norad).unwrap(), letter, designator, ephemeris_type, element_set, revolution)
    }
}

prop_compose! {
    /// Elements with all the digits that an OMM can hold.
    fn elements()(
        (name, norad, classification, designator, ephemeris_type, element_set, revolution) in identity(),
        epoch in TLE_YEARS_MICROSECONDS.prop_map(instant),
        motion in prop_oneof![1e-8..0.1, 0.1..20.0, 20.0..99.0],
        mean_motion_dot in -0.99..0.99,
        mean_motion_ddot in small(),
        bstar in small(),
        eccentricity in 0.0..0.999_999,
        (inclination, ascending_node) in (angle(), angle()),
        (argument_of_perigee, mean_anomaly) in (angle(), angle()),
    ) -> Elements {
        Elements {
            name, norad, classification, designator, epoch,
            mean_motion_revolutions_per_day: motion,
            mean_motion_dot, mean_motion_ddot, bstar, eccentricity,
            inclination, ascending_node, argument_of_perigee, mean_anomaly,
            ephemeris_type, element_set, revolution,
        }
    }
}

/// One real set in this form, with some bytes of it written over.
fn damaged(form: Form, start: Index, changes: Vec<(Index, char)>) -> String {
    let lines = catalogue::ACTIVE.lines().skip(3 * start.index(3_000)).take(6).collect::<Vec<_>>();
    let text = form.write(&Elements::read(&lines.join("\n")).unwrap(), &origin()).unwrap();
    let mut letters = text.chars().collect::<Vec<_>>();
    for (place, letter) in changes {
        let place = place.index(letters.len());
        letters[place] = letter;
    }
    letters.into_iter().collect()
}

proptest! {
    #[test]
    fn an_omm_comes_back_as_it_was(sets in prop::collection::vec(elements(), 1..4)) {
        for form in [Form::OmmJson, Form::OmmXml, Form::OmmKvn, Form::OmmCsv] {
            let text = form.write(&sets, &origin()).unwrap();
            prop_assert_eq!(Form::of(&text), Ok(form));
            let again = form.read(&text, Checksums::Verified).into_iter().collect::<Result<Vec<_>, _>>();
            prop_assert_eq!(again.as_ref(), Ok(&sets), "{}:\n{}", form.name(), text);
        }
    }

    #[test]
    fn a_tle_comes_back_as_it_was_or_is_refused(set in elements()) {
        for set in [set.rounded_for_tle(), set] {
            if let Ok(text) = Form::Tle.write(std::slice::from_ref(&set), &origin()) {
                prop_assert_eq!(Elements::read(&text), Ok(vec![set]), "{}", text);
            }
        }
    }

    #[test]
    fn what_is_rounded_is_written(set in elements()) {
        let fits = set.norad.number() < 340_000;
        let rounded = Elements { designator: "1998-067A".to_owned(), ..set }.rounded_for_tle();
        prop_assert_eq!(rounded.to_tle().is_ok(), fits, "{:?}", rounded.to_tle());
        prop_assert_eq!(rounded.rounded_for_tle(), rounded);
    }

    #[test]
    fn noise_is_read_without_a_panic(text in "\\PC{0,200}", form in prop::sample::select(Form::ALL.to_vec())) {
        let _verdict = Elements::read(&text);
        let _verdicts = form.read(&text, Checksums::Ignored);
    }

    #[test]
    fn damage_is_read_without_a_panic(
        form in prop::sample::select(Form::ALL.to_vec()),
        start in any::<Index>(),
        changes in prop::collection::vec((any::<Index>(), any::<char>()), 0..4),
    ) {
        let text = damaged(form, start, changes);
        for misread in form.read(&text, Checksums::Verified).into_iter().filter_map(Result::err) {
            let line = text.split('\n').nth(misread.at.line - 1);
            prop_assert!(line.is_some_and(|line| misread.at.column <= line.chars().count() + 1), "{misread}\n{text}");
        }
    }
}
