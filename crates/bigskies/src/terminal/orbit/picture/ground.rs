//! Ground tracks on a map: longitudes and latitudes at equal scale, coasts, the station, and where each satellite begins.

use astrometry::Site;
use vocabulary::Timestamp;

use super::{Anchor, Colour, FAINT, INK, LAND, Picture, colour, date_and_time};

const COASTS: &str = include_str!("../../../../data/coasts.txt");

const PIXELS_PER_DEGREE: f64 = 3.2;
const LEFT: f64 = 44.0;
const TOP: f64 = 36.0;
const WIDTH: f64 = 360.0 * PIXELS_PER_DEGREE;
const HEIGHT: f64 = 180.0 * PIXELS_PER_DEGREE;
/// So many names fit below the map.
const NAMES_MAX: usize = 12;
const NAMES_IN_A_ROW: usize = 4;

/// Tracks to be drawn.
pub(crate) struct Ground {
    station: Option<Site>,
    tracks: Vec<Track>,
}

struct Track {
    name: String,
    parts: Vec<Vec<(f64, f64)>>,
}

impl Ground {
    pub(crate) fn new(station: Option<Site>) -> Self {
        Self { station, tracks: Vec::new() }
    }

    /// One satellite's places, as longitude and latitude in degrees; none where it has none.
    pub(crate) fn add(&mut self, name: &str, places: &[Option<(f64, f64)>]) {
        self.tracks.push(Track { name: name.to_owned(), parts: parts(places) });
    }

    pub(crate) fn picture(&self, from: Timestamp, to: Timestamp) -> Picture {
        let rows = self.tracks.len().min(NAMES_MAX).div_ceil(NAMES_IN_A_ROW);
        let mut picture = Picture::new((LEFT * 2.0 + WIDTH) as u32, (TOP + HEIGHT + 40.0 + 20.0 * rows as f64) as u32);
        let title = format!("Ground track, {} to {} UTC", date_and_time(from), date_and_time(to));
        picture.text((LEFT, TOP - 14.0), title, Anchor::Start, INK);
        map(&mut picture);
        for (index, track) in self.tracks.iter().enumerate() {
            draw(&mut picture, track, colour(index));
        }
        if let Some(site) = &self.station {
            let at = point((site.longitude().value(), site.latitude().value()));
            picture.dot(at, 5.0, INK);
            let (apart, anchor) = if at.0 > LEFT + WIDTH / 2.0 { (-8.0, Anchor::End) } else { (8.0, Anchor::Start) };
            picture.text((at.0 + apart, at.1 + 4.0), "station", anchor, INK);
        }
        self.names(&mut picture);
        picture
    }

    fn names(&self, picture: &mut Picture) {
        for (index, track) in self.tracks.iter().take(NAMES_MAX).enumerate() {
            let (row, column) = (index / NAMES_IN_A_ROW, index % NAMES_IN_A_ROW);
            let x = LEFT + WIDTH / NAMES_IN_A_ROW as f64 * column as f64;
            let y = TOP + HEIGHT + 44.0 + 20.0 * row as f64;
            picture.line(vec![(x, y - 4.0), (x + 24.0, y - 4.0)], 2.0, colour(index));
            picture.text((x + 32.0, y), track.name.as_str(), Anchor::Start, INK);
        }
    }
}

fn point((longitude, latitude): (f64, f64)) -> (f64, f64) {
    (LEFT + (longitude + 180.0) * PIXELS_PER_DEGREE, TOP + (90.0 - latitude) * PIXELS_PER_DEGREE)
}

