//! One satellite over a grid, for what most satellites are: nearly circular, near the Earth, with drag.
//!
//! In a stretch all factors of the terms of short period change so little that a straight line holds them, and what they come from (axis, semi-latus
//! rectum, powers of the inclination's cosine) is needed no more. An instant costs about 160 operations.

use super::{
    constants::{Constants, at},
    fit::{self, Cubic, Line, NODES, Quadratic, Values},
    functions::Turn,
    kepler::{Anomaly, Form, NEARLY_CIRCULAR, solve},
    lanes::{Lanes, all},
    mean::Mean,
    single::{Nodes, Runner, Single, angle_tolerance, value},
};

/// What fits may leave out of angles, of kilometres, and of kilometres a second.
const ANGLE: f64 = 3.0e-12;
const KM: f64 = 2.0e-8;
const KM_S: f64 = 2.0e-8;
/// So many groups of lanes are computed before they are brought out.
const GROUPS: usize = 16;
/// A node that drag bends by no more can be turned by three powers.
const NODE_BEND: f64 = 2.0e-4;

/// What is fitted over a stretch.
pub(super) struct Round {
    half: f64,
    middle: f64,
    longitude: Cubic,
    node: Quadratic,
    eccentricity: Line,
    /// What the third zonal harmonic adds to `e sin ω`, and to the longitude for each `e cos ω`.
    long: Line,
    factor: Line,
    /// By `sin 2u` the argument of latitude and the node are turned, by `cos 2u` the inclination.
    latitude: Line,
    node_turn: Line,
    inclination: Line,
    /// Kilometres: of the radius for each `1 - e cos E`, and for each `cos 2u`.
    radius: Quadratic,
    swell: Line,
    /// Kilometres a second.
    outward: Line,
    onward: Line,
    sway: f64,
    push: f64,
}

