//! An `up` that is killed at any point: the next one converges, is proven, and leaves what a plain one leaves.

use std::time::{Duration, Instant};

use crate::dock::{Boards, Dock};

/// Of the figures that choose the points.
const SEED: u64 = 0x0b5e_7a70;
const SAMPLE: u32 = 4;
const SOAK: u32 = 20;

#[tokio::test]
async fn killed_at_any_point_the_next_up_converges() {
    let is_long = std::env::var_os("BIGSKIES_SOAK").is_some();
    // With its stand-in for Grafana there are secrets and more files, and each round takes longer.
    let (rounds, boards) = if is_long { (SOAK, Boards::With) } else { (SAMPLE, Boards::Without) };
    let dock = Dock::open(boards).await;
    let began = Instant::now();
    dock.run(&["up"]).expect_code(0);
    let whole = began.elapsed();
    let (holdings, files) = (dock.holdings().await, files(&dock));
    println!(
        "a plain up takes {:.1} s and leaves {} things and {} files",
        whole.as_secs_f64(),
        holdings.len(),
        files.len()
    );
    let mut random = SEED;
    for round in 1..=rounds {
        if round % 2 == 0 {
            // From an older configuration, so that it is in the middle of replacing.
            dock.run(&[
                "up",
                "--set",
                "retention.time=1d",
                "--set",
                "services.pushgateway.arguments=['--log.level=debug']",
            ])
            .expect_code(0);
        } else {
            dock.run(&["down", "--volumes", "--yes"]).expect_code(0);
            assert!(dock.holdings().await.is_empty(), "{:?}", dock.holdings().await);
        }
        let mut up = dock.site.command(&["up"]).stderr(std::process::Stdio::null()).spawn().unwrap();
        let delay = whole.mul_f64(fraction(&mut random));
        std::thread::park_timeout(delay);
        up.kill().unwrap();
        let ended = up.wait().unwrap();
        let began = Instant::now();
        let next = dock.run(&["up", "--json"]).expect_code(0).json();
        let deeds: Vec<String> =
            next["changes"].as_array().unwrap().iter().map(|one| one["deed"].to_string()).collect();
        println!(
            "{round}: killed after {:.2} s ({ended}); the next up took {:.1} s: {}",
            delay.as_secs_f64(),
            began.elapsed().as_secs_f64(),
            if deeds.is_empty() { "nothing to change".to_owned() } else { deeds.join(", ") },
        );
        assert!(next["proof"]["data_path_seconds"].is_number(), "{next}");
        dock.run(&["plan"]).expect_code(0);
        assert_eq!(dock.holdings().await, holdings, "round {round}");
        assert_eq!(self::files(&dock), files, "round {round}");
    }
    dock.run(&["down", "--volumes", "--yes"]).expect_code(0);
    assert!(dock.holdings().await.is_empty());
}

/// The next figure from 0 to 1, the same in each run: Marsaglia's xorshift of 64 bits (doi:10.18637/jss.v008.i14).
fn fraction(state: &mut u64) -> f64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    Duration::from_nanos(*state % 1_000_000_000).as_secs_f64()
}

/// Every file that the tool keeps, and those that it has for a moment only.
fn files(dock: &Dock) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![dock.site.path().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path.strip_prefix(dock.site.path()).unwrap().display().to_string());
            }
        }
    }
    found.sort();
    found
}
