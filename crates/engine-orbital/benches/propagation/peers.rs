//! The peers: programs that are asked for a round by a line and answer with states a CPU second.

use std::{
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    time::Duration,
};

use engine_orbital::Grid;
use serde_json::Value;

use crate::forms::{COUNT, Chosen, Field, start};

/// A program that runs.
struct Program {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
}

/// Those that could be started.
pub(crate) struct Peers {
    python: Option<Program>,
    rust: Option<Program>,
    said: Option<Value>,
}

impl Program {
    fn start(command: &mut Command) -> Option<Self> {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().ok()?;
        let (to, from) = (child.stdin.take()?, BufReader::new(child.stdout.take()?));
        Some(Self { child, to, from })
    }

    fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        (self.from.read_line(&mut line).ok()? > 0).then_some(line)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Peers {
    pub(crate) fn none() -> Self {
        Self { python: None, rust: None, said: None }
    }

    pub(crate) fn start(near: &[Chosen], deep: &[Chosen]) -> Self {
        let program = std::env::current_exe().expect("a program");
        let target = program.ancestors().nth(3).expect("a target folder").join("propagation");
        std::fs::create_dir_all(&target).expect("a folder");
        let [near, deep] = [("near.tle", near), ("deep.tle", deep)].map(|(name, chosen)| {
            let path = target.join(name);
            std::fs::write(&path, chosen.iter().map(|(text, _)| text.as_str()).collect::<String>()).expect("room");
            path
        });
        let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches");
        let mut python = python(&here, &near, &deep);
        let said = python.as_mut().and_then(Program::line).and_then(|line| serde_json::from_str(&line).ok());
        if said.is_none() {
            println!("astroz and python-sgp4 are left out: the Python of the peers cannot import both");
            python = None;
        }
        Self { python, rust: rust(&here, &target, &near, &deep), said }
    }

    /// What each peer that knows the form comes to.
    pub(crate) fn round(&mut self, form: &str) -> Vec<(String, f64)> {
        let mut rates = Vec::new();
        // Rows are another layout of the same.
        let form = form.strip_suffix(" as rows").unwrap_or(form);
        if let Some(python) = &mut self.python {
            writeln!(python.to, "{form}").expect("the peer listens");
            while let Some((peer, rate)) =
                python.line().and_then(|line| serde_json::from_str::<Option<(String, f64)>>(&line).ok().flatten())
            {
                rates.push((peer, rate));
            }
        }
        if let Some(rust) = self.rust.as_mut().filter(|_| !form.contains("instant") && !form.contains("satellite")) {
            writeln!(rust.to, "{form}").expect("the peer listens");
            let rate = rust.line().and_then(|line| line.trim().parse().ok()).expect("a rate");
            rates.push(("sgp4 crate".to_owned(), rate));
        }
        rates
    }

    /// How far our states are from those of python-sgp4.
    pub(crate) fn compare(&self, near: &Field, deep: &Field) {
        let Some(said) = &self.said else { return };
        for (kind, field) in [("near", near), ("deep", deep)] {
            let grid = Grid::new(start(), Duration::from_secs(60), COUNT);
            let all = field.batch().over(&grid, engine_orbital::Cores::One);
            let places =
                (0..field.elements.len()).flat_map(|satellite| (0..COUNT).step_by(97).map(move |at| (satellite, at)));
            let (mut worst_km, mut compared) = (0.0_f64, 0);
            for ((satellite, index), theirs) in places.zip(said[kind].as_array().expect("states")) {
                let number = |at: usize| theirs[at].as_f64().unwrap_or(f64::NAN);
                match all.state(satellite, index) {
                    Ok(state) => {
                        assert!(
                            number(0) == 0.0,
                            "{} at {index}: only we have a state",
                            field.elements[satellite].norad
                        );
                        let parts = state.position_km.iter().zip([1, 2, 3].map(number));
                        worst_km = worst_km.max(parts.map(|(own, their)| (own - their).powi(2)).sum::<f64>().sqrt());
                        compared += 1;
                    }
                    Err(error) => assert_eq!(f64::from(error.code()), number(0), "the error at {index}"),
                }
            }
            println!("{kind}: {compared} states, at most {:.2e} m from python-sgp4", worst_km * 1e3);
        }
    }
}

fn python(here: &Path, near: &Path, deep: &Path) -> Option<Program> {
    // 2021-08-23T00:00:00Z.
    let day = start().unix_seconds() / 86_400.0 + 2_440_587.5;
    let mut command = Command::new(crate::python::python());
    command.arg(here.join("propagation/peer.py")).args([near, deep]);
    Program::start(command.args([day.to_string(), "0.0".to_owned(), COUNT.to_string()]))
}

fn rust(here: &Path, target: &Path, near: &Path, deep: &Path) -> Option<Program> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command
        .args(["run", "--quiet", "--release", "--"])
        .current_dir(here.join("sgp4-crate"))
        .env("CARGO_TARGET_DIR", target);
    Program::start(command.args([near, deep]).args([start().unix_seconds().to_string(), COUNT.to_string()]))
}
