//! `bigskies orbit` on files and on standard input: states, passes, tracks, approaches, pictures, and what is said of broken sets.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    time::Duration,
};

use engine_orbital::{Checksums, Elements, Form, Origin, catalogue};
use serde_json::Value;
use tempfile::TempDir;

const VERIFICATION: &str = include_str!("../../../engine-orbital/tests/data/vallado/SGP4-VER.TLE");

/// A folder with the catalogue and the verification set.
struct Stand {
    folder: TempDir,
}

impl Stand {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        std::fs::write(folder.path().join("active.tle"), catalogue::ACTIVE).unwrap();
        std::fs::write(folder.path().join("verification.tle"), VERIFICATION).unwrap();
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bigskies"));
        command.arg("orbit").args(line.split_whitespace()).current_dir(self.folder.path());
        command
    }

    fn run(&self, line: &str) -> Output {
        self.command(line).output().unwrap()
    }

    fn text(&self, line: &str) -> String {
        let output = self.run(line);
        assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    fn json(&self, line: &str) -> Vec<Value> {
        let text = self.text(&format!("{line} --json"));
        serde_json::from_str::<Vec<Value>>(&text).unwrap()
    }
}

fn numbers(row: &Value, key: &str) -> Vec<f64> {
    row[key].as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
}

fn length(row: &Value, key: &str) -> f64 {
    numbers(row, key).iter().map(|number| number * number).sum::<f64>().sqrt()
}

/// The first set of Vallado's, 360 minutes after its epoch, with the digits that he gives.
#[test]
fn a_state_is_that_of_the_verification_set() {
    let stand = Stand::new();
    let set = Form::Tle.read(VERIFICATION, Checksums::Ignored).remove(0).unwrap();
    let rows = stand.json(&format!(
        "propagate verification.tle --ignore-checksums --satellite 5 --at {}",
        set.epoch.plus(Duration::from_secs(360 * 60))
    ));
    let [row] = rows.as_slice() else { unreachable!("{rows:?}") };
    assert_eq!(row["norad_id"], 5);
    assert_eq!(row["frame"], "teme");
    let check = |key: &str, expected: [f64; 3], within: f64| {
        let found = numbers(row, key);
        let worst = found.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!(worst < within, "{key}: {found:?}");
    };
    check("position_km", [-7_154.031_202_02, -3_783.176_825_04, -3_536.194_122_94], 1e-7);
    check("velocity_km_s", [4.741_887_409, -4.151_817_765, -2.093_935_425], 1e-9);
}

