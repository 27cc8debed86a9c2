//! Tests of passes: against a fine scan of the same states, and the cases at the edges.

use std::ops::ControlFlow;

use astrometry::Site;
use proptest::prelude::*;
use vocabulary::{Latitude, Longitude};

use super::*;
use crate::{Cores, Earth, Elements, Gravity, Look, NoradId, Propagator, roots};

/// What a fine scan finds: rise, culmination and set in seconds since the window opened.
#[derive(Debug, Clone, Copy)]
struct Seen {
    rise: f64,
    summit: f64,
    set: f64,
    elevation: f64,
}

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

const OPENING: &str = "2026-03-20T06:00:00Z";

fn window(hours: f64) -> Window {
    let from = time(OPENING);
    Window::new(from, from.plus(Duration::from_secs_f64(hours * 3600.0))).unwrap()
}

fn satellite([revolutions, eccentricity, inclination, node, perigee, anomaly]: [f64; 6], bstar: f64) -> Propagator {
    let elements = Elements {
        name: None,
        norad: NoradId::new(99_999).unwrap(),
        classification: 'U',
        designator: String::new(),
        epoch: time("2026-03-20T00:00:00Z"),
        mean_motion_revolutions_per_day: revolutions,
        mean_motion_dot: 0.0,
        mean_motion_ddot: 0.0,
        bstar,
        eccentricity,
        inclination: Angle::degrees(inclination),
        ascending_node: Angle::degrees(node),
        argument_of_perigee: Angle::degrees(perigee),
        mean_anomaly: Angle::degrees(anomaly),
        ephemeris_type: 0,
        element_set: 1,
        revolution: 1,
    };
    Propagator::new(&elements, Gravity::Wgs72).unwrap()
}

const STATION: [f64; 6] = [15.5, 0.0005, 51.6, 120.0, 30.0, 80.0];

fn station(latitude: f64, longitude: f64) -> Station {
    let latitude = Latitude::degrees(latitude).unwrap();
    Station::at(Site::new(latitude, Longitude::degrees(longitude).unwrap(), 100.0).unwrap())
}

fn level(latitude: f64, longitude: f64, degrees: f64) -> Observer {
    Observer::new(station(latitude, longitude)).with_mask(Mask::level(Angle::degrees(degrees)).unwrap())
}

fn findings(satellites: &[Propagator], observers: Vec<Observer>, hours: f64, cores: Cores) -> Vec<PassFinding> {
    let search = PassSearch::new(observers, window(hours), Orientations::bundled()).unwrap();
    let mut found = Vec::new();
    let _whole = search.run(satellites, cores, |finding| {
        found.push(finding);
        ControlFlow::Continue(())
    });
    found
}

fn passes(satellite: &Propagator, observer: &Observer, hours: f64) -> Vec<Pass> {
    let found = findings(std::slice::from_ref(satellite), vec![observer.clone()], hours, Cores::One);
    found.iter().filter_map(|finding| if let PassFinding::Pass(pass) = finding { Some(*pass) } else { None }).collect()
}

/// Through the public frames, instant by instant: shares with the search the propagator alone.
fn look(satellite: &Propagator, observer: &Observer, seconds: f64) -> Option<Look> {
    let when = arc::later(time(OPENING), seconds);
    let state = satellite.at(when).ok()?;
    let itrf = Earth::at(when, Orientations::bundled().at(when)).itrf(&state);
    Some(observer.station.look(&itrf))
}

fn over(satellite: &Propagator, observer: &Observer, seconds: f64) -> f64 {
    look(satellite, observer, seconds)
        .map_or(f64::NAN, |look| look.elevation.to_degrees() - observer.mask.elevation(look.azimuth).to_degrees())
}

fn elevation(satellite: &Propagator, observer: &Observer, seconds: f64) -> f64 {
    look(satellite, observer, seconds).map_or(f64::NAN, |look| look.elevation.to_degrees())
}

