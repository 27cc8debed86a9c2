//! `cargo xtask bench bus`: the figures of the bus, each beside Mosquitto's in the same run, what security costs it, and how long
//! `bigskies up` takes and weighs.
//!
//! Both brokers ask for a password and check every topic. One client of our own, as lean as can be, loads both, in rounds that
//! alternate who comes first; a figure is the median of its rounds, a ratio the median of the rounds' ratios.

mod authorisation;
mod client;
mod command;
mod idle;
mod login;
mod memory;
mod mosquitto;
mod observatory;
mod process;
mod rate;
mod server;
mod start;
mod table;
mod trip;

use std::{error::Error, io::Write as _, process::ExitCode};

use crate::{server::Places, table::Table};

/// What can go wrong here ends the run, with a sentence for a person.
type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// Something that is measured, and what it is called on the command line.
struct Part {
    name: &'static str,
    measure: fn(&Places, usize, &mut Table) -> Outcome<()>,
}

const PARTS: [Part; 7] = [
    Part { name: "rate", measure: rate::measure },
    Part { name: "trip", measure: trip::measure },
    Part { name: "command", measure: command::measure },
    Part { name: "authorisation", measure: authorisation::measure },
    Part { name: "login", measure: login::measure },
    Part { name: "idle", measure: idle::measure },
    Part { name: "start", measure: start::measure },
];

/// Rounds of each figure where nothing is said.
const ROUNDS: usize = 5;
/// Fewer would make no median.
const ROUNDS_MIN: usize = 3;

fn main() -> ExitCode {
    match read(std::env::args().skip(1)).and_then(|wish| run(&wish)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("error: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// What is to be measured, and how often.
struct Wish {
    parts: Vec<&'static Part>,
    rounds: usize,
}

fn read(arguments: impl Iterator<Item = String>) -> Outcome<Wish> {
    let mut wish = Wish { parts: Vec::new(), rounds: ROUNDS };
    // Cargo adds `--bench`.
    let mut arguments = arguments.filter(|argument| argument != "--bench");
    while let Some(argument) = arguments.next() {
        if argument == "--rounds" {
            let given = arguments.next().and_then(|number| number.parse().ok()).filter(|rounds| *rounds >= ROUNDS_MIN);
            wish.rounds = given.ok_or_else(|| format!("--rounds wants a number of at least {ROUNDS_MIN}"))?;
            continue;
        }
        let names = PARTS.map(|part| part.name).join(", ");
        let part = PARTS.iter().find(|part| part.name == argument);
        wish.parts.push(part.ok_or_else(|| format!("no part `{argument}`; there are {names} and --rounds N"))?);
    }
    if wish.parts.is_empty() {
        wish.parts.extend(&PARTS);
    }
    Ok(wish)
}

fn run(wish: &Wish) -> Outcome<()> {
    let places = Places::find()?;
    let mut table = Table::default();
    let before = load_average();
    for part in &wish.parts {
        say(&format!("measuring: {}", part.name));
        (part.measure)(&places, wish.rounds, &mut table)?;
    }
    let cores = std::thread::available_parallelism()?;
    let surroundings = format!(
        "{} rounds, {cores} cores, load average {before} before and {} after; {} and {}\n",
        wish.rounds,
        load_average(),
        places.own_version()?,
        places.peer_version()?,
    );
    let mut out = std::io::stdout().lock();
    out.write_all(table.render().as_bytes())?;
    Ok(out.write_all(surroundings.as_bytes())?)
}

/// A line of progress, apart from the result.
fn say(line: &str) {
    // Progress that nobody reads is no reason to end.
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

fn load_average() -> String {
    let figures = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    figures.split(' ').next().unwrap_or_default().to_owned()
}
