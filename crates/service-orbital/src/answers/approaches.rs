//! Close approaches: of some with others, or of each with each.

use std::{collections::BTreeSet, ops::ControlFlow, sync::Arc};

use engine_orbital::{
    Approach as Found, Batch, Cores, Elements, Extent, Finding, Gravity, Screening, Search, SearchError,
};
use orbital_client::{
    proto::{Approach, ApproachFinding, ApproachList, ApproachesRequest, Failure, approach_finding},
    wire,
};

use crate::{
    answers::positions::{Place, failure},
    known::{Everything, Satellite, Sky},
    limits::Limits,
    refusal::Refusal,
    ticket::Ticket,
    wants::{self, Meant},
    work::Outlet,
};

/// Primaries in a call.
const PRIMARIES_MAX: u64 = 100;

/// A search that was read.
#[derive(Debug)]
pub(crate) struct Encounters {
    /// Primaries first.
    among: Among,
    /// How many primaries there are; none means each with each.
    primaries: usize,
    search: Search,
    found_max: usize,
}

/// Who is looked at.
#[derive(Debug)]
enum Among {
    Everything(Arc<Everything>),
    Some { satellites: Vec<Arc<Satellite>>, batch: Batch },
}

impl Among {
    fn satellites(&self) -> &[Arc<Satellite>] {
        match self {
            Self::Everything(all) => &all.satellites,
            Self::Some { satellites, .. } => satellites,
        }
    }

    fn batch(&self) -> &Batch {
        match self {
            Self::Everything(all) => &all.batch,
            Self::Some { batch, .. } => batch,
        }
    }
}

impl Encounters {
    pub(crate) fn read(sky: &Sky, request: &ApproachesRequest, limits: &Limits) -> Result<Self, Refusal> {
        let span = wants::window(request.window.as_ref())?;
        let search = Search::new(span.start, span.end, request.within_km).map_err(|error| match error {
            SearchError::Threshold(_) => Refusal::field("within_km", format!("can't be used: {error}")),
            SearchError::Window { .. } | SearchError::Step(_) | SearchError::Satellite { .. } => {
                Refusal::field("window", format!("can't be used: {error}"))
            }
        })?;
        let primaries = wants::satellites(sky, request.primaries.as_ref(), limits)
            .map_err(|refusal| refusal.within("primaries"))?;
        let others =
            wants::satellites(sky, request.others.as_ref(), limits).map_err(|refusal| refusal.within("others"))?;
        let others = others.unwrap_or_else(|| Meant::Everything(sky.everything()));
        let number = primaries.as_ref().map_or(0, Meant::number);
        if number > PRIMARIES_MAX {
            return Err(Refusal::too_many("primaries", number, PRIMARIES_MAX, "satellites"));
        }
        let (among, primaries) = among(primaries, others);
        let days = among.satellites().len() as u64 * span.days();
        if days > limits.approach_days_max {
            return Err(Refusal::too_many("window", days, limits.approach_days_max, "days of satellites"));
        }
        Ok(Self { among, primaries, search, found_max: limits.found_max })
    }

    /// Searches, and gives it all.
    pub(crate) fn whole(&self, ticket: &Ticket) -> Result<ApproachList, Refusal> {
        let mut list = ApproachList::default();
        self.run(ticket, |finding| {
            match finding.finding {
                Some(approach_finding::Finding::Approach(approach)) => list.approaches.push(approach),
                Some(approach_finding::Finding::Failure(failure)) => list.failures.push(failure),
                None => {}
            }
            let found = list.approaches.len() + list.failures.len();
            if found > self.found_max {
                let why =
                    format!("leads to more than {} approaches; ask StreamApproaches, or for less", self.found_max);
                return Err(Refusal::TooMuch { field: "within_km".to_owned(), why });
            }
            Ok(())
        })?;
        let when = |approach: &Approach| approach.at.map(|at| (at.seconds, at.nanos));
        list.approaches.sort_by_key(when);
        Ok(list)
    }

    /// Searches, and gives what is found as it is found.
    pub(crate) fn pour(&self, ticket: &Ticket, outlet: &Outlet<ApproachFinding>) -> Result<(), Refusal> {
        self.run(ticket, |finding| outlet.send(finding))
    }

