//! The last report of every coordinator and when it was heard; who falls silent counts as ill.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use catalog::{Owner, message::SystemHealthNow};
use health::{Report, Status};
use tokio::time::Instant;
use vocabulary::Timestamp;

/// After how many intervals without a word a coordinator counts as unhealthy.
const SILENT_INTERVALS: u32 = 3;
/// After how many intervals one that was stopped in good order is no part of the system any longer.
const GONE_INTERVALS: u32 = 10;
/// How many changes may wait to be recorded; with the database away for longer the oldest go.
const CHANGES_MAX: usize = 1000;

/// What is known of the coordinators.
#[derive(Debug, Default)]
pub(crate) struct Pulses(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    last: BTreeMap<Owner, Pulse>,
    /// How each counted when it was looked at last.
    counted: BTreeMap<Owner, Status>,
    unrecorded: VecDeque<Report>,
}

#[derive(Debug)]
struct Pulse {
    report: Report,
    heard: Instant,
}

impl Pulse {
    /// Whether it said goodbye.
    fn is_closed(&self) -> bool {
        self.report.details.get("connection").is_some_and(|word| word == "closed")
    }

    /// The report as it counts now; nothing once it is no part of the system.
    fn counts(&self, interval: Duration, now: Instant) -> Option<Report> {
        let age = now.duration_since(self.heard);
        if self.is_closed() {
            return (age <= interval * GONE_INTERVALS).then(|| self.report.clone());
        }
        let mut report = self.report.clone();
        if age > interval * SILENT_INTERVALS {
            // No age in it: a text that changes with each look would be published with each look.
            let limit = (interval * SILENT_INTERVALS).as_secs();
            report.status = Status::Unhealthy;
            report.message = format!("silent for more than {limit} s (last said: {})", report.message);
        }
        Some(report)
    }
}

/// A coordinator became ill or well.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Change {
    pub(crate) from: Status,
    pub(crate) report: Report,
}

impl Pulses {
    /// Keeps a report. A goodbye from before we listened counts for nothing: whoever said it was stopped in good order.
    pub(crate) fn hear(&self, owner: Owner, mut report: Report, retained: bool, now: Instant) {
        let mut inner = self.lock();
        report.component = owner.component();
        let pulse = Pulse { report, heard: now };
        // What was retained and is heard again after a new connection is no sign of life.
        let known = inner.last.get(&owner).is_some_and(|old| old.report.observed_at == pulse.report.observed_at);
        if retained && (known || pulse.is_closed() && !inner.last.contains_key(&owner)) {
            return;
        }
        inner.last.insert(owner, pulse);
    }

    /// Says how a coordinator counted before this life, as far as that was recorded.
    pub(crate) fn remember(&self, owner: Owner, status: Status) {
        self.lock().counted.entry(owner).or_insert(status);
    }

    /// The health of the whole at `now`, which is also `at` on the wall.
    pub(crate) fn overview(&self, interval: Duration, now: Instant, at: Timestamp) -> SystemHealthNow {
        let reports: Vec<Report> = self.counting(interval, now).into_iter().map(|(_, report)| report).collect();
        if reports.is_empty() {
            let message = "nothing was heard yet".to_owned();
            return SystemHealthNow { status: Status::Unknown, message, components: BTreeMap::new(), observed_at: at };
        }
        let Report { status, message, .. } = Report::of_parts("system", &reports, at);
        let components = reports.into_iter().map(|report| (report.component.clone(), report)).collect();
        SystemHealthNow { status, message, components, observed_at: at }
    }

    /// Who became ill or well since this was asked last; each is kept until it was taken to be recorded.
    pub(crate) fn changes(&self, interval: Duration, now: Instant) -> Vec<Change> {
        let counting = self.counting(interval, now);
        let mut inner = self.lock();
        let mut changes = Vec::new();
        for (owner, report) in counting {
            let from = inner.counted.insert(owner, report.status).unwrap_or(Status::Unknown);
            if from != report.status {
                inner.unrecorded.push_back(report.clone());
                changes.push(Change { from, report });
            }
        }
        inner.bound();
        changes
    }

    /// What was not recorded yet.
    pub(crate) fn take_unrecorded(&self) -> Vec<Report> {
        self.lock().unrecorded.drain(..).collect()
    }

    /// Keeps what could not be recorded, before what came meanwhile.
    pub(crate) fn put_back(&self, reports: Vec<Report>) {
        let mut inner = self.lock();
        for report in reports.into_iter().rev() {
            inner.unrecorded.push_front(report);
        }
        inner.bound();
    }

