//! What one station sees of one satellite: points of its way, and passes made of them.

use std::ops::ControlFlow;

use super::{
    End, Event, Mask, Pass, PassFinding, PassSearch,
    arc::{Exact, later},
    watch::Open,
};
use crate::{
    earth::Station,
    geometry::is_sunlit,
    vector::{dot, from_radians, norm, plus, turn},
};

/// Where findings go; breaking ends the search.
pub(super) type Sink<'s> = dyn FnMut(PassFinding) -> ControlFlow<()> + 's;

/// A station with its mask.
#[derive(Debug, Clone, Copy)]
pub(super) struct Horizon<'a> {
    pub(super) station: &'a Station,
    pub(super) mask: &'a Mask,
    /// Of the lowest elevation of the mask.
    pub(super) lowest_sine: f64,
}

/// A satellite seen from a station at an instant.
#[derive(Debug, Clone, Copy)]
pub(super) struct Point {
    /// Since the window opened.
    pub(super) seconds: f64,
    /// From the station along the axes of the ITRF, kilometres.
    away: [f64; 3],
    /// Of the elevation.
    pub(super) sine: f64,
}

impl Horizon<'_> {
    pub(super) fn point(&self, seconds: f64, away: [f64; 3]) -> Point {
        Point { seconds, away, sine: dot(&away, &self.station.axes()[2]) / norm(&away) }
    }
}

/// One satellite over one station in one block.
pub(super) struct Scene<'a, 's> {
    pub(super) search: &'a PassSearch,
    pub(super) satellite: usize,
    pub(super) observer: usize,
    pub(super) horizon: Horizon<'a>,
    pub(super) exact: Exact<'a>,
    pub(super) sink: &'a mut Sink<'s>,
}

impl<'a> Scene<'a, '_> {
    pub(super) const fn horizon(&self) -> &Horizon<'a> {
        &self.horizon
    }

    pub(super) const fn exact(&self) -> &Exact<'a> {
        &self.exact
    }

    pub(super) fn tell(&mut self, finding: PassFinding) -> ControlFlow<()> {
        (self.sink)(finding)
    }

    pub(super) fn pass(&self, open: &Open, ends: End, set: &Point) -> Pass {
        Pass {
            satellite: self.satellite,
            observer: self.observer,
            begins: open.begins,
            rise: self.event(&open.rise),
            culmination: self.event(&open.peak),
            set: self.event(set),
            ends,
        }
    }

    fn event(&self, point: &Point) -> Event {
        let station = self.horizon.station;
        let [east, north, up] = station.axes();
        let [east, north, height] = [dot(&point.away, east), dot(&point.away, north), dot(&point.away, up)];
        let satellite = plus(station.position_km(), 1.0, &point.away);
        let sun = self.exact.turning.ground(point.seconds, &self.search.sun.after(point.seconds));
        let sun_elevation = from_radians((dot(&sun, up) / norm(&sun)).clamp(-1.0, 1.0).asin());
        Event {
            at: later(self.search.window.from, point.seconds),
            azimuth: turn(east.atan2(north)),
            elevation: from_radians(height.atan2(east.hypot(north))),
            range_km: norm(&point.away),
            is_sunlit: is_sunlit(&satellite, &sun),
            sun_elevation,
            is_dark: sun_elevation < self.search.dark_below,
        }
    }
}
