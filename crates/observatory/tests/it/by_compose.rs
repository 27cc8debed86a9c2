//! The stack through `docker compose`; and what Compose itself sees of the changes behind its back that we name.

use crate::{
    compose::Compose,
    dock::{Boards, Dock},
    drift::{ROWS, change},
    site::Answer,
};

fn run(dock: &Dock, compose: &Compose, arguments: &[&str]) -> Answer {
    let mut command = dock.site.command(&["--engine", "compose"]);
    command.args(arguments).env("DOCKER_CONFIG", compose.configuration()).output().unwrap().into()
}

#[tokio::test]
async fn compose_starts_and_removes_the_stack() {
    let compose = Compose::find();
    let dock = Dock::open(Boards::With).await;
    let without = dock.site.command(&["--engine", "compose", "up"]).env("PATH", "/nowhere").output().unwrap();
    let without = Answer::from(without).expect_code(23);
    assert!(without.err.contains("`docker` can't be started"), "{}", without.err);
    let began = std::time::Instant::now();
    let up = run(&dock, &compose, &["up", "--json"]).expect_code(0).json();
    assert_eq!(up["changes"].as_array().unwrap().len(), 3, "{up}");
    println!("up by Compose after {:.1} s: {}", began.elapsed().as_secs_f64(), up["proof"]);
    assert!(run(&dock, &compose, &["up"]).expect_code(0).out.contains("nothing to change"));
    run(&dock, &compose, &["plan"]).expect_code(0);
    let status = run(&dock, &compose, &["status"]).expect_code(0).out;
    assert!(status.contains("containers, through Compose"), "{status}");
    assert!(run(&dock, &compose, &["logs", "prometheus"]).expect_code(0).out.contains("Server is ready"));
    dock.engine.stop_container("site-pushgateway-1", None).await.unwrap();
    let status = run(&dock, &compose, &["status"]).expect_code(4).out;
    assert!(status.contains("start pushgateway: it does not run"), "{status}");
    run(&dock, &compose, &["up"]).expect_code(0);
    if std::env::var_os("BIGSKIES_SOAK").is_some() {
        count_what_compose_sees(&dock, &compose).await;
    }
    run(&dock, &compose, &["down", "--volumes", "--yes"]).expect_code(0);
    let left = dock.holdings().await;
    assert!(left.iter().all(|thing| thing.contains("foreign")), "{left:?}");
    assert!(!dock.site.data().join("compose").exists());
}

/// The changes of the drift's table, on the stack as Compose made it, and whether its own dry run has anything to do for the service.
async fn count_what_compose_sees(dock: &Dock, compose: &Compose) {
    let folder = dock.site.data().join("compose");
    let (folder, file) = (folder.display().to_string(), folder.join("compose.yaml").display().to_string());
    let project = ["--project-name", "site", "--project-directory", &folder, "--file", &file];
    let up = |more: &[&str]| {
        let (is_well, said) = compose.ask(dock, &[&project, more].concat());
        assert!(is_well, "{more:?}: {said}");
        said
    };
    up(&["up", "--detach", "--force-recreate"]);
    let mut seen = 0;
    let rows = ROWS.iter().filter(|row| row.is_sample);
    for row in rows {
        // Its files are folders of this machine, mounted read-only.
        if row.what == "a file in a volume" {
            std::fs::write(dock.site.data().join("compose/prometheus/prometheus.yml"), "global: {}").unwrap();
        } else {
            change(&dock.engine, row).await;
        }
        let said = up(&["--dry-run", "up", "--detach"]);
        let name = format!("site-{}-1", row.service);
        let idle = ["Running", "Waiting", "Healthy"];
        let does = |line: &&str| line.contains(&name) && !idle.iter().any(|word| line.contains(word));
        let doing: Vec<&str> = said.lines().filter(does).collect();
        seen += u32::from(!doing.is_empty());
        println!("Compose, {}: {}", row.what, doing.first().map_or("sees nothing", |line| line.trim()));
        up(&["up", "--detach", "--force-recreate", "--remove-orphans"]);
    }
    println!("Compose's dry run sees {seen} of 15");
}
