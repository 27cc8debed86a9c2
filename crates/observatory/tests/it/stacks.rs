//! Stacks that nobody thought of: containers, networks and volumes with whatever an engine takes, in order that each may need those before it.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use engine_containers::{
    Attachment, ContainerSpec, Hardening, HealthCheck, Limits, LogDriver, Mount, NetworkSpec, Port, Protocol,
    Published, Restart, StopRule, Subnet, Ulimit, VolumeSpec,
};
use proptest::{collection, option, prelude::*, sample::select};
use serde_json::{Map, Value, json};

/// A stack.
#[derive(Debug, Clone)]
pub(crate) struct Stack {
    pub(crate) networks: Vec<NetworkSpec>,
    pub(crate) volumes: Vec<VolumeSpec>,
    pub(crate) containers: Vec<ContainerSpec>,
}

/// Values that mean something to a shell, to YAML, to Compose or to us.
fn value() -> impl Strategy<Value = String> {
    const ODD: &[&str] = &[
        "",
        "yes",
        "no",
        "null",
        "~",
        "0755",
        "1e3",
        "0x1f",
        "3.0",
        "a: b",
        "- a",
        "#x",
        " lead",
        "trail ",
        "$",
        "$$",
        "${X}",
        "${X:-y}",
        "$X",
        "a$b",
        "'",
        "\"",
        "\\n",
        "two\nlines",
        "tab\there",
        "{}",
        "[]",
        "*",
        "&a",
        "!t",
        "%",
        "@",
        "`",
        "ä€",
        "@@secret:X@@",
        "true",
        "2026-11-22",
        "12:30:45",
        "on",
        "N",
        "0x10",
        "0o17",
        "1_000",
        "+1",
        "-0",
        ".inf",
        ".nan",
        "1e400",
        "190:20:30",
        "=",
        "<<",
        "? a",
        "| ",
        ">",
        "---",
        "...",
        "a #b",
        "a:",
        ":a",
        "$${",
        "$$$",
        "\r\n",
        "a\r",
        "\u{1}\u{1b}",
        // What YAML takes for the end of a line, or for no letter at all.
        "a\u{85}b",
        "a\u{2028}b\u{2029}",
        "\u{7f}\u{9f}",
        "\u{feff}x",
        "\u{ffff}",
        "\u{1f52d}",
    ];
    prop_oneof![
        12 => select(ODD).prop_map(str::to_owned),
        12 => "[ -~]{0,16}",
        1 => (900..1500_usize).prop_map(|length| "é$ ".repeat(length / 3)),
    ]
}

fn words() -> impl Strategy<Value = Option<Vec<String>>> {
    let word = prop_oneof![value(), "--[a-z]{1,6}=[a-z0-9/.]{0,8}", "--(password|token|config[.]file)=[a-z0-9/]{1,9}"];
    option::of(("[a-z]{1,8}", collection::vec(word, 0..4)).prop_map(|(first, rest)| [vec![first], rest].concat()))
}

fn variables() -> impl Strategy<Value = BTreeMap<String, String>> {
    let name = prop_oneof![
        8 => "[A-Z][A-Z0-9_]{0,8}",
        8 => "[A-Z]{1,4}_(PASSWORD|TOKEN|SECRET_KEY)",
        1 => select(["<<", "a b", "#x", "1", "no", "a:", "$X", "é"].as_slice()).prop_map(str::to_owned),
    ];
    collection::btree_map(name, value(), 0..5)
}

fn labels() -> impl Strategy<Value = BTreeMap<String, String>> {
    let odd = select(["<<", "a b", "#x", "1", "no", "a:", "a: b", "$X", "é", "a=b", "\u{2028}", "\""].as_slice());
    let name = prop_oneof![
        8 => "[a-z]{1,6}([.][a-z$-]{1,6}){0,2}",
        4 => Just("com.docker.compose.project".to_owned()),
        4 => "x[.]auth[.]password",
        4 => odd.prop_map(str::to_owned),
        // Readers of YAML end a key's line after 1024 letters.
        1 => (900..1200_usize).prop_map(|length| "k".repeat(length)),
    ];
    collection::btree_map(name, value(), 0..4)
}