impl Single<'_> {
    /// The fits, where the orbit is of this kind and they leave out little enough.
    #[inline(always)]
    pub(super) fn round(&self, nodes: &Nodes, half: f64, middle: f64) -> Option<Round> {
        let bc5 = self.mean.drag.bc5.abs();
        let e_max = nodes.eccentricity.iter().copied().fold(0.0, f64::max);
        let e_min = nodes.eccentricity.iter().copied().fold(1.0, f64::min);
        // Below its least eccentricity the exact form takes that; the nodes do not reach the ends of the stretch.
        let e_least = e_min - 0.25 * (e_max - e_min);
        let long_max = nodes.long.iter().map(|value| value.abs()).fold(0.0, f64::max);
        if e_least < 1.0e-6 + 2.0 * bc5 || e_max * bc5 > 1.0e-9 || long_max + e_max + 0.01 > NEARLY_CIRCULAR {
            return None;
        }
        let (longitude, longitude_left) = fit::cubic(&nodes.longitude);
        let (node, node_left) = fit::quadratic(&nodes.node);
        let [_, _, c2, c3] = longitude;
        let bends = c2.abs() + c3.abs() < 0.01 && node[2].abs() < NODE_BEND;
        if longitude_left > angle_tolerance(&nodes.longitude) || node_left > angle_tolerance(&nodes.node) || !bends {
            return None;
        }
        let terms = Terms::new(self.mean, nodes);
        let fitted = terms.lines(nodes, e_max).map(|(values, most)| {
            let (line, left) = fit::line(&values);
            (line, left <= most)
        });
        let (radius, radius_left) = fit::quadratic(&terms.radius);
        // What is a thousandth of the speed stays as it is in the middle.
        let (sway, sway_left) = fit::constant(&terms.sway);
        let (push, push_left) = fit::constant(&terms.push);
        let is_good =
            fitted.iter().all(|(_, is_good)| *is_good) && radius_left <= KM && sway_left <= KM_S && push_left <= KM_S;
        let [eccentricity, long, factor, latitude, node_turn, inclination, swell, outward, onward] =
            fitted.map(|(line, _)| line);
        is_good.then_some(Round {
            half,
            middle,
            longitude,
            node,
            eccentricity,
            long,
            factor,
            latitude,
            node_turn,
            inclination,
            radius,
            swell,
            outward,
            onward,
            sway,
            push,
        })
    }

    /// Goes through a stretch by its fits: in bundles, and through each in three strides, so that few numbers are in hand at a time and the processor
    /// has several groups of lanes to work on while one waits for its last result.
    #[inline(always)]
    pub(super) fn go_round<L: Lanes>(&mut self, constants: &Constants, fits: &Round, from: usize, to: usize) {
        let per_row = self.per_row() / fits.half;
        let step = per_row * L::WIDTH as f64;
        let x = L::each(|lane| lane as f64 * per_row - 1.0);
        let mut ellipses = Ellipses::new(constants, fits, x, step);
        let mut node = Runner::new(fits.node[0], fits.node[1], x, step);
        let mut later = x;
        let ground = L::splat(self.mean.earth.radius_km * 1.000_000_001);
        let (c, steps) = (&constants.0, L::splat(step));
        let base = Turn { sin: L::splat(c[at::SIN_INCLINATION]), cos: L::splat(c[at::COS_INCLINATION]) };
        let mut sound = all::<L>();
        let mut slots = [Slot::empty(); GROUPS];
        let mut row = from;
        while row < to {
            let count = (to - row).min(GROUPS * L::WIDTH);
            let groups = count.div_ceil(L::WIDTH);
            for slot in slots.iter_mut().take(groups) {
                ellipses.next(constants, fits, slot);
            }
            for slot in slots.iter_mut().take(groups) {
                slot.eccentric = solve(Form::Circle, slot.a, slot.b, slot.longitude, slot.shift);
            }
            for slot in slots.iter_mut().take(groups) {
                let radius = slot.finish(fits, later, node.now, base);
                sound &= ground.below(radius);
                node.go_on();
                later = later + steps;
            }
            self.into.bring(slots.iter().take(groups).map(|slot| &slot.numbers), row, row + count);
            row += count;
        }
        if sound != all::<L>() {
            self.decayed(from, to);
        }
    }

    /// Asks the exact form wherever a satellite is down.
    #[inline(never)]
    fn decayed(&mut self, from: usize, to: usize) {
        let ground = (self.mean.earth.radius_km * 1.000_000_002).powi(2);
        for row in from..to {
            let [x, y, z] = self.into.position(row);
            // Not so, also where they are no numbers.
            let is_up = x * x + y * y + z * z > ground;
            if !is_up {
                self.exactly(row);
            }
        }
    }
}

/// What the terms of short period are made of, at the nodes.
struct Terms {
    k1: Values,
    k2: Values,
    sin_i: f64,
    cos_i: f64,
    radius_km: f64,
    radius: Values,
    outward: Values,
    onward: Values,
    sway: Values,
    push: Values,
}

impl Terms {
    #[inline(always)]
    fn new(mean: &Mean, nodes: &Nodes) -> Self {
        let (earth, sin_i, cos_i) = (&mean.earth, mean.sin_inclination, mean.cos_inclination);
        let (sin2, con41) = (sin_i * sin_i, 3.0 * cos_i * cos_i - 1.0);
        let semilatus = each(|at| (nodes.inverse_beta[at] * nodes.inverse_root[at]).powi(2));
        let k1 = semilatus.map(|inverse| 0.5 * earth.j2 * inverse);
        let k2 = each(|at| k1[at] * semilatus[at]);
        let beta = nodes.inverse_beta.map(|inverse| 1.0 / inverse);
        let outward = nodes.inverse_root.map(|root| root * earth.speed_km_s);
        let rate = each(|at| k1[at] * nodes.inverse_root[at].powi(2) * outward[at]);
        Self {
            k1,
            k2,
            sin_i,
            cos_i,
            radius_km: earth.radius_km,
            radius: each(|at| nodes.axis[at] * earth.radius_km * (1.0 - 1.5 * con41 * k2[at] * beta[at])),
            outward,
            onward: each(|at| outward[at] * beta[at]),
            sway: rate.map(|rate| rate * sin2),
            push: rate.map(|rate| rate * 1.5 * con41),
        }
    }

