//! What services keep, saved, lost and put back.

use std::path::PathBuf;

use observatory::{prometheus, proof};

use crate::site::{Answer, Site, wait_for};

/// Pushes a sample through the Pushgateway, and waits until Prometheus has it.
fn push(site: &Site, value: u32) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let address = format!("{}/metrics/job/backup", site.url("pushgateway"));
    let body = format!("# TYPE night_sky gauge\nnight_sky {value}\n");
    let sent = runtime.block_on(async { proof::client().unwrap().put(address).body(body).send().await });
    assert!(sent.unwrap().status().is_success());
    wait_for("the sample is scraped", || last(site, "night_sky") == Some(value));
}

/// The value that an instant question comes to.
fn ask(site: &Site, question: &str) -> Option<f64> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let http = proof::client().unwrap();
    let series = runtime.block_on(prometheus::query(&http, &site.prometheus_url(), question)).unwrap_or_default();
    series.first().and_then(|series| series.value.1.parse().ok())
}

fn last(site: &Site, question: &str) -> Option<u32> {
    ask(site, question).map(|value| value as u32)
}

/// A sample is pushed, saved, lost with everything else, and asked for again: what the two commands said of it.
pub(crate) fn check_round_trip(site: &Site, run: &dyn Fn(&[&str]) -> Answer) -> String {
    push(site, 21);
    let dry = run(&["backup", ".", "--dry-run"]).expect_code(0);
    assert!(dry.out.contains("would save prometheus from a snapshot"), "{}", dry.out);
    let saved = run(&["backup", ".", "--json"]).expect_code(0);
    let file = PathBuf::from(saved.json()["file"].as_str().unwrap());
    assert!(file.file_name().unwrap().to_string_lossy().starts_with("site-local-20"), "{}", file.display());
    run(&["plan"]).expect_code(0);
    run(&["status"]).expect_code(0);
    push(site, 22);

    run(&["down", "--volumes", "--yes"]).expect_code(0);
    run(&["up"]).expect_code(0);
    assert_eq!(last(site, "last_over_time(night_sky[1h])"), None);

    let file = file.to_string_lossy().into_owned();
    let dry = run(&["restore", &file, "--dry-run"]).expect_code(0);
    for said in ["would replace what prometheus keeps: ", "stopped meanwhile", "would replace what pushgateway keeps: "]
    {
        assert!(dry.out.contains(said), "{}", dry.out);
    }
    assert!(run(&["restore", &file]).expect_code(64).err.contains("--yes"));
    let restored = run(&["restore", &file, "--yes", "--json"]).expect_code(0).json();
    assert_eq!(restored["done"], true);
    // What was pushed comes from the Pushgateway's file again, and the past from the snapshot.
    wait_for("the pushed sample is scraped again", || last(site, "night_sky") == Some(21));
    assert_eq!(last(site, "max_over_time(night_sky[1h])"), Some(21));
    let made_at: vocabulary::Timestamp = restored["made_at"].as_str().unwrap().parse().unwrap();
    let oldest = ask(site, "min_over_time(timestamp(night_sky)[1h:1s])").unwrap();
    assert!(oldest < made_at.unix_seconds(), "only new samples are there: {oldest}");
    run(&["status"]).expect_code(0);
    run(&["plan"]).expect_code(0);
    assert!(!site.data().join("run/staging").exists());
    format!("saved: {}restored: {restored}", saved.out)
}

#[test]
fn what_was_saved_comes_back_after_all_is_lost() {
    let site = Site::of_programs("");
    site.run(&["backup", "."]).expect_code(6);
    site.run(&["up"]).expect_code(0);
    println!("{}", check_round_trip(&site, &|arguments| site.run(arguments)));
    let snapshots = site.data().join("data/prometheus-data/snapshots");
    assert!(!snapshots.exists() || snapshots.read_dir().unwrap().next().is_none());
}

