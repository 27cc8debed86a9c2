//! `backup`: what the services keep, in one archive that was held against its own checksums before it is called done.

use std::{
    path::{Path, PathBuf},
    time::Instant,
};

use serde::Serialize;
use vocabulary::{Clock, Timestamp};

use super::{Desk, STAGING, status};
use crate::{
    backup::{FORMAT, Held, Manifest, SECRETS, Shelf, Way, Writer, shown_bytes, verify},
    cli::Backup,
    configuration::{Kind, Secret},
    failure::{Failure, Reason},
    files::{self, aside},
    output::{Ending, Output, Steps},
    plan::{Change, Deed},
    prometheus, proof,
    runtime::{Seen, State},
    secrets,
    stack::Part,
};

/// What a service keeps for the moment only, or for itself.
const PASSING: [&str; 4] = ["lock", "queries.active", "snapshots", "log"];

#[derive(Serialize)]
struct Saved {
    file: String,
    bytes: u64,
    services: Vec<Row>,
    seconds: f64,
}

#[derive(Serialize)]
struct Row {
    service: Kind,
    way: Way,
    files: usize,
    bytes: u64,
}

#[derive(Serialize)]
struct Meant {
    file: String,
    services: Vec<Held>,
}

pub(super) async fn run(wish: &Backup, desk: &Desk, out: &mut Output) -> Result<u8, Ending> {
    let now = Clock::system().now();
    let file = file(&wish.to, desk, now)?;
    let _lock = if wish.dry_run { None } else { Some(desk.lock()?) };
    let seen = desk.runtime.look(&desk.stack).await?;
    let meant = meant(desk, &seen).await?;
    if meant.is_empty() {
        let message = format!("nothing of {} keeps data", desk.stack.project);
        return Err(Failure::new(Reason::NotFound, message).hint("`observatory up` starts the stack").into());
    }
    if wish.dry_run {
        let meant = Meant { file: file.display().to_string(), services: meant };
        out.show(&meant, || {
            let line = |held: &Held| format!("would save {} {}\n", held.service, held.way.as_str());
            format!("{}in {}", meant.services.iter().map(line).collect::<String>(), meant.file)
        })?;
        return Ok(0);
    }
    let began = Instant::now();
    let steps = Steps::new(out.form());
    let manifest = write(desk, &file, meant, now, &steps).await?;
    steps.tell("holding the archive against its checksums");
    let path = file.clone();
    aside(move || verify(&path)).await?;
    drop(steps);
    let bytes = std::fs::metadata(&file).map_err(|error| Failure::of_path("read", &file, &error))?.len();
    let rows = manifest.services.iter().map(|held| {
        let (files, bytes) = manifest.size_of(held.service);
        Row { service: held.service, way: held.way, files, bytes }
    });
    let saved = Saved {
        file: file.display().to_string(),
        bytes,
        services: rows.collect(),
        seconds: began.elapsed().as_secs_f64(),
    };
    out.show(&saved, || in_words(&saved))?;
    Ok(0)
}

fn in_words(saved: &Saved) -> String {
    let mut words = String::new();
    for row in &saved.services {
        let bytes = shown_bytes(row.bytes);
        words.push_str(&format!("{}: {} files, {bytes}, {}\n", row.service, row.files, row.way.as_str()));
    }
    format!("{words}{} written and checked in {:.1} s: {}", shown_bytes(saved.bytes), saved.seconds, saved.file)
}

/// Where the archive goes. Nothing that is there is overwritten.
fn file(to: &Path, desk: &Desk, now: Timestamp) -> Result<PathBuf, Failure> {
    let text: String = now.into();
    let time: String = text.chars().filter(|c| c.is_ascii_digit() || *c == 'T').take(15).collect();
    let name = format!("{}-{}-{time}Z.tar", desk.stack.project, desk.stack.environment);
    let to = std::path::absolute(to).map_err(|error| Failure::of_path("find", to, &error))?;
    let file = if to.is_dir() { to.join(name) } else { to };
    if file.exists() {
        return Err(Failure::new(Reason::Usage, format!("{} is there already", file.display()))
            .hint("name another file, or a folder"));
    }
    Ok(file)
}