fn map(picture: &mut Picture) {
    for step in 0..=12_i32 {
        let longitude = f64::from(step * 30 - 180);
        picture.line(vec![point((longitude, -90.0)), point((longitude, 90.0))], 1.0, FAINT);
        let (x, y) = point((longitude, -90.0));
        picture.text((x, y + 16.0), format!("{longitude}°"), Anchor::Middle, INK);
    }
    for step in 0..=6_i32 {
        let latitude = f64::from(step * 30 - 90);
        picture.line(vec![point((-180.0, latitude)), point((180.0, latitude))], 1.0, FAINT);
        let (x, y) = point((-180.0, latitude));
        picture.text((x - 6.0, y + 4.0), format!("{latitude}°"), Anchor::End, INK);
    }
    for coast in COASTS.lines() {
        let places = coast.split(' ').filter_map(|place| place.split_once(','));
        let tenths = |text: &str| text.parse::<f64>().ok().map(|tenths| tenths / 10.0);
        let places = places.filter_map(|(longitude, latitude)| tenths(longitude).zip(tenths(latitude)));
        picture.line(places.map(point).collect(), 1.0, LAND);
    }
}

fn draw(picture: &mut Picture, track: &Track, colour: Colour) {
    for part in &track.parts {
        picture.line(part.iter().copied().map(point).collect(), 2.0, colour);
    }
    if let Some(first) = track.parts.first().and_then(|part| part.first()) {
        picture.dot(point(*first), 4.0, colour);
    }
}

/// Parts of a track that do not cross the edge of the map; at a crossing both sides are led to the edge.
fn parts(places: &[Option<(f64, f64)>]) -> Vec<Vec<(f64, f64)>> {
    let mut parts: Vec<Vec<(f64, f64)>> = vec![Vec::new()];
    let mut last: Option<(f64, f64)> = None;
    for place in places {
        let crossing = last.zip(*place).and_then(|(from, to)| crossing(from, to));
        match (crossing, parts.last_mut()) {
            (Some((leaves, enters)), Some(part)) => {
                part.push(leaves);
                parts.push(vec![enters]);
            }
            (None, Some(part)) if place.is_none() && !part.is_empty() => parts.push(Vec::new()),
            (None, _) | (Some(_), None) => {}
        }
        if let (Some(place), Some(part)) = (place, parts.last_mut()) {
            part.push(*place);
        }
        last = *place;
    }
    parts.retain(|part| !part.is_empty());
    parts
}

/// Where the way from a place to the next leaves the map and enters it again.
fn crossing(from: (f64, f64), to: (f64, f64)) -> Option<((f64, f64), (f64, f64))> {
    let turn = to.0 - from.0;
    if turn.abs() <= 180.0 {
        return None;
    }
    let (edge, ahead) = if turn < 0.0 { (180.0, to.0 + 360.0) } else { (-180.0, to.0 - 360.0) };
    let latitude = from.1 + (to.1 - from.1) * (edge - from.0) / (ahead - from.0);
    Some(((edge, latitude), (-edge, latitude)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tracks_are_parted_at_the_edge() {
        let check = |places: &[Option<(f64, f64)>], expected: &[&[(f64, f64)]]| {
            assert_eq!(parts(places), expected, "{places:?}");
        };
        check(&[], &[]);
        check(&[Some((0.0, 1.0)), Some((10.0, 2.0))], &[&[(0.0, 1.0), (10.0, 2.0)]]);
        let east: &[&[(f64, f64)]] = &[&[(170.0, 0.0), (180.0, 5.0)], &[(-180.0, 5.0), (-170.0, 10.0)]];
        check(&[Some((170.0, 0.0)), Some((-170.0, 10.0))], east);
        let west: &[&[(f64, f64)]] = &[&[(-170.0, 0.0), (-180.0, 5.0)], &[(180.0, 5.0), (170.0, 10.0)]];
        check(&[Some((-170.0, 0.0)), Some((170.0, 10.0))], west);
        check(&[Some((0.0, 1.0)), None, None, Some((5.0, 1.0))], &[&[(0.0, 1.0)], &[(5.0, 1.0)]]);
    }

    #[test]
    fn coasts_are_on_the_map() {
        let mut picture = Picture::new(1, 1);
        map(&mut picture);
        assert!(picture.marks.len() > 100, "{}", picture.marks.len());
    }
}
