//! States in columns: a satellite over a grid of instants, many satellites at one instant, and many satellites over a grid.

use std::time::Duration;

use vocabulary::Timestamp;

use crate::{Sgp4Error, State, Teme};

/// Instants at equal distances.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grid {
    start: Timestamp,
    step: Duration,
    count: usize,
}

impl Grid {
    /// `count` instants from `start` on. The step is cut to whole microseconds, as instants are, and is one at least.
    pub fn new(start: Timestamp, step: Duration, count: usize) -> Self {
        let micros = u64::try_from(step.as_micros()).unwrap_or(u64::MAX).max(1);
        Self { start, step: Duration::from_micros(micros), count }
    }

    /// From `from` as long as it is not after `to`; none where `to` is before `from`.
    pub fn between(from: Timestamp, to: Timestamp, step: Duration) -> Self {
        let grid = Self::new(from, step, 0);
        let steps = to.since(from).as_micros() / grid.step.as_micros().max(1);
        let count = if to < from { 0 } else { usize::try_from(steps).unwrap_or(usize::MAX).saturating_add(1) };
        Self { count, ..grid }
    }

    /// The first instant.
    pub fn start(&self) -> Timestamp {
        self.start
    }

    /// The time between two instants.
    pub fn step(&self) -> Duration {
        self.step
    }

    /// How many instants.
    pub fn count(&self) -> usize {
        self.count
    }

    /// The instant of an index, also of one beyond the grid.
    pub fn instant(&self, index: usize) -> Timestamp {
        let micros = self.step.as_micros().saturating_mul(index as u128);
        self.start.plus(Duration::from_micros(u64::try_from(micros).unwrap_or(u64::MAX)))
    }

    /// The same grid, only its instants `from` to `from + count`, as far as it has them: what one works on who streams in blocks.
    #[must_use]
    pub fn part(&self, from: usize, count: usize) -> Self {
        let left = self.count.saturating_sub(from);
        Self { start: self.instant(from), step: self.step, count: count.min(left) }
    }
}

/// Whether work is shared out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Cores {
    /// The caller's thread does it all.
    #[default]
    One,
    /// The threads of the current rayon pool do it together.
    All,
}

/// States in TEME in columns of equal length: kilometres and kilometres a second. Where there is none the numbers are NaN and
/// `codes` has the error's number ([`Sgp4Error::code`]); where there is one it has 0.
#[derive(Debug, Clone, Copy)]
#[expect(missing_docs, reason = "the type says what the columns are")]
pub struct Columns<'a> {
    pub x: &'a [f64],
    pub y: &'a [f64],
    pub z: &'a [f64],
    pub vx: &'a [f64],
    pub vy: &'a [f64],
    pub vz: &'a [f64],
    pub codes: &'a [u8],
}

impl Columns<'_> {
    /// How many states.
    pub fn len(&self) -> usize {
        self.codes.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.codes.is_empty()
    }

    /// The state in one row. A row that is not there is [`Sgp4Error::OutOfReach`].
    pub fn state(&self, row: usize) -> Result<State<Teme>, Sgp4Error> {
        let Some(code) = self.codes.get(row) else { return Err(Sgp4Error::OutOfReach) };
        if let Some(error) = Sgp4Error::of(*code) {
            return Err(error);
        }
        let at = |column: &[f64]| column.get(row).copied().unwrap_or(f64::NAN);
        Ok(State::new([at(self.x), at(self.y), at(self.z)], [at(self.vx), at(self.vy), at(self.vz)]))
    }
}

/// Columns to be written, the caller's own. All have to be of the same length; what is longer than the shortest stays as it is.
#[derive(Debug)]
#[expect(missing_docs, reason = "the columns are those of `Columns`")]
pub struct ColumnsMut<'a> {
    pub x: &'a mut [f64],
    pub y: &'a mut [f64],
    pub z: &'a mut [f64],
    pub vx: &'a mut [f64],
    pub vy: &'a mut [f64],
    pub vz: &'a mut [f64],
    pub codes: &'a mut [u8],
}

