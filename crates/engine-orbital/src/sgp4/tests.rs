//! The forms in lanes beside the form as published, for orbits and instants at random, in every kind of lanes that the processor has.

use std::time::Duration;

use proptest::prelude::*;

use super::{Batch, Propagator, Sgp4Error, lanes::Kind};
use crate::{
    Angle, Elements, Gravity, NoradId, State, Teme,
    ephemeris::{Cores, Ephemeris, Grid, RowsMut, Snapshot},
};

/// The promise: a millimetre.
const BOUND_KM: f64 = 1.0e-6;

prop_compose! {
    /// From the lowest orbits to beyond the geostationary one, of any shape; many near the equator, where the theory changes its form.
    fn orbit()(
        revolutions in prop_oneof![11.0..16.4_f64, 0.3..11.0_f64, 0.98..1.02_f64, 1.98..2.02_f64],
        height in prop_oneof![0.0..1.0_f64, Just(1.0), 0.95..1.0_f64],
        inclination in prop_oneof![0.0..180.0_f64, 0.0..15.0_f64, 0.0..0.2_f64],
        angles in [0.0..360.0_f64, 0.0..360.0_f64, 0.0..360.0_f64],
        bstar in prop_oneof![-0.0005..0.002_f64, Just(0.0), -0.05..0.05_f64],
    ) -> Elements {
        let motion: f64 = revolutions * std::f64::consts::TAU / 1440.0;
        let axis = (0.074_366_916_1 / motion).powf(2.0 / 3.0);
        // The perigee at 100 km or above.
        let longest = (1.0 - 1.016 / axis).clamp(0.0, 0.97);
        let [node, perigee, anomaly] = angles.map(Angle::degrees);
        Elements {
            name: None,
            norad: NoradId::new(1).unwrap(),
            classification: 'U',
            designator: String::new(),
            epoch: "2021-08-23T04:05:06.789Z".parse().unwrap(),
            mean_motion_revolutions_per_day: revolutions,
            mean_motion_dot: 0.0,
            mean_motion_ddot: 0.0,
            bstar,
            eccentricity: longest * (1.0 - height),
            inclination: Angle::degrees(inclination),
            ascending_node: node,
            argument_of_perigee: perigee,
            mean_anomaly: anomaly,
            ephemeris_type: 0,
            element_set: 0,
            revolution: 0,
        }
    }
}

fn agree(
    fast: Result<State<Teme>, Sgp4Error>,
    exact: Result<State<Teme>, Sgp4Error>,
    place: &str,
) -> Result<(), TestCaseError> {
    match (fast, exact) {
        (Ok(fast), Ok(exact)) => {
            let parts = fast.position_km.iter().zip(exact.position_km);
            let off = parts.map(|(fast, exact)| (fast - exact).powi(2)).sum::<f64>().sqrt();
            prop_assert!(off <= BOUND_KM, "{place}: {off} km");
            let parts = fast.velocity_km_s.iter().zip(exact.velocity_km_s);
            let off = parts.map(|(fast, exact)| (fast - exact).powi(2)).sum::<f64>().sqrt();
            prop_assert!(off <= BOUND_KM, "{place}: {off} km/s");
        }
        (fast, exact) => prop_assert_eq!(fast.err(), exact.err(), "{}", place),
    }
    Ok(())
}

proptest! {
    #[test]
    fn one_satellite_over_a_grid(
        elements in orbit(),
        start_s in -3_000_000..3_000_000_i64,
        step_ms in prop_oneof![1..1000_u64, 1000..100_000_u64, 100_000..20_000_000_u64],
        count in 1..700_usize,
    ) {
        let Ok(propagator) = Propagator::new(&elements, Gravity::Wgs72) else { return Ok(()) };
        let start = elements.epoch.minus(Duration::from_secs(4_000_000)).plus(Duration::from_secs((start_s + 4_000_000).cast_unsigned()));
        let grid = Grid::new(start, Duration::from_millis(step_ms), count);
        for kind in Kind::available() {
            let fast = Ephemeris::filled(grid, |columns| propagator.over_in(*kind, &grid, columns));
            let (mut positions, mut velocities, mut codes) = (vec![[0.0; 3]; count], vec![[0.0; 3]; count], vec![0; count]);
            let rows = RowsMut { positions: &mut positions, velocities: &mut velocities, codes: &mut codes };
            propagator.over_rows_in(*kind, &grid, rows);
            for index in (0..count).step_by(7) {
                if let Ok(state) = fast.state(index) {
                    prop_assert_eq!(state.position_km, positions[index]);
                    prop_assert_eq!(state.velocity_km_s, velocities[index]);
                }
                prop_assert_eq!(fast.state(index).err().map_or(0, Sgp4Error::code), codes[index]);
                agree(fast.state(index), propagator.at(grid.instant(index)), &format!("{kind:?}, instant {index}"))?;
            }
        }
    }

    #[test]
    fn many_satellites_at_one_instant(
        elements in prop::collection::vec(orbit(), 1..40),
        start_s in -3_000_000..3_000_000_i64,
    ) {
        let batch = Batch::new(&elements, Gravity::Wgs84);
        let when = elements[0].epoch.minus(Duration::from_secs(4_000_000)).plus(Duration::from_secs((start_s + 4_000_000).cast_unsigned()));
        for kind in Kind::available() {
            let fast = Snapshot::filled(when, batch.len(), |columns| batch.at_in(*kind, when, Cores::One, columns));
            for index in 0..batch.len() {
                let exact = batch.propagator(index).and_then(|propagator| propagator.at(when));
                agree(fast.state(index), exact, &format!("{kind:?}, satellite {index}"))?;
            }
        }
    }
}
