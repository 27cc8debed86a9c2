//! What Sun and Moon do to a satellite deep in space: secular rates, and terms of long period that turn with their longitudes.
//!
//! Spacetrack Report #3, section 10, with the corrections of AIAA 2006-6753.

use std::f64::consts::{PI, TAU};

use super::mean::Mean;

/// Secular rates by Sun and Moon, a minute.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Rates {
    pub(crate) eccentricity: f64,
    pub(crate) inclination: f64,
    pub(crate) perigee: f64,
    pub(crate) node: f64,
    pub(crate) anomaly: f64,
}

/// The long-period terms of one of the two bodies.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Periodics {
    /// Mean anomaly of the body at the satellite's epoch, radians.
    pub(crate) anomaly: f64,
    /// Coefficients of `F2`, `F3` and `sin f`, where `f` is the body's true anomaly to first order.
    pub(crate) eccentricity: [f64; 2],
    pub(crate) inclination: [f64; 2],
    pub(crate) longitude: [f64; 3],
    pub(crate) perigee: [f64; 3],
    pub(crate) node: [f64; 2],
}

/// Sun and Moon together.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct ThirdBody {
    pub(crate) rates: Rates,
    pub(crate) sun: Periodics,
    pub(crate) moon: Periodics,
}

/// Changes of the elements by the long-period terms of both bodies.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Changes {
    pub(crate) eccentricity: f64,
    pub(crate) inclination: f64,
    pub(crate) longitude: f64,
    pub(crate) perigee: f64,
    pub(crate) node: f64,
}

/// A body that disturbs: its mean motion (radians a minute), its eccentricity, and the strength of what it does.
pub(crate) struct Body {
    pub(crate) motion: f64,
    pub(crate) eccentricity: f64,
    strength: f64,
}

pub(crate) const SUN: Body = Body { motion: 1.19459e-5, eccentricity: 0.01675, strength: 2.986_479_7e-6 };
pub(crate) const MOON: Body = Body { motion: 1.583_521_8e-4, eccentricity: 0.05490, strength: 4.796_806_5e-7 };
/// Within three degrees of the equator the node's secular change is left out.
const LEAST_INCLINATION: f64 = 5.235_987_7e-2;

/// Sines and cosines of a body's perigee (`g`), inclination (`i`) and node (`h`), the node counted from the satellite's.
struct Orientation {
    sin_g: f64,
    cos_g: f64,
    sin_i: f64,
    cos_i: f64,
    sin_h: f64,
    cos_h: f64,
}

impl ThirdBody {
    /// `days` since 1949 December 31, 0h UTC.
    pub(crate) fn new(mean: &Mean, days: f64) -> Self {
        // From 1899 December 31, 12h, as the theory of the Moon counts.
        let day = days + 18261.5;
        let (sin_node, cos_node) = mean.node.sin_cos();
        let sun = Orientation {
            sin_g: -0.980_884_58,
            cos_g: 0.194_590_5,
            sin_i: 0.397_854_16,
            cos_i: 0.917_448_67,
            sin_h: sin_node,
            cos_h: cos_node,
        };
        let gam = 5.835_151_4 + 0.001_944_368_0 * day;
        let moon = moon_orientation(day, gam, sin_node, cos_node);
        let sun_anomaly = (6.256_583_7 + 0.017_201_977 * day) % TAU;
        let moon_anomaly = (4.719_967_2 + 0.229_971_50 * day - gam) % TAU;
        let (sun_rates, sun) = disturb(mean, &SUN, &sun, sun_anomaly);
        let (moon_rates, moon) = disturb(mean, &MOON, &moon, moon_anomaly);
        Self { rates: together(mean, &sun_rates, &moon_rates), sun, moon }
    }

    /// The changes `minutes` after epoch.
    pub(crate) fn changes(&self, minutes: f64) -> Changes {
        let (sun, moon) = (self.sun.changes(&SUN, minutes), self.moon.changes(&MOON, minutes));
        Changes {
            eccentricity: sun.eccentricity + moon.eccentricity,
            inclination: sun.inclination + moon.inclination,
            longitude: sun.longitude + moon.longitude,
            perigee: sun.perigee + moon.perigee,
            node: sun.node + moon.node,
        }
    }
}

impl Periodics {
    fn changes(&self, body: &Body, minutes: f64) -> Changes {
        let anomaly = self.anomaly + body.motion * minutes;
        let (sin, cos) = (anomaly + 2.0 * body.eccentricity * anomaly.sin()).sin_cos();
        let (f2, f3) = (0.5 * sin * sin - 0.25, -0.5 * sin * cos);
        let two = |[second, third]: [f64; 2]| second * f2 + third * f3;
        let three = |[second, third, first]: [f64; 3]| second * f2 + third * f3 + first * sin;
        Changes {
            eccentricity: two(self.eccentricity),
            inclination: two(self.inclination),
            longitude: three(self.longitude),
            perigee: three(self.perigee),
            node: two(self.node),
        }
    }
}

fn moon_orientation(day: f64, gam: f64, sin_node: f64, cos_node: f64) -> Orientation {
    let lunar_node = (4.523_602_0 - 9.242_202_9e-4 * day) % TAU;
    let (sin, cos) = lunar_node.sin_cos();
    let cos_i = 0.913_751_64 - 0.035_680_96 * cos;
    let sin_i = (1.0 - cos_i * cos_i).sqrt();
    let sin_h = 0.089_683_511 * sin / sin_i;
    let cos_h = (1.0 - sin_h * sin_h).sqrt();
    let turned = (0.397_854_16 * sin / sin_i).atan2(cos_h * cos + 0.917_448_67 * sin_h * sin);
    let (sin_g, cos_g) = (gam + turned - lunar_node).sin_cos();
    Orientation {
        sin_g,
        cos_g,
        sin_i,
        cos_i,
        sin_h: sin_node * cos_h - cos_node * sin_h,
        cos_h: cos_h * cos_node + sin_h * sin_node,
    }
}

