//! States a CPU second on one core in each of the four forms, near the Earth and deep in space, beside astroz, python-sgp4 and the `sgp4` crate, then
//! the grid on all cores: `cargo xtask bench orbit`.
//!
//! All compute the same satellites at the same instants in rounds that alternate; a ratio is the median of the rounds' ratios. Peers of Python are
//! those of `bench/orbit/requirements.txt`: `BIGSKIES_PEERS_PYTHON` names a Python that has them, else an environment is made below the target folder. They
//! write rows; ours stand beside them in columns and in rows. The `sgp4` crate is a package of its own (`benches/sgp4-crate`), outside the workspace. Options: `--alone`, `--rounds 5`, `--catalogue FILE`.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a bench prints its figures and ends where it can't measure"
)]

#[path = "../tests/it/element_text.rs"]
mod element_text;
#[path = "propagation/forms.rs"]
mod forms;
#[path = "propagation/peers.rs"]
mod peers;
#[path = "peers/python.rs"]
mod python;

use std::{collections::BTreeMap, path::PathBuf, time::Instant};

use engine_orbital::{Batch, Cores, Gravity, Grid, Propagator};
use forms::{FORMS, Field, Form};
use peers::Peers;

fn main() {
    let options: Vec<String> = std::env::args().collect();
    let option = |name: &str| options.iter().position(|option| option == name).and_then(|at| options.get(at + 1));
    let rounds: usize = option("--rounds").map_or(5, |text| text.parse().expect("a number of rounds"));
    let default = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("data/active_2021-08-22.tle");
    let catalogue = option("--catalogue").map_or(default, PathBuf::from);
    let (near, deep) = forms::chosen(&catalogue);
    println!(
        "{} near-earth and {} deep-space satellites, {} instants a minute apart",
        near.len(),
        deep.len(),
        forms::COUNT
    );
    let is_alone = options.iter().any(|option| option == "--alone");
    let mut peers = if is_alone { Peers::none() } else { Peers::start(&near, &deep) };
    let (near, deep) = (Field::new(near), Field::new(deep));
    peers.compare(&near, &deep);
    println!("{:27} {:>12}   peers, with the ratio of each", "M states / CPU s", "BIG SKIES");
    for (name, form) in FORMS {
        for (kind, field) in [("near", &near), ("deep", &deep)] {
            measure(&format!("{kind}, {name}"), *form, field, rounds, &mut peers);
        }
    }
    for (kind, field) in [("near", &near), ("deep", &deep)] {
        arithmetic(kind, field, rounds);
        scale(kind, field, rounds);
    }
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    println!("load average {} at the end", load.split(' ').next().unwrap_or_default());
}

/// One line: ours, and each peer with its ratio.
fn measure(name: &str, form: Form, field: &Field, rounds: usize, peers: &mut Peers) {
    let mut own = Vec::new();
    let mut theirs: BTreeMap<String, Vec<(f64, f64)>> = BTreeMap::new();
    for _ in 0..rounds {
        let rate = field.rate(form);
        own.push(rate);
        for (peer, peer_rate) in peers.round(name) {
            theirs.entry(peer).or_default().push((peer_rate, rate / peer_rate));
        }
    }
    let mut line = format!("{name:27} {:12.2}", median(own) / 1e6);
    for (peer, figures) in theirs {
        let rate = median(figures.iter().map(|(rate, _)| *rate).collect());
        let ratio = median(figures.iter().map(|(_, ratio)| *ratio).collect());
        line += &format!("   {peer} {:.2} ({ratio:.1} ×)", rate / 1e6);
    }
    println!("{line}");
}

/// What share of the grid's time is arithmetic: what it would take if all states stayed in the nearest cache.
fn arithmetic(kind: &str, field: &Field, rounds: usize) {
    for (layout, far, near) in [("columns", Form::Grid, Form::GridInPlace), ("rows", Form::Rows, Form::RowsInPlace)] {
        let pairs: Vec<(f64, f64)> = (0..rounds).map(|_| (field.rate(far), field.rate(near))).collect();
        let in_place = median(pairs.iter().map(|(_, near)| *near).collect());
        let share = median(pairs.iter().map(|(far, near)| far / near).collect());
        println!(
            "{kind}, grid in {layout}: {:.0} % of the time is arithmetic, the rest the way to memory ({:.1} M states / CPU s without it)",
            share * 100.0,
            in_place / 1e6
        );
    }
}

/// The grid on one core and on all, by the clock.
fn scale(kind: &str, field: &Field, rounds: usize) {
    let batch = Batch::new(&field.elements, Gravity::Wgs72);
    let count = forms::COUNT * 8;
    let grid = Grid::new(forms::start(), std::time::Duration::from_secs(60), count);
    let mut numbers = vec![0.0; 6 * batch.len() * count];
    let mut codes = vec![0; batch.len() * count];
    let mut seconds = |cores: Cores| {
        let began = Instant::now();
        batch.over_into(0, &grid, cores, &mut numbers, &mut codes);
        began.elapsed().as_secs_f64()
    };
    // The pages of memory are there from now on.
    seconds(Cores::One);
    let pairs: Vec<(f64, f64)> = (0..rounds).map(|_| (seconds(Cores::One), seconds(Cores::All))).collect();
    let ratio = median(pairs.iter().map(|(one, all)| one / all).collect());
    let all = median(pairs.iter().map(|(_, all)| *all).collect());
    let rate = (batch.len() * count) as f64 / all / 1e6;
    println!(
        "{kind}, grid, {} threads: {rate:.1} M states / s by the clock, {ratio:.2} × one",
        rayon::current_num_threads()
    );
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Whether a satellite is deep in space; nothing where its elements describe no orbit.
fn is_deep(elements: &engine_orbital::Elements) -> Option<bool> {
    Propagator::new(elements, Gravity::Wgs72).ok().map(|propagator| propagator.is_deep_space())
}
