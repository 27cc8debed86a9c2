//! The sky over a site at a moment: altitude and azimuth, sidereal time, Sun and Moon.

use std::f64::consts::{FRAC_PI_2, PI};

use sofars::{
    astro::{IauAstrom, apio, atioq, atoiq, pvtob},
    consts::{DAS2R, DAU},
    erst::era00,
    pnp::{bpn2xy, c2ixys, eors, s06, sp00},
    vm::trxp,
};
use vocabulary::{Equatorial, Equinox, Horizontal};

use crate::{
    angles::{HourAngle, Separation, SiderealTime, equatorial_from_radians, horizontal_from_radians, radians},
    atmosphere::Atmosphere,
    bodies::{Body, LocalBody},
    error::AstrometryError,
    moment::Moment,
    of_date::OfDate,
    separation::{convertible, separation},
    site::Site,
};

/// The sky over one site at one moment.
///
/// Altitude and azimuth are those of a perfect theodolite on the WGS-84 ellipsoid (azimuth from north through east), with
/// the Earth's rotation (IAU 2006/2000A), polar motion and diurnal aberration, as in SOFA's `iauAtioq`. *Airless* places leave
/// refraction out; *observed* ones have it.
#[derive(Debug, Clone, Copy)]
pub struct LocalSky {
    site: Site,
    of_date: OfDate,
    /// What SOFA needs between CIRS and the horizon; without refraction.
    horizon: IauAstrom,
    /// Earth rotation angle less apparent sidereal time: from the equinox to the CIO, radians.
    equation_of_origins: f64,
    /// The site from the centre of the Earth, in au along the axes of the ICRS.
    observer: [f64; 3],
}

impl LocalSky {
    /// Prepares the sky over a site; a tenth of a millisecond, or some 300 conversions.
    pub fn above(site: Site, moment: Moment) -> Result<Self, AstrometryError> {
        let of_date = OfDate::at(moment)?;
        let (tt, ut1) = (moment.tt(), moment.ut1());
        let (x, y) = bpn2xy(of_date.matrix());
        let cio_locator = s06(tt.day(), tt.fraction(), x, y);
        let rotation = era00(ut1.day(), ut1.fraction());
        let tio_locator = sp00(tt.day(), tt.fraction());
        let (polar_x, polar_y) = moment.orientation().polar_motion_arcseconds();
        let (polar_x, polar_y) = (polar_x * DAS2R, polar_y * DAS2R);
        let longitude = site.longitude().value().to_radians();
        let latitude = site.latitude().value().to_radians();
        let height = site.elevation_metres();

        let mut horizon = IauAstrom::default();
        apio(tio_locator, rotation, longitude, latitude, height, polar_x, polar_y, 0.0, 0.0, &mut horizon);
        let mut of_cirs = [[0.0; 3]; 2];
        pvtob(longitude, latitude, height, polar_x, polar_y, tio_locator, rotation, &mut of_cirs);
        let mut metres = [0.0; 3];
        trxp(&c2ixys(x, y, cio_locator), &of_cirs[0], &mut metres);
        Ok(Self {
            site,
            of_date,
            horizon,
            equation_of_origins: eors(of_date.matrix(), cio_locator),
            observer: metres.map(|component| component / DAU),
        })
    }

    /// Altitude and azimuth without refraction.
    pub fn airless(&self, position: Equatorial) -> Result<Horizontal, AstrometryError> {
        self.seen(position, &self.horizon)
    }

    /// Altitude and azimuth with refraction, after SOFA's A tan z + B tan³ z: within 0.1 arcseconds of ray tracing down to
    /// 15 degrees, 1 at 10 degrees, 30 at 5 degrees, of little use below 3 degrees and of none below the horizon.
    pub fn observed(&self, position: Equatorial, atmosphere: &Atmosphere) -> Result<Horizontal, AstrometryError> {
        self.seen(position, &self.refracting(atmosphere))
    }

    /// The position, by the equinox asked for, that stands at an altitude and azimuth without refraction.
    pub fn position_at_airless(&self, place: Horizontal, equinox: Equinox) -> Result<Equatorial, AstrometryError> {
        self.position_at(place, equinox, &self.horizon)
    }

