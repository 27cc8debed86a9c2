//! Passes a second beside Skyfield and Predict, and how far places, angles, light and passes differ from Skyfield's; part of `cargo xtask bench orbit`.
//!
//! The peers are the Python packages of `bench/orbit/requirements.txt`: `BIGSKIES_PEERS_PYTHON` names a Python that has them, else an
//! environment is made below the target folder. `--alone` leaves them out. Predict is the C program of that name as a Python package; libpredict,
//! which was made of it, is in no registry.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a bench prints its figures and ends where it can't measure"
)]

#[path = "peers/python.rs"]
mod python;

use std::{
    fmt::Write as _,
    fs,
    io::{BufRead, BufReader, Write as _},
    ops::ControlFlow,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    time::{Duration, Instant},
};

use astrometry::Site;
use engine_orbital::{
    Almanac, Begin, Celestial, ColumnsMut, Cores, Earth, Elements, End, Form, Geodetic, Gravity, Grid, Illumination,
    Observer, Orientations, Origin, Pass, PassFinding, PassSearch, Propagator, Station, Window, catalogue, is_sunlit,
};
use vocabulary::{Latitude, Longitude, Timestamp};

const ROUNDS: usize = 5;
const SATELLITES: usize = 100;
const FINALS: &str = include_str!("../data/finals2000A.2021-2027.txt");

/// Latitude, longitude and height in metres.
const STATIONS: [[f64; 3]; 10] = [
    [78.2, 15.4, 450.0],
    [67.9, 21.1, 400.0],
    [52.5, 13.4, 35.0],
    [38.4, -90.2, 150.0],
    [28.3, -16.5, 2390.0],
    [1.3, 103.8, 15.0],
    [-0.2, -78.5, 2850.0],
    [-31.8, 115.9, 250.0],
    [-53.0, -70.9, 30.0],
    [-72.0, 2.5, 1300.0],
];

fn main() {
    let is_alone = std::env::args().any(|argument| argument == "--alone");
    let opening: Timestamp = "2021-08-23T00:00:00Z".parse().unwrap();
    let window = Window::new(opening, opening.plus(Duration::from_secs(86_400))).unwrap();
    let stations: Vec<Station> = STATIONS.iter().map(station).collect();
    let all = Elements::read(catalogue::ACTIVE).expect("the catalogue reads");
    let near: Vec<Elements> = spread(&all, SATELLITES, |satellite| !satellite.is_deep_space());
    let search =
        PassSearch::new(stations.iter().copied().map(Observer::new).collect(), window, Orientations::bundled());
    let search = search.unwrap();
    let peers = (!is_alone).then(|| {
        let mixed: Vec<Elements> = [spread(&all, 60, |_| true), spread(&all, 20, Propagator::is_deep_space)].concat();
        let folder = std::env::temp_dir().join(format!("bigskies-sky-{}", std::process::id()));
        let python = python::python();
        fs::create_dir_all(folder.join("mixed")).unwrap();
        compare(&python, &folder.join("mixed"), &mixed, &stations, window);
        write(&folder, &near, window);
        (folder.clone(), Peers::start(&python, &folder))
    });
    let satellites: Vec<Propagator> = near.iter().map(propagator).collect();
    exactness(&stations, &satellites, &found(&search, &satellites, Cores::One));
    rounds(&search, &satellites, peers);
}

fn station([latitude, longitude, metres]: &[f64; 3]) -> Station {
    let latitude = Latitude::degrees(*latitude).unwrap();
    Station::at(Site::new(latitude, Longitude::degrees(*longitude).unwrap(), *metres).unwrap())
}

fn propagator(elements: &Elements) -> Propagator {
    Propagator::new(elements, Gravity::default()).expect("elements of an orbit")
}

/// So many of those that pass, spread over the catalogue.
fn spread(all: &[Elements], count: usize, passes: impl Fn(&Propagator) -> bool) -> Vec<Elements> {
    let fit: Vec<&Elements> = all.iter().filter(|elements| passes(&propagator(elements))).collect();
    fit.iter().step_by((fit.len() / count).max(1)).take(count).map(|elements| (*elements).clone()).collect()
}

