//! Deadlines, callers who leave, and requests for more than is allowed.

use std::time::{Duration, Instant};

use orbital_client::proto::{BatchRequest, GridRequest, PropagateRequest, WatchRequest};
use service_orbital::{Guard, Limits};
use tonic::{Code, Request};

use crate::stand::{Stand, VANGUARD, all, ids, instant, is_late, tle};

const DAY: &str = "2021-08-23T00:00:00Z";

/// The whole catalogue every second of half a day: minutes of work.
fn endless() -> GridRequest {
    GridRequest {
        satellites: all(),
        start: Some(instant(DAY)),
        step: Some(prost_types::Duration { seconds: 1, nanos: 0 }),
        count: 50_000,
        frame: orbital_client::proto::Frame::Geodetic.into(),
        ..GridRequest::default()
    }
}

fn small() -> BatchRequest {
    BatchRequest { satellites: ids(&["25544"]), at: Some(instant(DAY)), ..BatchRequest::default() }
}

#[tokio::test]
async fn a_deadline_ends_the_work_itself() {
    let limits = Limits { running_max: 1, ..Limits::default() };
    let stand = Stand::with(limits, Guard::open()).await;
    let began = Instant::now();
    let mut request = Request::new(endless());
    request.metadata_mut().insert("grpc-timeout", "300m".parse().unwrap());
    let mut stream = stand.client.grpc().stream_grid(request).await.unwrap().into_inner();
    let status = loop {
        match stream.message().await {
            Ok(Some(_)) => {}
            Ok(None) => panic!("it ended"),
            Err(status) => break status,
        }
    };
    assert_eq!(status.code(), Code::DeadlineExceeded, "{status}");
    assert!(began.elapsed() >= Duration::from_millis(290), "{:?}", began.elapsed());
    // The one place is free again.
    stand.client.propagate_batch(small()).await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_deadline_of_an_answer_that_comes_at_once() {
    let limits = Limits { running_max: 1, states_max: u64::MAX, ..Limits::default() };
    let stand = Stand::with(limits, Guard::open()).await;
    let mut request = Request::new(endless());
    request.metadata_mut().insert("grpc-timeout", "200m".parse().unwrap());
    let status = stand.client.grpc().propagate_grid(request).await.unwrap_err();
    assert!(is_late(&status), "{status}");
    stand.client.propagate_batch(small()).await.unwrap();
    let mut request = Request::new(small());
    request.metadata_mut().insert("grpc-timeout", "soon".parse().unwrap());
    let status = stand.client.grpc().propagate_batch(request).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument, "{status}");
}

#[tokio::test]
async fn whoever_leaves_ends_the_work() {
    let stand = Stand::with(Limits { running_max: 1, ..Limits::default() }, Guard::open()).await;
    let mut parts = stand.client.stream_grid(endless()).await.unwrap();
    assert!(parts.next().await.unwrap().is_some());
    drop(parts);
    stand.client.propagate_batch(small()).await.unwrap();
}

#[tokio::test]
async fn whoever_does_not_read_does_not_hold_a_place_for_ever() {
    let limits = Limits { running_max: 1, stall_limit: Duration::from_millis(300), ..Limits::default() };
    let stand = Stand::with(limits, Guard::open()).await;
    let _unread = stand.client.stream_grid(endless()).await.unwrap();
    stand.client.propagate_batch(small()).await.unwrap();
}

