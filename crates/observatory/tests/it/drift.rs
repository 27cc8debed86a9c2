//! What was changed behind its back: `status` names each, `up` mends each, and nothing is left to do.

use std::{collections::BTreeSet, time::Instant};

use engine_containers::{
    Attachment, ContainerEngine, ContainerSpec, FileEntry, Limits, NetworkSpec, Restart, WithVolumes,
};

use crate::{
    dock::{Boards, Dock, STAND_IN, push_gateway},
    site::free_ports,
};

const NETWORK: &str = "site_observatory";

/// A change, what `status` says of it, and whether it is among the fifteen that the test command shows.
pub(crate) struct Row {
    pub(crate) what: &'static str,
    said: &'static str,
    pub(crate) service: &'static str,
    pub(crate) is_sample: bool,
}

const fn row(what: &'static str, service: &'static str, said: &'static str) -> Row {
    Row { what, said, service, is_sample: true }
}

const fn rare(what: &'static str, service: &'static str, said: &'static str) -> Row {
    Row { what, said, service, is_sample: false }
}

pub(crate) const ROWS: [Row; 24] = [
    row("a stopped container", "pushgateway", "start pushgateway: it does not run"),
    row("a paused container", "grafana", "start grafana: it is paused"),
    row("a file in a volume", "prometheus", "prometheus.yml was changed"),
    row("a removed container", "pushgateway", "create pushgateway: it is not there"),
    row("a published port", "grafana", "published port was changed"),
    row("a memory limit", "prometheus", "memory limit was changed"),
    row("a variable", "pushgateway", "variable HTTP_PROXY was changed"),
    row("a file in the root file system", "grafana", "/bin/miner was added"),
    row("a processor limit", "prometheus", "processor limit was changed"),
    row("a network taken away", "pushgateway", "detached from the network site_observatory"),
    row("a user", "grafana", "user was changed"),
    row("a restart policy", "prometheus", "restart policy was changed"),
    row("the image behind a tag", "pushgateway", "image behind prom/pushgateway:v1.5.1-deb is another one"),
    row("another volume", "grafana", "what is mounted at /var/lib/grafana was changed"),
    row("a network added", "prometheus", "attached to the network foreign"),
    rare("a command", "pushgateway", "command was changed"),
    rare("an entrypoint", "grafana", "entrypoint was changed"),
    rare("a file added to a volume", "prometheus", "rules/evil.yml was added"),
    rare("a name on the network", "pushgateway", "its name on the network site_observatory was changed"),
    rare("a label", "grafana", "label com.docker.compose.oneoff was changed"),
    rare("a name", "prometheus", "name was changed"),
    rare("privileges", "pushgateway", "privileges was changed"),
    rare("a secret", "grafana", "secret grafana-admin-password was changed"),
    rare("a second container", "prometheus", "container site-prometheus-2 is there as well"),
];

#[tokio::test]
async fn what_was_changed_behind_its_back_is_named_and_mended() {
    let is_long = std::env::var_os("BIGSKIES_SOAK").is_some();
    let dock = Dock::open(Boards::With).await;
    dock.run(&["up"]).expect_code(0);
    let rows: Vec<&Row> = ROWS.iter().filter(|row| is_long || row.is_sample).collect();
    // One of each service at a time: what is changed about one does not hide what is changed about another.
    for three in rows.chunks(3) {
        let began = Instant::now();
        for row in three {
            change(&dock.engine, row).await;
        }
        let status = dock.run(&["status"]).expect_code(4);
        let up = dock.run(&["up", "--json"]).expect_code(0).json();
        let changes = up["changes"].as_array().unwrap();
        let mended: BTreeSet<&str> = changes.iter().filter_map(|change| change["service"].as_str()).collect();
        for row in three {
            assert!(status.out.contains(row.said), "{}: {}", row.what, status.out);
            println!("{}: named and mended", row.what);
        }
        assert_eq!(mended, three.iter().map(|row| row.service).collect(), "{up}");
        let plan = dock.run(&["plan"]);
        assert_eq!((plan.code, plan.out.trim()), (0, "nothing to change: everything is as configured"));
        println!("three changes after {:.1} s", began.elapsed().as_secs_f64());
    }
    dock.run(&["down", "--volumes", "--yes"]).expect_code(0);
    // What a stranger made is a stranger's.
    assert_eq!(dock.holdings().await, ["network foreign", "volume foreign-data"]);
}

