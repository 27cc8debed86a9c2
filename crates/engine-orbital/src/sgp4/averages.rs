//! Mean elements at an instant, in lanes: what [`exact`](super::exact) computes up to Kepler's equation, without its branches.

use std::f64::consts::{PI, TAU};

use super::{
    constants::{Source, at},
    functions::{Turn, direction},
    lanes::{Lanes, all},
    resonance::EARTH_RATE,
    third_body::{MOON, SUN},
};

/// Mean elements in lanes. Angles are not brought into one turn.
#[derive(Clone, Copy)]
pub(crate) struct Averages<L> {
    pub(crate) axis: L,
    /// `1 / √axis`.
    pub(crate) inverse_root: L,
    pub(crate) eccentricity: L,
    pub(crate) perigee: L,
    pub(crate) node: L,
    /// Mean anomaly and argument of perigee together.
    pub(crate) longitude: L,
    pub(crate) inclination: Turn<L>,
    /// What belongs to `e sin ω` by the third zonal harmonic, and to the longitude for each `e cos ω`, for a semi-latus rectum of 1.
    pub(crate) long_ay: L,
    pub(crate) long_l: L,
    /// The lanes in which all of this holds; the others are left to the exact form.
    pub(crate) sound: u32,
}

/// Whether the drag terms that turn with the anomaly are put in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Terms {
    All,
    Slow,
}

/// Longer ellipses are left to the exact form: near their perigee the last digits of the mean anomaly are metres.
const LONGEST: f64 = 0.95;
/// Near the Earth no longer one clears the ground; what drag makes of an orbit on paper may leave the exact form's iteration unfinished.
const LONGEST_NEAR: f64 = 0.55;
/// Cosine of the inclination. Orbits that run against the Earth along the equator are left to the exact form: its terms divide by what
/// is next to nothing there, and each form loses digits in its own way.
const RETROGRADE: f64 = -0.9999;
/// So are orbits that drag has brought farther than this: powers of time run away, and with them the digits.
const DRAG_RADIANS: f64 = 1000.0;

#[inline(always)]
fn s<L: Lanes>(value: f64) -> L {
    L::splat(value)
}

/// Near the Earth, `t` minutes after epoch.
#[inline(always)]
pub(crate) fn near<L: Lanes>(of: &impl Source<L>, t: L, terms: Terms) -> Averages<L> {
    let t2 = t * t;
    let linear = |rate: usize, start: usize| of.get(rate).times_plus(t, of.get(start));
    let mut perigee = linear(at::PERIGEE_RATE, at::PERIGEE);
    let mut eccentricity = of.get(at::BC4).times_from(t, of.get(at::ECCENTRICITY));
    if terms == Terms::All {
        let anomaly = linear(at::ANOMALY_RATE, at::ANOMALY);
        let turn = Turn::of(anomaly);
        let base = of.get(at::ETA).times_plus(turn.cos, s(1.0));
        let shift = of.get(at::ANOMALY_DRAG) * (base * base).times_plus(base, -of.get(at::DELTA));
        perigee = perigee - shift;
        let turned = Turn::of(of.get(at::PERIGEE_DRAG).times_plus(t, anomaly + shift));
        eccentricity = of.get(at::BC5).times_from(turned.sin, eccentricity);
    }
    let perigee = perigee - of.get(at::PERIGEE_DRAG) * t;
    let fourth = of.get(at::T5).times_plus(t, of.get(at::T4));
    let drag = fourth.times_plus(t, of.get(at::T3)).times_plus(t, of.get(at::T2)) * t2;
    let cubic = of.get(at::D4).times_plus(t, of.get(at::D3)).times_plus(t, of.get(at::D2));
    let shrink = cubic.times_plus(t, of.get(at::C1)).times_from(t, s(1.0));
    let inverse = shrink.inverse();
    let sound = is_moderate(shrink)
        & drag.abs().below(s(DRAG_RADIANS))
        & eccentricity.below(s(LONGEST_NEAR))
        & s::<L>(RETROGRADE).below(of.get(at::COS_INCLINATION))
        & s::<L>(-0.000_999_999).below(eccentricity);
    let least = s::<L>(1.0e-6);
    Averages {
        axis: of.get(at::AXIS) * shrink * shrink,
        inverse_root: of.get(at::INVERSE_ROOT) * inverse,
        eccentricity: least.or(eccentricity.below(least), eccentricity),
        perigee,
        node: of.get(at::NODE_DRAG).times_plus(t2, linear(at::NODE_RATE, at::NODE)),
        longitude: linear(at::LONGITUDE_RATE, at::LONGITUDE) + drag,
        inclination: Turn { sin: of.get(at::SIN_INCLINATION), cos: of.get(at::COS_INCLINATION) },
        long_ay: of.get(at::LONG_AY),
        long_l: of.get(at::LONG_L),
        sound,
    }
}

