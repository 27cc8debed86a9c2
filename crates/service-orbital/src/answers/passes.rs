//! Passes of satellites over ground stations.

use std::{ops::ControlFlow, sync::Arc};

use engine_orbital::{
    Angle, Begin, Cores, End, Mask, Observer, Orientations, Pass as Found, PassFinding as Finding, PassSearch,
    PassSearchError, Propagator, Window,
};
use orbital_client::{
    proto::{
        Failure, Pass, PassFinding, PassList, PassesRequest, VisibilityPasses, VisibilityQuery, VisibilityRequest,
        VisibilityResponse, pass_finding,
    },
    wire,
};

use crate::{
    answers::{
        earlier,
        positions::{Place, failure},
    },
    known::{Ground, Sky},
    limits::Limits,
    refusal::Refusal,
    ticket::Ticket,
    wants::{self, Span},
    work::Outlet,
};

/// From so many satellites on they are shared out over the cores.
const SATELLITES_FOR_ALL_CORES: usize = 16;

/// A search that was read.
#[derive(Debug)]
pub(crate) struct Passes {
    /// Those who can be asked, with their ids and their places in the request.
    propagators: Vec<Propagator>,
    names: Vec<(String, usize)>,
    /// Those who can't.
    failures: Vec<Failure>,
    grounds: Vec<Arc<Ground>>,
    search: PassSearch,
    found_max: usize,
}

impl Passes {
    /// Many satellites over many stations, with at most so many days for pairs of them.
    pub(crate) fn read(
        sky: &Sky,
        request: &PassesRequest,
        orientations: &Orientations,
        limits: &Limits,
        days_max: u64,
    ) -> Result<Self, Refusal> {
        let span = wants::window(request.window.as_ref())?;
        let meant = wants::some_satellites(sky, request.satellites.as_ref(), limits)?;
        let grounds = stations(sky, request)?;
        let days = meant.number().saturating_mul(grounds.len() as u64).saturating_mul(span.days());
        if days > days_max {
            return Err(Refusal::too_many("window", days, days_max, "days of pairs of satellite and ground station"));
        }
        let mut passes = Self::over(grounds, span, "window", orientations, limits)?;
        for (index, satellite) in meant.satellites().iter().enumerate() {
            match &satellite.propagator {
                Ok(propagator) => passes.add(propagator.clone(), &satellite.id, index),
                Err(error) => {
                    passes.failures.push(failure(Place { satellite: index, instant: 0, id: &satellite.id }, *error));
                }
            }
        }
        Ok(passes)
    }

    /// One known satellite over one known station.
    pub(crate) fn known(
        sky: &Sky,
        query: &VisibilityQuery,
        orientations: &Orientations,
        limits: &Limits,
    ) -> Result<Self, Refusal> {
        let satellite = wants::known_satellite(sky, "satellite_id", &query.satellite_id)?;
        let ground = wants::known_station(sky, "ground_station_id", &query.ground_station_id)?;
        let span = wants::window(query.window.as_ref())?;
        few(&span, "window", limits)?;
        let mut passes = Self::over(vec![Arc::clone(ground)], span, "window", orientations, limits)?;
        match &satellite.propagator {
            Ok(propagator) => passes.add(propagator.clone(), &satellite.id, 0),
            Err(error) => passes.failures.push(failure(Place { satellite: 0, instant: 0, id: &satellite.id }, *error)),
        }
        Ok(passes)
    }

    fn over(
        grounds: Vec<Arc<Ground>>,
        span: Span,
        field: &str,
        orientations: &Orientations,
        limits: &Limits,
    ) -> Result<Self, Refusal> {
        let wrong = |error: PassSearchError| Refusal::field(field, format!("can't be searched: {error}"));
        let observers = grounds.iter().map(|ground| {
            let mask = Mask::level(Angle::degrees(ground.sent.min_elevation_deg));
            let mask = mask.map_err(|error| Refusal::field("min_elevation_deg", error.to_string()))?;
            Ok(Observer::new(ground.station).with_mask(mask))
        });
        let observers = observers.collect::<Result<Vec<_>, Refusal>>()?;
        let window = Window::new(span.start, span.end).map_err(wrong)?;
        let search = PassSearch::new(observers, window, orientations).map_err(wrong)?;
        let (propagators, names, failures) = Default::default();
        Ok(Self { propagators, names, failures, grounds, search, found_max: limits.found_max })
    }