#[test]
fn a_stack_that_does_not_run_is_saved_and_put_back_too() {
    let site = Site::of_programs("");
    site.run(&["up"]).expect_code(0);
    push(&site, 7);
    site.run(&["down"]).expect_code(0);
    let saved = site.run(&["backup", "cold.tar"]).expect_code(0);
    assert!(saved.out.contains("prometheus: ") && saved.out.contains("as it lies there"), "{}", saved.out);
    assert!(site.run(&["backup", "cold.tar"]).expect_code(64).err.contains("is there already"));
    site.run(&["down", "--volumes", "--yes"]).expect_code(0);
    let restored = site.run(&["restore", "cold.tar", "--yes"]).expect_code(0);
    assert!(restored.out.contains("`observatory up` starts what did not run"), "{}", restored.out);
    site.run(&["up"]).expect_code(0);
    assert_eq!(last(&site, "max_over_time(night_sky[1h])"), Some(7));
}

#[test]
fn a_broken_archive_is_refused_and_nothing_is_touched() {
    let site = Site::of_programs("");
    site.run(&["up"]).expect_code(0);
    site.run(&["backup", "a.tar"]).expect_code(0);
    let path = site.path().join("a.tar");
    let whole = std::fs::read(&path).unwrap();
    let pids = [site.pid("prometheus"), site.pid("pushgateway")];
    // Somewhere in the middle of a file's contents.
    let mut flipped = whole.clone();
    flipped[700] ^= 1;
    for (what, bytes) in [("cut off", &whole[..whole.len() - 4096]), ("changed", &flipped[..]), ("empty", &[])] {
        std::fs::write(&path, bytes).unwrap();
        let refused = site.run(&["restore", "a.tar", "--yes"]).expect_code(8);
        assert!(refused.err.contains("can't be trusted") && refused.err.contains("nothing was changed"), "{what}");
    }
    let json = site.run(&["restore", "a.tar", "--yes", "--json"]).expect_code(8).json();
    assert_eq!(json["error"]["reason"], "broken-archive");
    site.run(&["restore", "no-such.tar", "--yes"]).expect_code(6);
    assert_eq!([site.pid("prometheus"), site.pid("pushgateway")], pids);
    std::fs::write(&path, &whole).unwrap();
    let none = site.run(&["restore", "a.tar", "--yes", "--set", "services.pushgateway.enabled=false", "--dry-run"]);
    assert!(none.expect_code(0).out.contains("left out: pushgateway"));
}

/// Grafana can't be had on the machines of tests; a program that only serves HTTP stands in for it, since its data are files.
#[test]
fn dashboards_and_accounts_of_grafana_are_saved_with_the_password_that_was_made_up() {
    let [port] = crate::site::free_ports();
    let site = Site::of_programs("");
    let stand_in = site.path().join("grafana");
    let serve = "#!/bin/sh\nexec python3 -c 'import http.server,sys\nclass H(http.server.BaseHTTPRequestHandler):\n \
                 def do_GET(s):\n  s.send_response(200); s.end_headers(); s.wfile.write(b\"{}\")\n\
                 http.server.HTTPServer((\"127.0.0.1\", PORT), H).serve_forever()' \"$@\"\n";
    std::fs::write(&stand_in, serve.replace("PORT", &port.to_string())).unwrap();
    std::fs::set_permissions(&stand_in, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let program = format!("services.grafana.program={}", stand_in.display());
    let port = format!("services.grafana.port={port}");
    let run =
        |arguments: &[&str]| site.run(&[&["--with", "grafana", "--set", &program, "--set", &port], arguments].concat());
    run(&["up"]).expect_code(0);
    let database = site.data().join("data/grafana-data/grafana.db");
    std::fs::write(&database, "accounts").unwrap();
    let own = site.data().join("etc/grafana/dashboards/own.json");
    std::fs::write(&own, "{}").unwrap();
    let password = site.data().join("secrets/grafana-admin-password");
    let before = std::fs::read_to_string(&password).unwrap();
    let saved = run(&["backup", "g.tar"]).expect_code(0);
    assert!(saved.out.contains("grafana: ") && !saved.out.contains(&before), "{}", saved.out);
    run(&["down", "--volumes", "--yes"]).expect_code(0);
    run(&["up"]).expect_code(0);
    assert_ne!(std::fs::read_to_string(&password).unwrap(), before);
    run(&["restore", "g.tar", "--yes"]).expect_code(0);
    assert_eq!(std::fs::read_to_string(&database).unwrap(), "accounts");
    assert_eq!(std::fs::read_to_string(&password).unwrap(), before);
    assert_eq!(std::fs::read_to_string(&own).unwrap(), "{}");
    run(&["plan"]).expect_code(0);
}
