//! Many satellites at once: at one instant, or each over a grid of instants.

use rayon::prelude::*;
use vocabulary::Timestamp;

use super::{
    block::{Block, Look, Slot, Sort, WIDTH, microseconds},
    lanes::Kind,
};
use crate::{
    Elements, Gravity, Propagator, Sgp4Error,
    ephemeris::{ColumnsMut, Cores, Ephemerides, Grid, RowsMut, Snapshot},
};

/// Satellites that are asked together. Their order stays; those whose elements describe no orbit keep their place and say so.
#[derive(Debug, Clone)]
pub struct Batch {
    gravity: Gravity,
    propagators: Vec<Result<Propagator, Sgp4Error>>,
    /// Those that have an orbit, those of one sort side by side.
    blocks: Vec<Block>,
}

/// So many satellites a thread takes at once, and so many blocks of satellites.
const SHARE: usize = 64;
const SHARE_BLOCKS: usize = 32;

impl Batch {
    /// Prepares all of them.
    pub fn new(elements: &[Elements], gravity: Gravity) -> Self {
        let propagators: Vec<_> = elements.iter().map(|elements| Propagator::new(elements, gravity)).collect();
        let known = (0..).zip(&propagators).filter_map(|(index, propagator)| Some((index, propagator.as_ref().ok()?)));
        let mut sorted: Vec<(u32, &Propagator)> = known.collect();
        sorted.sort_by_key(|(_, propagator)| Sort::of(propagator));
        let blocks = sorted
            .chunk_by(|(_, one), (_, other)| Sort::of(one) == Sort::of(other))
            .flat_map(|alike| alike.chunks(WIDTH))
            .filter_map(|members| Some(Block::new(Sort::of(members.first()?.1), members)))
            .collect();
        Self { gravity, propagators, blocks }
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
    pub fn at_into(&self, when: Timestamp, cores: Cores, into: ColumnsMut<'_>) {
        self.at_in(Kind::widest(), when, cores, into);
    }

    pub(crate) fn at_in(&self, kind: Kind, when: Timestamp, cores: Cores, mut into: ColumnsMut<'_>) {
        let when = microseconds(when);
        let look = |blocks: &[Block], slots: &mut [Slot]| {
            kind.run(Look { propagators: &self.propagators, gravity: self.gravity, blocks, when, slots });
        };
        match cores {
            Cores::One => {
                let mut slots = [Slot::EMPTY; SHARE_BLOCKS];
                for blocks in self.blocks.chunks(SHARE_BLOCKS) {
                    look(blocks, &mut slots);
                    scatter(blocks, &slots, &mut into);
                }
            }
            Cores::All => {
                let mut slots = vec![Slot::EMPTY; self.blocks.len()];
                let shares = self.blocks.par_chunks(SHARE_BLOCKS).zip(slots.par_chunks_mut(SHARE_BLOCKS));
                shares.for_each(|(blocks, slots)| look(blocks, slots));
                scatter(&self.blocks, &slots, &mut into);
            }
        }
        for (row, error) in (0..).zip(&self.propagators).filter_map(|(row, known)| Some((row, known.as_ref().err()?))) {
            into.put(row, Err(*error));
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

    /// As [`over_into`](Self::over_into), into rows of the caller: for each satellite as many as the grid has instants.
    pub fn over_rows_into(&self, first: usize, grid: &Grid, cores: Cores, into: RowsMut<'_>) {
        let count = grid.count();
        if count == 0 {
            return;
        }
        let RowsMut { positions, velocities, codes } = into;
        let one = |(satellite, ((positions, velocities), codes)): (usize, ((&mut [_], &mut [_]), &mut [_]))| {
            let mut rows = RowsMut { positions, velocities, codes };
            match self.propagator(first.saturating_add(satellite)) {
                Ok(propagator) => propagator.over_rows_into(grid, rows),
                Err(error) => (0..count).for_each(|row| rows.put(row, Err(error))),
            }
        };
        match cores {
            Cores::One => {
                let shares = positions.chunks_mut(count).zip(velocities.chunks_mut(count)).zip(codes.chunks_mut(count));
                shares.enumerate().for_each(one);
            }
            Cores::All => {
                let shares = positions.par_chunks_mut(count).zip(velocities.par_chunks_mut(count));
                shares.zip(codes.par_chunks_mut(count)).enumerate().with_max_len(SHARE).for_each(one);
            }
        }
    }
}

/// From blocks into the columns of the batch's order.
fn scatter(blocks: &[Block], slots: &[Slot], into: &mut ColumnsMut<'_>) {
    for (block, slot) in blocks.iter().zip(slots) {
        for (column, numbers) in into.columns().into_iter().zip(&slot.numbers) {
            for (satellite, number) in block.satellites.iter().zip(numbers) {
                if let Some(cell) = column.get_mut(*satellite as usize) {
                    *cell = *number;
                }
            }
        }
        for (satellite, code) in block.satellites.iter().zip(slot.codes) {
            if let Some(cell) = into.codes.get_mut(*satellite as usize) {
                *cell = code;
            }
        }
    }
}