fn mounts(volumes: Vec<String>, host: String) -> impl Strategy<Value = Vec<Mount>> {
    let volume = (option::of(select(volumes)), any::<bool>());
    let volume = volume.prop_map(|(name, read_only)| Mount::Volume {
        read_only: read_only && name.is_some(),
        name,
        target: String::new(),
    });
    let bind = ("[a-z]{1,5}", any::<bool>());
    let bind = bind.prop_map(move |(folder, read_only)| Mount::Bind {
        source: format!("{host}/{folder}"),
        target: String::new(),
        read_only,
        make_source: true,
    });
    let tmpfs = (option::of(1..9_u64), option::of(1..0o777_u32));
    let tmpfs = tmpfs.prop_map(|(mib, mode)| Mount::Tmpfs {
        target: String::new(),
        size_bytes: mib.map(|mib| mib << 20),
        mode,
    });
    let targets = collection::btree_set("/m[a-z]{1,3}(/[a-z$# é]{0,2}[a-z])?", 4);
    (collection::vec(prop_oneof![volume, bind, tmpfs], 0..4), targets).prop_map(|(mut mounts, targets)| {
        for (mount, place) in mounts.iter_mut().zip(targets) {
            let (Mount::Volume { target, .. } | Mount::Bind { target, .. } | Mount::Tmpfs { target, .. }) = mount;
            *target = place;
        }
        mounts
    })
}

fn published() -> impl Strategy<Value = Vec<Published>> {
    let protocol = select([Protocol::Tcp, Protocol::Udp, Protocol::Sctp].as_slice());
    let address = select(["127.0.0.1", "127.0.0.9", "127.0.0.10", "0.0.0.0", "::", "::1", "fd00::a"].as_slice());
    let host_port = prop_oneof![4 => 20_000..32_000_u16, 1 => Just(0), 1 => Just(9)];
    // Few ports, so that several lead to one.
    let one = (1..9_u16, protocol, option::of(address.prop_map(str::to_owned)), option::of(host_port));
    collection::vec(one, 0..5).prop_map(|all| {
        let made = |(number, protocol, host_address, host_port)| Published {
            container: Port { number, protocol },
            host_address,
            host_port,
        };
        let mut all: Vec<Published> = all.into_iter().map(made).collect();
        all.sort();
        all
    })
}

fn limits() -> impl Strategy<Value = Limits> {
    let ulimits = collection::btree_map(
        select(["nofile", "nproc", "core"].as_slice()).prop_map(str::to_owned),
        (1..100_i64, 100..200_i64).prop_map(|(soft, hard)| Ulimit { soft, hard }),
        0..3,
    );
    let memory = option::of((8..64_u64, option::of(6..8_u64), select([0, 1, 2, 3_i64].as_slice())));
    (
        memory,
        option::of(1..15_u32),
        option::of(2..2000_u64),
        any::<bool>(),
        option::of(1..999_u64),
        option::of(1..99_u64),
        ulimits,
    )
        .prop_map(|(memory, cpus, cpu_shares, is_pinned, processes, shared, ulimits)| Limits {
            memory_bytes: memory.map(|(most, _, _)| most << 20),
            memory_reservation_bytes: memory.and_then(|(_, least, _)| least).map(|mib| mib << 20),
            memory_and_swap_bytes: memory.and_then(|(most, _, swap)| match swap {
                0 => None,
                1 => Some(-1),
                _ => i64::try_from((most << 20) * 3).ok(),
            }),
            cpus: cpus.map(|tenths| f64::from(tenths) / 10.0),
            cpu_shares,
            cpu_set: is_pinned.then(|| "0".to_owned()),
            processes,
            shared_memory_bytes: shared.map(|mib| mib << 16),
            ulimits,
        })
}

fn hardening() -> impl Strategy<Value = Hardening> {
    let set = || {
        collection::btree_set(
            select(["NET_ADMIN", "SYS_TIME", "CHOWN", "KILL"].as_slice()).prop_map(str::to_owned),
            0..3,
        )
    };
    let options = ["apparmor=unconfined", "label=type:x", "no-new-privileges:false", "seccomp=unconfined"];
    let options = collection::btree_set(select(options.to_vec()).prop_map(str::to_owned), 0..3);
    let groups = collection::btree_set("[1-9][0-9]{2}", 0..3);
    (any::<[bool; 2]>(), set(), set(), groups, options).prop_map(
        |([read_only_root, no_new_privileges], dropped, added, groups, options)| Hardening {
            read_only_root,
            no_new_privileges,
            capabilities_dropped: dropped,
            capabilities_added: added,
            groups: groups.into_iter().rev().collect(),
            options: options.into_iter().collect(),
            privileged: false,
        },
    )
}

