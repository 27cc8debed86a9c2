//! One station that watches one satellite over a horizon of any shape, or where there are too few knots: a walk in small steps.

use std::ops::ControlFlow;

use super::{
    Begin, End,
    arc::Arc,
    scene::{Horizon, Point, Scene},
    watch::Watch,
};
use crate::{
    roots::{MOMENT_SECONDS, root, summit},
    vector::{dot, minus, norm},
};

/// In a step azimuth and elevation change by no more than that, so that between two of the mask's points the way is all but straight.
const TURN_DEGREES_MAX: f64 = 10.0;
/// The shortest step; nothing turns by degrees in it.
const STEP_SECONDS_MIN: f64 = 0.01;
/// Farther from the mask than this no step crosses it twice.
const NEAR_DEGREES: f64 = 2.0 * TURN_DEGREES_MAX;

/// A place of the satellite on the walk.
#[derive(Debug, Clone, Copy)]
struct Place {
    point: Point,
    /// Not wrapped: as near to the one before as can be.
    azimuth_degrees: f64,
    elevation_degrees: f64,
    /// Over the mask.
    over_degrees: f64,
}

/// A way that is looked at by instants.
struct Walk<'a, P> {
    horizon: Horizon<'a>,
    /// From the station, kilometres along the axes of the ITRF, at seconds since the window opened.
    path: P,
}

impl Watch {
    /// Follows a way over a mask of any shape. Where the satellite is below the lowest point of the mask and cannot reach it in a step, knots are skipped.
    pub(super) fn follow_shape(&mut self, scene: &mut Scene<'_, '_>, arc: &Arc<'_>, begins: Begin) -> ControlFlow<()> {
        let horizon = *scene.horizon();
        let from_km = *horizon.station.position_km();
        let reach_km = arc.reach_km * (1.0 + horizon.lowest_sine.abs());
        let (mut sample, last) = (0, arc.last());
        let mut begins = begins;
        while sample < last {
            let away = arc.away(sample, &from_km);
            let over_km = dot(&away, &horizon.station.axes()[2]) - horizon.lowest_sine * norm(&away);
            let skipped = (-over_km / reach_km) as usize;
            if self.open().is_none() && skipped > 0 {
                sample = (sample + skipped).min(last);
            } else {
                let path = arc.polynomial(sample, &from_km);
                self.walk(scene, |seconds| path.at(seconds), [arc.time(sample), arc.time(sample + 1)], begins)?;
                sample += 1;
            }
            begins = Begin::Rise;
        }
        ControlFlow::Continue(())
    }

    /// Follows a way by asking the satellite itself; where it cannot tell, it stays where it was last.
    pub(super) fn follow_exactly(
        &mut self,
        scene: &mut Scene<'_, '_>,
        [from, to]: [f64; 2],
        begins: Begin,
    ) -> ControlFlow<()> {
        let exact = *scene.exact();
        let from_km = *scene.horizon().station.position_km();
        let fallback = exact.position(from).unwrap_or([0.0, 0.0, f64::MIN_POSITIVE]);
        let path = |seconds: f64| minus(&exact.position(seconds).unwrap_or(fallback), &from_km);
        // Such ways end in decay, where nothing is smooth.
        let steps = ((to - from) / 5.0).ceil().max(1.0) as usize;
        let at = |step: usize| from + (to - from) * step as f64 / steps as f64;
        for step in 0..steps {
            let begins = if step == 0 { begins } else { Begin::Rise };
            self.walk(scene, path, [at(step), at(step + 1)], begins)?;
        }
        ControlFlow::Continue(())
    }

    fn walk(
        &mut self,
        scene: &mut Scene<'_, '_>,
        path: impl Fn(f64) -> [f64; 3],
        [from, to]: [f64; 2],
        begins: Begin,
    ) -> ControlFlow<()> {
        let walk = Walk { horizon: *scene.horizon(), path };
        let mut here = walk.place(from, None);
        self.enter(scene, here.over_degrees > 0.0, begins, here.point)?;
        self.reached(here.point);
        let mut before = here.point;
        while here.point.seconds < to {
            let next = walk.step(&here, to);
            self.pieces(scene, &walk, &here, &next)?;
            self.reached(next.point);
            self.crest(&walk, [&before, &here.point, &next.point]);
            (before, here) = (here.point, next);
        }
        self.crest(&walk, [&before, &here.point, &here.point]);
        ControlFlow::Continue(())
    }

    /// Crossings from one place to the next: the mask is straight between its points, so the way is cut where it passes one.
    fn pieces(
        &mut self,
        scene: &mut Scene<'_, '_>,
        walk: &Walk<'_, impl Fn(f64) -> [f64; 3]>,
        here: &Place,
        next: &Place,
    ) -> ControlFlow<()> {
        let mut from = *here;
        for azimuth in walk.horizon.mask.between(here.azimuth_degrees, next.azimuth_degrees) {
            let off = |place: &Place| place.azimuth_degrees - azimuth;
            let at = root(
                |seconds| off(&walk.place(seconds, Some(here))),
                (from.point.seconds, off(&from)),
                (next.point.seconds, off(next)),
                MOMENT_SECONDS,
            );
            let corner = walk.place(at, Some(here));
            self.piece(scene, walk, &from, &corner)?;
            from = corner;
        }
        self.piece(scene, walk, &from, next)
    }

