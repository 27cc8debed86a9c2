//! Tests of frames and places: against published examples, and laws that hold for any instant.

use astrometry::{Atmosphere, EarthOrientation, Site};
use proptest::prelude::*;
use vocabulary::{Latitude, Longitude, Timestamp};

use super::*;
use crate::{
    elements::Angle,
    vector::{dot, minus, norm},
};

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn far(a: &[f64; 3], b: &[f64; 3]) -> f64 {
    norm(&minus(a, b))
}

fn station(latitude: f64, longitude: f64, metres: f64) -> Station {
    let latitude = Latitude::degrees(latitude).unwrap();
    Station::at(Site::new(latitude, Longitude::degrees(longitude).unwrap(), metres).unwrap())
}

/// The example of AIAA 2006-6753, appendix C (satellite 5 in 2004); its Julian date in one number is good to 20 microseconds,
/// and its velocities leave out that the equinox itself moves (7e-12 radians a second).
#[test]
fn the_published_example_of_teme() {
    let when = time("2004-04-06T07:51:28.386009Z");
    let row = "04 4 6 53101.00 I -0.140682 0.000010  0.333309 0.000010  I-0.4399619 0.0000100";
    let next = "04 4 7 53102.00 I -0.140682 0.000010  0.333309 0.000010  I-0.4399619 0.0000100";
    let table = Orientations::from_finals2000a(&format!("{row}\n{next}\n")).unwrap();
    let earth = Earth::at(when, table.at(when));
    let teme = State::<Teme>::new(
        [5_094.180_162_1, 6_127.644_659_5, 6_380.344_532_7],
        [-4.746_131_487, 0.785_818_041, 5.531_931_288],
    );

    let pef = earth.pef(&teme);
    assert!(far(&pef.position_km, &[-1_033.475_031_3, 7_901.305_585_6, 6_380.344_532_7]) < 2e-5, "{pef:?}");
    assert!(far(&pef.velocity_km_s, &[-3.225_632_747, -2.872_442_511, 5.531_931_288]) < 1e-7, "{pef:?}");
    let itrf = earth.itrf(&teme);
    assert!(far(&itrf.position_km, &[-1_033.479_383, 7_901.295_275_4, 6_380.356_595_8]) < 2e-5, "{itrf:?}");
    assert!(far(&itrf.velocity_km_s, &[-3.225_636_52, -2.872_451_45, 5.531_924_446]) < 1e-7, "{itrf:?}");
    // There nutation is of 1980 with the observed corrections, here of 2000A: they agree within metres.
    let gcrs = Celestial::over(&earth).unwrap().gcrs(&teme);
    assert!(far(&gcrs.position_km, &[5_102.508_957_9, 6_123.011_400_7, 6_378.136_928_2]) < 2e-3, "{gcrs:?}");
    assert!(far(&gcrs.velocity_km_s, &[-4.743_220_157, 0.790_536_497, 5.533_755_727]) < 2e-6, "{gcrs:?}");
}

#[test]
fn there_and_back() {
    let when = time("2026-03-01T11:22:33.444555Z");
    let earth = Earth::at(when, Orientations::bundled().at(when));
    let celestial = Celestial::over(&earth).unwrap();
    let teme = State::<Teme>::new([-3000.0, 5500.0, 2750.0], [-5.5, -4.4, 3.3]);
    for again in [earth.teme(&earth.itrf(&teme)), celestial.teme(&celestial.gcrs(&teme))] {
        assert!(far(&again.position_km, &teme.position_km) < 1e-11);
        assert!(far(&again.velocity_km_s, &teme.velocity_km_s) < 1e-14);
    }
    assert!(far(&earth.over_ground(&teme.position_km), &earth.itrf(&teme).position_km) < 1e-11);
}

#[test]
fn velocity_over_the_ground_is_how_the_position_changes() {
    let start = time("2026-03-01T00:00:00Z");
    let teme = |seconds: f64| State::<Teme>::new([7000.0 + 2.0 * seconds, 3.0 * seconds, 5000.0], [2.0, 3.0, 0.0]);
    let at = |seconds: u64| {
        let when = start.plus(std::time::Duration::from_secs(seconds));
        Earth::at(when, Orientation::default()).itrf(&teme(seconds as f64))
    };
    let (before, middle, after) = (at(0), at(1), at(2));
    let change: [f64; 3] = std::array::from_fn(|axis| (after.position_km[axis] - before.position_km[axis]) / 2.0);
    assert!(far(&change, &middle.velocity_km_s) < 1e-7, "{change:?} {middle:?}");
}

