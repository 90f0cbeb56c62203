use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::{
    time::Day,
    uptime::{
        facts::{Watch, tests},
        schedule::{Grid, Interval, Schedule},
        slot::{Gap, Reason, Seen},
    },
};

/// Slots from twenty minutes before the second midnight on, each a letter.
const SLOTS: i64 = 120;

fn first_day() -> Day {
    Day::parse("2028-02-28").unwrap()
}

fn grid() -> Grid {
    Grid::new(Interval::SHORTEST, 30).unwrap()
}

/// When the slot of a letter begins.
fn slot(number: i64) -> Moment {
    first_day().next().start().plus(30 + (number - 20) * 60)
}

/// A monitor a minute that begins to run with the first letter, but for those that are `.`.
fn watch(letters: &str) -> Watch {
    let running = (0..).zip(letters.bytes()).filter(|(_, letter)| *letter != b'.');
    let running = running.map(|(number, _)| Span { from: slot(number), until: slot(number + 1) }).collect();
    Watch { schedule: Schedule { grid: grid(), running }, ..tests::watch(None) }
}

/// What is known of a slot at a moment: `u` up, `d` down, `?` unknown, `m` down while work was announced. It is reported on so many
/// seconds after its end.
fn seen(letter: u8, ends: Moment, delay: u32, now: Moment) -> Option<Slot> {
    let is_reported = ends.plus(i64::from(delay)) <= now;
    match letter {
        _ if ends > now => None,
        b'.' => None,
        b'm' => Some(Slot::Maintenance(Seen::Down(Reason::Dns))),
        _ if !is_reported => Some(Slot::Unknown(Gap::Silent)),
        b'u' => Some(Slot::Up),
        b'd' => Some(Slot::Down(Reason::Timeout)),
        _ => Some(Slot::Unknown(Gap::Fault)),
    }
}

/// The days from one on as they are known at a moment, the slots before `from` as nobody has seen them.
fn days(letters: &str, delays: &[u32], first: Day, from: Moment, now: Moment) -> Vec<MonitorDay> {
    let mut days = Vec::new();
    let mut day = first;
    while day <= now.day() {
        let slots = grid().slots().map(|index| {
            let span = grid().span(day, index);
            let number = (span.from.unix() - slot(0).unix()) / 60;
            let place = usize::try_from(number).ok().filter(|_| number < SLOTS)?;
            let letter = letters.as_bytes()[place];
            let seen = seen(letter, span.until, delays[place], now);
            if span.from < from { seen.map(|_| Slot::Unknown(Gap::Disputed)) } else { seen }
        });
        let slots = slots.collect();
        days.push(MonitorDay { day, grid: grid(), slots, vantages: BTreeMap::new(), latency: None });
        day = day.next();
    }
    days
}

proptest! {
    // Days are long, and a case has many of them.
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn a_look_finds_what_a_settling_would(
        letters in "[ud?m.]{120}",
        delays in prop::collection::vec(0..=180_u32, 120),
        steps in prop::collection::vec((0..1200_i64, any::<bool>(), any::<bool>()), 1..12),
    ) {
        let watch = watch(&letters);
        prop_assume!(watch.first_day() == Some(first_day()));
        let mut facts = Facts::of(watch);
        let mut now = slot(0);
        for (seconds, is_look, is_sealed) in steps {
            now = now.plus(seconds);
            let Some(next) = facts.next_day() else { break };
            if now.day() < next {
                continue;
            }
            let all = days(&letters, &delays, next, Moment::EPOCH, now);
            let settled = facts.settle(&all, None, now);
            let looked = facts.looked_at_from(now).map(|from| {
                let seen = days(&letters, &delays, from.day(), from, now);
                facts.look(from, &seen, None, now).unwrap()
            });
            if let Some(looked) = &looked {
                prop_assert_eq!(looked, &settled);
            }
            facts = looked.filter(|_| is_look).unwrap_or(settled);
            if is_sealed && grid().end_of(next).plus(LATE) <= now {
                facts = facts.seal(&all[0], BTreeMap::new());
            }
        }
    }
}

#[test]
fn a_look_begins_three_minutes_before_what_was_found_last() {
    let letters = "u".repeat(120);
    let delays = [0; 120];
    let facts = Facts::of(watch(&letters));
    assert_eq!(facts.looked_at_from(slot(60)), None, "nothing was found yet");
    let now = slot(60).plus(10);
    let settled = facts.settle(&days(&letters, &delays, first_day(), Moment::EPOCH, now), None, now);
    assert_eq!(settled.looked_at_from(slot(90)), Some(slot(57)));
    assert_eq!(settled.looked_at_from(slot(59)), None, "a clock that was set back");
    // What is sealed was found otherwise: an outage that nothing current goes on from.
    let mut sealed =
        settled.seal(&days(&letters, &delays, first_day(), Moment::EPOCH, now)[0], BTreeMap::new());
    assert_eq!(sealed.looked_at_from(slot(90)), Some(slot(57)));
    let down = days(&"d".repeat(120), &delays, first_day(), Moment::EPOCH, now);
    sealed.sealed.carried = outage::outages(None, &down[..1], now).pop();
    assert_eq!(sealed.looked_at_from(slot(90)), None);
}

#[test]
fn less_known_than_was_is_not_for_a_look() {
    let letters = "u".repeat(120);
    let now = slot(60);
    let seen = days(&letters, &[0; 120], first_day(), Moment::EPOCH, now);
    let settled = Facts::of(watch(&letters)).settle(&seen, None, now);
    let from = settled.looked_at_from(now).unwrap();
    assert_eq!(settled.look(from, &seen[1..], None, slot(59)), None);
}
