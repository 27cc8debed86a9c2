//! Where Sun and Moon stand over a span of time, in TEME: computed at few instants, interpolated between.

use std::f64::consts::PI;

use astrometry::{AstrometryError, Body, Moment, OfDate};
use vocabulary::Timestamp;

use crate::earth::{Earth, Orientations};

/// Between these the Sun is interpolated; the error stays below 0.01 arcseconds.
const SUN_STEP_SECONDS: f64 = 86_400.0;
/// Between these the Moon is interpolated; the error stays below 0.1 arcseconds.
const MOON_STEP_SECONDS: f64 = 21_600.0;

/// Apparent geocentric places of Sun and Moon from one instant to another, along the axes of TEME.
///
/// The Sun is SOFA's `iauEpv00` (0.05 arcseconds), the Moon `iauMoon98` (15 arcseconds), both by way of [`OfDate`].
#[derive(Debug, Clone, PartialEq)]
pub struct Almanac {
    sun: Course,
    moon: Course,
}

impl Almanac {
    /// Both bodies from one instant to another (in either order). Refused outside 1900 to 2100.
    pub fn over(from: Timestamp, to: Timestamp, orientations: &Orientations) -> Result<Self, AstrometryError> {
        Ok(Self {
            sun: Course::sun(from, to, orientations)?,
            moon: Course::over(from, to, MOON_STEP_SECONDS, orientations, OfDate::moon)?,
        })
    }

    /// The Sun from the centre of the Earth, kilometres in TEME; nothing outside of the span.
    pub fn sun_km(&self, when: Timestamp) -> Option<[f64; 3]> {
        self.sun.at(when)
    }

    /// The Moon from the centre of the Earth, kilometres in TEME; nothing outside of the span.
    pub fn moon_km(&self, when: Timestamp) -> Option<[f64; 3]> {
        self.moon.at(when)
    }
}

/// One body at uniform instants, with one more before and two after the span.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Course {
    from: Timestamp,
    span_seconds: f64,
    step_seconds: f64,
    /// The first is one step before `from`; at least four.
    points: Vec<[f64; 3]>,
}

impl Course {
    pub(crate) fn sun(from: Timestamp, to: Timestamp, orientations: &Orientations) -> Result<Self, AstrometryError> {
        Self::over(from, to, SUN_STEP_SECONDS, orientations, OfDate::sun)
    }

    fn over(
        from: Timestamp,
        to: Timestamp,
        step_seconds: f64,
        orientations: &Orientations,
        body: fn(&OfDate) -> Result<Body, AstrometryError>,
    ) -> Result<Self, AstrometryError> {
        let (from, to) = (from.min(to), from.max(to));
        let span_seconds = to.since(from).as_secs_f64();
        let step = std::time::Duration::from_secs_f64(step_seconds);
        let intervals = (span_seconds / step_seconds).ceil().max(1.0) as u32;
        let start = from.minus(step);
        let points = (0..intervals + 3).map(|index| in_teme(start.plus(step * index), orientations, body));
        Ok(Self { from, span_seconds, step_seconds, points: points.collect::<Result<_, _>>()? })
    }

    fn at(&self, when: Timestamp) -> Option<[f64; 3]> {
        let is_before = when < self.from;
        let seconds = when.since(self.from).as_secs_f64();
        (!is_before && seconds <= self.span_seconds).then(|| self.after(seconds))
    }

    /// So many seconds after the beginning of the span; beyond its ends the nearest cubic goes on.
    pub(crate) fn after(&self, seconds: f64) -> [f64; 3] {
        let steps = seconds / self.step_seconds;
        let index = (steps.max(0.0) as usize).min(self.points.len().saturating_sub(4));
        let part = steps - index as f64;
        let Some([a, b, c, d]) = self.points.get(index..).and_then(<[_]>::first_chunk) else { return [0.0; 3] };
        // Lagrange's cubic through the points at -1, 0, 1 and 2.
        let (before, after, second) = (part + 1.0, part - 1.0, part - 2.0);
        let weights = [
            -part * after * second / 6.0,
            before * after * second / 2.0,
            -before * part * second / 2.0,
            before * part * after / 6.0,
        ];
        std::array::from_fn(|axis| {
            weights[0] * a[axis] + weights[1] * b[axis] + weights[2] * c[axis] + weights[3] * d[axis]
        })
    }
}

fn in_teme(
    when: Timestamp,
    orientations: &Orientations,
    body: fn(&OfDate) -> Result<Body, AstrometryError>,
) -> Result<[f64; 3], AstrometryError> {
    let earth = Earth::at(when, orientations.at(when));
    let of_date = OfDate::at(Moment::new(when, earth.orientation().earth())?)?;
    let body = body(&of_date)?;
    // TEME differs from the true equator and equinox by a turn about the axis: by what sidereal times over them differ.
    let apparent = of_date.greenwich_apparent_sidereal_time().hours() * PI / 12.0;
    let right_ascension = body.of_date.right_ascension.value() * PI / 12.0 + earth.sidereal_radians() - apparent;
    let (sine, cosine) = right_ascension.sin_cos();
    let (up, level) = body.of_date.declination.value().to_radians().sin_cos();
    let distance = body.distance.kilometres();
    Ok([distance * level * cosine, distance * level * sine, distance * up])
}
