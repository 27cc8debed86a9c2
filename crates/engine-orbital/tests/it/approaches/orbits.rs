//! Orbits for approaches: any, such that nearly meet, such that fly in company, and such that decay.

use std::time::Duration;

use engine_orbital::{Angle, Elements, Gravity, NoradId, Propagator};
use vocabulary::Timestamp;

/// Epoch of most orbits, and where windows are counted from.
pub(super) const EPOCH: &str = "2026-11-21T00:00:00Z";

const MU: f64 = 398_600.8;

/// Numbers by chance, the same for the same seed (xorshift64*).
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        let mut dice = Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        for _ in 0..4 {
            let _ = dice.between(0.0, 1.0);
        }
        dice
    }

    pub(super) fn between(&mut self, low: f64, high: f64) -> f64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let unit = (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11) as f64 / (1_u64 << 53) as f64;
        low + (high - low) * unit
    }

    /// Low, medium, geostationary, transfer or Molniya.
    pub(super) fn orbit(&mut self, place: usize) -> Elements {
        let kind = self.between(0.0, 1.0);
        let (perigee, apogee, inclination) = match kind {
            ..0.5 => {
                let perigee = self.between(450.0, 900.0);
                (perigee, perigee + self.between(0.0, 60.0), self.between(0.0, 110.0))
            }
            0.5..0.65 => (self.between(400.0, 800.0), self.between(800.0, 8_000.0), self.between(0.0, 100.0)),
            0.65..0.8 => {
                (35_786.0 - self.between(0.0, 20.0), 35_786.0 + self.between(0.0, 20.0), self.between(0.0, 0.5))
            }
            0.8..0.9 => (self.between(300.0, 900.0), self.between(20_000.0, 36_000.0), self.between(5.0, 30.0)),
            _ => (self.between(600.0, 2_000.0), 38_900.0, 63.4),
        };
        let axis = 6_378.135 + 0.5 * (perigee + apogee);
        let angles = [0, 1, 2].map(|_| self.between(0.0, 360.0));
        elements(place, axis, (apogee - perigee) / (2.0 * axis), inclination, angles)
    }

    /// Two that come within 2 km of one another about so many seconds after the epoch; at high and low relative speed.
    pub(super) fn near_miss(&mut self, place: usize, seconds: f64) -> [Elements; 2] {
        let first = {
            let axis = 6_378.135 + self.between(500.0, 1_500.0);
            let angles = [0, 1, 2].map(|_| self.between(0.0, 360.0));
            let inclination = self.between(20.0, 160.0);
            let eccentricity = self.between(0.0, 0.02);
            elements(place, axis, eccentricity, inclination, angles)
        };
        let when = epoch().plus(Duration::from_secs_f64(seconds));
        let meeting = position(&first, when);
        let radius = meeting.iter().map(|part| part * part).sum::<f64>().sqrt();
        let latitude = (meeting[2] / radius).asin().to_degrees().abs();
        // A circular orbit through the point: its inclination is at least the latitude there.
        let inclination = self.between(latitude + 0.5, 179.5 - latitude);
        let (mut axis, mut node, mut argument) = (radius, 0.0, 0.0);
        let offset = [0, 1, 2].map(|_| self.between(-0.5, 0.5));
        let mut second = elements(place + 1, axis, 1e-4, inclination, [node, 0.0, argument]);
        second.epoch = when;
        for _ in 0..12 {
            let now = position(&second, when);
            let wanted = [0, 1, 2].map(|part| meeting[part] + offset[part]);
            // Latitude by the argument, longitude by the node, height by the axis; damped, as they hang together.
            let (a, b) = (spherical(now), spherical(wanted));
            let slope = (inclination.to_radians().sin() * argument.to_radians().cos() / a[1].cos()).clamp(-1.0, 1.0);
            argument += (b[1] - a[1]).to_degrees() / if slope.abs() < 0.05 { 0.05_f64.copysign(slope) } else { slope };
            second.mean_anomaly = Angle::degrees(argument.rem_euclid(360.0));
            let c = spherical(position(&second, when));
            node += turned(b[2] - c[2]).to_degrees();
            axis += b[0] - c[0];
            second.ascending_node = Angle::degrees(node.rem_euclid(360.0));
            second.mean_motion_revolutions_per_day = revolutions(axis);
        }
        [first, second]
    }

    /// Satellites about one: a few kilometres and metres a second apart.
    pub(super) fn company(&mut self, count: usize) -> Vec<Elements> {
        let is_high = self.between(0.0, 1.0) < 0.3;
        let axis = if is_high { 42_164.0 } else { 6_378.135 + self.between(450.0, 900.0) };
        let inclination = if is_high { self.between(0.0, 0.2) } else { self.between(30.0, 100.0) };
        let angles = [0, 1, 2].map(|_| self.between(0.0, 360.0));
        let eccentricity = self.between(1e-4, 2e-3);
        let degrees = 4.0 / axis * 57.3;
        let mut near = |place: usize| {
            let mut one = elements(place, axis, eccentricity + self.between(0.0, 3e-4), inclination, angles);
            one.inclination = Angle::degrees(inclination + self.between(0.0, degrees));
            one.ascending_node = Angle::degrees(angles[0] + self.between(0.0, degrees));
            one.mean_anomaly = Angle::degrees((angles[2] + self.between(0.0, degrees)).rem_euclid(360.0));
            one.mean_motion_revolutions_per_day = revolutions(axis + self.between(-0.3, 0.3));
            one
        };
        (0..count).map(&mut near).collect()
    }

    /// One that drag brings down within some hours, and another beside it without drag.
    pub(super) fn decaying(&mut self, place: usize) -> (Elements, Elements) {
        let angles = [0, 1, 2].map(|_| self.between(0.0, 360.0));
        let mut dying = elements(place, 6_378.135 + 150.0, 1e-3, 51.6, angles);
        dying.bstar = 0.05;
        let mut living = elements(place + 1, 6_378.135 + 150.0, 1e-3, 51.6, angles);
        living.bstar = 0.0;
        living.mean_anomaly = Angle::degrees((angles[2] + 0.3).rem_euclid(360.0));
        (dying, living)
    }
}

