use proptest::prelude::*;
use serde_json::{Value, json};

use super::{
    Reporter::{Agent, Alertmanager, Gatus, UptimeKuma},
    *,
};
use crate::uptime::{
    schedule::{Grid, Interval},
    slot::{Gap, Reason, Seen},
};

fn at(minutes: i64) -> Moment {
    Moment::parse("2026-11-24T00:00:00Z").unwrap().plus(minutes * 60)
}

fn span(from: i64, until: i64) -> Span {
    Span { from: at(from), until: at(until) }
}

fn spans(found: &Spans) -> Vec<Span> {
    found.iter().collect()
}

fn said(minute: i64, by: Reporter, says: Says) -> Statement {
    Statement { at: at(minute), by, of: Subject::default(), says }
}

fn read_now(report: &Value) -> Result<Vec<Statement>, Unreadable> {
    read(report.to_string().as_bytes(), at(600))
}

fn sample(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn kuma(status: u64, time: &str) -> Value {
    let mut report = sample(include_str!("../../../../../events/reports/uptime-kuma.json"));
    report["heartbeat"]["status"] = json!(status);
    report["heartbeat"]["time"] = json!(time);
    report
}

fn alertmanager() -> Value {
    sample(include_str!("../../../../../events/reports/alertmanager.json"))
}

fn alert(status: &str, starts: &str, ends: &str, fingerprint: &str) -> Value {
    let mut alert = alertmanager()["alerts"][0].take();
    for (member, value) in
        [("status", status), ("startsAt", starts), ("endsAt", ends), ("fingerprint", fingerprint)]
    {
        alert[member] = json!(value);
    }
    alert
}

fn alerts(alerts: &[Value]) -> Value {
    let mut report = alertmanager();
    report["alerts"] = json!(alerts);
    report
}

#[test]
fn each_reporters_own_words_are_understood() {
    let statement =
        |minute, by, name: &str, says| Statement { of: Subject::of(name), ..said(minute, by, says) };
    let gatus = |status: &str| {
        let mut report = sample(include_str!("../../../../../events/reports/gatus.json"));
        report["status"] = json!(status);
        report
    };
    let never = "0001-01-01T00:00:00Z";
    for (report, expected) in [
        (sample(include_str!("../../../../../events/reports/agent.json")), vec![said(570, Agent, Says::Up)]),
        (
            json!({ "kind": "heartbeat", "status": "down", "at": "2026-11-24T09:59:00Z", "load": 3 }),
            vec![said(599, Agent, Says::Down)],
        ),
        (kuma(0, "2026-11-24 09:30:00.123"), vec![statement(570, UptimeKuma, "3", Says::Down)]),
        (kuma(1, "2026-11-24 09:30:00"), vec![statement(570, UptimeKuma, "3", Says::Up)]),
        (kuma(3, "2026-11-24T09:30:00Z"), vec![statement(570, UptimeKuma, "3", Says::Nothing)]),
        (kuma(2, "2026-11-24 09:30:00"), vec![]),
        (json!({ "heartbeat": null, "monitor": null, "msg": "Webhook Testing" }), vec![]),
        (gatus("TRIGGERED"), vec![statement(600, Gatus, "core\nweb", Says::Down)]),
        (gatus("RESOLVED"), vec![statement(600, Gatus, "core\nweb", Says::Up)]),
        (
            alerts(&[alert("firing", "2026-11-24T09:00:00.5Z", never, "f1")]),
            vec![
                statement(540, Alertmanager, "f1", Says::Down),
                statement(600, Alertmanager, "f1", Says::Down),
            ],
        ),
        (
            alerts(&[alert("resolved", "2026-11-24T09:00:00Z", "2026-11-24T10:20:00+01:00", "f1")]),
            vec![
                statement(540, Alertmanager, "f1", Says::Down),
                statement(560, Alertmanager, "f1", Says::Up),
            ],
        ),
        // It has fired for weeks: only that it still does is news.
        (
            alerts(&[alert("firing", "2026-10-01T00:00:00Z", never, "f1")]),
            vec![statement(600, Alertmanager, "f1", Says::Down)],
        ),
        (alerts(&[]), vec![]),
    ] {
        assert_eq!(read_now(&report), Ok(expected), "{report}");
    }
}

#[test]
fn what_is_needed_and_not_there_is_named() {
    let field = |report: Value| match read_now(&report) {
        Err(Unreadable::Field { field, .. }) => field,
        other => panic!("{report} {other:?}"),
    };
    let never = "0001-01-01T00:00:00Z";
    for (report, place) in [
        (json!({ "kind": "beat", "status": "up", "at": "2026-11-24T09:59:00Z" }), "kind"),
        (json!({ "kind": "heartbeat", "status": "UP", "at": "2026-11-24T09:59:00Z" }), "status"),
        (json!({ "kind": "heartbeat", "status": "up" }), "at"),
        (json!({ "kind": "heartbeat", "status": "up", "at": "2026-11-24T10:05:01Z" }), "at"),
        (json!({ "kind": "heartbeat", "status": "up", "at": "2026-11-22T10:00:00Z" }), "at"),
        (kuma(4, "2026-11-24 09:30:00"), "heartbeat.status"),
        (kuma(1, "yesterday"), "heartbeat.time"),
        (kuma(1, "2026-11-24 11:30:00"), "heartbeat.time"),
        (json!({ "reporter": "gatus", "status": "[ALERT_TRIGGERED_OR_RESOLVED]" }), "status"),
        (alerts(&[alert("pending", "2026-11-24T09:00:00Z", never, "f1")]), "alerts[0]"),
        (alerts(&[alert("resolved", "2026-11-24T09:00:00Z", never, "f1")]), "alerts[0].endsAt"),
        (json!({ "version": "4", "alerts": {} }), "alerts"),
    ] {
        assert_eq!(field(report.clone()), place, "{report}");
    }
    for report in
        [json!({}), json!([]), json!(1), json!({ "version": "3", "alerts": [] }), json!({ "heartbeat": {} })]
    {
        assert_eq!(read_now(&report), Err(Unreadable::Unknown), "{report}");
    }
    assert_eq!(read(b"{", at(0)), Err(Unreadable::Json { line: 1, column: 1 }));
}

#[test]
fn nothing_that_is_kept_says_where_the_service_is() {
    let kept = [
        read_now(&kuma(0, "2026-11-24 09:30:00")).unwrap(),
        read_now(&alerts(&[alert("firing", "2026-11-24T09:00:00Z", "", "f1")])).unwrap(),
    ];
    let text = serde_json::to_string(&kept).unwrap();
    for place in ["192.0.2.7", "server.example.org", "vm-1"] {
        assert!(!text.contains(place), "{text}");
    }
}

#[test]
fn a_statement_holds_until_the_next_and_no_longer_than_its_reporter_may_be_silent() {
    let day = span(0, 1440);
    let of = |statements: &[Statement], by: Reporter| {
        claims(&statements.iter().copied().collect(), day).remove(&by).unwrap_or_default()
    };
    let found = of(
        &[
            said(10, UptimeKuma, Says::Down),
            said(30, UptimeKuma, Says::Up),
            said(90, UptimeKuma, Says::Nothing),
        ],
        UptimeKuma,
    );
    assert_eq!((spans(&found.down), spans(&found.up)), (vec![span(10, 30)], vec![span(30, 90)]));
    assert_eq!(found.statements, 3);

    // An agent that has died says nothing any more after five minutes.
    let found = of(&[said(0, Agent, Says::Up), said(1, Agent, Says::Up), said(60, Agent, Says::Up)], Agent);
    assert_eq!(spans(&found.up), [span(0, 6), span(60, 65)]);

    // From the day before; a day long, no longer.
    let found = of(&[said(-600, UptimeKuma, Says::Down)], UptimeKuma);
    assert_eq!((spans(&found.down), found.statements), (vec![span(0, 840)], 0));
    assert_eq!(of(&[said(-1440, UptimeKuma, Says::Down)], UptimeKuma), Claims::default());
}

#[test]
fn one_of_two_things_that_recovers_is_not_all_of_it() {
    let of = |name: &str, minute, says| Statement {
        of: Subject::of(name),
        ..said(minute, Reporter::Alertmanager, says)
    };
    let statements =
        [of("a", 0, Says::Down), of("b", 5, Says::Down), of("a", 10, Says::Up), of("b", 20, Says::Up)];
    let found = &claims(&statements.into(), span(0, 60))[&Reporter::Alertmanager];
    assert_eq!((spans(&found.down), spans(&found.up)), (vec![span(0, 20)], vec![span(20, 60)]));
}

/// A day of this many minutes, then nothing expected.
fn day(slots: &[Slot]) -> MonitorDay {
    let grid = Grid::new(Interval::SHORTEST, 0).unwrap();
    let mut all: Vec<Option<Slot>> = slots.iter().copied().map(Some).collect();
    all.resize(1440, None);
    MonitorDay { day: at(0).day(), grid, slots: all, vantages: BTreeMap::new(), latency: None }
}

fn differing(slots: &[Slot], up: &[Span], down: &[Span]) -> Vec<(Says, u32, Vec<Span>)> {
    let claims =
        Claims { up: up.iter().copied().collect(), down: down.iter().copied().collect(), statements: 1 };
    let found = disagreements(&day(slots), &claims);
    found.into_iter().map(|found| (found.says, found.slots, found.spans)).collect()
}

#[test]
fn three_slots_in_a_row_that_differ_are_a_disagreement() {
    let down = Slot::Down(Reason::Timeout);
    let seen = [vec![Slot::Up; 10], vec![down; 10], vec![Slot::Up; 10]].concat();
    assert_eq!(differing(&seen, &[span(0, 10), span(20, 30)], &[span(10, 20)]), []);
    assert_eq!(differing(&seen, &[span(0, 30)], &[]), [(Says::Up, 10, vec![span(10, 20)])]);
    assert_eq!(differing(&seen, &[], &[span(0, 30)]), [(Says::Down, 20, vec![span(0, 10), span(20, 30)])]);
    // Two and a bit: what is said of a part of a slot is not said of it.
    let a_bit = Span { from: at(2), until: at(5).plus(-1) };
    assert_eq!(differing(&seen, &[], &[a_bit]), []);
    assert_eq!(differing(&seen, &[], &[span(2, 5)]), [(Says::Down, 3, vec![span(2, 5)])]);
}

#[test]
fn what_we_do_not_know_and_what_nobody_said_is_no_disagreement() {
    for slot in [
        Slot::Unknown(Gap::Silent),
        Slot::Maintenance(Seen::Up),
        Slot::Maintenance(Seen::Down(Reason::Refused)),
    ] {
        assert_eq!(differing(&[slot; 20], &[span(0, 10)], &[span(10, 20)]), [], "{slot:?}");
    }
    assert_eq!(differing(&[Slot::Down(Reason::Tls); 20], &[], &[]), []);
}

#[test]
fn many_stretches_are_counted_and_the_latest_are_named() {
    let down: Vec<Span> = (0..20).map(|turn| span(turn * 10, turn * 10 + 4)).collect();
    let [(says, slots, named)] = &differing(&[Slot::Up; 200], &[], &down)[..] else { panic!() };
    assert_eq!((*says, *slots, &named[..]), (Says::Down, 80, &down[15..]));
}

#[test]
fn what_was_said_of_days_sums() {
    let mut reported = Reported::default();
    for before in 0..3 {
        let mut of_day = day(&[Slot::Up; 60]);
        of_day.day = at(0).day().minus(before);
        let begun = of_day.day.start();
        let said =
            |minute: i64, says| Statement { at: begun.plus(minute * 60), ..said(0, Reporter::Gatus, says) };
        let statements = [said(0, Says::Down), said(10, Says::Up), said(60, Says::Nothing)].into();
        reported.review(&of_day, &statements, at(60));
    }
    let today = at(0).day();
    let over = reported.over(today.minus(1), today);
    let said = &over[&Reporter::Gatus];
    assert_eq!((said.statements, said.down_seconds, said.up_seconds), (5, 1200, 6000));
    assert_eq!(said.disagreements.len(), 1);
    assert_eq!((said.disagreements[0].slots, said.disagreements[0].spans.len()), (20, 2));
    assert_eq!(reported.over(today.next(), today.next()), BTreeMap::new());
}

fn any_statement() -> impl Strategy<Value = Statement> {
    let by = prop::sample::select(vec![Agent, Alertmanager, UptimeKuma]);
    let says = prop::sample::select(vec![Says::Up, Says::Down, Says::Nothing]);
    (0_i64..86_400, by, 0_u32..3, says).prop_map(|(second, by, of, says)| Statement {
        at: at(0).plus(second),
        by,
        of: Subject(of),
        says,
    })
}

proptest! {
    #[test]
    fn statements_in_any_order_and_twice_amount_to_the_same(
        statements in prop::collection::vec(any_statement(), 0..40), twice in prop::collection::vec(any::<prop::sample::Index>(), 0..10)
    ) {
        let mut again = statements.clone();
        again.reverse();
        if !statements.is_empty() {
            again.extend(twice.iter().map(|index| *index.get(&statements)));
        }
        let [one, other] = [statements, again].map(|statements| {
            let mut reported = Reported::default();
            reported.review(&day(&[Slot::Up; 700]), &statements.into_iter().collect(), at(700));
            reported
        });
        prop_assert_eq!(one, other);
    }

    #[test]
    fn nothing_is_both_up_and_down_and_nothing_is_said_of_the_future(
        statements in prop::collection::btree_set(any_statement(), 0..40), minutes in 0_i64..1440
    ) {
        for claims in claims(&statements, span(0, minutes)).into_values() {
            for down in claims.down.iter() {
                prop_assert_eq!(claims.up.seconds_in(down), 0);
            }
            let last = [&claims.up, &claims.down].into_iter().filter_map(|spans| spans.iter().next_back()).map(|span| span.until).max();
            prop_assert!(last.is_none_or(|last| last <= at(minutes)));
        }
    }

    #[test]
    fn any_body_is_answered(body in prop::collection::vec(any::<u8>(), 0..200), text in ".{0,80}") {
        let _ = read(&body, at(0));
        for report in [
            json!({ "kind": text, "status": text, "at": text }), json!({ "heartbeat": { "status": 1, "time": text }, "msg": text }),
            json!({ "version": "4", "alerts": [{ "status": "firing", "startsAt": text }] }),
        ] {
            let _ = read_now(&report);
        }
    }
}
