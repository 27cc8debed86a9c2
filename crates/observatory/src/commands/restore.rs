//! `restore`: what an archive holds takes the place of what the services keep now, after everything in it was checked.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use serde::Serialize;
use vocabulary::Timestamp;

use super::{Desk, STAGING, agrees, backup::start};
use crate::{
    backup::{Manifest, SECRETS, Shelf, shown_bytes, unpack, verify},
    cli::Restore,
    configuration::{Kind, Secret},
    failure::{Failure, Reason},
    files::{self, Readers, aside},
    output::{Ending, Output, Steps, harmless, remark},
    proof,
    runtime::State,
    secrets,
    stack::Part,
};

#[derive(Serialize)]
struct Restored {
    made_at: Timestamp,
    project: String,
    services: Vec<Row>,
    /// What the archive holds and the stack has no place for.
    left_out: Vec<Kind>,
    done: bool,
    seconds: f64,
}

#[derive(Serialize)]
struct Row {
    service: Kind,
    files: usize,
    bytes: u64,
    version: Option<String>,
    /// Whether it runs, and is stopped meanwhile.
    runs: bool,
}

pub(super) async fn run(wish: &Restore, desk: &Desk, out: &mut Output) -> Result<u8, Ending> {
    let steps = Steps::new(out.form());
    steps.tell("holding the archive against its checksums");
    let path = wish.from.clone();
    let manifest = aside(move || verify(&path)).await?;
    drop(steps);
    let mut restored = plan(desk, &manifest).await?;
    if wish.dry_run {
        out.show(&restored, || in_words(&restored, "would replace"))?;
        return Ok(0);
    }
    if !wish.yes {
        remark(&in_words(&restored, "replaces"));
        let asked = format!("what {} keeps now is replaced by that", desk.stack.project);
        if !agrees(&asked, "say `--yes` where nobody can be asked")? {
            return Err(Failure::new(Reason::Interrupted, "nothing was changed").into());
        }
    }
    let began = Instant::now();
    let _lock = desk.lock()?;
    let steps = Steps::new(out.form());
    let staging = desk.folder.join(STAGING);
    files::keep_to_owner(&staging)?;
    let (path, into) = (wish.from.clone(), staging.join("archive"));
    aside(move || unpack(&path, &into)).await?;
    put_secrets(desk, &staging.join("archive"))?;
    for row in &restored.services {
        if let Some(part) = desk.stack.part(row.service) {
            steps.tell(&format!("putting back what {} keeps", part.kind));
            put(desk, part, row, &staging).await?;
        }
    }
    files::remove(&staging)?;
    let again: Vec<Kind> = restored.services.iter().filter(|row| row.runs).map(|row| row.service).collect();
    steps.tell("waiting until the services are ready again");
    proof::until_ready(desk.runtime.as_ref(), &desk.stack, &again, Duration::from_secs(wish.wait_seconds)).await?;
    drop(steps);
    restored.done = true;
    restored.seconds = began.elapsed().as_secs_f64();
    out.show(&restored, || in_words(&restored, "replaced"))?;
    Ok(0)
}

async fn plan(desk: &Desk, manifest: &Manifest) -> Result<Restored, Failure> {
    let seen = desk.runtime.look(&desk.stack).await?;
    let has_place = |kind: Kind| desk.stack.part(kind).is_some_and(|part| part.data.is_some());
    let (mut services, mut left_out) = (Vec::new(), Vec::new());
    for held in &manifest.services {
        if !has_place(held.service) {
            left_out.push(held.service);
            continue;
        }
        let (files, bytes) = manifest.size_of(held.service);
        let runs = seen
            .iter()
            .any(|seen| seen.kind == held.service && matches!(seen.state, State::Running | State::Restarting));
        services.push(Row { service: held.service, files, bytes, version: held.version.clone(), runs });
    }
    if services.is_empty() {
        let message = format!("nothing of the archive has a place in {}", desk.stack.project);
        return Err(
            Failure::new(Reason::NotFound, message).hint("switch its services on, for example `--with grafana`")
        );
    }
    Ok(Restored {
        made_at: manifest.made_at,
        project: manifest.project.clone(),
        services,
        left_out,
        done: false,
        seconds: 0.0,
    })
}

fn in_words(restored: &Restored, deed: &str) -> String {
    let made_at: String = restored.made_at.into();
    let mut words = format!("archive of {}, taken at {made_at}\n", harmless(&restored.project));
    for row in &restored.services {
        let of = row.version.as_ref().map(|version| format!(" of version {}", harmless(version))).unwrap_or_default();
        let meanwhile = if row.runs { ", stopped meanwhile" } else { "" };
        words.push_str(&format!(
            "{deed} what {} keeps: {} files, {}{of}{meanwhile}\n",
            row.service,
            row.files,
            shown_bytes(row.bytes)
        ));
    }
    for kind in &restored.left_out {
        words.push_str(&format!("left out: {kind} is switched off, or keeps nothing\n"));
    }
    if restored.done {
        words.push_str(&format!("done after {:.1} s\n", restored.seconds));
        if restored.services.iter().any(|row| !row.runs) {
            words.push_str("`observatory up` starts what did not run\n");
        }
    }
    words
}

/// Passwords that were made up stand in the databases that come back, so they come back, too.
fn put_secrets(desk: &Desk, archive: &Path) -> Result<(), Failure> {
    for (name, secret) in desk.stack.parts.iter().flat_map(|part| &part.secrets) {
        if *secret == Secret::Generated
            && let Some(text) = files::read(&archive.join(SECRETS).join(name))?
        {
            files::write(&secrets::path(&desk.folder, name), &text, Readers::Owner)?;
        }
    }
    Ok(())
}

async fn put(desk: &Desk, part: &Part, row: &Row, staging: &Path) -> Result<(), Failure> {
    if row.runs {
        desk.runtime.halt(&desk.stack, part.kind).await?;
    }
    let at = |shelf: Shelf| staging.join("archive").join(shelf.of(part.kind));
    // A service may have kept nothing yet.
    files::make_folder(&at(Shelf::Data))?;
    let config = Some(at(Shelf::Config)).filter(|folder| folder.is_dir());
    let (stack, data) = (&desk.stack, at(Shelf::Data));
    desk.runtime.refill(stack, part, &data, config.as_deref(), staging).await?;
    if row.runs {
        desk.runtime.apply(stack, &start(part.kind), &|_| ()).await?;
    }
    Ok(())
}
