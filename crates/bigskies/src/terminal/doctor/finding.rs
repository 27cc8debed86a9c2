//! What one check found.

use std::time::Duration;

use serde::{Serialize, Serializer};
use vocabulary::Fault;

use crate::terminal::output::{Paint, harmless};

/// How it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Verdict {
    /// As it should be.
    Well,
    /// It works, but should be looked at.
    Doubtful,
    /// It does not work.
    Wrong,
}

/// What one check found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Finding {
    /// What was checked, as a claim.
    pub(crate) check: String,
    /// Whether the claim holds.
    pub(crate) verdict: Verdict,
    /// What was seen.
    pub(crate) note: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) hint: String,
    /// How long it took.
    #[serde(rename = "milliseconds", serialize_with = "milliseconds", skip_serializing_if = "Option::is_none")]
    pub(crate) took: Option<Duration>,
}

fn milliseconds<S: Serializer>(took: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    took.map(in_milliseconds).serialize(serializer)
}

/// To a hundredth.
fn in_milliseconds(took: Duration) -> f64 {
    (took.as_secs_f64() * 100_000.0).round() / 100.0
}

impl Finding {
    /// It holds.
    pub(crate) fn well(check: impl Into<String>, note: impl Into<String>) -> Self {
        let (check, note) = (check.into(), note.into());
        Self { check, verdict: Verdict::Well, note, hint: String::new(), took: None }
    }

    /// It holds for now.
    pub(crate) fn doubtful(check: impl Into<String>, note: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { verdict: Verdict::Doubtful, hint: hint.into(), ..Self::well(check, note) }
    }

    /// It does not hold.
    pub(crate) fn wrong(check: impl Into<String>, note: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { verdict: Verdict::Wrong, hint: hint.into(), ..Self::well(check, note) }
    }

    /// It does not hold, as a fault says.
    pub(crate) fn of_fault(check: impl Into<String>, fault: Fault) -> Self {
        Self::wrong(check, fault.message, fault.hint)
    }

    /// The same, with how long it took.
    #[must_use]
    pub(crate) const fn after(mut self, took: Duration) -> Self {
        self.took = Some(took);
        self
    }

    /// One line for a person, and one more where there is something to do.
    pub(crate) fn words(&self, paint: Paint) -> String {
        let sign = match self.verdict {
            Verdict::Well => paint.good("✓"),
            Verdict::Doubtful => paint.doubtful("!"),
            Verdict::Wrong => paint.bad("✗"),
        };
        let note = if self.note.is_empty() { String::new() } else { format!(": {}", harmless(&self.note)) };
        let took =
            self.took.map(|took| paint.faint(&format!(" ({:.1} ms)", in_milliseconds(took)))).unwrap_or_default();
        let hint = match (self.verdict, self.hint.as_str()) {
            (Verdict::Well, _) | (_, "") => String::new(),
            (_, hint) => format!("\n    {} {}", paint.faint("→"), harmless(hint)),
        };
        format!("{sign} {}{note}{took}{hint}", self.check)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words() {
        for (finding, shown) in [
            (Finding::well("the sky is up", ""), "✓ the sky is up"),
            (
                Finding::well("the broker listens", "127.0.0.1:1883").after(Duration::from_micros(1234)),
                "✓ the broker listens: 127.0.0.1:1883 (1.2 ms)",
            ),
            (Finding::wrong("a", "gone", "start it"), "✗ a: gone\n    → start it"),
            (Finding::doubtful("a", "b", ""), "! a: b"),
            (Finding::of_fault("a", Fault::busy("full").hint("later")), "✗ a: full\n    → later"),
        ] {
            assert_eq!(finding.words(Paint::Plain), shown);
        }
    }

    #[test]
    fn programs_get_milliseconds() {
        let finding = Finding::well("a", "b").after(Duration::from_micros(1234));
        let wanted = serde_json::json!({"check": "a", "verdict": "well", "note": "b", "milliseconds": 1.23});
        assert_eq!(serde_json::to_value(finding).unwrap(), wanted);
    }
}
