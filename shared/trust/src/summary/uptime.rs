//! Uptime as it is scored: days, not monitors.

use serde::{Deserialize, Serialize};

use crate::{
    policy::{Family, Policy},
    ratio::Ratio,
    score::{Kind, Observations, Quality, Weighted},
    time::{Day, Moment},
    uptime::count::UptimeDay,
};

use super::Signals;

/// Days that a flag looks at.
const RECENT: u16 = 30;

/// How a provider's services stayed up, as far as it is scored. What is shown of each monitor is read from its own facts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UptimeFacts {
    /// Days within the horizon of which enough is known: at least 95 % of what should be.
    pub covered_days: u64,
    /// Days of the last 30 on which less than the policy's share was kept, of those of which anything is known.
    pub bad_days: Ratio,
}

/// A day of all services of a provider.
struct ServiceDay {
    /// What is known of it, in thousandths.
    coverage: u64,
    /// What of that was kept, in thousandths.
    kept: u64,
}

impl ServiceDay {
    /// The mean over the monitors; what was kept weighted by what is known.
    fn of(policy: &Policy, monitors: &UptimeDay) -> Option<Self> {
        let (mut count, mut covered, mut kept) = (0u64, 0u64, 0u64);
        for (class, &times) in monitors {
            let coverage = u64::from(class.coverage.count()) * times;
            count += times;
            covered += coverage;
            kept += coverage * class.kept(policy.uptime.allowed_downtime);
        }
        Some(Self { coverage: (covered * 50).checked_div(count)?, kept: kept.checked_div(covered)? })
    }
}

pub(super) fn facts(policy: &Policy, signals: &Signals, as_of: Moment) -> UptimeFacts {
    let today = as_of.day();
    let horizon = u32::from(policy.family(Family::Uptime).horizon_days);
    let mut facts = UptimeFacts::default();
    for (day, service) in days(policy, signals) {
        let age = today.since(day);
        if service.coverage >= 950 && age < horizon {
            facts.covered_days += 1;
        }
        if age < u32::from(RECENT) {
            facts.bad_days.of += 1;
            facts.bad_days.count += u64::from(service.kept < u64::from(policy.flags.bad_day_kept));
        }
    }
    facts
}

/// The observations that are scored: one a day, which counts for as much as is known of it.
pub(super) fn evidence(policy: &Policy, signals: &Signals) -> Observations {
    let observation = |(day, service): (Day, ServiceDay)| {
        let weight = u32::try_from(service.coverage).unwrap_or(1000);
        let weighted = Weighted { count: 1, weight, quality: Quality::thousandths(service.kept) };
        ((day, Kind::ServiceDay), weighted)
    };
    days(policy, signals).map(observation).collect()
}

fn days<'a>(policy: &'a Policy, signals: &'a Signals) -> impl Iterator<Item = (Day, ServiceDay)> + 'a {
    signals.uptime_days().filter_map(|(day, monitors)| Some((day, ServiceDay::of(policy, monitors)?)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        duration::Bucket,
        summary::{Concern, Days, Summary, Track, summarise},
        uptime::count::{Twentieths, UptimeCount},
    };

    fn now() -> Moment {
        Moment::parse("2026-11-23T12:00:00Z").unwrap()
    }

    fn class(twentieths: u8, down: u32) -> UptimeCount {
        UptimeCount { coverage: Twentieths::new(twentieths).unwrap(), down: Bucket::of(down) }
    }

    /// So many days before today, each with these monitors.
    fn watched(days: u16, monitors: &[(UptimeCount, u64)]) -> Signals {
        let day: UptimeDay = monitors.iter().copied().collect();
        let uptime = (1..=days).map(|ago| (now().day().minus(ago), day.clone())).collect();
        Signals { days: Days { uptime, ..Days::default() }, ..Signals::default() }
    }

    fn summary(signals: &Signals) -> Summary {
        summarise(Policy::current(), &"p1".parse().unwrap(), signals, now())
    }

    #[test]
    fn a_week_of_covered_days_makes_a_score_and_uncovered_ones_do_not() {
        assert_eq!(summary(&watched(6, &[(class(20, 0), 1)])).track, Track::New);
        assert_eq!(summary(&watched(7, &[(class(20, 0), 1)])).track, Track::Vetting);
        assert_eq!(summary(&watched(90, &[(class(18, 0), 1)])).track, Track::New);
    }

    #[test]
    fn a_day_is_one_observation_however_many_monitors_saw_it() {
        let one = summary(&watched(20, &[(class(20, 0), 1)])).score.unwrap();
        let many = summary(&watched(20, &[(class(20, 0), 5000)])).score.unwrap();
        assert_eq!(one, many);
        assert_eq!(one.families[0].observations, 20);
    }

    #[test]
    fn a_monitor_that_was_down_counts_among_the_others_by_what_is_known_of_it() {
        let day = |monitors: &[(UptimeCount, u64)]| {
            let day = monitors.iter().copied().collect();
            ServiceDay::of(Policy::current(), &day).map(|day| (day.coverage, day.kept))
        };
        assert_eq!(day(&[(class(20, 0), 3), (class(20, 100), 1)]), Some((1000, 875)));
        assert_eq!(day(&[(class(20, 0), 1), (class(10, 100), 1)]), Some((750, 833)));
        assert_eq!(day(&[]), None);
    }

    #[test]
    fn unknown_days_are_less_evidence_and_never_bad_evidence() {
        let score = |signals: &Signals| summary(signals).score.unwrap();
        let (whole, half) =
            (score(&watched(60, &[(class(20, 0), 1)])), score(&watched(60, &[(class(19, 0), 1)])));
        assert!(half.points > half.baseline && half.points < whole.points);
        assert!(half.families[0].high.value() - half.families[0].low.value() > 0.0);
    }

    #[test]
    fn bad_days_flag_by_count_and_share() {
        let concern = |signals: &Signals| summary(signals).flags.first().map(|flag| flag.concern);
        assert_eq!(concern(&watched(2, &[(class(20, 2000), 1)])), None);
        assert_eq!(concern(&watched(3, &[(class(20, 2000), 1)])), Some(Concern::BadDays));
        assert_eq!(concern(&watched(30, &[(class(20, 0), 1)])), None);
    }
}
