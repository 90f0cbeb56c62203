//! What a provider's monitors came to over the last whole days: what the API's answers and the pages both rest on.
//!
//! The days are those that are over, since those are what a proof covers; today stands beside them.

use std::{cmp::Ordering, collections::BTreeMap};

use trust::{
    id::ContractId,
    time::{Day, Moment},
    uptime::{
        day::Tally,
        facts::{DayFact, Facts},
        interval::UptimeInterval,
        names::MonitorId,
        outage::{self, Incident},
        sla::Standing,
    },
};

/// How far an answer looks back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Window {
    days: u16,
    today: Day,
}

impl Window {
    /// The lengths there are, in days: those for which latencies are kept.
    pub(crate) const LENGTHS: [u16; 4] = [1, 7, 30, 90];

    /// So many days before today; `None` if that is none of [`Window::LENGTHS`].
    pub(crate) fn new(days: u16, now: Moment) -> Option<Self> {
        Self::LENGTHS.contains(&days).then(|| Self { days, today: now.day() })
    }

    /// The last month before today.
    pub(crate) fn month(now: Moment) -> Self {
        Self { days: 30, today: now.day() }
    }

    /// The last quarter before today.
    pub(crate) fn quarter(now: Moment) -> Self {
        Self { days: 90, today: now.day() }
    }

    /// How many days it has.
    pub(crate) fn days(self) -> u16 {
        self.days
    }

    /// The day after the last.
    pub(crate) fn today(self) -> Day {
        self.today
    }

    /// Its first day.
    pub(crate) fn first(self) -> Day {
        self.today.minus(self.days)
    }

    /// Its last day: yesterday.
    pub(crate) fn last(self) -> Day {
        self.today.minus(1)
    }

    /// The shortest of those lengths that reaches back to a day; the longest if none does.
    pub(crate) fn reaching(self, day: Day) -> u16 {
        let reaches = |days: &u16| self.today.minus(*days) <= day;
        Self::LENGTHS.into_iter().find(reaches).unwrap_or(90)
    }
}

/// One monitor in a window.
#[derive(Debug)]
pub(crate) struct Watched<'a> {
    /// All that is known of it.
    pub(crate) facts: &'a Facts,
    /// Its days in the window.
    pub(crate) days: Vec<DayFact>,
    /// Today, as far as it was settled.
    pub(crate) today: Option<&'a DayFact>,
}

impl Watched<'_> {
    /// Its slots in the window.
    pub(crate) fn tally(&self) -> Tally {
        self.days.iter().map(|fact| &fact.tally).sum()
    }

    /// Whether it is down now, as far as we know.
    pub(crate) fn is_down(&self) -> bool {
        self.facts.open_outage().is_some()
    }

    pub(crate) fn id(&self) -> &MonitorId {
        &self.facts.watch.service.monitor
    }
}

/// What a contract promises of its services' uptime, and how it stands with each.
#[derive(Debug)]
pub(crate) struct Promise<'a> {
    /// How it stands with each service in the running period, or the last one, the worst first: it decides. Never empty.
    pub(crate) standings: Vec<(&'a Facts, Standing)>,
    /// How it stood in the periods before that reach into the window, by the service that stood worst, the latest first.
    pub(crate) past: Vec<Standing>,
}

/// What is known of a promise in its running period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kept {
    /// It is broken.
    Broken,
    /// It is kept so far, whatever was not seen.
    SoFar,
    /// It is kept as far as was seen; what was not seen could have broken it.
    Undecided,
}

impl Kept {
    pub(crate) fn of(standing: &Standing) -> Self {
        if standing.breached_on.is_some() {
            Self::Broken
        } else if standing.used + standing.unknown > standing.allowed {
            Self::Undecided
        } else {
            Self::SoFar
        }
    }
}

/// What a provider's monitors came to.
#[derive(Debug)]
pub(crate) struct Overview<'a> {
    /// Over which days.
    pub(crate) window: Window,
    /// The monitors that were there in them, or are today, by their names.
    pub(crate) monitors: Vec<Watched<'a>>,
    /// What contracts promise, the worst first.
    pub(crate) promises: Vec<Promise<'a>>,
}

