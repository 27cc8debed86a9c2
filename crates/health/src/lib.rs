//! One report shape for everything that can be well or ill, and a cell that keeps the last report and knows its age.

use std::{
    sync::{Arc, RwLock},
    time::Duration,
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use vocabulary::{Clock, Timestamp};

/// How well something is, from best to worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It does what it is for.
    Healthy,
    /// Nothing is known yet.
    Unknown,
    /// It works, but something needs attention.
    Degraded,
    /// It does not do what it is for.
    Unhealthy,
}

impl Status {
    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Unknown => "unknown",
            Self::Degraded => "degraded",
            Self::Unhealthy => "unhealthy",
        }
    }
}

impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a component says of itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// Who is meant.
    pub component: String,
    /// How well it is.
    pub status: Status,
    /// One sentence for a person.
    #[serde(default)]
    pub message: String,
    /// Figures, for programs and for people who look closer.
    #[serde(default)]
    pub details: Map<String, Value>,
    /// When this was found.
    pub observed_at: Timestamp,
}

impl Report {
    /// A report without details.
    pub fn new(component: impl Into<String>, status: Status, message: impl Into<String>, at: Timestamp) -> Self {
        Self { component: component.into(), status, message: message.into(), details: Map::new(), observed_at: at }
    }

    /// The same report with one more figure.
    #[must_use]
    pub fn detail(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.details.insert(name.to_owned(), value.into());
        self
    }

    /// The report of a whole from the reports of its parts: the worst status, and the messages of the parts that are not healthy.
    /// Without parts it is healthy. Each part's details stand under its name.
    pub fn of_parts(component: impl Into<String>, parts: &[Self], at: Timestamp) -> Self {
        let status = parts.iter().map(|part| part.status).max().unwrap_or(Status::Healthy);
        let ill: Vec<String> = parts
            .iter()
            .filter(|part| part.status != Status::Healthy)
            .map(|part| format!("{}: {}", part.component, part.message))
            .collect();
        let message = if ill.is_empty() { "all is well".to_owned() } else { ill.join("; ") };
        let mut whole = Self::new(component, status, message, at);
        for part in parts {
            whole.details.insert(part.component.clone(), Value::Object(part.details.clone()));
        }
        whole
    }

    /// This report as it counts at `now`: one older than `limit` counts as unhealthy, since its owner has fallen silent.
    #[must_use]
    pub fn at_age(mut self, now: Timestamp, limit: Duration) -> Self {
        let age = now.since(self.observed_at);
        if age > limit {
            self.status = Status::Unhealthy;
            self.message = format!("silent for {} s (last said: {})", age.as_secs(), self.message);
        }
        self
    }
}

/// Keeps the last report, so that asking never waits for who reports.
#[derive(Debug, Clone)]
pub struct Cell {
    last: Arc<RwLock<Report>>,
    clock: Clock,
}

impl Cell {
    /// A cell that says `unknown` until something is set.
    pub fn new(component: impl Into<String>, clock: Clock) -> Self {
        let first = Report::new(component, Status::Unknown, "not observed yet", clock.now());
        Self { last: Arc::new(RwLock::new(first)), clock }
    }

    /// Keeps what was found now.
    pub fn set(&self, status: Status, message: impl Into<String>, details: Map<String, Value>) {
        let mut last = self.last.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        last.status = status;
        last.message = message.into();
        last.details = details;
        last.observed_at = self.clock.now();
    }

    /// The last report, at once.
    pub fn get(&self) -> Report {
        self.last.read().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn the_whole_is_as_ill_as_its_worst_part() {
        let now = at("2026-11-21T20:00:00Z");
        let part = |name: &str, status| Report::new(name, status, "m", now);
        for (parts, status) in [
            (vec![], Status::Healthy),
            (vec![part("a", Status::Healthy)], Status::Healthy),
            (vec![part("a", Status::Healthy), part("b", Status::Degraded)], Status::Degraded),
            (vec![part("a", Status::Unhealthy), part("b", Status::Degraded)], Status::Unhealthy),
            (vec![part("a", Status::Unknown), part("b", Status::Healthy)], Status::Unknown),
        ] {
            assert_eq!(Report::of_parts("whole", &parts, now).status, status);
        }
    }

    #[test]
    fn an_old_report_counts_as_unhealthy() {
        let report = Report::new("a", Status::Healthy, "fine", at("2026-11-21T20:00:00Z"));
        let limit = Duration::from_secs(90);
        assert_eq!(report.clone().at_age(at("2026-11-21T20:01:30Z"), limit).status, Status::Healthy);
        assert_eq!(report.at_age(at("2026-11-21T20:01:31Z"), limit).status, Status::Unhealthy);
    }
}
