//! One satellite over a grid, with instants as lanes.
//!
//! All that changes slowly (drag, Sun, Moon, resonance, the turning of the plane) is computed at eight instants of a stretch and fitted; the angles that
//! run on evenly are turned on by a constant turn; so an instant costs Kepler's equation, the terms of short period and little else. Where a fit leaves
//! out too much the stretch is halved; short ones are computed instant by instant, and lanes that are not sound in the exact form.

use super::{
    averages::{Averages, Terms, deep, near},
    constants::{Constants, One, at},
    deep::Deep,
    exact,
    fit::{self, Cubic, NODES, PLACES, Quintic, Values},
    functions::Turn,
    kepler::{Form, NEARLY_CIRCULAR, solve},
    lanes::{Lanes, Pair, Work, all},
    mean::Mean,
    orbit::{Earth, Ellipse, Plane, States, orient, states},
    resonance::STEP_MINUTES,
    round::Round,
    target::Target,
};
use crate::Sgp4Error;

/// Farther from epoch than two years the exact form is asked: there the rounding of the angles alone comes near to the promised bound.
pub(crate) const FAST_MINUTES: f64 = 1_051_200.0;
/// In a minute.
const MICROSECONDS: f64 = 6.0e7;
/// The longest stretch, in instants; in minutes near the Earth; and in deep space, where the Moon goes through six degrees meanwhile.
const STRETCH_MAX: usize = 1024;
const NEAR_STRETCH_MINUTES: f64 = 2880.0;
const DEEP_STRETCH_MINUTES: f64 = 720.0;
/// Shorter ones are not worth a fit.
const STRETCH_MIN: usize = 32;
/// What fits may leave out: of angles and of what goes into the position directly; a millimetre is 2e-11 in a geostationary orbit.
const TOLERANCE: f64 = 2.0e-12;

/// The work: states at `start + row * step` microseconds after epoch for each row.
pub(crate) struct Single<'a> {
    pub(crate) mean: &'a Mean,
    pub(crate) deep: Option<&'a Deep>,
    pub(crate) constants: &'a Constants,
    pub(crate) start: i64,
    pub(crate) step: i64,
    pub(crate) reach: f64,
    pub(crate) into: Target<'a>,
}

impl Work for Single<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(mut self) {
        let count = self.into.len();
        let mut row = 0;
        while row < count {
            let longest = if self.deep.is_some() { DEEP_STRETCH_MINUTES } else { NEAR_STRETCH_MINUTES };
            let instants = ((longest * MICROSECONDS / self.step as f64) as usize).clamp(STRETCH_MIN, STRETCH_MAX);
            let end = self.end_of_segment(row, count.min(row + instants));
            if self.minutes(row).abs() > FAST_MINUTES || self.minutes(end - 1).abs() > FAST_MINUTES {
                (row..end).for_each(|row| self.exactly(row));
            } else {
                self.stretch::<L>(row, end);
            }
            row = end;
        }
    }
}

/// How a stretch is gone through.
enum Way {
    Round(Box<Round>),
    Long(Box<Fits>),
}

/// What is fitted over a stretch.
struct Fits {
    /// Minutes from its middle to its end, and its middle.
    half: f64,
    middle: f64,
    longitude: Quintic,
    node: Quintic,
    axis: Cubic,
    inverse_root: Cubic,
    inverse_beta: Cubic,
    inverse_one_beta: Cubic,
    shape: Shape,
    form: Form,
}

/// How the ellipse and its plane change.
enum Shape {
    /// Slowly altogether: `e cos ω`, `e sin ω`, the factor of the longitude's term, sine and cosine of the inclination.
    Slow { a: Quintic, b: Quintic, factor: Cubic, sin_i: Quintic, cos_i: Quintic },
    /// With drag that turns with the anomaly: eccentricity, the long-period term of `e sin ω`.
    Drag { eccentricity: Cubic, long: Cubic },
}

/// `c0 + c1 x + …`, coefficients in memory.
#[inline(always)]
pub(super) fn value<L: Lanes, const N: usize>(x: L, coefficients: &[f64; N]) -> L {
    let mut sum = L::splat(coefficients[N - 1]);
    for index in (0..N - 1).rev() {
        sum = sum.times_plus(x, L::splat(coefficients[index]));
    }
    sum
}

