//! What a bundle says of uptime, recomputed from the days in it, once every reason to doubt it is out of the way.
//!
//! The leaves of such a bundle are `day/1` records ([`trust::uptime::record`]) of one or several monitors over the same whole UTC
//! days: from the first day that any of them has to the last. It bears a claim if
//!
//! 1. the days of each monitor follow each other without a gap: next number, next day, hash of the one before;
//! 2. each begins with the claim's first day, or with the first record the monitor ever had, which has the number 0;
//! 3. each ends with the claim's last day, or its `monitor/1` record ([`trust::uptime::leaves`]) stands in the bundle, says when
//!    the monitor ended, and its days reach that far;
//! 4. a `correction/1` in it is of one of the days, stands after it in the log, and says how that day is right: then this counts in
//!    its place, while the series goes by what was first logged. Of several of one day the last counts. One that only says that a
//!    day is wrong leaves nothing to claim;
//! 5. nothing else is in it.
//!
//! A bundle can not show that all monitors of a provider are in it, nor which days were asked for. What the reader expects, he
//! says: [`Expected`].

mod shown;

use std::{collections::BTreeMap, num::NonZeroU32};

use trust::{
    time::{Day, Moment},
    uptime::{
        day::Tally,
        leaves::{self, AnotherDay, CorrectionLeaf, MonitorLeaf},
        names::MonitorId,
        record::{self, Break, DayRecord},
    },
};

use crate::{bundle::Verified, checkpoint::Published, leaf::Kind};

/// What the reader of a bundle knows from elsewhere. Nothing, by default; then any days will do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Expected {
    /// How many days it is to be about.
    pub days: Option<NonZeroU32>,
    /// Its last day. Without it an old bundle passes for a new one.
    pub until: Option<Day>,
    /// Monitors that are to be in it.
    pub monitors: Vec<MonitorId>,
}

/// A claim that a bundle bears. It shows as lines that say it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    checkpoint: Published,
    monitors: BTreeMap<MonitorId, MonitorClaim>,
    period: Period,
}

/// What is claimed of one monitor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MonitorClaim {
    /// Its days within those of the claim.
    pub period: Period,
    /// When it ended, if that is why its days end before the claim's.
    pub ended: Option<Moment>,
    /// How many of its days were corrected in the log.
    pub corrected: u32,
    /// Its slots, those of corrected days as they are right.
    pub tally: Tally,
}

/// Whole UTC days.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// The first of them.
    pub first: Day,
    /// The last of them, not before the first.
    pub last: Day,
}

impl Period {
    /// How many they are.
    pub fn days(self) -> u32 {
        self.last.since(self.first) + 1
    }
}

/// Why a verified bundle bears no claim.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotBorne {
    /// A day's record can not be read.
    #[error("the day at leaf {index} can not be read: {reason}")]
    UnreadableDay {
        /// Its place in the log.
        index: u64,
        /// What is wrong with it.
        reason: record::Malformed,
    },
    /// Another record can not be read.
    #[error("the record at leaf {index} can not be read: {reason}")]
    Unreadable {
        /// Its place in the log.
        index: u64,
        /// What is wrong with it.
        reason: leaves::Malformed,
    },
    /// A leaf that has no part in a claim about uptime.
    #[error("leaf {index}, a {kind}, has no part in the claim")]
    Foreign {
        /// Its place in the log.
        index: u64,
        /// What it is.
        kind: Kind,
    },
    /// The log itself says that a day is wrong, and not how it is right.
    #[error("leaf {index} is wrong, as leaf {by} of the log says: {reason}")]
    Corrected {
        /// The place of the day.
        index: u64,
        /// The place of the correction.
        by: u64,
        /// What was wrong.
        reason: leaves::Reason,
    },
    /// A correction has another day in the place of the one that it corrects.
    #[error("leaf {by} corrects leaf {index}: {reason}")]
    Miscorrected {
        /// The place of the day.
        index: u64,
        /// The place of the correction.
        by: u64,
        /// What does not fit.
        reason: AnotherDay,
    },
    /// There are no days in it.
    #[error("there is no day in the bundle")]
    NoDays,
    /// A day was left out, doubled, moved or put in place of another.
    #[error("the day of {monitor} at leaf {index} does not follow the one before it: {reason}")]
    Broken {
        /// Whose day.
        monitor: MonitorId,
        /// Its place in the log.
        index: u64,
        /// What does not fit.
        reason: Break,
    },
    /// Days are missing at the beginning.
    #[error("the days of {monitor} begin with {found}, not with {first}, and not with its first record")]
    BeginsLate {
        /// Whose days.
        monitor: MonitorId,
        /// The first one found.
        found: Day,
        /// The claim's first day.
        first: Day,
    },
    /// Days are missing at the end.
    #[error(
        "the days of {monitor} end with {found}, not with {last}, and it is not shown to have ended then"
    )]
    EndsEarly {
        /// Whose days.
        monitor: MonitorId,
        /// The last one found.
        found: Day,
        /// The claim's last day.
        last: Day,
    },
    /// Not as many days as expected.
    #[error("the number of days is {found}, not {expected}")]
    Days {
        /// How many there are.
        found: u32,
        /// How many there should be.
        expected: u32,
    },
    /// Other days than expected.
    #[error("the bundle's last day is {found}, not {expected}")]
    Until {
        /// The last day.
        found: Day,
        /// What it should be.
        expected: Day,
    },
    /// A monitor that should be in it is not.
    #[error("the monitor {0} is not in the bundle")]
    NoMonitor(MonitorId),
}

