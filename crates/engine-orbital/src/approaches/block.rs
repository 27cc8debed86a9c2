//! Some steps of a search, one after the other.

use crate::Sgp4Error;

use super::{
    Finding, Screening, Search,
    chord::{dot, third_derivative},
    knots::{self, Knots, Positions},
    minimum::{Failure, Motion, Pair, Span},
    partial::Partial,
    sieve::{Candidate, Question, Sieve},
};

/// A pair is fast if its relative speed in km/s is more than this share of the threshold in km. The squared distance is convex as long
/// as speed² exceeds the gradient of gravity times distance²: from a speed of 0.002 of the threshold on.
const FAST_PER_S: f64 = 8e-3;

/// A pair is slow at any threshold below this, km/s.
const FAST_KM_S: f64 = 8e-3;

/// The bound of the third derivative is taken so much larger, since it is taken at one time of three steps.
const CAUTION: f64 = 4.0;

/// A run of steps with what it needs of its own. Room is used again, so one is kept for each core.
#[derive(Debug)]
pub(super) struct Block<'a> {
    screening: Screening<'a>,
    search: &'a Search,
    knots: Knots,
    /// Positions at the knot before the step, at both of its ends, and at the knot after.
    rows: [Positions; 4],
    filled: [Option<usize>; 4],
    sieve: Sieve,
    candidates: Vec<Candidate>,
}

impl<'a> Block<'a> {
    pub(super) fn new(screening: Screening<'a>, search: &'a Search, knots: Knots) -> Self {
        let rows = std::array::from_fn(|_| Positions::default());
        Self { screening, search, knots, rows, filled: [None; 4], sieve: Sieve::default(), candidates: Vec::new() }
    }

    /// All findings of a step, in the order of time.
    pub(super) fn step(&mut self, step: usize, findings: &mut Vec<Finding>) {
        self.load(step);
        let first = findings.len();
        let span = Span {
            begin: self.knots.seconds(step),
            end: self.knots.seconds(step + 1),
            opens: step == 0,
            closes: step + 1 == self.knots.steps(),
        };
        self.changes(span, findings);
        let question = Question::new(self.search.within_km, span.end - span.begin);
        let mut candidates = std::mem::take(&mut self.candidates);
        candidates.clear();
        match self.search.satellite {
            Some(satellite) => Sieve::one(satellite, (&self.rows[1], &self.rows[2]), question, &mut candidates),
            None => self.sieve.all(&self.rows[1], &self.rows[2], question, &mut candidates),
        }
        for candidate in &candidates {
            if let Some(motion) = self.motion(candidate, span) {
                self.refine((candidate.first as usize, candidate.second as usize), span, motion, findings);
            }
        }
        self.candidates = candidates;
        let found = findings.get_mut(first..).unwrap_or_default();
        found.sort_by_key(Finding::order);
        findings.dedup_by(|a, b| !matches!(a, Finding::Approach(_)) && a == b);
    }

    /// Moves the rows on, and fills those that are not there.
    fn load(&mut self, step: usize) {
        if self.filled[2] == Some(step) {
            self.rows.rotate_left(1);
            self.filled.rotate_left(1);
        }
        for place in 0..4 {
            let knot = (step + place).checked_sub(1).filter(|knot| *knot <= self.knots.steps());
            if self.filled[place] != knot {
                self.filled[place] = knot;
                if let Some(knot) = knot {
                    self.rows[place].fill(self.screening, &self.knots, knot);
                }
            }
        }
    }

    /// Who is lost and regained during the step, and what comes close to them.
    fn changes(&self, span: Span, findings: &mut Vec<Finding>) {
        let (begin, end) = (&self.rows[1], &self.rows[2]);
        let mut partials = Vec::new();
        for satellite in 0..self.screening.batch.len() {
            let (begins, ends) = (begin.has(satellite), end.has(satellite));
            if !begins && span.opens {
                let error = knots::error(self.screening, &self.knots, satellite, span.begin);
                let error = error.unwrap_or(Sgp4Error::OutOfReach);
                findings.push(Finding::Lost { satellite, at: self.knots.at(span.begin), error });
            }
            if begins == ends {
                continue;
            }
            if let Some(partial) = Partial::find(self.screening, &self.knots, satellite, span, begins) {
                findings.push(if begins {
                    Finding::Lost { satellite, at: self.knots.at(partial.span.end), error: partial.error }
                } else {
                    Finding::Regained { satellite, at: self.knots.at(partial.span.begin) }
                });
                partials.push(partial);
            }
        }
        for (index, partial) in partials.iter().enumerate() {
            self.around(partial, span, findings);
            for other in partials.get(index + 1..).unwrap_or_default() {
                if let Some(shared) = partial.shared(other) {
                    self.refine((partial.satellite, other.satellite), shared, Motion::Slow, findings);
                }
            }
        }
    }