/// What a quintic has beyond its linear part.
#[inline(always)]
fn bend<L: Lanes>(x: L, [_, _, c2, c3, c4, c5]: &Quintic) -> L {
    value(x, &[*c2, *c3, *c4, *c5]) * (x * x)
}

/// An angle that runs evenly: its turn now, and what it turns by from one group of lanes to the next.
#[derive(Clone, Copy)]
pub(super) struct Runner<L> {
    pub(super) now: Turn<L>,
    by: Turn<L>,
}

impl<L: Lanes> Runner<L> {
    /// `start + rate * x`, where `x` goes on by `step`.
    #[inline(always)]
    pub(super) fn new(start: f64, rate: f64, x: L, step: f64) -> Self {
        Self { now: Turn::of(L::splat(rate).times_plus(x, L::splat(start))), by: Turn::of(L::splat(rate * step)) }
    }

    #[inline(always)]
    pub(super) fn go_on(&mut self) {
        self.now = self.now.plus(self.by);
    }
}

impl Single<'_> {
    fn minutes(&self, row: usize) -> f64 {
        // Whole microseconds, so that an instant is the same as when it is asked for alone.
        let after = self.step.saturating_mul(i64::try_from(row).unwrap_or(i64::MAX));
        self.start.saturating_add(after) as f64 / MICROSECONDS
    }

    pub(super) fn per_row(&self) -> f64 {
        self.step as f64 / MICROSECONDS
    }

    /// The end of the rows from `row` to `end` that lie in one segment of the resonance.
    fn end_of_segment(&self, row: usize, end: usize) -> usize {
        if self.deep.is_none_or(|deep| deep.resonance.is_none()) {
            return end;
        }
        let segment = |row: usize| {
            let minutes = self.minutes(row);
            (minutes > 0.0, (minutes.abs() / STEP_MINUTES) as u64)
        };
        let first = segment(row);
        let (mut inside, mut outside) = (row, end);
        while outside - inside > 1 {
            let middle = inside + (outside - inside) / 2;
            if segment(middle) == first {
                inside = middle;
            } else {
                outside = middle;
            }
        }
        outside
    }

    pub(super) fn exactly(&mut self, row: usize) {
        let minutes = self.minutes(row);
        let state = if minutes.abs() <= self.reach {
            exact::state(self.mean, self.deep, minutes)
        } else {
            Err(Sgp4Error::OutOfReach)
        };
        self.into.put(row, state);
    }

    #[inline(always)]
    fn averages<L: Lanes>(&self, constants: &Constants, t: L, terms: Terms) -> Averages<L> {
        let one = One(&constants.0);
        if self.deep.is_some() { deep(&one, t) } else { near(&one, t, terms) }
    }

    #[inline(always)]
    fn stretch<L: Lanes>(&mut self, from: usize, to: usize) {
        let moved;
        let mut constants = self.constants;
        if let Some(deep) = self.deep.filter(|deep| deep.resonance.is_some()) {
            let mut copy = self.constants.clone();
            copy.move_to(deep, self.minutes(from));
            moved = copy;
            constants = &moved;
        }
        let mut row = from;
        while row < to {
            let mut end = to;
            let fits = loop {
                if end - row < STRETCH_MIN {
                    break None;
                }
                let fits = self.fit::<L>(constants, row, end);
                if fits.is_some() {
                    break fits;
                }
                end = row + (end - row) / 2;
            };
            match &fits {
                None => self.one_by_one::<L>(constants, row, end),
                Some(Way::Round(fits)) => self.go_round::<L>(constants, fits, row, end),
                Some(Way::Long(fits)) => match (&fits.shape, fits.form) {
                    (Shape::Drag { .. }, _) => self.follow::<L, true, false>(constants, fits, row, end),
                    (Shape::Slow { .. }, Form::Circle) => {
                        self.follow::<Pair<L>, false, true>(constants, fits, row, end)
                    }
                    (Shape::Slow { .. }, Form::Ellipse) => self.follow::<L, false, false>(constants, fits, row, end),
                },
            }
            row = end;
        }
    }

    /// Each instant for itself: no fit, all functions in full.
    #[inline(always)]
    fn one_by_one<L: Lanes>(&mut self, constants: &Constants, from: usize, to: usize) {
        let earth = Earth::new(&self.mean.earth);
        let mut row = from;
        while row < to {
            let t = L::each(|lane| self.minutes(row + lane));
            let averages = self.averages(constants, t, Terms::All);
            let is_round = averages.eccentricity.below(L::splat(NEARLY_CIRCULAR - 0.01)) == all::<L>();
            let form = if is_round { Form::Circle } else { Form::Ellipse };
            self.write(&states(&earth, &averages, form), row, to);
            row += L::WIDTH;
        }
    }

    #[inline(always)]
    fn write<L: Lanes>(&mut self, states: &States<L>, row: usize, to: usize) {
        self.into.write(states.numbers, row, to);
        if states.sound != all::<L>() {
            for lane in 0..L::WIDTH {
                if states.sound >> lane & 1 == 0 && row + lane < to {
                    self.exactly(row + lane);
                }
            }
        }
    }

    /// Whether the drag terms that turn with the anomaly are there, and small enough to be put in to second order.
    fn drag(&self, half: f64, middle: f64) -> Option<bool> {
        let drag = &self.mean.drag;
        if self.deep.is_some() || drag.is_simple {
            return Some(false);
        }
        let shift = drag.anomaly.abs() * ((1.0 + drag.eta).powi(3) - (1.0 - drag.eta).powi(3));
        let e = self.mean.eccentricity;
        let (late, later) = ((drag.perigee_rate * middle).abs(), (drag.perigee_rate * half).abs());
        let is_small = e * shift.powi(3) < 5.0e-12
            && (shift * (shift + late) + later) * drag.bc5.abs() < 1.0e-12
            && e * drag.bc5.abs() < 4.0e-9
            && drag.bc5.abs() < 4.0e-6;
        is_small.then_some(true)
    }

    #[inline(always)]
    fn fit<L: Lanes>(&self, constants: &Constants, from: usize, to: usize) -> Option<Way> {
        let (first, last) = (self.minutes(from), self.minutes(to - 1));
        let (half, middle) = ((last - first) * 0.5, (last + first) * 0.5);
        let has_drag = self.drag(half, middle)?;
        let mut at_nodes = Nodes::default();
        let mut group = 0;
        while group < NODES {
            let t = L::load(&PLACES[group..]).times_plus(L::splat(half), L::splat(middle));
            at_nodes.take(&self.averages(constants, t, Terms::Slow), group)?;
            group += L::WIDTH;
        }
        if has_drag && let Some(round) = self.round(&at_nodes, half, middle) {
            return Some(Way::Round(Box::new(round)));
        }
        at_nodes.fits(half, middle, has_drag).map(|fits| Way::Long(Box::new(fits)))
    }

    /// Goes through a stretch by its fits.
    #[inline(always)]
    fn follow<L: Lanes, const DRAG: bool, const CIRCLE: bool>(
        &mut self,
        constants: &Constants,
        fits: &Fits,
        from: usize,
        to: usize,
    ) {
        let form = if CIRCLE { Form::Circle } else { Form::Ellipse };
        let earth = Earth::<L>::new(&self.mean.earth);
        let c = &constants.0;
        let per_row = self.per_row() / fits.half;
        let step = per_row * L::WIDTH as f64;
        let mut x = L::each(|lane| lane as f64 * per_row - 1.0);
        let steps = L::splat(step);
        // By `x`, which is 1 at the end of the stretch.
        let at_middle = |start: usize, rate: usize| (c[start] + c[rate] * fits.middle, c[rate] * fits.half);
        let mut longitude = Runner::new(fits.longitude[0], fits.longitude[1], x, step);
        let mut node = Runner::new(fits.node[0], fits.node[1], x, step);
        let (start, rate) = at_middle(at::ANOMALY, at::ANOMALY_RATE);
        let mut mean_anomaly = if DRAG { Runner::new(start, rate, x, step) } else { longitude };
        let (start, rate) = at_middle(at::PERIGEE, at::PERIGEE_RATE);
        let (late, later) = (c[at::PERIGEE_DRAG] * fits.middle, c[at::PERIGEE_DRAG] * fits.half);
        let (sin_late, cos_late) = late.sin_cos();
        let mut perigee = if DRAG { Runner::new(start - late, rate - later, x, step) } else { longitude };
        // Both vanish over the equator.
        let factor_by_long = if c[at::LONG_AY] == 0.0 { 0.0 } else { c[at::LONG_L] / c[at::LONG_AY] };
        let mut plane = Plane {
            node: node.now,
            node_shift: x,
            inclination: Turn { sin: L::splat(c[at::SIN_INCLINATION]), cos: L::splat(c[at::COS_INCLINATION]) },
        };
        let mut row = from;
        while row < to {
            let inverse_root = value(x, &fits.inverse_root);
            let (a, b, factor) = match &fits.shape {
                Shape::Drag { eccentricity, long } => {
                    let of = &mean_anomaly.now;
                    let base = L::splat(c[at::ETA]).times_plus(of.cos, L::splat(1.0));
                    let cube = (base * base).times_plus(base, L::splat(-c[at::DELTA]));
                    let shift = L::splat(c[at::ANOMALY_DRAG]) * cube;
                    let sin = (shift + L::splat(sin_late)).times_plus(of.cos, of.sin * L::splat(cos_late));
                    let e = L::splat(c[at::BC5]).times_from(sin, value(x, eccentricity));
                    let cos_shift = shift.times_from(shift * L::splat(0.5), L::splat(1.0));
                    let Turn { sin: sin_w, cos: cos_w } = perigee.now;
                    let long = value(x, long);
                    let a = e * cos_w.times_plus(cos_shift, sin_w * shift);
                    let b = e.times_plus(sin_w.times_plus(cos_shift, -(cos_w * shift)), long);
                    (a, b, long * L::splat(factor_by_long))
                }
                Shape::Slow { a, b, factor, sin_i, cos_i } => {
                    plane.inclination = Turn { sin: value(x, sin_i), cos: value(x, cos_i) };
                    (value(x, a), value(x, b), value(x, factor))
                }
            };
            let one = L::splat(1.0);
            let beta2 = one - a.times_plus(a, b * b);
            // The fit is good to half the digits; a step of Newton's gives the rest.
            let rough = value(x, &fits.inverse_beta);
            let inverse_beta = (L::splat(0.5) * rough).times_plus((beta2 * rough).times_from(rough, one), rough);
            let beta = beta2 * inverse_beta;
            let rough = value(x, &fits.inverse_one_beta);
            // What drag does to the eccentricity within a revolution is not in the fit; on a long ellipse it would be a millimetre.
            let inverse_one_beta =
                if DRAG && !CIRCLE { rough.times_plus((one + beta).times_from(rough, one), rough) } else { rough };
            let axis = value(x, &fits.axis);
            let ellipse = Ellipse { a, b, axis, inverse_root, beta, inverse_beta, inverse_one_beta };
            let anomaly = solve(form, a, b, longitude.now, factor.times_plus(a, bend(x, &fits.longitude)));
            plane.node = node.now;
            plane.node_shift = bend(x, &fits.node);
            let mut states = orient(&earth, &ellipse, &anomaly, &plane);
            if !CIRCLE {
                states.sound &= anomaly.sound;
            }
            self.write(&states, row, to);
            longitude.go_on();
            node.go_on();
            if DRAG {
                mean_anomaly.go_on();
                perigee.go_on();
            }
            x = x + steps;
            row += L::WIDTH;
        }
    }
}

