//! A stack of containers on a real engine, with images made of this machine's Prometheus and Pushgateway.

use std::time::Instant;

use engine_containers::{ContainerEngine, Endpoint, FileEntry, Options};
use testkit_containers::{Dockerd, RootFileSystem};

use crate::site::{Answer, Site};

const PROMETHEUS: &str = "prom/prometheus:v2.42.0-deb";
const PUSHGATEWAY: &str = "prom/pushgateway:v1.5.1-deb";

async fn images(engine: &ContainerEngine) {
    let started_as = |program: &str| vec!["USER 65534:65534".to_owned(), format!("ENTRYPOINT [\"{program}\"]")];
    let gateway = "/usr/bin/prometheus-pushgateway";
    let root = RootFileSystem::empty().program(gateway).archive();
    engine.import(root.into(), PUSHGATEWAY, &started_as(gateway)).await.unwrap();
    let prometheus = "/usr/bin/prometheus";
    let mut root = RootFileSystem::empty();
    root.program(prometheus).folder("/prometheus", 0o755, (65534, 65534));
    engine.import(root.archive().into(), PROMETHEUS, &started_as(prometheus)).await.unwrap();
}

fn run(site: &Site, engine: &str, arguments: &[&str]) -> Answer {
    let image = |service: &str, image: &str| format!("services.{service}.image={image}");
    let mut command = site.command(&["--engine", "docker"]);
    command.args(["--set", &image("prometheus", PROMETHEUS), "--set", &image("pushgateway", PUSHGATEWAY)]);
    command.args(arguments).env("DOCKER_HOST", engine).output().unwrap().into()
}

#[tokio::test]
async fn a_stack_of_containers_comes_up_is_mended_and_goes() {
    let dockerd = Dockerd::start().await;
    let address = dockerd.address();
    let engine = ContainerEngine::connect(Endpoint::parse(&address, None).unwrap(), Options::default()).await.unwrap();
    images(&engine).await;
    let site = Site::of_programs("");
    let began = Instant::now();
    let up = run(&site, &address, &["up", "--json"]).expect_code(0).json();
    println!("containers up from nothing after {:.1} s: {}", began.elapsed().as_secs_f64(), up["proof"]);
    assert_eq!(up["changes"].as_array().unwrap().len(), 2);
    let began = Instant::now();
    let again = run(&site, &address, &["up", "--json"]).expect_code(0).json();
    println!("second up after {:.1} s", began.elapsed().as_secs_f64());
    assert_eq!(again["changes"], serde_json::json!([]));
    run(&site, &address, &["status"]).expect_code(0);
    assert!(run(&site, &address, &["logs"]).expect_code(0).out.contains("Server is ready"));

    check_drift(&site, &address, &engine).await;
    let saved_and_put_back = || crate::backup::check_round_trip(&site, &|arguments| run(&site, &address, arguments));
    // On a thread of its own, since what it calls has a runtime of its own.
    std::thread::scope(|scope| scope.spawn(saved_and_put_back).join()).unwrap();

    let began = Instant::now();
    run(&site, &address, &["down", "--volumes", "--yes"]).expect_code(0);
    println!("containers down after {:.1} s", began.elapsed().as_secs_f64());
    assert!(engine.containers(&engine_containers::Listing::All).await.unwrap().is_empty());
    assert!(engine.volumes().await.unwrap().is_empty());
}

/// What is done behind its back is named by `status` and mended by `up`.
async fn check_drift(site: &Site, address: &str, engine: &ContainerEngine) {
    let mended = |said: &str| {
        let status = run(site, address, &["status"]).expect_code(4);
        assert!(status.out.contains(said), "{said}: {}", status.out);
        let up = run(site, address, &["up", "--json"]).expect_code(0).json();
        assert_eq!(up["changes"].as_array().unwrap().len(), 1, "{said}: {up}");
        run(site, address, &["plan"]).expect_code(0);
    };
    engine.stop_container("site-pushgateway-1", None).await.unwrap();
    mended("start pushgateway: it does not run");
    let file = FileEntry::file("prometheus.yml", "global: {}");
    engine.put_files("site-prometheus-1", "/etc/prometheus", &[file]).await.unwrap();
    mended("prometheus.yml was changed");
    engine.detach("site_observatory", "site-prometheus-1").await.unwrap();
    mended("connection to the network site_observatory was changed");
    engine.remove("site-pushgateway-1", engine_containers::WithVolumes::Keep).await.unwrap();
    mended("create pushgateway: it is not there");
}

#[tokio::test]
async fn what_is_wrong_with_an_engine_has_its_own_code() {
    let site = Site::of_programs("");
    let away = run(&site, "unix:///run/no-such.sock", &["up"]).expect_code(20);
    assert!(away.err.contains("no engine runs at"), "{}", away.err);
    run(&site, "nonsense", &["up"]).expect_code(3);
}
