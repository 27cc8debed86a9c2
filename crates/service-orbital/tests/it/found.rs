//! Passes and close approaches beside what a fine scan of the same propagator says.

use engine_orbital::{Gravity, Propagator};
use orbital_client::{
    proto::{
        ApproachesRequest, GroundStation, Pass, PassesRequest, Satellites, TrackRequest, VisibilityQuery,
        VisibilityRequest, Window, approach_finding, pass_finding,
    },
    wire,
};
use service_orbital::{Guard, Limits};
use tonic::{Code, Request};

use crate::stand::{Stand, VANGUARD, active, all, greenwich, ids, instant, is_late, set, time};

fn day() -> Option<Window> {
    Some(Window { start: Some(instant("2021-08-23T00:00:00Z")), end: Some(instant("2021-08-24T00:00:00Z")) })
}

/// Seconds since the start of the day.
fn second(sent: &Option<prost_types::Timestamp>) -> f64 {
    let at = wire::instant(sent.as_ref().unwrap()).unwrap();
    at.unix_seconds() - time("2021-08-23T00:00:00Z").unix_seconds()
}

/// Elevations every ten seconds of the day.
async fn elevations(stand: &Stand, satellite: &str) -> Vec<f64> {
    let asked = TrackRequest {
        satellite_id: satellite.to_owned(),
        ground_station_id: "greenwich".to_owned(),
        start: day().unwrap().start,
        step: Some(prost_types::Duration { seconds: 10, nanos: 0 }),
        count: 8641,
        ..TrackRequest::default()
    };
    stand.client.track(asked).await.unwrap().elevation_deg
}

fn check(satellite: &str, passes: &[Pass], elevations: &[f64]) {
    for (index, elevation) in elevations.iter().enumerate() {
        let at = index as f64 * 10.0;
        let up = passes.iter().any(|pass| (second(&pass.aos)..=second(&pass.los)).contains(&at));
        assert_eq!(up, *elevation > 10.0, "{satellite} at {at} s: {elevation}");
    }
    for pass in passes {
        assert_eq!(pass.aos_timestamp, wire::to_unix_seconds(wire::instant(pass.aos.as_ref().unwrap()).unwrap()));
        assert_eq!(pass.duration_seconds, pass.los_timestamp - pass.aos_timestamp);
        let highest = elevations[(second(&pass.max_elevation) / 10.0).round() as usize];
        assert!((highest - pass.max_elevation_deg).abs() < 1.0 && pass.max_elevation_deg >= 10.0 - 1e-6, "{pass:?}");
        assert_eq!((pass.satellite_id.as_str(), pass.ground_station_id.as_str()), (satellite, "greenwich"));
    }
}

#[tokio::test]
async fn passes_are_those_of_a_fine_scan() {
    let stand = Stand::start().await;
    // Low, high and elliptic, and one that is never seen from there.
    let some = ["25544", "900", "43013", "20580"];
    let asked = PassesRequest {
        satellites: ids(&some),
        ground_station_ids: vec!["greenwich".to_owned()],
        window: day(),
        ..PassesRequest::default()
    };
    let found = stand.client.find_passes(asked.clone()).await.unwrap();
    assert!(found.passes.len() > 10 && found.failures.is_empty(), "{}", found.passes.len());
    assert!(found.passes.is_sorted_by_key(|pass| second(&pass.aos)));
    for satellite in some {
        let own: Vec<Pass> = found.passes.iter().filter(|pass| pass.satellite_id == satellite).cloned().collect();
        check(satellite, &own, &elevations(&stand, satellite).await);
        let query = VisibilityQuery {
            satellite_id: satellite.to_owned(),
            ground_station_id: "greenwich".to_owned(),
            window: day(),
        };
        assert_eq!(stand.client.visibility(query).await.unwrap().passes, own);
        let earlier = VisibilityRequest {
            satellite_id: satellite.to_owned(),
            ground_station: Some(greenwich()),
            start_timestamp_unix: 1_629_676_800,
            end_timestamp_unix: 1_629_763_200,
            tle: None,
        };
        let earlier = stand.client.calculate_visibility(earlier).await.unwrap();
        assert!(earlier.success && earlier.error_message.is_empty());
        assert_eq!(earlier.passes, own);
    }
    let streamed = stand.client.stream_passes(asked).await.unwrap().all().await.unwrap();
    let mut streamed: Vec<Pass> = streamed
        .into_iter()
        .map(|finding| match finding.finding {
            Some(pass_finding::Finding::Pass(pass)) => pass,
            other => panic!("{other:?}"),
        })
        .collect();
    streamed.sort_by(|a, b| second(&a.aos).total_cmp(&second(&b.aos)));
    assert_eq!(streamed, found.passes);
}