impl<'a> ColumnsMut<'a> {
    /// Six columns one after the other in `numbers`, each as long as `codes`. Nothing where `numbers` is shorter than six times that.
    pub fn split(numbers: &'a mut [f64], codes: &'a mut [u8]) -> Option<Self> {
        let count = codes.len();
        let (x, rest) = numbers.split_at_mut_checked(count)?;
        let (y, rest) = rest.split_at_mut_checked(count)?;
        let (z, rest) = rest.split_at_mut_checked(count)?;
        let (vx, rest) = rest.split_at_mut_checked(count)?;
        let (vy, rest) = rest.split_at_mut_checked(count)?;
        let (vz, _) = rest.split_at_mut_checked(count)?;
        Some(Self { x, y, z, vx, vy, vz, codes })
    }

    /// How many rows all columns have.
    pub fn len(&self) -> usize {
        let numbers = [self.x.len(), self.y.len(), self.z.len(), self.vx.len(), self.vy.len(), self.vz.len()];
        numbers.into_iter().fold(self.codes.len(), usize::min)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn columns(&mut self) -> [&mut [f64]; 6] {
        [&mut *self.x, &mut *self.y, &mut *self.z, &mut *self.vx, &mut *self.vy, &mut *self.vz]
    }

    /// Rows `from` to `to`, as far as there are such.
    pub(crate) fn part(&mut self, from: usize, to: usize) -> ColumnsMut<'_> {
        let len = self.len();
        let (from, to) = (from.min(len), to.min(len).max(from.min(len)));
        let [x, y, z, vx, vy, vz] =
            [&mut *self.x, &mut *self.y, &mut *self.z, &mut *self.vx, &mut *self.vy, &mut *self.vz]
                .map(|column| column.get_mut(from..to).unwrap_or_default());
        ColumnsMut { x, y, z, vx, vy, vz, codes: self.codes.get_mut(from..to).unwrap_or_default() }
    }

    pub(crate) fn put(&mut self, row: usize, state: Result<State<Teme>, Sgp4Error>) {
        let (numbers, code) = match state {
            Ok(State { position_km: [x, y, z], velocity_km_s: [vx, vy, vz], .. }) => ([x, y, z, vx, vy, vz], 0),
            Err(error) => ([f64::NAN; 6], error.code()),
        };
        for (column, number) in self.columns().into_iter().zip(numbers) {
            if let Some(cell) = column.get_mut(row) {
                *cell = number;
            }
        }
        if let Some(cell) = self.codes.get_mut(row) {
            *cell = code;
        }
    }
}

/// Rows to be written, the caller's own, as other programs have them: positions in kilometres and velocities in kilometres a second, x, y and z
/// side by side. All have to be of the same length; what is longer than the shortest stays as it is.
#[derive(Debug)]
#[expect(missing_docs, reason = "the type says what the rows are, and `Columns` what the codes are")]
pub struct RowsMut<'a> {
    pub positions: &'a mut [[f64; 3]],
    pub velocities: &'a mut [[f64; 3]],
    pub codes: &'a mut [u8],
}

impl<'a> RowsMut<'a> {
    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.positions.len().min(self.velocities.len()).min(self.codes.len())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The first `count` rows, as far as there are such.
    pub(crate) fn first(self, count: usize) -> Self {
        let count = count.min(self.len());
        let Self { positions, velocities, codes } = self;
        Self {
            positions: positions.get_mut(..count).unwrap_or_default(),
            velocities: velocities.get_mut(..count).unwrap_or_default(),
            codes: codes.get_mut(..count).unwrap_or_default(),
        }
    }

    /// The numbers of rows `from` to `to`: of positions, and of velocities.
    pub(crate) fn cells(&mut self, from: usize, to: usize) -> [&mut [f64]; 2] {
        [&mut *self.positions, &mut *self.velocities]
            .map(|rows| rows.get_mut(from..to).unwrap_or_default().as_flattened_mut())
    }

    pub(crate) fn put(&mut self, row: usize, state: Result<State<Teme>, Sgp4Error>) {
        let (position, velocity, code) = match state {
            Ok(State { position_km, velocity_km_s, .. }) => (position_km, velocity_km_s, 0),
            Err(error) => ([f64::NAN; 3], [f64::NAN; 3], error.code()),
        };
        if let (Some(to), Some(cell)) = (self.positions.get_mut(row), self.codes.get_mut(row)) {
            (*to, *cell) = (position, code);
        }
        if let Some(to) = self.velocities.get_mut(row) {
            *to = velocity;
        }
    }
}