fn health() -> impl Strategy<Value = Option<HealthCheck>> {
    let test = prop_oneof![
        Just(vec!["NONE".to_owned()]),
        value().prop_map(|line| vec!["CMD-SHELL".to_owned(), format!("true {line}")]),
        collection::vec(value(), 1..3).prop_map(|words| [vec!["CMD".to_owned(), "true".to_owned()], words].concat()),
    ];
    let seconds = || option::of((1..200_u32).prop_map(|tenths| f64::from(tenths) / 4.0));
    option::of((test, seconds(), seconds(), seconds(), option::of(1..9_u32)).prop_map(
        |(test, interval_seconds, timeout_seconds, start_period_seconds, retries)| HealthCheck {
            test,
            interval_seconds,
            timeout_seconds,
            start_period_seconds,
            retries,
        },
    ))
}

/// What only the engine's own words can say; the first half Compose knows, too.
fn more() -> impl Strategy<Value = Map<String, Value>> {
    let one = select(vec![
        ("OomScoreAdj", json!(100)),
        ("Tmpfs", json!({ "/run": "size=1m", "/x": "" })),
        ("DnsSearch", json!(["x.org"])),
        ("DnsOptions", json!(["ndots:2"])),
        ("Devices", json!([{ "PathOnHost": "/dev/null", "PathInContainer": "/dev/n", "CgroupPermissions": "rw" }])),
        ("CpuPeriod", json!(50_000)),
        ("UTSMode", json!("host")),
        ("PublishAllPorts", json!(true)),
        ("IpcMode", json!("shareable")),
        ("Binds", json!(["/tmp:/x:rshared", "bst-v:/y:nocopy"])),
        (
            "PortBindings",
            json!({
                "300/tcp": [{ "HostIp": "", "HostPort": "9" }, { "HostIp": "::1", "HostPort": "8000-8005" }],
                "301/udp": [{ "HostIp": "", "HostPort": "8000-8005" }],
            }),
        ),
        ("PortBindings", json!({ "302/tcp": [] })),
        ("AutoRemove", json!(true)),
        ("BlkioWeight", json!(300)),
        ("ReadonlyPaths", json!([])),
    ]);
    (collection::vec(one, 0..4), any::<[bool; 2]>()).prop_map(|(host, [tty, stdin])| {
        let host: Map<String, Value> = host.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        let mut more = Map::new();
        if !host.is_empty() {
            more.insert("HostConfig".to_owned(), Value::Object(host));
        }
        if stdin && tty {
            more.insert("Env".to_owned(), json!(["OF_IMAGE"]));
        }
        if tty {
            more.insert("Tty".to_owned(), json!(true));
        }
        if stdin {
            more.insert("OpenStdin".to_owned(), json!(true));
        }
        more
    })
}

/// How a container is on networks: alone, on the bridge, on some of the stack's, or with another's.
#[derive(Debug, Clone)]
enum Reach {
    Bridge { is_linked: bool },
    Host,
    Nothing,
    Shared,
    Networks(Vec<(usize, Vec<String>, bool)>),
}

fn reach() -> impl Strategy<Value = Reach> {
    let attachment = (0..3_usize, collection::vec("[a-z]{1,6}", 0..3), any::<bool>());
    prop_oneof![
        2 => any::<bool>().prop_map(|is_linked| Reach::Bridge { is_linked }),
        1 => Just(Reach::Host),
        1 => Just(Reach::Nothing),
        1 => Just(Reach::Shared),
        4 => collection::vec(attachment, 1..4).prop_map(Reach::Networks),
    ]
}

