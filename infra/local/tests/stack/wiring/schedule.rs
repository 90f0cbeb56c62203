//! Schedule expressions as "Schedule types in EventBridge Scheduler" (AWS documentation) has them, in UTC.

use jiff::{Timestamp, tz::TimeZone};
use local_stack::schedule::Schedule;
use proptest::prelude::*;
use trust::time::Moment;

fn next(expression: &str, after: &str) -> Option<String> {
    let schedule = Schedule::parse(expression).unwrap_or_else(|error| panic!("{error}"));
    let after = Moment::parse(after).unwrap_or_else(|error| panic!("{error}"));
    schedule.next(after).map(|next| next.to_string())
}

#[test]
fn the_next_time_is_the_first_one_after() {
    for (expression, after, expected) in [
        // Rates count from the time given, whatever the clock shows.
        ("rate(1 minute)", "2026-11-23T10:00:00Z", "2026-11-23T10:01:00Z"),
        ("rate(5 minutes)", "2026-11-23T10:00:01Z", "2026-11-23T10:05:01Z"),
        ("rate(1 hour)", "2026-12-31T23:30:00Z", "2027-01-01T00:30:00Z"),
        ("rate(12 hours)", "2028-02-28T18:00:00Z", "2028-02-29T06:00:00Z"),
        ("rate(7 days)", "2027-02-25T00:00:00Z", "2027-03-04T00:00:00Z"),
        // Examples of the documentation.
        ("cron(0 10 * * ? *)", "2026-11-23T09:59:59Z", "2026-11-23T10:00:00Z"),
        ("cron(15 12 * * ? *)", "2026-11-23T12:15:00Z", "2026-11-24T12:15:00Z"),
        ("cron(0 18 ? * MON-FRI *)", "2026-11-20T18:00:00Z", "2026-11-23T18:00:00Z"),
        ("cron(0 8 1 * ? *)", "2026-11-23T00:00:00Z", "2026-12-01T08:00:00Z"),
        ("cron(0/15 * * * ? *)", "2026-11-23T10:45:00Z", "2026-11-23T11:00:00Z"),
        ("cron(0/10 * ? * MON-FRI *)", "2026-11-20T23:50:00Z", "2026-11-23T00:00:00Z"),
        ("cron(0/5 8-17 ? * MON-FRI *)", "2026-11-23T17:55:00Z", "2026-11-24T08:00:00Z"),
        // Every minute, lists, ranges, steps.
        ("cron(* * * * ? *)", "2026-11-23T10:00:00Z", "2026-11-23T10:01:00Z"),
        ("cron(* * * * ? *)", "2026-11-23T10:00:59Z", "2026-11-23T10:01:00Z"),
        ("cron(5,35 14 * * ? *)", "2026-11-23T14:05:00Z", "2026-11-23T14:35:00Z"),
        ("cron(5,35 14 * * ? *)", "2026-11-23T14:35:00Z", "2026-11-24T14:05:00Z"),
        ("cron(0 9-11 * * ? *)", "2026-11-23T11:00:00Z", "2026-11-24T09:00:00Z"),
        ("cron(7/20 * * * ? *)", "2026-11-23T10:47:00Z", "2026-11-23T11:07:00Z"),
        ("cron(0 0/6 * * ? *)", "2026-11-23T18:00:00Z", "2026-11-24T00:00:00Z"),
        ("cron(0 0 1/10 * ? *)", "2026-11-23T00:00:00Z", "2026-12-01T00:00:00Z"),
        // 1 is Sunday and 7 Saturday; names say the same.
        ("cron(0 0 ? * 1 *)", "2026-11-23T00:00:00Z", "2026-11-29T00:00:00Z"),
        ("cron(0 0 ? * SUN *)", "2026-11-23T00:00:00Z", "2026-11-29T00:00:00Z"),
        ("cron(0 0 ? * 2 *)", "2026-11-23T00:00:00Z", "2026-11-30T00:00:00Z"),
        ("cron(0 0 ? * 4 *)", "2026-11-23T00:00:00Z", "2026-11-25T00:00:00Z"),
        ("cron(0 0 ? * WED *)", "2026-11-23T00:00:00Z", "2026-11-25T00:00:00Z"),
        ("cron(0 0 ? * 7 *)", "2026-11-23T00:00:00Z", "2026-11-28T00:00:00Z"),
        ("cron(0 0 ? * SAT,TUE *)", "2026-11-23T00:00:00Z", "2026-11-24T00:00:00Z"),
        ("cron(0 0 ? * 2-6 *)", "2026-11-28T00:00:00Z", "2026-11-30T00:00:00Z"),
        // Months, and days that not every month has.
        ("cron(0 0 1 JAN,JUL ? *)", "2026-11-23T00:00:00Z", "2027-01-01T00:00:00Z"),
        ("cron(0 0 1 7 ? *)", "2026-11-23T00:00:00Z", "2027-07-01T00:00:00Z"),
        ("cron(0 0 31 * ? *)", "2026-11-01T00:00:00Z", "2026-12-31T00:00:00Z"),
        ("cron(0 0 31 * ? *)", "2027-01-31T00:00:00Z", "2027-03-31T00:00:00Z"),
        ("cron(0 0 30 * ? *)", "2027-01-30T00:00:00Z", "2027-03-30T00:00:00Z"),
        ("cron(59 23 31 12 ? *)", "2026-12-31T23:59:00Z", "2027-12-31T23:59:00Z"),
        // Leap days: 2028 has one, 2100 has none.
        ("cron(0 0 29 2 ? *)", "2026-11-23T00:00:00Z", "2028-02-29T00:00:00Z"),
        ("cron(0 0 29 2 ? *)", "2028-02-29T00:00:00Z", "2032-02-29T00:00:00Z"),
        ("cron(0 0 28 2 ? 2100)", "2026-11-23T00:00:00Z", "2100-02-28T00:00:00Z"),
        // Years.
        ("cron(0 0 1 1 ? 2030)", "2026-11-23T00:00:00Z", "2030-01-01T00:00:00Z"),
        ("cron(0 0 1 1 ? 2026-2028)", "2026-11-23T00:00:00Z", "2027-01-01T00:00:00Z"),
        ("cron(0 0 1 1 ? 2025,2029)", "2026-11-23T00:00:00Z", "2029-01-01T00:00:00Z"),
    ] {
        assert_eq!(next(expression, after).as_deref(), Some(expected), "{expression} after {after}");
    }
}

