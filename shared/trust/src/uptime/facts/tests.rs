use proptest::prelude::*;

use super::*;
use crate::uptime::{
    day::VantageCount,
    percent::BasisPoints,
    schedule::{Grid, Interval},
    slot::{Attempt, Gap, Outcome, Panel, Reason},
    span::Span,
};

const DOWN: Slot = Slot::Down(Reason::Timeout);

fn first_day() -> Day {
    Day::parse("2028-02-28").unwrap()
}

fn grid() -> Grid {
    Grid::new(Interval::from_seconds(3600).unwrap(), 600).unwrap()
}

pub(super) fn watch(sla: Option<Sla>) -> Watch {
    Watch {
        service: Service {
            provider: "p".parse().unwrap(),
            contract: Some("c".parse().unwrap()),
            monitor: "m".parse().unwrap(),
        },
        name: "web".parse().unwrap(),
        kind: CheckKind::Https,
        schedule: Schedule {
            grid: grid(),
            running: [Span::since(first_day().start())].into_iter().collect(),
        },
        windows: Vec::new(),
        ended: None,
        lapses: None,
        sla,
        rented_by: RentedBy::Another,
    }
}

/// Days from the first one on, an hour a letter: `u` up, `d` down, `?` unknown.
fn days(letters: &str) -> Vec<MonitorDay> {
    let mut day = first_day();
    let mut days = Vec::new();
    for hours in letters.as_bytes().chunks(24) {
        let mut slots: Vec<Option<Slot>> = hours
            .iter()
            .map(|letter| {
                Some(match letter {
                    b'u' => Slot::Up,
                    b'd' => DOWN,
                    _ => Slot::Unknown(Gap::Silent),
                })
            })
            .collect();
        slots.resize(24, None);
        let vantages = [("v".parse().unwrap(), VantageCount::default())].into();
        days.push(MonitorDay { day, grid: grid(), slots, vantages, latency: None });
        day = day.next();
    }
    days
}

fn after(hours: i64) -> Moment {
    first_day().start().plus(600 + hours * 3600)
}

/// Settles so many hours of these.
fn settled(facts: &Facts, letters: &str, hours: usize) -> Facts {
    let seen = days(&letters[..hours]);
    let left: Vec<MonitorDay> =
        seen.into_iter().filter(|day| facts.next_day().is_some_and(|next| day.day >= next)).collect();
    facts.settle(&left, None, after(hours as i64))
}

/// Looks at so many hours of these, with nothing seen of what is not looked at.
fn looked(facts: &Facts, letters: &str, hours: usize) -> Facts {
    let now = after(hours as i64);
    let Some(from) = facts.looked_at_from(now) else { return settled(facts, letters, hours) };
    let mut seen: Vec<MonitorDay> =
        days(&letters[..hours]).into_iter().filter(|day| day.day >= from.day()).collect();
    for (index, slot) in grid().slots().zip(&mut seen[0].slots) {
        if grid().span(from.day(), index).from < from {
            *slot = Some(Slot::Unknown(Gap::Disputed));
        }
    }
    facts.look(from, &seen, None, now).unwrap()
}

fn told(news: &[News]) -> Vec<String> {
    news.iter()
        .map(|news| match news {
            News::Outage(event) => event.id.clone(),
            News::Sla(event) => event.id.clone(),
            News::Certificate(event) => event.id.clone(),
        })
        .collect()
}

#[test]
fn outages_are_told_when_they_open_and_when_they_close() {
    let letters = format!("{}{}", "u".repeat(4), "dd".to_owned() + &"u".repeat(18));
    let mut facts = Facts::of(watch(None));
    let mut told_at = Vec::new();
    for hours in 1..=24 {
        let next = settled(&facts, &letters, hours);
        told_at.extend(told(&news(&facts, &next)).into_iter().map(|id| (hours, id)));
        facts = next;
    }
    let begin = after(4).unix();
    let closed = format!("m-{begin}-closed-{}", after(6).unix());
    let expected = [(5, format!("m-{begin}-opened")), (7, closed)];
    assert_eq!(told_at, expected);
}

