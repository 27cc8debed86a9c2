//! The command line: what it answers, and with which code it ends.

use std::{io::Write as _, process::Stdio};

use clap::CommandFactory as _;
use observatory::{cli::Cli, failure::Reason};
use serde_json::json;

use crate::site::{Answer, Site};

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

/// Every command has a form for programs: one JSON object, or one a line, and nothing else on standard output.
#[test]
fn every_result_has_a_form_for_programs() {
    let site = Site::of_programs("");
    for (arguments, pointer, expected) in [
        (&["config", "show"][..], "/project", json!("site")),
        (&["config", "show", "--origin"], "/0/origin", json!("default")),
        (&["config", "get", "services.grafana.enabled"], "", json!(false)),
        (&["config", "get", "retention"], "/time", json!("90d")),
        (&["config", "set", "retention.time", "7d", "--dry-run"], "/written", json!(false)),
        (&["config", "set", "retention.time", "7d"], "/written", json!(true)),
        (&["config", "set", "retention.time", "7d"], "/written", json!(false)),
        (&["config", "unset", "retention.time", "--dry-run"], "/value", json!(null)),
        (&["config", "unset", "retention.time"], "/field", json!("retention.time")),
        (&["config", "validate"], "/valid", json!(true)),
        (&["render", "--out", "out"], "/unchanged", json!(0)),
        (&["plan"], "/changes/0/deed", json!("create")),
        (&["up", "--dry-run"], "/changes/1/service", json!("pushgateway")),
        (&["status"], "/services/0/state", json!("absent")),
        (&["down", "--dry-run"], "/changes", json!([])),
        (&["down"], "/removed", json!([])),
        (&["backup", "."], "/error/reason", json!("not-found")),
        (&["restore", "no-such.tar"], "/error/exit_code", json!(6)),
        (&["logs", "--since", "yesterday"], "/error/reason", json!("usage")),
        (&["plan", "--set", "nonsense"], "/error/hint", json!("write `--set FIELD=VALUE`")),
    ] {
        let answer = site.run(&[arguments, &["--json"]].concat());
        assert_eq!(answer.json().pointer(pointer), Some(&expected), "{arguments:?}: {}", answer.out);
    }
    assert_eq!(site.run(&["logs", "--json"]).expect_code(0).out, "");
}

#[test]
fn every_result_has_words_for_people() {
    let site = Site::of_programs("");
    for (arguments, said) in [
        (&["config", "show"][..], "[services.grafana]"),
        (&["config", "get", "retention"], "time = \"90d\""),
        (&["config", "get", "services.grafana.enabled"], "false"),
        (&["config", "set", "retention.time", "7d", "--dry-run"], "would set retention.time to 7d in observatory.toml"),
        (&["config", "set", "retention.time", "7d"], "retention.time is 7d in observatory.toml"),
        (&["config", "set", "retention.time", "7d"], "observatory.toml says so already"),
        (&["config", "unset", "retention.time", "--dry-run"], "would take retention.time out of"),
        (&["config", "unset", "retention.time"], "retention.time is taken out of"),
        (&["config", "validate"], "observatory.toml can be used"),
        (&["down", "--dry-run"], "nothing to change"),
        (&["status"], "drift: create prometheus: it is not there"),
    ] {
        let answer = site.run(arguments);
        assert!(answer.out.contains(said), "{arguments:?}: {} {}", answer.out, answer.err);
    }
    std::fs::remove_file(site.path().join("observatory.toml")).unwrap();
    let validated = site.run(&["config", "validate"]).expect_code(0);
    assert!(validated.out.contains("there is no file; the defaults can be used"), "{}", validated.out);
}

#[test]
fn what_can_not_be_set_is_refused_and_the_file_stays() {
    let site = Site::of_programs("");
    let path = site.path().join("observatory.toml");
    let before = std::fs::read_to_string(&path).unwrap();
    for (field, value, said) in [
        ("retention..time", "7d", "`retention..time` names no field"),
        ("project.name", "x", "`project` of `project.name` is no table"),
        ("retention.time", "soon", "retention.time"),
        ("services.prometheus.image", "prom/prometheus:latest", "services.prometheus.image"),
        ("services.prometheus.enabled", "false", "Prometheus can't be switched off"),
        ("services.pushgateway.port", "{}", "services.pushgateway.port"),
        ("scrape.timeout", "5m", "is longer than the interval"),
        ("environment", "moon", "no environment is called `moon`"),
        ("scrape.targets", "[{ job = 'a', addresses = ['nowhere'] }]", "`nowhere` is no address"),
        ("environments.local.host", "vonnegut", "programs are started on this machine only"),
    ] {
        let refused = site.run(&["config", "set", field, value]).expect_code(3);
        assert!(refused.err.contains(said), "{field} {value}: {}", refused.err);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), before, "{field}");
    }
    std::fs::write(&path, "project = \n").unwrap();
    let refused = site.run(&["config", "set", "project", "x"]).expect_code(3);
    assert!(refused.err.contains("mend the file by hand first"), "{}", refused.err);
}

