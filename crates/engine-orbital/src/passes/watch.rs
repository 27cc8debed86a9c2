//! One station that watches one satellite over a plane or cone of elevation: rises, culminations and sets between knots.

use std::ops::ControlFlow;

use super::{
    Begin, End, PassFinding,
    arc::{Arc, Polynomial},
    scene::{Point, Scene},
};
use crate::{
    roots::{MOMENT_SECONDS, root},
    vector::{dot, norm},
};

/// Slower than this, a time of crossing may be off by the error of the polynomial divided by it: then the satellite itself is asked.
const TIME_ERROR_SECONDS: f64 = 1e-3;

/// What a station knows of a satellite between blocks.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Watch {
    open: Option<Open>,
}

/// A pass that has begun.
#[derive(Debug, Clone, Copy)]
pub(super) struct Open {
    pub(super) begins: Begin,
    pub(super) rise: Point,
    pub(super) peak: Point,
}

/// How high a satellite stands over the mask at a sample: in kilometres, and as the sine of its elevation.
#[derive(Debug, Clone, Copy)]
struct Sample {
    over_km: f64,
    sine: f64,
}

impl Watch {
    pub(super) const fn open(&self) -> Option<&Open> {
        self.open.as_ref()
    }

    /// The satellite comes up.
    pub(super) fn rise(&mut self, begins: Begin, rise: Point) {
        self.open = Some(Open { begins, rise, peak: rise });
    }

    /// It was there.
    pub(super) fn reached(&mut self, point: Point) {
        if let Some(open) = self.open.as_mut().filter(|open| point.sine > open.peak.sine) {
            open.peak = point;
        }
    }

    /// The satellite goes down, or is not seen any longer.
    pub(super) fn set(&mut self, scene: &mut Scene<'_, '_>, ends: End, set: Point) -> ControlFlow<()> {
        self.reached(set);
        match self.open.take() {
            Some(open) => scene.tell(PassFinding::Pass(scene.pass(&open, ends, &set))),
            None => ControlFlow::Continue(()),
        }
    }

    /// Brings what is known into accord with where the satellite is seen at the beginning of a way.
    pub(super) fn enter(
        &mut self,
        scene: &mut Scene<'_, '_>,
        is_up: bool,
        begins: Begin,
        here: Point,
    ) -> ControlFlow<()> {
        match (self.open.is_some(), is_up) {
            (false, true) => self.rise(begins, here),
            (true, false) => self.set(scene, End::Set, here)?,
            (true, true) | (false, false) => {}
        }
        ControlFlow::Continue(())
    }

    /// Follows a way from sample to sample. Below the mask all samples are skipped that the satellite cannot be up at: it
    /// moves by no more than the reach of the way in a step.
    pub(super) fn follow(&mut self, scene: &mut Scene<'_, '_>, arc: &Arc<'_>, begins: Begin) -> ControlFlow<()> {
        let cone = Cone { scene: *scene.horizon(), arc };
        let last = arc.last();
        let mut sample = 0;
        let mut before: Option<Sample> = None;
        let mut here = cone.sample(0);
        self.enter(scene, here.over_km > 0.0, begins, cone.point(0))?;
        while sample < last {
            if self.open.is_none() {
                let skipped = (-here.over_km / cone.reach_km()) as usize;
                if skipped > 0 {
                    sample = (sample + skipped).min(last);
                    (before, here) = (None, cone.sample(sample));
                    continue;
                }
            }
            let left = before.or_else(|| sample.checked_sub(1).map(|left| cone.sample(left)));
            let next = cone.sample(sample + 1);
            self.step(scene, &cone, sample, [left, Some(here), Some(next)])?;
            (before, here) = (Some(here), next);
            sample += 1;
        }
        let left = before.or_else(|| sample.checked_sub(1).map(|left| cone.sample(left)));
        self.step(scene, &cone, sample, [left, Some(here), None])
    }

