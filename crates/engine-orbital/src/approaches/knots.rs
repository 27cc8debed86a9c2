//! The knots of a search, which cut its window into even steps, and the positions of all satellites at one of them.

use vocabulary::Timestamp;

use crate::{ColumnsMut, Cores, Sgp4Error, sgp4::minutes_between};

use super::{Screening, Search};

/// Even steps over a window, at most as long as asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Knots {
    start: Timestamp,
    length_microseconds: u64,
    steps: usize,
}

/// Positions of all satellites at one knot, TEME, km; not a number where there is none.
#[derive(Debug, Clone, Default)]
pub(super) struct Positions {
    pub(super) x: Vec<f64>,
    pub(super) y: Vec<f64>,
    pub(super) z: Vec<f64>,
    /// Velocities, which come with the positions and are not asked for, and error codes.
    rest: [Vec<f64>; 3],
    codes: Vec<u8>,
}

impl Knots {
    pub(super) fn over(search: &Search) -> Self {
        let length_microseconds = u64::try_from(search.to.since(search.from).as_micros()).unwrap_or(u64::MAX);
        let step = u64::try_from(search.step.as_micros()).unwrap_or(u64::MAX).max(1);
        let steps = usize::try_from(length_microseconds.div_ceil(step)).unwrap_or(usize::MAX).max(1);
        Self { start: search.from, length_microseconds, steps }
    }

    /// How many steps there are; there is one knot more.
    pub(super) const fn steps(&self) -> usize {
        self.steps
    }

    /// A knot, counted from 0, as an instant.
    pub(super) fn instant(&self, knot: usize) -> Timestamp {
        self.start.plus(std::time::Duration::from_micros(self.microseconds(knot)))
    }

    /// A knot, in seconds after the start of the window.
    pub(super) fn seconds(&self, knot: usize) -> f64 {
        self.microseconds(knot) as f64 / 1e6
    }

    /// An instant so many seconds after the start of the window.
    pub(super) fn at(&self, seconds: f64) -> Timestamp {
        self.start.plus(std::time::Duration::from_micros((seconds * 1e6).round().max(0.0) as u64))
    }

    /// The start of the window, in minutes after an epoch.
    pub(super) fn start_after(&self, epoch: Timestamp) -> f64 {
        minutes_between(epoch, self.start)
    }

    fn microseconds(&self, knot: usize) -> u64 {
        let part = u128::from(self.length_microseconds) * knot as u128 / self.steps as u128;
        u64::try_from(part).unwrap_or(u64::MAX)
    }
}

impl Positions {
    /// Those at a knot.
    pub(super) fn fill(&mut self, screening: Screening<'_>, knots: &Knots, knot: usize) {
        let count = screening.batch.len();
        let [vx, vy, vz] = &mut self.rest;
        for column in [&mut self.x, &mut self.y, &mut self.z, &mut *vx, &mut *vy, &mut *vz] {
            column.resize(count, f64::NAN);
        }
        self.codes.resize(count, 0);
        let columns = ColumnsMut { x: &mut self.x, y: &mut self.y, z: &mut self.z, vx, vy, vz, codes: &mut self.codes };
        screening.batch.at_into(knots.instant(knot), Cores::One, columns);
    }

    /// That of one satellite.
    #[inline(always)]
    pub(super) fn of(&self, satellite: usize) -> [f64; 3] {
        [self.x[satellite], self.y[satellite], self.z[satellite]]
    }

    /// Whether there is a position of a satellite.
    #[inline(always)]
    pub(super) fn has(&self, satellite: usize) -> bool {
        !self.x[satellite].is_nan()
    }
}

/// Why there is no state of a satellite at a time, in seconds after the start of the window.
pub(super) fn error(screening: Screening<'_>, knots: &Knots, satellite: usize, seconds: f64) -> Option<Sgp4Error> {
    match screening.batch.propagator(satellite) {
        Ok(propagator) => propagator.minutes(knots.start_after(propagator.epoch()) + seconds / 60.0).err(),
        Err(error) => Some(error),
    }
}
