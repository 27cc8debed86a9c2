//! One life of a coordinator: connected, started, its messages taken, until it is ended or fails.

use std::{sync::Arc, time::Duration};

use bus::{BrokerKind, Bus, BusOptions, Watch};
use catalog::{Entry, Lane, Owner, Party, Qos, envelope, topic};
use health::{Report, Status};
use store::{Store, inbox::Inbox, setting_rows};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use vocabulary::{Clock, Fault, Timestamp, ids::fresh_uuid};

use crate::{
    Coordinator, Frame, FrameSettings, Start,
    answers::Answers,
    authority::Authority,
    desk::{self, Lanes},
    fences::Fences,
    given,
    live::Live,
    memory::{Recent, outcome_unknown, stored},
    pulse,
    routes::Route,
    seals::Seals,
    trail::Trail,
};

/// How long connecting may take at the start of a life.
const CONNECT_LIMIT: Duration = Duration::from_secs(30);
/// How long what is being executed may take to end in good order.
const DRAIN_LIMIT: Duration = Duration::from_secs(5);
/// Room for deliveries that the desk has not looked at yet.
const DELIVERIES: usize = 32_768;
/// How many accepted commands are remembered.
const REMEMBERED: u64 = 1_000_000;

/// What the parts of a life share.
pub(crate) struct Shared<C: Coordinator> {
    pub(crate) coordinator: Arc<C>,
    pub(crate) bus: Bus,
    /// The connection of safety, where there is one.
    pub(crate) urgent: Bus,
    pub(crate) store: Store,
    pub(crate) clock: Clock,
    pub(crate) authority: Arc<dyn Authority>,
    pub(crate) trail: Trail,
    pub(crate) seals: Seals,
    pub(crate) inbox: Inbox,
    pub(crate) recent: Recent,
    pub(crate) fences: Fences,
    pub(crate) answers: Answers,
    pub(crate) live: Live<C::Settings>,
    pub(crate) lanes: Lanes,
    pub(crate) database: health::Cell,
    pub(crate) tracker: TaskTracker,
    pub(crate) started_at: Timestamp,
}

impl<C: Coordinator> Shared<C> {
    /// The health of the coordinator from what its parts said last; never waits.
    pub(crate) fn report(&self) -> Report {
        let now = self.clock.now();
        let mut parts: Vec<Report> = self.coordinator.engines().iter().map(|engine| engine.health()).collect();
        parts.extend(self.coordinator.health());
        parts.push(self.database.get());
        if let Some(why) = self.live.refused() {
            parts.push(Report::new("settings", Status::Degraded, format!("rows were refused: {why}"), now));
        }
        Report::of_parts(C::OWNER.component(), &parts, now)
            .detail("uptime_seconds", now.since(self.started_at).as_secs())
            .detail("dropped_deliveries", self.bus.dropped())
    }

    /// Puts the frame's settings into effect.
    pub(crate) fn apply_frame(&self, settings: &FrameSettings) {
        self.lanes.resize(settings);
        self.bus.override_qos(settings.qos.clone().into_iter().collect());
    }
}

/// Lives one life. Returns when `stop` is cancelled, or with the fault that ended it.
pub(crate) async fn live<C: Coordinator>(
    frame: &Frame,
    given: C::Given,
    stop: &CancellationToken,
) -> Result<(), Fault> {
    let bus = Bus::connect(options(frame, C::OWNER, "")?, CONNECT_LIMIT).await?;
    let has_safety = C::OWNER.messages().iter().any(|entry| entry.lane == Lane::Safety);
    let safety =
        if has_safety { Some(Bus::connect(options(frame, C::OWNER, "-safety")?, CONNECT_LIMIT).await?) } else { None };
    let outcome = with_buses::<C>(frame, given, stop, &bus, safety.as_ref()).await;
    match &outcome {
        Ok(()) => {
            let goodbye = Report::new(C::OWNER.component(), Status::Unhealthy, "stopped", frame.clock.now())
                .detail("connection", "closed");
            let _ = bus.report(C::OWNER, &goodbye).await;
            bus.close().await;
            if let Some(safety) = &safety {
                safety.close().await;
            }
        }
        // The last will tells that it is gone.
        Err(_) => {
            bus.abandon();
            if let Some(safety) = &safety {
                safety.abandon();
            }
        }
    }
    outcome
}

