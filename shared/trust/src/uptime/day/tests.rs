use proptest::prelude::*;

use super::*;
use crate::uptime::{
    schedule::Interval,
    slot::{Attempt, Nothing, Outcome, Seen},
    span::Span,
};

fn day() -> Day {
    Day::parse("2028-02-29").unwrap()
}

fn end() -> Moment {
    day().next().start().plus(3600)
}

fn vantages(count: u8) -> impl Iterator<Item = Vantage> {
    (0..count).map(|number| format!("v{number}").parse().unwrap())
}

/// An hourly monitor that always runs, on the full hour.
fn plan(panel: u8) -> Plan {
    let grid = Grid::new(Interval::from_seconds(3600).unwrap(), 0).unwrap();
    Plan {
        schedule: Schedule { grid, running: [Span::since(Moment::EPOCH)].into_iter().collect() },
        panel: Panel::new(vantages(panel).collect()).unwrap(),
        maintenance: Spans::default(),
    }
}

fn hours(from: i64, until: i64) -> Span {
    Span { from: day().start().plus(from * 3600), until: day().start().plus(until * 3600) }
}

/// What one vantage saw, hour by hour: `u` up, `d` down, `1` one failure, `f` its own fault, `-` nothing.
fn seen(by: &Vantage, letters: &str) -> Sightings {
    let mut sightings = Sightings::default();
    for (slot, letter) in (0..).map(SlotIndex).zip(letters.chars()) {
        let outcomes: &[Outcome] = match letter {
            'u' => &[Outcome::Up { latency_ms: 10 }],
            'd' => &[Outcome::Down(Reason::Timeout); 2],
            '1' => &[Outcome::Down(Reason::Timeout)],
            'f' => &[Outcome::Nothing(Nothing::Fault)],
            _ => &[],
        };
        let attempts = (0..).map(Attempt).zip(outcomes).map(|(attempt, &outcome)| (slot, attempt, outcome));
        sightings.keep(by, attempts);
    }
    sightings
}

fn alone(letters: &str) -> Sightings {
    seen(&"v0".parse().unwrap(), letters)
}

fn counts(tally: &Tally) -> [u64; 5] {
    [tally.up(), tally.down(), tally.unknown(), tally.maintenance(), tally.expected()]
}

fn tally(up: u64, down: u64, unknown: u64, maintenance: u64) -> Tally {
    Tally::from(vec![
        (Slot::Up, up),
        (Slot::Down(Reason::Dns), down),
        (Slot::Unknown(Gap::Silent), unknown),
        (Slot::Maintenance(Seen::Down(Reason::Refused)), maintenance),
    ])
}

#[test]
fn what_nobody_saw_is_unknown_with_its_reason_and_lowers_coverage_not_uptime() {
    let settled = plan(1).settle(day(), &alone("uuuuuuuuuuuuddf1--------"), end());
    let tally = settled.tally();
    assert_eq!(counts(&tally), [12, 2, 10, 0, 24]);
    assert_eq!(tally.unknown_for(Gap::Silent), 8);
    assert_eq!((tally.unknown_for(Gap::Fault), tally.unknown_for(Gap::Unconfirmed)), (1, 1));
    assert_eq!(tally.down_for(Reason::Timeout), 2);
    assert_eq!(tally.uptime(), Ratio { count: 12, of: 14 });
    assert_eq!(tally.coverage(), Ratio { count: 14, of: 24 });
    assert_eq!(tally.claim(), None, "not enough data");
    let bounds = tally.bounds();
    assert_eq!((bounds.least.count, bounds.most.count, bounds.most.of), (12, 22, 24));
}

#[test]
fn a_day_nobody_watched_is_unknown_throughout_and_a_monitor_that_did_not_run_expects_nothing() {
    let unwatched = plan(1).settle(day(), &Sightings::default(), end()).tally();
    assert_eq!(counts(&unwatched), [0, 0, 24, 0, 24]);
    assert_eq!((unwatched.claim(), unwatched.uptime().basis_points()), (None, None));
    let mut paused = plan(1);
    paused.schedule.running = Spans::default();
    let settled = paused.settle(day(), &alone(&"u".repeat(24)), end());
    assert_eq!(counts(&settled.tally()), [0; 5]);
    assert_eq!((settled.tally().claim(), settled.latency), (None, None));
    assert_eq!(settled.vantages.len(), 1);
}