#[test]
fn a_schedule_that_is_over_has_no_next_time() {
    for (expression, after) in [
        ("cron(0 0 1 1 ? 2020)", "2026-11-23T00:00:00Z"),
        ("cron(0 0 1 1 ? 2026-2028)", "2028-01-01T00:00:00Z"),
        ("cron(0 0 29 2 ? 2027)", "2026-11-23T00:00:00Z"),
        ("cron(0 0 29 2 ? 2100)", "2026-11-23T00:00:00Z"),
        ("cron(0 0 31 4,6,9,11 ? 2027)", "2026-11-23T00:00:00Z"),
    ] {
        assert_eq!(next(expression, after), None, "{expression} after {after}");
    }
}

#[test]
fn what_can_not_be_honoured_is_refused() {
    for expression in [
        "",
        "rate",
        "rate()",
        "rate(5)",
        "rate(minutes)",
        "rate(0 minutes)",
        "rate(-5 minutes)",
        "rate(1.5 hours)",
        "rate(5 seconds)",
        "rate(5 weeks)",
        "rate(5 minutes",
        "rate 5 minutes",
        "Rate(5 minutes)",
        "rate(5 minutes) ",
        "rate(99999999999999999999 minutes)",
        "at(2026-11-23T10:00:00)",
        "cron()",
        "cron(0 10 * * ?)",
        "cron(0 0 10 * * ? *)",
        "cron(0 10 * * * *)",
        "cron(0 10 ? * ? *)",
        "cron(0 10 1 * MON *)",
        "cron(60 10 * * ? *)",
        "cron(0 24 * * ? *)",
        "cron(0 10 0 * ? *)",
        "cron(0 10 32 * ? *)",
        "cron(0 10 * 13 ? *)",
        "cron(0 10 * 0 ? *)",
        "cron(0 10 ? * 8 *)",
        "cron(0 10 ? * 0 *)",
        "cron(0 10 ? * XYZ *)",
        "cron(0 10 * * ? 1969)",
        "cron(? 10 * * ? *)",
        // Known to AWS, not to this machine.
        "cron(0 10 L * ? *)",
        "cron(0 10 L JUL ? *)",
        "cron(0 10 LW * ? *)",
        "cron(0 10 15W * ? *)",
        "cron(0 10 ? * 6L *)",
        "cron(0 10 ? * FRIL *)",
        "cron(0 10 ? * 3#2 *)",
        "cron(0 10 ? * WED#2 *)",
        "cron(0 10 * * ? 2199)",
    ] {
        assert!(Schedule::parse(expression).is_err(), "{expression}");
    }
}

#[test]
fn a_refusal_shows_the_expression() {
    for expression in ["every day", "rate(5 weeks)", "cron(0 10 * * * *)", "cron(0 10 15W * ? *)"] {
        let error = Schedule::parse(expression).unwrap_err().to_string();
        assert!(error.contains(expression), "{error}");
    }
}

fn from_unix(seconds: i64) -> Moment {
    Moment::from_unix(seconds).unwrap_or_else(|| panic!("{seconds} is no time"))
}

proptest! {
    #[test]
    fn a_cron_expression_runs_at_the_minute_a_walk_through_time_finds_first(
        after in 0_i64..4_000_000_000, minute in 0_i8..60, hour in 0_i8..24, weekday in 1_i8..8,
    ) {
        // Weekday 1 is Sunday, as AWS counts.
        let wanted = |seconds: i64| {
            let time = TimeZone::UTC.to_datetime(Timestamp::from_second(seconds).unwrap());
            (time.minute(), time.hour(), time.weekday().to_sunday_one_offset()) == (minute, hour, weekday)
        };
        let week = after / 60 + 1..=after / 60 + 7 * 24 * 60;
        let first = week.map(|minutes| minutes * 60).find(|seconds| wanted(*seconds)).unwrap();
        let schedule = Schedule::parse(&format!("cron({minute} {hour} ? * {weekday} *)")).unwrap();
        prop_assert_eq!(schedule.next(from_unix(after)), Some(from_unix(first)));
    }

    #[test]
    fn a_rate_comes_back_after_its_period(after in 0_i64..4_000_000_000, number in 2_i64..1000, unit in 0_usize..3) {
        let (name, seconds) = [("minutes", 60), ("hours", 3600), ("days", 86_400)][unit];
        let schedule = Schedule::parse(&format!("rate({number} {name})")).unwrap();
        prop_assert_eq!(schedule.next(from_unix(after)), Some(from_unix(after + number * seconds)));
    }

    #[test]
    fn no_text_makes_it_panic(text in "(rate|cron|at)?[( ]?[-0-9*?/,#LWA-Z ]{0,24}\\)?") {
        if let Ok(schedule) = Schedule::parse(&text) {
            schedule.next(from_unix(0));
        }
    }
}
