//! Passes on the sky over a station: the zenith in the middle, the horizon around, north above and east at the left, as one sees it
//! who lies on the back.

use engine_orbital::{Earth, Orientations, Pass, Propagator, Station};
use vocabulary::Timestamp;

use super::{Anchor, FAINT, INK, LAND, Picture, colour, date_and_time, time};

const SIDE: u32 = 760;
const CENTRE: (f64, f64) = (380.0, 410.0);
const RADIUS: f64 = 330.0;
/// Points of a pass.
const POINTS: u32 = 60;
/// More passes than that are drawn without names.
const NAMES_MAX: usize = 16;

/// Passes to be drawn.
pub(crate) struct Sky {
    title: String,
    mask_degrees: f64,
    arcs: Vec<Arc>,
}

struct Arc {
    name: String,
    rise: Timestamp,
    points: Vec<(f64, f64)>,
    highest: (f64, f64),
}

impl Sky {
    pub(crate) fn new(station: &str, mask_degrees: f64) -> Self {
        Self { title: format!("Sky over {station}"), mask_degrees, arcs: Vec::new() }
    }

    pub(crate) fn add(&mut self, name: &str, pass: &Pass, propagator: &Propagator, station: &Station) {
        let step = pass.duration() / POINTS;
        let points = (0..=POINTS).filter_map(|index| seen(pass.rise.at.plus(step * index), propagator, station));
        let highest = point(pass.culmination.azimuth.to_degrees(), pass.culmination.elevation.to_degrees());
        self.arcs.push(Arc { name: name.to_owned(), rise: pass.rise.at, points: points.collect(), highest });
    }

    pub(crate) fn picture(&self, from: Timestamp, to: Timestamp) -> Picture {
        let mut picture = Picture::new(SIDE, SIDE + 20);
        let window = format!("{} to {} UTC, {} passes", date_and_time(from), date_and_time(to), self.arcs.len());
        picture.text((20.0, 24.0), self.title.as_str(), Anchor::Start, INK);
        picture.text((20.0, 42.0), window, Anchor::Start, INK);
        self.dome(&mut picture);
        let mut names: Vec<&str> = Vec::new();
        for arc in &self.arcs {
            let place = names.iter().position(|name| *name == arc.name).unwrap_or_else(|| {
                names.push(&arc.name);
                names.len() - 1
            });
            picture.line(arc.points.clone(), 2.0, colour(place));
            if let Some(rise) = arc.points.first() {
                picture.dot(*rise, 3.5, colour(place));
            }
            if self.arcs.len() <= NAMES_MAX {
                let words = format!("{} {}", arc.name, time(arc.rise));
                let (at, anchor) = beside(arc.highest);
                picture.text(at, words, anchor, colour(place));
            }
        }
        picture
    }

    fn dome(&self, picture: &mut Picture) {
        for elevation in [0.0, 30.0, 60.0] {
            picture.circle(CENTRE, radius(elevation), FAINT);
            picture.text(
                (CENTRE.0 + 3.0, CENTRE.1 - radius(elevation) + 12.0),
                format!("{elevation}°"),
                Anchor::Start,
                LAND,
            );
        }
        if self.mask_degrees > 0.0 && self.mask_degrees < 90.0 {
            picture.circle(CENTRE, radius(self.mask_degrees), LAND);
        }
        for (azimuth, word) in [(0.0, "N"), (90.0, "E"), (180.0, "S"), (270.0, "W")] {
            picture.line(vec![CENTRE, point(azimuth, 0.0)], 1.0, FAINT);
            let (x, y) = point(azimuth, -4.5);
            picture.text((x, y + 4.0), word, Anchor::Middle, INK);
        }
    }
}

/// Where the words about a point stand: towards the middle, where there is room for them.
fn beside((x, y): (f64, f64)) -> ((f64, f64), Anchor) {
    if x > CENTRE.0 { ((x - 6.0, y - 4.0), Anchor::End) } else { ((x + 6.0, y - 4.0), Anchor::Start) }
}

fn seen(when: Timestamp, propagator: &Propagator, station: &Station) -> Option<(f64, f64)> {
    let state = propagator.at(when).ok()?;
    let look = station.look(&Earth::at(when, Orientations::bundled().at(when)).itrf(&state));
    Some(point(look.azimuth.to_degrees(), look.elevation.to_degrees()))
}

fn radius(elevation_degrees: f64) -> f64 {
    RADIUS * (90.0 - elevation_degrees) / 90.0
}

fn point(azimuth_degrees: f64, elevation_degrees: f64) -> (f64, f64) {
    let (sine, cosine) = azimuth_degrees.to_radians().sin_cos();
    let radius = radius(elevation_degrees);
    (CENTRE.0 - radius * sine, CENTRE.1 - radius * cosine)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn north_is_above_and_east_at_the_left() {
        let check = |azimuth: f64, elevation: f64, expected: (f64, f64)| {
            let (x, y) = point(azimuth, elevation);
            assert!((x - expected.0).abs() < 1e-9 && (y - expected.1).abs() < 1e-9, "{x}, {y}");
        };
        check(0.0, 0.0, (CENTRE.0, CENTRE.1 - RADIUS));
        check(90.0, 0.0, (CENTRE.0 - RADIUS, CENTRE.1));
        check(123.0, 90.0, CENTRE);
    }
}