#[test]
fn a_monitor_that_starts_or_stops_within_a_day_is_measured_by_its_own_slots() {
    let mut part = plan(1);
    part.schedule.running = [hours(6, 9), hours(20, 22)].into_iter().collect();
    let settled = part.settle(day(), &alone(&"u".repeat(24)), end());
    assert_eq!(counts(&settled.tally()), [5, 0, 0, 0, 5]);
    assert_eq!(settled.vantages.values().next().unwrap().up, 5);
    let due: Vec<usize> = (0..24).filter(|&slot| settled.slots[slot].is_some()).collect();
    assert_eq!(due, [6, 7, 8, 20, 21]);
}

#[test]
fn of_a_day_that_goes_on_only_the_slots_that_are_over_are_expected() {
    for (minutes, expected) in [(0, 0), (59, 0), (60, 1), (150, 2), (24 * 60, 24)] {
        let as_of = day().start().plus(minutes * 60);
        let tally = plan(1).settle(day(), &Sightings::default(), as_of).tally();
        assert_eq!(tally.expected(), expected, "after {minutes} min");
    }
}

#[test]
fn maintenance_takes_whole_slots_out_of_the_contractual_figure_and_none_out_of_the_raw_one() {
    let mut plan = plan(1);
    let sightings = alone("dduuuuuuuuuuuuuuuuuuuuuu");
    plan.maintenance = [hours(0, 1), hours(1, 2)].into_iter().collect();
    let tally = plan.settle(day(), &sightings, end()).tally();
    assert_eq!(counts(&tally), [22, 0, 0, 2, 24]);
    assert_eq!(tally.claim(), Some(Ratio { count: 22, of: 22 }));
    assert_eq!(tally.coverage(), Ratio { count: 22, of: 22 });
    assert_eq!(counts(&tally.raw()), [22, 2, 0, 0, 24]);
    assert_eq!(tally.raw().claim(), Some(Ratio { count: 22, of: 24 }));
    // One second short of the slot's end, or beginning one late, and it counts as any other.
    let nearly = Span { from: hours(0, 2).from.plus(1), until: hours(0, 2).until.plus(-1) };
    plan.maintenance = [nearly].into_iter().collect();
    assert_eq!(counts(&plan.settle(day(), &sightings, end()).tally()), [22, 2, 0, 0, 24]);
}

#[test]
fn vantages_that_disagree_are_counted_each_and_decide_together() {
    let mut sightings = Sightings::default();
    for (vantage, letters) in vantages(3).zip(["uddduf", "uuddf1", "uuudd-"]) {
        sightings.join(&seen(&vantage, letters));
    }
    let settled = plan(3).settle(day(), &sightings, end());
    let of = |slot: usize| settled.slots[slot].unwrap();
    let timeout = Slot::Down(Reason::Timeout);
    let decided = (0..6).map(of).collect::<Vec<_>>();
    assert_eq!(
        decided,
        [Slot::Up, Slot::Up, timeout, timeout, Slot::Unknown(Gap::Disputed), Slot::Unknown(Gap::Unconfirmed)]
    );
    let confirming = |slot| sightings.confirmed_by(SlotIndex(slot)).map(Vantage::as_str).collect::<Vec<_>>();
    assert_eq!(
        (confirming(0), confirming(2), confirming(3)),
        (vec![], vec!["v0", "v1"], vec!["v0", "v1", "v2"])
    );
    let counts: Vec<[u32; 3]> =
        settled.vantages.values().map(|count| [count.up, count.down, count.nothing]).collect();
    assert_eq!(counts, [[2, 3, 19], [2, 2, 20], [3, 2, 19]]);
}

#[test]
fn a_claim_takes_95_percent_coverage_and_not_a_slot_less() {
    for (known, unknown, claimed) in [(95, 5, true), (94, 6, false), (1368, 72, true), (1367, 73, false)] {
        assert_eq!(tally(known, 0, unknown, 0).claim().is_some(), claimed, "{known} of {}", known + unknown);
    }
    assert!(tally(95, 0, 5, 900).is_covered(), "maintenance is not expected to be covered");
    assert!(!tally(0, 0, 0, 24).is_covered(), "of nothing but maintenance nothing is known");
}

