//! Files that are rendered, held against the programs and types that read them.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use observatory::render;

use crate::site::Site;

fn promtool(folder: &Path, arguments: &[&str]) {
    let output = Command::new("promtool").args(arguments).current_dir(folder).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "promtool {arguments:?}: {}", String::from_utf8_lossy(&said));
}

fn rendered(flags: &[&str]) -> (Site, PathBuf) {
    let site = Site::of_programs("");
    let out = site.path().join("out");
    site.run(&[&["render", "--out", "out"], flags].concat()).expect_code(0);
    (site, out)
}

#[test]
fn prometheus_understands_its_files_and_the_rules_hold() {
    for flags in [&[][..], &["--with", "alertmanager", "--with", "node-exporter", "--with", "mqtt-exporter"]] {
        let (_site, out) = rendered(flags);
        promtool(&out.join("prometheus"), &["check", "config", "prometheus.yml"]);
        promtool(&out.join("prometheus"), &["check", "rules", "rules/bigskies.yml"]);
        std::fs::write(out.join("prometheus/rules/bigskies_test.yml"), render::RULE_TESTS).unwrap();
        promtool(&out.join("prometheus/rules"), &["test", "rules", "bigskies_test.yml"]);
    }
}

#[test]
fn each_alert_has_a_test() {
    let named = |text: &str, key: &str| -> std::collections::BTreeSet<String> {
        let lines = text.lines().filter_map(|line| line.trim().trim_start_matches("- ").strip_prefix(key));
        lines.map(|name| name.trim().to_owned()).collect()
    };
    assert_eq!(named(render::RULES, "alert:"), named(render::RULE_TESTS, "alertname:"));
}

#[test]
fn rendering_is_idempotent_and_dry_runs_write_nothing() {
    let (site, out) = rendered(&[]);
    let again = site.run(&["render", "--out", "out", "--json"]).expect_code(0).json();
    assert_eq!(again["written"], serde_json::json!([]), "{again}");
    std::fs::remove_file(out.join("compose.yaml")).unwrap();
    let dry = site.run(&["render", "--out", "out", "--dry-run"]).expect_code(0);
    assert!(dry.out.contains("would write compose.yaml"), "{}", dry.out);
    assert!(!out.join("compose.yaml").exists());
}

#[test]
fn the_compose_file_describes_the_whole_stack() {
    let site = Site::of_programs("");
    site.run(&["render", "--out", "out", "--engine", "docker", "--with", "grafana"]).expect_code(0);
    let text = std::fs::read_to_string(site.path().join("out/compose.yaml")).unwrap();
    let compose: serde_norway::Value = serde_norway::from_str(&text).unwrap();
    for service in ["prometheus", "pushgateway", "grafana"] {
        let found = &compose["services"][service];
        let image = found["image"].as_str().unwrap();
        assert!(image.contains(':') && !image.ends_with(":latest"), "{image}");
        assert!(found["ports"][0].as_str().unwrap().starts_with("127.0.0.1:"), "{text}");
        assert_eq!(found["cap_drop"][0], "ALL");
    }
    assert!(compose["volumes"]["prometheus-data"].is_mapping(), "{text}");
    let secret = std::fs::read_to_string(site.path().join("out/secrets/grafana-admin-password")).unwrap();
    for file in ["compose.yaml", "grafana/grafana.ini"] {
        let text = std::fs::read_to_string(site.path().join("out").join(file)).unwrap();
        assert!(!text.contains(&secret), "{file} has the secret");
    }
    let mode = |path: &str| {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::metadata(site.path().join("out").join(path)).unwrap().permissions().mode() & 0o777
    };
    assert_eq!((mode("secrets"), mode("secrets/grafana-admin-password")), (0o700, 0o644));
    let ini = std::fs::read_to_string(site.path().join("out/grafana/grafana.ini")).unwrap();
    for line in ["[security]", "admin_user = admin", "http_port = 3000"] {
        assert!(ini.lines().any(|other| other == line), "{line} is not in: {ini}");
    }
}

/// Grafana publishes the types of its dashboards; the compiler of their language says whether ours are of that type.
#[test]
fn dashboards_are_of_grafanas_own_type() {
    let node = std::env::var("BIGSKIES_TEST_NODE")
        .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/node").to_owned());
    let folder = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(Path::new(&node).join("node_modules"), folder.path().join("node_modules")).unwrap();
    let compile = |text: String| {
        std::fs::write(folder.path().join("boards.ts"), text).unwrap();
        let mut tsc = Command::new("node");
        tsc.arg(Path::new(&node).join("node_modules/typescript/bin/tsc")).current_dir(folder.path());
        tsc.args([
            "--noEmit",
            "--strict",
            "--skipLibCheck",
            "--moduleResolution",
            "bundler",
            "--module",
            "esnext",
            "boards.ts",
        ]);
        let output = tsc.output().unwrap();
        (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let import = "import type { Dashboard } from '@grafana/schema';\n";
    let boards: Vec<String> =
        render::boards().iter().map(|board| format!("({}) satisfies Dashboard;\n", board.json().unwrap())).collect();
    let (is_accepted, said) = compile(format!("{import}{}", boards.concat()));
    assert!(
        is_accepted,
        "{said}; `cargo xtask test` installs the types, or name a folder that has them in BIGSKIES_TEST_NODE"
    );
    let (is_accepted, said) = compile(format!("{import}({{ title: 1, panels: 'none' }}) satisfies Dashboard;\n"));
    assert!(!is_accepted && said.contains("not assignable"), "a wrong one is accepted: {said}");
}
