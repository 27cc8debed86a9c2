//! What this room computes, beside other people's programs (`reference`) and beside its own laws (`laws`).

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a test that cannot go on may say so and stop")]

mod laws;
mod reference;
mod refusals;
mod rows;

use astrometry::{EarthOrientation, LocalSky, Moment, OfDate, Site};
use vocabulary::{
    Altitude, Azimuth, Declination, Equatorial, Equinox, Horizontal, Latitude, Longitude, RightAscension,
};

fn equatorial(hours: f64, degrees: f64, equinox: Equinox) -> Equatorial {
    Equatorial {
        right_ascension: RightAscension::hours(hours).unwrap(),
        declination: Declination::degrees(degrees).unwrap(),
        equinox,
    }
}

fn horizontal(altitude: f64, azimuth: f64) -> Horizontal {
    Horizontal { altitude: Altitude::degrees(altitude).unwrap(), azimuth: Azimuth::degrees(azimuth).unwrap() }
}

fn site([latitude, longitude, elevation_metres]: [f64; 3]) -> Site {
    let latitude = Latitude::degrees(latitude).unwrap();
    Site::new(latitude, Longitude::degrees(longitude).unwrap(), elevation_metres).unwrap()
}

fn moment(at: &str) -> Moment {
    Moment::new(at.parse().unwrap(), EarthOrientation::default()).unwrap()
}

fn of_date(at: &str) -> OfDate {
    OfDate::at(moment(at)).unwrap()
}

fn sky(place: [f64; 3], at: &str) -> LocalSky {
    LocalSky::above(site(place), moment(at)).unwrap()
}