#[test]
fn an_outage_across_midnight_is_one_and_stays_one_when_the_day_is_sealed() {
    let letters = "u".repeat(22) + "dddd" + &"u".repeat(22);
    let begun = settled(&Facts::of(watch(None)), &letters, 25);
    assert!(begun.open_outage().is_some());
    let sealed = begun.seal(&days(&letters)[0], BTreeMap::new());
    assert_eq!(news(&begun, &sealed), []);
    assert_eq!(sealed.open_outage(), begun.open_outage());
    let over = settled(&sealed, &letters, 27);
    assert_eq!(told(&news(&sealed, &over)), [format!("m-{}-closed-{}", after(22).unix(), after(26).unix())]);
    assert_eq!(over.outages().next().map(|outage| outage.slots), Some(4));
}

#[test]
fn an_outage_keeps_who_confirmed_its_first_slot_across_midnight_sealing_and_corrections() {
    let letters = "u".repeat(22) + "dddd" + &"u".repeat(22);
    let panel = ["a", "b", "c"].map(|vantage| vantage.parse().unwrap());
    let plan = Plan {
        schedule: watch(None).schedule,
        panel: Panel::new(panel.into()).unwrap(),
        maintenance: [].into_iter().collect(),
    };
    let mut seen = Sightings::default();
    let failed = [(Attempt(0), Outcome::Down(Reason::Timeout)), (Attempt(1), Outcome::Down(Reason::Timeout))];
    // One who does not decide with the others sees it too, and one of the others only later.
    for (vantage, slot) in [("a", 22), ("c", 22), ("not-asked", 22), ("b", 23)] {
        let checks = failed.map(|(attempt, outcome)| (SlotIndex(slot), attempt, outcome));
        seen.keep(&vantage.parse().unwrap(), checks);
    }
    let names = |facts: &Facts| -> Vec<String> {
        facts.outages().flat_map(|outage| outage.confirmed_by.iter().map(ToString::to_string)).collect()
    };
    let begun = settled(&Facts::of(watch(None)), &letters, 24).confirm(first_day(), &plan, &seen);
    assert_eq!(names(&begun), ["a", "c"]);
    let sealed = begun.seal(&days(&letters)[0], BTreeMap::new()).confirm(first_day(), &plan, &seen);
    assert_eq!(names(&sealed), ["a", "c"]);
    let over = settled(&sealed, &letters, 27).confirm(first_day().next(), &plan, &Sightings::default());
    assert_eq!(names(&over), ["a", "c"]);
    let corrected = over.seal(&days(&letters)[1], BTreeMap::new()).correct(&days(&letters), BTreeMap::new());
    assert_eq!(names(&corrected), ["a", "c"]);
}

#[test]
fn a_day_sealed_before_anybody_was_told_of_its_outage_is_told_then() {
    let letters = "u".repeat(3) + "dd" + &"u".repeat(19);
    let before = Facts::of(watch(None));
    let sealed = before.seal(&days(&letters)[0], BTreeMap::new());
    let begin = after(3).unix();
    let closed = format!("m-{begin}-closed-{}", after(5).unix());
    assert_eq!(told(&news(&before, &sealed)), [format!("m-{begin}-opened"), closed]);
}

#[test]
fn an_outage_that_goes_on_at_the_end_of_the_last_day_ends_with_it() {
    let letters = "u".repeat(22) + "dd";
    let mut ended = watch(None);
    ended.ended = Some(first_day().next().start());
    let unsettled = Facts::of(ended);
    let begun = settled(&unsettled, &letters, 23);
    assert!(begun.open_outage().is_some());
    let over = settled(&begun, &letters, 24);
    let sealed = begun.seal(&days(&letters)[0], BTreeMap::new());
    for facts in [&over, &sealed] {
        assert_eq!(facts.outages().next().map(|outage| outage.ended), Some(Some(outage::Ended::Stopped)));
        let closed = format!("m-{}-closed-{}", after(22).unix(), after(24).unix());
        assert_eq!(told(&news(&begun, facts)), [closed]);
    }
    assert_eq!((sealed.next_day(), sealed.sealed.carried.clone()), (None, None));
}

