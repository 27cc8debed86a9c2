//! A server that reads the standard loosely, one defect at a time; each was seen in a server that people use.

use std::{
    collections::HashMap,
    net::Ipv4Addr,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderValue, Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use engine_alpaca::{AlpacaEngine, AlpacaError, Endpoint, EquatorialSystem, Options, ServerUrl};
use vocabulary::{Altitude, Azimuth, Declination, RightAscension, ids::DeviceId};

use crate::stand::{brisk, telescope_at};

/// What is answered on one path: status, content type, body.
type Script = HashMap<&'static str, (u16, &'static str, String)>;

#[derive(Clone, Default)]
struct Scripted {
    script: Arc<Mutex<Script>>,
    /// Method, path and query or body of every call.
    heard: Arc<Mutex<Vec<(Method, String, String)>>>,
}

struct SloppyServer {
    scripted: Scripted,
    url: String,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for SloppyServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl SloppyServer {
    async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let scripted = Scripted::default();
        let app = Router::new().fallback(answer).with_state(scripted.clone());
        let task = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { scripted, url, task }
    }

    fn answers(&self, method: &'static str, status: u16, kind: &'static str, body: &str) {
        self.scripted.script.lock().unwrap().insert(method, (status, kind, body.to_owned()));
    }

    /// A value in an envelope as it should be.
    fn tells(&self, method: &'static str, value: &str) {
        self.answers(method, 200, JSON, &format!(r#"{{"Value":{value},"ErrorNumber":0,"ErrorMessage":""}}"#));
    }

    /// An engine whose probes keep out of the record.
    async fn connected(&self) -> (AlpacaEngine, DeviceId) {
        let options = Options { probe_interval: Duration::from_secs(3600), ..brisk() };
        self.tells("connected", "true");
        self.answers("connect", 404, "text/plain", "no");
        let engine = AlpacaEngine::new(options).unwrap();
        let id = DeviceId::fresh();
        engine.register(id.clone(), telescope_at(&self.url)).unwrap();
        engine.connect(&id).await.unwrap();
        (engine, id)
    }
}

const JSON: &str = "application/json";

async fn answer(State(scripted): State<Scripted>, method: Method, uri: Uri, body: Bytes) -> Response {
    let said = if method == Method::PUT {
        String::from_utf8_lossy(&body).into_owned()
    } else {
        uri.query().unwrap_or_default().to_owned()
    };
    scripted.heard.lock().unwrap().push((method, uri.path().to_owned(), said));
    let last = uri.path().rsplit('/').next().unwrap_or_default();
    let Some((status, kind, body)) = scripted.script.lock().unwrap().get(last).cloned() else {
        return (StatusCode::BAD_REQUEST, "unknown").into_response();
    };
    let mut response = (StatusCode::from_u16(status).unwrap(), body).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

#[tokio::test]
async fn loose_envelopes_are_understood_and_wrong_ones_named() {
    let server = SloppyServer::start().await;
    let long = format!(r#"{{"Value":2,"Filler":"{}"}}"#, "x".repeat(70_000));
    let deep = format!(r#"{{"Value":{}{}}}"#, "[".repeat(1000), "]".repeat(1000));
    for (name, status, kind, body, wanted) in [
        ("as it should be", 200, JSON, r#"{"Value":2,"ClientTransactionID":1,"ErrorNumber":0}"#, "j2000"),
        ("transaction 0", 200, JSON, r#"{"Value":2,"ClientTransactionID":0,"ServerTransactionID":0}"#, "j2000"),
        ("a transaction of somebody else", 200, JSON, r#"{"Value":2,"ClientTransactionID":4294967295}"#, "j2000"),
        ("only the value", 200, JSON, r#"{"Value":2}"#, "j2000"),
        ("plain text", 200, "text/plain", r#"{"Value":2}"#, "j2000"),
        ("html", 200, "text/html; charset=utf-8", r#"{"Value":2}"#, "j2000"),
        ("a byte order mark", 200, JSON, "\u{feff}{\"Value\":2}", "j2000"),
        ("another case", 200, JSON, r#"{"value":2,"errornumber":0}"#, "j2000"),
        ("numbers as text", 200, JSON, r#"{"Value":"2","ErrorNumber":"0"}"#, "j2000"),
        ("numbers with a point", 200, JSON, r#"{"Value":2.0,"ErrorNumber":0.0}"#, "j2000"),
        ("an unknown system", 200, JSON, r#"{"Value":17}"#, "other"),
        ("a null message", 200, JSON, r#"{"Value":2,"ErrorMessage":null}"#, "j2000"),
        ("an error of the old platform", 200, JSON, r#"{"ErrorNumber":-2147220480}"#, "device"),
        ("an error beyond u16", 200, JSON, r#"{"Value":2,"ErrorNumber":4294967295}"#, "device"),
        ("an error with a status", 500, JSON, r#"{"ErrorNumber":1280,"ErrorMessage":"motor"}"#, "device"),
        ("an error that is no number", 200, JSON, r#"{"Value":2,"ErrorNumber":"many"}"#, "protocol"),
        ("no value", 200, JSON, r#"{"ErrorNumber":0}"#, "protocol"),
        ("nothing", 200, JSON, "", "protocol"),
        ("a list", 200, JSON, "[2]", "protocol"),
        ("half", 200, JSON, r#"{"Value":2"#, "protocol"),
        ("too long", 200, JSON, long.as_str(), "protocol"),
        ("too deep", 200, JSON, deep.as_str(), "protocol"),
        ("a status", 422, JSON, r#"{"detail":[]}"#, "status"),
        ("a redirection", 302, JSON, "", "status"),
    ] {
        let (engine, id) = server.connected().await;
        server.answers("equatorialsystem", status, kind, body);
        let got = match engine.equatorial_system(&id).await {
            Ok(EquatorialSystem::J2000) => "j2000",
            Ok(EquatorialSystem::Other) => "other",
            Err(AlpacaError::Device { .. }) => "device",
            Err(AlpacaError::Protocol { .. }) => "protocol",
            Err(AlpacaError::Status { .. }) => "status",
            other => panic!("{name}: {other:?}"),
        };
        assert_eq!(got, wanted, "{name}");
    }
}

#[tokio::test]
async fn a_redirection_is_not_followed() {
    let server = SloppyServer::start().await;
    let (engine, id) = server.connected().await;
    server.answers("abortslew", 307, JSON, "");
    let before = server.scripted.heard.lock().unwrap().len();
    engine.abort(&id).await.unwrap_err();
    assert_eq!(server.scripted.heard.lock().unwrap().len(), before + 1);
}

#[tokio::test]
async fn what_we_say_is_to_the_letter() {
    let server = SloppyServer::start().await;
    let (engine, id) = server.connected().await;
    for method in ["slewtocoordinatesasync", "slewtoaltazasync", "tracking", "abortslew", "unpark"] {
        server.tells(method, "true");
    }
    server.tells("cansettracking", "true");
    server.scripted.heard.lock().unwrap().clear();
    let ra = RightAscension::hours(1e-7).unwrap();
    engine.slew_equatorial(&id, ra, Declination::degrees(-0.25).unwrap()).await.unwrap();
    engine.slew_horizontal(&id, Altitude::degrees(45.0).unwrap(), Azimuth::degrees(0.0).unwrap()).await.unwrap();
    let heard = server.scripted.heard.lock().unwrap().clone();
    let heard: Vec<_> = heard.iter().map(|(method, path, said)| (method.as_str(), path.as_str(), said)).collect();
    let base = "/api/v1/telescope/0/";
    let wanted = [
        ("GET", "tracking", ""),
        ("PUT", "slewtocoordinatesasync", "RightAscension=0.0000001&Declination=-0.25&"),
        ("GET", "tracking", ""),
        ("GET", "cansettracking", ""),
        ("PUT", "tracking", "Tracking=False&"),
        ("PUT", "slewtoaltazasync", "Azimuth=0&Altitude=45&"),
    ];
    assert_eq!(heard.len(), wanted.len(), "{heard:?}");
    for ((method, path, said), (wanted_method, wanted_path, wanted_said)) in heard.into_iter().zip(wanted) {
        assert_eq!((method, path), (wanted_method, format!("{base}{wanted_path}").as_str()));
        let identification = said.strip_prefix(wanted_said).unwrap_or_else(|| panic!("{said}"));
        let numbers: Vec<u32> = identification
            .split('&')
            .zip(["ClientID=", "ClientTransactionID="])
            .map(|(parameter, name)| parameter.strip_prefix(name).unwrap().parse().unwrap())
            .collect();
        assert!(numbers.len() == 2 && numbers.iter().all(|number| (1..=0x7fff_ffff).contains(number)), "{said}");
    }
}

#[tokio::test]
async fn a_status_of_what_there_is() {
    let server = SloppyServer::start().await;
    let (engine, id) = server.connected().await;
    server.tells("slewing", "\"False\"");
    server.tells("rightascension", "24.0");
    server.tells("declination", "95.0");
    server.tells("azimuth", "360");
    server.answers("altitude", 200, JSON, r#"{"ErrorNumber":1026,"ErrorMessage":"not set"}"#);
    server.tells("utcdate", "\"2026-11-21T20:15:00.1234567\"");
    for _ in 0..2 {
        let status = engine.status(&id).await.unwrap();
        assert!(status.connected);
        assert_eq!(status.slewing, Some(false));
        assert_eq!(status.right_ascension.map(RightAscension::value), Some(0.0));
        assert_eq!(status.azimuth.map(Azimuth::value), Some(0.0));
        assert_eq!((status.declination, status.altitude, status.tracking), (None, None, None));
        assert_eq!(status.utc_date.unwrap().to_string(), "2026-11-21T20:15:00.123456Z");
    }
    // What the server does not know is asked once per connection.
    let heard = server.scripted.heard.lock().unwrap().clone();
    let asked = |method: &str| heard.iter().filter(|(_, path, _)| path.ends_with(method)).count();
    assert_eq!((asked("/devicestate"), asked("/tracking"), asked("/altitude")), (1, 1, 2));
    server.answers("slewing", 200, JSON, r#"{"ErrorNumber":1031,"ErrorMessage":"not connected"}"#);
    assert!(!engine.status(&id).await.unwrap().connected);
}

#[tokio::test]
async fn a_list_with_bad_lines_keeps_its_good_ones() {
    let server = SloppyServer::start().await;
    let url: ServerUrl = server.url.parse().unwrap();
    let engine = AlpacaEngine::new(brisk()).unwrap();
    assert!(matches!(engine.survey(&url).await, Err(AlpacaError::Status { .. })));
    server.tells("configureddevices", r#""none""#);
    assert!(matches!(engine.survey(&url).await, Err(AlpacaError::Protocol { .. })));
    server.tells("description", r#"{"ServerName":"shed","Version":"1"}"#);
    server.tells("apiversions", "[2]");
    server.tells(
        "configureddevices",
        r#"[
            {"DeviceName":"Main","DeviceType":"telescope","DeviceNumber":0,"UniqueID":"u-1"},
            {"DeviceName":"Twice","DeviceType":"Telescope","DeviceNumber":0,"UniqueID":"u-1"},
            {"DeviceName":"Text","DeviceType":"FilterWheel","DeviceNumber":"3"},
            {"devicename":"Low","devicetype":"DOME","devicenumber":1,"uniqueid":"u\u00002"},
            {"DeviceName":"Minus","DeviceType":"Camera","DeviceNumber":-1},
            {"DeviceName":"Kettle","DeviceType":"Kettle","DeviceNumber":0},
            {"DeviceType":"Camera"},
            "Camera", null, 7,
            {"DeviceName":"","DeviceType":"Focuser","DeviceNumber":2,"UniqueID":null}
        ]"#,
    );
    let devices = engine.survey(&url).await.unwrap();
    let found: Vec<_> = devices
        .iter()
        .map(|device| (device.device_type.as_str(), device.device_number, device.name.as_str(), device.uuid.as_str()))
        .collect();
    let wanted = [
        ("Telescope", 0, "Main", "u-1"),
        ("FilterWheel", 3, "Text", ""),
        ("Dome", 1, "Low", "u 2"),
        ("Focuser", 2, "Focuser 2", ""),
    ];
    assert_eq!(found, wanted);
    assert!(devices.iter().all(|device| !device.simulated));
    let by_hand = Endpoint::telescope(url, 0);
    server.tells("connected", "false");
    server.tells("description", r#""A simulator, it says""#);
    assert!(engine.describe(&by_hand).await.unwrap().simulated);
}