prop_compose! {
    fn container(image: &'static str, volumes: Vec<String>, host: String)(
        (name, user, folder, host_name) in ("[a-zA-Z0-9][a-zA-Z0-9_.-]{1,12}", option::of("[1-9][0-9]{0,3}(:[1-9])?"), option::of("/[a-z]{1,5}"), option::of("[a-z]{1,9}")),
        (entrypoint, command) in (words(), words()),
        (environment, labels) in (variables(), labels()),
        (mounts, published, exposed) in (mounts(volumes, host), published(), collection::btree_set((1..99_u16).prop_map(Port::tcp), 0..2)),
        (limits, hardening, health, more) in (limits(), hardening(), health(), more()),
        restart in prop_oneof![
            3 => Just(Restart::No), 1 => Just(Restart::Always), 1 => Just(Restart::UnlessStopped),
            1 => (0..4_u32).prop_map(|attempts_max| Restart::OnFailure { attempts_max }),
        ],
        (signal, grace_seconds) in (option::of(select(["SIGINT", "SIGKILL"].as_slice())), option::of(0..90_u32)),
        (log, dns, extra_hosts) in (any::<bool>(), collection::btree_set("10[.]0[.]0[.][1-9]", 0..3), collection::btree_set("[a-z]{1,5}:(10[.]0[.]0[.][1-9]|::1)", 0..3)),
        reach in reach(),
    ) -> (ContainerSpec, Reach) {
        let is_removed = more.get("HostConfig").is_some_and(|host| host.get("AutoRemove").is_some());
        let is_shared_name = more.get("HostConfig").is_some_and(|host| host.get("UTSMode").is_some());
        let has_period = more.get("HostConfig").is_some_and(|host| host.get("CpuPeriod").is_some());
        let log = log.then(|| LogDriver {
            driver: "json-file".to_owned(),
            options: [("max-size", "1m"), ("max-file", "2")].map(|(k, v)| (k.to_owned(), v.to_owned())).into(),
        });
        let (dns, extra_hosts) = (dns.into_iter().rev().collect(), extra_hosts.into_iter().rev().collect());
        let restart = if is_removed { Restart::No } else { restart };
        let published: Vec<Published> = published;
        let exposed: BTreeSet<Port> = exposed;
        let exposed = exposed.into_iter().filter(|port| !published.iter().any(|one| one.container == *port)).collect();
        let limits = Limits { cpus: limits.cpus.filter(|_| !has_period), ..limits };
        let spec = ContainerSpec {
            entrypoint, command: Some(command.unwrap_or_else(|| vec!["sleep".to_owned(), "9".to_owned()])), environment, labels,
            user, working_folder: folder, host_name: host_name.filter(|_| !is_shared_name),
            health, exposed, published, mounts, limits, hardening, restart, log, dns, extra_hosts, more,
            stop: StopRule { signal: signal.map(str::to_owned), grace_seconds },
            ..ContainerSpec::new(name, image)
        };
        (spec, reach)
    }
}

/// Stacks of containers of one image, which mount folders below one of the host's.
pub(crate) fn stacks(image: &'static str, host: &Path) -> impl Strategy<Value = Stack> {
    let host = host.display().to_string();
    let volumes = collection::btree_map("bst-[a-z][a-zA-Z0-9_.-]{0,6}", labels(), 1..4);
    let networks = collection::btree_map("bst-n[a-zA-Z0-9_.-]{0,6}", (labels(), any::<[bool; 2]>()), 1..4);
    (volumes, networks).prop_flat_map(move |(volumes, networks)| {
        let names: Vec<String> = volumes.keys().cloned().collect();
        let containers = collection::vec(container(image, names, host.clone()), 3..8);
        containers.prop_map(move |containers| assembled(&volumes, &networks, containers))
    })
}

fn assembled(
    volumes: &BTreeMap<String, BTreeMap<String, String>>,
    networks: &BTreeMap<String, (BTreeMap<String, String>, [bool; 2])>,
    containers: Vec<(ContainerSpec, Reach)>,
) -> Stack {
    let volumes = volumes.iter();
    let volumes = volumes.map(|(name, labels)| VolumeSpec {
        name: name.clone(),
        labels: labels.clone(),
        ..VolumeSpec::default()
    });
    let networks: Vec<NetworkSpec> = networks
        .iter()
        .enumerate()
        .map(|(number, (name, (labels, [internal, attachable])))| NetworkSpec {
            name: name.clone(),
            labels: labels.clone(),
            internal: *internal,
            attachable: *attachable,
            subnets: vec![Subnet {
                subnet: Some(format!("10.213.{number}.0/24")),
                gateway: Some(format!("10.213.{number}.1")),
                range: None,
            }],
            ..NetworkSpec::default()
        })
        .collect();
    let mut made: Vec<ContainerSpec> = Vec::new();
    for (number, (mut spec, reach)) in containers.into_iter().enumerate() {
        spec.name = format!("bst{number}{}", spec.name);
        let before =
            made.last().map(|other| (other.name.clone(), other.network_mode.clone(), other.networks.is_empty()));
        attach(&mut spec, reach, before, &networks, number);
        all_in_one_list(&mut spec);
        observatory::import::canonical(&mut spec);
        made.push(spec);
    }
    Stack { networks, volumes: volumes.collect(), containers: made }
}