    fn piece(
        &mut self,
        scene: &mut Scene<'_, '_>,
        walk: &Walk<'_, impl Fn(f64) -> [f64; 3]>,
        from: &Place,
        to: &Place,
    ) -> ControlFlow<()> {
        let (is_up, ends_up) = (from.over_degrees > 0.0, to.over_degrees > 0.0);
        if is_up != ends_up {
            return self.cross(scene, walk, from, to);
        }
        let sign = if is_up { -1.0 } else { 1.0 };
        if !walk.turns_towards_mask(from, to, sign) {
            return ControlFlow::Continue(());
        }
        let over = |seconds: f64| sign * walk.place(seconds, Some(from)).over_degrees;
        let turn = walk.place(summit(over, from.point.seconds, to.point.seconds), Some(from));
        if sign * turn.over_degrees > 0.0 {
            self.cross(scene, walk, from, &turn)?;
            self.reached(turn.point);
            self.cross(scene, walk, &turn, to)?;
        }
        ControlFlow::Continue(())
    }

    fn cross(
        &mut self,
        scene: &mut Scene<'_, '_>,
        walk: &Walk<'_, impl Fn(f64) -> [f64; 3]>,
        from: &Place,
        to: &Place,
    ) -> ControlFlow<()> {
        let over = |seconds: f64| walk.place(seconds, Some(from)).over_degrees;
        let seconds =
            root(over, (from.point.seconds, from.over_degrees), (to.point.seconds, to.over_degrees), MOMENT_SECONDS);
        let crossing = walk.place(seconds, Some(from)).point;
        if to.over_degrees > 0.0 {
            self.rise(Begin::Rise, crossing);
            ControlFlow::Continue(())
        } else {
            self.set(scene, End::Set, crossing)
        }
    }

    /// Looks between three places, of which the middle one is the highest.
    fn crest(&mut self, walk: &Walk<'_, impl Fn(f64) -> [f64; 3]>, [before, here, next]: [&Point; 3]) {
        let Some(rise) = self.open().map(|open| open.rise.seconds) else { return };
        let from = before.seconds.max(rise);
        if here.sine >= before.sine && here.sine >= next.sine && from < next.seconds {
            let sine = |seconds: f64| walk.horizon.point(seconds, (walk.path)(seconds)).sine;
            let at = summit(sine, from, next.seconds);
            self.reached(walk.horizon.point(at, (walk.path)(at)));
        }
    }
}

impl<P: Fn(f64) -> [f64; 3]> Walk<'_, P> {
    fn place(&self, seconds: f64, near: Option<&Place>) -> Place {
        let away = (self.path)(seconds);
        let [east, north, up] = self.horizon.station.axes();
        let [east, north, up] = [dot(&away, east), dot(&away, north), dot(&away, up)];
        let wrapped = east.atan2(north).to_degrees();
        let azimuth_degrees = near.map_or(wrapped, |near| {
            near.azimuth_degrees + (wrapped - near.azimuth_degrees + 180.0).rem_euclid(360.0) - 180.0
        });
        let elevation_degrees = up.atan2(east.hypot(north)).to_degrees();
        Place {
            point: self.horizon.point(seconds, away),
            azimuth_degrees,
            elevation_degrees,
            over_degrees: elevation_degrees - self.horizon.mask.degrees(azimuth_degrees),
        }
    }

    /// As far as the way does not turn too much.
    fn step(&self, here: &Place, to: f64) -> Place {
        let mut next = self.place(to, Some(here));
        loop {
            let turned = (next.azimuth_degrees - here.azimuth_degrees).abs();
            let risen = (next.elevation_degrees - here.elevation_degrees).abs();
            let step = next.point.seconds - here.point.seconds;
            if turned.max(risen) <= TURN_DEGREES_MAX || step <= STEP_SECONDS_MIN {
                return next;
            }
            next = self.place(here.point.seconds + step / 2.0, Some(here));
        }
    }

    /// Whether the way nears the mask after one place and leaves it before the other, so that it may cross it twice between.
    fn turns_towards_mask(&self, from: &Place, to: &Place, sign: f64) -> bool {
        let span = to.point.seconds - from.point.seconds;
        if from.over_degrees.abs().min(to.over_degrees.abs()) > NEAR_DEGREES || span < 1e-3 {
            return false;
        }
        let moment = (span / 100.0).min(0.01);
        let after = self.place(from.point.seconds + moment, Some(from)).over_degrees;
        let before = self.place(to.point.seconds - moment, Some(from)).over_degrees;
        sign * (after - from.over_degrees) > 0.0 && sign * (to.over_degrees - before) < 0.0
    }
}
