//! What runs besides handlers: looking for services that fell silent, publishing states, reading the table again after a restoration.

use std::{sync::Arc, time::Duration};

use bus::{Connection, Watch};
use catalog::{
    Event, Qos,
    application::{Service as Shown, ServiceStatusChanged, ServiceUnregistered},
    datastore::BackupEnded,
    topic,
};
use health::Status;
use store::{
    StoreError,
    page::{LIMIT_MAX, Slice},
    services::{self, Filter, Service},
};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};
use vocabulary::{Fault, Timestamp, ids::ServiceId};

use crate::{Application, ApplicationSettings, membership::shown};

/// Room for announcements of restorations.
const RESTORATIONS: usize = 16;
/// How long it takes until what could not be published is tried again.
const AGAIN: Duration = Duration::from_secs(1);

/// Runs until it is dropped.
pub(crate) async fn keep(application: Arc<Application>) -> Result<(), Fault> {
    let restorations =
        application.bus.watch(&[(topic::event(BackupEnded::NAME), Qos::AtLeastOnce)], RESTORATIONS).await?;
    tokio::select! {
        outcome = check_often(&application) => outcome,
        outcome = publish_news(&application) => outcome,
        outcome = read_restored(&application, restorations) => outcome,
    }
}

/// Looks through the registry at each interval.
async fn check_often(application: &Application) -> Result<(), Fault> {
    let mut settings = application.settings.subscribe();
    let mut connection = application.bus.connection();
    connection.mark_unchanged();
    let mut last = Instant::now();
    loop {
        let every = Duration::from_secs(settings.borrow_and_update().registry_check_interval.into());
        tokio::select! {
            () = sleep_until(last + every) => {
                last = Instant::now();
                let listening = Listening::of(&connection.borrow());
                application.check_if_listening(listening).await;
            }
            changed = settings.changed() => if changed.is_err() { return Ok(()) },
            changed = connection.changed() => match changed {
                Ok(()) => application.listen_anew(),
                Err(_) => return Err(Fault::unavailable("bus is closed")),
            },
        }
    }
}

/// Publishes states as they change. One task does it, so that the last state published is the last there was.
async fn publish_news(application: &Application) -> Result<(), Fault> {
    let mut again = interval(AGAIN);
    again.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = application.news.notified() => {}
            _ = again.tick() => {}
        }
        if let Err(fault) = application.publish_changed().await {
            tracing::warn!(%fault, "states of services were not published");
        }
    }
}

/// After a restoration the table holds what it held once.
async fn read_restored(application: &Application, mut restorations: Watch) -> Result<(), Fault> {
    while restorations.next().await.is_some() {
        if let Err(fault) = application.read_rows().await {
            tracing::warn!(%fault, "registry was not read again after a backup or a restoration");
        }
    }
    Err(Fault::unavailable("bus is closed"))
}

impl Application {
    /// Reads the whole table.
    pub(crate) async fn read_rows(&self) -> Result<(), Fault> {
        let reading = self.registry.reading();
        let (mut rows, mut slice) = (Vec::new(), Slice::first(LIMIT_MAX));
        loop {
            let page = services::list(&self.store, &Filter::default(), &slice).await?;
            rows.extend(page.items);
            match page.next {
                Some(next) => slice.cursor = Some(next),
                None => break,
            }
        }
        self.registry.hold_all(reading, rows);
        self.news.notify_one();
        Ok(())
    }

    /// Publishes the states that are not published as they stand.
    pub(crate) async fn publish_changed(&self) -> Result<(), Fault> {
        let mut changed = self.registry.take_changed().into_iter();
        while let Some((id, service)) = changed.next() {
            let published = match service {
                Some(service) => self.bus.retain(id.as_str(), &shown(service)).await,
                None => self.bus.clear::<Shown>(id.as_str()).await,
            };
            if let Err(fault) = published {
                self.registry.put_back(id);
                changed.for_each(|(id, _)| self.registry.put_back(id));
                return Err(fault);
            }
        }
        Ok(())
    }