fn epoch() -> Timestamp {
    EPOCH.parse().unwrap()
}

fn revolutions(axis_km: f64) -> f64 {
    (MU / axis_km.powi(3)).sqrt() * 86_400.0 / std::f64::consts::TAU
}

fn turned(radians: f64) -> f64 {
    (radians + std::f64::consts::PI).rem_euclid(std::f64::consts::TAU) - std::f64::consts::PI
}

/// Radius, latitude, longitude.
fn spherical([x, y, z]: [f64; 3]) -> [f64; 3] {
    let radius = (x * x + y * y + z * z).sqrt();
    [radius, (z / radius).asin(), y.atan2(x)]
}

fn position(elements: &Elements, when: Timestamp) -> [f64; 3] {
    Propagator::new(elements, Gravity::Wgs72).unwrap().at(when).unwrap().position_km
}

fn elements(
    place: usize,
    axis_km: f64,
    eccentricity: f64,
    inclination: f64,
    [node, perigee, anomaly]: [f64; 3],
) -> Elements {
    Elements {
        name: None,
        norad: NoradId::new(place as u32 + 1).unwrap(),
        classification: 'U',
        designator: String::new(),
        epoch: epoch(),
        mean_motion_revolutions_per_day: revolutions(axis_km),
        mean_motion_dot: 0.0,
        mean_motion_ddot: 0.0,
        bstar: 1e-5,
        eccentricity,
        inclination: Angle::degrees(inclination),
        ascending_node: Angle::degrees(node),
        argument_of_perigee: Angle::degrees(perigee),
        mean_anomaly: Angle::degrees(anomaly),
        ephemeris_type: 0,
        element_set: 1,
        revolution: 1,
    }
}
