//! Invented catalogues for tests, benches and load: constellations in Walker shells, clouds of debris, and the rest of the traffic
//! in about the shares of the real sky. The same seed gives the same catalogue on every machine and in every release.

use vocabulary::Timestamp;

use crate::elements::{Angle, Elements, NoradId};

/// Catalogue numbers begin where five digits end, so that nothing invented is taken for something real.
const FIRST_NUMBER: u32 = 100_000;
/// WGS-72, km³/s².
const GRAVITY: f64 = 398_600.8;
/// WGS-72, km.
const EARTH_RADIUS_KM: f64 = 6_378.135;
/// The lowest perigee that is invented, over the equator's radius: nothing decays within days of its epoch.
const PERIGEE_KM_MIN: f64 = 350.0;

/// So many objects at an epoch: about 45 in a hundred in Walker shells, 35 debris, 8 sun-synchronous, 5 geostationary,
/// 3 navigation, 2 Molniya, 2 on transfer orbits. A smaller catalogue of the same seed and epoch is the beginning of a larger one.
/// All sets fit a TLE as long as there are at most 240,000.
pub fn synthetic(count: usize, seed: u64, epoch: Timestamp) -> Vec<Elements> {
    let mut sky = Sky { random: Random(seed), epoch, shells: [0; SHELLS.len()], sets: Vec::with_capacity(count) };
    for _ in 0..count {
        let set = sky.object().rounded_for_tle();
        sky.sets.push(set);
    }
    sky.sets
}

/// A Walker shell: planes evenly around the equator, satellites evenly along each.
struct Shell {
    name: &'static str,
    planes: u32,
    in_each: u32,
    inclination_degrees: f64,
    altitude_km: f64,
}

const SHELLS: [Shell; 4] = [
    Shell { name: "WEAVER", planes: 72, in_each: 22, inclination_degrees: 53.0, altitude_km: 550.0 },
    Shell { name: "LOOM", planes: 36, in_each: 20, inclination_degrees: 70.0, altitude_km: 570.0 },
    Shell { name: "SHUTTLE", planes: 18, in_each: 40, inclination_degrees: 87.9, altitude_km: 1_200.0 },
    Shell { name: "SPINDLE", planes: 11, in_each: 6, inclination_degrees: 86.4, altitude_km: 780.0 },
];

/// What broke up: inclination in degrees, altitude in kilometres.
const BREAK_UPS: [(f64, f64); 6] =
    [(98.6, 850.0), (74.0, 790.0), (86.4, 780.0), (82.6, 960.0), (65.8, 1_350.0), (100.0, 720.0)];

/// What is being invented.
struct Sky {
    random: Random,
    epoch: Timestamp,
    shells: [u32; SHELLS.len()],
    sets: Vec<Elements>,
}

/// An orbit before it has a name and a number.
struct Orbit {
    semi_major_axis_km: f64,
    eccentricity: f64,
    inclination_degrees: f64,
    node_degrees: f64,
    perigee_degrees: f64,
    anomaly_degrees: f64,
    bstar: f64,
}

impl Sky {
    fn object(&mut self) -> Elements {
        let (name, orbit) = match self.random.below(100) {
            0..45 => self.of_a_shell(),
            45..80 => ("DEBRIS".to_owned(), self.debris()),
            80..88 => ("SUNSYNC".to_owned(), self.sun_synchronous()),
            88..93 => ("GEO".to_owned(), self.geostationary()),
            93..96 => ("NAVIGATION".to_owned(), self.navigation()),
            96..98 => ("MOLNIYA".to_owned(), self.molniya()),
            _ => ("TRANSFER".to_owned(), self.transfer()),
        };
        self.elements(name, &orbit)
    }

