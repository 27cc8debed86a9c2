//! Many satellites at once: at one instant, or each over a grid of instants.

use rayon::prelude::*;
use vocabulary::Timestamp;

use crate::{
    Elements, Gravity, Propagator, Sgp4Error,
    ephemeris::{ColumnsMut, Cores, Ephemerides, Grid, Snapshot},
};

/// Satellites that are asked together. Their order stays; those whose elements describe no orbit keep their place and say so.
#[derive(Debug, Clone)]
pub struct Batch {
    propagators: Vec<Result<Propagator, Sgp4Error>>,
}

/// So many satellites a thread takes at once.
const SHARE: usize = 256;

impl Batch {
    /// Prepares all of them.
    pub fn new(elements: &[Elements], gravity: Gravity) -> Self {
        Self { propagators: elements.iter().map(|elements| Propagator::new(elements, gravity)).collect() }
    }

    /// How many satellites, those without an orbit included.
    pub fn len(&self) -> usize {
        self.propagators.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.propagators.is_empty()
    }

    /// One of the satellites, or why it has none; a satellite that is not there is [`Sgp4Error::InvalidElements`].
    pub fn propagator(&self, satellite: usize) -> Result<&Propagator, Sgp4Error> {
        match self.propagators.get(satellite) {
            Some(Ok(propagator)) => Ok(propagator),
            Some(Err(error)) => Err(*error),
            None => Err(Sgp4Error::InvalidElements),
        }
    }

    /// All satellites at one instant.
    pub fn at(&self, when: Timestamp, cores: Cores) -> Snapshot {
        Snapshot::filled(when, self.len(), |columns| self.at_into(when, cores, columns))
    }

    /// As [`at`](Self::at), into columns of the caller, a row a satellite.
    pub fn at_into(&self, when: Timestamp, cores: Cores, mut into: ColumnsMut<'_>) {
        let _ = cores;
        for (row, propagator) in self.propagators.iter().enumerate() {
            into.put(row, propagator.as_ref().map_err(|error| *error).and_then(|propagator| propagator.at(when)));
        }
    }

    /// All satellites over the grid.
    pub fn over(&self, grid: &Grid, cores: Cores) -> Ephemerides {
        Ephemerides::filled(*grid, self.len(), |numbers, codes| self.over_into(0, grid, cores, numbers, codes))
    }

    /// As [`over`](Self::over), into slices of the caller: for each satellite from `first` on its columns x, y, z, vx, vy, vz one after the
    /// other, each as long as the grid; as many satellites as `codes` (a row an instant) and `numbers` have room for.
    pub fn over_into(&self, first: usize, grid: &Grid, cores: Cores, numbers: &mut [f64], codes: &mut [u8]) {
        let count = grid.count();
        if count == 0 {
            return;
        }
        let one = |(satellite, (numbers, codes)): (usize, (&mut [f64], &mut [u8]))| {
            let Some(mut columns) = ColumnsMut::split(numbers, codes) else { return };
            match self.propagator(first.saturating_add(satellite)) {
                Ok(propagator) => propagator.over_into(grid, columns),
                Err(error) => (0..count).for_each(|row| columns.put(row, Err(error))),
            }
        };
        match cores {
            Cores::One => numbers.chunks_mut(6 * count).zip(codes.chunks_mut(count)).enumerate().for_each(one),
            Cores::All => {
                let shares = numbers.par_chunks_mut(6 * count).zip(codes.par_chunks_mut(count)).enumerate();
                shares.with_max_len(SHARE).for_each(one);
            }
        }
    }
}
