//! Lanes: bounded queues in which messages wait, and the order in which they are executed.
//!
//! In a lane as many are executed at once as its concurrency says; what is about the same thing (its scope) is executed one after the
//! other, in the order of arrival. Safety overtakes everything: what waits for the same thing is dropped.

use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use observability::metrics;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// A message that waits to be executed.
pub(crate) struct Job {
    /// What it is about.
    pub(crate) scope: Option<String>,
    /// Whether it moves hardware, so that safety drops it.
    pub(crate) moves: bool,
    /// Executes it.
    pub(crate) run: futures_run::Boxed,
    /// Tells it that safety overtook it, once it is no longer waiting.
    pub(crate) overtaken: CancellationToken,
    /// Remembers why it is not executed, at once, and answers that.
    pub(crate) drop_with: Box<dyn FnOnce(vocabulary::Fault) -> futures_run::Boxed + Send>,
}

/// A boxed future without an outcome.
pub(crate) mod futures_run {
    use std::{future::Future, pin::Pin};

    pub(crate) type Boxed = Pin<Box<dyn Future<Output = ()> + Send>>;
}

/// One lane.
#[derive(Clone)]
pub(crate) struct Lane {
    owner: &'static str,
    name: &'static str,
    bounds: Arc<Bounds>,
    state: Arc<Mutex<State>>,
    tracker: TaskTracker,
}

#[derive(Debug)]
struct Bounds {
    capacity: AtomicUsize,
    concurrency: AtomicUsize,
}

#[derive(Default)]
struct State {
    running: usize,
    waiting: usize,
    ready: VecDeque<Job>,
    /// Scopes of which one is ready or running, and those that wait behind it.
    held: HashMap<String, VecDeque<Job>>,
    /// The scopes of which one is executed now, and how that one is told that it was overtaken.
    executed: HashMap<String, CancellationToken>,
}

impl Lane {
    pub(crate) fn new(
        owner: &'static str,
        name: &'static str,
        capacity: usize,
        concurrency: usize,
        tracker: TaskTracker,
    ) -> Self {
        let bounds =
            Arc::new(Bounds { capacity: AtomicUsize::new(capacity), concurrency: AtomicUsize::new(concurrency) });
        Self { owner, name, bounds, state: Arc::default(), tracker }
    }

    /// Changes the bounds; what waits already stays.
    pub(crate) fn resize(&self, capacity: usize, concurrency: usize) {
        self.bounds.capacity.store(capacity, Ordering::Relaxed);
        self.bounds.concurrency.store(concurrency, Ordering::Relaxed);
        self.pump();
    }

    /// Lets a job wait for its turn; gives it back if there is no room.
    pub(crate) fn submit(&self, job: Job) -> Result<(), Job> {
        {
            let mut state = self.lock();
            if state.waiting >= self.bounds.capacity.load(Ordering::Relaxed) {
                return Err(job);
            }
            state.waiting += 1;
            match &job.scope {
                Some(scope) => match state.held.get_mut(scope) {
                    Some(behind) => behind.push_back(job),
                    None => {
                        state.held.insert(scope.clone(), VecDeque::new());
                        state.ready.push_back(job);
                    }
                },
                None => state.ready.push_back(job),
            }
            self.gauge(&state);
        }
        self.pump();
        Ok(())
    }

    /// Takes out everything that waits to move `scope`, and tells what is executed for it that it was overtaken.
    pub(crate) fn take_moves(&self, scope: &str) -> Vec<Job> {
        let mut state = self.lock();
        let mut taken = Vec::new();
        if let Some(overtaken) = state.executed.get(scope) {
            overtaken.cancel();
        }
        if let Some(behind) = state.held.get_mut(scope) {
            let (moves, stay): (VecDeque<Job>, VecDeque<Job>) = behind.drain(..).partition(|job| job.moves);
            *behind = stay;
            taken.extend(moves);
        }
        let is_meant = |job: &Job| job.moves && job.scope.as_deref() == Some(scope);
        if let Some(index) = state.ready.iter().position(is_meant)
            && let Some(job) = state.ready.remove(index)
        {
            taken.push(job);
            release(&mut state, scope);
        }
        state.waiting -= taken.len();
        self.gauge(&state);
        taken
    }

