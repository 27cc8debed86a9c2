//! The theory as published, step by step, for one satellite at one instant: the form that every faster one is measured against.
//!
//! Spacetrack Report #3 with the corrections of AIAA 2006-6753, improved mode.

use std::f64::consts::{PI, TAU};

use super::{
    Sgp4Error,
    deep::Deep,
    mean::{Long, Mean},
    resonance::{EARTH_RATE, Kind},
};
use crate::{State, Teme};

/// Mean elements at an instant; the axis with drag.
struct Osculating {
    axis: f64,
    motion: f64,
    eccentricity: f64,
    inclination: f64,
    node: f64,
    perigee: f64,
    anomaly: f64,
}

/// The secular part before deep space and drag are put in.
struct Secular {
    anomaly: f64,
    perigee: f64,
    node: f64,
    /// What drag does to the root of the axis, to the eccentricity and to the longitude.
    axis: f64,
    eccentricity: f64,
    longitude: f64,
}

/// Where a satellite is, so many minutes after epoch.
pub(crate) fn state(mean: &Mean, deep: Option<&Deep>, minutes: f64) -> Result<State<Teme>, Sgp4Error> {
    let mut now = averaged(mean, deep, minutes)?;
    let (mut sin_i, mut cos_i, mut long) = (mean.sin_inclination, mean.cos_inclination, mean.long);
    if let Some(deep) = deep {
        perturb(&mut now, deep, minutes);
        if !(0.0..=1.0).contains(&now.eccentricity) {
            return Err(Sgp4Error::PerturbedEccentricity);
        }
        (sin_i, cos_i) = now.inclination.sin_cos();
        long = Long::new(&mean.earth, sin_i, cos_i);
    }
    osculate(mean, &now, (sin_i, cos_i), long)
}

fn secular(mean: &Mean, t: f64) -> Secular {
    let drag = &mean.drag;
    let t2 = t * t;
    let anomaly = mean.anomaly + mean.anomaly_rate * t;
    let perigee = mean.perigee + mean.perigee_rate * t;
    let mut at = Secular {
        anomaly,
        perigee,
        node: mean.node + mean.node_rate * t + mean.node_drag * t2,
        axis: 1.0 - drag.c1 * t,
        eccentricity: drag.bc4 * t,
        longitude: drag.t2 * t2,
    };
    if !drag.is_simple {
        let cubed = (1.0 + drag.eta * anomaly.cos()).powi(3);
        let shift = drag.perigee_rate * t + drag.anomaly * (cubed - drag.delta_at_epoch);
        let (t3, t4) = (t2 * t, t2 * t * t);
        at.anomaly += shift;
        at.perigee -= shift;
        at.axis -= drag.d2 * t2 + drag.d3 * t3 + drag.d4 * t4;
        at.eccentricity += drag.bc5 * (at.anomaly.sin() - drag.sin_anomaly_at_epoch);
        at.longitude += drag.t3 * t3 + t4 * (drag.t4 + t * drag.t5);
    }
    at
}

/// Averaged elements: secular change by gravity, drag, Sun, Moon and resonance.
fn averaged(mean: &Mean, deep: Option<&Deep>, t: f64) -> Result<Osculating, Sgp4Error> {
    let mut at = secular(mean, t);
    let (mut motion, mut eccentricity, mut inclination) = (mean.motion, mean.eccentricity, mean.inclination);
    if let Some(deep) = deep {
        let rates = &deep.third_body.rates;
        eccentricity += rates.eccentricity * t;
        inclination += rates.inclination * t;
        at.perigee += rates.perigee * t;
        at.node += rates.node * t;
        at.anomaly += rates.anomaly * t;
        if let Some(resonance) = &deep.resonance {
            let sidereal = (deep.sidereal + t * EARTH_RATE) % TAU;
            let (longitude, resonant) = resonance.segment(t).at(t);
            motion = resonant;
            at.anomaly = match resonance.kind {
                Kind::HalfDay(_) => longitude - 2.0 * at.node + 2.0 * sidereal,
                Kind::Day(_) => longitude - at.node - at.perigee + sidereal,
            };
        }
    }
    if motion <= 0.0 {
        return Err(Sgp4Error::MeanMotion);
    }
    // Without resonance the motion is that of epoch.
    let axis = if motion == mean.motion { mean.axis } else { (mean.earth.ke / motion).powf(2.0 / 3.0) };
    let axis = axis * at.axis * at.axis;
    let motion = mean.earth.ke / (axis * axis.sqrt());
    eccentricity -= at.eccentricity;
    if !(-0.001..1.0).contains(&eccentricity) {
        return Err(Sgp4Error::MeanEccentricity);
    }
    let longitude = at.anomaly + mean.motion * at.longitude + at.perigee + at.node;
    // Whole turns matter only to the terms of Sun and Moon.
    let (node, perigee) =
        if deep.is_some() { (at.node % TAU, at.perigee.rem_euclid(TAU)) } else { (at.node, at.perigee) };
    let anomaly = longitude - perigee - node;
    let anomaly = if deep.is_some() { anomaly.rem_euclid(TAU) } else { anomaly };
    Ok(Osculating { axis, motion, eccentricity: eccentricity.max(1.0e-6), inclination, node, perigee, anomaly })
}

