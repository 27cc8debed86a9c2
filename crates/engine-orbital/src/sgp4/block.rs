//! Satellites side by side as lanes, all asked for one instant.

use super::{
    Propagator, REACH_MINUTES,
    averages::{Terms, deep, near},
    constants::{Source, at, segment},
    exact,
    kepler::{Form, NEARLY_CIRCULAR},
    lanes::{Lanes, Work},
    orbit::{Earth, states},
    single::FAST_MINUTES,
};
use crate::{Gravity, Sgp4Error, State};

/// So many satellites make a block: the widest lanes.
pub(crate) const WIDTH: usize = 8;

/// What satellites of one block have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Sort {
    is_deep: bool,
    is_long: bool,
    is_low: bool,
}

impl Sort {
    pub(crate) fn of(propagator: &Propagator) -> Self {
        let (mean, is_deep) = (&propagator.mean, propagator.is_deep_space());
        // What the eccentricity gains by terms of long period, by Sun and Moon.
        let spare = if is_deep { 0.02 } else { 0.01 };
        Self {
            is_deep,
            is_long: mean.eccentricity > NEARLY_CIRCULAR - spare,
            is_low: is_deep && mean.inclination < 0.2,
        }
    }
}

/// Up to eight satellites of one sort.
#[derive(Debug, Clone)]
pub(crate) struct Block {
    sort: Sort,
    /// Indices in the batch.
    pub(crate) satellites: Vec<u32>,
    /// Microseconds from 1970 to the epochs.
    epochs: [i64; WIDTH],
    table: Box<[[f64; WIDTH]; at::ALL]>,
}

/// States of a block.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Slot {
    pub(crate) numbers: [[f64; WIDTH]; 6],
    pub(crate) codes: [u8; WIDTH],
}

impl Slot {
    pub(crate) const EMPTY: Self = Self { numbers: [[f64::NAN; WIDTH]; 6], codes: [0; WIDTH] };
}

impl Block {
    /// Of at least one satellite; the last one fills the lanes that are left.
    pub(crate) fn new(sort: Sort, members: &[(u32, &Propagator)]) -> Self {
        let mut block = Self {
            sort,
            satellites: members.iter().map(|(index, _)| *index).collect(),
            epochs: [0; WIDTH],
            table: Box::new([[0.0; WIDTH]; at::ALL]),
        };
        let filled = members.iter().chain(members.last().into_iter().cycle());
        for (lane, (_, propagator)) in (0..WIDTH).zip(filled) {
            block.epochs[lane] = microseconds(propagator.epoch());
            for (row, constant) in block.table.iter_mut().zip(propagator.constants.0) {
                row[lane] = constant;
            }
        }
        block
    }
}

/// Microseconds since 1970 of an instant.
pub(crate) fn microseconds(instant: vocabulary::Timestamp) -> i64 {
    i64::try_from(instant.instant().unix_timestamp_nanos() / 1000).unwrap_or(i64::MAX)
}

/// Some lanes of a block's table, with the resonance at the instant.
struct Part<'a> {
    table: &'a [[f64; WIDTH]; at::ALL],
    resonance: &'a [[f64; WIDTH]; 6],
    is_deep: bool,
    from: usize,
}

impl<L: Lanes> Source<L> for Part<'_> {
    #[inline(always)]
    fn get(&self, index: usize) -> L {
        let row = if self.is_deep {
            match index {
                at::SEGMENT_START => &self.resonance[0],
                at::LONGITUDE => &self.resonance[1],
                at::LONGITUDE_SLOPE => &self.resonance[2],
                at::MOTION => &self.resonance[3],
                at::MOTION_SLOPE => &self.resonance[4],
                at::MOTION_BEND => &self.resonance[5],
                _ => &self.table[index],
            }
        } else {
            &self.table[index]
        };
        L::load(&row[self.from..])
    }
}

/// The work: the states of blocks at an instant, a slot a block.
pub(crate) struct Look<'a> {
    pub(crate) propagators: &'a [Result<Propagator, Sgp4Error>],
    pub(crate) gravity: Gravity,
    pub(crate) blocks: &'a [Block],
    pub(crate) when: i64,
    pub(crate) slots: &'a mut [Slot],
}