    fn run(
        &self,
        ticket: &Ticket,
        mut receive: impl FnMut(ApproachFinding) -> Result<(), Refusal>,
    ) -> Result<(), Refusal> {
        let screening = Screening::new(self.among.batch());
        let searches: Vec<Search> = if self.primaries == 0 {
            vec![self.search]
        } else {
            (0..self.primaries).map(|primary| self.search.of(primary)).collect()
        };
        let mut lost = BTreeSet::new();
        for (primary, search) in searches.iter().enumerate() {
            let mut outcome = Ok(());
            let ended = screening.search(search, Cores::All, |finding| {
                let told = ticket.check().and_then(|()| match self.shown(&finding, primary, &mut lost) {
                    Some(finding) => receive(ApproachFinding { finding: Some(finding) }),
                    None => Ok(()),
                });
                match told {
                    Ok(()) => ControlFlow::Continue(()),
                    Err(refusal) => {
                        outcome = Err(refusal);
                        ControlFlow::Break(())
                    }
                }
            });
            outcome?;
            let ended = ended.map_err(|error| Refusal::field("primaries", error.to_string()))?;
            if ended.is_break() {
                return Err(Refusal::Gone);
            }
        }
        Ok(())
    }

    /// What is told of a finding: a pair of primaries once, and a loss once.
    fn shown(
        &self,
        finding: &Finding,
        primary: usize,
        lost: &mut BTreeSet<(usize, i64)>,
    ) -> Option<approach_finding::Finding> {
        match finding {
            Finding::Approach(found) => {
                let again = self.primaries > 0 && found.primary.min(found.secondary) < primary;
                (!again).then(|| approach_finding::Finding::Approach(self.approach(found)))
            }
            Finding::Lost { satellite, at, error } => {
                let first = lost.insert((*satellite, wire::to_unix_seconds(*at)));
                let place = Place { satellite: *satellite, instant: 0, id: self.id(*satellite) };
                let told = failure(place, *error);
                first.then(|| {
                    approach_finding::Finding::Failure(Failure { message: format!("from {at} on: {error}"), ..told })
                })
            }
            Finding::Regained { .. } | Finding::Progress { .. } => None,
        }
    }

    fn approach(&self, found: &Found) -> Approach {
        Approach {
            satellite_id: self.id(found.primary).to_owned(),
            other_satellite_id: self.id(found.secondary).to_owned(),
            at: Some(wire::of_instant(found.at)),
            miss_km: found.miss_distance_km,
            relative_speed_km_s: found.relative_speed_km_s,
            radial_km: found.miss_km.radial,
            in_track_km: found.miss_km.in_track,
            cross_track_km: found.miss_km.cross_track,
            radial_km_s: found.relative_velocity_km_s.radial,
            in_track_km_s: found.relative_velocity_km_s.in_track,
            cross_track_km_s: found.relative_velocity_km_s.cross_track,
            at_edge: match found.extent {
                Extent::Minimum => false,
                Extent::Start | Extent::End => true,
            },
        }
    }

    fn id(&self, satellite: usize) -> &str {
        self.among.satellites().get(satellite).map_or("", |satellite| &satellite.id)
    }
}

/// Primaries, then those of the others who are none of them.
fn among(primaries: Option<Meant>, others: Meant) -> (Among, usize) {
    let (satellites, number) = match (primaries, others) {
        (None, Meant::Everything(all)) => return (Among::Everything(all), 0),
        (None, Meant::Chosen(some)) => (some, 0),
        (Some(primaries), others) => {
            let mut satellites = primaries.satellites().to_vec();
            let number = satellites.len();
            let ids: BTreeSet<String> = satellites.iter().map(|satellite| satellite.id.clone()).collect();
            satellites.extend(others.satellites().iter().filter(|satellite| !ids.contains(&satellite.id)).cloned());
            (satellites, number)
        }
    };
    let elements: Vec<Elements> = satellites.iter().map(|satellite| satellite.elements.clone()).collect();
    (Among::Some { batch: Batch::new(&elements, Gravity::Wgs72), satellites }, number)
}
