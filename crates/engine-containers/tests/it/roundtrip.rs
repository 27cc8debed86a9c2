//! What a container is asked to be is read back as it was asked, whatever it is.

use engine_containers::{
    Attachment, ContainerSpec, LogDriver, Mount, NetworkSpec, Port, Protocol, Published, Restart, Ulimit, VolumeSpec,
};
use serde_json::json;

use crate::stand::Stand;

/// What makes a container another.
type Change = Box<dyn Fn(&mut ContainerSpec)>;

fn volume(name: Option<&str>, target: &str, read_only: bool) -> Mount {
    Mount::Volume { name: name.map(str::to_owned), target: target.to_owned(), read_only }
}

fn bind(source: &str, target: &str, read_only: bool, make_source: bool) -> Mount {
    Mount::Bind { source: source.to_owned(), target: target.to_owned(), read_only, make_source }
}

#[tokio::test]
async fn what_was_asked_is_read_back() {
    let stand = Stand::start().await;
    let networks = ["net-a", "net-b"].map(|name| stand.name(name));
    for (number, name) in networks.iter().enumerate() {
        let subnet = engine_containers::Subnet {
            subnet: Some(format!("10.213.{number}.0/24")),
            ..engine_containers::Subnet::default()
        };
        let spec = NetworkSpec { name: name.clone(), subnets: vec![subnet], ..NetworkSpec::default() };
        stand.engine.create_network(&spec).await.unwrap();
    }
    let data = stand.name("data");
    stand.engine.create_volume(&VolumeSpec { name: data.clone(), ..VolumeSpec::default() }).await.unwrap();
    let other = stand.started("other", "sleep 1000").await;

    let rows: Vec<(&str, Change)> = vec![
        ("nothing", Box::new(|_| ())),
        ("entrypoint", Box::new(|s| s.entrypoint = Some(vec!["sleep".to_owned()]))),
        ("no-command", Box::new(|s| (s.command, s.entrypoint) = (None, Some(vec!["cat".to_owned()])))),
        ("image-command", Box::new(|s| s.command = None)),
        (
            "who",
            Box::new(|s| {
                (s.user, s.working_folder) = (Some("0".to_owned()), Some("/".to_owned()));
                s.host_name = Some("dome".to_owned());
                s.environment =
                    [("A", "1=2"), ("OF_IMAGE", "no"), ("EMPTY", "")].map(|(k, v)| (k.to_owned(), v.to_owned())).into();
                s.labels = [("a.b/c", ""), ("of.image", "other")].map(|(k, v)| (k.to_owned(), v.to_owned())).into();
            }),
        ),
        (
            "health-off",
            Box::new(|s| {
                s.health = Some(engine_containers::HealthCheck { test: vec!["NONE".to_owned()], ..Default::default() });
            }),
        ),
        (
            "ports",
            Box::new(|s| {
                let udp = Port { number: 53, protocol: Protocol::Udp };
                s.exposed = [Port::tcp(9999)].into();
                s.published = vec![
                    Published { container: udp, host_address: None, host_port: Some(20053) },
                    Published {
                        container: Port::tcp(8080),
                        host_address: Some("127.0.0.1".to_owned()),
                        host_port: None,
                    },
                    Published {
                        container: Port::tcp(8080),
                        host_address: Some("127.0.0.1".to_owned()),
                        host_port: Some(20080),
                    },
                ];
            }),
        ),
        (
            "mounts",
            Box::new({
                let data = data.clone();
                move |s| {
                    s.mounts = vec![
                        volume(None, "/nameless", false),
                        bind("/tmp", "/old", true, true),
                        volume(Some(&data), "/data", true),
                        bind("/tmp", "/new", false, false),
                        Mount::Tmpfs { target: "/fast".to_owned(), size_bytes: None, mode: None },
                    ];
                }
            }),
        ),
        (
            "nets",
            Box::new({
                let networks = networks.clone();
                move |s| {
                    let fixed = Attachment { ipv4: Some("10.213.1.77".to_owned()), ..Attachment::default() };
                    let named = Attachment { aliases: vec!["dome".to_owned()], ..Attachment::default() };
                    s.networks = networks.iter().cloned().zip([named, fixed]).collect();
                }
            }),
        ),
        (
            "second-net-first",
            Box::new({
                let networks = networks.clone();
                move |s| {
                    s.networks = networks.iter().cloned().map(|name| (name, Attachment::default())).collect();
                    s.network_mode = Some(networks[1].clone());
                }
            }),
        ),
        (
            "bridge-and-more",
            Box::new({
                let networks = networks.clone();
                move |s| {
                    s.networks = networks.iter().cloned().map(|name| (name, Attachment::default())).collect();
                    s.network_mode = Some("bridge".to_owned());
                }
            }),
        ),
        ("host-net", Box::new(|s| s.network_mode = Some("host".to_owned()))),
        ("no-net", Box::new(|s| s.network_mode = Some("none".to_owned()))),
        (
            "names",
            Box::new(|s| {
                (s.extra_hosts, s.dns) = (vec!["dome:10.0.0.1".to_owned()], vec!["10.0.0.2".to_owned()]);
            }),
        ),
        ("restart", Box::new(|s| s.restart = Restart::OnFailure { attempts_max: 3 })),
        ("always", Box::new(|s| s.restart = Restart::UnlessStopped)),
        ("stop", Box::new(|s| (s.stop.signal, s.stop.grace_seconds) = (Some("SIGINT".to_owned()), Some(0)))),
        (
            "limits",
            Box::new(|s| {
                s.limits.memory_bytes = Some(64 << 20);
                s.limits.memory_reservation_bytes = Some(32 << 20);
                s.limits.cpus = Some(0.25);
                s.limits.cpu_shares = Some(512);
                s.limits.cpu_set = Some("0".to_owned());
                s.limits.processes = Some(99);
                s.limits.shared_memory_bytes = Some(1 << 20);
                s.limits.ulimits = [("nofile".to_owned(), Ulimit { soft: 64, hard: 128 })].into();
            }),
        ),
        (
            "hardening",
            Box::new(|s| {
                s.hardening = engine_containers::Hardening::strict();
                s.hardening.capabilities_added = ["NET_BIND_SERVICE".to_owned()].into();
                s.hardening.groups = vec!["1234".to_owned()];
                s.hardening.options = vec!["seccomp=unconfined".to_owned()];
            }),
        ),
        ("privileged", Box::new(|s| s.hardening.privileged = true)),
        (
            "logs",
            Box::new(|s| {
                let options = [("max-size".to_owned(), "1m".to_owned())].into();
                s.log = Some(LogDriver { driver: "json-file".to_owned(), options });
            }),
        ),
        ("init", Box::new(|s| s.init = Some(true))),
        (
            "more",
            Box::new({
                let other = other.clone();
                move |s| {
                    s.more = json!({
                        "Tty": true,
                        "Domainname": "example.org",
                        "HostConfig": {
                            "Links": [format!("{other}:o")],
                            "Tmpfs": { "/run": "size=1m" },
                            "Sysctls": { "net.core.somaxconn": "100" },
                            "PidMode": "host",
                            "OomScoreAdj": 100,
                            "Binds": ["/tmp:/shared:rshared"],
                        },
                    })
                    .as_object()
                    .unwrap()
                    .clone();
                }
            }),
        ),
    ];
    for (name, change) in rows {
        let mut spec = stand.spec(name, "sleep 1000");
        change(&mut spec);
        stand.engine.create(&spec).await.unwrap_or_else(|error| panic!("{name}: {error}"));
        let made = stand.engine.container(&spec.name).await.unwrap();
        assert_eq!(made.spec(Some(&stand.image)), spec, "{name}");
        // The same read from text, and what the image says left in: a container made of that is the same again.
        let text = serde_json::to_string(&made.spec(None)).unwrap();
        let mut again: ContainerSpec = serde_json::from_str(&text).unwrap();
        again.name = format!("{}-2", spec.name);
        stand.engine.create(&again).await.unwrap_or_else(|error| panic!("{name}: {error}"));
        let twin = stand.engine.container(&again.name).await.unwrap();
        assert_eq!(ContainerSpec { name: spec.name.clone(), ..twin.spec(None) }, made.spec(None), "{name}");
    }
}
