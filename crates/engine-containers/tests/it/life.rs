//! A container from its making to its removal.

use std::{collections::BTreeMap, time::Duration};

use engine::Engine as _;
use engine_containers::{
    Attachment, ChangeKind, Command, ContainersError, FileEntry, Flavour, Hardening, HealthCheck, HealthState, Limits,
    Listing, Mount, NetworkSpec, Port, Published, State, VolumeSpec, WithVolumes, labels,
};
use health::Status;
use testkit_containers::until;

use crate::stand::{LIMIT, Stand};

#[tokio::test]
async fn from_its_making_to_its_removal() {
    let stand = Stand::start().await;
    let engine = &stand.engine;
    assert_eq!(engine.version().flavour, Flavour::Docker);

    // A network, a volume, and a container that may do next to nothing.
    let network =
        NetworkSpec { name: stand.name("net"), labels: labels::of_network("sky", "net"), ..NetworkSpec::default() };
    engine.create_network(&network).await.unwrap();
    let volume = VolumeSpec { name: stand.name("data"), ..VolumeSpec::default() };
    engine.create_volume(&volume).await.unwrap();
    let mut spec = stand.spec("web", "echo up; httpd -f -p 8080 -h /data");
    spec.labels = labels::of_service("sky", "web", "0f0f");
    spec.environment = BTreeMap::from([("SITE".to_owned(), "Paranal = high".to_owned())]);
    spec.health = Some(HealthCheck {
        test: ["CMD-SHELL", "test -e /data/ready"].map(str::to_owned).to_vec(),
        interval_seconds: Some(0.2),
        retries: Some(50),
        ..HealthCheck::default()
    });
    spec.published =
        vec![Published { container: Port::tcp(8080), host_address: Some("127.0.0.1".to_owned()), host_port: None }];
    spec.mounts = vec![
        Mount::Volume { name: Some(volume.name.clone()), target: "/data".to_owned(), read_only: false },
        Mount::Tmpfs { target: "/scratch".to_owned(), size_bytes: Some(1 << 20), mode: Some(0o1777) },
    ];
    let attachment = Attachment { aliases: vec!["site".to_owned()], ..Attachment::default() };
    spec.networks = BTreeMap::from([(network.name.clone(), attachment)]);
    spec.hardening = Hardening::strict();
    spec.limits = Limits { memory_bytes: Some(64 << 20), cpus: Some(0.5), processes: Some(50), ..Limits::default() };
    engine.create(&spec).await.unwrap();

    // Made, it can be filled; what it was asked to be is read back.
    let made = engine.container(&spec.name).await.unwrap();
    assert_eq!((made.status.state, made.status.health), (State::Created, HealthState::None));
    assert_eq!(made.spec(Some(&stand.image)), spec);
    let files = [FileEntry::file("site.txt", "Paranal"), FileEntry::file("ready", "")];
    engine.put_files(&spec.name, "/data", &files).await.unwrap();

    let healthy = engine.start_and_wait(&spec.name, LIMIT).await.unwrap();
    assert_eq!((healthy.status.state, healthy.status.health), (State::Running, HealthState::Healthy));
    assert_eq!(healthy.environment.get("OF_IMAGE").map(String::as_str), Some("yes"));
    assert_eq!(healthy.ports.len(), 1);
    assert!(
        healthy.networks.get(&network.name).is_some_and(|address| address.starts_with("172.") || !address.is_empty())
    );
    let by_label = Listing::Labelled(BTreeMap::from([(labels::PROJECT.to_owned(), "sky".to_owned())]));
    let listed = engine.containers(&by_label).await.unwrap();
    assert_eq!(listed.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), [spec.name.as_str()]);
    assert_eq!(listed[0].ports, healthy.ports);
    let there = std::net::SocketAddr::from(([127, 0, 0, 1], healthy.ports[0].host_port));
    assert!(engine.port_holder(there).await.unwrap().to_string().ends_with(&spec.name));
    // A second start changes nothing.
    engine.start(&spec.name).await.unwrap();

    commands(&stand, &spec.name).await;
    files_in_and_out(&stand, &spec.name).await;

    // Limits, while it runs.
    let limits = Limits { memory_bytes: Some(32 << 20), memory_and_swap_bytes: Some(64 << 20), ..Limits::default() };
    engine.change_limits(&spec.name, &limits, None).await.unwrap();
    assert_eq!(engine.container(&spec.name).await.unwrap().spec(None).limits.memory_bytes, Some(32 << 20));
    engine.pause(&spec.name).await.unwrap();
    assert_eq!(engine.container(&spec.name).await.unwrap().status.state, State::Paused);
    engine.unpause(&spec.name).await.unwrap();

    // What is in use stays; the end.
    assert!(matches!(engine.remove_network(&network.name).await, Err(ContainersError::Conflict { .. })));
    assert!(matches!(engine.remove_volume(&volume.name).await, Err(ContainersError::Conflict { .. })));
    engine.stop_container(&spec.name, Some(Duration::from_secs(1))).await.unwrap();
    engine.stop_container(&spec.name, None).await.unwrap();
    assert_eq!(engine.ended(&spec.name, LIMIT).await.unwrap(), 137);
    engine.rename(&spec.name, &stand.name("old")).await.unwrap();
    engine.remove(&stand.name("old"), WithVolumes::Remove).await.unwrap();
    engine.remove(&stand.name("old"), WithVolumes::Remove).await.unwrap();
    engine.remove_network(&network.name).await.unwrap();
    engine.remove_volume(&volume.name).await.unwrap();
    assert_eq!(engine.containers(&by_label).await.unwrap(), []);
}

