//! Our engine at a server that we did not write: `alpaca-simulators` from PyPI, which has no discovery and no management API.

use std::{
    net::{Ipv4Addr, TcpListener},
    process::Stdio,
    time::Duration,
};

use engine_alpaca::{AlpacaEngine, DeviceType, EquatorialSystem, Link, Options, Tracking};
use tokio::process::{Child, Command};
use vocabulary::{Declination, RightAscension, ids::DeviceId};

use crate::stand::{horizontal, telescope_at, until};

/// Starting Python with its astronomy takes seconds, more on a busy machine.
const START_PATIENCE: Duration = Duration::from_secs(120);

struct Stranger {
    url: String,
    _process: Child,
    _config: tempfile::TempDir,
}

impl Stranger {
    async fn start() -> Self {
        let python = std::env::var("BIGSKIES_TEST_PYTHON")
            .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/python/bin/python").to_owned());
        let config = tempfile::tempdir().unwrap();
        let port = free_port();
        let process = Command::new(&python)
            .args(["-m", "alpaca_simulators.run_simulator", "--host", "127.0.0.1", "--port", &port.to_string()])
            .arg("--config")
            .arg(config.path().join("stranger.yaml"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| {
                panic!(
                    "{python} can't run: {error}; make a virtual environment in target/python with \
                     crates/testkit/python-requirements.txt, or name another Python in BIGSKIES_TEST_PYTHON"
                )
            });
        Self { url: format!("http://127.0.0.1:{port}"), _process: process, _config: config }
    }
}

/// A port that was free a moment ago; the stranger can't tell which it took.
fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

#[tokio::test]
async fn somebody_elses_telescope_is_driven() {
    let mut stranger = Stranger::start().await;
    let engine = AlpacaEngine::new(Options::default()).unwrap();
    let id = DeviceId::fresh();
    let endpoint = telescope_at(&stranger.url);
    engine.survey(&endpoint.server_url).await.unwrap_err();
    let started = async {
        let mut ticks = tokio::time::interval(Duration::from_millis(100));
        while engine.describe(&endpoint).await.is_err() {
            let ended = stranger._process.try_wait().unwrap();
            assert!(ended.is_none(), "alpaca-simulators ended: {ended:?}; is it installed in that Python?");
            ticks.tick().await;
        }
    };
    tokio::time::timeout(START_PATIENCE, started).await.unwrap();
    let found = engine.describe(&endpoint).await.unwrap();
    assert_eq!((found.device_type, found.simulated), (DeviceType::Telescope, true), "{found:?}");

    engine.register(id.clone(), endpoint).unwrap();
    engine.connect(&id).await.unwrap();
    engine.unpark(&id).await.unwrap();
    assert_eq!(engine.equatorial_system(&id).await.unwrap(), EquatorialSystem::Other);
    let capabilities = engine.capabilities(&id).await.unwrap();
    assert!(capabilities.slew_equatorial && capabilities.park && capabilities.set_tracking);
    assert!(engine.site(&id).await.unwrap().latitude.is_some());

    let (right_ascension, declination) = (RightAscension::hours(1.5).unwrap(), Declination::degrees(60.0).unwrap());
    engine.slew_equatorial(&id, right_ascension, declination).await.unwrap();
    until("it arrives", || async { engine.status(&id).await.unwrap().slewing == Some(false) }).await;
    let status = engine.status(&id).await.unwrap();
    assert_eq!(status.tracking, Some(true), "{status:?}");
    assert!((status.right_ascension.unwrap().value() - 1.5).abs() < 0.01, "{status:?}");
    assert!((status.declination.unwrap().value() - 60.0).abs() < 0.01, "{status:?}");

    let (altitude, azimuth) = horizontal(30.0, 250.0);
    engine.slew_horizontal(&id, altitude, azimuth).await.unwrap();
    engine.abort(&id).await.unwrap();
    until("it stops", || async { engine.status(&id).await.unwrap().slewing == Some(false) }).await;
    engine.track(&id, Tracking::Off).await.unwrap();
    engine.park(&id).await.unwrap();
    until("it is parked", || async { engine.status(&id).await.unwrap().at_park == Some(true) }).await;
    engine.slew_equatorial(&id, right_ascension, declination).await.unwrap_err();
    assert_eq!(engine.link(&id).unwrap().link, Link::Connected);
    engine.disconnect(&id).await.unwrap();
}
