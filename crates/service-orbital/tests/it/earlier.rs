//! The methods of the earlier service, as its clients call them.

use orbital_client::proto::{HealthCheckRequest, PropagateRequest, Tle, TrajectoryRequest};
use tonic::Code;

use crate::stand::{Stand, VANGUARD, tle};

/// 2000-06-27T18:50:20Z, a quarter of a second after the epoch.
const SECOND: i64 = 962_131_820;

#[tokio::test]
async fn one_satellite_one_instant() {
    let stand = Stand::start().await;
    let asked = PropagateRequest { tle: Some(tle(VANGUARD)), timestamp_unix: SECOND, satellite_id: "mine".to_owned() };
    let found = stand.client.propagate_position(asked.clone()).await.unwrap();
    assert!(found.success && found.error_message.is_empty(), "{found:?}");
    assert_eq!((found.satellite_id.as_str(), found.timestamp_unix), ("mine", SECOND));
    // Vallado's state at the epoch, led on by its velocity for 0.266432 s; what bends it in so short a time is 0.3 m.
    let (position, velocity) = (found.position.unwrap(), found.velocity.unwrap());
    let led = |at: f64, speed: f64| at + speed * 0.266_432;
    for (found, expected) in [
        (position.x_km, led(7_022.465_292_66, 1.893_841_015)),
        (position.y_km, led(-1_400.082_967_55, 6.405_893_759)),
        (position.z_km, led(0.039_951_55, 4.534_807_250)),
        (velocity.vx_km_s, 1.893_841_015 - 0.266_432 * 7.7e-3),
        (velocity.vy_km_s, 6.405_893_759 + 0.266_432 * 1.5e-3),
        (velocity.vz_km_s, 4.534_807_250),
    ] {
        assert!((found - expected).abs() < 5e-4, "{found} {expected}");
    }
    let ground = found.geodetic.unwrap();
    assert!(ground.latitude_deg.abs() < 0.1 && (780.0..790.0).contains(&ground.altitude_km), "{ground:?}");
    assert!((-180.0..=180.0).contains(&ground.longitude_deg));
}

#[tokio::test]
async fn a_known_satellite_needs_no_lines() {
    let stand = Stand::start().await;
    for id in ["900", "00900"] {
        let asked = PropagateRequest { tle: None, timestamp_unix: 1_629_676_800, satellite_id: id.to_owned() };
        let found = stand.client.propagate_position(asked).await.unwrap();
        assert!(found.success, "{found:?}");
    }
}

#[tokio::test]
async fn what_is_wrong_with_elements_is_told_in_the_answer() {
    let stand = Stand::start().await;
    let broken = [VANGUARD[0], "2 00005  34.2682 348.7242 1859667 331.7664  19.3264 10.82419157413668"];
    let asked = PropagateRequest { tle: Some(tle(broken)), timestamp_unix: SECOND, satellite_id: String::new() };
    let found = stand.client.propagate_position(asked).await.unwrap();
    assert!(!found.success && found.error_message.contains("line 2"), "{found:?}");
    assert!(found.position.is_none() && found.velocity.is_none() && found.geodetic.is_none());
    // More than a century away.
    let asked = PropagateRequest { tle: Some(tle(VANGUARD)), timestamp_unix: SECOND * 5, satellite_id: String::new() };
    let found = stand.client.propagate_position(asked).await.unwrap();
    assert!(!found.success && found.error_message.contains("century"), "{found:?}");
}

#[tokio::test]
async fn what_is_wrong_with_a_request_is_a_status() {
    let stand = Stand::start().await;
    let good = PropagateRequest { tle: Some(tle(VANGUARD)), timestamp_unix: SECOND, satellite_id: String::new() };
    let empty = Tle { line2: String::new(), ..tle(VANGUARD) };
    for (asked, code, says) in [
        (PropagateRequest { tle: None, ..good.clone() }, Code::InvalidArgument, "field tle "),
        (PropagateRequest { tle: Some(empty), ..good.clone() }, Code::InvalidArgument, "field tle.line2 "),
        (PropagateRequest { timestamp_unix: i64::MAX, ..good.clone() }, Code::InvalidArgument, "field timestamp_unix "),
        (
            PropagateRequest { tle: None, satellite_id: "nobody".to_owned(), ..good },
            Code::NotFound,
            "field satellite_id ",
        ),
    ] {
        let status = stand.client.grpc().propagate_position(asked.clone()).await.unwrap_err();
        assert_eq!(status.code(), code, "{asked:?} {status}");
        assert!(status.message().starts_with(says), "{asked:?} {status}");
    }
}

#[tokio::test]
async fn trajectories() {
    let stand = Stand::start().await;
    let good = TrajectoryRequest {
        tle: Some(tle(VANGUARD)),
        start_timestamp_unix: SECOND,
        end_timestamp_unix: SECOND + 600,
        step_seconds: 60,
        satellite_id: "mine".to_owned(),
    };
    let found = stand.client.propagate_trajectory(good.clone()).await.unwrap();
    assert!(found.success, "{found:?}");
    let seconds: Vec<i64> = found.points.iter().map(|point| point.timestamp_unix - SECOND).collect();
    assert_eq!(seconds, (0..=10).map(|minute| minute * 60).collect::<Vec<_>>());
    for point in &found.points {
        let asked = PropagateRequest {
            tle: good.tle.clone(),
            timestamp_unix: point.timestamp_unix,
            satellite_id: String::new(),
        };
        let alone = stand.client.propagate_position(asked).await.unwrap();
        assert_eq!((&alone.position, &alone.geodetic), (&point.position, &point.geodetic));
    }
    for (asked, code, says) in [
        (TrajectoryRequest { step_seconds: 0, ..good.clone() }, Code::InvalidArgument, "field step_seconds "),
        (
            TrajectoryRequest { end_timestamp_unix: SECOND, ..good.clone() },
            Code::InvalidArgument,
            "field end_timestamp_unix ",
        ),
        (
            TrajectoryRequest { end_timestamp_unix: SECOND + 10_000, step_seconds: 1, ..good.clone() },
            Code::ResourceExhausted,
            "field step_seconds asks for 10001 states",
        ),
        (
            TrajectoryRequest { tle: None, satellite_id: String::new(), ..good.clone() },
            Code::InvalidArgument,
            "field tle ",
        ),
    ] {
        let status = stand.client.grpc().propagate_trajectory(asked.clone()).await.unwrap_err();
        assert_eq!(status.code(), code, "{asked:?} {status}");
        assert!(status.message().starts_with(says), "{asked:?} {status}");
    }
    // The century ends within it: what there is comes, and how much is missing.
    let edge = 962_131_819 + 100 * 31_557_600 - 200;
    let asked = TrajectoryRequest { start_timestamp_unix: edge, end_timestamp_unix: edge + 600, ..good };
    let found = stand.client.propagate_trajectory(asked).await.unwrap();
    assert!(!found.success && found.error_message.contains("of 11 points are missing"), "{found:?}");
}

#[tokio::test]
async fn health() {
    let stand = Stand::start().await;
    let found = stand.client.health_check(HealthCheckRequest {}).await.unwrap();
    assert!(found.healthy && found.version == env!("CARGO_PKG_VERSION") && found.uptime_seconds < 60, "{found:?}");
    assert!(stand.page("/health").await.starts_with("HTTP/1.1 200"));
}
