//! What is refused, and that each refusal says what to do instead.

use astrometry::{AstrometryError, Atmosphere, EarthOrientation, Moment, Site, separation};
use vocabulary::{Equinox, Latitude, Longitude};

use crate::{equatorial, horizontal, moment, site, sky};

const GREENWICH: [f64; 3] = [51.4779, -0.0015, 46.0];

fn check<T: std::fmt::Debug>(got: Result<T, AstrometryError>, expected: &str) {
    let text = got.unwrap_err().to_string();
    assert!(text.contains(expected), "{text:?} does not say {expected:?}");
    assert!(text.starts_with(|first: char| first.is_lowercase()), "{text:?}");
}

#[test]
fn times_without_an_ephemeris() {
    let at = |text: &str| Moment::new(text.parse().unwrap(), EarthOrientation::default());
    for text in ["1899-12-31T23:59:59Z", "2100-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"] {
        check(at(text), "outside 1900 to 2100");
    }
    for text in ["1900-01-01T00:00:00Z", "2099-12-31T23:59:59.999999Z"] {
        let sky = astrometry::LocalSky::above(site(GREENWICH), at(text).unwrap()).unwrap();
        assert!(sky.sun().is_ok() && sky.moon().is_ok(), "{text}");
    }
}

#[test]
fn earths_that_are_not_ours() {
    for seconds in [0.900_001, -1.0, f64::NAN, f64::INFINITY] {
        check(EarthOrientation::new(seconds), "ut1-utc in seconds");
    }
    let turned = EarthOrientation::new(-0.9).unwrap();
    check(turned.with_polar_motion(1.5, 0.0), "polar motion x");
    check(turned.with_polar_motion(0.0, f64::NAN), "polar motion y");
    let (latitude, longitude) = (Latitude::degrees(10.0).unwrap(), Longitude::degrees(20.0).unwrap());
    for metres in [-1_001.0, 20_001.0, f64::NAN] {
        check(Site::new(latitude, longitude, metres), "metres above the WGS-84 ellipsoid");
    }
}

#[test]
fn weather_that_is_none() {
    check(Atmosphere::new(-1.0, 10.0), "air pressure");
    check(Atmosphere::new(1013.0, 200.0), "air temperature");
    check(Atmosphere::new(f64::NAN, 10.0), "air pressure");
    let air = Atmosphere::new(1013.0, 10.0).unwrap();
    check(air.with_humidity(50.0), "a fraction from 0 to 1");
    check(air.with_wavelength(550.0), "0.3 to 20");
    check(Atmosphere::expected_at(&site(GREENWICH), f64::NAN), "air pressure");
    check(Atmosphere::expected_at(&site(GREENWICH), -273.15), "air temperature");
}

#[test]
fn a_mounts_own_equinox() {
    let sky = sky(GREENWICH, "2026-11-21T20:15:00Z");
    let mounts = equatorial(1.0, 2.0, Equinox::Mount);
    let star = equatorial(1.0, 2.0, Equinox::J2000);
    let air = Atmosphere::new(1013.0, 10.0).unwrap();
    check(sky.of_date().convert(mounts, Equinox::J2000), "mount's own equinox");
    check(sky.of_date().convert(mounts, Equinox::Mount), "mount's own equinox");
    check(sky.of_date().convert(star, Equinox::Mount), "mount's own equinox");
    check(sky.airless(mounts), "mount's own equinox");
    check(sky.observed(mounts, &air), "mount's own equinox");
    check(sky.position_at_airless(horizontal(45.0, 10.0), Equinox::Mount), "mount's own equinox");
    check(sky.hour_angle(mounts), "mount's own equinox");
    check(sky.separation_from_sun(mounts), "mount's own equinox");
    for equinox in [Equinox::J2000, Equinox::OfDate] {
        let same = equatorial(1.0, 2.0, equinox);
        assert_eq!(sky.of_date().convert(same, equinox).unwrap(), same);
    }
}

#[test]
fn positions_of_different_equinoxes() {
    let star = equatorial(1.0, 2.0, Equinox::J2000);
    check(separation(&star, &equatorial(1.0, 2.0, Equinox::OfDate)), "convert one of them first");
    check(separation(&equatorial(1.0, 2.0, Equinox::Mount), &star), "convert one of them first");
}

#[test]
fn julian_dates_are_what_the_almanac_says() {
    let j2000 = moment("2000-01-01T12:00:00Z");
    assert_eq!(j2000.utc().days(), 2_451_545.0);
    assert_eq!(j2000.ut1(), j2000.utc());
    assert!((j2000.tt().days() - 2_451_545.000_742_87).abs() < 1e-8);
    assert_eq!(j2000.timestamp().to_string(), "2000-01-01T12:00:00Z");
    assert_eq!(j2000.orientation(), EarthOrientation::default());
    // Rata die 1858-11-17 is the origin of the modified Julian date.
    assert_eq!(moment("1958-11-17T00:00:00Z").utc().days() - 2_400_000.5, 36_524.0);
}
