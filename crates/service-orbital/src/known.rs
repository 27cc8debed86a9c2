//! The satellites and ground stations that calls may name: the catalogue, and what was registered. Whoever computes with them keeps the
//! state of the beginning.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    ops::Bound,
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

/// What is known from the beginning, and what was registered, which stands before it where both have an id.
#[derive(Debug, Clone)]
struct Layers<T> {
    given: Arc<BTreeMap<String, Arc<T>>>,
    registered: BTreeMap<String, Arc<T>>,
}

impl<T> Layers<T> {
    fn given(given: impl Iterator<Item = (String, T)>) -> Self {
        let given = given.map(|(id, one)| (id, Arc::new(one))).collect();
        Self { given: Arc::new(given), registered: BTreeMap::new() }
    }

    fn get(&self, id: &str) -> Option<&Arc<T>> {
        self.registered.get(id).or_else(|| self.given.get(id))
    }

    /// Everything after an id, in the order of the ids.
    fn after<'a>(&'a self, id: &str) -> impl Iterator<Item = &'a Arc<T>> {
        let after = (Bound::Excluded(id.to_owned()), Bound::Unbounded);
        let mut registered = self.registered.range(after.clone()).peekable();
        let mut given = self.given.range(after).peekable();
        std::iter::from_fn(move || match (registered.peek(), given.peek()) {
            (Some((ours, _)), Some((theirs, _))) if ours > theirs => given.next(),
            (Some((ours, _)), Some((theirs, _))) => {
                if ours == theirs {
                    given.next();
                }
                registered.next()
            }
            (Some(_), None) => registered.next(),
            (None, _) => given.next(),
        })
        .map(|(_, one)| one)
    }
}

/// All that is known at an instant. It does not change; what is registered makes another.
#[derive(Debug, Clone)]
pub(crate) struct Sky {
    satellites: Layers<Satellite>,
    stations: Layers<Ground>,
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
        self.satellites.get(id).or_else(|| self.satellites.get(&id.parse::<NoradId>().ok()?.to_string()))
    }

    /// Every satellite after an id, in the order of their ids; of the same id the registered one.
    pub(crate) fn satellites_after<'a>(&'a self, id: &str) -> impl Iterator<Item = &'a Arc<Satellite>> {
        self.satellites.after(id)
    }

    /// A ground station by its id.
    pub(crate) fn station(&self, id: &str) -> Option<&Arc<Ground>> {
        self.stations.get(id)
    }

    /// Every ground station after an id, in the order of their ids; of the same id the registered one.
    pub(crate) fn stations_after<'a>(&'a self, id: &str) -> impl Iterator<Item = &'a Arc<Ground>> {
        self.stations.after(id)
    }

    fn show(&self) {
        let kinds = [
            ("catalogue", self.satellites.given.len()),
            ("registered", self.satellites.registered.len()),
            ("station", self.stations.after("").count()),
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
        let satellites = Layers::given(satellites.map(|satellite| (satellite.id.clone(), satellite)));
        let stations = Layers::given(stations.into_iter().map(|ground| (ground.sent.id.clone(), ground)));
        let sky = Sky { satellites, stations, everything: OnceLock::new() };
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
        let satellites = satellites.into_iter().map(|satellite| (satellite.id.clone(), satellite));
        self.change(|sky| register(&mut sky.satellites.registered, satellites, "satellites", max))
    }

    /// Takes registered satellites away; says how many were there.
    pub(crate) fn remove_satellites(&self, ids: &[String]) -> Result<u32, Refusal> {
        self.change(|sky| Ok(remove(&mut sky.satellites.registered, ids)))
    }

    /// Registers ground stations, all or none; says how many were there before.
    pub(crate) fn register_stations(&self, stations: Vec<Ground>) -> Result<u32, Refusal> {
        let max = self.limits.registered_stations_max;
        let stations = stations.into_iter().map(|ground| (ground.sent.id.clone(), ground));
        self.change(|sky| register(&mut sky.stations.registered, stations, "ground stations", max))
    }

    /// Takes registered ground stations away; says how many were there.
    pub(crate) fn remove_stations(&self, ids: &[String]) -> Result<u32, Refusal> {
        self.change(|sky| Ok(remove(&mut sky.stations.registered, ids)))
    }

    /// Has these registered and no others.
    pub(crate) fn replace_registered(&self, satellites: Vec<Satellite>, stations: Vec<Ground>) {
        let satellites = satellites.into_iter().map(|satellite| (satellite.id.clone(), Arc::new(satellite))).collect();
        let stations = stations.into_iter().map(|ground| (ground.sent.id.clone(), Arc::new(ground))).collect();
        let Ok(()) = self.change(|sky| {
            (sky.satellites.registered, sky.stations.registered) = (satellites, stations);
            Ok::<(), Infallible>(())
        });
    }

    fn change<T, E>(&self, change: impl FnOnce(&mut Sky) -> Result<T, E>) -> Result<T, E> {
        let _one: MutexGuard<'_, ()> = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut sky = Sky { everything: OnceLock::new(), ..Sky::clone(&self.sky()) };
        let outcome = change(&mut sky)?;
        sky.show();
        *self.sky.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(sky);
        Ok(outcome)
    }
}

fn register<T>(
    registered: &mut BTreeMap<String, Arc<T>>,
    more: impl Iterator<Item = (String, T)>,
    what: &str,
    max: usize,
) -> Result<u32, Refusal> {
    let replaced = more.map(|(id, one)| u32::from(registered.insert(id, Arc::new(one)).is_some())).sum();
    if registered.len() > max { Err(full(what, max)) } else { Ok(replaced) }
}

fn remove<T>(registered: &mut BTreeMap<String, Arc<T>>, ids: &[String]) -> u32 {
    ids.iter().map(|id| u32::from(registered.remove(id).is_some())).sum()
}

pub(crate) fn full(what: &str, max: usize) -> Refusal {
    Fault::busy(format!("{max} {what} are registered at most")).hint("remove some first").into()
}