#[test]
fn a_table_of_the_iers() {
    let table = Orientations::bundled();
    let check = |at: &str, ut1: f64, pole: (f64, f64), knowledge: Knowledge| {
        let orientation = table.at(time(at));
        assert!((orientation.ut1_minus_utc_seconds() - ut1).abs() < 1e-12, "{at}: {orientation:?}");
        let (x, y) = orientation.earth().polar_motion_arcseconds();
        assert!((x - pole.0).abs() < 1e-12 && (y - pole.1).abs() < 1e-12, "{at}: {orientation:?}");
        assert_eq!(orientation.knowledge(), knowledge, "{at}");
    };
    check("2021-01-01T00:00:00Z", -0.175_360_6, (0.068_691, 0.304_048), Knowledge::Observed);
    check("2021-01-01T12:00:00Z", -0.175_100_7, (0.068_184_5, 0.304_746_5), Knowledge::Observed);
    check("2027-10-29T00:00:00Z", -0.208_143_1, (0.179_319, 0.276_208), Knowledge::Predicted);
    check("2027-10-29T00:00:01Z", 0.0, (0.0, 0.0), Knowledge::Assumed);
    check("2020-12-31T23:59:59Z", 0.0, (0.0, 0.0), Knowledge::Assumed);
    // Known to millimetres, or honestly not.
    assert!(table.at(time("2021-01-01T12:00:00Z")).ground_bound_km() < 1e-5);
    assert!((0.4..0.5).contains(&Orientation::default().ground_bound_km()));
    assert!((0.01..0.02).contains(&table.at(time("2027-10-20T00:00:00Z")).ground_bound_km()));
}

#[test]
fn a_leap_second_is_stepped_over() {
    let table = Orientations::from_finals2000a(
        "161231 57753.00 I  0.080000 0.000010  0.270000 0.000010  I-0.4070000 0.0000100\n\
         17 1 1 57754.00 I  0.080000 0.000010  0.270000 0.000010  I 0.5910000 0.0000100\n",
    )
    .unwrap();
    let at = |text: &str| table.at(time(text)).ut1_minus_utc_seconds();
    assert!((at("2016-12-31T12:00:00Z") + 0.408).abs() < 1e-9);
    assert!((at("2017-01-01T00:00:00Z") - 0.591).abs() < 1e-12);
}

#[test]
fn tables_that_are_none() {
    let row = "21 1 1 59215.00 I  0.068691 0.000053  0.304048 0.000048  I-0.1753606 0.0000080";
    let check = |text: String, said: &str| {
        let error = Orientations::from_finals2000a(&text).unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
    };
    check(String::new(), "no day with ut1-utc");
    check(format!("{row}\n{row}\n"), "line 2 is not the day after");
    check(row.replace("-0.1753606", "-0.17x3606"), "line 1 has no ut1-utc in columns 59 to 68");
    check(row.replace("-0.1753606", "-1.1753606"), "line 1 has no ut1-utc within 0.9 s");
    check(row[..70].to_owned(), "line 1 has no error of ut1-utc in columns 69 to 78");
    check(row.replace("0.304048", "0.3é048"), "line 1 has no");
}

#[test]
fn places_by_the_ellipsoid() {
    let check = |position: [f64; 3], latitude: f64, longitude: f64, height: f64| {
        let place = Geodetic::of_position(&position);
        let got = (place.latitude.to_degrees(), place.longitude.to_degrees(), place.height_km);
        let near = (got.0 - latitude).abs() < 1e-11 && (got.1 - longitude).abs() < 1e-11;
        assert!(near && (got.2 - height).abs() < 1e-9, "{position:?}: {got:?}");
    };
    check([6378.137, 0.0, 0.0], 0.0, 0.0, 0.0);
    check([0.0, 6778.137, 0.0], 0.0, 90.0, 400.0);
    check([-42_164.137, 0.0, 0.0], 0.0, 180.0, 35_786.0);
    check([0.0, 0.0, 6_356.752_314_245_179 + 800.0], 90.0, 0.0, 800.0);
    check([0.0, 0.0, -6_356.752_314_245_179], -90.0, 0.0, 0.0);
    assert!(Geodetic::of_position(&[0.0; 3]).height_km < -6_000.0);
}

