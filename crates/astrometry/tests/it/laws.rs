//! What must hold whatever the position, the site and the time.

use astrometry::{
    Atmosphere, EarthOrientation, LocalSky, Moment, OfDate, Separation, separation, separation_on_horizon,
};
use hifitime::{Epoch, TimeScale, Unit};
use proptest::prelude::*;
use vocabulary::{Equatorial, Equinox, Timestamp};

use crate::{equatorial, horizontal, moment, of_date, site, sky};

/// Any instant from 1950 to 2050.
fn instants() -> impl Strategy<Value = Timestamp> {
    let start: Timestamp = "1950-01-01T00:00:00Z".parse().unwrap();
    (0_u64..3_155_760_000_000_000).prop_map(move |micros| start.plus(std::time::Duration::from_micros(micros)))
}

/// Directions spread evenly over the sphere.
fn positions(equinox: Equinox) -> impl Strategy<Value = Equatorial> {
    (0.0..24.0_f64, -1.0..1.0_f64).prop_map(move |(hours, sine)| equatorial(hours, sine.asin().to_degrees(), equinox))
}

fn places() -> impl Strategy<Value = [f64; 3]> {
    [-90.0..90.0_f64, -180.0..180.0_f64, -400.0..5000.0_f64]
}

fn orientations() -> impl Strategy<Value = EarthOrientation> {
    (-0.9..0.9_f64, -0.6..0.6_f64, -0.6..0.6_f64)
        .prop_map(|(ut1, x, y)| EarthOrientation::new(ut1).unwrap().with_polar_motion(x, y).unwrap())
}

fn arcseconds(one: &Equatorial, other: &Equatorial) -> f64 {
    separation(one, other).unwrap().arcseconds()
}

proptest! {
    // A frame of date costs milliseconds in a debug build.
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn sidereal_time_at_greenwich_is_that_of_a_site_there(at in instants(), ut1 in -0.9..0.9_f64) {
        let sky = LocalSky::above(site([0.0, 0.0, 0.0]), Moment::new(at, EarthOrientation::new(ut1).unwrap()).unwrap()).unwrap();
        let apart = sky.apparent_sidereal_time().hours() - sky.of_date().greenwich_apparent_sidereal_time().hours();
        prop_assert!(((apart + 12.0).rem_euclid(24.0) - 12.0).abs() < 1e-9);
    }

    #[test]
    fn there_and_back_is_the_same_place(
        at in instants(), orientation in orientations(), place in places(), star in positions(Equinox::J2000), celsius in -20.0..30.0_f64
    ) {
        let sky = LocalSky::above(site(place), Moment::new(at, orientation).unwrap()).unwrap();
        let apparent = sky.of_date().convert(star, Equinox::OfDate).unwrap();
        let back = sky.of_date().convert(apparent, Equinox::J2000).unwrap();
        prop_assert!(arcseconds(&star, &back) < 0.001);

        let airless = sky.airless(star).unwrap();
        prop_assert!(separation_on_horizon(&airless, &sky.airless(apparent).unwrap()).arcseconds() < 1e-6);
        let back = sky.position_at_airless(airless, Equinox::J2000).unwrap();
        prop_assert!(arcseconds(&star, &back) < 0.001);
        let back = sky.position_at_airless(airless, Equinox::OfDate).unwrap();
        prop_assert!(arcseconds(&apparent, &back) < 0.001);

        let air = Atmosphere::expected_at(sky.site(), celsius).unwrap();
        let observed = sky.observed(star, &air).unwrap();
        // An altitude alone is lifted just as a star is, above those where SOFA bends its own formula.
        let lifted = air.refracted(airless.altitude).unwrap().value();
        prop_assert!(airless.altitude.value() < 3.0 || (lifted - observed.altitude.value()).abs() < 0.01 / 3600.0);
        let back = sky.position_at_observed(observed, &air, Equinox::J2000).unwrap();
        let altitude = airless.altitude.value();
        let tolerance = if altitude > 10.0 { 0.05 } else if altitude > 5.0 { 0.3 } else { 60.0 };
        if altitude > 0.0 {
            prop_assert!(arcseconds(&star, &back) < tolerance, "{} at {altitude}", arcseconds(&star, &back));
            prop_assert!((0.0..0.5).contains(&(observed.altitude.value() - altitude + 1e-9)));
        }
    }

    #[test]
    fn an_apparent_place_is_near_what_precession_alone_gives(at in instants(), star in positions(Equinox::J2000)) {
        // Precession is some 50.3 arcseconds a year of longitude; nutation, aberration and deflection add at most 17 + 20.5 + 1.8.
        let sky = OfDate::at(Moment::new(at, EarthOrientation::default()).unwrap()).unwrap();
        let apparent = sky.convert(star, Equinox::OfDate).unwrap();
        let moved = arcseconds(&Equatorial { equinox: Equinox::OfDate, ..star }, &apparent);
        let years = (sky.moment().tt().centuries_since_j2000() * 100.0).abs();
        prop_assert!(moved <= 50.4 * years + 40.0, "{moved} arcseconds in {years} years");
    }

    #[test]
    fn the_hour_angle_puts_what_culminates_on_the_meridian(at in instants(), place in places(), declination in -89.0..89.0_f64) {
        let sky = LocalSky::above(site(place), Moment::new(at, EarthOrientation::default()).unwrap()).unwrap();
        let culminating = equatorial(sky.apparent_sidereal_time().hours(), declination, Equinox::OfDate);
        prop_assert!(sky.hour_angle(culminating).unwrap().hours().abs() < 1e-9);
        let seen = sky.airless(culminating).unwrap();
        let expected = horizontal(90.0 - (place[0] - declination).abs().min(180.0), if declination > place[0] { 0.0 } else { 180.0 });
        // Diurnal aberration, at most 0.32 arcseconds, shifts it to the east.
        prop_assert!(separation_on_horizon(&seen, &expected).arcseconds() < 0.33);
    }

    #[test]
    fn sun_and_moon_are_where_they_can_be(at in instants(), place in places()) {
        let sky = LocalSky::above(site(place), Moment::new(at, EarthOrientation::default()).unwrap()).unwrap();
        let (sun, moon) = (sky.sun().unwrap(), sky.moon().unwrap());
        prop_assert!(sun.of_date.declination.value().abs() < 23.5);
        prop_assert!((0.98..1.02).contains(&sun.distance.astronomical_units()));
        prop_assert!(moon.of_date.declination.value().abs() < 30.0);
        prop_assert!((349_000.0..414_000.0).contains(&moon.distance.kilometres()));
        let parallax = arcseconds(&moon.of_date, &sky.of_date().moon().unwrap().of_date);
        prop_assert!(parallax < 62.0 * 60.0);
        prop_assert!(arcseconds(&sun.of_date, &sky.of_date().sun().unwrap().of_date) < 9.0);
        let back = sky.of_date().convert(moon.of_date, Equinox::J2000).unwrap();
        prop_assert!(sky.separation_from_moon(back).unwrap().arcseconds() < 0.001);
        let phase = sky.of_date().moon_phase().unwrap();
        prop_assert!((0.0..=1.0).contains(&phase.illuminated.fraction()));
        // The Moon's latitude of at most 5.3 degrees is what parts the lit fraction from that of the longitude.
        let by_longitude = (1.0 - phase.longitude.degrees().to_radians().cos()) / 2.0;
        prop_assert!((phase.illuminated.fraction() - by_longitude).abs() < 0.01);
    }
}

