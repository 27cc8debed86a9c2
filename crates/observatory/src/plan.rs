//! What has to change so that what is there becomes what is wanted.

use std::fmt;

use serde::Serialize;

use crate::{
    configuration::Kind,
    runtime::{Seen, State},
    stack::{Stack, differing},
};

/// What is done with a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Deed {
    /// Made and started.
    Create,
    /// Started again as it is.
    Start,
    /// Made anew.
    Replace,
    /// Taken away.
    Remove,
}

impl Deed {
    /// The word for people and programs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Start => "start",
            Self::Replace => "replace",
            Self::Remove => "remove",
        }
    }
}

/// One change, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// Which service.
    pub service: Kind,
    /// What is done.
    pub deed: Deed,
    /// Why.
    pub reasons: Vec<String>,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.deed.as_str(), self.service, self.reasons.join(", "))
    }
}

/// All changes, in their order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Default)]
pub struct Plan {
    /// The changes.
    pub changes: Vec<Change>,
}

impl Plan {
    /// What has to change.
    pub fn of(stack: &Stack, seen: &[Seen]) -> Self {
        let unwanted = seen.iter().filter(|seen| stack.part(seen.kind).is_none());
        let mut changes: Vec<Change> = unwanted
            .map(|seen| Change {
                service: seen.kind,
                deed: Deed::Remove,
                reasons: vec!["it is switched off".to_owned()],
            })
            .collect();
        for part in &stack.parts {
            let found = seen.iter().find(|seen| seen.kind == part.kind);
            let change = |deed, reasons| Change { service: part.kind, deed, reasons };
            match found {
                None => changes.push(change(Deed::Create, vec!["it is not there".to_owned()])),
                Some(found) => {
                    let mut reasons: Vec<String> = differing(&part.fingerprint(), &found.fingerprint)
                        .into_iter()
                        .map(|piece| format!("{piece} is configured otherwise"))
                        .collect();
                    reasons.extend(found.drift.iter().cloned());
                    let rest = match found.state {
                        State::Running | State::Restarting => None,
                        State::Paused => Some("it is paused"),
                        State::Stopped => Some("it does not run"),
                    };
                    if !reasons.is_empty() {
                        changes.push(change(Deed::Replace, reasons));
                    } else if let Some(reason) = rest {
                        changes.push(change(Deed::Start, vec![reason.to_owned()]));
                    }
                }
            }
        }
        Self { changes }
    }

    /// Everything that is there, taken away.
    pub fn of_removal(seen: &[Seen]) -> Self {
        // Those that were started last go first.
        let mut kinds: Vec<Kind> = seen.iter().map(|seen| seen.kind).collect();
        kinds.sort_unstable_by(|one, other| other.cmp(one));
        let removed =
            |service| Change { service, deed: Deed::Remove, reasons: vec!["the stack is taken down".to_owned()] };
        Self { changes: kinds.into_iter().map(removed).collect() }
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::configuration::Configuration;

    fn seen(stack: &Stack, kind: Kind) -> Seen {
        Seen {
            kind,
            state: State::Running,
            id: "1".to_owned(),
            fingerprint: stack.part(kind).unwrap().fingerprint(),
            drift: Vec::new(),
            started_at: None,
            restarts: 0,
        }
    }

    fn check(change: impl FnOnce(&mut Vec<Seen>), expected: &[&str]) {
        let stack = Stack::of(&Configuration::default(), Path::new("data")).unwrap();
        let mut there: Vec<Seen> = stack.parts.iter().map(|part| seen(&stack, part.kind)).collect();
        change(&mut there);
        let said: Vec<String> = Plan::of(&stack, &there).changes.iter().map(ToString::to_string).collect();
        assert_eq!(said, expected);
    }

    #[test]
    fn what_is_as_wanted_is_left_alone() {
        check(|_| (), &[]);
    }

    #[test]
    fn each_difference_is_named() {
        check(|there| drop(there.remove(0)), &["create prometheus: it is not there"]);
        check(|there| there[1].state = State::Paused, &["start pushgateway: it is paused"]);
        check(|there| there[1].state = State::Stopped, &["start pushgateway: it does not run"]);
        check(
            |there| {
                there[0].fingerprint.insert("arguments".to_owned(), "other".to_owned());
            },
            &["replace prometheus: arguments is configured otherwise"],
        );
        check(
            |there| there[2].drift.push("grafana.ini was changed".to_owned()),
            &["replace grafana: grafana.ini was changed"],
        );
        check(
            |there| {
                let mut other = there[0].clone();
                other.kind = Kind::NodeExporter;
                there.push(other);
            },
            &["remove node-exporter: it is switched off"],
        );
    }
}
