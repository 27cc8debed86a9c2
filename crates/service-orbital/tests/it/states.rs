//! Batches, grids, watches and tracks beside the engine's own numbers.

use std::time::Duration;

use engine_orbital::{Earth, Geodetic, Gravity, Orientations, Propagator};
use orbital_client::proto::{
    BatchRequest, Frame, GridRequest, RegisterSatellitesRequest, SatelliteRegistration, Satellites, TrackRequest,
    WatchRequest,
};

use crate::stand::{Stand, VANGUARD, VANGUARD_EPOCH, active, all, ids, instant, set, time};

/// A day of the catalogue.
const DAY: &str = "2021-08-23T00:00:00Z";

#[tokio::test]
async fn vallados_first_state() {
    let stand = Stand::start().await;
    let asked = BatchRequest {
        satellites: Some(Satellites { elements: vec![set(VANGUARD)], ..Satellites::default() }),
        at: Some(instant(VANGUARD_EPOCH)),
        ..BatchRequest::default()
    };
    let found = stand.client.propagate_batch(asked).await.unwrap();
    let columns = found.columns.unwrap();
    assert_eq!((found.satellite_ids, found.failures), (vec!["5".to_owned()], vec![]));
    for (column, expected, bound) in [
        (columns.x_km, 7_022.465_292_66, 1e-7),
        (columns.y_km, -1_400.082_967_55, 1e-7),
        (columns.z_km, 0.039_951_55, 1e-7),
        (columns.vx_km_s, 1.893_841_015, 1e-9),
        (columns.vy_km_s, 6.405_893_759, 1e-9),
        (columns.vz_km_s, 4.534_807_250, 1e-9),
    ] {
        assert!(column.len() == 1 && (column[0] - expected).abs() < bound, "{column:?} {expected}");
    }
}

#[tokio::test]
async fn the_whole_catalogue_at_once() {
    let stand = Stand::start().await;
    let (catalogue, when) = (active(), time(DAY));
    let earth = Earth::at(when, Orientations::bundled().at(when));
    for frame in [Frame::Unspecified, Frame::Itrf, Frame::Geodetic, Frame::Gcrs] {
        let asked =
            BatchRequest { satellites: all(), at: Some(instant(DAY)), frame: frame.into(), ..BatchRequest::default() };
        let found = stand.client.propagate_batch(asked).await.unwrap();
        let columns = found.columns.unwrap();
        assert_eq!(found.satellite_ids.len(), catalogue.len());
        for (row, id) in found.satellite_ids.iter().enumerate() {
            let elements = catalogue.iter().find(|elements| elements.norad.to_string() == *id).unwrap();
            let state = Propagator::new(elements, Gravity::Wgs72).unwrap().at(when);
            let failed = found.failures.iter().find(|failure| failure.satellite as usize == row);
            let Ok(state) = state else {
                assert_eq!(
                    failed.map(|failure| failure.code),
                    state.err().map(|error| u32::from(error.code())),
                    "{id}"
                );
                continue;
            };
            assert_eq!(failed, None, "{id}");
            let (expected, found) = match frame {
                Frame::Geodetic => {
                    let place = Geodetic::of(&earth.itrf(&state));
                    let expected = [place.latitude.to_degrees(), place.longitude.to_degrees(), place.height_km];
                    (expected, [columns.latitude_deg[row], columns.longitude_deg[row], columns.altitude_km[row]])
                }
                Frame::Itrf => {
                    (earth.itrf(&state).position_km, [columns.x_km[row], columns.y_km[row], columns.z_km[row]])
                }
                _ => (state.position_km, [columns.x_km[row], columns.y_km[row], columns.z_km[row]]),
            };
            // Precession from J2000 to 2021 leads away from TEME by kilometres, but not from the centre.
            let length = |[x, y, z]: [f64; 3]| x.hypot(y).hypot(z);
            let apart = match frame {
                Frame::Gcrs => (length(expected) - length(found)).abs(),
                _ => length(std::array::from_fn(|axis| expected[axis] - found[axis])),
            };
            assert!(apart < 1e-5, "{id} {frame:?} {expected:?} {found:?}");
        }
        assert_eq!(columns.vx_km_s.is_empty(), frame == Frame::Geodetic);
    }
}

