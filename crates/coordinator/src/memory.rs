//! What was asked before: the first answer for a repeat, and no second effect.
//!
//! What changes or moves things is remembered in the database, recorded before its effect. What only reads, and what is safety, is
//! remembered in this process: repeating a read does no harm, and safety must not wait for a database.

use std::{
    collections::{BTreeSet, HashMap, HashSet, VecDeque},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use store::{
    Tx,
    inbox::{Acceptance, Decision, Inbox},
};
use vocabulary::{Clock, Fault, Timestamp, ids::fresh_uuid};

/// How many questions are remembered in this process.
const MOST: usize = 8192;
/// How many commands are remembered that safety took out of a lane: twice as many as wait in one.
const MOST_STOPPED: usize = 32_768;
/// How much longer than its deadline a command is remembered.
const KEPT: Duration = Duration::from_secs(3600);
/// How often, and how many times, an answer is tried to be recorded while the database is away.
const LATER: (Duration, u32) = (Duration::from_secs(1), 120);

/// The stored answer of a command.
pub(crate) fn stored(outcome: &Result<Map<String, Value>, Fault>) -> Value {
    match outcome {
        Ok(reply) => Value::Object(reply.clone()),
        // A fault may quote what was sent; PostgreSQL keeps no NUL in text.
        Err(fault) => {
            json!({ "fault!": Fault::new(fault.code, without_nul(&fault.message)).hint(without_nul(&fault.hint)) })
        }
    }
}

fn without_nul(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

fn restored(stored: Value) -> Result<Map<String, Value>, Fault> {
    match stored {
        Value::Object(mut object) => match object.remove("fault!") {
            Some(fault) => Err(serde_json::from_value(fault).unwrap_or_else(|e| Fault::internal(e.to_string()))),
            None => Ok(object),
        },
        _ => Err(Fault::internal("stored answer can't be read")),
    }
}

/// The fingerprint of what a message says: its name and payload, without secrets, which a fingerprint that is kept would let guess.
pub(crate) fn fingerprint(name: &str, payload: &Value, secrets: &BTreeSet<String>) -> [u8; 32] {
    let said = match payload.as_object().filter(|_| !secrets.is_empty()) {
        Some(object) => {
            let open = object.iter().filter(|(field, _)| !secrets.contains(*field));
            Value::Object(open.map(|(field, value)| (field.clone(), value.clone())).collect()).to_string()
        }
        None => payload.to_string(),
    };
    Sha256::new().chain_update(name).chain_update([0]).chain_update(said).finalize().into()
}

/// A message's place in the memory: who asked, under which id, what.
#[derive(Debug, Clone)]
pub(crate) struct Remembered {
    pub(crate) inbox: Inbox,
    pub(crate) caller: String,
    pub(crate) id: String,
    pub(crate) message: String,
    pub(crate) fingerprint: [u8; 32],
    pub(crate) private: bool,
    pub(crate) deadline: Timestamp,
}

/// What is to be done with a message.
#[derive(Debug)]
pub(crate) enum Todo {
    /// Execute it.
    Execute,
    /// Give this answer.
    Answer(Result<Map<String, Value>, Fault>),
    /// Nothing: the answer to the first will come.
    Wait,
}

impl Remembered {
    /// Records the command, before its effect.
    pub(crate) async fn accept(&self, now: Timestamp) -> Result<Todo, Fault> {
        let acceptance = Acceptance {
            caller: &self.caller,
            id: &self.id,
            attempt: fresh_uuid(),
            message: &self.message,
            fingerprint: self.fingerprint,
            private: self.private,
            accepted_at: now,
            deadline: self.deadline,
            keep_until: self.deadline.plus(KEPT),
        };
        let decision = match self.inbox.accept(&acceptance).await {
            Ok(decision) => decision,
            Err(error) => {
                // Perhaps it was recorded after all; taken back, its repeat can be executed.
                let (inbox, caller, id) = (self.inbox.clone(), self.caller.clone(), self.id.clone());
                let attempt = acceptance.attempt;
                tokio::spawn(async move { inbox.withdraw(&caller, &id, attempt).await });
                let fault = Fault::from(error);
                return Err(
                    Fault::new(fault.code, format!("command was not accepted: {}", fault.message)).hint(fault.hint)
                );
            }
        };
        Ok(match decision {
            Decision::New => Todo::Execute,
            Decision::Repeat(answer) => Todo::Answer(restored(answer)),
            Decision::Executing => Todo::Wait,
            Decision::RepeatOfPrivate => {
                Todo::Answer(Err(Fault::conflict(format!("message {} was answered privately", self.id))
                    .hint("its answer is not kept; ask again under a new message_id")))
            }
            Decision::OutcomeUnknown => Todo::Answer(Err(outcome_unknown(&self.id))),
            Decision::Conflict => Todo::Answer(Err(other_payload(&self.id))),
            Decision::Full => {
                Todo::Answer(Err(Fault::busy("memory of accepted commands is full").hint("try again later")))
            }
        })
    }

    /// Records the answer; false if that did not work.
    pub(crate) async fn finish(&self, outcome: &Result<Map<String, Value>, Fault>, now: Timestamp) -> bool {
        let answer = (!self.private).then(|| stored(outcome));
        let finished = self.inbox.finish(&self.caller, &self.id, answer.as_ref(), now).await;
        if let Err(error) = &finished {
            tracing::warn!(id = self.id, %error, "answer could not be recorded");
        }
        finished.is_ok()
    }

    /// Records the answer once the database is back, if that is soon.
    pub(crate) async fn finish_later(&self, outcome: &Result<Map<String, Value>, Fault>, clock: &Clock) {
        let mut tries = tokio::time::interval(LATER.0);
        for _ in 0..LATER.1 {
            tries.tick().await;
            if self.finish(outcome, clock.now()).await {
                return;
            }
        }
        tracing::error!(id = self.id, "answer was not recorded; after a restart it is unknown");
    }

    /// Records what safety did, after it was done.
    pub(crate) async fn record_afterwards(&self, outcome: &Result<Map<String, Value>, Fault>, now: Timestamp) {
        if let Ok(Todo::Execute) = self.accept(now).await {
            self.finish(outcome, now).await;
        }
    }

    /// Records the answer in the transaction of the effect.
    pub(crate) async fn finish_in(&self, tx: &mut Tx, answer: &Value, now: Timestamp) -> Result<(), Fault> {
        let answer = (!self.private).then_some(answer);
        Ok(self.inbox.finish_in(tx, &self.caller, &self.id, answer, now).await?)
    }
}

/// The fault of a command that was accepted before a crash.
pub(crate) fn outcome_unknown(id: &str) -> Fault {
    Fault::unavailable(format!(
        "outcome of message {id} is unknown: the coordinator was restarted while it was executed"
    ))
    .hint("it is not executed again; ask for the state, then send a new command")
}

fn other_payload(id: &str) -> Fault {
    Fault::conflict(format!("message_id {id} was used for something else"))
        .hint("use a new message_id for each message")
}

/// What was asked of this process lately and did not change anything, or was safety.
#[derive(Debug, Default)]
pub(crate) struct Recent {
    inner: Mutex<RecentInner>,
    /// Apart from the others, so that safety itself waits for nobody who notes thousands of them.
    stopped: Mutex<Stopped>,
    /// What is executed here now, until its answer is on its way.
    executing: Arc<Mutex<HashSet<(String, String)>>>,
}

/// Something is executed for as long as this is held.
#[derive(Debug)]
pub(crate) struct Executing {
    all: Arc<Mutex<HashSet<(String, String)>>>,
    key: (String, String),
}

impl Drop for Executing {
    fn drop(&mut self) {
        self.all.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.key);
    }
}

/// What safety took out of the lanes, with the answer to each.
#[derive(Debug, Default)]
struct Stopped {
    faults: HashMap<(String, String), Fault>,
    order: VecDeque<(String, String)>,
}

#[derive(Debug, Default)]
struct RecentInner {
    answers: HashMap<(String, String), Seen>,
    order: VecDeque<(String, String)>,
}

#[derive(Debug)]
struct Seen {
    fingerprint: [u8; 32],
    answer: Option<Result<Map<String, Value>, Fault>>,
}

impl Recent {
    /// Notes a question, or finds it noted.
    pub(crate) fn accept(&self, caller: &str, id: &str, fingerprint: [u8; 32]) -> Todo {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (caller.to_owned(), id.to_owned());
        match inner.answers.get(&key) {
            Some(seen) if seen.fingerprint != fingerprint => Todo::Answer(Err(other_payload(id))),
            Some(Seen { answer: Some(answer), .. }) => Todo::Answer(answer.clone()),
            Some(Seen { answer: None, .. }) => Todo::Wait,
            None => {
                if inner.order.len() >= MOST
                    && let Some(oldest) = inner.order.pop_front()
                {
                    inner.answers.remove(&oldest);
                }
                inner.order.push_back(key.clone());
                inner.answers.insert(key, Seen { fingerprint, answer: None });
                Todo::Execute
            }
        }
    }

    /// Notes that something is executed.
    pub(crate) fn begin(&self, caller: &str, id: &str) -> Executing {
        let (all, key) = (Arc::clone(&self.executing), (caller.to_owned(), id.to_owned()));
        all.lock().unwrap_or_else(PoisonError::into_inner).insert(key.clone());
        Executing { all, key }
    }

    /// Whether the answer to the first is still to come, though it may be recorded already.
    pub(crate) fn is_executing(&self, caller: &str, id: &str) -> bool {
        let executing = self.executing.lock().unwrap_or_else(PoisonError::into_inner);
        executing.contains(&(caller.to_owned(), id.to_owned()))
    }

    /// Notes that safety took a command out of its lane.
    pub(crate) fn stop(&self, caller: &str, id: &str, fault: Fault) {
        let mut stopped = self.stopped.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (caller.to_owned(), id.to_owned());
        if stopped.order.len() >= MOST_STOPPED
            && let Some(oldest) = stopped.order.pop_front()
        {
            stopped.faults.remove(&oldest);
        }
        if stopped.faults.insert(key.clone(), fault).is_none() {
            stopped.order.push_back(key);
        }
    }

    /// Why a command was taken out of its lane, if it was.
    pub(crate) fn stopped(&self, caller: &str, id: &str) -> Option<Fault> {
        let stopped = self.stopped.lock().unwrap_or_else(PoisonError::into_inner);
        stopped.faults.get(&(caller.to_owned(), id.to_owned())).cloned()
    }

    /// The answer, if it is known.
    pub(crate) fn known(&self, caller: &str, id: &str) -> Option<Result<Map<String, Value>, Fault>> {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.answers.get(&(caller.to_owned(), id.to_owned())).and_then(|seen| seen.answer.clone())
    }

    /// Keeps an answer whatever it is, since what it answers must not be executed again.
    pub(crate) fn keep(
        &self,
        caller: &str,
        id: &str,
        fingerprint: [u8; 32],
        outcome: &Result<Map<String, Value>, Fault>,
    ) {
        let _ = self.accept(caller, id, fingerprint);
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(seen) = inner.answers.get_mut(&(caller.to_owned(), id.to_owned())) {
            seen.answer = Some(outcome.clone());
        }
    }

    /// Notes the answer. A fault that may pass is not kept: the repeat is worth another try.
    pub(crate) fn finish(&self, caller: &str, id: &str, outcome: &Result<Map<String, Value>, Fault>) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (caller.to_owned(), id.to_owned());
        let passes = outcome.as_ref().is_err_and(|fault| {
            matches!(fault.code, vocabulary::Code::Unavailable | vocabulary::Code::Timeout | vocabulary::Code::Busy)
        });
        if passes {
            inner.answers.remove(&key);
            inner.order.retain(|other| *other != key);
        } else if let Some(seen) = inner.answers.get_mut(&key) {
            seen.answer = Some(outcome.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeat_gets_the_first_answer() {
        let recent = Recent::default();
        let (one, two) =
            (fingerprint("a", &json!({}), &BTreeSet::new()), fingerprint("a", &json!({"x": 1}), &BTreeSet::new()));
        assert!(matches!(recent.accept("ann", "1", one), Todo::Execute));
        assert!(matches!(recent.accept("ann", "1", one), Todo::Wait));
        assert!(matches!(recent.accept("bob", "1", one), Todo::Execute));
        recent.finish("ann", "1", &Ok(Map::new()));
        assert!(matches!(recent.accept("ann", "1", one), Todo::Answer(Ok(_))));
        assert!(matches!(recent.accept("ann", "1", two), Todo::Answer(Err(_))));
    }

    #[test]
    fn secrets_leave_no_fingerprint() {
        let secrets = BTreeSet::from(["password".to_owned()]);
        let of = |user: &str, password: &str| {
            fingerprint("login", &json!({"username": user, "password": password}), &secrets)
        };
        assert_eq!(of("ann", "one"), of("ann", "two"));
        assert_ne!(of("ann", "one"), of("bob", "one"));
    }

    #[test]
    fn what_may_pass_is_tried_again() {
        let recent = Recent::default();
        let print = fingerprint("a", &json!({}), &BTreeSet::new());
        assert!(matches!(recent.accept("ann", "1", print), Todo::Execute));
        recent.finish("ann", "1", &Err(Fault::unavailable("away")));
        assert!(matches!(recent.accept("ann", "1", print), Todo::Execute));
    }

    #[test]
    fn what_was_stopped_stays_so() {
        let recent = Recent::default();
        recent.stop("ann", "1", Fault::conflict("stopped"));
        for (caller, id, wanted) in [("ann", "1", true), ("ann", "2", false), ("bob", "1", false)] {
            assert_eq!(recent.stopped(caller, id).is_some(), wanted, "{caller} {id}");
        }
    }

    #[test]
    fn answers_are_stored_and_restored() {
        let mut reply = Map::new();
        reply.insert("id".to_owned(), json!("x"));
        for outcome in [Ok(reply), Err(Fault::not_found("device x does not exist").hint("look"))] {
            assert_eq!(restored(stored(&outcome)), outcome);
        }
        let quoting = Err(Fault::not_found("device a\0b does not exist"));
        assert!(!stored(&quoting).to_string().contains("\\u0000"));
    }
}