#[test]
fn what_comes_late_changes_what_was_told_and_whoever_heard_of_an_outage_hears_of_its_end() {
    let facts = Facts::of(watch(None));
    let begin = after(4).unix();
    // An hour is missing at first, so that the outage seems to end before it does.
    let early = settled(&facts, "uuuud?", 6);
    let late = settled(&early, "uuuudddu", 8);
    assert_eq!(told(&news(&facts, &early))[1], format!("m-{begin}-closed-{}", after(5).unix()));
    assert_eq!(told(&news(&early, &late)), [format!("m-{begin}-closed-{}", after(7).unix())]);
    // It turns out to have begun earlier: another outage.
    let open = settled(&facts, "uuu?dd", 6);
    let earlier = settled(&open, "uuuddd", 6);
    let expected = [format!("m-{}-opened", after(3).unix()), format!("m-{begin}-closed-{}", after(6).unix())];
    assert_eq!(told(&news(&open, &earlier)), expected);
}

#[test]
fn a_broken_promise_is_told_once_on_the_day_it_breaks() {
    // 99 % of 30 days: 7.2 hours.
    let sla = Sla::new(BasisPoints::new(9_900).unwrap(), 30).unwrap();
    let letters = "d".repeat(9) + &"u".repeat(39);
    let mut facts = Facts::of(watch(Some(sla)));
    let mut told_at = Vec::new();
    for hours in 1..=48 {
        let next = settled(&facts, &letters, hours);
        let breaches = told(&news(&facts, &next)).into_iter().filter(|id| id.contains("sla"));
        told_at.extend(breaches.map(|id| (hours, id)));
        facts = next;
        if hours == 30 {
            facts = facts.seal(&days(&letters)[0], BTreeMap::new());
        }
    }
    assert_eq!(told_at, [(8, format!("m-sla-{}", first_day()))]);
    let standing = facts.standing(first_day()).unwrap();
    assert_eq!((standing.allowed, standing.used, standing.breached_on), (25_920, 32_400, Some(first_day())));
}

#[test]
fn a_certificate_is_told_of_once_at_each_threshold_and_anew_for_another_certificate() {
    let facts = Facts::of(watch(None));
    let expires = after(40 * 24);
    let mut known = facts.clone();
    let mut told_on = Vec::new();
    for day in 0..40 {
        let next = facts.settle(&[], Some(expires), after(day * 24));
        told_on.extend(told(&news(&known, &next)).iter().map(|_| 40 - day));
        known = next;
    }
    assert_eq!(told_on, [30, 14, 7, 3, 1]);
    let other = facts.settle(&[], Some(expires.plus(60)), after(39 * 24));
    assert_eq!(news(&known, &other).len(), 1);
    let renewed = facts.settle(&[], None, after(39 * 24));
    assert_eq!(news(&known, &renewed), []);
}

#[test]
fn the_first_day_is_that_of_the_first_slot_and_the_last_that_of_the_contracts_end() {
    let at = |text| Moment::parse(text).unwrap();
    for (from, until, first, last) in [
        ("2028-02-28T00:00:00Z", "2028-03-01T00:00:00Z", "2028-02-28", Some("2028-02-29")),
        ("2028-02-28T23:10:00Z", "2028-02-29T00:00:01Z", "2028-02-28", Some("2028-02-29")),
        // The last slot of the day begins at 23:10.
        ("2028-02-28T23:10:01Z", "2028-02-29T09:00:00Z", "2028-02-29", Some("2028-02-29")),
        ("2028-02-28T22:10:01Z", "9999-12-30T22:00:00Z", "2028-02-28", None),
    ] {
        let mut watch = watch(None);
        let ended = Some(at(until)).filter(|until| *until < Moment::LATEST);
        watch.schedule.running = [Span { from: at(from), until: at(until) }].into_iter().collect();
        watch.ended = ended;
        assert_eq!(watch.first_day().unwrap().to_string(), first, "{from}");
        assert_eq!(watch.last_day().map(|day| day.to_string()).as_deref(), last, "{until}");
    }
}

#[test]
fn what_nobody_settled_is_unknown_and_what_is_not_over_is_not_due() {
    let letters = "u".repeat(60);
    let facts = settled(&Facts::of(watch(None)), &letters, 40).seal(&days(&letters)[0], BTreeMap::new());
    let counts = |fact: &DayFact| (fact.tally.up(), fact.tally.unknown());
    let due = facts.due_days(first_day().minus(3), first_day().next().next(), after(50));
    assert_eq!(due.iter().map(counts).collect::<Vec<_>>(), [(24, 0), (16, 8), (0, 2)]);
    assert_eq!(due.iter().map(|fact| facts.is_sealed(fact.day)).collect::<Vec<_>>(), [true, false, false]);
    let ended = Facts { watch: Watch { ended: Some(after(30)), ..facts.watch.clone() }, ..facts };
    assert_eq!(ended.due_days(first_day().next(), first_day().next().next(), after(50)).len(), 1);
}