/// The engine's older form holds all folders of the host that are asked for in it, those that a field of ours has as well.
fn all_in_one_list(spec: &mut ContainerSpec) {
    let Some(binds) = spec.more.get_mut("HostConfig").and_then(|host| host.get_mut("Binds")) else { return };
    let plain = spec.mounts.iter().filter_map(|mount| match mount {
        Mount::Bind { source, target, read_only, make_source: true } => {
            Some(json!(format!("{source}:{target}{}", if *read_only { ":ro" } else { "" })))
        }
        Mount::Bind { .. } | Mount::Volume { .. } | Mount::Tmpfs { .. } => None,
    });
    binds.as_array_mut().unwrap().extend(plain);
}

fn attach(
    spec: &mut ContainerSpec,
    reach: Reach,
    before: Option<(String, Option<String>, bool)>,
    networks: &[NetworkSpec],
    number: usize,
) {
    // What belongs to a network of one's own can't be said of another's.
    let unreachable = |spec: &mut ContainerSpec| {
        (spec.host_name, spec.dns, spec.extra_hosts) = (None, Vec::new(), Vec::new());
        (spec.published, spec.exposed) = (Vec::new(), BTreeSet::new());
        if let Some(host) = spec.more.get_mut("HostConfig").and_then(Value::as_object_mut) {
            ["PublishAllPorts", "PortBindings", "UTSMode", "DnsSearch", "DnsOptions"]
                .iter()
                .for_each(|key| _ = host.remove(*key));
            if host.is_empty() {
                spec.more.remove("HostConfig");
            }
        }
    };
    let host = |spec: &mut ContainerSpec, key: &str, value: Value| {
        let host = spec.more.entry("HostConfig").or_insert_with(|| json!({}));
        host.as_object_mut().unwrap().insert(key.to_owned(), value);
    };
    match (reach, before) {
        (Reach::Bridge { is_linked: true }, Some((name, None, true))) => {
            host(spec, "Links", json!([format!("{name}:before")]));
            host(spec, "VolumesFrom", json!([format!("{name}:ro")]));
        }
        (Reach::Bridge { .. }, _) => {}
        (Reach::Host, _) => {
            unreachable(spec);
            spec.network_mode = Some("host".to_owned());
        }
        (Reach::Shared, Some((name, mode, _))) if mode.as_ref().is_none_or(|mode| !mode.starts_with("container:")) => {
            unreachable(spec);
            spec.network_mode = Some(format!("container:{name}"));
        }
        (Reach::Nothing | Reach::Shared, _) => {
            unreachable(spec);
            spec.network_mode = Some("none".to_owned());
        }
        (Reach::Networks(wanted), _) => {
            for (at, aliases, is_fixed) in &wanted {
                let at = at % networks.len();
                let mut aliases = aliases.clone();
                aliases.sort();
                aliases.dedup();
                let ipv4 = is_fixed.then(|| format!("10.213.{at}.{}", number + 10));
                spec.networks.insert(networks[at].name.clone(), Attachment { aliases, ipv4, ..Attachment::default() });
            }
            // The last one that was named is the one that it is started on.
            let first = wanted.last().map(|(at, _, _)| networks[at % networks.len()].name.clone());
            spec.network_mode = first.filter(|name| Some(name) != spec.networks.keys().next());
        }
    }
}

