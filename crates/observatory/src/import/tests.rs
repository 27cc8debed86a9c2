//! What an export writes is what an import reads, without an engine between.

use engine_containers::ContainerSpec;

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
