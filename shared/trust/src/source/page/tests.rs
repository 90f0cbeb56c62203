use proptest::prelude::*;

use super::*;
use crate::source::recognition::{Fingerprint, Unrecognised};

const DAY: u32 = 86_400;

fn at(seconds: i64) -> Moment {
    Moment::from_unix(1_790_000_000 + seconds).unwrap()
}

fn days(days: i64) -> Moment {
    at(days * i64::from(DAY))
}

fn by(reader: &str) -> Fingerprint {
    Fingerprint::of([reader])
}

fn recognised(found: u32, of: u32) -> Asked {
    let validators = Validators { etag: Some("\"1\"".to_owned()), last_modified: None };
    Asked::Recognised { recognition: Recognition::new(found, of), by: by("1"), validators }
}

fn after(page: &Page, asked: Asked, now: Moment) -> (Page, Facts) {
    page.after(asked, "https://a.example/".to_owned(), now, DAY)
}

fn read() -> Page {
    after(&Page::default(), recognised(10, 12), days(0)).0
}

fn unrecognised() -> Asked {
    let fingerprint = Fingerprint::of(["p"]);
    Asked::Failed(Failure::Unrecognised { why: Unrecognised::Layout, fingerprint })
}

#[test]
fn a_page_that_was_read_is_due_a_day_later_and_not_before() {
    assert!(Page::default().is_due(days(0)));
    let page = read();
    assert!(!page.is_due(at(i64::from(DAY) - 1)));
    assert!(page.is_due(days(1)));
}

#[test]
fn what_was_read_stays_with_its_time_while_the_source_is_broken() {
    let mut page = read();
    let good = page.read.clone();
    for (day, asked) in
        [(1, Asked::Failed(Failure::Status(500))), (2, unrecognised()), (3, Asked::Failed(Failure::TimedOut))]
    {
        let (next, facts) = after(&page, asked, days(day));
        assert_eq!((facts, &next.read), (Facts::Stay, &good));
        page = next;
    }
    let failing = page.failing.unwrap();
    assert_eq!((failing.since, failing.times), (days(1), 3));
}

#[test]
fn trouble_is_asked_for_again_soon_and_less_and_less_often_but_an_answer_at_its_time() {
    let waits = |asked: Asked| {
        let (mut page, mut now, mut waits) = (Page::default(), days(0), Vec::new());
        for _ in 0..9 {
            page = after(&page, asked.clone(), now).0;
            waits.push(page.due.unwrap().since(now) / 1_800);
            now = page.due.unwrap();
        }
        waits
    };
    assert_eq!(waits(Asked::Failed(Failure::TimedOut)), [1, 2, 4, 8, 16, 32, 48, 48, 48]);
    let day = 48;
    assert_eq!(waits(Asked::Failed(Failure::Missing(404))), [1, 2, 3, 4, 5, 6, 7, 7, 7].map(|n| n * day));
}

#[test]
fn a_source_that_asks_for_time_gets_it() {
    let page = after(&read(), Asked::Failed(Failure::Throttled(Some(200_000))), days(1)).0;
    assert_eq!(page.due, Some(days(1).plus(200_000)));
}

#[test]
fn unchanged_makes_old_facts_fresh_without_sending_them_again() {
    let page = read();
    assert_eq!(page.validators(by("1")).unwrap().etag.as_deref(), Some("\"1\""));
    let (page, facts) = after(&page, Asked::Unchanged, days(1));
    let read = page.read.unwrap();
    assert_eq!((facts, read.at, read.changed_at), (Facts::Stay, days(1), days(0)));
    // Nothing was read that could be unchanged.
    let (page, _) = after(&Page::default(), Asked::Unchanged, days(0));
    assert_eq!(page.failing.unwrap().why, Failure::Protocol);
}

#[test]
fn a_new_parser_and_one_that_failed_want_to_see_the_page() {
    let page = read();
    assert_eq!(page.validators(by("2")), None);
    assert_eq!(after(&page, unrecognised(), days(1)).0.validators(by("1")), None);
}