/// What is fitted, at the nodes.
#[derive(Default)]
pub(super) struct Nodes {
    pub(super) longitude: Values,
    pub(super) node: Values,
    pub(super) eccentricity: Values,
    pub(super) long: Values,
    pub(super) factor: Values,
    pub(super) a: Values,
    pub(super) b: Values,
    pub(super) axis: Values,
    pub(super) inverse_root: Values,
    pub(super) inverse_beta: Values,
    pub(super) inverse_one_beta: Values,
    pub(super) sin_i: Values,
    pub(super) cos_i: Values,
}

impl Nodes {
    /// Takes the nodes from `group` on; nothing where one of them is not sound.
    #[inline(always)]
    fn take<L: Lanes>(&mut self, of: &Averages<L>, group: usize) -> Option<()> {
        let one = L::splat(1.0);
        let e = of.eccentricity;
        let perigee = Turn::of(of.perigee);
        let scale = of.inverse_root * of.inverse_root * e.times_from(e, one).inverse();
        let long = scale * of.long_ay;
        let (a, b) = (e * perigee.cos, e.times_plus(perigee.sin, long));
        let beta2 = one - a.times_plus(a, b * b);
        let inverse_beta = beta2.inverse_root();
        let columns = [
            (&mut self.longitude, of.longitude),
            (&mut self.node, of.node),
            (&mut self.eccentricity, e),
            (&mut self.long, long),
            (&mut self.factor, scale * of.long_l),
            (&mut self.a, a),
            (&mut self.b, b),
            (&mut self.axis, of.axis),
            (&mut self.inverse_root, of.inverse_root),
            (&mut self.inverse_beta, inverse_beta),
            (&mut self.inverse_one_beta, (one + beta2 * inverse_beta).inverse()),
            (&mut self.sin_i, of.inclination.sin),
            (&mut self.cos_i, of.inclination.cos),
        ];
        for (values, lanes) in columns {
            lanes.store(&mut values[group..]);
        }
        let sound = of.sound & L::splat(1.0e-6).below(beta2);
        (sound == all::<L>()).then_some(())
    }

