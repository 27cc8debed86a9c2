//! A place on the ground that looks at satellites: azimuth, elevation, range, and how fast they change.

use astrometry::{AstrometryError, Atmosphere, Site};

use super::Geodetic;
use crate::{
    elements::Angle,
    state::{Itrf, State},
    vector::{dot, from_radians, minus, norm, turn},
};

/// A site with what looking from it needs: its place in the ITRF and its east, north and up.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Station {
    site: Site,
    position_km: [f64; 3],
    /// East, north, up.
    axes: [[f64; 3]; 3],
}

/// Where a satellite stands over the horizon of a station: geometric, without refraction, light time and aberration.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Look {
    /// From north through east, 0 up to 360 degrees.
    pub azimuth: Angle,
    /// Over the plane of the horizon (normal to the ellipsoid), -90 to 90 degrees.
    pub elevation: Angle,
    /// Kilometres.
    pub range_km: f64,
    /// None straight overhead, where azimuth has no meaning. A mount fails before that: near the zenith this exceeds what it can turn.
    pub azimuth_rate: Option<AngularRate>,
    /// None straight overhead.
    pub elevation_rate: Option<AngularRate>,
    /// Kilometres a second, positive when it goes away.
    pub range_rate_km_s: f64,
}

/// How fast an angle changes.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct AngularRate(f64);

impl AngularRate {
    /// In degrees a second.
    pub const fn degrees_per_second(self) -> f64 {
        self.0
    }

    fn radians_per_second(value: f64) -> Self {
        Self(value.to_degrees())
    }
}

/// Closer than this to the vertical over a station, azimuth is noise.
const OVERHEAD_KM: f64 = 1e-6;

impl Station {
    /// The station at a site.
    pub fn at(site: Site) -> Self {
        let place = Geodetic {
            latitude: Angle::degrees(site.latitude().value()),
            longitude: Angle::degrees(site.longitude().value()),
            height_km: site.elevation_metres() / 1000.0,
        };
        Self { site, position_km: place.position_km(), axes: place.axes() }
    }

    /// The site.
    pub const fn site(&self) -> &Site {
        &self.site
    }

    /// In the ITRF, kilometres.
    pub const fn position_km(&self) -> &[f64; 3] {
        &self.position_km
    }

    /// East, north and up, along the axes of the ITRF.
    pub const fn axes(&self) -> &[[f64; 3]; 3] {
        &self.axes
    }

    /// Where a satellite stands from here.
    pub fn look(&self, state: &State<Itrf>) -> Look {
        let [east_axis, north_axis, up_axis] = &self.axes;
        let away = minus(&state.position_km, &self.position_km);
        let [east, north, up] = [dot(&away, east_axis), dot(&away, north_axis), dot(&away, up_axis)];
        let speed = &state.velocity_km_s;
        let [east_rate, north_rate, up_rate] = [dot(speed, east_axis), dot(speed, north_axis), dot(speed, up_axis)];
        let level = east.hypot(north);
        let range_km = norm(&away);
        let is_overhead = level < OVERHEAD_KM;
        let turning = (east_rate * north - north_rate * east) / (level * level);
        let rising = (up_rate * level - up * (east * east_rate + north * north_rate) / level) / (range_km * range_km);
        let rate = |value: f64| (!is_overhead).then(|| AngularRate::radians_per_second(value));
        Look {
            azimuth: turn(east.atan2(north)),
            elevation: from_radians(up.atan2(level)),
            range_km,
            azimuth_rate: rate(turning),
            elevation_rate: rate(rising),
            range_rate_km_s: if range_km > 0.0 { dot(&away, speed) / range_km } else { 0.0 },
        }
    }
}

impl Look {
    /// The elevation through this air: what a telescope or a camera points at. Geometric elevations below the horizon come back
    /// as they are, since the model has no meaning there.
    pub fn refracted_elevation(&self, air: &Atmosphere) -> Result<Angle, AstrometryError> {
        air.refracted(vocabulary::Altitude::degrees(self.elevation.to_degrees())?)
            .map(|seen| Angle::degrees(seen.value()))
    }
}
