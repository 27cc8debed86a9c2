//! Dead letters: what nobody owns or can read, kept for a while so that a wrong topic is found.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bus::Delivery;
use catalog::{
    Done,
    message::{ClearDeadLetters, DeadLetter as Shown, DeadLetters, ListDeadLetters},
};
use coordinator::Cx;
use health::{Report, Status};
use observability::metrics;
use store::{
    Cursor, Slice, StoreError,
    dead_letters::{self, DeadLetter, Kept, PAYLOAD_BYTES_MAX},
    health_history,
};
use tokio::time::{MissedTickBehavior, interval};
use vocabulary::{Fault, Timestamp};

use crate::Message;

/// The reason of what nobody owns.
pub(crate) const UNOWNED: &str = "no message has this topic";
/// The reason of a health report that is none.
pub(crate) const UNREADABLE: &str = "health report can't be read";

/// How often what waits is written.
const WRITE: Duration = Duration::from_secs(1);
/// How many are written in one statement.
const BATCH: usize = 500;
/// How often what need not be kept any longer is forgotten.
const SWEEP: Duration = Duration::from_secs(60);
/// How much of a topic is kept, in bytes; brokers let 64 KiB through.
const TOPIC_BYTES_MAX: usize = 1024;
/// A day.
const DAY: Duration = Duration::from_secs(24 * 3600);

/// Lists dead letters, newest first.
pub(crate) async fn list(cx: Cx<Message>, list: ListDeadLetters) -> Result<DeadLetters, Fault> {
    let slice = Slice { limit: list.limit, cursor: list.cursor.map(Cursor) };
    let page = dead_letters::list(cx.store(), &slice).await?;
    let letters = page.items.into_iter().map(shown).collect();
    Ok(DeadLetters { letters, next: page.next.map(|cursor| cursor.0) })
}

fn shown(Kept { letter, .. }: Kept) -> Shown {
    Shown {
        topic: letter.topic,
        payload: String::from_utf8_lossy(&letter.payload).into_owned(),
        size_bytes: letter.payload_size,
        reason: letter.reason,
        publisher: letter.publisher,
        received_at: letter.received_at,
    }
}

/// Throws all dead letters away, those that wait to be written included.
pub(crate) async fn clear(cx: Cx<Message>, _: ClearDeadLetters) -> Result<Done, Fault> {
    cx.letters.take(usize::MAX);
    let forgotten = dead_letters::forget_beyond(cx.store(), 0).await?;
    tracing::info!(forgotten, by = %cx.caller().account, "dead letters were cleared");
    Ok(Done {})
}

/// Counts a delivery as a dead letter and puts it where it waits to be written.
pub(crate) fn post(message: &Message, delivery: &Delivery, reason: &'static str) {
    metrics::counter!(metrics::DEAD_LETTERS_TOTAL, "reason" => reason).increment(1);
    let letter = DeadLetter {
        topic: cut(&delivery.topic).to_owned(),
        payload: delivery.payload.iter().copied().take(PAYLOAD_BYTES_MAX).collect(),
        payload_size: delivery.size_bytes as u64,
        reason: reason.to_owned(),
        publisher: delivery.sender_stamp.as_ref().map(ToString::to_string),
        received_at: message.clock.now(),
    };
    message.letters.put(letter, message.settings().max_queue_size as usize);
}

fn cut(topic: &str) -> &str {
    topic.get(..topic.floor_char_boundary(TOPIC_BYTES_MAX)).unwrap_or(topic)
}

/// Dead letters that wait to be written.
#[derive(Debug, Default)]
pub(crate) struct Letters(Mutex<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    letters: VecDeque<DeadLetter>,
    /// How many found no room since the last that did.
    lost: u64,
    lost_in_all: u64,
    failure: Option<String>,
}

impl Letters {
    /// Lets a letter wait if there is room.
    pub(crate) fn put(&self, letter: DeadLetter, room: usize) {
        let mut waiting = self.lock();
        if waiting.letters.len() < room {
            waiting.letters.push_back(letter);
        } else {
            waiting.lost += 1;
            waiting.lost_in_all += 1;
        }
    }

    /// The oldest letters, at most so many.
    pub(crate) fn take(&self, limit: usize) -> Vec<DeadLetter> {
        let mut waiting = self.lock();
        let some = limit.min(waiting.letters.len());
        waiting.letters.drain(..some).collect()
    }

    /// Lets letters wait that could not be written, before the others.
    fn put_back(&self, letters: Vec<DeadLetter>, room: usize) {
        let mut waiting = self.lock();
        for letter in letters.into_iter().rev() {
            waiting.letters.push_front(letter);
        }
        let surplus = waiting.letters.len().saturating_sub(room);
        waiting.letters.truncate(room);
        waiting.lost += surplus as u64;
        waiting.lost_in_all += surplus as u64;
    }

