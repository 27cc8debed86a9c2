//! The simulated telescope over its sockets: the mount, the faults, the record, discovery, and somebody else's client.

#![expect(clippy::unwrap_used, reason = "a test ends where its stand is not as expected")]

use std::{
    future::Future,
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use serde_json::{Value, json};
use simulator::{
    AlpacaSimulator, EquatorialSystem, Options,
    alpaca::{Deed, FaultKind, ScriptedFault},
};
use tokio::net::UdpSocket;

const PATIENCE: Duration = Duration::from_secs(10);
const NOTHING: [(&str, &str); 0] = [];
const NOT_CONNECTED: i64 = 0x407;
const PARKED: i64 = 0x408;
const INVALID_VALUE: i64 = 0x401;
const INVALID_OPERATION: i64 = 0x40B;

fn fast() -> Options {
    Options { slew_degrees_per_second: 100_000.0, ..Options::default() }
}

/// A telescope and one who talks to it by hand.
struct Stand {
    simulator: AlpacaSimulator,
    http: reqwest::Client,
}

impl Stand {
    async fn new(options: Options) -> Self {
        let simulator = AlpacaSimulator::start(options).await.unwrap();
        Self { simulator, http: reqwest::Client::builder().timeout(PATIENCE).build().unwrap() }
    }

    async fn connected(options: Options) -> Self {
        let stand = Self::new(options).await;
        assert_eq!(stand.put("connected", &[("Connected", "true")]).await, 0);
        stand
    }

    fn url(&self, method: &str) -> String {
        format!("{}/api/v1/telescope/0/{method}", self.simulator.url())
    }

    async fn get(&self, method: &str) -> Value {
        self.http.get(self.url(method)).send().await.unwrap().json().await.unwrap()
    }

    async fn value(&self, method: &str) -> Value {
        let mut answer = self.get(method).await;
        assert_eq!(answer["ErrorNumber"], 0, "{method}: {answer}");
        answer["Value"].take()
    }

    async fn number(&self, method: &str) -> f64 {
        self.value(method).await.as_f64().unwrap()
    }

    /// Puts and returns the error number.
    async fn put(&self, method: &str, form: &[(&str, &str)]) -> i64 {
        let answer: Value = self.http.put(self.url(method)).form(form).send().await.unwrap().json().await.unwrap();
        answer["ErrorNumber"].as_i64().unwrap()
    }

    async fn slew(&self, right_ascension: f64, declination: f64) -> i64 {
        let (right_ascension, declination) = (right_ascension.to_string(), declination.to_string());
        let form = [("RightAscension", right_ascension.as_str()), ("Declination", declination.as_str())];
        self.put("slewtocoordinatesasync", &form).await
    }

    async fn rests(&self) {
        until("the mount rests", || async { self.value("slewing").await == false }).await;
    }
}

/// Asks again and again until it is so.
async fn until<F: Future<Output = bool>>(what: &str, mut so: impl FnMut() -> F) {
    let asking = async {
        let mut ticks = tokio::time::interval(Duration::from_millis(5));
        while !so().await {
            ticks.tick().await;
        }
    };
    let became_so = tokio::time::timeout(PATIENCE, asking).await;
    assert!(became_so.is_ok(), "{what}: waited {PATIENCE:?}");
}

fn deeds(stand: &Stand) -> Vec<Deed> {
    stand.simulator.effects().into_iter().map(|effect| effect.deed).collect()
}

#[tokio::test]
async fn a_slew_arrives_and_leaves_its_mark() {
    for system in [EquatorialSystem::Topocentric, EquatorialSystem::J2000] {
        let stand = Stand::connected(Options { equatorial_system: system, ..fast() }).await;
        let right_ascension = (stand.number("siderealtime").await + 1.0).rem_euclid(24.0);
        assert_eq!(stand.slew(right_ascension, 20.0).await, INVALID_OPERATION, "tracking is off");
        assert_eq!(stand.put("tracking", &[("Tracking", "true")]).await, 0);
        assert_eq!(stand.slew(right_ascension, 20.0).await, 0);
        stand.rests().await;
        assert!((stand.number("rightascension").await - right_ascension).abs() < 1e-6);
        assert!((stand.number("declination").await - 20.0).abs() < 1e-6);
        // 15 degrees east of the meridian and 8.76 south of the zenith: both are near enough to say where it looks.
        assert!((70.0..80.0).contains(&stand.number("altitude").await));
        assert!((90.0..150.0).contains(&stand.number("azimuth").await));
        assert_eq!(stand.value("sideofpier").await, 1);
        assert_eq!(stand.value("equatorialsystem").await, if system == EquatorialSystem::J2000 { 2 } else { 1 });
        let deeds = deeds(&stand);
        assert_eq!(deeds[..2], [Deed::Connect, Deed::Track { tracking: true }]);
        assert_eq!(deeds[2..], [Deed::Slew { right_ascension, declination: 20.0 }]);
    }
}

#[tokio::test]
async fn what_the_mount_refuses() {
    let stand = Stand::new(fast()).await;
    assert_eq!(stand.get("tracking").await["ErrorNumber"], NOT_CONNECTED);
    assert_eq!(stand.put("park", &[]).await, NOT_CONNECTED);
    assert_eq!(stand.put("connect", &[]).await, 0);
    until("connected", || async { stand.value("connecting").await == false && stand.value("connected").await == true })
        .await;
    assert_eq!(stand.put("tracking", &[("Tracking", "true")]).await, 0);
    let sidereal = stand.number("siderealtime").await;
    for (right_ascension, declination, wanted) in [
        (24.5, 0.0, INVALID_VALUE),
        (1.0, -91.0, INVALID_VALUE),
        (f64::NAN, 0.0, INVALID_VALUE),
        ((sidereal + 12.0).rem_euclid(24.0), 0.0, INVALID_VALUE),
        (sidereal, 0.0, 0),
    ] {
        assert_eq!(stand.slew(right_ascension, declination).await, wanted, "{right_ascension} {declination}");
    }
    assert_eq!(stand.put("slewtoaltazasync", &[("Azimuth", "1"), ("Altitude", "50")]).await, INVALID_OPERATION);
    assert_eq!(stand.put("park", &[]).await, 0);
    until("parked", || async { stand.value("atpark").await == true }).await;
    assert_eq!(stand.slew(sidereal, 0.0).await, PARKED);
    assert_eq!(stand.put("abortslew", &[]).await, PARKED);
    assert_eq!(stand.put("tracking", &[("Tracking", "true")]).await, PARKED);
    assert_eq!(stand.put("unpark", &[]).await, 0);
    assert_eq!(stand.put("findhome", &[]).await, 0);
    until("home", || async { stand.value("athome").await == true }).await;
}

#[tokio::test]
async fn horizontal_slews_take_time_and_can_be_stopped() {
    let stand = Stand::connected(Options { slew_degrees_per_second: 30.0, ..Options::default() }).await;
    assert_eq!(stand.put("slewtoaltazasync", &[("Azimuth", "270"), ("Altitude", "60")]).await, 0);
    until("it moves", || async { stand.number("azimuth").await > 185.0 }).await;
    assert_eq!(stand.value("slewing").await, true);
    assert_eq!(stand.put("abortslew", &[]).await, 0);
    assert_eq!(stand.value("slewing").await, false);
    let azimuth = stand.number("azimuth").await;
    assert!((185.0..269.0).contains(&azimuth), "stopped at {azimuth}");
    assert_eq!(stand.put("slewtoaltaz", &[("Azimuth", "270"), ("Altitude", "60")]).await, 0);
    assert!((stand.number("azimuth").await - 270.0).abs() < 1e-6);
    assert!((stand.number("altitude").await - 60.0).abs() < 1e-6);
    let state = stand.value("devicestate").await;
    let names: Vec<_> = state.as_array().unwrap().iter().map(|entry| entry["Name"].as_str().unwrap()).collect();
    for name in ["Altitude", "AtPark", "RightAscension", "Slewing", "Tracking"] {
        assert!(names.contains(&name), "{name} in {names:?}");
    }
}

#[tokio::test]
async fn faults_strike_what_they_name_and_end() {
    let stand = Stand::connected(fast()).await;
    let brief = reqwest::Client::builder().timeout(Duration::from_millis(500)).build().unwrap();
    let park = || brief.put(stand.url("park")).form(&NOTHING).send();
    for (fault, effects) in [
        (ScriptedFault::new(FaultKind::Hang).on(&["park"]).times(1), 0),
        (ScriptedFault::new(FaultKind::Drop).on(&["park"]).times(1), 0),
        (ScriptedFault::new(FaultKind::Hang).except(&["abortslew"]).times(1).after_the_effect(), 1),
        (ScriptedFault::new(FaultKind::Slow { milliseconds: 2_000 }).times(1), 0),
    ] {
        let before = stand.simulator.effects().len();
        stand.simulator.set_faults(vec![fault.clone()]);
        let error = park().await.unwrap_err();
        assert_eq!(error.is_timeout(), !matches!(fault.kind, FaultKind::Drop), "{fault:?}: {error}");
        until("the effect", || async { stand.simulator.effects().len() - before == effects }).await;
        assert_eq!(stand.value("connected").await, true, "{fault:?} has ended");
        stand.simulator.clear_faults();
    }
    stand.simulator.set_faults(vec![ScriptedFault::new(FaultKind::Hang).except(&["abortslew", "unpark"])]);
    assert_eq!(stand.put("unpark", &[]).await, 0);
    assert_eq!(stand.put("abortslew", &[]).await, 0);
    assert!(park().await.unwrap_err().is_timeout());
}

#[tokio::test]
async fn another_process_can_script_and_count() {
    let stand = Stand::connected(fast()).await;
    let control = |name: &str| format!("{}/simulator/v1/{name}", stand.simulator.url());
    let script = json!({ "faults": [
        { "kind": "error", "number": -2_147_220_480_i64, "message": "COM says no", "methods": ["park"], "calls": 1 },
        { "kind": "status", "status": 503, "methods": ["park"], "calls": 1 },
        { "kind": "garbage", "methods": ["park"], "calls": 1 },
    ]});
    let answer = stand.http.put(control("faults")).json(&script).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let park = || async { stand.http.put(stand.url("park")).form(&NOTHING).send().await.unwrap() };
    assert_eq!(park().await.json::<Value>().await.unwrap()["ErrorNumber"], -2_147_220_480_i64);
    assert_eq!(park().await.status(), 503);
    assert!(park().await.json::<Value>().await.is_err());
    assert_eq!(park().await.json::<Value>().await.unwrap()["ErrorNumber"], 0);
    let effects: Value = stand.http.get(control("effects")).send().await.unwrap().json().await.unwrap();
    let whats: Vec<_> = effects["effects"].as_array().unwrap().iter().map(|effect| &effect["what"]).collect();
    assert_eq!(whats, ["connect", "park"]);
    let bad = stand.http.put(control("faults")).body("{\"faults\":[{\"kind\":\"explode\"}]}").send().await.unwrap();
    assert_eq!(bad.status(), 400);
}

#[tokio::test]
async fn discovery_answers_on_any_port() {
    let anywhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let stand = Stand::new(Options { discovery: Some(anywhere), ..fast() }).await;
    let port = stand.simulator.discovery_address().unwrap().port();
    let socket = UdpSocket::bind(anywhere).await.unwrap();
    socket.set_broadcast(true).unwrap();
    for target in [Ipv4Addr::LOCALHOST, Ipv4Addr::new(127, 255, 255, 255)] {
        socket.send_to(b"alpacadiscovery1", (target, port)).await.unwrap();
        let mut answer = [0; 64];
        let (length, from) = tokio::time::timeout(PATIENCE, socket.recv_from(&mut answer)).await.unwrap().unwrap();
        let answer: Value = serde_json::from_slice(&answer[..length]).unwrap();
        assert_eq!(answer["AlpacaPort"], stand.simulator.address().port(), "{target}");
        assert_eq!(from.ip(), Ipv4Addr::LOCALHOST);
    }
    let management = format!("{}/management/v1/configureddevices", stand.simulator.url());
    let devices: Value = stand.http.get(management).send().await.unwrap().json().await.unwrap();
    assert_eq!(devices["Value"][0]["UniqueID"], "simulated-telescope-0");
}

#[tokio::test]
async fn a_stopped_telescope_is_gone_and_its_address_free() {
    let stand = Stand::new(fast()).await;
    let http = stand.simulator.address();
    stand.simulator.stop().await;
    stand.simulator.stop().await;
    let alone = reqwest::Client::new();
    assert!(alone.get(stand.url("connected")).send().await.is_err());
    let again = Stand::connected(Options { http, ..fast() }).await;
    assert_eq!(again.value("connected").await, true);
}

#[tokio::test]
async fn the_ascom_initiatives_client_drives_it() {
    let simulator = AlpacaSimulator::start(fast()).await.unwrap();
    let python = std::env::var("BIGSKIES_TEST_PYTHON")
        .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/python/bin/python").to_owned());
    let run = tokio::process::Command::new(&python)
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/alpyca_drive.py"))
        .arg(simulator.address().to_string())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(Duration::from_secs(120), run).await.unwrap().unwrap_or_else(|error| {
        panic!(
            "{python} can't run: {error}; make a virtual environment in target/python with \
             crates/testkit/python-requirements.txt, or name another Python in BIGSKIES_TEST_PYTHON"
        )
    });
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(output.status.success() && said.contains("alpyca is content"), "{said}");
    let slews = simulator.effects().iter().filter(|effect| matches!(effect.deed, Deed::Slew { .. })).count();
    assert_eq!(slews, 2);
}