impl<'a> Overview<'a> {
    /// The overview of these facts.
    pub(crate) fn of(facts: &'a [Facts], window: Window, now: Moment) -> Self {
        let is_there = |facts: &&Facts| {
            let begun = facts.watch.first_day().is_some_and(|first| first <= window.today());
            begun && facts.watch.last_day().is_none_or(|last| last >= window.first())
        };
        let watched = |facts: &'a Facts| Watched {
            days: facts.due_days(window.first(), window.last(), now),
            today: facts.days_within(window.today(), window.today()).next(),
            facts,
        };
        let mut monitors: Vec<Watched<'a>> = facts.iter().filter(is_there).map(watched).collect();
        monitors.sort_by(|one, other| {
            let key = |of: &Watched<'a>| (of.facts.watch.name.clone(), of.id().clone());
            key(one).cmp(&key(other))
        });
        let promises = promises(monitors.iter().map(|watched| watched.facts), window);
        Self { window, monitors, promises }
    }

    /// The slots of all monitors in the window.
    pub(crate) fn tally(&self) -> Tally {
        let mut sum = Tally::default();
        for watched in &self.monitors {
            sum += &watched.tally();
        }
        sum
    }

    /// The slots of all monitors today, as far as it was settled.
    pub(crate) fn today(&self) -> Tally {
        self.monitors.iter().filter_map(|watched| watched.today).map(|fact| &fact.tally).sum()
    }

    /// The slots of all monitors, day by day.
    pub(crate) fn days(&self) -> BTreeMap<Day, Tally> {
        let mut days: BTreeMap<Day, Tally> = BTreeMap::new();
        for fact in self.monitors.iter().flat_map(|watched| &watched.days) {
            *days.entry(fact.day).or_default() += &fact.tally;
        }
        days
    }

    /// The interval of all monitors' uptime, a day an observation.
    pub(crate) fn interval(&self) -> Option<UptimeInterval> {
        UptimeInterval::of(self.days().values())
    }

    /// As of when the least recent of the monitors that run was looked at; `None` if one never was, or none runs.
    pub(crate) fn as_of(&self) -> Option<Moment> {
        let running = self.monitors.iter().filter(|watched| watched.facts.watch.ended.is_none());
        let as_of = running.map(|watched| watched.facts.current.as_ref().map(|current| current.as_of));
        as_of.min().flatten()
    }
}

fn promises<'a>(monitors: impl Iterator<Item = &'a Facts>, window: Window) -> Vec<Promise<'a>> {
    let mut contracts: BTreeMap<Option<&ContractId>, Vec<(&'a Facts, Standing)>> = BTreeMap::new();
    for facts in monitors {
        let on = facts.watch.last_day().map_or(window.today(), |last| last.min(window.today()));
        if let Some(standing) = facts.standing(on) {
            contracts.entry(facts.watch.service.contract.as_ref()).or_default().push((facts, standing));
        }
    }
    let mut promises: Vec<Promise<'a>> = contracts
        .into_values()
        .map(|mut standings| {
            standings.sort_by(|(_, one), (_, other)| worse(one, other));
            let past = past(&standings, window);
            Promise { standings, past }
        })
        .collect();
    promises.sort_by(|one, other| match (one.standings.first(), other.standings.first()) {
        (Some((_, one)), Some((_, other))) => worse(one, other),
        _ => Ordering::Equal,
    });
    promises
}

/// The worst standing in each period before, as far as all its days are known.
fn past(standings: &[(&Facts, Standing)], window: Window) -> Vec<Standing> {
    let mut worst: BTreeMap<Day, Standing> = BTreeMap::new();
    for (facts, running) in standings {
        let known_since = facts.days().next().map(|fact| fact.day);
        let mut begins = running.from;
        while begins > window.first() && facts.watch.first_day().is_some_and(|first| first < begins) {
            let standing = facts.standing(begins.minus(1));
            let Some(standing) =
                standing.filter(|before| known_since.is_some_and(|since| since <= before.from))
            else {
                break;
            };
            begins = standing.from;
            let known = worst.entry(begins).or_insert_with(|| standing.clone());
            if worse(&standing, known).is_lt() {
                *known = standing;
            }
        }
    }
    worst.into_values().rev().collect()
}

/// Which of two stands worse: broken before kept, the earlier broken first, then by the share of the budget that is used, then by
/// what may have used it.
fn worse(one: &Standing, other: &Standing) -> Ordering {
    let broken = |standing: &Standing| standing.breached_on.map_or((1, None), |day| (0, Some(day)));
    let share =
        |used: u64, allowed: u64, of: u64| u128::from(used) * u128::from(of) * u128::from(allowed > 0);
    let by_used =
        share(other.used, other.allowed, one.allowed).cmp(&share(one.used, one.allowed, other.allowed));
    broken(one).cmp(&broken(other)).then(by_used).then(other.unknown.cmp(&one.unknown))
}

