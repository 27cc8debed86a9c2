//! What was asked is read back, whoever asked for it and in whichever spelling the engine tells it.

mod respelled;

use proptest::{collection, option, prelude::*, sample::select};

use super::*;
use crate::{Container, Protocol};

const ID: &str = "0123456789abcdef0123456789abcdef";

/// What an engine would say of a container that was asked for like this.
fn inspected(spec: &ContainerSpec) -> Value {
    let mut config = rendering::request(spec);
    let host = config.get("HostConfig").cloned().unwrap_or_default();
    remove(&mut config, "HostConfig");
    remove(&mut config, "NetworkingConfig");
    let mut networks: Map<String, Value> =
        spec.networks.iter().map(|(name, of)| (name.clone(), json!(rendering::endpoint(of)))).collect();
    if spec.network_mode.as_deref() == Some("bridge") {
        networks.entry("bridge").or_insert_with(|| json!({}));
    }
    for (number, (_, network)) in networks.iter_mut().enumerate() {
        set(network, "NetworkID", format!("{number}fedcba9876543210").into());
    }
    json!({
        "Id": ID,
        "Name": format!("/{}", spec.name),
        "Config": config,
        "HostConfig": host,
        "NetworkSettings": { "Networks": networks },
    })
}

/// Texts that mean something to somebody on the way.
fn odd() -> impl Strategy<Value = String> {
    prop_oneof![
        select(vec!["", "=", "a=b", "$X", "\n", "ä€🔭", "no", "1e3", " x ", "\u{2028}", "a:b", "null"])
            .prop_map(str::to_owned),
        "[ -~]{0,12}",
    ]
}

fn words() -> impl Strategy<Value = Option<Vec<String>>> {
    option::of(collection::vec(odd(), 1..4))
}

fn pairs() -> impl Strategy<Value = BTreeMap<String, String>> {
    collection::btree_map("[A-Za-z_./ä-]{1,10}", odd(), 0..4)
}

fn path() -> impl Strategy<Value = String> {
    "/[a-z]{1,6}"
}

fn mounts() -> impl Strategy<Value = Vec<Mount>> {
    let nameless = collection::btree_set("/0[a-z]{1,6}", 0..3);
    let binds = collection::vec((path(), path(), any::<bool>()), 0..3);
    let volume = (option::of("[a-z]{1,6}"), path(), any::<bool>());
    let volume = volume.prop_map(|(name, target, read_only)| {
        // One without a name stands elsewhere, unless it is read-only.
        let read_only = read_only || name.is_none();
        Mount::Volume { name, target, read_only }
    });
    let bind = ("/[a-z:]{1,6}", "/[a-z:]{1,6}", any::<bool>());
    let bind =
        bind.prop_map(|(source, target, read_only)| Mount::Bind { source, target, read_only, make_source: false });
    let tmpfs = (path(), option::of(1..u64::from(u32::MAX)), option::of(1..0o1777_u32));
    let tmpfs = tmpfs.prop_map(|(target, size_bytes, mode)| Mount::Tmpfs { target, size_bytes, mode });
    let others = collection::vec(prop_oneof![volume, bind, tmpfs], 0..4);
    (nameless, binds, others).prop_map(|(nameless, binds, others)| {
        let nameless = nameless.into_iter().map(|target| Mount::Volume { name: None, target, read_only: false });
        let made = |(source, target, read_only)| Mount::Bind { source, target, read_only, make_source: true };
        let mut made: Vec<Mount> = binds.into_iter().map(made).collect();
        made.dedup();
        let first = made.first().cloned();
        made.retain({
            let mut is_first = true;
            move |mount| Some(mount) != first.as_ref() || std::mem::take(&mut is_first)
        });
        nameless.chain(made).chain(others).collect()
    })
}