/// All passes by looking every few seconds and halving intervals.
fn scan(satellite: &Propagator, observer: &Observer, hours: f64, step: f64) -> Vec<Seen> {
    let end = hours * 3600.0;
    let count = (end / step).ceil() as usize;
    let instant = |index: usize| (index as f64 * step).min(end);
    let highest = |from: f64, to: f64| roots::summit(|at| elevation(satellite, observer, at), from, to);
    let crossing = |mut from: f64, mut to: f64| {
        let begins_up = over(satellite, observer, from) > 0.0;
        while to - from > 1e-5 {
            let middle = (from + to) / 2.0;
            if (over(satellite, observer, middle) > 0.0) == begins_up { from = middle } else { to = middle }
        }
        from
    };
    let mut seen: Vec<Seen> = Vec::new();
    let mut rise = (over(satellite, observer, 0.0) > 0.0).then_some(0.0);
    let mut close = |rise: f64, set: f64| {
        let inside = (0..=count).map(instant).filter(|at| (rise..=set).contains(at)).chain([rise, set]);
        let top =
            inside.max_by(|a, b| elevation(satellite, observer, *a).total_cmp(&elevation(satellite, observer, *b)));
        let top = top.unwrap_or(rise);
        let between = highest((top - step).max(rise), (top + step).min(set));
        // A summit at an end of the pass is no summit for a golden section.
        let higher =
            |a: &f64, b: &f64| elevation(satellite, observer, *a).total_cmp(&elevation(satellite, observer, *b));
        let summit = [between, rise, set].into_iter().max_by(higher).unwrap_or(between);
        seen.push(Seen { rise, summit, set, elevation: elevation(satellite, observer, summit) });
    };
    let sight: Vec<f64> = (0..=count).map(|index| over(satellite, observer, instant(index))).collect();
    for index in 0..count {
        let (here, next) = (sight[index], sight[index + 1]);
        match (here > 0.0, next > 0.0) {
            (false, true) => rise = Some(crossing(instant(index), instant(index + 1))),
            (true, false) => close(rise.take().unwrap(), crossing(instant(index), instant(index + 1))),
            (false, false) if index > 0 && here >= sight[index - 1] && here >= next && here > -3.0 => {
                let (from, to) = (instant(index - 1), instant(index + 1));
                let top = roots::summit(|at| over(satellite, observer, at), from, to);
                if over(satellite, observer, top) > 0.0 {
                    close(crossing(from, top), crossing(top, to));
                }
            }
            _ => {}
        }
    }
    if let Some(rise) = rise {
        close(rise, end);
    }
    seen
}

fn seconds(at: Timestamp) -> f64 {
    at.since(time(OPENING)).as_secs_f64()
}

/// How fast the satellite climbs over the mask at an instant, degrees a second.
fn slope(satellite: &Propagator, observer: &Observer, at: f64) -> f64 {
    (over(satellite, observer, at + 0.05) - over(satellite, observer, at - 0.05)).abs() / 0.1
}

/// Both have the same passes; times agree within 10 ms, or a satellite that hardly moves over the mask is at it within a ten-thousandth of a degree.
fn agree(satellite: &Propagator, observer: &Observer, hours: f64, step: f64) -> Result<usize, TestCaseError> {
    let found = passes(satellite, observer, hours);
    let seen = scan(satellite, observer, hours, step);
    // A pass of less than 50 ms may be one for the one and none for the other.
    let lasting: Vec<&Seen> = seen.iter().filter(|seen| seen.set - seen.rise > 0.05).collect();
    let kept: Vec<&Pass> = found.iter().filter(|pass| pass.duration() > Duration::from_millis(50)).collect();
    prop_assert_eq!(kept.len(), lasting.len(), "{:?}\n{:?}", found, seen);
    for (pass, seen) in kept.iter().zip(&lasting) {
        for (at, expected) in [(seconds(pass.rise.at), seen.rise), (seconds(pass.set.at), seen.set)] {
            let off = (at - expected).abs();
            let near = off * slope(satellite, observer, expected) < 1e-4;
            prop_assert!(off < 0.01 || near, "off by {off} s: {pass:?} {seen:?}");
        }
        let highest = pass.culmination.elevation.to_degrees();
        prop_assert!((highest - seen.elevation).abs() < 1e-4, "{pass:?} {seen:?}");
        let at = seconds(pass.culmination.at);
        // A flat summit has no time to speak of.
        let curved = 2.0 * seen.elevation
            - elevation(satellite, observer, seen.summit - 1.0)
            - elevation(satellite, observer, seen.summit + 1.0);
        let is_clear = curved > 1e-3;
        prop_assert!(!is_clear || (at - seen.summit).abs() < 0.01, "{at} {seen:?} {curved} {pass:?}");
    }
    Ok(lasting.len())
}

