//! Kepler's equation in lanes, in the angle between the eccentric and the mean longitude.
//!
//! With `a = e cos ω`, `b = e sin ω` and the mean longitude `u` the equation is `E = u + a sin E - b cos E`. Let `u` be `base + shift` and
//! `E = base + w`; then `w = shift + A cos w + B sin w`, where `A = a sin base - b cos base` and `B = a cos base + b sin base`. So `w` is as small as
//! the eccentricity, and needs no reduction and few powers.

use super::{
    functions::{Turn, polynomial},
    lanes::{Lanes, all},
};

/// The solution.
#[derive(Clone, Copy)]
pub(crate) struct Anomaly<L> {
    /// Of the eccentric longitude.
    pub(crate) turn: Turn<L>,
    pub(crate) e_sin: L,
    /// `1 - e cos E`, and its inverse.
    pub(crate) distance: L,
    pub(crate) inverse_distance: L,
    pub(crate) sound: u32,
}

/// How the equation is solved.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// For `|shift| + e` below [`NEARLY_CIRCULAR`].
    Circle,
    /// For any ellipse; where it has not converged the lane is not sound.
    Ellipse,
}

/// Up to here the series of the nearly circular form hold to 1e-13.
pub(crate) const NEARLY_CIRCULAR: f64 = 0.06;

#[inline(always)]
pub(crate) fn solve<L: Lanes>(form: Form, a: L, b: L, base: Turn<L>, shift: L) -> Anomaly<L> {
    let sin_part = a.times_plus(base.sin, -(b * base.cos));
    let cos_part = a.times_plus(base.cos, b * base.sin);
    match form {
        Form::Circle => circle(sin_part, cos_part, base, shift),
        Form::Ellipse => ellipse(sin_part, cos_part, base, shift),
    }
}

#[inline(always)]
fn circle<L: Lanes>(sin_part: L, cos_part: L, base: Turn<L>, shift: L) -> Anomaly<L> {
    let one = L::splat(1.0);
    // Two guesses, each better by the square of the eccentricity, then a step of Newton's.
    let slope = cos_part.times_plus(cos_part.times_plus(cos_part, cos_part), one + cos_part);
    let w = (shift + sin_part) * slope;
    let bend = (w * w) * cos_part.times_plus(w * L::splat(1.0 / 3.0), sin_part) * L::splat(0.5);
    let w = bend.times_from(slope, w);
    let square = w * w;
    let sin = polynomial(square, [-1.0 / 6.0, 1.0 / 120.0, -1.0 / 5040.0]);
    let sin = (sin * square).times_plus(w, w);
    let cos = polynomial(square, [1.0, -0.5, 1.0 / 24.0, -1.0 / 720.0]);
    let along = sin_part.times_plus(cos, cos_part * sin);
    let across = cos_part.times_plus(cos, -(sin_part * sin));
    let left = shift + along - w;
    let slope = one - across;
    let rough = slope.rough_inverse();
    let inverse = rough.times_plus(slope.times_from(rough, one), rough);
    let step = left * inverse;
    let turn = base.plus(Turn { sin: cos.times_plus(step, sin), cos: sin.times_from(step, cos) });
    let distance = along.times_plus(step, slope);
    let inverse_distance = inverse.times_plus(distance.times_from(inverse, one), inverse);
    Anomaly { turn, e_sin: w + step - shift, distance, inverse_distance, sound: all::<L>() }
}

#[inline(always)]
fn ellipse<L: Lanes>(sin_part: L, cos_part: L, base: Turn<L>, shift: L) -> Anomaly<L> {
    let one = L::splat(1.0);
    let e2 = sin_part.times_plus(sin_part, cos_part * cos_part);
    let mut w = sin_part.times_plus((cos_part.times_from(L::splat(2.0), one) + e2).inverse_root(), shift);
    let mut turn = Turn::of(w);
    let mut step = w;
    // Halley's steps triple the digits; after four of them all but the longest ellipses near their perigee stand still.
    for _ in 0..4 {
        let along = sin_part.times_plus(turn.cos, cos_part * turn.sin);
        let rate = one - cos_part.times_plus(turn.cos, -(sin_part * turn.sin));
        let left = w - shift - along;
        let below = (left * along * L::splat(-0.5)).times_plus(one, rate * rate);
        step = left * rate * below.inverse();
        w = w - step;
        turn = Turn::of(w);
        if step.abs().below(L::splat(1.0e-6)) == all::<L>() {
            break;
        }
    }
    let distance = one - cos_part.times_plus(turn.cos, -(sin_part * turn.sin));
    Anomaly {
        turn: base.plus(turn),
        e_sin: w - shift,
        distance,
        inverse_distance: distance.inverse(),
        sound: step.abs().below(L::splat(1.0e-5)),
    }
}
