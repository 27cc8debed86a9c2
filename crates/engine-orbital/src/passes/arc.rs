//! A satellite's way over the ground: positions at uniform instants, and what lies between them.

use std::time::Duration;

use vocabulary::Timestamp;

use crate::{
    earth::{Orientations, sidereal_radians},
    ephemeris::{ColumnsMut, Grid},
    sgp4::{Propagator, Sgp4Error, minutes_between},
    vector::{dot, minus},
};

/// Between two knots. At a minute six of them give the place between within a few centimetres, also at the perigee of a transfer orbit.
pub(super) const STEP_SECONDS: f64 = 60.0;
/// Knots that one polynomial goes through.
const STENCIL: usize = 6;
/// The radius of the equator, below which no place in question lies, and the pull of the Earth there in km/s².
const PULL_KM3_S2: f64 = 398_600.5;

/// How the Earth turns during a block of knots: sidereal time as a straight line, and polar motion as it stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Turning {
    at_seconds: f64,
    angle_radians: f64,
    rate_radians_s: f64,
    pole_radians: [f64; 2],
}

impl Turning {
    /// Over seconds after `opening`; the line meets sidereal time at both ends, with UT1-UTC of each.
    pub(super) fn between(opening: Timestamp, from: f64, to: f64, orientations: &Orientations) -> Self {
        let angle = |seconds: f64| {
            let when = later(opening, seconds);
            sidereal_radians(when, orientations.at(when).ut1_minus_utc_seconds())
        };
        let (first, second) = (angle(from), angle(to));
        // About what it must be, to the whole turn.
        let span = to - from;
        let about = 7.292_115_855_3e-5 * span;
        let turned = about + crate::roots::wrapped(second - first - about);
        Self {
            at_seconds: from,
            angle_radians: first,
            rate_radians_s: turned / span,
            pole_radians: orientations.at(later(opening, (from + to) / 2.0)).polar_motion_radians(),
        }
    }

    /// A place or direction in TEME as it stands over the ground.
    pub(super) fn ground(&self, seconds: f64, teme: &[f64; 3]) -> [f64; 3] {
        let (sine, cosine) = (self.angle_radians + self.rate_radians_s * (seconds - self.at_seconds)).sin_cos();
        self.turned(sine, cosine, teme)
    }

    /// Sines and cosines of sidereal time, knot by knot.
    fn spin(&self, from_seconds: f64) -> Spin<'_> {
        let step = (self.rate_radians_s * STEP_SECONDS).sin_cos();
        Spin { turning: self, from_seconds, step, knot: 0, here: (0.0, 1.0) }
    }

    fn turned(&self, sine: f64, cosine: f64, [x, y, z]: &[f64; 3]) -> [f64; 3] {
        let (px, py) = (cosine * x + sine * y, cosine * y - sine * x);
        // Polar motion is a rotation so small that its squares vanish.
        let [xp, yp] = self.pole_radians;
        [px + xp * z, py - yp * z, z - xp * px + yp * py]
    }
}

/// Sidereal time at knots: turned on from one to the next, which is cheaper than a sine for each.
struct Spin<'a> {
    turning: &'a Turning,
    from_seconds: f64,
    step: (f64, f64),
    knot: usize,
    here: (f64, f64),
}

/// After so many knots the sine is taken anew: rounding stays below a thousandth of a millimetre at any height.
const TURNED_ON: usize = 32;

impl Spin<'_> {
    /// Sine and cosine.
    fn next(&mut self) -> [f64; 2] {
        let (sine, cosine) = if self.knot.is_multiple_of(TURNED_ON) {
            let seconds = self.from_seconds + self.knot as f64 * STEP_SECONDS - self.turning.at_seconds;
            (self.turning.angle_radians + self.turning.rate_radians_s * seconds).sin_cos()
        } else {
            self.here
        };
        let (turn, stay) = self.step;
        self.here = (sine * stay + cosine * turn, cosine * stay - sine * turn);
        self.knot += 1;
        [sine, cosine]
    }
}

/// So many seconds after an instant, to the microsecond.
pub(super) fn later(opening: Timestamp, seconds: f64) -> Timestamp {
    let by = std::time::Duration::from_micros((seconds.abs() * 1e6).round() as u64);
    if seconds < 0.0 { opening.minus(by) } else { opening.plus(by) }
}