fn orbits() -> impl Strategy<Value = [f64; 6]> {
    let angle = || 0.0..360.0_f64;
    let near = (11.0..16.0_f64, 0.0..0.02_f64);
    let far = prop_oneof![
        (1.8..2.4_f64, 0.0..0.75_f64),
        (0.9..1.1_f64, 0.0..0.3_f64),
        (2.0..2.5_f64, 0.70..0.735_f64),
        (5.0..9.0_f64, 0.0..0.2_f64),
    ];
    (prop_oneof![3 => near, 2 => far], 0.0..180.0_f64, angle(), angle(), angle())
        .prop_map(|((motion, eccentricity), inclination, a, b, c)| [motion, eccentricity, inclination, a, b, c])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases / 10 + 1, ..ProptestConfig::default() })]

    #[test]
    fn a_search_finds_what_a_scan_finds(
        orbit in orbits(),
        latitude in -90.0..90.0_f64,
        longitude in -180.0..180.0_f64,
        mask in prop_oneof![Just(0.0), -2.0..30.0_f64, 30.0..80.0_f64],
    ) {
        agree(&satellite(orbit, 1e-5), &level(latitude, longitude, mask), 14.0, 20.0)?;
    }

    #[test]
    fn a_search_follows_a_ragged_horizon(
        orbit in orbits(),
        latitude in -90.0..90.0_f64,
        longitude in -180.0..180.0_f64,
        mut azimuths in prop::collection::vec(0.0..360.0_f64, 1..12),
        elevations in prop::collection::vec(-1.0..25.0_f64, 12),
    ) {
        azimuths.sort_by(f64::total_cmp);
        azimuths.dedup_by(|a, b| (*a - *b).abs() < 3.0);
        let points: Vec<_> =
            azimuths.iter().zip(&elevations).map(|(at, up)| (Angle::degrees(*at), Angle::degrees(*up))).collect();
        let observer = Observer::new(station(latitude, longitude)).with_mask(Mask::around(&points).unwrap());
        agree(&satellite(orbit, 1e-5), &observer, 8.0, 5.0)?;
    }
}

#[test]
fn a_space_station_over_a_city() {
    let count = agree(&satellite(STATION, 1e-4), &level(52.5, 13.4, 0.0), 36.0, 10.0).unwrap();
    assert!((6..14).contains(&count), "{count}");
}

/// The mask is put just below and above the highest elevation of each pass.
#[test]
fn passes_that_graze_the_mask() {
    let orbit = satellite(STATION, 1e-4);
    for pass in passes(&orbit, &level(52.5, 13.4, 0.0), 24.0) {
        let highest = pass.elevation_max().to_degrees();
        for (below, is_seen) in [(1e-3, true), (1e-5, true), (1e-6, true), (-1e-6, false), (-1e-4, false)] {
            let found = passes(&orbit, &level(52.5, 13.4, highest - below), 24.0);
            let near = found.iter().find(|other| {
                other.culmination.at.since(pass.rise.at) < pass.duration() && other.culmination.at > pass.rise.at
            });
            assert_eq!(near.is_some(), is_seen, "{highest} - {below}: {near:?}");
        }
    }
}

