//! How long a call may go on: until its deadline, or until nobody waits for it any more.

use std::{future::Future, time::Duration};

use tokio::time::{Instant, timeout_at};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::refusal::Refusal;

/// The right of a call to go on. Work asks it between its steps.
#[derive(Debug, Clone)]
pub(crate) struct Ticket {
    deadline: Instant,
    gone: CancellationToken,
}

impl Ticket {
    /// A ticket that ends with `limit`, and one that ends it when it is dropped.
    pub(crate) fn new(limit: Duration) -> (Self, DropGuard) {
        let gone = CancellationToken::new();
        (Self { deadline: Instant::now() + limit, gone: gone.clone() }, gone.drop_guard())
    }

    /// When it ends.
    pub(crate) const fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Whether the call may go on.
    pub(crate) fn check(&self) -> Result<(), Refusal> {
        if self.gone.is_cancelled() {
            Err(Refusal::Gone)
        } else if Instant::now() >= self.deadline {
            Err(Refusal::Late)
        } else {
            Ok(())
        }
    }

    /// Waits for something, no longer than the deadline.
    pub(crate) async fn bounded<T>(&self, waited: impl Future<Output = Result<T, Refusal>>) -> Result<T, Refusal> {
        timeout_at(self.deadline, waited).await.unwrap_or(Err(Refusal::Late))
    }

    /// The ticket of a request.
    pub(crate) fn of<T>(request: &tonic::Request<T>) -> Self {
        let ended = || Self { deadline: Instant::now(), gone: CancellationToken::new() };
        request.extensions().get().cloned().unwrap_or_else(ended)
    }
}

/// Reads the header `grpc-timeout` (gRPC over HTTP/2, "Timeout"): up to eight digits and a unit.
pub(crate) fn timeout_of(header: &str) -> Option<Duration> {
    let (digits, unit) = header.split_at_checked(header.len().checked_sub(1)?)?;
    if digits.is_empty() || digits.len() > 8 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number: u64 = digits.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(number * 3600)),
        "M" => Some(Duration::from_secs(number * 60)),
        "S" => Some(Duration::from_secs(number)),
        "m" => Some(Duration::from_millis(number)),
        "u" => Some(Duration::from_micros(number)),
        "n" => Some(Duration::from_nanos(number)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timeouts_as_they_are_written() {
        let check = |text: &str, expected: Option<Duration>| assert_eq!(timeout_of(text), expected, "{text:?}");
        check("2H", Some(Duration::from_secs(7200)));
        check("1M", Some(Duration::from_secs(60)));
        check("99999999S", Some(Duration::from_secs(99_999_999)));
        check("100m", Some(Duration::from_millis(100)));
        check("5u", Some(Duration::from_micros(5)));
        check("0n", Some(Duration::ZERO));
        for wrong in ["", "m", "100", "100000000S", "-1S", "1.5S", "1s", "1é"] {
            check(wrong, None);
        }
    }

    #[test]
    fn a_ticket_ends_with_its_time_or_its_caller() {
        let (ticket, guard) = Ticket::new(Duration::from_secs(60));
        assert_eq!(ticket.check(), Ok(()));
        drop(guard);
        assert_eq!(ticket.check(), Err(Refusal::Gone));
        let (ticket, _guard) = Ticket::new(Duration::ZERO);
        assert_eq!(ticket.check(), Err(Refusal::Late));
    }
}
