//! Which pairs may come close during a step: those whose chords lead through the same shell and through neighbouring bands and longitudes
//! of directions, and come near one another.
//!
//! A shell is a range of distances from the Earth's centre. Two satellites within the threshold of one another are in one shell at that
//! time, if each is entered in all the shells that it reaches, half a threshold added on both sides. In its shell the satellites are
//! sorted by bands of latitude and in these by longitude; bands are as wide as the largest angle that a pair can have between
//! its bisectors, so only the same and the next band count.

use std::f64::consts::{FRAC_PI_2, PI, TAU};

use super::{
    chord::{Chord, departure_km, dot},
    knots::Positions,
};

/// A pair that may come close during a step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Candidate {
    pub(super) first: u32,
    pub(super) second: u32,
    /// The time at which the chords are nearest, from -1 at the begin of the step to 1 at its end.
    pub(super) share: f64,
    /// Relative speed along the chords, km/s.
    pub(super) speed_km_s: f64,
}

/// What is asked of a step.
#[derive(Debug, Clone, Copy)]
pub(super) struct Question {
    within_km: f64,
    step_s: f64,
    /// Square of a distance of chords beyond which no pair comes within the threshold.
    farthest_square: f64,
}

/// Room to work in, used again for each step.
#[derive(Debug, Clone, Default)]
pub(super) struct Sieve {
    entries: Vec<Entry>,
    shells: Vec<Shell>,
    keys: Vec<(u32, u32)>,
    spare: Vec<(u32, u32)>,
    sorted: Vec<Entry>,
    latitudes: Vec<f32>,
    longitudes: Vec<i32>,
}

/// A satellite in one shell.
#[derive(Debug, Clone, Copy)]
struct Entry {
    middle: [f64; 3],
    half: [f64; 3],
    lowest: f32,
    highest: f32,
    /// Shell of this entry, and the first one that the satellite is entered in.
    shell: u16,
    first_shell: u16,
    satellite: u32,
}

/// What the entries of a shell have in common.
#[derive(Debug, Clone, Copy, Default)]
struct Shell {
    swept: f64,
    angle: f64,
    bands: u32,
    /// Number of its first band among those of all shells.
    base: u32,
}

/// Shells are so thick in low orbits, km.
const THICK_KM: f64 = 12.0;
/// Where the lowest begins, km from the Earth's centre; SGP4 gives no state below 6,378 km.
const LOWEST_KM: f64 = 6_200.0;
/// From here on they grow with the distance.
const GROWING_KM: f64 = 8_396.0;
/// How many there are until there.
const EVEN: f64 = (GROWING_KM - LOWEST_KM) / THICK_KM;
/// How many there are from there on while the distance grows e-fold.
const PER_E_FOLD: f64 = 50.0;
/// The last one has no upper end.
const SHELLS: usize = 512;
/// Steps of longitude in a turn.
const TURN: i32 = 1 << 15;
/// No two satellites on bound orbits are faster relative to one another, km/s: twice the speed of escape at the ground.
const SPEED_MAX_KM_S: f64 = 22.5;
/// How far a computed angle may be off, radians.
const ANGLE_ERROR: f64 = 2e-5;

fn shell_of(distance_km: f64) -> usize {
    let shell = if distance_km < GROWING_KM {
        (distance_km - LOWEST_KM) / THICK_KM
    } else {
        EVEN + PER_E_FOLD * (distance_km / GROWING_KM).ln()
    };
    (shell.max(0.0) as usize).min(SHELLS - 1)
}

fn floor_of(shell: usize) -> f64 {
    let shell = shell as f64;
    if shell < EVEN { LOWEST_KM + THICK_KM * shell } else { GROWING_KM * ((shell - EVEN) / PER_E_FOLD).exp() }
}

impl Question {
    /// Of a step of so many seconds.
    pub(super) fn new(within_km: f64, step_s: f64) -> Self {
        let farthest = within_km + departure_km(within_km, SPEED_MAX_KM_S, step_s, LOWEST_KM);
        Self { within_km, step_s, farthest_square: farthest * farthest }
    }
}

