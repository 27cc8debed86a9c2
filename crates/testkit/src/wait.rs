//! Waiting for a state, at ticks and within a bound.

use std::time::Duration;

use tokio::time::{Instant, interval, timeout_at};

/// How often a condition is asked.
const TICK: Duration = Duration::from_millis(20);

/// Waits until `condition` holds.
///
/// # Panics
/// Where it does not within `limit`.
pub async fn until(what: &str, limit: Duration, mut condition: impl AsyncFnMut() -> bool) {
    until_some(what, limit, async || condition().await.then_some(())).await;
}

/// Waits until `look` finds something.
///
/// # Panics
/// Where it does not within `limit`.
pub async fn until_some<T>(what: &str, limit: Duration, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Deadline::after(limit);
    let mut ticks = interval(TICK);
    let looking = async {
        loop {
            ticks.tick().await;
            if let Some(found) = look().await {
                return found;
            }
        }
    };
    deadline.bound(what, looking).await
}

/// A point in time by which several things must have come.
#[derive(Debug, Clone, Copy)]
pub struct Deadline(Instant, Duration);

impl Deadline {
    /// So much later than now.
    pub fn after(limit: Duration) -> Self {
        Self(Instant::now() + limit, limit)
    }

    /// What is left until then.
    pub fn left(&self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }

    /// Whether it has passed.
    pub fn is_over(&self) -> bool {
        Instant::now() >= self.0
    }

    /// Waits for `come`.
    ///
    /// # Panics
    /// Where it does not come in time.
    pub async fn bound<T>(&self, what: &str, come: impl Future<Output = T>) -> T {
        match timeout_at(self.0, come).await {
            Ok(come) => come,
            Err(_) => panic!("{what}: not within {:?}", self.1),
        }
    }
}