async fn commands(stand: &Stand, name: &str) {
    let shell = |line: &str| Command::new(["sh", "-c", line]);
    for (command, exit_code, standard, errors) in [
        (shell("echo $SITE; echo ill >&2; exit 3"), 3, "Paranal = high\n", "ill\n"),
        (Command { input: Some(b"one\ntwo\n".to_vec()), ..shell("wc -l") }, 0, "2\n", ""),
        (Command { environment: BTreeMap::from([("A".to_owned(), "b".to_owned())]), ..shell("echo $A") }, 0, "b\n", ""),
        (Command { user: Some("0".to_owned()), ..shell("id -u") }, 0, "0\n", ""),
        // It has nothing more to say, and goes on.
        (shell("exec >&- 2>&-; sleep 0.3; exit 5"), 5, "", ""),
        (Command { working_folder: Some("/data".to_owned()), ..shell("ls") }, 0, "ready\nsite.txt\n", ""),
    ] {
        let output = stand.engine.run(name, &command, LIMIT).await.unwrap();
        let said = [output.standard, output.errors].map(|bytes| String::from_utf8(bytes).unwrap());
        assert_eq!(
            (output.exit_code, said[0].as_str(), said[1].as_str()),
            (exit_code, standard, errors),
            "{command:?}"
        );
    }
    let long = stand.engine.run(name, &shell("head -c 3000000 /dev/zero || cat /bin/busybox"), LIMIT).await.unwrap();
    assert!(long.standard.len() > 500_000, "{}", long.standard.len());
    let slow = stand.engine.run(name, &shell("sleep 100"), Duration::from_millis(200)).await;
    assert!(matches!(slow, Err(ContainersError::TimedOut { .. })), "{slow:?}");
    let absent = stand.engine.run(name, &Command::new(["no-such-program"]), LIMIT).await;
    assert!(absent.as_ref().is_ok_and(|output| matches!(output.exit_code, 126 | 127)) || absent.is_err(), "{absent:?}");
}

async fn files_in_and_out(stand: &Stand, name: &str) {
    let engine = &stand.engine;
    assert_eq!(engine.read_file(name, "/data/site.txt", 100).await.unwrap(), b"Paranal");
    let folder = engine.take_files(name, "/data", 1 << 20).await.unwrap();
    let paths: Vec<&str> = folder.iter().map(FileEntry::path).collect();
    assert!(paths.contains(&"data/site.txt"), "{paths:?}");
    assert!(matches!(engine.take_files(name, "/data", 10).await, Err(ContainersError::Refused { .. })));
    assert!(matches!(engine.read_file(name, "/data", 100_000).await, Err(ContainersError::Refused { .. })));
    let absent = engine.read_file(name, "/data/none", 100).await;
    assert!(matches!(absent, Err(ContainersError::NotFound { .. })), "{absent:?}");
    let mut archive = Vec::new();
    let count = engine.take_archive(name, "/data", &mut archive).await.unwrap();
    assert_eq!(count, archive.len() as u64);
    // Its root can't be written, from outside neither.
    let root = engine.put_files(name, "/tmp", &[FileEntry::file("x", "")]).await;
    assert!(matches!(root, Err(ContainersError::Refused { .. } | ContainersError::Failed { .. })), "{root:?}");
}

#[tokio::test]
async fn what_was_changed_inside_is_seen() {
    let stand = Stand::start().await;
    let name = stand.started("loose", "echo mine > /tmp/mine; sleep 1000").await;
    until("change", LIMIT, async || {
        let changes = stand.engine.changes(&name).await.unwrap();
        changes.iter().any(|change| change.path == "/tmp/mine" && change.kind == ChangeKind::Added)
    })
    .await;
    assert_eq!(stand.engine.read_file(&name, "/tmp/mine", 100).await.unwrap(), b"mine\n");
}

#[tokio::test]
async fn its_health_is_that_of_the_engine() {
    let options = engine_containers::Options {
        probe_interval: Duration::from_millis(100),
        ..engine_containers::Options::default()
    };
    let mut stand = Stand::with(options).await;
    until("health", LIMIT, async || stand.engine.health().status == Status::Healthy).await;
    assert!(stand.engine.health().details.contains_key("containers_running"));
    stand.dockerd.kill();
    until("illness", LIMIT, async || stand.engine.health().status == Status::Unhealthy).await;
    let error = stand.engine.ping().await.unwrap_err();
    assert!(matches!(error, ContainersError::NotRunning { .. }), "{error:?}");
    stand.engine.stop().await;
    stand.engine.stop().await;
}
