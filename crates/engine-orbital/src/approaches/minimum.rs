//! The distance of two satellites as a function of time: its minima in a span, found on the positions of SGP4 alone.
//!
//! The slope is half the derivative of the squared distance, taken as a difference over two seconds: exact for straight ways, and for
//! curved ones its root is off by less than a microsecond at 15 km/s and by half a millisecond at 1 m/s.

use crate::{Propagator, Sgp4Error, State, Teme};

use super::{Approach, Extent, Local, chord::dot, knots::Knots};

/// Half the width of the difference, seconds.
const REACH_S: f64 = 1.0;

/// A time nearer than this to the end of a span may by rounding belong to the next span; the sign of the slope there decides, s.
const DOUBT_S: f64 = 1e-3;

/// Slow pairs are sampled so often, s. Two minima nearer than this are found as one where less than a centimetre lies between them.
const SAMPLE_S: f64 = 15.0;

/// A root is found when it moves less than this, s.
const SETTLED_S: f64 = 1e-7;

/// Two satellites.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pair<'a> {
    primary: (usize, &'a Propagator, f64),
    secondary: (usize, &'a Propagator, f64),
}

/// A part of the window in which both are known, in seconds after its start.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Span {
    pub(super) begin: f64,
    pub(super) end: f64,
    /// Nothing is known before it.
    pub(super) opens: bool,
    /// Nothing is known after it.
    pub(super) closes: bool,
}

/// What the sieve knows of a pair in a span.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Motion {
    /// So fast that the squared distance is convex all over the span: with its time of least distance, about, and relative speed.
    Fast { around: f64, speed_km_s: f64 },
    /// All else.
    Slow,
}

/// A satellite of a pair for which there is no state at a time that was asked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Failure {
    pub(super) satellite: usize,
    pub(super) error: Sgp4Error,
}

impl<'a> Pair<'a> {
    pub(super) fn new(knots: &Knots, primary: (usize, &'a Propagator), secondary: (usize, &'a Propagator)) -> Self {
        let course = |(satellite, propagator): (usize, &'a Propagator)| {
            (satellite, propagator, knots.start_after(propagator.epoch()))
        };
        Self { primary: course(primary), secondary: course(secondary) }
    }

    /// All minima and ends within a distance, in the order of time.
    pub(super) fn approaches(
        &self,
        (knots, within_km): (&Knots, f64),
        span: Span,
        motion: Motion,
        mut found: impl FnMut(Approach),
    ) -> Result<(), Failure> {
        let mut keep = |seconds: f64, extent: Extent| -> Result<(), Failure> {
            let approach = self.approach(knots, seconds, extent)?;
            if approach.miss_distance_km <= within_km {
                found(approach);
            }
            Ok(())
        };
        if span.opens && self.slope(span.begin)? >= 0.0 {
            keep(span.begin, Extent::Start)?;
        }
        match motion {
            Motion::Fast { around, speed_km_s } => match self.settle(span, around, speed_km_s)? {
                Some(Root::Inside(root)) => keep(root, Extent::Minimum)?,
                Some(Root::Outside) => {}
                None => self.roots(span, &mut keep)?,
            },
            Motion::Slow => self.roots(span, &mut keep)?,
        }
        if span.closes && self.slope(span.end)? < 0.0 {
            keep(span.end, Extent::End)?;
        }
        Ok(())
    }

    /// The only root of the slope of a fast pair, by secants from a good guess; nothing where they do not settle.
    fn settle(&self, span: Span, around: f64, speed_km_s: f64) -> Result<Option<Root>, Failure> {
        let (low, high) = (span.begin - 2.0 * DOUBT_S, span.end + 2.0 * DOUBT_S);
        let convexity = speed_km_s * speed_km_s;
        let (mut time, mut rate) = (around.clamp(span.begin, span.end), convexity);
        let mut before: Option<(f64, f64)> = None;
        for _ in 0..12 {
            let slope = self.slope(time)?;
            if let Some((earlier, other)) = before {
                let secant = (slope - other) / (time - earlier);
                rate = if secant > 0.3 * convexity && secant < 3.0 * convexity { secant } else { convexity };
            }
            before = Some((time, slope));
            let next = (time - slope / rate).clamp(low, high);
            // The slope grows all over the span: what is beyond its end by the sign there is beyond it.
            if (next <= low && time <= low) || (next >= high && time >= high) {
                return Ok(Some(Root::Outside));
            }
            if (next - time).abs() < SETTLED_S {
                return self.owned(span, next).map(Some);
            }
            time = next;
        }
        Ok(None)
    }

    /// Whether a root belongs to a span: not to the one before, nor to the next.
    fn owned(&self, span: Span, root: f64) -> Result<Root, Failure> {
        let is_inside = if (root - span.begin).abs() < DOUBT_S || (root - span.end).abs() < DOUBT_S {
            self.slope(span.begin)? < 0.0 && self.slope(span.end)? >= 0.0
        } else {
            root >= span.begin && root < span.end
        };
        Ok(if is_inside { Root::Inside(root.clamp(span.begin, span.end)) } else { Root::Outside })
    }