/// What an engine of its own version takes, or only when somebody asks it by hand: nothing of it is needed for a stack to be made.
#[derive(Debug, Clone)]
struct Odd {
    host: Vec<(&'static str, Value)>,
    start_interval: Option<i64>,
    is_without_entrypoint: bool,
    mounts: Vec<Mount>,
    attachment: Attachment,
    is_on_bridge: bool,
}

fn odd() -> impl Strategy<Value = Odd> {
    let host = select(vec![
        ("Annotations", json!({ "a": "$X", "b": "0" })),
        ("Cgroup", json!("x")),
        ("CgroupnsMode", json!("host")),
        ("MemorySwappiness", json!(0)),
        (
            "DeviceRequests",
            json!([{ "Driver": "", "Count": -1, "Capabilities": [["gpu", "on"], ["no"]], "Options": {} }]),
        ),
        ("Devices", json!([{ "PathOnHost": "/dev/a:b", "PathInContainer": "/dev/c", "CgroupPermissions": "rw" }])),
        ("Devices", json!([{ "PathOnHost": "/dev/a", "PathInContainer": "/dev/c", "CgroupPermissions": "" }])),
        ("Tmpfs", json!({ "/a:b": "size=1", "/c": "mode=0700,size=1m" })),
        ("BlkioDeviceReadBps", json!([{ "Path": "/dev/sda", "Rate": u64::MAX }])),
        ("Links", json!(["z:y", "z:a"])),
        ("VolumesFrom", json!(["z:ro", "z9"])),
        (
            "Mounts",
            json!([{ "Type": "volume", "Target": "/v", "VolumeOptions": { "NoCopy": true, "Labels": { "$": "" } } }]),
        ),
        (
            "PortBindings",
            json!({ "302/tcp": null, "x": [{}], "303/tcp": [{ "HostIp": "", "HostPort": "5-6" }, { "HostIp": "", "HostPort": "5-6" }] }),
        ),
        ("OomScoreAdj", json!(-1)),
        ("CpuQuota", json!(-1)),
        ("Sysctls", json!({ "net.ipv4.ip_forward": "0", "a": "" })),
        ("LogConfigs", json!({ "on": "off", "n": 1.5, "list": [[], {}, [{ "a": [] }]] })),
    ]);
    let bind = ("/[a-z:$~.]{1,5}", "/o[a-z:$]{1,5}", any::<bool>());
    let bind =
        bind.prop_map(|(source, target, read_only)| Mount::Bind { source, target, read_only, make_source: false });
    let nameless = "/o[a-z]{1,5}".prop_map(|target| Mount::Volume { name: None, target, read_only: true });
    let attachment = (
        collection::btree_set("[a-zA-Z0-9.$]{1,6}", 0..3),
        (option::of("fd00::[1-9]"), collection::btree_set("169[.]254[.]1[.][1-9]", 0..2)),
        collection::vec("[a-z]{1,4}:[a-z]{1,4}", 0..2),
        variables(),
        option::of(select(vec![-1, 1, 100_i64])),
    );
    let attachment = attachment.prop_map(|(aliases, (ipv6, link_local), mut links, options, gateway_priority)| {
        links.sort();
        Attachment {
            aliases: aliases.into_iter().collect(),
            ipv4: None,
            ipv6,
            link_local: link_local.into_iter().rev().collect(),
            links,
            options,
            gateway_priority,
        }
    });
    (
        (collection::vec(host, 0..4), option::of(1..9_000_000_000_i64), any::<bool>()),
        collection::vec(prop_oneof![bind, nameless], 0..3),
        (attachment, any::<bool>()),
    )
        .prop_map(|((host, start_interval, is_without_entrypoint), mounts, (attachment, is_on_bridge))| Odd {
            host,
            start_interval,
            is_without_entrypoint,
            mounts,
            attachment,
            is_on_bridge,
        })
}

/// Stacks with what no engine here takes, or not all of them: for the way through a file.
pub(crate) fn odd_stacks(image: &'static str, host: &Path) -> impl Strategy<Value = Stack> {
    (stacks(image, host), collection::vec(odd(), 8)).prop_map(|(mut stack, odd)| {
        for (spec, odd) in stack.containers.iter_mut().zip(odd) {
            if odd.is_without_entrypoint {
                spec.entrypoint = Some(Vec::new());
            }
            if let Some(nano) = odd.start_interval {
                spec.more.insert("Healthcheck".to_owned(), json!({ "StartInterval": nano }));
            }
            let host = spec.more.entry("HostConfig").or_insert_with(|| json!({}));
            let host = host.as_object_mut().unwrap();
            host.extend(odd.host.into_iter().map(|(key, value)| (key.to_owned(), value)));
            if host.is_empty() {
                spec.more.remove("HostConfig");
            }
            spec.mounts.extend(odd.mounts);
            if let Some(mut last) = spec.networks.last_entry() {
                let ipv4 = last.get().ipv4.clone();
                last.insert(Attachment { ipv4, ..odd.attachment.clone() });
                if odd.is_on_bridge {
                    spec.network_mode = Some("bridge".to_owned());
                    spec.networks.insert("bridge".to_owned(), Attachment { ipv6: None, ..odd.attachment });
                }
            }
            observatory::import::canonical(spec);
        }
        stack
    })
}
