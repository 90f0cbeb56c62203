//! What others say of a monitor: a provider's own agents, and the monitoring tools he runs.
//!
//! It is a claim. It is shown as what was said and by whom, never enters a day, a tally or a score, and is held against what we saw:
//! where the two differ for a while, that is flagged.
//!
//! A report is read into [`Statement`]s ([`read`]), each a point in time. Statements may come late, twice and in any order; what they
//! amount to ([`claims`]) follows from all of them.

mod reading;

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::AddAssign,
};

use serde::{Deserialize, Serialize};

use crate::time::{Day, Moment};

use super::{
    day::MonitorDay,
    monitor::without,
    record::Sha256Hash,
    slot::Slot,
    span::{Span, Spans},
};

pub use reading::{LARGEST, OLDEST, Unreadable, read};

/// Who says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reporter {
    /// An agent beside the service, by heartbeats.
    Agent,
    /// Uptime Kuma.
    UptimeKuma,
    /// Gatus.
    Gatus,
    /// Prometheus Alertmanager.
    Alertmanager,
}

impl Reporter {
    /// For how many seconds a statement holds at most, if none follows.
    ///
    /// Agents say so every minute or so, tools only when something changes, and again now and then. Longer, and one that has died
    /// would speak on; shorter, and a state that nothing changes would be forgotten.
    pub fn holds(self) -> i64 {
        match self {
            Self::Agent => 300,
            Self::UptimeKuma | Self::Gatus | Self::Alertmanager => LONGEST_HELD,
        }
    }
}

/// The longest that any statement holds, in seconds: what was said before that matters no more.
pub const LONGEST_HELD: i64 = 86_400;

/// What is said. The order decides between two statements of the same second: the later one holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Says {
    /// It is up.
    Up,
    /// Nothing any more: the reporter has stopped to look, for maintenance say.
    Nothing,
    /// It is down.
    Down,
}

/// Of which of a reporter's own things a statement is: two of them may be bound to one monitor, and one recovers while the other is
/// still down. A hash, because their names may say where the service is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Subject(u32);

impl Subject {
    /// The subject of this name.
    pub fn of(name: &str) -> Self {
        let [a, b, c, d, ..] = Sha256Hash::of(name.as_bytes()).0;
        Self(u32::from_be_bytes([a, b, c, d]))
    }
}

/// One thing that was said. Ordered by time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Statement {
    /// Since when it is so.
    pub at: Moment,
    /// By whom.
    pub by: Reporter,
    /// Of what.
    #[serde(default)]
    pub of: Subject,
    /// What.
    pub says: Says,
}

/// What a reporter's statements amount to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Claims {
    /// When everything was up, as far as it spoke of it.
    pub up: Spans,
    /// When something was down.
    pub down: Spans,
    /// How many statements there are.
    pub statements: u32,
}

/// What statements amount to within a stretch of time. Those of [`LONGEST_HELD`] before it belong to it; what begins later does not
/// count.
pub fn claims(statements: &BTreeSet<Statement>, within: Span) -> BTreeMap<Reporter, Claims> {
    let mut by_subject: BTreeMap<(Reporter, Subject), Vec<(Moment, Says)>> = BTreeMap::new();
    // The last of a second holds, which the order of statements makes the worst.
    for statement in statements.iter().filter(|statement| statement.at < within.until) {
        by_subject.entry((statement.by, statement.of)).or_default().push((statement.at, statement.says));
    }
    let mut said: BTreeMap<Reporter, (Vec<Span>, Vec<Span>, u32)> = BTreeMap::new();
    for ((reporter, _), points) in by_subject {
        let ends = points.iter().skip(1).map(|(at, _)| *at).chain([Moment::LATEST]);
        let (up, down, count) = said.entry(reporter).or_default();
        for ((at, says), next) in points.iter().zip(ends) {
            let held = Span { from: *at, until: next.min(at.plus(reporter.holds())) }.overlap(within);
            match says {
                Says::Up => up.push(held),
                Says::Down => down.push(held),
                Says::Nothing => {}
            }
            *count += u32::from(within.contains(*at));
        }
    }
    let joined = |(reporter, (up, down, statements)): (Reporter, (Vec<Span>, Vec<Span>, u32))| {
        let down: Spans = down.into_iter().collect();
        let up: Spans = up.into_iter().collect();
        let up = up.iter().flat_map(|span| without(span, &down)).collect();
        (reporter, Claims { up, down, statements })
    };
    said.into_iter().map(joined).filter(|(_, claims)| *claims != Claims::default()).collect()
}

/// How many slots in a row have to differ before it counts. Fewer, and a check that failed once between two of theirs would count;
/// more, and nobody would hear of a short outage that only one side has seen.
pub const DIFFERING_SLOTS: usize = 3;

/// Most stretches that are named, the latest ones; all slots are counted.
const NAMED: usize = 5;

