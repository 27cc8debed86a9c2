//! Connecting, the rule of three failures, reconnecting, the events and the health that tell of it.

use std::time::Duration;

use engine::Engine;
use engine_alpaca::{AlpacaEngine, AlpacaError, DeviceType, Endpoint, Link, Options};
use health::Status;
use simulator::{
    AlpacaSimulator,
    alpaca::{Deed, FaultKind, ScriptedFault},
};
use tokio::sync::broadcast::Receiver;
use vocabulary::ids::DeviceId;

use crate::stand::{PATIENCE, Stand, brisk, fast, telescope_at, until};

async fn next(changes: &mut Receiver<engine_alpaca::DeviceLink>) -> (Link, u32) {
    let change = tokio::time::timeout(PATIENCE, changes.recv()).await.unwrap().unwrap();
    (change.link, change.failures)
}

#[tokio::test]
async fn three_failures_lose_a_device_and_it_comes_back_by_itself() {
    for fault in [
        ScriptedFault::new(FaultKind::Hang),
        ScriptedFault::new(FaultKind::Drop),
        ScriptedFault::new(FaultKind::Status { status: 503 }),
        ScriptedFault::new(FaultKind::Garbage),
    ] {
        let stand = Stand::registered(brisk(), fast()).await;
        let mut changes = stand.engine.changes();
        stand.engine.connect(&stand.id).await.unwrap();
        assert_eq!([next(&mut changes).await, next(&mut changes).await], [(Link::Connecting, 0), (Link::Connected, 0)]);
        stand.simulator.set_faults(vec![fault.clone()]);
        let story = [next(&mut changes).await, next(&mut changes).await, next(&mut changes).await];
        assert_eq!(story, [(Link::Connected, 1), (Link::Connected, 2), (Link::Lost, 3)], "{fault:?}");
        assert!(!stand.status().await.connected);
        let up = (vocabulary::RightAscension::hours(1.0).unwrap(), vocabulary::Declination::degrees(1.0).unwrap());
        let error = stand.engine.slew_equatorial(&stand.id, up.0, up.1).await.unwrap_err();
        assert!(matches!(error, AlpacaError::NotConnected { .. }), "{error}");
        stand.simulator.clear_faults();
        assert_eq!(next(&mut changes).await, (Link::Connected, 0), "{fault:?}");
        assert!(stand.status().await.connected);
    }
}

#[tokio::test]
async fn two_failures_are_forgiven() {
    let stand = Stand::registered(brisk(), fast()).await;
    let mut changes = stand.engine.changes();
    stand.engine.connect(&stand.id).await.unwrap();
    stand.simulator.set_faults(vec![ScriptedFault::new(FaultKind::Drop).on(&["connected"]).times(2)]);
    let mut story = Vec::new();
    while story.last() != Some(&(Link::Connected, 2)) {
        story.push(next(&mut changes).await);
    }
    assert_eq!(next(&mut changes).await, (Link::Connected, 0));
    assert!(!story.iter().any(|(link, _)| *link == Link::Lost), "{story:?}");
}

#[tokio::test]
async fn a_server_that_restarts_is_connected_again() {
    let stand = Stand::connected(brisk(), fast()).await;
    let http = stand.simulator.address();
    stand.simulator.stop().await;
    stand.link_becomes(Link::Lost).await;
    // An abort is tried all the same.
    let error = stand.engine.abort(&stand.id).await.unwrap_err();
    assert!(matches!(error, AlpacaError::Unreachable { .. }), "{error}");
    // So is a connection asked for by hand; when it fails, the engine goes on trying.
    stand.engine.connect(&stand.id).await.unwrap_err();
    assert_eq!(stand.engine.link(&stand.id).unwrap().link, Link::Lost);
    let again = AlpacaSimulator::start(simulator::Options { http, ..fast() }).await.unwrap();
    stand.link_becomes(Link::Connected).await;
    assert_eq!(again.effects()[0].deed, Deed::Connect);
}

#[tokio::test]
async fn a_connection_that_was_ended_stays_ended() {
    let stand = Stand::connected(brisk(), fast()).await;
    stand.simulator.set_faults(vec![ScriptedFault::new(FaultKind::Drop)]);
    stand.link_becomes(Link::Lost).await;
    stand.engine.disconnect(&stand.id).await.unwrap_err();
    stand.simulator.clear_faults();
    assert_eq!(stand.engine.link(&stand.id).unwrap().link, Link::Disconnected);
    stand.engine.connect(&stand.id).await.unwrap();
    stand.engine.disconnect(&stand.id).await.unwrap();
    assert_eq!(stand.deeds(), [Deed::Connect, Deed::Disconnect]);
}

