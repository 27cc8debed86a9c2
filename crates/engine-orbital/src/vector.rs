//! Arithmetic of three numbers.

use crate::Angle;

pub(crate) fn dot(a: &[f64; 3], b: &[f64; 3]) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

pub(crate) fn cross(a: &[f64; 3], b: &[f64; 3]) -> [f64; 3] {
    [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
}

pub(crate) fn norm(a: &[f64; 3]) -> f64 {
    dot(a, a).sqrt()
}

pub(crate) fn minus(a: &[f64; 3], b: &[f64; 3]) -> [f64; 3] {
    [a[0] - b[0], a[1] - b[1], a[2] - b[2]]
}

/// `a + factor * b`.
pub(crate) fn plus(a: &[f64; 3], factor: f64, b: &[f64; 3]) -> [f64; 3] {
    [a[0] + factor * b[0], a[1] + factor * b[1], a[2] + factor * b[2]]
}

pub(crate) fn times(factor: f64, a: &[f64; 3]) -> [f64; 3] {
    [factor * a[0], factor * a[1], factor * a[2]]
}

/// The angle between two directions, in radians; as good near 0 and π as elsewhere.
pub(crate) fn between(a: &[f64; 3], b: &[f64; 3]) -> f64 {
    norm(&cross(a, b)).atan2(dot(a, b))
}

/// The components along the axes that the rows of a rotation name.
pub(crate) fn along(rows: &[[f64; 3]; 3], a: &[f64; 3]) -> [f64; 3] {
    [dot(&rows[0], a), dot(&rows[1], a), dot(&rows[2], a)]
}

/// The opposite of [`along`].
pub(crate) fn back(rows: &[[f64; 3]; 3], a: &[f64; 3]) -> [f64; 3] {
    std::array::from_fn(|axis| rows[0][axis] * a[0] + rows[1][axis] * a[1] + rows[2][axis] * a[2])
}

pub(crate) fn from_radians(radians: f64) -> Angle {
    Angle::degrees(radians.to_degrees())
}

/// From 0 up to 360 degrees; `rem_euclid` of a tiny negative number alone would round to 360.
pub(crate) fn turn(radians: f64) -> Angle {
    let degrees = radians.to_degrees();
    let wrapped = if degrees < 0.0 { degrees + 360.0 } else { degrees };
    Angle::degrees(if wrapped >= 360.0 { 0.0 } else { wrapped })
}
