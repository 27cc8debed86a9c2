//! The file, the environment over it, and what validation says.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

use coordinator_bootstrap::{
    Configuration, ConfigurationError,
    configuration::{DEFAULT_PGPASS, pgpass_path, validate},
};
use store::SslMode;
use tempfile::TempDir;

/// The example of the specification, as it stands there.
const EXAMPLE: &str = r#"
database:
  host: postgres
  port: 5432
  database: bigskies
  sslmode: disable
  max_connections: 10
  connection_timeout: 10s

mqtt:
  broker_url: tcp://mqtt-broker
  broker_port: 1883
  client_id: bootstrap-coordinator
  reconnect_interval: 5s
  max_reconnect_attempts: 10

migrations:
  directory: configs/sql
  migrations:
    - name: coordinator_config_schema
      file: coordinator_config_schema.sql
      version: "1.0.0"
    # ... additional migrations
"#;

fn written(text: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bootstrap.yaml");
    fs::write(&path, text).unwrap();
    (folder, path)
}

fn read_with(text: &str, variables: &[(&str, &str)]) -> Result<Configuration, ConfigurationError> {
    let (_folder, path) = written(text);
    let variable = |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
    Configuration::read(Some(&path), variable)
}

fn private(folder: &Path, text: &str) -> PathBuf {
    let path = folder.join(".pgpass");
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    path
}

#[test]
fn the_example_of_the_specification() {
    let configuration = read_with(EXAMPLE, &[]).unwrap();
    let database = &configuration.database;
    assert_eq!((database.host.as_str(), database.port, database.database.as_str()), ("postgres", 5432, "bigskies"));
    assert_eq!((database.sslmode, database.max_connections), (SslMode::Disable, 10));
    assert_eq!(database.connection_timeout, Duration::from_secs(10));
    assert_eq!((configuration.pool().max, configuration.pool().acquire_timeout_seconds), (10, 10));
    assert_eq!(configuration.broker().unwrap().to_string(), "mqtt-broker:1883");
    assert_eq!(configuration.patience(), Duration::from_secs(50));
    assert_eq!(configuration.migrations.len(), 1);
    assert_eq!(configuration.migrations[0].file, Path::new("configs/sql/coordinator_config_schema.sql"));
    assert_eq!(configuration.extra_migrations().unwrap(), []);
    let folder = tempfile::tempdir().unwrap();
    let report = validate(&configuration, &private(folder.path(), "postgres:5432:bigskies:bigskies:secret\n"));
    assert!(report.is_good(), "{report}");
    assert_eq!(report.database.as_deref(), Some("postgres://bigskies@postgres:5432/bigskies?sslmode=disable"));
    assert!(report.to_string().contains("its tables are built in"), "{report}");
    assert!(!report.to_string().contains("secret"), "{report}");
}

#[test]
fn what_is_left_out_has_defaults() {
    for text in ["", "# nothing\n", "database:\nmqtt:\nmigrations:\n", "{}", "database: {}"] {
        let configuration = read_with(text, &[]).unwrap();
        assert_eq!(configuration.database, Configuration::default().database, "{text:?}");
        assert_eq!(configuration.broker().unwrap().to_string(), "mqtt-broker:1883", "{text:?}");
    }
}

#[test]
fn a_file_that_is_named_must_be_there() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("bootstrap.yaml");
    let error = Configuration::read(Some(&missing), |_| None).unwrap_err().to_string();
    assert!(error.contains(missing.to_str().unwrap()) && error.contains("No such file"), "{error}");
    assert_eq!(Configuration::read(None, |_| None).unwrap(), Configuration::default());
}