#[tokio::test]
async fn a_grid_comes_at_once_or_in_parts() {
    let stand = Stand::start().await;
    let asked = GridRequest {
        satellites: ids(&["25544", "900"]),
        start: Some(instant(DAY)),
        step: Some(prost_types::Duration { seconds: 10, nanos: 0 }),
        count: 5000,
        frame: Frame::Itrf.into(),
        ..GridRequest::default()
    };
    let whole = stand.client.propagate_grid(asked.clone()).await.unwrap();
    assert_eq!(whole.parts.len(), 2);
    let parts = stand.client.stream_grid(asked).await.unwrap().all().await.unwrap();
    assert_eq!(parts.len(), 6);
    for (satellite, one) in whole.parts.iter().enumerate() {
        let columns = one.columns.as_ref().unwrap();
        assert_eq!(columns.x_km.len(), 5000);
        for part in parts.iter().filter(|part| part.satellite as usize == satellite) {
            let (first, some) = (part.first_instant as usize, part.columns.as_ref().unwrap());
            assert_eq!(part.satellite_id, one.satellite_id);
            for (row, vy) in some.vy_km_s.iter().enumerate() {
                // Vectors of the engine are seeded anew in each part.
                assert!((columns.vy_km_s[first + row] - vy).abs() < 1e-9, "{first} {row}");
                assert!((columns.x_km[first + row] - some.x_km[row]).abs() < 1e-5, "{first} {row}");
            }
        }
    }
}

#[tokio::test]
async fn what_can_not_be_propagated_is_told_in_its_place() {
    let stand = Stand::start().await;
    let satellites = Satellites { ids: vec!["25544".to_owned()], elements: vec![set(VANGUARD)], all: false };
    // The second is more than a century from its epoch.
    let asked = BatchRequest {
        satellites: Some(satellites),
        at: Some(instant("2101-01-01T00:00:00Z")),
        ..BatchRequest::default()
    };
    let found = stand.client.propagate_batch(asked).await.unwrap();
    let codes: Vec<(u32, u32)> = found.failures.iter().map(|failure| (failure.satellite, failure.code)).collect();
    assert!(codes.contains(&(1, 8)), "{codes:?}");
    let columns = found.columns.unwrap();
    assert!(columns.x_km.len() == 2 && columns.x_km[1].is_nan() && columns.vz_km_s[1].is_nan(), "{columns:?}");
}

#[tokio::test]
async fn a_watch_sees_what_is_registered_meanwhile() {
    let stand = Stand::start().await;
    let every = Some(prost_types::Duration { seconds: 0, nanos: 100_000_000 });
    let asked = WatchRequest { satellites: all(), every, frame: Frame::Geodetic.into(), ..WatchRequest::default() };
    let mut watch = stand.client.watch_positions(asked.clone());
    let first = watch.next().await.unwrap().unwrap();
    let new = SatelliteRegistration { id: "new".to_owned(), elements: Some(set(VANGUARD)) };
    stand.client.register_satellites(RegisterSatellitesRequest { satellites: vec![new] }).await.unwrap();
    let seen = async {
        loop {
            let next = watch.next().await.unwrap().unwrap();
            assert!(next.at.unwrap().seconds >= first.at.unwrap().seconds);
            if next.satellite_ids.len() == first.satellite_ids.len() + 1 {
                return;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(30), seen).await.unwrap();
    let mut two = stand.client.watch_positions(WatchRequest { count: 2, ..asked });
    assert!(two.next().await.unwrap().is_some() && two.next().await.unwrap().is_some());
    assert_eq!(two.next().await.unwrap(), None);
}

#[tokio::test]
async fn a_track_of_a_station() {
    let stand = Stand::start().await;
    let asked = TrackRequest {
        satellite_id: "25544".to_owned(),
        ground_station_id: "greenwich".to_owned(),
        start: Some(instant(DAY)),
        step: Some(prost_types::Duration { seconds: 1, nanos: 0 }),
        count: 600,
        frequency_hz: 437.0e6,
        ..TrackRequest::default()
    };
    let found = stand.client.track(asked).await.unwrap();
    assert_eq!((found.azimuth_deg.len(), found.doppler_hz.len(), found.failures.len()), (600, 600, 0));
    for second in 1..599 {
        // The rates are those of the angles.
        let slope = (found.elevation_deg[second + 1] - found.elevation_deg[second - 1]) / 2.0;
        assert!((slope - found.elevation_rate_deg_s[second]).abs() < 1e-4, "{second}");
        let slope = (found.range_km[second + 1] - found.range_km[second - 1]) / 2.0;
        assert!((slope - found.range_rate_km_s[second]).abs() < 1e-3, "{second}");
        let shift = -found.range_rate_km_s[second] / 299_792.458 * 437.0e6;
        assert!((shift - found.doppler_hz[second]).abs() < 1e-6, "{second}");
    }
}
