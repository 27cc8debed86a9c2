//! What runs a stack: one port, behind which programs of this machine, a container engine or the compose command stand.

pub mod compose;
pub mod docker;
pub mod process;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

use async_trait::async_trait;
use serde::Serialize;
use vocabulary::{Clock, Timestamp};

use crate::{
    backup::Shelf,
    configuration::Kind,
    failure::Failure,
    plan::{Change, Plan},
    stack::{Fingerprint, Part, Stack},
};

/// How a service is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// It runs.
    Running,
    /// It ended, and is being started again.
    Restarting,
    /// It is frozen.
    Paused,
    /// It is there, but does not run.
    Stopped,
}

/// A service as it was found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Seen {
    /// Which service.
    pub kind: Kind,
    /// How it is.
    pub state: State,
    /// The engine's own name for it: a process, a container.
    pub id: String,
    /// What it was made of.
    #[serde(skip)]
    pub fingerprint: Fingerprint,
    /// What somebody changed since.
    pub drift: Vec<String>,
    /// Since when it runs.
    pub started_at: Option<Timestamp>,
    /// How often it was started again.
    pub restarts: u32,
}

/// A line that a service wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LogLine {
    /// When.
    pub at: Timestamp,
    /// Which service.
    pub service: Kind,
    /// What, without the line's end.
    pub text: String,
}

/// Which log lines are wanted.
#[derive(Debug, Clone)]
pub struct LogWish {
    /// Of these services.
    pub services: Vec<Kind>,
    /// Not older than this.
    pub since: Option<Timestamp>,
    /// At most so many of each service, the last ones.
    pub tail: usize,
}

/// A service that was started again runs after all if it has for so long; one that falls and is lifted in turn has not.
const STEADY: Duration = Duration::from_secs(10);

/// Whether a service that was started then runs for good, as far as can be told.
fn is_steady(started_at: Option<Timestamp>) -> bool {
    started_at.is_some_and(|started_at| Clock::system().now().since(started_at) >= STEADY)
}

/// What becomes of the data when a stack is taken down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Volumes {
    /// It stays.
    Keep,
    /// It is removed.
    Remove,
}

/// Where progress is told.
pub type Progress<'a> = &'a (dyn Fn(&str) + Send + Sync);

/// What runs a stack.
#[async_trait]
pub trait Runtime: Send + Sync {
    /// The name for people.
    fn name(&self) -> &'static str;

    /// Where this machine reaches each part, as far as that is another address than the one it is known by.
    async fn ways(&self, _stack: &Stack) -> BTreeMap<Kind, String> {
        BTreeMap::new()
    }

    /// What is there of this project now, wanted or not.
    ///
    /// # Errors
    /// Where it can't be found out.
    async fn look(&self, stack: &Stack) -> Result<Vec<Seen>, Failure>;

    /// Finds everything that would keep the plan from being carried out, before anything is changed.
    ///
    /// # Errors
    /// What is missing or taken.
    async fn foresee(&self, stack: &Stack, plan: &Plan) -> Result<(), Failure>;

    /// Carries out one change, to its end.
    ///
    /// # Errors
    /// Where it could not be.
    async fn apply(&self, stack: &Stack, change: &Change, progress: Progress<'_>) -> Result<(), Failure>;

    /// Removes what is left of the project when no service is there any more.
    ///
    /// # Errors
    /// Where something can't be removed.
    async fn clear(&self, stack: &Stack, volumes: Volumes) -> Result<Vec<String>, Failure>;

    /// Lines that services wrote, oldest first.
    ///
    /// # Errors
    /// Where they can't be read.
    async fn logs(&self, stack: &Stack, wish: &LogWish) -> Result<Vec<LogLine>, Failure>;

    /// What keeps a service from running, in its own words; empty where it runs.
    ///
    /// # Errors
    /// Where it can't be found out.
    async fn trouble(&self, stack: &Stack, kind: Kind) -> Result<Option<String>, Failure>;

    /// Stops a service, which stays there: `Deed::Start` goes on with it.
    ///
    /// # Errors
    /// Where it can't be stopped.
    async fn halt(&self, stack: &Stack, kind: Kind) -> Result<(), Failure>;

    /// A folder of this machine with what lies on a service's shelf, from `below` on: where it lies, or a copy below `staging`; nothing
    /// where there is none. A service that runs may write there meanwhile.
    ///
    /// # Errors
    /// Where it can't be copied.
    async fn fetch(
        &self,
        stack: &Stack,
        part: &Part,
        shelf: Shelf,
        below: &str,
        staging: &Path,
    ) -> Result<Option<PathBuf>, Failure>;

    /// Removes a folder of a service's data, which may run.
    ///
    /// # Errors
    /// Where it can't be removed.
    async fn discard(&self, stack: &Stack, part: &Part, below: &str) -> Result<(), Failure>;

    /// Makes `data`, a folder of this machine that may be taken, all that a service keeps, and puts `config` beside the files that are
    /// rendered for it. The service does not run, or is not there yet; `staging` is a folder for what is made on the way.
    ///
    /// # Errors
    /// Where it can't be put there.
    async fn refill(
        &self,
        stack: &Stack,
        part: &Part,
        data: &Path,
        config: Option<&Path>,
        staging: &Path,
    ) -> Result<(), Failure>;
}
