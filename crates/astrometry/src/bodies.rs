//! Sun and Moon: apparent places, distance and the Moon's phase.

use sofars::{
    consts::{AULT, DAU, DAYSEC},
    eph::moon98,
    pnp::obl06,
    vm::{c2s, pn, rx, rxp, sepp},
};
use vocabulary::{Equatorial, Horizontal};

use crate::{
    angles::{degrees_of_turn, direction},
    error::AstrometryError,
    of_date::OfDate,
};

/// Where a body shows, by the equator and equinox of date.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Body {
    /// Apparent place of the centre, of date.
    pub of_date: Equatorial,
    /// From the observer, when the light left it.
    pub distance: Distance,
}

/// Where a body shows from a site.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LocalBody {
    /// Apparent place of the centre from the site (with its parallax, without diurnal aberration), of date.
    pub of_date: Equatorial,
    /// The same over the horizon, without refraction.
    pub airless: Horizontal,
    /// From the site, when the light left it.
    pub distance: Distance,
}

/// A distance in the solar system.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Distance {
    astronomical_units: f64,
}

impl Distance {
    /// The number, in astronomical units (IAU 2012).
    pub const fn astronomical_units(self) -> f64 {
        self.astronomical_units
    }

    /// The number, in kilometres.
    pub fn kilometres(self) -> f64 {
        self.astronomical_units * DAU / 1000.0
    }
}

/// How the Moon is lit, as seen from the centre of the Earth.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Phase {
    /// How far the Moon is ahead of the Sun.
    pub longitude: PhaseLongitude,
    /// How much of the disc is lit.
    pub illuminated: IlluminatedFraction,
}

/// Ecliptic longitude of the Moon less that of the Sun, in degrees from 0 (new) over 90 (first quarter) and 180 (full) up to 360.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct PhaseLongitude(f64);

impl PhaseLongitude {
    /// The number, in degrees.
    pub const fn degrees(self) -> f64 {
        self.0
    }

    /// Between new and full.
    pub fn is_waxing(self) -> bool {
        self.0 < 180.0
    }
}

/// The lit part of a disc's area, from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct IlluminatedFraction(f64);

impl IlluminatedFraction {
    /// The number, from 0 to 1.
    pub const fn fraction(self) -> f64 {
        self.0
    }
}

impl OfDate {
    /// The Sun from the centre of the Earth (SOFA `iauEpv00`; within 0.05 arcseconds of JPL's DE421).
    pub fn sun(&self) -> Result<Body, AstrometryError> {
        self.body(&self.sun_orbit(), &[0.0; 3])
    }

    /// The Moon from the centre of the Earth (SOFA `iauMoon98`, after Meeus; within 15 arcseconds, and 3 as a rule, of JPL's DE421 from 1950 to 2050).
    pub fn moon(&self) -> Result<Body, AstrometryError> {
        self.body(&self.moon_orbit(), &[0.0; 3])
    }

    /// The Moon's phase, within 0.01 degrees and 0.0001 of the disc.
    pub fn moon_phase(&self) -> Result<Phase, AstrometryError> {
        let (sun, moon) = (self.sun_orbit(), self.moon_orbit());
        let sun_from_moon = difference(&sun.position, &moon.position);
        let earth_from_moon = difference(&self.earth().barycentric[0], &moon.position);
        let phase_angle = sepp(&sun_from_moon, &earth_from_moon);
        let longitude = self.ecliptic_longitude(&self.moon()?.of_date) - self.ecliptic_longitude(&self.sun()?.of_date);
        Ok(Phase {
            longitude: PhaseLongitude(degrees_of_turn(longitude)),
            illuminated: IlluminatedFraction((1.0 + phase_angle.cos()) / 2.0),
        })
    }

    /// The Sun from a place this far from the centre of the Earth (au, ICRS axes).
    pub(crate) fn sun_from(&self, observer: &[f64; 3]) -> Result<Body, AstrometryError> {
        self.body(&self.sun_orbit(), observer)
    }

    /// The Moon from a place this far from the centre of the Earth (au, ICRS axes).
    pub(crate) fn moon_from(&self, observer: &[f64; 3]) -> Result<Body, AstrometryError> {
        self.body(&self.moon_orbit(), observer)
    }

    fn sun_orbit(&self) -> Orbit {
        let earth = self.earth();
        Orbit {
            position: difference(&earth.barycentric[0], &earth.heliocentric[0]),
            velocity: difference(&earth.barycentric[1], &earth.heliocentric[1]),
        }
    }

    fn moon_orbit(&self) -> Orbit {
        let [position, velocity] = moon98(self.moment().tt().day(), self.moment().tt().fraction());
        let earth = self.earth();
        Orbit { position: sum(&earth.barycentric[0], &position), velocity: sum(&earth.barycentric[1], &velocity) }
    }

    fn body(&self, orbit: &Orbit, observer: &[f64; 3]) -> Result<Body, AstrometryError> {
        let observer = sum(&self.earth().barycentric[0], observer);
        let (distance_now, _) = pn(&difference(&orbit.position, &observer));
        let light_time_days = distance_now * AULT / DAYSEC;
        let (astronomical_units, direction) = pn(&difference(&orbit.before(light_time_days), &observer));
        Ok(Body { of_date: self.aberrated(&direction)?, distance: Distance { astronomical_units } })
    }

    /// Radians; the mean obliquity serves, as nutation moves the Moon's longitude against the Sun's by less than an arcsecond.
    fn ecliptic_longitude(&self, of_date: &Equatorial) -> f64 {
        let tt = self.moment().tt();
        let mut to_ecliptic = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
        rx(obl06(tt.day(), tt.fraction()), &mut to_ecliptic);
        let mut ecliptic = [0.0; 3];
        rxp(&to_ecliptic, &direction(of_date), &mut ecliptic);
        c2s(&ecliptic).0
    }
}

/// A body about the barycentre of the solar system, in au and au per day along the axes of the ICRS.
struct Orbit {
    position: [f64; 3],
    velocity: [f64; 3],
}

impl Orbit {
    /// Where it was so many days ago, along a straight line: enough for the minutes that its light takes.
    fn before(&self, days: f64) -> [f64; 3] {
        std::array::from_fn(|axis| self.position[axis] - days * self.velocity[axis])
    }
}

fn difference(one: &[f64; 3], other: &[f64; 3]) -> [f64; 3] {
    std::array::from_fn(|axis| one[axis] - other[axis])
}

fn sum(one: &[f64; 3], other: &[f64; 3]) -> [f64; 3] {
    std::array::from_fn(|axis| one[axis] + other[axis])
}
