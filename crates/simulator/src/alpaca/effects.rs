//! What the simulated device has done, in order: tests count effects here, not answers.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use serde::Serialize;
use vocabulary::{Clock, Timestamp};

/// Effects that are kept; beyond it the oldest go.
const KEPT: usize = 100_000;

/// One thing that happened to the device.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Effect {
    /// Counts from 1 and never skips.
    pub number: u64,
    /// When it happened, by the simulator's clock.
    pub at: Timestamp,
    /// What happened.
    #[serde(flatten)]
    pub deed: Deed,
}

/// What can happen to a simulated telescope. A refused call is no deed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(tag = "what", rename_all = "kebab-case")]
pub enum Deed {
    /// The device was connected.
    Connect,
    /// The device was disconnected.
    Disconnect,
    /// A slew to equatorial coordinates began, in the mount's own system.
    Slew {
        /// Hours.
        right_ascension: f64,
        /// Degrees.
        declination: f64,
    },
    /// A slew to horizontal coordinates began.
    SlewHorizontal {
        /// Degrees.
        altitude: f64,
        /// Degrees from north through east.
        azimuth: f64,
    },
    /// Motion was stopped.
    Abort,
    /// The way to the park position began.
    Park,
    /// The mount was released from its park position.
    Unpark,
    /// The way home began.
    FindHome,
    /// Sidereal tracking was switched.
    Track {
        /// Whether it runs now.
        tracking: bool,
    },
    /// The mount was told where it points.
    Sync,
}

/// The record, shared by the device and the one who reads it.
#[derive(Debug, Clone)]
pub(super) struct Effects {
    record: Arc<Mutex<(u64, VecDeque<Effect>)>>,
    clock: Clock,
}

impl Effects {
    pub(super) fn new(clock: Clock) -> Self {
        Self { record: Arc::default(), clock }
    }

    pub(super) fn add(&self, deed: Deed) {
        let mut record = self.record.lock().unwrap_or_else(PoisonError::into_inner);
        record.0 += 1;
        let effect = Effect { number: record.0, at: self.clock.now(), deed };
        if record.1.len() >= KEPT {
            record.1.pop_front();
        }
        record.1.push_back(effect);
    }

    pub(super) fn all(&self) -> Vec<Effect> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner).1.iter().cloned().collect()
    }
}