    fn pump(&self) {
        loop {
            let job = {
                let mut state = self.lock();
                if state.running >= self.bounds.concurrency.load(Ordering::Relaxed) {
                    return;
                }
                let Some(job) = state.ready.pop_front() else { return };
                state.running += 1;
                state.waiting -= 1;
                if let Some(scope) = &job.scope {
                    state.executed.insert(scope.clone(), job.overtaken.clone());
                }
                self.gauge(&state);
                job
            };
            let lane = self.clone();
            self.tracker.spawn(async move {
                let scope = job.scope.clone();
                job.run.await;
                lane.finished(scope.as_deref());
            });
        }
    }

    fn finished(&self, scope: Option<&str>) {
        {
            let mut state = self.lock();
            state.running -= 1;
            if let Some(scope) = scope {
                state.executed.remove(scope);
                release(&mut state, scope);
            }
        }
        self.pump();
    }

    fn gauge(&self, state: &State) {
        metrics::gauge!(metrics::QUEUE_DEPTH, "owner" => self.owner, "lane" => self.name).set(state.waiting as f64);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The next of a scope may go, or the scope is free.
fn release(state: &mut State, scope: &str) {
    match state.held.get_mut(scope).and_then(VecDeque::pop_front) {
        Some(next) => state.ready.push_back(next),
        None => {
            state.held.remove(scope);
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;

    use super::*;

    fn job(name: &'static str, scope: Option<&str>, done: &mpsc::UnboundedSender<String>) -> Job {
        let (run_done, drop_done) = (done.clone(), done.clone());
        Job {
            scope: scope.map(str::to_owned),
            moves: true,
            overtaken: CancellationToken::new(),
            run: Box::pin(async move {
                tokio::task::yield_now().await;
                let _ = run_done.send(format!("ran {name}"));
            }),
            drop_with: Box::new(move |_| {
                Box::pin(async move {
                    let _ = drop_done.send(format!("dropped {name}"));
                })
            }),
        }
    }

    async fn outcomes(mut done: mpsc::UnboundedReceiver<String>, number: usize) -> Vec<String> {
        let mut outcomes = Vec::new();
        while outcomes.len() < number {
            outcomes.push(done.recv().await.unwrap());
        }
        outcomes
    }

    #[tokio::test]
    async fn the_same_scope_goes_in_order_and_others_beside_it() {
        let (sender, receiver) = mpsc::unbounded_channel();
        let lane = Lane::new("test", "ordinary", 100, 8, TaskTracker::new());
        for name in ["a1", "a2", "a3"] {
            lane.submit(job(name, Some("a"), &sender)).map_err(|_| ()).unwrap();
        }
        lane.submit(job("b1", Some("b"), &sender)).map_err(|_| ()).unwrap();
        lane.submit(job("free", None, &sender)).map_err(|_| ()).unwrap();
        let outcomes = outcomes(receiver, 5).await;
        let of_a: Vec<&String> = outcomes.iter().filter(|o| o.contains(" a")).collect();
        assert_eq!(of_a, ["ran a1", "ran a2", "ran a3"]);
    }

    #[tokio::test]
    async fn a_full_lane_gives_the_job_back() {
        let (sender, _receiver) = mpsc::unbounded_channel();
        let lane = Lane::new("test", "ordinary", 2, 0, TaskTracker::new());
        assert!(lane.submit(job("1", None, &sender)).is_ok());
        assert!(lane.submit(job("2", None, &sender)).is_ok());
        assert!(lane.submit(job("3", None, &sender)).is_err());
    }

    #[tokio::test]
    async fn safety_takes_out_what_waits() {
        let (sender, receiver) = mpsc::unbounded_channel();
        let lane = Lane::new("test", "ordinary", 100, 0, TaskTracker::new());
        for (name, scope) in [("a1", "a"), ("a2", "a"), ("b1", "b"), ("a3", "a")] {
            lane.submit(job(name, Some(scope), &sender)).map_err(|_| ()).unwrap();
        }
        assert_eq!(lane.take_moves("a").len(), 3);
        lane.submit(job("a4", Some("a"), &sender)).map_err(|_| ()).unwrap();
        lane.resize(100, 8);
        let mut outcomes = outcomes(receiver, 2).await;
        outcomes.sort();
        assert_eq!(outcomes, ["ran a4", "ran b1"]);
    }
}
