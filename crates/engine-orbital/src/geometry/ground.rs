//! What lies under a satellite: its track over the ground, and the part of the ground that sees it.

use std::f64::consts::{FRAC_PI_2, TAU};

use vocabulary::Timestamp;

use crate::{
    earth::{Earth, Geodetic, Orientations},
    elements::Angle,
    ephemeris::Grid,
    roots::root,
    sgp4::{Propagator, Sgp4Error},
    state::{Itrf, State},
    vector::{dot, from_radians, minus, plus, times},
};

/// The edge of a footprint is found this well; a micrometre on the ground.
const EDGE_RADIANS: f64 = 1e-13;

/// The points under a satellite, instant by instant, with its height; an error where SGP4 has no place.
pub fn ground_track(
    satellite: &Propagator,
    grid: &Grid,
    orientations: &Orientations,
) -> impl Iterator<Item = (Timestamp, Result<Geodetic, Sgp4Error>)> {
    let (grid, ephemeris) = (*grid, satellite.over(grid));
    (0..grid.count()).map(move |index| {
        let when = grid.instant(index);
        let earth = Earth::at(when, orientations.at(when));
        (when, ephemeris.state(index).map(|state| Geodetic::of(&earth.itrf(&state))))
    })
}

/// The outline of the ground that sees a satellite at a geometric elevation or higher, on the ellipsoid: so many points, from north through east.
/// Nothing for a satellite that nobody on the ground sees so high (it is under the ground, or the elevation is 90 degrees).
pub fn footprint(state: &State<Itrf>, elevation: Angle, points: usize) -> Vec<Geodetic> {
    let below = Geodetic { height_km: 0.0, ..Geodetic::of(state) };
    let [east, north, up] = below.axes();
    let over = |away: f64, bearing: f64| {
        let ahead = plus(&times(bearing.cos(), &north), bearing.sin(), &east);
        let normal = plus(&times(away.cos(), &up), away.sin(), &ahead);
        let place = Geodetic {
            latitude: from_radians(normal[2].clamp(-1.0, 1.0).asin()),
            longitude: from_radians(normal[1].atan2(normal[0])),
            height_km: 0.0,
        };
        let way = minus(&state.position_km, &place.position_km());
        let height = dot(&way, &normal);
        (place, height.atan2((dot(&way, &way) - height * height).max(0.0).sqrt()) - elevation.to_radians())
    };
    let one = |point: usize| {
        let bearing = TAU * point as f64 / points as f64;
        let (nearest, farthest) = (over(0.0, bearing).1, over(FRAC_PI_2, bearing).1);
        (nearest > 0.0 && farthest < 0.0).then(|| {
            let away = root(|away| over(away, bearing).1, (0.0, nearest), (FRAC_PI_2, farthest), EDGE_RADIANS);
            over(away, bearing).0
        })
    };
    (0..points).map_while(one).collect()
}
