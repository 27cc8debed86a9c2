//! What is measured: the satellites, the instants, and the four forms.

use std::{hint::black_box, path::Path, time::Duration};

use engine_orbital::{Batch, ColumnsMut, Cores, Elements, Gravity, Grid, Propagator};
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
    OneSatellite,
    OneInstant,
    OneByOne,
}

pub(crate) const FORMS: &[(&str, Form)] = &[
    ("grid", Form::Grid),
    ("grid as rows", Form::Rows),
    ("one satellite", Form::OneSatellite),
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

    /// States a CPU second.
    pub(crate) fn rate(&self, form: Form) -> f64 {
        let grid = Grid::new(start(), Duration::from_secs(60), COUNT);
        let rows = self.batch.len() * COUNT;
        let (mut numbers, mut codes) = (vec![0.0; 6 * rows], vec![0; rows]);
        let (mut positions, mut velocities) = (vec![0.0; 3 * rows], vec![0.0; 3 * rows]);
        let one = self.batch.propagator(0).expect("an orbit");
        let mut once = || match form {
            Form::Grid => {
                self.batch.over_into(0, &grid, Cores::One, &mut numbers, &mut codes);
                rows
            }
            Form::Rows => {
                let room = positions.chunks_mut(3 * COUNT).zip(velocities.chunks_mut(3 * COUNT));
                for ((satellite, room), codes) in room.enumerate().zip(codes.chunks_mut(COUNT)) {
                    as_rows(self.batch.propagator(satellite).expect("an orbit"), &grid, &mut numbers, codes, room);
                }
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

/// One satellite's columns, turned into rows while they are in the cache.
fn as_rows(
    satellite: &Propagator,
    grid: &Grid,
    numbers: &mut [f64],
    codes: &mut [u8],
    (positions, velocities): (&mut [f64], &mut [f64]),
) {
    satellite.over_into(grid, ColumnsMut::split(&mut numbers[..6 * COUNT], codes).expect("room"));
    let of = |at: usize| &numbers[at * COUNT..(at + 1) * COUNT];
    for (target, first) in [(positions, 0), (velocities, 3)] {
        let columns = of(first).iter().zip(of(first + 1)).zip(of(first + 2));
        for (row, ((x, y), z)) in target.chunks_exact_mut(3).zip(columns) {
            row.copy_from_slice(&[*x, *y, *z]);
        }
    }
}

/// Nanoseconds that this thread has had a processor for.
pub(crate) fn cpu_nanoseconds() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux");
    text.split(' ').next().and_then(|text| text.parse().ok()).expect("nanoseconds")
}
