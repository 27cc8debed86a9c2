//! The satellites and ground stations that calls may name: the catalogue, and what was registered. Whoever computes with them keeps the
//! state of the beginning.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock},
};

use engine_orbital::{Batch, Elements, Gravity, NoradId, Propagator, Sgp4Error, Station};
use observability::metrics;
use orbital_client::proto::GroundStation;
use vocabulary::Fault;

use crate::{limits::Limits, refusal::Refusal};

/// A satellite, ready to be asked where it is.
#[derive(Debug, Clone)]
pub(crate) struct Satellite {
    pub(crate) id: String,
    pub(crate) elements: Elements,
    /// With WGS-72.
    pub(crate) propagator: Result<Propagator, Sgp4Error>,
    pub(crate) origin: Origin,
}

/// Where a satellite is known from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    Catalogue,
    Registered,
    /// It came with the request.
    Request,
}

impl Satellite {
    /// A satellite by its id; by its catalogue number where there is none.
    pub(crate) fn new(id: Option<String>, elements: Elements, origin: Origin) -> Self {
        let id = id.unwrap_or_else(|| elements.norad.to_string());
        let propagator = Propagator::new(&elements, Gravity::Wgs72);
        Self { id, elements, propagator, origin }
    }

    /// Its propagator with these constants.
    pub(crate) fn propagator(&self, gravity: Gravity) -> Result<Propagator, Sgp4Error> {
        match gravity {
            Gravity::Wgs72 => self.propagator.clone(),
            Gravity::Wgs84 => Propagator::new(&self.elements, gravity),
        }
    }
}

/// A ground station.
#[derive(Debug, Clone)]
pub(crate) struct Ground {
    /// As it was sent.
    pub(crate) sent: GroundStation,
    pub(crate) station: Station,
}

/// All that is known at an instant. It does not change; what is registered makes another.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sky {
    catalogue: Arc<BTreeMap<String, Arc<Satellite>>>,
    registered: BTreeMap<String, Arc<Satellite>>,
    stations: BTreeMap<String, Arc<Ground>>,
    /// Made when it is first asked for.
    everything: OnceLock<Arc<Everything>>,
}

/// Every satellite, ready to be asked together.
#[derive(Debug)]
pub(crate) struct Everything {
    /// In the order of their ids.
    pub(crate) satellites: Vec<Arc<Satellite>>,
    /// They with WGS-72.
    pub(crate) batch: Batch,
}

impl Sky {
    /// Every satellite.
    pub(crate) fn everything(&self) -> Arc<Everything> {
        Arc::clone(self.everything.get_or_init(|| {
            let satellites: Vec<Arc<Satellite>> = self.satellites_after("").cloned().collect();
            let elements: Vec<Elements> = satellites.iter().map(|satellite| satellite.elements.clone()).collect();
            Arc::new(Everything { satellites, batch: Batch::new(&elements, Gravity::Wgs72) })
        }))
    }

    /// A satellite by its id or its catalogue number, in any spelling of that.
    pub(crate) fn satellite(&self, id: &str) -> Option<&Arc<Satellite>> {
        let exact = |id: &str| self.registered.get(id).or_else(|| self.catalogue.get(id));
        exact(id).or_else(|| exact(&id.parse::<NoradId>().ok()?.to_string()))
    }

    /// Every satellite after an id, in the order of their ids; of the same id the registered one.
    pub(crate) fn satellites_after<'a>(&'a self, id: &str) -> impl Iterator<Item = &'a Arc<Satellite>> {
        let after = (std::ops::Bound::Excluded(id.to_owned()), std::ops::Bound::Unbounded);
        let mut registered = self.registered.range(after.clone()).peekable();
        let mut catalogue = self.catalogue.range(after).peekable();
        std::iter::from_fn(move || match (registered.peek(), catalogue.peek()) {
            (Some((ours, _)), Some((theirs, _))) if ours > theirs => catalogue.next(),
            (Some((ours, _)), Some((theirs, _))) => {
                if ours == theirs {
                    catalogue.next();
                }
                registered.next()
            }
            (Some(_), None) => registered.next(),
            (None, _) => catalogue.next(),
        })
        .map(|(_, satellite)| satellite)
    }

    /// A ground station by its id.
    pub(crate) fn station(&self, id: &str) -> Option<&Arc<Ground>> {
        self.stations.get(id)
    }

    /// Every ground station, in the order of their ids.
    pub(crate) fn stations(&self) -> impl Iterator<Item = &Arc<Ground>> {
        self.stations.values()
    }

    /// The same, after an id.
    pub(crate) fn stations_after<'a>(&'a self, id: &str) -> impl Iterator<Item = &'a Arc<Ground>> {
        let after = (std::ops::Bound::Excluded(id.to_owned()), std::ops::Bound::Unbounded);
        self.stations.range(after).map(|(_, ground)| ground)
    }

    fn show(&self) {
        let kinds = [
            ("catalogue", self.catalogue.len()),
            ("registered", self.registered.len()),
            ("station", self.stations.len()),
        ];
        for (kind, number) in kinds {
            metrics::gauge!(metrics::ORBITAL_KNOWN, "kind" => kind).set(number as f64);
        }
    }
}

