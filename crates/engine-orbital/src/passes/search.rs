//! A search at work: satellite by satellite, each in blocks of half a day, over all stations.

use std::{
    ops::ControlFlow,
    sync::{
        atomic::{AtomicUsize, Ordering},
        mpsc::sync_channel,
    },
};

use super::{
    Begin, End, Failure, Observer, PassFinding, PassSearch,
    arc::{Exact, Knots, STEP_SECONDS, Turning, later},
    scene::{Horizon, Scene, Sink},
    watch::Watch,
};
use crate::{
    ephemeris::Cores,
    sgp4::{Propagator, Sgp4Error},
    vector::minus,
};

/// Steps in a block: half a day, so that its places stay in the processor's cache and whoever listens is asked often.
const BLOCK_STEPS: usize = 720;
/// Fewer steps make no polynomial; a shorter window is computed on past its end.
const STEPS_MIN: usize = 5;
/// Findings that a thread brings at once, or fewer where it is done with a block: each bringing may wake whoever listens, which takes as long as some passes.
const SHEAF: usize = 64;
/// Sheaves that wait for whoever listens; more, and the searching threads wait.
const QUEUE_LENGTH: usize = 32;
/// How well the end of what SGP4 can tell is looked for.
const LOST_SECONDS: f64 = 5e-3;

impl PassSearch {
    /// Looks for the passes of satellites over all stations and tells each finding to `sink`, on the thread of the caller, as it is found.
    /// When `sink` breaks, the search ends within a block and breaks, too. Memory does not grow with the window or what is found.
    ///
    /// On one core the findings come satellite by satellite; on all (as many threads as the current rayon pool has) those of several satellites come mixed.
    pub fn run(
        &self,
        satellites: &[Propagator],
        cores: Cores,
        mut sink: impl FnMut(PassFinding) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let threads = match cores {
            Cores::One => 1,
            Cores::All => rayon::current_num_threads().min(satellites.len()),
        };
        if threads > 1 {
            return self.run_on(threads, satellites, &mut sink);
        }
        let mut knots = Knots::default();
        satellites
            .iter()
            .enumerate()
            .try_for_each(|(index, satellite)| Search::new(self, index, satellite).whole(&mut knots, &mut sink))
    }

    fn run_on(&self, threads: usize, satellites: &[Propagator], sink: &mut Sink<'_>) -> ControlFlow<()> {
        let next = AtomicUsize::new(0);
        let (sender, receiver) = sync_channel(QUEUE_LENGTH);
        std::thread::scope(|scope| {
            for _ in 0..threads {
                let sender = sender.clone();
                let next = &next;
                scope.spawn(move || {
                    let mut knots = Knots::default();
                    let mut sheaf = Vec::new();
                    let mut tell = |finding| {
                        sheaf.push(finding);
                        if sheaf.len() < SHEAF && !matches!(finding, PassFinding::Searched { .. }) {
                            return ControlFlow::Continue(());
                        }
                        match sender.send(std::mem::take(&mut sheaf)) {
                            Ok(()) => ControlFlow::Continue(()),
                            // Nobody listens any longer.
                            Err(_) => ControlFlow::Break(()),
                        }
                    };
                    loop {
                        let index = next.fetch_add(1, Ordering::Relaxed);
                        let Some(satellite) = satellites.get(index) else { break };
                        if Search::new(self, index, satellite).whole(&mut knots, &mut tell).is_break() {
                            break;
                        }
                    }
                });
            }
            drop(sender);
            receiver.into_iter().flatten().try_for_each(sink)
        })
    }
}

/// The search for one satellite.
struct Search<'a> {
    search: &'a PassSearch,
    index: usize,
    satellite: &'a Propagator,
    watches: Vec<Watch>,
    /// Since when SGP4 cannot tell where it is, and why.
    lost: Option<(f64, Sgp4Error)>,
}