/// Makes one of the changes, as somebody with a client of Docker would.
pub(crate) async fn change(engine: &ContainerEngine, row: &Row) {
    let name = format!("site-{}-1", row.service);
    let limits = async |limits: Limits, restart: Option<Restart>| {
        engine.change_limits(&name, &limits, restart).await.unwrap();
    };
    let put = async |folder: &str, file: &str| {
        engine.put_files(&name, folder, &[FileEntry::file(file, "global: {}")]).await.unwrap();
    };
    match row.what {
        "a stopped container" => engine.stop_container(&name, None).await.unwrap(),
        "a removed container" => engine.remove(&name, WithVolumes::Keep).await.unwrap(),
        "a paused container" => engine.pause(&name).await.unwrap(),
        "a file in a volume" => put("/etc/prometheus", "prometheus.yml").await,
        "a file added to a volume" => put("/etc/prometheus/rules", "evil.yml").await,
        "a file in the root file system" => put("/bin", "miner").await,
        "a secret" => put("/run/secrets", "grafana-admin-password").await,
        "a memory limit" => {
            let (memory_bytes, memory_and_swap_bytes) = (Some(512 << 20), Some(1024 << 20));
            limits(Limits { memory_bytes, memory_and_swap_bytes, ..Limits::default() }, None).await;
        }
        "a processor limit" => limits(Limits { cpus: Some(1.5), ..Limits::default() }, None).await,
        "a restart policy" => limits(Limits::default(), Some(Restart::No)).await,
        "a network taken away" => engine.detach(NETWORK, &name).await.unwrap(),
        "a network added" => {
            let foreign = NetworkSpec { name: "foreign".to_owned(), ..NetworkSpec::default() };
            engine.create_network(&foreign).await.unwrap();
            engine.attach("foreign", &name, &Attachment::default()).await.unwrap();
        }
        "a name on the network" => {
            engine.detach(NETWORK, &name).await.unwrap();
            engine.attach(NETWORK, &name, &Attachment::default()).await.unwrap();
        }
        "the image behind a tag" => push_gateway(engine, "another").await,
        "a name" => engine.rename(&name, "site-old-1").await.unwrap(),
        "a second container" => {
            let mut second = spec_of(engine, &name).await;
            second.name = format!("site-{}-2", row.service);
            second.published.clear();
            engine.create(&second).await.unwrap();
        }
        _ => make_anew(engine, &name, row.what).await,
    }
}

/// Changes that need another container in the place of the one that is there.
async fn make_anew(engine: &ContainerEngine, name: &str, what: &str) {
    let mut spec = spec_of(engine, name).await;
    match what {
        "a published port" => {
            let [other] = free_ports();
            spec.published.iter_mut().for_each(|published| published.host_port = Some(other));
        }
        "a variable" => drop(spec.environment.insert("HTTP_PROXY".to_owned(), "http://evil:3128".to_owned())),
        "a command" => spec.command.iter_mut().for_each(|words| words.push("--log.level=debug".to_owned())),
        "an entrypoint" => {
            spec.entrypoint = Some(["sh", "-c", STAND_IN, "another"].map(str::to_owned).to_vec());
        }
        "a label" => drop(spec.labels.insert("com.docker.compose.oneoff".to_owned(), "false".to_owned())),
        "a user" => spec.user = Some("0:0".to_owned()),
        "privileges" => spec.hardening.privileged = true,
        "another volume" => {
            let text = serde_json::to_string(&spec).unwrap().replace("site_grafana-data", "foreign-data");
            spec = serde_json::from_str(&text).unwrap();
        }
        other => panic!("nobody knows how to make {other}"),
    }
    engine.remove(name, WithVolumes::Keep).await.unwrap();
    engine.create(&spec).await.unwrap();
    engine.start(name).await.unwrap();
}

async fn spec_of(engine: &ContainerEngine, name: &str) -> ContainerSpec {
    let container = engine.container(name).await.unwrap();
    let image = engine.image(&container.image_id).await.unwrap();
    container.spec(Some(&image))
}
