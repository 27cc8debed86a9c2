//! The registry in memory: a mirror of the table, so that discovery and health never wait for the database.
//!
//! What is written goes to the table first, and then the row is read again ([`Reading`]). The order of readings decides which one holds:
//! one that began later has seen every change that an earlier one saw, so the mirror ends as the table did, in whatever order handlers
//! that run at the same time come back. (A lock on each service while the database works would do the same and hang with the database.)

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Mutex, MutexGuard, PoisonError},
};

use engine::{Boxed, Engine};
use health::{Report, Status};
use store::services::Service;
use vocabulary::{Clock, Fault, Timestamp, ids::ServiceId};

use crate::faults;

/// How many ill services are named in the health's message.
const NAMED: usize = 5;

/// The services, as the table has them.
#[derive(Debug)]
pub(crate) struct Registry {
    clock: Clock,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    services: BTreeMap<ServiceId, Service>,
    /// By service, the last reading that holds. Of services that are gone, too, until the next reading of all.
    read: HashMap<ServiceId, u64>,
    readings: u64,
    /// When a service was last heard, by those whose heartbeats are on their way to the table.
    heard: HashMap<ServiceId, Timestamp>,
    /// Services that are on their way into the table, and how often.
    coming: HashMap<ServiceId, usize>,
    /// Services whose state is not published as it stands.
    changed: BTreeSet<ServiceId>,
    /// The last heartbeats that published states tell.
    published: HashMap<ServiceId, Timestamp>,
    services_max: usize,
}

/// The right to read a row (or all) and let it hold: how late it began.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reading(u64);

/// A place in the registry that is kept for a service on its way into the table.
#[derive(Debug)]
pub(crate) struct Place<'a> {
    registry: &'a Registry,
    id: ServiceId,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut inner = self.registry.lock();
        if let Some(times) = inner.coming.get_mut(&self.id) {
            *times -= 1;
            if *times == 0 {
                inner.coming.remove(&self.id);
            }
        }
    }
}

impl Registry {
    /// An empty registry for at most `services_max` services.
    pub(crate) fn new(clock: Clock, services_max: u32) -> Self {
        let inner = Inner { services_max: services_max as usize, ..Inner::default() };
        Self { clock, inner: Mutex::new(inner) }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes how many services there may be. Those that are there stay.
    pub(crate) fn allow(&self, services_max: u32) {
        self.lock().services_max = services_max as usize;
    }

    /// Keeps a place for a service; one that has a place already needs no other.
    pub(crate) fn place(&self, id: &ServiceId) -> Result<Place<'_>, Fault> {
        let mut inner = self.lock();
        let is_new = !inner.services.contains_key(id) && !inner.coming.contains_key(id);
        let newcomers = inner.coming.keys().filter(|coming| !inner.services.contains_key(*coming)).count();
        if is_new && inner.services.len() + newcomers >= inner.services_max {
            return Err(faults::full(inner.services_max));
        }
        *inner.coming.entry(id.clone()).or_default() += 1;
        Ok(Place { registry: self, id: id.clone() })
    }

    /// Notes that a service was heard, before the table knows.
    pub(crate) fn hear(&self, id: &ServiceId, at: Timestamp) {
        let mut inner = self.lock();
        if inner.services.contains_key(id) {
            inner.heard.insert(id.clone(), at);
        }
    }

    /// When a service was last heard, as far as is known here.
    pub(crate) fn last_heard(&self, id: &ServiceId) -> Option<Timestamp> {
        let inner = self.lock();
        let in_table = inner.services.get(id).map(|service| service.last_heartbeat);
        in_table.max(inner.heard.get(id).copied())
    }

    /// Begins a reading of the table.
    pub(crate) fn reading(&self) -> Reading {
        let mut inner = self.lock();
        inner.readings += 1;
        Reading(inner.readings)
    }

    /// Lets a row hold that was read, or that there is none, unless a later reading does already. Says what held before.
    pub(crate) fn hold(&self, reading: Reading, id: &ServiceId, row: Option<Service>) -> Option<Service> {
        self.lock().hold(reading, id, row)
    }