    /// What happens from a sample to the next one, and about it.
    fn step(
        &mut self,
        scene: &mut Scene<'_, '_>,
        cone: &Cone<'_>,
        sample: usize,
        [left, here, next]: [Option<Sample>; 3],
    ) -> ControlFlow<()> {
        let Some(here) = here else { return ControlFlow::Continue(()) };
        let around = |is_beyond: fn(f64, f64) -> bool, of: fn(&Sample) -> f64| {
            left.as_ref().is_none_or(|left| is_beyond(of(&here), of(left)))
                && next.as_ref().is_none_or(|next| is_beyond(of(&here), of(next)))
        };
        let over = |sample: &Sample| sample.over_km;
        let is_up = here.over_km > 0.0;
        let crosses = next.is_some_and(|next| (next.over_km > 0.0) != is_up);
        let is_near = here.over_km.abs() < cone.reach_km();
        let set = (crosses && is_up).then(|| cone.crossing(scene, sample, here, next));
        if is_up {
            if around(|here, other| here >= other, |sample| sample.sine) {
                self.culminate(cone, sample, set.as_ref());
            }
            if is_near && !crosses && around(|here, other| here <= other, over) {
                return self.touch(scene, cone, sample, Side::Above);
            }
        } else if crosses {
            let rise = cone.crossing(scene, sample, here, next);
            self.rise(Begin::Rise, rise);
        } else if is_near && around(|here, other| here >= other, over) {
            return self.touch(scene, cone, sample, Side::Below);
        }
        match set {
            Some(set) => self.set(scene, End::Set, set),
            None => ControlFlow::Continue(()),
        }
    }

    /// The highest point about a sample, within the pass.
    fn culminate(&mut self, cone: &Cone<'_>, sample: usize, set: Option<&Point>) {
        let Some(open) = &self.open else { return };
        let [from, to] = cone.about(sample);
        let to = set.map_or(to, |set| set.seconds);
        let highest = cone.highest(&cone.polynomial(sample), from.max(open.rise.seconds).min(to), to);
        self.reached(highest);
    }

    /// About a sample the satellite comes near the mask and turns back: two crossings, or none.
    fn touch(&mut self, scene: &mut Scene<'_, '_>, cone: &Cone<'_>, sample: usize, side: Side) -> ControlFlow<()> {
        let [from, to] = cone.about(sample);
        let path = cone.polynomial(sample);
        let sign = match side {
            Side::Above => -1.0,
            Side::Below => 1.0,
        };
        let slope = |seconds: f64| sign * cone.slope(&path, seconds);
        let (at_from, at_to) = (slope(from), slope(to));
        if at_from <= 0.0 || at_to >= 0.0 {
            return ControlFlow::Continue(());
        }
        let turn = root(slope, (from, at_from), (to, at_to), MOMENT_SECONDS);
        let mut nearest = cone.over(&path.at(turn));
        let mut correction = 0.0;
        if nearest.abs() < 4.0 * cone.arc.bound_km {
            correction = cone.correction(scene, &path, turn);
            nearest += correction;
        }
        if sign * nearest <= 0.0 {
            return ControlFlow::Continue(());
        }
        let over = |seconds: f64| cone.over(&path.at(seconds)) + correction;
        let first = cone.point_on(&path, root(over, (from, over(from)), (turn, nearest), MOMENT_SECONDS));
        let second = cone.point_on(&path, root(over, (turn, nearest), (to, over(to)), MOMENT_SECONDS));
        match side {
            Side::Below => {
                self.rise(Begin::Rise, first);
                self.reached(cone.highest(&path, first.seconds, second.seconds));
                self.set(scene, End::Set, second)
            }
            Side::Above => {
                self.set(scene, End::Set, first)?;
                self.rise(Begin::Rise, second);
                ControlFlow::Continue(())
            }
        }
    }
}

/// On which side of the mask the satellite stays but for a moment.
#[derive(Debug, Clone, Copy)]
enum Side {
    Above,
    Below,
}

