//! What goes wrong, told apart: each in words that say what to do.

use std::{net::TcpListener, time::Duration};

use engine_containers::{
    ContainerEngine, ContainersError as Wrong, Endpoint, HealthCheck, HealthChecks, HealthState, Mount, Object,
    Options, Port, PortHolder, Published,
};

use crate::stand::{LIMIT, Stand};

fn published(port: u16) -> Vec<Published> {
    vec![Published { container: Port::tcp(80), host_address: Some("127.0.0.1".to_owned()), host_port: Some(port) }]
}

fn check(line: &str, retries: u32) -> Option<HealthCheck> {
    Some(HealthCheck {
        test: vec!["CMD-SHELL".to_owned(), line.to_owned()],
        interval_seconds: Some(0.2),
        retries: Some(retries),
        ..HealthCheck::default()
    })
}

#[tokio::test]
async fn mistakes_are_told_apart() {
    let stand = Stand::start().await;
    let engine = &stand.engine;

    // What is not there.
    let mut spec = stand.spec("lost", "true");
    spec.image = "bigskies-test/none:9".to_owned();
    let error = engine.create(&spec).await.unwrap_err();
    assert!(matches!(&error, Wrong::ImageMissing { image, .. } if image == "bigskies-test/none:9"), "{error:?}");
    let error = engine.start(&stand.name("none")).await.unwrap_err();
    assert!(matches!(&error, Wrong::NotFound { object: Object::Container, .. }), "{error:?}");
    let mut spec = stand.spec("netless", "true");
    spec.networks.insert(stand.name("no-net"), engine_containers::Attachment::default());
    engine.create(&spec).await.unwrap();
    let error = engine.start(&spec.name).await.unwrap_err();
    assert!(matches!(&error, Wrong::NotFound { object: Object::Network, .. }), "{error:?}");
    let error = engine.network(&stand.name("no-net")).await.unwrap_err();
    assert!(matches!(&error, Wrong::NotFound { object: Object::Network, .. }), "{error:?}");
    let error = engine.volume(&stand.name("no-vol")).await.unwrap_err();
    assert!(matches!(&error, Wrong::NotFound { object: Object::Volume, .. }), "{error:?}");

    // Names and values that can't be.
    let error = engine.container("../images").await.unwrap_err();
    assert!(matches!(&error, Wrong::Refused { .. }), "{error:?}");
    let mut spec = stand.spec("bound", "true");
    let source = "/no/such/folder/of/this/host".to_owned();
    spec.mounts = vec![Mount::Bind { source, target: "/x".to_owned(), read_only: true, make_source: false }];
    let error = engine.create(&spec).await.unwrap_err();
    assert!(matches!(&error, Wrong::Refused { .. }), "{error:?}");

    // What is there already.
    let name = stand.started("one", "sleep 1000").await;
    let error = engine.create(&stand.spec("one", "true")).await.unwrap_err();
    assert!(matches!(&error, Wrong::Conflict { object: Object::Container, .. }), "{error:?}");
    let error = engine.remove_image(crate::stand::IMAGE).await.unwrap_err();
    assert!(matches!(&error, Wrong::Conflict { object: Object::Image, .. }), "{error:?}");
    drop(name);
    ports(&stand).await;
    waits(&stand).await;
}

/// A port that a container has, and one that a process has.
async fn ports(stand: &Stand) {
    let engine = &stand.engine;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut spec = stand.spec("late", "sleep 1000");
    spec.published = published(port);
    engine.create(&spec).await.unwrap();
    let error = engine.start(&spec.name).await.unwrap_err();
    let Wrong::PortTaken { address, holder: Some(PortHolder::Process { pid, .. }) } = &error else {
        panic!("{error:?}")
    };
    assert_eq!((address.as_str(), *pid), (format!("127.0.0.1:{port}").as_str(), std::process::id()));
    drop(listener);
    engine.start(&spec.name).await.unwrap();
    let mut second = stand.spec("later", "sleep 1000");
    second.published = published(port);
    engine.create(&second).await.unwrap();
    let error = engine.start(&second.name).await.unwrap_err();
    let Wrong::PortTaken { holder: Some(PortHolder::Container { name }), .. } = &error else { panic!("{error:?}") };
    assert_eq!(*name, spec.name);
    assert!(error.to_string().contains(&format!("127.0.0.1:{port} is taken by container {name}")), "{error}");
}

