//! Close approaches: every local minimum of the distance of two satellites within a threshold, in a window of time, among all satellites
//! or of one with all others.
//!
//! The window is cut into steps of a minute. In each, a satellite's way is a chord between two positions of SGP4, and what the true way
//! departs from it is bounded by the acceleration, of which two satellites close together share all but the gradient. So a pair is set
//! aside only by a bound that holds: first by the shells and bands of directions through which the chords lead, then by the chords
//! themselves. What remains is refined on the positions of SGP4 alone, since its velocity is not quite their derivative: up to
//! 23 m/s apart on a real catalogue. The rejected road: filters over pairs of mean ellipses (Hoots et al. 1984) pay a margin of tens of
//! kilometres for what the mean elements do not say, and fail for orbits in one plane.

mod block;
mod chord;
mod knots;
mod minimum;
mod partial;
mod sieve;
mod walk;

use std::{ops::ControlFlow, time::Duration};

use vocabulary::Timestamp;

use crate::{Batch, Cores, Sgp4Error, State, Teme};

/// Satellites of a batch that are screened for close approaches. A satellite is named by its place in the batch; one whose elements
/// describe no orbit is reported as lost by each search.
#[derive(Debug, Clone, Copy)]
pub struct Screening<'a> {
    batch: &'a Batch,
}

/// What is searched for: a window of time, a threshold, and among whom.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Search {
    from: Timestamp,
    to: Timestamp,
    within_km: f64,
    satellite: Option<usize>,
    step: Duration,
}

/// Why a search is refused.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum SearchError {
    /// The window is empty.
    #[error("the window ends at {to}, not after its start {from}; give a later end")]
    Window {
        /// Start of the window.
        from: Timestamp,
        /// End of the window.
        to: Timestamp,
    },
    /// The threshold is none.
    #[error("a threshold of {0} km is not above 0 and at most {max} km; give one that is", max = Search::WITHIN_KM_MAX)]
    Threshold(f64),
    /// The step is none.
    #[error("a step of {0:?} is not between 1 s and 5 min; give one that is")]
    Step(Duration),
    /// There is no such satellite.
    #[error("there is no satellite {satellite} among {among}; they are counted from 0")]
    Satellite {
        /// The one asked for.
        satellite: usize,
        /// How many there are.
        among: usize,
    },
}

/// What a search has to say, in the order of time but for the progress.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Finding {
    /// Two satellites come close.
    Approach(Approach),
    /// From here on SGP4 gives no state of a satellite, so it takes part in no approach.
    Lost {
        /// Its place in the batch.
        satellite: usize,
        /// To the millisecond; the start of the window where it was lost before.
        at: Timestamp,
        /// Why.
        error: Sgp4Error,
    },
    /// From here on SGP4 gives states of a lost satellite again.
    Regained {
        /// Its place in the batch.
        satellite: usize,
        /// To the millisecond.
        at: Timestamp,
    },
    /// All before this instant has been reported.
    Progress {
        /// The instant.
        until: Timestamp,
        /// The share of the window that is done, 0 to 1.
        share: f64,
    },
}

/// A local minimum of the distance of two satellites, within the threshold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Approach {
    /// The satellite whose frame [`Local`] is: the one that was asked for, or the one that comes first in the batch.
    pub primary: usize,
    /// The other.
    pub secondary: usize,
    /// Time of closest approach, UTC, rounded to microseconds.
    pub at: Timestamp,
    /// Distance at that time, kilometres.
    pub miss_distance_km: f64,
    /// Relative speed at that time, kilometres a second: the length of the difference of the velocities of SGP4.
    pub relative_speed_km_s: f64,
    /// Position of the secondary from the primary, kilometres.
    pub miss_km: Local,
    /// Velocity of the secondary less that of the primary, kilometres a second, along the same axes.
    pub relative_velocity_km_s: Local,
    /// State of the primary at that time.
    pub primary_state: State<Teme>,
    /// State of the secondary at that time.
    pub secondary_state: State<Teme>,
    /// Whether it is a minimum, or the end of what is known.
    pub extent: Extent,
}

/// Components along the axes of the primary's orbit at the instant. The axes are taken as standing still, so a velocity along them is
/// the inertial one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Local {
    /// Along its position, away from the Earth.
    pub radial: f64,
    /// In the plane of its orbit, at right angles to the position, forward.
    pub in_track: f64,
    /// Along its angular momentum.
    pub cross_track: f64,
}

/// How the time of an approach is bounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Extent {
    /// The distance grows before and after: a close approach as is usually meant.
    Minimum,
    /// At the start of the window, or of what SGP4 knows of the two: the distance grows from here on. Who cuts time into windows one
    /// after the other leaves these and [`End`](Self::End) out, and has each minimum once.
    Start,
    /// At the end of the window, or of what SGP4 knows of the two: the distance has shrunk until here.
    End,
}

impl Finding {
    /// By time, what is lost before what is found.
    fn order(&self) -> (Timestamp, u8, usize, usize) {
        match *self {
            Self::Lost { satellite, at, .. } => (at, 0, satellite, 0),
            Self::Regained { satellite, at } => (at, 1, satellite, 0),
            Self::Approach(approach) => (approach.at, 2, approach.primary, approach.secondary),
            Self::Progress { until, .. } => (until, 3, 0, 0),
        }
    }
}

impl Search {
    /// The largest threshold, kilometres.
    pub const WITHIN_KM_MAX: f64 = 1_000.0;

    /// All approaches of all satellites from an instant to another, both included, at a distance of at most `within_km`.
    pub fn new(from: Timestamp, to: Timestamp, within_km: f64) -> Result<Self, SearchError> {
        if to <= from {
            return Err(SearchError::Window { from, to });
        }
        if !(within_km > 0.0 && within_km <= Self::WITHIN_KM_MAX) {
            return Err(SearchError::Threshold(within_km));
        }
        Ok(Self { from, to, within_km, satellite: None, step: Duration::from_secs(60) })
    }

    /// The same for one satellite with each other.
    #[must_use]
    pub const fn of(self, satellite: usize) -> Self {
        Self { satellite: Some(satellite), ..self }
    }

    /// The same in steps of another length, 1 s to 5 min. What is found does not depend on it, only how soon.
    pub fn in_steps_of(self, step: Duration) -> Result<Self, SearchError> {
        if (Duration::from_secs(1)..=Duration::from_secs(300)).contains(&step) {
            Ok(Self { step, ..self })
        } else {
            Err(SearchError::Step(step))
        }
    }
}

impl<'a> Screening<'a> {
    /// Of the satellites of a batch.
    pub const fn new(batch: &'a Batch) -> Self {
        Self { batch }
    }

    /// Searches, and tells the receiver what is found as it is found, in the order of time; the findings are the same on one core as on
    /// all. The receiver is called on the caller's thread, and the search ends early where it breaks: a [`Finding::Progress`] asks it after
    /// each step on one core, and after some steps of each core on all of them.
    pub fn search(
        &self,
        search: &Search,
        cores: Cores,
        mut receiver: impl FnMut(Finding) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, SearchError> {
        let among = self.batch.len();
        match search.satellite {
            Some(satellite) if satellite >= among => Err(SearchError::Satellite { satellite, among }),
            _ => Ok(walk::walk(*self, search, cores, &mut receiver)),
        }
    }
}