async fn with_buses<C: Coordinator>(
    frame: &Frame,
    given: C::Given,
    stop: &CancellationToken,
    bus: &Bus,
    safety: Option<&Bus>,
) -> Result<(), Fault> {
    let seals = Seals::new(frame.vault.clone(), C::OWNER);
    let rows = seals.open(setting_rows::load(&frame.store, &C::OWNER.component()).await?);
    let live = Live::<C::Settings>::begin(rows, frame.boot.clone());
    let start = Start {
        settings: live.now().own,
        bus: bus.clone(),
        store: frame.store.clone(),
        clock: frame.clock.clone(),
        given,
    };
    let coordinator = Arc::new(C::start(start).await?);
    let inbox = open_inbox(frame, C::OWNER).await?;
    let tracker = TaskTracker::new();
    let shared = Arc::new(Shared {
        lanes: Lanes::new(C::OWNER, &live.now().frame, &tracker),
        answers: Answers::new(bus.clone(), C::OWNER, frame.clock.clone()),
        database: health::Cell::new("database", frame.clock.clone()),
        recent: Recent::default(),
        fences: Fences::default(),
        urgent: safety.unwrap_or(bus).clone(),
        bus: bus.clone(),
        store: frame.store.clone(),
        clock: frame.clock.clone(),
        authority: Arc::clone(&frame.authority),
        trail: frame.trail.clone(),
        seals,
        started_at: frame.clock.now(),
        tracker: tracker.clone(),
        coordinator,
        inbox,
        live,
    });
    shared.apply_frame(&shared.live.now().frame);
    let outcome = take_messages(&shared, safety, stop).await;
    tracker.close();
    if tokio::time::timeout(DRAIN_LIMIT, tracker.wait()).await.is_err() {
        tracing::warn!(owner = %C::OWNER, "messages that are still executed are left");
    }
    for engine in shared.coordinator.engines() {
        if tokio::time::timeout(DRAIN_LIMIT, engine.stop()).await.is_err() {
            tracing::warn!(engine = engine.name(), "engine did not end in time");
        }
    }
    outcome
}

/// Opens the memory of accepted commands and settles those of earlier lives: what became of them is unknown.
async fn open_inbox(frame: &Frame, owner: Owner) -> Result<Inbox, Fault> {
    let inbox = Inbox::open(frame.store.clone(), owner.name(), fresh_uuid(), REMEMBERED).await?;
    let unknown = stored(&Err(outcome_unknown("of an earlier run")));
    let settled = inbox.settle_unknown(&unknown, frame.clock.now()).await?;
    if settled > 0 {
        tracing::warn!(owner = %owner, settled, "commands of an earlier run have an unknown outcome");
    }
    Ok(inbox)
}

async fn take_messages<C: Coordinator>(
    shared: &Arc<Shared<C>>,
    safety: Option<&Bus>,
    stop: &CancellationToken,
) -> Result<(), Fault> {
    let routes = given::routes::<C>().routes;
    let is_safety = |route: &&Arc<Route<C>>| route.entry.lane == Lane::Safety;
    let (urgent, usual): (Vec<_>, Vec<_>) = routes.iter().partition(is_safety);
    let fence = safety.map(|_| (shared.bus.own_topic(desk::FENCE), Qos::AtLeastOnce));
    let usual = watch(&shared.bus, &usual, fence).await?;
    let urgent = match safety {
        Some(safety) => Some(watch(safety, &urgent, None).await?),
        None => None,
    };
    let desk = desk::Desk::new(Arc::clone(shared), &routes);
    pulse::probe_once(shared).await;
    shared.bus.report(C::OWNER, &shared.report()).await?;
    shared.bus.claim_states(C::OWNER).await?;
    tracing::info!(owner = %C::OWNER, "coordinator is ready");
    let work = Arc::clone(&shared.coordinator).work();
    tokio::select! {
        () = stop.cancelled() => Ok(()),
        () = desk.attend(usual) => Err(Fault::unavailable("bus is closed")),
        () = desk.attend_safety(urgent) => Err(Fault::unavailable("bus is closed")),
        outcome = pulse::keep(shared) => outcome,
        outcome = work => outcome,
    }
}

async fn watch<C: Coordinator>(
    bus: &Bus,
    routes: &[&Arc<Route<C>>],
    fence: Option<(String, Qos)>,
) -> Result<Watch, Fault> {
    let topics_of =
        |entry: &Entry| entry.inbound_topics().into_iter().map(|topic| (topic, entry.qos)).collect::<Vec<_>>();
    let filters: Vec<(String, Qos)> = routes.iter().flat_map(|route| topics_of(&route.entry)).chain(fence).collect();
    bus.watch(&filters, DELIVERIES).await
}

/// A coordinator logs in as itself, so that nobody else can speak for it.
fn options(frame: &Frame, owner: Owner, suffix: &str) -> Result<BusOptions, Fault> {
    let own = Party::Coordinator(owner).account().map_err(|e| Fault::internal(e.to_string()))?;
    let credentials = frame.credentials.as_ref().map(|credentials| credentials.for_role(&own)).transpose()?;
    let lost = Report::new(owner.component(), Status::Unhealthy, "connection to the broker is lost", frame.clock.now())
        .detail("connection", "lost");
    let will = envelope::wrap("status", &owner.source(), frame.clock.now(), &lost);
    Ok(BusOptions {
        address: frame.address.clone(),
        client_id: match credentials.as_ref().filter(|login| login.broker == BrokerKind::External) {
            Some(login) => format!("{}-coordinator{suffix}-{}", owner.name(), login.client_mark()),
            None => format!("{}-coordinator{suffix}", owner.name()),
        },
        account: credentials.as_ref().map_or_else(|| frame.account.clone(), |credentials| credentials.account.clone()),
        credentials,
        tls: frame.tls.clone(),
        source: owner.source(),
        last_will: suffix.is_empty().then(|| (topic::health(owner), will.to_string().into_bytes())),
        clock: frame.clock.clone(),
    })
}