/// Containers that don't become what is waited for.
async fn waits(stand: &Stand) {
    let engine = &stand.engine;
    let spec = stand.spec("dead", "echo the roof is closed >&2; exit 7");
    engine.create(&spec).await.unwrap();
    let mut spec_ill = stand.spec("ill", "sleep 1000");
    spec_ill.health = check("echo too cold; false", 2);
    engine.create(&spec_ill).await.unwrap();
    let mut spec_slow = stand.spec("slow", "sleep 1000");
    spec_slow.health = check("false", 10_000);
    engine.create(&spec_slow).await.unwrap();
    let begun = std::time::Instant::now();
    let (dead, ill, slow) = futures::join!(
        engine.start_and_wait(&spec.name, LIMIT),
        engine.start_and_wait(&spec_ill.name, LIMIT),
        engine.start_and_wait(&spec_slow.name, Duration::from_secs(2)),
    );
    // It may be seen running before it ends; then that is what it was waited for.
    let dead = match dead {
        Ok(_) => {
            assert_eq!(engine.ended(&spec.name, LIMIT).await.unwrap(), 7);
            engine.wait_until_well(&spec.name, LIMIT).await
        }
        ended => ended,
    };
    let Err(Wrong::Ended { exit_code: 7, last_words, .. }) = &dead else { panic!("{dead:?}") };
    assert_eq!(last_words, "the roof is closed");
    assert!(matches!(&ill, Err(Wrong::Unhealthy { last_words, .. }) if last_words == "too cold"), "{ill:?}");
    assert!(matches!(&slow, Err(Wrong::TimedOut { .. })), "{slow:?}");
    assert!(begun.elapsed() < LIMIT);
}

#[tokio::test]
async fn probes_of_ours_see_what_the_engine_does_not() {
    let options = Options { health_checks: HealthChecks::Ours, ..Options::default() };
    let stand = Stand::with(options).await;
    let engine = &stand.engine;
    let mut well = stand.spec("well", "sleep 0.5; touch /tmp/ready; sleep 1000");
    well.health = check("test -e /tmp/ready", 100);
    engine.create(&well).await.unwrap();
    let found = engine.start_and_wait(&well.name, LIMIT).await.unwrap();
    assert_eq!(found.status.health, HealthState::Healthy);
    let mut ill = stand.spec("ill", "sleep 1000");
    ill.health = check("echo too cold; false", 2);
    engine.create(&ill).await.unwrap();
    let found = engine.start_and_wait(&ill.name, LIMIT).await;
    assert!(matches!(&found, Err(Wrong::Unhealthy { last_words, .. }) if last_words == "too cold"), "{found:?}");
    let mut dead = stand.spec("dead", "exit 7");
    dead.health = check("true", 2);
    engine.create(&dead).await.unwrap();
    let found = engine.start_and_wait(&dead.name, LIMIT).await;
    assert!(found.is_ok() || matches!(&found, Err(Wrong::Ended { exit_code: 7, .. })), "{found:?}");
}

#[tokio::test]
async fn an_engine_that_is_not_there_is_said_to_be_so() {
    let nowhere: Endpoint = "unix:///no/such/engine.sock".parse().unwrap();
    let error = ContainerEngine::connect(nowhere, Options::default()).await.unwrap_err();
    assert!(matches!(&error, Wrong::NotRunning { .. }), "{error:?}");
    assert!(error.to_string().contains("systemctl start docker"), "{error}");
}
