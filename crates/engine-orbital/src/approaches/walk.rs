//! The way through the window: step by step on one core, in runs of steps on all, and what is found told in the order of time.

use std::ops::ControlFlow;

use rayon::prelude::*;

use crate::Cores;

use super::{Finding, Screening, Search, block::Block, knots::Knots};

/// So many steps a core takes at once: a run needs the positions at three knots more than it has steps.
const RUN: usize = 16;

/// Between two calls of the receiver, each core has so many runs: so that they end at about the same time.
const RUNS_PER_CORE: usize = 2;

/// Tells what is found.
pub(super) fn walk(
    screening: Screening<'_>,
    search: &Search,
    cores: Cores,
    receiver: &mut dyn FnMut(Finding) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let knots = Knots::over(search);
    match cores {
        Cores::One => on_one(Block::new(screening, search, knots), knots, receiver),
        Cores::All => on_all(screening, search, knots, receiver),
    }
}

fn on_one(mut block: Block<'_>, knots: Knots, receiver: &mut dyn FnMut(Finding) -> ControlFlow<()>) -> ControlFlow<()> {
    let mut findings = Vec::new();
    for step in 0..knots.steps() {
        block.step(step, &mut findings);
        findings.drain(..).try_for_each(&mut *receiver)?;
        receiver(progress(knots, step + 1))?;
    }
    ControlFlow::Continue(())
}

fn on_all(
    screening: Screening<'_>,
    search: &Search,
    knots: Knots,
    receiver: &mut dyn FnMut(Finding) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let runs = rayon::current_num_threads().max(1) * RUNS_PER_CORE;
    let mut blocks: Vec<(Block<'_>, Vec<Finding>)> =
        (0..runs).map(|_| (Block::new(screening, search, knots), Vec::new())).collect();
    let mut done = 0;
    while done < knots.steps() {
        let until = (done + runs * RUN).min(knots.steps());
        blocks.par_iter_mut().enumerate().for_each(|(run, (block, findings))| {
            let first = done + run * RUN;
            (first..(first + RUN).min(until)).for_each(|step| block.step(step, findings));
        });
        blocks.iter_mut().flat_map(|(_, findings)| findings.drain(..)).try_for_each(&mut *receiver)?;
        done = until;
        receiver(progress(knots, done))?;
    }
    ControlFlow::Continue(())
}

fn progress(knots: Knots, done: usize) -> Finding {
    Finding::Progress { until: knots.instant(done), share: done as f64 / knots.steps() as f64 }
}