    /// All times at which the slope goes from below zero to zero or above, by samples.
    fn roots(&self, span: Span, keep: &mut impl FnMut(f64, Extent) -> Result<(), Failure>) -> Result<(), Failure> {
        let parts = ((span.end - span.begin) / SAMPLE_S).ceil().max(1.0) as u32;
        let mut left = (span.begin, self.slope(span.begin)?);
        for part in 1..=parts {
            let share = f64::from(part) / f64::from(parts);
            let time = if part == parts { span.end } else { span.begin + (span.end - span.begin) * share };
            let right = (time, self.slope(time)?);
            if left.1 < 0.0 && right.1 >= 0.0 {
                keep(self.bracketed(left, right)?, Extent::Minimum)?;
            }
            left = right;
        }
        Ok(())
    }

    /// The root between two times of which the slope at the first is below zero: false position that halves the weight of an end that
    /// stays (the Illinois rule), and bisection where that is slow.
    fn bracketed(&self, mut left: (f64, f64), mut right: (f64, f64)) -> Result<f64, Failure> {
        let mut stayed = 0;
        for round in 0..80 {
            let width = right.0 - left.0;
            if width < SETTLED_S || right.1 == 0.0 {
                break;
            }
            let share = if round % 8 == 7 { 0.5 } else { (-left.1 / (right.1 - left.1)).clamp(0.001, 0.999) };
            let time = left.0 + width * share;
            let slope = self.slope(time)?;
            if slope < 0.0 {
                left = (time, slope);
                right.1 *= if stayed == 1 { 0.5 } else { 1.0 };
                stayed = 1;
            } else {
                right = (time, slope);
                left.1 *= if stayed == 2 { 0.5 } else { 1.0 };
                stayed = 2;
            }
        }
        Ok(right.0)
    }

    /// Half the derivative of the squared distance, km²/s. Where only one side of a time is known, from that side.
    fn slope(&self, seconds: f64) -> Result<f64, Failure> {
        match (self.squared(seconds - REACH_S), self.squared(seconds + REACH_S)) {
            (Ok(before), Ok(after)) => Ok((after - before) / (4.0 * REACH_S)),
            (Ok(before), Err(_)) => {
                let (half, here) = (self.squared(seconds - 0.5 * REACH_S)?, self.squared(seconds)?);
                Ok((3.0 * here - 4.0 * half + before) / (2.0 * REACH_S))
            }
            (Err(_), Ok(after)) => {
                let (half, here) = (self.squared(seconds + 0.5 * REACH_S)?, self.squared(seconds)?);
                Ok((4.0 * half - 3.0 * here - after) / (2.0 * REACH_S))
            }
            (Err(error), Err(_)) => Err(error),
        }
    }

    /// Squared distance, km².
    fn squared(&self, seconds: f64) -> Result<f64, Failure> {
        let (first, second) = (state(self.primary, seconds)?.position_km, state(self.secondary, seconds)?.position_km);
        let between = difference(second, first);
        Ok(dot(between, between))
    }

    fn approach(&self, knots: &Knots, seconds: f64, extent: Extent) -> Result<Approach, Failure> {
        let (first, second) = (state(self.primary, seconds)?, state(self.secondary, seconds)?);
        let miss = difference(second.position_km, first.position_km);
        let velocity = difference(second.velocity_km_s, first.velocity_km_s);
        Ok(Approach {
            primary: self.primary.0,
            secondary: self.secondary.0,
            at: knots.at(seconds),
            miss_distance_km: dot(miss, miss).sqrt(),
            relative_speed_km_s: dot(velocity, velocity).sqrt(),
            miss_km: Local::along(&first, miss),
            relative_velocity_km_s: Local::along(&first, velocity),
            primary_state: first,
            secondary_state: second,
            extent,
        })
    }
}

/// Where the only root of a fast pair is.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Root {
    Inside(f64),
    Outside,
}

impl Local {
    /// A vector of TEME along the axes of a state.
    pub(super) fn along(state: &State<Teme>, vector: [f64; 3]) -> Self {
        let unit = |vector: [f64; 3]| {
            let length = dot(vector, vector).sqrt();
            vector.map(|part| part / length)
        };
        let radial = unit(state.position_km);
        let cross_track = unit(cross(state.position_km, state.velocity_km_s));
        let in_track = cross(cross_track, radial);
        Self { radial: dot(vector, radial), in_track: dot(vector, in_track), cross_track: dot(vector, cross_track) }
    }
}

fn state(
    (satellite, propagator, start_minutes): (usize, &Propagator, f64),
    seconds: f64,
) -> Result<State<Teme>, Failure> {
    propagator.minutes(start_minutes + seconds / 60.0).map_err(|error| Failure { satellite, error })
}

fn difference(a: [f64; 3], b: [f64; 3]) -> [f64; 3] {
    [a[0] - b[0], a[1] - b[1], a[2] - b[2]]
}

fn cross(a: [f64; 3], b: [f64; 3]) -> [f64; 3] {
    [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
}