    fn elements(&self, kind: String, orbit: &Orbit) -> Elements {
        let count = u32::try_from(self.sets.len()).unwrap_or(u32::MAX);
        let number = FIRST_NUMBER.saturating_add(count).min(NoradId::MAX);
        let radians_per_second = (GRAVITY / orbit.semi_major_axis_km.powi(3)).sqrt();
        Elements {
            name: Some(format!("{kind} {number}")),
            norad: NoradId::new(number).unwrap_or_default(),
            classification: 'U',
            designator: String::new(),
            epoch: self.epoch,
            mean_motion_revolutions_per_day: radians_per_second * 86_400.0 / std::f64::consts::TAU,
            mean_motion_dot: 0.0,
            mean_motion_ddot: 0.0,
            bstar: orbit.bstar,
            eccentricity: orbit.eccentricity,
            inclination: Angle::degrees(orbit.inclination_degrees),
            ascending_node: Angle::degrees(orbit.node_degrees),
            argument_of_perigee: Angle::degrees(orbit.perigee_degrees),
            mean_anomaly: Angle::degrees(orbit.anomaly_degrees),
            ephemeris_type: 0,
            element_set: 1,
            revolution: 0,
        }
    }

    /// The next free place of a shell; when it is full, a further one lies five kilometres above.
    fn of_a_shell(&mut self) -> (String, Orbit) {
        let chosen = self.random.below(SHELLS.len());
        let (Some(shell), Some(taken)) = (SHELLS.get(chosen), self.shells.get_mut(chosen)) else {
            return ("DEBRIS".to_owned(), self.debris());
        };
        let size = shell.planes * shell.in_each;
        let (full, place) = (*taken / size, *taken % size);
        *taken += 1;
        let (plane, seat) = (f64::from(place / shell.in_each), f64::from(place % shell.in_each));
        let between_seats = 360.0 / f64::from(shell.in_each);
        let jitter = self.random.around(0.02);
        let orbit = Orbit {
            semi_major_axis_km: EARTH_RADIUS_KM + shell.altitude_km + 5.0 * f64::from(full),
            eccentricity: self.random.between(0.00005, 0.0003),
            inclination_degrees: shell.inclination_degrees + self.random.around(0.01),
            node_degrees: 360.0 / f64::from(shell.planes) * plane + self.random.around(0.05),
            perigee_degrees: 90.0,
            anomaly_degrees: between_seats * (seat + plane / f64::from(shell.planes)) - 90.0 + jitter,
            bstar: self.random.between(1e-5, 1e-4),
        };
        (shell.name.to_owned(), orbit)
    }

    fn debris(&mut self) -> Orbit {
        let chosen = self.random.below(BREAK_UPS.len());
        let (inclination, altitude) = BREAK_UPS.get(chosen).copied().unwrap_or((98.6, 850.0));
        let semi_major_axis_km = EARTH_RADIUS_KM + (altitude + self.random.around(120.0)).max(PERIGEE_KM_MIN + 100.0);
        let eccentricity_max = 1.0 - (EARTH_RADIUS_KM + PERIGEE_KM_MIN) / semi_major_axis_km;
        Orbit {
            semi_major_axis_km,
            eccentricity: self.random.around(0.02).abs().min(eccentricity_max),
            inclination_degrees: inclination + self.random.around(0.5),
            bstar: 10_f64.powi(-5) * self.random.between(1.0, 300.0),
            ..self.anywhere()
        }
    }

    /// The inclination that turns the node with the Sun, 0.9856° a day (J2 = 0.00108263).
    fn sun_synchronous(&mut self) -> Orbit {
        let semi_major_axis_km = EARTH_RADIUS_KM + self.random.between(450.0, 850.0);
        let ratio = (semi_major_axis_km / 12_352.0).powf(3.5);
        Orbit {
            semi_major_axis_km,
            eccentricity: self.random.between(0.0001, 0.002),
            inclination_degrees: (-ratio).acos().to_degrees(),
            bstar: self.random.between(1e-5, 2e-4),
            ..self.anywhere()
        }
    }

    fn geostationary(&mut self) -> Orbit {
        Orbit {
            semi_major_axis_km: 42_164.2 + self.random.around(1.0),
            eccentricity: self.random.between(0.00001, 0.0005),
            inclination_degrees: self.random.between(0.005, 3.0),
            bstar: 0.0,
            ..self.anywhere()
        }
    }