#[test]
fn complaints_name_key_and_line() {
    for (text, parts) in [
        ("database:\n  hots: x\n", &["hots", "host", "line 2"] as &[&str]),
        ("databse: {}\n", &["databse", "database"]),
        ("mqtt:\n  broker_port: 70000\n", &["mqtt.broker_port", "line 2"]),
        ("mqtt:\n  broker_port: many\n", &["mqtt.broker_port", "line 2"]),
        ("database:\n  sslmode: maybe\n", &["database.sslmode", "verify-full", "line 2"]),
        ("database:\n  connection_timeout: soon\n", &["database.connection_timeout", "10s", "line 2"]),
        ("database:\n  connection_timeout: [1]\n", &["database.connection_timeout", "10s", "line 2"]),
        ("database:\n  host: x\n  host: y\n", &["duplicate", "host"]),
        ("migrations:\n  migrations:\n    - name: x\n      file: y\n", &["version", "line 3"]),
        ("migrations:\n  migrations:\n    - {name: x, file: y, version: '1', when: now}\n", &["when", "line 3"]),
        ("- a\n- b\n", &["invalid type"]),
        ("database: [\n", &["line"]),
    ] {
        let error = read_with(text, &[]).unwrap_err().to_string();
        for part in parts {
            assert!(error.contains(part), "{text:?}: {error} lacks {part}");
        }
    }
}

#[test]
fn the_environment_stands_over_the_file() {
    let file = "database: {host: a, port: 1}\nmqtt: {broker_url: tcp://a}\n";
    for (variables, database, broker) in [
        (&[] as &[(&str, &str)], "a:1/bigskies bigskies prefer", "a:1883"),
        (&[("DB_HOST", "b"), ("DB_PORT", "2")], "b:2/bigskies bigskies prefer", "a:1883"),
        (&[("DB_NAME", "d"), ("DB_USER", "u"), ("DB_SSLMODE", "require")], "a:1/d u require", "a:1883"),
        (&[("MQTT_HOST", "b"), ("MQTT_PORT", "2")], "a:1/bigskies bigskies prefer", "b:2"),
        (&[("MQTT_HOST", "mqtt://b:3")], "a:1/bigskies bigskies prefer", "b:3"),
        (&[("DB_HOST", "")], "a:1/bigskies bigskies prefer", "a:1883"),
    ] {
        let configuration = read_with(file, variables).unwrap();
        let found = &configuration.database;
        let shown =
            format!("{}:{}/{} {} {}", found.host, found.port, found.database, found.user, found.sslmode.as_str());
        assert_eq!(shown, database, "{variables:?}");
        assert_eq!(configuration.broker().unwrap().to_string(), broker, "{variables:?}");
    }
    for (variables, part) in [
        (&[("DB_PORT", "many")], "variable DB_PORT"),
        (&[("DB_SSLMODE", "maybe")], "variable DB_SSLMODE"),
        (&[("MQTT_PORT", "-1")], "variable MQTT_PORT"),
    ] {
        let error = read_with(file, variables).unwrap_err().to_string();
        assert!(error.contains(part), "{variables:?}: {error}");
    }
    let configuration = read_with(file, &[("DB_HOST", "b")]).unwrap();
    let origin = |key: &str| {
        configuration.boot_settings().into_iter().find(|setting| setting.key == key).map(|setting| setting.origin)
    };
    assert_eq!(origin("database.host").as_deref(), Some("variable DB_HOST"));
    assert!(origin("database.port").unwrap().ends_with("bootstrap.yaml"));
    assert_eq!(origin("database.user").as_deref(), Some("default"));
}

