//! The mean motion of a satellite: what its elements give once and for all, before any instant is asked for.
//!
//! Symbols are those of Spacetrack Report #3 (Hoots and Roehrich 1980) with the corrections of AIAA 2006-6753.

use super::Sgp4Error;
use crate::{Elements, gravity::Constants};

/// What is constant for a satellite: elements at epoch, secular rates, drag coefficients. Radians, minutes, Earth radii.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Mean {
    pub(crate) earth: Constants,
    pub(crate) eccentricity: f64,
    pub(crate) inclination: f64,
    pub(crate) node: f64,
    pub(crate) perigee: f64,
    pub(crate) anomaly: f64,
    /// Mean motion of Brouwer's theory, radians a minute.
    pub(crate) motion: f64,
    /// Semi-major axis that belongs to it.
    pub(crate) axis: f64,
    pub(crate) node_rate: f64,
    pub(crate) perigee_rate: f64,
    pub(crate) anomaly_rate: f64,
    /// Minutes²: what drag does to the node.
    pub(crate) node_drag: f64,
    pub(crate) drag: Drag,
    /// Of the long-period terms: to `e sin ω`, and to the mean longitude for each `e cos ω`.
    pub(crate) long: Long,
    pub(crate) sin_inclination: f64,
    pub(crate) cos_inclination: f64,
}

/// Drag: the coefficients of the powers of time, and of the terms that turn with the anomaly.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Drag {
    pub(crate) c1: f64,
    /// B* C4 and B* C5.
    pub(crate) bc4: f64,
    pub(crate) bc5: f64,
    pub(crate) t2: f64,
    /// Everything from here on is zero for low perigees and for deep space, where the theory leaves it out.
    pub(crate) d2: f64,
    pub(crate) d3: f64,
    pub(crate) d4: f64,
    pub(crate) t3: f64,
    pub(crate) t4: f64,
    pub(crate) t5: f64,
    pub(crate) eta: f64,
    pub(crate) perigee_rate: f64,
    pub(crate) anomaly: f64,
    /// `(1 + η cos M₀)³` and `sin M₀`.
    pub(crate) delta_at_epoch: f64,
    pub(crate) sin_anomaly_at_epoch: f64,
    pub(crate) is_simple: bool,
}

/// Coefficients of the long-period terms.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Long {
    pub(crate) ay: f64,
    pub(crate) l: f64,
}

impl Long {
    pub(crate) fn new(earth: &Constants, sin_i: f64, cos_i: f64) -> Self {
        // At an inclination of 180° the divisor vanishes with the numerator; the theory puts this in its place.
        let divisor = if (cos_i + 1.0).abs() > SMALLEST_DIVISOR { 1.0 + cos_i } else { SMALLEST_DIVISOR };
        Self {
            ay: -0.5 * earth.j3_over_j2 * sin_i,
            l: -0.25 * earth.j3_over_j2 * sin_i * (3.0 + 5.0 * cos_i) / divisor,
        }
    }
}

pub(crate) const SMALLEST_DIVISOR: f64 = 1.5e-12;
/// From this period on a satellite is deep in space.
const DEEP_PERIOD_MINUTES: f64 = 225.0;
const MINUTES_A_DAY: f64 = 1440.0;

