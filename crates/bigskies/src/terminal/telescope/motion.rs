//! A motion from its beginning to its end, as a person sees it: what it is, how far it is, how it ended.

use std::{io::IsTerminal as _, time::Duration};

use catalog::{
    Event as _, Owner, State as _,
    telescope::{MotionStarted, Position, SlewEnded, SlewOutcome},
    topic,
};
use health::Report;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::time::Instant;
use vocabulary::Fault;

use crate::terminal::{
    client::Client,
    listen::{Heard, Listener, payload},
    output::{Ending, Output, Paint},
    telescope::{
        arguments::Waiting,
        goal::Goal,
        position::doings,
        roll::{Named, Roll},
    },
};

/// The longest that the end of a motion is waited for. The slowest mounts turn once around in a quarter of an hour.
const MOTION_LIMIT: Duration = Duration::from_secs(30 * 60);
/// The steps of the progress bar.
const STEPS: u64 = 1000;
/// After so many positions that know nothing of the motion its end was missed.
const STRANGE_POSITIONS_MAX: u32 = 5;

/// A motion that is about to begin, or under way.
pub(crate) struct Motion {
    label: String,
    name: String,
    listener: Option<Listener>,
}

impl Motion {
    /// Prepares to follow a motion. Listening begins before the motion does, so that its end can't be missed.
    ///
    /// # Errors
    /// `unavailable` where it can't be subscribed to.
    pub(crate) async fn expect(client: &Client, roll: &Roll, named: &Named, waiting: Waiting) -> Result<Self, Fault> {
        let listener = match waiting {
            Waiting::ForTheEnd => {
                let filters =
                    vec![topic::event(SlewEnded::NAME), topic::states(Position::NAME), topic::health(Owner::Telescope)];
                Some(Listener::new(client, filters).await?)
            }
            Waiting::ForTheBeginning => None,
        };
        Ok(Self { label: roll.label(named), name: named.name().to_owned(), listener })
    }

    /// Shows that the motion has begun and, if that is wanted, follows it to its end.
    ///
    /// # Errors
    /// Why the motion failed, was stopped, or could not be followed.
    pub(crate) async fn follow(self, started: MotionStarted, goal: &Goal, out: &mut Output) -> Result<(), Ending> {
        out.show(&started, |_| format!("{} {}; operation {}", self.label, goal.words(), started.operation_id))?;
        let Some(listener) = self.listener else { return Ok(()) };
        let progress = Progress::new(*goal);
        let ended = follow_to_the_end(listener, &started, &self.name, progress).await?;
        out.show(&ended, |paint| end_in_words(paint, &self.label, &ended))?;
        match outcome(&self.label, &ended) {
            Some(fault) => Err(fault.into()),
            None => Ok(()),
        }
    }
}

async fn follow_to_the_end(
    mut listener: Listener,
    started: &MotionStarted,
    name: &str,
    mut progress: Progress,
) -> Result<SlewEnded, Fault> {
    let goes_on = format!("it goes on; `bigskies telescope abort {name:?}` stops it");
    let limit = Instant::now() + MOTION_LIMIT;
    let mut strange = 0;
    loop {
        let heard = tokio::select! {
            heard = listener.next() => heard?,
            () = tokio::time::sleep_until(limit) => {
                let minutes = MOTION_LIMIT.as_secs() / 60;
                return Err(Fault::timeout(format!("motion of {name} has not ended within {minutes} minutes")).hint(goes_on));
            }
        };
        let delivery = match heard {
            Heard::Message(delivery) => delivery,
            Heard::Interrupted => {
                return Err(Fault::timeout(format!("motion of {name} was not waited for")).hint(goes_on));
            }
        };
        if delivery.topic == topic::event(SlewEnded::NAME) {
            if let Some(ended) = payload::<SlewEnded>(&delivery).filter(|e| e.operation_id == started.operation_id) {
                return Ok(ended);
            }
        } else if delivery.topic == topic::health(Owner::Telescope) {
            if payload::<Report>(&delivery).is_some_and(|report| is_gone(&report)) {
                return Err(Fault::unavailable(format!("{} stopped while {name} moved", Owner::Telescope.component()))
                    .hint("how the motion goes on is not known; look at the telescope"));
            }
        } else if let Some(position) = payload::<Position>(&delivery).filter(|p| p.device_id == started.device_id) {
            progress.show(&position);
            let is_ours = delivery.retained || position.operation_id.as_ref() == Some(&started.operation_id);
            strange = if is_ours { 0 } else { strange + 1 };
            if strange >= STRANGE_POSITIONS_MAX {
                return Err(Fault::unavailable(format!("end of the motion of {name} was not heard"))
                    .hint("it is over; `bigskies telescope status` says where the telescope is"));
            }
        }
    }
}

/// Whether its coordinator's connection is gone, as its last will or goodbye says.
fn is_gone(report: &Report) -> bool {
    report.details.get("connection").is_some_and(|word| word == "lost" || word == "closed")
}

