//! `bigskies orbit approaches`: which satellites of a file come close to each other in a window, each approach at its closest.

use std::ops::ControlFlow;

use clap::Args;
use engine_orbital::{Approach, Batch, Cores, Elements, Extent, Finding, Gravity, Local, Screening, Search};
use serde::Serialize;
use vocabulary::{Fault, Timestamp};

use crate::terminal::{
    orbit::{
        arguments::{ShapeArgs, WindowArgs},
        sets::{SetsArgs, Wanted, called},
        sheet::{Column, Row, Sheet, SheetForm, number},
    },
    output::{Ending, remark},
};

/// Steps of the progress bar.
const STEPS: u64 = 1_000;

/// Who is screened, when, and what is close.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  bigskies orbit approaches active.tle --from now --to +24h --within 5")]
pub(crate) struct ApproachesArgs {
    #[command(flatten)]
    sets: SetsArgs,
    #[command(flatten)]
    window: WindowArgs,
    /// The largest distance, up to 1000 km.
    #[arg(long, value_name = "KM")]
    within: f64,
    /// Only approaches of this satellite, by its catalogue number or its name.
    #[arg(long, value_name = "ID|NAME")]
    primary: Option<String>,
    #[command(flatten)]
    pub(crate) shape: ShapeArgs,
}

/// Writes the approaches in the order of time.
pub(crate) fn run(arguments: &ApproachesArgs, form: SheetForm) -> Result<(), Ending> {
    let sets = arguments.sets.read()?;
    let search = Search::new(arguments.window.from, arguments.window.until(), arguments.within);
    let mut search = search.map_err(|error| Fault::invalid(error.to_string()))?;
    if let Some(text) = &arguments.primary {
        let wanted = Wanted::of(text);
        let place = sets.iter().position(|set| wanted.is(set));
        search = search.of(place.ok_or_else(|| {
            Fault::not_found(format!("{text:?} is not among the element sets"))
                .hint("name its catalogue number or its whole name")
        })?);
    }
    let batch = Batch::new(&sets, Gravity::default());
    let mut sheet = Sheet::new(form);
    let bar = Sheet::bar(STEPS);
    let mut outcome = Ok(());
    let receiver = |finding| {
        outcome = told(finding, &sets, &mut sheet, &bar);
        if outcome.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    };
    let searched = Screening::new(&batch).search(&search, Cores::All, receiver);
    let _ended_early = searched.map_err(|error| Fault::invalid(error.to_string()))?;
    outcome?;
    bar.finish_and_clear();
    sheet.end::<ApproachRow>(&format!("no two satellites come within {} km", arguments.within))
}

fn told(finding: Finding, sets: &[Elements], sheet: &mut Sheet, bar: &indicatif::ProgressBar) -> Result<(), Ending> {
    let name = |satellite: usize| sets.get(satellite).map(called).unwrap_or_default();
    match finding {
        Finding::Approach(approach) => {
            if let (Some(primary), Some(secondary)) = (sets.get(approach.primary), sets.get(approach.secondary)) {
                sheet.row(&ApproachRow::new(&approach, primary, secondary))?;
            }
        }
        Finding::Lost { satellite, at, error } => {
            remark(&format!("warning: {} is lost at {at}: {error}", name(satellite)))
        }
        Finding::Regained { satellite, at } => remark(&format!("warning: {} is found again at {at}", name(satellite))),
        Finding::Progress { share, .. } => bar.set_position((share * STEPS as f64) as u64),
    }
    Ok(())
}

/// Two satellites at their closest.
#[derive(Debug, Serialize)]
struct ApproachRow {
    norad_id: u32,
    name: String,
    other_norad_id: u32,
    other_name: String,
    time: Timestamp,
    miss_distance_km: f64,
    relative_speed_km_s: f64,
    radial_km: f64,
    in_track_km: f64,
    cross_track_km: f64,
    radial_km_s: f64,
    in_track_km_s: f64,
    cross_track_km_s: f64,
    extent: &'static str,
}

impl ApproachRow {
    fn new(approach: &Approach, primary: &Elements, secondary: &Elements) -> Self {
        let Local { radial, in_track, cross_track } = approach.miss_km;
        let speed = approach.relative_velocity_km_s;
        Self {
            norad_id: primary.norad.number(),
            name: called(primary),
            other_norad_id: secondary.norad.number(),
            other_name: called(secondary),
            time: approach.at,
            miss_distance_km: approach.miss_distance_km,
            relative_speed_km_s: approach.relative_speed_km_s,
            radial_km: radial,
            in_track_km: in_track,
            cross_track_km: cross_track,
            radial_km_s: speed.radial,
            in_track_km_s: speed.in_track,
            cross_track_km_s: speed.cross_track,
            extent: match approach.extent {
                Extent::Minimum => "minimum",
                Extent::Start => "start",
                Extent::End => "end",
            },
        }
    }
}

impl Row for ApproachRow {
    const NAMES: &'static [&'static str] = &[
        "norad_id",
        "name",
        "other_norad_id",
        "other_name",
        "time",
        "miss_distance_km",
        "relative_speed_km_s",
        "radial_km",
        "in_track_km",
        "cross_track_km",
        "radial_km_s",
        "in_track_km_s",
        "cross_track_km_s",
        "extent",
    ];
    const COLUMNS: &'static [Column] = &[
        ("satellite", -24),
        ("other", -24),
        ("time", -27),
        ("miss km", 9),
        ("km/s", 8),
        ("radial", 9),
        ("in-track", 9),
        ("cross", 9),
        ("", -5),
    ];

    fn values(&self) -> Vec<String> {
        let mut values = vec![self.norad_id.to_string(), self.name.clone(), self.other_norad_id.to_string()];
        values.extend([self.other_name.clone(), self.time.to_string()]);
        let miss =
            [self.miss_distance_km, self.relative_speed_km_s, self.radial_km, self.in_track_km, self.cross_track_km];
        let speed = [self.radial_km_s, self.in_track_km_s, self.cross_track_km_s];
        values.extend(miss.into_iter().chain(speed).map(|value| number(Some(value))));
        values.push(self.extent.to_owned());
        values
    }

    fn words(&self) -> Vec<String> {
        let miss = [self.radial_km, self.in_track_km, self.cross_track_km].map(|value| format!("{value:.3}"));
        let mut words = vec![self.name.clone(), self.other_name.clone(), self.time.to_string()];
        words.extend([format!("{:.3}", self.miss_distance_km), format!("{:.4}", self.relative_speed_km_s)]);
        words.extend(miss);
        words.push(if self.extent == "minimum" { String::new() } else { self.extent.to_owned() });
        words
    }
}
