//! What was seen of a shard, day by day, read once for all its monitors.

use std::collections::BTreeMap;

use table::{Asked, Segment, Table, TableError};
use trust::{
    time::{Day, Moment},
    uptime::{
        configuration::Monitor,
        day::Plan,
        maintenance,
        shard::ShardId,
        slot::{Attempt, Panel, Sightings},
    },
};

/// What was seen of a shard on the days that were asked for so far.
pub(crate) struct SeenDays<'a> {
    table: &'a Table,
    shard: ShardId,
    days: BTreeMap<Day, Vec<Segment>>,
}

impl<'a> SeenDays<'a> {
    pub(crate) fn of(table: &'a Table, shard: ShardId) -> Self {
        Self { table, shard, days: BTreeMap::new() }
    }

    /// What was seen on a day.
    async fn on(&mut self, day: Day) -> Result<&[Segment], TableError> {
        if !self.days.contains_key(&day) {
            let segments = self.table.segments(self.shard, day, day.start()).await?;
            self.days.insert(day, segments);
        }
        Ok(self.days.get(&day).map(Vec::as_slice).unwrap_or_default())
    }

    /// What was seen of a monitor on a day.
    pub(crate) async fn sightings(&mut self, asked: &Asked, day: Day) -> Result<Sightings, TableError> {
        let mut sightings = Sightings::default();
        for segment in self.on(day).await? {
            let Some(outcomes) = segment.seen.outcomes.get(&asked.number) else { continue };
            // A slot that is not expected any more, since it was paused meanwhile, is nobody's.
            let Some((_, slot)) = asked.schedule.due_in(segment.minute) else { continue };
            let attempts = (0..).map(Attempt).zip(outcomes);
            sightings.keep(&segment.vantage, attempts.map(|(attempt, &outcome)| (slot, attempt, outcome)));
        }
        Ok(sightings)
    }

    /// When the certificate expires that was seen last on a day, if that is soon.
    pub(crate) async fn expiring(&mut self, asked: &Asked, day: Day) -> Result<Option<Moment>, TableError> {
        let segments = self.on(day).await?;
        let last = segments.iter().rev().find(|segment| segment.seen.outcomes.contains_key(&asked.number));
        let expires = last.and_then(|segment| segment.seen.expiring.get(&asked.number));
        Ok(expires.and_then(|&expires| Moment::from_unix(expires)))
    }
}

/// What decides how a monitor's days turn out.
pub(crate) fn plan(monitor: &Monitor, panel: &Panel) -> Plan {
    Plan {
        schedule: monitor.watch.schedule.clone(),
        panel: panel.clone(),
        maintenance: maintenance::counted(&monitor.watch.windows),
    }
}