    /// What is fitted by straight lines, with how much these may leave out, in the order of [`Round`].
    #[inline(always)]
    fn lines(&self, nodes: &Nodes, e_max: f64) -> [(Values, f64); 9] {
        let Self { k1, k2, sin_i, cos_i, radius_km, .. } = *self;
        [
            (nodes.eccentricity, ANGLE),
            (nodes.long, ANGLE),
            (nodes.factor, ANGLE / e_max),
            (k2.map(|k2| k2 * 0.25 * (1.0 - 7.0 * cos_i * cos_i)), ANGLE),
            (k2.map(|k2| k2 * 1.5 * cos_i), ANGLE),
            (k2.map(|k2| k2 * 1.5 * cos_i * sin_i), ANGLE),
            (k1.map(|k1| k1 * 0.5 * sin_i * sin_i * radius_km), KM),
            (self.outward, KM_S),
            (self.onward, KM_S),
        ]
    }
}

/// A value for each node.
#[inline(always)]
fn each(value: impl Fn(usize) -> f64) -> Values {
    std::array::from_fn::<f64, NODES, _>(value)
}

/// A group of lanes between the strides.
#[derive(Clone, Copy)]
struct Slot<L> {
    a: L,
    b: L,
    longitude: Turn<L>,
    shift: L,
    eccentric: Anomaly<L>,
    numbers: [L; 6],
}

/// The first stride: ellipse and mean longitude, one group of lanes after the other.
struct Ellipses<L> {
    x: L,
    steps: L,
    longitude: Runner<L>,
    anomaly: Runner<L>,
    perigee: Runner<L>,
    late: Turn<L>,
}

impl<L: Lanes> Ellipses<L> {
    #[inline(always)]
    fn new(constants: &Constants, fits: &Round, x: L, step: f64) -> Self {
        let c = &constants.0;
        let at_middle = |start: usize, rate: usize| (c[start] + c[rate] * fits.middle, c[rate] * fits.half);
        let (anomaly, anomaly_rate) = at_middle(at::ANOMALY, at::ANOMALY_RATE);
        let (perigee, perigee_rate) = at_middle(at::PERIGEE, at::PERIGEE_RATE);
        let (late, later) = (c[at::PERIGEE_DRAG] * fits.middle, c[at::PERIGEE_DRAG] * fits.half);
        let (sin, cos) = late.sin_cos();
        Self {
            x,
            steps: L::splat(step),
            longitude: Runner::new(fits.longitude[0], fits.longitude[1], x, step),
            anomaly: Runner::new(anomaly, anomaly_rate, x, step),
            perigee: Runner::new(perigee - late, perigee_rate - later, x, step),
            late: Turn { sin: L::splat(sin), cos: L::splat(cos) },
        }
    }

    #[inline(always)]
    fn next(&mut self, constants: &Constants, fits: &Round, slot: &mut Slot<L>) {
        let (c, x, one) = (&constants.0, self.x, L::splat(1.0));
        // Drag turns the perigee back and takes from the eccentricity as the anomaly goes round.
        let of = self.anomaly.now;
        let base = L::splat(c[at::ETA]).times_plus(of.cos, one);
        let shift = L::splat(c[at::ANOMALY_DRAG]) * (base * base).times_plus(base, L::splat(-c[at::DELTA]));
        let turned = (shift + self.late.sin).times_plus(of.cos, of.sin * self.late.cos);
        let e = L::splat(c[at::BC5]).times_from(turned, value(x, &fits.eccentricity));
        let cos_shift = (shift * L::splat(-0.5)).times_plus(shift, one);
        let Turn { sin, cos } = self.perigee.now;
        slot.a = e * cos.times_plus(cos_shift, sin * shift);
        slot.b = e.times_plus(shift.times_from(cos, sin * cos_shift), value(x, &fits.long));
        let bend = value(x, &[fits.longitude[2], fits.longitude[3]]) * (x * x);
        slot.shift = value(x, &fits.factor).times_plus(slot.a, bend);
        slot.longitude = self.longitude.now;
        self.longitude.go_on();
        self.anomaly.go_on();
        self.perigee.go_on();
        self.x = x + self.steps;
    }
}