proptest! {
    #[test]
    fn separation_is_a_distance(
        a in positions(Equinox::J2000), b in positions(Equinox::J2000), c in positions(Equinox::J2000)
    ) {
        let between = |one, other| separation(one, other).unwrap().degrees();
        prop_assert_eq!(between(&a, &a), 0.0);
        prop_assert_eq!(between(&a, &b), between(&b, &a));
        prop_assert!((0.0..=180.0).contains(&between(&a, &b)));
        prop_assert!(between(&a, &c) <= between(&a, &b) + between(&b, &c) + 1e-12);
    }

    #[test]
    fn terrestrial_time_is_what_hifitime_says(at in instants()) {
        // hifitime keeps the leap seconds that the IERS announced, from 1972 on.
        prop_assume!(at >= "1972-01-01T00:00:00Z".parse().unwrap());
        let ours = Moment::new(at, EarthOrientation::default()).unwrap().tt();
        let theirs = Epoch::from_unix_duration(at.unix_seconds() * Unit::Second).to_duration_in_time_scale(TimeScale::TT);
        let days_since_1900 = (ours.day() - 2_415_020.5) + ours.fraction();
        // A double holds 0.5 microseconds of Unix time.
        prop_assert!((days_since_1900 * 86_400.0 - theirs.to_seconds()).abs() < 2e-6, "{days_since_1900} {theirs:?}");
    }
}

/// Where a naive formula loses digits: next to nothing, next to the opposite, at the poles, and across 24 h.
#[test]
fn separations_near_their_ends() {
    let check = |one: [f64; 2], other: [f64; 2], degrees: f64| {
        let of = |[hours, degrees]: [f64; 2]| equatorial(hours, degrees, Equinox::J2000);
        let ours = separation(&of(one), &of(other)).map(Separation::degrees).unwrap();
        assert!((ours - degrees).abs() <= 1e-13 + degrees * 1e-13, "{one:?} {other:?}: {ours} instead of {degrees}");
        let of = |[hours, degrees]: [f64; 2]| horizontal(degrees, hours * 15.0);
        let ours = separation_on_horizon(&of(one), &of(other)).degrees();
        assert!((ours - degrees).abs() <= 1e-13 + degrees * 1e-13, "{one:?} {other:?}: {ours} over the horizon");
    };
    check([5.0, 10.0], [5.0, 10.0], 0.0);
    check([0.0, 0.0], [1e-9 / 15.0, 0.0], 1e-9);
    check([0.0, 0.0], [0.0, 1e-9], 1e-9);
    check([0.0, 0.0], [12.0, 0.0], 180.0);
    check([0.0, 0.0], [12.0, 1e-9], 180.0 - 1e-9);
    check([0.0, 90.0], [17.0, 90.0], 0.0);
    check([3.0, 90.0], [17.0, -90.0], 180.0);
    check([23.999, 0.0], [0.001, 0.0], 0.03);
    check([6.0, 45.0], [18.0, 45.0], 90.0);
}

