//! The sky as the simulated mount knows it: plain spherical formulas, made apart from our astrometry so that the two can disagree.

use std::f64::consts::{PI, TAU};

/// A unit vector: longitude (right ascension or hour angle) in the plane of the first two axes, latitude (declination) on the third.
pub(super) type Direction = [f64; 3];

/// Seconds from 1970-01-01T00:00:00Z to J2000.0 (2000-01-01T12:00:00).
const J2000_UNIX_SECONDS: f64 = 946_728_000.0;

/// The direction at `hours` and `degrees`.
pub(super) fn direction(hours: f64, degrees: f64) -> Direction {
    let (longitude, latitude) = ((hours * 15.0).to_radians(), degrees.to_radians());
    [latitude.cos() * longitude.cos(), latitude.cos() * longitude.sin(), latitude.sin()]
}

/// Hours (0 to 24) and degrees of a direction.
pub(super) fn hours_degrees(of: Direction) -> (f64, f64) {
    let hours = of[1].atan2(of[0]).rem_euclid(TAU).to_degrees() / 15.0;
    let degrees = of[2].atan2(of[0].hypot(of[1])).to_degrees();
    (if hours >= 24.0 { 0.0 } else { hours }, degrees)
}

/// The angle between two directions, in degrees.
pub(super) fn separation_degrees(a: Direction, b: Direction) -> f64 {
    let cross = cross(a, b);
    let sine = (cross[0] * cross[0] + cross[1] * cross[1] + cross[2] * cross[2]).sqrt();
    sine.atan2(dot(a, b)).to_degrees()
}

/// The direction at `fraction` (0 to 1) of the great circle from `a` to `b`.
pub(super) fn between(a: Direction, b: Direction, fraction: f64) -> Direction {
    let angle = separation_degrees(a, b).to_radians();
    if angle < 1e-12 {
        return b;
    }
    if PI - angle < 1e-9 {
        // Opposite points have no one great circle; any will do, so the way leads over a point midway.
        let across = cross(a, if a[2].abs() < 0.9 { [0.0, 0.0, 1.0] } else { [1.0, 0.0, 0.0] });
        let length = dot(across, across).sqrt();
        let via = across.map(|axis| axis / length);
        return if fraction < 0.5 { between(a, via, fraction * 2.0) } else { between(via, b, fraction * 2.0 - 1.0) };
    }
    let (weight_a, weight_b) = (((1.0 - fraction) * angle).sin() / angle.sin(), (fraction * angle).sin() / angle.sin());
    std::array::from_fn(|axis| weight_a * a[axis] + weight_b * b[axis])
}

/// Local mean sidereal time in hours (Meeus, Astronomical Algorithms, 12.4), with UT1 taken as UTC.
pub(super) fn sidereal_hours(unix_seconds: f64, longitude_degrees: f64) -> f64 {
    let days = (unix_seconds - J2000_UNIX_SECONDS) / 86_400.0;
    let centuries = days / 36_525.0;
    let greenwich = 280.460_618_37 + 360.985_647_366_29 * days + 0.000_387_933 * centuries * centuries;
    let hours = (greenwich + longitude_degrees).rem_euclid(360.0) / 15.0;
    if hours >= 24.0 { 0.0 } else { hours }
}

/// Altitude and azimuth (from north through east), in degrees, of an hour angle and declination at a latitude.
pub(super) fn horizontal(hour_angle_hours: f64, declination_degrees: f64, latitude_degrees: f64) -> (f64, f64) {
    let (hour_angle, declination) = ((hour_angle_hours * 15.0).to_radians(), declination_degrees.to_radians());
    let latitude = latitude_degrees.to_radians();
    let up = latitude.sin() * declination.sin() + latitude.cos() * declination.cos() * hour_angle.cos();
    let north = latitude.cos() * declination.sin() - latitude.sin() * declination.cos() * hour_angle.cos();
    let east = -declination.cos() * hour_angle.sin();
    let azimuth = east.atan2(north).to_degrees().rem_euclid(360.0);
    (up.atan2(north.hypot(east)).to_degrees(), if azimuth >= 360.0 { 0.0 } else { azimuth })
}

/// Hour angle (hours, 0 to 24) and declination (degrees) of an altitude and azimuth at a latitude.
pub(super) fn hour_angle(altitude_degrees: f64, azimuth_degrees: f64, latitude_degrees: f64) -> (f64, f64) {
    let (altitude, azimuth) = (altitude_degrees.to_radians(), azimuth_degrees.to_radians());
    let latitude = latitude_degrees.to_radians();
    let pole = latitude.sin() * altitude.sin() + latitude.cos() * altitude.cos() * azimuth.cos();
    let meridian = latitude.cos() * altitude.sin() - latitude.sin() * altitude.cos() * azimuth.cos();
    let west = -altitude.cos() * azimuth.sin();
    hours_degrees([meridian, west, pole])
}

