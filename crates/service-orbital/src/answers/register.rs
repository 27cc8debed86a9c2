//! Registering satellites and ground stations, and listing what is known.

use std::collections::BTreeSet;

use orbital_client::{
    proto::{
        GroundStationList, KnownSatellite, ListRequest, RegisterGroundStationsRequest, RegisterSatellitesRequest,
        SatelliteList,
    },
    wire,
};

use crate::{
    known::{Ground, Known, Origin, Satellite},
    limits::Limits,
    refusal::Refusal,
    wants,
};

/// How many a page has where nothing is said.
const PAGE: usize = 100;
/// How many a page has at most.
const PAGE_MAX: usize = 1000;

/// The satellites of a request, ready to be registered.
pub(crate) fn satellites(request: &RegisterSatellitesRequest, limits: &Limits) -> Result<Vec<Satellite>, Refusal> {
    few("satellites", request.satellites.len(), limits)?;
    let mut satellites = Vec::with_capacity(request.satellites.len());
    for (index, sent) in request.satellites.iter().enumerate() {
        let read = || {
            let id = if sent.id.is_empty() { None } else { Some(wants::id("id", &sent.id)?) };
            let elements = wants::elements(sent.elements.as_ref()).map_err(|refusal| refusal.within("elements"))?;
            Ok(Satellite::new(id, elements, Origin::Registered))
        };
        satellites.push(read().map_err(|refusal: Refusal| refusal.within(&format!("satellites[{index}]")))?);
    }
    let ids: Vec<String> = satellites.iter().map(|satellite| satellite.id.clone()).collect();
    once("satellites", &ids)?;
    Ok(satellites)
}

/// The ground stations of a request.
pub(crate) fn stations(request: RegisterGroundStationsRequest, limits: &Limits) -> Result<Vec<Ground>, Refusal> {
    few("ground_stations", request.ground_stations.len(), limits)?;
    let read = |(index, sent)| {
        let field = format!("ground_stations[{index}]");
        named_station(sent).map_err(|refusal| refusal.within(&field))
    };
    let stations: Vec<Ground> =
        request.ground_stations.into_iter().enumerate().map(read).collect::<Result<_, Refusal>>()?;
    let ids: Vec<String> = stations.iter().map(|ground| ground.sent.id.clone()).collect();
    once("ground_stations", &ids)?;
    Ok(stations)
}

/// A ground station with an id.
pub(crate) fn named_station(sent: orbital_client::proto::GroundStation) -> Result<Ground, Refusal> {
    wants::id("id", &sent.id)?;
    wants::ground(sent)
}

/// A page of the satellites.
pub(crate) fn list_satellites(known: &Known, request: &ListRequest) -> Result<SatelliteList, Refusal> {
    let (limit, part) = (page(request)?, request.contains.to_lowercase());
    let sky = known.sky();
    let has = |text: &str| text.to_lowercase().contains(&part);
    let fits = |satellite: &&std::sync::Arc<Satellite>| {
        has(&satellite.id) || satellite.elements.name.as_deref().is_some_and(has)
    };
    let mut satellites: Vec<KnownSatellite> =
        sky.satellites_after(&request.cursor).filter(fits).take(limit + 1).map(|satellite| shown(satellite)).collect();
    let next = if satellites.len() > limit {
        satellites.truncate(limit);
        satellites.last().map(|last| last.id.clone()).unwrap_or_default()
    } else {
        String::new()
    };
    Ok(SatelliteList { satellites, next })
}

/// A page of the ground stations.
pub(crate) fn list_stations(known: &Known, request: &ListRequest) -> Result<GroundStationList, Refusal> {
    let (limit, part) = (page(request)?, request.contains.to_lowercase());
    let sky = known.sky();
    let fits = |ground: &&std::sync::Arc<Ground>| {
        [&ground.sent.id, &ground.sent.name].iter().any(|text| text.to_lowercase().contains(&part))
    };
    let found = sky.stations_after(&request.cursor).filter(fits).take(limit + 1);
    let mut ground_stations: Vec<_> = found.map(|ground| ground.sent.clone()).collect();
    let next = if ground_stations.len() > limit {
        ground_stations.truncate(limit);
        ground_stations.last().map(|last| last.id.clone()).unwrap_or_default()
    } else {
        String::new()
    };
    Ok(GroundStationList { ground_stations, next })
}

fn shown(satellite: &Satellite) -> KnownSatellite {
    KnownSatellite {
        id: satellite.id.clone(),
        name: satellite.elements.name.clone().unwrap_or_default(),
        norad_id: satellite.elements.norad.number(),
        epoch: Some(wire::of_instant(satellite.elements.epoch)),
        registered: satellite.origin == Origin::Registered,
        failure: satellite.propagator.as_ref().err().map(ToString::to_string).unwrap_or_default(),
    }
}

fn page(request: &ListRequest) -> Result<usize, Refusal> {
    match request.limit as usize {
        0 => Ok(PAGE),
        limit if limit > PAGE_MAX => Err(Refusal::too_many("limit", limit as u64, PAGE_MAX as u64, "entries")),
        limit => Ok(limit),
    }
}

fn few(field: &str, number: usize, limits: &Limits) -> Result<(), Refusal> {
    let max = limits.satellites_max;
    if number == 0 {
        Err(Refusal::field(field, "is empty"))
    } else if number > max {
        Err(Refusal::too_many(field, number as u64, max as u64, "entries"))
    } else {
        Ok(())
    }
}

/// No id stands twice.
fn once(field: &str, ids: &[String]) -> Result<(), Refusal> {
    let mut seen = BTreeSet::new();
    match ids.iter().enumerate().find(|(_, id)| !seen.insert(*id)) {
        Some((index, id)) => {
            Err(Refusal::field(format!("{field}[{index}].id"), format!("is {id:?}, as of one before")))
        }
        None => Ok(()),
    }
}
