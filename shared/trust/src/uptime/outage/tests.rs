use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::uptime::{
    schedule::{Grid, Interval},
    slot::Gap,
};

fn first_day() -> Day {
    Day::parse("2028-02-28").unwrap()
}

fn at(hours: i64) -> Moment {
    first_day().start().plus(hours * 3600)
}

/// Days of an hourly monitor, hour by hour: `u` up, `d` down, `?` unknown, `m` maintenance, `.` not expected.
fn days(letters: &str) -> Vec<MonitorDay> {
    let slot = |letter: &u8| match letter {
        b'u' => Some(Slot::Up),
        b'd' => Some(Slot::Down(Reason::Timeout)),
        b'?' => Some(Slot::Unknown(Gap::Silent)),
        b'm' => Some(Slot::Maintenance(Seen::Down(Reason::Timeout))),
        _ => None,
    };
    let mut day = first_day();
    let mut days = Vec::new();
    for part in letters.as_bytes().chunks(24) {
        let mut slots: Vec<Option<Slot>> = part.iter().map(slot).collect();
        slots.resize(24, Some(Slot::Up));
        let grid = Grid::new(Interval::from_seconds(3600).unwrap(), 0).unwrap();
        days.push(MonitorDay { day, grid, slots, vantages: BTreeMap::new(), latency: None });
        day = day.next();
    }
    days
}

fn late() -> Moment {
    at(24 * 365)
}

fn hours(outages: &[Outage]) -> Vec<(i64, i64)> {
    let hour = |moment: Moment| (moment.unix() - first_day().start().unix()) / 3600;
    outages.iter().map(|outage| (hour(outage.from), hour(outage.until))).collect()
}

#[test]
fn an_outage_is_a_maximal_run_of_down_whatever_ends_it() {
    for (letters, expected) in [
        ("uddu", vec![(1, 3, Ended::Recovered)]),
        ("dd?d", vec![(0, 2, Ended::LostSight), (3, 4, Ended::Recovered)]),
        ("ddmd", vec![(0, 2, Ended::Maintenance), (3, 4, Ended::Recovered)]),
        ("dd.d", vec![(0, 2, Ended::Stopped), (3, 4, Ended::Recovered)]),
        ("u?m.", vec![]),
    ] {
        let found = outages(None, &days(letters), late());
        let ends = found.iter().map(|outage| outage.ended.unwrap());
        let found: Vec<(i64, i64, Ended)> =
            hours(&found).into_iter().zip(ends).map(|((from, until), ended)| (from, until, ended)).collect();
        assert_eq!(found, expected, "{letters}");
    }
}

#[test]
fn an_outage_over_midnight_of_a_leap_day_is_one() {
    let letters = format!("{}{}{}", "u".repeat(22), "d".repeat(30), "u".repeat(20));
    let found = outages(None, &days(&letters), late());
    assert_eq!(hours(&found), [(22, 52)]);
    assert_eq!((found[0].slots, found[0].seconds()), (30, 30 * 3600));
    assert_eq!(found[0].last_day, Day::parse("2028-03-01").unwrap());
}

#[test]
fn a_missing_day_ends_an_outage_without_a_recovery() {
    let three = days(&"d".repeat(72));
    let found = outages(None, [&three[0], &three[2]], late());
    assert_eq!(hours(&found), [(0, 24), (48, 72)]);
    assert_eq!((found[0].ended, found[1].ended), (Some(Ended::LostSight), None));
}

#[test]
fn an_outage_is_open_until_a_slot_that_is_over_ends_it() {
    let letters = "uudddu";
    for (hour, expected) in [(2, None), (3, Some((3, true))), (5, Some((5, true))), (6, Some((5, false)))] {
        let found = outages(None, &days(letters), at(hour));
        let found = found.first().map(|outage| (hours(std::slice::from_ref(outage))[0].1, outage.is_open()));
        assert_eq!(found, expected, "at {hour}");
    }
}

#[test]
fn a_new_grid_from_midnight_on_neither_splits_an_outage_nor_makes_it_overlap_its_recovery() {
    let mut two = days(&format!("{}dd{}", "u".repeat(22), "du"));
    two[0].grid = Grid::new(Interval::from_seconds(3600).unwrap(), 1800).unwrap();
    assert_eq!(outages(None, &two, late())[0].slots, 3);
    let mut recovered = days(&format!("{}dd{}", "u".repeat(22), "uu"));
    recovered[0].grid = two[0].grid;
    let found = outages(None, &recovered, late());
    assert_eq!((found[0].until, found[0].ended), (at(24), Some(Ended::Recovered)));
}