impl Sieve {
    /// All pairs that may be within the threshold at some time of the step, each once.
    pub(super) fn all(&mut self, begin: &Positions, end: &Positions, question: Question, found: &mut Vec<Candidate>) {
        self.enter(begin, end, question);
        self.divide(question);
        self.sort();
        let mut run = 0;
        while run < self.keys.len() {
            let band = self.keys[run].0 >> 15;
            let until = self.run_end(run, band);
            let next_until = self.run_end(until, band + 1);
            self.pairs(run..until, until..next_until, band, question, found);
            run = until;
        }
    }

    /// All pairs with one satellite.
    pub(super) fn one(
        satellite: usize,
        (begin, end): (&Positions, &Positions),
        question: Question,
        found: &mut Vec<Candidate>,
    ) {
        if !(begin.has(satellite) && end.has(satellite)) {
            return;
        }
        let primary = Entry::new(&Chord::between(begin, end, satellite, question.step_s), satellite, question);
        for other in (0..begin.x.len()).filter(|other| *other != satellite) {
            if begin.has(other) && end.has(other) {
                let secondary = Entry::new(&Chord::between(begin, end, other, question.step_s), other, question);
                found.extend(primary.close(&secondary, question));
            }
        }
    }

    /// Each satellite into each of its shells.
    fn enter(&mut self, begin: &Positions, end: &Positions, question: Question) {
        self.entries.clear();
        self.keys.clear();
        self.latitudes.clear();
        self.longitudes.clear();
        self.shells.clear();
        self.shells.resize(SHELLS, Shell::default());
        let spread = 0.5 * question.within_km + 0.001;
        for satellite in 0..begin.x.len() {
            if !(begin.has(satellite) && end.has(satellite)) {
                continue;
            }
            let chord = Chord::between(begin, end, satellite, question.step_s);
            let entry = Entry::new(&chord, satellite, question);
            let last = shell_of(chord.highest + spread);
            let [x, y, z] = chord.direction;
            let latitude = angle(z, (x * x + y * y).sqrt()) as f32;
            let longitude = ((angle(y, x) + PI) * (f64::from(TURN) / TAU)) as i32;
            for shell in usize::from(entry.first_shell)..=last {
                if let Some(known) = self.shells.get_mut(shell) {
                    known.swept = known.swept.max(chord.swept);
                    known.bands = 1;
                }
                self.entries.push(Entry { shell: shell as u16, ..entry });
                self.latitudes.push(latitude);
                self.longitudes.push(longitude.clamp(0, TURN - 1));
            }
        }
    }

    /// Bands for each shell, so many that all keys have room.
    fn divide(&mut self, question: Question) {
        let mut narrowing = 1;
        loop {
            let mut base = 0;
            for (index, shell) in self.shells.iter_mut().enumerate().filter(|(_, shell)| shell.bands > 0) {
                let sine = (question.within_km / (floor_of(index) - question.within_km).max(1.0)).min(1.0);
                shell.angle = (2.0 * shell.swept + sine.asin() + 2.0 * ANGLE_ERROR).min(PI);
                shell.bands = ((PI / shell.angle) as u32 / narrowing).max(1);
                shell.base = base;
                // One free number between shells, so that the last band of one is no neighbour of the first of the next.
                base += shell.bands + 1;
            }
            if base < 1 << 16 {
                return;
            }
            narrowing += 1;
        }
    }