/// How far rises, sets and culminations are off from where the satellite itself, asked through the public frames, has them.
fn exactness(stations: &[Station], satellites: &[Propagator], passes: &[Pass]) {
    let mut off: [Vec<f64>; 2] = Default::default();
    for pass in passes {
        let (satellite, station) = (&satellites[pass.satellite], &stations[pass.observer]);
        let elevation = |at: Timestamp, seconds: f64| {
            let by = Duration::from_secs_f64(seconds.abs());
            let when = if seconds < 0.0 { at.minus(by) } else { at.plus(by) };
            let itrf = Earth::at(when, Orientations::bundled().at(when)).itrf(&satellite.at(when).unwrap());
            station.look(&itrf).elevation.to_degrees()
        };
        for (at, is_one) in [(pass.rise.at, pass.begins == Begin::Rise), (pass.set.at, pass.ends == End::Set)] {
            let (mut low, mut high) = (-1.0, 1.0);
            let begins_up = elevation(at, low) > 0.0;
            if !is_one || begins_up == (elevation(at, high) > 0.0) {
                continue;
            }
            while high - low > 2e-6 {
                let middle = (low + high) / 2.0;
                if (elevation(at, middle) > 0.0) == begins_up { low = middle } else { high = middle }
            }
            off[0].push(low.abs() * 1e3);
        }
        let summit = pass.culmination.at;
        if summit.since(pass.rise.at) > Duration::from_secs(10) && pass.set.at.since(summit) > Duration::from_secs(10) {
            // Newton on differences of elevations: wide ones that find the summit, then narrow ones, for which a sharp one is a parabola.
            let mut apart = 0.0;
            for step in [3.0, 0.5, 0.5] {
                let [before, here, after] = [-step, 0.0, step].map(|seconds| elevation(summit, apart + seconds));
                apart += 0.5 * step * (before - after) / (before - 2.0 * here + after);
            }
            off[1].push(apart.abs() * 1e3);
        }
    }
    for (event, off) in ["rise and set", "culmination"].iter().zip(&mut off) {
        off.sort_by(f64::total_cmp);
        let [half, most, worst] = [off.len() / 2, off.len() * 99 / 100, off.len() - 1].map(|index| off[index]);
        println!(
            "{event}, off from SGP4 itself: p50 {half:.4} ms, p99 {most:.4} ms, worst {worst:.4} ms of {}",
            off.len()
        );
    }
}

/// CPU milliseconds of a pair of satellite and station, round by round beside the peers.
fn rounds(search: &PassSearch, satellites: &[Propagator], peers: Option<(PathBuf, Peers)>) {
    let pairs = (satellites.len() * STATIONS.len()) as f64;
    let mut ours: Vec<f64> = Vec::new();
    let mut ratios: [Vec<f64>; 2] = Default::default();
    let (folder, mut peers) = peers.map_or((None, None), |(folder, peers)| (Some(folder), Some(peers)));
    for round in 1..=ROUNDS {
        // So often that the clock, which goes by ticks of some milliseconds, can tell.
        let often = 20;
        let spent = cpu_seconds(|| (0..often).for_each(|_| drop(found(search, satellites, Cores::One))));
        let mine = spent / f64::from(often) * 1e3 / pairs;
        ours.push(mine);
        print!("round {round}: engine {:.1} us a pair and day", mine * 1e3);
        for (index, (peer, count)) in [("skyfield", 10), ("predict", 50)].into_iter().enumerate() {
            let Some(peers) = peers.as_mut() else { continue };
            let [seconds, their_pairs, passes] = peers.ask(peer, count);
            let theirs = seconds * 1e3 / their_pairs;
            ratios[index].push(theirs / mine);
            print!("; {peer} {theirs:.2} ms ({passes} passes of {their_pairs} pairs), {:.0} times", theirs / mine);
        }
        println!();
    }
    let count = found(search, satellites, Cores::One).len();
    println!(
        "{count} passes of {pairs} pairs in a day; {:.0} passes a CPU-second",
        count as f64 / (median(&mut ours) * pairs / 1e3)
    );
    for (peer, ratios) in ["skyfield", "predict"].iter().zip(&mut ratios).filter(|(_, ratios)| !ratios.is_empty()) {
        println!("{peer}: median ratio {:.0} of {ROUNDS} rounds", median(ratios));
    }
    let places = cpu_seconds(|| (0..20).for_each(|_| positions(search, satellites))) / 20.0;
    println!("{:.0} % of it for where the satellites are", places * 1e5 / (median(&mut ours) * pairs));
    alone(search, satellites);
    let wall = |cores| {
        let started = Instant::now();
        (0..20).for_each(|_| drop(found(search, satellites, cores)));
        started.elapsed().as_secs_f64()
    };
    let (one, all) = (wall(Cores::One), wall(Cores::All));
    println!("on all cores {:.2} times as fast by the clock as on one", one / all);
    if let Some(folder) = folder {
        fs::remove_dir_all(folder).unwrap();
    }
}

