//! A stack of programs: started, proven, left alone, mended, killed at any point, taken down.

use std::time::Instant;

use crate::site::{Site, wait_for};

#[test]
fn a_stack_comes_up_is_proven_and_goes() {
    let site = Site::of_programs("");
    let began = Instant::now();
    let up = site.run(&["up", "--json"]).expect_code(0).json();
    println!("up from nothing after {:.1} s: {}", began.elapsed().as_secs_f64(), up["proof"]);
    assert_eq!(up["changes"].as_array().unwrap().len(), 2);
    assert!(up["proof"]["data_path_seconds"].as_f64().unwrap() < 60.0);

    let pids = [site.pid("prometheus"), site.pid("pushgateway")];
    let began = Instant::now();
    let again = site.run(&["up", "--json"]).expect_code(0).json();
    println!("second up after {:.1} s", began.elapsed().as_secs_f64());
    assert!(again["changes"].as_array().unwrap().is_empty(), "{again}");
    assert!(site.run(&["up"]).out.contains("nothing to change"));
    assert_eq!([site.pid("prometheus"), site.pid("pushgateway")], pids);
    site.run(&["plan"]).expect_code(0);

    let status = site.run(&["status"]).expect_code(0);
    for word in ["prometheus", "healthy", "running"] {
        assert!(status.out.contains(word), "{}", status.out);
    }
    let versions = site.run(&["status", "--json"]).json();
    assert!(versions["services"][0]["version"].as_str().is_some(), "{versions}");

    let logs = site.run(&["logs", "--since", "10m", "--json"]).expect_code(0);
    for service in ["prometheus", "pushgateway"] {
        assert!(logs.out.contains(&format!("\"service\":\"{service}\"")), "{}", logs.out);
    }

    let began = Instant::now();
    site.run(&["down"]).expect_code(0);
    println!("down after {:.1} s", began.elapsed().as_secs_f64());
    assert!(site.data().join("data/prometheus-data").exists(), "data stays");
    assert!(site.run(&["down"]).expect_code(0).out.contains("nothing to take down"));
    site.run(&["status"]).expect_code(4);
    site.run(&["plan"]).expect_code(2);
    site.run(&["down", "--volumes"]).expect_code(64);
    site.run(&["down", "--volumes", "--yes"]).expect_code(0);
    assert!(!site.data().join("data").exists());
}

#[test]
fn what_somebody_changed_is_named_and_mended() {
    let site = Site::of_programs("");
    site.run(&["up"]).expect_code(0);
    let etc = site.data().join("etc/prometheus");
    let kill = |service: &str| {
        let spec = std::fs::read_to_string(site.data().join(format!("run/{service}.json"))).unwrap();
        let record: serde_json::Value = serde_json::from_str(&spec).unwrap();
        let keeper = record["keeper"].to_string();
        assert!(std::process::Command::new("kill").args(["-9", &keeper]).status().unwrap().success());
    };
    let rows: [(&str, &dyn Fn(), &str); 5] = [
        (
            "a file is changed",
            &|| std::fs::write(etc.join("prometheus.yml"), "global: {}").unwrap(),
            "prometheus.yml was changed",
        ),
        (
            "a file is removed",
            &|| std::fs::remove_file(etc.join("rules/bigskies.yml")).unwrap(),
            "rules/bigskies.yml was removed",
        ),
        ("a keeper is killed", &|| kill("pushgateway"), "start pushgateway: it does not run"),
        (
            "retention is set",
            &|| drop(site.run(&["config", "set", "retention.time", "1d"]).expect_code(0)),
            "arguments is configured otherwise",
        ),
        (
            "a service is switched on",
            &|| drop(site.run(&["config", "set", "scrape.interval", "2s"]).expect_code(0)),
            "prometheus.yml is configured otherwise",
        ),
    ];
    for (what, change, said) in rows {
        change();
        let status = site.run(&["status"]).expect_code(4);
        assert!(status.out.contains(said), "{what}: {}", status.out);
        let plan = site.run(&["plan"]).expect_code(2);
        assert!(plan.out.contains(said), "{what}: {}", plan.out);
        assert!(site.run(&["up", "--dry-run"]).expect_code(0).out.contains(said), "{what}");
        let up = site.run(&["up", "--json"]).expect_code(0).json();
        assert_eq!(up["changes"].as_array().unwrap().len(), 1, "{what}: {up}");
        site.run(&["plan"]).expect_code(0);
    }
}

#[test]
fn a_program_that_ends_is_started_again() {
    let site = Site::of_programs("");
    site.run(&["up"]).expect_code(0);
    let before = site.pid("pushgateway");
    assert!(std::process::Command::new("kill").args(["-9", &before]).status().unwrap().success());
    wait_for("the Pushgateway runs again", || !["-", before.as_str()].contains(&site.pid("pushgateway").as_str()));
    let status = site.run(&["status", "--json"]).json();
    assert_eq!(status["services"][1]["restarts"], 1, "{status}");
    let up = site.run(&["up", "--json"]).expect_code(0).json();
    assert!(up["changes"].as_array().unwrap().is_empty(), "{up}");
}

