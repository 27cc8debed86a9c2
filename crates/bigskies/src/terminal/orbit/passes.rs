//! `bigskies orbit passes`: when satellites rise over a station, culminate and set.

use std::{ops::ControlFlow, path::PathBuf};

use clap::Args;
use engine_orbital::{
    Angle, Begin, Cores, Elements, End, Event, Failure, Gravity, Mask, Observer, Orientations, Pass, PassFinding,
    PassSearch, Propagator, Station, Window,
};
use serde::Serialize;
use vocabulary::{Fault, Timestamp};

use crate::terminal::{
    orbit::{
        arguments::{Place, ShapeArgs, WindowArgs},
        picture::{self, sky::Sky},
        sets::{SetsArgs, called},
        sheet::{Column, Row, Sheet, SheetForm, number},
    },
    output::{Ending, remark},
};

/// So many passes are held until they are sorted.
const PASSES_MAX: usize = 2_000_000;

/// Whose passes, over where and when.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  bigskies orbit passes active.tle --satellite 25544 --station 52.52,13.405,34 --from now --to +2d --mask 10"
)]
pub(crate) struct PassesArgs {
    #[command(flatten)]
    sets: SetsArgs,
    /// Where the station is: latitude and longitude in degrees, height in metres.
    #[arg(long, value_name = "LAT,LON,ALT_M", allow_hyphen_values = true)]
    station: Place,
    #[command(flatten)]
    window: WindowArgs,
    /// From which elevation on a satellite is up.
    #[arg(long, value_name = "DEGREES", default_value_t = 0.0, allow_hyphen_values = true)]
    mask: f64,
    /// Only passes where the satellite is sunlit and the station dark at the culmination.
    #[arg(long)]
    visible: bool,
    /// Draw the passes on the sky over the station into this file, as SVG or PNG by its ending.
    #[arg(long, value_name = "FILE", value_parser = picture::file)]
    plot: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) shape: ShapeArgs,
}

/// Writes the passes in the order of their rises.
pub(crate) fn run(arguments: &PassesArgs, form: SheetForm) -> Result<(), Ending> {
    let sets = arguments.sets.read()?;
    let station = Station::at(arguments.station.0);
    let mask = Mask::level(Angle::degrees(arguments.mask)).map_err(|error| Fault::invalid(error.to_string()))?;
    let window = Window::new(arguments.window.from, arguments.window.until());
    let window = window.map_err(|error| Fault::invalid(error.to_string()))?;
    let search = PassSearch::new(vec![Observer::new(station).with_mask(mask)], window, Orientations::bundled());
    let search = search.map_err(|error| Fault::invalid(error.to_string()))?;
    let (flying, propagators) = flying(&sets);
    let found = found(&search, &propagators, arguments.visible)?;
    let set_of = |satellite: usize| flying.get(satellite).copied();
    let mut sheet = Sheet::new(form);
    for pass in &found {
        if let Some(set) = set_of(pass.satellite) {
            sheet.row(&PassRow::new(set, pass))?;
        }
    }
    sheet.end::<PassRow<'_>>("no pass in this window")?;
    let Some(path) = &arguments.plot else { return Ok(()) };
    let mut sky = Sky::new(&arguments.station.to_string(), arguments.mask);
    for pass in &found {
        if let (Some(set), Some(propagator)) = (set_of(pass.satellite), propagators.get(pass.satellite)) {
            sky.add(&called(set), pass, propagator, &station);
        }
    }
    Ok(sky.picture(window.from(), window.to()).write(path)?)
}

/// Those that have an orbit; of the others is told.
fn flying(sets: &[Elements]) -> (Vec<&Elements>, Vec<Propagator>) {
    let (mut flying, mut propagators) = (Vec::new(), Vec::new());
    for set in sets {
        match Propagator::new(set, Gravity::default()) {
            Ok(propagator) => {
                flying.push(set);
                propagators.push(propagator);
            }
            Err(error) => remark(&format!("warning: {} has no passes: {error}", called(set))),
        }
    }
    (flying, propagators)
}

fn found(search: &PassSearch, propagators: &[Propagator], only_visible: bool) -> Result<Vec<Pass>, Fault> {
    let bar = Sheet::bar(propagators.len() as u64);
    let mut found: Vec<Pass> = Vec::new();
    let mut lost: Vec<Failure> = Vec::new();
    let sink = |finding| {
        match finding {
            PassFinding::Pass(pass) if only_visible && !(pass.culmination.is_sunlit && pass.culmination.is_dark) => {}
            PassFinding::Pass(pass) => found.push(pass),
            PassFinding::Failure(failure) => lost.push(failure),
            PassFinding::Searched { until, .. } => bar.inc(u64::from(until == search.window().to())),
        }
        if found.len() < PASSES_MAX { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    };
    let outcome = search.run(propagators, Cores::All, sink);
    bar.finish_and_clear();
    if outcome.is_break() {
        let hint = "shorten the window, raise --mask or name satellites";
        return Err(Fault::busy(format!("there are more than {PASSES_MAX} passes")).hint(hint));
    }
    for failure in &lost {
        remark(&format!(
            "warning: satellite {} of the file from {} to {}: {}",
            failure.satellite + 1,
            failure.from,
            failure.to,
            failure.error
        ));
    }
    found.sort_by_key(|pass| (pass.rise.at, pass.satellite));
    Ok(found)
}

/// A pass, from rise to set.
#[derive(Debug, Serialize)]
struct PassRow<'s> {
    norad_id: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'s str>,
    #[serde(skip)]
    called: String,
    begins: &'static str,
    rise: EventRow,
    culmination: EventRow,
    set: EventRow,
    ends: &'static str,
    duration_seconds: f64,
    elevation_max_degrees: f64,
}