/// Positions at each minute, as the search asks for them.
fn positions(search: &PassSearch, satellites: &[Propagator]) {
    let grid = Grid::between(search.window().from(), search.window().to(), Duration::from_secs(60));
    let (mut numbers, mut codes) = (vec![0.0; 6 * grid.count()], vec![0; grid.count()]);
    for satellite in satellites {
        satellite.over_into(&grid, ColumnsMut::split(&mut numbers, &mut codes).unwrap());
        std::hint::black_box(&mut numbers);
    }
}

/// One satellite over one station for a day, from the question to the last pass, by the clock.
fn alone(search: &PassSearch, satellites: &[Propagator]) {
    let mut times: Vec<f64> = Vec::new();
    for satellite in satellites {
        for observer in search.observers() {
            let began = Instant::now();
            let one = PassSearch::new(vec![observer.clone()], *search.window(), Orientations::bundled()).unwrap();
            drop(found(&one, std::slice::from_ref(satellite), Cores::One));
            times.push(began.elapsed().as_secs_f64() * 1e3);
        }
    }
    times.sort_by(f64::total_cmp);
    let [half, most, worst] = [times.len() / 2, times.len() * 99 / 100, times.len() - 1].map(|index| times[index]);
    println!("one satellite over one station for a day: p50 {half:.3} ms, p99 {most:.3} ms, worst {worst:.3} ms");
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn found(search: &PassSearch, satellites: &[Propagator], cores: Cores) -> Vec<Pass> {
    let mut found = Vec::new();
    let whole = search.run(satellites, cores, |finding| {
        if let PassFinding::Pass(pass) = finding {
            found.push(pass);
        }
        ControlFlow::Continue(())
    });
    assert_eq!(whole, ControlFlow::Continue(()));
    found
}

/// What this thread computed; by the wall clock where the kernel does not tell.
fn cpu_seconds(work: impl FnOnce()) -> f64 {
    let clock = || {
        let text = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
        text.split(' ').next()?.parse::<f64>().ok().map(|nanoseconds| nanoseconds / 1e9)
    };
    let (before, started) = (clock(), Instant::now());
    work();
    match (before, clock()) {
        (Some(before), Some(after)) => after - before,
        _ => started.elapsed().as_secs_f64(),
    }
}

fn unix(at: Timestamp) -> f64 {
    at.unix_seconds()
}

/// Satellites, stations, window and Earth orientation for the peers.
fn write(folder: &Path, satellites: &[Elements], window: Window) {
    let origin = Origin { originator: "BIG SKIES".to_owned(), created: window.from() };
    let lines = Form::Tle.write(satellites, &origin).expect("they came from a TLE");
    fs::write(folder.join("satellites.tle"), lines).unwrap();
    let stations = STATIONS.map(|[latitude, longitude, metres]| format!("{latitude},{longitude},{metres}\n"));
    fs::write(folder.join("stations.csv"), stations.concat()).unwrap();
    fs::write(folder.join("window.csv"), format!("{},{}\n", unix(window.from()), unix(window.to()))).unwrap();
    fs::write(folder.join("finals2000A.txt"), FINALS).unwrap();
}

/// Places at each half hour and all passes, for Skyfield to say how far it is off.
fn compare(python: &Path, folder: &Path, elements: &[Elements], stations: &[Station], window: Window) {
    write(folder, elements, window);
    let almanac = Almanac::over(window.from(), window.to(), Orientations::bundled()).unwrap();
    let satellites: Vec<Propagator> = elements.iter().map(propagator).collect();
    let mut places = String::new();
    for half_hour in 0..48 {
        let when = window.from().plus(Duration::from_secs(1800 * half_hour + 7));
        let earth = Earth::at(when, Orientations::bundled().at(when));
        let celestial = Celestial::over(&earth).unwrap();
        let sun = almanac.sun_km(when).unwrap();
        for (index, satellite) in satellites.iter().enumerate() {
            let Ok(teme) = satellite.at(when) else { continue };
            let itrf = earth.itrf(&teme);
            let which = (index + half_hour as usize) % stations.len();
            let (under, look) = (Geodetic::of(&itrf), stations[which].look(&itrf));
            let [x, y, z] = teme.position_km;
            let [gx, gy, gz] = celestial.gcrs(&teme).position_km;
            let lit = u8::from(is_sunlit(&teme.position_km, &sun));
            let hidden = 1.0 - Illumination::of(&teme.position_km, &sun).visible();
            let (latitude, longitude) = (under.latitude.to_degrees(), under.longitude.to_degrees());
            let (azimuth, elevation) = (look.azimuth.to_degrees(), look.elevation.to_degrees());
            let time = unix(when);
            write!(places, "{index},{time},{x},{y},{z},{gx},{gy},{gz},{latitude},{longitude},{},", under.height_km)
                .unwrap();
            let rate = look.range_rate_km_s;
            writeln!(places, "{which},{azimuth},{elevation},{},{rate},{lit},{hidden}", look.range_km).unwrap();
        }
    }
    fs::write(folder.join("places.csv"), places).unwrap();
    let observers = stations.iter().copied().map(Observer::new).collect();
    let search = PassSearch::new(observers, window, Orientations::bundled()).unwrap();
    let mut passes = String::new();
    for pass in found(&search, &satellites, Cores::One) {
        let [rise, top, set] = [pass.rise, pass.culmination, pass.set].map(|event| unix(event.at));
        let highest = pass.culmination.elevation.to_degrees();
        writeln!(passes, "{},{},{rise},{top},{set},{highest}", pass.satellite, pass.observer).unwrap();
    }
    fs::write(folder.join("passes.csv"), passes).unwrap();
    let ended = Command::new(python).arg(script()).arg("compare").arg(folder).status().expect("python starts");
    assert!(ended.success(), "the comparison failed");
}

fn script() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../bench/orbit/sky.py")
}

/// A Python that measures on request.
struct Peers {
    child: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Peers {
    fn start(python: &Path, folder: &Path) -> Self {
        let mut command = Command::new(python);
        command.arg(script()).arg("rates").arg(folder).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("python starts");
        let (questions, answers) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        Self { child, questions, answers }
    }

    /// CPU seconds, pairs and passes.
    fn ask(&mut self, peer: &str, satellites: usize) -> [f64; 3] {
        writeln!(self.questions, "{peer} {satellites}").unwrap();
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        let numbers: Vec<f64> = line.split_whitespace().map(|number| number.parse().unwrap()).collect();
        numbers.try_into().expect("three numbers")
    }
}

impl Drop for Peers {
    fn drop(&mut self) {
        let _ended_already = self.child.kill();
        let _status = self.child.wait();
    }
}
