//! Satellites that SGP4 knows for a part of a step only: those that decay, or come back.

use crate::{Propagator, Sgp4Error};

use super::{
    Screening,
    chord::dot,
    knots::{Knots, Positions},
    minimum::Span,
};

/// The end of what is known is found to this, s.
const SHARPNESS_S: f64 = 1e-3;

/// The pull of gravity on the ground and a little more, km/s².
const PULL_KM_S2: f64 = 0.01;

/// What is known of a satellite in a step that it is known for at one end only.
#[derive(Debug, Clone, Copy)]
pub(super) struct Partial {
    pub(super) satellite: usize,
    pub(super) span: Span,
    /// Why there is nothing beyond.
    pub(super) error: Sgp4Error,
}

impl Partial {
    /// Of a satellite that has a position at one of the ends of a span. What is known is taken as one piece.
    pub(super) fn find(
        screening: Screening<'_>,
        knots: &Knots,
        satellite: usize,
        step: Span,
        begins: bool,
    ) -> Option<Self> {
        let propagator = screening.batch.propagator(satellite).ok()?;
        let start = knots.start_after(propagator.epoch());
        let (mut known, mut lost) = if begins { (step.begin, step.end) } else { (step.end, step.begin) };
        let mut error = propagator.minutes(start + lost / 60.0).err()?;
        while (lost - known).abs() > SHARPNESS_S {
            let middle = 0.5 * (known + lost);
            match propagator.minutes(start + middle / 60.0) {
                Ok(_) => known = middle,
                Err(other) => (lost, error) = (middle, other),
            }
        }
        let span =
            if begins { Span { end: known, closes: true, ..step } } else { Span { begin: known, opens: true, ..step } };
        Some(Self { satellite, span, error })
    }

    /// Whether a satellite that has positions at both ends of the step may come within a distance of this one. Generous, as this is rare.
    pub(super) fn meets(
        &self,
        propagator: &Propagator,
        knots: &Knots,
        (begin, end): (&Positions, &Positions),
        (other, step, within_km): (usize, Span, f64),
    ) -> bool {
        let middle = 0.5 * (self.span.begin + self.span.end);
        let Ok(state) = propagator.minutes(knots.start_after(propagator.epoch()) + middle / 60.0) else { return false };
        let (from, to) = (begin.of(other), end.of(other));
        let length = step.end - step.begin;
        let share = (middle - step.begin) / length;
        let speed = [0, 1, 2].map(|axis| (to[axis] - from[axis]) / length - state.velocity_km_s[axis]);
        let between = [0, 1, 2].map(|axis| from[axis] + (to[axis] - from[axis]) * share - state.position_km[axis]);
        let reach = 0.5 * (self.span.end - self.span.begin);
        let square = dot(speed, speed);
        let nearest = if square > 0.0 { (-dot(between, speed) / square).clamp(-reach, reach) } else { 0.0 };
        let vector = [0, 1, 2].map(|axis| between[axis] + speed[axis] * nearest);
        let slack = within_km + PULL_KM_S2 * length * length + 1.0;
        dot(vector, vector) <= slack * slack
    }

    /// What is known of both.
    pub(super) fn shared(&self, other: &Self) -> Option<Span> {
        let (a, b) = (self.span, other.span);
        let span = Span {
            begin: a.begin.max(b.begin),
            end: a.end.min(b.end),
            opens: if a.begin < b.begin { b.opens } else { a.opens },
            closes: if a.end > b.end { b.closes } else { a.closes },
        };
        (span.begin <= span.end).then_some(span)
    }
}
