//! How long `bigskies up` takes to be ready, on a fresh folder and on one that it knows, and what it weighs with its database.

use std::time::{Duration, Instant};

use crate::{
    Outcome,
    memory::{Share, descendants, share_of},
    observatory::On,
    server::Places,
    table::{Goal, Table, Unit},
};

const FRESH_GOAL_SECONDS: f64 = 5.0;
const WARM_GOAL_SECONDS: f64 = 1.5;
const MEMORY_GOAL_BYTES: f64 = 150e6;
/// How long it runs before it is weighed.
const SETTLED: Duration = Duration::from_secs(10);
/// A start is seconds long, so few rounds will do.
const ROUNDS_MAX: usize = 3;

/// Each round is a fresh start, a stop, and a warm start.
pub(crate) fn measure(places: &Places, rounds: usize, table: &mut Table) -> Outcome<()> {
    let (mut fresh, mut warm, mut weights) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..rounds.min(ROUNDS_MAX) {
        let folder = places.fresh("start")?;
        for (times, is_fresh) in [(&mut fresh, true), (&mut warm, false)] {
            let started = Instant::now();
            let up = places.up(&folder, On::Own)?;
            times.push(started.elapsed().as_secs_f64());
            if round == 0 {
                up.process.stays(SETTLED)?;
                weights.push(weigh(up.process.id())?);
            }
            if is_fresh {
                // The warm one finds an account and its key.
                places.operator(&up)?;
            }
            up.process.stop()?;
        }
    }
    table.alone("`up` until ready, fresh folder", Unit::Seconds, Goal::AtMost(FRESH_GOAL_SECONDS), &fresh);
    table.alone("`up` until ready, warm", Unit::Seconds, Goal::AtMost(WARM_GOAL_SECONDS), &warm);
    for (name, (own, database)) in ["fresh", "warm"].into_iter().zip(weights) {
        let goal = Goal::AtMost(MEMORY_GOAL_BYTES);
        table.alone(&format!("memory of `up` with PostgreSQL, {name}"), Unit::Bytes, goal, &[own + database]);
        table.alone("  of which bigskies", Unit::Bytes, Goal::None, &[own]);
        table.alone("  of which PostgreSQL", Unit::Bytes, Goal::None, &[database]);
    }
    Ok(())
}

/// The process alone, and all that it has started.
fn weigh(process: u32) -> Outcome<(f64, f64)> {
    let servers = descendants(process)?;
    // A server's worker may end while we look.
    let database: u64 = servers.into_iter().filter_map(|server| share_of(server, Share::Whole).ok()).sum();
    Ok((share_of(process, Share::Whole)? as f64, database as f64))
}
