//! The forms in lanes beside the form as published: every satellite of the verification set, and orbits at random.

use std::time::Duration;

use engine_orbital::{Batch, Cores, Elements, Gravity, Grid, Propagator};

use super::verification::{cases, distance};

/// The promise: a millimetre.
const BOUND_KM: f64 = 1.0e-6;

#[test]
fn the_set_over_grids() {
    let mut worst = (0.0_f64, 0.0_f64);
    for case in cases() {
        let propagator = Propagator::new(&case.elements, Gravity::Wgs72).unwrap();
        for (before_s, step_s, count) in
            [(0, 60, 1500), (1_000_000, 613, 1000), (86_400, 7, 500), (0, 43_200, 37), (0, 1, 3)]
        {
            let start = propagator.epoch().minus(Duration::from_secs(before_s));
            let grid = Grid::new(start, Duration::from_secs(step_s), count);
            let ephemeris = propagator.over(&grid);
            for index in 0..count {
                let (fast, exact) = (ephemeris.state(index), propagator.at(grid.instant(index)));
                let place = format!("{} at {index} of {grid:?}", case.elements.norad);
                match (fast, exact) {
                    (Ok(fast), Ok(exact)) => {
                        let off = distance(fast.position_km, exact.position_km);
                        worst.0 = worst.0.max(off);
                        worst.1 = worst.1.max(distance(fast.velocity_km_s, exact.velocity_km_s));
                        assert!(off < BOUND_KM, "{place}: {off} km");
                    }
                    (fast, exact) => assert_eq!(fast, exact, "{place}"),
                }
            }
        }
    }
    println!("at most {:.2e} km and {:.2e} km/s between the forms", worst.0, worst.1);
}

#[test]
fn the_set_at_one_instant() {
    let elements: Vec<Elements> = cases().into_iter().map(|case| case.elements).collect();
    let batch = Batch::new(&elements, Gravity::Wgs84);
    let mut worst = 0.0_f64;
    for hours in 0..200 {
        let when = elements[11].epoch.minus(Duration::from_secs(100 * 3600)).plus(Duration::from_secs(hours * 3617));
        for cores in [Cores::One, Cores::All] {
            let snapshot = batch.at(when, cores);
            for (satellite, elements) in elements.iter().enumerate() {
                let exact = batch.propagator(satellite).and_then(|propagator| propagator.at(when));
                let place = format!("{} at {when}", elements.norad);
                match (snapshot.state(satellite), exact) {
                    (Ok(fast), Ok(exact)) => {
                        let off = distance(fast.position_km, exact.position_km);
                        worst = worst.max(off);
                        assert!(off < BOUND_KM, "{place}: {off} km");
                    }
                    (fast, exact) => assert_eq!(fast, exact, "{place}"),
                }
            }
        }
    }
    println!("at most {worst:.2e} km between the forms");
}
