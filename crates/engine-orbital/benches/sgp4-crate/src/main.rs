//! The `sgp4` crate over the same satellites and instants; the bench asks for a round by a line and reads states a CPU second.

use std::{fs::read_to_string, hint::black_box, io::stdin};

use sgp4::{Constants, Elements, MinutesSinceEpoch};

/// Nanoseconds that this thread has had a processor for.
fn cpu_nanoseconds() -> f64 {
    let text = read_to_string("/proc/thread-self/schedstat").expect("Linux");
    text.split(' ').next().and_then(|text| text.parse().ok()).expect("nanoseconds")
}

/// Constants in the mode and with the constants that element sets are made for, and the minutes from epoch to the start.
fn satellites(path: &str, unix_seconds: f64) -> Vec<(Constants, f64)> {
    let text = read_to_string(path).expect("element sets");
    let lines: Vec<&str> = text.lines().collect();
    let pairs = lines.chunks_exact(2);
    pairs
        .map(|pair| {
            let elements = Elements::from_tle(None, pair[0].as_bytes(), pair[1].as_bytes()).expect("a TLE");
            let epoch = elements.datetime.and_utc();
            let epoch = epoch.timestamp() as f64 + f64::from(epoch.timestamp_subsec_nanos()) / 1e9;
            let constants = Constants::from_elements_afspc_compatibility_mode(&elements).expect("an orbit");
            (constants, (unix_seconds - epoch) / 60.0)
        })
        .collect()
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, near, deep, start, count] = &arguments[..] else { panic!("near, deep, start, count") };
    let (start, count): (f64, usize) = (start.parse().expect("seconds"), count.parse().expect("a count"));
    let (near, deep) = (satellites(near, start), satellites(deep, start));
    for line in stdin().lines() {
        let all = if line.expect("a line").starts_with("near") { &near } else { &deep };
        let began = cpu_nanoseconds();
        for _ in 0..3 {
            for (constants, offset) in all {
                for index in 0..count {
                    black_box(constants.propagate(MinutesSinceEpoch(offset + index as f64)).ok());
                }
            }
        }
        println!("{}", (3 * all.len() * count) as f64 / (cpu_nanoseconds() - began) * 1e9);
    }
}