/// Whether drag has changed the orbit only so far that its terms still mean something: near their end they run away, and with them all digits.
#[inline(always)]
fn is_moderate<L: Lanes>(shrink: L) -> u32 {
    s::<L>(0.7).below(shrink) & shrink.below(s(1.3))
}

/// What Sun and Moon add.
struct Changes<L> {
    eccentricity: L,
    inclination: L,
    longitude: L,
    perigee: L,
    node: L,
}

/// The terms of Sun and Moon: coefficients from `first` on, in the order of [`at`].
#[inline(always)]
fn changes<L: Lanes>(of: &impl Source<L>, first: usize, motion: f64, eccentricity: f64, t: L) -> Changes<L> {
    let anomaly = s::<L>(motion).times_plus(t, of.get(first));
    let turn = Turn::of(s::<L>(2.0 * eccentricity).times_plus(Turn::of(anomaly).sin, anomaly));
    let f2 = (s::<L>(0.5) * turn.sin).times_plus(turn.sin, s(-0.25));
    let f3 = s::<L>(-0.5) * turn.sin * turn.cos;
    Changes {
        eccentricity: two(of, first + 1, f2, f3),
        inclination: two(of, first + 3, f2, f3),
        longitude: of.get(first + 7).times_plus(turn.sin, two(of, first + 5, f2, f3)),
        perigee: of.get(first + 10).times_plus(turn.sin, two(of, first + 8, f2, f3)),
        node: two(of, first + 11, f2, f3),
    }
}

// No closure: the compiler would not put it in line, and call a function for each instruction in it.
#[inline(always)]
fn two<L: Lanes>(of: &impl Source<L>, index: usize, f2: L, f3: L) -> L {
    of.get(index).times_plus(f2, of.get(index + 1) * f3)
}

/// Deep space, `t` minutes after epoch.
#[inline(always)]
pub(crate) fn deep<L: Lanes>(of: &impl Source<L>, t: L) -> Averages<L> {
    let linear = |rate: usize, start: usize| of.get(rate).times_plus(t, of.get(start));
    let t2 = t * t;
    let perigee = linear(at::PERIGEE_RATE, at::PERIGEE);
    let node = of.get(at::NODE_DRAG).times_plus(t2, linear(at::NODE_RATE, at::NODE));
    let after = t - of.get(at::SEGMENT_START);
    let half = s::<L>(0.5) * after * after;
    let motion = of.get(at::MOTION_SLOPE).times_plus(after, of.get(at::MOTION));
    let motion = of.get(at::MOTION_BEND).times_plus(half, motion);
    let resonant = of.get(at::LONGITUDE_SLOPE).times_plus(after, of.get(at::LONGITUDE));
    let resonant = of.get(at::MOTION_SLOPE).times_plus(half, resonant);
    let sidereal = s::<L>(EARTH_RATE).times_plus(t, of.get(at::SIDEREAL));
    let anomaly = of.get(at::TIMES_SIDEREAL).times_plus(sidereal, resonant);
    let anomaly = of.get(at::TIMES_NODE).times_from(node, anomaly);
    let anomaly = of.get(at::TIMES_PERIGEE).times_from(perigee, anomaly);
    let anomaly = of.get(at::T2).times_plus(t2, anomaly);
    let shrink = of.get(at::C1).times_from(t, s(1.0));
    let (axis, root, is_near) = axis_of(motion * of.get(at::INVERSE_KE), of.get(at::ROOT));
    let mean_e = linear(at::ECCENTRICITY_RATE, at::ECCENTRICITY);
    let least = s::<L>(1.0e-6);
    let sound = is_moderate(shrink)
        & mean_e.below(s(LONGEST))
        & (of.get(at::T2) * t2).abs().below(s(DRAG_RADIANS))
        & s::<L>(-0.000_999_999).below(mean_e)
        & s::<L>(1.0e-9).below(motion);
    let mean_e = least.or(mean_e.below(least), mean_e);
    let sun = changes(of, at::SUN, SUN.motion, SUN.eccentricity, t);
    let moon = changes(of, at::MOON, MOON.motion, MOON.eccentricity, t);
    let by_inclination = sun.inclination + moon.inclination;
    let inclination = linear(at::INCLINATION_RATE, at::INCLINATION) + by_inclination;
    let moved = turn_plane(
        Plane { inclination, node, perigee, longitude: anomaly + perigee },
        &Changes {
            eccentricity: sun.eccentricity + moon.eccentricity,
            inclination: by_inclination,
            longitude: sun.longitude + moon.longitude,
            perigee: sun.perigee + moon.perigee,
            node: sun.node + moon.node,
        },
    );
    let eccentricity = mean_e + sun.eccentricity + moon.eccentricity;
    let turn = moved.turn;
    let long_ay = of.get(at::LONG_AY) * turn.sin;
    let above = turn.cos + s(1.0);
    let long_l = s::<L>(0.5) * long_ay * s::<L>(5.0).times_plus(turn.cos, s(3.0)) * above.inverse();
    Averages {
        axis: axis * shrink * shrink,
        inverse_root: root * shrink.inverse(),
        eccentricity,
        perigee: moved.perigee,
        node: moved.node,
        longitude: moved.longitude,
        inclination: turn,
        long_ay,
        long_l,
        sound: sound
            & moved.sound
            & is_near
            & s::<L>(1.0e-11).below(eccentricity)
            & eccentricity.below(s(LONGEST))
            & s::<L>(1.0e-9).below(above),
    }
}

