//! What a contract promises of uptime, and how much of the downtime it allows is used up.
//!
//! The budget of a period is known as it begins: a share of the time in which the schedule expects checks.
//! Downtime uses it; unknown time does not, so a breach is proven whatever was not seen. The day of a breach
//! depends only on what happened up to it, so once published it stays. The allowed seconds are whole; whether
//! they are exceeded is decided without rounding.

use std::{collections::BTreeMap, ops::AddAssign};

use serde::{Deserialize, Serialize};

use crate::time::Day;

use super::{
    day::Tally,
    percent::BasisPoints,
    schedule::{SECONDS_A_DAY, Schedule},
};

/// A promise of uptime: so much in each period of so many days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "UncheckedSla")]
pub struct Sla {
    uptime: BasisPoints,
    period_days: u16,
}

#[derive(Deserialize)]
struct UncheckedSla {
    uptime: BasisPoints,
    #[serde(default = "a_month")]
    period_days: u16,
}

fn a_month() -> u16 {
    Sla::MONTH
}

/// A period that is not 1 to 366 days long.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an uptime is promised for periods of 1 to 366 days, not {0}")]
pub struct InvalidPeriod(pub u16);

impl TryFrom<UncheckedSla> for Sla {
    type Error = InvalidPeriod;
    fn try_from(sla: UncheckedSla) -> Result<Self, InvalidPeriod> {
        Self::new(sla.uptime, sla.period_days)
    }
}

impl Sla {
    /// The period of a promise that names none: 30 days, as [`super::maintenance::ALLOWED_IN`].
    pub const MONTH: u16 = 30;

    /// The promise of an uptime in each period of 1 to 366 days.
    pub fn new(uptime: BasisPoints, period_days: u16) -> Result<Self, InvalidPeriod> {
        let is_allowed = (1..=366).contains(&period_days);
        is_allowed.then_some(Self { uptime, period_days }).ok_or(InvalidPeriod(period_days))
    }

    /// The promised uptime.
    pub fn uptime(self) -> BasisPoints {
        self.uptime
    }

    /// The length of a period, in days.
    pub fn period_days(self) -> u16 {
        self.period_days
    }

    /// The period that `on` falls in, of those that follow each other from the day the contract `starts`: its
    /// first day, and the first day after it.
    pub fn period(self, starts: Day, on: Day) -> (Day, Day) {
        let length = i64::from(self.period_days) * i64::from(SECONDS_A_DAY);
        let before = i64::from(on.since(starts) / u32::from(self.period_days));
        let first = starts.start().plus(before * length);
        (first.day(), first.plus(length).day())
    }

    /// How a promise stands in the period that `on` falls in.
    ///
    /// `time` holds each day of that period on which the monitor is to run, also those to come:
    /// [`ServiceTime::planned`].
    pub fn standing(self, starts: Day, on: Day, time: &BTreeMap<Day, ServiceTime>) -> Standing {
        let (from, until) = self.period(starts, on);
        let mut sum = ServiceTime {
            expected: time.range(from..until).map(|(_, time)| time.expected).sum(),
            ..ServiceTime::default()
        };
        let mut breached_on = None;
        for (&day, time) in time.range(from..until) {
            sum += &ServiceTime { expected: 0, ..*time };
            if breached_on.is_none() && self.is_broken(&sum) {
                breached_on = Some(day);
            }
        }
        Standing {
            from,
            until,
            promised: self.uptime,
            allowed: (self.allowed(&sum) / WHOLE) as u64,
            used: sum.down,
            unknown: sum.unknown,
            breached_on,
        }
    }

    fn is_broken(self, time: &ServiceTime) -> bool {
        u128::from(time.down) * WHOLE > self.allowed(time)
    }

    /// The downtime allowed in this time, in ten-thousandths of a second.
    fn allowed(self, time: &ServiceTime) -> u128 {
        let due = time.expected.saturating_sub(time.maintenance);
        u128::from(due) * u128::from(self.uptime.rest().hundredths())
    }
}

/// Basis points of a whole.
const WHOLE: u128 = BasisPoints::WHOLE.hundredths() as u128;

/// The time of a service's day, in seconds: slots times their interval.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceTime {
    /// In which the schedule expects checks, the whole day long.
    pub expected: u64,
    /// Of that, maintenance that counts, so far.
    pub maintenance: u64,
    /// Down, so far.
    pub down: u64,
    /// Unknown, so far.
    pub unknown: u64,
}

impl ServiceTime {
    /// The time of a day that has not begun.
    pub fn planned(schedule: &Schedule, day: Day) -> Self {
        let interval = u64::from(schedule.grid.interval().seconds());
        let expected = schedule.slots_due(day) * interval;
        Self { expected, ..Self::default() }
    }

    /// The time of a day that is over, or as far as it is.
    pub fn of(schedule: &Schedule, day: Day, tally: &Tally) -> Self {
        let interval = u64::from(schedule.grid.interval().seconds());
        Self {
            maintenance: tally.maintenance() * interval,
            down: tally.down() * interval,
            unknown: tally.unknown() * interval,
            ..Self::planned(schedule, day)
        }
    }
}

impl AddAssign<&ServiceTime> for ServiceTime {
    fn add_assign(&mut self, other: &Self) {
        self.expected += other.expected;
        self.maintenance += other.maintenance;
        self.down += other.down;
        self.unknown += other.unknown;
    }
}

