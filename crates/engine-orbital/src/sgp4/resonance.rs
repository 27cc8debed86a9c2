//! Resonance with the turning Earth: orbits of a day and of half a day, whose mean motion and longitude are integrated in steps of 720 minutes.
//!
//! Spacetrack Report #3, section 10, with the corrections of AIAA 2006-6753.

use std::f64::consts::TAU;

use super::{mean::Mean, third_body::Rates};

/// A step of the integration, minutes.
pub(crate) const STEP_MINUTES: f64 = 720.0;
/// So many segments are kept each way: a week.
const KEPT: usize = 14;
/// How fast the Earth turns, radians a minute.
pub(crate) const EARTH_RATE: f64 = 4.375_269_088_011_3e-3;

/// A satellite in resonance.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Resonance {
    pub(crate) kind: Kind,
    /// Resonant longitude at epoch, radians.
    longitude: f64,
    /// What is added to the mean motion for the rate of that longitude.
    drift: f64,
    motion: f64,
    perigee: f64,
    perigee_rate: f64,
    /// The first steps from epoch on, forwards and backwards, so that an instant of the next days takes no integration.
    forwards: Box<[Segment]>,
    backwards: Box<[Segment]>,
}

/// Which resonance, with the strengths of its terms.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Kind {
    /// One revolution a day.
    Day([f64; 3]),
    /// Two revolutions a day on a long ellipse.
    HalfDay([f64; 10]),
}

/// The integration from one of its steps to the next, in which longitude and motion are quadratic.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Segment {
    pub(crate) knot: Knot,
    pub(crate) slopes: Slopes,
}

/// The integration at one of its steps.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Knot {
    /// Minutes since epoch.
    pub(crate) minutes: f64,
    pub(crate) longitude: f64,
    pub(crate) motion: f64,
}

/// Derivatives by time at a knot.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Slopes {
    pub(crate) longitude: f64,
    pub(crate) motion: f64,
    pub(crate) motion_second: f64,
}

/// Terms of the half-day resonance: multiples of the perigee and of the longitude, and the phase.
const HALF_DAY_TERMS: [(f64, f64, f64); 10] = [
    (2.0, 1.0, G22),
    (0.0, 1.0, G22),
    (1.0, 1.0, G32),
    (-1.0, 1.0, G32),
    (2.0, 2.0, G44),
    (0.0, 2.0, G44),
    (1.0, 1.0, G52),
    (-1.0, 1.0, G52),
    (1.0, 2.0, G54),
    (-1.0, 2.0, G54),
];
const G22: f64 = 5.768_639_6;
const G32: f64 = 0.952_408_98;
const G44: f64 = 1.801_499_8;
const G52: f64 = 1.050_833_0;
const G54: f64 = 4.410_889_8;
/// Phases of the three terms of the day's resonance.
const DAY_PHASES: [f64; 3] = [0.131_309_08, 2.884_319_8, 0.374_480_87];

impl Resonance {
    /// Nothing where the satellite is not in resonance. `sidereal` is Greenwich sidereal time at epoch, radians.
    pub(crate) fn new(mean: &Mean, rates: &Rates, sidereal: f64) -> Option<Self> {
        let (n, e) = (mean.motion, mean.eccentricity);
        let (longitude, drift, kind) = if (8.26e-3..=9.24e-3).contains(&n) && e >= 0.5 {
            let longitude = mean.anomaly + 2.0 * mean.node - 2.0 * sidereal;
            let drift = mean.anomaly_rate + rates.anomaly + 2.0 * (mean.node_rate + rates.node - EARTH_RATE) - n;
            (longitude, drift, Kind::HalfDay(half_day(mean)))
        } else if n > 0.003_490_658_5 && n < 0.005_235_987_7 {
            let longitude = mean.anomaly + mean.node + mean.perigee - sidereal;
            let secular = mean.anomaly_rate + mean.perigee_rate + mean.node_rate;
            let drift = secular - EARTH_RATE + rates.anomaly + rates.perigee + rates.node - n;
            (longitude, drift, Kind::Day(day(mean)))
        } else {
            return None;
        };
        let longitude = longitude % TAU;
        let mut resonance = Self {
            kind,
            longitude,
            drift,
            motion: n,
            perigee: mean.perigee,
            perigee_rate: mean.perigee_rate,
            forwards: Box::default(),
            backwards: Box::default(),
        };
        resonance.forwards = resonance.segments(STEP_MINUTES);
        resonance.backwards = resonance.segments(-STEP_MINUTES);
        Some(resonance)
    }

    fn segments(&self, by: f64) -> Box<[Segment]> {
        std::iter::successors(Some(self.start()), |segment| Some(self.next(segment, by))).take(KEPT).collect()
    }