    /// Entries in the order of shell, band and longitude.
    fn sort(&mut self) {
        self.keys.clear();
        for (index, (entry, latitude)) in self.entries.iter().zip(&self.latitudes).enumerate() {
            let shell = &self.shells[usize::from(entry.shell)];
            let height = (f64::from(*latitude) + FRAC_PI_2) * (f64::from(shell.bands) / PI);
            let band = (height.max(0.0) as u32).min(shell.bands - 1);
            self.keys.push(((shell.base + band) << 15 | self.longitudes[index] as u32, index as u32));
        }
        radix(&mut self.keys, &mut self.spare);
        self.sorted.clear();
        self.sorted.extend(self.keys.iter().map(|(_, place)| self.entries[*place as usize]));
        self.longitudes.clear();
        self.longitudes.extend(self.keys.iter().map(|(key, _)| (*key & 0x7fff) as i32));
    }

    fn run_end(&self, from: usize, band: u32) -> usize {
        let rest = self.keys.get(from..).unwrap_or_default();
        from + rest.iter().take_while(|(key, _)| key >> 15 == band).count()
    }

    /// The pairs of a band, and with the next.
    fn pairs(
        &self,
        own: std::ops::Range<usize>,
        next: std::ops::Range<usize>,
        band: u32,
        question: Question,
        found: &mut Vec<Candidate>,
    ) {
        let Some(shell) = self.sorted.get(own.start).map(|entry| self.shells[usize::from(entry.shell)]) else { return };
        let width = shell.longitudes(band - shell.base);
        let (mine, longitudes) = (&self.sorted[own.clone()], &self.longitudes[own]);
        for (index, entry) in mine.iter().enumerate() {
            let from = index + 1;
            let limit = longitudes[index] + width;
            for (other, longitude) in mine[from..].iter().zip(&longitudes[from..]) {
                if *longitude > limit {
                    break;
                }
                found.extend(entry.near(other, question));
            }
            // Around the turn: those at the begin of the run, which were not met before as the nearer way leads over the turn.
            if width < TURN / 2 {
                for (other, longitude) in mine[..index].iter().zip(longitudes) {
                    if *longitude + TURN > limit {
                        break;
                    }
                    found.extend(entry.near(other, question));
                }
            }
        }
        if next.is_empty() {
            return;
        }
        let width = width.min(shell.longitudes(band + 1 - shell.base));
        self.across((mine, longitudes), (&self.sorted[next.clone()], &self.longitudes[next]), width, question, found);
    }

    /// The pairs of two bands, both sorted by longitude.
    fn across(
        &self,
        (mine, longitudes): (&[Entry], &[i32]),
        (others, far): (&[Entry], &[i32]),
        width: i32,
        question: Question,
        found: &mut Vec<Candidate>,
    ) {
        let mut from = 0;
        for (entry, longitude) in mine.iter().zip(longitudes) {
            let (low, high) = (longitude - width, longitude + width);
            let is_all = width >= TURN / 2;
            while !is_all && from < far.len() && far[from] < low {
                from += 1;
            }
            for (other, place) in others[from..].iter().zip(&far[from..]) {
                if *place > high && !is_all {
                    break;
                }
                found.extend(entry.near(other, question));
            }
            if is_all {
                continue;
            }
            if high >= TURN {
                let count = far.partition_point(|place| *place + TURN <= high);
                others[..count].iter().for_each(|other| found.extend(entry.near(other, question)));
            }
            if low < 0 {
                let start = far.partition_point(|place| *place - TURN < low);
                others[start..].iter().for_each(|other| found.extend(entry.near(other, question)));
            }
        }
    }
}

impl Shell {
    /// How far apart in longitude a pair may be of which one is in a band, in steps of a turn; half a turn or more is all around.
    fn longitudes(&self, band: u32) -> i32 {
        let height = PI / f64::from(self.bands);
        let (south, north) = (f64::from(band) * height - FRAC_PI_2, f64::from(band + 1) * height - FRAC_PI_2);
        let farthest = south.abs().max(north.abs()) + ANGLE_ERROR;
        if farthest + self.angle >= FRAC_PI_2 - 1e-3 {
            return TURN;
        }
        // The meridians that touch a circle of this radius around a point of this latitude.
        let width = (self.angle.sin() / farthest.cos()).min(1.0).asin() + 2.0 * ANGLE_ERROR;
        (width * (f64::from(TURN) / TAU)) as i32 + 2
    }
}