#[tokio::test]
async fn those_who_wait_are_few() {
    let limits = Limits { running_max: 1, waiting_max: 1, ..Limits::default() };
    let stand = Stand::with(limits, Guard::open()).await;
    let running = stand.client.stream_grid(endless()).await.unwrap();
    let waits = tokio::spawn({
        let client = stand.client.clone();
        async move {
            loop {
                match client.propagate_batch(small()).await {
                    Err(fault) if fault.code == vocabulary::Code::Busy => {}
                    done => return done,
                }
            }
        }
    });
    // Until the other waits, this one does; then there is no place.
    let refused = async {
        loop {
            let mut request = Request::new(small());
            request.metadata_mut().insert("grpc-timeout", "50m".parse().unwrap());
            match stand.client.grpc().propagate_batch(request).await.unwrap_err() {
                status if status.code() == Code::ResourceExhausted => return status,
                status => assert!(is_late(&status), "{status}"),
            }
        }
    };
    let status = tokio::time::timeout(Duration::from_secs(20), refused).await.unwrap();
    assert!(status.message().starts_with("1 calls wait already"), "{status}");
    // What takes microseconds waits for nobody.
    let asked = PropagateRequest { tle: Some(tle(VANGUARD)), timestamp_unix: 962_131_820, satellite_id: String::new() };
    assert!(stand.client.propagate_position(asked).await.unwrap().success);
    drop(running);
    waits.await.unwrap().unwrap();
}

#[tokio::test]
async fn too_much_is_refused_by_its_field() {
    let limits = Limits {
        request_bytes_max: 2000,
        satellites_max: 3,
        states_max: 100,
        streamed_states_max: 200,
        instants_max: 150,
        watches_max: 1,
        ..Limits::default()
    };
    let stand = Stand::with(limits, Guard::open()).await;
    let grid = |satellites: &[&str], count| GridRequest { satellites: ids(satellites), count, ..endless() };
    for (asked, says) in [
        (grid(&["25544"], 151), "field count asks for 151 states, at most 150"),
        (grid(&["25544", "900"], 51), "field count asks for 102 states, at most 100"),
        (grid(&["25544", "900", "5", "6"], 1), "field satellites asks for 4 satellites, at most 3"),
    ] {
        let status = stand.client.grpc().propagate_grid(asked.clone()).await.unwrap_err();
        assert_eq!(status.code(), Code::ResourceExhausted, "{status}");
        assert!(status.message().starts_with(says), "{status}");
    }
    let status = stand.client.grpc().stream_grid(grid(&["25544", "900"], 101)).await.unwrap_err();
    assert!(status.code() == Code::ResourceExhausted && status.message().contains("202 states"), "{status}");
    let large = PropagateRequest { satellite_id: "x".repeat(3000), ..PropagateRequest::default() };
    let status = stand.client.grpc().propagate_position(large).await.unwrap_err();
    assert!(status.code() == Code::ResourceExhausted && status.message().contains("2000 bytes"), "{status}");
    let watch = WatchRequest { satellites: ids(&["25544"]), ..WatchRequest::default() };
    let _first = stand.client.grpc().watch_positions(watch.clone()).await.unwrap();
    let status = stand.client.grpc().watch_positions(watch).await.unwrap_err();
    assert!(status.code() == Code::ResourceExhausted && status.message().contains("1 watches"), "{status}");
}

#[tokio::test]
async fn wrong_fields_are_named() {
    use tonic_types::StatusExt as _;
    let stand = Stand::start().await;
    let batch = |change: fn(&mut BatchRequest)| {
        let mut asked = small();
        change(&mut asked);
        asked
    };
    for (asked, field) in [
        (batch(|asked| asked.at = None), "at"),
        (batch(|asked| asked.at = Some(prost_types::Timestamp { seconds: 0, nanos: -1 })), "at"),
        (batch(|asked| asked.satellites = None), "satellites"),
        (batch(|asked| asked.frame = 99), "frame"),
        (batch(|asked| asked.gravity = -1), "gravity"),
    ] {
        let status = stand.client.grpc().propagate_batch(asked).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{status}");
        assert!(status.message().starts_with(&format!("field {field} ")), "{status}");
        let details = status.get_details_bad_request().unwrap();
        assert_eq!(details.field_violations[0].field, field);
    }
    let asked = BatchRequest { satellites: ids(&["25544", "nobody"]), ..small() };
    let status = stand.client.grpc().propagate_batch(asked).await.unwrap_err();
    assert!(status.code() == Code::NotFound && status.message().starts_with("field satellites.ids[1] "), "{status}");
}
