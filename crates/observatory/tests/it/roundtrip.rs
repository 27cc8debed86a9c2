//! Stacks that nobody thought of, exported and made again: the same comes out, through a file and through an engine.

use std::{
    collections::BTreeMap,
    path::Path,
    time::{Duration, Instant},
};

use engine_containers::{ContainerEngine, ContainerSpec, ContainersError, Endpoint, Listing, Options, WithVolumes};
use observatory::{
    discovery::{Discovery, FORMAT, Found, Host, Live, Standing, Start, capture},
    export::export,
    import::{Site, apply, plan, read},
};
use proptest::{
    prelude::*,
    test_runner::{Config, RngSeed, TestRunner},
};
use serde_json::Value;
use testkit_containers::{Dockerd, RootFileSystem};

use crate::{
    compose::Compose,
    stacks::{Stack, odd_stacks, stacks},
};

pub(crate) const IMAGE: &str = "bigskies-test/busybox:1";

/// Busybox, with defaults of every kind.
pub(crate) async fn engine(dockerd: &Dockerd) -> ContainerEngine {
    // The tests take away all that an engine holds, which is for one of their own alone.
    let _it_is_our_own = dockerd.tls();
    let endpoint = Endpoint::parse(&dockerd.address(), None).unwrap();
    let engine = ContainerEngine::connect(endpoint, Options::default()).await.unwrap();
    let changes = [
        "ENV OF_IMAGE=yes PATH=/bin",
        "LABEL of.image=yes",
        "EXPOSE 8080",
        "VOLUME /image-data",
        "CMD [\"sleep\", \"1000\"]",
    ];
    let archive = RootFileSystem::with_busybox().archive();
    engine.import(archive.into(), IMAGE, &changes.map(str::to_owned)).await.unwrap();
    engine
}

/// Everything but what is another thing each time that one looks.
pub(crate) fn lasting(discovery: &Discovery) -> Value {
    fn without(value: &mut Value) {
        match value {
            Value::Object(keys) => {
                ["observed", "differences"].iter().for_each(|key| _ = keys.remove(*key));
                keys.values_mut().for_each(without);
            }
            Value::Array(entries) => entries.iter_mut().for_each(without),
            _ => {}
        }
    }
    let mut value = serde_json::to_value(discovery).unwrap();
    without(&mut value);
    value
}

/// The lines in which two differ, for whoever reads the failure.
pub(crate) fn differing(one: &Value, two: &Value) -> String {
    let lines = |value| serde_json::to_string_pretty(value).unwrap().lines().map(str::to_owned).collect::<Vec<_>>();
    let (one, two) = (lines(one), lines(two));
    let only = |these: &[String], others: &[String], sign: char| {
        let alone = these.iter().filter(|line| !others.contains(line));
        alone.map(|line| format!("{sign}{line}\n")).collect::<String>()
    };
    only(&one, &two, '-') + &only(&two, &one, '+')
}

/// Takes all containers, networks and volumes of an engine away.
pub(crate) async fn clear(engine: &ContainerEngine) {
    for container in engine.containers(&Listing::All).await.unwrap() {
        engine.remove(&container.id, WithVolumes::Remove).await.unwrap();
    }
    for network in engine.networks().await.unwrap() {
        if !["bridge", "host", "none"].contains(&network.spec.name.as_str()) {
            engine.remove_network(&network.id).await.unwrap();
        }
    }
    // A container that goes by itself lets go of its volumes when it has gone from the list already.
    let deadline = Instant::now() + Duration::from_secs(30);
    for volume in engine.volumes().await.unwrap() {
        loop {
            match engine.remove_volume(&volume.spec.name).await {
                Err(ContainersError::Conflict { .. }) if Instant::now() < deadline => tokio::task::yield_now().await,
                Err(ContainersError::NotFound { .. }) | Ok(()) => break,
                Err(error) => panic!("{error}"),
            }
        }
    }
}

/// A discovery as if an engine had said this.
fn found(stack: &Stack) -> Discovery {
    let container = |spec: &ContainerSpec| Found {
        spec: spec.clone(),
        runs: true,
        start: Start::default(),
        places: Vec::new(),
        files: Vec::new(),
        observed: Standing::default(),
    };
    Discovery {
        format: FORMAT,
        containers: stack.containers.iter().map(container).collect(),
        networks: stack.networks.clone(),
        volumes: stack.volumes.clone(),
        projects: Vec::new(),
        dependencies: Vec::new(),
        unexpressed: Vec::new(),
        differences: Vec::new(),
        secrets: Vec::new(),
        observed: Host::default(),
    }
}