/// One satellite over a grid.
#[derive(Debug, Clone, PartialEq)]
pub struct Ephemeris {
    grid: Grid,
    table: Table,
}

/// Many satellites at one instant.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    when: Timestamp,
    table: Table,
}

/// Many satellites over a grid, each with columns of its own.
#[derive(Debug, Clone, PartialEq)]
pub struct Ephemerides {
    grid: Grid,
    satellites: usize,
    numbers: Vec<f64>,
    codes: Vec<u8>,
}

/// Six columns one after the other.
#[derive(Debug, Clone, PartialEq)]
struct Table {
    numbers: Vec<f64>,
    codes: Vec<u8>,
}

impl Table {
    fn filled(rows: usize, fill: impl FnOnce(ColumnsMut<'_>)) -> Self {
        let mut table = Self { numbers: vec![0.0; 6 * rows], codes: vec![0; rows] };
        if let Some(columns) = ColumnsMut::split(&mut table.numbers, &mut table.codes) {
            fill(columns);
        }
        table
    }

    fn columns(&self) -> Columns<'_> {
        columns_of(&self.numbers, &self.codes)
    }
}

fn columns_of<'a>(numbers: &'a [f64], codes: &'a [u8]) -> Columns<'a> {
    let count = codes.len();
    let column = |at: usize| numbers.get(at * count..(at + 1) * count).unwrap_or_default();
    Columns { x: column(0), y: column(1), z: column(2), vx: column(3), vy: column(4), vz: column(5), codes }
}

impl Ephemeris {
    pub(crate) fn filled(grid: Grid, fill: impl FnOnce(ColumnsMut<'_>)) -> Self {
        Self { grid, table: Table::filled(grid.count(), fill) }
    }

    /// Its instants.
    pub fn grid(&self) -> &Grid {
        &self.grid
    }

    /// The state at the instant of an index.
    pub fn state(&self, index: usize) -> Result<State<Teme>, Sgp4Error> {
        self.columns().state(index)
    }

    /// The raw columns, a row an instant.
    pub fn columns(&self) -> Columns<'_> {
        self.table.columns()
    }
}

impl Snapshot {
    pub(crate) fn filled(when: Timestamp, rows: usize, fill: impl FnOnce(ColumnsMut<'_>)) -> Self {
        Self { when, table: Table::filled(rows, fill) }
    }

    /// The instant.
    pub fn when(&self) -> Timestamp {
        self.when
    }

    /// The state of a satellite by its index in the batch.
    pub fn state(&self, satellite: usize) -> Result<State<Teme>, Sgp4Error> {
        self.columns().state(satellite)
    }

    /// The raw columns, a row a satellite.
    pub fn columns(&self) -> Columns<'_> {
        self.table.columns()
    }
}

impl Ephemerides {
    pub(crate) fn filled(grid: Grid, satellites: usize, fill: impl FnOnce(&mut [f64], &mut [u8])) -> Self {
        let rows = satellites * grid.count();
        let mut all = Self { grid, satellites, numbers: vec![0.0; 6 * rows], codes: vec![0; rows] };
        fill(&mut all.numbers, &mut all.codes);
        all
    }

    /// Their instants.
    pub fn grid(&self) -> &Grid {
        &self.grid
    }

    /// How many satellites.
    pub fn satellites(&self) -> usize {
        self.satellites
    }

    /// One satellite's columns, a row an instant; empty where there is no such satellite.
    pub fn of(&self, satellite: usize) -> Columns<'_> {
        let count = self.grid.count();
        let rows = satellite.saturating_mul(count)..satellite.saturating_add(1).saturating_mul(count);
        let numbers = rows.start.saturating_mul(6)..rows.end.saturating_mul(6);
        columns_of(self.numbers.get(numbers).unwrap_or_default(), self.codes.get(rows).unwrap_or_default())
    }

    /// The state of a satellite at the instant of an index.
    pub fn state(&self, satellite: usize, index: usize) -> Result<State<Teme>, Sgp4Error> {
        self.of(satellite).state(index)
    }
}