#[tokio::test]
async fn what_can_not_be_searched_is_told() {
    let stand = Stand::start().await;
    let satellites = Satellites { elements: vec![set(VANGUARD)], ..Satellites::default() };
    let late = Window { start: Some(instant("2099-06-01T00:00:00Z")), end: Some(instant("2099-06-02T00:00:00Z")) };
    let asked = PassesRequest {
        satellites: Some(satellites),
        ground_stations: vec![greenwich()],
        window: day(),
        ..PassesRequest::default()
    };
    for (asked, code, says) in [
        (PassesRequest { window: None, ..asked.clone() }, Code::InvalidArgument, "field window "),
        (PassesRequest { ground_stations: vec![], ..asked.clone() }, Code::InvalidArgument, "field ground_stations "),
        (PassesRequest { satellites: None, ..asked.clone() }, Code::InvalidArgument, "field satellites "),
        (
            PassesRequest { satellites: all(), ground_stations: vec![greenwich(); 3], ..asked.clone() },
            Code::ResourceExhausted,
            "field window asks for 21054 days",
        ),
        (
            PassesRequest { ground_station_ids: vec!["x".to_owned()], ..asked.clone() },
            Code::NotFound,
            "field ground_station_ids[0] ",
        ),
        (
            PassesRequest {
                ground_stations: vec![GroundStation { latitude_deg: 91.0, ..greenwich() }],
                ..asked.clone()
            },
            Code::InvalidArgument,
            "field ground_stations[0].latitude_deg ",
        ),
    ] {
        let status = stand.client.grpc().find_passes(asked.clone()).await.unwrap_err();
        assert!(status.code() == code && status.message().starts_with(says), "{asked:?} {status}");
    }
    // The orbit of 1958 is propagated a century at most; here it still is.
    let found = stand.client.find_passes(PassesRequest { window: Some(late), ..asked }).await.unwrap();
    assert!(found.failures.is_empty(), "{found:?}");
}

#[tokio::test]
async fn approaches_are_those_of_a_fine_scan() {
    let stand = Stand::start().await;
    let hour = Window { start: Some(instant("2021-08-23T00:00:00Z")), end: Some(instant("2021-08-23T01:00:00Z")) };
    let asked = ApproachesRequest {
        primaries: ids(&["25544"]),
        window: Some(hour),
        within_km: 100.0,
        ..ApproachesRequest::default()
    };
    let found = stand.client.find_approaches(asked.clone()).await.unwrap();
    let catalogue = active();
    let propagator = |id: &str| {
        let elements = catalogue.iter().rfind(|elements| elements.norad.to_string() == id).unwrap();
        Propagator::new(elements, Gravity::Wgs72).unwrap()
    };
    let (start, station) = (time("2021-08-23T00:00:00Z"), propagator("25544"));
    let distance = |other: &Propagator, at| {
        let (a, b): (engine_orbital::State<_>, engine_orbital::State<_>) = (station.at(at).ok()?, other.at(at).ok()?);
        let [x, y, z]: [f64; 3] = std::array::from_fn(|axis| a.position_km[axis] - b.position_km[axis]);
        Some(x.hypot(y).hypot(z))
    };
    for approach in &found.approaches {
        let at = wire::instant(approach.at.as_ref().unwrap()).unwrap();
        let there = distance(&propagator(&approach.other_satellite_id), at).unwrap();
        assert!((there - approach.miss_km).abs() < 1e-3 && approach.miss_km <= 100.0, "{approach:?} {there}");
        let parts = approach.radial_km.hypot(approach.in_track_km).hypot(approach.cross_track_km);
        assert!((parts - approach.miss_km).abs() < 1e-6, "{approach:?}");
    }
    // Whoever is within the threshold at any second is told.
    for elements in &catalogue {
        let id = elements.norad.to_string();
        let other = propagator(&id);
        let near = (0..=360).any(|step| {
            let at = start.plus(std::time::Duration::from_secs(step * 10));
            id != "25544" && distance(&other, at).is_some_and(|km| km < 100.0)
        });
        let told = found.approaches.iter().any(|approach| approach.other_satellite_id == id);
        assert!(!near || told, "{id}");
    }
    assert!(!found.approaches.is_empty());
    let streamed = stand.client.stream_approaches(asked).await.unwrap().all().await.unwrap();
    let streamed: Vec<_> = streamed
        .into_iter()
        .filter_map(|finding| match finding.finding {
            Some(approach_finding::Finding::Approach(approach)) => Some(approach),
            _ => None,
        })
        .collect();
    assert_eq!(streamed, found.approaches);
}

#[tokio::test]
async fn a_deadline_ends_a_search() {
    let stand = Stand::with(Limits { running_max: 1, ..Limits::default() }, Guard::open()).await;
    let week = Window { start: day().unwrap().start, end: Some(instant("2021-08-30T00:00:00Z")) };
    let asked = ApproachesRequest { window: Some(week), within_km: 5.0, ..ApproachesRequest::default() };
    let mut request = Request::new(asked);
    request.metadata_mut().insert("grpc-timeout", "300m".parse().unwrap());
    let began = std::time::Instant::now();
    let status = stand.client.grpc().find_approaches(request).await.unwrap_err();
    assert!(is_late(&status), "{status}");
    // The one place is free again long before the search would have ended.
    let query =
        VisibilityQuery { satellite_id: "25544".to_owned(), ground_station_id: "greenwich".to_owned(), window: day() };
    stand.client.visibility(query).await.unwrap();
    assert!(began.elapsed() < std::time::Duration::from_secs(30), "{:?}", began.elapsed());
}
