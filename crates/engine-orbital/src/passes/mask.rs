//! The horizon of a station: where satellites rise and set.

use crate::elements::Angle;

/// From which elevation on a satellite counts as up: everywhere the same, or by azimuth.
#[derive(Debug, Clone, PartialEq)]
pub struct Mask {
    /// Azimuth and elevation in degrees, azimuths from 0 up to 360 in order; one for a constant mask, never none.
    points: Vec<[f64; 2]>,
    lowest_degrees: f64,
    highest_degrees: f64,
}

/// Why a mask cannot be.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum NotAMask {
    /// An elevation that nothing can rise over.
    #[error("a mask of {0} degrees is no horizon: give elevations from -30 to below 90 degrees")]
    Elevation(f64),
    /// An azimuth out of range, or twice.
    #[error(
        "the azimuth {0} degrees is not in order: give azimuths from 0 up to 360 degrees, each larger than the one before"
    )]
    Azimuth(f64),
    /// Too few or too many points.
    #[error("{0} points make no mask: give one to {max}", max = Mask::POINTS_MAX)]
    Points(usize),
}

impl Default for Mask {
    /// The plane of the horizon, 0 degrees.
    fn default() -> Self {
        Self { points: vec![[0.0, 0.0]], lowest_degrees: 0.0, highest_degrees: 0.0 }
    }
}

impl Mask {
    /// Every tenth of a degree: more is not a horizon but a photograph.
    pub const POINTS_MAX: usize = 3_600;

    /// The same elevation all around, from -30 (seen from a height) to below 90 degrees.
    pub fn level(elevation: Angle) -> Result<Self, NotAMask> {
        Self::around(&[(Angle::degrees(0.0), elevation)])
    }

    /// Elevations by azimuth, linear between neighbours and from the last round to the first. Azimuths in order.
    pub fn around(points: &[(Angle, Angle)]) -> Result<Self, NotAMask> {
        if !(1..=Self::POINTS_MAX).contains(&points.len()) {
            return Err(NotAMask::Points(points.len()));
        }
        let points: Vec<[f64; 2]> =
            points.iter().map(|(azimuth, elevation)| [azimuth.to_degrees(), elevation.to_degrees()]).collect();
        let mut last = f64::NEG_INFINITY;
        let (mut lowest_degrees, mut highest_degrees) = (f64::INFINITY, f64::NEG_INFINITY);
        for [azimuth, elevation] in &points {
            if !(0.0..360.0).contains(azimuth) || *azimuth <= last {
                return Err(NotAMask::Azimuth(*azimuth));
            }
            if !(-30.0..90.0).contains(elevation) {
                return Err(NotAMask::Elevation(*elevation));
            }
            last = *azimuth;
            (lowest_degrees, highest_degrees) = (lowest_degrees.min(*elevation), highest_degrees.max(*elevation));
        }
        Ok(Self { points, lowest_degrees, highest_degrees })
    }

    /// The elevation of the horizon at an azimuth.
    pub fn elevation(&self, azimuth: Angle) -> Angle {
        Angle::degrees(self.degrees(azimuth.to_degrees()))
    }

    /// The same at an azimuth in degrees, which may be any number of turns away.
    pub(super) fn degrees(&self, azimuth: f64) -> f64 {
        let azimuth = azimuth.rem_euclid(360.0);
        let after = self.points.partition_point(|[at, _]| *at <= azimuth);
        let (Some(first), Some(last)) = (self.points.first(), self.points.last()) else { return 0.0 };
        let [from, low] = *after.checked_sub(1).and_then(|index| self.points.get(index)).unwrap_or(last);
        let [to, high] = *self.points.get(after).unwrap_or(first);
        let width = (to - from).rem_euclid(360.0);
        if width > 0.0 { low + (high - low) * (azimuth - from).rem_euclid(360.0) / width } else { low }
    }

    /// The points passed on the way from one azimuth to another (degrees, not wrapped, less than a turn apart), in that order.
    pub(super) fn between(&self, from: f64, to: f64) -> Vec<f64> {
        let (low, high) = (from.min(to), from.max(to));
        let mut passed: Vec<f64> = Vec::new();
        for turn in [(low / 360.0).floor(), (low / 360.0).floor() + 1.0] {
            let shifted = self.points.iter().map(|[at, _]| at + turn * 360.0);
            passed.extend(shifted.filter(|at| low < *at && *at < high));
        }
        if to < from {
            passed.reverse();
        }
        passed
    }

    /// The elevation where it is everywhere the same.
    pub(super) fn constant(&self) -> Option<f64> {
        (self.lowest_degrees == self.highest_degrees).then_some(self.lowest_degrees)
    }

    pub(super) const fn lowest_degrees(&self) -> f64 {
        self.lowest_degrees
    }
}