    /// Lets all rows hold that were read, but for those that a later reading knows better.
    pub(crate) fn hold_all(&self, reading: Reading, rows: Vec<Service>) {
        let mut inner = self.lock();
        let there: BTreeSet<ServiceId> = rows.iter().map(|row| row.id.clone()).collect();
        let gone: Vec<ServiceId> = inner.services.keys().filter(|id| !there.contains(*id)).cloned().collect();
        for id in gone {
            inner.hold(reading, &id, None);
        }
        for row in rows {
            let id = row.id.clone();
            inner.hold(reading, &id, Some(row));
        }
        inner.read.retain(|_, read| *read > reading.0);
        let Inner { services, heard, .. } = &mut *inner;
        heard.retain(|id, at| services.get(id).is_some_and(|service| service.last_heartbeat < *at));
    }

    /// Everybody whose state is not published as it stands, each with it; nothing where there is none any more. They count as published.
    pub(crate) fn take_changed(&self) -> Vec<(ServiceId, Option<Service>)> {
        let mut inner = self.lock();
        let changed = std::mem::take(&mut inner.changed);
        changed
            .into_iter()
            .map(|id| {
                let service = inner.services.get(&id).cloned();
                match &service {
                    Some(service) => inner.published.insert(id.clone(), service.last_heartbeat),
                    None => inner.published.remove(&id),
                };
                (id, service)
            })
            .collect()
    }

    /// The state of a service could not be published.
    pub(crate) fn put_back(&self, id: ServiceId) {
        self.lock().changed.insert(id);
    }

    /// Lets the states that tell an older heartbeat count as not published.
    pub(crate) fn let_heartbeats_be_news(&self) {
        let mut inner = self.lock();
        let Inner { services, published, changed, .. } = &mut *inner;
        let stale = services.values().filter(|service| published.get(&service.id) != Some(&service.last_heartbeat));
        changed.extend(stale.map(|service| service.id.clone()));
    }

    /// One service.
    pub(crate) fn get(&self, id: &ServiceId) -> Option<Service> {
        self.lock().services.get(id).cloned()
    }

    /// The services that `fits` lets through, in no promised order.
    pub(crate) fn those(&self, fits: impl Fn(&Service) -> bool) -> Vec<Service> {
        self.lock().services.values().filter(|service| fits(service)).cloned().collect()
    }
}

impl Inner {
    fn hold(&mut self, reading: Reading, id: &ServiceId, row: Option<Service>) -> Option<Service> {
        let before = self.services.get(id).cloned();
        if self.read.get(id).is_some_and(|later| *later > reading.0) {
            return before;
        }
        self.read.insert(id.clone(), reading.0);
        if is_news(before.as_ref(), row.as_ref()) {
            self.changed.insert(id.clone());
        }
        match row {
            Some(row) => self.services.insert(id.clone(), row),
            None => self.services.remove(id),
        };
        before
    }
}

/// Whether the state must be published again at once. That a service was heard is no news; it is published with the next check.
fn is_news(before: Option<&Service>, after: Option<&Service>) -> bool {
    match (before, after) {
        (Some(before), Some(after)) => Service { last_heartbeat: before.last_heartbeat, ..after.clone() } != *before,
        (None, None) => false,
        (None, Some(_)) | (Some(_), None) => true,
    }
}