    fn navigation(&mut self) -> Orbit {
        let plane = 60.0 * f64::from(u8::try_from(self.random.below(6)).unwrap_or_default());
        Orbit {
            semi_major_axis_km: 26_560.0 + self.random.around(20.0),
            eccentricity: self.random.between(0.0005, 0.02),
            inclination_degrees: 55.0 + self.random.around(1.0),
            node_degrees: plane + self.random.around(1.0),
            bstar: 0.0,
            ..self.anywhere()
        }
    }

    fn molniya(&mut self) -> Orbit {
        Orbit {
            semi_major_axis_km: 26_600.0 + self.random.around(30.0),
            eccentricity: self.random.between(0.68, 0.73),
            inclination_degrees: 63.4 + self.random.around(0.5),
            perigee_degrees: 270.0 + self.random.around(5.0),
            bstar: 0.0,
            ..self.anywhere()
        }
    }

    fn transfer(&mut self) -> Orbit {
        let perigee_km = EARTH_RADIUS_KM + self.random.between(PERIGEE_KM_MIN, 700.0);
        let apogee_km = EARTH_RADIUS_KM + self.random.between(20_000.0, 35_900.0);
        Orbit {
            semi_major_axis_km: (perigee_km + apogee_km) / 2.0,
            eccentricity: (apogee_km - perigee_km) / (apogee_km + perigee_km),
            inclination_degrees: self.random.between(2.0, 28.5),
            bstar: self.random.between(0.0, 2e-4),
            ..self.anywhere()
        }
    }

    /// What is left to chance.
    fn anywhere(&mut self) -> Orbit {
        Orbit {
            semi_major_axis_km: 0.0,
            eccentricity: 0.0,
            inclination_degrees: 0.0,
            node_degrees: self.random.between(0.0, 360.0),
            perigee_degrees: self.random.between(0.0, 360.0),
            anomaly_degrees: self.random.between(0.0, 360.0),
            bstar: 0.0,
        }
    }
}

/// SplitMix64 (Steele, Lea and Flood 2014). A crate of random numbers may change its sequences; a catalogue may not.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 up to 1, 53 bits.
    fn fraction(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn between(&mut self, least: f64, most: f64) -> f64 {
        least + (most - least) * self.fraction()
    }

    /// Around zero in a bell of about this width: the sum of four.
    fn around(&mut self, width: f64) -> f64 {
        let sum: f64 = (0..4).map(|_| self.fraction()).sum();
        (sum - 2.0) * width
    }

    fn below(&mut self, count: usize) -> usize {
        let most = count.saturating_sub(1);
        ((self.fraction() * count as f64) as usize).min(most)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::{Gravity, Propagator};

    fn epoch() -> Timestamp {
        "2026-11-21T00:00:00Z".parse().unwrap()
    }

    #[test]
    fn a_seed_is_a_catalogue() {
        let small = synthetic(300, 7, epoch());
        assert_eq!(synthetic(1_000, 7, epoch()).get(..300), Some(small.as_slice()));
        assert_ne!(synthetic(300, 8, epoch()), small);
        let [first, second] = small.first().unwrap().to_tle().unwrap();
        expect_lines(&first, &second);
    }

    fn expect_lines(first: &str, second: &str) {
        assert_eq!(first, "");
        assert_eq!(second, "");
    }

    #[test]
    fn everything_flies_for_a_day() {
        let sets = synthetic(4_000, 1, epoch());
        assert_eq!(sets.iter().map(|set| set.norad).collect::<HashSet<_>>().len(), sets.len());
        let mut deep = 0;
        for set in &sets {
            assert_eq!(
                Elements::from_tle(&set.to_tle().unwrap()[0], &set.to_tle().unwrap()[1]).unwrap().epoch,
                set.epoch
            );
            let propagator = Propagator::new(set, Gravity::Wgs72).unwrap();
            deep += usize::from(propagator.is_deep_space());
            assert!(propagator.minutes(1_440.0).is_ok(), "{set:?}");
        }
        assert!((320..640).contains(&deep), "{deep} of 4000 are in deep space, 12 in a hundred were wanted");
    }
}
