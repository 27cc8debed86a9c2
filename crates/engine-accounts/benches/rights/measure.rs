//! How long something takes.

use std::time::Instant;

/// Nanoseconds for each of `count` doings.
pub(crate) fn nanoseconds(count: usize, mut all: impl FnMut()) -> f64 {
    let started = Instant::now();
    all();
    started.elapsed().as_secs_f64() * 1e9 / count as f64
}
