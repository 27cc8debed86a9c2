//! Where a motion leads, and how far a mount still is from there.

use astrometry::{EarthOrientation, Moment, OfDate, Separation, separation, separation_on_horizon};
use catalog::telescope::Position;
use vocabulary::{Equatorial, Equinox, Horizontal};

/// Where a motion leads.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Goal {
    /// A place by the equator.
    Equatorial(Equatorial),
    /// A place by the horizon.
    Horizontal(Horizontal),
    /// The parking position, which only the mount knows.
    Parking,
}

impl Goal {
    /// The place as a person reads it.
    pub(crate) fn words(&self) -> String {
        match self {
            Self::Equatorial(place) => {
                let equinox = equinox_words(place.equinox);
                format!("slews to {} {} ({equinox})", place.right_ascension, place.declination)
            }
            Self::Horizontal(place) => format!("slews to altitude {}, azimuth {}", place.altitude, place.azimuth),
            Self::Parking => "goes to its parking position".to_owned(),
        }
    }

    /// How far the mount is from it; nothing where that can't be known.
    pub(crate) fn separation(&self, position: &Position) -> Option<Separation> {
        match self {
            Self::Equatorial(goal) => {
                let here = Equatorial {
                    right_ascension: position.right_ascension?,
                    declination: position.declination?,
                    equinox: position.equinox,
                };
                let goal = if goal.equinox == here.equinox { *goal } else { converted(*goal, position)? };
                separation(&here, &goal).ok()
            }
            Self::Horizontal(goal) => {
                let here = Horizontal { altitude: position.altitude?, azimuth: position.azimuth? };
                Some(separation_on_horizon(&here, goal))
            }
            Self::Parking => None,
        }
    }
}

/// The goal by the equinox that positions are told by; nothing for a mount's own.
fn converted(goal: Equatorial, position: &Position) -> Option<Equatorial> {
    let orientation = EarthOrientation::default();
    let moment = Moment::new(position.observed_at, orientation).ok()?;
    OfDate::at(moment).ok()?.convert(goal, position.equinox).ok()
}

/// The equinox as a person writes it.
pub(crate) const fn equinox_words(equinox: Equinox) -> &'static str {
    match equinox {
        Equinox::J2000 => "J2000",
        Equinox::OfDate => "of date",
        Equinox::Mount => "as the mount has it",
    }
}

#[cfg(test)]
mod tests {
    use catalog::Shape as _;
    use vocabulary::{Altitude, Azimuth, Declination, RightAscension};

    use super::*;

    fn equatorial(hours: f64, degrees: f64, equinox: Equinox) -> Goal {
        Goal::Equatorial(Equatorial {
            right_ascension: RightAscension::hours(hours).unwrap(),
            declination: Declination::degrees(degrees).unwrap(),
            equinox,
        })
    }

    #[test]
    fn separations() {
        // The example points at 5.588 h, -5.391 d of J2000, and at 42.5 d over 151.2 d.
        let position = Position::example();
        let silent = Position { right_ascension: None, altitude: None, ..Position::example() };
        let horizontal = Goal::Horizontal(Horizontal {
            altitude: Altitude::degrees(43.5).unwrap(),
            azimuth: Azimuth::degrees(151.2).unwrap(),
        });
        for (goal, position, degrees) in [
            (equatorial(5.588, -4.391, Equinox::J2000), &position, Some((1.0, 1e-9))),
            // 26.9 years of precession there are 0.34 degrees.
            (equatorial(5.588, -5.391, Equinox::OfDate), &position, Some((0.34, 0.02))),
            (equatorial(5.588, -5.391, Equinox::Mount), &position, None),
            (equatorial(5.588, -5.391, Equinox::J2000), &silent, None),
            (horizontal, &position, Some((1.0, 1e-9))),
            (horizontal, &silent, None),
            (Goal::Parking, &position, None),
        ] {
            let got = goal.separation(position).map(Separation::degrees);
            match (got, degrees) {
                (Some(got), Some((wanted, tolerance))) => assert!((got - wanted).abs() < tolerance, "{goal:?}: {got}"),
                (got, wanted) => assert_eq!(got, wanted.map(|(degrees, _)| degrees), "{goal:?}"),
            }
        }
    }

    #[test]
    fn goals_in_words() {
        for (goal, words) in [
            (equatorial(5.5, -5.5, Equinox::J2000), "slews to 5h30m00.00s -5d30m00.0s (J2000)"),
            (equatorial(5.5, -5.5, Equinox::OfDate), "slews to 5h30m00.00s -5d30m00.0s (of date)"),
            (Goal::Parking, "goes to its parking position"),
        ] {
            assert_eq!(goal.words(), words);
        }
    }
}