#[test]
fn an_editor_that_fails_or_is_not_there_changes_nothing() {
    let site = Site::of_programs("");
    let edit = |editor: &str| -> Answer {
        let mut command = site.command(&["config", "edit"]);
        command.env_remove("VISUAL").env("EDITOR", editor).output().unwrap().into()
    };
    assert!(edit("false").expect_code(0).out.contains("stays as it is"));
    assert!(edit("true").expect_code(0).out.contains("stays as it is"));
    assert!(edit("no-such-editor").expect_code(23).err.contains("VISUAL or EDITOR"));
}

#[test]
fn the_data_folder_is_found_or_asked_for() {
    let site = Site::of_programs("");
    let plan = |variables: &[(&str, &str)]| -> Answer {
        let mut command = site.command(&["plan"]);
        command.env_remove("OBSERVATORY_DATA").env_remove("XDG_DATA_HOME").env_remove("HOME");
        command.envs(variables.iter().copied()).output().unwrap().into()
    };
    assert!(plan(&[]).expect_code(3).err.contains("--data"));
    let home = site.path().display().to_string();
    plan(&[("HOME", &home)]).expect_code(2);
    plan(&[("XDG_DATA_HOME", &home)]).expect_code(2);
}

/// A flag that holds for every command means the same with each of them.
#[test]
fn no_flag_means_two_things() {
    fn check(command: &clap::Command, of_all: &[String]) {
        for argument in command.get_arguments() {
            let spelt = [argument.get_id().to_string()].into_iter().chain(argument.get_long().map(str::to_owned));
            for name in spelt.chain(argument.get_short().map(String::from)) {
                assert!(!of_all.contains(&name), "{}: {name}", command.get_name());
            }
        }
        command.get_subcommands().for_each(|command| check(command, of_all));
    }
    let whole = Cli::command();
    let flags = whole.get_arguments().filter(|flag| flag.is_global_set());
    let names = flags.flat_map(|flag| [flag.get_long().map(str::to_owned), flag.get_short().map(String::from)]);
    let of_all: Vec<String> = names.flatten().collect();
    assert!(["data", "json", "e"].iter().all(|name| of_all.iter().any(|flag| flag == name)), "{of_all:?}");
    whole.get_subcommands().for_each(|command| check(command, &of_all));
}

#[test]
fn completions_are_for_every_shell() {
    let site = Site::of_programs("");
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        assert!(site.run(&["completions", shell]).expect_code(0).out.contains("restore"), "{shell}");
    }
    site.run(&["completions", "sh"]).expect_code(64);
}

/// Who reads only the beginning, such as `head`, is not told of a failure.
#[test]
fn a_reader_that_goes_ends_it_quietly() {
    let site = Site::of_programs("");
    let mut command = site.command(&["completions", "zsh"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]));
}

/// `script` of util-linux runs a program on a terminal of its own.
fn on_a_terminal(site: &Site, arguments: &str, typed: &str) -> Answer {
    let mut script = std::process::Command::new("script");
    let line = format!("{} {arguments}", env!("CARGO_BIN_EXE_observatory"));
    script.args(["--quiet", "--return", "--command", &line, "/dev/null"]).current_dir(site.path());
    // Who starts the tests may have no terminal, and nothing moves on one that has no name.
    script.env("TERM", "xterm");
    script.env("OBSERVATORY_DATA", site.data()).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = script.spawn().unwrap();
    child.stdin.take().unwrap().write_all(typed.as_bytes()).unwrap();
    child.wait_with_output().unwrap().into()
}

#[test]
fn on_a_terminal_progress_moves_and_questions_are_asked() {
    let site = Site::of_programs("");
    let up = on_a_terminal(&site, "up", "").expect_code(0);
    assert!(
        up.out.contains("waiting until a pushed sample comes back") && up.out.contains("data path proven"),
        "{}",
        up.out
    );
    site.run(&["backup", "a.tar"]).expect_code(0);
    let kept = on_a_terminal(&site, "restore a.tar", "no\n").expect_code(130);
    assert!(
        kept.out.contains("replaces what prometheus keeps") && kept.out.contains("Type yes to go on"),
        "{}",
        kept.out
    );
    let kept = on_a_terminal(&site, "down --volumes", "\n").expect_code(130);
    assert!(kept.out.contains("nothing was changed"), "{}", kept.out);
    on_a_terminal(&site, "restore a.tar", "yes\n").expect_code(0);
    on_a_terminal(&site, "down --volumes", "yes\n").expect_code(0);
    assert!(!site.data().join("data").exists());
}

#[test]
fn the_guide_names_every_command_and_page() {
    let page = include_str!("../../../../docs/guides/observatory/README.md");
    for command in Cli::command().get_subcommands().filter(|command| !command.is_hide_set()) {
        assert!(page.contains(&format!("`observatory {}", command.get_name())), "{}", command.get_name());
    }
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/guides/observatory");
    for other in std::fs::read_dir(folder).unwrap() {
        let name = other.unwrap().file_name().into_string().unwrap();
        assert!(name == "README.md" || page.contains(&format!("]({name})")), "{name}");
    }
}
