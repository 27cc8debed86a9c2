//! The command line: what it answers, and with which code it ends.

use observatory::failure::Reason;

use crate::site::Site;

#[test]
fn the_configuration_is_shown_set_and_checked() {
    let site = Site::of_programs("");
    let show = site.run(&["config", "show", "--origin"]).expect_code(0);
    assert!(
        show.out.lines().any(|line| line.starts_with("services.grafana.enabled") && line.contains("observatory.toml:"))
    );
    assert!(show.out.lines().any(|line| line.starts_with("retention.time") && line.ends_with("default")));
    assert_eq!(site.run(&["config", "get", "retention.time"]).expect_code(0).out, "90d\n");
    assert_eq!(site.run(&["config", "get", "retention.time", "--json"]).expect_code(0).out, "\"90d\"\n");
    site.run(&["config", "get", "retention.tine"]).expect_code(6);

    site.run(&["config", "set", "retention.time", "7d", "--dry-run"]).expect_code(0);
    assert_eq!(site.run(&["config", "get", "retention.time"]).out, "90d\n");
    site.run(&["config", "set", "retention.time", "7d"]).expect_code(0);
    assert_eq!(site.run(&["config", "get", "retention.time"]).out, "7d\n");
    site.run(&["config", "unset", "retention.time"]).expect_code(0);
    assert_eq!(site.run(&["config", "get", "retention.time"]).out, "90d\n");

    let refused = site.run(&["config", "set", "services.prometheus.port", "99999"]).expect_code(3);
    assert!(refused.err.contains("1 to 65535"), "{}", refused.err);
    assert!(site.run(&["config", "validate"]).expect_code(0).out.contains("can be used"));
    std::fs::write(site.path().join("observatory.toml"), "project = 'x'\nprojekt = 1\n").unwrap();
    let refused = site.run(&["config", "validate"]).expect_code(3);
    assert!(refused.err.contains("observatory.toml:2: projekt: unknown field"), "{}", refused.err);
    std::fs::write(site.path().join("observatory.toml"), "").unwrap();
}

#[test]
fn an_edit_is_kept_only_if_it_can_be_used() {
    let site = Site::of_programs("");
    let edit = |text: &str| {
        let script = site.path().join("editor.sh");
        std::fs::write(&script, format!("printf '%s\\n' \"{text}\" >> \"$1\"\n")).unwrap();
        let mut command = site.command(&["config", "edit"]);
        let output = command.env_remove("VISUAL").env("EDITOR", format!("sh {}", script.display())).output().unwrap();
        output.status.code().unwrap()
    };
    let file = || std::fs::read_to_string(site.path().join("observatory.toml")).unwrap();
    let before = file();
    assert_eq!(edit("[retention]\ntime = '90 days'"), 3);
    assert_eq!(file(), before);
    assert_eq!(edit("[retention]\ntime = '9d'"), 0);
    assert_eq!(site.run(&["config", "get", "retention.time"]).out, "9d\n");
}

#[test]
fn ends_with_the_documented_codes() {
    let site = Site::of_programs("");
    for (arguments, code) in [
        (&["--help"][..], 0),
        (&["--version"], 0),
        (&["completions", "bash"], 0),
        (&["up", "--no-such-flag"], 64),
        (&["config", "get", "no.such"], 6),
        (&["--config", "no-such.toml", "plan"], 6),
        (&["plan", "--environment", "moon"], 3),
        (&["plan", "--set", "nonsense"], 64),
    ] {
        let answer = site.run(arguments);
        assert_eq!(answer.code, code, "{arguments:?}: {}", answer.err);
    }
    let page = include_str!("../../../../docs/guides/observatory/exit-codes.md");
    for reason in Reason::ALL {
        let row = format!("| {} | `{}` |", reason.exit_code(), reason.as_str());
        assert!(page.contains(&row), "the page has no row `{row}`");
    }
}