fn port() -> impl Strategy<Value = Port> {
    let protocol = select(vec![Protocol::Tcp, Protocol::Tcp, Protocol::Udp, Protocol::Sctp]);
    (1..5_u16, protocol).prop_map(|(number, protocol)| Port { number, protocol })
}

fn published() -> impl Strategy<Value = Vec<Published>> {
    let address = select(vec!["0.0.0.0", "::", "::1", "127.0.0.1", "127.0.0.10", "127.0.0.9", "fe80::1%eth0"]);
    let host_port = prop_oneof![0..12_u16, 1..u16::MAX];
    let one = (port(), option::of(address.prop_map(str::to_owned)), option::of(host_port));
    collection::vec(one, 0..6).prop_map(|all| {
        let made = |(container, host_address, host_port)| Published { container, host_address, host_port };
        let mut ports: Vec<Published> = all.into_iter().map(made).collect();
        ports.sort();
        ports
    })
}

fn attachment() -> impl Strategy<Value = Attachment> {
    let names = || collection::vec("[a-z]{1,6}", 0..3);
    let fixed =
        (option::of("10[.]1[.]1[.][1-9]"), option::of("fd00::[1-9]"), collection::vec("169[.]254[.]1[.][1-9]", 0..2));
    let links = collection::vec("[a-z]{1,4}:[a-z]{1,4}", 0..2);
    (names(), fixed, pairs(), links, option::of(1..9_i64)).prop_map(
        |(aliases, (ipv4, ipv6, link_local), options, links, gateway_priority)| Attachment {
            aliases,
            ipv4,
            ipv6,
            link_local,
            options,
            links,
            gateway_priority,
        },
    )
}

/// The mode, and the networks.
fn networks() -> impl Strategy<Value = (Option<String>, BTreeMap<String, Attachment>)> {
    let alone = select(vec![None, None, Some("host"), Some("none"), Some("container:fedcba")]);
    let alone = alone.prop_map(|mode| (mode.map(str::to_owned), BTreeMap::new()));
    let some = (collection::btree_map("[a-z][a-z $.]{1,6}", attachment(), 1..4), 0..5_usize);
    let some = some.prop_map(|(networks, which)| {
        let mode = if which == 4 { Some("bridge".to_owned()) } else { networks.keys().nth(which).cloned() };
        (mode.filter(|mode| Some(mode) != networks.keys().next()), networks)
    });
    prop_oneof![1 => alone, 2 => some]
}

fn limits() -> impl Strategy<Value = Limits> {
    let figure = || option::of(1..1_u64 << 40);
    let ulimit = (-1..1_000_i64, -1..1_000_i64).prop_map(|(soft, hard)| Ulimit { soft, hard });
    let ulimits = collection::btree_map("[a-z]{1,6}", ulimit, 0..3);
    let more = (option::of(select(vec![-1, 1, 1 << 50])), option::of("[0-3](-[4-7])?"), option::of(1..1_u64 << 20));
    (figure(), figure(), option::of(1..64_000_u32), figure(), figure(), ulimits, more).prop_map(
        |(memory, reserved, milli_cpus, shares, processes, ulimits, (swap, cpu_set, shared))| Limits {
            memory_bytes: memory,
            memory_reservation_bytes: reserved,
            memory_and_swap_bytes: swap,
            cpus: milli_cpus.map(|milli| f64::from(milli) / 1e3),
            cpu_shares: shares,
            cpu_set,
            processes,
            shared_memory_bytes: shared,
            ulimits,
        },
    )
}

