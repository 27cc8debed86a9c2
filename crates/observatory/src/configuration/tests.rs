//! What the configuration accepts, what it says where it does not, and where its values come from.

use std::path::PathBuf;

use toml::Value;

use super::*;
use crate::failure::{Failure, Reason};

fn read(text: &str) -> Result<Layers, Failure> {
    Layers::of(&Sources { file: Some((PathBuf::from("observatory.toml"), text.to_owned())), ..Sources::default() })
}

#[test]
fn the_defaults_can_be_used() {
    let layers = Layers::of(&Sources::default()).unwrap();
    assert_eq!(layers.configuration, Configuration::default());
    assert_eq!(layers.origin("services.grafana.port"), Origin::Default);
}

#[track_caller]
fn check_refused(text: &str, said: &[&str]) {
    let failure = read(text).unwrap_err();
    assert_eq!(failure.reason, Reason::Configuration);
    for part in said {
        assert!(failure.message.contains(part), "{part:?} is not in: {}", failure.message);
    }
    assert!(!failure.hint.is_empty());
}

#[test]
fn what_is_refused_names_file_line_and_what_is_allowed() {
    check_refused("project = \"a\"\nnetwork = ", &["observatory.toml:2:"]);
    check_refused("project = 'a'\n\n[retention]\ntime = '90 days'", &["observatory.toml:4: retention.time:", "`90d`"]);
    check_refused(
        "\n[services.prometheus]\nport = 70000",
        &["observatory.toml:3: services.prometheus.port:", "1 to 65535"],
    );
    check_refused(
        "[services.prometheus]\nprot = 1",
        &["observatory.toml:2: services.prometheus.prot:", "unknown field `prot`", "`port`"],
    );
    check_refused("servces = 1", &["observatory.toml:1: servces:", "expected one of `project`"]);
    check_refused("[services.loki]\nport = 1", &["observatory.toml:1: services.loki:", "`node-exporter`"]);
    check_refused(
        "[environments.local]\nengine = 'dokcer'",
        &["observatory.toml:2:", "`docker`, `compose`, `process`"],
    );
    check_refused(
        "[services.grafana]\nport = 9090",
        &["observatory.toml:2: services.grafana.port: port 9090 is already that of prometheus"],
    );
    check_refused("environment = 'moon'", &["observatory.toml:1:", "expected one of `local`, `remote`"]);
    check_refused(
        "[services.prometheus]\nimage = 'prom/prometheus:latest'",
        &["observatory.toml:2:", "other than `latest`"],
    );
    check_refused("[services.prometheus]\ndigest = 'sha256:12'", &["observatory.toml:2:", "64 hexadecimal digits"]);
    check_refused(
        "[grafana]\nadmin-password = 'hunter2'",
        &["observatory.toml:2:", "expected `generated`, `env:NAME` or `file:PATH`"],
    );
    check_refused("[scrape]\ntimeout = '1m'", &["observatory.toml:2: scrape.timeout", "expected at most 15s"]);
    check_refused(
        "[[scrape.targets]]\njob = 'a'\naddresses = ['x:1']\n[[scrape.targets]]\njob = 'b'\naddresses = ['y']",
        &["observatory.toml:6: scrape.targets[1].addresses", "expected `HOST:PORT`"],
    );
    check_refused(
        "environment = 'remote'\n[environments.remote]\nhost = 'h'\nengine = 'process'",
        &["observatory.toml:4: environments.remote.engine", "expected `docker` or `compose`"],
    );
}

#[test]
fn a_secret_is_not_repeated() {
    let failure = read("[grafana]\nadmin-password = 'hunter2'").unwrap_err();
    assert!(!failure.message.contains("hunter2"), "{}", failure.message);
}