#[test]
fn every_form_and_standard_input_give_the_same() {
    let stand = Stand::new();
    let sets = &Elements::read(catalogue::ACTIVE).unwrap()[..20];
    let origin = Origin { originator: "TESTS".to_owned(), created: sets[0].epoch };
    let question = "--at 2021-08-23T00:00:00Z --json";
    let mut answers = Vec::new();
    for form in Form::ALL {
        let text = form.write(sets, &origin).unwrap();
        std::fs::write(stand.path("sets"), &text).unwrap();
        answers.push(stand.text(&format!("propagate sets {question}")));
        let mut child = stand
            .command(&format!("propagate - {question}"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        answers.push(String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap());
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    assert_eq!(serde_json::from_str::<Vec<Value>>(&answers[0]).unwrap().len(), 20);
}

/// Numbers above 99999, which a TLE writes with a letter.
#[test]
fn alpha_5_is_decoded() {
    let stand = Stand::new();
    let epoch = "2026-11-21T00:00:00Z".parse().unwrap();
    let sets = catalogue::synthetic(3, 1, epoch);
    let text = Form::Tle.write(&sets, &Origin { originator: "TESTS".to_owned(), created: epoch }).unwrap();
    assert!(text.contains("\n1 A0000U"), "{text}");
    std::fs::write(stand.path("new.tle"), text).unwrap();
    let rows = stand.json("propagate new.tle --at 2026-11-21T06:00");
    let ids: Vec<_> = rows.iter().map(|row| row["norad_id"].as_u64().unwrap()).collect();
    assert_eq!(ids, [100_000, 100_001, 100_002]);
}

#[test]
fn frames_are_turned_into_each_other() {
    let stand = Stand::new();
    let row = |frame: &str| {
        let line = format!("propagate active.tle --satellite 25544 --at 2021-08-23T00:00:00Z --frame {frame}");
        stand.json(&line).remove(0)
    };
    let (teme, itrf, gcrs, geodetic) = (row("teme"), row("itrf"), row("gcrs"), row("geodetic"));
    for other in [&itrf, &gcrs, &geodetic] {
        assert!((length(&teme, "position_km") - length(other, "position_km")).abs() < 1e-6, "{other}");
    }
    assert!((length(&teme, "velocity_km_s") - length(&gcrs, "velocity_km_s")).abs() < 1e-9);
    assert_eq!(itrf["position_km"], geodetic["position_km"]);
    assert_ne!(itrf["position_km"], teme["position_km"]);
    let height = geodetic["height_km"].as_f64().unwrap();
    assert!((400.0..440.0).contains(&height), "{height}");
    assert!(geodetic["latitude_degrees"].as_f64().unwrap().abs() < 52.0);
}

#[test]
fn windows_have_a_row_for_each_instant() {
    let stand = Stand::new();
    let line = "propagate active.tle --satellite 25544 --satellite 20580 --from 2021-08-23 --to +10m --step 60";
    assert_eq!(stand.json(line).len(), 22);
    let csv = stand.text(&format!("{line} --csv"));
    assert_eq!(csv.lines().count(), 23);
    assert!(csv.starts_with("norad_id,name,time,frame,x_km,y_km,z_km,vx_km_s,"), "{csv}");
    let table = stand.text(line);
    assert_eq!(table.lines().count(), 23);
    assert!(table.starts_with("SATELLITE"), "{table}");
    assert!(table.contains("ISS (ZARYA)               2021-08-23T00:10:00Z"), "{table}");
}

/// 33334 has an eccentricity that SGP4 refuses; nothing of it is left out, and the others are not held up.
#[test]
fn errors_of_sgp4_stand_in_their_rows() {
    let stand = Stand::new();
    let rows =
        stand.json("propagate verification.tle --ignore-checksums --from 2006-06-23T20:35:48 --to +10m --step 5m");
    assert_eq!(rows.len(), 33 * 3);
    let failed: Vec<_> = rows.iter().filter(|row| !row["error"].is_null()).collect();
    assert!(failed.iter().any(|row| row["norad_id"] == 33_334), "{failed:?}");
    assert!(failed.iter().all(|row| row["position_km"].is_null() && row["error_code"].as_u64().unwrap() > 0));
    let well: Vec<_> = rows.iter().filter(|row| row["norad_id"] == 5 && row.get("error").is_none()).collect();
    assert_eq!(well.len(), 3);
}

#[test]
fn what_cannot_be_read_is_said_with_its_place() {
    let stand = Stand::new();
    std::fs::write(stand.path("broken.tle"), catalogue::ACTIVE.replacen("9993", "9994", 1)).unwrap();
    std::fs::write(stand.path("latin"), b"NAME\nK\xf6ln\n").unwrap();
    let check = |line: &str, exit_code: i32, expected: &str| {
        let output = stand.run(line);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(exit_code), "{line}: {said}");
        assert!(said.contains(expected), "{line}: {said}");
    };
    let checksum = "error: broken.tle: line 2, column 69: checksum '4' where the line adds up to 3";
    check("propagate broken.tle --at 2021-08-23", 3, checksum);
    check("propagate broken.tle --at 2021-08-23 --skip-broken", 0, "warning: broken.tle: line 2, column 69");
    check("propagate latin --at 2021-08-23", 3, "latin: line 2 is not UTF-8");
    check("propagate verification.tle --at 2021-08-23", 3, "line 100, column 69");
    check("propagate active.tle --at 2021-08-23 --satellite NOBODY", 6, "\"NOBODY\" is not in active.tle");
    check("propagate nowhere --at 2021-08-23", 6, "nowhere does not exist");
    check("propagate active.tle", 2, "--at");
    check("propagate active.tle --from 2021-08-23", 2, "--to");
    check("propagate active.tle --from 2021-08-23 --to 2021-08-22", 3, "before it begins");
    check("propagate active.tle --from 2021-08-23 --to +1h --step 1ms", 3, "are too many");
    check("passes active.tle --station 91,0,0 --from 2021-08-23 --to +1h", 2, "latitude");
    check("track active.tle --from 2021-08-23 --to +1h --plot map.gif", 2, ".svg or .png");
    check("approaches active.tle --from 2021-08-23 --to +1h --within 2000", 3, "threshold");
}

#[test]
fn passes_are_found_and_drawn() {
    let stand = Stand::new();
    let line = "passes active.tle --satellite 25544 --station 52.52,13.405,34 --from 2021-08-23 --to +1d --mask 10";
    let rows = stand.json(&format!("{line} --plot sky.svg"));
    assert!((3..=8).contains(&rows.len()), "{rows:?}");
    for row in &rows {
        let elevation = |event: &str| row[event]["elevation_degrees"].as_f64().unwrap();
        assert_eq!(row["norad_id"], 25_544);
        assert!((elevation("rise") - 10.0).abs() < 0.01 && (elevation("set") - 10.0).abs() < 0.01, "{row}");
        assert!(row["elevation_max_degrees"].as_f64().unwrap() > 10.0, "{row}");
    }
    assert_eq!(stand.text(&format!("{line} --csv")).lines().count(), rows.len() + 1);
    let svg = std::fs::read_to_string(stand.path("sky.svg")).unwrap();
    assert!(svg.contains("ISS (ZARYA)") && svg.contains("Sky over 52.5200, 13.4050, 34 m"), "{svg}");
    stand.text(&format!("{line} --plot sky.png"));
    assert!(is_png(&stand.path("sky.png")));
}

#[test]
fn tracks_are_found_and_drawn() {
    let stand = Stand::new();
    let line = "track active.tle --satellite 25544 --station -33.5,-70.6,700 --from 2021-08-23 --to +3h";
    let rows = stand.json(&format!("{line} --plot ground.png"));
    assert_eq!(rows.len(), 181);
    assert!(rows.iter().all(|row| row["latitude_degrees"].as_f64().unwrap().abs() < 52.0));
    assert!(rows.iter().all(|row| row["range_km"].as_f64().unwrap() > 400.0));
    let sunlit = rows.iter().filter(|row| row["sun_visible"] == 1.0).count();
    assert!((90..140).contains(&sunlit), "{sunlit} of 181 minutes in the Sun");
    assert!(is_png(&stand.path("ground.png")));
    stand.text(&format!("{line} --plot ground.SVG"));
    assert!(std::fs::read_to_string(stand.path("ground.SVG")).unwrap().contains("<polyline"));
}

/// A satellite and another on the same orbit, 0.01° ahead, are at one kilometre all the time; one of the real neighbours is found, too.
#[test]
fn approaches_are_found() {
    let stand = Stand::new();
    let sets = Elements::read(catalogue::ACTIVE).unwrap();
    let iss = sets.iter().find(|set| set.norad.number() == 25_544).unwrap();
    let ahead = engine_orbital::Angle::degrees(iss.mean_anomaly.to_degrees() + 0.01);
    let shadow = Elements { norad: "99999".parse().unwrap(), name: None, mean_anomaly: ahead, ..iss.clone() };
    let origin = Origin { originator: "TESTS".to_owned(), created: iss.epoch };
    std::fs::write(stand.path("two.tle"), Form::Tle.write(&[iss.clone(), shadow], &origin).unwrap()).unwrap();
    let rows = stand.json("approaches two.tle --from 2021-08-23 --to +3h --within 5");
    assert!(!rows.is_empty());
    for row in &rows {
        assert_eq!((&row["norad_id"], &row["other_norad_id"]), (&Value::from(25_544), &Value::from(99_999)));
        assert!((row["in_track_km"].as_f64().unwrap() - 1.18).abs() < 0.05, "{row}");
    }
    assert!(stand.json("approaches two.tle --from 2021-08-23 --to +3h --within 0.5").is_empty());
    assert!(stand.text("approaches two.tle --from 2021-08-23 --to +3h --within 0.5").contains("no two satellites"));
}

fn is_png(path: &Path) -> bool {
    std::fs::read(path).unwrap().starts_with(b"\x89PNG\r\n\x1a\n")
}
