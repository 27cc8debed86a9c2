//! What was heard of the health of coordinators, and what follows from it.
//!
//! What a broker kept from before the connection may be of an earlier life, so it counts only once its coordinator has confirmed it.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use catalog::{Owner, message::SystemHealthNow};
use health::{Report, Status};
use tokio::time::Instant;
use vocabulary::Timestamp;

/// A coordinator that was not heard for so long, and does not answer, counts as silent: three of the usual intervals.
pub(crate) const SILENCE: Duration = Duration::from_secs(90);

/// What was heard.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    components: BTreeMap<String, Word>,
    system: Option<(SystemHealthNow, Instant)>,
    /// How the gateway's own connection is.
    bus: Option<String>,
}

/// The last word of a component.
#[derive(Debug)]
struct Word {
    report: Report,
    at: Instant,
    is_confirmed: bool,
}

/// Where a report comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// The component said so now.
    Component,
    /// The broker kept it.
    Broker,
}

impl Heard {
    /// A component's report.
    pub(crate) fn report(&mut self, report: Report, source: Source) {
        let is_confirmed = source == Source::Component;
        self.components.insert(report.component.clone(), Word { report, at: Instant::now(), is_confirmed });
    }

    /// A component's report was taken away.
    pub(crate) fn forget(&mut self, component: &str) {
        self.components.remove(component);
    }

    /// The aggregate of the message coordinator.
    pub(crate) fn system(&mut self, system: Option<SystemHealthNow>) {
        self.system = system.map(|system| (system, Instant::now()));
    }

    /// How the connection to the broker is: nothing while it stands. What was said before a break must be confirmed again.
    pub(crate) fn bus(&mut self, down: Option<String>) {
        if down.is_some() {
            let coordinators = self.components.iter_mut().filter(|(name, _)| owner_of(name).is_some());
            coordinators.for_each(|(_, word)| word.is_confirmed = false);
        }
        self.bus = down;
    }

    /// The coordinators that must be asked: not confirmed, or not heard for long.
    pub(crate) fn doubtful(&self, expected: &[Owner]) -> Vec<Owner> {
        let is_sure = |owner: &Owner| {
            self.components.get(&owner.component()).is_some_and(|word| word.is_confirmed && word.at.elapsed() < SILENCE)
        };
        let known: BTreeSet<Owner> = self.components.keys().filter_map(|name| owner_of(name)).collect();
        known
            .into_iter()
            .chain(expected.iter().copied())
            .collect::<BTreeSet<_>>()
            .into_iter()
            .filter(|o| !is_sure(o))
            .collect()
    }

    /// How a component is, as far as is known.
    fn now(&self, word: &Word, now: Timestamp) -> Report {
        let report = word.report.clone();
        if word.at.elapsed() > SILENCE {
            let (name, was) = (report.component, report.message);
            let message = format!("silent for {} s (last said: {was})", word.at.elapsed().as_secs());
            return Report { details: report.details, ..Report::new(name, Status::Unhealthy, message, now) };
        }
        report
    }

    /// The health of the whole: as the message coordinator sees it while it can be heard, else put together from what was heard.
    pub(crate) fn whole(&self, expected: &[Owner], now: Timestamp) -> SystemHealthNow {
        let mut whole = match self.fresh_system() {
            Some(system) => system.clone(),
            None => self.put_together(expected, now),
        };
        if let Some(why) = &self.bus {
            let report = Report::new("bus", Status::Unhealthy, why.clone(), now);
            whole.status = Status::Unhealthy;
            whole.message = format!("bus: {why}");
            whole.components.insert(report.component.clone(), report);
        }
        whole
    }

    fn fresh_system(&self) -> Option<&SystemHealthNow> {
        let (system, at) = self.system.as_ref()?;
        let watcher = self.components.get(&Owner::Message.component())?;
        let is_there = watcher.is_confirmed && watcher.report.status != Status::Unhealthy;
        (is_there && at.elapsed() < SILENCE).then_some(system)
    }

    fn put_together(&self, expected: &[Owner], now: Timestamp) -> SystemHealthNow {
        let mut components: BTreeMap<String, Report> =
            self.components.iter().map(|(name, word)| (name.clone(), self.now(word, now))).collect();
        for owner in expected {
            let name = owner.component();
            components
                .entry(name.clone())
                .or_insert_with(|| Report::new(name, Status::Unhealthy, "has not said anything", now));
        }
        let parts: Vec<Report> = components.values().cloned().collect();
        let Report { status, message, .. } = Report::of_parts("system", &parts, now);
        SystemHealthNow { status, message, components, observed_at: now }
    }