/// The long-period terms of Sun and Moon.
fn perturb(now: &mut Osculating, deep: &Deep, minutes: f64) {
    let by = deep.third_body.changes(minutes);
    now.inclination += by.inclination;
    now.eccentricity += by.eccentricity;
    let (sin_i, cos_i) = now.inclination.sin_cos();
    if now.inclination >= 0.2 {
        let node = by.node / sin_i;
        now.perigee += by.perigee - cos_i * node;
        now.node += node;
        now.anomaly += by.longitude;
    } else {
        // Lyddane's form, which has no sine of a small inclination below.
        let (sin_n, cos_n) = now.node.sin_cos();
        let alpha = sin_i * sin_n + by.node * cos_n + by.inclination * cos_i * sin_n;
        let beta = sin_i * cos_n - by.node * sin_n + by.inclination * cos_i * cos_n;
        let before = now.node % TAU;
        let longitude =
            now.anomaly + now.perigee + by.longitude + by.perigee + (cos_i - by.inclination * sin_i) * before;
        let mut node = alpha.atan2(beta);
        if (before - node).abs() > PI {
            node += if node < before { TAU } else { -TAU };
        }
        now.node = node;
        now.anomaly += by.longitude;
        now.perigee = longitude - now.anomaly - cos_i * node;
    }
    if now.inclination < 0.0 {
        now.inclination = -now.inclination;
        now.node += PI;
        now.perigee -= PI;
    }
}

/// Kepler's equation in the form with `a = e cos ω` and `b = e sin ω`: sine and cosine of the eccentric longitude.
fn kepler(u: f64, a: f64, b: f64) -> (f64, f64) {
    let mut eccentric = u;
    let (mut sin, mut cos) = (0.0, 1.0);
    for _ in 0..10 {
        (sin, cos) = eccentric.sin_cos();
        let full = (u - b * cos + a * sin - eccentric) / (1.0 - cos * a - sin * b);
        // Where the slope nearly vanishes a whole step would leap over the root.
        let step = full.clamp(-0.95, 0.95);
        eccentric += step;
        if full.abs() < 1.0e-12 {
            break;
        }
    }
    (sin, cos)
}

/// Terms of long and short period, and the state from them.
fn osculate(mean: &Mean, now: &Osculating, (sin_i, cos_i): (f64, f64), long: Long) -> Result<State<Teme>, Sgp4Error> {
    let earth = &mean.earth;
    let e = now.eccentricity;
    let (sin_w, cos_w) = now.perigee.sin_cos();
    let scale = 1.0 / (now.axis * (1.0 - e * e));
    let a = e * cos_w;
    let b = e * sin_w + scale * long.ay;
    let longitude = now.anomaly + now.perigee + now.node + scale * long.l * a;
    let (sin_e, cos_e) = kepler((longitude - now.node) % TAU, a, b);
    let e_cos = a * cos_e + b * sin_e;
    let e_sin = a * sin_e - b * cos_e;
    let e2 = a * a + b * b;
    let semilatus = now.axis * (1.0 - e2);
    if semilatus < 0.0 {
        return Err(Sgp4Error::SemiLatusRectum);
    }
    let r = now.axis * (1.0 - e_cos);
    let beta = (1.0 - e2).sqrt();
    let shared = e_sin / (1.0 + beta);
    let sin_u = now.axis / r * (sin_e - b - a * shared);
    let cos_u = now.axis / r * (cos_e - a + b * shared);
    let (sin_2u, cos_2u) = (2.0 * cos_u * sin_u, 1.0 - 2.0 * sin_u * sin_u);
    let k1 = 0.5 * earth.j2 / semilatus;
    let k2 = k1 / semilatus;
    let cos2 = cos_i * cos_i;
    let (con41, sin2, seven) = (3.0 * cos2 - 1.0, 1.0 - cos2, 7.0 * cos2 - 1.0);
    let radius = r * (1.0 - 1.5 * k2 * beta * con41) + 0.5 * k1 * sin2 * cos_2u;
    // The angle of latitude less a small one.
    let (sin, cos) = (0.25 * k2 * seven * sin_2u).sin_cos();
    let (sin_u, cos_u) = (sin_u * cos - cos_u * sin, cos_u * cos + sin_u * sin);
    let node = now.node + 1.5 * k2 * cos_i * sin_2u;
    let inclination = now.inclination + 1.5 * k2 * cos_i * sin_i * cos_2u;
    let outward = now.axis.sqrt() * e_sin / r - now.motion * k1 * sin2 * sin_2u / earth.ke;
    let onward = semilatus.sqrt() / r + now.motion * k1 * (sin2 * cos_2u + 1.5 * con41) / earth.ke;
    if radius < 1.0 {
        return Err(Sgp4Error::Decayed);
    }
    let (sin_n, cos_n) = node.sin_cos();
    let (sin_i, cos_i) = inclination.sin_cos();
    let (mx, my) = (-sin_n * cos_i, cos_n * cos_i);
    let up = [mx * sin_u + cos_n * cos_u, my * sin_u + sin_n * cos_u, sin_i * sin_u];
    let along = [mx * cos_u - cos_n * sin_u, my * cos_u - sin_n * sin_u, sin_i * cos_u];
    let position_km = up.map(|part| radius * part * earth.radius_km);
    let [ux, uy, uz] = up;
    let [vx, vy, vz] = along;
    let speed = |up: f64, along: f64| (outward * up + onward * along) * earth.speed_km_s;
    let velocity_km_s = [speed(ux, vx), speed(uy, vy), speed(uz, vz)];
    Ok(State::new(position_km, velocity_km_s))
}
