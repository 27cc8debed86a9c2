//! Where configuration is looked for in a container: what is mounted, what its command names, what was changed in it, and well-known places.

use engine_containers::{Change, ChangeKind, Container};

/// Folders in which the programs of monitoring stacks have their settings.
pub(super) const WELL_KNOWN: [&str; 22] = [
    "/etc/prometheus",
    "/etc/grafana",
    "/etc/alertmanager",
    "/etc/pushgateway",
    "/etc/blackbox_exporter",
    "/etc/snmp_exporter",
    "/etc/mqtt2prometheus",
    "/etc/loki",
    "/etc/promtail",
    "/etc/tempo",
    "/etc/telegraf",
    "/etc/influxdb2",
    "/etc/nginx/conf.d",
    "/etc/nginx/nginx.conf",
    "/etc/haproxy",
    "/etc/traefik",
    "/etc/caddy",
    "/etc/mosquitto",
    "/etc/otelcol",
    "/mosquitto/config",
    "/usr/local/etc/haproxy",
    "/usr/local/etc/redis",
];
/// What the names of settings end with.
const EXTENSIONS: [&str; 17] = [
    "yml",
    "yaml",
    "json",
    "toml",
    "ini",
    "conf",
    "cfg",
    "cnf",
    "config",
    "env",
    "properties",
    "rules",
    "xml",
    "alloy",
    "hcl",
    "tmpl",
    "sh",
];
/// Parts of the host itself.
const OF_HOST: [&str; 6] = ["/proc", "/sys", "/dev", "/run", "/var/run", "/var/lib/docker"];
/// Files that an engine makes for each container.
const OF_ENGINE: [&str; 6] =
    ["/etc/hosts", "/etc/hostname", "/etc/resolv.conf", "/etc/mtab", "/.dockerenv", "/sbin/docker-init"];
/// Folders in which a file that somebody made is taken for a setting.
const SETTINGS: [&str; 6] = ["/etc/", "/config/", "/conf/", "/usr/local/etc/", "/opt/", "/srv/"];

/// Whether a path of the host is the host itself, and no file of somebody.
pub(super) fn is_of_host(source: &str) -> bool {
    source == "/"
        || std::path::Path::new(source).extension().is_some_and(|extension| extension == "sock")
        || OF_HOST.iter().any(|folder| is_below(source, folder))
}

/// Whether a path is a folder's or of something in it.
pub(super) fn is_below(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || folder.ends_with('/'))
}

/// Whether a name is one of settings.
pub(super) fn is_named_like_settings(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.rsplit_once('.').is_some_and(|(_, extension)| EXTENSIONS.contains(&extension))
}

/// Whether a folder is one of settings.
pub(super) fn is_folder_of_settings(target: &str) -> bool {
    target.starts_with("/etc/")
        || target.starts_with("/usr/local/etc")
        || target.split('/').any(|part| {
            matches!(
                part,
                "config" | "conf" | "configs" | "conf.d" | "provisioning" | "rules" | "dashboards" | "secrets"
            )
        })
}

/// Paths that words of a command or variables name.
pub(super) fn named(container: &Container) -> Vec<String> {
    let path = container.raw.get("Path").and_then(serde_json::Value::as_str);
    let args = container.raw.get("Args").and_then(serde_json::Value::as_array).into_iter().flatten();
    let words = args.filter_map(serde_json::Value::as_str).skip(usize::from(path.is_none()));
    let flags = words.map(|word| word.rsplit_once('=').map_or(word, |(_, value)| value));
    let variables = container.environment.values().map(String::as_str);
    let mut named: Vec<String> = flags
        .chain(variables)
        .filter(|path| path.starts_with('/') && !path.contains(char::is_whitespace) && is_named_like_settings(path))
        .filter(|path| !is_of_host(path))
        .map(str::to_owned)
        .collect();
    named.sort();
    named.dedup();
    named
}

/// Files that were made or changed after the container, and look like settings; and the others.
pub(super) fn changed(changes: &[Change], mounted: &[String]) -> (Vec<String>, Vec<String>) {
    let is_folder = |path: &str| changes.iter().any(|other| other.path != path && is_below(&other.path, path));
    let is_file = |change: &&Change| {
        change.kind != ChangeKind::Deleted
            && !is_folder(&change.path)
            && !OF_ENGINE.contains(&change.path.as_str())
            && !mounted.iter().any(|target| is_below(&change.path, target) || is_below(target, &change.path))
            && !OF_HOST.iter().any(|folder| is_below(&change.path, folder))
    };
    let files = changes.iter().filter(is_file).map(|change| change.path.clone());
    files.partition(|path| SETTINGS.iter().any(|folder| path.starts_with(folder)) || is_named_like_settings(path))
}

/// Files of the image that were removed.
pub(super) fn removed(changes: &[Change]) -> Vec<String> {
    changes.iter().filter(|change| change.kind == ChangeKind::Deleted).map(|change| change.path.clone()).collect()
}
