//! Close approaches of a whole catalogue on one core, beside astroz; part of `cargo xtask bench orbit`.
//!
//! The peer is one of `bench/orbit/requirements.txt`: `BIGSKIES_PEERS_PYTHON` names a Python that has it, else an environment is made below the target
//! folder. Options: `--alone` without the peer, `--minutes 180`, `--within 5`, `--rounds 5`, `--step 120` in seconds, `--count 24000` of invented satellites, or `--file PATH` for element sets of one's own
//! with the start of the window in `--from`.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a bench prints its figures and ends where it can't measure"
)]

#[path = "peers/python.rs"]
mod python;

use std::{
    collections::HashMap,
    io::{BufRead, BufReader, Write},
    ops::ControlFlow,
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    time::{Duration, Instant},
};

use engine_orbital::{
    Approach, Batch, ColumnsMut, Cores, Elements, Extent, Finding, Gravity, Grid, NoradId, Screening, Search, catalogue,
};
use vocabulary::Timestamp;

/// The step at which astroz is fastest, minutes.
const PEER_STEP_MINUTES: f64 = 0.5;

/// Slower pairs are counted differently: astroz says of itself that it does not resolve them.
const SLOW_KM_S: f64 = 0.01;

fn main() {
    let task = Task::of_arguments();
    let batch = Batch::new(&task.elements, Gravity::Wgs72);
    let is_alone = std::env::args().any(|argument| argument == "--alone");
    let mut peer = if is_alone { None } else { Peer::start(&task) };
    println!(
        "{} satellites, {} min from {}, within {} km, {} rounds",
        task.elements.len(),
        task.minutes,
        task.from,
        task.within_km,
        task.rounds
    );
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    let mut found = Vec::new();
    for _ in 0..task.rounds {
        let (seconds, approaches) = task.screen(&batch, Cores::One);
        found = approaches;
        ours.push(seconds);
        let line = format!("ours {seconds:7.2} CPU s");
        match &mut peer {
            Some(peer) => {
                theirs.push(peer.screen());
                let theirs = theirs.last().copied().unwrap_or(f64::NAN);
                println!("{line}   astroz {theirs:7.2} CPU s   ratio {:.2}", theirs / seconds);
            }
            None => println!("{line}"),
        }
    }
    let day = 1_440.0 / task.minutes;
    println!("ours, median: {:.2} CPU s, {:.1} CPU s a day", median(&ours), median(&ours) * day);
    println!("{:.0} % of it for where the satellites are", 100.0 * task.positions(&batch) / median(&ours));
    let by_the_clock = |cores| {
        let began = Instant::now();
        task.screen(&batch, cores);
        began.elapsed().as_secs_f64()
    };
    let (one, all) = (by_the_clock(Cores::One), by_the_clock(Cores::All));
    println!("ours on {} cores: {all:.2} s by the clock, {:.2} × one", rayon::current_num_threads(), one / all);
    let one = task.search().of(0);
    let began = thread_seconds();
    let _ = Screening::new(&batch).search(&one, Cores::One, |_| ControlFlow::Continue(()));
    println!("one against all: {:.2} CPU s", thread_seconds() - began);
    let minima = found.iter().filter(|approach| approach.extent == Extent::Minimum).count();
    println!("{} approaches, {minima} of them minima", found.len());
    if peer.is_some() {
        let ratios: Vec<f64> = theirs.iter().zip(&ours).map(|(theirs, ours)| theirs / ours).collect();
        println!("astroz, median: {:.2} CPU s; ratio {:.2} (goal: at least 2)", median(&theirs), median(&ratios));
        compare(&found, &task);
    }
}

/// What is measured.
struct Task {
    elements: Vec<Elements>,
    from: Timestamp,
    minutes: f64,
    within_km: f64,
    rounds: usize,
    step: Duration,
    folder: PathBuf,
}