/// The incidents of a provider that reach into the window or today, the newest first.
pub(crate) fn incidents(facts: &[Facts], window: Window) -> Vec<Incident> {
    let outages = facts.iter().flat_map(|facts| {
        let monitor = &facts.watch.service.monitor;
        facts.outages().map(move |outage| (monitor.clone(), outage.clone()))
    });
    let since = window.first().start();
    let mut incidents = outage::incidents(outages);
    incidents.retain(|incident| incident.is_open || incident.until > since);
    incidents.reverse();
    incidents
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    #[test]
    fn the_window_ends_with_yesterday_and_today_stands_beside_it() {
        let now = samples::now();
        let facts = [samples::monitor("web", 40, |_, _| 'u')];
        let overview = Overview::of(&facts, Window::new(7, now).unwrap(), now);
        assert_eq!(overview.tally().up(), 7 * 24);
        assert_eq!(overview.today().up(), u64::from(samples::HOURS_OF_TODAY));
        assert_eq!(overview.window.last(), now.day().minus(1));
        assert_eq!(Window::new(8, now), None);
    }

    #[test]
    fn the_worst_service_of_a_contract_decides_and_unseen_time_leaves_it_undecided() {
        let now = samples::now();
        // 99 % of 30 days: 7.2 hours.
        let facts = [
            samples::monitor("fine", 20, |_, _| 'u'),
            samples::monitor("blind", 20, |day, hour| if day == 3 && hour < 9 { '?' } else { 'u' }),
            samples::monitor("broken", 20, |day, hour| if day == 2 && hour < 9 { 'd' } else { 'u' }),
        ]
        .map(|facts| samples::promised(facts, "c1", 9_900));
        let overview = Overview::of(&facts, Window::month(now), now);
        let [promise] = overview.promises.as_slice() else { panic!("one contract") };
        let standings: Vec<(&str, Kept)> = promise
            .standings
            .iter()
            .map(|(facts, standing)| (facts.watch.name.as_str(), Kept::of(standing)))
            .collect();
        assert_eq!(standings, [("broken", Kept::Broken), ("blind", Kept::Undecided), ("fine", Kept::SoFar)]);
    }

    #[test]
    fn a_promise_that_was_broken_in_an_earlier_period_stays_told() {
        let now = samples::now();
        // Begun 65 days ago: periods end 35 and 5 days ago.
        let seen = |day: u32, hour: u32| if day == 7 && hour < 9 { 'd' } else { 'u' };
        let facts = [samples::promised(samples::monitor("web", 65, seen), "c1", 9_900)];
        let past = |days| {
            let overview = Overview::of(&facts, Window::new(days, now).unwrap(), now);
            assert_eq!(Kept::of(&overview.promises[0].standings[0].1), Kept::SoFar);
            overview.promises[0].past.iter().map(Kept::of).collect::<Vec<_>>()
        };
        assert_eq!(
            (past(1), past(30), past(90)),
            (vec![], vec![Kept::Broken], vec![Kept::Broken, Kept::SoFar])
        );
    }

    #[test]
    fn a_monitor_that_nobody_settled_for_days_loses_coverage() {
        let now = samples::now();
        let facts = [samples::monitor("web", 40, |_, _| 'u')];
        let later = now.plus(10 * 86_400);
        let overview = Overview::of(&facts, Window::month(later), later);
        let tally = overview.tally();
        assert_eq!(tally.expected(), 30 * 24);
        assert_eq!(tally.claim(), None);
    }

    #[test]
    fn incidents_reach_into_the_window_and_the_newest_comes_first() {
        let now = samples::now();
        let seen = |day: u32, hour: u32| if [5, 36].contains(&day) && hour == 3 { 'd' } else { 'u' };
        let facts = [samples::monitor("web", 40, seen), samples::monitor("ssh", 40, seen)];
        let counts = |days| {
            let found = incidents(&facts, Window::new(days, now).unwrap());
            found.iter().map(|incident| incident.outages.len()).collect::<Vec<_>>()
        };
        assert_eq!((counts(90), counts(30), counts(1)), (vec![2, 2], vec![2], vec![]));
    }
}
