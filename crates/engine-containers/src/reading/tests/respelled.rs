//! The same container in other words: those of other clients, of other versions, and what engines fill in by themselves.

use super::{super::*, ID, inspected};

/// A generator of its own, so that a seed says all.
struct Dice(u64);

impl Dice {
    fn of(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % sides
    }

    fn heads(&mut self) -> bool {
        self.of(2) == 0
    }

    fn one<T: Clone>(&mut self, of: &[T]) -> T {
        of[usize::try_from(self.of(of.len() as u64)).unwrap()].clone()
    }

    fn mix(&mut self, list: &mut [Value]) {
        for at in (1..list.len()).rev() {
            list.swap(at, usize::try_from(self.of(at as u64 + 1)).unwrap());
        }
    }
}

/// Lists in an order of their own.
const ANY_ORDER: [&str; 5] =
    ["/Config/Env", "/HostConfig/CapAdd", "/HostConfig/CapDrop", "/HostConfig/SecurityOpt", "/HostConfig/Ulimits"];
/// What is a list where it is anything.
const LISTS: [&str; 12] = [
    "Binds",
    "CapAdd",
    "CapDrop",
    "Devices",
    "Dns",
    "DnsSearch",
    "Env",
    "ExtraHosts",
    "GroupAdd",
    "Links",
    "Mounts",
    "Ulimits",
];

pub(super) fn in_another_order(mut typed: Value, seed: u64) -> Value {
    order(&mut typed, &mut Dice(seed));
    typed
}

fn order(typed: &mut Value, dice: &mut Dice) {
    for list in ANY_ORDER {
        typed.pointer_mut(list).and_then(Value::as_array_mut).into_iter().for_each(|list| dice.mix(list));
    }
    let ports = typed.pointer_mut("/HostConfig/PortBindings").and_then(Value::as_object_mut);
    for list in ports.into_iter().flat_map(Map::values_mut).filter_map(Value::as_array_mut) {
        dice.mix(list);
    }
}

pub(super) fn respelled(spec: &ContainerSpec, seed: u64) -> Value {
    let mut dice = Dice(seed);
    let mut typed = inspected(spec);
    let mut config = typed["Config"].take();
    let mut host = typed["HostConfig"].take();
    filled_in(spec, &mut config, &mut host, &mut dice);
    mounts(&mut config, &mut host, &mut dice);
    words(&mut config, &mut host, &mut dice);
    ports(&mut config, &mut host, &mut dice);
    if let Some(networks) = typed.pointer_mut("/NetworkSettings/Networks").and_then(Value::as_object_mut) {
        let mode = text(&host, "NetworkMode").unwrap_or_default();
        if let Some(id) = networks.get(&mode).and_then(|at| text(at, "NetworkID")).filter(|_| mode != "bridge") {
            let id = dice.one(&[mode, id.clone(), id[..SHORT_ID].to_owned()]);
            set(&mut host, "NetworkMode", id.into());
        }
        for (_, network) in networks.iter_mut() {
            let mut aliases = list(network, "Aliases");
            if dice.heads() {
                aliases.insert(0, ID[..SHORT_ID].to_owned());
            }
            set(network, "Aliases", if aliases.is_empty() { Value::Null } else { aliases.into() });
            set(network, "MacAddress", "02:42:ac:11:00:02".into());
        }
    }
    nothing(&mut config, &mut dice);
    nothing(&mut host, &mut dice);
    (typed["Config"], typed["HostConfig"]) = (config, host);
    order(&mut typed, &mut dice);
    typed
}