/// A part of the window between two knots.
struct Block<'k> {
    knots: &'k Knots,
    /// The last knot, counted in the block; the window may end before it.
    last: usize,
    to_seconds: f64,
}

impl<'a> Search<'a> {
    fn new(search: &'a PassSearch, index: usize, satellite: &'a Propagator) -> Self {
        let watches = vec![Watch::default(); search.observers.len()];
        Self { search, index, satellite, watches, lost: None }
    }

    fn whole(mut self, knots: &mut Knots, sink: &mut Sink<'_>) -> ControlFlow<()> {
        let window = self.search.window;
        let end = window.seconds();
        let steps = (end / STEP_SECONDS).ceil().max(1.0) as usize;
        let mut first = 0;
        while first < steps {
            let last = (first + BLOCK_STEPS).min(steps);
            let from = first as f64 * STEP_SECONDS;
            let to_seconds = end.min(last as f64 * STEP_SECONDS);
            let turning = Turning::between(window.from, from, last as f64 * STEP_SECONDS, &self.search.orientations);
            let exact = Exact::new(self.satellite, window.from, turning);
            knots.fill(&exact, window.from, first, (last - first).max(STEPS_MIN) + 1);
            self.block(&Block { knots, last: last - first, to_seconds }, &exact, sink)?;
            if last == steps {
                self.close(&exact, end, End::WindowCloses, sink)?;
                self.found(end, sink)?;
            }
            sink(PassFinding::Searched { satellite: self.index, until: later(window.from, to_seconds) })?;
            first = last;
        }
        ControlFlow::Continue(())
    }

    /// Runs of good knots, and what lies between them.
    fn block(&mut self, block: &Block<'_>, exact: &Exact<'_>, sink: &mut Sink<'_>) -> ControlFlow<()> {
        let mut knot = 0;
        while knot <= block.last {
            match block.knots.error(knot) {
                // The last knot may lie beyond the end of the window.
                Some(_) if block.knots.time(knot) > block.to_seconds => break,
                Some(error) => {
                    self.bad(block.knots.time(knot), error, exact, sink)?;
                    knot += 1;
                }
                None => {
                    let last = (knot..=block.last).take_while(|at| block.knots.error(*at).is_none()).last();
                    let last = last.unwrap_or(knot);
                    self.good(block, knot, last, exact, sink)?;
                    knot = last + 1;
                }
            }
        }
        ControlFlow::Continue(())
    }

    /// One knot without a place.
    fn bad(&mut self, seconds: f64, error: Sgp4Error, exact: &Exact<'_>, sink: &mut Sink<'_>) -> ControlFlow<()> {
        match self.lost {
            Some((_, known)) if known == error => {}
            Some(_) => {
                self.found(seconds, sink)?;
                self.lost = Some((seconds, error));
            }
            None => {
                self.close(exact, seconds, End::Lost(error), sink)?;
                self.lost = Some((seconds, error));
            }
        }
        ControlFlow::Continue(())
    }

