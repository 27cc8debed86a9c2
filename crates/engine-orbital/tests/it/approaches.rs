//! Close approaches beside brute force: the same minima, all of them, whatever the orbits, the window and the step.

mod brute;
mod orbits;

use std::{ops::ControlFlow, time::Duration};

use engine_orbital::{
    Approach, Batch, Cores, Elements, Extent, Finding, Gravity, Screening, Search, SearchError, Sgp4Error,
};
use proptest::prelude::*;
use vocabulary::Timestamp;

use brute::Encounter;
use orbits::{Dice, EPOCH};

fn instant(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn after(seconds: f64) -> Timestamp {
    instant(EPOCH).plus(Duration::from_micros((seconds * 1e6) as u64))
}

fn findings(elements: &[Elements], search: &Search, cores: Cores) -> Vec<Finding> {
    let batch = Batch::new(elements, Gravity::Wgs72);
    let mut found = Vec::new();
    let end = Screening::new(&batch).search(search, cores, |finding| {
        found.push(finding);
        ControlFlow::Continue(())
    });
    assert_eq!(end, Ok(ControlFlow::Continue(())));
    found
}

fn approaches(elements: &[Elements], search: &Search) -> Vec<Approach> {
    let found = findings(elements, search, Cores::One).into_iter();
    found.filter_map(|finding| if let Finding::Approach(approach) = finding { Some(approach) } else { None }).collect()
}

/// The same encounters both ways, and nothing else. What is within rounding of the threshold may be in either; so may be the minimum of two
/// that move along side by side, within a second of the window's ends.
fn same(
    elements: &[Elements],
    (found, expected): (&[Approach], &[Encounter]),
    (from, to): (Timestamp, Timestamp),
    within_km: f64,
) {
    let is_doubtful = |distance_km: f64, at: Timestamp, blur_s: f64| {
        let is_at_end = at.since(from).as_secs_f64() < blur_s || to.since(at).as_secs_f64() < blur_s;
        (distance_km - within_km).abs() < 1e-6 || is_at_end
    };
    let mut left: Vec<&Approach> = found.iter().collect();
    for encounter in expected {
        let place = left.iter().position(|approach| encounter.is(approach));
        match place {
            Some(place) => {
                left.remove(place);
            }
            None => assert!(
                is_doubtful(encounter.distance_km, encounter.at, encounter.blur_s()),
                "missed {encounter:?}; left: {}",
                brief(&left)
            ),
        }
    }
    left.retain(|one| {
        let is_flat = one.relative_speed_km_s < 0.1 && brute::from_minimum_s(elements, one) < 1.0;
        !is_doubtful(one.miss_distance_km, one.at, if is_flat { 1.0 } else { 0.0 })
    });
    assert!(left.is_empty(), "brute force knows nothing of {}", brief(&left));
}

fn brief(approaches: &[&Approach]) -> String {
    let line = |one: &&Approach| {
        let Approach { primary, secondary, at, miss_distance_km, relative_speed_km_s, extent, .. } = one;
        format!("{primary} {secondary} {at} {miss_distance_km} km {relative_speed_km_s} km/s {extent:?}\n")
    };
    approaches.iter().map(line).collect()
}

fn check(elements: &[Elements], from: Timestamp, to: Timestamp, within_km: f64) -> usize {
    let search = Search::new(from, to, within_km).unwrap();
    let found = approaches(elements, &search);
    let expected = brute::force(elements, from, to, within_km);
    same(elements, (&found, &expected), (from, to), within_km);
    for step in [17, 120, 300] {
        let search = search.in_steps_of(Duration::from_secs(step)).unwrap();
        same(elements, (&approaches(elements, &search), &expected), (from, to), within_km);
    }
    expected.len()
}

#[test]
fn random_orbits() {
    let mut count = 0;
    for (seed, within_km) in [(1, 10.0), (2, 100.0), (3, 300.0), (4, 900.0)] {
        let mut dice = Dice::new(seed);
        let elements: Vec<Elements> = (0..60).map(|place| dice.orbit(place)).collect();
        count += check(&elements, after(0.0), after(7_300.0), within_km);
    }
    assert!(count > 100, "only {count} encounters were compared");
}

#[test]
fn near_misses() {
    let mut dice = Dice::new(11);
    let mut elements = Vec::new();
    for pair in 0..24 {
        elements.extend(dice.near_miss(2 * pair, 3_600.0));
    }
    let met = approaches(&elements, &Search::new(after(3_500.0), after(3_700.0), 2.0).unwrap());
    let planned = (0..24).filter(|pair| met.iter().any(|one| one.primary == 2 * pair && one.secondary == 2 * pair + 1));
    assert_eq!(planned.count(), 24, "a planned near miss was not met: {met:#?}");
    assert!(check(&elements, after(0.0), after(7_200.0), 2.0) >= 24);
}

#[test]
fn orbits_side_by_side() {
    for seed in [21, 22, 23] {
        let mut dice = Dice::new(seed);
        let elements = dice.company(10);
        let count = check(&elements, after(0.0), after(12_000.0), 10.0);
        assert!(count > 20, "seed {seed}: only {count} encounters were compared");
    }
}

#[test]
fn one_against_all_is_a_part_of_all_against_all() {
    let mut dice = Dice::new(31);
    let mut elements: Vec<Elements> = (0..60).map(|place| dice.orbit(place)).collect();
    elements.extend(dice.company(6));
    let all = Search::new(after(0.0), after(6_000.0), 150.0).unwrap();
    let everything = approaches(&elements, &all);
    let mut count = 0;
    for satellite in 0..elements.len() {
        let mut mine: Vec<(usize, Timestamp)> = approaches(&elements, &all.of(satellite))
            .iter()
            .map(|approach| {
                assert_eq!(approach.primary, satellite);
                (approach.secondary, approach.at)
            })
            .collect();
        let theirs = everything.iter().filter_map(|approach| match (approach.primary, approach.secondary) {
            (one, other) if one == satellite => Some((other, approach.at)),
            (other, one) if one == satellite => Some((other, approach.at)),
            _ => None,
        });
        let mut theirs: Vec<(usize, Timestamp)> = theirs.collect();
        count += theirs.len();
        mine.sort();
        theirs.sort();
        assert_eq!(mine, theirs);
    }
    assert_eq!(count, 2 * everything.len());
}

#[test]
fn windows_one_after_the_other_have_each_minimum_once() {
    let mut dice = Dice::new(41);
    let mut elements: Vec<Elements> = (0..12).flat_map(|pair| dice.near_miss(2 * pair, 600.0)).collect();
    elements.extend(dice.company(6));
    let minima = |from: Timestamp, to: Timestamp| {
        let mut found = approaches(&elements, &Search::new(from, to, 5.0).unwrap());
        found.retain(|approach| approach.extent == Extent::Minimum);
        found.iter().map(|approach| (approach.primary, approach.secondary, approach.at)).collect::<Vec<_>>()
    };
    let whole = minima(after(0.0), after(1_200.0));
    assert!(whole.len() >= 12);
    for (_, _, at) in &whole {
        for microseconds in [-1_000, -2, -1, 0, 1, 2, 1_000_i64] {
            let cut = if microseconds < 0 {
                at.minus(Duration::from_micros(microseconds.unsigned_abs()))
            } else {
                at.plus(Duration::from_micros(microseconds.unsigned_abs()))
            };
            let mut parts = minima(after(0.0), cut);
            parts.extend(minima(cut, after(1_200.0)));
            assert_eq!(parts.len(), whole.len(), "cut {microseconds} µs after {at}");
        }
    }
}

#[test]
fn the_ends_of_the_window() {
    let mut dice = Dice::new(51);
    let pair = dice.near_miss(0, 600.0);
    let whole = approaches(&pair, &Search::new(after(0.0), after(1_200.0), 5.0).unwrap());
    let [approach] = whole.as_slice() else { panic!("{whole:#?}") };
    let second = |seconds: f64| {
        let micros = Duration::from_micros((seconds.abs() * 1e6) as u64);
        if seconds < 0.0 { approach.at.minus(micros) } else { approach.at.plus(micros) }
    };
    let extents = |from: f64, to: f64| -> Vec<Extent> {
        let search = Search::new(second(from), second(to), 5.0).unwrap();
        approaches(&pair, &search).iter().map(|approach| approach.extent).collect()
    };
    assert_eq!(extents(0.05, 300.0), [Extent::Start]);
    assert_eq!(extents(-300.0, -0.05), [Extent::End]);
    assert_eq!(extents(-0.05, 0.05), [Extent::Minimum]);
    assert_eq!(extents(-0.05, 300.0), [Extent::Minimum]);
    assert_eq!(extents(10.0, 300.0), []);
    assert_eq!(extents(-0.05, -0.049_999), [Extent::End]);
}

#[test]
fn satellites_on_top_of_one_another() {
    let mut dice = Dice::new(61);
    let one = dice.orbit(0);
    let found = approaches(&[one.clone(), one], &Search::new(after(0.0), after(7_200.0), 1.0).unwrap());
    let [approach] = found.as_slice() else { panic!("{found:#?}") };
    assert_eq!((approach.miss_distance_km, approach.extent), (0.0, Extent::Start));
}

#[test]
fn components_are_of_the_primary() {
    let mut dice = Dice::new(71);
    let elements: Vec<Elements> = (0..10).flat_map(|pair| dice.near_miss(2 * pair, 600.0)).collect();
    let found = approaches(&elements, &Search::new(after(0.0), after(1_200.0), 5.0).unwrap());
    assert!(found.len() >= 10);
    for approach in found {
        let length = |a: &engine_orbital::Local| {
            (a.radial * a.radial + a.in_track * a.in_track + a.cross_track * a.cross_track).sqrt()
        };
        assert!((length(&approach.miss_km) - approach.miss_distance_km).abs() < 1e-9);
        assert!((length(&approach.relative_velocity_km_s) - approach.relative_speed_km_s).abs() < 1e-9);
        let miss = approach.primary_state.position_km;
        let heights =
            [miss, approach.secondary_state.position_km].map(|p| (p[0] * p[0] + p[1] * p[1] + p[2] * p[2]).sqrt());
        assert!((heights[1] - heights[0] - approach.miss_km.radial).abs() < 0.01);
        // The motion of the primary is forward, so a secondary that stood still would come from ahead.
        let (a, b) = (approach.miss_km, approach.relative_velocity_km_s);
        let closing = a.radial * b.radial + a.in_track * b.in_track + a.cross_track * b.cross_track;
        assert!(closing.abs() < 0.01 * approach.relative_speed_km_s, "{approach:#?}");
    }
}

#[test]
fn who_decays_is_lost_and_not_forgotten() {
    let mut dice = Dice::new(81);
    let mut elements = dice.company(3);
    // One that decays within the hour beside one with the same orbit but no drag; one without an orbit.
    let (dying, living) = dice.decaying(3);
    elements.extend([dying, living, dice.orbit(5)]);
    elements[5].eccentricity = 1.5;
    let search = Search::new(after(0.0), after(20_000.0), 200.0).unwrap();
    let found = findings(&elements, &search, Cores::One);
    let lost: Vec<(usize, Sgp4Error)> = found
        .iter()
        .filter_map(|finding| match finding {
            Finding::Lost { satellite, error, .. } => Some((*satellite, *error)),
            _ => None,
        })
        .collect();
    assert_eq!(lost.first(), Some(&(5, Sgp4Error::InvalidElements)));
    assert!(lost.iter().any(|(satellite, _)| *satellite == 3), "{lost:?}");
    assert!(lost.iter().all(|(satellite, _)| [3, 5].contains(satellite)), "{lost:?}");
    let expected = brute::force(&elements[..5], after(0.0), after(20_000.0), 200.0);
    let minima: Vec<Approach> = found
        .iter()
        .filter_map(|finding| match finding {
            Finding::Approach(approach) if approach.extent == Extent::Minimum => Some(*approach),
            _ => None,
        })
        .collect();
    let expected: Vec<Encounter> =
        expected.into_iter().filter(|encounter| encounter.extent == Extent::Minimum).collect();
    same(&elements, (&minima, &expected), (after(0.0), after(20_000.0)), 200.0);
}

#[test]
fn one_core_finds_what_all_find_in_the_order_of_time() {
    let mut dice = Dice::new(91);
    let mut elements: Vec<Elements> = (0..80).map(|place| dice.orbit(place)).collect();
    elements.extend(dice.company(6));
    elements.extend(<[Elements; 2]>::from(dice.decaying(86)));
    let search = Search::new(after(0.0), after(20_000.0), 100.0).unwrap();
    let without_progress = |cores: Cores| {
        let mut found = findings(&elements, &search, cores);
        let last = found.last().copied();
        assert!(matches!(last, Some(Finding::Progress { share: 1.0, .. })), "{last:?}");
        found.retain(|finding| !matches!(finding, Finding::Progress { .. }));
        found
    };
    let one = without_progress(Cores::One);
    assert_eq!(one, without_progress(Cores::All));
    let times = |finding: &Finding| match finding {
        Finding::Approach(approach) => approach.at,
        Finding::Lost { at, .. } | Finding::Regained { at, .. } => *at,
        Finding::Progress { until, .. } => *until,
    };
    assert!(one.is_sorted_by_key(times));
    assert!(one.len() > 20, "only {} findings", one.len());
}

#[test]
fn the_receiver_ends_the_search() {
    let mut dice = Dice::new(95);
    let elements: Vec<Elements> = (0..40).map(|place| dice.orbit(place)).collect();
    let batch = Batch::new(&elements, Gravity::Wgs72);
    let search = Search::new(after(0.0), after(200_000.0), 5.0).unwrap();
    for (cores, most) in [(Cores::One, 1), (Cores::All, 1)] {
        let mut calls = 0;
        let end = Screening::new(&batch).search(&search, cores, |_| {
            calls += 1;
            ControlFlow::Break(())
        });
        assert_eq!((end, calls), (Ok(ControlFlow::Break(())), most));
    }
}

#[test]
fn searches_that_are_refused() {
    let (from, to) = (after(0.0), after(1.0));
    assert_eq!(Search::new(to, from, 5.0), Err(SearchError::Window { from: to, to: from }));
    assert_eq!(Search::new(from, from, 5.0), Err(SearchError::Window { from, to: from }));
    for within_km in [0.0, -1.0, f64::INFINITY, 1_000.1] {
        assert_eq!(Search::new(from, to, within_km), Err(SearchError::Threshold(within_km)));
    }
    assert!(Search::new(from, to, f64::NAN).is_err());
    let search = Search::new(from, to, 5.0).unwrap();
    assert_eq!(search.in_steps_of(Duration::ZERO), Err(SearchError::Step(Duration::ZERO)));
    let batch = Batch::new(&[], Gravity::Wgs72);
    let answer = Screening::new(&batch).search(&search.of(0), Cores::One, |_| ControlFlow::Continue(()));
    assert_eq!(answer, Err(SearchError::Satellite { satellite: 0, among: 0 }));
    assert_eq!(findings(&[], &search, Cores::All).len(), 1, "an empty batch makes progress only");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases / 32, ..ProptestConfig::default() })]

    #[test]
    fn any_constellation(seed: u64, within_km in 0.5..400.0_f64, start in 0.0..5_000.0_f64, length in 1.0..5_000.0_f64) {
        let mut dice = Dice::new(seed);
        let mut elements: Vec<Elements> = (0..16).map(|place| dice.orbit(place)).collect();
        elements.extend((0..4).flat_map(|pair| dice.near_miss(16 + 2 * pair, start + 0.5 * length)));
        elements.extend(dice.company(6));
        let (from, to) = (after(start), after(start + length));
        let search = Search::new(from, to, within_km).unwrap();
        let found = approaches(&elements, &search);
        same(&elements, (&found, &brute::force(&elements, from, to, within_km)), (from, to), within_km);
    }
}
