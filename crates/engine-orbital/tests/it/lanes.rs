//! The forms in lanes beside the form as published: every satellite of the verification set, and orbits at random.

use std::time::Duration;

use engine_orbital::{Batch, Cores, Elements, Gravity, Grid, Propagator, RowsMut};

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

#[test]
fn rows_are_the_columns() {
    for (case, count) in cases().iter().zip([1, 2, 5, 17, 31, 32, 40, 127, 128, 129, 700, 1500].into_iter().cycle()) {
        let batch = Batch::new(&[case.elements.clone(), case.elements.clone()], Gravity::Wgs72);
        let grid = Grid::new(case.elements.epoch, Duration::from_secs(67), count);
        let columns = batch.over(&grid, Cores::One);
        for cores in [Cores::One, Cores::All] {
            let (mut positions, mut velocities) = (vec![[0.0; 3]; 2 * count], vec![[0.0; 3]; 2 * count]);
            let mut codes = vec![0; 2 * count];
            let into = RowsMut { positions: &mut positions, velocities: &mut velocities, codes: &mut codes };
            batch.over_rows_into(0, &grid, cores, into);
            for row in 0..2 * count {
                let known = columns.state(row / count, row % count);
                let place = format!("{} at {row} of {count}", case.elements.norad);
                match known {
                    Ok(state) => assert_eq!(
                        (state.position_km, state.velocity_km_s, 0),
                        (positions[row], velocities[row], codes[row]),
                        "{place}"
                    ),
                    Err(error) => assert_eq!(codes[row], error.code(), "{place}"),
                }
            }
        }
    }
}