/// Rates by one body; perigee and node are still without the division by the sine of the inclination.
fn disturb(mean: &Mean, body: &Body, at: &Orientation, anomaly: f64) -> (Rates, Periodics) {
    let Orientation { sin_g, cos_g, sin_i, cos_i, sin_h, cos_h } = *at;
    let (sin_w, cos_w) = mean.perigee.sin_cos();
    let (sin_m, cos_m) = (mean.sin_inclination, mean.cos_inclination);
    let e = mean.eccentricity;
    let e2 = e * e;
    let a1 = cos_g * cos_h + sin_g * cos_i * sin_h;
    let a3 = -sin_g * cos_h + cos_g * cos_i * sin_h;
    let a7 = -cos_g * sin_h + sin_g * cos_i * cos_h;
    let a8 = sin_g * sin_i;
    let a9 = sin_g * sin_h + cos_g * cos_i * cos_h;
    let a10 = cos_g * sin_i;
    let a2 = cos_m * a7 + sin_m * a8;
    let a4 = cos_m * a9 + sin_m * a10;
    let a5 = -sin_m * a7 + cos_m * a8;
    let a6 = -sin_m * a9 + cos_m * a10;
    let x1 = a1 * cos_w + a2 * sin_w;
    let x2 = a3 * cos_w + a4 * sin_w;
    let x3 = -a1 * sin_w + a2 * cos_w;
    let x4 = -a3 * sin_w + a4 * cos_w;
    let (x5, x6, x7, x8) = (a5 * sin_w, a6 * sin_w, a5 * cos_w, a6 * cos_w);
    let z31 = 12.0 * x1 * x1 - 3.0 * x3 * x3;
    let z32 = 24.0 * x1 * x2 - 6.0 * x3 * x4;
    let z33 = 12.0 * x2 * x2 - 3.0 * x4 * x4;
    let z11 = -6.0 * a1 * a5 + e2 * (-24.0 * x1 * x7 - 6.0 * x3 * x5);
    let z12 = -6.0 * (a1 * a6 + a3 * a5) + e2 * (-24.0 * (x2 * x7 + x1 * x8) - 6.0 * (x3 * x6 + x4 * x5));
    let z13 = -6.0 * a3 * a6 + e2 * (-24.0 * x2 * x8 - 6.0 * x4 * x6);
    let z21 = 6.0 * a2 * a5 + e2 * (24.0 * x1 * x5 - 6.0 * x3 * x7);
    let z22 = 6.0 * (a4 * a5 + a2 * a6) + e2 * (24.0 * (x2 * x5 + x1 * x6) - 6.0 * (x4 * x7 + x3 * x8));
    let z23 = 6.0 * a4 * a6 + e2 * (24.0 * x2 * x6 - 6.0 * x4 * x8);
    let beta2 = 1.0 - e2;
    let doubled = |sum: f64, z: f64| 2.0 * (sum + z * e2) + beta2 * z;
    let z1 = doubled(3.0 * (a1 * a1 + a2 * a2), z31);
    let z2 = doubled(6.0 * (a1 * a3 + a2 * a4), z32);
    let z3 = doubled(3.0 * (a3 * a3 + a4 * a4), z33);
    let s3 = body.strength / mean.motion;
    let s2 = -0.5 * s3 / beta2.sqrt();
    let s4 = s3 * beta2.sqrt();
    let s1 = -15.0 * e * s4;
    let (s5, s6, s7) = (x1 * x3 + x2 * x4, x2 * x3 + x1 * x4, x2 * x4 - x1 * x3);
    let n = body.motion;
    let rates = Rates {
        eccentricity: s1 * n * s5,
        inclination: s2 * n * (z11 + z13),
        perigee: s4 * n * (z31 + z33 - 6.0),
        node: -n * s2 * (z21 + z23),
        anomaly: -n * s3 * (z1 + z3 - 14.0 - 6.0 * e2),
    };
    let periodics = Periodics {
        anomaly,
        eccentricity: [2.0 * s1 * s6, 2.0 * s1 * s7],
        inclination: [2.0 * s2 * z12, 2.0 * s2 * (z13 - z11)],
        longitude: [-2.0 * s3 * z2, -2.0 * s3 * (z3 - z1), -2.0 * s3 * (-21.0 - 9.0 * e2) * body.eccentricity],
        perigee: [2.0 * s4 * z32, 2.0 * s4 * (z33 - z31), -18.0 * s4 * body.eccentricity],
        node: [-2.0 * s2 * z22, -2.0 * s2 * (z23 - z21)],
    };
    (rates, periodics)
}

fn together(mean: &Mean, sun: &Rates, moon: &Rates) -> Rates {
    let (sin, cos) = (mean.sin_inclination, mean.cos_inclination);
    let is_level = mean.inclination < LEAST_INCLINATION || mean.inclination > PI - LEAST_INCLINATION;
    let node = |rates: &Rates| if is_level || sin == 0.0 { 0.0 } else { rates.node / sin };
    let (sun_node, moon_node) = (node(sun), node(moon));
    Rates {
        eccentricity: sun.eccentricity + moon.eccentricity,
        inclination: sun.inclination + moon.inclination,
        anomaly: sun.anomaly + moon.anomaly,
        perigee: sun.perigee - cos * sun_node + moon.perigee - cos * moon_node,
        node: sun_node + moon_node,
    }
}
