//! The first files of an engine: a crate that probes in a task of its own, with a test that sees it live and end.

use super::{Name, Skeleton, manifest};

const LIB: &str = r#"//! The {dashed} engine: what it can do, in the words of its field. Its coordinator asks it; it knows no bus.

use std::time::Duration;

use engine::{Boxed, Engine};
use health::{Cell, Report, Status};
use serde_json::Map;
use tokio::time::MissedTickBehavior;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use vocabulary::Clock;

const NAME: &str = "{dashed}";

/// What the engine is started with.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where "now" comes from.
    pub clock: Clock,
    /// How often it looks at its own health.
    pub probe_interval: Duration,
}

/// The engine. Dropping it does not end its tasks; [`Engine::stop`] does.
#[derive(Debug)]
pub struct {camel}Engine {
    health: Cell,
    ending: CancellationToken,
    tasks: TaskTracker,
}

impl {camel}Engine {
    /// Starts the engine and its probe.
    pub fn start(options: Options) -> Self {
        let engine =
            Self { health: Cell::new(NAME, options.clock), ending: CancellationToken::new(), tasks: TaskTracker::new() };
        engine.tasks.spawn(probe(engine.health.clone(), options.probe_interval, engine.ending.clone()));
        engine.tasks.close();
        engine
    }
}

impl Engine for {camel}Engine {
    fn name(&self) -> &'static str {
        NAME
    }

    fn health(&self) -> Report {
        self.health.get()
    }

    fn stop(&self) -> Boxed<'_, ()> {
        self.ending.cancel();
        Box::pin(self.tasks.wait())
    }
}

/// Looks again at each tick and keeps what it saw, so that asking for the health never waits.
async fn probe(health: Cell, every: Duration, ending: CancellationToken) {
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    while ending.run_until_cancelled(ticks.tick()).await.is_some() {
        health.set(Status::Healthy, "the engine runs", Map::new());
    }
}
"#;

const TESTS: &str = r#"//! The {dashed} engine from outside.

use std::time::Duration;

use engine::Engine;
use engine_{snake}::{{camel}Engine, Options};
use health::Status;
use vocabulary::Clock;

const BOUND: Duration = Duration::from_secs(5);

/// Waits, within a bound, until the engine says that it is as it should be.
async fn until(engine: &{camel}Engine, status: Status) {
    let mut ticks = tokio::time::interval(Duration::from_millis(5));
    let reached = async {
        while engine.health().status != status {
            ticks.tick().await;
        }
    };
    let in_time = tokio::time::timeout(BOUND, reached).await.is_ok();
    assert!(in_time, "not {status}: {:?}", engine.health());
}

#[tokio::test]
async fn it_becomes_healthy_and_ends() {
    let engine = {camel}Engine::start(Options { clock: Clock::system(), probe_interval: Duration::from_millis(10) });
    until(&engine, Status::Healthy).await;
    for _ in 0..2 {
        tokio::time::timeout(BOUND, engine.stop()).await.expect("an orderly end, also the second time");
    }
}
"#;

pub(super) fn draw(name: &Name) -> Skeleton {
    let package = format!("engine-{}", name.dashed);
    let dependencies = ["engine", "health", "serde_json", "tokio", "tokio-util", "vocabulary"];
    let lines: String = dependencies.iter().map(|dependency| format!("{dependency}.workspace = true\n")).collect();
    let description = name.put("What the {dashed} engine can do, without the bus.");
    Skeleton {
        files: vec![
            (
                format!("crates/{package}/Cargo.toml"),
                format!("{}\n[dependencies]\n{lines}", manifest(&package, &description)),
            ),
            (format!("crates/{package}/src/lib.rs"), name.put(LIB)),
            (format!("crates/{package}/tests/it.rs"), name.put(TESTS)),
        ],
        left: vec![
            format!("`{package} = {{ path = \"crates/{package}\" }}` to [workspace.dependencies] in Cargo.toml"),
            format!("`\"{package}\"` to the row of its coordinator in xtask/src/tidy/imports.rs"),
            "the engine to `engines` of its coordinator, and its errors to the coordinator's faults.rs".to_owned(),
            "a line to CHANGELOG.md".to_owned(),
        ],
    }
}