#[test]
fn looks() {
    let here = station(0.0, 0.0, 0.0);
    let overhead = here.look(&State::new([6878.137, 0.0, 0.0], [0.0, 7.0, 0.0]));
    assert!((overhead.elevation.to_degrees() - 90.0).abs() < 1e-9 && (overhead.range_km - 500.0).abs() < 1e-9);
    assert_eq!((overhead.azimuth_rate, overhead.elevation_rate), (None, None));
    assert!(overhead.range_rate_km_s.abs() < 1e-12);
    let check = |position: [f64; 3], azimuth: f64, elevation: f64| {
        let look = here.look(&State::new(position, [0.0, 0.0, 1.0]));
        let got = (look.azimuth.to_degrees(), look.elevation.to_degrees());
        assert!((got.0 - azimuth).abs() < 1e-9 && (got.1 - elevation).abs() < 1e-9, "{position:?}: {got:?}");
    };
    check([6878.137, 500.0, 0.0], 90.0, 45.0);
    check([6878.137, 0.0, 500.0], 0.0, 45.0);
    check([6878.137, 0.0, -500.0], 180.0, 45.0);
    check([6878.137, -500.0, 0.0], 270.0, 45.0);
    check([6378.137, 300.0, 300.0], 45.0, 0.0);
}

#[test]
fn refraction_lifts_what_is_up() {
    let air = Atmosphere::new(1013.25, 10.0).unwrap();
    let seen = |elevation: f64| {
        let (sine, cosine) = elevation.to_radians().sin_cos();
        let look = station(0.0, 0.0, 0.0).look(&State::new([6378.137 + 500.0 * sine, 500.0 * cosine, 0.0], [0.0; 3]));
        look.refracted_elevation(&air).unwrap().to_degrees()
    };
    assert!(((seen(10.0) - 10.0) * 60.0 - 5.3).abs() < 0.1, "{}", seen(10.0));
    assert!(((seen(45.0) - 45.0) * 60.0 - 0.98).abs() < 0.02, "{}", seen(45.0));
    assert!((seen(-5.0) + 5.0).abs() < 1e-9);
    assert!(seen(90.0) <= 90.0);
}

proptest! {
    #[test]
    fn geodetic_goes_back_and_forth(latitude in -90.0..90.0_f64, longitude in -180.0..180.0_f64, height_km in -50.0..500_000.0_f64) {
        let place = Geodetic { latitude: Angle::degrees(latitude), longitude: Angle::degrees(longitude), height_km };
        let again = Geodetic::of_position(&place.position_km());
        prop_assert!((again.height_km - height_km).abs() < 1e-8);
        prop_assert!((again.latitude.to_degrees() - latitude).abs() < 1e-10);
        prop_assert!(far(&again.position_km(), &place.position_km()) < 1e-8);
    }

    #[test]
    fn rates_are_how_the_look_changes(
        latitude in -90.0..90.0_f64,
        longitude in -180.0..180.0_f64,
        position in prop::array::uniform3(-9000.0..9000.0_f64),
        velocity in prop::array::uniform3(-8.0..8.0_f64),
    ) {
        let here = station(latitude, longitude, 200.0);
        let moved = |seconds: f64| here.look(&State::new(crate::vector::plus(&position, seconds, &velocity), velocity));
        let (before, now, after) = (moved(-0.5), moved(0.0), moved(0.5));
        let up = dot(&minus(&position, here.position_km()), &here.axes()[2]).abs() / now.range_km;
        prop_assume!(now.range_km > 500.0 && up < 0.95);
        let turned = (after.azimuth.to_degrees() - before.azimuth.to_degrees() + 540.0).rem_euclid(360.0) - 180.0;
        prop_assert!((turned - now.azimuth_rate.unwrap().degrees_per_second()).abs() < 2e-3 * (1.0 + turned.abs()));
        let risen = after.elevation.to_degrees() - before.elevation.to_degrees();
        prop_assert!((risen - now.elevation_rate.unwrap().degrees_per_second()).abs() < 2e-3);
        prop_assert!((after.range_km - before.range_km - now.range_rate_km_s).abs() < 1e-4);
    }

    #[test]
    fn a_table_never_panics(text in ".{0,200}") {
        let _either = Orientations::from_finals2000a(&text);
    }
}

#[test]
fn what_is_assumed_is_what_astrometry_assumes() {
    assert_eq!(Orientations::unknown().at(time("2026-01-01T00:00:00Z")).earth(), EarthOrientation::default());
    assert_eq!(Orientations::unknown().at(time("2026-01-01T00:00:00Z")).knowledge(), Knowledge::Assumed);
}
