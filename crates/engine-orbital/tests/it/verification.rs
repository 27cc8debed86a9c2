//! The verification set of AIAA 2006-6753: every satellite at every instant, and the errors at which it aims.

use engine_orbital::{Angle, Elements, Gravity, Grid, Propagator, Sgp4Error};

use super::element_text::elements;

const ELEMENTS: &str = include_str!("../data/vallado/SGP4-VER.TLE");
const STATES: &str = include_str!("../data/vallado/tcppver.out");

/// What the set's satellites come to long after: number, minutes since epoch, the error (none where there is a state again). As the program
/// of AIAA 2006-6753 answers in the form of the Python package `sgp4` 2.27.
const LATER: [(u32, f64, Option<Sgp4Error>); 13] = [
    (22_312, 485.0, None),
    (22_312, 490.0, Some(Sgp4Error::MeanEccentricity)),
    (28_350, 1470.0, None),
    (28_350, 1475.0, Some(Sgp4Error::MeanEccentricity)),
    (28_872, 50.0, None),
    (28_872, 55.0, Some(Sgp4Error::Decayed)),
    (28_872, 70.0, None),
    (28_872, 140.0, Some(Sgp4Error::Decayed)),
    (29_141, 425.0, Some(Sgp4Error::Decayed)),
    (29_141, 1380.0, Some(Sgp4Error::SemiLatusRectum)),
    (29_141, 1410.0, Some(Sgp4Error::Decayed)),
    (29_141, 7395.0, Some(Sgp4Error::MeanEccentricity)),
    (33_334, 0.0, Some(Sgp4Error::PerturbedEccentricity)),
];

pub(crate) struct Case {
    pub(crate) elements: Elements,
    /// Minutes since epoch, position in kilometres, velocity in kilometres a second.
    pub(crate) states: Vec<(f64, [f64; 3], [f64; 3])>,
}

/// The set as published.
pub(crate) fn cases() -> Vec<Case> {
    let lines: Vec<&str> = ELEMENTS.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).collect();
    let mut blocks: Vec<Vec<_>> = Vec::new();
    for line in STATES.lines() {
        let fields: Vec<&str> = line.split_whitespace().collect();
        if fields.get(1) == Some(&"xx") {
            blocks.push(Vec::new());
        } else if let Some(block) = blocks.last_mut() {
            let number = |at: usize| fields[at].parse::<f64>().unwrap();
            block.push((number(0), [1, 2, 3].map(number), [4, 5, 6].map(number)));
        }
    }
    assert_eq!(lines.len(), 2 * blocks.len());
    let pairs = lines.chunks(2).map(|pair| elements(pair[0], pair[1]));
    pairs.zip(blocks).map(|(elements, states)| Case { elements, states }).collect()
}

pub(crate) fn distance(a: [f64; 3], b: [f64; 3]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt()
}

#[test]
fn every_published_state_is_met() {
    let (mut compared, mut without, mut worst_km, mut worst_km_s) = (0, 0, 0.0_f64, 0.0_f64);
    for Case { elements, states } in cases() {
        let propagator = Propagator::new(&elements, Gravity::Wgs72).unwrap();
        for (minutes, position, velocity) in states {
            match propagator.minutes(minutes) {
                Ok(state) => {
                    compared += 1;
                    worst_km = worst_km.max(distance(state.position_km, position));
                    worst_km_s = worst_km_s.max(distance(state.velocity_km_s, velocity));
                }
                Err(error) => {
                    println!("{} at {minutes} minutes: {error}", elements.norad);
                    without += 1;
                }
            }
        }
    }
    println!(
        "{compared} states, {without} errors: at most {worst_km:.2e} km and {worst_km_s:.2e} km/s from the published ones"
    );
    assert_eq!((compared, without), (666, 1));
    assert!(worst_km < 2e-7, "{worst_km} km");
    assert!(worst_km_s < 2e-9, "{worst_km_s} km/s");
}

#[test]
fn every_error_has_its_number() {
    for code in 1..=8 {
        let error = Sgp4Error::of(code).unwrap();
        assert_eq!(error.code(), code);
        assert!(error.to_string().contains("; use ") || error.to_string().contains("; check "), "{error}");
    }
    assert_eq!(Sgp4Error::of(0), None);
    assert_eq!(Sgp4Error::of(9), None);
}

#[test]
fn satellites_fail_as_they_do_elsewhere() {
    let cases = cases();
    for (norad, minutes, expected) in LATER {
        let case = cases.iter().find(|case| case.elements.norad.number() == norad).unwrap();
        let propagator = Propagator::new(&case.elements, Gravity::Wgs72).unwrap();
        assert_eq!(propagator.minutes(minutes).err(), expected, "{norad} at {minutes} minutes");
    }
}

/// Revolutions a day, eccentricity, inclination, minutes, and the number of the error that Vallado's program (python-sgp4 2.27) gives: on needles
/// of ellipses resonance grows without bounds, until the mean motion is none.
const NEEDLES: [(f64, f64, f64, f64, u8); 8] = [
    (2.0, 0.999_999_9, 90.0, 1.0, 2),
    (2.0, 0.999_999_9, 90.0, 1000.0, 2),
    (1.0, 0.999_999_9, 90.0, 1.0, 4),
    (1.0, 0.999_999_9, 90.0, 2000.0, 2),
    (1.0, 0.999_999_9, 90.0, 1.0e5, 1),
    (2.0, 0.9999, 63.0, 100.0, 2),
    (2.0, 0.99, 63.0, 100.0, 0),
    (2.0, 0.99, 63.0, 1.0e5, 4),
];

#[test]
fn a_motion_that_is_none_is_told() {
    for (revolutions, eccentricity, inclination, minutes, code) in NEEDLES {
        let elements = Elements {
            epoch: "2021-08-22T00:00:00Z".parse().unwrap(),
            mean_motion_revolutions_per_day: revolutions,
            bstar: 1e-4,
            eccentricity,
            inclination: Angle::degrees(inclination),
            argument_of_perigee: Angle::degrees(20.0),
            mean_anomaly: Angle::degrees(30.0),
            ascending_node: Angle::degrees(40.0),
            ..cases()[0].elements.clone()
        };
        let propagator = Propagator::new(&elements, Gravity::Wgs72).unwrap();
        let start = elements.epoch.plus(std::time::Duration::from_secs(60).mul_f64(minutes));
        let grid = Grid::new(start, std::time::Duration::from_secs(60), 1);
        for state in [propagator.minutes(minutes), propagator.over(&grid).state(0)] {
            let told = state.err().map_or(0, Sgp4Error::code);
            assert_eq!(told, code, "{revolutions} a day, {eccentricity}, at {minutes} minutes");
        }
    }
}

#[test]
fn instants_out_of_reach_are_refused() {
    let propagator = Propagator::new(&cases()[1].elements, Gravity::Wgs84).unwrap();
    for minutes in [f64::NAN, f64::INFINITY, -1e300, 6e7] {
        assert_eq!(propagator.minutes(minutes), Err(Sgp4Error::OutOfReach));
    }
    assert!(propagator.minutes(5e7).is_ok());
}