/// A way seen over a cone of constant elevation.
struct Cone<'a> {
    scene: super::scene::Horizon<'a>,
    arc: &'a Arc<'a>,
}

impl Cone<'_> {
    fn reach_km(&self) -> f64 {
        self.arc.reach_km * (1.0 + self.scene.lowest_sine.abs())
    }

    fn from_km(&self) -> &[f64; 3] {
        self.scene.station.position_km()
    }

    fn up(&self) -> &[f64; 3] {
        &self.scene.station.axes()[2]
    }

    /// Kilometres over the cone, times the cosine of its elevation.
    fn over(&self, away: &[f64; 3]) -> f64 {
        dot(away, self.up()) - self.scene.lowest_sine * norm(away)
    }

    /// How fast that changes, km/s.
    fn slope(&self, path: &Polynomial, seconds: f64) -> f64 {
        let (away, rate) = path.with_rate(seconds);
        dot(&rate, self.up()) - self.scene.lowest_sine * dot(&away, &rate) / norm(&away)
    }

    fn sample(&self, sample: usize) -> Sample {
        let away = self.arc.away(sample, self.from_km());
        let (up, range) = (dot(&away, self.up()), norm(&away));
        Sample { over_km: up - self.scene.lowest_sine * range, sine: up / range }
    }

    fn point(&self, sample: usize) -> Point {
        self.scene.point(self.arc.time(sample), self.arc.away(sample, self.from_km()))
    }

    fn point_on(&self, path: &Polynomial, seconds: f64) -> Point {
        self.scene.point(seconds, path.at(seconds))
    }

    fn polynomial(&self, sample: usize) -> Polynomial {
        self.arc.polynomial(sample, self.from_km())
    }

    /// From the sample before to the one after.
    fn about(&self, sample: usize) -> [f64; 2] {
        [self.arc.time(sample.saturating_sub(1)), self.arc.time((sample + 1).min(self.arc.last()))]
    }

    /// The crossing between a sample and the next one.
    fn crossing(&self, scene: &Scene<'_, '_>, sample: usize, here: Sample, next: Option<Sample>) -> Point {
        let path = self.polynomial(sample);
        let (from, to) = (self.arc.time(sample), self.arc.time(sample + 1));
        let next = next.unwrap_or(here);
        let over = |seconds: f64| self.over(&path.at(seconds));
        let mut seconds = root(over, (from, here.over_km), (to, next.over_km), MOMENT_SECONDS);
        if self.slope(&path, seconds).abs() * TIME_ERROR_SECONDS < self.arc.bound_km {
            let correction = self.correction(scene, &path, seconds);
            let corrected = |seconds: f64| over(seconds) + correction;
            seconds =
                root(corrected, (from, here.over_km + correction), (to, next.over_km + correction), MOMENT_SECONDS);
        }
        self.point_on(&path, seconds)
    }

    /// By how much the satellite itself is higher than the polynomial.
    fn correction(&self, scene: &Scene<'_, '_>, path: &Polynomial, seconds: f64) -> f64 {
        let exact = scene.exact().position(seconds).ok();
        exact.map_or(0.0, |exact| {
            self.over(&crate::vector::minus(&exact, self.from_km())) - self.over(&path.at(seconds))
        })
    }

    /// The highest point between two instants; one of the ends if there is no summit between.
    fn highest(&self, path: &Polynomial, from: f64, to: f64) -> Point {
        let rising = |seconds: f64| {
            let (away, rate) = path.with_rate(seconds);
            dot(&rate, self.up()) * dot(&away, &away) - dot(&away, self.up()) * dot(&away, &rate)
        };
        let (at_from, at_to) = (rising(from), rising(to));
        let seconds = if at_from > 0.0 && at_to < 0.0 {
            root(rising, (from, at_from), (to, at_to), MOMENT_SECONDS)
        } else if self.scene.point(from, path.at(from)).sine > self.scene.point(to, path.at(to)).sine {
            from
        } else {
            to
        };
        self.point_on(path, seconds)
    }
}