    /// Checks the registry where services can be heard. Without bus or database nobody can: silence counts from when both are back.
    async fn check_if_listening(&self, bus: Listening) {
        match bus {
            Listening::No => self.listen_anew(),
            Listening::Yes => {
                if let Err(fault) = self.check().await {
                    tracing::warn!(%fault, "registry was not checked");
                    self.listen_anew();
                }
            }
        }
    }

    /// From now on silence counts: before, heartbeats could not be heard.
    fn listen_anew(&self) {
        self.listening.send_replace(self.clock.now());
    }

    /// Reads the table, lets services that fell silent be unhealthy, forgets those that were silent for long, and lets the instants of
    /// the last heartbeats be published.
    pub(crate) async fn check(&self) -> Result<(), Fault> {
        self.read_rows().await?;
        let limits = Limits::of(&self.settings.borrow(), *self.listening.borrow(), self.clock.now());
        for service in self.registry.those(|service| limits.is_forgotten(service.last_heartbeat)) {
            self.forget(service.id, limits).await?;
        }
        let is_silent = |service: &Service| limits.is_silent_since(service.last_heartbeat);
        for service in self.registry.those(|service| service.status != Status::Unhealthy && is_silent(service)) {
            self.mark_silent(service, limits).await?;
        }
        self.registry.let_heartbeats_be_news();
        self.news.notify_one();
        Ok(())
    }

    async fn mark_silent(&self, service: Service, limits: Limits) -> Result<(), Fault> {
        let Service { id, status: from, .. } = service;
        let mut tx = self.store.begin().await?;
        let marked = services::set_status(&mut tx, &id, Status::Unhealthy).await;
        if self.is_gone_or_heard(&id, limits, marked)? {
            return Ok(tx.rollback().await?);
        }
        tx.commit().await?;
        self.read_row(&id).await;
        tracing::warn!(service = %id, "service fell silent");
        self.announce(&ServiceStatusChanged { id, from, to: Status::Unhealthy }).await;
        Ok(())
    }

    async fn forget(&self, id: ServiceId, limits: Limits) -> Result<(), Fault> {
        let mut tx = self.store.begin().await?;
        let removed = services::remove(&mut tx, &id).await;
        if self.is_gone_or_heard(&id, limits, removed)? {
            return Ok(tx.rollback().await?);
        }
        tx.commit().await?;
        self.read_row(&id).await;
        tracing::info!(service = %id, "service was silent for long and is forgotten");
        self.announce(&ServiceUnregistered { id }).await;
        Ok(())
    }

    /// Whether a service is gone, or was heard while its row was held: a heartbeat from now on waits for the row and has the last word.
    fn is_gone_or_heard(
        &self,
        id: &ServiceId,
        limits: Limits,
        changed: Result<(), StoreError>,
    ) -> Result<bool, StoreError> {
        match changed {
            Ok(()) => Ok(self.registry.last_heard(id).is_none_or(|heard| !limits.is_silent_since(heard))),
            Err(StoreError::NotFound { .. }) => Ok(true),
            Err(error) => Err(error),
        }
    }
}

/// Whether the bus brings heartbeats.
#[derive(Debug, Clone, Copy)]
enum Listening {
    Yes,
    No,
}

impl Listening {
    const fn of(connection: &Connection) -> Self {
        match connection {
            Connection::Up(_) => Self::Yes,
            Connection::Down(_) => Self::No,
        }
    }
}

/// From when on silence is too long.
#[derive(Debug, Clone, Copy)]
struct Limits {
    now: Timestamp,
    listening: Timestamp,
    timeout: Duration,
    forget_after: Duration,
}

impl Limits {
    fn of(settings: &ApplicationSettings, listening: Timestamp, now: Timestamp) -> Self {
        let (timeout, forget_after) = (settings.service_timeout.into(), settings.forget_after_seconds.into());
        let (timeout, forget_after) = (Duration::from_secs(timeout), Duration::from_secs(forget_after));
        Self { now, listening, timeout, forget_after }
    }

    /// Silent for longer than the timeout, all the while that it could have been heard.
    fn is_silent_since(&self, last_heard: Timestamp) -> bool {
        self.now.since(last_heard.max(self.listening)) > self.timeout
    }

    fn is_forgotten(&self, last_heard: Timestamp) -> bool {
        self.is_silent_since(last_heard) && self.now.since(last_heard) > self.forget_after
    }
}
