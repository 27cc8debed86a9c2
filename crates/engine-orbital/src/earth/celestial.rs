//! From TEME to the sky of telescopes: the GCRS, whose axes are those of J2000 within 0.03 arcseconds.

use std::f64::consts::PI;

use astrometry::{AstrometryError, Moment, OfDate};
use vocabulary::{Declination, Equatorial, Equinox, RightAscension};

use super::{Earth, Station};
use crate::{
    state::{Gcrs, State, Teme},
    vector::{along, back, minus, turn},
};

/// The rotation between [`Teme`] and [`Gcrs`] at one instant.
///
/// TEME is turned about the axis of date into the true equator and equinox, so that apparent sidereal time (IAU 2006/2000A) over them
/// is mean sidereal time 1982 over TEME; then nutation, precession and frame bias (IAU 2006/2000A) lead back. So the ground is at the same
/// place either way. The observed offsets of the celestial pole (below 0.001 arcseconds) are left out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Celestial {
    /// Rows: the axes of TEME in the GCRS.
    axes: [[f64; 3]; 3],
}

impl Celestial {
    /// The sky over an Earth; a tenth of a millisecond. Refused outside 1900 to 2100.
    pub fn over(earth: &Earth) -> Result<Self, AstrometryError> {
        let of_date = OfDate::at(Moment::new(earth.when(), earth.orientation().earth())?)?;
        Ok(Self::with(earth, &of_date))
    }

    pub(crate) fn with(earth: &Earth, of_date: &OfDate) -> Self {
        let apparent = of_date.greenwich_apparent_sidereal_time().hours() * PI / 12.0;
        let (sine, cosine) = (earth.sidereal_radians() - apparent).sin_cos();
        let [x, y, z] = of_date.axes();
        let mix = |a: f64, b: f64| -> [f64; 3] { std::array::from_fn(|axis| a * x[axis] + b * y[axis]) };
        Self { axes: [mix(cosine, -sine), mix(sine, cosine), *z] }
    }

    /// Along the axes of the GCRS.
    pub fn gcrs(&self, state: &State<Teme>) -> State<Gcrs> {
        State::new(back(&self.axes, &state.position_km), back(&self.axes, &state.velocity_km_s))
    }

    /// Along the axes of TEME.
    pub fn teme(&self, state: &State<Gcrs>) -> State<Teme> {
        State::new(along(&self.axes, &state.position_km), along(&self.axes, &state.velocity_km_s))
    }

    /// A direction or place along the axes of TEME.
    pub fn direction_in_teme(&self, gcrs: &[f64; 3]) -> [f64; 3] {
        along(&self.axes, gcrs)
    }

    /// Right ascension and declination (J2000) of a satellite among the stars, seen from a station: geometric, without light time
    /// (a LEO satellite moves 20 m meanwhile) and aberration, which it shares with the stars.
    pub fn seen_from(
        &self,
        earth: &Earth,
        station: &Station,
        state: &State<Teme>,
    ) -> Result<Equatorial, AstrometryError> {
        let here = earth.teme(&State::new(*station.position_km(), [0.0; 3]));
        let [x, y, z] = back(&self.axes, &minus(&state.position_km, &here.position_km));
        Ok(Equatorial {
            right_ascension: RightAscension::hours(turn(y.atan2(x)).to_degrees() / 15.0)?,
            declination: Declination::degrees(z.atan2(x.hypot(y)).to_degrees())?,
            equinox: Equinox::J2000,
        })
    }
}