#[test]
fn what_never_sets_and_what_never_rises() {
    let still = satellite([1.002_7, 0.0002, 0.05, 90.0, 0.0, 40.0], 0.0);
    let sub_point = look(&still, &level(0.0, 0.0, 0.0), 0.0).unwrap();
    let middle = if sub_point.elevation.to_degrees() > 0.0 { 0.0 } else { 180.0 };
    let always = passes(&still, &level(0.0, middle, 0.0), 48.0);
    assert_eq!(always.len(), 1, "{always:?}");
    assert_eq!((always[0].begins, always[0].ends), (Begin::WindowOpens, End::WindowCloses));
    assert_eq!((always[0].rise.at, always[0].set.at), (window(48.0).from(), window(48.0).to()));
    assert!(always[0].rise.elevation.to_degrees() > 0.0 && always[0].set.elevation.to_degrees() > 0.0);
    assert_eq!(passes(&still, &level(0.0, 180.0 - middle, 0.0), 48.0), []);
    assert_eq!(passes(&still, &level(89.0, middle, 0.0), 48.0), []);
}

#[test]
fn circumpolar_orbits_and_poles() {
    let polar = satellite([14.2, 0.001, 98.6, 10.0, 0.0, 0.0], 1e-5);
    assert!(agree(&polar, &level(90.0, 0.0, 0.0), 12.0, 10.0).unwrap() >= 6);
    assert!(agree(&polar, &level(-90.0, 0.0, 5.0), 12.0, 10.0).unwrap() >= 6);
    let molniya = satellite([2.006, 0.72, 63.4, 250.0, 270.0, 10.0], 0.0);
    assert!(agree(&molniya, &level(65.0, 90.0, 10.0), 30.0, 20.0).unwrap() >= 1);
}

/// A window within a pass, one shorter than a step, and ones that end anywhere.
#[test]
fn windows_of_any_length() {
    let orbit = satellite(STATION, 1e-4);
    let observer = level(52.5, 13.4, 0.0);
    let first = passes(&orbit, &observer, 36.0)[0];
    let inside =
        Window::new(first.rise.at.plus(Duration::from_secs(60)), first.rise.at.plus(Duration::from_secs(75))).unwrap();
    let search = PassSearch::new(vec![observer.clone()], inside, Orientations::bundled()).unwrap();
    let mut found = Vec::new();
    let _whole = search.run(std::slice::from_ref(&orbit), Cores::One, |finding| {
        found.push(finding);
        ControlFlow::Continue(())
    });
    let [PassFinding::Pass(pass), PassFinding::Searched { .. }] = found[..] else { panic!("{found:?}") };
    assert_eq!((pass.begins, pass.ends), (Begin::WindowOpens, End::WindowCloses));
    assert_eq!((pass.rise.at, pass.set.at), (inside.from(), inside.to()));
    assert_eq!(pass.culmination.at, pass.set.at);
    for hours in [0.01, 11.99, 12.0, 12.0001, 12.02, 24.0, 24.01] {
        agree(&orbit, &observer, hours, 10.0).unwrap();
    }
}

#[test]
fn windows_that_cannot_be() {
    let from = time(OPENING);
    let refused = |to: Timestamp| Window::new(from, to).unwrap_err().to_string();
    assert!(refused(from).contains("is not after its beginning"));
    assert!(refused(from.minus(Duration::from_secs(1))).contains("give a later end"));
    assert!(refused(from.plus(Duration::from_secs(3_661 * 86_400))).contains("search in parts"));
    let late = Window::new(time("2100-06-01T00:00:00Z"), time("2100-06-02T00:00:00Z")).unwrap();
    assert!(PassSearch::new(Vec::new(), late, Orientations::bundled()).is_err());
}