impl Mean {
    pub(crate) fn new(elements: &Elements, earth: Constants) -> Result<Self, Sgp4Error> {
        let kozai = elements.mean_motion_revolutions_per_day * std::f64::consts::TAU / MINUTES_A_DAY;
        let e = elements.eccentricity;
        if !(kozai > 0.0 && kozai.is_finite() && (0.0..1.0).contains(&e)) {
            return Err(Sgp4Error::InvalidElements);
        }
        let inclination = elements.inclination.to_radians();
        let (sin_i, cos_i) = inclination.sin_cos();
        let motion = brouwer(kozai, e, cos_i, &earth);
        let axis = (earth.ke / motion).powf(2.0 / 3.0);
        let mut mean = Self {
            earth,
            eccentricity: e,
            inclination,
            node: elements.ascending_node.to_radians(),
            perigee: elements.argument_of_perigee.to_radians(),
            anomaly: elements.mean_anomaly.to_radians(),
            motion,
            axis,
            node_rate: 0.0,
            perigee_rate: 0.0,
            anomaly_rate: 0.0,
            node_drag: 0.0,
            drag: Drag::default(),
            long: Long::new(&earth, sin_i, cos_i),
            sin_inclination: sin_i,
            cos_inclination: cos_i,
        };
        let kozai_node_rate = mean.set_rates(axis);
        mean.set_drag(axis, elements.bstar);
        mean.node_drag = 3.5 * (1.0 - e * e) * kozai_node_rate * mean.drag.c1;
        if mean.is_finite() { Ok(mean) } else { Err(Sgp4Error::InvalidElements) }
    }

    pub(crate) fn is_deep_space(&self) -> bool {
        std::f64::consts::TAU / self.motion >= DEEP_PERIOD_MINUTES
    }

    /// Secular rates by J2, J2² and J4. Answers the first-order rate of the node, on which its drag is based.
    fn set_rates(&mut self, axis: f64) -> f64 {
        let Constants { j2, j4, .. } = self.earth;
        let cos2 = self.cos_inclination * self.cos_inclination;
        let cos4 = cos2 * cos2;
        let beta2 = 1.0 - self.eccentricity * self.eccentricity;
        let beta = beta2.sqrt();
        let semilatus = axis * beta2;
        let inverse2 = 1.0 / (semilatus * semilatus);
        let first = 1.5 * j2 * inverse2 * self.motion;
        let second = 0.5 * first * j2 * inverse2;
        let fourth = -0.46875 * j4 * inverse2 * inverse2 * self.motion;
        let node_first = -first * self.cos_inclination;
        self.anomaly_rate = self.motion
            + 0.5 * first * beta * (3.0 * cos2 - 1.0)
            + 0.0625 * second * beta * (13.0 - 78.0 * cos2 + 137.0 * cos4);
        self.perigee_rate = -0.5 * first * (1.0 - 5.0 * cos2)
            + 0.0625 * second * (7.0 - 114.0 * cos2 + 395.0 * cos4)
            + fourth * (3.0 - 36.0 * cos2 + 49.0 * cos4);
        self.node_rate = node_first
            + (0.5 * second * (4.0 - 19.0 * cos2) + 2.0 * fourth * (3.0 - 7.0 * cos2)) * self.cos_inclination;
        node_first
    }