/// How a motion ended, in words.
fn end_in_words(paint: Paint, label: &str, ended: &SlewEnded) -> String {
    match ended.outcome {
        SlewOutcome::Arrived => format!("{label} {}", paint.good("has arrived")),
        SlewOutcome::Parked => format!("{label} {}", paint.good("is parked")),
        SlewOutcome::Aborted => format!("{label} {}", paint.doubtful("was stopped")),
        SlewOutcome::Failed => format!("{label} {}", paint.bad("failed to get there")),
    }
}

/// The fault of a motion that did not lead where it should.
fn outcome(label: &str, ended: &SlewEnded) -> Option<Fault> {
    match ended.outcome {
        SlewOutcome::Arrived | SlewOutcome::Parked => None,
        SlewOutcome::Aborted => Some(
            Fault::conflict(format!("motion of {label} was stopped, or it was sent elsewhere"))
                .hint("`bigskies telescope status` says where it is"),
        ),
        SlewOutcome::Failed => Some(ended.failure.clone().unwrap_or_else(|| {
            Fault::internal(format!("motion of {label} failed")).hint("`bigskies telescope status` says where it is")
        })),
    }
}

/// The bar that fills as the mount comes nearer; where it is not known how near it is, only a sign of life. On standard error,
/// and only where that is a terminal.
struct Progress {
    goal: Goal,
    furthest_degrees: f64,
    bar: ProgressBar,
}

impl Progress {
    fn new(goal: Goal) -> Self {
        let bar = ProgressBar::new(STEPS);
        if !std::io::stderr().is_terminal() {
            bar.set_draw_target(ProgressDrawTarget::hidden());
        }
        let known = matches!(goal, Goal::Equatorial(_) | Goal::Horizontal(_));
        let template = if known { "{spinner} [{bar:40}] {msg}" } else { "{spinner} {msg}" };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.set_message("waiting for the first position");
        Self { goal, furthest_degrees: 0.0, bar }
    }

    fn show(&mut self, position: &Position) {
        let left = self.goal.separation(position).map(astrometry::Separation::degrees);
        if let Some(left) = left {
            self.furthest_degrees = self.furthest_degrees.max(left);
            self.bar.set_position(done(self.furthest_degrees, left));
        }
        self.bar.set_message(message(left, position));
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// How many of the steps are done.
fn done(furthest_degrees: f64, left_degrees: f64) -> u64 {
    if furthest_degrees <= 0.0 {
        return STEPS;
    }
    let share = (1.0 - left_degrees / furthest_degrees).clamp(0.0, 1.0);
    (share * STEPS as f64).round() as u64
}

fn message(left_degrees: Option<f64>, position: &Position) -> String {
    let doings = doings(position);
    let does = doings.text();
    match (left_degrees, position.altitude, position.azimuth) {
        (Some(left), _, _) if left < 1.0 => format!("{:.1}' to go, {does}", left * 60.0),
        (Some(left), _, _) => format!("{left:.1} degrees to go, {does}"),
        (None, Some(altitude), Some(azimuth)) => format!("altitude {altitude}, azimuth {azimuth}, {does}"),
        (None, _, _) => does.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use catalog::Shape as _;
    use vocabulary::Code;

    use super::*;

    #[test]
    fn progress() {
        for (furthest, left, steps) in
            [(90.0, 90.0, 0), (90.0, 45.0, 500), (90.0, 0.0, 1000), (0.0, 0.0, 1000), (10.0, 11.0, 0)]
        {
            assert_eq!(done(furthest, left), steps, "{left} of {furthest}");
        }
    }

    #[test]
    fn messages() {
        let position = Position::example();
        for (left, position, words) in [
            (Some(41.25), &position, "41.2 degrees to go, slewing, tracking"),
            (Some(0.5), &position, "30.0' to go, slewing, tracking"),
            (None, &position, "altitude 42d30m00.0s, azimuth 151d12m00.0s, slewing, tracking"),
            (None, &Position { altitude: None, ..Position::example() }, "slewing, tracking"),
        ] {
            assert_eq!(message(left, position), words);
        }
    }

    #[test]
    fn ends() {
        let failure = Some(Fault::unavailable("device fell silent"));
        for (outcome_is, failure, code, words) in [
            (SlewOutcome::Arrived, None, None, "Main has arrived"),
            (SlewOutcome::Parked, None, None, "Main is parked"),
            (SlewOutcome::Aborted, None, Some(Code::Conflict), "Main was stopped"),
            (SlewOutcome::Failed, failure, Some(Code::Unavailable), "Main failed to get there"),
            (SlewOutcome::Failed, None, Some(Code::Internal), "Main failed to get there"),
        ] {
            let ended = SlewEnded { outcome: outcome_is, failure, ..SlewEnded::example() };
            assert_eq!(outcome("Main", &ended).map(|fault| fault.code), code, "{ended:?}");
            assert_eq!(end_in_words(Paint::Plain, "Main", &ended), words);
        }
    }
}