    /// What comes close to a satellite that is known for a part of the step.
    fn around(&self, partial: &Partial, step: Span, findings: &mut Vec<Finding>) {
        let Ok(propagator) = self.screening.batch.propagator(partial.satellite) else { return };
        let (begin, end) = (&self.rows[1], &self.rows[2]);
        for other in (0..self.screening.batch.len()).filter(|other| begin.has(*other) && end.has(*other)) {
            let asked = (other, step, self.search.within_km);
            if self.is_asked(partial.satellite, other) && partial.meets(propagator, &self.knots, (begin, end), asked) {
                self.refine((partial.satellite, other), partial.span, Motion::Slow, findings);
            }
        }
    }

    fn is_asked(&self, first: usize, second: usize) -> bool {
        self.search.satellite.is_none_or(|satellite| satellite == first || satellite == second)
    }

    /// How a pair moves; nothing where its distance has no minimum in the step for sure.
    fn motion(&self, candidate: &Candidate, span: Span) -> Option<Motion> {
        let length = span.end - span.begin;
        if candidate.speed_km_s > (FAST_PER_S * self.search.within_km).max(FAST_KM_S) && length > 1.0 {
            let around = span.begin + 0.5 * length * (1.0 + candidate.share);
            return Some(Motion::Fast { around, speed_km_s: candidate.speed_km_s });
        }
        let is_inner = !span.opens && !span.closes && self.filled[3].is_some();
        if is_inner && self.is_monotonous(candidate, length) { None } else { Some(Motion::Slow) }
    }

    /// Whether the distance of a slow pair only grows or only shrinks during the step, by the distances at four knots.
    fn is_monotonous(&self, candidate: &Candidate, length_s: f64) -> bool {
        let (first, second) = (candidate.first as usize, candidate.second as usize);
        let squares = [0, 1, 2, 3].map(|place| {
            let (a, b) = (self.rows[place].of(first), self.rows[place].of(second));
            let between = [b[0] - a[0], b[1] - a[1], b[2] - a[2]];
            dot(between, between)
        });
        let position = self.rows[1].of(first);
        let lowest = dot(position, position).sqrt() * 0.95;
        let farthest = squares.into_iter().fold(0.0, f64::max).sqrt();
        let speed = candidate.speed_km_s + 1e-3;
        let third = CAUTION * third_derivative(farthest, speed, lowest);
        // The slope is half the derivative: a difference over two steps divided by four is off by step²/6 of the third derivative, and
        // between two slopes it departs from a line by step²/8 of it.
        let doubt = third * length_s * length_s * (1.0 / 6.0 + 1.0 / 8.0) + 1e-9 * (1.0 + farthest) / length_s;
        let slopes = [squares[2] - squares[0], squares[3] - squares[1]].map(|change| change / (4.0 * length_s));
        // Not a number where a position is missing: then neither holds.
        slopes.iter().all(|slope| *slope > doubt) || slopes.iter().all(|slope| *slope < -doubt)
    }

    /// The approaches of a pair in a span.
    fn refine(&self, pair: (usize, usize), span: Span, motion: Motion, findings: &mut Vec<Finding>) {
        let is_turned = match self.search.satellite {
            Some(satellite) => satellite == pair.1,
            None => pair.0 > pair.1,
        };
        let (primary, secondary) = if is_turned { (pair.1, pair.0) } else { pair };
        let batch = self.screening.batch;
        let (Ok(first), Ok(second)) = (batch.propagator(primary), batch.propagator(secondary)) else { return };
        let pair = Pair::new(&self.knots, (primary, first), (secondary, second));
        let asked = (&self.knots, self.search.within_km);
        let end = pair.approaches(asked, span, motion, |approach| findings.push(Finding::Approach(approach)));
        if let Err(Failure { satellite, error }) = end {
            findings.push(Finding::Lost { satellite, at: self.knots.at(span.begin), error });
            findings.push(Finding::Regained { satellite, at: self.knots.at(span.end) });
        }
    }
}
