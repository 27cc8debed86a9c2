//! Every question of every panel, asked of a Prometheus that scrapes an exporter with all the platform's metrics.

use std::{
    collections::BTreeSet,
    io::{Read as _, Write as _},
    net::TcpListener,
    sync::atomic::{AtomicU64, Ordering},
};

use observatory::{prometheus, proof, render};

use crate::site::{Site, wait_for};

/// What the platform offers, after so many scrapes.
fn metrics(scrape: u64) -> String {
    let mut text = String::new();
    let mut put = |line: String| text.push_str(&(line + "\n"));
    for (component, health) in
        [("telescope-coordinator", "1"), ("message-coordinator", "0.5"), ("datastore-coordinator", "0")]
    {
        put(format!("bigskies_health{{component=\"{component}\"}} {health}"));
    }
    for message in ["telescope/control/slew", "telescope/control/abort", "datastore/ping"] {
        put(format!("bigskies_messages_total{{owner=\"telescope\",message=\"{message}\"}} {scrape}"));
        for outcome in ["ok", "timeout"] {
            histogram(
                &mut put,
                "bigskies_command_seconds",
                &format!("message=\"{message}\",outcome=\"{outcome}\""),
                scrape,
            );
        }
    }
    put("bigskies_queue_depth{owner=\"telescope\",lane=\"motion\"} 3".to_owned());
    put(format!("bigskies_bus_reconnects_total{{client=\"telescope\"}} {scrape}"));
    histogram(&mut put, "bigskies_store_seconds", "operation=\"insert\"", scrape);
    put(format!("bigskies_dead_letters_total{{reason=\"queue full\"}} {scrape}"));
    put("bigskies_broker_clients 12".to_owned());
    put("stellar_satellites_active 4\nstellar_tasks_pending 7\nstellar_energy_avg 81.5".to_owned());
    put(format!("stellar_tasks_failed_total {scrape}"));
    put(format!("bigskies_orbital_states_total {scrape}\nbigskies_orbital_calls{{method=\"Propagate\"}} 2"));
    for (kind, count) in [("catalogue", 31_000), ("registered", 3), ("station", 12)] {
        put(format!("bigskies_orbital_known{{kind=\"{kind}\"}} {count}"));
    }
    for code in ["OK", "INVALID_ARGUMENT"] {
        histogram(&mut put, "bigskies_orbital_call_seconds", &format!("method=\"Propagate\",code=\"{code}\""), scrape);
    }
    text
}

fn histogram(put: &mut impl FnMut(String), name: &str, labels: &str, scrape: u64) {
    for (le, share) in [("0.01", 1), ("0.1", 2), ("1", 3), ("+Inf", 4)] {
        put(format!("{name}_bucket{{{labels},le=\"{le}\"}} {}", scrape * share));
    }
    put(format!("{name}_count{{{labels}}} {}\n{name}_sum{{{labels}}} {}", scrape * 4, scrape));
}

/// Serves the metrics until the process ends.
fn exporter() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let scrapes = AtomicU64::new(0);
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            let mut connection = connection.unwrap();
            let mut request = [0; 4096];
            let _request = connection.read(&mut request);
            let body = metrics(scrapes.fetch_add(1, Ordering::Relaxed));
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
                body.len()
            );
            let _who_asks_may_have_gone = connection.write_all((head + &body).as_bytes());
        }
    });
    port
}

#[test]
fn every_panel_shows_something() {
    let port = exporter();
    let site = Site::of_programs(&format!("[[scrape.targets]]\njob = 'bigskies'\naddresses = ['127.0.0.1:{port}']\n"));
    site.run(&["up"]).expect_code(0);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let http = proof::client().unwrap();
    let mut asked = 0;
    for board in render::boards() {
        for panel in &board.panels {
            for (question, _) in &panel.queries {
                let question = question.replace("$__rate_interval", "10s");
                let what = format!("{} / {}: {question}", board.title, panel.title);
                let ask = || runtime.block_on(prometheus::query(&http, &site.prometheus_url(), &question));
                wait_for(&what, || {
                    let series = ask().unwrap_or_else(|failure| panic!("{what}: {failure}"));
                    series.iter().any(|series| series.value.1.parse::<f64>().is_ok_and(f64::is_finite))
                });
                asked += 1;
            }
        }
    }
    println!("{asked} questions of {} dashboards, none empty", render::boards().len());
}

#[test]
fn panels_and_rules_name_metrics_that_exist() {
    let suffixes = ["_bucket", "_count", "_sum"];
    let boards = render::boards();
    let questions =
        boards.iter().flat_map(|board| &board.panels).flat_map(|panel| &panel.queries).map(|(question, _)| *question);
    let rules = render::RULES.lines().filter(|line| !line.starts_with('#'));
    let texts: Vec<&str> = questions.chain(rules).collect();
    let mut named = BTreeSet::new();
    for word in texts.iter().flat_map(|text| text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')) {
        if ["bigskies_", "stellar_", "orbital_"].iter().any(|beginning| word.starts_with(beginning)) {
            let whole = suffixes.iter().find_map(|suffix| word.strip_suffix(suffix)).unwrap_or(word);
            assert!(render::METRICS.contains(&whole), "no metric is called {word}");
            named.insert(whole);
        }
    }
    let unseen: Vec<&&str> = render::METRICS.iter().filter(|metric| !named.contains(**metric)).collect();
    assert!(unseen.is_empty(), "no panel and no rule shows {unseen:?}");
}

#[test]
fn every_metric_of_the_platform_is_known_here() {
    let list = include_str!("../../../observability/src/metrics.rs");
    let names = list.lines().filter_map(|line| line.strip_prefix("pub const ")?.split('"').nth(1));
    let unknown: Vec<&str> = names.filter(|name| !render::METRICS.contains(name)).collect();
    assert!(unknown.is_empty(), "no dashboard knows {unknown:?}: name them in `render::METRICS`, and show them");
    assert_eq!(list.matches("pub const ").count(), render::METRICS.len());
}

#[test]
fn panels_do_not_overlap() {
    for board in render::boards() {
        let json: serde_json::Value = serde_json::from_str(&board.json().unwrap()).unwrap();
        let mut taken = BTreeSet::new();
        for panel in json["panels"].as_array().unwrap() {
            let at = |name: &str| panel["gridPos"][name].as_u64().unwrap();
            for x in at("x")..at("x") + at("w") {
                assert!(x < 24, "{} leaves the grid", panel["title"]);
                for y in at("y")..at("y") + at("h") {
                    assert!(taken.insert((x, y)), "{}: {} lies over another", board.title, panel["title"]);
                }
            }
        }
    }
}
