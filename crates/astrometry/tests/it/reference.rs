//! Positions, sidereal time, Sun and Moon beside astropy and JPL's DE421.

use astrometry::{Atmosphere, Body, EarthOrientation, LocalBody, LocalSky, Moment, separation, separation_on_horizon};
use vocabulary::Equinox;

use crate::{
    equatorial, horizontal, of_date,
    rows::{DE421, Jpl, ROWS, Row, Seen},
    site,
};

/// The largest difference seen so far, by what was compared.
#[derive(Default)]
struct Worst(Vec<(&'static str, f64, f64)>);

impl Worst {
    fn note(&mut self, what: &'static str, difference: f64, tolerance: f64) {
        match self.0.iter_mut().find(|(name, ..)| *name == what) {
            Some((_, worst, _)) => *worst = worst.max(difference),
            None => self.0.push((what, difference, tolerance)),
        }
    }

    fn check(&self) {
        for (what, worst, tolerance) in &self.0 {
            println!("{what}: largest difference {worst:.6}, {tolerance} is allowed");
        }
        assert!(self.0.iter().all(|(_, worst, tolerance)| worst <= tolerance), "{:?}", self.0);
    }
}

fn sky_of(row: &Row) -> LocalSky {
    let [ut1_minus_utc, x, y] = row.orientation;
    let orientation = EarthOrientation::new(ut1_minus_utc).unwrap().with_polar_motion(x, y).unwrap();
    LocalSky::above(site(row.site), Moment::new(row.at.parse().unwrap(), orientation).unwrap()).unwrap()
}

/// The same algorithms in two programs: what is allowed is the rounding of the figures in the table (nine decimals of a
/// degree are 0.000004 arcseconds), and a milliarcsecond, which is what the crate promises.
#[test]
fn stars_as_astropy_has_them() {
    let mut worst = Worst::default();
    for row in ROWS {
        let sky = sky_of(row);
        let star = equatorial(row.j2000[0], row.j2000[1], Equinox::J2000);
        let apparent = equatorial(row.of_date[0], row.of_date[1], Equinox::OfDate);
        let ours = sky.of_date().convert(star, Equinox::OfDate).unwrap();
        worst.note("of date, arcseconds", separation(&ours, &apparent).unwrap().arcseconds(), 0.001);
        let back = sky.of_date().convert(apparent, Equinox::J2000).unwrap();
        worst.note("j2000, arcseconds", separation(&back, &star).unwrap().arcseconds(), 0.001);

        let place = horizontal(row.altitude, row.azimuth);
        let ours = separation_on_horizon(&sky.airless(star).unwrap(), &place).arcseconds();
        worst.note("airless from j2000, arcseconds", ours, 0.001);
        let ours = separation_on_horizon(&sky.airless(apparent).unwrap(), &place).arcseconds();
        worst.note("airless from of date, arcseconds", ours, 0.001);
        let back = sky.position_at_airless(place, Equinox::J2000).unwrap();
        worst.note("j2000 from airless, arcseconds", separation(&back, &star).unwrap().arcseconds(), 0.001);

        let air =
            Atmosphere::new(row.pressure, 7.0).unwrap().with_humidity(0.5).unwrap().with_wavelength(0.55).unwrap();
        let observed = sky.observed(star, &air).unwrap().altitude.value();
        worst.note("observed altitude, arcseconds", (observed - row.observed).abs() * 3600.0, 0.001);

        let sidereal = (sky.apparent_sidereal_time().hours() - row.sidereal + 12.0).rem_euclid(24.0) - 12.0;
        worst.note("sidereal time, seconds", sidereal.abs() * 3600.0, 0.0001);
    }
    worst.check();
}

/// The same ephemerides (`epv00`, `moon98`) in two programs. Time is TT for one and TDB for the other in places, 1.7 ms apart, in which the
/// Moon moves by a milliarcsecond; and the phase is compared through aberration and light time, which the two take in differently.
#[test]
fn sun_and_moon_as_astropy_has_them() {
    let mut worst = Worst::default();
    for row in ROWS {
        let sky = sky_of(row);
        let seen = |body: Body, local: LocalBody, row: &Seen| {
            let apparent = equatorial(row.right_ascension, row.declination, Equinox::OfDate);
            let place = horizontal(row.altitude, row.azimuth);
            (
                separation(&body.of_date, &apparent).unwrap().arcseconds(),
                separation_on_horizon(&local.airless, &place).arcseconds(),
                (body.distance.astronomical_units() - row.distance).abs(),
            )
        };
        let (of_date, airless, distance) = seen(sky.of_date().sun().unwrap(), sky.sun().unwrap(), &row.sun);
        worst.note("sun of date, arcseconds", of_date, 0.001);
        worst.note("sun airless, arcseconds", airless, 0.001);
        worst.note("sun distance, au", distance, 1e-7);
        let (of_date, airless, distance) = seen(sky.of_date().moon().unwrap(), sky.moon().unwrap(), &row.moon);
        worst.note("moon of date, arcseconds", of_date, 0.003);
        worst.note("moon airless, arcseconds", airless, 0.003);
        worst.note("moon distance, au", distance, 1e-8);
        let phase = sky.of_date().moon_phase().unwrap();
        worst.note("lit fraction of the moon", (phase.illuminated.fraction() - row.lit).abs(), 0.0001);
        let longitude = (phase.longitude.degrees() - row.phase + 180.0).rem_euclid(360.0) - 180.0;
        worst.note("phase of the moon, degrees", longitude.abs(), 0.01);
    }
    worst.check();
}

/// Another ephemeris and another program: what Sun and Moon are good for.
#[test]
fn sun_and_moon_as_jpl_has_them() {
    let mut worst = Worst::default();
    for Jpl { at, sun, moon } in DE421 {
        let sky = of_date(at);
        let seen = |body: Body, [right_ascension, declination, _]: [f64; 3]| {
            separation(&body.of_date, &equatorial(right_ascension, declination, Equinox::OfDate)).unwrap().arcseconds()
        };
        let (ours, our_moon) = (sky.sun().unwrap(), sky.moon().unwrap());
        worst.note("sun, arcseconds", seen(ours, *sun), 0.05);
        worst.note("sun, kilometres", (ours.distance.kilometres() - sun[2]).abs(), 10.0);
        worst.note("moon, arcseconds", seen(our_moon, *moon), 15.0);
        worst.note("moon, kilometres", (our_moon.distance.kilometres() - moon[2]).abs(), 20.0);
    }
    worst.check();
}