#[test]
fn a_single_lost_slot_of_thirty_days_shows() {
    let month: Tally = std::iter::repeat_n(&tally(1440, 0, 0, 0), 29).chain([&tally(1439, 1, 0, 0)]).sum();
    assert_eq!(month.claim().unwrap(), Ratio { count: 43_199, of: 43_200 });
    assert_eq!(month.claim().unwrap().basis_points().unwrap().to_string(), "99.99 %");
}

#[test]
fn the_latencies_of_a_day_are_those_of_its_expected_slots() {
    let mut part = plan(1);
    part.schedule.running = [hours(6, 9)].into_iter().collect();
    let sightings = alone(&"u".repeat(24));
    assert_eq!(part.settle(day(), &sightings, end()).latency, Some(Latency { p50_ms: 10, p95_ms: 10 }));
    assert_eq!(part.latencies(day(), &sightings, end()).answers(), 3);
    assert_eq!(part.latencies(day(), &sightings, hours(0, 8).until).answers(), 2);
}

prop_compose! {
    fn tallies()(up in 0..2000_u64, down in 0..50_u64, unknown in 0..200_u64, maintenance in 0..100_u64) -> Tally {
        tally(up, down, unknown, maintenance)
    }
}

proptest! {
    #[test]
    fn whatever_the_unknown_slots_were_uptime_is_within_its_bounds(of in tallies(), were_up in 0..=200_u64) {
        for tally in [of.clone(), of.raw()] {
            let Bounds { least, most } = tally.bounds();
            let within = |truth: Ratio| {
                let product = |a: u64, b: u64| u128::from(a) * u128::from(b);
                product(least.count, truth.of) <= product(truth.count, least.of)
                    && product(truth.count, most.of) <= product(most.count, truth.of)
            };
            let were_up = were_up.min(tally.unknown());
            let of = tally.expected() - tally.maintenance();
            let truth = Ratio { count: tally.up() + were_up, of };
            prop_assert!(within(truth));
            prop_assert!(within(tally.uptime()));
        }
        prop_assert_eq!(of.raw().expected(), of.expected());
        prop_assert_eq!(of.raw().maintenance(), 0);
    }

    #[test]
    fn days_sum_to_the_counts_of_their_slots_in_any_order(days in prop::collection::vec(tallies(), 0..8)) {
        let forwards: Tally = days.iter().sum();
        let backwards: Tally = days.iter().rev().sum();
        prop_assert_eq!(&forwards, &backwards);
        prop_assert_eq!(forwards.up(), days.iter().map(Tally::up).sum::<u64>());
        prop_assert_eq!(forwards.expected(), days.iter().map(Tally::expected).sum::<u64>());
        let text = serde_json::to_string(&forwards).unwrap();
        prop_assert_eq!(serde_json::from_str::<Tally>(&text).unwrap(), forwards);
    }

    #[test]
    fn segments_in_any_order_and_doubled_settle_to_the_same_day(
        parts in prop::collection::vec((0..3_usize, "[ud1f-]{24}"), 1..6), again in 0..6_usize,
    ) {
        let names: Vec<Vantage> = vantages(3).collect();
        let joined = |order: &mut dyn Iterator<Item = &(usize, String)>| {
            let mut sightings = Sightings::default();
            for (vantage, letters) in order {
                sightings.join(&seen(&names[*vantage], letters));
            }
            plan(3).settle(day(), &sightings, end())
        };
        let once = joined(&mut parts.iter());
        let twice = joined(&mut parts.iter().rev().chain(parts.iter().skip(again)));
        prop_assert_eq!(&once, &twice);
        prop_assert!(once.vantages.values().all(|count| count.slots() == 24));
    }

    #[test]
    fn losing_sightings_never_makes_known_slots_more(
        letters in prop::collection::vec("[ud1f-]{24}", 3), lost in 0..3_usize,
    ) {
        let settled = |without: Option<usize>| {
            let mut sightings = Sightings::default();
            for (place, vantage) in vantages(3).enumerate().filter(|(place, _)| Some(*place) != without) {
                sightings.join(&seen(&vantage, &letters[place]));
            }
            plan(3).settle(day(), &sightings, end())
        };
        let (all, less) = (settled(None), settled(Some(lost)));
        for slot in 0..24 {
            let (all, less) = (all.slots[slot].unwrap(), less.slots[slot].unwrap());
            prop_assert!(!(all == Slot::Up && matches!(less, Slot::Down(_))));
            prop_assert!(!(matches!(all, Slot::Down(_)) && less == Slot::Up));
        }
    }
}