impl<L: Lanes> Slot<L> {
    #[inline(always)]
    fn empty() -> Self {
        let zero = L::splat(0.0);
        let turn = Turn { sin: zero, cos: zero };
        let eccentric = Anomaly { turn, e_sin: zero, distance: zero, inverse_distance: zero, sound: 0 };
        Self { a: zero, b: zero, longitude: turn, shift: zero, eccentric, numbers: [zero; 6] }
    }

    /// The last stride: terms of short period, and the state. Answers the radius.
    #[inline(always)]
    fn finish(&mut self, fits: &Round, x: L, node: Turn<L>, base: Turn<L>) -> L {
        let Self { a, b, eccentric, .. } = *self;
        // The argument of latitude. 1 / (1 + √(1 - e²)) by its series: what is left out is 1e-11 for the longest of these.
        let e2 = a.times_plus(a, b * b);
        let inverse = e2.times_plus(e2.times_plus(L::splat(0.0625), L::splat(0.125)), L::splat(0.5));
        let shared = eccentric.e_sin * inverse;
        let sin_u = a.times_from(shared, eccentric.turn.sin - b) * eccentric.inverse_distance;
        let cos_u = b.times_plus(shared, eccentric.turn.cos - a) * eccentric.inverse_distance;
        let twice = sin_u + sin_u;
        let (sin_2u, cos_2u) = (twice * cos_u, twice.times_from(sin_u, L::splat(1.0)));
        let u = Turn { sin: sin_u, cos: cos_u }.plus_tiny(value(x, &fits.latitude) * sin_2u);
        let bend = L::splat(fits.node[2]) * (x * x);
        let node = node.plus_tiny(value(x, &fits.node_turn).times_plus(sin_2u, bend));
        let inclination = tilted(base, value(x, &fits.inclination) * cos_2u);
        let radius = value(x, &fits.radius).times_plus(eccentric.distance, value(x, &fits.swell) * cos_2u);
        let along = eccentric.e_sin * eccentric.inverse_distance;
        let sway = L::splat(fits.sway);
        let outward = sway.times_from(sin_2u, value(x, &fits.outward) * along);
        let onward = value(x, &fits.onward).times_plus(eccentric.inverse_distance, L::splat(fits.push));
        let onward = sway.times_plus(cos_2u, onward);
        self.numbers = oriented(u, node, inclination, radius, [outward, onward]);
        radius
    }
}

/// An inclination that is turned by a small angle.
#[inline(always)]
fn tilted<L: Lanes>(Turn { sin, cos }: Turn<L>, by: L) -> Turn<L> {
    let half = by * L::splat(0.5);
    Turn { sin: by.times_plus(half.times_from(sin, cos), sin), cos: by.times_from(half.times_plus(cos, sin), cos) }
}

/// Position and velocity from the argument of latitude, node, inclination, radius, and the speeds along the radius and across.
#[inline(always)]
fn oriented<L: Lanes>(u: Turn<L>, n: Turn<L>, i: Turn<L>, radius: L, [outward, onward]: [L; 2]) -> [L; 6] {
    let (mx, my) = (n.sin * i.cos, n.cos * i.cos);
    let (ux, uy, uz) = (mx.times_from(u.sin, n.cos * u.cos), my.times_plus(u.sin, n.sin * u.cos), i.sin * u.sin);
    // Backwards in x, so that no sign is turned.
    let (vx, vy, vz) = (mx.times_plus(u.cos, n.cos * u.sin), n.sin.times_from(u.sin, my * u.cos), i.sin * u.cos);
    [
        radius * ux,
        radius * uy,
        radius * uz,
        onward.times_from(vx, outward * ux),
        onward.times_plus(vy, outward * uy),
        onward.times_plus(vz, outward * uz),
    ]
}