#[test]
fn days_and_outages_beyond_what_is_kept_go() {
    let mut facts = Facts::of(watch(None));
    for day in days(&("ud".repeat(12).repeat(120))) {
        facts = facts.seal(&day, BTreeMap::new());
    }
    assert_eq!(facts.sealed.days.len(), usize::from(KEPT_DAYS));
    assert_eq!(facts.sealed.outages.len(), KEPT_OUTAGES);
    let same = facts.settle(&[], None, after(120 * 24));
    assert_eq!(news(&facts, &same), []);
}

proptest! {
    #[test]
    fn however_often_it_is_settled_looked_at_and_sealed_outages_and_days_come_out_the_same(
        letters in "[ud?]{72}",
        settlings in prop::collection::vec(1..72_usize, 0..6),
        looks in prop::collection::vec(1..72_usize, 0..12),
        seals in prop::collection::vec(24..73_usize, 0..3),
    ) {
        let whole = days(&letters);
        let mut facts = Facts::of(watch(None));
        let mut heard = Vec::new();
        for hours in 1..=72 {
            let before = facts.clone();
            if settlings.contains(&hours) || hours == 72 {
                facts = settled(&facts, &letters, hours);
            } else if looks.contains(&hours) {
                facts = looked(&facts, &letters, hours);
            }
            if seals.contains(&hours) {
                let next = facts.next_day().unwrap();
                let place = next.since(first_day()) as usize;
                if (place + 1) * 24 <= hours {
                    facts = facts.seal(&whole[place], BTreeMap::new());
                }
            }
            heard.extend(told(&news(&before, &facts)));
        }
        let facts = settled(&facts, &letters, 72);
        let expected = outage::outages(None, &whole, after(72));
        prop_assert_eq!(facts.outages().cloned().collect::<Vec<_>>(), expected.clone());
        prop_assert_eq!(facts.days().cloned().collect::<Vec<_>>(), whole.iter().map(DayFact::from).collect::<Vec<_>>());
        let service = &facts.watch.service;
        let mut events: Vec<String> = expected
            .iter()
            .flat_map(|outage| [Some(service.opened(outage)), service.closed(outage)])
            .flatten()
            .map(|event| event.id)
            .collect();
        heard.sort();
        events.sort();
        prop_assert_eq!(heard, events);
    }
}

/// The facts in which all of these days are sealed.
fn sealed(watch: Watch, letters: &str) -> Facts {
    days(letters).iter().fold(Facts::of(watch), |facts, day| facts.seal(day, BTreeMap::new()))
}

proptest! {
    #[test]
    fn days_that_are_corrected_are_as_if_they_had_been_sealed_so(
        was in "[ud?]{240}", is in "[ud?]{240}", first in 0..10_usize, last in 0..10_usize, ends: bool,
    ) {
        let (from, until) = (24 * first.min(last), 24 * (first.max(last) + 1));
        let right = format!("{}{}{}", &was[..from], &is[from..until], &was[until..]);
        let mut watch = watch(None);
        if ends {
            watch.ended = Some(after(240).plus(-600));
        }
        let corrected = sealed(watch.clone(), &was).correct(&days(&right)[first.min(last)..], BTreeMap::new());
        prop_assert_eq!(&corrected, &sealed(watch, &right));
        prop_assert_eq!(corrected.correct(&days(&right)[9..], BTreeMap::new()), corrected);
    }
}

#[test]
fn a_promise_that_a_correction_breaks_is_told() {
    let sla = Sla::new(BasisPoints::new(9990).unwrap(), 30).unwrap();
    let before = sealed(watch(Some(sla)), &"u".repeat(48));
    let after = before.correct(&days(&format!("{}dd", "u".repeat(46)))[1..], BTreeMap::new());
    let told = told(&news(&before, &after));
    assert!(told.iter().any(|id| id.starts_with("m-sla-")), "{told:?}");
    assert_eq!(news(&after, &after), []);
}
