//! What is constant for a satellite as a row of numbers, so that it can be spread over lanes or set beside others.

use super::{deep::Deep, lanes::Lanes, mean::Mean, resonance::Kind, third_body::Periodics};

/// Where each number stands. Near the Earth and deep space share the first ones.
pub(crate) mod at {
    pub(crate) const ECCENTRICITY: usize = 0;
    pub(crate) const PERIGEE: usize = 1;
    pub(crate) const PERIGEE_RATE: usize = 2;
    pub(crate) const NODE: usize = 3;
    pub(crate) const NODE_RATE: usize = 4;
    pub(crate) const NODE_DRAG: usize = 5;
    pub(crate) const C1: usize = 6;
    /// Of the longitude, times the mean motion; so are the other powers of time.
    pub(crate) const T2: usize = 7;
    /// For a sine of the inclination of 1 in deep space.
    pub(crate) const LONG_AY: usize = 8;
    /// From here on near the Earth.
    pub(crate) const LONG_L: usize = 9;
    pub(crate) const BC4: usize = 10;
    pub(crate) const BC5: usize = 11;
    pub(crate) const ANOMALY: usize = 12;
    pub(crate) const ANOMALY_RATE: usize = 13;
    pub(crate) const ETA: usize = 14;
    pub(crate) const ANOMALY_DRAG: usize = 15;
    pub(crate) const DELTA: usize = 16;
    pub(crate) const PERIGEE_DRAG: usize = 17;
    pub(crate) const D2: usize = 18;
    pub(crate) const D3: usize = 19;
    pub(crate) const D4: usize = 20;
    pub(crate) const T3: usize = 21;
    pub(crate) const T4: usize = 22;
    pub(crate) const T5: usize = 23;
    pub(crate) const AXIS: usize = 24;
    pub(crate) const INVERSE_ROOT: usize = 25;
    pub(crate) const LONGITUDE: usize = 26;
    pub(crate) const LONGITUDE_RATE: usize = 27;
    pub(crate) const SIN_INCLINATION: usize = 28;
    pub(crate) const COS_INCLINATION: usize = 29;
    /// From here on deep space. `LONGITUDE` is the resonant one there, or the mean anomaly where there is no resonance.
    pub(crate) const ECCENTRICITY_RATE: usize = 9;
    pub(crate) const INCLINATION: usize = 10;
    pub(crate) const INCLINATION_RATE: usize = 11;
    pub(crate) const SEGMENT_START: usize = 12;
    pub(crate) const LONGITUDE_SLOPE: usize = 13;
    pub(crate) const MOTION: usize = 14;
    pub(crate) const MOTION_SLOPE: usize = 15;
    pub(crate) const MOTION_BEND: usize = 16;
    pub(crate) const SIDEREAL: usize = 17;
    pub(crate) const TIMES_SIDEREAL: usize = 18;
    pub(crate) const TIMES_NODE: usize = 19;
    pub(crate) const TIMES_PERIGEE: usize = 20;
    pub(crate) const INVERSE_KE: usize = 21;
    pub(crate) const ROOT: usize = 22;
    /// The body's anomaly; then two numbers for the eccentricity, two for the inclination, three for the longitude, three for the perigee, two
    /// for the node.
    pub(crate) const SUN: usize = 30;
    pub(crate) const MOON: usize = 43;
    pub(crate) const ALL: usize = 56;
}

/// The constants of one satellite.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Constants(pub(crate) [f64; at::ALL]);

/// Where lanes get a satellite's constants from.
pub(crate) trait Source<L> {
    fn get(&self, index: usize) -> L;
}

/// One satellite in all lanes.
pub(crate) struct One<'a>(pub(crate) &'a [f64; at::ALL]);

impl<L: Lanes> Source<L> for One<'_> {
    #[inline(always)]
    fn get(&self, index: usize) -> L {
        L::splat(self.0[index])
    }
}

