//! Passes: when satellites rise over stations, culminate and set, for many satellites over many stations, told as they are found.

mod arc;
mod mask;
mod scene;
mod search;
mod walk;
mod watch;

use std::time::Duration;

use astrometry::AstrometryError;
use vocabulary::Timestamp;

pub use mask::{Mask, NotAMask};

use crate::{
    earth::{Orientations, Station},
    elements::Angle,
    geometry::Course,
    sgp4::Sgp4Error,
};

/// A search for passes over stations in a window of time; [`PassSearch::run`] does it for satellites.
///
/// A satellite is up while its geometric elevation is above the mask (no refraction, which at the horizon would let it rise some seconds
/// earlier). Each satellite is asked for its place once a minute; polynomials of fifth degree through six of these places
/// are within centimetres of SGP4 between them. From how far it can get in a minute follows at which of these instants a station has to look at all, so
/// that no pass is left out, however short; where the way only touches the mask, SGP4 itself is asked. Times are within 10 ms of a
/// fine scan, but for a satellite that stands all but still on the mask.
#[derive(Debug, Clone)]
pub struct PassSearch {
    observers: Vec<Observer>,
    window: Window,
    orientations: Orientations,
    sun: Course,
    dark_below: Angle,
}

/// A station and its horizon.
#[derive(Debug, Clone, PartialEq)]
pub struct Observer {
    /// Where.
    pub station: Station,
    /// From which elevation on satellites are up.
    pub mask: Mask,
}

/// From one instant to a later one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    from: Timestamp,
    to: Timestamp,
}

/// Why a search cannot be.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum PassSearchError {
    /// A window that does not go forward.
    #[error("the window ends at {to}, which is not after its beginning at {from}: give a later end")]
    Backwards {
        /// Where it begins.
        from: Timestamp,
        /// Where it ends.
        to: Timestamp,
    },
    /// A window that goes on for too long.
    #[error("the window from {from} to {to} is longer than {} days: search in parts", Window::DAYS_MAX)]
    TooLong {
        /// Where it begins.
        from: Timestamp,
        /// Where it ends.
        to: Timestamp,
    },
    /// No Sun for this time.
    #[error(transparent)]
    Sun(#[from] AstrometryError),
}

/// What a search tells, in the order of time for each pair of satellite and station; otherwise as it is found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum PassFinding {
    /// A satellite was up over a station.
    Pass(Pass),
    /// There is no place of a satellite over a part of the window: it has decayed, or its elements do not reach so far.
    Failure(Failure),
    /// A satellite was looked at until this instant: comes at least every half day of the window, so that whoever listens can stop in time.
    Searched {
        /// Its index in what was given.
        satellite: usize,
        /// Within the window; at its end the satellite is done.
        until: Timestamp,
    },
}

/// A satellite over a station, from rise to set.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pass {
    /// The satellite's index in what was given.
    pub satellite: usize,
    /// The observer's index in what was given.
    pub observer: usize,
    /// What the first event is.
    pub begins: Begin,
    /// Where the satellite comes up, or is up first.
    pub rise: Event,
    /// Where it stands highest between; at an end of the pass if it only climbs or sinks.
    pub culmination: Event,
    /// Where it goes down, or is up last.
    pub set: Event,
    /// What the last event is.
    pub ends: End,
}

/// How a pass begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Begin {
    /// The satellite rises over the mask.
    Rise,
    /// It is up already when the window opens.
    WindowOpens,
    /// It is up when SGP4 can tell again where it is.
    Recovered,
}

/// How a pass ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum End {
    /// The satellite sinks under the mask.
    Set,
    /// It is still up when the window closes.
    WindowCloses,
    /// It is up when SGP4 can tell no longer where it is.
    Lost(Sgp4Error),
}

/// A satellite over a station at an instant.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Event {
    /// When.
    pub at: Timestamp,
    /// From north through east, 0 up to 360 degrees.
    pub azimuth: Angle,
    /// Geometric.
    pub elevation: Angle,
    /// From station to satellite, kilometres.
    pub range_km: f64,
    /// Whether the satellite sees the centre of the Sun ([`crate::is_sunlit`]).
    pub is_sunlit: bool,
    /// Of the Sun's centre over the station, geometric and without its parallax (9 arcseconds).
    pub sun_elevation: Angle,
    /// Whether the Sun is lower than [`PassSearch::dark_below`] says.
    pub is_dark: bool,
}

/// A part of the window without places of a satellite.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Failure {
    /// The satellite's index in what was given.
    pub satellite: usize,
    /// The first instant without, within 10 ms (the opening of the window, where that is one).
    pub from: Timestamp,
    /// The last instant without, likewise.
    pub to: Timestamp,
    /// Why, at the first of them.
    pub error: Sgp4Error,
}

impl Observer {
    /// A station that sees down to the plane of its horizon.
    pub fn new(station: Station) -> Self {
        Self { station, mask: Mask::default() }
    }

    /// The same with a mask.
    pub fn with_mask(self, mask: Mask) -> Self {
        Self { mask, ..self }
    }
}

impl Window {
    /// The longest, in days.
    pub const DAYS_MAX: u64 = 3_660;

    /// Refused where the end is not after the beginning, or more than ten years later.
    pub fn new(from: Timestamp, to: Timestamp) -> Result<Self, PassSearchError> {
        if to <= from {
            Err(PassSearchError::Backwards { from, to })
        } else if to.since(from) > Duration::from_secs(Self::DAYS_MAX * 86_400) {
            Err(PassSearchError::TooLong { from, to })
        } else {
            Ok(Self { from, to })
        }
    }

    /// Where it begins.
    pub const fn from(&self) -> Timestamp {
        self.from
    }

    /// Where it ends.
    pub const fn to(&self) -> Timestamp {
        self.to
    }

    fn seconds(&self) -> f64 {
        self.to.since(self.from).as_secs_f64()
    }
}

impl Pass {
    /// From rise to set.
    pub fn duration(&self) -> Duration {
        self.set.at.since(self.rise.at)
    }

    /// The highest elevation.
    pub const fn elevation_max(&self) -> Angle {
        self.culmination.elevation
    }
}

impl PassSearch {
    /// A search over stations. Refused outside 1900 to 2100, where there is no Sun.
    pub fn new(observers: Vec<Observer>, window: Window, orientations: &Orientations) -> Result<Self, PassSearchError> {
        let sun = Course::sun(window.from, window.to, orientations)?;
        let orientations = orientations.clone();
        Ok(Self { observers, window, orientations, sun, dark_below: Angle::degrees(-6.0) })
    }

    /// From which elevation of the Sun down a station is dark; -6 degrees, the end of civil twilight, if nothing is said.
    #[must_use]
    pub fn dark_below(self, dark_below: Angle) -> Self {
        Self { dark_below, ..self }
    }

    /// The stations.
    pub fn observers(&self) -> &[Observer] {
        &self.observers
    }

    /// The window.
    pub const fn window(&self) -> &Window {
        &self.window
    }
}

#[cfg(test)]
mod tests;