/// `m^(-2/3)` and `m^(1/3)` of a motion in units of the theory. Starts from the root of the motion at epoch, which resonance changes by little;
/// each of Halley's steps triples the digits. The bits tell where that was near enough.
#[inline(always)]
fn axis_of<L: Lanes>(motion: L, start: L) -> (L, L, u32) {
    let two = s::<L>(2.0);
    let first = start * start * start;
    let sound = (motion - first).abs().below(s::<L>(0.03) * motion);
    let mut root = start;
    let mut cube = first;
    for _ in 0..2 {
        root = root * two.times_plus(motion, cube) * two.times_plus(cube, motion).inverse();
        cube = root * root * root;
    }
    let inverse = root.inverse();
    (inverse * inverse, root, sound)
}

/// Angles of the orbit's plane.
struct Plane<L> {
    inclination: L,
    node: L,
    perigee: L,
    longitude: L,
}

/// The plane turned by Sun and Moon.
struct Turned<L> {
    turn: Turn<L>,
    node: L,
    perigee: L,
    longitude: L,
    sound: u32,
}

#[inline(always)]
fn turn_plane<L: Lanes>(plane: Plane<L>, by: &Changes<L>) -> Turned<L> {
    let Plane { inclination, node, perigee, longitude } = plane;
    let turn = Turn::of(inclination);
    let edge = s::<L>(0.2);
    let is_low = inclination.below(edge);
    let sound = s::<L>(1.0e-11).below((inclination - edge).abs());
    let longitude = longitude + by.longitude + by.perigee;
    let by_node = by.node * turn.sin.inverse();
    let mut turned = Turned {
        turn,
        node: node + by_node,
        perigee: perigee + by.perigee - turn.cos * by_node,
        longitude: longitude - turn.cos * by_node,
        sound,
    };
    if is_low == 0 {
        return turned;
    }
    // Lyddane's form.
    let north = by.inclination.times_plus(turn.cos, turn.sin);
    // Along the node and across it, instead of along the axes: the same turned by the node.
    let (along, across) = (north, by.node);
    let length = along.times_plus(along, across * across).inverse_root();
    let shift = direction(Turn { sin: across * length, cos: along * length });
    let turns = node.abs() * s(1.0 / TAU);
    let whole = (turns - s(0.5)).round();
    let is_clear = s::<L>(1.0e-11).below((turns - turns.round()).abs()) | turns.below(s(0.5));
    let before = whole.times_from(s(TAU), node.abs());
    let before = (-before).or(node.below(s(0.0)), before);
    let correction = by.inclination * turn.sin * before + turn.cos * shift;
    let low_longitude = longitude - correction;
    let low_perigee = perigee + by.perigee - correction;
    let is_negative = inclination.below(s(0.0));
    let pi = s::<L>(PI);
    let flip = pi.or(is_negative, s(0.0));
    turned.node = (node + shift + flip).or(is_low, turned.node);
    turned.perigee = (low_perigee - flip).or(is_low, turned.perigee);
    turned.longitude = (low_longitude - flip).or(is_low, turned.longitude);
    turned.turn.sin = (-turn.sin).or(is_negative, turn.sin);
    let is_sound = is_clear & shift.abs().below(s(3.1)) & s::<L>(1.0e-9).below(turn.sin.abs());
    turned.sound = sound & (is_sound | (all::<L>() & !is_low));
    turned
}