#[tokio::test]
async fn connecting_has_a_bound_and_a_way_back() {
    let options = Options { device_connect_timeout: Duration::from_secs(2), ..brisk() };
    let stand = Stand::registered(options, fast()).await;
    for (fault, old_way) in [
        (ScriptedFault::new(FaultKind::Hang), false),
        (ScriptedFault::new(FaultKind::Status { status: 404 }).on(&["connect", "connecting", "disconnect"]), true),
        (ScriptedFault::new(FaultKind::Status { status: 400 }).on(&["connect", "connecting", "disconnect"]), true),
        (
            ScriptedFault::new(FaultKind::Error { number: 0x400, message: String::new() }).on(&[
                "connect",
                "connecting",
                "disconnect",
            ]),
            true,
        ),
    ] {
        stand.simulator.set_faults(vec![fault.clone()]);
        let outcome = stand.engine.connect(&stand.id).await;
        assert_eq!(outcome.is_ok(), old_way, "{fault:?}: {outcome:?}");
        let link = stand.engine.link(&stand.id).unwrap();
        assert_eq!(link.link, if old_way { Link::Connected } else { Link::Disconnected }, "{fault:?}");
        assert_eq!(link.reason.is_empty(), old_way, "{link:?}");
        if old_way {
            stand.engine.disconnect(&stand.id).await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_caller_who_gives_up_leaves_nothing_half_done() {
    let stand = Stand::registered(brisk(), fast()).await;
    stand.simulator.set_faults(vec![ScriptedFault::new(FaultKind::Hang)]);
    let impatient = tokio::time::timeout(Duration::from_millis(100), stand.engine.connect(&stand.id)).await;
    assert!(impatient.is_err());
    assert_eq!(stand.engine.link(&stand.id).unwrap().link, Link::Disconnected);
}

#[tokio::test]
async fn health_tells_how_many() {
    let stand = Stand::registered(brisk(), fast()).await;
    let other = AlpacaSimulator::start(fast()).await.unwrap();
    let second = DeviceId::fresh();
    stand.engine.register(second.clone(), telescope_at(&other.url())).unwrap();
    let becomes = async |status: Status, connected: u64, failing: u64| {
        until(&format!("{status} {connected} {failing}"), || async {
            let report = stand.engine.health();
            report.status == status
                && report.details["devices_registered"] == 2
                && report.details["devices_connected"] == connected
                && report.details["devices_failing"] == failing
        })
        .await;
    };
    becomes(Status::Healthy, 0, 0).await;
    stand.engine.connect(&stand.id).await.unwrap();
    stand.engine.connect(&second).await.unwrap();
    becomes(Status::Healthy, 2, 0).await;
    other.stop().await;
    becomes(Status::Degraded, 1, 1).await;
    stand.simulator.set_faults(vec![ScriptedFault::new(FaultKind::Drop)]);
    becomes(Status::Unhealthy, 0, 2).await;
    stand.simulator.clear_faults();
    stand.engine.disconnect(&second).await.unwrap_err();
    becomes(Status::Healthy, 1, 0).await;
    stand.engine.stop().await;
    stand.engine.stop().await;
}

#[tokio::test]
async fn the_probe_interval_changes_at_once() {
    let options = Options { probe_interval: Duration::from_secs(3600), ..brisk() };
    let stand = Stand::connected(options, fast()).await;
    stand.simulator.set_faults(vec![ScriptedFault::new(FaultKind::Drop)]);
    assert_eq!(stand.engine.link(&stand.id).unwrap().link, Link::Connected);
    stand.engine.set_probe_interval(Duration::from_millis(20));
    stand.link_becomes(Link::Lost).await;
}

#[tokio::test]
async fn what_is_not_registered_connected_or_a_telescope() {
    let engine = AlpacaEngine::new(brisk()).unwrap();
    let (unknown, dome) = (DeviceId::fresh(), DeviceId::fresh());
    let server_url = "http://127.0.0.1:9".parse().unwrap();
    let endpoint = Endpoint { server_url, device_type: DeviceType::Dome, device_number: 0 };
    engine.register(dome.clone(), endpoint.clone()).unwrap();
    engine.register(dome.clone(), endpoint).unwrap();
    assert!(matches!(engine.abort(&unknown).await, Err(AlpacaError::NotRegistered { .. })));
    assert!(matches!(engine.connect(&unknown).await, Err(AlpacaError::NotRegistered { .. })));
    assert!(matches!(engine.abort(&dome).await, Err(AlpacaError::NotATelescope { .. })));
    assert!(matches!(engine.connect(&dome).await, Err(AlpacaError::Unreachable { .. })));
    engine.register(dome.clone(), telescope_at("http://127.0.0.1:9")).unwrap();
    assert!(matches!(engine.unpark(&dome).await, Err(AlpacaError::NotConnected { .. })));
    engine.unregister(&dome).unwrap();
    assert!(matches!(engine.unregister(&dome), Err(AlpacaError::NotRegistered { .. })));
}
