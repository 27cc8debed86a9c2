//! Rules on manifests: every crate says what it is and inherits the lints, and the workspace declares only what somebody uses.

use super::{File, Finding, Tree};

/// A crate has a description and the workspace's lints.
pub(super) fn manifests(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in &tree.packages {
        if package.description.trim().is_empty() {
            let problem = format!("`{}` has no description", package.name);
            findings.push(Finding::new(&package.manifest, 1, problem, "add one sentence: what lives there"));
        }
        let inherits = tree.file(&package.manifest).is_some_and(inherits_lints);
        if !inherits {
            let problem = format!("`{}` does not inherit the lints", package.name);
            findings.push(Finding::new(&package.manifest, 1, problem, "add `[lints]` with `workspace = true`"));
        }
    }
    findings
}

/// Each line of `[workspace.dependencies]` is used by some member.
pub(super) fn workspace_dependencies(tree: &Tree) -> Vec<Finding> {
    let Some(root) = tree.file("Cargo.toml") else { return Vec::new() };
    let used = |name: &str| {
        tree.packages.iter().flat_map(|package| &package.dependencies).any(|dependency| dependency.name == name)
    };
    table(root, "[workspace.dependencies]")
        .filter_map(|(number, line)| line.split_once('=').map(|(name, _)| (number, name.trim())))
        .filter(|(_, name)| !used(name))
        .map(|(number, name)| {
            Finding::new(
                "Cargo.toml",
                number,
                format!("`{name}` is declared for the workspace, but no crate has it"),
                "remove the line",
            )
        })
        .collect()
}

fn inherits_lints(manifest: &File) -> bool {
    table(manifest, "[lints]").any(|(_, line)| line.split_whitespace().collect::<String>() == "workspace=true")
}

/// The lines of one table that say something.
fn table<'a>(manifest: &'a File, header: &'a str) -> impl Iterator<Item = (usize, &'a str)> {
    manifest
        .lines()
        .skip_while(move |(_, line)| line.trim() != header)
        .skip(1)
        .take_while(|(_, line)| !line.starts_with('['))
        .filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        tidy::tests::places_of,
        workspace::{Dependency, Package, Use},
    };

    fn package(description: &str, dependencies: &[&str]) -> Package {
        Package {
            name: "bus".to_owned(),
            description: description.to_owned(),
            manifest: "crates/bus/Cargo.toml".to_owned(),
            dependencies: dependencies
                .iter()
                .map(|name| Dependency { name: (*name).to_owned(), alias: (*name).to_owned(), used_for: Use::Normal })
                .collect(),
        }
    }

    #[test]
    fn description_and_lints() {
        for (description, manifest, expected) in [
            ("Carries.", "[package]\n\n[lints]\nworkspace = true\n", 0),
            ("Carries.", "[package]\n\n[dependencies]\nworkspace = true\n", 1),
            (" ", "[lints]\nworkspace=true\n", 1),
            ("", "", 2),
        ] {
            let tree = Tree::of(&[("crates/bus/Cargo.toml", manifest)], vec![package(description, &[])]);
            assert_eq!(manifests(&tree).len(), expected, "{description:?} {manifest:?}");
        }
    }

    #[test]
    fn declarations_that_nobody_uses() {
        let root = "[workspace.dependencies]\n# values\nserde = \"1\"\n\ntime = { version = \"0.3\" }\n\n[workspace.lints.rust]\nunsafe_code = \"deny\"\n";
        let tree = Tree::of(&[("Cargo.toml", root)], vec![package("Carries.", &["serde"])]);
        assert_eq!(places_of(workspace_dependencies, &tree), ["Cargo.toml:5"]);
    }
}
