//! The same night in the words of an operator: `bigskies telescope …`, by names and in sexagesimal.

use serde_json::{Value, json};
use testkit::{Broker, Code, Database, Observatory, Terminal};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_night_in_the_operators_words() {
    let mut observatory = Observatory::with(Broker::Embedded, Database::Private).start().await;
    let port = observatory.simulator().discovery_port().to_string();
    let good = async |observatory: &Observatory, line: &str| said(observatory, line, 0).await.stdout;

    assert!(good(&observatory, "telescope list").await.contains("discover"));
    let found = good(&observatory, &format!("telescope discover --wait 1 --port {port}")).await;
    assert!(found.contains("Simulated telescope (simulated)"), "{found}");
    good(&observatory, "telescope create North-dome --mount simulated").await;
    good(&observatory, "telescope connect north-dome").await;
    let refused = said(&observatory, "telescope slew north 3h0m0s -75d0m0s", Code::Unsafe.exit_code()).await;
    assert!(refused.stderr.contains("error: ") && refused.stderr.contains("hint: "), "{refused:?}");
    let slewed = json_of(&observatory, "telescope slew north 3h0m0s 75d0m0s --wait").await;
    assert_eq!(slewed.last().map(|last| &last["outcome"]), Some(&json!("arrived")), "{slewed:?}");
    let status = json_of(&observatory, "telescope status").await.remove(0);
    let near = |field: &str, wanted: f64| (status["status"][field].as_f64().unwrap_or_default() - wanted).abs() < 0.02;
    assert!(near("right_ascension", 3.0) && near("declination", 75.0), "{status}");
    let parked = json_of(&observatory, "telescope park --wait").await;
    assert_eq!(parked.last().map(|last| &last["outcome"]), Some(&json!("parked")), "{parked:?}");
    assert!(good(&observatory, "telescope status").await.contains("parked"));
    good(&observatory, "settings set telescope position_rate_hertz 2").await;

    observatory.restart().await;
    let known = json_of(&observatory, "telescope list").await.remove(0);
    assert_eq!(
        (&known["telescopes"][0]["name"], &known["devices"][0]["simulated"]),
        (&json!("North-dome"), &json!(true))
    );
    let setting = json_of(&observatory, "settings get telescope position_rate_hertz").await.remove(0);
    assert_eq!(setting["setting"]["value"], json!(2.0), "{setting}");
    assert!(good(&observatory, "health").await.contains("telescope-coordinator"));
    let examined = good(&observatory, "doctor").await;
    assert!(!examined.contains('✗'), "{examined}");
    let nobody = said(&observatory, "telescope abort nobody", Code::NotFound.exit_code()).await;
    assert!(nobody.stderr.contains("hint: "), "{nobody:?}");
    said(&observatory, "telescope slew --sideways", 2).await;
}

async fn said(observatory: &Observatory, line: &str, code: u8) -> Terminal {
    let done = observatory.terminal(&line.split(' ').collect::<Vec<_>>()).await;
    assert_eq!(done.code, Some(i32::from(code)), "{line}: {done:?}");
    done
}

async fn json_of(observatory: &Observatory, line: &str) -> Vec<Value> {
    said(observatory, &format!("--json {line}"), 0).await.json()
}
