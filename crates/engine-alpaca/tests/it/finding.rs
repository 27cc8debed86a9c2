//! Discovery on ports of our own: many servers, bad ones among them, within the time given.

use std::{
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    time::{Duration, Instant},
};

use engine_alpaca::{AlpacaEngine, DeviceType, Discovery, Reach, Search};
use simulator::{
    AlpacaSimulator,
    alpaca::{FaultKind, ScriptedFault},
};

use crate::stand::{brisk, fast};

async fn telescope(discovery: SocketAddr, name: &str) -> AlpacaSimulator {
    let unique_id = format!("simulated-{name}");
    let options = simulator::Options { discovery: Some(discovery), name: name.to_owned(), unique_id, ..fast() };
    AlpacaSimulator::start(options).await.unwrap()
}

fn on_loopback(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

async fn search(search: Search) -> Discovery {
    let engine = AlpacaEngine::new(brisk()).unwrap();
    engine.discover(&Search { wait: Duration::from_millis(500), ..search }).await.unwrap()
}

fn names(found: &Discovery) -> Vec<&str> {
    let mut names: Vec<_> = found.devices.iter().map(|device| device.name.as_str()).collect();
    names.sort_unstable();
    names
}

#[tokio::test]
async fn all_servers_of_a_port_are_found_and_described() {
    let first = telescope(on_loopback(0), "first").await;
    let port = first.discovery_address().unwrap().port();
    let _second = telescope(on_loopback(port), "second").await;
    let found = search(Search { port, reach: Reach::Loopback, ..Search::default() }).await;
    assert_eq!(names(&found), ["first", "second"]);
    let device = found.devices.iter().find(|device| device.name == "first").unwrap();
    assert_eq!((device.device_type, device.device_number), (DeviceType::Telescope, 0));
    assert_eq!(device.server_url.as_str(), first.url());
    assert_eq!(device.uuid, "simulated-first");
    assert!(device.description.contains("simulated") && !device.driver_info.is_empty() && device.simulated);
    assert_eq!(device.driver_version, "0.1");
    assert!(found.troubles.is_empty());
}

#[tokio::test]
async fn named_targets_are_asked_on_their_own_ports() {
    let (first, second) = (telescope(on_loopback(0), "first").await, telescope(on_loopback(0), "second").await);
    let targets = [&first, &second].map(|telescope| telescope.discovery_address().unwrap().to_string()).to_vec();
    let found = search(Search { reach: Reach::Targets, targets: targets.clone(), ..Search::default() }).await;
    assert_eq!(names(&found), ["first", "second"]);
    let nonsense = vec!["no such host".to_owned(), targets[0].clone()];
    let found = search(Search { reach: Reach::Targets, targets: nonsense, ..Search::default() }).await;
    assert_eq!(names(&found), ["first"]);
}

#[tokio::test]
async fn ipv6_is_searched_where_the_machine_has_it() {
    let at = SocketAddr::from((Ipv6Addr::LOCALHOST, 0));
    if tokio::net::UdpSocket::bind(at).await.is_err() {
        println!("this machine has no IPv6; the row over IPv4 stands for it");
        return;
    }
    let http = SocketAddr::from((Ipv6Addr::LOCALHOST, 0));
    let options = simulator::Options { http, discovery: Some(at), name: "six".to_owned(), ..fast() };
    let simulator = AlpacaSimulator::start(options).await.unwrap();
    let port = simulator.discovery_address().unwrap().port();
    let found = search(Search { port, reach: Reach::Loopback, ..Search::default() }).await;
    assert_eq!(names(&found), ["six"]);
    assert_eq!(found.devices[0].server_url.as_str(), simulator.url());
}

#[tokio::test]
async fn a_bad_server_holds_up_nobody() {
    let good = telescope(on_loopback(0), "good").await;
    let port = good.discovery_address().unwrap().port();
    let bad = telescope(on_loopback(port), "bad").await;
    for (fault, troubles) in [
        (ScriptedFault::new(FaultKind::Hang), 1),
        (ScriptedFault::new(FaultKind::Drop), 1),
        (ScriptedFault::new(FaultKind::Garbage), 1),
        (ScriptedFault::new(FaultKind::Status { status: 404 }), 1),
        (ScriptedFault::new(FaultKind::Garbage).on(&["discovery"]), 0),
        (ScriptedFault::new(FaultKind::Hang).on(&["discovery"]), 0),
    ] {
        bad.set_faults(vec![fault.clone()]);
        let start = Instant::now();
        let found = search(Search { port, reach: Reach::Loopback, ..Search::default() }).await;
        assert!(start.elapsed() < Duration::from_secs(8), "{fault:?} took {:?}", start.elapsed());
        assert_eq!(names(&found), ["good"], "{fault:?}");
        assert_eq!(found.troubles.len(), troubles, "{fault:?}");
    }
    // What is not needed to use a device may fail.
    bad.set_faults(vec![ScriptedFault::new(FaultKind::Drop).on(&["description", "driverinfo", "apiversions"])]);
    let found = search(Search { port, reach: Reach::Loopback, ..Search::default() }).await;
    assert_eq!(names(&found), ["bad", "good"]);
    assert!(found.devices.iter().all(|device| device.simulated), "{found:?}");
}

#[tokio::test]
async fn a_server_can_be_surveyed_by_its_address() {
    let simulator = AlpacaSimulator::start(fast()).await.unwrap();
    let engine = AlpacaEngine::new(brisk()).unwrap();
    let server = simulator.url().parse().unwrap();
    let devices = engine.survey(&server).await.unwrap();
    assert_eq!(devices.len(), 1);
    assert_eq!(engine.describe(&devices[0].endpoint()).await.unwrap().description, devices[0].description);
    assert!(engine.describe(&engine_alpaca::Endpoint::telescope(server, 7)).await.is_err());
}
