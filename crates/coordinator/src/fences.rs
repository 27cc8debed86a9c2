//! Fences: what was sent to move something before safety stopped it, and is still on its way, must not move it afterwards.
//!
//! Safety comes on a connection of its own, and so overtakes what even its own sender published before. So it raises a fence for what it
//! stops, and a message goes by way of the broker to the connection on which commands come. All that the broker had taken by then arrives
//! before that message and is told that it was stopped; when the message is back, the fence falls. A time stamp would not do: it is the
//! sender's clock, and the bare form has none.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use catalog::Qos;
use tokio::time::Instant;
use vocabulary::ids::fresh_uuid;

/// How long a fence stands at most. Its messages are lost with the connection, but then so is all that was before them.
const STANDS_AT_MOST: Duration = Duration::from_secs(30);
/// How long it waits for the message at QoS 0 alone, which a broker may drop.
const WAITS_FOR_QOS_0: Duration = Duration::from_secs(1);
/// How many stand at once; more than a site has things that move.
const MOST: usize = 4096;
/// A broker keeps an order within each quality of service only.
const QUALITIES: [Qos; 2] = [Qos::AtLeastOnce, Qos::AtMostOnce];

/// The fences of one life of a coordinator.
#[derive(Debug)]
pub(crate) struct Fences {
    /// Tells the messages of this life from an earlier one's, and from anybody else's.
    life: String,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    raised: u64,
    standing: HashMap<String, Fence>,
}

#[derive(Debug)]
struct Fence {
    number: u64,
    until: Instant,
    /// The qualities whose message is not back yet.
    missing: Vec<Qos>,
    /// The message of safety that raised it.
    by: String,
}

impl Default for Fences {
    fn default() -> Self {
        Self { life: fresh_uuid().to_string(), inner: Mutex::default() }
    }
}

impl Fences {
    /// Raises a fence before what would move `scope`. When the messages that are returned have come back, it falls.
    pub(crate) fn raise(&self, scope: &str, by: &str) -> [(Qos, Bytes); 2] {
        let mut inner = self.lock();
        let now = Instant::now();
        inner.standing.retain(|_, fence| fence.until > now);
        let oldest = inner.standing.iter().min_by_key(|(_, fence)| fence.number).map(|(scope, _)| scope.clone());
        if let Some(oldest) = oldest.filter(|_| inner.standing.len() >= MOST) {
            inner.standing.remove(&oldest);
            tracing::warn!(scope = oldest, "fence falls before its time: too many stand");
        }
        inner.raised += 1;
        let number = inner.raised;
        let fence = Fence { number, until: now + STANDS_AT_MOST, missing: QUALITIES.to_vec(), by: by.to_owned() };
        inner.standing.insert(scope.to_owned(), fence);
        QUALITIES.map(|qos| (qos, Bytes::from(format!("{} {number} {}", self.life, u8::from(qos)))))
    }

    /// Takes a message that is back.
    pub(crate) fn fall(&self, message: &[u8]) {
        let mut words = std::str::from_utf8(message).unwrap_or_default().split(' ');
        let (life, number, qos) = (words.next(), words.next(), words.next());
        let Some(number) = number.and_then(|number| number.parse::<u64>().ok()) else { return };
        let Some(qos) = QUALITIES.into_iter().find(|known| qos == Some(u8::from(*known).to_string().as_str())) else {
            return;
        };
        if life != Some(self.life.as_str()) {
            return;
        }
        let soon = Instant::now() + WAITS_FOR_QOS_0;
        self.lock().standing.retain(|_, fence| {
            // They come back in their order, and a later stop of the same thing has a later one.
            if fence.number > number {
                return true;
            }
            fence.missing.retain(|missing| *missing != qos);
            if qos == Qos::AtLeastOnce {
                fence.until = fence.until.min(soon);
            }
            !fence.missing.is_empty()
        });
    }

    /// By which message `scope` was stopped, while what was sent before may still arrive.
    pub(crate) fn stopped(&self, scope: &str) -> Option<String> {
        let inner = self.lock();
        let fence = inner.standing.get(scope).filter(|fence| fence.until > Instant::now())?;
        Some(fence.by.clone())
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_fence_stands_until_its_own_messages_are_back() {
        let (fences, others) = (Fences::default(), Fences::default());
        let of_others = others.raise("mount", "abort");
        let (first, second) = (fences.raise("mount", "abort"), fences.raise("mount", "park"));
        let dome = fences.raise("dome", "close");
        let forged = format!("{} many 1", fences.life);
        for (what, messages, stands) in [
            ("another life's messages", vec![&of_others[0].1[..], &of_others[1].1[..]], (true, true)),
            ("what is none", vec![b"x 1 1", b"", &[0xff, 0xfe], forged.as_bytes()], (true, true)),
            ("the messages of the abort before", vec![&first[0].1[..], &first[1].1[..]], (true, true)),
            ("one of its messages, twice", vec![&second[1].1[..], &second[1].1[..]], (true, true)),
            ("its other message", vec![&second[0].1[..]], (false, true)),
            ("the other's messages", vec![&dome[1].1[..], &dome[0].1[..]], (false, false)),
        ] {
            messages.into_iter().for_each(|message| fences.fall(message));
            assert_eq!((fences.stopped("mount").is_some(), fences.stopped("dome").is_some()), stands, "{what}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn no_fence_stands_for_ever() {
        let fences = Fences::default();
        let dome = fences.raise("dome", "close");
        fences.raise("mount", "park");
        fences.fall(&dome[0].1);
        for (after, mount, dome) in [
            (Duration::ZERO, Some("park"), Some("close")),
            (WAITS_FOR_QOS_0, Some("park"), None),
            (STANDS_AT_MOST, None, None),
        ] {
            tokio::time::advance(after).await;
            assert_eq!(
                (fences.stopped("mount").as_deref(), fences.stopped("dome").as_deref()),
                (mount, dome),
                "{after:?}"
            );
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_number_of_fences_is_bounded() {
        let fences = Fences::default();
        for number in 0..=MOST {
            fences.raise(&number.to_string(), "abort");
        }
        let standing = (0..=MOST).filter(|number| fences.stopped(&number.to_string()).is_some()).count();
        assert_eq!((standing, fences.stopped("0")), (MOST, None));
    }
}