/// What nobody asked for.
fn filled_in(spec: &ContainerSpec, config: &mut Value, host: &mut Value, dice: &mut Dice) {
    let mut fill = |of: &mut Value, key: &str, values: &[Value]| {
        let is_free = of.get(key).is_none_or(Value::is_null);
        if is_free && dice.heads() {
            set(of, key, dice.one(values));
        }
    };
    if spec.host_name.is_none() {
        fill(config, "Hostname", &[json!(ID[..SHORT_ID]), json!("")]);
    }
    fill(config, "AttachStdout", &[json!(true)]);
    fill(config, "StdinOnce", &[json!(true)]);
    fill(config, "ArgsEscaped", &[json!(true)]);
    fill(config, "Domainname", &[json!("")]);
    fill(config, "OnBuild", &[Value::Null]);
    fill(config, "Healthcheck", &[json!({}), json!({ "Test": null, "Interval": 0 })]);
    fill(config, "Entrypoint", &[json!([])]);
    fill(host, "IpcMode", &[json!("private"), json!("")]);
    fill(host, "CgroupnsMode", &[json!("private"), json!("host"), json!("")]);
    fill(host, "Runtime", &[json!("runc"), json!("oci")]);
    fill(host, "Isolation", &[json!(""), json!("default")]);
    fill(host, "ConsoleSize", &[json!([0, 0])]);
    fill(host, "MemorySwappiness", &[json!(-1)]);
    fill(host, "OomKillDisable", &[json!(false)]);
    fill(host, "PidsLimit", &[json!(0), json!(-1)]);
    fill(host, "ShmSize", &[json!(SHARED_MEMORY_DEFAULT), json!(0)]);
    fill(host, "NetworkMode", &[json!("default"), json!("bridge"), json!("")]);
    fill(
        host,
        "RestartPolicy",
        &[json!({ "Name": "no", "MaximumRetryCount": 0 }), json!({ "Name": "", "MaximumRetryCount": 0 })],
    );
    fill(
        host,
        "LogConfig",
        &[json!({ "Type": "json-file", "Config": {} }), json!({ "Type": "json-file", "Config": null })],
    );
    fill(host, "MaskedPaths", &[json!(["/proc/asound", "/proc/kcore"])]);
    fill(host, "ReadonlyPaths", &[json!(["/proc/bus", "/proc/sys"])]);
    if let Some(memory) = spec.limits.memory_bytes {
        fill(host, "MemorySwap", &[json!(memory * 2)]);
    }
    if text(host, "Runtime").as_deref() == Some(OF_PODMAN) {
        fill(host, "IpcMode", &[json!("shareable")]);
        fill(host, "PidMode", &[json!("private")]);
        fill(host, "UTSMode", &[json!("private")]);
    }
    if spec.hardening.privileged && dice.heads() {
        let labels: Vec<String> = list(host, "SecurityOpt").into_iter().chain([UNLABELLED.to_owned()]).collect();
        set(host, "SecurityOpt", labels.into());
    }
}

/// Volumes and folders in the places and forms that requests have for them.
fn mounts(config: &mut Value, host: &mut Value, dice: &mut Dice) {
    let mut binds: Vec<String> = Vec::new();
    for bind in list(host, "Binds") {
        let forms = if bind.ends_with(":ro") {
            vec![bind]
        } else {
            vec![bind.clone(), format!("{bind}:rw"), format!("{bind}:")]
        };
        binds.push(dice.one(&forms));
    }
    let mut mounts = host["Mounts"].as_array().cloned().unwrap_or_default();
    // Those of the older form are read behind the others, so that only the last ones can be written in it.
    let is_named = |mount: &Value| text(mount, "Type").as_deref() == Some("volume") && text(mount, "Source").is_some();
    let last = mounts.iter().rposition(|mount| !is_named(mount)).map_or(0, |at| at + 1);
    let older = last + usize::try_from(dice.of((mounts.len() - last) as u64 + 1)).unwrap();
    for mount in mounts.split_off(older) {
        let (name, target) = (text(&mount, "Source").unwrap(), text(&mount, "Target").unwrap());
        let mode = if mount["ReadOnly"] == json!(true) { ":ro" } else { dice.one(&["", ":rw", ":z", ":"]) };
        binds.push(format!("{name}:{target}{mode}"));
    }
    for mount in &mut mounts {
        if dice.heads() && mount["ReadOnly"] == json!(false) {
            remove(mount, "ReadOnly");
        }
        let options = dice.one(&[Value::Null, json!({})]);
        let is_tmpfs = text(mount, "Type").as_deref() == Some("tmpfs");
        set(mount, if is_tmpfs { "BindOptions" } else { "VolumeOptions" }, options);
    }
    let mut volumes = config["Volumes"].as_object().cloned().unwrap_or_default();
    for target in volumes.keys().cloned().collect::<Vec<_>>() {
        match dice.of(3) {
            0 => {
                volumes.remove(&target);
                binds.push(target);
            }
            1 => {
                volumes.remove(&target);
                mounts.push(json!({ "Type": "volume", "Target": target, "VolumeOptions": { "NoCopy": false } }));
            }
            _ => {}
        }
    }
    // The first Compose named each folder twice.
    for bind in &binds {
        let mut parts = bind.split(':');
        if let (Some(_), Some(target), true) = (parts.next(), parts.next(), dice.heads()) {
            volumes.insert(target.to_owned(), json!({}));
        }
    }
    set(config, "Volumes", volumes.into());
    set(host, "Mounts", mounts.into());
    set(host, "Binds", binds.into());
}