/// Drag takes it down within the window, at some places during a pass.
#[test]
fn what_decays_is_told() {
    let with_drag = |bstar| satellite([16.3, 0.001, 51.6, 120.0, 30.0, 80.0], bstar);
    let lives = |hours: f64, bstar: f64| with_drag(bstar).at(arc::later(time(OPENING), hours * 3600.0)).is_ok();
    let halved = (0..30).map(|halvings| 0.1 / f64::from(1 << halvings));
    let doomed = with_drag(halved.into_iter().find(|bstar| lives(2.0, *bstar)).unwrap());
    let failures = |found: &[PassFinding]| -> Vec<Failure> {
        let failure =
            |finding: &PassFinding| if let PassFinding::Failure(failure) = finding { Some(*failure) } else { None };
        found.iter().filter_map(failure).collect()
    };
    let told = failures(&findings(std::slice::from_ref(&doomed), Vec::new(), 72.0, Cores::One));
    let first = told.first().expect("it decays");
    let lost = seconds(first.from);
    assert!(doomed.at(arc::later(time(OPENING), lost - 0.01)).is_ok());
    assert_eq!(doomed.at(arc::later(time(OPENING), lost + 0.01)), Err(first.error));
    assert!(told.windows(2).all(|pair| pair[0].to <= pair[1].from), "{told:?}");

    // Whoever stands a degree from where it ends, and looks down a little, has it till the end.
    let when = arc::later(time(OPENING), lost - 0.01);
    let earth = Earth::at(when, Orientations::bundled().at(when));
    let place = crate::Geodetic::of(&earth.itrf(&doomed.at(when).unwrap()));
    let (latitude, longitude) = (place.latitude.to_degrees(), place.longitude.to_degrees());
    let beside = level(latitude - latitude.signum(), longitude, -25.0);
    let found = findings(std::slice::from_ref(&doomed), vec![beside.clone()], 72.0, Cores::One);
    assert_eq!(failures(&found), told);
    let pass = |finding: &PassFinding| if let PassFinding::Pass(pass) = finding { Some(*pass) } else { None };
    let ended =
        found.iter().filter_map(pass).find(|pass| pass.ends == End::Lost(first.error)).expect("a pass that is lost");
    assert_eq!(ended.set.at, first.from);
    // Up to there nothing is missed.
    for observer in [beside, level(latitude, longitude, 0.0), level(-latitude, longitude, 0.0)] {
        agree(&doomed, &observer, (lost - 1.0) / 3600.0, 10.0).unwrap();
    }
}

#[test]
fn elements_that_never_have_a_place() {
    let sunk = satellite([17.5, 0.001, 51.6, 120.0, 30.0, 80.0], 0.0);
    let found = findings(&[sunk], vec![level(0.0, 0.0, 0.0)], 30.0, Cores::One);
    let failures = found.iter().filter(|finding| matches!(finding, PassFinding::Failure(_))).count();
    assert_eq!(failures, 1, "{found:?}");
    assert!(found.iter().any(|finding| matches!(finding, PassFinding::Failure(failure)
        if (failure.from, failure.to) == (window(30.0).from(), window(30.0).to()))));
}

#[test]
fn many_cores_find_the_same() {
    let satellites: Vec<Propagator> = (0..24)
        .map(|index| satellite([14.0 + f64::from(index) * 0.05, 0.001, 60.0, f64::from(index) * 15.0, 0.0, 0.0], 1e-5))
        .collect();
    let observers = vec![level(52.5, 13.4, 0.0), level(-33.0, 18.0, 10.0)];
    let key = |finding: &PassFinding| format!("{finding:?}");
    let mut one: Vec<String> = findings(&satellites, observers.clone(), 24.0, Cores::One).iter().map(key).collect();
    let mut all: Vec<String> = findings(&satellites, observers, 24.0, Cores::All).iter().map(key).collect();
    one.sort();
    all.sort();
    assert!(one.len() > 100);
    assert_eq!(one, all);
}

