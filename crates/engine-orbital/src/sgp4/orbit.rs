//! From mean elements to the state, in lanes: terms of long period, Kepler's equation, terms of short period, orientation.

use super::{
    averages::Averages,
    functions::Turn,
    kepler::{Anomaly, Form, solve},
    lanes::Lanes,
};
use crate::gravity::Constants;

/// States in lanes: kilometres and kilometres a second.
#[derive(Clone, Copy)]
pub(crate) struct States<L> {
    pub(crate) numbers: [L; 6],
    /// The lanes whose numbers hold; the others are left to the exact form.
    pub(crate) sound: u32,
}

/// The Earth in lanes.
#[derive(Clone, Copy)]
pub(crate) struct Earth<L> {
    half_j2: L,
    radius_km: L,
    speed_km_s: L,
}

impl<L: Lanes> Earth<L> {
    #[inline(always)]
    pub(crate) fn new(of: &Constants) -> Self {
        Self { half_j2: L::splat(0.5 * of.j2), radius_km: L::splat(of.radius_km), speed_km_s: L::splat(of.speed_km_s) }
    }
}

/// The ellipse with its terms of long period.
#[derive(Clone, Copy)]
pub(crate) struct Ellipse<L> {
    /// `e cos ω` and `e sin ω`.
    pub(crate) a: L,
    pub(crate) b: L,
    pub(crate) axis: L,
    /// `1 / √axis`.
    pub(crate) inverse_root: L,
    /// `√(1 - e²)`, its inverse, and `1 / (1 + √(1 - e²))`.
    pub(crate) beta: L,
    pub(crate) inverse_beta: L,
    pub(crate) inverse_one_beta: L,
}

/// Where the plane of the orbit lies.
#[derive(Clone, Copy)]
pub(crate) struct Plane<L> {
    pub(crate) node: Turn<L>,
    /// A small angle by which the node is farther.
    pub(crate) node_shift: L,
    pub(crate) inclination: Turn<L>,
}

/// The states that belong to mean elements.
#[inline(always)]
pub(crate) fn states<L: Lanes>(earth: &Earth<L>, of: &Averages<L>, form: Form) -> States<L> {
    let (one, zero) = (L::splat(1.0), L::splat(0.0));
    let e = of.eccentricity;
    let perigee = Turn::of(of.perigee);
    let inverse_axis = of.inverse_root * of.inverse_root;
    let scale = inverse_axis * e.times_from(e, one).inverse();
    let a = e * perigee.cos;
    let b = e.times_plus(perigee.sin, scale * of.long_ay);
    let shift = scale * of.long_l * a;
    let beta2 = one - a.times_plus(a, b * b);
    let inverse_beta = beta2.inverse_root();
    let beta = beta2 * inverse_beta;
    let ellipse = Ellipse {
        a,
        b,
        axis: of.axis,
        inverse_root: of.inverse_root,
        beta,
        inverse_beta,
        inverse_one_beta: (one + beta).inverse(),
    };
    let anomaly = solve(form, a, b, Turn::of(of.longitude), shift);
    let plane = Plane { node: Turn::of(of.node), node_shift: zero, inclination: of.inclination };
    let mut states = orient(earth, &ellipse, &anomaly, &plane);
    states.sound &= of.sound & anomaly.sound & L::splat(1.0e-6).below(beta2);
    states
}

/// Terms of short period, and the state.
#[inline(always)]
pub(crate) fn orient<L: Lanes>(
    earth: &Earth<L>,
    ellipse: &Ellipse<L>,
    anomaly: &Anomaly<L>,
    plane: &Plane<L>,
) -> States<L> {
    let (one, half) = (L::splat(1.0), L::splat(0.5));
    let (sin_i, cos_i) = (plane.inclination.sin, plane.inclination.cos);
    let cos2 = cos_i * cos_i;
    let (sin2, con41) = (one - cos2, cos2.times_plus(L::splat(3.0), -one));
    let inverse_axis = ellipse.inverse_root * ellipse.inverse_root;
    let inverse_semilatus = ellipse.inverse_beta * ellipse.inverse_beta * inverse_axis;
    let k1 = earth.half_j2 * inverse_semilatus;
    let k2 = k1 * inverse_semilatus;
    // The argument of latitude.
    let shared = anomaly.e_sin * ellipse.inverse_one_beta;
    let sin_u = ellipse.a.times_from(shared, anomaly.turn.sin - ellipse.b) * anomaly.inverse_distance;
    let cos_u = ellipse.b.times_plus(shared, anomaly.turn.cos - ellipse.a) * anomaly.inverse_distance;
    let u = Turn { sin: sin_u, cos: cos_u };
    let sin_2u = (sin_u + sin_u) * cos_u;
    let cos_2u = (sin_u + sin_u).times_from(sin_u, one);
    // Short period.
    let (k2_sin, k2_cos) = (k2 * sin_2u, k2 * cos_2u);
    let factor = cos2.times_plus(L::splat(-0.25 * 7.0), L::splat(0.25));
    let u = u.plus_small(k2_sin * factor);
    let turning = L::splat(1.5) * cos_i;
    let node = plane.node.plus_small(k2_sin.times_plus(turning, plane.node_shift));
    let inclination = plane.inclination.plus_small(k2_cos * (turning * sin_i));
    let r = ellipse.axis * anomaly.distance;
    let flattened = (k2 * ellipse.beta).times_from(L::splat(1.5) * con41, one);
    let radius = r.times_plus(flattened, half * sin2 * (k1 * cos_2u));
    let rate = k1 * inverse_axis * ellipse.inverse_root;
    let per_r = anomaly.inverse_distance * ellipse.inverse_root;
    let outward = (rate * sin2).times_from(sin_2u, anomaly.e_sin * per_r);
    let onward = rate.times_plus(sin2.times_plus(cos_2u, L::splat(1.5) * con41), ellipse.beta * per_r);
    let sound = L::splat(1.000_000_001).below(radius);
    // Orientation.
    let (mx, my) = (-(node.sin * inclination.cos), node.cos * inclination.cos);
    let up = [mx.times_plus(u.sin, node.cos * u.cos), my.times_plus(u.sin, node.sin * u.cos), inclination.sin * u.sin];
    let along =
        [mx.times_plus(u.cos, -(node.cos * u.sin)), my.times_plus(u.cos, -(node.sin * u.sin)), inclination.sin * u.cos];
    let radius_km = radius * earth.radius_km;
    let (outward, onward) = (outward * earth.speed_km_s, onward * earth.speed_km_s);
    let [ux, uy, uz] = up;
    let [vx, vy, vz] = along;
    let numbers = [
        radius_km * ux,
        radius_km * uy,
        radius_km * uz,
        outward.times_plus(ux, onward * vx),
        outward.times_plus(uy, onward * vy),
        outward.times_plus(uz, onward * vz),
    ];
    States { numbers, sound }
}