#[test]
fn killed_at_any_point_it_finishes_the_next_time() {
    let rounds: u32 = if std::env::var_os("BIGSKIES_SOAK").is_some() { 20 } else { 3 };
    let site = Site::of_programs("");
    let began = Instant::now();
    site.run(&["up"]).expect_code(0);
    let whole = began.elapsed();
    site.run(&["down", "--volumes", "--yes"]).expect_code(0);
    for round in 0..rounds {
        // Mostly early, where something is done; waiting is the longer part of it.
        let after = whole.mul_f64(rand::random::<f64>().powi(2));
        let mut up = site.command(&["up"]).spawn().unwrap();
        std::thread::park_timeout(after);
        up.kill().unwrap();
        up.wait().unwrap();
        let what = format!("round {round}, killed after {after:?} of {whole:?}");
        println!("{what}: {:?}", running_below(&site.data().display().to_string()));
        check_convergence(&site, &what);
    }
}

/// What a keeper writes down is for others. Without it the program is kept all the same, and nobody takes a second one for it.
#[test]
fn a_record_that_is_lost_is_no_obstacle() {
    let site = Site::of_programs("");
    site.run(&["up"]).expect_code(0);
    let (folder, before) = (site.data().display().to_string(), site.pid("pushgateway"));
    let record = site.data().join("run/pushgateway.json");
    // Nothing can be written there, as on a disk that is full.
    std::fs::remove_file(&record).unwrap();
    std::fs::create_dir(&record).unwrap();
    assert!(std::process::Command::new("kill").args(["-9", &before]).status().unwrap().success());
    wait_for("the Pushgateway runs again", || {
        let programs = running_below(&folder);
        programs.len() == 2 && !programs.contains(&before)
    });
    std::fs::remove_dir(&record).unwrap();
    let status = site.run(&["status"]).expect_code(4).out;
    assert!(status.contains("start pushgateway: it does not run"), "{status}");
    check_convergence(&site, "without a record");
}

/// The next `up` comes to the stack and nothing else, and `down` to nothing at all.
fn check_convergence(site: &Site, what: &str) {
    site.run(&["up"]).expect_code(0);
    site.run(&["plan"]).expect_code(0);
    let pids = [site.pid("prometheus"), site.pid("pushgateway")];
    let folder = site.data().display().to_string();
    let programs = running_below(&folder);
    assert_eq!(programs.len(), 2, "{what}: {programs:?}");
    assert!(pids.iter().all(|pid| programs.contains(pid)), "{what}: {pids:?} {programs:?}");
    let begun: Vec<_> = ["etc", "run", "secrets"]
        .iter()
        .filter(|name| site.data().join(name).is_dir())
        .flat_map(|name| observatory::files::all_below(&site.data().join(name)).unwrap())
        .filter(|path| path.extension().is_some_and(|end| end == "new"))
        .collect();
    assert!(begun.is_empty(), "{what}: {begun:?}");
    site.run(&["down", "--volumes", "--yes"]).expect_code(0);
    assert!(running_below(&folder).is_empty(), "{what}");
    let left: Vec<_> = std::fs::read_dir(site.data()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["run"], "{what}");
}

/// The processes, other than keepers, that name a folder in their arguments.
fn running_below(folder: &str) -> Vec<String> {
    let all = std::fs::read_dir("/proc").unwrap().flatten();
    let named = all.filter_map(|process| {
        let line = String::from_utf8_lossy(&std::fs::read(process.path().join("cmdline")).ok()?).into_owned();
        let pid = process.file_name().into_string().ok()?;
        (line.contains(folder) && !line.contains("\0keep\0")).then_some(pid)
    });
    named.collect()
}

#[test]
fn what_is_in_the_way_is_named() {
    let site = Site::of_programs("");
    let held = std::net::TcpListener::bind(("127.0.0.1", site.prometheus)).unwrap();
    let taken = site.run(&["up"]).expect_code(21);
    assert!(taken.err.contains(&format!("port {} of prometheus is taken by", site.prometheus)), "{}", taken.err);
    assert!(taken.err.contains(&format!("(process {})", std::process::id())), "{}", taken.err);
    drop(held);

    let missing = site.run(&["up", "--set", "services.prometheus.program=no-such-program"]).expect_code(23);
    assert!(missing.err.contains("`no-such-program`") && missing.err.contains("hint: "), "{}", missing.err);

    let ended = site.run(&["up", "--set", "services.prometheus.arguments=['--no-such-flag']"]).expect_code(27);
    assert!(ended.err.contains("--no-such-flag"), "{}", ended.err);

    let json = site.run(&["up", "--json", "--set", "services.prometheus.port=0"]).expect_code(3).json();
    assert_eq!(json["error"]["reason"], "configuration", "{json}");
    site.run(&["up"]).expect_code(0);
}

#[test]
fn alertmanager_and_node_exporter_join() {
    let [alertmanager, node] = crate::site::free_ports();
    let site = Site::of_programs(&format!(
        "[services.alertmanager]\nenabled = true\nport = {alertmanager}\n[services.node-exporter]\nenabled = true\nport = {node}\n"
    ));
    let up = site.run(&["up", "--json"]).expect_code(0).json();
    assert_eq!(up["changes"].as_array().unwrap().len(), 4, "{up}");
    let status = site.run(&["status", "--json"]).expect_code(0).json();
    for row in status["services"].as_array().unwrap() {
        assert!(row["version"].is_string(), "{row}");
    }
    let up = site.run(&["up", "--json", "--without", "node-exporter"]).expect_code(0).json();
    let deeds: Vec<&str> =
        up["changes"].as_array().unwrap().iter().filter_map(|change| change["deed"].as_str()).collect();
    assert_eq!(deeds, ["remove", "replace"], "{up}");
}
