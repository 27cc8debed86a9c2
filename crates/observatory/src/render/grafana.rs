//! Grafana: its settings, the data source that it asks, and the dashboards that it finds at its start.

use std::{collections::BTreeMap, fmt::Write as _};

use serde_norway::Value;

use super::{
    GRAFANA_PASSWORD, dashboards,
    yaml::{document, list, map, text},
};
use crate::{
    configuration::Kind,
    failure::Failure,
    stack::{Place, Site},
};

/// The data source's name for dashboards.
pub(super) const SOURCE: &str = "prometheus";

pub(super) fn files(site: &Site<'_>) -> Result<BTreeMap<String, String>, Failure> {
    let mut files: BTreeMap<String, String> = [
        ("grafana.ini".to_owned(), ini(site)),
        ("provisioning/datasources/prometheus.yml".to_owned(), data_source(site)?),
        ("provisioning/dashboards/bigskies.yml".to_owned(), provider(site)?),
    ]
    .into();
    for board in dashboards::boards() {
        files.insert(format!("dashboards/{}.json", board.uid), board.json()?);
    }
    Ok(files)
}

/// The image starts Grafana by itself; a program must be told where its settings stand.
pub(super) fn arguments(site: &Site<'_>, config: &str) -> Vec<String> {
    match site.place {
        Place::Containers => Vec::new(),
        Place::Host(_) => {
            vec!["server".to_owned(), format!("--config={config}/grafana.ini"), format!("--homepath={HOME}")]
        }
    }
}

/// Where Grafana's packages put what it shows.
const HOME: &str = "/usr/share/grafana";

pub(super) fn variables(site: &Site<'_>) -> BTreeMap<String, String> {
    // Grafana reads a secret from a file where the variable's name ends so.
    [("GF_SECURITY_ADMIN_PASSWORD__FILE".to_owned(), site.secret(GRAFANA_PASSWORD))].into()
}

fn ini(site: &Site<'_>) -> String {
    let configuration = site.configuration;
    let service = &configuration.services.grafana;
    let listens = site.listens_on(Kind::Grafana, service.port);
    let (host, port) = listens.rsplit_once(':').unwrap_or(("", "3000"));
    let data = service.volume.as_ref().map(|volume| site.data(Kind::Grafana, volume));
    let config = site.config(Kind::Grafana);
    let mut paths = vec![("provisioning", format!("{config}/provisioning"))];
    paths.extend(data.map(|folder| ("data", folder)));
    let sections: [(&str, Vec<(&str, String)>); 6] = [
        ("paths", paths),
        ("server", vec![("http_addr", host.trim_matches(['[', ']']).to_owned()), ("http_port", port.to_owned())]),
        ("security", vec![("admin_user", configuration.grafana.admin_user.to_string())]),
        ("users", vec![("allow_sign_up", "false".to_owned())]),
        ("analytics", vec![("reporting_enabled", "false".to_owned()), ("check_for_updates", "false".to_owned())]),
        (
            "dashboards",
            vec![("default_home_dashboard_path", format!("{config}/dashboards/bigskies-coordinators.json"))],
        ),
    ];
    let mut ini = String::from("; Rendered by observatory from observatory.toml.\n");
    for (section, pairs) in sections {
        let _infallible = writeln!(ini, "\n[{section}]");
        for (key, value) in pairs {
            let _infallible = writeln!(ini, "{key} = {value}");
        }
    }
    ini
}

fn data_source(site: &Site<'_>) -> Result<String, Failure> {
    let prometheus = &site.configuration.services.prometheus;
    let source = map([
        ("name", text("Prometheus")),
        ("uid", text(SOURCE)),
        ("type", text("prometheus")),
        ("access", text("proxy")),
        ("url", text(format!("http://{}", site.peer(Kind::Prometheus, prometheus.port)))),
        ("isDefault", Value::Bool(true)),
        ("editable", Value::Bool(false)),
        ("jsonData", map([("timeInterval", text(site.configuration.scrape.interval.to_string()))])),
    ]);
    let whole = map([("apiVersion", Value::Number(1.into())), ("datasources", list([source]))]);
    document("Rendered by observatory from observatory.toml.", &whole)
}

fn provider(site: &Site<'_>) -> Result<String, Failure> {
    let folder = format!("{}/dashboards", site.config(Kind::Grafana));
    let provider = map([
        ("name", text("BIG SKIES")),
        ("folder", text("BIG SKIES")),
        ("type", text("file")),
        ("allowUiUpdates", Value::Bool(false)),
        ("options", map([("path", text(folder))])),
    ]);
    let whole = map([("apiVersion", Value::Number(1.into())), ("providers", list([provider]))]);
    document("Rendered by observatory from observatory.toml.", &whole)
}
