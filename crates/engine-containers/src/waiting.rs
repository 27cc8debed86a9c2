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
/// How often we probe at least while somebody waits: a health check may say a minute, nobody wants to wait that long.
const PROBE_INTERVAL_MAX: Duration = Duration::from_secs(2);
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
        let pause = seconds(check.interval_seconds).unwrap_or(PROBE_INTERVAL).min(PROBE_INTERVAL_MAX);
        let patience = seconds(check.start_period_seconds).unwrap_or_default();
        let (begun, mut failures) = (Instant::now(), 0);
        let mut ticks = interval(pause.max(Duration::from_millis(50)));
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
            if begun.elapsed() > patience {
                failures += 1;
            }
            if failures >= check.retries.filter(|retries| *retries > 0).unwrap_or(PROBE_RETRIES) {
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
