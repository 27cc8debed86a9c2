//! Tests of shadow, Sun, ground tracks and footprints.

use std::time::Duration;

use astrometry::{Moment, OfDate, Site};
use proptest::prelude::*;
use vocabulary::{Latitude, Longitude, Timestamp};

use super::*;
use crate::{
    earth::{Celestial, Earth, Geodetic, Orientations, Station},
    vector::{between, norm, times},
};

const SUN_RADIUS_SEEN: f64 = 0.004_65;
const AU_KM: f64 = 149_597_870.7;

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn arcseconds(a: &[f64; 3], b: &[f64; 3]) -> f64 {
    between(a, b).to_degrees() * 3600.0
}

/// Between its points the almanac is what astrometry computes there.
#[test]
fn interpolation_is_as_good_as_said() {
    let from = time("2026-03-18T00:00:00Z");
    let almanac = Almanac::over(from, from.plus(Duration::from_secs(9 * 86_400)), Orientations::bundled()).unwrap();
    for hours in (0..=216).step_by(9) {
        let when = from.plus(Duration::from_secs(hours * 3600 + hours));
        let one = Almanac::over(when, when, Orientations::bundled()).unwrap();
        let Some(sun) = almanac.sun_km(when) else { break };
        assert!(arcseconds(&sun, &one.sun_km(when).unwrap()) < 0.01, "{when}");
        assert!(arcseconds(&almanac.moon_km(when).unwrap(), &one.moon_km(when).unwrap()) < 0.1, "{when}");
    }
    assert_eq!(almanac.sun_km(from.minus(Duration::from_secs(1))), None);
    assert_eq!(almanac.moon_km(from.plus(Duration::from_secs(9 * 86_400 + 1))), None);
}

#[test]
fn sun_and_moon_stand_where_the_sky_has_them() {
    for text in ["2021-08-22T03:04:05Z", "2026-03-20T14:46:00Z", "2027-06-01T12:00:00Z"] {
        let when = time(text);
        let almanac = Almanac::over(when, when, Orientations::bundled()).unwrap();
        let earth = Earth::at(when, Orientations::bundled().at(when));
        let of_date = OfDate::at(Moment::new(when, earth.orientation().earth()).unwrap()).unwrap();
        let celestial = Celestial::over(&earth).unwrap();
        for (body, ours) in [(of_date.sun(), almanac.sun_km(when)), (of_date.moon(), almanac.moon_km(when))] {
            let place = body.unwrap().of_date;
            let (right_ascension, declination) =
                ((place.right_ascension.value() * 15.0).to_radians(), place.declination.value().to_radians());
            let level = declination.cos();
            let direction = [level * right_ascension.cos(), level * right_ascension.sin(), declination.sin()];
            let in_teme = celestial.direction_in_teme(&crate::vector::back(of_date.axes(), &direction));
            assert!(arcseconds(&in_teme, &ours.unwrap()) < 1e-3, "{text}");
        }
    }
    // The equinox of 2026 (14:46 UTC on 20 March): the Sun is in the plane of the equator.
    let equinox = time("2026-03-20T14:46:00Z");
    let sun = Almanac::over(equinox, equinox, Orientations::bundled()).unwrap().sun_km(equinox).unwrap();
    assert!((sun[2] / norm(&sun)).abs() < 3e-5, "{sun:?}");
}

#[test]
fn light_and_shadow() {
    let sun = [AU_KM, 0.0, 0.0];
    let check = |satellite: [f64; 3], visible: std::ops::RangeInclusive<f64>| {
        let light = Illumination::of(&satellite, &sun);
        assert!(visible.contains(&light.visible()), "{satellite:?}: {light:?}");
        // Half of the area is not quite the centre.
        if (light.visible() - 0.5).abs() > 0.02 {
            assert_eq!(is_sunlit(&satellite, &sun), light.visible() > 0.5, "{satellite:?}");
        }
    };
    check([7000.0, 0.0, 0.0], 1.0..=1.0);
    check([0.0, 7000.0, 0.0], 1.0..=1.0);
    check([-7000.0, 0.0, 0.0], 0.0..=0.0);
    check([-42_164.0, 0.0, 0.0], 0.0..=0.0);
    check([-42_164.0, 6_700.0, 0.0], 1.0..=1.0);
    check([-42_164.0, 6_378.137, 0.0], 0.4..=0.6);
    // The Earth is flat at the poles: what is above them sees the Sun 21 km earlier.
    check([-3_000.0, 0.0, 6_375.0], 0.9..=1.0);
    check([-3_000.0, 6_375.0, 0.0], 0.1..=0.5);
    // Beyond the tip of the umbra the Sun is a ring.
    let ring = Illumination::of(&[-3.0e6, 0.0, 0.0], &sun).visible();
    assert!((0.7..=0.9).contains(&ring), "{ring}");
    // Across the penumbra of a geostationary satellite, which is twice the Sun's radius wide, light only grows.
    let width = 42_164.0 * SUN_RADIUS_SEEN;
    let across: Vec<f64> = (-12..=12)
        .map(|step| Illumination::of(&[-41_677.0, 6_378.137 + width * f64::from(step) / 10.0, 0.0], &sun).visible())
        .collect();
    assert!(across.windows(2).all(|pair| pair[0] <= pair[1]), "{across:?}");
    assert_eq!((across[0], across[24]), (0.0, 1.0));
}