fn hardening() -> impl Strategy<Value = Hardening> {
    let set = || {
        let names = vec!["ALL", "CHOWN", "NET_ADMIN", "SYS_TIME", "SYS_ADMIN"];
        collection::btree_set(select(names).prop_map(str::to_owned), 0..3)
    };
    let options = vec!["apparmor=unconfined", "no-new-privileges:false", "seccomp={\n}", "label:type:x", "a=b c"];
    let options = collection::btree_set(select(options).prop_map(str::to_owned), 0..4);
    (any::<[bool; 3]>(), set(), set(), collection::btree_set("[0-9a-z]{1,4}", 0..3), options).prop_map(
        |([read_only_root, no_new_privileges, privileged], dropped, added, groups, options)| Hardening {
            read_only_root,
            no_new_privileges,
            privileged,
            capabilities_dropped: dropped,
            capabilities_added: added,
            groups: groups.into_iter().rev().collect(),
            options: options.into_iter().collect(),
        },
    )
}

fn restart() -> impl Strategy<Value = Restart> {
    prop_oneof![
        Just(Restart::No),
        Just(Restart::Always),
        Just(Restart::UnlessStopped),
        (0..9_u32).prop_map(|attempts_max| Restart::OnFailure { attempts_max }),
    ]
}

fn health() -> impl Strategy<Value = Option<HealthCheck>> {
    let seconds = || option::of((1..2_000_000_000_000_u64).prop_map(|nano| nano as f64 / 1e9));
    let check = (collection::vec(odd(), 1..4), seconds(), seconds(), seconds(), option::of(1..9_u32));
    option::of(check.prop_map(|(test, interval_seconds, timeout_seconds, start_period_seconds, retries)| HealthCheck {
        test,
        interval_seconds,
        timeout_seconds,
        start_period_seconds,
        retries,
    }))
}

fn log() -> impl Strategy<Value = Option<LogDriver>> {
    let one = (select(vec!["json-file", "local", "journald", "none"]), pairs());
    option::of(one.prop_map(|(driver, options)| LogDriver { driver: driver.to_owned(), options }))
        .prop_map(|log| log.filter(|log| log.driver != "json-file" || !log.options.is_empty()))
}

/// Each once, in any order.
fn once(pattern: &'static str) -> impl Strategy<Value = Vec<String>> {
    collection::btree_set(pattern, 0..3).prop_map(|set| set.into_iter().rev().collect())
}

prop_compose! {
    fn any_spec()(
        (name, user, folder, host_name) in ("[a-z]{1,8}", option::of("[a-z0-9:]{1,5}"), option::of(path()), option::of("[a-z.]{1,5}")),
        (entrypoint, command) in (words(), words()),
        (environment, labels) in (pairs(), pairs()),
        (mounts, published, exposed, (network_mode, networks)) in (mounts(), published(), collection::btree_set(port(), 0..3), networks()),
        (limits, hardening, restart) in (limits(), hardening(), restart()),
        (signal, grace_seconds, init) in (option::of(select(vec!["SIGINT", "SIGTERM", "9"])), option::of(0..100_u32), option::of(any::<bool>())),
        (health, log, dns, extra_hosts) in (health(), log(), once("10[.]0[.]0[.][1-9]"), once("[a-z]{1,3}:(::1|10[.]0[.]0[.]1|host-gateway)")),
    ) -> ContainerSpec {
        let shares = network_mode.as_ref().is_some_and(|mode| mode == "host" || mode.starts_with("container:"));
        ContainerSpec {
            name, entrypoint, command, environment, labels, mounts, network_mode, networks, limits, hardening, restart, init,
            user, health, log, dns, extra_hosts,
            exposed: exposed.into_iter().filter(|port| !published.iter().any(|one| one.container == *port)).collect(),
            published,
            host_name: host_name.filter(|_| !shares),
            working_folder: folder,
            image: "i:1".to_owned(),
            stop: StopRule { signal: signal.map(str::to_owned), grace_seconds },
            more: Map::new(),
        }
    }
}