    fn note(&self, failure: Option<String>) {
        self.lock().failure = failure;
    }

    /// How many were lost since this was asked last.
    fn lost(&self) -> u64 {
        std::mem::take(&mut self.lock().lost)
    }

    /// Whether they can be written.
    pub(crate) fn health(&self, now: Timestamp) -> Report {
        let waiting = self.lock();
        let (status, text) = match &waiting.failure {
            Some(why) => (Status::Degraded, format!("dead letters can't be written: {why}")),
            None => (Status::Healthy, "dead letters are written".to_owned()),
        };
        Report::new("dead-letters", status, text, now)
            .detail("waiting", waiting.letters.len())
            .detail("lost", waiting.lost_in_all)
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes what waits, in batches; while the database is away they wait.
pub(crate) async fn write(message: &Message) -> Result<(), Fault> {
    let mut ticks = ticks(WRITE);
    loop {
        ticks.tick().await;
        let lost = message.letters.lost();
        if lost > 0 {
            tracing::warn!(lost, "dead letters were counted and not kept: too many came at once");
        }
        loop {
            let batch = message.letters.take(BATCH);
            if batch.is_empty() {
                break;
            }
            if let Err(error) = write_batch(message, &batch).await {
                tracing::warn!(%error, letters = batch.len(), "dead letters were not written");
                message.letters.note(Some(error.to_string()));
                // Those that the database refuses would be refused again and hold up the others.
                if error.is_unavailable() {
                    message.letters.put_back(batch, message.settings().max_queue_size as usize);
                }
                break;
            }
            message.letters.note(None);
        }
    }
}

async fn write_batch(message: &Message, batch: &[DeadLetter]) -> Result<(), StoreError> {
    let mut tx = message.store.begin().await?;
    dead_letters::record(&mut tx, batch).await?;
    tx.commit().await
}

/// Forgets dead letters and changes of health that are old or too many.
pub(crate) async fn sweep(message: &Message) -> Result<(), Fault> {
    let mut ticks = ticks(SWEEP);
    loop {
        ticks.tick().await;
        match sweep_once(message).await {
            Ok(0) => {}
            Ok(forgotten) => tracing::debug!(forgotten, "old dead letters and changes of health were forgotten"),
            Err(error) => tracing::warn!(%error, "old dead letters and changes of health were not forgotten"),
        }
    }
}

async fn sweep_once(message: &Message) -> Result<u64, StoreError> {
    let (settings, now, store) = (message.settings(), message.clock.now(), &message.store);
    let letters = dead_letters::forget_before(store, now.minus(DAY * settings.dead_letter_retention_days)).await?;
    let surplus = dead_letters::forget_beyond(store, settings.dead_letters_max).await?;
    let changes = health_history::forget_before(store, now.minus(DAY * settings.health_retention_days)).await?;
    Ok(letters + surplus + changes)
}

/// Ticks that don't pile up.
pub(crate) fn ticks(every: Duration) -> tokio::time::Interval {
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter(topic: &str) -> DeadLetter {
        DeadLetter {
            topic: topic.to_owned(),
            payload: vec![],
            payload_size: 0,
            reason: UNOWNED.to_owned(),
            publisher: None,
            received_at: "2026-11-21T20:00:00Z".parse().unwrap(),
        }
    }

    #[test]
    fn the_newest_are_lost_when_there_is_no_room() {
        let letters = Letters::default();
        for topic in ["a", "b", "c", "d"] {
            letters.put(letter(topic), 3);
        }
        assert_eq!((letters.lost(), letters.lost()), (1, 0));
        let first = letters.take(2);
        letters.put(letter("e"), 3);
        letters.put_back(first, 3);
        assert_eq!(letters.lost(), 1);
        let left: Vec<String> = letters.take(usize::MAX).into_iter().map(|letter| letter.topic).collect();
        assert_eq!(left, ["a", "b", "c"]);
        let report = letters.health("2026-11-21T20:00:00Z".parse().unwrap());
        assert_eq!((report.status, report.details["lost"].as_u64()), (Status::Healthy, Some(2)));
    }

    #[test]
    fn topics_are_cut_between_characters() {
        for (topic, length) in [
            ("a".repeat(9), 9),
            ("a".repeat(2000), 1024),
            ("é".repeat(1000), 1024),
            (format!("a{}", "é".repeat(1000)), 1023),
        ] {
            assert_eq!(cut(&topic).len(), length);
        }
    }
}
