//! `bigskies orbit propagate`: states of satellites at an instant or over a window, in a frame of choice.

use std::time::Duration;

use astrometry::AstrometryError;
use clap::{ArgGroup, Args, ValueEnum};
use engine_orbital::{Celestial, Earth, Elements, Geodetic, Grid, Orientations, Propagator, Sgp4Error, State, Teme};
use serde::Serialize;
use vocabulary::{Fault, Timestamp};

use crate::terminal::{
    orbit::{
        arguments::{End, GravityWord, ShapeArgs, duration, grid, instant},
        sets::{SetsArgs, called},
        sheet::{Column, Row, Sheet, SheetForm, number},
    },
    output::{Ending, remark},
};

/// What to propagate, when to and how to write it.
#[derive(Debug, Args)]
#[command(
    group = ArgGroup::new("when").required(true).args(["at", "from"]),
    after_help = "Example:\n  bigskies orbit propagate active.tle --satellite 25544 --from now --to +90m --step 60 --frame geodetic"
)]
pub(crate) struct PropagateArgs {
    #[command(flatten)]
    sets: SetsArgs,
    /// At this one instant: 2026-11-21T20:15:00Z, 2026-11-21T20:15 (UTC), 2026-11-21 or now.
    #[arg(long, value_name = "TIME", value_parser = instant, conflicts_with_all = ["to", "step"])]
    at: Option<Timestamp>,
    /// From this instant on.
    #[arg(long, value_name = "TIME", value_parser = instant, requires = "to")]
    from: Option<Timestamp>,
    /// Until this instant, or for so long, as +24h.
    #[arg(long, value_name = "TIME", value_parser = super::arguments::end, requires = "from")]
    to: Option<End>,
    /// The time between two states: 60, 90s, 10m, 1h30m.
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "60s")]
    step: Duration,
    /// In which frame.
    #[arg(long, value_enum, default_value_t = FrameWord::Teme)]
    frame: FrameWord,
    /// Which gravity; elements are made for WGS-72.
    #[arg(long, value_enum, default_value_t = GravityWord::Wgs72)]
    gravity: GravityWord,
    #[command(flatten)]
    pub(crate) shape: ShapeArgs,
}

/// The words for a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum FrameWord {
    /// True equator, mean equinox of date: the frame of SGP4.
    Teme,
    /// Fixed to the ground, with polar motion where it is known.
    Itrf,
    /// Latitude, longitude and height over the WGS-84 ellipsoid.
    Geodetic,
    /// Fixed to the stars; J2000 within 0.03 arcseconds.
    Gcrs,
}

impl PropagateArgs {
    fn grid(&self) -> Result<Grid, Fault> {
        match (self.at, self.from, self.to) {
            (Some(at), _, _) => Ok(Grid::new(at, self.step, 1)),
            (None, Some(from), Some(to)) => grid(from, to.after(from), self.step),
            (None, _, _) => {
                Err(Fault::invalid("no instant is given").hint("give --at TIME, or --from TIME and --to TIME"))
            }
        }
    }
}

