//! Every operation of a telescope, by its effect at the device.

use engine_alpaca::{AlpacaError, Capabilities, EquatorialSystem, Tracking, standard::numbers};
use simulator::alpaca::Deed;

use crate::stand::{Stand, brisk, fast, horizontal, until};

#[tokio::test]
async fn a_night_in_short() {
    let stand = Stand::connected(brisk(), fast()).await;
    let (engine, id) = (&stand.engine, &stand.id);
    let (right_ascension, declination) = stand.up().await;
    engine.slew_equatorial(id, right_ascension, declination).await.unwrap();
    until("arrived", || async { stand.status().await.slewing == Some(false) }).await;
    let status = stand.status().await;
    assert!((status.right_ascension.unwrap().value() - right_ascension.value()).abs() < 1e-6);
    assert!((status.declination.unwrap().value() - 20.0).abs() < 1e-6);
    assert_eq!((status.connected, status.tracking), (true, Some(true)));
    assert!(status.utc_date.is_some() && status.sidereal_time.is_some() && status.altitude.is_some());

    let (altitude, azimuth) = horizontal(50.0, 200.0);
    engine.slew_horizontal(id, altitude, azimuth).await.unwrap();
    until("arrived", || async { stand.status().await.slewing == Some(false) }).await;
    assert!((stand.status().await.azimuth.unwrap().value() - 200.0).abs() < 1e-6);
    engine.track(id, Tracking::On).await.unwrap();
    engine.abort(id).await.unwrap();
    engine.park(id).await.unwrap();
    until("parked", || async { stand.status().await.at_park == Some(true) }).await;
    engine.park(id).await.unwrap();
    engine.abort(id).await.unwrap();
    engine.unpark(id).await.unwrap();
    assert_eq!(stand.status().await.at_park, Some(false));
    engine.disconnect(id).await.unwrap();
    assert!(!stand.status().await.connected);
    assert_eq!(
        stand.deeds(),
        [
            Deed::Connect,
            Deed::Track { tracking: true },
            Deed::Slew { right_ascension: right_ascension.value(), declination: 20.0 },
            Deed::Track { tracking: false },
            Deed::SlewHorizontal { altitude: 50.0, azimuth: 200.0 },
            Deed::Track { tracking: true },
            Deed::Abort,
            Deed::Park,
            Deed::Unpark,
            Deed::Disconnect,
        ]
    );
}

#[tokio::test]
async fn what_a_mount_is() {
    for (system, wanted) in [
        (simulator::EquatorialSystem::Topocentric, EquatorialSystem::Topocentric),
        (simulator::EquatorialSystem::J2000, EquatorialSystem::J2000),
    ] {
        let stand = Stand::connected(brisk(), simulator::Options { equatorial_system: system, ..fast() }).await;
        assert_eq!(stand.engine.equatorial_system(&stand.id).await.unwrap(), wanted);
        let site = stand.engine.site(&stand.id).await.unwrap();
        assert_eq!(site.latitude.unwrap().value(), 28.7606);
        assert_eq!(site.longitude.unwrap().value(), -17.8816);
        assert_eq!(site.elevation_metres, Some(2396.0));
        let capabilities = stand.engine.capabilities(&stand.id).await.unwrap();
        let all = Capabilities {
            slew_equatorial: true,
            slew_horizontal: true,
            park: true,
            unpark: true,
            set_tracking: true,
            find_home: true,
            sync: true,
        };
        assert_eq!(capabilities, all);
    }
}

#[tokio::test]
async fn what_is_asked_once_is_remembered_until_the_next_connection() {
    let stand = Stand::connected(brisk(), fast()).await;
    stand.engine.equatorial_system(&stand.id).await.unwrap();
    let fault = simulator::alpaca::FaultKind::Status { status: 500 };
    stand.simulator.set_faults(vec![simulator::alpaca::ScriptedFault::new(fault).on(&["equatorialsystem"])]);
    stand.engine.equatorial_system(&stand.id).await.unwrap();
    stand.engine.disconnect(&stand.id).await.unwrap();
    stand.engine.connect(&stand.id).await.unwrap();
    let error = stand.engine.equatorial_system(&stand.id).await.unwrap_err();
    assert!(matches!(error, AlpacaError::Status { status: 500, .. }), "{error}");
}

#[tokio::test]
async fn a_refusal_of_the_device_keeps_its_number() {
    let stand = Stand::connected(brisk(), fast()).await;
    let (right_ascension, _) = stand.up().await;
    let south_pole = vocabulary::Declination::degrees(-90.0).unwrap();
    let error = stand.engine.slew_equatorial(&stand.id, right_ascension, south_pole).await.unwrap_err();
    assert_eq!(error.number(), Some(numbers::INVALID_VALUE), "{error}");
    assert!(error.to_string().contains("below the limit"), "{error}");
    stand.engine.park(&stand.id).await.unwrap();
    until("parked", || async { stand.status().await.at_park == Some(true) }).await;
    let (right_ascension, declination) = stand.up().await;
    let error = stand.engine.slew_equatorial(&stand.id, right_ascension, declination).await.unwrap_err();
    assert_eq!(error.number(), Some(numbers::INVALID_WHILE_PARKED), "{error}");
    assert!(!error.outcome_is_unknown());
}
