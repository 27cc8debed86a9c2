//! `up`, `down` and `plan`: the stack becomes what it should be.

use std::time::{Duration, Instant};

use serde::Serialize;

use super::{Desk, agrees};
use crate::{
    cli::{Down, Up},
    configuration::Kind,
    failure::{Failure, Reason},
    output::{Ending, Output, Steps},
    plan::{Change, Plan},
    proof::{self, Proof},
    runtime::Volumes,
};

/// The exit code of `plan` where there is something to change.
const SOMETHING_TO_CHANGE: u8 = 2;

#[derive(Serialize)]
struct Service {
    service: Kind,
    url: String,
}

#[derive(Serialize)]
struct Raised {
    changes: Vec<Change>,
    proof: Proof,
    seconds: f64,
    services: Vec<Service>,
}

pub(super) async fn up(up: &Up, desk: &Desk, out: &mut Output) -> Result<u8, Ending> {
    if up.dry_run {
        let plan = Plan::of(&desk.stack, &desk.runtime.look(&desk.stack).await?);
        show(&plan, out)?;
        return Ok(0);
    }
    let began = Instant::now();
    let _lock = desk.lock()?;
    let steps = Steps::new(out.form());
    let plan = Plan::of(&desk.stack, &desk.runtime.look(&desk.stack).await?);
    desk.runtime.foresee(&desk.stack, &plan).await?;
    for change in &plan.changes {
        desk.runtime.apply(&desk.stack, change, &|step| steps.tell(step)).await?;
    }
    steps.tell("waiting until a pushed sample comes back");
    let proof = proof::prove(desk.runtime.as_ref(), &desk.stack, Duration::from_secs(up.wait_seconds)).await?;
    drop(steps);
    let services =
        desk.stack.parts.iter().map(|part| Service { service: part.kind, url: desk.stack.address(part) }).collect();
    let raised = Raised { changes: plan.changes, proof, seconds: began.elapsed().as_secs_f64(), services };
    out.show(&raised, || in_words(&raised))?;
    Ok(0)
}

fn in_words(raised: &Raised) -> String {
    let changed = match raised.changes.len() {
        0 => "nothing to change: everything is as configured".to_owned(),
        1 => "1 change made".to_owned(),
        count => format!("{count} changes made"),
    };
    let proven = raised.proof.data_path_seconds.map_or_else(
        || "no Pushgateway, so no sample was followed".to_owned(),
        |seconds| format!("data path proven: a pushed sample came back after {seconds:.1} s"),
    );
    let mut words = format!("{changed}\n{proven}\nup after {:.1} s\n", raised.seconds);
    let widest = raised.services.iter().map(|service| service.service.as_str().len()).max().unwrap_or_default();
    for service in &raised.services {
        words.push_str(&format!("  {:widest$}  {}\n", service.service.as_str(), service.url));
    }
    words
}

pub(super) async fn plan(desk: &Desk, out: &mut Output) -> Result<u8, Ending> {
    let plan = Plan::of(&desk.stack, &desk.runtime.look(&desk.stack).await?);
    show(&plan, out)?;
    Ok(if plan.is_empty() { 0 } else { SOMETHING_TO_CHANGE })
}

fn show(plan: &Plan, out: &mut Output) -> Result<(), Ending> {
    out.show(plan, || match plan.changes.as_slice() {
        [] => "nothing to change: everything is as configured".to_owned(),
        changes => changes.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"),
    })
}

#[derive(Serialize)]
struct Lowered {
    changes: Vec<Change>,
    removed: Vec<String>,
    seconds: f64,
}

pub(super) async fn down(down: &Down, desk: &Desk, out: &mut Output) -> Result<u8, Ending> {
    let volumes = if down.volumes { Volumes::Remove } else { Volumes::Keep };
    if down.dry_run {
        show(&Plan::of_removal(&desk.runtime.look(&desk.stack).await?), out)?;
        return Ok(0);
    }
    if volumes == Volumes::Remove && !down.yes {
        let asked = format!("all data of {} will be removed", desk.stack.project);
        if !agrees(&asked, "say `--yes` with `--volumes` where nobody can be asked")? {
            return Err(Failure::new(Reason::Interrupted, "nothing was changed").into());
        }
    }
    let began = Instant::now();
    let _lock = desk.lock()?;
    let steps = Steps::new(out.form());
    let plan = Plan::of_removal(&desk.runtime.look(&desk.stack).await?);
    for change in &plan.changes {
        desk.runtime.apply(&desk.stack, change, &|step| steps.tell(step)).await?;
    }
    let removed = desk.runtime.clear(&desk.stack, volumes).await?;
    drop(steps);
    let lowered = Lowered { changes: plan.changes, removed, seconds: began.elapsed().as_secs_f64() };
    out.show(&lowered, || match (lowered.changes.len(), volumes) {
        (0, Volumes::Keep) => "nothing to take down".to_owned(),
        (count, Volumes::Keep) => format!("{count} services taken down in {:.1} s; their data stays", lowered.seconds),
        (count, Volumes::Remove) => {
            format!("{count} services taken down in {:.1} s, and their data removed", lowered.seconds)
        }
    })?;
    Ok(0)
}
