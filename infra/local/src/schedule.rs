//! Schedules: `rate(5 minutes)` and `cron(0 3 * * ? *)`, in UTC, as EventBridge Scheduler reads them.

use std::str::FromStr;

use cron::Schedule as Cron;
use trust::time::Moment;

/// When something runs.
#[derive(Debug, Clone)]
pub enum Schedule {
    /// Every so many seconds.
    Rate {
        /// The period in seconds.
        seconds: i64,
    },
    /// At the times of a cron expression.
    Cron(Box<Cron>),
}

/// An expression that is no schedule, or none that can be honoured here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSchedule {
    /// Neither `rate(…)` nor `cron(…)`.
    #[error("{0:?} is neither rate(…) nor cron(…)")]
    Form(String),
    /// A rate with a number or unit that can not be.
    #[error("{0:?}: a rate is a whole number from 1 and minute(s), hour(s) or day(s)")]
    Rate(String),
    /// A cron expression with the wrong fields.
    #[error("{0:?}: {1}")]
    Cron(String, String),
}

impl Schedule {
    /// Parses a schedule expression.
    pub fn parse(expression: &str) -> Result<Self, InvalidSchedule> {
        let inner = |name: &str| expression.strip_prefix(name)?.strip_prefix('(')?.strip_suffix(')');
        if let Some(rate) = inner("rate") {
            return parse_rate(rate).ok_or_else(|| InvalidSchedule::Rate(expression.to_owned()));
        }
        if let Some(cron) = inner("cron") {
            return parse_cron(cron).map_err(|cause| InvalidSchedule::Cron(expression.to_owned(), cause));
        }
        Err(InvalidSchedule::Form(expression.to_owned()))
    }

    /// The first time after this one. A rate counts from it; `None` where a cron expression has no more.
    pub fn next(&self, after: Moment) -> Option<Moment> {
        match self {
            Self::Rate { seconds } => Some(after.plus(*seconds)),
            Self::Cron(cron) => {
                let after = chrono::DateTime::from_timestamp(after.unix(), 0)?;
                Moment::from_unix(cron.after(&after).next()?.timestamp())
            }
        }
    }
}

fn parse_rate(rate: &str) -> Option<Schedule> {
    let (number, unit) = rate.split_once(' ')?;
    let number: i64 = number.parse().ok().filter(|number| (1..=10_000).contains(number))?;
    let seconds = match unit.strip_suffix('s').unwrap_or(unit) {
        "minute" => 60,
        "hour" => 3600,
        "day" => 86_400,
        _ => return None,
    };
    Some(Schedule::Rate { seconds: number * seconds })
}

/// Six fields: minute, hour, day of month, month, day of week, year. The crate wants seconds first, and `*` where AWS has `?`.
fn parse_cron(cron: &str) -> Result<Schedule, String> {
    let fields: Vec<&str> = cron.split_whitespace().collect();
    let [minutes, hours, days, months, weekdays, years] = fields[..] else {
        return Err(format!("a cron expression has six fields, this one has {}", fields.len()));
    };
    if (days == "?") == (weekdays == "?") {
        return Err("exactly one of day-of-month and day-of-week is ?".to_owned());
    }
    for special in ['L', 'W', '#'] {
        let named = |field: &str| field.contains(special) && !field.chars().any(|c| c.is_ascii_lowercase());
        let name_of_day =
            ["WED", "JUL", "APR"].iter().any(|name| weekdays.contains(name) || months.contains(name));
        if (named(days) || named(weekdays)) && !name_of_day {
            return Err(format!("{special:?} is not known here"));
        }
    }
    let any = |field: &str| if field == "?" { "*".to_owned() } else { field.to_owned() };
    let expression = format!("0 {minutes} {hours} {} {months} {} {years}", any(days), any(weekdays));
    Cron::from_str(&expression).map(|cron| Schedule::Cron(Box::new(cron))).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(expression: &str, after: &str) -> Option<String> {
        let after = Moment::parse(after).unwrap();
        Schedule::parse(expression).unwrap().next(after).map(|next| next.to_string())
    }

    #[test]
    fn schedules_run_when_they_say() {
        for (expression, after, expected) in [
            ("rate(1 minute)", "2026-11-23T10:00:30Z", "2026-11-23T10:01:30Z"),
            ("rate(5 minutes)", "2026-12-31T23:58:00Z", "2027-01-01T00:03:00Z"),
            ("rate(2 hours)", "2026-11-23T10:00:00Z", "2026-11-23T12:00:00Z"),
            ("rate(1 day)", "2028-02-28T10:00:00Z", "2028-02-29T10:00:00Z"),
            ("cron(0 3 * * ? *)", "2026-11-23T10:00:00Z", "2026-11-24T03:00:00Z"),
            ("cron(0 3 * * ? *)", "2026-11-23T03:00:00Z", "2026-11-24T03:00:00Z"),
            ("cron(0/15 * * * ? *)", "2026-11-23T10:01:00Z", "2026-11-23T10:15:00Z"),
            ("cron(30 8 1 * ? *)", "2026-12-15T00:00:00Z", "2027-01-01T08:30:00Z"),
            ("cron(0 0 29 2 ? *)", "2026-11-23T00:00:00Z", "2028-02-29T00:00:00Z"),
            ("cron(0 18 ? * MON-FRI *)", "2026-11-21T00:00:00Z", "2026-11-23T18:00:00Z"),
            // 1 is Sunday: 2026-11-29 is one.
            ("cron(0 12 ? * 1 *)", "2026-11-23T00:00:00Z", "2026-11-29T12:00:00Z"),
            ("cron(0 0 1 1 ? 2030)", "2026-11-23T00:00:00Z", "2030-01-01T00:00:00Z"),
        ] {
            assert_eq!(next(expression, after).as_deref(), Some(expected), "{expression}");
        }
        assert_eq!(next("cron(0 0 1 1 ? 2020)", "2026-11-23T00:00:00Z"), None);
    }

    #[test]
    fn what_is_no_schedule_is_refused() {
        for bad in [
            "every day",
            "rate(0 minutes)",
            "rate(5 seconds)",
            "rate(minute)",
            "cron(0 3 * * *)",
            "cron(0 3 * * * *)",
            "cron(0 3 ? * ? *)",
            "cron(61 3 * * ? *)",
            "cron(0 3 L * ? *)",
            "cron(0 3 ? * 2#1 *)",
            "at(2026-11-23T00:00:00)",
        ] {
            assert!(Schedule::parse(bad).is_err(), "{bad}");
        }
    }
}
