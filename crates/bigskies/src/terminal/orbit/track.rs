//! `bigskies orbit track`: over which places satellites go, whether the Sun shines on them, and where a station sees them.

use std::{path::PathBuf, time::Duration};

use clap::Args;
use engine_orbital::{
    Almanac, Earth, Elements, Geodetic, Gravity, Grid, Illumination, Look, Orientations, Propagator, Sgp4Error, Station,
};
use serde::Serialize;
use vocabulary::{Fault, Timestamp};

use crate::terminal::{
    orbit::{
        arguments::{Place, ShapeArgs, WindowArgs, duration, grid},
        picture::{self, ground::Ground},
        sets::{SetsArgs, called},
        sheet::{Column, Row, Sheet, SheetForm, number},
    },
    output::{Ending, remark},
};

/// Whose track, when, and from where it is seen.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  bigskies orbit track active.tle --satellite 25544 --from now --to +3h --plot iss.svg"
)]
pub(crate) struct TrackArgs {
    #[command(flatten)]
    sets: SetsArgs,
    #[command(flatten)]
    window: WindowArgs,
    /// The time between two places: 60, 90s, 10m, 1h30m.
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "60s")]
    step: Duration,
    /// Also show azimuth, elevation, range and its rate from here: latitude and longitude in degrees, height in metres.
    #[arg(long, value_name = "LAT,LON,ALT_M", allow_hyphen_values = true)]
    station: Option<Place>,
    /// Draw the tracks on a map into this file, as SVG or PNG by its ending.
    #[arg(long, value_name = "FILE", value_parser = picture::file)]
    plot: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) shape: ShapeArgs,
}

/// What all satellites have in common at one instant.
struct Instant {
    time: Timestamp,
    earth: Earth,
    sun_km: Option<[f64; 3]>,
}