fn words(config: &mut Value, host: &mut Value, dice: &mut Dice) {
    for key in ["CapAdd", "CapDrop"] {
        let names = list(host, key).into_iter().flat_map(|name| {
            let prefixed = format!("CAP_{name}");
            let said = dice.one(&[name.clone(), prefixed.clone(), name.to_lowercase()]);
            if dice.heads() { vec![said.clone(), said] } else { vec![said] }
        });
        let names: Vec<String> = names.collect();
        set(host, key, names.into());
    }
    let options = list(host, "SecurityOpt").into_iter().map(|option| match option.as_str() {
        NO_NEW_PRIVILEGES => {
            dice.one(&[NO_NEW_PRIVILEGES, "no-new-privileges:true", "no-new-privileges=true"]).to_owned()
        }
        _ => option,
    });
    let options: Vec<String> = options.collect();
    set(host, "SecurityOpt", options.into());
    for key in ["Dns", "ExtraHosts", "GroupAdd", "SecurityOpt"] {
        let mut entries = list(host, key);
        if dice.heads() {
            entries.extend(entries.clone());
        }
        set(host, key, entries.into());
    }
    for limit in host["Ulimits"].as_array_mut().into_iter().flatten() {
        let name = text(limit, "Name").unwrap();
        set(limit, "Name", dice.one(&[name.clone(), format!("RLIMIT_{}", name.to_uppercase())]).into());
    }
    // Whatever was said of a variable before, its last value counts; the order of the rest does not.
    let mut lines = list(config, "Env");
    let names: Vec<String> = lines.iter().filter_map(|line| Some(line.split_once('=')?.0.to_owned())).collect();
    lines.extend(names.into_iter().filter(|_| dice.of(3) == 0));
    set(config, "Env", lines.into());
}

fn ports(config: &mut Value, host: &mut Value, dice: &mut Dice) {
    for (of, key) in [(config, "ExposedPorts"), (&mut *host, "PortBindings")] {
        let ports = of[key].as_object().cloned().unwrap_or_default().into_iter().map(|(port, said)| {
            let upper = port.to_uppercase();
            (dice.one(&[port.trim_end_matches("/tcp").to_owned(), port, upper]), said)
        });
        let ports: Map<String, Value> = ports.collect();
        set(of, key, ports.into());
    }
    for binding in host["PortBindings"]
        .as_object_mut()
        .into_iter()
        .flat_map(Map::values_mut)
        .filter_map(Value::as_array_mut)
        .flatten()
    {
        for key in ["HostIp", "HostPort"] {
            match (text(binding, key), dice.of(3)) {
                (None, 0) => remove(binding, key),
                (None, 1) => set(binding, key, Value::Null),
                (Some(port), 0) if key == "HostPort" => set(binding, key, format!("0{port}").into()),
                _ => {}
            }
        }
    }
}

/// Null, nothing in a list, and not to be there are the same.
fn nothing(of: &mut Value, dice: &mut Dice) {
    let Some(keys) = of.as_object_mut() else { return };
    for key in keys.keys().cloned().collect::<Vec<_>>() {
        let is_nothing =
            keys.get(&key).is_some_and(|value| value.is_null() || *value == json!([]) || *value == json!({}));
        if is_nothing && !["MaskedPaths", "ReadonlyPaths"].contains(&key.as_str()) {
            match dice.of(3) {
                0 => _ = keys.remove(&key),
                1 => _ = keys.insert(key, Value::Null),
                _ if LISTS.contains(&key.as_str()) => _ = keys.insert(key, json!([])),
                _ => {}
            }
        }
    }
}
