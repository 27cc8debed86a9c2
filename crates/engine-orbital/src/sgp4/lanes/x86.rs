//! Lanes of x86-64: four numbers with AVX2, eight with AVX-512.

#![expect(unsafe_code, reason = "the processor's instructions for lanes; each use says why it is sound")]

use std::{
    arch::x86_64::*,
    ops::{Add, Mul, Neg, Sub},
};

use super::{Kind, Lanes, Work};

/// Does the work in these lanes. The caller has asked [`Kind::available`], so the processor has them.
pub(super) fn run<W: Work>(kind: Kind, work: W) -> W::Output {
    debug_assert!(Kind::available().contains(&kind));
    match kind {
        // SAFETY: `Kind::run`, the only caller, found the kind among those available, for which all these features were detected.
        Kind::Avx512 => unsafe { with_avx512(work) },
        // SAFETY: as above.
        Kind::Avx2 => unsafe { with_avx2(work) },
        Kind::Portable => work.run::<super::portable::Four>(),
    }
}

#[target_feature(enable = "avx512f,avx512dq,avx512vl,avx2,fma")]
fn with_avx512<W: Work>(work: W) -> W::Output {
    work.run::<Eight>()
}

#[target_feature(enable = "avx2,fma")]
fn with_avx2<W: Work>(work: W) -> W::Output {
    work.run::<Four>()
}

/// Four numbers in a register of AVX2. Values of this type come to be only in `with_avx2` and what it inlines, so that the processor is known to
/// have AVX2 and FMA wherever there is one: the proof for all methods here.
#[derive(Clone, Copy)]
#[repr(transparent)]
struct Four(__m256d);

/// Eight numbers in a register of AVX-512. Values of this type come to be only in `with_avx512` and what it inlines, so that the processor is
/// known to have AVX-512 F, DQ and VL wherever there is one: the proof for all methods here.
#[derive(Clone, Copy)]
#[repr(transparent)]
struct Eight(__m512d);

macro_rules! operator {
    ($type:ident, $trait:ident, $method:ident, $instruction:ident) => {
        impl $trait for $type {
            type Output = Self;
            #[inline(always)]
            fn $method(self, other: Self) -> Self {
                // SAFETY: the value is the proof, see the type.
                Self(unsafe { $instruction(self.0, other.0) })
            }
        }
    };
}

operator!(Four, Add, add, _mm256_add_pd);
operator!(Four, Sub, sub, _mm256_sub_pd);
operator!(Four, Mul, mul, _mm256_mul_pd);
operator!(Eight, Add, add, _mm512_add_pd);
operator!(Eight, Sub, sub, _mm512_sub_pd);
operator!(Eight, Mul, mul, _mm512_mul_pd);

impl Neg for Four {
    type Output = Self;
    #[inline(always)]
    fn neg(self) -> Self {
        // SAFETY: the value is the proof, see the type.
        Self(unsafe { _mm256_xor_pd(self.0, _mm256_set1_pd(-0.0)) })
    }
}

impl Neg for Eight {
    type Output = Self;
    #[inline(always)]
    fn neg(self) -> Self {
        // SAFETY: the value is the proof, see the type.
        Self(unsafe { _mm512_xor_pd(self.0, _mm512_set1_pd(-0.0)) })
    }
}

/// What both kinds have alike but for the names of the instructions.
macro_rules! shared {
    ($width:literal, $set:ident, $load:ident, $store:ident, $fma:ident, $fnma:ident) => {
        const WIDTH: usize = $width;

        #[inline(always)]
        fn splat(value: f64) -> Self {
            // SAFETY: only called from work that runs in these lanes, see the type.
            Self(unsafe { $set(value) })
        }

        #[inline(always)]
        fn each(value: impl FnMut(usize) -> f64) -> Self {
            Self::load(&std::array::from_fn::<f64, $width, _>(value))
        }

        #[inline(always)]
        fn load(from: &[f64]) -> Self {
            let padded;
            let whole: &[f64; $width] = match from.first_chunk() {
                Some(whole) => whole,
                None => {
                    padded = std::array::from_fn(|at| from.get(at).copied().unwrap_or(0.0));
                    &padded
                }
            };
            // SAFETY: reads as many numbers as the array has; only called from work that runs in these lanes.
            Self(unsafe { $load(whole.as_ptr()) })
        }

        #[inline(always)]
        fn store(self, to: &mut [f64]) {
            match to.first_chunk_mut::<$width>() {
                // SAFETY: writes as many numbers as the array has; the value is the proof, see the type.
                Some(whole) => unsafe { $store(whole.as_mut_ptr(), self.0) },
                None => {
                    let mut whole = [0.0; $width];
                    // SAFETY: as above.
                    unsafe { $store(whole.as_mut_ptr(), self.0) };
                    to.iter_mut().zip(whole).for_each(|(to, value)| *to = value);
                }
            }
        }

        #[inline(always)]
        fn times_plus(self, by: Self, plus: Self) -> Self {
            // SAFETY: the value is the proof, see the type.
            Self(unsafe { $fma(self.0, by.0, plus.0) })
        }

        #[inline(always)]
        fn times_from(self, by: Self, from: Self) -> Self {
            // SAFETY: the value is the proof, see the type.
            Self(unsafe { $fnma(self.0, by.0, from.0) })
        }
    };
}