/// A direction of J2000.0 at the mean equator and equinox of `unix_seconds` (IAU 1976: Meeus 21.2 and 21.3).
pub(super) fn from_j2000(of: Direction, unix_seconds: f64) -> Direction {
    let matrix = precession(unix_seconds);
    std::array::from_fn(|row| dot(matrix[row], of))
}

/// A direction of the mean equator and equinox of `unix_seconds` at J2000.0.
pub(super) fn to_j2000(of: Direction, unix_seconds: f64) -> Direction {
    let matrix = precession(unix_seconds);
    std::array::from_fn(|row| matrix[0][row] * of[0] + matrix[1][row] * of[1] + matrix[2][row] * of[2])
}

fn precession(unix_seconds: f64) -> [Direction; 3] {
    let t = (unix_seconds - J2000_UNIX_SECONDS) / 86_400.0 / 36_525.0;
    let arcseconds =
        |linear: f64, square: f64, cube: f64| ((linear + (square + cube * t) * t) * t / 3600.0).to_radians();
    let (zeta_sin, zeta_cos) = arcseconds(2306.2181, 0.30188, 0.017_998).sin_cos();
    let (z_sin, z_cos) = arcseconds(2306.2181, 1.09468, 0.018_203).sin_cos();
    let (theta_sin, theta_cos) = arcseconds(2004.3109, -0.42665, -0.041_833).sin_cos();
    [
        [
            zeta_cos * theta_cos * z_cos - zeta_sin * z_sin,
            -zeta_sin * theta_cos * z_cos - zeta_cos * z_sin,
            -theta_sin * z_cos,
        ],
        [
            zeta_cos * theta_cos * z_sin + zeta_sin * z_cos,
            -zeta_sin * theta_cos * z_sin + zeta_cos * z_cos,
            -theta_sin * z_sin,
        ],
        [zeta_cos * theta_sin, -zeta_sin * theta_sin, theta_cos],
    ]
}

fn dot(a: Direction, b: Direction) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

fn cross(a: Direction, b: Direction) -> Direction {
    [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(what: &str, got: f64, wanted: f64, tolerance: f64) {
        assert!((got - wanted).abs() < tolerance, "{what}: {got}, wanted {wanted}");
    }

    #[test]
    fn published_examples() {
        // Meeus, example 12.b: 1987-04-10T19:21:00Z, mean sidereal time at Greenwich 8h34m57.0896s.
        let sidereal = sidereal_hours(545_080_860.0, 0.0);
        check("sidereal time", sidereal, 8.0 + 34.0 / 60.0 + 57.0896 / 3600.0, 1e-7);
        // Meeus, example 13.b: Venus from Washington, H = 64.352133°, altitude 15.1249°, azimuth 68.0337° from the south.
        let (altitude, azimuth) = horizontal(64.352_133 / 15.0, -6.719_892, 38.921_389);
        check("altitude", altitude, 15.1249, 1e-4);
        check("azimuth", azimuth, 68.0337 + 180.0, 1e-4);
        // Meeus, example 21.b without proper motion: θ Persei at 2028-11-13.19 TD, from 41.054063°, +49.227750°.
        let (hours, degrees) = hours_degrees(from_j2000(direction(41.054_063 / 15.0, 49.227_750), 1_857_702_816.0));
        check("right ascension", hours * 15.0, 41.547_214, 2e-6);
        check("declination", degrees, 49.348_483, 2e-6);
    }

    #[test]
    fn there_and_back() {
        for (hours, degrees) in [(0.0, 0.0), (5.5, -30.0), (23.99, 89.0), (12.0, -89.9)] {
            let there = from_j2000(direction(hours, degrees), 1_794_000_000.0);
            assert!(separation_degrees(to_j2000(there, 1_794_000_000.0), direction(hours, degrees)) < 1e-10);
            let (altitude, azimuth) = horizontal(hours, degrees, 28.76);
            let (again_hours, again_degrees) = hour_angle(altitude, azimuth, 28.76);
            assert!(separation_degrees(direction(again_hours, again_degrees), direction(hours, degrees)) < 1e-9);
        }
    }

    #[test]
    fn a_way_is_even() {
        for (a, b) in [((0.0, 0.0), (6.0, 0.0)), ((0.0, 10.0), (12.0, -10.0)), ((1.0, 80.0), (13.0, 80.0))] {
            let (a, b) = (direction(a.0, a.1), direction(b.0, b.1));
            let whole = separation_degrees(a, b);
            for part in [0.25, 0.5, 1.0] {
                check("way", separation_degrees(a, between(a, b, part)), whole * part, 1e-6);
            }
        }
    }
}
