//! Where a host differs from the stack that is configured here: services that are missing, others, and what is set otherwise.

use engine_containers::{Port, labels};

use super::{Contents, Discovery, Found};
use crate::stack::{Part, Stack};

/// The differences, in words; none where the host has this stack and nothing else.
pub fn differences(discovery: &Discovery, stack: &Stack) -> Vec<String> {
    let mut differences = Vec::new();
    let mut known: Vec<&str> = Vec::new();
    for part in &stack.parts {
        match discovery.containers.iter().find(|found| is_of(found, part)) {
            Some(found) => {
                known.push(&found.spec.name);
                differences.extend(of_part(part, found));
            }
            None => differences.push(format!("{}: configured here, and not there", part.kind)),
        }
    }
    let others = discovery.containers.iter().filter(|found| !known.contains(&found.spec.name.as_str()));
    differences.extend(others.map(|found| format!("{}: there, and not configured here", found.spec.name)));
    differences
}

/// Whether a container is of a service: by the service's name for Compose, or by the last name of its image.
fn is_of(found: &Found, part: &Part) -> bool {
    let service = found.spec.labels.get(labels::SERVICE).map(String::as_str);
    service == Some(part.kind.as_str()) || repository(&found.spec.image) == repository(&part.image)
}

/// `prometheus` of `quay.io/prom/prometheus:v3@sha256:…`.
fn repository(image: &str) -> &str {
    let last = image.split('@').next().unwrap_or(image).rsplit('/').next().unwrap_or(image);
    last.split(':').next().unwrap_or(last)
}

fn of_part(part: &Part, found: &Found) -> Vec<String> {
    let (kind, spec) = (part.kind, &found.spec);
    let mut said = Vec::new();
    let mut compare = |what: &str, here: String, there: String| {
        if here != there {
            said.push(format!("{kind}: {what} is {here} here, {there} there ({})", spec.name));
        }
    };
    compare("image", part.image.clone(), spec.image.clone());
    let inner = Port::tcp(part.inner_port);
    let ports: Vec<String> = spec
        .published
        .iter()
        .filter(|published| published.container == inner)
        .map(|published| published.host_port.map_or_else(|| "any".to_owned(), |port| port.to_string()))
        .collect();
    let there = if ports.is_empty() { "not published".to_owned() } else { ports.join(" and ") };
    compare("port", part.port.number().to_string(), there);
    let bytes = |limit: Option<u64>| limit.map_or_else(|| "without limit".to_owned(), |bytes| format!("{bytes} bytes"));
    compare("memory", bytes(part.memory_bytes), bytes(spec.limits.memory_bytes));
    for flag in &part.arguments {
        let name = flag.split('=').next().unwrap_or(flag);
        let there = found.start.words.iter().find(|word| word.split('=').next() == Some(name));
        compare(&format!("argument {name}"), flag.clone(), there.cloned().unwrap_or_else(|| "absent".to_owned()));
    }
    for (name, value) in &part.variables {
        let there = spec.environment.get(name).cloned().unwrap_or_else(|| "absent".to_owned());
        compare(&format!("variable {name}"), value.clone(), there);
    }
    for (path, text) in &part.files {
        let there = found.files.iter().find(|file| file.path == format!("{}/{path}", part.config));
        match there.map(|file| &file.contents) {
            Some(Contents::Text(there)) if there == text => {}
            Some(_) => said.push(format!("{kind}: {path} has another text there ({})", spec.name)),
            None => said.push(format!("{kind}: {path} is not there ({})", spec.name)),
        }
    }
    said
}