impl Claim {
    /// The claim that a bundle bears, whose signature and proofs have been checked.
    pub fn of(bundle: &Verified<'_>, expected: &Expected) -> Result<Self, NotBorne> {
        let found = Found::read(bundle)?;
        let period = found.period().ok_or(NotBorne::NoDays)?;
        let corrected = found.corrected()?;
        let monitors = found.monitors(period, &corrected)?;
        let claim = Self { checkpoint: bundle.checkpoint().clone(), monitors, period };
        claim.check(expected).map(|()| claim)
    }

    /// The checkpoint that all of it hangs on.
    pub fn checkpoint(&self) -> &Published {
        &self.checkpoint
    }

    /// The days it is about.
    pub fn period(&self) -> Period {
        self.period
    }

    /// What is claimed of each monitor.
    pub fn monitors(&self) -> &BTreeMap<MonitorId, MonitorClaim> {
        &self.monitors
    }

    /// The slots of all monitors: what is claimed of the whole.
    pub fn tally(&self) -> Tally {
        self.monitors.values().map(|monitor| &monitor.tally).sum()
    }

    fn check(&self, expected: &Expected) -> Result<(), NotBorne> {
        let Period { last, .. } = self.period;
        if let Some(until) = expected.until.filter(|until| *until != last) {
            return Err(NotBorne::Until { found: last, expected: until });
        }
        let found = self.period.days();
        if let Some(days) = expected.days.filter(|days| days.get() != found) {
            return Err(NotBorne::Days { found, expected: days.get() });
        }
        let absent = expected.monitors.iter().find(|monitor| !self.monitors.contains_key(monitor));
        absent.map_or(Ok(()), |monitor| Err(NotBorne::NoMonitor(monitor.clone())))
    }
}

/// The records of a bundle, each with its place in the log. There is no monitor without days.
#[derive(Default)]
struct Found {
    days: BTreeMap<MonitorId, Vec<(u64, DayRecord)>>,
    ends: BTreeMap<MonitorId, (u64, Moment)>,
    corrections: Vec<(u64, CorrectionLeaf)>,
}