#[test]
fn beta_angles() {
    let check = |velocity: [f64; 3], sun: [f64; 3], degrees: f64| {
        let beta = beta_angle(&State::new([7000.0, 0.0, 0.0], velocity), &sun).to_degrees();
        assert!((beta - degrees).abs() < 1e-9, "{velocity:?} {sun:?}: {beta}");
    };
    check([0.0, 7.5, 0.0], [1.0, 0.0, 0.0], 0.0);
    check([0.0, 7.5, 0.0], [0.0, 0.0, 1.0], 90.0);
    check([0.0, -7.5, 0.0], [0.0, 0.0, 1.0], -90.0);
    check([0.0, 0.0, 7.5], [0.0, -1.0, 0.0], 90.0);
    check([0.0, 7.5, 0.0], [1.0, 0.0, 1.0], 45.0);
}

#[test]
fn shifts_of_a_carrier() {
    let check = |rate: f64, hertz: f64| {
        let shift = doppler_shift_hz(437_500_000.0, rate);
        assert!((shift - hertz).abs() < 0.01, "{rate}: {shift}");
    };
    check(0.0, 0.0);
    check(7.0, -10_215.162);
    check(-7.0, 10_215.639);
}

#[test]
fn a_track_over_the_ground() {
    let lines = (
        "1 00900U 64063C   21234.90231961  .00000213  00000-0  21758-3 0  9993",
        "2 00900  90.1638  35.5804 0027095 195.3942 333.7357 13.73573692829678",
    );
    let elements = crate::Elements::from_tle(lines.0, lines.1).unwrap();
    let satellite = crate::Propagator::new(&elements, crate::Gravity::default()).unwrap();
    let grid = crate::Grid::new(elements.epoch, Duration::from_secs(60), 200);
    let track: Vec<_> = ground_track(&satellite, &grid, Orientations::bundled()).collect();
    assert_eq!(track.len(), 200);
    let places: Vec<Geodetic> = track.iter().map(|(_, place)| place.unwrap()).collect();
    assert!(places.iter().all(|place| (900.0..1100.0).contains(&place.height_km)), "{:?}", places[0]);
    assert!(places.iter().any(|place| place.latitude.to_degrees() > 85.0));
    assert!(places.iter().any(|place| place.latitude.to_degrees() < -85.0));
    assert_eq!(track[7].0, grid.instant(7));
}

proptest! {
    #[test]
    fn an_outline_sees_the_satellite_just_so(
        latitude in -90.0..90.0_f64,
        longitude in -180.0..180.0_f64,
        height in 150.0..40_000.0_f64,
        elevation in 0.0..80.0_f64,
    ) {
        let degrees = crate::Angle::degrees;
        let above = Geodetic { latitude: degrees(latitude), longitude: degrees(longitude), height_km: height };
        let state = State::new(above.position_km(), [0.0; 3]);
        let outline = footprint(&state, degrees(elevation), 12);
        prop_assert_eq!(outline.len(), 12);
        for place in outline {
            let site = Site::new(
                Latitude::degrees(place.latitude.to_degrees()).unwrap(),
                Longitude::degrees(place.longitude.to_degrees()).unwrap(),
                0.0,
            );
            let seen = Station::at(site.unwrap()).look(&state).elevation.to_degrees();
            prop_assert!((seen - elevation).abs() < 1e-6, "{seen} {elevation}");
        }
        prop_assert!(footprint(&State::new(times(0.5, &state.position_km), [0.0; 3]), degrees(90.0), 4).is_empty());
    }
}