/// Where a reporter and we differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disagreement {
    /// What the reporter says. We saw the opposite.
    pub says: Says,
    /// In how many slots.
    pub slots: u32,
    /// When: the latest stretches.
    pub spans: Vec<Span>,
}

/// Where a reporter differs from what we saw of a day, in at least [`DIFFERING_SLOTS`] slots in a row.
///
/// A slot counts if the reporter speaks of all of it and we saw the opposite: what we do not know, and maintenance, is no
/// disagreement.
pub fn disagreements(day: &MonitorDay, claims: &Claims) -> Vec<Disagreement> {
    let differs = |says: Says, slot: &Option<Slot>, span: Span| match (says, slot) {
        (Says::Down, Some(Slot::Up)) => claims.down.covers(span),
        (Says::Up, Some(Slot::Down(_))) => claims.up.covers(span),
        _ => false,
    };
    let mut found = Vec::new();
    for says in [Says::Down, Says::Up] {
        let (mut slots, mut spans) = (0_usize, Vec::new());
        let spans_of: Vec<(Span, bool)> = day
            .grid
            .slots()
            .zip(&day.slots)
            .map(|(index, slot)| {
                let span = day.grid.span(day.day, index);
                (span, differs(says, slot, span))
            })
            .collect();
        for run in spans_of.chunk_by(|(_, one), (_, other)| one == other) {
            let (Some((first, true)), Some((last, _))) = (run.first(), run.last()) else { continue };
            if run.len() >= DIFFERING_SLOTS {
                slots += run.len();
                spans.push(Span { from: first.from, until: last.until });
            }
        }
        if slots > 0 {
            latest(&mut spans);
            found.push(Disagreement { says, slots: u32::try_from(slots).unwrap_or(u32::MAX), spans });
        }
    }
    found
}

fn latest(spans: &mut Vec<Span>) {
    spans.drain(..spans.len().saturating_sub(NAMED));
}

/// What one reporter said of a monitor's day, or of several.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// Seconds that he said were up.
    pub up_seconds: u64,
    /// Seconds that he said were down.
    pub down_seconds: u64,
    /// How often he spoke.
    pub statements: u32,
    /// Where he differs from what we saw.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub disagreements: Vec<Disagreement>,
}

/// Adds what was said of a later day.
impl AddAssign<&Self> for Said {
    fn add_assign(&mut self, later: &Self) {
        self.up_seconds += later.up_seconds;
        self.down_seconds += later.down_seconds;
        self.statements = self.statements.saturating_add(later.statements);
        for found in &later.disagreements {
            match self.disagreements.iter_mut().find(|known| known.says == found.says) {
                Some(known) => {
                    known.slots = known.slots.saturating_add(found.slots);
                    known.spans.extend(&found.spans);
                    latest(&mut known.spans);
                }
                None => self.disagreements.push(found.clone()),
            }
        }
    }
}

/// What was said of a monitor, by day and reporter, the last [`KEPT_DAYS`](super::facts::KEPT_DAYS) days. All of it is claimed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reported {
    /// What was said of each day on which anybody spoke.
    pub days: BTreeMap<Day, BTreeMap<Reporter, Said>>,
}

impl Reported {
    /// What each reporter said from one day up to and including another.
    pub fn over(&self, first: Day, last: Day) -> BTreeMap<Reporter, Said> {
        let mut sums: BTreeMap<Reporter, Said> = BTreeMap::new();
        let days = self.days.iter().filter(|(day, _)| (first..=last).contains(*day));
        for (reporter, said) in days.flat_map(|(_, said)| said) {
            *sums.entry(*reporter).or_default() += said;
        }
        sums
    }

    /// Works a day out anew, from what we know of it and the statements of it, with those of [`LONGEST_HELD`] before. What is said of
    /// the time from `now` on does not count yet.
    pub fn review(&mut self, day: &MonitorDay, statements: &BTreeSet<Statement>, now: Moment) {
        let end = day.grid.end_of(day.day);
        let begin = day.grid.slots().next().map_or(end, |first| day.grid.span(day.day, first).from);
        let whole = Span { from: begin, until: end.min(now) };
        let said: BTreeMap<Reporter, Said> = claims(statements, whole)
            .into_iter()
            .map(|(reporter, claims)| {
                let said = Said {
                    up_seconds: claims.up.seconds_in(whole),
                    down_seconds: claims.down.seconds_in(whole),
                    statements: claims.statements,
                    disagreements: disagreements(day, &claims),
                };
                (reporter, said)
            })
            .collect();
        if said.is_empty() {
            self.days.remove(&day.day);
        } else {
            self.days.insert(day.day, said);
        }
        while self.days.len() > usize::from(super::facts::KEPT_DAYS) {
            self.days.pop_first();
        }
    }
}

#[cfg(test)]
mod tests;