impl Engine for Registry {
    fn name(&self) -> &'static str {
        "registry"
    }

    fn health(&self) -> Report {
        let inner = self.lock();
        let count = |status: Status| inner.services.values().filter(|service| service.status == status).count();
        let (all, unhealthy) = (inner.services.len(), count(Status::Unhealthy));
        let (status, message) = if unhealthy > 0 {
            let ill = inner.services.values().filter(|service| service.status == Status::Unhealthy);
            let mut named: Vec<&str> = ill.take(NAMED).map(|service| service.id.as_str()).collect();
            if unhealthy > NAMED {
                named.push("…");
            }
            (Status::Degraded, format!("{unhealthy} of {all} services are unhealthy: {}", named.join(", ")))
        } else if all >= inner.services_max {
            (Status::Degraded, format!("registry is full: {all} services"))
        } else {
            (Status::Healthy, "no service is unhealthy".to_owned())
        };
        Report::new(self.name(), status, message, self.clock.now())
            .detail("services", all)
            .detail("healthy", count(Status::Healthy))
            .detail("degraded", count(Status::Degraded))
            .detail("unknown", count(Status::Unknown))
            .detail("unhealthy", unhealthy)
    }

    fn stop(&self) -> Boxed<'_, ()> {
        Box::pin(async {})
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::Map;

    use super::*;

    fn registry(services_max: u32) -> Registry {
        Registry::new(Clock::by_hand("2026-11-21T20:00:00Z".parse().unwrap()), services_max)
    }

    fn id(text: &str) -> ServiceId {
        text.parse().unwrap()
    }

    fn row(registry: &Registry, text: &str, name: &str) -> Service {
        let (now, name, status) = (registry.clock.now(), name.to_owned(), Status::Healthy);
        let (endpoint, metadata) = (String::new(), Map::new());
        Service { id: id(text), name, endpoint, metadata, status, registered_at: now, last_heartbeat: now }
    }

    #[test]
    fn the_reading_that_began_last_holds() {
        // Rows by the order in which their readings began, held in the order given; nothing stands for no row.
        for (rows, order, holds) in [
            ([Some("old"), Some("new")], [0, 1], Some("new")),
            ([Some("old"), Some("new")], [1, 0], Some("new")),
            ([Some("old"), None], [0, 1], None),
            ([Some("old"), None], [1, 0], None),
            ([None, Some("new")], [1, 0], Some("new")),
        ] {
            let registry = registry(9);
            let readings = [registry.reading(), registry.reading()];
            for index in order {
                registry.hold(readings[index], &id("a"), rows[index].map(|name| row(&registry, "a", name)));
            }
            let found = registry.get(&id("a")).map(|service| service.name);
            assert_eq!(found.as_deref(), holds, "{rows:?} {order:?}");
        }
    }

    #[test]
    fn a_reading_of_all_gives_way_to_later_ones_of_one() {
        let registry = registry(9);
        registry.hold(registry.reading(), &id("left"), Some(row(&registry, "left", "x")));
        registry.hold(registry.reading(), &id("gone"), Some(row(&registry, "gone", "x")));
        let all = registry.reading();
        registry.hold(registry.reading(), &id("left"), None);
        registry.hold(registry.reading(), &id("new"), Some(row(&registry, "new", "x")));
        registry.hold_all(all, vec![row(&registry, "left", "x"), row(&registry, "there", "x")]);
        let names: Vec<String> = registry.those(|_| true).into_iter().map(|service| service.id.to_string()).collect();
        assert_eq!(names, ["new", "there"]);
    }

    #[test]
    fn places_are_bounded_also_on_the_way() {
        let registry = registry(2);
        registry.hold(registry.reading(), &id("a"), Some(row(&registry, "a", "x")));
        let coming = registry.place(&id("b")).unwrap();
        assert!(registry.place(&id("b")).is_ok() && registry.place(&id("a")).is_ok());
        assert!(registry.place(&id("c")).is_err());
        drop(coming);
        assert!(registry.place(&id("c")).is_ok());
        registry.allow(1);
        assert!(registry.place(&id("c")).is_err() && registry.place(&id("a")).is_ok());
    }

    #[test]
    fn heartbeats_are_news_only_when_they_are_let() {
        let registry = registry(9);
        let first = row(&registry, "a", "x");
        registry.hold(registry.reading(), &id("a"), Some(first.clone()));
        assert_eq!(registry.take_changed().len(), 1);
        registry.clock.advance(Duration::from_secs(1));
        let heard = Service { last_heartbeat: registry.clock.now(), ..first };
        registry.hold(registry.reading(), &id("a"), Some(heard.clone()));
        assert_eq!(registry.take_changed(), []);
        registry.let_heartbeats_be_news();
        assert_eq!(registry.take_changed(), [(id("a"), Some(heard.clone()))]);
        registry.let_heartbeats_be_news();
        assert_eq!(registry.take_changed(), []);
        registry.put_back(id("a"));
        assert_eq!(registry.take_changed(), [(id("a"), Some(heard))]);
        registry.hold(registry.reading(), &id("a"), None);
        assert_eq!(registry.take_changed(), [(id("a"), None)]);
    }

    #[test]
    fn health() {
        let registry = registry(3);
        for (text, status, whole) in [
            ("a", Status::Healthy, Status::Healthy),
            ("a", Status::Degraded, Status::Healthy),
            ("b", Status::Unhealthy, Status::Degraded),
            ("b", Status::Healthy, Status::Healthy),
            ("c", Status::Healthy, Status::Degraded),
        ] {
            let service = Service { status, ..row(&registry, text, "x") };
            registry.hold(registry.reading(), &id(text), Some(service));
            assert_eq!(registry.health().status, whole, "{text} {status}: {}", registry.health().message);
        }
    }
}