/// What an engine's own words say where no field of ours does.
fn more() -> impl Strategy<Value = Map<String, Value>> {
    let host = select(vec![
        (
            "PortBindings",
            json!({ "7/tcp": [{ "HostIp": "", "HostPort": "8000-8010" }, { "HostIp": "", "HostPort": "9" }] }),
        ),
        ("PortBindings", json!({ "8/tcp": [] , "9/udp": null })),
        ("Mounts", json!([{ "Type": "volume", "Target": "/v", "VolumeOptions": { "NoCopy": true } }])),
        (
            "Mounts",
            json!([{ "Type": "bind", "Source": "/a", "Target": "/b", "BindOptions": { "Propagation": "rshared" } }]),
        ),
        ("Mounts", json!([{ "Type": "image", "Source": "i:2", "Target": "/i" }])),
        ("Binds", json!(["/a:/b:ro,Z", "v:/w:nocopy"])),
        ("Binds", json!(["/a:/b:rw,rprivate,rbind"])),
        ("MemorySwappiness", json!(0)),
        ("IpcMode", json!("shareable")),
        ("PidMode", json!("host")),
        ("MaskedPaths", json!([])),
        ("Annotations", json!({ "a": "", "b": "0" })),
        ("Sysctls", json!({ "net.ipv4.ip_forward": "0" })),
        (
            "DeviceRequests",
            json!([{ "Driver": "", "Count": -1, "DeviceIDs": null, "Capabilities": [["gpu"]], "Options": {} }]),
        ),
        ("Devices", json!([{ "PathOnHost": "/dev/a:b", "PathInContainer": "/dev/c", "CgroupPermissions": "" }])),
        ("BlkioDeviceReadBps", json!([{ "Path": "/dev/sda", "Rate": u64::MAX }])),
        ("Tmpfs", json!({ "/t": "", "/u": "size=0" })),
        ("CgroupParent", json!("/x")),
    ]);
    let config = select(vec![
        ("Env", json!(["OF_IMAGE", "PATH"])),
        ("Healthcheck", json!({ "StartInterval": 5 })),
        ("StopTimeout", json!(-1)),
        ("Shell", json!(["/bin/a"])),
        ("MacAddress", json!("02:42:ac:11:00:09")),
        ("NetworkDisabled", json!(true)),
    ]);
    (collection::vec(host, 0..4), collection::vec(config, 0..3)).prop_map(|(host, config)| {
        let mut more: Map<String, Value> = config.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        let host: Map<String, Value> = host.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        more.insert("HostConfig".to_owned(), host.into());
        more
    })
}

fn cases(sample: u32) -> ProptestConfig {
    let asked = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok());
    ProptestConfig { cases: asked.unwrap_or(sample), failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn what_was_asked_is_read_back(spec in any_spec()) {
        prop_assert_eq!(super::spec(&inspected(&spec), None), spec);
    }

    /// Engines keep lists as they were typed, clients write the same in several ways, and engines fill in what nobody said.
    #[test]
    fn however_it_is_spelt_it_is_read_alike(spec in any_spec(), seed in any::<u64>()) {
        let typed = respelled::respelled(&spec, seed);
        prop_assert_eq!(&super::spec(&typed, None), &spec, "{}", typed);
        prop_assert_eq!(Container::of_transcript(typed).unwrap().name, spec.name);
    }

    /// What was read, asked for again and read again, is the same; and nothing that was said is missing in the request.
    #[test]
    fn what_was_read_is_read_again(spec in any_spec(), more in more(), seed in any::<u64>()) {
        let asked = ContainerSpec { more, mounts: Vec::new(), published: Vec::new(), ..spec };
        let first = super::spec(&inspected(&asked), None);
        let second = super::spec(&inspected(&first), None);
        prop_assert_eq!(&second, &first);
        let other = super::spec(&respelled::in_another_order(inspected(&first), seed), None);
        prop_assert_eq!(other, first);
    }

    #[test]
    fn what_is_not_understood_is_kept(key in "[A-Z][a-z]{3,9}", value in 1..9_i64) {
        let mut spec = ContainerSpec::new("a", "i:1");
        spec.more = json!({ "HostConfig": { format!("New{key}"): value }, format!("Other{key}"): [value] })
            .as_object().cloned().unwrap();
        prop_assert_eq!(super::spec(&inspected(&spec), None), spec);
    }
}