#[test]
fn whoever_listens_can_stop() {
    let satellites: Vec<Propagator> = (0..50).map(|_| satellite(STATION, 1e-4)).collect();
    let observers = vec![level(52.5, 13.4, 0.0)];
    for cores in [Cores::One, Cores::All] {
        let search = PassSearch::new(observers.clone(), window(240.0), Orientations::bundled()).unwrap();
        let mut heard = 0;
        let ended = search.run(&satellites, cores, |_| {
            heard += 1;
            if heard == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        assert_eq!((ended, heard), (ControlFlow::Break(()), 3));
    }
}

#[test]
fn light_at_the_events() {
    let orbit = satellite(STATION, 1e-4);
    let observer = level(52.5, 13.4, 0.0);
    let almanac = crate::Almanac::over(window(36.0).from(), window(36.0).to(), Orientations::bundled()).unwrap();
    let found = passes(&orbit, &observer, 36.0);
    for event in found.iter().flat_map(|pass| [pass.rise, pass.culmination, pass.set]) {
        let sun = almanac.sun_km(event.at).unwrap();
        let state = orbit.at(event.at).unwrap();
        assert_eq!(event.is_sunlit, crate::is_sunlit(&state.position_km, &sun), "{event:?}");
        let earth = Earth::at(event.at, Orientations::bundled().at(event.at));
        let sky = observer.station.look(&crate::State::new(earth.over_ground(&sun), [0.0; 3]));
        assert!((event.sun_elevation.to_degrees() - sky.elevation.to_degrees()).abs() < 0.003, "{event:?}");
        assert_eq!(event.is_dark, event.sun_elevation.to_degrees() < -6.0);
        let seen = look(&orbit, &observer, seconds(event.at)).unwrap();
        assert!((seen.azimuth.to_degrees() - event.azimuth.to_degrees()).abs() < 1e-4);
        assert!((seen.range_km - event.range_km).abs() < 0.01);
    }
    assert!(found.iter().any(|pass| pass.rise.is_dark) && found.iter().any(|pass| !pass.rise.is_dark));
    assert!(found.iter().any(|pass| pass.rise.is_sunlit) && found.iter().any(|pass| !pass.set.is_sunlit));
}

#[test]
fn masks() {
    let degrees = |points: &[(f64, f64)]| {
        let points: Vec<_> = points.iter().map(|(at, up)| (Angle::degrees(*at), Angle::degrees(*up))).collect();
        Mask::around(&points)
    };
    let mask = degrees(&[(10.0, 5.0), (20.0, 15.0), (350.0, 0.0)]).unwrap();
    let check = |at: f64, up: f64| {
        let got = mask.elevation(Angle::degrees(at)).to_degrees();
        assert!((got - up).abs() < 1e-12, "{at}: {got}");
    };
    check(10.0, 5.0);
    check(15.0, 10.0);
    check(185.0, 7.5);
    check(350.0, 0.0);
    check(0.0, 2.5);
    check(360.0, 2.5);
    check(5.0, 3.75);
    assert_eq!(mask.between(-20.0, 15.0), [-10.0, 10.0]);
    assert_eq!(mask.between(375.0, 340.0), [370.0, 350.0]);
    assert_eq!(mask.between(30.0, 40.0), [] as [f64; 0]);
    let refused = |points: &[(f64, f64)], said: &str| {
        let error = degrees(points).unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
    };
    refused(&[], "0 points make no mask");
    refused(&[(10.0, 0.0), (10.0, 1.0)], "the azimuth 10 degrees is not in order");
    refused(&[(360.0, 0.0)], "the azimuth 360 degrees");
    refused(&[(0.0, 90.0)], "a mask of 90 degrees");
    refused(&[(0.0, f64::NAN)], "a mask of NaN degrees");
    refused(&[(f64::NAN, 0.0)], "the azimuth NaN degrees");
}
