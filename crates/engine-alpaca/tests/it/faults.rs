//! What each fault of a device becomes, that no call is repeated, and that an abort and a park get through.

use std::time::{Duration, Instant};

use engine_alpaca::{AlpacaError, Options};
use simulator::alpaca::{Deed, FaultKind, ScriptedFault};

use crate::stand::{Stand, brisk, fast, until};

/// Probes out of the way, and calls that give up soon.
fn calm() -> Options {
    Options { probe_interval: Duration::from_secs(3600), call_timeout: Duration::from_secs(1), ..brisk() }
}

#[tokio::test]
async fn every_fault_has_its_error_and_a_call_is_made_once() {
    let stand = Stand::connected(calm(), fast()).await;
    let slew = ["slewtocoordinatesasync"];
    let (right_ascension, declination) = stand.up().await;
    let error = |number: i64| FaultKind::Error { number, message: "no".to_owned() };
    for (fault, is_wanted, is_unknown, slews) in [
        (ScriptedFault::new(FaultKind::Hang), "timeout", true, 0),
        (ScriptedFault::new(FaultKind::Hang).after_the_effect(), "timeout", true, 1),
        (ScriptedFault::new(FaultKind::Drop), "broken", true, 0),
        (ScriptedFault::new(FaultKind::Drop).after_the_effect(), "broken", true, 1),
        (ScriptedFault::new(FaultKind::Slow { milliseconds: 60_000 }), "timeout", true, 0),
        (ScriptedFault::new(FaultKind::Slow { milliseconds: 20 }), "fine", false, 1),
        (ScriptedFault::new(FaultKind::Garbage), "protocol", true, 0),
        (ScriptedFault::new(FaultKind::Status { status: 500 }), "status", true, 0),
        (ScriptedFault::new(FaultKind::Status { status: 400 }), "status", false, 0),
        (ScriptedFault::new(FaultKind::Status { status: 302 }), "status", false, 0),
        (ScriptedFault::new(error(0x40B)), "device", false, 0),
        (ScriptedFault::new(error(-2_147_220_480)), "device", false, 0),
        (ScriptedFault::new(error(70_000)), "device", false, 0),
    ] {
        let before = stand.deeds().len();
        stand.simulator.set_faults(vec![fault.clone().on(&slew)]);
        let outcome = stand.engine.slew_equatorial(&stand.id, right_ascension, declination).await;
        stand.simulator.clear_faults();
        let is = match &outcome {
            Ok(()) => "fine",
            Err(AlpacaError::Timeout { .. }) => "timeout",
            Err(AlpacaError::Broken { .. }) => "broken",
            Err(AlpacaError::Protocol { .. }) => "protocol",
            Err(AlpacaError::Status { .. }) => "status",
            Err(AlpacaError::Device { .. }) => "device",
            Err(other) => panic!("{other}"),
        };
        assert_eq!(is, is_wanted, "{fault:?}");
        assert_eq!(outcome.is_err_and(|error| error.outcome_is_unknown()), is_unknown, "{fault:?}");
        let deeds = stand.deeds();
        let done = deeds[before..].iter().filter(|deed| matches!(deed, Deed::Slew { .. })).count();
        assert_eq!(done, slews, "{fault:?}");
        stand.engine.abort(&stand.id).await.unwrap();
    }
}

#[tokio::test]
async fn a_server_that_is_gone_is_unreachable() {
    let stand = Stand::connected(calm(), fast()).await;
    let (right_ascension, declination) = stand.up().await;
    stand.simulator.stop().await;
    let error = stand.engine.slew_equatorial(&stand.id, right_ascension, declination).await.unwrap_err();
    assert!(matches!(error, AlpacaError::Unreachable { .. }), "{error:?}");
    assert!(!error.outcome_is_unknown());
    let error = stand.engine.abort(&stand.id).await.unwrap_err();
    assert!(matches!(error, AlpacaError::Unreachable { .. }), "{error:?}");
}

/// The figure of the foundation issue: abort at the device within 200 ms while other calls to it hang.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn abort_and_park_overtake_calls_that_hang() {
    const WITHIN: Duration = Duration::from_millis(200);
    let options = Options { call_timeout: Duration::from_secs(30), ..calm() };
    let slow = simulator::Options { slew_degrees_per_second: 0.5, ..simulator::Options::default() };
    let stand = Stand::connected(options, slow).await;
    let (right_ascension, declination) = stand.up().await;
    stand.engine.slew_equatorial(&stand.id, right_ascension, declination).await.unwrap();
    stand.simulator.set_faults(vec![ScriptedFault::new(FaultKind::Hang).except(&["abortslew", "park"])]);
    let hanging = async {
        let statuses = futures::future::join_all((0..50).map(|_| stand.engine.status(&stand.id)));
        let slew = stand.engine.slew_equatorial(&stand.id, right_ascension, declination);
        tokio::join!(statuses, slew)
    };
    let overtaking = async {
        // The calls hang once they have been made; the simulator counts those that it was told to fail.
        until("calls hang", || async { stand.simulator.struck() >= 51 }).await;
        let mut took = Vec::new();
        for round in 0..10 {
            let start = Instant::now();
            stand.engine.abort(&stand.id).await.unwrap();
            took.push(start.elapsed());
            assert_eq!(stand.deeds().iter().filter(|deed| **deed == Deed::Abort).count(), round + 1);
        }
        let start = Instant::now();
        stand.engine.park(&stand.id).await.unwrap();
        took.push(start.elapsed());
        took
    };
    let took = tokio::select! {
        _ = hanging => panic!("a call that hangs has ended"),
        took = overtaking => took,
    };
    println!("abort ×10 and park beside 51 hanging calls: longest {:?}", took.iter().max().unwrap());
    assert!(took.iter().all(|took| *took < WITHIN), "{took:?}");
    assert_eq!(stand.deeds().last(), Some(&Deed::Park));
}

#[tokio::test]
async fn one_stuck_property_does_not_take_the_others_with_it() {
    let stand = Stand::connected(calm(), fast()).await;
    stand.simulator.set_faults(vec![ScriptedFault::new(FaultKind::Hang).on(&["utcdate"])]);
    let status = stand.status().await;
    assert!(status.connected && status.right_ascension.is_some() && status.utc_date.is_none());
    // Without the one call for all, each property is asked by itself.
    let lacking = FaultKind::Error { number: 0x400, message: "not implemented".to_owned() };
    stand.simulator.set_faults(vec![ScriptedFault::new(lacking).on(&["devicestate"])]);
    let status = stand.status().await;
    assert!(status.tracking.is_some() && status.right_ascension.is_some() && status.at_home.is_some());
    stand.simulator.set_faults(vec![ScriptedFault::new(FaultKind::Hang)]);
    let error = stand.engine.status(&stand.id).await.unwrap_err();
    assert!(matches!(error, AlpacaError::Timeout { .. }), "{error:?}");
}