/// Writes the tracks, a satellite after the other.
pub(crate) fn run(arguments: &TrackArgs, form: SheetForm) -> Result<(), Ending> {
    let sets = arguments.sets.read()?;
    let grid = grid(arguments.window.from, arguments.window.until(), arguments.step)?;
    let instants = instants(&grid)?;
    let station = arguments.station.map(|place| Station::at(place.0));
    let mut ground = Ground::new(arguments.station.map(|place| place.0));
    let mut sheet = Sheet::new(form);
    let bar = Sheet::bar(sets.len() as u64);
    let mut failed = 0_u64;
    for set in &sets {
        let propagator = Propagator::new(set, Gravity::default());
        let mut track = Vec::new();
        for instant in &instants {
            let row = TrackRow::new(set, instant, propagator.as_ref(), station.as_ref());
            failed += u64::from(row.error.is_some());
            sheet.row(&row)?;
            track.push(row.longitude_degrees.zip(row.latitude_degrees));
        }
        if arguments.plot.is_some() {
            ground.add(&called(set), &track);
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    sheet.end::<TrackRow<'_>>("nothing to track")?;
    if failed > 0 {
        remark(&format!("warning: SGP4 has no answer for {failed} of {} places", sets.len() * instants.len()));
    }
    match &arguments.plot {
        Some(path) => Ok(ground.picture(grid.start(), arguments.window.until()).write(path)?),
        None => Ok(()),
    }
}

fn instants(grid: &Grid) -> Result<Vec<Instant>, Fault> {
    let orientations = Orientations::bundled();
    let last = grid.instant(grid.count().saturating_sub(1));
    let almanac = Almanac::over(grid.start(), last.plus(Duration::from_secs(1)), orientations);
    let almanac = almanac.map_err(|error| Fault::invalid(format!("the Sun: {error}")).hint("choose another time"))?;
    let instant = |index| {
        let time = grid.instant(index);
        Instant { time, earth: Earth::at(time, orientations.at(time)), sun_km: almanac.sun_km(time) }
    };
    Ok((0..grid.count()).map(instant).collect())
}

/// A satellite at an instant, from the ground.
#[derive(Debug, Serialize)]
struct TrackRow<'s> {
    norad_id: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'s str>,
    #[serde(skip)]
    called: String,
    time: Timestamp,
    latitude_degrees: Option<f64>,
    longitude_degrees: Option<f64>,
    height_km: Option<f64>,
    /// The part of the Sun's disc that shines on it.
    sun_visible: Option<f64>,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    seen: Option<Seen>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_code: Option<u8>,
}

/// How a station sees it.
#[derive(Debug, Serialize)]
struct Seen {
    azimuth_degrees: f64,
    elevation_degrees: f64,
    range_km: f64,
    range_rate_km_s: f64,
}

impl From<Look> for Seen {
    fn from(look: Look) -> Self {
        Self {
            azimuth_degrees: look.azimuth.to_degrees(),
            elevation_degrees: look.elevation.to_degrees(),
            range_km: look.range_km,
            range_rate_km_s: look.range_rate_km_s,
        }
    }
}

impl<'s> TrackRow<'s> {
    fn new(
        set: &'s Elements,
        instant: &Instant,
        propagator: Result<&Propagator, &Sgp4Error>,
        station: Option<&Station>,
    ) -> Self {
        let state = propagator.map_err(|error| *error).and_then(|propagator| propagator.at(instant.time));
        let ground = state.map(|state| instant.earth.itrf(&state));
        let place = ground.as_ref().ok().map(Geodetic::of);
        let sun = state.ok().zip(instant.sun_km).map(|(state, sun_km)| Illumination::of(&state.position_km, &sun_km));
        Self {
            norad_id: set.norad.number(),
            name: set.name.as_deref(),
            called: called(set),
            time: instant.time,
            latitude_degrees: place.map(|place| place.latitude.to_degrees()),
            longitude_degrees: place.map(|place| place.longitude.to_degrees()),
            height_km: place.map(|place| place.height_km),
            sun_visible: sun.map(Illumination::visible),
            seen: station.zip(ground.as_ref().ok()).map(|(station, ground)| station.look(ground).into()),
            error: state.as_ref().err().map(ToString::to_string),
            error_code: state.err().map(Sgp4Error::code),
        }
    }

    fn looks(&self) -> [Option<f64>; 4] {
        let seen = self.seen.as_ref();
        [
            seen.map(|seen| seen.azimuth_degrees),
            seen.map(|seen| seen.elevation_degrees),
            seen.map(|seen| seen.range_km),
            seen.map(|seen| seen.range_rate_km_s),
        ]
    }
}

impl Row for TrackRow<'_> {
    const NAMES: &'static [&'static str] = &[
        "norad_id",
        "name",
        "time",
        "latitude_degrees",
        "longitude_degrees",
        "height_km",
        "sun_visible",
        "azimuth_degrees",
        "elevation_degrees",
        "range_km",
        "range_rate_km_s",
        "error",
    ];
    const COLUMNS: &'static [Column] = &[
        ("satellite", -24),
        ("time", -27),
        ("lat °", 9),
        ("lon °", 10),
        ("height km", 11),
        ("sun", -8),
        ("az °", 8),
        ("el °", 8),
        ("range km", 11),
        ("km/s", 9),
        ("error", -1),
    ];

    fn values(&self) -> Vec<String> {
        let mut values =
            vec![self.norad_id.to_string(), self.name.unwrap_or_default().to_owned(), self.time.to_string()];
        let place = [self.latitude_degrees, self.longitude_degrees, self.height_km, self.sun_visible];
        values.extend(place.into_iter().chain(self.looks()).map(number));
        values.push(self.error.clone().unwrap_or_default());
        values
    }

    fn words(&self) -> Vec<String> {
        let shown = |value: Option<f64>, decimals: usize| value.map(|v| format!("{v:.decimals$}")).unwrap_or_default();
        let sun = match self.sun_visible {
            Some(1.0..) => "sunlit",
            Some(0.0) => "shadow",
            Some(_) => "penumbra",
            None => "",
        };
        let [azimuth, elevation, range, rate] = self.looks();
        vec![
            self.called.clone(),
            self.time.to_string(),
            shown(self.latitude_degrees, 4),
            shown(self.longitude_degrees, 4),
            shown(self.height_km, 3),
            sun.to_owned(),
            shown(azimuth, 3),
            shown(elevation, 3),
            shown(range, 3),
            shown(rate, 5),
            self.error.clone().unwrap_or_default(),
        ]
    }
}
