//! Coming, staying and leaving: what changes the registry.

use std::collections::BTreeMap;

use catalog::{
    Done,
    application::{
        self, Heartbeat, OneService, Register, ServiceRegistered, ServiceStatusChanged, ServiceUnregistered, Unregister,
    },
};
use coordinator::Cx;
use health::Status;
use serde_json::{Map, Value};
use store::{
    StoreError,
    services::{self, Service},
};
use vocabulary::{Fault, ids::ServiceId};

use crate::{Application, faults};

/// Takes a service in, or what has changed of it. Whoever registers is heard, and counts as healthy.
pub(crate) async fn register(cx: Cx<Application>, register: Register) -> Result<OneService, Fault> {
    faults::check(&register)?;
    let place = cx.registry.place(&register.id)?;
    let now = cx.now();
    cx.registry.hear(&register.id, now);
    let Register { id, name, endpoint, metadata } = register;
    let registered_at = cx.registry.get(&id).map_or(now, |service| service.registered_at);
    let metadata = metadata.into_iter().collect::<Map<String, Value>>();
    let status = Status::Healthy;
    let service = Service { id, name, endpoint, metadata, status, registered_at, last_heartbeat: now };
    let mut tx = cx.begin().await?;
    services::upsert(&mut tx, &service).await?;
    let reply = cx.commit(tx, OneService { service: shown(service) }).await?;
    let before = cx.read_row(&reply.service.id).await;
    drop(place);
    cx.announce_status(&reply.service.id, before.as_ref(), status).await;
    if before.is_none_or(|before| entry(&shown(before)) != entry(&reply.service)) {
        cx.announce(&ServiceRegistered { service: reply.service.clone() }).await;
    }
    Ok(reply)
}

/// Notes that a service is there, and how it is.
pub(crate) async fn heartbeat(cx: Cx<Application>, heartbeat: Heartbeat) -> Result<Done, Fault> {
    let Heartbeat { id, status } = heartbeat;
    let (status, now) = (status.unwrap_or(Status::Healthy), cx.now());
    cx.registry.hear(&id, now);
    let mut tx = cx.begin().await?;
    services::heartbeat(&mut tx, &id, status, now).await.map_err(|error| known(&id, error))?;
    let done = cx.commit(tx, Done {}).await?;
    let before = cx.read_row(&id).await;
    cx.announce_status(&id, before.as_ref(), status).await;
    Ok(done)
}

/// Takes a service out.
pub(crate) async fn unregister(cx: Cx<Application>, unregister: Unregister) -> Result<Done, Fault> {
    let Unregister { id } = unregister;
    let mut tx = cx.begin().await?;
    services::remove(&mut tx, &id).await.map_err(|error| known(&id, error))?;
    let done = cx.commit(tx, Done {}).await?;
    cx.read_row(&id).await;
    cx.announce(&ServiceUnregistered { id }).await;
    Ok(done)
}

impl Application {
    /// Reads the row of a service again after it was changed. Says what was known before. If the database is away just now, the next
    /// check of all reads it.
    pub(crate) async fn read_row(&self, id: &ServiceId) -> Option<Service> {
        let reading = self.registry.reading();
        let row = match services::get(&self.store, id).await {
            Ok(row) => Some(row),
            Err(StoreError::NotFound { .. }) => None,
            Err(error) => {
                tracing::warn!(service = %id, %error, "service was changed and can't be read again yet");
                return self.registry.get(id);
            }
        };
        let before = self.registry.hold(reading, id, row);
        self.news.notify_one();
        before
    }

    /// Says that the status of a service is another than before, if it is.
    pub(crate) async fn announce_status(&self, id: &ServiceId, before: Option<&Service>, to: Status) {
        if let Some(from) = before.map(|service| service.status).filter(|from| *from != to) {
            self.announce(&ServiceStatusChanged { id: id.clone(), from, to }).await;
        }
    }

    /// Publishes an event about what has happened already: if that fails the effect stands all the same, and the state tells it.
    pub(crate) async fn announce<E: catalog::Event + Sync>(&self, event: &E) {
        if let Err(fault) = self.bus.emit(event).await {
            tracing::warn!(event = E::NAME, %fault, "event was not published");
        }
    }
}

/// A service as the bus sees it.
pub(crate) fn shown(service: Service) -> application::Service {
    let Service { id, name, endpoint, metadata, status, registered_at, last_heartbeat } = service;
    let metadata = metadata.into_iter().collect::<BTreeMap<_, _>>();
    application::Service { id, name, status, endpoint, registered_at, last_heartbeat, metadata }
}

/// What a service says of itself when it registers.
fn entry(service: &application::Service) -> (&str, &str, &BTreeMap<String, Value>) {
    (&service.name, &service.endpoint, &service.metadata)
}

fn known(id: &ServiceId, error: StoreError) -> Fault {
    match error {
        StoreError::NotFound { .. } => faults::unknown(id),
        other => other.into(),
    }
}