impl Task {
    fn of_arguments() -> Self {
        let arguments: Vec<String> = std::env::args().collect();
        let option = |name: &str| {
            let place = arguments.iter().position(|argument| argument == name)?;
            arguments.get(place + 1).cloned()
        };
        let number = |name: &str, usual: f64| option(name).map_or(usual, |text| text.parse().expect("a number"));
        let from: Timestamp = option("--from").as_deref().unwrap_or("2026-11-21T00:00:00Z").parse().expect("a time");
        let mut elements = match option("--file") {
            Some(path) => Elements::read(&std::fs::read_to_string(path).expect("a file")).expect("element sets"),
            None => catalogue::synthetic(number("--count", 24_000.0) as usize, 5, from),
        };
        // Places as catalogue numbers: so those of astroz, which sorts, can be found again.
        for (place, one) in elements.iter_mut().enumerate() {
            one.norad = NoradId::new(place as u32 + 1).expect("a number");
        }
        let folder = std::env::temp_dir().join(format!("bigskies-approaches-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        Self {
            elements,
            from,
            minutes: number("--minutes", 180.0),
            within_km: number("--within", 5.0),
            rounds: number("--rounds", 5.0) as usize,
            step: Duration::from_secs_f64(number("--step", 120.0)),
            folder,
        }
    }

    fn to(&self) -> Timestamp {
        self.from.plus(Duration::from_secs_f64(self.minutes * 60.0))
    }

    fn screen(&self, batch: &Batch, cores: Cores) -> (f64, Vec<Approach>) {
        let search = self.search();
        let began = thread_seconds();
        let mut found = Vec::new();
        let _ = Screening::new(batch).search(&search, cores, |finding| {
            if let Finding::Approach(approach) = finding {
                found.push(approach);
            }
            ControlFlow::Continue(())
        });
        (thread_seconds() - began, found)
    }

    /// CPU seconds of all positions that a screening asks for in even steps.
    fn positions(&self, batch: &Batch) -> f64 {
        let grid = Grid::between(self.from, self.to(), self.step);
        let (mut numbers, mut codes) = (vec![0.0; 6 * batch.len()], vec![0; batch.len()]);
        let began = thread_seconds();
        for knot in 0..grid.count() {
            let columns = ColumnsMut::split(&mut numbers, &mut codes).expect("room");
            batch.at_into(grid.instant(knot), Cores::One, columns);
        }
        thread_seconds() - began
    }

    fn search(&self) -> Search {
        Search::new(self.from, self.to(), self.within_km).unwrap().in_steps_of(self.step).unwrap()
    }

    fn events(&self) -> PathBuf {
        self.folder.join("events")
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// astroz in a process of its own.
struct Peer {
    child: Child,
    output: BufReader<ChildStdout>,
}

impl Peer {
    fn start(task: &Task) -> Option<Self> {
        let file = task.folder.join("satellites.tle");
        let lines = task.elements.iter().map(|one| one.rounded_for_tle().to_tle().expect("a TLE").join("\n"));
        std::fs::write(&file, lines.collect::<Vec<String>>().join("\n")).expect("a file");
        let mut command = Command::new(python::python());
        command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/approaches/peer.py")).arg(&file);
        command
            .arg(task.from.to_string())
            .args([task.minutes, task.within_km, PEER_STEP_MINUTES].map(|x| x.to_string()));
        command.arg(task.events()).stdin(Stdio::piped()).stdout(Stdio::piped());
        // Otherwise the peer gives its memory back and faults it in again in each round.
        command.env("MALLOC_MMAP_MAX_", "0").env("MALLOC_TRIM_THRESHOLD_", "100000000000");
        let mut child = command.spawn().ok()?;
        let mut output = BufReader::new(child.stdout.take()?);
        let mut line = String::new();
        output.read_line(&mut line).ok()?;
        if line.trim() == "ready" {
            return Some(Self { child, output });
        }
        let _ = child.wait();
        println!("astroz is left out: the Python of the peers cannot import it");
        None
    }

    /// CPU seconds of one screening.
    fn screen(&mut self) -> f64 {
        let input = self.child.stdin.as_mut().expect("an input");
        input.write_all(b"go\n").and_then(|()| input.flush()).expect("a peer that listens");
        let mut line = String::new();
        self.output.read_line(&mut line).expect("a peer that answers");
        let answer: serde_json::Value = serde_json::from_str(&line).expect("figures");
        answer["seconds"].as_f64().expect("seconds")
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// The events of both, one by one.
fn compare(found: &[Approach], task: &Task) {
    let mut ours: HashMap<(usize, usize), Vec<&Approach>> = HashMap::new();
    for approach in found.iter().filter(|approach| approach.relative_speed_km_s > SLOW_KM_S) {
        ours.entry((approach.primary, approach.secondary)).or_default().push(approach);
    }
    let text = std::fs::read_to_string(task.events()).expect("events");
    let (mut both, mut theirs_alone, mut time_s, mut distance_km) = (0, 0, 0.0_f64, 0.0_f64);
    for line in text.lines() {
        let numbers: Vec<f64> = line.split(' ').map(|number| number.parse().expect("a number")).collect();
        let [first, second, seconds, distance, speed] = numbers[..] else { continue };
        if speed <= SLOW_KM_S {
            continue;
        }
        let pair = ((first as usize).min(second as usize), (first as usize).max(second as usize));
        let known = ours.entry(pair).or_default();
        let apart = |one: &&Approach| (one.at.unix_seconds() - task.from.unix_seconds() - seconds).abs();
        match known.iter().position(|one| apart(one) < 2.0) {
            Some(place) => {
                let one = known.remove(place);
                both += 1;
                if one.relative_speed_km_s > 1.0 {
                    time_s = time_s.max(apart(&one));
                }
                distance_km = distance_km.max((one.miss_distance_km - distance).abs());
            }
            None => {
                theirs_alone += 1;
                println!("only astroz: {pair:?} at {seconds} s, {distance} km, {speed} km/s");
            }
        }
    }
    let alone: Vec<&Approach> = ours.into_values().flatten().collect();
    let edges = alone.iter().filter(|approach| approach.extent != Extent::Minimum).count();
    println!(
        "faster than {SLOW_KM_S} km/s: {both} found by both, {theirs_alone} by astroz alone, {} by us alone and {edges} at the window's ends; \
         at most {:.3} m and, faster than 1 km/s, {:.3} ms apart",
        alone.len() - edges,
        distance_km * 1e3,
        time_s * 1e3
    );
    for one in alone.iter().filter(|approach| approach.extent == Extent::Minimum).take(20) {
        println!(
            "only we: {} {} at {}, {} km, {} km/s",
            one.primary, one.secondary, one.at, one.miss_distance_km, one.relative_speed_km_s
        );
    }
}

/// CPU time of this thread.
fn thread_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").expect("a Linux kernel with schedstat");
    text.split(' ').next().and_then(|field| field.parse::<f64>().ok()).expect("nanoseconds") / 1e9
}

fn median(numbers: &[f64]) -> f64 {
    let mut sorted = numbers.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}
