//! The Earth under the satellites: how it is turned at an instant, places on it, and what is seen from them.

mod celestial;
mod geodetic;
mod orientation;
mod station;

use std::f64::consts::TAU;

use vocabulary::Timestamp;

pub use celestial::Celestial;
pub use geodetic::Geodetic;
pub(crate) use geodetic::{EQUATORIAL_RADIUS_KM, FLATTENING};
pub use orientation::{Knowledge, NotOrientations, Orientation, Orientations};
pub use station::{AngularRate, Look, Station};

use crate::state::{Itrf, Pef, State, Teme};

const SECONDS_PER_DAY: f64 = 86_400.0;
const NANOSECONDS_PER_DAY: i128 = 86_400_000_000_000;
/// 2000-01-01T12:00:00Z on Unix's count.
const J2000_UNIX_NANOSECONDS: i128 = 946_728_000_000_000_000;
const ARCSECOND_RADIANS: f64 = TAU / 1_296_000.0;

/// How the Earth is turned at one instant: leads from [`Teme`] to [`Pef`] and [`Itrf`], and back.
///
/// The turn is Greenwich mean sidereal time 1982 of UT1 (Aoki et al. 1982), as SGP4's own frame wants it (Vallado et al., AIAA 2006-6753,
/// appendix C); polar motion is `R1(-y)·R2(-x)` of the orientation (IERS Conventions 2010, 5.4.1, without s', which is 1e-5 arcseconds). UT1-UTC that is not known turns the ground by up to 0.46 km at the
/// equator for each second: see [`Orientation::ground_bound_km`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Earth {
    when: Timestamp,
    orientation: Orientation,
    angle_radians: f64,
    sine: f64,
    cosine: f64,
    rate_radians_s: f64,
    /// Rows: the axes of the ITRF in PEF.
    pole: [[f64; 3]; 3],
}

impl Earth {
    /// The Earth at an instant, with what is known of its orientation (`Orientation::default()` where nothing is).
    pub fn at(when: Timestamp, orientation: Orientation) -> Self {
        let angle_radians = sidereal_radians(when, orientation.ut1_minus_utc_seconds());
        let (sine, cosine) = angle_radians.sin_cos();
        let rate_radians_s = sidereal_rate_radians_s(when);
        let pole = pole(orientation.polar_motion_radians());
        Self { when, orientation, angle_radians, sine, cosine, rate_radians_s, pole }
    }

    /// The instant.
    pub const fn when(&self) -> Timestamp {
        self.when
    }

    /// What was known of the orientation, and how well.
    pub const fn orientation(&self) -> &Orientation {
        &self.orientation
    }

    /// Greenwich mean sidereal time 1982, in radians from 0 up to 2π.
    pub const fn sidereal_radians(&self) -> f64 {
        self.angle_radians
    }

    /// Turned with the ground, about the axis of date.
    pub fn pef(&self, state: &State<Teme>) -> State<Pef> {
        let position = self.turned(&state.position_km);
        let velocity = self.turned(&state.velocity_km_s);
        let rate = self.rate_radians_s;
        State::new(position, [velocity[0] + rate * position[1], velocity[1] - rate * position[0], velocity[2]])
    }

    /// Over the ground: [`Earth::pef`] with polar motion.
    pub fn itrf(&self, state: &State<Teme>) -> State<Itrf> {
        let pef = self.pef(state);
        State::new(
            crate::vector::along(&self.pole, &pef.position_km),
            crate::vector::along(&self.pole, &pef.velocity_km_s),
        )
    }

    /// The way back from the ground.
    pub fn teme(&self, state: &State<Itrf>) -> State<Teme> {
        let position = crate::vector::back(&self.pole, &state.position_km);
        let velocity = crate::vector::back(&self.pole, &state.velocity_km_s);
        let rate = self.rate_radians_s;
        let inertial = [velocity[0] - rate * position[1], velocity[1] + rate * position[0], velocity[2]];
        State::new(self.turned_back(&position), self.turned_back(&inertial))
    }

    /// A direction or place in TEME as it stands over the ground at this instant; nothing moves.
    pub fn over_ground(&self, teme: &[f64; 3]) -> [f64; 3] {
        crate::vector::along(&self.pole, &self.turned(teme))
    }

    fn turned(&self, [x, y, z]: &[f64; 3]) -> [f64; 3] {
        [self.cosine * x + self.sine * y, self.cosine * y - self.sine * x, *z]
    }

    fn turned_back(&self, [x, y, z]: &[f64; 3]) -> [f64; 3] {
        [self.cosine * x - self.sine * y, self.cosine * y + self.sine * x, *z]
    }
}

/// Greenwich mean sidereal time 1982 at UTC plus UT1-UTC, from 0 up to 2π.
pub(crate) fn sidereal_radians(when: Timestamp, ut1_minus_utc_seconds: f64) -> f64 {
    // Whole days and the rest apart, so that microseconds survive.
    let since = when.instant().unix_timestamp_nanos() - J2000_UNIX_NANOSECONDS;
    let days = since.div_euclid(NANOSECONDS_PER_DAY) as f64;
    let rest = since.rem_euclid(NANOSECONDS_PER_DAY) as f64 / NANOSECONDS_PER_DAY as f64
        + ut1_minus_utc_seconds / SECONDS_PER_DAY;
    let centuries = (days + rest) / 36_525.0;
    let seconds = 67_310.548_41 + centuries * (8_640_184.812_866 + centuries * (0.093_104 - centuries * 6.2e-6));
    let turns = rest + seconds / SECONDS_PER_DAY;
    turns.rem_euclid(1.0) * TAU
}

/// Its rate, for a second of UT1; the length of the day, which varies by 4e-8, is taken as 86 400 s.
pub(crate) fn sidereal_rate_radians_s(when: Timestamp) -> f64 {
    let centuries =
        (when.instant().unix_timestamp_nanos() - J2000_UNIX_NANOSECONDS) as f64 / NANOSECONDS_PER_DAY as f64 / 36_525.0;
    let seconds_per_day = (8_640_184.812_866 + centuries * (0.186_208 - centuries * 1.86e-5)) / 36_525.0;
    TAU / SECONDS_PER_DAY * (1.0 + seconds_per_day / SECONDS_PER_DAY)
}

/// The axes of the ITRF in PEF.
fn pole([x, y]: [f64; 2]) -> [[f64; 3]; 3] {
    let ((sx, cx), (sy, cy)) = (x.sin_cos(), y.sin_cos());
    [[cx, 0.0, sx], [sy * sx, cy, -sy * cx], [-cy * sx, sy, cy * cx]]
}

#[cfg(test)]
mod tests;
