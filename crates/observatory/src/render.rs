//! What is rendered from the configuration: each service's files, arguments and environment, and the compose file of them all.

mod compose;
mod dashboards;
mod grafana;
mod prometheus;
pub(crate) mod yaml;

use std::collections::BTreeMap;

pub use compose::compose;
pub use dashboards::{Board, METRICS, Panel, Unit, boards};
pub use prometheus::{RULE_TESTS, RULES};

use crate::{
    configuration::{Kind, Secret, Service},
    failure::Failure,
    stack::Site,
};

/// The name of the file with the password of Grafana's administrator.
const GRAFANA_PASSWORD: &str = "grafana-admin-password";
/// The name of the file with the password of the exporter's account at the broker.
const MQTT_PASSWORD: &str = "mqtt-password";

/// The files of a service, by relative path.
///
/// # Errors
/// Where something can't be written in the file's format, which is a defect.
pub fn files(site: &Site<'_>, kind: Kind) -> Result<BTreeMap<String, String>, Failure> {
    Ok(match kind {
        Kind::Prometheus => prometheus::files(site)?,
        Kind::Grafana => grafana::files(site)?,
        Kind::Alertmanager => [("alertmanager.yml".to_owned(), ALERTMANAGER.to_owned())].into(),
        Kind::MqttExporter => [("config.yaml".to_owned(), prometheus::mqtt(site)?)].into(),
        Kind::Pushgateway | Kind::NodeExporter => BTreeMap::new(),
    })
}

/// Alerts are kept and shown; where they are sent is a site's own matter.
const ALERTMANAGER: &str = "\
route:
  receiver: kept
  group_by: [alertname, component]
  group_wait: 30s
  group_interval: 5m
  repeat_interval: 4h
receivers:
- name: kept
";

/// What a service is started with.
pub fn arguments(site: &Site<'_>, kind: Kind, service: &Service) -> Vec<String> {
    let listens = site.listens_on(kind, service.port);
    let data = service.volume.as_ref().map(|volume| site.data(kind, volume));
    let config = site.config(kind);
    match kind {
        Kind::Prometheus => prometheus::arguments(site, &listens, &config, data.as_deref()),
        Kind::Pushgateway => {
            let kept = data.map(|folder| format!("--persistence.file={folder}/metrics"));
            let mut arguments = vec![format!("--web.listen-address={listens}")];
            arguments.extend(kept);
            arguments.push("--persistence.interval=1m".to_owned());
            arguments
        }
        Kind::Grafana => grafana::arguments(site, &config),
        Kind::Alertmanager => {
            let mut arguments = vec![
                format!("--config.file={config}/alertmanager.yml"),
                format!("--web.listen-address={listens}"),
                // One alone needs no cluster, and a port less is open.
                "--cluster.listen-address=".to_owned(),
            ];
            arguments.extend(data.map(|folder| format!("--storage.path={folder}")));
            arguments
        }
        Kind::NodeExporter => vec![format!("--web.listen-address={listens}")],
        Kind::MqttExporter => {
            let (host, port) = listens.rsplit_once(':').unwrap_or(("", listens.as_str()));
            let host = if host.is_empty() { "0.0.0.0" } else { host };
            ["-config", &format!("{config}/config.yaml"), "-listen-address", host, "-listen-port", port]
                .map(str::to_owned)
                .to_vec()
        }
    }
}

/// A service's environment, without secrets.
pub fn variables(site: &Site<'_>, kind: Kind) -> BTreeMap<String, String> {
    match kind {
        Kind::Grafana => grafana::variables(site),
        Kind::MqttExporter => {
            let user = site.configuration.mqtt.user.iter();
            user.map(|user| ("MQTT2PROM_MQTT_USER".to_owned(), user.to_string())).collect()
        }
        _ => BTreeMap::new(),
    }
}

/// A service's secrets: the name of the file that the service reads, and where the secret is.
pub fn secrets(site: &Site<'_>, kind: Kind) -> Vec<(String, Secret)> {
    match kind {
        Kind::Grafana => vec![(GRAFANA_PASSWORD.to_owned(), site.configuration.grafana.admin_password.clone())],
        Kind::MqttExporter => {
            site.configuration.mqtt.password.iter().map(|secret| (MQTT_PASSWORD.to_owned(), secret.clone())).collect()
        }
        _ => Vec::new(),
    }
}
