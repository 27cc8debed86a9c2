//! The equator and equinox of a moment: apparent places for an observer at the centre of the Earth.

use sofars::{
    astro::{IauAstrom, ab, apcg, atciqz, aticq},
    eph::epv00,
    erst::era00,
    pnp::{bpn2xy, eors, pnm06a, s06},
    vm::rxp,
};
use vocabulary::{Equatorial, Equinox};

use crate::{
    angles::{SiderealTime, equatorial, equatorial_from_radians, radians},
    error::AstrometryError,
    moment::Moment,
};

/// The sky of one moment by the true equator and equinox of that moment (what mounts call JNow, ASCOM `equTopocentric`).
///
/// A J2000 position is a catalogue's: a direction from the barycentre of the solar system by the mean equator and equinox
/// of J2000.0, which is taken as the ICRS (they differ by at most 0.024 arcseconds), without proper motion and parallax. The
/// position of date is apparent: deflected by the Sun's gravity (up to 1.75 arcseconds), with annual aberration (up to 20.5),
/// precession (50 a year) and nutation (up to 17) after IAU 2006/2000A, for the centre of the Earth. SOFA: `iauAtciqz`
/// and `iauAticq` with the classical bias-precession-nutation matrix `iauPnm06a`, Earth from `iauEpv00`. What is left out for an observer on
/// the ground is diurnal aberration, at most 0.32 arcseconds, which comes in on the way to the horizon.
///
/// There and back again is the same within 0.001 arcseconds.
#[derive(Debug, Clone, Copy)]
pub struct OfDate {
    moment: Moment,
    /// Independent of the star; its matrix leads to the true equinox, where SOFA's own chain leads to the CIO.
    astrom: IauAstrom,
    earth: Earth,
}

/// The Earth, in au and au per day along the axes of the ICRS.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Earth {
    /// Position and velocity from the Sun.
    pub(crate) heliocentric: [[f64; 3]; 2],
    /// Position and velocity from the barycentre of the solar system.
    pub(crate) barycentric: [[f64; 3]; 2],
}

impl OfDate {
    /// Prepares the frame of a moment; a tenth of a millisecond, or some 300 conversions.
    pub fn at(moment: Moment) -> Result<Self, AstrometryError> {
        let (day, fraction) = (moment.tt().day(), moment.tt().fraction());
        let (heliocentric, barycentric) =
            epv00(day, fraction).ok_or(AstrometryError::OutsideEphemeris(moment.timestamp()))?;
        let mut astrom = IauAstrom::default();
        apcg(day, fraction, &barycentric, &heliocentric[0], &mut astrom);
        astrom.bpn = pnm06a(day, fraction);
        Ok(Self { moment, astrom, earth: Earth { heliocentric, barycentric } })
    }

    /// The moment.
    pub const fn moment(&self) -> &Moment {
        &self.moment
    }

    /// The same direction by another equinox; a position that is already by it comes back untouched.
    ///
    /// A position of date is taken to be of this moment. A mount's own equinox cannot be converted from or to.
    pub fn convert(&self, position: Equatorial, to: Equinox) -> Result<Equatorial, AstrometryError> {
        match (position.equinox, to) {
            (Equinox::Mount, _) | (_, Equinox::Mount) => Err(AstrometryError::MountEquinox),
            (Equinox::J2000, Equinox::OfDate) => self.apparent(&position),
            (Equinox::OfDate, Equinox::J2000) => self.catalogue(&position),
            (Equinox::J2000, Equinox::J2000) | (Equinox::OfDate, Equinox::OfDate) => Ok(position),
        }
    }

    fn apparent(&self, position: &Equatorial) -> Result<Equatorial, AstrometryError> {
        let (right_ascension, declination) = radians(position);
        let mut astrom = self.astrom;
        let (right_ascension, declination) = atciqz(right_ascension, declination, &mut astrom);
        Ok(equatorial_from_radians(right_ascension, declination, Equinox::OfDate)?)
    }

    fn catalogue(&self, position: &Equatorial) -> Result<Equatorial, AstrometryError> {
        let (right_ascension, declination) = radians(position);
        let mut astrom = self.astrom;
        let (right_ascension, declination) = aticq(right_ascension, declination, &mut astrom);
        Ok(equatorial_from_radians(right_ascension, declination, Equinox::J2000)?)
    }

    /// The x, y and z axes of the true equator and equinox of date, along those of the GCRS (IAU 2006/2000A).
    pub const fn axes(&self) -> &[[f64; 3]; 3] {
        self.matrix()
    }

    /// Greenwich apparent sidereal time (IAU 2006/2000A).
    pub fn greenwich_apparent_sidereal_time(&self) -> SiderealTime {
        let (tt, ut1) = (self.moment.tt(), self.moment.ut1());
        let (x, y) = bpn2xy(self.matrix());
        let cio_locator = s06(tt.day(), tt.fraction(), x, y);
        SiderealTime::from_radians(era00(ut1.day(), ut1.fraction()) - eors(self.matrix(), cio_locator))
    }

    pub(crate) const fn earth(&self) -> &Earth {
        &self.earth
    }

    /// The classical bias-precession-nutation matrix: ICRS axes to the true equator and equinox of date.
    pub(crate) const fn matrix(&self) -> &[[f64; 3]; 3] {
        &self.astrom.bpn
    }

    /// Where a body shows whose geometric direction (with light time) is this unit vector: aberration and rotation, no deflection.
    pub(crate) fn aberrated(&self, direction: &[f64; 3]) -> Result<Equatorial, AstrometryError> {
        let proper = ab(direction, &self.astrom.v, self.astrom.em, self.astrom.bm1);
        let mut of_date = [0.0; 3];
        rxp(&self.astrom.bpn, &proper, &mut of_date);
        Ok(equatorial(&of_date, Equinox::OfDate)?)
    }
}