/// How a promise stands in one period. Times are in seconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// The first day of the period.
    pub from: Day,
    /// The first day after it.
    pub until: Day,
    /// The promised uptime.
    pub promised: BasisPoints,
    /// How much downtime it allows in the whole period, rounded down.
    pub allowed: u64,
    /// How much downtime there was so far.
    pub used: u64,
    /// How much time so far is unknown, and would use the budget if it was downtime.
    pub unknown: u64,
    /// The day on which more was used than is allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub breached_on: Option<Day>,
}

impl Standing {
    /// How much downtime is left, in seconds.
    pub fn left(&self) -> u64 {
        self.allowed.saturating_sub(self.used)
    }

    /// How much of the budget is used, capped at all of it. `None` where none is allowed.
    pub fn used_share(&self) -> Option<BasisPoints> {
        crate::ratio::Ratio { count: self.used, of: self.allowed }.basis_points()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn starts() -> Day {
        Day::parse("2028-02-15").unwrap()
    }

    fn sla(hundredths: u16, days: u16) -> Sla {
        Sla::new(BasisPoints::new(hundredths).unwrap(), days).unwrap()
    }

    /// Days of down and maintenance seconds, each expected all day long.
    fn time(days: &[(u64, u64)]) -> BTreeMap<Day, ServiceTime> {
        let mut day = starts();
        let mut time = BTreeMap::new();
        for &(down, maintenance) in days {
            time.insert(day, ServiceTime { expected: 86_400, maintenance, down, unknown: 0 });
            day = day.next();
        }
        time
    }

    fn quiet(days: usize) -> Vec<(u64, u64)> {
        vec![(0, 0); days]
    }

    #[test]
    fn allowed_downtime_is_the_rest_of_the_promise() {
        for (promise, days, allowed) in [
            (9_990, 30, 2_592),
            (9_995, 30, 1_296),
            (9_999, 30, 259),
            (9_950, 7, 3_024),
            (10_000, 30, 0),
            (0, 1, 86_400),
        ] {
            let standing = sla(promise, days).standing(starts(), starts(), &time(&quiet(usize::from(days))));
            assert_eq!((standing.allowed, standing.left(), standing.breached_on), (allowed, allowed, None));
        }
    }

    #[test]
    fn a_promise_breaks_on_the_day_more_is_used_than_allowed_and_not_when_all_is() {
        let mut days = quiet(30);
        (days[3].0, days[9].0) = (1_500, 1_092);
        let spent = sla(9_990, 30).standing(starts(), starts(), &time(&days));
        assert_eq!((spent.used, spent.left(), spent.breached_on), (2_592, 0, None));
        assert_eq!(spent.used_share(), Some(BasisPoints::WHOLE));
        days[20].0 = 1;
        let broken = sla(9_990, 30).standing(starts(), starts(), &time(&days));
        assert_eq!(broken.breached_on, Some(Day::parse("2028-03-06").unwrap()));
        let all = sla(10_000, 30).standing(starts(), starts(), &time(&days));
        assert_eq!((all.breached_on.unwrap().to_string().as_str(), all.used_share()), ("2028-02-18", None));
    }

    #[test]
    fn maintenance_shrinks_the_budget_and_days_to_come_are_part_of_it() {
        let mut days = quiet(30);
        days[1] = (0, 14_400);
        let standing = sla(9_990, 30).standing(starts(), starts(), &time(&days));
        assert_eq!(standing.allowed, (2_592_000 - 14_400) / 1000);
        // A service that runs ten days of the period is promised a third of the downtime.
        let short = sla(9_990, 30).standing(starts(), starts(), &time(&quiet(10)));
        assert_eq!(short.allowed, 864);
    }

    #[test]
    fn periods_follow_each_other_from_the_start_over_leap_days() {
        for (on, from, until) in [
            ("2028-02-15", "2028-02-15", "2028-03-16"),
            ("2028-03-15", "2028-02-15", "2028-03-16"),
            ("2028-03-16", "2028-03-16", "2028-04-15"),
            ("2028-02-01", "2028-02-15", "2028-03-16"),
        ] {
            let (first, after) = sla(9_990, 30).period(starts(), Day::parse(on).unwrap());
            assert_eq!((first.to_string().as_str(), after.to_string().as_str()), (from, until));
        }
        assert_eq!(Sla::new(BasisPoints::WHOLE, 0), Err(InvalidPeriod(0)));
        let read: Sla = serde_json::from_str(r#"{"uptime":9990}"#).unwrap();
        assert_eq!(read, sla(9_990, 30));
        assert!(serde_json::from_str::<Sla>(r#"{"uptime":9990,"period_days":367}"#).is_err());
    }

    proptest! {
        #[test]
        fn a_breach_stays_where_it_was_whatever_comes_after(
            days in prop::collection::vec((0..600_u64, 0..4_000_u64), 30), seen in 1..30_usize, promise in 9_800..=10_000_u16,
        ) {
            let so_far: Vec<(u64, u64)> =
                days.iter().enumerate().map(|(n, &day)| if n < seen { day } else { (0, 0) }).collect();
            let early = sla(promise, 30).standing(starts(), starts(), &time(&so_far));
            let later = sla(promise, 30).standing(starts(), starts(), &time(&days));
            if early.breached_on.is_some() {
                prop_assert_eq!(early.breached_on, later.breached_on);
            }
            // By brute force: the first day up to which the remaining share is below the promise.
            let total = 30 * 86_400_u64;
            let broken = (1..=30).find(|&n| {
                let (down, maintenance) = days[..n].iter().fold((0, 0), |sum, day| (sum.0 + day.0, sum.1 + day.1));
                let due = total - maintenance;
                (due - down) * 10_000 < due * u64::from(promise)
            });
            let found = later.breached_on.map(|day| day.since(starts()) as usize + 1);
            prop_assert_eq!(found, broken);
        }
    }
}