    /// The integration at epoch.
    fn start(&self) -> Segment {
        self.from(Knot { minutes: 0.0, longitude: self.longitude, motion: self.motion })
    }

    fn from(&self, knot: Knot) -> Segment {
        Segment { slopes: self.slopes(&knot), knot }
    }

    fn slopes(&self, at: &Knot) -> Slopes {
        let longitude = at.motion + self.drift;
        let (mut first, mut second) = (0.0, 0.0);
        match &self.kind {
            Kind::Day(strengths) => {
                for ((strength, phase), times) in strengths.iter().zip(DAY_PHASES).zip([1.0, 2.0, 3.0]) {
                    let (sin, cos) = (times * (at.longitude - phase)).sin_cos();
                    first += strength * sin;
                    second += times * strength * cos;
                }
            }
            Kind::HalfDay(strengths) => {
                let perigee = self.perigee + self.perigee_rate * at.minutes;
                for (strength, (perigees, longitudes, phase)) in strengths.iter().zip(HALF_DAY_TERMS) {
                    let (sin, cos) = (perigees * perigee + longitudes * at.longitude - phase).sin_cos();
                    first += strength * sin;
                    second += longitudes * strength * cos;
                }
            }
        }
        Slopes { longitude, motion: first, motion_second: second * longitude }
    }

    /// The next segment, `by` minutes on: a step of 720 minutes forwards or backwards.
    fn next(&self, Segment { knot, slopes }: &Segment, by: f64) -> Segment {
        let half = STEP_MINUTES * STEP_MINUTES / 2.0;
        self.from(Knot {
            minutes: knot.minutes + by,
            longitude: knot.longitude + slopes.longitude * by + slopes.motion * half,
            motion: knot.motion + slopes.motion * by + slopes.motion_second * half,
        })
    }

    /// The segment of an instant: from the last step that is less than 720 minutes nearer to epoch.
    pub(crate) fn segment(&self, minutes: f64) -> Segment {
        let (by, kept) = if minutes > 0.0 { (STEP_MINUTES, &self.forwards) } else { (-STEP_MINUTES, &self.backwards) };
        if let Some(segment) = kept.get((minutes.abs() / STEP_MINUTES) as usize) {
            return *segment;
        }
        let mut segment = kept.last().copied().unwrap_or_else(|| self.start());
        while (minutes - segment.knot.minutes).abs() >= STEP_MINUTES {
            segment = self.next(&segment, by);
        }
        segment
    }
}

impl Segment {
    /// Resonant longitude and mean motion at an instant of the segment.
    pub(crate) fn at(&self, minutes: f64) -> (f64, f64) {
        let Self { knot, slopes } = self;
        let after = minutes - knot.minutes;
        let half = after * after * 0.5;
        let longitude = knot.longitude + slopes.longitude * after + slopes.motion * half;
        (longitude, knot.motion + slopes.motion * after + slopes.motion_second * half)
    }
}

fn day(mean: &Mean) -> [f64; 3] {
    let (sin_i, cos_i) = (mean.sin_inclination, mean.cos_inclination);
    let e2 = mean.eccentricity * mean.eccentricity;
    let inverse_axis = (mean.motion / mean.earth.ke).powf(2.0 / 3.0);
    let g200 = 1.0 + e2 * (-2.5 + 0.8125 * e2);
    let g310 = 1.0 + 2.0 * e2;
    let g300 = 1.0 + e2 * (-6.0 + 6.60937 * e2);
    let f220 = 0.75 * (1.0 + cos_i) * (1.0 + cos_i);
    let f311 = 0.9375 * sin_i * sin_i * (1.0 + 3.0 * cos_i) - 0.75 * (1.0 + cos_i);
    let f330 = 1.875 * (1.0 + cos_i).powi(3);
    let shared = 3.0 * mean.motion * mean.motion * inverse_axis * inverse_axis;
    [
        shared * f311 * g310 * 2.146_074_8e-6 * inverse_axis,
        2.0 * shared * f220 * g200 * 1.789_167_9e-6,
        3.0 * shared * f330 * g300 * 2.212_301_5e-7 * inverse_axis,
    ]
}

/// `c0 + c1 e + c2 e² + c3 e³`.
fn cubic(e: f64, [c0, c1, c2, c3]: [f64; 4]) -> f64 {
    let e2 = e * e;
    c0 + c1 * e + c2 * e2 + c3 * (e * e2)
}