impl Work for Look<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        let earth = Earth::new(&self.gravity.constants());
        for (block, slot) in self.blocks.iter().zip(self.slots) {
            let minutes: [f64; WIDTH] =
                std::array::from_fn(|lane| self.when.saturating_sub(block.epochs[lane]) as f64 / 6.0e7);
            let sound = block.run::<L>(self.propagators, &earth, &minutes, slot);
            slot.codes = [0; WIDTH];
            if sound != u32::from(u8::MAX) {
                block.exactly(self.propagators, sound, &minutes, slot);
            }
        }
    }
}

impl Block {
    #[inline(always)]
    fn run<L: Lanes>(
        &self,
        propagators: &[Result<Propagator, Sgp4Error>],
        earth: &Earth<L>,
        minutes: &[f64; WIDTH],
        slot: &mut Slot,
    ) -> u32 {
        let mut resonance = [[0.0; WIDTH]; 6];
        if self.sort.is_deep {
            self.resonate(propagators, minutes, &mut resonance);
        }
        let form = if self.sort.is_long { Form::Ellipse } else { Form::Circle };
        let mut sound = 0;
        let mut from = 0;
        while from < WIDTH {
            let part = Part { table: &self.table, resonance: &resonance, is_deep: self.sort.is_deep, from };
            let t = L::load(&minutes[from..]);
            let averages = if self.sort.is_deep { deep(&part, t) } else { near(&part, t, Terms::All) };
            let is_round = averages.eccentricity.below(L::splat(NEARLY_CIRCULAR - 0.005));
            let states = states(earth, &averages, form);
            for (row, numbers) in slot.numbers.iter_mut().zip(states.numbers) {
                numbers.store(&mut row[from..]);
            }
            let holds = if form == Form::Circle { is_round } else { u32::MAX };
            let near_enough = t.abs().below(L::splat(FAST_MINUTES));
            sound |= (states.sound & holds & near_enough) << from;
            from += L::WIDTH;
        }
        sound
    }

    fn resonate(
        &self,
        propagators: &[Result<Propagator, Sgp4Error>],
        minutes: &[f64; WIDTH],
        resonance: &mut [[f64; WIDTH]; 6],
    ) {
        let rows =
            [at::SEGMENT_START, at::LONGITUDE, at::LONGITUDE_SLOPE, at::MOTION, at::MOTION_SLOPE, at::MOTION_BEND];
        for (row, index) in resonance.iter_mut().zip(rows) {
            *row = self.table[index];
        }
        for (lane, minutes) in minutes.iter().enumerate().take(self.satellites.len()) {
            let deep = self.propagator(propagators, lane).and_then(|propagator| propagator.deep.as_deref());
            let Some(of) = deep.and_then(|deep| deep.resonance.as_ref()) else { continue };
            if minutes.abs() <= FAST_MINUTES {
                for (row, (_, value)) in resonance.iter_mut().zip(segment(&of.segment(*minutes))) {
                    row[lane] = value;
                }
            }
        }
    }

    fn propagator<'a>(&self, propagators: &'a [Result<Propagator, Sgp4Error>], lane: usize) -> Option<&'a Propagator> {
        let index = *self.satellites.get(lane)?;
        propagators.get(index as usize)?.as_ref().ok()
    }

    /// The lanes that are not sound, in the exact form.
    fn exactly(
        &self,
        propagators: &[Result<Propagator, Sgp4Error>],
        sound: u32,
        minutes: &[f64; WIDTH],
        slot: &mut Slot,
    ) {
        for (lane, minutes) in minutes.iter().enumerate().filter(|(lane, _)| sound >> lane & 1 == 0) {
            let Some(propagator) = self.propagator(propagators, lane) else { continue };
            let state = if minutes.abs() <= REACH_MINUTES {
                exact::state(&propagator.mean, propagator.deep.as_deref(), *minutes)
            } else {
                Err(Sgp4Error::OutOfReach)
            };
            let (numbers, code) = match state {
                Ok(State { position_km: [x, y, z], velocity_km_s: [vx, vy, vz], .. }) => ([x, y, z, vx, vy, vz], 0),
                Err(error) => ([f64::NAN; 6], error.code()),
            };
            slot.codes[lane] = code;
            for (row, number) in slot.numbers.iter_mut().zip(numbers) {
                row[lane] = number;
            }
        }
    }
}