    fn add(&mut self, propagator: Propagator, id: &str, place: usize) {
        self.propagators.push(propagator);
        self.names.push((id.to_owned(), place));
    }

    /// Searches, and gives it all in the order of the rises.
    pub(crate) fn whole(&self, ticket: &Ticket) -> Result<PassList, Refusal> {
        let mut list = PassList::default();
        self.run(ticket, |finding| {
            match finding {
                pass_finding::Finding::Pass(pass) => list.passes.push(pass),
                pass_finding::Finding::Failure(failure) => list.failures.push(failure),
            }
            if list.passes.len() + list.failures.len() > self.found_max {
                let why = format!("leads to more than {} passes; ask StreamPasses, or for less", self.found_max);
                return Err(Refusal::TooMuch { field: "window".to_owned(), why });
            }
            Ok(())
        })?;
        list.passes.sort_by_key(|pass| pass.aos.map(|at| (at.seconds, at.nanos)));
        Ok(list)
    }

    /// Searches, and gives what is found as it is found.
    pub(crate) fn pour(&self, ticket: &Ticket, outlet: &Outlet<PassFinding>) -> Result<(), Refusal> {
        self.run(ticket, |finding| outlet.send(PassFinding { finding: Some(finding) }))
    }

    fn run(
        &self,
        ticket: &Ticket,
        mut receive: impl FnMut(pass_finding::Finding) -> Result<(), Refusal>,
    ) -> Result<(), Refusal> {
        for failure in &self.failures {
            receive(pass_finding::Finding::Failure(failure.clone()))?;
        }
        let cores = if self.propagators.len() < SATELLITES_FOR_ALL_CORES { Cores::One } else { Cores::All };
        let mut outcome = Ok(());
        // Why it broke is the outcome.
        let _broke = self.search.run(&self.propagators, cores, |finding| {
            let told = ticket.check().and_then(|()| self.shown(&finding).map_or(Ok(()), &mut receive));
            match told {
                Ok(()) => ControlFlow::Continue(()),
                Err(refusal) => {
                    outcome = Err(refusal);
                    ControlFlow::Break(())
                }
            }
        });
        outcome
    }

    fn shown(&self, finding: &Finding) -> Option<pass_finding::Finding> {
        match finding {
            Finding::Pass(found) => Some(pass_finding::Finding::Pass(self.pass(found))),
            Finding::Failure(found) => {
                let (id, place) = self.name(found.satellite);
                let told = failure(Place { satellite: place, instant: 0, id }, found.error);
                let message = format!("from {} to {}: {}", found.from, found.to, found.error);
                Some(pass_finding::Finding::Failure(Failure { message, ..told }))
            }
            Finding::Searched { .. } => None,
        }
    }

    fn pass(&self, found: &Found) -> Pass {
        let (aos, los) = (wire::to_unix_seconds(found.rise.at), wire::to_unix_seconds(found.set.at));
        Pass {
            aos_timestamp: aos,
            los_timestamp: los,
            max_elevation_timestamp: wire::to_unix_seconds(found.culmination.at),
            max_elevation_deg: found.culmination.elevation.to_degrees(),
            aos_azimuth_deg: found.rise.azimuth.to_degrees(),
            los_azimuth_deg: found.set.azimuth.to_degrees(),
            duration_seconds: los - aos,
            aos: Some(wire::of_instant(found.rise.at)),
            los: Some(wire::of_instant(found.set.at)),
            max_elevation: Some(wire::of_instant(found.culmination.at)),
            max_elevation_azimuth_deg: found.culmination.azimuth.to_degrees(),
            aos_before_window: match found.begins {
                Begin::Rise => false,
                Begin::WindowOpens | Begin::Recovered => true,
            },
            los_after_window: match found.ends {
                End::Set => false,
                End::WindowCloses | End::Lost(_) => true,
            },
            sunlit: found.culmination.is_sunlit,
            station_dark: found.culmination.is_dark,
            satellite_id: self.name(found.satellite).0.to_owned(),
            ground_station_id: self
                .grounds
                .get(found.observer)
                .map(|ground| ground.sent.id.clone())
                .unwrap_or_default(),
        }
    }

