//! A service for tests, and what they ask of it.

use engine_orbital::{Elements, catalogue};
use orbital_client::{
    OrbitalClient, OrbitalClientOptions,
    proto::{ElementSet, GroundStation, Satellites, Tle, element_set::Form},
    wire,
};
use service_orbital::{Guard, Limits, Orbital, OrbitalOptions};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use vocabulary::Timestamp;

/// The first of Vallado's verification set.
pub(crate) const VANGUARD: [&str; 2] = [
    "1 00005U 58002B   00179.78495062  .00000023  00000-0  28098-4 0  4753",
    "2 00005  34.2682 348.7242 1859667 331.7664  19.3264 10.82419157413667",
];
/// Its epoch.
pub(crate) const VANGUARD_EPOCH: &str = "2000-06-27T18:50:19.733568Z";

/// A running service and a client of it.
pub(crate) struct Stand {
    pub(crate) service: Orbital,
    pub(crate) client: OrbitalClient,
}

impl Stand {
    /// With the catalogue and everybody let in.
    pub(crate) async fn start() -> Self {
        Self::with(Limits::default(), Guard::open()).await
    }

    pub(crate) async fn with(limits: Limits, guard: Guard) -> Self {
        observability::metrics::start();
        let mut options = OrbitalOptions::at(([127, 0, 0, 1], 0).into(), guard);
        options.limits = limits;
        options.pages = Some(([127, 0, 0, 1], 0).into());
        options.catalogue = active();
        options.stations = vec![greenwich()];
        let service = Orbital::start(options).await.unwrap();
        let client = OrbitalClient::new(&OrbitalClientOptions::new(url(&service))).unwrap();
        Self { service, client }
    }

    /// A page over HTTP.
    pub(crate) async fn page(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(self.service.pages_address().unwrap()).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut page = String::new();
        stream.read_to_string(&mut page).await.unwrap();
        page
    }
}

pub(crate) fn url(service: &Orbital) -> String {
    format!("http://{}", service.address().unwrap())
}

/// The catalogue that comes with the engine.
pub(crate) fn active() -> Vec<Elements> {
    Elements::read(catalogue::ACTIVE).unwrap()
}

pub(crate) fn greenwich() -> GroundStation {
    GroundStation {
        id: "greenwich".to_owned(),
        name: "Royal Observatory".to_owned(),
        latitude_deg: 51.4779,
        longitude_deg: -0.0015,
        altitude_m: 46.0,
        min_elevation_deg: 10.0,
    }
}

pub(crate) fn tle([line1, line2]: [&str; 2]) -> Tle {
    Tle { line1: line1.to_owned(), line2: line2.to_owned(), norad_id: String::new() }
}

pub(crate) fn set(lines: [&str; 2]) -> ElementSet {
    ElementSet { form: Some(Form::Tle(tle(lines))) }
}

pub(crate) fn instant(text: &str) -> prost_types::Timestamp {
    wire::of_instant(time(text))
}

pub(crate) fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(crate) fn all() -> Option<Satellites> {
    Some(Satellites { all: true, ..Satellites::default() })
}

pub(crate) fn ids(ids: &[&str]) -> Option<Satellites> {
    Some(Satellites { ids: ids.iter().map(|id| (*id).to_owned()).collect(), ..Satellites::default() })
}

/// Whether a call ended by its deadline: as the service says it, or as tonic's client, which looks at the clock itself.
pub(crate) fn is_late(status: &tonic::Status) -> bool {
    matches!(status.code(), tonic::Code::DeadlineExceeded | tonic::Code::Cancelled)
}
