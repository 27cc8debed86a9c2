//! Approaches by brute force: each pair's distance every few seconds, and each dip of it narrowed down.

use std::time::Duration;

use engine_orbital::{Approach, Elements, Extent, Gravity, Propagator};
use vocabulary::Timestamp;

/// Seconds between two looks. No two minima of a pair are nearer.
const LOOK_S: f64 = 4.0;

#[derive(Debug, Clone, Copy)]
pub(super) struct Encounter {
    pub(super) pair: (usize, usize),
    pub(super) at: Timestamp,
    pub(super) distance_km: f64,
    pub(super) speed_km_s: f64,
    pub(super) extent: Extent,
    /// Where it is at an end of the window, how far the minimum is from there, about; else zero.
    from_minimum_s: f64,
}

impl Encounter {
    /// How near an end of the window it may as well not be there.
    pub(super) fn blur_s(&self) -> f64 {
        if self.speed_km_s < 0.1 && self.from_minimum_s < 1.0 { 1.0 } else { 0.0 }
    }

    /// The same pair, time and distance. The time of the least distance of two that move along side by side is not sharp.
    pub(super) fn is(&self, approach: &Approach) -> bool {
        let apart = approach.at.since(self.at).max(self.at.since(approach.at)).as_secs_f64();
        let blur = if self.speed_km_s > 0.1 { 0.001 } else { 0.001 + 1e-3 / self.speed_km_s.max(1e-5) };
        (approach.primary, approach.secondary) == self.pair
            && approach.extent == self.extent
            && apart <= blur
            && (approach.miss_distance_km - self.distance_km).abs() < 1e-6
    }
}

/// All encounters of all pairs.
pub(super) fn force(elements: &[Elements], from: Timestamp, to: Timestamp, within_km: f64) -> Vec<Encounter> {
    let length = to.since(from).as_secs_f64();
    let looks = ((length / LOOK_S).ceil() as usize).max(1);
    // One look before the window and one after it, so that dips at its ends are whole.
    let time = |look: usize| length * (look as f64 - 1.0) / looks as f64;
    let ways: Vec<Way> = elements.iter().map(|elements| Way::new(elements, from)).collect();
    let tracks: Vec<Vec<[f64; 3]>> =
        ways.iter().map(|way| (0..looks + 3).map(|look| way.position(time(look))).collect()).collect();
    let mut found = Vec::new();
    for (first, (way, track)) in ways.iter().zip(&tracks).enumerate() {
        for (second, (other, its_track)) in ways.iter().zip(&tracks).enumerate().skip(first + 1) {
            let pair = Pair { places: (first, second), ways: (way, other), from };
            let squares: Vec<f64> = track.iter().zip(its_track).map(|(a, b)| square(a, b)).collect();
            found.extend(pair.end(0.0, Extent::Start, within_km));
            for (look, dip) in squares.windows(3).enumerate() {
                // Between two looks a pair comes no nearer than by its greatest speed.
                let is_near = dip[1].sqrt() < within_km + 23.0 * LOOK_S;
                if is_near && dip[1] < dip[0] && dip[1] <= dip[2] {
                    found.extend(pair.narrow((time(look), time(look + 2)), length, within_km));
                }
            }
            found.extend(pair.end(length, Extent::End, within_km));
        }
    }
    found
}

/// How far a time is from the minimum of a pair that moves along side by side, about; by positions alone, as everything here.
pub(super) fn from_minimum_s(elements: &[Elements], approach: &Approach) -> f64 {
    let ways = [approach.primary, approach.secondary].map(|place| Way::new(&elements[place], approach.at));
    let pair = Pair { places: (approach.primary, approach.secondary), ways: (&ways[0], &ways[1]), from: approach.at };
    pair.beside_minimum_s(0.0)
}

struct Way {
    propagator: Option<Propagator>,
    start_minutes: f64,
}

impl Way {
    fn new(elements: &Elements, from: Timestamp) -> Self {
        let minutes = (from.instant() - elements.epoch.instant()).whole_microseconds() as f64 / 6e7;
        Self { propagator: Propagator::new(elements, Gravity::Wgs72).ok(), start_minutes: minutes }
    }

    fn position(&self, seconds: f64) -> [f64; 3] {
        let state = self.propagator.as_ref().and_then(|way| way.minutes(self.start_minutes + seconds / 60.0).ok());
        state.map_or([f64::NAN; 3], |state| state.position_km)
    }
}

struct Pair<'a> {
    places: (usize, usize),
    ways: (&'a Way, &'a Way),
    from: Timestamp,
}

impl Pair<'_> {
    fn square(&self, seconds: f64) -> f64 {
        square(&self.ways.0.position(seconds), &self.ways.1.position(seconds))
    }

    /// By a parabola through three times.
    fn beside_minimum_s(&self, seconds: f64) -> f64 {
        let [before, here, after] = [-2.0, 0.0, 2.0].map(|by| self.square(seconds + by));
        ((after - before) / (before - 2.0 * here + after)).abs()
    }

    /// The least distance in a span by thirds, if it is in the window and within the threshold.
    fn narrow(&self, (mut low, mut high): (f64, f64), length: f64, within_km: f64) -> Option<Encounter> {
        while high - low > 1e-5 {
            let (a, b) = (low + (high - low) / 3.0, high - (high - low) / 3.0);
            if self.square(a) < self.square(b) { high = b } else { low = a }
        }
        let seconds = 0.5 * (low + high);
        if seconds > 0.0 && seconds < length { self.encounter(seconds, Extent::Minimum, within_km) } else { None }
    }

    /// An end of the window, if the distance is greater farther inside.
    fn end(&self, seconds: f64, extent: Extent, within_km: f64) -> Option<Encounter> {
        let slope = self.square(seconds + 0.05) - self.square(seconds - 0.05);
        let is_nearest = if extent == Extent::Start { slope >= 0.0 } else { slope < 0.0 };
        if is_nearest { self.encounter(seconds, extent, within_km) } else { None }
    }

    fn encounter(&self, seconds: f64, extent: Extent, within_km: f64) -> Option<Encounter> {
        let moved = |way: &Way| {
            let (a, b) = (way.position(seconds - 0.5), way.position(seconds + 0.5));
            [b[0] - a[0], b[1] - a[1], b[2] - a[2]]
        };
        let speed_km_s = square(&moved(self.ways.0), &moved(self.ways.1)).sqrt();
        let distance_km = self.square(seconds).sqrt();
        let from_minimum_s = if extent == Extent::Minimum { 0.0 } else { self.beside_minimum_s(seconds) };
        let at = self.from.plus(Duration::from_nanos((seconds * 1e9) as u64));
        let encounter = Encounter { pair: self.places, at, distance_km, speed_km_s, extent, from_minimum_s };
        (distance_km <= within_km).then_some(encounter)
    }
}

fn square(a: &[f64; 3], b: &[f64; 3]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
}