fn half_day(mean: &Mean) -> [f64; 10] {
    let [g201, g211, g310, g322, g410, g422, g520, g521, g532, g533] = eccentricity_functions(mean.eccentricity);
    let [f220, f221, f321, f322, f441, f442, f522, f523, f542, f543] =
        inclination_functions(mean.sin_inclination, mean.cos_inclination);
    let inverse_axis = (mean.motion / mean.earth.ke).powf(2.0 / 3.0);
    let second = 3.0 * mean.motion * mean.motion * inverse_axis * inverse_axis;
    let third = second * inverse_axis;
    let fourth = third * inverse_axis;
    let fifth = fourth * inverse_axis;
    let (root22, root32, root44, root52, root54) =
        (1.789_167_9e-6, 3.739_379_2e-7, 7.363_695_3e-9, 1.142_863_9e-7, 2.176_580_3e-9);
    [
        second * root22 * f220 * g201,
        second * root22 * f221 * g211,
        third * root32 * f321 * g310,
        third * root32 * f322 * g322,
        2.0 * fourth * root44 * f441 * g410,
        2.0 * fourth * root44 * f442 * g422,
        fifth * root52 * f522 * g520,
        fifth * root52 * f523 * g532,
        2.0 * fifth * root54 * f542 * g521,
        2.0 * fifth * root54 * f543 * g533,
    ]
}

/// g201, g211, g310, g322, g410, g422, g520, g521, g532, g533.
fn eccentricity_functions(e: f64) -> [f64; 10] {
    let g201 = -0.306 - (e - 0.64) * 0.440;
    let lower = if e <= 0.65 {
        [
            [3.616, -13.2470, 16.2900, 0.0],
            [-19.302, 117.3900, -228.4190, 156.5910],
            [-18.9068, 109.7927, -214.6334, 146.5816],
            [-41.122, 242.6940, -471.0940, 313.9530],
            [-146.407, 841.8800, -1629.014, 1083.4350],
            [-532.114, 3017.977, -5740.032, 3708.2760],
        ]
    } else {
        let g520 =
            if e > 0.715 { [-5149.66, 29936.92, -54087.36, 31324.56] } else { [1464.74, -4664.75, 3763.64, 0.0] };
        [
            [-72.099, 331.819, -508.738, 266.724],
            [-346.844, 1582.851, -2415.925, 1246.113],
            [-342.585, 1554.908, -2366.899, 1215.972],
            [-1052.797, 4758.686, -7193.992, 3651.957],
            [-3581.690, 16178.110, -24462.770, 12422.520],
            g520,
        ]
    };
    let upper = if e < 0.7 {
        [
            [-822.71072, 4568.6173, -8491.4146, 5337.524],
            [-853.66600, 4690.2500, -8624.7700, 5341.4],
            [-919.22770, 4988.6100, -9064.7700, 5542.21],
        ]
    } else {
        [
            [-51752.104, 218913.95, -309468.16, 146349.42],
            [-40023.880, 170470.89, -242699.48, 115605.82],
            [-37995.780, 161616.52, -229838.20, 109377.94],
        ]
    };
    let [g211, g310, g322, g410, g422, g520] = lower.map(|row| cubic(e, row));
    let [g521, g532, g533] = upper.map(|row| cubic(e, row));
    [g201, g211, g310, g322, g410, g422, g520, g521, g532, g533]
}

/// f220, f221, f321, f322, f441, f442, f522, f523, f542, f543.
fn inclination_functions(sin_i: f64, cos_i: f64) -> [f64; 10] {
    let (sin2, cos2) = (sin_i * sin_i, cos_i * cos_i);
    let f220 = 0.75 * (1.0 + 2.0 * cos_i + cos2);
    [
        f220,
        1.5 * sin2,
        1.875 * sin_i * (1.0 - 2.0 * cos_i - 3.0 * cos2),
        -1.875 * sin_i * (1.0 + 2.0 * cos_i - 3.0 * cos2),
        35.0 * sin2 * f220,
        39.3750 * sin2 * sin2,
        9.84375 * sin_i * (sin2 * (1.0 - 2.0 * cos_i - 5.0 * cos2) + 0.333_333_33 * (-2.0 + 4.0 * cos_i + 6.0 * cos2)),
        sin_i
            * (4.921_875_12 * sin2 * (-2.0 - 4.0 * cos_i + 10.0 * cos2)
                + 6.562_500_12 * (1.0 + 2.0 * cos_i - 3.0 * cos2)),
        29.53125 * sin_i * (2.0 - 8.0 * cos_i + cos2 * (-12.0 + 8.0 * cos_i + 10.0 * cos2)),
        29.53125 * sin_i * (-2.0 - 8.0 * cos_i + cos2 * (12.0 + 8.0 * cos_i - 10.0 * cos2)),
    ]
}