#[test]
fn overlapping_outages_of_services_are_one_incident() {
    let outage = |from: i64, until: i64, ended| Outage {
        from: at(from),
        until: at(until),
        slots: 1,
        reason: Reason::Dns,
        confirmed_by: BTreeSet::new(),
        last_day: first_day(),
        ended,
    };
    let name = |name: &str| -> MonitorId { name.parse().unwrap() };
    let recovered = Some(Ended::Recovered);
    let found = incidents([
        (name("c"), outage(8, 9, None)),
        (name("b"), outage(1, 4, recovered)),
        (name("a"), outage(3, 5, recovered)),
        (name("a"), outage(5, 6, recovered)),
        (name("a"), outage(10, 11, recovered)),
    ]);
    let shape: Vec<(Moment, Moment, bool, usize)> =
        found.iter().map(|found| (found.from, found.until, found.is_open, found.outages.len())).collect();
    assert_eq!(shape, [(at(1), at(5), false, 2), (at(5), at(6), false, 1), (at(8), at(11), true, 2)]);
}

#[test]
fn the_events_of_an_outage_are_the_same_whenever_they_are_told() {
    let service = Service {
        provider: "p1".parse().unwrap(),
        contract: Some("c1".parse().unwrap()),
        monitor: "m1".parse().unwrap(),
    };
    let open = &outages(None, &days("uddd"), at(2))[0];
    let longer = &outages(None, &days("uddd"), at(3))[0];
    let over = &outages(None, &days("uddd"), late())[0];
    assert_eq!(service.opened(open), service.opened(longer));
    assert_eq!(service.opened(open), service.opened(over));
    assert_eq!((service.opened(open).event_type, service.closed(open)), ("outage.opened", None));
    let opened = json!({
        "version": 1, "id": "m1-1835312400-opened", "provider": "p1", "contract": "c1", "monitor": "m1",
        "opened_at": "2028-02-28T01:00:00Z", "at": "2028-02-28T01:00:00Z", "reason": "timeout", "confirmed_by": ["a", "b"],
    });
    let over =
        &Outage { confirmed_by: ["b", "a"].map(|place| place.parse().unwrap()).into(), ..over.clone() };
    assert_eq!(serde_json::to_value(service.opened(over)).unwrap(), opened);
    let mut closed = opened;
    closed["id"] = "m1-1835312400-closed-1835323200".into();
    closed["closed_at"] = "2028-02-28T04:00:00Z".into();
    closed["at"] = "2028-02-28T04:00:00Z".into();
    closed["slots"] = 3.into();
    closed["ended"] = "recovered".into();
    assert_eq!(serde_json::to_value(service.closed(over)).unwrap(), closed);
}

proptest! {
    #[test]
    fn outages_hold_each_down_slot_once_and_nothing_else(letters in "[ud?m.]{1,96}") {
        let found = outages(None, &days(&letters), late());
        let held: Vec<i64> = hours(&found).into_iter().flat_map(|(from, until)| from..until).collect();
        let down: Vec<i64> =
            (0..).zip(letters.chars()).filter(|&(_, letter)| letter == 'd').map(|(hour, _)| hour).collect();
        prop_assert_eq!(held, down);
        prop_assert!(found.windows(2).all(|pair| pair[0].until < pair[1].from), "maximal: never adjacent");
        prop_assert!(found.iter().rev().skip(1).all(|outage| !outage.is_open()));
    }

    #[test]
    fn outages_are_the_same_when_days_are_looked_at_one_by_one(letters in "[ud?]{1,96}", as_of in 0..100_i64) {
        let days = days(&letters);
        let mut found: Vec<Outage> = Vec::new();
        for day in &days {
            let open = found.pop_if(|last| last.is_open());
            found.extend(outages(open, [day], at(as_of)));
        }
        prop_assert_eq!(found, outages(None, &days, at(as_of)));
    }

    #[test]
    fn incidents_are_the_connected_parts_of_overlapping_outages(
        parts in prop::collection::vec((0..40_i64, 1..8_i64), 0..10),
    ) {
        let outage = |&(from, length): &(i64, i64)| Outage {
            from: at(from), until: at(from + length), slots: 1, reason: Reason::Dns, confirmed_by: BTreeSet::new(),
            last_day: first_day(), ended: Some(Ended::Recovered),
        };
        let found = incidents(parts.iter().enumerate().map(|(n, part)| (format!("m{n}").parse().unwrap(), outage(part))));
        // Hours in which anything is down; an incident is a run of them that no beginning-as-another-ends
        // cuts.
        let down = |hour: i64| parts.iter().any(|&(from, length)| (from..from + length).contains(&hour));
        let joined = |hour: i64| parts.iter().any(|&(from, length)| from < hour && hour < from + length);
        let starts = (0..50).filter(|&hour| down(hour) && !joined(hour)).count();
        prop_assert_eq!(found.len(), starts);
        prop_assert_eq!(found.iter().map(|incident| incident.outages.len()).sum::<usize>(), parts.len());
        prop_assert!(found.windows(2).all(|pair| pair[0].until <= pair[1].from));
    }
}