impl Entry {
    fn new(chord: &Chord, satellite: usize, question: Question) -> Self {
        let spread = 0.5 * question.within_km + 0.001;
        Self {
            middle: chord.middle,
            half: chord.half,
            lowest: (chord.lowest - 0.01) as f32,
            highest: (chord.highest + 0.01) as f32,
            shell: 0,
            first_shell: shell_of(chord.lowest - spread) as u16,
            satellite: satellite as u32,
        }
    }

    /// The pair, if it may come within the threshold, and if this shell is the first of those that it shares.
    #[inline(always)]
    fn near(&self, other: &Self, question: Question) -> Option<Candidate> {
        if self.shell == self.first_shell.max(other.first_shell) { self.close(other, question) } else { None }
    }

    /// The pair, if by its chords it may come within the threshold.
    #[inline(always)]
    fn close(&self, other: &Self, question: Question) -> Option<Candidate> {
        let within = question.within_km as f32 + 0.01;
        if self.lowest > other.highest + within || other.lowest > self.highest + within {
            return None;
        }
        let between = [0, 1, 2].map(|axis| other.middle[axis] - self.middle[axis]);
        let half = [0, 1, 2].map(|axis| other.half[axis] - self.half[axis]);
        let (square, along, length) = (dot(between, between), dot(between, half), dot(half, half));
        let share = if length > 0.0 { (-along / length).clamp(-1.0, 1.0) } else { 0.0 };
        let nearest = square + share * (2.0 * along + share * length);
        if nearest > question.farthest_square {
            return None;
        }
        let speed_km_s = 2.0 * length.sqrt() / question.step_s;
        // The speed changes by less than a twentieth during a step, as the gradient of gravity is all that changes it.
        let (speed_max, lowest) = (1.05 * speed_km_s + 0.01, f64::from(self.lowest.min(other.lowest)));
        let reach = question.within_km + departure_km(question.within_km, speed_max, question.step_s, lowest);
        let (first, second) = (self.satellite.min(other.satellite), self.satellite.max(other.satellite));
        (nearest <= reach * reach).then_some(Candidate { first, second, share, speed_km_s })
    }
}

/// The angle of a vector with the x axis, radians, -π to π, within 2e-5: Abramowitz and Stegun 4.4.47 for the arc tangent.
#[inline(always)]
fn angle(y: f64, x: f64) -> f64 {
    let (across, up) = (x.abs(), y.abs());
    let ratio = across.min(up) / across.max(up).max(1e-30);
    let square = ratio * ratio;
    let series =
        0.999_866_0 + square * (-0.330_299_5 + square * (0.180_141_0 + square * (-0.085_133_0 + square * 0.020_835_1)));
    let octant = ratio * series;
    let quadrant = if up > across { FRAC_PI_2 - octant } else { octant };
    let half = if x < 0.0 { PI - quadrant } else { quadrant };
    if y < 0.0 { -half } else { half }
}

/// Sorts by the first of each, least digits first.
fn radix(keys: &mut Vec<(u32, u32)>, spare: &mut Vec<(u32, u32)>) {
    const DIGIT: u32 = 11;
    spare.clear();
    spare.resize(keys.len(), (0, 0));
    for pass in 0..3 {
        let digit = |key: u32| (key >> (pass * DIGIT)) as usize & ((1 << DIGIT) - 1);
        let mut places = [0_u32; 1 << DIGIT];
        keys.iter().for_each(|(key, _)| places[digit(*key)] += 1);
        let mut sum = 0;
        for place in &mut places {
            sum += std::mem::replace(place, sum);
        }
        for pair in keys.iter() {
            let place = &mut places[digit(pair.0)];
            spare[*place as usize] = *pair;
            *place += 1;
        }
        std::mem::swap(keys, spare);
    }
}
