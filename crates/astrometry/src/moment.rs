//! A moment in the time scales that frames need: UTC, TT and UT1, with the orientation of the Earth at it.

use sofars::ts::dat;
use vocabulary::Timestamp;

use crate::error::AstrometryError;

/// Julian date of J2000.0, in TT.
const J2000_DAYS: f64 = 2_451_545.0;
const SECONDS_PER_DAY: f64 = 86_400.0;
const NANOSECONDS_PER_DAY: i128 = 86_400_000_000_000;
/// TT is ahead of TAI by definition (IAU 1991 Recommendation IV).
const TT_MINUS_TAI_SECONDS: f64 = 32.184;

/// An instant, known in UTC, TT and UT1, between 1900 and 2100.
///
/// TT comes from UTC through the leap seconds in SOFA's `iauDat` (the last at the end of 2016; 37 s are assumed from then
/// on). From 1960 to 1972 UTC drifted against TAI, and the table follows it; before 1960 there was no UTC, and the time is
/// taken as TT less 32.184 s, which errs by up to 35 s: nothing for the stars, some 18 arcseconds for the Moon.
/// A [`Timestamp`] cannot name a leap second itself (23:59:60), so none is ever ambiguous.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Moment {
    timestamp: Timestamp,
    utc: JulianDate,
    tt: JulianDate,
    ut1: JulianDate,
    orientation: EarthOrientation,
}

impl Moment {
    /// The moment of a timestamp; refused outside 1900 to 2100, where the ephemeris of the Earth does not hold.
    pub fn new(timestamp: Timestamp, orientation: EarthOrientation) -> Result<Self, AstrometryError> {
        let outside = || AstrometryError::OutsideEphemeris(timestamp);
        let instant = timestamp.instant();
        if !(1900..2100).contains(&instant.year()) {
            return Err(outside());
        }
        let day_fraction =
            instant.unix_timestamp_nanos().rem_euclid(NANOSECONDS_PER_DAY) as f64 / NANOSECONDS_PER_DAY as f64;
        let (month, day) = (i32::from(u8::from(instant.month())), i32::from(instant.day()));
        let tai_minus_utc_seconds = dat(instant.year(), month, day, day_fraction).map_err(|_| outside())?;
        let utc = JulianDate { day: f64::from(instant.to_julian_day()) - 0.5, fraction: day_fraction };
        Ok(Self {
            timestamp,
            utc,
            tt: utc.plus_seconds(tai_minus_utc_seconds + TT_MINUS_TAI_SECONDS),
            ut1: utc.plus_seconds(orientation.ut1_minus_utc_seconds),
            orientation,
        })
    }

    /// The instant as it was given.
    pub const fn timestamp(&self) -> Timestamp {
        self.timestamp
    }

    /// Coordinated universal time, in days of 86 400 seconds.
    pub const fn utc(&self) -> JulianDate {
        self.utc
    }

    /// Terrestrial time, the scale of precession, nutation and the ephemerides.
    pub const fn tt(&self) -> JulianDate {
        self.tt
    }

    /// Universal time UT1, the scale of the Earth's rotation; as good as the orientation that was given.
    pub const fn ut1(&self) -> JulianDate {
        self.ut1
    }

    /// How the Earth is turned, as it was given.
    pub const fn orientation(&self) -> EarthOrientation {
        self.orientation
    }
}

/// A Julian date in two parts, so that microseconds survive: days at a midnight, and the time since.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct JulianDate {
    day: f64,
    fraction: f64,
}

impl JulianDate {
    /// The Julian date of the midnight that the civil day in UTC began with, in days.
    pub const fn day(self) -> f64 {
        self.day
    }

    /// Days since that midnight; slightly below 0 or above 1 where the scale is ahead of or behind UTC.
    pub const fn fraction(self) -> f64 {
        self.fraction
    }

    /// The sum, in days; good to some 40 microseconds of time.
    pub fn days(self) -> f64 {
        self.day + self.fraction
    }

    /// Julian centuries of 36 525 days since J2000.0 (2451545.0 in the same scale).
    pub fn centuries_since_j2000(self) -> f64 {
        ((self.day - J2000_DAYS) + self.fraction) / 36_525.0
    }

    fn plus_seconds(self, seconds: f64) -> Self {
        Self { day: self.day, fraction: self.fraction + seconds / SECONDS_PER_DAY }
    }
}

/// How the Earth is turned beyond what can be computed, as the IERS publishes it: UT1-UTC and polar motion.
///
/// The default is zero for all three. UT1-UTC stays within 0.9 s while leap seconds are kept, so that not knowing it turns
/// the sky by up to 13.5 arcseconds (15 arcseconds for each second); polar motion of up to 0.6 arcseconds moves the horizon by as much.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct EarthOrientation {
    ut1_minus_utc_seconds: f64,
    polar_x_arcseconds: f64,
    polar_y_arcseconds: f64,
}

impl EarthOrientation {
    /// The bound that the IERS keeps UT1-UTC in by leap seconds (ITU-R TF.460).
    pub const UT1_MINUS_UTC_SECONDS_MAX: f64 = 0.9;
    /// Polar motion has stayed below 0.6 arcseconds since it is measured.
    pub const POLAR_MOTION_ARCSECONDS_MAX: f64 = 1.0;

    /// With UT1-UTC in seconds (within 0.9) and no polar motion.
    pub fn new(ut1_minus_utc_seconds: f64) -> Result<Self, AstrometryError> {
        let limit = Self::UT1_MINUS_UTC_SECONDS_MAX;
        within("ut1-utc in seconds", ut1_minus_utc_seconds, limit)?;
        Ok(Self { ut1_minus_utc_seconds, ..Self::default() })
    }

    /// The same with polar motion: the pole's x (towards Greenwich) and y (towards 90 degrees west), in arcseconds.
    pub fn with_polar_motion(self, x_arcseconds: f64, y_arcseconds: f64) -> Result<Self, AstrometryError> {
        let limit = Self::POLAR_MOTION_ARCSECONDS_MAX;
        within("polar motion x in arcseconds", x_arcseconds, limit)?;
        within("polar motion y in arcseconds", y_arcseconds, limit)?;
        Ok(Self { polar_x_arcseconds: x_arcseconds, polar_y_arcseconds: y_arcseconds, ..self })
    }

    /// UT1-UTC, in seconds.
    pub const fn ut1_minus_utc_seconds(self) -> f64 {
        self.ut1_minus_utc_seconds
    }

    /// The pole's x and y, in arcseconds.
    pub const fn polar_motion_arcseconds(self) -> (f64, f64) {
        (self.polar_x_arcseconds, self.polar_y_arcseconds)
    }
}

fn within(name: &'static str, value: f64, limit: f64) -> Result<(), AstrometryError> {
    if value.abs() <= limit { Ok(()) } else { Err(AstrometryError::EarthOrientation { name, value, limit }) }
}
