//! Who may import whom: the table of rooms, the table of foreign crates, and whether what is declared is used.

use super::{Finding, Tree, source::find_word};
use crate::workspace::{Dependency, Package, Use};

/// One row: a crate, and which of ours it may import. A name that ends in `*` stands for all with that beginning.
struct Row {
    of: &'static str,
    may: &'static [&'static [&'static str]],
}

const VALUES: &[&str] = &["vocabulary"];
const BASE: &[&str] =
    &["vocabulary", "observability", "health", "settings", "astrometry", "catalog", "engine", "store", "bus"];
const FRAME: &[&str] = &["coordinator"];

/// The first row that fits counts. Rows stand for rooms to come, too; a crate without a row fails.
const ROWS: &[Row] = &[
    Row { of: "vocabulary", may: &[] },
    Row { of: "observability", may: &[] },
    Row { of: "xtask", may: &[] },
    Row { of: "health", may: &[VALUES] },
    Row { of: "settings", may: &[VALUES] },
    Row { of: "astrometry", may: &[VALUES] },
    Row { of: "catalog", may: &[VALUES, &["health", "settings"]] },
    Row { of: "engine", may: &[&["health"]] },
    Row { of: "store", may: &[VALUES, &["health", "observability"]] },
    Row { of: "bus", may: &[VALUES, &["health", "observability", "catalog"]] },
    Row { of: "engine-*", may: &[VALUES, &["astrometry", "health", "observability", "engine", "store"]] },
    Row { of: "coordinator", may: &[BASE] },
    Row { of: "coordinator-bootstrap", may: &[BASE, FRAME] },
    Row { of: "coordinator-message", may: &[BASE, FRAME, &["engine-broker"]] },
    Row { of: "coordinator-datastore", may: &[BASE, FRAME] },
    Row { of: "coordinator-application", may: &[BASE, FRAME] },
    Row { of: "coordinator-security", may: &[BASE, FRAME, &["engine-accounts", "engine-tokens", "engine-tls"]] },
    Row { of: "coordinator-telescope", may: &[BASE, FRAME, &["engine-alpaca", "engine-indi", "engine-imaging"]] },
    Row { of: "coordinator-plugin", may: &[BASE, FRAME, &["engine-containers"]] },
    Row { of: "coordinator-uielement", may: &[BASE, FRAME, &["engine-widgets"]] },
    Row {
        of: "coordinator-constellation",
        may: &[BASE, FRAME, &["engine-satellites", "engine-orbital", "orbital-client"]],
    },
    Row { of: "coordinator-mission", may: &[BASE, FRAME, &["engine-scheduler"]] },
    Row { of: "service-gateway", may: &[BASE, &["engine-tls"]] },
    Row { of: "service-orbital", may: &[BASE, &["engine-orbital", "orbital-client"]] },
    Row { of: "service-alpaca", may: &[BASE, &["engine-alpaca"]] },
    Row { of: "orbital-client", may: &[VALUES] },
    Row { of: "plugin-sdk", may: &[VALUES, &["catalog", "health", "bus"]] },
    Row { of: "bigskies", may: &[&["*"]] },
    Row { of: "observatory", may: &[VALUES, &["health", "observability", "engine", "engine-containers"]] },
    Row { of: "simulator", may: &[VALUES] },
    Row { of: "testkit", may: &[VALUES, &["catalog", "bus", "store", "engine-broker", "simulator"]] },
    Row { of: "testkit-containers", may: &[] },
    Row { of: "acceptance", may: &[&["testkit", "catalog"]] },
];

/// What any room may use in its tests, besides its own row.
const IN_TESTS: &[&str] = &["testkit", "testkit-containers", "simulator"];
/// What coordinators may use besides: the broker that stamps who published.
const OVER: &str = "engine-broker";

/// Foreign crates that stay in few rooms, outside tests.
const FOREIGN: &[(&[&str], &[&str])] = &[
    (&["rumqttc", "paho-mqtt"], &["bus"]),
    (&["mqtt5", "rmqtt", "rumqttd"], &["engine-broker"]),
    (&["sqlx", "sqlx-*", "tokio-postgres", "postgres"], &["store"]),
    (&["bollard", "openssh"], &["engine-containers"]),
    (&["axum", "axum-*"], &["service-*", "simulator"]),
    (&["tonic", "tonic-*"], &["orbital-client", "service-orbital"]),
    (&["ascom-alpaca"], &["simulator"]),
];

const ASK_THE_BUS: &str =
    "ask over the bus, move the shared type into a room below both, or change the table in xtask/src/tidy/imports.rs";
const ADD_A_ROW: &str = "add its row to the table in xtask/src/tidy/imports.rs";
const GO_TO_ITS_ROOM: &str = "give the room that has it a function for what you need";
const REMOVE_IT: &str = "remove the line from the manifest";

/// Every crate of ours imports only what its row names.
pub(super) fn ours(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in &tree.packages {
        let Some(row) = ROWS.iter().find(|row| fits(row.of, &package.name)) else {
            findings.push(Finding::new(
                &package.manifest,
                1,
                format!("`{}` has no row in the import table", package.name),
                ADD_A_ROW,
            ));
            continue;
        };
        for dependency in package.dependencies.iter().filter(|dependency| is_ours(tree, dependency)) {
            let is_coordinator = package.name.starts_with("coordinator");
            let beside = is_coordinator && dependency.name == OVER;
            let is_for_tests = beside || IN_TESTS.contains(&dependency.name.as_str());
            let in_tests = dependency.used_for == Use::Dev && is_for_tests;
            if !in_tests && !row.may.iter().any(|group| fits_any(group, &dependency.name)) {
                let problem = format!("`{}` may not import `{}`", package.name, dependency.name);
                findings.push(Finding::new(
                    &package.manifest,
                    line_of(tree, package, dependency),
                    problem,
                    ASK_THE_BUS,
                ));
            }
        }
    }
    findings
}

/// A foreign crate with a home is imported only there, and in tests.
pub(super) fn foreign(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in &tree.packages {
        for dependency in package.dependencies.iter().filter(|dependency| dependency.used_for != Use::Dev) {
            let home = FOREIGN.iter().find(|(names, _)| fits_any(names, &dependency.name)).map(|(_, rooms)| *rooms);
            if home.is_some_and(|rooms| !fits_any(rooms, &package.name)) {
                let problem = format!(
                    "`{}` belongs to {}, not to `{}`",
                    dependency.name,
                    home.unwrap_or_default().join(", "),
                    package.name
                );
                findings.push(Finding::new(
                    &package.manifest,
                    line_of(tree, package, dependency),
                    problem,
                    GO_TO_ITS_ROOM,
                ));
            }
        }
    }
    findings
}

/// What a manifest declares, the source names.
pub(super) fn unused(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in &tree.packages {
        for dependency in package.dependencies.iter().filter(|dependency| !is_used(tree, package, dependency)) {
            let problem = format!("`{}` is declared, but no source of `{}` names it", dependency.name, package.name);
            findings.push(Finding::new(&package.manifest, line_of(tree, package, dependency), problem, REMOVE_IT));
        }
    }
    findings
}

fn is_used(tree: &Tree, package: &Package, dependency: &Dependency) -> bool {
    let (folder, build) = (package.folder(), format!("{}build.rs", package.folder()));
    let sources = format!("{folder}src/");
    tree.rust().any(|(file, rust)| {
        let looked_at = match dependency.used_for {
            Use::Normal => file.path.starts_with(&sources),
            Use::Build => file.path == build,
            Use::Dev => file.path.starts_with(folder),
        };
        looked_at && find_word(&rust.code, &dependency.alias).is_some()
    })
}

fn is_ours(tree: &Tree, dependency: &Dependency) -> bool {
    tree.packages.iter().any(|package| package.name == dependency.name)
}

fn fits_any(patterns: &[&str], name: &str) -> bool {
    patterns.iter().any(|pattern| fits(pattern, name))
}

fn fits(pattern: &str, name: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == name, |beginning| name.starts_with(beginning))
}