    /// Knots with places, from one to another, and the ways to the last places before and after.
    fn good(
        &mut self,
        block: &Block<'_>,
        first: usize,
        last: usize,
        exact: &Exact<'_>,
        sink: &mut Sink<'_>,
    ) -> ControlFlow<()> {
        let knots = block.knots;
        let from = knots.time(first);
        let mut begins = if from > 0.0 { Begin::Rise } else { Begin::WindowOpens };
        if self.lost.is_some() {
            let (begin, _) = edge(exact, from, (from - STEP_SECONDS).max(0.0));
            self.found(begin, sink)?;
            begins = Begin::Recovered;
            if begin < from {
                self.exactly([begin, from.min(block.to_seconds)], begins, exact, sink)?;
                begins = Begin::Rise;
            }
        }
        // Knots beyond the end of the window serve the polynomials.
        let mut known = last;
        while last == block.last && knots.is_good(known + 1) {
            known += 1;
        }
        let to = knots.time(last).min(block.to_seconds);
        match knots.arc(first, known, to).filter(|arc| arc.is_smooth()) {
            Some(arc) => {
                for observer in 0..self.watches.len() {
                    let Some((watch, mut scene)) = self.scene(observer, exact, sink) else { continue };
                    match scene.horizon().mask.constant() {
                        Some(_) => watch.follow(&mut scene, &arc, begins)?,
                        None => watch.follow_shape(&mut scene, &arc, begins)?,
                    }
                }
            }
            None => self.exactly([from, to], begins, exact, sink)?,
        }
        let Some(error) = (last < block.last).then(|| knots.error(last + 1)).flatten() else {
            return ControlFlow::Continue(());
        };
        let (lost, gone) = edge(exact, to, knots.time(last + 1));
        // What comes first may be another error than that at the knot.
        let error = exact.position(gone).err().unwrap_or(error);
        let lost = lost.min(block.to_seconds);
        self.exactly([to, lost], Begin::Rise, exact, sink)?;
        if lost < block.to_seconds {
            self.close(exact, lost, End::Lost(error), sink)?;
            self.lost = Some((lost, error));
        }
        ControlFlow::Continue(())
    }

    fn exactly(&mut self, span: [f64; 2], begins: Begin, exact: &Exact<'_>, sink: &mut Sink<'_>) -> ControlFlow<()> {
        for observer in 0..self.watches.len() {
            let Some((watch, mut scene)) = self.scene(observer, exact, sink) else { continue };
            watch.follow_exactly(&mut scene, span, begins)?;
        }
        ControlFlow::Continue(())
    }

    /// Ends the passes that are going on.
    fn close(&mut self, exact: &Exact<'_>, seconds: f64, ends: End, sink: &mut Sink<'_>) -> ControlFlow<()> {
        for observer in 0..self.watches.len() {
            let Some((watch, mut scene)) = self.scene(observer, exact, sink) else { continue };
            let Some(open) = watch.open() else { continue };
            // Where it was seen last but cannot be asked, the highest place stands for it.
            let station = scene.horizon().station.position_km();
            let place = exact.position(seconds).map(|place| minus(&place, station));
            let point = place.map_or(open.peak, |away| scene.horizon().point(seconds, away));
            watch.set(&mut scene, ends, point)?;
        }
        ControlFlow::Continue(())
    }

    /// SGP4 can tell again, or the window is over.
    fn found(&mut self, seconds: f64, sink: &mut Sink<'_>) -> ControlFlow<()> {
        let opening = self.search.window.from;
        match self.lost.take() {
            Some((from, error)) => sink(PassFinding::Failure(Failure {
                satellite: self.index,
                from: later(opening, from),
                to: later(opening, seconds),
                error,
            })),
            None => ControlFlow::Continue(()),
        }
    }

    fn scene<'s, 'k>(
        &'s mut self,
        observer: usize,
        exact: &Exact<'s>,
        sink: &'s mut Sink<'k>,
    ) -> Option<(&'s mut Watch, Scene<'s, 'k>)> {
        let Observer { station, mask } = self.search.observers.get(observer)?;
        let lowest_sine = mask.lowest_degrees().to_radians().sin();
        let horizon = Horizon { station, mask, lowest_sine };
        let watch = self.watches.get_mut(observer)?;
        Some((watch, Scene { search: self.search, satellite: self.index, observer, horizon, exact: *exact, sink }))
    }
}

/// The last instant with a place and the first without, on the way from one that has it to one that has not.
fn edge(exact: &Exact<'_>, mut good: f64, mut bad: f64) -> (f64, f64) {
    while (bad - good).abs() > LOST_SECONDS {
        let middle = (good + bad) / 2.0;
        match exact.position(middle) {
            Ok(_) => good = middle,
            Err(_) => bad = middle,
        }
    }
    (good, bad)
}
