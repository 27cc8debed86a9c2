//! The way through the window: step by step on one core.

use std::ops::ControlFlow;

use super::{Finding, Screening, Search, block::Block, knots::Knots};

/// Reports what is found, step by step.
pub(super) fn walk(
    screening: &Screening,
    search: &Search,
    receiver: &mut dyn FnMut(Finding) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let knots = Knots::over(search);
    let mut block = Block::new(screening, search, knots);
    let mut findings = Vec::new();
    for step in 0..knots.steps() {
        block.step(step, &mut findings);
        findings.drain(..).try_for_each(&mut *receiver)?;
        let share = (step + 1) as f64 / knots.steps() as f64;
        receiver(Finding::Progress { until: knots.instant(step + 1), share })?;
    }
    ControlFlow::Continue(())
}
