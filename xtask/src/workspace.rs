//! The workspace as cargo sees it: packages, their manifests, and what they depend on.

use serde_json::Value;

use crate::{failure::Failure, places, process::Program};

/// What a dependency is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    Normal,
    Build,
    Dev,
}

/// One dependency of a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Dependency {
    /// The package's name.
    pub(crate) name: String,
    /// The name in source code.
    pub(crate) alias: String,
    pub(crate) used_for: Use,
}

/// One package of the workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) description: String,
    /// The manifest's path relative to the root, with `/`.
    pub(crate) manifest: String,
    pub(crate) dependencies: Vec<Dependency>,
}

impl Package {
    /// The folder of this package relative to the root, with a `/` at its end.
    pub(crate) fn folder(&self) -> &str {
        self.manifest.strip_suffix("Cargo.toml").unwrap_or(&self.manifest)
    }
}

/// All packages of the workspace.
pub(crate) fn packages() -> Result<Vec<Package>, Failure> {
    // Without dependencies there is nothing to resolve, so this needs no network and no lock file.
    let text = Program::cargo().args(["metadata", "--no-deps", "--format-version", "1"]).catch()?;
    let metadata: Value = serde_json::from_str(&text)
        .map_err(|error| Failure::new(format!("cargo metadata is not JSON: {error}"), "check the version of cargo"))?;
    let root = format!("{}/", places::root().display());
    Ok(list(&metadata, "packages").iter().map(|package| read_package(package, &root)).collect())
}

fn read_package(package: &Value, root: &str) -> Package {
    let manifest = text(package, "manifest_path");
    Package {
        name: text(package, "name"),
        description: text(package, "description"),
        manifest: manifest.strip_prefix(root).unwrap_or(&manifest).to_owned(),
        dependencies: list(package, "dependencies").iter().map(read_dependency).collect(),
    }
}

fn read_dependency(dependency: &Value) -> Dependency {
    let name = text(dependency, "name");
    let renamed = text(dependency, "rename");
    let used_for = match text(dependency, "kind").as_str() {
        "dev" => Use::Dev,
        "build" => Use::Build,
        _ => Use::Normal,
    };
    let alias = if renamed.is_empty() { &name } else { &renamed }.replace('-', "_");
    Dependency { name, alias, used_for }
}

fn text(value: &Value, key: &str) -> String {
    value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_package_is_read_from_the_metadata() {
        let metadata = json!({
            "name": "bus", "description": "Carries.", "manifest_path": "/w/crates/bus/Cargo.toml",
            "dependencies": [{"name": "engine-tls", "kind": null, "rename": null}, {"name": "x", "kind": "dev", "rename": "y-z"}],
        });
        let package = read_package(&metadata, "/w/");
        assert_eq!(package.folder(), "crates/bus/");
        let uses: Vec<_> =
            package.dependencies.iter().map(|d| (d.name.as_str(), d.alias.as_str(), d.used_for)).collect();
        assert_eq!(uses, [("engine-tls", "engine_tls", Use::Normal), ("x", "y_z", Use::Dev)]);
    }

    #[test]
    fn this_workspace_has_this_package() {
        assert!(packages().unwrap().iter().any(|package| package.manifest == "xtask/Cargo.toml"));
    }
}
