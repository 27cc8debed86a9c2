//! Prometheus: what it scrapes, which rules it evaluates, how long it keeps samples; and the exporter that reads our bus.

use std::collections::BTreeMap;

use serde_norway::Value;

use super::yaml::{document, list, map, text};
use crate::{
    configuration::{Kind, Port},
    failure::Failure,
    stack::Site,
};

/// The alert rules.
pub const RULES: &str = include_str!("../../assets/rules/bigskies.yml");
/// What promtool tests them with.
pub const RULE_TESTS: &str = include_str!("../../assets/rules/bigskies_test.yml");

const RULES_PATH: &str = "rules/bigskies.yml";

pub(super) fn files(site: &Site<'_>) -> Result<BTreeMap<String, String>, Failure> {
    let main = document(
        "Rendered by observatory from observatory.toml; changes here are mended by `observatory up`.",
        &main(site),
    )?;
    // Rules are named relative to the file, so that promtool finds them wherever it stands.
    Ok([("prometheus.yml".to_owned(), main), (RULES_PATH.to_owned(), RULES.to_owned())].into())
}

pub(super) fn arguments(site: &Site<'_>, listens: &str, config: &str, data: Option<&str>) -> Vec<String> {
    let retention = &site.configuration.retention;
    let mut arguments = vec![
        format!("--config.file={config}/prometheus.yml"),
        format!("--web.listen-address={listens}"),
        format!("--storage.tsdb.retention.time={}", retention.time),
        format!("--storage.tsdb.retention.size={}", retention.size),
        // Backups are taken of snapshots, which are asked for there.
        "--web.enable-admin-api".to_owned(),
    ];
    arguments.extend(data.map(|folder| format!("--storage.tsdb.path={folder}")));
    arguments
}

fn main(site: &Site<'_>) -> Value {
    let configuration = site.configuration;
    let scrape = &configuration.scrape;
    let mut document = vec![
        (
            "global",
            map([
                ("scrape_interval", text(scrape.interval.to_string())),
                ("scrape_timeout", text(scrape.timeout.to_string())),
                ("evaluation_interval", text(scrape.evaluation_interval.to_string())),
                (
                    "external_labels",
                    map([
                        ("observatory", text(configuration.project.to_string())),
                        ("environment", text(configuration.environment.to_string())),
                    ]),
                ),
            ]),
        ),
        ("rule_files", list([RULES_PATH])),
    ];
    let alertmanager = &configuration.services.alertmanager;
    if alertmanager.enabled {
        let targets = static_targets(vec![site.peer(Kind::Alertmanager, alertmanager.port)]);
        document.push(("alerting", map([("alertmanagers", list([map([("static_configs", targets)])]))])));
    }
    document.push(("scrape_configs", list(jobs(site))));
    map(document)
}

fn jobs(site: &Site<'_>) -> Vec<Value> {
    let configuration = site.configuration;
    let enabled = configuration.services().into_iter().filter(|(_, service)| service.enabled);
    let mut jobs: Vec<Value> = enabled.map(|(kind, service)| own_job(site, kind, service.port)).collect();
    for target in &configuration.scrape.targets {
        let addresses = target.addresses.iter().map(|address| site.outside(address)).collect();
        jobs.push(map([
            ("job_name", text(target.job.to_string())),
            ("metrics_path", text(target.path.clone())),
            ("static_configs", static_targets(addresses)),
        ]));
    }
    jobs
}

fn own_job(site: &Site<'_>, kind: Kind, port: Port) -> Value {
    let scrape = &site.configuration.scrape;
    let mut job = vec![("job_name", text(kind.as_str()))];
    if kind == Kind::Pushgateway {
        // What is pushed says itself whose it is.
        job.push(("honor_labels", Value::Bool(true)));
        job.push(("scrape_interval", text(scrape.push_interval.to_string())));
        let shorter = if scrape.push_interval.seconds() < scrape.timeout.seconds() {
            &scrape.push_interval
        } else {
            &scrape.timeout
        };
        job.push(("scrape_timeout", text(shorter.to_string())));
    }
    job.push(("static_configs", static_targets(vec![site.peer(kind, port)])));
    map(job)
}

fn static_targets(addresses: Vec<String>) -> Value {
    list([map([("targets", list(addresses))])])
}

/// The exporter's file: every health report of a coordinator becomes a gauge.
pub(super) fn mqtt(site: &Site<'_>) -> Result<String, Failure> {
    let mqtt = &site.configuration.mqtt;
    let broker = mqtt.broker.split_once("://").map_or_else(
        || site.outside(&mqtt.broker),
        |(scheme, address)| format!("{scheme}://{}", site.outside(address)),
    );
    let health = map([
        ("prom_name", text("bigskies_mqtt_uptime_seconds")),
        ("mqtt_name", text("payload.details.uptime_seconds")),
        ("help", text("how long a coordinator has run, as it says on the bus")),
        ("type", text("gauge")),
    ]);
    let document_value = map([
        (
            "mqtt",
            map([
                ("server", text(broker)),
                ("topic_path", text(mqtt.topic.clone())),
                ("device_id_regex", text("(.*/)?(?P<deviceid>[^/]+)")),
                ("qos", Value::Number(0.into())),
            ]),
        ),
        ("cache", map([("timeout", text("2m"))])),
        ("json_parsing", map([("separator", text("."))])),
        ("metrics", list([health])),
    ]);
    document("Rendered by observatory from observatory.toml.", &document_value)
}