/// The Sun's gravity bends light most next to its disc, where going back is hardest.
#[test]
fn there_and_back_next_to_the_sun() {
    for at in ["2026-11-21T20:15:00Z", "2024-04-08T18:17:00Z", "1999-12-31T23:59:59Z"] {
        let sky = of_date(at);
        let sun = sky.sun().unwrap().of_date;
        for offset_degrees in [0.0, 0.001, 0.1, 0.2, 0.266, 0.27, 0.3, 1.0, 5.0, 45.0] {
            let beside =
                equatorial(sun.right_ascension.value(), sun.declination.value() + offset_degrees, Equinox::OfDate);
            let back = sky.convert(sky.convert(beside, Equinox::J2000).unwrap(), Equinox::OfDate).unwrap();
            let off = arcseconds(&beside, &back);
            assert!(off < 0.001, "{at}, {offset_degrees} degrees from the Sun: {off} arcseconds");
        }
    }
}

/// A second of UT1 turns the sky by 15 arcseconds: the price of not knowing UT1-UTC.
#[test]
fn the_horizon_turns_with_ut1() {
    let at: Timestamp = "2026-11-21T20:15:00Z".parse().unwrap();
    let star = equatorial(19.6, 0.0, Equinox::OfDate);
    let seen = |ut1_minus_utc: f64| {
        let moment = Moment::new(at, EarthOrientation::new(ut1_minus_utc).unwrap()).unwrap();
        LocalSky::above(site([0.0, -70.0, 0.0]), moment).unwrap().airless(star).unwrap()
    };
    let turned = separation_on_horizon(&seen(0.0), &seen(0.9)).arcseconds();
    assert!((turned - 0.9 * 15.041).abs() < 0.001, "{turned}");
}

/// Leap seconds, the years of drifting UTC, and before there was UTC.
#[test]
fn terrestrial_time_over_the_decades() {
    let check = |at: &str, tt_minus_utc_seconds: f64| {
        let moment = moment(at);
        let ours = (moment.tt().fraction() - moment.utc().fraction()) * 86_400.0;
        assert!((ours - tt_minus_utc_seconds).abs() < 1e-6, "{at}: {ours}");
        assert_eq!(moment.tt().day(), moment.utc().day());
    };
    check("2016-12-31T12:00:00Z", 68.184);
    check("2016-12-31T23:59:59.999999Z", 68.184);
    check("2017-01-01T00:00:00Z", 69.184);
    check("2026-11-21T20:15:00Z", 69.184);
    check("2099-12-31T23:59:59Z", 69.184);
    check("1972-01-01T00:00:00Z", 42.184);
    // tai-utc.dat: 4.2131700 s + (MJD - 39126) × 0.002592 s, with MJD 41316 on that day.
    check("1971-12-31T00:00:00Z", 32.184 + 4.213_170 + (41_316.0 - 39_126.0) * 0.002_592);
    check("1955-11-11T11:11:11Z", 32.184);
    check("1900-01-01T00:00:00Z", 32.184);
}

/// The poles, the zenith and the date line have no special case.
#[test]
fn the_edges_of_the_earth_and_the_sky() {
    let at = "2026-11-21T20:15:00Z";
    for place in [[90.0, 0.0, 0.0], [-90.0, 180.0, 2835.0], [0.0, 180.0, 0.0], [0.0, -180.0, 0.0], [45.0, 0.0, -430.0]]
    {
        let sky = sky(place, at);
        for altitude in [-90.0, -45.0, 0.0, 45.0, 89.999_999, 90.0] {
            for azimuth in [0.0, 90.0, 180.0, 359.999_999] {
                let seen = horizontal(altitude, azimuth);
                for equinox in [Equinox::J2000, Equinox::OfDate] {
                    let back = sky.airless(sky.position_at_airless(seen, equinox).unwrap()).unwrap();
                    assert!(separation_on_horizon(&seen, &back).arcseconds() < 0.001, "{place:?} {seen:?} {back:?}");
                }
            }
        }
    }
    let (east, west) = (sky([0.0, 180.0, 0.0], at), sky([0.0, -180.0, 0.0], at));
    let star = equatorial(6.0, 20.0, Equinox::J2000);
    assert!(separation_on_horizon(&east.airless(star).unwrap(), &west.airless(star).unwrap()).arcseconds() < 1e-6);
}
