//! Lanes for any processor: four numbers, which the compiler may do at once.

use std::ops::{Add, Mul, Neg, Sub};

use super::Lanes;

/// Four numbers.
#[derive(Clone, Copy)]
pub(crate) struct Four([f64; 4]);

macro_rules! operator {
    ($trait:ident, $method:ident, $sign:tt) => {
        impl $trait for Four {
            type Output = Self;
            #[inline(always)]
            fn $method(self, other: Self) -> Self {
                let ([a, b, c, d], [e, f, g, h]) = (self.0, other.0);
                Self([a $sign e, b $sign f, c $sign g, d $sign h])
            }
        }
    };
}

operator!(Add, add, +);
operator!(Sub, sub, -);
operator!(Mul, mul, *);

impl Neg for Four {
    type Output = Self;
    #[inline(always)]
    fn neg(self) -> Self {
        Self(self.0.map(f64::neg))
    }
}

impl Lanes for Four {
    const WIDTH: usize = 4;

    #[inline(always)]
    fn splat(value: f64) -> Self {
        Self([value; 4])
    }

    #[inline(always)]
    fn each(value: impl FnMut(usize) -> f64) -> Self {
        Self(std::array::from_fn(value))
    }

    #[inline(always)]
    fn load(from: &[f64]) -> Self {
        Self(
            from.first_chunk()
                .copied()
                .unwrap_or_else(|| std::array::from_fn(|at| from.get(at).copied().unwrap_or(0.0))),
        )
    }

    #[inline(always)]
    fn store(self, to: &mut [f64]) {
        to.iter_mut().zip(self.0).for_each(|(to, value)| *to = value);
    }

    // Not fused: without an instruction for it that would be a call to a function that is slower by far.
    #[inline(always)]
    fn times_plus(self, by: Self, plus: Self) -> Self {
        self * by + plus
    }

    #[inline(always)]
    fn times_from(self, by: Self, from: Self) -> Self {
        from - self * by
    }

    #[inline(always)]
    fn inverse(self) -> Self {
        Self(self.0.map(|value| 1.0 / value))
    }

    #[inline(always)]
    fn rough_inverse(self) -> Self {
        self.inverse()
    }

    #[inline(always)]
    fn inverse_root(self) -> Self {
        Self(self.0.map(|value| 1.0 / value.sqrt()))
    }

    #[inline(always)]
    fn abs(self) -> Self {
        Self(self.0.map(f64::abs))
    }

    #[inline(always)]
    fn round(self) -> Self {
        Self(self.0.map(f64::round_ties_even))
    }

    #[inline(always)]
    fn below(self, other: Self) -> u32 {
        let ([a, b, c, d], [e, f, g, h]) = (self.0, other.0);
        u32::from(a < e) | u32::from(b < f) << 1 | u32::from(c < g) << 2 | u32::from(d < h) << 3
    }

    #[inline(always)]
    fn or(self, bits: u32, other: Self) -> Self {
        let ([a, b, c, d], [e, f, g, h]) = (self.0, other.0);
        let pick = |at: u32, yes: f64, no: f64| if bits >> at & 1 == 1 { yes } else { no };
        Self([pick(0, a, e), pick(1, b, f), pick(2, c, g), pick(3, d, h)])
    }
}