/// Writes the states, a satellite after the other.
pub(crate) fn run(arguments: &PropagateArgs, form: SheetForm) -> Result<(), Ending> {
    let sets = arguments.sets.read()?;
    let grid = arguments.grid()?;
    let turns = turns(&grid, arguments.frame)?;
    let mut sheet = Sheet::new(form);
    let bar = Sheet::bar(sets.len() as u64);
    let mut failed = 0_u64;
    for set in &sets {
        let propagator = Propagator::new(set, arguments.gravity.into());
        for (index, turn) in turns.iter().enumerate() {
            let when = grid.instant(index);
            let state = propagator.as_ref().map_err(|error| *error).and_then(|propagator| propagator.at(when));
            failed += u64::from(state.is_err());
            sheet.row(&StateRow::new(set, when, arguments.frame, state.map(|state| turn.placed(&state))))?;
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    sheet.end::<StateRow>("nothing to propagate")?;
    if failed > 0 {
        remark(&format!("warning: SGP4 has no answer for {failed} of {} states", sets.len() * grid.count()));
    }
    Ok(())
}

/// How to come from TEME to the frame that is asked for, at one instant.
enum Turn {
    Stay,
    Ground(Box<Earth>),
    Geodetic(Box<Earth>),
    Stars(Celestial),
}

fn turns(grid: &Grid, frame: FrameWord) -> Result<Vec<Turn>, Fault> {
    let orientations = Orientations::bundled();
    let turn = |index| {
        let when = grid.instant(index);
        let earth = || Earth::at(when, orientations.at(when));
        Ok(match frame {
            FrameWord::Teme => Turn::Stay,
            FrameWord::Itrf => Turn::Ground(Box::new(earth())),
            FrameWord::Geodetic => Turn::Geodetic(Box::new(earth())),
            FrameWord::Gcrs => Turn::Stars(Celestial::over(&earth()).map_err(|error| unplaced(when, &error))?),
        })
    };
    (0..grid.count()).map(turn).collect()
}

fn unplaced(when: Timestamp, error: &AstrometryError) -> Fault {
    Fault::invalid(format!("the stars at {when}: {error}")).hint("choose another time, or the frame teme")
}

/// A state in its frame.
struct Placed {
    position_km: [f64; 3],
    velocity_km_s: [f64; 3],
    geodetic: Option<Geodetic>,
}

impl Turn {
    fn placed(&self, state: &State<Teme>) -> Placed {
        match self {
            Self::Stay => Placed::cartesian(state.position_km, state.velocity_km_s),
            Self::Stars(celestial) => {
                let state = celestial.gcrs(state);
                Placed::cartesian(state.position_km, state.velocity_km_s)
            }
            Self::Ground(earth) => {
                let state = earth.itrf(state);
                Placed::cartesian(state.position_km, state.velocity_km_s)
            }
            Self::Geodetic(earth) => {
                let state = earth.itrf(state);
                let geodetic = Some(Geodetic::of(&state));
                Placed { geodetic, ..Placed::cartesian(state.position_km, state.velocity_km_s) }
            }
        }
    }
}

impl Placed {
    const fn cartesian(position_km: [f64; 3], velocity_km_s: [f64; 3]) -> Self {
        Self { position_km, velocity_km_s, geodetic: None }
    }
}

/// One satellite at one instant. With the frame `geodetic`, position and velocity are those over the ground.
#[derive(Debug, Serialize)]
struct StateRow<'s> {
    norad_id: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'s str>,
    #[serde(skip)]
    called: String,
    time: Timestamp,
    frame: FrameWord,
    position_km: Option<[f64; 3]>,
    velocity_km_s: Option<[f64; 3]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    latitude_degrees: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    longitude_degrees: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    height_km: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_code: Option<u8>,
}

impl<'s> StateRow<'s> {
    fn new(set: &'s Elements, time: Timestamp, frame: FrameWord, placed: Result<Placed, Sgp4Error>) -> Self {
        let (placed, error) = match placed {
            Ok(placed) => (Some(placed), None),
            Err(error) => (None, Some(error)),
        };
        let geodetic = placed.as_ref().and_then(|placed| placed.geodetic);
        Self {
            norad_id: set.norad.number(),
            name: set.name.as_deref(),
            called: called(set),
            time,
            frame,
            position_km: placed.as_ref().map(|placed| placed.position_km),
            velocity_km_s: placed.as_ref().map(|placed| placed.velocity_km_s),
            latitude_degrees: geodetic.map(|place| place.latitude.to_degrees()),
            longitude_degrees: geodetic.map(|place| place.longitude.to_degrees()),
            height_km: geodetic.map(|place| place.height_km),
            error: error.map(|error| error.to_string()),
            error_code: error.map(Sgp4Error::code),
        }
    }

    /// The numbers of its line: place and velocity, with the digits that are given.
    fn numbers(&self, shown: fn(f64, usize) -> String) -> Vec<String> {
        let place = match (self.latitude_degrees, self.longitude_degrees, self.height_km, self.position_km) {
            (Some(latitude), Some(longitude), Some(height), _) => {
                vec![shown(latitude, 6), shown(longitude, 6), shown(height, 6)]
            }
            (_, _, _, Some(position)) => position.map(|axis| shown(axis, 6)).to_vec(),
            _ => vec![String::new(); 3],
        };
        let velocity = self
            .velocity_km_s
            .map_or_else(|| vec![String::new(); 3], |speed| speed.map(|axis| shown(axis, 9)).to_vec());
        [place, velocity].concat()
    }
}

impl Row for StateRow<'_> {
    const NAMES: &'static [&'static str] = &[
        "norad_id",
        "name",
        "time",
        "frame",
        "x_km",
        "y_km",
        "z_km",
        "vx_km_s",
        "vy_km_s",
        "vz_km_s",
        "latitude_degrees",
        "longitude_degrees",
        "height_km",
        "error",
    ];
    const COLUMNS: &'static [Column] = &[
        ("satellite", -24),
        ("time", -27),
        ("x km / lat °", 14),
        ("y km / lon °", 14),
        ("z km / height", 14),
        ("vx km/s", 13),
        ("vy km/s", 13),
        ("vz km/s", 13),
        ("error", -1),
    ];

    fn values(&self) -> Vec<String> {
        let axes = |vector: Option<[f64; 3]>| (0..3).map(move |axis| number(vector.and_then(|v| v.get(axis).copied())));
        let mut values =
            vec![self.norad_id.to_string(), self.name.unwrap_or_default().to_owned(), self.time.to_string()];
        values.push(format!("{:?}", self.frame).to_lowercase());
        values.extend(axes(self.position_km).chain(axes(self.velocity_km_s)));
        values.extend([self.latitude_degrees, self.longitude_degrees, self.height_km].map(number));
        values.push(self.error.clone().unwrap_or_default());
        values
    }

    fn words(&self) -> Vec<String> {
        let mut words = vec![self.called.clone(), self.time.to_string()];
        words.extend(self.numbers(|value, decimals| format!("{value:.decimals$}")));
        words.push(self.error.clone().unwrap_or_default());
        words
    }
}