    fn set_drag(&mut self, axis: f64, bstar: f64) {
        let Constants { radius_km, j2, j3_over_j2, .. } = self.earth;
        let (e, n) = (self.eccentricity, self.motion);
        let cos2 = self.cos_inclination * self.cos_inclination;
        let con41 = 3.0 * cos2 - 1.0;
        let beta2 = 1.0 - e * e;
        let perigee_radius = axis * (1.0 - e);
        let (s4, q4) = atmosphere((perigee_radius - 1.0) * radius_km, radius_km);
        let tsi = 1.0 / (axis - s4);
        let eta = axis * e * tsi;
        let eta2 = eta * eta;
        let e_eta = e * eta;
        let psi2 = (1.0 - eta2).abs();
        let coef = q4 * tsi.powi(4);
        let coef1 = coef / psi2.powf(3.5);
        let c2 = coef1
            * n
            * (axis * (1.0 + 1.5 * eta2 + e_eta * (4.0 + eta2))
                + 0.375 * j2 * tsi / psi2 * con41 * (8.0 + 3.0 * eta2 * (8.0 + eta2)));
        let c1 = bstar * c2;
        let c4 = 2.0
            * n
            * coef1
            * axis
            * beta2
            * (eta * (2.0 + 0.5 * eta2) + e * (0.5 + 2.0 * eta2)
                - j2 * tsi / (axis * psi2)
                    * (-3.0 * con41 * (1.0 - 2.0 * e_eta + eta2 * (1.5 - 0.5 * e_eta))
                        + 0.75 * (1.0 - cos2) * (2.0 * eta2 - e_eta * (1.0 + eta2)) * (2.0 * self.perigee).cos()));
        let simple = Drag { c1, bc4: bstar * c4, t2: 1.5 * c1, is_simple: true, ..Drag::default() };
        if self.is_deep_space() || perigee_radius < 220.0 / radius_km + 1.0 {
            self.drag = simple;
            return;
        }
        let c5 = 2.0 * coef1 * axis * beta2 * (1.0 + 2.75 * (eta2 + e_eta) + e_eta * eta2);
        // Both divide by the eccentricity, so circles go without.
        let (c3, anomaly) = if e > 1.0e-4 {
            let c3 = -2.0 * coef * tsi * j3_over_j2 * n * self.sin_inclination / e;
            (c3, -2.0 / 3.0 * coef * bstar / e_eta)
        } else {
            (0.0, 0.0)
        };
        let c1_2 = c1 * c1;
        let d2 = 4.0 * axis * tsi * c1_2;
        let shared = d2 * tsi * c1 / 3.0;
        let d3 = (17.0 * axis + s4) * shared;
        let d4 = 0.5 * shared * axis * tsi * (221.0 * axis + 31.0 * s4) * c1;
        self.drag = Drag {
            bc5: bstar * c5,
            d2,
            d3,
            d4,
            t3: d2 + 2.0 * c1_2,
            t4: 0.25 * (3.0 * d3 + c1 * (12.0 * d2 + 10.0 * c1_2)),
            t5: 0.2 * (3.0 * d4 + 12.0 * c1 * d3 + 6.0 * d2 * d2 + 15.0 * c1_2 * (2.0 * d2 + c1_2)),
            eta,
            perigee_rate: bstar * c3 * self.perigee.cos(),
            anomaly,
            delta_at_epoch: (1.0 + eta * self.anomaly.cos()).powi(3),
            sin_anomaly_at_epoch: self.anomaly.sin(),
            is_simple: false,
            ..simple
        };
    }

    fn is_finite(&self) -> bool {
        let Drag { c1, bc4, bc5, t5, d4, anomaly, perigee_rate, .. } = self.drag;
        let angles = [self.inclination, self.node, self.perigee, self.anomaly];
        let rates = [self.motion, self.node_rate, self.perigee_rate, self.anomaly_rate, self.node_drag];
        let drag = [c1, bc4, bc5, t5, d4, anomaly, perigee_rate];
        self.motion > 0.0 && angles.iter().chain(&rates).chain(&drag).all(|value| value.is_finite())
    }
}

/// From the mean motion in Kozai's sense, in which elements are published, to Brouwer's, in which the theory computes.
fn brouwer(kozai: f64, e: f64, cos_i: f64, earth: &Constants) -> f64 {
    let beta2 = 1.0 - e * e;
    let axis = (earth.ke / kozai).powf(2.0 / 3.0);
    let d1 = 0.75 * earth.j2 * (3.0 * cos_i * cos_i - 1.0) / (beta2.sqrt() * beta2);
    let del = d1 / (axis * axis);
    let axis = axis * (1.0 - del * del - del * (1.0 / 3.0 + 134.0 * del * del / 81.0));
    kozai / (1.0 + d1 / (axis * axis))
}

/// The height of the atmosphere's layer and its density constant, in Earth radii: lower for perigees below 156 km.
fn atmosphere(perigee_km: f64, radius_km: f64) -> (f64, f64) {
    let base_km = if perigee_km < 98.0 {
        20.0
    } else if perigee_km < 156.0 {
        perigee_km - 78.0
    } else {
        78.0
    };
    (base_km / radius_km + 1.0, ((120.0 - base_km) / radius_km).powi(4))
}
