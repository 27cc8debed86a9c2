//! What requests say, read: instants, windows, elements, stations, and which satellites are meant. What is wrong is told with its field.

use std::{sync::Arc, time::Duration};

use astrometry::Site;
use engine_orbital::{Elements, Gravity, Station};
use orbital_client::{
    proto::{self, ElementSet, GroundStation, Satellites, Tle, element_set::Form},
    wire,
};
use vocabulary::{Latitude, Longitude, Timestamp};

use crate::{
    known::{Everything, Ground, Origin, Satellite, Sky},
    limits::Limits,
    refusal::Refusal,
};

/// The longest id.
const ID_BYTES_MAX: usize = 64;
/// The longest name.
const NAME_CHARACTERS_MAX: usize = 200;
/// What to do where a satellite is not known.
const NO_SATELLITE: &str =
    "register it with RegisterSatellites, or give its elements; ListSatellites shows those that are known";
/// What to do where a ground station is not known.
const NO_STATION: &str = "register it with RegisterGroundStations; ListGroundStations shows those that are known";
/// No station is higher or lower than so many metres.
const ALTITUDE_METRES_MAX: f64 = 100_000.0;

/// An instant that must be there.
pub(crate) fn instant(field: &str, sent: Option<&prost_types::Timestamp>) -> Result<Timestamp, Refusal> {
    let sent = sent.ok_or_else(|| Refusal::field(field, "is missing"))?;
    wire::instant(sent).ok_or_else(|| Refusal::field(field, "is no instant of the years 1 to 9999"))
}

/// An instant in whole seconds since 1970.
pub(crate) fn unix(field: &str, seconds: i64) -> Result<Timestamp, Refusal> {
    wire::unix_seconds(seconds).ok_or_else(|| {
        Refusal::field(field, format!("is {seconds}, which is no second since 1970 of the years 1 to 9999"))
    })
}

/// A step of time, which is longer than nothing.
pub(crate) fn step(field: &str, sent: Option<&prost_types::Duration>) -> Result<Duration, Refusal> {
    let sent = sent.ok_or_else(|| Refusal::field(field, "is missing"))?;
    let step = wire::span(sent).filter(|step| *step >= Duration::from_micros(1));
    step.ok_or_else(|| Refusal::field(field, "is shorter than a microsecond"))
}

/// A span of time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Span {
    pub(crate) start: Timestamp,
    pub(crate) end: Timestamp,
}

impl Span {
    pub(crate) fn new(field: &str, start: Timestamp, end: Timestamp) -> Result<Self, Refusal> {
        if end > start {
            Ok(Self { start, end })
        } else {
            Err(Refusal::field(field, format!("is {end}, not after the start {start}")))
        }
    }

    /// How many days are begun in it, for the bounds of work.
    pub(crate) fn days(&self) -> u64 {
        self.end.since(self.start).as_secs() / 86_400 + 1
    }
}

/// A window that must be there.
pub(crate) fn window(sent: Option<&proto::Window>) -> Result<Span, Refusal> {
    let sent = sent.ok_or_else(|| Refusal::field("window", "is missing"))?;
    let start = instant("window.start", sent.start.as_ref())?;
    Span::new("window.end", start, instant("window.end", sent.end.as_ref())?)
}

/// The constants that are asked for.
pub(crate) fn gravity(sent: i32) -> Result<Gravity, Refusal> {
    match proto::Gravity::try_from(sent) {
        Ok(proto::Gravity::Unspecified | proto::Gravity::Wgs72) => Ok(Gravity::Wgs72),
        Ok(proto::Gravity::Wgs84) => Ok(Gravity::Wgs84),
        Err(_) => Err(Refusal::field("gravity", format!("is {sent}, which is no gravity model"))),
    }
}

/// An id.
pub(crate) fn id(field: &str, sent: &str) -> Result<String, Refusal> {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    if sent.is_empty() {
        return Err(Refusal::field(field, "is missing"));
    }
    if sent.len() > ID_BYTES_MAX || !sent.bytes().all(good) {
        return Err(Refusal::field(field, "is not 1 to 64 letters, digits, dots, underscores and hyphens"));
    }
    Ok(sent.to_owned())
}

/// The lines of a TLE that must be there.
pub(crate) fn lines(tle: &Tle) -> Result<(&str, &str), Refusal> {
    for (field, line) in [("line1", &tle.line1), ("line2", &tle.line2)] {
        if line.trim().is_empty() {
            return Err(Refusal::field(field, "is missing"));
        }
    }
    Ok((&tle.line1, &tle.line2))
}

