//! Where the states of one satellite over a grid go: columns or rows of the caller.

use super::lanes::Lanes;
use crate::{
    Sgp4Error, State, Teme,
    ephemeris::{ColumnsMut, RowsMut},
};

/// The widest lanes.
const WIDTH_MAX: usize = 8;

/// Where to.
pub(crate) enum Target<'a> {
    Columns(ColumnsMut<'a>),
    Rows(RowsMut<'a>),
}

impl Target<'_> {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Columns(columns) => columns.len(),
            Self::Rows(rows) => rows.len(),
        }
    }

    pub(super) fn put(&mut self, row: usize, state: Result<State<Teme>, Sgp4Error>) {
        match self {
            Self::Columns(columns) => columns.put(row, state),
            Self::Rows(rows) => rows.put(row, state),
        }
    }

    /// One group of lanes from a row on, as far as `to`.
    #[inline(always)]
    pub(super) fn write<L: Lanes>(&mut self, numbers: [L; 6], row: usize, to: usize) {
        match self {
            Self::Columns(columns) => {
                for (column, numbers) in columns.columns().into_iter().zip(numbers) {
                    if let Some(cells) = column.get_mut(row..to) {
                        numbers.store(cells);
                    }
                }
            }
            Self::Rows(rows) => {
                let [x, y, z, vx, vy, vz] = numbers;
                for (cells, parts) in rows.cells(row, to).into_iter().zip([[x, y, z], [vx, vy, vz]]) {
                    interleave(parts, cells);
                }
            }
        }
    }

    /// Groups of lanes, one after the other, from a row on as far as `to`. In the same groups as they were computed in: a load of what is on its
    /// way from two stores waits for both.
    #[inline(always)]
    pub(super) fn bring<'g, L: Lanes + 'g>(
        &mut self,
        groups: impl Iterator<Item = &'g [L; 6]> + Clone,
        row: usize,
        to: usize,
    ) {
        match self {
            Self::Columns(columns) => {
                for (axis, column) in columns.columns().into_iter().enumerate() {
                    let cells = column.get_mut(row..to).unwrap_or_default();
                    for (cells, numbers) in cells.chunks_mut(L::WIDTH).zip(groups.clone()) {
                        numbers[axis].store(cells);
                    }
                }
            }
            Self::Rows(rows) => {
                let [positions, velocities] = rows.cells(row, to).map(|cells| cells.chunks_mut(3 * L::WIDTH));
                for ((positions, velocities), [x, y, z, vx, vy, vz]) in positions.zip(velocities).zip(groups) {
                    interleave([*x, *y, *z], positions);
                    interleave([*vx, *vy, *vz], velocities);
                }
            }
        }
    }

    /// The position that was written to a row.
    pub(super) fn position(&self, row: usize) -> [f64; 3] {
        match self {
            Self::Columns(ColumnsMut { x, y, z, .. }) => {
                [&**x, &**y, &**z].map(|column| column.get(row).copied().unwrap_or(f64::NAN))
            }
            Self::Rows(rows) => rows.positions.get(row).copied().unwrap_or([f64::NAN; 3]),
        }
    }
}

/// x, y, z of the first, then of the second, as far as there is room.
#[inline(always)]
fn interleave<L: Lanes>(parts: [L; 3], cells: &mut [f64]) {
    let [first, second, third] = L::rows(parts);
    if cells.len() == 3 * L::WIDTH {
        first.store(&mut cells[..L::WIDTH]);
        second.store(&mut cells[L::WIDTH..2 * L::WIDTH]);
        third.store(&mut cells[2 * L::WIDTH..]);
        return;
    }
    let mut rest = cells;
    for lanes in [first, second, third] {
        let (cells, more) = rest.split_at_mut(L::WIDTH.min(rest.len()));
        lanes.store(cells);
        rest = more;
    }
}

/// Rows out of columns in lanes, number by number.
#[inline(always)]
pub(super) fn rows<L: Lanes>(parts: [L; 3]) -> [L; 3] {
    const { assert!(L::WIDTH <= 2 * WIDTH_MAX) };
    let (mut column, mut flat) = ([0.0; 2 * WIDTH_MAX], [0.0; 6 * WIDTH_MAX]);
    for (axis, lanes) in parts.into_iter().enumerate() {
        lanes.store(&mut column);
        for (row, number) in flat.chunks_exact_mut(3).zip(column) {
            row[axis] = number;
        }
    }
    [L::load(&flat), L::load(&flat[L::WIDTH..]), L::load(&flat[2 * L::WIDTH..])]
}