    /// The position, by the equinox asked for, that is seen at an altitude and azimuth through the air.
    ///
    /// The opposite of [`LocalSky::observed`] within 0.05 arcseconds down to 10 degrees of altitude, 0.3 down to 5, 60 down to the horizon.
    pub fn position_at_observed(
        &self,
        place: Horizontal,
        atmosphere: &Atmosphere,
        equinox: Equinox,
    ) -> Result<Equatorial, AstrometryError> {
        self.position_at(place, equinox, &self.refracting(atmosphere))
    }

    /// Local apparent sidereal time (IAU 2006/2000A; with polar motion, as far as it turns the meridian).
    pub fn apparent_sidereal_time(&self) -> SiderealTime {
        SiderealTime::from_radians(self.horizon.eral - self.equation_of_origins)
    }

    /// Local apparent sidereal time less right ascension of date.
    pub fn hour_angle(&self, position: Equatorial) -> Result<HourAngle, AstrometryError> {
        let (right_ascension, _) = radians(&self.of_date.convert(position, Equinox::OfDate)?);
        Ok(HourAngle::from_radians(self.horizon.eral - self.equation_of_origins - right_ascension))
    }

    /// The Sun from the site.
    pub fn sun(&self) -> Result<LocalBody, AstrometryError> {
        self.local(self.of_date.sun_from(&self.observer)?)
    }

    /// The Moon from the site; its parallax is up to a degree.
    pub fn moon(&self) -> Result<LocalBody, AstrometryError> {
        self.local(self.of_date.moon_from(&self.observer)?)
    }

    /// How far a position is from the centre of the Sun.
    pub fn separation_from_sun(&self, position: Equatorial) -> Result<Separation, AstrometryError> {
        separation(&self.of_date.convert(position, Equinox::OfDate)?, &self.sun()?.of_date)
    }

    /// How far a position is from the centre of the Moon.
    pub fn separation_from_moon(&self, position: Equatorial) -> Result<Separation, AstrometryError> {
        separation(&self.of_date.convert(position, Equinox::OfDate)?, &self.moon()?.of_date)
    }

    /// The equinox of date and J2000, at the same moment.
    pub const fn of_date(&self) -> &OfDate {
        &self.of_date
    }

    /// The site.
    pub const fn site(&self) -> &Site {
        &self.site
    }

    /// The moment.
    pub const fn moment(&self) -> &Moment {
        self.of_date.moment()
    }

    fn seen(&self, position: Equatorial, horizon: &IauAstrom) -> Result<Horizontal, AstrometryError> {
        let (right_ascension, declination) = radians(&self.of_date.convert(position, Equinox::OfDate)?);
        let (azimuth, zenith_distance, ..) = atioq(right_ascension + self.equation_of_origins, declination, horizon);
        Ok(horizontal_from_radians(FRAC_PI_2 - zenith_distance, azimuth)?)
    }

    fn position_at(
        &self,
        place: Horizontal,
        equinox: Equinox,
        horizon: &IauAstrom,
    ) -> Result<Equatorial, AstrometryError> {
        convertible(equinox)?;
        let azimuth = place.azimuth.value() * PI / 180.0;
        let zenith_distance = FRAC_PI_2 - place.altitude.value().to_radians();
        let (right_ascension, declination) = atoiq("A", azimuth, zenith_distance, horizon);
        let of_date =
            equatorial_from_radians(right_ascension - self.equation_of_origins, declination, Equinox::OfDate)?;
        self.of_date.convert(of_date, equinox)
    }

    fn refracting(&self, atmosphere: &Atmosphere) -> IauAstrom {
        let (refa, refb) = atmosphere.refraction_constants();
        IauAstrom { refa, refb, ..self.horizon }
    }

    fn local(&self, body: Body) -> Result<LocalBody, AstrometryError> {
        Ok(LocalBody { of_date: body.of_date, airless: self.airless(body.of_date)?, distance: body.distance })
    }
}
