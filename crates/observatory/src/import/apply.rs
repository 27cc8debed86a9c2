//! An import carried out: images, networks, volumes, files, and containers in the order in which they need each other. Each step can be the
//! last one of a run that was killed; the next plan goes on from there.

use engine_containers::{ContainerEngine, ContainersError, WithVolumes};

use super::{Deed, Plan, Site, Wanted, plan::Kind, upload};
use crate::{
    failure::{Failure, Reason},
    runtime::{Progress, docker::failure},
};

/// Carries out a plan for a site.
///
/// # Errors
/// Where a step could not be done; what was done before stays.
pub async fn apply(engine: &ContainerEngine, site: &Site, plan: &Plan, progress: Progress<'_>) -> Result<(), Failure> {
    for step in plan.steps.iter().filter(|step| step.kind == Kind::Image) {
        progress(&step.to_string());
        let mut told = |said: engine_containers::Progress| progress(&format!("{}: {}", step.name, said.doing));
        engine.ensure_image(&step.name, &mut told).await.map_err(failure)?;
    }
    for network in site.networks.iter().filter(|network| plan.has(Kind::Network, &network.name, Deed::Create)) {
        progress(&format!("create network {}", network.name));
        engine.create_network(network).await.map_err(|error| overlap(error, &network.name))?;
    }
    for volume in site.volumes.iter().filter(|volume| plan.has(Kind::Volume, &volume.name, Deed::Create)) {
        progress(&format!("create volume {}", volume.name));
        engine.create_volume(volume).await.map_err(failure)?;
    }
    let has = |wanted: &Wanted, deed| plan.has(Kind::Container, &wanted.spec.name, deed);
    let is_touched =
        |wanted: &&Wanted| [Deed::Create, Deed::Replace, Deed::Write].iter().any(|deed| has(wanted, *deed));
    let touched: Vec<&Wanted> = site.containers.iter().filter(is_touched).collect();
    upload::into_places(engine, &touched).await?;
    for wanted in &site.containers {
        let name = wanted.spec.name.as_str();
        if has(wanted, Deed::Replace) {
            progress(&format!("replace container {name}"));
            gone(engine.stop_container(name, None).await)?;
            engine.remove(name, WithVolumes::Keep).await.map_err(failure)?;
        }
        if has(wanted, Deed::Create) || has(wanted, Deed::Replace) {
            progress(&format!("create container {name}"));
            made(engine, wanted).await?;
        } else if has(wanted, Deed::Write) {
            progress(&format!("write files of container {name}"));
            upload::into_container(engine, name, wanted).await?;
            if wanted.runs && !has(wanted, Deed::Start) {
                engine.restart(name, None).await.map_err(failure)?;
            }
        }
        if has(wanted, Deed::Start) {
            progress(&format!("start container {name}"));
            engine.start(name).await.map_err(failure)?;
        }
        if has(wanted, Deed::Stop) {
            progress(&format!("stop container {name}"));
            engine.stop_container(name, None).await.map_err(failure)?;
        }
    }
    Ok(())
}

async fn made(engine: &ContainerEngine, wanted: &Wanted) -> Result<(), Failure> {
    let id = engine.create(&wanted.spec).await.map_err(failure)?;
    upload::into_container(engine, &id, wanted).await?;
    if wanted.runs {
        engine.start(&id).await.map_err(failure)?;
    }
    Ok(())
}

/// What is gone already need not be stopped.
fn gone(outcome: Result<(), ContainersError>) -> Result<(), Failure> {
    match outcome {
        Ok(()) | Err(ContainersError::NotFound { .. }) => Ok(()),
        Err(error) => Err(failure(error)),
    }
}

/// A range of addresses that another network has is the one thing that often differs between hosts.
fn overlap(error: ContainersError, network: &str) -> Failure {
    let said = error.to_string();
    if said.contains("overlaps") {
        return Failure::new(
            Reason::Configuration,
            format!("network {network}: its addresses belong to another network there"),
        )
        .hint("change its `subnet` in compose.yaml, or take its `ipam` out so that the engine chooses");
    }
    failure(error)
}
