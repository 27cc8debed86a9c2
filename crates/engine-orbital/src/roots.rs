//! Where a function of time or angle crosses zero, and where it is highest.

use std::f64::consts::{PI, TAU};

/// Rounds that a root is looked for; far more than any takes.
const ROUNDS_MAX: usize = 100;
/// Roots in seconds are found when they are known this well.
pub(crate) const MOMENT_SECONDS: f64 = 2e-5;

/// The crossing between two instants with their values, by Illinois' rule of false position. Values of the same sign give the end with the smaller one.
pub(crate) fn root(
    mut value: impl FnMut(f64) -> f64,
    (mut a, mut at_a): (f64, f64),
    (mut b, mut at_b): (f64, f64),
    tolerance: f64,
) -> f64 {
    if (at_a > 0.0) == (at_b > 0.0) {
        return if at_a.abs() < at_b.abs() { a } else { b };
    }
    for _ in 0..ROUNDS_MAX {
        let next = b - at_b * (b - a) / (at_b - at_a);
        // Rounding may lead to an end or out of the interval: then halve it.
        let next = if (a < next && next < b) || (b < next && next < a) { next } else { (a + b) / 2.0 };
        let here = value(next);
        if (here > 0.0) == (at_b > 0.0) {
            at_a /= 2.0;
        } else {
            (a, at_a) = (b, at_b);
        }
        let moved = (next - b).abs();
        (b, at_b) = (next, here);
        if here == 0.0 || moved < tolerance || (b - a).abs() < tolerance {
            break;
        }
    }
    b
}

/// Where a function with one summit between two instants is highest, by golden section, to 0.1 ms.
pub(crate) fn summit(mut value: impl FnMut(f64) -> f64, mut from: f64, mut to: f64) -> f64 {
    const GOLDEN: f64 = 0.618_033_988_749_894_9;
    let (mut left, mut right) = (to - GOLDEN * (to - from), from + GOLDEN * (to - from));
    let (mut at_left, mut at_right) = (value(left), value(right));
    for _ in 0..ROUNDS_MAX {
        if to - from < 1e-4 {
            break;
        }
        if at_left > at_right {
            (to, right, at_right) = (right, left, at_left);
            left = to - GOLDEN * (to - from);
            at_left = value(left);
        } else {
            (from, left, at_left) = (left, right, at_right);
            right = from + GOLDEN * (to - from);
            at_right = value(right);
        }
    }
    (from + to) / 2.0
}

/// From -π to π.
pub(crate) fn wrapped(radians: f64) -> f64 {
    (radians + PI).rem_euclid(TAU) - PI
}
