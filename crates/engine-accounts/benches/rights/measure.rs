//! How long something takes: the median of rounds.

use std::time::Instant;

const ROUNDS: usize = 7;

/// Nanoseconds for each of `count` doings.
pub(crate) fn nanoseconds(count: usize, mut all: impl FnMut()) -> f64 {
    let mut rounds: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let started = Instant::now();
            all();
            started.elapsed().as_secs_f64() * 1e9 / count as f64
        })
        .collect();
    rounds.sort_by(f64::total_cmp);
    rounds[ROUNDS / 2]
}

/// A time in the unit that a person reads it in.
pub(crate) fn readable(nanoseconds: f64) -> String {
    match nanoseconds {
        n if n < 1e3 => format!("{n:.1} ns"),
        n if n < 1e6 => format!("{:.2} µs", n / 1e3),
        n => format!("{:.2} ms", n / 1e6),
    }
}