/// An event of a pass.
#[derive(Debug, Serialize)]
struct EventRow {
    time: Timestamp,
    azimuth_degrees: f64,
    elevation_degrees: f64,
    range_km: f64,
    is_sunlit: bool,
    is_dark: bool,
}

impl From<Event> for EventRow {
    fn from(event: Event) -> Self {
        Self {
            time: event.at,
            azimuth_degrees: event.azimuth.to_degrees(),
            elevation_degrees: event.elevation.to_degrees(),
            range_km: event.range_km,
            is_sunlit: event.is_sunlit,
            is_dark: event.is_dark,
        }
    }
}

impl<'s> PassRow<'s> {
    fn new(set: &'s Elements, pass: &Pass) -> Self {
        Self {
            norad_id: set.norad.number(),
            name: set.name.as_deref(),
            called: called(set),
            begins: match pass.begins {
                Begin::Rise => "rise",
                Begin::WindowOpens => "window-opens",
                Begin::Recovered => "recovered",
            },
            rise: pass.rise.into(),
            culmination: pass.culmination.into(),
            set: pass.set.into(),
            ends: match pass.ends {
                End::Set => "set",
                End::WindowCloses => "window-closes",
                End::Lost(_) => "lost",
            },
            duration_seconds: pass.duration().as_secs_f64(),
            elevation_max_degrees: pass.elevation_max().to_degrees(),
        }
    }

    /// What an observer by eye wants to know.
    fn light(&self) -> &'static str {
        match (self.culmination.is_sunlit, self.culmination.is_dark) {
            (true, true) => "visible",
            (true, false) => "daylight",
            (false, _) => "in shadow",
        }
    }
}

impl Row for PassRow<'_> {
    const NAMES: &'static [&'static str] = &[
        "norad_id",
        "name",
        "begins",
        "rise_time",
        "rise_azimuth_degrees",
        "culmination_time",
        "culmination_azimuth_degrees",
        "elevation_max_degrees",
        "culmination_range_km",
        "set_time",
        "set_azimuth_degrees",
        "ends",
        "duration_seconds",
        "is_sunlit",
        "is_dark",
    ];
    const COLUMNS: &'static [Column] = &[
        ("satellite", -24),
        ("rise (utc)", -19),
        ("az °", 5),
        ("highest", -8),
        ("az °", 5),
        ("el °", 5),
        ("set", -8),
        ("az °", 5),
        ("lasts", 8),
        ("light", -9),
        ("", -1),
    ];

    fn values(&self) -> Vec<String> {
        let figure = |value: f64| number(Some(value));
        vec![
            self.norad_id.to_string(),
            self.name.unwrap_or_default().to_owned(),
            self.begins.to_owned(),
            self.rise.time.to_string(),
            figure(self.rise.azimuth_degrees),
            self.culmination.time.to_string(),
            figure(self.culmination.azimuth_degrees),
            figure(self.elevation_max_degrees),
            figure(self.culmination.range_km),
            self.set.time.to_string(),
            figure(self.set.azimuth_degrees),
            self.ends.to_owned(),
            figure(self.duration_seconds),
            self.culmination.is_sunlit.to_string(),
            self.culmination.is_dark.to_string(),
        ]
    }

    fn words(&self) -> Vec<String> {
        let whole = |value: f64| format!("{value:.0}");
        let seconds = self.duration_seconds.round() as u64;
        let cut = match (self.begins, self.ends) {
            ("rise", "set") => String::new(),
            (begins, "set") => begins.to_owned(),
            ("rise", ends) => ends.to_owned(),
            (begins, ends) => format!("{begins}, {ends}"),
        };
        vec![
            self.called.clone(),
            picture::date_and_time(self.rise.time),
            whole(self.rise.azimuth_degrees),
            picture::time(self.culmination.time),
            whole(self.culmination.azimuth_degrees),
            format!("{:.1}", self.elevation_max_degrees),
            picture::time(self.set.time),
            whole(self.set.azimuth_degrees),
            format!("{}:{:02}", seconds / 60, seconds % 60),
            self.light().to_owned(),
            cut,
        ]
    }
}