impl Constants {
    pub(crate) fn near(mean: &Mean) -> Self {
        let (mut row, drag) = (shared(mean), &mean.drag);
        let axis = mean.axis;
        row[at::ECCENTRICITY] = mean.eccentricity + drag.bc5 * drag.sin_anomaly_at_epoch;
        row[at::LONG_AY] = mean.long.ay;
        row[at::LONG_L] = mean.long.l;
        row[at::BC4] = drag.bc4;
        row[at::BC5] = drag.bc5;
        row[at::ANOMALY] = mean.anomaly;
        row[at::ANOMALY_RATE] = mean.anomaly_rate;
        row[at::ETA] = drag.eta;
        row[at::ANOMALY_DRAG] = drag.anomaly;
        row[at::DELTA] = drag.delta_at_epoch;
        row[at::PERIGEE_DRAG] = drag.perigee_rate;
        row[at::D2] = drag.d2;
        row[at::D3] = drag.d3;
        row[at::D4] = drag.d4;
        row[at::T3] = drag.t3 * mean.motion;
        row[at::T4] = drag.t4 * mean.motion;
        row[at::T5] = drag.t5 * mean.motion;
        row[at::AXIS] = axis;
        row[at::INVERSE_ROOT] = 1.0 / axis.sqrt();
        row[at::LONGITUDE] = mean.anomaly + mean.perigee;
        row[at::LONGITUDE_RATE] = mean.anomaly_rate + mean.perigee_rate;
        row[at::SIN_INCLINATION] = mean.sin_inclination;
        row[at::COS_INCLINATION] = mean.cos_inclination;
        Self(row)
    }

    /// Without resonance, or in it at epoch.
    pub(crate) fn deep(mean: &Mean, deep: &Deep) -> Self {
        let (mut row, rates) = (shared(mean), &deep.third_body.rates);
        row[at::PERIGEE_RATE] += rates.perigee;
        row[at::NODE_RATE] += rates.node;
        row[at::ECCENTRICITY] = mean.eccentricity;
        row[at::ECCENTRICITY_RATE] = rates.eccentricity - mean.drag.bc4;
        row[at::LONG_AY] = -0.5 * mean.earth.j3_over_j2;
        row[at::INCLINATION] = mean.inclination;
        row[at::INCLINATION_RATE] = rates.inclination;
        row[at::LONGITUDE] = mean.anomaly;
        row[at::LONGITUDE_SLOPE] = mean.anomaly_rate + rates.anomaly;
        row[at::MOTION] = mean.motion;
        row[at::SIDEREAL] = deep.sidereal;
        row[at::INVERSE_KE] = 1.0 / mean.earth.ke;
        row[at::ROOT] = (mean.motion / mean.earth.ke).cbrt();
        let times = match deep.resonance.as_ref().map(|resonance| &resonance.kind) {
            Some(Kind::Day(_)) => [1.0, 1.0, 1.0],
            Some(Kind::HalfDay(_)) => [2.0, 2.0, 0.0],
            None => [0.0; 3],
        };
        row[at::TIMES_SIDEREAL..at::TIMES_PERIGEE + 1].copy_from_slice(&times);
        row[at::SUN..at::MOON].copy_from_slice(&periodics(&deep.third_body.sun));
        row[at::MOON..at::ALL].copy_from_slice(&periodics(&deep.third_body.moon));
        let mut constants = Self(row);
        constants.move_to(deep, 0.0);
        constants
    }

    /// Puts in the segment of the resonance that an instant belongs to. Answers the instants for which it holds, in minutes from epoch.
    pub(crate) fn move_to(&mut self, deep: &Deep, minutes: f64) {
        if let Some(resonance) = &deep.resonance {
            for (index, value) in segment(&resonance.segment(minutes)) {
                self.0[index] = value;
            }
        }
    }
}

/// What a segment of the resonance puts where.
pub(crate) fn segment(segment: &super::resonance::Segment) -> [(usize, f64); 6] {
    [
        (at::SEGMENT_START, segment.knot.minutes),
        (at::LONGITUDE, segment.knot.longitude),
        (at::LONGITUDE_SLOPE, segment.slopes.longitude),
        (at::MOTION, segment.knot.motion),
        (at::MOTION_SLOPE, segment.slopes.motion),
        (at::MOTION_BEND, segment.slopes.motion_second),
    ]
}

fn shared(mean: &Mean) -> [f64; at::ALL] {
    let mut row = [0.0; at::ALL];
    row[at::PERIGEE] = mean.perigee;
    row[at::PERIGEE_RATE] = mean.perigee_rate;
    row[at::NODE] = mean.node;
    row[at::NODE_RATE] = mean.node_rate;
    row[at::NODE_DRAG] = mean.node_drag;
    row[at::C1] = mean.drag.c1;
    row[at::T2] = mean.drag.t2 * mean.motion;
    row
}

fn periodics(of: &Periodics) -> [f64; at::MOON - at::SUN] {
    let ([e2, e3], [i2, i3], [n2, n3]) = (of.eccentricity, of.inclination, of.node);
    let ([l2, l3, l1], [p2, p3, p1]) = (of.longitude, of.perigee);
    [of.anomaly, e2, e3, i2, i3, l2, l3, l1, p2, p3, p1, n2, n3]
}
