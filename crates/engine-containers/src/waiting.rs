//! Waiting until a container is well: by the engine's events, or by probes of our own where the engine runs no health checks.

use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use crate::{
    Command, Container, ContainerEngine, ContainersError, Events, Flavour, HealthCheck, HealthChecks, HealthState,
    LogOptions, State,
};

/// What engines do where a health check does not say.
const PROBE_INTERVAL: Duration = Duration::from_secs(30);
const PROBE_LIMIT: Duration = Duration::from_secs(30);
const PROBE_RETRIES: u32 = 3;
/// How often we probe at least while somebody waits: a health check may say a minute, nobody wants to wait that long. And how often at most.
const PROBE_INTERVAL_MAX: Duration = Duration::from_secs(2);
const PROBE_INTERVAL_MIN: Duration = Duration::from_millis(50);
/// How much of what a container said goes into an error.
const LAST_LINES: u32 = 5;

impl ContainerEngine {
    /// Starts a container and waits until it is well: healthy by its health check, or just running where it has none.
    pub async fn start_and_wait(&self, name: &str, limit: Duration) -> Result<Container, ContainersError> {
        let started = async {
            let events = self.events(Some(name)).await?;
            self.start(name).await?;
            self.well(name, events).await
        };
        bounded(name, limit, started).await
    }

    /// Waits until a container that was started is well.
    pub async fn wait_until_well(&self, name: &str, limit: Duration) -> Result<Container, ContainersError> {
        bounded(name, limit, async { self.well(name, self.events(Some(name)).await?).await }).await
    }

    async fn well(&self, name: &str, events: Events) -> Result<Container, ContainersError> {
        match self.prober_of(&self.container(name).await?) {
            Some(check) => self.probed(name, &check).await,
            None => self.heard(name, events).await,
        }
    }

    /// The check that we must run ourselves.
    fn prober_of(&self, container: &Container) -> Option<HealthCheck> {
        let ours = match self.inner.options.health_checks {
            HealthChecks::Ours => true,
            HealthChecks::AsTheEngineDoes => self.version().flavour == Flavour::Podman,
        };
        container.health_check.clone().filter(|check| ours && probe(check).is_some())
    }

    /// Looks once after the subscription, and again with each event.
    async fn heard(&self, name: &str, mut events: Events) -> Result<Container, ContainersError> {
        loop {
            let container = self.container(name).await?;
            if let Some(settled) = self.settled(container).await {
                return settled;
            }
            events.next().await.unwrap_or_else(|| self.subscription_ended())?;
        }
    }

    fn subscription_ended(&self) -> Result<crate::EngineEvent, ContainersError> {
        Err(ContainersError::Lost {
            endpoint: self.address().to_owned(),
            doing: "listening to engine".to_owned(),
            reason: "the stream of events ended".to_owned(),
        })
    }

    /// Runs the check ourselves, as the engine would.
    async fn probed(&self, name: &str, check: &HealthCheck) -> Result<Container, ContainersError> {
        let Some(command) = probe(check) else { return self.container(name).await };
        let mut patience = Patience::of(check);
        let begun = Instant::now();
        let mut ticks = interval(patience.interval.clamp(PROBE_INTERVAL_MIN, PROBE_INTERVAL_MAX));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let mut container = self.container(name).await?;
            if !matches!(container.status.state, State::Running) {
                match self.settled(container).await {
                    Some(settled) => return settled,
                    None => continue,
                }
            }
            let limit = seconds(check.timeout_seconds).unwrap_or(PROBE_LIMIT);
            let output = match self.run(name, &command, limit).await {
                Ok(output) if output.exit_code == 0 => {
                    container.status.health = HealthState::Healthy;
                    return Ok(container);
                }
                Ok(output) => output.text(),
                Err(error) => error.to_string(),
            };
            if patience.is_lost(begun.elapsed()) {
                return Err(ContainersError::Unhealthy { name: name.to_owned(), last_words: output.trim().to_owned() });
            }
        }
    }

    /// What has become of it, if that is decided.
    async fn settled(&self, container: Container) -> Option<Result<Container, ContainersError>> {
        let name = container.name.clone();
        match (container.status.state, container.status.health) {
            (State::Running, HealthState::Healthy | HealthState::None) => Some(Ok(container)),
            (State::Running, HealthState::Unhealthy) => {
                let last_words = container.status.last_probe.map(|probe| probe.output.trim().to_owned());
                Some(Err(ContainersError::Unhealthy { name, last_words: last_words.unwrap_or_default() }))
            }
            (State::Running, HealthState::Starting) | (State::Created | State::Paused | State::Restarting, _) => None,
            (State::Exited | State::Dead | State::Removing, _) => {
                let last_words = self.last_words(&name).await;
                Some(Err(ContainersError::Ended { name, exit_code: container.status.exit_code, last_words }))
            }
        }
    }

    async fn last_words(&self, name: &str) -> String {
        let options = LogOptions { last_lines: Some(LAST_LINES), ..LogOptions::default() };
        let lines = self.logs_until_now(&[name], &options).await.unwrap_or_default();
        lines.iter().map(|line| line.text.as_str()).collect::<Vec<_>>().join("\n")
    }
}