/// What is known, and changes of it. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    sky: Arc<RwLock<Arc<Sky>>>,
    /// One change after the other.
    changing: Arc<Mutex<()>>,
    limits: Limits,
}

impl Known {
    /// A catalogue, of which the last set of each number counts, and stations.
    pub(crate) fn new(catalogue: Vec<Elements>, stations: Vec<Ground>, limits: Limits) -> Self {
        let satellites = catalogue.into_iter().map(|elements| Satellite::new(None, elements, Origin::Catalogue));
        let catalogue = satellites.map(|satellite| (satellite.id.clone(), Arc::new(satellite))).collect();
        let stations = stations.into_iter().map(|ground| (ground.sent.id.clone(), Arc::new(ground))).collect();
        let sky =
            Sky { catalogue: Arc::new(catalogue), registered: BTreeMap::new(), stations, everything: OnceLock::new() };
        sky.show();
        Self { sky: Arc::new(RwLock::new(Arc::new(sky))), changing: Arc::default(), limits }
    }

    /// All that is known now.
    pub(crate) fn sky(&self) -> Arc<Sky> {
        Arc::clone(&self.sky.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Registers satellites, all or none; says how many were there before.
    pub(crate) fn register_satellites(&self, satellites: Vec<Satellite>) -> Result<u32, Refusal> {
        let max = self.limits.registered_satellites_max;
        self.change(|sky| {
            let mut replaced = 0;
            for satellite in satellites {
                replaced += u32::from(sky.registered.insert(satellite.id.clone(), Arc::new(satellite)).is_some());
            }
            if sky.registered.len() > max { Err(full("satellites", max)) } else { Ok(replaced) }
        })
    }

    /// Takes registered satellites away; says how many were there.
    pub(crate) fn remove_satellites(&self, ids: &[String]) -> Result<u32, Refusal> {
        self.change(|sky| Ok(ids.iter().map(|id| u32::from(sky.registered.remove(id).is_some())).sum()))
    }

    /// Registers ground stations, all or none; says how many were there before.
    pub(crate) fn register_stations(&self, stations: Vec<Ground>) -> Result<u32, Refusal> {
        let max = self.limits.registered_stations_max;
        self.change(|sky| {
            let mut replaced = 0;
            for ground in stations {
                replaced += u32::from(sky.stations.insert(ground.sent.id.clone(), Arc::new(ground)).is_some());
            }
            if sky.stations.len() > max { Err(full("ground stations", max)) } else { Ok(replaced) }
        })
    }

    /// Takes ground stations away; says how many were there.
    pub(crate) fn remove_stations(&self, ids: &[String]) -> Result<u32, Refusal> {
        self.change(|sky| Ok(ids.iter().map(|id| u32::from(sky.stations.remove(id).is_some())).sum()))
    }

    fn change<T>(&self, change: impl FnOnce(&mut Sky) -> Result<T, Refusal>) -> Result<T, Refusal> {
        let _one: MutexGuard<'_, ()> = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut sky = Sky { everything: OnceLock::new(), ..Sky::clone(&self.sky()) };
        let outcome = change(&mut sky)?;
        sky.show();
        *self.sky.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(sky);
        Ok(outcome)
    }
}

fn full(what: &str, max: usize) -> Refusal {
    Fault::busy(format!("{max} {what} are registered at most")).hint("remove some first").into()
}