#[test]
fn the_last_layer_counts_and_is_named() {
    let text = "[services.prometheus]\nport = 1\n[services.grafana]\nport = 2\n[services.pushgateway]\nport = 3\n\
                [environments.remote]\nhost = 'h'\n[environments.remote.overrides.services.grafana]\nport = 4\n";
    let sources = Sources {
        file: Some((PathBuf::from("f.toml"), text.to_owned())),
        variables: vec![
            ("OBSERVATORY_SERVICES__PROMETHEUS__PORT".to_owned(), "11".to_owned()),
            ("OBSERVATORY_SERVICES__NODE_EXPORTER__ENABLED".to_owned(), "true".to_owned()),
            ("OBSERVATORY_CONFIG".to_owned(), "f.toml".to_owned()),
            ("HOME".to_owned(), "x".to_owned()),
        ],
        flags: vec![
            ("environment".to_owned(), Value::String("remote".to_owned()), "--environment".to_owned()),
            ("environments.*.engine".to_owned(), Value::String("compose".to_owned()), "--engine".to_owned()),
            ("services.pushgateway.port".to_owned(), Value::Integer(33), "--set".to_owned()),
        ],
    };
    let layers = Layers::of(&sources).unwrap();
    for (name, value, origin) in [
        ("services.prometheus.port", "11", "OBSERVATORY_SERVICES__PROMETHEUS__PORT"),
        ("services.node-exporter.enabled", "true", "OBSERVATORY_SERVICES__NODE_EXPORTER__ENABLED"),
        ("services.pushgateway.port", "33", "--set"),
        ("services.grafana.port", "4", "f.toml:10"),
        ("environments.remote.host", "\"h\"", "f.toml:8"),
        ("environments.remote.engine", "\"compose\"", "--engine"),
        ("environments.local.engine", "\"docker\"", "default"),
        ("retention.time", "\"90d\"", "default"),
    ] {
        assert_eq!(field(&layers.table, name).unwrap().to_string(), value, "{name}");
        assert_eq!(layers.origin(name).to_string(), origin, "{name}");
    }
}

#[test]
fn an_environment_that_is_overridden_wrongly_is_refused_at_its_line() {
    let text = "environment = 'remote'\n[environments.remote.overrides.retention]\ntime = 'x'\n";
    check_refused(text, &["observatory.toml:3: retention.time:"]);
}

#[test]
fn setting_a_field_leaves_the_rest_as_it_is() {
    let text = "# mine\nproject = \"a\" # why\n\n[services.prometheus]\nport = 1\n";
    let path = PathBuf::from("f.toml");
    for (name, value, expected) in [
        ("project", Some("b"), "# mine\nproject = \"b\" # why\n\n[services.prometheus]\nport = 1\n"),
        ("services.prometheus.port", Some("2"), "# mine\nproject = \"a\" # why\n\n[services.prometheus]\nport = 2\n"),
        ("services.prometheus.port", None, "# mine\nproject = \"a\" # why\n\n[services.prometheus]\n"),
        (
            "retention.time",
            Some("1d"),
            "# mine\nproject = \"a\" # why\n\n[services.prometheus]\nport = 1\n\n[retention]\ntime = \"1d\"\n",
        ),
    ] {
        assert_eq!(set(&path, text, name, value).unwrap(), expected, "{name}");
    }
    assert_eq!(set(&path, text, "project.a", Some("1")).unwrap_err().reason, Reason::Configuration);
    assert_eq!(set(&path, text, "", Some("1")).unwrap_err().reason, Reason::Configuration);
}

#[test]
fn values() {
    for (text, seconds) in
        [("15s", Some(15.0)), ("1h30m", Some(5_400.0)), ("90d", Some(7_776_000.0)), ("500ms", Some(0.5))]
    {
        assert_eq!(text.parse::<Span>().ok().map(|span| span.seconds()), seconds, "{text}");
    }
    for text in ["", "0s", "5", "s", "30m1h", "1h1h", "-5s", "1.5h"] {
        assert!(text.parse::<Span>().is_err(), "{text}");
    }
    for (text, bytes) in
        [("512MB", Some(512 << 20)), ("10GB", Some(10 << 30)), ("0GB", None), ("10", None), ("99999999999TB", None)]
    {
        assert_eq!(text.parse::<Bytes>().ok().map(|size| size.count()), bytes, "{text}");
    }
    for (text, is_image) in [
        ("prom/prometheus:v3.4.2", true),
        ("127.0.0.1:5511/prom/prometheus:v1", true),
        ("prom/prometheus", false),
        ("127.0.0.1:5511/prometheus", false),
        (":v1", false),
    ] {
        assert_eq!(text.parse::<Image>().is_ok(), is_image, "{text}");
    }
}

proptest::proptest! {
    #[test]
    fn no_text_breaks_the_configuration(text in "[a-z\\[\\]={}\"'.#\n 0-9]{0,60}") {
        let _either = read(&text);
    }

    #[test]
    fn a_span_is_the_sum_of_its_parts(hours in 0_u32..100, minutes in 1_u32..100) {
        let span: Span = format!("{hours}h{minutes}m").parse().unwrap();
        proptest::prop_assert_eq!(span.seconds(), f64::from(hours * 3_600 + minutes * 60));
    }
}