/// One satellite asked at any instant.
#[derive(Debug, Clone, Copy)]
pub(super) struct Exact<'a> {
    pub(super) propagator: &'a Propagator,
    /// From epoch to the opening of the window.
    pub(super) opening_minutes: f64,
    pub(super) turning: Turning,
}

impl<'a> Exact<'a> {
    pub(super) fn new(propagator: &'a Propagator, opening: Timestamp, turning: Turning) -> Self {
        Self { propagator, opening_minutes: minutes_between(propagator.epoch(), opening), turning }
    }

    /// Over the ground, kilometres.
    pub(super) fn position(&self, seconds: f64) -> Result<[f64; 3], Sgp4Error> {
        let state = self.propagator.minutes(self.opening_minutes + seconds / 60.0)?;
        Ok(self.turning.ground(seconds, &state.position_km))
    }
}

/// A block of knots, good or not.
#[derive(Debug, Default)]
pub(super) struct Knots {
    /// Seconds of the first since the window opened.
    from_seconds: f64,
    positions: Vec<[f64; 3]>,
    /// Numbers of errors; 0 where there is a place.
    codes: Vec<u8>,
    numbers: Vec<f64>,
}

impl Knots {
    /// Asks a satellite at so many knots from one on.
    pub(super) fn fill(&mut self, exact: &Exact<'_>, opening: Timestamp, first: usize, count: usize) {
        self.from_seconds = first as f64 * STEP_SECONDS;
        self.codes.resize(count, 0);
        self.numbers.resize(6 * count, 0.0);
        self.positions.clear();
        let grid = Grid::new(later(opening, self.from_seconds), Duration::from_secs(STEP_SECONDS as u64), count);
        let Some(columns) = ColumnsMut::split(&mut self.numbers, &mut self.codes) else { return };
        exact.propagator.over_into(&grid, columns);
        let Some(columns) = ColumnsMut::split(&mut self.numbers, &mut self.codes) else { return };
        let places = columns.x.iter().zip(columns.y.iter()).zip(columns.z.iter());
        let mut spin = exact.turning.spin(self.from_seconds);
        self.positions.extend(places.map(|((x, y), z)| {
            let [sine, cosine] = spin.next();
            exact.turning.turned(sine, cosine, &[*x, *y, *z])
        }));
    }

    /// Why there is no place at a knot.
    pub(super) fn error(&self, knot: usize) -> Option<Sgp4Error> {
        self.codes.get(knot).and_then(|code| Sgp4Error::of(*code))
    }

    pub(super) fn is_good(&self, knot: usize) -> bool {
        self.codes.get(knot) == Some(&0)
    }

    pub(super) fn time(&self, knot: usize) -> f64 {
        self.from_seconds + knot as f64 * STEP_SECONDS
    }

    /// The knots from one to another, both included, as a way that ends at `to_seconds` at the latest.
    pub(super) fn arc(&self, first: usize, last: usize, to_seconds: f64) -> Option<Arc<'_>> {
        let knots = self.positions.get(first..=last)?;
        Arc::new(knots, self.time(first), to_seconds)
    }
}

/// A way over the ground without a gap.
#[derive(Debug, Clone, Copy)]
pub(super) struct Arc<'a> {
    knots: &'a [[f64; 3]],
    from_seconds: f64,
    to_seconds: f64,
    /// No place is left or reached faster than that within a step, in kilometres.
    pub(super) reach_km: f64,
    /// How far a polynomial may be off, in kilometres.
    pub(super) bound_km: f64,
}

impl<'a> Arc<'a> {
    fn new(knots: &'a [[f64; 3]], from_seconds: f64, to_seconds: f64) -> Option<Self> {
        let lowest_squared = knots.iter().map(|knot| dot(knot, knot)).fold(f64::INFINITY, f64::min);
        let pairs = knots.iter().zip(knots.iter().skip(1));
        let longest = pairs.map(|(a, b)| minus(b, a)).map(|way| dot(&way, &way)).fold(0.0, f64::max).sqrt();
        // Within a step speed differs from the mean by what the Earth's pull does in that time; 1.1 for what is not a point mass.
        let pull = 1.1 * PULL_KM3_S2 / lowest_squared;
        let reach_km = longest + pull * STEP_SECONDS * STEP_SECONDS;
        let radius = lowest_squared.sqrt();
        let turned = (reach_km + 7.3e-5 * radius * STEP_SECONDS) / radius;
        let bound_km = 1e-5 + 0.05 * radius * turned.powi(6);
        (!knots.is_empty()).then_some(Self { knots, from_seconds, to_seconds, reach_km, bound_km })
    }