/// Elements in one of their forms.
pub(crate) fn elements(sent: Option<&ElementSet>) -> Result<Elements, Refusal> {
    let form = sent.and_then(|sent| sent.form.as_ref());
    match form.ok_or_else(|| Refusal::field("", "has no elements: give a TLE or an OMM"))? {
        Form::Tle(tle) => {
            let (first, second) = lines(tle).map_err(|refusal| refusal.within("tle"))?;
            Elements::from_tle(first, second).map_err(|misread| {
                let field = if misread.at.line > 1 { "tle.line2" } else { "tle.line1" };
                Refusal::field(field, format!("can't be read: {misread}"))
            })
        }
        Form::Omm(text) => {
            let sets =
                Elements::read(text).map_err(|misread| Refusal::field("omm", format!("can't be read: {misread}")))?;
            let number = sets.len();
            let mut sets = sets.into_iter();
            match (sets.next(), number) {
                (Some(only), 1) => Ok(only),
                _ => Err(Refusal::field("omm", format!("has {number} satellites; give each of them by itself"))),
            }
        }
    }
}

/// A ground station.
pub(crate) fn ground(sent: GroundStation) -> Result<Ground, Refusal> {
    let latitude = Latitude::degrees(sent.latitude_deg).map_err(|e| wrong("latitude_deg", &e))?;
    let longitude = Longitude::degrees(sent.longitude_deg).map_err(|e| wrong("longitude_deg", &e))?;
    if sent.altitude_m.is_nan() || sent.altitude_m.abs() > ALTITUDE_METRES_MAX {
        return Err(Refusal::field("altitude_m", format!("is {}, not within 100 km of the ground", sent.altitude_m)));
    }
    if !(-30.0..90.0).contains(&sent.min_elevation_deg) {
        return Err(Refusal::field(
            "min_elevation_deg",
            format!("is {}, not from -30 to below 90", sent.min_elevation_deg),
        ));
    }
    if sent.name.chars().count() > NAME_CHARACTERS_MAX {
        return Err(Refusal::field("name", "is longer than 200 characters"));
    }
    let site = Site::new(latitude, longitude, sent.altitude_m).map_err(|e| wrong("altitude_m", &e))?;
    Ok(Ground { station: Station::at(site), sent })
}

fn wrong(field: &str, why: &dyn std::fmt::Display) -> Refusal {
    Refusal::field(field, format!("can't be used: {why}"))
}

/// A satellite that is known.
pub(crate) fn known_satellite<'a>(sky: &'a Sky, field: &str, sent: &str) -> Result<&'a Arc<Satellite>, Refusal> {
    if sent.is_empty() {
        return Err(Refusal::field(field, "is missing"));
    }
    sky.satellite(sent).ok_or_else(|| unknown(field, sent, NO_SATELLITE))
}

/// A ground station that is known.
pub(crate) fn known_station<'a>(sky: &'a Sky, field: &str, sent: &str) -> Result<&'a Arc<Ground>, Refusal> {
    if sent.is_empty() {
        return Err(Refusal::field(field, "is missing"));
    }
    sky.station(sent).ok_or_else(|| unknown(field, sent, NO_STATION))
}

fn unknown(field: &str, id: &str, hint: &'static str) -> Refusal {
    Refusal::Unknown { field: field.to_owned(), id: id.chars().take(ID_BYTES_MAX).collect(), hint }
}

/// The satellites that are meant.
#[derive(Debug, Clone)]
pub(crate) enum Meant {
    /// All that are known, once.
    Everything(Arc<Everything>),
    /// Some, in the order of the request.
    Chosen(Vec<Arc<Satellite>>),
}

impl Meant {
    /// They.
    pub(crate) fn satellites(&self) -> &[Arc<Satellite>] {
        match self {
            Self::Everything(all) => &all.satellites,
            Self::Chosen(some) => some,
        }
    }

    /// How many.
    pub(crate) fn number(&self) -> u64 {
        self.satellites().len() as u64
    }
}

/// The satellites that a request means; nothing where it means nobody.
pub(crate) fn satellites(sky: &Sky, sent: Option<&Satellites>, limits: &Limits) -> Result<Option<Meant>, Refusal> {
    let Some(sent) = sent else { return Ok(None) };
    let number = sent.ids.len() + sent.elements.len();
    if number > limits.satellites_max {
        return Err(Refusal::too_many("", number as u64, limits.satellites_max as u64, "satellites"));
    }
    if number == 0 {
        return Ok(sent.all.then(|| Meant::Everything(sky.everything())));
    }
    let mut meant: Vec<Arc<Satellite>> = Vec::with_capacity(number);
    for (index, id) in sent.ids.iter().enumerate() {
        meant.push(Arc::clone(known_satellite(sky, &format!("ids[{index}]"), id)?));
    }
    for (index, set) in sent.elements.iter().enumerate() {
        let elements = elements(Some(set)).map_err(|refusal| refusal.within(&format!("elements[{index}]")))?;
        meant.push(Arc::new(Satellite::new(None, elements, Origin::Request)));
    }
    if sent.all {
        meant.extend(sky.everything().satellites.iter().cloned());
    }
    Ok(Some(Meant::Chosen(meant)))
}

/// The same where somebody must be meant.
pub(crate) fn some_satellites(sky: &Sky, sent: Option<&Satellites>, limits: &Limits) -> Result<Meant, Refusal> {
    let meant = satellites(sky, sent, limits).map_err(|refusal| refusal.within("satellites"))?;
    meant.ok_or_else(|| Refusal::field("satellites", "names nobody: give ids, elements, or all"))
}
