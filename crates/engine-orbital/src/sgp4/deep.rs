//! What a satellite deep in space has beside its mean motion: Sun, Moon and resonance.

use std::f64::consts::TAU;

use vocabulary::Timestamp;

use super::{mean::Mean, resonance::Resonance, third_body::ThirdBody};

/// Deep space: all of it constant for a satellite.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Deep {
    pub(crate) third_body: ThirdBody,
    pub(crate) resonance: Option<Resonance>,
    /// Greenwich sidereal time at epoch, radians.
    pub(crate) sidereal: f64,
}

/// The Julian date of 1970 January 1, 0h, and of 1949 December 31, 0h.
const UNIX_JULIAN_DAY: f64 = 2_440_587.5;
const DEEP_JULIAN_DAY: f64 = 2_433_281.5;
const SECONDS_A_DAY: f64 = 86_400.0;

impl Deep {
    pub(crate) fn new(mean: &Mean, epoch: Timestamp) -> Self {
        // By way of the Julian day, whose last digit is 40 µs: rounded elsewhere, the longest ellipses differ from the published
        // states by millimetres.
        let julian_day = epoch.unix_seconds() / SECONDS_A_DAY + UNIX_JULIAN_DAY;
        let days = julian_day - DEEP_JULIAN_DAY;
        let sidereal = sidereal_time(julian_day);
        let third_body = ThirdBody::new(mean, days);
        let resonance = Resonance::new(mean, &third_body.rates, sidereal);
        Self { third_body, resonance, sidereal }
    }
}

/// Greenwich mean sidereal time of 1982 in radians, with UTC for UT1 as the theory has it.
fn sidereal_time(julian_day: f64) -> f64 {
    let t = (julian_day - 2_451_545.0) / 36_525.0;
    let seconds =
        -6.2e-6 * t * t * t + 0.093_104 * t * t + (876_600.0 * 3600.0 + 8_640_184.812_866) * t + 67_310.548_41;
    (seconds.to_radians() / 240.0).rem_euclid(TAU)
}