/// What there is to save, and how.
async fn meant(desk: &Desk, seen: &[Seen]) -> Result<Vec<Held>, Failure> {
    let (http, staging) = (proof::client()?, desk.folder.join(STAGING));
    let mut meant = Vec::new();
    for part in desk.stack.parts.iter().filter(|part| part.data.is_some()) {
        let state = seen.iter().find(|seen| seen.kind == part.kind).map(|seen| seen.state);
        let way = match (part.kind, state) {
            (Kind::Prometheus, Some(State::Running)) => Way::Snapshot,
            (_, Some(State::Running | State::Restarting)) => Way::Paused,
            (_, Some(State::Stopped | State::Paused) | None) => Way::Stopped,
        };
        let version = match way {
            Way::Snapshot | Way::Paused => status::version(&http, &desk.stack.url(part), part.kind).await,
            Way::Stopped => None,
        };
        // Of a stack that was taken down the data may still lie there.
        let is_there = match state {
            Some(_) => true,
            None => desk.runtime.fetch(&desk.stack, part, Shelf::Data, "", &staging).await?.is_some(),
        };
        if is_there {
            meant.push(Held { service: part.kind, way, version });
        }
    }
    Ok(meant)
}

async fn write(
    desk: &Desk,
    file: &Path,
    services: Vec<Held>,
    made_at: Timestamp,
    steps: &Steps,
) -> Result<Manifest, Failure> {
    let staging = desk.folder.join(STAGING);
    files::keep_to_owner(&staging)?;
    let mut writer = Writer::create(file)?;
    for held in &services {
        let Some(part) = desk.stack.part(held.service) else { continue };
        steps.tell(&format!("saving {} {}", held.service, held.way.as_str()));
        writer = match held.way {
            Way::Snapshot => save_snapshot(desk, part, writer).await?,
            Way::Paused => save_paused(desk, part, writer).await?,
            Way::Stopped => save(desk, part, "", writer).await?,
        };
    }
    for (name, secret) in desk.stack.parts.iter().flat_map(|part| &part.secrets) {
        let path = secrets::path(&desk.folder, name);
        // Those that come from elsewhere are kept elsewhere.
        if *secret == Secret::Generated && path.exists() {
            writer.add(&format!("{SECRETS}/{name}"), &path)?;
        }
    }
    let manifest = Manifest {
        format: FORMAT,
        program_version: env!("CARGO_PKG_VERSION").to_owned(),
        project: desk.stack.project.to_string(),
        environment: desk.stack.environment.to_string(),
        made_at,
        services,
        files: Vec::new(),
    };
    let manifest = aside(move || writer.finish(manifest)).await?;
    files::remove(&staging)?;
    Ok(manifest)
}

/// Adds what a service keeps, from `below` on, and what is its alone in its configuration.
async fn save(desk: &Desk, part: &Part, below: &str, mut writer: Writer) -> Result<Writer, Failure> {
    let staging = desk.folder.join(STAGING);
    for shelf in [Shelf::Data, Shelf::Config] {
        let below = if shelf == Shelf::Data { below } else { "" };
        // Grafana reads dashboards and data sources from its configuration; that of the others is rendered as a whole.
        if shelf == Shelf::Config && part.kind != Kind::Grafana {
            continue;
        }
        let found = desk.runtime.fetch(&desk.stack, part, shelf, below, &staging).await?;
        if let Some(folder) = found {
            let prefix = shelf.of(part.kind);
            writer = aside(move || writer.add_folder(&prefix, &folder, &PASSING).map(|()| writer)).await?;
        }
    }
    Ok(writer)
}

async fn save_snapshot(desk: &Desk, part: &Part, writer: Writer) -> Result<Writer, Failure> {
    let name = prometheus::snapshot(&proof::client()?, &desk.stack.url(part)).await?;
    let below = format!("snapshots/{name}");
    let saved = save(desk, part, &below, writer).await;
    desk.runtime.discard(&desk.stack, part, &below).await?;
    saved
}

/// Copies what a service keeps while it is stopped, and starts it again, whatever became of the copy.
async fn save_paused(desk: &Desk, part: &Part, writer: Writer) -> Result<Writer, Failure> {
    desk.runtime.halt(&desk.stack, part.kind).await?;
    let saved = save(desk, part, "", writer).await;
    desk.runtime.apply(&desk.stack, &start(part.kind), &|_| ()).await?;
    saved
}

/// The change that goes on with a service that was stopped.
pub(super) fn start(service: Kind) -> Change {
    Change { service, deed: Deed::Start, reasons: vec!["its data was seen to".to_owned()] }
}
