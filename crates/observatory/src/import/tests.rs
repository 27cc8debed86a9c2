//! What an export writes is what an import reads, without an engine between.

use std::path::Path;

use engine_containers::ContainerSpec;
use serde_json::json;

use super::*;

fn spec(name: &str, needs: &[&str]) -> ContainerSpec {
    let mut spec = ContainerSpec::new(name, "i:1");
    let links: Vec<String> = needs.iter().map(|other| format!("{other}:x")).collect();
    spec.more.insert("HostConfig".to_owned(), serde_json::json!({ "Links": links }));
    spec
}

#[test]
fn what_is_needed_comes_first() {
    let specs = [spec("a", &["c", "absent"]), spec("b", &["a"]), spec("c", &[]), spec("d", &["e"]), spec("e", &["d"])];
    assert_eq!(order(specs.iter()), ["c", "a", "b", "e", "d"]);
}

/// What a project's only service is asked to be.
fn read_service(lines: &str) -> ContainerSpec {
    let folder = tempfile::tempdir().unwrap();
    let text = format!(
        "name: x\nservices:\n  a:\n    image: i:1\n    network_mode: none\n{lines}volumes:\n  v: {{name: v}}\n"
    );
    std::fs::write(folder.path().join("compose.yaml"), text).unwrap();
    let site = read(folder.path(), &BTreeMap::from([("KNOWN".to_owned(), "1".to_owned())]), Some(Path::new("/p")));
    site.unwrap().containers.remove(0).spec
}

#[test]
fn nothing_of_a_project_is_passed_over() {
    let bound = |address: &str, port: &str| json!({ "HostIp": address, "HostPort": port });
    for (lines, more) in [
        // A variable that nobody has a value for takes the image's away.
        ("    environment: [UNKNOWN, KNOWN, A=1]\n", json!({ "Env": ["UNKNOWN"] })),
        ("    environment: {UNKNOWN: , KNOWN: , A: 1}\n", json!({ "Env": ["UNKNOWN"] })),
        // All that is bound to a port stands in one place.
        (
            "    ports: [\"9:80\", \"[::1]:8000-8005:80\"]\n",
            json!({ "HostConfig": { "PortBindings": { "80/tcp": [bound("", "9"), bound("::1", "8000-8005")] } } }),
        ),
        // What is relative is so with options, too.
        ("    volumes: [\"./d:/d:ro,Z\"]\n", json!({ "HostConfig": { "Binds": ["/p/x/d:/d:ro,Z"] } })),
        (
            "    volumes:\n      - {type: bind, source: /s, target: /d, bind: {propagation: rshared, selinux: z}}\n      - {type: volume, source: v, target: /v, volume: {nocopy: true}}\n",
            json!({ "HostConfig": { "Binds": ["/s:/d:rw,z,rshared", "v:/v:rw,nocopy"] } }),
        ),
        ("    cgroup: host\n", json!({ "HostConfig": { "CgroupnsMode": "host" } })),
        ("    annotations: {a: 1}\n", json!({ "HostConfig": { "Annotations": { "a": "1" } } })),
        ("    mem_swappiness: \"0\"\n", json!({ "HostConfig": { "MemorySwappiness": 0 } })),
    ] {
        let found = Value::Object(read_service(lines).more);
        assert_eq!(found, more, "{lines}");
    }
    let spec =
        read_service("    cap_add: [CAP_CHOWN, kill]\n    security_opt: [b=1, \"no-new-privileges:false\", a=1]\n");
    assert_eq!(spec.hardening.capabilities_added, ["CHOWN", "KILL"].map(str::to_owned).into());
    assert_eq!(spec.hardening.options, ["a=1", "b=1", "no-new-privileges:false"]);
}
