//! What was seen of a shard, day by day, read once for all its monitors.

use std::collections::{BTreeMap, BTreeSet};

use table::{Freshness, Known, Segment, Stored, Table, TableError};
use trust::{
    time::{Day, Moment},
    uptime::{
        configuration::Monitor,
        day::Plan,
        maintenance,
        names::Vantage,
        shard::ShardId,
        slot::{Attempt, Outcome, Panel, Panels, Sightings, Verdict},
        span::Span,
    },
};

use crate::{App, RACES};

/// Most days that are remembered: a full shard's takes some 12 MB for each place that asks.
const REMEMBERED: usize = 2;

/// Which monitors of a shard matter, by their numbers.
#[derive(Debug, Clone)]
pub(crate) enum Numbers {
    All,
    Only(BTreeSet<u32>),
}

impl Numbers {
    fn hold(&self, number: u32) -> bool {
        match self {
            Self::All => true,
            Self::Only(numbers) => numbers.contains(&number),
        }
    }
}

/// A segment, of the monitors that matter, in as little memory as can be.
struct Remembered {
    minute: Moment,
    vantage: Vantage,
    /// By the monitors' numbers.
    outcomes: Box<[(u32, Attempt, Outcome)]>,
    expiring: BTreeMap<u32, i64>,
}

impl Remembered {
    fn of(Segment { minute, vantage, seen }: Segment, numbers: &Numbers) -> Self {
        let outcomes = seen.outcomes.into_iter().filter(|(number, _)| numbers.hold(*number));
        let outcomes = outcomes.flat_map(|(number, outcomes)| {
            (0..).map(Attempt).zip(outcomes).map(move |(attempt, outcome)| (number, attempt, outcome))
        });
        let expiring = seen.expiring.into_iter().filter(|(number, _)| numbers.hold(*number));
        Self { minute, vantage, outcomes: outcomes.collect(), expiring: expiring.collect() }
    }

    /// The attempts at a monitor.
    fn attempts(&self, monitor: u32) -> impl Iterator<Item = (Attempt, Outcome)> {
        let first = self.outcomes.partition_point(|(number, ..)| *number < monitor);
        let of_it = self.outcomes.iter().skip(first).take_while(move |(number, ..)| *number == monitor);
        of_it.map(|&(_, attempt, outcome)| (attempt, outcome))
    }
}

/// What was seen on a day from a minute on.
struct SeenDay {
    from: Moment,
    segments: Vec<Remembered>,
}

/// What was seen of a shard on the days that were asked for last, each as far back as it was asked for.
pub(crate) struct SeenDays<'a> {
    table: &'a Table,
    shard: ShardId,
    freshness: Freshness,
    numbers: Numbers,
    days: BTreeMap<Day, SeenDay>,
}

impl<'a> SeenDays<'a> {
    pub(crate) fn of(table: &'a Table, shard: ShardId, freshness: Freshness, numbers: Numbers) -> Self {
        Self { table, shard, freshness, numbers, days: BTreeMap::new() }
    }

    /// What was seen on a day, in the minute of a moment and in those after it at least.
    async fn on(&mut self, day: Day, from: Moment) -> Result<&[Remembered], TableError> {
        let from = from.max(day.start());
        let from = from.plus(-from.unix().rem_euclid(60));
        let known = self.days.get(&day).map(|seen| seen.from);
        if known.is_none_or(|known| from < known) {
            if known.is_none() && self.days.len() == REMEMBERED {
                self.days.pop_first();
            }
            let minutes = Span { from, until: known.unwrap_or(day.next().start()) };
            let keep = |segment| Remembered::of(segment, &self.numbers);
            let mut segments = self.table.segments_within(self.shard, minutes, self.freshness, keep).await?;
            segments.extend(self.days.remove(&day).into_iter().flat_map(|seen| seen.segments));
            self.days.insert(day, SeenDay { from, segments });
        }
        Ok(self.days.get(&day).map(|seen| seen.segments.as_slice()).unwrap_or_default())
    }

    /// What was seen of a monitor on a day.
    pub(crate) async fn sightings(&mut self, monitor: &Monitor, day: Day) -> Result<Sightings, TableError> {
        self.sightings_from(monitor, day, day.start()).await
    }

    /// The same of the slots that begin at a moment or later, at least of those.
    pub(crate) async fn sightings_from(
        &mut self,
        monitor: &Monitor,
        day: Day,
        from: Moment,
    ) -> Result<Sightings, TableError> {
        let mut sightings = Sightings::default();
        for segment in self.on(day, from).await? {
            // A slot that is not expected any more, since it was paused meanwhile, is nobody's.
            let Some((_, slot)) = monitor.watch.schedule.due_in(segment.minute) else { continue };
            let attempts = segment.attempts(monitor.place.number);
            sightings.keep(&segment.vantage, attempts.map(|(attempt, outcome)| (slot, attempt, outcome)));
        }
        Ok(sightings)
    }

    /// What each place said last of a monitor on a day from a moment on, of those that could tell.
    pub(crate) async fn last_said(
        &mut self,
        monitor: &Monitor,
        day: Day,
        from: Moment,
    ) -> Result<BTreeMap<Vantage, Known>, TableError> {
        let mut said = BTreeMap::new();
        for segment in self.on(day, from).await? {
            let outcomes = segment.attempts(monitor.place.number).map(|(_, outcome)| outcome);
            let says = match Verdict::of(outcomes) {
                Verdict::Up => Known::Fine,
                Verdict::Down(_) => Known::Down,
                Verdict::Nothing(_) => continue,
            };
            said.insert(segment.vantage.clone(), says);
        }
        Ok(said)
    }

    /// When the certificate expires that was seen last on a day from a moment on, if that is soon; `before` where no server was seen.
    pub(crate) async fn expiring(
        &mut self,
        monitor: &Monitor,
        day: Day,
        from: Moment,
        before: Option<Moment>,
    ) -> Result<Option<Moment>, TableError> {
        let number = monitor.place.number;
        let is_seen = |segment: &&Remembered| {
            let is_up = |(_, outcome)| matches!(outcome, Outcome::Up { .. });
            segment.expiring.contains_key(&number) || segment.attempts(number).any(is_up)
        };
        let Some(last) = self.on(day, from).await?.iter().rev().find(is_seen) else { return Ok(before) };
        Ok(last.expiring.get(&number).and_then(|&expires| Moment::from_unix(expires)))
    }
}

/// Who decides each day: noted as soon as another panel is set.
pub(crate) async fn panels(app: &App, now: Moment) -> Result<Panels, TableError> {
    for _ in 0..RACES {
        let Stored { value: mut panels, version } = app.table.panels().await?;
        if !panels.note(&app.panel, now) {
            return Ok(panels);
        }
        match app.table.write_panels(&panels, version).await {
            Err(TableError::Conflict) => tracing::debug!("another writer was faster"),
            outcome => return outcome.map(|()| panels),
        }
    }
    Err(TableError::Conflict)
}

/// What decides how a monitor's days turn out.
pub(crate) fn plan(monitor: &Monitor, panel: &Panel) -> Plan {
    Plan {
        schedule: monitor.watch.schedule.clone(),
        panel: panel.clone(),
        maintenance: maintenance::counted(&monitor.watch.windows),
    }
}