fn written(discovery: Discovery, folder: &Path) -> Site {
    let (redacted, secrets) = discovery.redacted().unwrap();
    export(redacted, &secrets, "Generated Stack").write(folder).unwrap();
    read(folder, &BTreeMap::new(), None).unwrap()
}

#[test]
fn a_compose_file_is_read_as_it_was_written() {
    let asked = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok());
    let sample = if std::env::var_os("BIGSKIES_SOAK").is_some() { 5000 } else { 64 };
    let config = Config { cases: asked.unwrap_or(sample), failure_persistence: None, ..Config::default() };
    let host = Path::new("/srv/sky");
    let outcome = TestRunner::new(config).run(&odd_stacks(IMAGE, host), |stack| {
        let folder = tempfile::tempdir().unwrap();
        let site = written(found(&stack), folder.path());
        for wanted in &stack.containers {
            let read = site.containers.iter().find(|one| one.spec.name == wanted.name).unwrap();
            let [one, two] = [wanted, &read.spec].map(|spec| serde_json::to_value(spec).unwrap());
            prop_assert!(one == two, "{}: {}", wanted.name, differing(&one, &two));
        }
        prop_assert_eq!(&site.networks, &stack.networks);
        prop_assert_eq!(&site.volumes, &stack.volumes);
        Ok(())
    });
    outcome.unwrap_or_else(|error| panic!("{}", format!("{error}").lines().take(40).collect::<Vec<_>>().join("\n")));
}

#[tokio::test(flavor = "multi_thread")]
async fn generated_stacks_come_back_from_an_engine_without_a_difference() {
    let compose = Compose::find();
    let dockerd = Dockerd::start().await;
    let engine = engine(&dockerd).await;
    clear(&engine).await;
    // Engines make the folders that are mounted.
    let host = tempfile::tempdir().unwrap();
    let cases = if std::env::var_os("BIGSKIES_SOAK").is_some() { 50 } else { 5 };
    let handle = tokio::runtime::Handle::current();
    let counted = std::cell::Cell::new((0, 0, 0));
    let run = |stack: Stack| {
        let made = tokio::task::block_in_place(|| handle.block_on(there_and_back(&engine, &compose, &stack)))?;
        let (stacks, asked, came_back) = counted.get();
        counted.set((stacks + 1, asked + stack.containers.len(), came_back + made));
        Ok(())
    };
    // The same stacks each time; another seed is another proof, for a person to make.
    let seed = std::env::var("STACKS_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(6);
    let config = Config {
        cases,
        failure_persistence: None,
        max_shrink_iters: 0,
        rng_seed: RngSeed::Fixed(seed),
        ..Config::default()
    };
    let outcome = TestRunner::new(config).run(&stacks(IMAGE, host.path()), run);
    clear(&engine).await;
    host.close().unwrap();
    outcome.unwrap_or_else(|error| panic!("{error}"));
    let (stacks, asked, came_back) = counted.get();
    println!("{stacks} stacks with {came_back} containers came back without a difference; {asked} were asked for");
    assert!(came_back * 10 >= asked * 7, "the engine refused too many: {came_back} of {asked}");
}

/// Makes a stack, exports it, takes it away, makes it again from the export, and compares.
async fn there_and_back(engine: &ContainerEngine, compose: &Compose, stack: &Stack) -> Result<usize, TestCaseError> {
    // What a stack before it left behind that failed.
    clear(engine).await;
    for network in &stack.networks {
        engine.create_network(network).await.unwrap();
    }
    for volume in &stack.volumes {
        engine.create_volume(volume).await.unwrap();
    }
    let mut made = 0;
    for container in &stack.containers {
        // Combinations that the engine refuses are no containers of anybody.
        made += usize::from(engine.create(container).await.is_ok());
    }
    let (before, secrets) = capture(&Live(engine.clone())).await.unwrap().redacted().unwrap();
    let folder = tempfile::tempdir().unwrap();
    export(before.clone(), &secrets, "stack").write(folder.path()).unwrap();
    compose.expect_to_take(folder.path());
    clear(engine).await;
    let site = read(folder.path(), &BTreeMap::new(), None).unwrap();
    let intended = plan(engine, &site).await.unwrap();
    let done = apply(engine, &site, &intended, &|_| ()).await;
    done.map_err(|error| {
        TestCaseError::fail(format!(
            "{error}: {}",
            std::fs::read_to_string(folder.path().join("compose.yaml")).unwrap()
        ))
    })?;
    let (after, _) = capture(&Live(engine.clone())).await.unwrap().redacted().unwrap();
    let again = plan(engine, &site).await.unwrap();
    let (one, two) = (lasting(&before), lasting(&after));
    prop_assert!(one == two, "{}", differing(&one, &two));
    prop_assert_eq!(again.steps, Vec::new());
    Ok(made)
}
