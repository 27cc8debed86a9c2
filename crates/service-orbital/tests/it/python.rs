//! A client that we did not write: Python's grpcio calls every method, from the contract and through reflection.

use std::{process::Stdio, time::Duration};

use serde_json::{Value, json};
use tokio::{process::Command, time::timeout};

use crate::stand::Stand;

/// What the child runs.
const PROGRAM: &str = include_str!("client.py");
/// Python's imports and protoc take seconds, more on a busy machine.
const PATIENCE: Duration = Duration::from_secs(180);

#[tokio::test]
async fn every_method_from_the_contract_and_through_reflection() {
    let stand = Stand::start().await;
    let told = told(&stand).await;
    assert_eq!(told["called"], told["declared"]);
    assert_eq!(told["called"], told["reflected"]);
    assert_eq!(told["by_contract"], told["by_reflection"]);
    let services = ["grpc.health.v1.Health", "grpc.reflection.v1alpha.ServerReflection", "orbital.OrbitalService"];
    assert_eq!(told["services"], json!(services));
    assert_eq!(told["health"], json!("SERVING"));
    assert_eq!(told["refused"], json!(["INVALID_ARGUMENT", "field tle is missing, and so is satellite_id"]));
    assert!(told["files"][0].as_u64() >= Some(1), "{}", told["files"]);
    let answers = |name: &str| {
        let all = told["by_contract"].as_array().unwrap();
        all.iter().find(|call| call[0] == name).unwrap_or_else(|| panic!("{name} was not called"))[1].clone()
    };
    let number = |value: &Value| value.as_f64().unwrap_or_else(|| panic!("{value} is no number"));

    let position = &answers("PropagatePosition")[0];
    assert_eq!((&position["success"], &position["timestampUnix"]), (&json!(true), &json!("962131820")));
    assert!((number(&position["position"]["xKm"]) - 7022.97).abs() < 0.01, "{position}");
    assert_eq!(answers("PropagateTrajectory")[0]["points"].as_array().unwrap().len(), 11);
    assert_eq!(answers("RegisterSatellites")[0]["ids"], json!(["van"]));
    assert_eq!(answers("RemoveSatellites")[0]["removed"], json!(1));
    assert_eq!(answers("PropagateGrid")[0]["parts"].as_array().unwrap().len(), 2);
    assert_eq!(answers("StreamGrid").as_array().unwrap().len(), 2);
    assert_eq!(answers("WatchPositions").as_array().unwrap().len(), 2);
    // The same passes, whoever asks for them.
    let passes = answers("Visibility")[0]["passes"].clone();
    let earlier = answers("CalculateVisibility")[0].clone();
    assert!(earlier["success"] == json!(true) && passes.as_array().unwrap().len() >= 4, "{earlier}");
    assert_eq!(earlier["passes"], passes);
    let found = answers("FindPasses")[0]["passes"].as_array().unwrap().clone();
    assert!(passes.as_array().unwrap().iter().all(|pass| found.contains(pass)), "{passes}");
    let streamed = answers("StreamPasses");
    let streamed: Vec<&Value> = streamed.as_array().unwrap().iter().map(|finding| &finding["pass"]).collect();
    assert!(streamed.len() == found.len() && found.iter().all(|pass| streamed.contains(&pass)), "{streamed:?}");
    let approaches = answers("FindApproaches")[0]["approaches"].as_array().cloned().unwrap_or_default();
    let streamed = answers("StreamApproaches");
    let streamed: Vec<Value> = streamed.as_array().unwrap().iter().map(|finding| finding["approach"].clone()).collect();
    assert!(!approaches.is_empty() && approaches == streamed, "{approaches:?} {streamed:?}");
    assert!(
        approaches.iter().all(|approach| number(&approach["missKm"]) <= 200.0 && approach["satelliteId"] == "25544")
    );
}

async fn told(stand: &Stand) -> Value {
    let python = std::env::var("BIGSKIES_TEST_PYTHON")
        .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/python/bin/python").to_owned());
    let contract = concat!(env!("CARGO_MANIFEST_DIR"), "/../orbital-client/proto");
    let child = Command::new(&python)
        .args(["-c", PROGRAM, &stand.service.address().unwrap().to_string(), contract])
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let done = timeout(PATIENCE, child).await.expect("an end in time").unwrap_or_else(|error| {
        panic!(
            "{python} can't run: {error}; make a virtual environment in target/python with \
             crates/testkit/python-requirements.txt, or name another Python in BIGSKIES_TEST_PYTHON"
        )
    });
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    serde_json::from_slice(&done.stdout).unwrap()
}
