//! The air over a site, as far as it refracts light.

use std::ops::RangeInclusive;

use sofars::astro::refco;
use vocabulary::Altitude;

use crate::{error::AstrometryError, site::Site};

/// The air at the telescope and the colour that is observed in.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Atmosphere {
    pressure_hectopascals: f64,
    temperature_celsius: f64,
    humidity_fraction: f64,
    wavelength_micrometres: f64,
}

impl Atmosphere {
    /// Air of this pressure (at the site, not reduced to sea level) and temperature, at half humidity, in green light (0.55 µm).
    pub fn new(pressure_hectopascals: f64, temperature_celsius: f64) -> Result<Self, AstrometryError> {
        within("air pressure in hPa", pressure_hectopascals, 0.0..=1_200.0, "0 to 1200 at the site")?;
        within("air temperature in °C", temperature_celsius, -100.0..=70.0, "-100 to 70")?;
        Ok(Self { pressure_hectopascals, temperature_celsius, humidity_fraction: 0.5, wavelength_micrometres: 0.55 })
    }

    /// The pressure to be expected at the height of a site: the isothermal formula in SOFA's notes on `iauApco13`, at this temperature.
    pub fn expected_at(site: &Site, temperature_celsius: f64) -> Result<Self, AstrometryError> {
        let scale_height_metres = 29.3 * (temperature_celsius + 273.15);
        Self::new(1013.25 * (-site.elevation_metres() / scale_height_metres).exp(), temperature_celsius)
    }

    /// The same with this relative humidity, from 0 to 1.
    pub fn with_humidity(self, humidity_fraction: f64) -> Result<Self, AstrometryError> {
        within("relative humidity", humidity_fraction, 0.0..=1.0, "a fraction from 0 to 1")?;
        Ok(Self { humidity_fraction, ..self })
    }

    /// The same for light of this wavelength, from 0.3 to 20 micrometres.
    pub fn with_wavelength(self, wavelength_micrometres: f64) -> Result<Self, AstrometryError> {
        within("wavelength in µm", wavelength_micrometres, 0.3..=20.0, "0.3 to 20 (visible to infrared)")?;
        Ok(Self { wavelength_micrometres, ..self })
    }

    /// The altitude at which something stands that would stand at this one without air: A tan z + B tan³ z as in
    /// [`crate::LocalSky::observed`]. Below 3 degrees it is of little use; altitudes below the horizon come back as they are.
    pub fn refracted(&self, airless: Altitude) -> Result<Altitude, AstrometryError> {
        if airless.value() <= 0.0 {
            return Ok(airless);
        }
        let (a, b) = self.refraction_constants();
        let (sine, cosine) = airless.value().to_radians().sin_cos();
        // The limits of SOFA's `iauAtioq`: nothing diverges at the zenith or at the horizon.
        let (level, up) = (cosine.max(1e-6), sine.max(0.05));
        let tangent = level / up;
        let cubic = b * tangent * tangent;
        let radians = (a + cubic) * tangent / (1.0 + (a + 3.0 * cubic) / (up * up));
        Ok(Altitude::degrees((airless.value() + radians.to_degrees()).min(90.0))?)
    }

    /// The constants A and B of dZ = A tan Z + B tan³ Z, in radians (SOFA `iauRefco`).
    pub(crate) fn refraction_constants(&self) -> (f64, f64) {
        refco(self.pressure_hectopascals, self.temperature_celsius, self.humidity_fraction, self.wavelength_micrometres)
    }
}

fn within(
    name: &'static str,
    value: f64,
    range: RangeInclusive<f64>,
    expected: &'static str,
) -> Result<(), AstrometryError> {
    if range.contains(&value) { Ok(()) } else { Err(AstrometryError::Atmosphere { name, value, expected }) }
}
