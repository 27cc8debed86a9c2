//! Functions over lanes: sine and cosine, arc tangent, turning by small angles, polynomials.

use std::f64::consts::FRAC_PI_2;

use super::lanes::Lanes;

/// Sine and cosine of an angle.
#[derive(Clone, Copy)]
pub(crate) struct Turn<L> {
    pub(crate) sin: L,
    pub(crate) cos: L,
}

/// The part of a quarter turn that `FRAC_PI_2` does not hold.
const FRAC_PI_2_REST: f64 = 6.123_233_995_736_766e-17;

/// `c0 + c1 x + c2 x² + …`.
#[inline(always)]
pub(crate) fn polynomial<L: Lanes, const N: usize>(x: L, coefficients: [f64; N]) -> L {
    let mut sum = L::splat(0.0);
    let mut is_first = true;
    for value in coefficients.into_iter().rev() {
        sum = if is_first { L::splat(value) } else { sum.times_plus(x, L::splat(value)) };
        is_first = false;
    }
    sum
}

impl<L: Lanes> Turn<L> {
    /// To the last bits for angles up to some hundred thousand radians.
    #[inline(always)]
    pub(crate) fn of(angle: L) -> Self {
        let quarters = (angle * L::splat(1.0 / FRAC_PI_2)).round();
        let rest = quarters.times_from(L::splat(FRAC_PI_2), angle);
        let rest = quarters.times_from(L::splat(FRAC_PI_2_REST), rest);
        let square = rest * rest;
        // Taylor's series, cut where the rest of it vanishes within an eighth of a turn.
        let sin = polynomial(
            square,
            [
                -1.666_666_666_666_666_6e-1,
                8.333_333_333_333_333e-3,
                -1.984_126_984_126_984e-4,
                2.755_731_922_398_589e-6,
                -2.505_210_838_544_172e-8,
                1.605_904_383_682_161_5e-10,
                -7.647_163_731_819_816e-13,
            ],
        );
        let sin = (sin * square).times_plus(rest, rest);
        let cos = polynomial(
            square,
            [
                1.0,
                -0.5,
                4.166_666_666_666_666_4e-2,
                -1.388_888_888_888_889e-3,
                2.480_158_730_158_73e-5,
                -2.755_731_922_398_589e-7,
                2.087_675_698_786_81e-9,
                -1.147_074_559_772_972_5e-11,
                4.779_477_332_387_385e-14,
            ],
        );
        // -2 to 2, of which the ends are the same quarter.
        let quarter = quarters - (quarters * L::splat(0.25)).round() * L::splat(4.0);
        let is_odd = (quarter.abs() - L::splat(1.0)).abs().below(L::splat(0.25));
        let (a, b) = (cos.or(is_odd, sin), sin.or(is_odd, cos));
        let sin_falls = quarter.below(L::splat(-0.5)) | L::splat(1.5).below(quarter);
        let cos_falls = L::splat(0.5).below(quarter) | quarter.below(L::splat(-1.5));
        Self { sin: (-a).or(sin_falls, a), cos: (-b).or(cos_falls, b) }
    }

    /// The sum of both angles.
    #[inline(always)]
    pub(crate) fn plus(self, other: Self) -> Self {
        Self {
            sin: self.sin.times_plus(other.cos, self.cos * other.sin),
            cos: self.sin.times_from(other.sin, self.cos * other.cos),
        }
    }

    /// Turned by a small angle: to 1e-15 below 0.003, to 1e-12 below 0.01.
    #[inline(always)]
    pub(crate) fn plus_small(self, angle: L) -> Self {
        let square = angle * angle;
        let sin = (square * L::splat(-1.0 / 6.0)).times_plus(angle, angle);
        let cos = square.times_plus(square.times_plus(L::splat(1.0 / 24.0), L::splat(-0.5)), L::splat(1.0));
        self.plus(Self { sin, cos })
    }

    /// Turned by an angle of less than a thousandth, to 1e-13.
    #[inline(always)]
    pub(crate) fn plus_tiny(self, angle: L) -> Self {
        let square = angle * angle;
        let sin = (square * L::splat(-1.0 / 6.0)).times_plus(angle, angle);
        let cos = square.times_plus(L::splat(-0.5), L::splat(1.0));
        self.plus(Self { sin, cos })
    }
}

/// The angle of a direction that has length 1, from -π to π.
#[inline(always)]
pub(crate) fn direction<L: Lanes>(turn: Turn<L>) -> L {
    let (x, y) = (turn.cos.abs(), turn.sin.abs());
    let is_steep = x.below(y);
    let (low, high) = (x.or(is_steep, y), y.or(is_steep, x));
    let ratio = low * high.inverse();
    // Abramowitz and Stegun 4.4.49, good to 1e-5: what is left over is put right below.
    let rough = ratio * polynomial(ratio * ratio, [0.999_866_0, -0.330_299_5, 0.180_141_0, -0.085_133_0, 0.020_835_1]);
    let rough = (L::splat(FRAC_PI_2) - rough).or(is_steep, rough);
    let rough = (L::splat(2.0 * FRAC_PI_2) - rough).or(turn.cos.below(L::splat(0.0)), rough);
    let rough = (-rough).or(turn.sin.below(L::splat(0.0)), rough);
    let near = Turn::of(rough);
    let left = turn.sin.times_plus(near.cos, -(turn.cos * near.sin));
    rough + left.times_plus(left * left * L::splat(1.0 / 6.0), left)
}