/// An image that says something of everything.
fn image() -> ImageDefaults {
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    ImageDefaults {
        entrypoint: texts(&["/entry"]),
        command: texts(&["serve"]),
        environment: [("OF_IMAGE", "yes"), ("PATH", "/bin")].map(|(k, v)| (k.to_owned(), v.to_owned())).into(),
        stop_signal: Some("SIGQUIT".to_owned()),
        exposed: [Port::tcp(80)].into(),
        health: Some(HealthCheck { test: texts(&["CMD", "true"]), ..HealthCheck::default() }),
        ..ImageDefaults::default()
    }
}

#[test]
fn what_takes_from_the_image_is_read_as_such() {
    let found = json!({
        "Id": ID,
        "Name": "/a",
        "Config": {
            "Image": "i:1",
            "Entrypoint": null,
            "Cmd": ["serve"],
            "Env": ["OF_IMAGE", "A=1", "A=2", "B", "B=3", "PATH=/bin"],
            "StopSignal": "SIGTERM",
            "ExposedPorts": { "80/tcp": {}, "9000-9001/tcp": {} },
            "Healthcheck": { "Test": ["CMD", "true"], "StartInterval": 1_000_000_000 },
            "ArgsEscaped": true,
        },
        "HostConfig": {},
    });
    let spec = spec(&found, Some(&image()));
    // Without the empty list the image's would count.
    assert_eq!(spec.entrypoint, Some(Vec::new()));
    assert_eq!(spec.command, Some(vec!["serve".to_owned()]));
    assert_eq!(spec.environment, [("A", "2"), ("B", "3")].map(|(k, v)| (k.to_owned(), v.to_owned())).into());
    assert_eq!(spec.stop.signal.as_deref(), Some("SIGTERM"));
    assert_eq!(spec.health, None);
    let more = json!({
        "Env": ["OF_IMAGE"],
        "ExposedPorts": { "9000-9001/tcp": {} },
        "Healthcheck": { "StartInterval": 1_000_000_000 },
    });
    assert_eq!(Value::Object(spec.more.clone()), more);
    let request = rendering::request(&spec);
    assert_eq!(request["Entrypoint"], json!([]));
    assert_eq!(request["Env"], json!(["A=2", "B=3", "OF_IMAGE"]));
    // The same without what was changed says nothing at all.
    let plain = json!({
        "Id": ID,
        "Name": "/a",
        "Config": {
            "Image": "i:1", "Entrypoint": ["/entry"], "Cmd": ["serve"], "Env": ["PATH=/bin", "OF_IMAGE=yes"], "StopSignal": "SIGQUIT",
            "ExposedPorts": { "80/tcp": {} }, "Healthcheck": { "Test": ["CMD", "true"] },
        },
    });
    assert_eq!(super::spec(&plain, Some(&image())), ContainerSpec::new("a", "i:1"));
}

#[test]
fn a_network_is_named_by_its_name() {
    let found = |mode: &str| {
        let networks =
            json!({ "a": { "NetworkID": "1fedcba98765432100" }, "b": { "NetworkID": "2fedcba98765432100" } });
        let found = json!({ "HostConfig": { "NetworkMode": mode }, "NetworkSettings": { "Networks": networks } });
        spec(&found, None)
    };
    for (mode, expected) in [
        ("b", Some("b")),
        ("a", None),
        ("2fedcba98765432100", Some("b")),
        ("2fedcba98765", Some("b")),
        ("1fedcba98765432100", None),
        // It was taken from this one.
        ("c", None),
    ] {
        let spec = found(mode);
        assert_eq!(spec.network_mode.as_deref(), expected, "{mode}");
        assert_eq!((spec.networks.len(), spec.more), (2, Map::new()), "{mode}");
    }
}