    /// The fits, unless they leave out too much.
    #[inline(always)]
    fn fits(&self, half: f64, middle: f64, has_drag: bool) -> Option<Fits> {
        let e_max = self.eccentricity.iter().copied().fold(0.0, f64::max);
        let e_min = self.eccentricity.iter().copied().fold(1.0, f64::min);
        // Kepler's equation takes what the longitude bends by; the node is turned by a series for small angles.
        let longitude = angle(&self.longitude, 0.03)?;
        let node = angle(&self.node, 0.005)?;
        let bend = bend_of(&longitude);
        let (axis, axis_left) = fit::cubic(&self.axis);
        let (inverse_root, root_left) = fit::cubic(&self.inverse_root);
        let (inverse_beta, beta_left) = fit::cubic(&self.inverse_beta);
        let (inverse_one_beta, one_left) = fit::cubic(&self.inverse_one_beta);
        let is_good = axis_left < TOLERANCE * self.axis[0]
            && root_left < TOLERANCE * self.inverse_root[0]
            && beta_left < 1.0e-7
            && one_left * e_max * e_max < TOLERANCE;
        // Below its least eccentricity the exact form takes that, which no fit knows of. The nodes don't reach the ends of the stretch,
        // where drag may have taken off some more.
        let e_least = e_min - 0.25 * (e_max - e_min);
        let shape = if has_drag {
            let (eccentricity, e_left) = fit::cubic(&self.eccentricity);
            let (long, long_left) = fit::cubic(&self.long);
            (e_left + long_left < TOLERANCE && e_least > 1.0e-5).then_some(Shape::Drag { eccentricity, long })
        } else {
            let [a, b, sin_i, cos_i] = [&self.a, &self.b, &self.sin_i, &self.cos_i].map(fit::quintic);
            let (factor, factor_left) = fit::cubic(&self.factor);
            let left = [a.1, b.1, sin_i.1, cos_i.1, factor_left * e_max];
            (e_least > 1.0e-6 && left.iter().all(|left| *left < TOLERANCE)).then_some(Shape::Slow {
                a: a.0,
                b: b.0,
                factor,
                sin_i: sin_i.0,
                cos_i: cos_i.0,
            })
        };
        let long_max = self.long.iter().map(|value| value.abs()).fold(0.0, f64::max) + e_max;
        let form = if long_max + bend + 0.01 < NEARLY_CIRCULAR { Form::Circle } else { Form::Ellipse };
        let shape = shape.filter(|_| is_good)?;
        Some(Fits { half, middle, longitude, node, axis, inverse_root, inverse_beta, inverse_one_beta, shape, form })
    }
}

/// The fit of an angle that bends by so much at most, beside running evenly.
#[inline(always)]
fn angle(values: &Values, most: f64) -> Option<Quintic> {
    let (fitted, left) = fit::quintic(values);
    (left < angle_tolerance(values) && bend_of(&fitted) < most).then_some(fitted)
}

/// An angle of many turns has fewer digits behind the point, here and in the exact form.
pub(super) fn angle_tolerance(values: &Values) -> f64 {
    TOLERANCE + 2.0e-15 * values[0].abs()
}

fn bend_of([_, _, c2, c3, c4, c5]: &Quintic) -> f64 {
    c2.abs() + c3.abs() + c4.abs() + c5.abs()
}
