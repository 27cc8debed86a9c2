//! The audit trail's pen: entries are taken without waiting and written in order, in batches, as soon as the database takes them.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use catalog::envelope::Header;
use serde_json::{Map, json};
use store::{
    Store,
    audit::{self, Entry, Outcome},
};
use tokio::sync::{mpsc, oneshot};
use vocabulary::{Clock, Code, Fault, Timestamp};

use crate::Caller;

/// How many entries wait for the database.
const ROOM: usize = 16_384;
/// How many are written at once.
const BATCH: usize = 512;
/// The shortest and the longest pause before a database that gave no answer is asked again.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));
/// The pause between batches, in which more of the same gathers.
const GATHERING: Duration = Duration::from_millis(20);
/// How long the end of a process waits for what is still to be written.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// What is sent to the writer.
enum Line {
    Entry(Box<Entry>),
    /// Tells when everything before it is written.
    Mark(oneshot::Sender<()>),
}

/// Records who did what. Clones write into the same trail.
#[derive(Clone)]
pub struct Trail {
    queue: mpsc::Sender<Line>,
    lost: Arc<AtomicU64>,
}

impl std::fmt::Debug for Trail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Trail").field("lost", &self.lost).finish_non_exhaustive()
    }
}

impl Trail {
    /// Begins to write into this database.
    pub fn start(store: Store, clock: Clock) -> Self {
        let (queue, lines) = mpsc::channel(ROOM);
        let lost = Arc::new(AtomicU64::new(0));
        tokio::spawn(write(store, clock, lines, Arc::clone(&lost)));
        Self { queue, lost }
    }

    /// Records an entry, without waiting. Where too many wait for the database it is counted, and the count is recorded.
    pub fn record(&self, entry: Entry) {
        if self.queue.try_send(Line::Entry(Box::new(entry))).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
            tracing::error!("audit entry was lost: too many wait for the database");
        }
    }

    /// Waits until what was recorded so far is written, for a while.
    pub async fn settle(&self) {
        let (mark, written) = oneshot::channel();
        let all = async {
            if self.queue.send(Line::Mark(mark)).await.is_ok() {
                let _ = written.await;
            }
        };
        if tokio::time::timeout(LAST_WORDS, all).await.is_err() {
            tracing::error!("audit entries were not written before the end: the database does not take them");
        }
    }
}

/// Who did what, and how it ended.
pub(crate) fn deed(
    row: &catalog::Entry,
    caller: &Caller,
    header: &Header,
    outcome: Result<(), &Fault>,
    at: Timestamp,
) -> Entry {
    let mut details = Map::new();
    if let Some(over) = &caller.over {
        details.insert("over".to_owned(), json!(over));
    }
    if let Err(fault) = outcome {
        details.insert("message".to_owned(), json!(fault.message));
    }
    Entry {
        at,
        account: caller.account.to_string(),
        user_id: caller.user.clone(),
        action: row.name.to_string(),
        object: String::new(),
        outcome: outcome.err().map_or(Outcome::Done, outcome_of),
        code: outcome.err().map(|fault| fault.code.as_str().to_owned()).unwrap_or_default(),
        peer: caller.origin.clone(),
        source: header.source.clone().unwrap_or_default(),
        message_id: header.message_id.clone().unwrap_or_default(),
        details,
    }
}

/// How a fault stands in the trail.
pub fn outcome_of(fault: &Fault) -> Outcome {
    match fault.code {
        Code::Unauthenticated | Code::Forbidden => Outcome::Refused,
        Code::Invalid
        | Code::NotFound
        | Code::Conflict
        | Code::Busy
        | Code::Unsafe
        | Code::Unavailable
        | Code::Timeout
        | Code::Internal => Outcome::Failed,
    }
}

async fn write(store: Store, clock: Clock, mut lines: mpsc::Receiver<Line>, lost: Arc<AtomicU64>) {
    let mut waiting = Vec::with_capacity(BATCH);
    while lines.recv_many(&mut waiting, BATCH).await > 0 {
        let (mut entries, mut marks) = (Vec::new(), Vec::new());
        for line in waiting.drain(..) {
            match line {
                Line::Entry(entry) => entries.push(*entry),
                Line::Mark(mark) => marks.push(mark),
            }
        }
        let missing = lost.swap(0, Ordering::Relaxed);
        if missing > 0 {
            entries.push(gap(missing, &clock));
        }
        let entries = gathered(entries);
        let mut pause = BACKOFF.0;
        while let Err(error) = audit::append(&store, &entries).await {
            tracing::warn!(%error, entries = entries.len(), "audit entries wait for the database");
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(BACKOFF.1);
        }
        let is_marked = !marks.is_empty();
        for mark in marks {
            let _ = mark.send(());
        }
        if !is_marked {
            tokio::time::sleep(GATHERING).await;
        }
    }
}

/// Tells that entries are missing.
fn gap(missing: u64, clock: &Clock) -> Entry {
    let mut details = Map::new();
    details.insert("entries".to_owned(), json!(missing));
    Entry {
        at: clock.now(),
        account: String::new(),
        user_id: None,
        action: "audit/lost".to_owned(),
        object: String::new(),
        outcome: Outcome::Failed,
        code: "overload".to_owned(),
        peer: String::new(),
        source: String::new(),
        message_id: String::new(),
        details,
    }
}

/// The same refusal again and again is one entry with a count: who floods the door does not flood the trail.
fn gathered(entries: Vec<Entry>) -> Vec<Entry> {
    let mut places: HashMap<(String, String, String, String, String), usize> = HashMap::new();
    let mut counts: Vec<u64> = Vec::new();
    let mut kept: Vec<Entry> = Vec::new();
    for entry in entries {
        if entry.outcome == Outcome::Refused {
            let key = (
                entry.account.clone(),
                entry.action.clone(),
                entry.object.clone(),
                entry.code.clone(),
                entry.peer.clone(),
            );
            if let Some(count) = places.get(&key).and_then(|place| counts.get_mut(*place)) {
                *count += 1;
                continue;
            }
            places.insert(key, kept.len());
        }
        kept.push(entry);
        counts.push(1);
    }
    for (entry, count) in kept.iter_mut().zip(counts).filter(|(_, count)| *count > 1) {
        entry.details.insert("times".to_owned(), json!(count));
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(account: &str, outcome: Outcome) -> Entry {
        Entry { account: account.to_owned(), outcome, ..gap(1, &Clock::system()) }
    }

    #[test]
    fn refusals_gather_and_deeds_do_not() {
        let refused = || entry("eve", Outcome::Refused);
        let done = || entry("ann", Outcome::Done);
        let kept = gathered(vec![refused(), done(), refused(), done(), entry("bob", Outcome::Refused), refused()]);
        let names: Vec<(&str, Option<u64>)> = kept
            .iter()
            .map(|entry| (entry.account.as_str(), entry.details.get("times").and_then(serde_json::Value::as_u64)))
            .collect();
        assert_eq!(names, [("eve", Some(3)), ("ann", None), ("ann", None), ("bob", None)]);
    }
}
