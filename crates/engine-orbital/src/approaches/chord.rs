//! The way of a satellite during a step as a chord between two positions, and bounds of what the true way departs from it.

use super::knots::Positions;

/// Gravity of the Earth, km³/s²; the larger of the two models.
const MU: f64 = 398_601.0;

/// By how much a position of SGP4 may accelerate otherwise than under the gravity of a point, km/s². On a real catalogue of 4,603
/// satellites it was at most 2.6e-5: the Earth's flattening.
const OTHER_ACCELERATION_KM_S2: f64 = 1.0e-4;

/// What a position of a batch may differ from that of one satellite, and rounding, km.
pub(super) const ROUNDING_KM: f64 = 0.01;

/// The chord of one satellite during one step.
#[derive(Debug, Clone, Copy)]
pub(super) struct Chord {
    /// Position half-way along the chord, km.
    pub(super) middle: [f64; 3],
    /// From there to the end of the chord, km.
    pub(super) half: [f64; 3],
    /// A bound of the distance from the Earth's centre during the step, km.
    pub(super) lowest: f64,
    /// A bound of the distance from the Earth's centre during the step, km.
    pub(super) highest: f64,
    /// The unit vector that bisects the directions at begin and end.
    pub(super) direction: [f64; 3],
    /// The largest angle between this and the direction at any time of the step, radians.
    pub(super) swept: f64,
}

impl Chord {
    /// Of a satellite between two rows of positions that are `step_s` seconds apart.
    #[inline(always)]
    pub(super) fn between(begin: &Positions, end: &Positions, satellite: usize, step_s: f64) -> Self {
        Self::of(begin.of(satellite), end.of(satellite), step_s)
    }

    #[inline(always)]
    fn of(begin: [f64; 3], end: [f64; 3], step_s: f64) -> Self {
        let middle = [0, 1, 2].map(|axis| 0.5 * (begin[axis] + end[axis]));
        let half = [0, 1, 2].map(|axis| 0.5 * (end[axis] - begin[axis]));
        let (from, to) = (dot(begin, begin).sqrt(), dot(end, end).sqrt());
        let (per_from, per_to) = (1.0 / from, 1.0 / to);
        let sum = [0, 1, 2].map(|axis| begin[axis] * per_from + end[axis] * per_to);
        let bisector = dot(sum, sum).sqrt().max(1e-9);
        let gap = [0, 1, 2].map(|axis| end[axis] * per_to - begin[axis] * per_from);
        let sine = 0.5 * dot(gap, gap).sqrt();
        let (low, high) = (from.min(to), from.max(to));
        // The distance r of a body on an orbit accelerates by v²/r - µ/r², v across; for all bound orbits that is within ±µ/r².
        let per_step = 1.0 / step_s;
        let climb = (to - from) * per_step;
        let across = 4.0 * dot(half, half) * per_step * per_step - climb * climb;
        let pull = MU / (low * low);
        let changing = 2.5 * pull * climb.abs() * step_s / low;
        let bend = 1.15 * (across / low - pull).abs() + changing + 1.5 * OTHER_ACCELERATION_KM_S2;
        let sag = bend * step_s * step_s * 0.125 + ROUNDING_KM;
        Self {
            middle,
            half,
            lowest: low - sag,
            highest: high + sag,
            direction: sum.map(|part| part / bisector),
            swept: sine * (1.0 + 0.25 * sine * sine) + 1e-6,
        }
    }
}

/// How far the true vector between two satellites may be from the one between their chords, km, at the time at which they are
/// `within_km` apart: `speed_km_s` is a bound of the relative speed during a step of `step_s`, `lowest_km` of the distance of either from
/// the Earth's centre at any time of it.
///
/// With τ the share of the step, the departure from a chord is the integral of Green's function of the chord times the relative
/// acceleration, which is at most the gradient of gravity 2µ/r³ times the distance, `within + speed·|t - t*|`, and what else there is. That
/// gives `gradient·(within·step²/8 + speed·step³/48)` at most, and `acceleration·step²/8`.
pub(super) fn departure_km(within_km: f64, speed_km_s: f64, step_s: f64, lowest_km: f64) -> f64 {
    let lowest = lowest_km.max(1_000.0);
    let gradient = 2.0 * MU / (lowest * lowest * lowest);
    let square = step_s * step_s;
    let shared = gradient * (within_km * square / 8.0 + speed_km_s * square * step_s / 48.0);
    1.1 * shared + 2.0 * OTHER_ACCELERATION_KM_S2 * square / 8.0 + 2.0 * ROUNDING_KM
}

/// A bound of half the third derivative of the squared distance of two satellites, km²/s³.
pub(super) fn third_derivative(distance_km: f64, speed_km_s: f64, lowest_km: f64) -> f64 {
    let lowest = lowest_km.max(1_000.0);
    let gradient = 2.0 * MU / (lowest * lowest * lowest);
    let turn = (MU / (lowest * lowest * lowest)).sqrt() * 1.5;
    4.0 * gradient * distance_km * (speed_km_s + turn * distance_km)
}

/// Scalar product.
#[inline(always)]
pub(super) fn dot(a: [f64; 3], b: [f64; 3]) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}