    /// What is missing until all is ready; nothing if it is.
    pub(crate) fn missing(&self, expected: &[Owner], now: Timestamp) -> Vec<String> {
        let bus = self.bus.as_ref().map(|why| format!("bus: {why}"));
        let coordinators = expected.iter().filter_map(|owner| {
            let name = owner.component();
            let Some(word) = self.components.get(&name) else {
                return Some(format!("{name}: has not said anything"));
            };
            let report = self.now(word, now);
            match report.status {
                Status::Healthy | Status::Degraded if word.is_confirmed => None,
                Status::Healthy | Status::Degraded => Some(format!("{name}: has not confirmed what it said before")),
                Status::Unknown | Status::Unhealthy => Some(format!("{name}: {}", report.message)),
            }
        });
        bus.into_iter().chain(coordinators).collect()
    }
}

/// The coordinator that a component is.
pub(crate) fn owner_of(component: &str) -> Option<Owner> {
    Owner::of_name(component.strip_suffix("-coordinator")?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at() -> Timestamp {
        "2026-11-21T20:00:00Z".parse().unwrap()
    }

    fn report(owner: Owner, status: Status) -> Report {
        Report::new(owner.component(), status, "a message", at())
    }

    #[tokio::test(start_paused = true)]
    async fn ready_is_who_confirmed_it_lately() {
        let expected = [Owner::Telescope];
        let mut heard = Heard::default();
        assert_eq!(heard.missing(&expected, at()), ["telescope-coordinator: has not said anything"]);
        for (status, source, ready) in [
            (Status::Healthy, Source::Broker, false),
            (Status::Healthy, Source::Component, true),
            (Status::Degraded, Source::Component, true),
            (Status::Unhealthy, Source::Component, false),
            (Status::Unknown, Source::Component, false),
            (Status::Unhealthy, Source::Broker, false),
        ] {
            heard.report(report(Owner::Telescope, status), source);
            assert_eq!(heard.missing(&expected, at()).is_empty(), ready, "{status} {source:?}");
            assert_eq!(heard.doubtful(&expected).is_empty(), source == Source::Component);
        }
        heard.report(report(Owner::Telescope, Status::Healthy), Source::Component);
        tokio::time::advance(SILENCE + Duration::from_secs(1)).await;
        assert_eq!(heard.missing(&expected, at()), ["telescope-coordinator: silent for 91 s (last said: a message)"]);
        assert_eq!(heard.doubtful(&expected), expected);
        heard.report(report(Owner::Telescope, Status::Healthy), Source::Component);
        heard.bus(Some("gone".to_owned()));
        assert!(heard.missing(&expected, at()).contains(&"bus: gone".to_owned()));
        heard.bus(None);
        let unconfirmed = "telescope-coordinator: has not confirmed what it said before";
        assert_eq!(heard.missing(&expected, at()), [unconfirmed]);
        heard.report(report(Owner::Telescope, Status::Healthy), Source::Component);
        assert!(heard.missing(&expected, at()).is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn the_whole_is_the_message_coordinators_view_while_it_is_there() {
        let expected = [Owner::Message, Owner::Telescope];
        let mut heard = Heard::default();
        assert_eq!(heard.whole(&expected, at()).status, Status::Unhealthy);
        heard.report(report(Owner::Message, Status::Healthy), Source::Component);
        heard.report(report(Owner::Telescope, Status::Healthy), Source::Component);
        assert_eq!(heard.whole(&expected, at()).status, Status::Healthy);
        let system = SystemHealthNow {
            status: Status::Degraded,
            message: "as the watcher sees it".to_owned(),
            components: BTreeMap::new(),
            observed_at: at(),
        };
        heard.system(Some(system));
        assert_eq!(heard.whole(&expected, at()).message, "as the watcher sees it");
        heard.report(report(Owner::Message, Status::Unhealthy), Source::Component);
        assert_eq!(heard.whole(&expected, at()).message, "message-coordinator: a message");
        heard.bus(Some("gone".to_owned()));
        assert_eq!(heard.whole(&expected, at()).status, Status::Unhealthy);
    }
}
