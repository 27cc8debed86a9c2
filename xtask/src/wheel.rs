//! `cargo xtask wheel`: the tool as a Python package, built as it is shipped; and the proof that who installs it gets what is promised.

use std::{
    net::TcpListener,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use crate::{
    failure::Failure,
    places,
    process::{Program, print, say},
};

const MATURIN: &str = "maturin==1.16.0";
const MANIFEST: &str = "crates/observatory/Cargo.toml";
/// What is promised of the package: its size, and the time until the program shows its help.
const BYTES_MAX: u64 = 10_000_000;
const HELP_MAX: Duration = Duration::from_millis(20);
/// Calls of which the one in the middle counts.
const CALLS: usize = 21;

/// The command.
pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    if let Some(argument) = arguments.first() {
        return Err(Failure::new(format!("wheel takes no argument, but got `{argument}`"), "call `cargo xtask wheel`"));
    }
    let wheel = build()?;
    print(&format!("{}: {}\n", wheel.display(), megabytes(bytes(&wheel)?)));
    Ok(())
}

/// Builds the package with the profile that `pyproject.toml` names.
fn build() -> Result<PathBuf, Failure> {
    let tools = places::target().join("maturin");
    let maturin = tools.join("bin/maturin");
    let (mark, wanted) = (tools.join("installed"), MATURIN.to_owned());
    if !places::read(&mark).is_ok_and(|found| found == wanted) {
        places::remove(&tools)?;
        environment(&tools, &[MATURIN])?;
        places::write(&mark, wanted)?;
    }
    let wheels = places::target().join("wheels");
    places::make_empty(&wheels)?;
    Program::new(maturin).args(["build", "--locked", "--manifest-path", MANIFEST, "--out"]).args([&wheels]).show()?;
    let found =
        places::files_under(&wheels, |_| false)?.into_iter().find(|file| file.extension() == Some("whl".as_ref()));
    found.map(|file| wheels.join(file)).ok_or_else(|| {
        Failure::new(format!("maturin wrote no wheel into {}", wheels.display()), "what it printed above says why")
    })
}

/// A virtual environment with these packages and nothing else.
fn environment(folder: &Path, packages: &[&str]) -> Result<(), Failure> {
    Program::new("python3").args(["-m", "venv"]).args([folder]).catch()?;
    let pip = Program::new(folder.join("bin/python")).args(["-m", "pip", "install", "--quiet"]);
    pip.args(["--disable-pip-version-check"]).args(packages).show()
}

/// Installs the package where nothing else is, holds it to what is promised, and runs a stack with it.
pub(crate) fn prove(_arguments: &[String]) -> Result<(), Failure> {
    let began = Instant::now();
    let wheel = build()?;
    say(&format!("built in {:.0} s", began.elapsed().as_secs_f64()));
    let folder = places::target().join("wheel");
    places::make_empty(&folder)?;
    let wheel_path = wheel.display().to_string();
    environment(&folder.join("venv"), &["--no-index", &wheel_path])?;
    let program = folder.join("venv/bin/observatory");
    let help = help_time(&program)?;
    let size = bytes(&wheel)?;
    print(&format!(
        "wheel {} of {}, program {}\nhelp after {:.1} ms of {} ms\n",
        megabytes(size),
        megabytes(BYTES_MAX),
        megabytes(bytes(&program)?),
        help.as_secs_f64() * 1e3,
        HELP_MAX.as_millis()
    ));
    stack(&program, &folder.join("site"))?;
    if size > BYTES_MAX || help > HELP_MAX {
        return Err(Failure::new("the package is not what is promised", "look at what was added to its dependencies"));
    }
    Ok(())
}

fn help_time(program: &Path) -> Result<Duration, Failure> {
    let mut times = Vec::new();
    for _ in 0..CALLS {
        let began = Instant::now();
        Program::new(program).args(["--help"]).catch()?;
        times.push(began.elapsed());
    }
    times.sort_unstable();
    Ok(times.get(CALLS / 2).copied().unwrap_or_default())
}

/// Starts Prometheus and Pushgateway of this machine with the installed program, until a sample came all the way; and takes them down.
fn stack(program: &Path, site: &Path) -> Result<(), Failure> {
    places::make(site)?;
    let port = || {
        let held = TcpListener::bind("127.0.0.1:0").and_then(|held| held.local_addr());
        held.map(|address| address.port())
            .map_err(|error| Failure::new(format!("no port is free: {error}"), "try again"))
    };
    let settings = [
        format!("services.prometheus.port={}", port()?),
        format!("services.pushgateway.port={}", port()?),
        "scrape.push-interval=1s".to_owned(),
        "scrape.timeout=1s".to_owned(),
    ];
    let data = site.join("data");
    let observatory = |arguments: &[&str]| {
        let called = Program::new(program).args(arguments).args(["--engine", "process", "--without", "grafana"]);
        let told = settings.iter().fold(called, |called, setting| called.args(["--set", setting]));
        told.folder(site).env("OBSERVATORY_DATA", &data).catch()
    };
    let up = observatory(&["up"]);
    let status = observatory(&["status"]);
    let down = observatory(&["down", "--volumes", "--yes"]);
    print(&format!("{}\n{}\n{}\n", up?, status?, down?));
    Ok(())
}

fn bytes(path: &Path) -> Result<u64, Failure> {
    let metadata = std::fs::metadata(path).map_err(|error| Failure::of_path("read", path, &error))?;
    Ok(metadata.len())
}

fn megabytes(bytes: u64) -> String {
    format!("{}.{:02} MB", bytes / 1_000_000, bytes / 10_000 % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_package_is_the_tool() {
        let text = places::read(&places::root().join("crates/observatory/pyproject.toml")).unwrap();
        for line in
            ["name = \"beast-observatory\"", "bindings = \"bin\"", "profile = \"dist\"", "readme = \"README.md\""]
        {
            assert!(text.lines().any(|other| other == line), "{line}");
        }
        let page = places::read(&places::root().join("crates/observatory/README.md")).unwrap();
        assert!(page.contains("pip install beast-observatory\nobservatory up"), "{page}");
    }

    #[test]
    fn sizes_are_shown() {
        assert_eq!(megabytes(9_876_543), "9.87 MB");
    }
}
