//! Admissions that end before their clients go: at an instant, or once what was proven is no longer so.

use std::{fmt, sync::Arc, time::Duration};

use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use vocabulary::Timestamp;

use crate::{gate::StillProven, shared::Shared};

/// How long the clock is trusted to run as timers do; it may be set meanwhile.
const LOOK_AGAIN: Duration = Duration::from_secs(30);
/// The shortest rest before the clock is looked at again.
const REST: Duration = Duration::from_millis(1);

/// How long an admission stands.
pub(crate) struct Terms {
    until: Option<Timestamp>,
    proof: Option<StillProven>,
}

impl Terms {
    /// Nothing where it stands for as long as the client stays.
    pub(crate) fn of(until: Option<Timestamp>, proof: Option<StillProven>) -> Option<Arc<Self>> {
        (until.is_some() || proof.is_some()).then(|| Arc::new(Self { until, proof }))
    }

    /// Whether it stands now.
    pub(crate) fn hold(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now < until) && self.proof.as_ref().is_none_or(|proof| proof())
    }
}

impl fmt::Debug for Terms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Terms").field("until", &self.until).finish_non_exhaustive()
    }
}

/// Sees to it that a connection ends when its admission does. A task of its own, so that a connection without an end bears no timer.
pub(crate) fn watch(shared: &Arc<Shared>, terms: &Terms, kick: &CancellationToken) {
    let Some(until) = terms.until else { return };
    let (clock, kick) = (shared.clock.clone(), kick.clone());
    shared.tasks.spawn(async move {
        loop {
            let left = until.since(clock.now());
            if left.is_zero() {
                return kick.cancel();
            }
            if timeout(left.clamp(REST, LOOK_AGAIN), kick.cancelled()).await.is_ok() {
                return;
            }
        }
    });
}

/// Ends the connections whose admission does not stand any more and says how many they were.
pub(crate) fn review(shared: &Shared) -> usize {
    let now = shared.clock.now();
    let mut ended = 0;
    // Asked outside the lock on the seats, since the answer is another's code.
    for (client_id, seat) in shared.seats.with_terms() {
        if seat.terms.as_ref().is_some_and(|terms| !terms.hold(now)) && !seat.kick.is_cancelled() {
            tracing::info!(client = client_id, account = %seat.account, "connection ends, since its admission has ended");
            seat.kick.cancel();
            ended += 1;
        }
    }
    ended
}
