//! A message whose turn it is: looked up in the memory, executed, answered, remembered, and recorded in the audit trail.

use std::{
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use catalog::{Effect, Kind, Lane as LaneName, Privacy, envelope};
use envelope::Header;
use futures::FutureExt;
use observability::metrics;
use serde_json::{Map, Value};
use store::audit::Outcome;
use tokio_util::sync::CancellationToken;
use vocabulary::{Fault, Timestamp};

use crate::{
    Caller, Coordinator, Cx,
    answers::ReplyTo,
    checks::{Terms, late},
    cx::Notes,
    memory::{Executing, Remembered, Todo},
    routes::{Prepared, Route},
    shift::Shared,
    trail::{self, deed},
};

/// A message that passed the desk.
pub(crate) struct Passed<C: Coordinator> {
    pub(crate) route: Arc<Route<C>>,
    pub(crate) caller: Caller,
    /// Under whose name its id is remembered.
    pub(crate) remembered_as: String,
    pub(crate) header: Header,
    pub(crate) fingerprint: [u8; 32],
    pub(crate) deadline: Timestamp,
    pub(crate) prepared: Prepared<C>,
    pub(crate) terms: Terms,
    pub(crate) overtaken: CancellationToken,
}

/// The fault of what safety overtook.
pub(crate) fn overtaken(scope: &str, by: &str) -> Fault {
    Fault::conflict(format!("{scope} was stopped by {by} before this began"))
        .hint("send it again if it is still wanted")
}

/// Executes a message whose turn it is, and answers it.
pub(crate) async fn execute<C: Coordinator>(
    shared: Arc<Shared<C>>,
    passed: Passed<C>,
    reply_to: ReplyTo,
    received: tokio::time::Instant,
) {
    let route = Arc::clone(&passed.route);
    let mut executing = None;
    if let Some(outcome) = remembered(&shared, passed, &mut executing).await {
        count(&route, outcome.as_ref().map_or_else(|fault| fault.code.as_str(), |_| "ok"), received);
        shared.answers.send(&reply_to, &outcome).await;
    }
    drop(executing);
}

type Answer = Result<Map<String, Value>, Fault>;

/// Looks in the memory, executes where it is the first time, and remembers the answer. Nothing is returned while the first is executed.
async fn remembered<C: Coordinator>(
    shared: &Arc<Shared<C>>,
    passed: Passed<C>,
    executing: &mut Option<Executing>,
) -> Option<Answer> {
    let entry = &passed.route.entry;
    if passed.deadline <= shared.clock.now() {
        return Some(Err(late(passed.deadline)));
    }
    let Some(id) = passed.header.message_id.clone() else {
        return Some(if passed.overtaken.is_cancelled() {
            Err(overtaken(passed.prepared.scope.as_deref().unwrap_or_default(), "safety"))
        } else {
            call(shared, passed, None).await.0
        });
    };
    let caller = passed.remembered_as.clone();
    let durable = entry.effect != Effect::Reads && entry.lane != LaneName::Safety && entry.kind == Kind::Command;
    let memory = Remembered {
        inbox: shared.inbox.clone(),
        caller,
        id,
        message: entry.name.to_string(),
        fingerprint: passed.fingerprint,
        private: entry.privacy == Privacy::Private,
        deadline: passed.deadline,
    };
    if durable { once(shared, passed, memory, executing).await } else { at_once(shared, passed, memory).await }
}

/// What does no harm when it is repeated, and safety: remembered in this process. Safety is recorded afterwards, as well as that goes.
async fn at_once<C: Coordinator>(shared: &Arc<Shared<C>>, passed: Passed<C>, memory: Remembered) -> Option<Answer> {
    match shared.recent.accept(&memory.caller, &memory.id, memory.fingerprint) {
        Todo::Execute => {
            let is_safety = passed.route.entry.lane == LaneName::Safety;
            let outcome = call(shared, passed, None).await.0;
            shared.recent.finish(&memory.caller, &memory.id, &outcome);
            if is_safety {
                let (outcome, now) = (outcome.clone(), shared.clock.now());
                shared.tracker.spawn(async move { memory.record_afterwards(&outcome, now).await });
            }
            Some(outcome)
        }
        Todo::Answer(answer) => Some(answer),
        Todo::Wait => None,
    }
}

/// What changes or moves things: recorded in the database before its effect, and executed at most once.
async fn once<C: Coordinator>(
    shared: &Arc<Shared<C>>,
    passed: Passed<C>,
    memory: Remembered,
    executing: &mut Option<Executing>,
) -> Option<Answer> {
    // What safety took out of a lane was answered; its repeat must not move anything either.
    if let Some(fault) = shared.recent.stopped(&memory.caller, &memory.id) {
        return Some(Err(fault));
    }
    match memory.accept(shared.clock.now()).await {
        Ok(Todo::Execute) => {
            *executing = Some(shared.recent.begin(&memory.caller, &memory.id));
            let (outcome, recorded) = if passed.overtaken.is_cancelled() {
                let scope = passed.prepared.scope.as_deref().unwrap_or_default();
                (Err(overtaken(scope, "safety")), false)
            } else {
                call(shared, passed, Some(memory.clone())).await
            };
            if !recorded && !memory.finish(&outcome, shared.clock.now()).await {
                // Until the database is back the answer is known here alone.
                shared.recent.keep(&memory.caller, &memory.id, memory.fingerprint, &outcome);
                let (kept, clock) = (outcome.clone(), shared.clock.clone());
                shared.tracker.spawn(async move { memory.finish_later(&kept, &clock).await });
            }
            Some(outcome)
        }
        // The effect stands and is not in force everywhere yet; where the answer is private, nothing of it was kept to give.
        Ok(Todo::Answer(_)) if shared.recent.is_executing(&memory.caller, &memory.id) => None,
        Ok(Todo::Answer(answer)) => Some(answer),
        Ok(Todo::Wait) => shared.recent.known(&memory.caller, &memory.id),
        Err(fault) => Some(Err(fault)),
    }
}

/// Calls the handler: until the deadline, and without letting a panic out. Tells whether the answer was recorded with the effect.
async fn call<C: Coordinator>(
    shared: &Arc<Shared<C>>,
    passed: Passed<C>,
    remembered: Option<Remembered>,
) -> (Answer, bool) {
    let route = Arc::clone(&passed.route);
    let (name, caller, header) = (&route.entry.name, passed.caller.clone(), passed.header.clone());
    let left = passed.deadline.since(shared.clock.now());
    let (recorded, notes) = (Arc::new(AtomicBool::new(false)), Notes::about(passed.prepared.scope.as_deref()));
    if let Err(fault) = passed.terms.met_by(shared, &caller) {
        // The right was taken away while it waited.
        shared.trail.record(deed(&route.entry, &caller, &header, Err(&fault), shared.clock.now()));
        return (Err(fault), false);
    }
    let cx = Cx {
        shared: Arc::clone(shared),
        caller: passed.caller,
        header: passed.header,
        route: Arc::clone(&passed.route),
        deadline: passed.deadline,
        remembered,
        recorded: Arc::clone(&recorded),
        overtaken: passed.overtaken,
        notes: notes.clone(),
    };
    let handler = AssertUnwindSafe(async move { (passed.prepared.run)(cx).await }).catch_unwind();
    let outcome = match tokio::time::timeout(left, handler).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(_)) => {
            tracing::error!(message = %name, "handler panicked");
            Err(Fault::internal(format!("{name} failed in a way that is a defect"))
                .hint("please report it, with the log"))
        }
        Err(_) => Err(Fault::timeout(format!("{name} was not done by its deadline"))
            .hint("its outcome is unknown: ask for the state before sending it again")),
    };
    let recorded = recorded.load(Ordering::Acquire);
    let is_deed = route.entry.effect != Effect::Reads && route.entry.kind == Kind::Command;
    let is_refusal = outcome.as_ref().is_err_and(|fault| trail::outcome_of(fault) == Outcome::Refused);
    if !recorded && (is_deed || is_refusal) {
        let entry = deed(&route.entry, &caller, &header, outcome.as_ref().map(drop), shared.clock.now());
        shared.trail.record(notes.added_to(entry));
    }
    (outcome, recorded)
}

/// Notes how a message ended, and how long that took.
pub(crate) fn count<C: Coordinator>(route: &Route<C>, outcome: &'static str, received: tokio::time::Instant) {
    let labels = [("message", route.entry.name.to_string()), ("outcome", outcome.to_owned())];
    metrics::histogram!(metrics::COMMAND_SECONDS, &labels).record(received.elapsed().as_secs_f64());
}
