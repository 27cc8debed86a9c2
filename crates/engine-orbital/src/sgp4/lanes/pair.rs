//! Two lanes' worth side by side: while one waits for its last result the processor works on the other.

use std::ops::{Add, Mul, Neg, Sub};

use super::Lanes;

/// Twice as many numbers.
#[derive(Clone, Copy)]
pub(crate) struct Pair<L>(L, L);

impl<L: Lanes> Add for Pair<L> {
    type Output = Self;
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0, self.1 + other.1)
    }
}

impl<L: Lanes> Sub for Pair<L> {
    type Output = Self;
    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0, self.1 - other.1)
    }
}

impl<L: Lanes> Mul for Pair<L> {
    type Output = Self;
    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        Self(self.0 * other.0, self.1 * other.1)
    }
}

impl<L: Lanes> Neg for Pair<L> {
    type Output = Self;
    #[inline(always)]
    fn neg(self) -> Self {
        Self(-self.0, -self.1)
    }
}

impl<L: Lanes> Lanes for Pair<L> {
    const WIDTH: usize = 2 * L::WIDTH;

    #[inline(always)]
    fn splat(value: f64) -> Self {
        Self(L::splat(value), L::splat(value))
    }

    #[inline(always)]
    fn each(mut value: impl FnMut(usize) -> f64) -> Self {
        Self(L::each(&mut value), L::each(|lane| value(lane + L::WIDTH)))
    }

    #[inline(always)]
    fn load(from: &[f64]) -> Self {
        Self(L::load(from), L::load(from.get(L::WIDTH..).unwrap_or_default()))
    }

    #[inline(always)]
    fn store(self, to: &mut [f64]) {
        let (first, second) = to.split_at_mut(L::WIDTH.min(to.len()));
        self.0.store(first);
        self.1.store(second);
    }

    #[inline(always)]
    fn times_plus(self, by: Self, plus: Self) -> Self {
        Self(self.0.times_plus(by.0, plus.0), self.1.times_plus(by.1, plus.1))
    }

    #[inline(always)]
    fn times_from(self, by: Self, from: Self) -> Self {
        Self(self.0.times_from(by.0, from.0), self.1.times_from(by.1, from.1))
    }

    #[inline(always)]
    fn inverse(self) -> Self {
        Self(self.0.inverse(), self.1.inverse())
    }

    #[inline(always)]
    fn rough_inverse(self) -> Self {
        Self(self.0.rough_inverse(), self.1.rough_inverse())
    }

    #[inline(always)]
    fn inverse_root(self) -> Self {
        Self(self.0.inverse_root(), self.1.inverse_root())
    }

    #[inline(always)]
    fn abs(self) -> Self {
        Self(self.0.abs(), self.1.abs())
    }

    #[inline(always)]
    fn round(self) -> Self {
        Self(self.0.round(), self.1.round())
    }

    #[inline(always)]
    fn below(self, other: Self) -> u32 {
        self.0.below(other.0) | self.1.below(other.1) << L::WIDTH
    }

    #[inline(always)]
    fn or(self, bits: u32, other: Self) -> Self {
        Self(self.0.or(bits, other.0), self.1.or(bits >> L::WIDTH, other.1))
    }

    #[inline(always)]
    fn rows([x, y, z]: [Self; 3]) -> [Self; 3] {
        let ([a, b, c], [d, e, f]) = (L::rows([x.0, y.0, z.0]), L::rows([x.1, y.1, z.1]));
        [Self(a, b), Self(c, d), Self(e, f)]
    }
}
