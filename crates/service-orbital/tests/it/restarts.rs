//! A client over restarts of the service.

use std::time::Duration;

use orbital_client::{
    OrbitalClient, OrbitalClientOptions,
    proto::{HealthCheckRequest, WatchRequest},
};
use service_orbital::{Guard, Orbital, OrbitalOptions};
use vocabulary::Code;

use crate::stand::{Stand, VANGUARD, active, set};

#[tokio::test]
async fn calls_and_watches_go_on() {
    let stand = Stand::start().await;
    let address = stand.service.address().unwrap();
    let client = stand.client.clone();
    let mut satellites = orbital_client::proto::Satellites::default();
    satellites.elements.push(set(VANGUARD));
    let every = Some(prost_types::Duration { seconds: 0, nanos: 100_000_000 });
    let mut watch = client.watch_positions(WatchRequest {
        satellites: Some(satellites),
        every,
        count: 5,
        ..WatchRequest::default()
    });
    assert!(watch.next().await.unwrap().is_some());
    stand.service.stop().await;

    let again = tokio::spawn(async move {
        let call = client.health_check(HealthCheckRequest {}).await;
        let mut seen = 1;
        while let Some(snapshot) = watch.next().await.unwrap() {
            assert_eq!(snapshot.satellite_ids, ["5"]);
            seen += 1;
        }
        (call, seen)
    });
    let mut options = OrbitalOptions::at(address, Guard::open());
    options.catalogue = active();
    let service = Orbital::start(options).await.unwrap();
    let (call, seen) = tokio::time::timeout(Duration::from_secs(20), again).await.unwrap().unwrap();
    assert!(call.unwrap().healthy);
    assert_eq!(seen, 5);
    service.stop().await;
}

#[tokio::test]
async fn a_service_that_stays_away_is_told_in_time() {
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let limit = Duration::from_millis(400);
    let options = OrbitalClientOptions { limit, ..OrbitalClientOptions::new(format!("http://{free}")) };
    let client = OrbitalClient::new(&options).unwrap();
    let began = std::time::Instant::now();
    let fault = client.health_check(HealthCheckRequest {}).await.unwrap_err();
    assert!(matches!(fault.code, Code::Unavailable | Code::Timeout), "{fault}");
    assert!(began.elapsed() < Duration::from_secs(5));
}