    fn name(&self, satellite: usize) -> (&str, usize) {
        self.names.get(satellite).map_or(("", satellite), |(id, place)| (id, *place))
    }
}

/// The passes of one known satellite over one known station.
pub(crate) fn visibility(
    query: VisibilityQuery,
    passes: &Passes,
    ticket: &Ticket,
) -> Result<VisibilityPasses, Refusal> {
    let PassList { passes, failures } = passes.whole(ticket)?;
    let VisibilityQuery { satellite_id, ground_station_id, .. } = query;
    Ok(VisibilityPasses { satellite_id, ground_station_id, passes, failures })
}

/// A question of the earlier service that was read.
#[derive(Debug)]
pub(crate) struct Earlier {
    passes: Passes,
    error: Option<String>,
    satellite_id: String,
    ground_station_id: String,
}

impl Earlier {
    pub(crate) fn read(
        sky: &Sky,
        request: VisibilityRequest,
        orientations: &Orientations,
        limits: &Limits,
    ) -> Result<Self, Refusal> {
        let VisibilityRequest { tle, ground_station, start_timestamp_unix, end_timestamp_unix, satellite_id } = request;
        let propagator = earlier::propagator(sky, tle.as_ref(), &satellite_id)?;
        let station = ground_station.ok_or_else(|| Refusal::field("ground_station", "is missing"))?;
        let ground = wants::ground(station).map_err(|refusal| refusal.within("ground_station"))?;
        let start = wants::unix("start_timestamp_unix", start_timestamp_unix)?;
        let end = wants::unix("end_timestamp_unix", end_timestamp_unix)?;
        let span = Span::new("end_timestamp_unix", start, end)?;
        few(&span, "end_timestamp_unix", limits)?;
        let ground_station_id = ground.sent.id.clone();
        let mut passes = Passes::over(vec![Arc::new(ground)], span, "end_timestamp_unix", orientations, limits)?;
        let error = match propagator {
            Ok(propagator) => {
                passes.add(propagator, &satellite_id, 0);
                None
            }
            Err(error) => Some(error),
        };
        Ok(Self { passes, error, satellite_id, ground_station_id })
    }

    /// Searches. What was found stands beside what could not be searched.
    pub(crate) fn answer(self, ticket: &Ticket) -> Result<VisibilityResponse, Refusal> {
        let PassList { passes, failures } = self.passes.whole(ticket)?;
        let error = self.error.or_else(|| failures.first().map(|failure| failure.message.clone()));
        Ok(VisibilityResponse {
            satellite_id: self.satellite_id,
            ground_station_id: self.ground_station_id,
            passes,
            success: error.is_none(),
            error_message: error.unwrap_or_default(),
        })
    }
}

/// The stations that a request means.
fn stations(sky: &Sky, request: &PassesRequest) -> Result<Vec<Arc<Ground>>, Refusal> {
    let mut grounds = Vec::new();
    for (index, id) in request.ground_station_ids.iter().enumerate() {
        grounds.push(Arc::clone(wants::known_station(sky, &format!("ground_station_ids[{index}]"), id)?));
    }
    for (index, sent) in request.ground_stations.iter().enumerate() {
        let ground =
            wants::ground(sent.clone()).map_err(|refusal| refusal.within(&format!("ground_stations[{index}]")))?;
        grounds.push(Arc::new(ground));
    }
    if request.all_ground_stations {
        grounds.extend(sky.stations_after("").cloned());
    }
    if grounds.is_empty() {
        return Err(Refusal::field("ground_stations", "names nobody: give ids, stations, or all_ground_stations"));
    }
    Ok(grounds)
}

fn few(span: &Span, field: &str, limits: &Limits) -> Result<(), Refusal> {
    if span.days() > limits.pass_days_max {
        return Err(Refusal::too_many(field, span.days(), limits.pass_days_max, "days"));
    }
    Ok(())
}
