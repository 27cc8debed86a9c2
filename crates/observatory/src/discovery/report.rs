//! A discovery as a report in Markdown, for a person to read and a site to keep.

use std::fmt::Write as _;

use super::{CapturedFile, Contents, Discovery, Found, Holds, Origin, Place};
use crate::{output::harmless, redaction::with_marks};

/// The report.
pub fn report(discovery: &Discovery) -> String {
    let mut text = String::new();
    let host = &discovery.observed;
    let _never_fails = write!(
        text,
        "# Containers of {}\n\n{}; {}, {}, {}.\nSecrets are taken out: `<NAME>` stands for each.\n",
        host.address,
        host.engine,
        counted(discovery.containers.len(), "container"),
        counted(discovery.networks.len(), "network"),
        counted(discovery.volumes.len(), "named volume"),
    );
    section(&mut text, "Containers", discovery.containers.iter().map(summary));
    section(
        &mut text,
        "Compose projects",
        discovery.projects.iter().map(|project| {
            let services: Vec<String> =
                project.services.iter().map(|(service, names)| format!("{service} ({})", names.join(", "))).collect();
            let folder = project.folder.as_deref().unwrap_or("an unknown folder");
            format!("**{}** in {folder}, files {}: {}", project.name, project.files.join(", "), services.join(", "))
        }),
    );
    for found in &discovery.containers {
        container(&mut text, found);
    }
    section(
        &mut text,
        "Networks",
        discovery.networks.iter().map(|network| {
            let ranges: Vec<String> = network.subnets.iter().filter_map(|one| one.subnet.clone()).collect();
            let driver = network.driver.as_deref().unwrap_or("bridge");
            let internal = if network.internal { ", internal" } else { "" };
            format!("**{}**: {driver}, {}{internal}{}", network.name, ranges.join(", "), map(&network.options))
        }),
    );
    section(
        &mut text,
        "Volumes",
        discovery.volumes.iter().map(|volume| {
            let driver = volume.driver.as_deref().unwrap_or("local");
            format!("**{}**: {driver}{}", volume.name, map(&volume.options))
        }),
    );
    section(
        &mut text,
        "Where data lives",
        discovery.containers.iter().flat_map(|found| {
            let data = found.places.iter().filter(|place| place.holds == Holds::Data);
            data.map(move |place| format!("{}: {}", found.spec.name, placed(place)))
        }),
    );
    section(
        &mut text,
        "Dependencies",
        discovery.dependencies.iter().map(|one| format!("{} → {}: {}", one.from, one.on, one.why)),
    );
    section(
        &mut text,
        "UNEXPRESSED: what an export can't say, or leaves out",
        discovery.unexpressed.iter().map(|line| format!("{}: {}; {}", line.name, line.what, line.instead)),
    );
    section(&mut text, "Differences from the stack that is configured here", discovery.differences.iter().cloned());
    section(&mut text, "Secrets", discovery.secrets.iter().map(|name| format!("`{name}`")));
    if !host.orphaned_volumes.is_empty() {
        let volumes = counted(host.orphaned_volumes.len(), "volume");
        let _never_fails = write!(text, "\n{volumes} without a name belong to no container any more.\n");
    }
    text
}

/// A text with names in place of its secrets, and nothing that commands a terminal.
fn shown(text: &str) -> String {
    harmless(&with_marks(text, str::to_owned, |name| format!("<{name}>")))
}

fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

fn section(text: &mut String, title: &str, lines: impl Iterator<Item = String>) {
    let lines: Vec<String> = lines.map(|line| format!("- {}\n", shown(&line))).collect();
    let body = if lines.is_empty() { "None.\n".to_owned() } else { lines.concat() };
    let _never_fails = write!(text, "\n## {title}\n\n{body}");
}

fn summary(found: &Found) -> String {
    let ports =
        if found.observed.ports.is_empty() { String::new() } else { format!(", {}", found.observed.ports.join(", ")) };
    format!("**{}**: {}, {}{ports}", found.spec.name, found.spec.image, found.observed.state)
}