impl Lanes for Four {
    shared!(4, _mm256_set1_pd, _mm256_loadu_pd, _mm256_storeu_pd, _mm256_fmadd_pd, _mm256_fnmadd_pd);

    #[inline(always)]
    fn inverse(self) -> Self {
        // SAFETY: the value is the proof, see the type.
        Self(unsafe { _mm256_div_pd(_mm256_set1_pd(1.0), self.0) })
    }

    #[inline(always)]
    fn rough_inverse(self) -> Self {
        self.inverse()
    }

    #[inline(always)]
    fn inverse_root(self) -> Self {
        // SAFETY: the value is the proof, see the type.
        Self(unsafe { _mm256_div_pd(_mm256_set1_pd(1.0), _mm256_sqrt_pd(self.0)) })
    }

    #[inline(always)]
    fn abs(self) -> Self {
        // SAFETY: the value is the proof, see the type.
        Self(unsafe { _mm256_andnot_pd(_mm256_set1_pd(-0.0), self.0) })
    }

    #[inline(always)]
    fn round(self) -> Self {
        // SAFETY: the value is the proof, see the type.
        Self(unsafe { _mm256_round_pd::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(self.0) })
    }

    #[inline(always)]
    fn below(self, other: Self) -> u32 {
        // SAFETY: the value is the proof, see the type.
        unsafe { _mm256_movemask_pd(_mm256_cmp_pd::<_CMP_LT_OQ>(self.0, other.0)).cast_unsigned() }
    }

    #[inline(always)]
    fn or(self, bits: u32, other: Self) -> Self {
        let sign = |at: u32| if bits >> at & 1 == 1 { -0.0 } else { 0.0 };
        // SAFETY: the value is the proof, see the type.
        Self(unsafe { _mm256_blendv_pd(other.0, self.0, _mm256_setr_pd(sign(0), sign(1), sign(2), sign(3))) })
    }
}

impl Lanes for Eight {
    shared!(8, _mm512_set1_pd, _mm512_loadu_pd, _mm512_storeu_pd, _mm512_fmadd_pd, _mm512_fnmadd_pd);

    #[inline(always)]
    fn inverse(self) -> Self {
        // Each step of Newton's doubles the digits of the rough one; a division would hold up everything else for longer.
        let (one, rough) = (Self::splat(1.0), self.rough_inverse());
        let once = rough.times_plus(self.times_from(rough, one), rough);
        once.times_plus(self.times_from(once, one), once)
    }

    #[inline(always)]
    fn rough_inverse(self) -> Self {
        // SAFETY: the value is the proof, see the type.
        Self(unsafe { _mm512_rcp14_pd(self.0) })
    }

    #[inline(always)]
    fn inverse_root(self) -> Self {
        // SAFETY: the value is the proof, see the type.
        let rough = Self(unsafe { _mm512_rsqrt14_pd(self.0) });
        let (half, one) = (Self::splat(0.5), Self::splat(1.0));
        let once = rough.times_plus(half * (self * rough).times_from(rough, one), rough);
        once.times_plus(half * (self * once).times_from(once, one), once)
    }

    #[inline(always)]
    fn abs(self) -> Self {
        // SAFETY: the value is the proof, see the type.
        Self(unsafe { _mm512_abs_pd(self.0) })
    }

    #[inline(always)]
    fn round(self) -> Self {
        // SAFETY: the value is the proof, see the type.
        Self(unsafe { _mm512_roundscale_pd::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(self.0) })
    }

    #[inline(always)]
    fn below(self, other: Self) -> u32 {
        // SAFETY: the value is the proof, see the type.
        unsafe { u32::from(_mm512_cmp_pd_mask::<_CMP_LT_OQ>(self.0, other.0)) }
    }

    #[inline(always)]
    fn or(self, bits: u32, other: Self) -> Self {
        // SAFETY: the value is the proof, see the type.
        Self(unsafe { _mm512_mask_blend_pd((bits & 0xff) as u8, other.0, self.0) })
    }

    #[inline(always)]
    fn rows([x, y, z]: [Self; 3]) -> [Self; 3] {
        // First x and y where they belong, then z between them.
        let of = |xy: [i64; 8], z_at: [i64; 8]| {
            let [[a, b, c, d, e, f, g, h], [i, j, k, l, m, n, o, p]] = [xy, z_at];
            // SAFETY: the values are the proof, see the type.
            Self(unsafe {
                let both = _mm512_permutex2var_pd(x.0, _mm512_setr_epi64(a, b, c, d, e, f, g, h), y.0);
                _mm512_permutex2var_pd(both, _mm512_setr_epi64(i, j, k, l, m, n, o, p), z.0)
            })
        };
        [
            of([0, 8, 0, 1, 9, 0, 2, 10], [0, 1, 8, 3, 4, 9, 6, 7]),
            of([0, 3, 11, 0, 4, 12, 0, 5], [10, 1, 2, 11, 4, 5, 12, 7]),
            of([13, 0, 6, 14, 0, 7, 15, 0], [0, 13, 2, 3, 14, 5, 6, 15]),
        ]
    }
}
