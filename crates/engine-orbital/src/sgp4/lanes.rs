//! Several numbers that are computed at once: what the processor has for it, picked when the program runs.

mod pair;
mod portable;
#[cfg(target_arch = "x86_64")]
mod x86;

use std::ops::{Add, Mul, Neg, Sub};

pub(crate) use pair::Pair;

/// Some `f64` side by side. All functions work on each for itself.
///
/// Every method is inlined into a function that was compiled for the processor's features, else none of this would be fast.
pub(crate) trait Lanes:
    Copy + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> + Neg<Output = Self>
{
    /// How many.
    const WIDTH: usize;
    fn splat(value: f64) -> Self;
    /// Each lane from its index.
    fn each(value: impl FnMut(usize) -> f64) -> Self;
    /// The first `WIDTH` of a slice; zeros where it is shorter.
    fn load(from: &[f64]) -> Self;
    /// Into the first `WIDTH` of a slice; as many as it has room for.
    fn store(self, to: &mut [f64]);
    /// `self * by + plus`.
    fn times_plus(self, by: Self, plus: Self) -> Self;
    /// `from - self * by`.
    fn times_from(self, by: Self, from: Self) -> Self;
    /// `1 / self`, to the last bits.
    fn inverse(self) -> Self;
    /// `1 / self` to one part in ten thousand or better.
    fn rough_inverse(self) -> Self;
    /// `1 / √self`, to the last bits.
    fn inverse_root(self) -> Self;
    fn abs(self) -> Self;
    /// To the nearest whole number.
    fn round(self) -> Self;
    /// A bit for each lane, set where `self < other`; never where one of them is no number.
    fn below(self, other: Self) -> u32;
    /// `self` where the lane's bit is set, else `other`.
    fn or(self, bits: u32, other: Self) -> Self;
    /// Three columns as rows: the first of each, the second of each and so on, one after the other.
    #[inline(always)]
    fn rows(columns: [Self; 3]) -> [Self; 3] {
        super::target::rows(columns)
    }
}

/// Bits of all lanes.
#[inline(always)]
pub(crate) const fn all<L: Lanes>() -> u32 {
    u32::MAX >> (32 - L::WIDTH)
}

/// Work that can be done in lanes of any kind.
pub(crate) trait Work {
    type Output;
    fn run<L: Lanes>(self) -> Self::Output;
}

/// Which lanes are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Portable,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

impl Kind {
    /// The widest that this processor has.
    pub(crate) fn widest() -> Self {
        Self::available().last().copied().unwrap_or(Self::Portable)
    }

    /// All that this processor has, the narrowest first.
    pub(crate) fn available() -> &'static [Self] {
        #[cfg(target_arch = "x86_64")]
        {
            let has_avx2 = std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma");
            let has_avx512 = has_avx2
                && std::arch::is_x86_feature_detected!("avx512f")
                && std::arch::is_x86_feature_detected!("avx512dq")
                && std::arch::is_x86_feature_detected!("avx512vl");
            if has_avx512 {
                return &[Self::Portable, Self::Avx2, Self::Avx512];
            }
            if has_avx2 {
                return &[Self::Portable, Self::Avx2];
            }
        }
        &[Self::Portable]
    }

    /// Does the work in lanes of this kind, or in portable ones where the processor has no such lanes.
    pub(crate) fn run<W: Work>(self, work: W) -> W::Output {
        #[cfg(target_arch = "x86_64")]
        if self != Self::Portable && Self::available().contains(&self) {
            return x86::run(self, work);
        }
        work.run::<portable::Four>()
    }
}
