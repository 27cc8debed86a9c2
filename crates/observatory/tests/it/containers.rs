//! A stack of containers on a real engine: from nothing to the proven data path, left alone, read, known to Compose, and gone again.

use std::{process::Stdio, time::Instant};

use crate::{
    compose::Compose,
    dock::{Boards, Dock},
    site::wait_for,
};

#[tokio::test]
async fn a_stack_of_containers_comes_up_and_goes() {
    let dock = Dock::open(Boards::With).await;
    for dry in [["up", "--dry-run"], ["down", "--dry-run"]] {
        dock.run(&dry).expect_code(0);
    }
    dock.run(&["plan"]).expect_code(2);
    assert!(dock.holdings().await.is_empty(), "a dry run made something");

    let began = Instant::now();
    let up = dock.run(&["up", "--json"]).expect_code(0).json();
    println!("containers up from nothing after {:.1} s: {}", began.elapsed().as_secs_f64(), up["proof"]);
    assert_eq!(up["changes"].as_array().unwrap().len(), 3);
    assert!(up["proof"]["data_path_seconds"].as_f64().unwrap() < 60.0);
    let there = dock.holdings().await;
    let containers = dock.engine.containers(&engine_containers::Listing::All).await.unwrap();

    let began = Instant::now();
    assert!(dock.run(&["up"]).expect_code(0).out.contains("nothing to change"));
    println!("second up after {:.1} s", began.elapsed().as_secs_f64());
    let ids = |list: &[engine_containers::Listed]| list.iter().map(|one| one.id.clone()).collect::<Vec<_>>();
    assert_eq!(ids(&dock.engine.containers(&engine_containers::Listing::All).await.unwrap()), ids(&containers));
    assert_eq!(dock.holdings().await, there);
    dock.run(&["plan"]).expect_code(0);
    let status = dock.run(&["status"]).expect_code(0);
    for word in ["prometheus", "pushgateway", "grafana", "stand-in", "healthy", "running"] {
        assert!(status.out.contains(word), "{word}: {}", status.out);
    }

    check_logs(&dock).await;
    check_compose(&dock);
    // On a thread of its own, since what it calls has a runtime of its own.
    let saved_and_put_back = || crate::backup::check_round_trip(&dock.site, &|arguments| dock.run(arguments));
    println!("{}", std::thread::scope(|scope| scope.spawn(saved_and_put_back).join()).unwrap());

    assert!(dock.run(&["down", "--dry-run"]).expect_code(0).out.contains("remove grafana"));
    let began = Instant::now();
    dock.run(&["down"]).expect_code(0);
    println!("containers down after {:.1} s", began.elapsed().as_secs_f64());
    let left = dock.holdings().await;
    let data = ["volume site_grafana-data", "volume site_prometheus-data", "volume site_pushgateway-data"];
    assert_eq!(left, data, "data stays, and nothing else");
    dock.run(&["down", "--volumes", "--yes"]).expect_code(0);
    assert!(dock.holdings().await.is_empty());
    assert!(!dock.site.data().join("secrets").exists());
}

/// Lines of all services in the order of time, of some, of late, and as they are written.
async fn check_logs(dock: &Dock) {
    let all = dock.run(&["logs", "--json"]).expect_code(0).out;
    for service in ["prometheus", "pushgateway", "grafana"] {
        assert!(all.contains(&format!("\"service\":\"{service}\"")), "{all}");
    }
    let times: Vec<String> = all.lines().map(moment).collect();
    assert!(times.is_sorted(), "{times:?}");
    let one = dock.run(&["logs", "grafana"]).expect_code(0).out;
    assert!(one.contains("stand-in listens") && !one.contains("Server is ready"), "{one}");
    assert!(dock.run(&["logs", "--since", "2100-01-01T00:00:00Z"]).expect_code(0).out.is_empty());
    assert_eq!(dock.run(&["logs", "prometheus", "--tail", "1"]).expect_code(0).out.lines().count(), 1);

    let path = dock.site.path().join("followed");
    let file = std::fs::File::create(&path).unwrap();
    let mut command = dock.site.command(&["logs", "--follow", "--since", "1s", "prometheus"]);
    let mut following = command.stdout(file).stderr(Stdio::null()).spawn().unwrap();
    let said = || std::fs::read_to_string(&path).unwrap();
    let before = said();
    // It writes about it when it reads its configuration again.
    dock.engine.signal("site-prometheus-1", "SIGHUP").await.unwrap();
    wait_for("the reload is followed", || {
        said().contains("Completed loading of configuration file") && said() != before
    });
    following.kill().unwrap();
    following.wait().unwrap();
}

/// The labels make it a project of Compose.
fn check_compose(dock: &Dock) {
    let compose = Compose::find();
    let said = |arguments: &[&str]| {
        let (is_well, said) = compose.ask(dock, arguments);
        assert!(is_well, "{arguments:?}: {said}");
        said
    };
    let listed = said(&["--project-name", "site", "ps"]);
    for name in ["site-prometheus-1", "site-pushgateway-1", "site-grafana-1"] {
        assert!(listed.contains(name), "{listed}");
    }
    assert!(said(&["--project-name", "site", "logs", "prometheus"]).contains("Server is ready"));
    assert!(said(&["ls"]).contains("running(3)"));
    said(&["--project-name", "site", "down"]);
    dock.run(&["status"]).expect_code(4);
    let up = dock.run(&["up", "--json"]).expect_code(0).json();
    assert_eq!(up["changes"].as_array().unwrap().len(), 3, "{up}");
}

/// When a line was written, in a form that sorts by time.
fn moment(line: &str) -> String {
    let line: serde_json::Value = serde_json::from_str(line).unwrap();
    let at = line["at"].as_str().unwrap().trim_end_matches('Z');
    let (second, fraction) = at.split_once('.').unwrap_or((at, ""));
    format!("{second}.{fraction:0<9}")
}
