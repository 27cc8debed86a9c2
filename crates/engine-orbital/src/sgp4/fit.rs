//! Polynomials in the place of what changes slowly: fitted at Chebyshev's nodes of a stretch of time, with what they leave out.

use std::{f64::consts::PI, sync::LazyLock};

/// How many nodes.
pub(crate) const NODES: usize = 8;

/// Values at the nodes.
pub(crate) type Values = [f64; NODES];

/// A polynomial of degree 5 over -1 to 1, lowest power first.
pub(crate) type Quintic = [f64; 6];
/// A polynomial of degree 3.
pub(crate) type Cubic = [f64; 4];
/// A polynomial of degree 2.
pub(crate) type Quadratic = [f64; 3];
/// A polynomial of degree 1.
pub(crate) type Line = [f64; 2];

/// Where the nodes lie between -1 and 1.
pub(crate) static PLACES: LazyLock<Values> =
    LazyLock::new(|| std::array::from_fn(|node| ((2 * node + 1) as f64 * PI / (2 * NODES) as f64).cos()));

/// For each node its share in each of Chebyshev's coefficients.
static SHARES: LazyLock<[Values; NODES]> = LazyLock::new(|| {
    std::array::from_fn(|node| {
        std::array::from_fn(|degree| {
            let weight = if degree == 0 { 1.0 } else { 2.0 };
            weight / NODES as f64 * ((2 * node + 1) as f64 * degree as f64 * PI / (2 * NODES) as f64).cos()
        })
    })
});

#[inline(always)]
fn chebyshev(values: &Values) -> Values {
    let mut sums = [0.0; NODES];
    for (share, value) in SHARES.iter().zip(values) {
        for (sum, share) in sums.iter_mut().zip(share) {
            *sum += share * value;
        }
    }
    sums
}

/// A fit of degree 5, and how much it leaves out.
#[inline(always)]
pub(crate) fn quintic(values: &Values) -> (Quintic, f64) {
    let [c0, c1, c2, c3, c4, c5, c6, c7] = chebyshev(values);
    let polynomial =
        [c0 - c2 + c4, c1 - 3.0 * c3 + 5.0 * c5, 2.0 * c2 - 8.0 * c4, 4.0 * c3 - 20.0 * c5, 8.0 * c4, 16.0 * c5];
    (polynomial, c6.abs() + c7.abs())
}

/// A fit of degree 3, and how much it leaves out.
#[inline(always)]
pub(crate) fn cubic(values: &Values) -> (Cubic, f64) {
    let [c0, c1, c2, c3, c4, c5, c6, c7] = chebyshev(values);
    ([c0 - c2, c1 - 3.0 * c3, 2.0 * c2, 4.0 * c3], c4.abs() + c5.abs() + c6.abs() + c7.abs())
}

/// A fit of degree 2, and how much it leaves out.
#[inline(always)]
pub(crate) fn quadratic(values: &Values) -> (Quadratic, f64) {
    let [c0, c1, c2, rest @ ..] = chebyshev(values);
    ([c0 - c2, c1, 2.0 * c2], left(&rest))
}

/// A straight line, and how much it leaves out.
#[inline(always)]
pub(crate) fn line(values: &Values) -> (Line, f64) {
    let [c0, c1, rest @ ..] = chebyshev(values);
    ([c0, c1], left(&rest))
}

/// The mean, and how much it leaves out.
#[inline(always)]
pub(crate) fn constant(values: &Values) -> (f64, f64) {
    let [c0, rest @ ..] = chebyshev(values);
    (c0, left(&rest))
}

#[inline(always)]
fn left(coefficients: &[f64]) -> f64 {
    coefficients.iter().map(|value| value.abs()).sum()
}
