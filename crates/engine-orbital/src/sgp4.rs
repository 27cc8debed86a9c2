//! SGP4: where a satellite is at an instant, from its elements.

mod averages;
mod batch;
mod block;
mod constants;
mod deep;
mod exact;
mod fit;
mod functions;
mod kepler;
mod lanes;
mod mean;
mod orbit;
mod resonance;
mod round;
mod single;
mod target;
mod third_body;

use vocabulary::Timestamp;

use crate::{
    Elements, Gravity, State, Teme,
    ephemeris::{ColumnsMut, Ephemeris, Grid, RowsMut},
};
pub use batch::Batch;
use constants::Constants;
use deep::Deep;
use lanes::Kind;
use mean::Mean;
use single::Single;
use target::Target;

/// Farther from epoch than this SGP4 is not asked: a century, in minutes.
const REACH_MINUTES: f64 = 52_596_000.0;

/// One satellite, ready to be asked where it is: SGP4 near the Earth, SDP4 from a period of 225 minutes on, in the improved mode of
/// AIAA 2006-6753. Instants are UTC, and minutes have 60 seconds: a leap second between epoch and instant is not counted, as is the custom.
#[derive(Debug, Clone, PartialEq)]
pub struct Propagator {
    epoch: Timestamp,
    mean: Mean,
    deep: Option<Box<Deep>>,
    constants: Box<Constants>,
}

/// Why there is no state of a satellite at an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Sgp4Error {
    /// Drag has driven the mean eccentricity out of -0.001 to 1.
    #[error("the mean eccentricity has left -0.001 to 1; use elements with an epoch nearer to the instant")]
    MeanEccentricity,
    /// The mean motion is not positive any more: resonance drives it there on the longest ellipses (eccentricities of 0.999 and more).
    #[error("the mean motion is not positive; use elements with an epoch nearer to the instant")]
    MeanMotion,
    /// Sun and Moon have driven the eccentricity out of 0 to 1.
    #[error(
        "the eccentricity with the terms of Sun and Moon has left 0 to 1; use elements with an epoch nearer to the instant"
    )]
    PerturbedEccentricity,
    /// The semi-latus rectum is negative.
    #[error("the semi-latus rectum is negative; use elements with an epoch nearer to the instant")]
    SemiLatusRectum,
    /// The elements lie below the ground at epoch. The theory as of 2006 knows this code and no longer gives it: it says
    /// [`Decayed`](Self::Decayed) at each instant at which the satellite is below the ground.
    #[error("the elements lie below the ground at epoch; use other elements")]
    SubOrbital,
    /// The satellite is below the Earth's radius.
    #[error(
        "the satellite has decayed: it would be below the ground; use elements with an epoch nearer to the instant"
    )]
    Decayed,
    /// The elements are none of an orbit: no number, an eccentricity outside 0 to 1, or a mean motion that is not positive.
    #[error("the elements describe no orbit; check eccentricity, mean motion and drag term")]
    InvalidElements,
    /// The instant is more than a century from epoch, or no number.
    #[error("the instant is more than a century from the epoch of the elements; use elements with a nearer epoch")]
    OutOfReach,
}

impl Sgp4Error {
    /// The number that SGP4 programs give it, 1 to 6. What they have no number for is 7 (elements) and 8 (instant).
    pub const fn code(self) -> u8 {
        match self {
            Self::MeanEccentricity => 1,
            Self::MeanMotion => 2,
            Self::PerturbedEccentricity => 3,
            Self::SemiLatusRectum => 4,
            Self::SubOrbital => 5,
            Self::Decayed => 6,
            Self::InvalidElements => 7,
            Self::OutOfReach => 8,
        }
    }

    /// The error of a number; nothing for 0 and above 8.
    pub const fn of(code: u8) -> Option<Self> {
        Some(match code {
            1 => Self::MeanEccentricity,
            2 => Self::MeanMotion,
            3 => Self::PerturbedEccentricity,
            4 => Self::SemiLatusRectum,
            5 => Self::SubOrbital,
            6 => Self::Decayed,
            7 => Self::InvalidElements,
            8 => Self::OutOfReach,
            _ => return None,
        })
    }
}

impl Propagator {
    /// Refused where the elements describe no orbit; whether a satellite has decayed is told for each instant.
    pub fn new(elements: &Elements, gravity: Gravity) -> Result<Self, Sgp4Error> {
        let mean = Mean::new(elements, gravity.constants())?;
        let deep = mean.is_deep_space().then(|| Box::new(Deep::new(&mean, elements.epoch)));
        let constants =
            Box::new(deep.as_ref().map_or_else(|| Constants::near(&mean), |deep| Constants::deep(&mean, deep)));
        Ok(Self { epoch: elements.epoch, mean, deep, constants })
    }

    /// Epoch of the elements.
    pub fn epoch(&self) -> Timestamp {
        self.epoch
    }

    /// Whether Sun, Moon and resonance count: from a period of 225 minutes on.
    pub fn is_deep_space(&self) -> bool {
        self.deep.is_some()
    }

    /// The state so many minutes after epoch, in the form as published; negative is before.
    pub fn minutes(&self, since_epoch: f64) -> Result<State<Teme>, Sgp4Error> {
        if since_epoch.abs() <= REACH_MINUTES {
            exact::state(&self.mean, self.deep.as_deref(), since_epoch)
        } else {
            Err(Sgp4Error::OutOfReach)
        }
    }

    /// The state at an instant, in the form as published.
    pub fn at(&self, when: Timestamp) -> Result<State<Teme>, Sgp4Error> {
        self.minutes(minutes_between(self.epoch, when))
    }

    /// The states at all instants of a grid, within a millimetre of those that [`at`](Self::at) gives.
    pub fn over(&self, grid: &Grid) -> Ephemeris {
        Ephemeris::filled(*grid, |columns| self.over_into(grid, columns))
    }

    /// As [`over`](Self::over), into columns of the caller, a row an instant.
    pub fn over_into(&self, grid: &Grid, into: ColumnsMut<'_>) {
        self.over_in(Kind::widest(), grid, into);
    }

    /// As [`over`](Self::over), into rows of the caller, one an instant.
    pub fn over_rows_into(&self, grid: &Grid, into: RowsMut<'_>) {
        self.over_rows_in(Kind::widest(), grid, into);
    }

    pub(crate) fn over_in(&self, kind: Kind, grid: &Grid, mut into: ColumnsMut<'_>) {
        let into = into.part(0, grid.count());
        into.codes.fill(0);
        self.single(kind, grid, Target::Columns(into));
    }

    pub(crate) fn over_rows_in(&self, kind: Kind, grid: &Grid, into: RowsMut<'_>) {
        let into = into.first(grid.count());
        into.codes.fill(0);
        self.single(kind, grid, Target::Rows(into));
    }

    fn single(&self, kind: Kind, grid: &Grid, into: Target<'_>) {
        let start = (grid.start().instant() - self.epoch.instant()).whole_microseconds();
        kind.run(Single {
            mean: &self.mean,
            deep: self.deep.as_deref(),
            constants: &self.constants,
            start: i64::try_from(start).unwrap_or(i64::MAX),
            step: i64::try_from(grid.step().as_micros()).unwrap_or(i64::MAX),
            reach: REACH_MINUTES,
            into,
        });
    }
}

/// Minutes of 60 seconds, without leap seconds; exact to the microsecond.
pub(crate) fn minutes_between(epoch: Timestamp, when: Timestamp) -> f64 {
    let microseconds = (when.instant() - epoch.instant()).whole_microseconds();
    microseconds as f64 / 6.0e7
}

#[cfg(test)]
mod tests;