    /// Whether there are enough knots for a polynomial.
    pub(super) const fn is_smooth(&self) -> bool {
        self.knots.len() >= STENCIL
    }

    pub(super) fn to_seconds(&self) -> f64 {
        self.to_seconds.min(self.from_seconds + (self.knots.len().saturating_sub(1)) as f64 * STEP_SECONDS)
    }

    /// The last sample: the first one is 0, and each is at a knot but for the last, which is where the way ends.
    pub(super) fn last(&self) -> usize {
        ((self.to_seconds() - self.from_seconds) / STEP_SECONDS - 1e-9).ceil().max(0.0) as usize
    }

    /// Seconds of a sample since the window opened.
    pub(super) fn time(&self, sample: usize) -> f64 {
        (self.from_seconds + sample as f64 * STEP_SECONDS).min(self.to_seconds())
    }

    /// Where the satellite is at a sample, from a place.
    pub(super) fn away(&self, sample: usize, from_km: &[f64; 3]) -> [f64; 3] {
        match self.knots.get(sample) {
            Some(knot) if self.from_seconds + sample as f64 * STEP_SECONDS <= self.to_seconds => minus(knot, from_km),
            _ => self.polynomial(sample, from_km).at(self.to_seconds()),
        }
    }

    /// The way about a sample, from a place; good from the sample before to the one after.
    pub(super) fn polynomial(&self, sample: usize, from_km: &[f64; 3]) -> Polynomial {
        let base = sample.saturating_sub(2).min(self.knots.len().saturating_sub(STENCIL));
        let nodes: [[f64; 3]; STENCIL] =
            std::array::from_fn(|node| self.knots.get(base + node).map_or([f64::NAN; 3], |knot| minus(knot, from_km)));
        let coefficients = MONOMIALS.map(|row| {
            std::array::from_fn(|axis| {
                row.iter().zip(&nodes).map(|(factor, node)| factor * node[axis]).sum::<f64>() / 120.0
            })
        });
        Polynomial { origin_seconds: self.from_seconds + (base + 2) as f64 * STEP_SECONDS, coefficients }
    }
}

/// The inverse of Vandermonde's matrix for nodes at -2, -1, 0, 1, 2 and 3, times 120.
const MONOMIALS: [[f64; STENCIL]; STENCIL] = [
    [0.0, 0.0, 120.0, 0.0, 0.0, 0.0],
    [6.0, -60.0, -40.0, 120.0, -30.0, 4.0],
    [-5.0, 80.0, -150.0, 80.0, -5.0, 0.0],
    [-5.0, -5.0, 50.0, -70.0, 35.0, -5.0],
    [5.0, -20.0, 30.0, -20.0, 5.0, 0.0],
    [-1.0, 5.0, -10.0, 10.0, -5.0, 1.0],
];

/// The way of a satellite from a place, through six knots.
///
/// Positions alone: SGP4's velocity is not quite the derivative of its position, so that a Hermite spline would be off by metres.
#[derive(Debug, Clone, Copy)]
pub(super) struct Polynomial {
    origin_seconds: f64,
    coefficients: [[f64; 3]; STENCIL],
}

impl Polynomial {
    pub(super) fn at(&self, seconds: f64) -> [f64; 3] {
        let part = (seconds - self.origin_seconds) / STEP_SECONDS;
        let mut sum = [0.0; 3];
        for row in self.coefficients.iter().rev() {
            for (sum, coefficient) in sum.iter_mut().zip(row) {
                *sum = *sum * part + coefficient;
            }
        }
        sum
    }

    /// Place and velocity.
    pub(super) fn with_rate(&self, seconds: f64) -> ([f64; 3], [f64; 3]) {
        let part = (seconds - self.origin_seconds) / STEP_SECONDS;
        let (mut sum, mut rate) = ([0.0; 3], [0.0; 3]);
        for row in self.coefficients.iter().rev() {
            for ((sum, rate), coefficient) in sum.iter_mut().zip(&mut rate).zip(row) {
                *rate = *rate * part + *sum;
                *sum = *sum * part + coefficient;
            }
        }
        (sum, rate.map(|rate| rate / STEP_SECONDS))
    }
}