impl Found {
    fn read(bundle: &Verified<'_>) -> Result<Self, NotBorne> {
        let mut found = Self::default();
        for (index, leaf) in bundle.leaves() {
            let (kind, bytes) = (leaf.kind(), leaf.as_bytes());
            let unreadable = |reason| NotBorne::Unreadable { index, reason };
            let foreign = NotBorne::Foreign { index, kind };
            match kind {
                Kind::Day => {
                    let day = DayRecord::decode(bytes)
                        .map_err(|reason| NotBorne::UnreadableDay { index, reason })?;
                    found.days.entry(day.monitor().clone()).or_default().push((index, day));
                }
                Kind::Monitor => {
                    let leaf = MonitorLeaf::decode(bytes).map_err(unreadable)?;
                    let end = leaf.lifetime.ended().ok_or_else(|| foreign.clone())?;
                    if found.ends.insert(leaf.monitor, (index, end)).is_some() {
                        return Err(foreign);
                    }
                }
                Kind::Correction => {
                    found.corrections.push((index, CorrectionLeaf::decode(bytes).map_err(unreadable)?));
                }
                Kind::Maintenance | Kind::Score | Kind::Key => return Err(foreign),
            }
        }
        match found.ends.iter().find(|(monitor, _)| !found.days.contains_key(monitor)) {
            Some((_, &(index, _))) => Err(NotBorne::Foreign { index, kind: Kind::Monitor }),
            None => Ok(found),
        }
    }

    /// From the first day of any monitor to the last.
    fn period(&self) -> Option<Period> {
        let days = || self.days.values().flatten().map(|(_, record)| record.day().day);
        Some(Period { first: days().min()?, last: days().max()? })
    }

    /// What counts in the place of days that were corrected, by their places. A correction is of a day before it.
    fn corrected(&self) -> Result<BTreeMap<u64, &DayRecord>, NotBorne> {
        let mut corrected = BTreeMap::new();
        for (by, correction) in &self.corrections {
            let (by, index) = (*by, correction.leaf());
            let wrong = self.days.values().flatten().find(|&&(place, _)| place == index && index < by);
            let (_, wrong) = wrong.ok_or(NotBorne::Foreign { index: by, kind: Kind::Correction })?;
            let right = correction.in_place_of(wrong).map_err(|reason| NotBorne::Miscorrected {
                index,
                by,
                reason,
            })?;
            let right = right.ok_or_else(|| NotBorne::Corrected {
                index,
                by,
                reason: correction.reason().clone(),
            })?;
            corrected.insert(index, right);
        }
        Ok(corrected)
    }

    fn monitors(
        &self,
        period: Period,
        corrected: &BTreeMap<u64, &DayRecord>,
    ) -> Result<BTreeMap<MonitorId, MonitorClaim>, NotBorne> {
        let claim = |(monitor, days): (&MonitorId, &Vec<_>)| {
            let end = self.ends.get(monitor).map(|&(_, end)| end);
            Ok((monitor.clone(), claim(monitor, days, corrected, end, period)?))
        };
        self.days.iter().map(claim).collect()
    }
}

/// What is claimed of a monitor with these days, within those of the whole claim.
fn claim(
    monitor: &MonitorId,
    days: &[(u64, DayRecord)],
    corrected: &BTreeMap<u64, &DayRecord>,
    end: Option<Moment>,
    whole: Period,
) -> Result<MonitorClaim, NotBorne> {
    for pair in days.windows(2) {
        if let [(_, before), (index, day)] = pair {
            let broken = |reason| NotBorne::Broken { monitor: monitor.clone(), index: *index, reason };
            day.follows(before).map_err(broken)?;
        }
    }
    let (Some((_, begin)), Some((_, last))) = (days.first(), days.last()) else {
        return Err(NotBorne::NoDays);
    };
    let period = Period { first: begin.day().day, last: last.day().day };
    if period.first != whole.first && begin.link().sequence() != 0 {
        let (monitor, found) = (monitor.clone(), period.first);
        return Err(NotBorne::BeginsLate { monitor, found, first: whole.first });
    }
    // The last day that a slot can begin in is the one of the second before the end.
    let ended = end.filter(|_| period.last != whole.last);
    if period.last != whole.last && ended.is_none_or(|end| period.last < end.plus(-1).day()) {
        let (monitor, found) = (monitor.clone(), period.last);
        return Err(NotBorne::EndsEarly { monitor, found, last: whole.last });
    }
    let (mut tally, mut count) = (Tally::default(), 0);
    for (index, day) in days {
        let right = corrected.get(index);
        count += u32::from(right.is_some());
        tally += &right.map_or_else(|| day.tally(), |right| right.tally());
    }
    Ok(MonitorClaim { period, ended, corrected: count, tally })
}
