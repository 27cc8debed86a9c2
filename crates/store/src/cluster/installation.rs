//! Which PostgreSQL binaries are on this machine, and which of them fit the data that is there.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use super::{ClusterError, ClusterOptions, folder::Folder};

/// The oldest major version that has what our statements need.
pub const VERSION_MIN: u32 = 15;
/// How long a binary may take to say its version.
const BOUND: Duration = Duration::from_secs(10);

/// One PostgreSQL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installation {
    /// The folder with `postgres` and `initdb`.
    pub binaries: PathBuf,
    /// Its major version.
    pub major: u32,
}

impl Installation {
    pub(super) fn binary(&self, name: &str) -> PathBuf {
        self.binaries.join(name)
    }
}

/// The newest installation, or for data that is there the one of its version.
pub(super) async fn choose(folder: &Folder, options: &ClusterOptions) -> Result<Installation, ClusterError> {
    let (places, looked) = places(options);
    let wanted = folder.data_version()?;
    let mut found: Vec<Installation> = Vec::new();
    for binaries in places {
        let Some(major) = version(&binaries).await.filter(|major| *major >= VERSION_MIN) else { continue };
        let fits = wanted.as_ref().is_none_or(|wanted| *wanted == major.to_string());
        found.push(Installation { binaries, major });
        if fits {
            break;
        }
    }
    match (found.last(), wanted) {
        (None, _) => Err(ClusterError::NoBinaries { looked }),
        (Some(last), Some(data)) if last.major.to_string() != data => {
            let mut versions: Vec<String> = found.iter().map(|i| i.major.to_string()).collect();
            versions.dedup();
            Err(ClusterError::Version { folder: folder.data(), data, found: versions.join(", ") })
        }
        (Some(last), _) => Ok(last.clone()),
    }
}

/// Where binaries may be, best first, and the same in words.
fn places(options: &ClusterOptions) -> (Vec<PathBuf>, String) {
    if let Some(binaries) = &options.binaries {
        return (vec![binaries.clone()], format!("{} only, as BIGSKIES_POSTGRES_BIN says", binaries.display()));
    }
    let mut places = Vec::new();
    for (parent, prefix) in [("/usr/lib/postgresql", ""), ("/usr", "pgsql-"), ("/opt/homebrew/opt", "postgresql@")] {
        places.extend(versioned(Path::new(parent), prefix));
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    // Debian's wrappers in PATH have no `initdb` beside them and fall out below.
    places.extend(std::env::split_paths(&path));
    places.extend(options.bundles.iter().cloned());
    let mut looked = "/usr/lib/postgresql, PATH".to_owned();
    for bundle in &options.bundles {
        looked.push_str(&format!(", {}", bundle.display()));
    }
    (places.into_iter().filter(|place| has_binaries(place)).collect(), looked)
}

/// The `bin` folders of the versions under `parent`, newest first.
fn versioned(parent: &Path, prefix: &str) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(parent) else { return Vec::new() };
    let mut versions: Vec<(u32, PathBuf)> = entries
        .flatten()
        .filter_map(|entry| {
            let number = entry.file_name().to_str()?.strip_prefix(prefix)?.parse().ok()?;
            Some((number, entry.path().join("bin")))
        })
        .collect();
    versions.sort_by_key(|(number, _)| std::cmp::Reverse(*number));
    versions.into_iter().map(|(_, path)| path).collect()
}

fn has_binaries(place: &Path) -> bool {
    ["postgres", "initdb"].iter().all(|name| place.join(name).is_file())
}

async fn version(binaries: &Path) -> Option<u32> {
    let question = tokio::process::Command::new(binaries.join("postgres"))
        .arg("--version")
        .stdin(std::process::Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(BOUND, question).await.ok()?.ok()?;
    major(&String::from_utf8_lossy(&output.stdout))
}

/// The major version out of `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)` or `… 18beta1`.
fn major(text: &str) -> Option<u32> {
    let number = text.split("(PostgreSQL)").nth(1)?.trim_start();
    let digits: String = number.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions() {
        for (text, expected) in [
            ("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n", Some(15)),
            ("postgres (PostgreSQL) 18beta1\n", Some(18)),
            ("postgres (PostgreSQL) 9.6.24", Some(9)),
            ("postgres", None),
            ("", None),
        ] {
            assert_eq!(major(text), expected, "{text:?}");
        }
    }

    #[test]
    fn the_newest_comes_first() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["9", "15", "16", "x"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
        }
        let found = versioned(folder.path(), "");
        let names: Vec<String> = ["16", "15", "9"].map(|name| format!("{}/{name}/bin", folder.path().display())).into();
        assert_eq!(found.iter().map(|path| path.display().to_string()).collect::<Vec<_>>(), names);
    }
}