async fn bounded<T>(
    name: &str,
    limit: Duration,
    waited: impl Future<Output = Result<T, ContainersError>>,
) -> Result<T, ContainersError> {
    let timed_out = |_| ContainersError::TimedOut { doing: format!("waiting for container {name}"), limit };
    timeout(limit, waited).await.map_err(timed_out)?
}

/// How many failures make a container unhealthy: those that an engine would see, which probes less often than we do. Who is given a minute
/// between two probes may take minutes until it is well.
#[derive(Debug)]
struct Patience {
    start_period: Duration,
    interval: Duration,
    retries: u32,
    failures: u32,
    counted_at: Option<Duration>,
}

impl Patience {
    fn of(check: &HealthCheck) -> Self {
        Self {
            start_period: seconds(check.start_period_seconds).unwrap_or_default(),
            interval: seconds(check.interval_seconds).unwrap_or(PROBE_INTERVAL),
            retries: check.retries.filter(|retries| *retries > 0).unwrap_or(PROBE_RETRIES),
            failures: 0,
            counted_at: None,
        }
    }

    /// Whether this failure, so long after the start, is the last one that is borne.
    fn is_lost(&mut self, elapsed: Duration) -> bool {
        // Our own probes come at no exact times.
        let apart = self.interval.saturating_sub(PROBE_INTERVAL_MIN / 2);
        let counts = self.counted_at.is_none_or(|before| elapsed.saturating_sub(before) >= apart);
        if elapsed > self.start_period && counts {
            self.failures += 1;
            self.counted_at = Some(elapsed);
        }
        self.failures >= self.retries
    }
}

/// The command of a check, if it has one.
fn probe(check: &HealthCheck) -> Option<Command> {
    let (kind, rest) = check.test.split_first()?;
    match kind.as_str() {
        "CMD" if !rest.is_empty() => Some(Command::new(rest.to_vec())),
        "CMD-SHELL" => Some(Command::new(vec!["/bin/sh".to_owned(), "-c".to_owned(), rest.join(" ")])),
        _ => None,
    }
}

fn seconds(said: Option<f64>) -> Option<Duration> {
    said.filter(|seconds| *seconds > 0.0).and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The second in which a container that is probed every two seconds, and is never well, is given up.
    fn check(interval: Option<f64>, start_period: Option<f64>, retries: Option<u32>, expected_seconds: u64) {
        let check = HealthCheck {
            interval_seconds: interval,
            start_period_seconds: start_period,
            retries,
            ..HealthCheck::default()
        };
        let mut patience = Patience::of(&check);
        let lost = (0..).step_by(2).find(|second| patience.is_lost(Duration::from_secs(*second)));
        assert_eq!(lost, Some(expected_seconds), "{check:?}");
    }

    #[test]
    fn who_is_slow_is_given_the_time_that_its_check_says() {
        check(Some(2.0), None, Some(3), 2 + 2 * 2);
        check(Some(0.2), None, Some(3), 2 + 2 * 2);
        check(Some(30.0), None, Some(3), 2 + 2 * 30);
        check(Some(30.0), Some(60.0), Some(1), 62);
        check(None, None, None, 2 + 2 * 30);
    }
}