    fn counting(&self, interval: Duration, now: Instant) -> Vec<(Owner, Report)> {
        let inner = self.lock();
        let counts = |(owner, pulse): (&Owner, &Pulse)| Some((*owner, pulse.counts(interval, now)?));
        inner.last.iter().filter_map(counts).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn bound(&mut self) {
        let surplus = self.unrecorded.len().saturating_sub(CHANGES_MAX);
        self.unrecorded.drain(..surplus);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVAL: Duration = Duration::from_secs(30);

    fn at(seconds: u64) -> Timestamp {
        "2026-11-21T20:00:00Z".parse::<Timestamp>().unwrap().plus(Duration::from_secs(seconds))
    }

    fn report(status: Status, said_at: u64) -> Report {
        Report::new("x", status, "m", at(said_at))
    }

    fn goodbye(said_at: u64) -> Report {
        report(Status::Unhealthy, said_at).detail("connection", "closed")
    }

    #[test]
    fn who_counts_how_and_when() {
        use Status::{Degraded, Healthy, Unhealthy, Unknown};
        let lost = || report(Unhealthy, 0).detail("connection", "lost");
        for (case, reports, looked_at, whole, parts) in [
            ("nothing heard", vec![], 0, Unknown, 0),
            ("heard", vec![(report(Healthy, 0), false, 0)], 90, Healthy, 1),
            ("silent", vec![(report(Healthy, 0), false, 0)], 91, Unhealthy, 1),
            ("silent for a day", vec![(report(Healthy, 0), false, 0)], 86_400, Unhealthy, 1),
            ("heard again", vec![(report(Healthy, 0), false, 0), (report(Degraded, 60), false, 60)], 120, Degraded, 1),
            ("retained", vec![(report(Healthy, 0), true, 0)], 90, Healthy, 1),
            ("retained twice", vec![(report(Healthy, 0), true, 0), (report(Healthy, 0), true, 80)], 91, Unhealthy, 1),
            ("stopped", vec![(report(Healthy, 0), false, 0), (goodbye(1), false, 1)], 301, Unhealthy, 1),
            ("stopped long ago", vec![(report(Healthy, 0), false, 0), (goodbye(1), false, 1)], 302, Unknown, 0),
            ("stopped and back", vec![(goodbye(0), false, 0), (report(Healthy, 5), false, 5)], 10, Healthy, 1),
            ("stopped before we listened", vec![(goodbye(0), true, 0)], 1, Unknown, 0),
            ("lost before we listened", vec![(lost(), true, 0)], 1, Unhealthy, 1),
            ("lost long ago", vec![(lost(), false, 0)], 86_400, Unhealthy, 1),
        ] {
            let (pulses, begin) = (Pulses::default(), Instant::now());
            for (report, retained, heard_at) in reports {
                pulses.hear(Owner::Telescope, report, retained, begin + Duration::from_secs(heard_at));
            }
            let overview = pulses.overview(INTERVAL, begin + Duration::from_secs(looked_at), at(looked_at));
            assert_eq!((overview.status, overview.components.len()), (whole, parts), "{case}: {}", overview.message);
            assert!(overview.components.keys().all(|component| component == "telescope-coordinator"), "{case}");
        }
    }

    #[test]
    fn a_change_is_told_once_and_kept_until_it_is_recorded() {
        let (pulses, begin) = (Pulses::default(), Instant::now());
        let after = |seconds| begin + Duration::from_secs(seconds);
        let changes = |now| pulses.changes(INTERVAL, now).iter().map(|c| (c.from, c.report.status)).collect::<Vec<_>>();
        pulses.remember(Owner::Telescope, Status::Healthy);
        pulses.hear(Owner::Telescope, report(Status::Healthy, 0), false, begin);
        assert_eq!(changes(begin), []);
        pulses.hear(Owner::Message, report(Status::Degraded, 0), false, begin);
        assert_eq!(changes(begin), [(Status::Unknown, Status::Degraded)]);
        assert_eq!(changes(begin), []);
        pulses.hear(Owner::Message, report(Status::Degraded, 80), false, after(80));
        assert_eq!(changes(after(91)), [(Status::Healthy, Status::Unhealthy)]);
        assert_eq!(changes(after(92)), []);
        pulses.hear(Owner::Telescope, report(Status::Healthy, 93), false, after(93));
        assert_eq!(changes(after(93)), [(Status::Unhealthy, Status::Healthy)]);
        let unrecorded = pulses.take_unrecorded();
        assert_eq!(unrecorded.len(), 3);
        pulses.put_back(unrecorded.clone());
        assert_eq!(pulses.take_unrecorded(), unrecorded);
        assert_eq!(pulses.take_unrecorded(), []);
    }
}
