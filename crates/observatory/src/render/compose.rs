//! The compose file: one canonical form, so that two that say the same are the same text.

use serde_norway::Value;

use super::yaml::{document, list, map, text};
use crate::{
    failure::Failure,
    stack::{FINGERPRINT_LABEL, HOST_FROM_WITHIN, Part, Stack},
};

/// The whole stack as `compose.yaml`, for a folder in which each part's files stand below its name.
///
/// # Errors
/// Where it can't be written as YAML, which is a defect.
pub fn compose(stack: &Stack) -> Result<String, Failure> {
    let named = |part: &Part| (part.kind.as_str().to_owned(), service(stack, part));
    let volumes = stack.parts.iter().filter_map(|part| part.data.as_ref());
    let secrets: Vec<&String> = stack.parts.iter().flat_map(|part| part.secrets.iter().map(|(name, _)| name)).collect();
    let whole = map([
        ("name", text(stack.project.to_string())),
        ("services", map(stack.parts.iter().map(named))),
        ("networks", map([(stack.network.to_string(), map::<String>([]))])),
        ("volumes", or_nothing(map(volumes.map(|(name, _)| (name.to_string(), map::<String>([])))))),
        (
            "secrets",
            or_nothing(map(secrets
                .iter()
                .map(|name| ((*name).clone(), map([("file", text(format!("./secrets/{name}")))]))))),
        ),
    ]);
    document("Rendered by observatory from observatory.toml: `docker compose up` starts the same stack.", &whole)
}

fn or_nothing(value: Value) -> Value {
    if value.as_mapping().is_some_and(serde_norway::Mapping::is_empty) { Value::Null } else { value }
}

fn or_none<V: Into<Value>>(values: Vec<V>) -> Value {
    if values.is_empty() { Value::Null } else { list(values) }
}

fn service(stack: &Stack, part: &Part) -> Value {
    let variables = part.variables.iter().map(|(name, value)| (name.clone(), text(escaped(value))));
    let mut mounts = Vec::new();
    if !part.files.is_empty() {
        mounts.push(format!("./{}:{}:ro", part.kind, part.config));
    }
    mounts.extend(part.data.iter().map(|(volume, folder)| format!("{volume}:{folder}")));
    map([
        ("image", text(part.image.clone())),
        ("command", or_none(part.arguments.iter().map(|argument| escaped(argument)).collect())),
        ("environment", or_nothing(map(variables))),
        ("ports", list([format!("{}:{}:{}", bracketed(stack), part.port, part.inner_port)])),
        ("volumes", or_none(mounts)),
        ("secrets", or_none(part.secrets.iter().map(|(name, _)| name.clone()).collect())),
        ("networks", list([stack.network.to_string()])),
        ("extra_hosts", list([format!("{HOST_FROM_WITHIN}:host-gateway")])),
        ("mem_limit", part.memory_bytes.map_or(Value::Null, |bytes| Value::Number(bytes.into()))),
        ("read_only", if part.is_read_only() { Value::Bool(true) } else { Value::Null }),
        ("cap_drop", list(["ALL"])),
        ("security_opt", list(["no-new-privileges:true"])),
        ("labels", map([(FINGERPRINT_LABEL, text(escaped(&part.written_fingerprint())))])),
        ("restart", text("unless-stopped")),
        ("stop_grace_period", text("30s")),
    ])
}

/// A dollar begins a variable for compose, unless it stands twice.
fn escaped(text: &str) -> String {
    text.replace('$', "$$")
}

fn bracketed(stack: &Stack) -> String {
    match stack.bind {
        std::net::IpAddr::V4(address) => address.to_string(),
        std::net::IpAddr::V6(address) => format!("[{address}]"),
    }
}