fn map(map: &std::collections::BTreeMap<String, String>) -> String {
    let pairs: Vec<String> = map.iter().map(|(key, value)| format!("{key}={value}")).collect();
    if pairs.is_empty() { String::new() } else { format!(" ({})", pairs.join(", ")) }
}

fn placed(place: &Place) -> String {
    let what = match (&place.volume, &place.source) {
        (Some(volume), _) => format!("volume {volume}"),
        (None, Some(source)) => format!("{source} of the host"),
        (None, None) if place.kind == "tmpfs" => "memory".to_owned(),
        (None, None) => "a volume without a name".to_owned(),
    };
    let rights = if place.read_only { ", read-only" } else { "" };
    format!("{} is {what}{rights}", place.target)
}

fn container(text: &mut String, found: &Found) {
    let _never_fails = write!(text, "\n## {}\n\n", found.spec.name);
    let mut line = |what: &str, said: String| {
        if !said.is_empty() {
            let _never_fails = writeln!(text, "- {what}: {}", shown(&said));
        }
    };
    line("image", found.spec.image.clone());
    line("digests", found.observed.digests.join(", "));
    line("started as", found.start.words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(" "));
    line("in folder", found.start.working_folder.clone().unwrap_or_default());
    line("by user", found.start.user.clone().unwrap_or_default());
    for (name, value) in &found.spec.environment {
        line("environment", format!("`{name}={value}`"));
    }
    for (name, value) in &found.spec.labels {
        line("label", format!("`{name}={value}`"));
    }
    for published in &found.spec.published {
        let address = published.host_address.as_deref().unwrap_or("all addresses");
        let port = published.host_port.map_or_else(|| "any free port".to_owned(), |port| format!("port {port}"));
        line("published", format!("{port} of {address} leads to {}", published.container));
    }
    line("network", found.spec.network_mode.clone().unwrap_or_default());
    for (network, attachment) in &found.spec.networks {
        let address = attachment.ipv4.iter().chain(&attachment.ipv6).map(|address| format!(" at {address}"));
        let aliases = if attachment.aliases.is_empty() {
            String::new()
        } else {
            format!(", also as {}", attachment.aliases.join(", "))
        };
        line("network", format!("{network}{}{aliases}", address.collect::<String>()));
    }
    for place in &found.places {
        let holds = format!("{:?}", place.holds).to_lowercase();
        line("mounted", format!("{} ({holds})", placed(place)));
    }
    others(found, &mut line);
    for file in &found.files {
        captured(text, file);
    }
}

/// Everything else that it was asked to be, in the words of the data.
fn others(found: &Found, line: &mut impl FnMut(&str, String)) {
    const TOLD: [&str; 9] =
        ["name", "image", "environment", "labels", "published", "network_mode", "networks", "mounts", "command"];
    let spec = serde_json::to_value(&found.spec).unwrap_or_default();
    let default = serde_json::to_value(engine_containers::ContainerSpec::default()).unwrap_or_default();
    for (key, value) in spec.as_object().into_iter().flatten().filter(|(key, _)| !TOLD.contains(&key.as_str())) {
        if default.get(key) != Some(value) {
            line(&key.replace('_', " "), format!("`{value}`"));
        }
    }
}

fn captured(text: &mut String, file: &CapturedFile) {
    let origin = match &file.origin {
        Origin::Image => "of the image".to_owned(),
        Origin::Container => "of the container alone".to_owned(),
        Origin::Volume { volume, .. } => format!("of volume {volume}"),
        Origin::Host { folder, path } => format!("{folder}/{path} of the host"),
    };
    let (mode, (user, group)) = (file.mode, file.owner);
    let heading = format!("{} ({origin}, {mode:o}, {user}:{group})", file.path);
    match &file.contents {
        Contents::Folder => {}
        Contents::Link(to) => {
            let _never_fails = write!(text, "\n### {}\n\nA link to {}.\n", shown(&heading), shown(to));
        }
        Contents::Text(contents) => {
            let lines: String = contents.lines().map(|line| format!("    {}\n", shown(line))).collect();
            let _never_fails = write!(text, "\n### {}\n\n{lines}", shown(&heading));
        }
    }
}