fn line_of(tree: &Tree, package: &Package, dependency: &Dependency) -> usize {
    let lines = tree.file(&package.manifest).into_iter().flat_map(super::File::lines);
    let declares =
        |line: &str| line.strip_prefix(&dependency.name).is_some_and(|rest| rest.starts_with(['.', ' ', '=']));
    lines.into_iter().find(|(_, line)| declares(line)).map_or(1, |(number, _)| number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, dependencies: &[(&str, Use)]) -> Package {
        Package {
            name: name.to_owned(),
            description: "A room.".to_owned(),
            manifest: format!("crates/{name}/Cargo.toml"),
            dependencies: dependencies
                .iter()
                .map(|&(name, used_for)| Dependency { name: name.to_owned(), alias: name.replace('-', "_"), used_for })
                .collect(),
        }
    }

    /// One crate with one dependency, in a workspace where everything of ours exists.
    fn check(rule: fn(&Tree) -> Vec<Finding>, name: &str, dependency: &str, used_for: Use, expected: usize) {
        let ours = [
            "bus",
            "catalog",
            "engine-alpaca",
            "engine-indi",
            "store",
            "testkit",
            "vocabulary",
            "coordinator-telescope",
        ];
        let mut packages: Vec<Package> =
            ours.iter().filter(|other| **other != name).map(|other| package(other, &[])).collect();
        packages.push(package(name, &[(dependency, used_for)]));
        let found = rule(&Tree::of(&[], packages));
        assert_eq!(found.len(), expected, "{name} -> {dependency} ({used_for:?}): {found:?}");
    }

    #[test]
    fn the_table_of_rooms() {
        for (name, dependency, used_for, expected) in [
            ("engine-broker", "bus", Use::Normal, 1),
            ("engine-broker", "catalog", Use::Build, 1),
            ("engine-broker", "engine-alpaca", Use::Normal, 1),
            ("engine-broker", "store", Use::Normal, 0),
            ("coordinator-message", "coordinator-telescope", Use::Normal, 1),
            ("coordinator-message", "engine-alpaca", Use::Normal, 1),
            ("coordinator-telescope", "engine-alpaca", Use::Normal, 0),
            ("simulator", "engine-alpaca", Use::Normal, 1),
            ("bus", "testkit", Use::Normal, 1),
            ("bus", "testkit", Use::Dev, 0),
            ("bus", "store", Use::Dev, 1),
            ("bigskies", "coordinator-telescope", Use::Normal, 0),
            ("xtask", "vocabulary", Use::Normal, 1),
            ("kitchen", "vocabulary", Use::Normal, 1),
            ("kitchen", "serde", Use::Normal, 1),
        ] {
            check(ours, name, dependency, used_for, expected);
        }
    }

    #[test]
    fn the_table_of_foreign_crates() {
        for (name, dependency, used_for, expected) in [
            ("bus", "rumqttc", Use::Normal, 0),
            ("engine-broker", "rumqttc", Use::Normal, 1),
            ("engine-broker", "rumqttc", Use::Dev, 0),
            ("coordinator-telescope", "sqlx", Use::Normal, 1),
            ("service-gateway", "axum", Use::Normal, 0),
            ("bigskies", "axum-extra", Use::Normal, 1),
            ("bigskies", "serde", Use::Normal, 0),
        ] {
            check(foreign, name, dependency, used_for, expected);
        }
    }

    #[test]
    fn declared_and_unused() {
        let files = [
            (
                "crates/bus/Cargo.toml",
                "[dependencies]\nserde.workspace = true\nserde_json = \"1\"\ntokio.workspace = true\n",
            ),
            ("crates/bus/src/lib.rs", "//! serde_json.\nuse serde::Serialize; // tokio"),
            ("crates/bus/tests/it.rs", "//! It.\nuse expect_test::expect;"),
        ];
        let declared =
            [("serde", Use::Normal), ("serde_json", Use::Normal), ("tokio", Use::Normal), ("expect-test", Use::Dev)];
        let tree = Tree::of(&files, vec![package("bus", &declared)]);
        assert_eq!(
            super::super::tests::places_of(unused, &tree),
            ["crates/bus/Cargo.toml:3", "crates/bus/Cargo.toml:4"]
        );
    }
}