#[test]
fn every_complaint_of_validation_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    fs::write(path("empty.sql"), " \n").unwrap();
    fs::write(path("good.sql"), "SELECT 1;").unwrap();
    let text = format!(
        "database: {{host: '', port: 0, max_connections: 0, sslmode: verify-full, sslrootcert: {}}}\n\
         mqtt: {{broker_url: 'http://x', broker_port: 0, max_reconnect_attempts: 0, client_id: other}}\n\
         migrations:\n  directory: {}\n  migrations:\n\
         \x20   - {{name: missing, file: missing.sql, version: '1'}}\n\
         \x20   - {{name: empty, file: empty.sql, version: '1'}}\n\
         \x20   - {{name: good, file: good.sql, version: '1'}}\n\
         \x20   - {{name: good, file: good.sql, version: ''}}\n",
        path("ca.pem"),
        folder.path().display(),
    );
    let report = validate(&read_with(&text, &[]).unwrap(), Path::new("relative/.pgpass"));
    assert!(!report.is_good());
    let shown = report.to_string();
    for part in [
        "database.host: is empty",
        "database.port: 0",
        "database.max_connections: 0",
        "database.sslrootcert: ",
        "pgpass: path relative/.pgpass is not absolute",
        "mqtt.broker_port: 0",
        "mqtt.max_reconnect_attempts: 0",
        "mqtt.broker_url: ",
        "client_id \"other\" is not used",
        "migrations.migrations missing: ",
        "empty.sql is empty",
        "migrations.migrations good: stands there twice",
        "migrations.migrations good: lacks a name or a version",
        "nothing was started",
    ] {
        assert!(shown.contains(part), "{part} is not in:\n{shown}");
    }
}

#[test]
fn a_broker_with_two_ports() {
    for (url, port, found) in [
        ("tcp://h", "", Ok("h:1883")),
        ("tcp://h:9", "", Ok("h:9")),
        ("tcp://h", "broker_port: 9", Ok("h:9")),
        ("h:9", "broker_port: 9", Ok("h:9")),
        ("tcp://h:9", "broker_port: 8", Err("names port 9")),
        ("tcp://h:1883", "broker_port: 8", Err("names port 1883")),
        ("http://h", "", Err("can't be read")),
    ] {
        let configuration = read_with(&format!("mqtt:\n  broker_url: {url}\n  {port}\n"), &[]).unwrap();
        match (configuration.broker(), found) {
            (Ok(address), Ok(found)) => assert_eq!(address.to_string(), found, "{url} {port}"),
            (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{url} {port}: {error}"),
            (outcome, _) => panic!("{url} {port}: {outcome:?}"),
        }
    }
}

#[test]
fn files_of_the_operator_keep_their_places() {
    let folder = tempfile::tempdir().unwrap();
    let text = format!(
        "migrations:\n  directory: {}\n  migrations:\n\
         \x20   - {{name: security_schema, file: security_schema.sql, version: '1.0.0'}}\n\
         \x20   - {{name: weather, file: weather.sql, version: '1.0.0'}}\n\
         \x20   - {{name: domes, file: {}, version: '1.0.0'}}\n",
        folder.path().display(),
        folder.path().join("elsewhere.sql").display(),
    );
    let configuration = read_with(&text, &[]).unwrap();
    let error = configuration.extra_migrations().unwrap_err().to_string();
    assert!(error.contains("weather.sql"), "{error}");
    fs::write(folder.path().join("weather.sql"), "CREATE TABLE weather ();").unwrap();
    fs::write(folder.path().join("elsewhere.sql"), "CREATE TABLE domes ();").unwrap();
    let files = configuration.extra_migrations().unwrap();
    let shown: Vec<(i32, &str, &str)> = files.iter().map(|m| (m.version, m.name.as_str(), m.sql.as_str())).collect();
    assert_eq!(shown, [(1, "weather", "CREATE TABLE weather ();"), (2, "domes", "CREATE TABLE domes ();")]);
}

#[test]
fn where_the_password_file_is() {
    let here = std::env::current_dir().unwrap();
    for (flag, variable, found) in [
        (None, None, PathBuf::from(DEFAULT_PGPASS)),
        (None, Some(""), PathBuf::from(DEFAULT_PGPASS)),
        (None, Some("/v/.pgpass"), PathBuf::from("/v/.pgpass")),
        (Some("/f/.pgpass"), Some("/v/.pgpass"), PathBuf::from("/f/.pgpass")),
        (Some("secrets/.pgpass"), None, here.join("secrets/.pgpass")),
    ] {
        let of_name = |name: &str| variable.filter(|_| name == "PGPASSFILE").map(str::to_owned);
        assert_eq!(pgpass_path(flag.map(Path::new), of_name).unwrap(), found, "{flag:?} {variable:?}");
    }
}