#[test]
fn much_less_than_the_last_time_is_believed_on_the_third_day_only() {
    for less in [recognised(6, 12), recognised(10, 20), recognised(1, 1)] {
        let mut page = read();
        for day in 1..=2 {
            let (next, facts) = after(&page, less.clone(), days(day));
            assert_eq!(facts, Facts::Stay);
            assert!(next.failing.as_ref().unwrap().why.is_of_the_parser());
            assert_eq!((&next.read, next.due), (&page.read, Some(days(day + 1))));
            page = next;
        }
        let (page, facts) = after(&page, less, days(3));
        assert_eq!((facts, page.failing), (Facts::Taken, None));
    }
    // A little less is no news, nor is less that another parser finds.
    assert_eq!(after(&read(), recognised(7, 10), days(1)).1, Facts::Taken);
    let other = Asked::Recognised {
        recognition: Recognition::new(1, 12),
        by: by("2"),
        validators: Validators::default(),
    };
    assert_eq!(after(&read(), other, days(1)).1, Facts::Taken);
}

#[test]
fn of_what_came_without_a_word_to_ask_with_it_is_not_asked_whether_it_has_changed() {
    let validators = Validators::default();
    let asked = Asked::Recognised { recognition: Recognition::new(10, 12), by: by("1"), validators };
    assert_eq!(after(&Page::default(), asked, days(0)).0.validators(by("1")), None);
}

#[test]
fn what_failed_otherwise_between_does_not_hasten_the_belief_in_less() {
    let failed = |why| Asked::Failed(why);
    let less = || recognised(6, 12);
    for (asked, taken_at) in [
        (vec![failed(Failure::TimedOut), failed(Failure::TimedOut), less(), less(), less()], 5),
        (vec![less(), failed(Failure::TimedOut), less(), less()], 4),
        (vec![less(), less(), unrecognised(), less()], 4),
    ] {
        let mut page = read();
        let all = asked.into_iter().zip(1..);
        let facts: Vec<Facts> = all
            .map(|(asked, day)| {
                let (next, facts) = after(&page, asked, days(day));
                page = next;
                facts
            })
            .collect();
        assert_eq!(facts.iter().position(|facts| *facts == Facts::Taken), Some(taken_at - 1), "{facts:?}");
    }
}

#[test]
fn what_comes_back_as_it_was_between_is_no_drift() {
    let (page, _) = after(&read(), recognised(1, 12), days(1));
    let (page, facts) = after(&page, recognised(10, 12), days(2));
    assert_eq!((facts, page.failing), (Facts::Taken, None));
}

fn any_asked() -> impl Strategy<Value = Asked> {
    prop_oneof![
        (0_u32..40, 0_u32..40).prop_map(|(found, of)| recognised(found, of)),
        Just(Asked::Unchanged),
        Just(unrecognised()),
        any::<Option<u32>>().prop_map(|wait| Asked::Failed(Failure::Throttled(wait))),
        (400_u16..600).prop_map(|status| Asked::Failed(Failure::Status(status))),
    ]
}

proptest! {
    #[test]
    fn whatever_happens_good_facts_never_go_and_the_page_is_asked_for_again(
        all in prop::collection::vec((any_asked(), 0_i64..1_000_000), 1..40),
    ) {
        let (mut page, mut now) = (Page::default(), days(0));
        for (asked, later) in all {
            let had = page.read.clone();
            let (next, facts) = after(&page, asked, now);
            prop_assert!(next.due.unwrap() > now || next.due == Some(Moment::LATEST));
            prop_assert!(had.is_none() || next.read.is_some());
            if facts == Facts::Stay && let (Some(had), Some(has)) = (had, &next.read) {
                prop_assert_eq!((had.changed_at, had.recognition), (has.changed_at, has.recognition));
            }
            let text = serde_json::to_string(&next).unwrap();
            prop_assert_eq!(&serde_json::from_str::<Page>(&text).unwrap(), &next);
            now = now.plus(later);
            page = next;
        }
    }
}
