//! What is measured: the satellites, the instants, and the four forms.

use std::{hint::black_box, path::Path, time::Duration};

use engine_orbital::{Batch, ColumnsMut, Cores, Elements, Gravity, Grid, Propagator, RowsMut};
use vocabulary::Timestamp;

use crate::{element_text, is_deep};

/// How many instants.
pub(crate) const COUNT: usize = 720;
const NEAR: usize = 512;
const DEEP: usize = 256;
/// Many satellites at one instant are asked for so many, one after the other.
const INSTANTS: usize = 40;
/// A measurement takes at least so long.
const SPAN_NANOSECONDS: f64 = 2.0e8;

/// A form, as the peers' programs call it too.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Form {
    Grid,
    /// The same, in the layout of astroz: satellite, instant, x y z.
    Rows,
    /// Both, all satellites into the same place, one after the other.
    GridInPlace,
    RowsInPlace,
    OneSatellite,
    OneSatelliteRows,
    OneInstant,
    OneByOne,
}

pub(crate) const FORMS: &[(&str, Form)] = &[
    ("grid", Form::Grid),
    ("grid as rows", Form::Rows),
    ("one satellite", Form::OneSatellite),
    ("one satellite as rows", Form::OneSatelliteRows),
    ("one instant", Form::OneInstant),
    ("one by one", Form::OneByOne),
];

/// A satellite as text and as elements.
pub(crate) type Chosen = (String, Elements);

/// When all begin.
pub(crate) fn start() -> Timestamp {
    "2021-08-23T00:00:00Z".parse().expect("an instant")
}

/// Satellites spread over the catalogue.
pub(crate) fn chosen(catalogue: &Path) -> (Vec<Chosen>, Vec<Chosen>) {
    let text = std::fs::read_to_string(catalogue)
        .unwrap_or_else(|error| panic!("no catalogue at {}: {error}; name one with --catalogue", catalogue.display()));
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    let pairs = lines.windows(2).filter(|pair| pair[0].starts_with("1 ") && pair[1].starts_with("2 "));
    let all = pairs.map(|pair| (format!("{}\n{}\n", pair[0], pair[1]), element_text::elements(pair[0], pair[1])));
    let known = all.filter_map(|chosen| Some((is_deep(&chosen.1)?, chosen)));
    let (deep, near): (Vec<_>, Vec<_>) = known.partition(|(is_deep, _)| *is_deep);
    let spread = |all: Vec<(bool, Chosen)>, count: usize| {
        let step = (all.len() / count).max(1);
        all.into_iter().map(|(_, chosen)| chosen).step_by(step).take(count).collect()
    };
    (spread(near, NEAR), spread(deep, DEEP))
}

/// Satellites with room for their states.
pub(crate) struct Field {
    pub(crate) elements: Vec<Elements>,
    batch: Batch,
}

impl Field {
    pub(crate) fn new(chosen: Vec<Chosen>) -> Self {
        let elements: Vec<Elements> = chosen.into_iter().map(|(_, elements)| elements).collect();
        Self { batch: Batch::new(&elements, Gravity::Wgs72), elements }
    }

    pub(crate) fn batch(&self) -> &Batch {
        &self.batch
    }

    fn all(&self) -> impl Iterator<Item = &Propagator> {
        (0..self.batch.len()).map(|satellite| self.batch.propagator(satellite).expect("an orbit"))
    }

    /// States a CPU second.
    pub(crate) fn rate(&self, form: Form) -> f64 {
        let grid = Grid::new(start(), Duration::from_secs(60), COUNT);
        let rows = self.batch.len() * COUNT;
        let (mut numbers, mut codes) = (vec![0.0; 6 * rows], vec![0; rows]);
        let (mut positions, mut velocities) = (vec![[0.0; 3]; rows], vec![[0.0; 3]; rows]);
        let one = self.batch.propagator(0).expect("an orbit");
        let mut once = || match form {
            Form::Grid => {
                self.batch.over_into(0, &grid, Cores::One, &mut numbers, &mut codes);
                rows
            }
            Form::Rows => {
                let into = RowsMut { positions: &mut positions, velocities: &mut velocities, codes: &mut codes };
                self.batch.over_rows_into(0, &grid, Cores::One, into);
                black_box((&mut positions, &mut velocities));
                rows
            }
            Form::OneSatellite => {
                // Often enough to be measured.
                for _ in 0..100 {
                    let columns = ColumnsMut::split(&mut numbers[..6 * COUNT], &mut codes[..COUNT]).expect("room");
                    one.over_into(&grid, columns);
                }
                100 * COUNT
            }
            Form::GridInPlace => {
                for satellite in self.all() {
                    let columns = ColumnsMut::split(&mut numbers[..6 * COUNT], &mut codes[..COUNT]).expect("room");
                    satellite.over_into(&grid, columns);
                }
                rows
            }
            Form::RowsInPlace => {
                for satellite in self.all() {
                    let (positions, velocities) = (&mut positions[..COUNT], &mut velocities[..COUNT]);
                    satellite.over_rows_into(&grid, RowsMut { positions, velocities, codes: &mut codes[..COUNT] });
                }
                rows
            }
            Form::OneSatelliteRows => {
                for _ in 0..100 {
                    let (positions, velocities) = (&mut positions[..COUNT], &mut velocities[..COUNT]);
                    one.over_rows_into(&grid, RowsMut { positions, velocities, codes: &mut codes[..COUNT] });
                }
                100 * COUNT
            }
            Form::OneInstant => {
                let count = self.batch.len();
                for index in 0..INSTANTS {
                    let columns = ColumnsMut::split(&mut numbers[..6 * count], &mut codes[..count]).expect("room");
                    self.batch.at_into(grid.instant(index), Cores::One, columns);
                }
                INSTANTS * count
            }
            Form::OneByOne => {
                for index in 0..COUNT {
                    black_box(one.at(grid.instant(index)).ok());
                }
                COUNT
            }
        };
        // Long enough for a clock that goes by ticks of some milliseconds.
        let (began, mut states) = (cpu_nanoseconds(), 0);
        loop {
            for _ in 0..16 {
                states += once();
            }
            let spent = cpu_nanoseconds() - began;
            if spent > SPAN_NANOSECONDS {
                return states as f64 / spent * 1e9;
            }
        }
    }
}

/// Nanoseconds that this thread has had a processor for.
pub(crate) fn cpu_nanoseconds() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux");
    text.split(' ').next().and_then(|text| text.parse().ok()).expect("nanoseconds")
}
