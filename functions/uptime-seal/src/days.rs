//! What was seen of a shard, day by day, read once for all its monitors.

use std::collections::BTreeMap;

use table::{Freshness, Segment, Stored, Table, TableError};
use trust::{
    time::{Day, Moment},
    uptime::{
        configuration::Monitor,
        day::Plan,
        maintenance,
        shard::ShardId,
        slot::{Attempt, Outcome, Panel, Panels, Sightings},
    },
};

use crate::{App, RACES};

/// Most days that are remembered: a full shard's takes some 65 MB.
const REMEMBERED: usize = 2;

/// What was seen of a shard on the days that were asked for last.
pub(crate) struct SeenDays<'a> {
    table: &'a Table,
    shard: ShardId,
    freshness: Freshness,
    days: BTreeMap<Day, Vec<Segment>>,
}

impl<'a> SeenDays<'a> {
    pub(crate) fn of(table: &'a Table, shard: ShardId, freshness: Freshness) -> Self {
        Self { table, shard, freshness, days: BTreeMap::new() }
    }

    /// What was seen on a day.
    async fn on(&mut self, day: Day) -> Result<&[Segment], TableError> {
        if !self.days.contains_key(&day) {
            if self.days.len() == REMEMBERED {
                self.days.pop_first();
            }
            let segments = self.table.segments(self.shard, day, self.freshness).await?;
            self.days.insert(day, segments);
        }
        Ok(self.days.get(&day).map(Vec::as_slice).unwrap_or_default())
    }

    /// What was seen of a monitor on a day.
    pub(crate) async fn sightings(&mut self, monitor: &Monitor, day: Day) -> Result<Sightings, TableError> {
        let mut sightings = Sightings::default();
        for segment in self.on(day).await? {
            let Some(outcomes) = segment.seen.outcomes.get(&monitor.place.number) else { continue };
            // A slot that is not expected any more, since it was paused meanwhile, is nobody's.
            let Some((_, slot)) = monitor.watch.schedule.due_in(segment.minute) else { continue };
            let attempts = (0..).map(Attempt).zip(outcomes);
            sightings.keep(&segment.vantage, attempts.map(|(attempt, &outcome)| (slot, attempt, outcome)));
        }
        Ok(sightings)
    }

    /// When the certificate expires that was seen last on a day, if that is soon; `before` where no server was seen.
    pub(crate) async fn expiring(
        &mut self,
        monitor: &Monitor,
        day: Day,
        before: Option<Moment>,
    ) -> Result<Option<Moment>, TableError> {
        let number = &monitor.place.number;
        let is_seen = |segment: &&Segment| {
            let outcomes = segment.seen.outcomes.get(number);
            let is_up = |outcome: &Outcome| matches!(outcome, Outcome::Up { .. });
            segment.seen.expiring.contains_key(number) || outcomes.into_iter().flatten().any(is_up)
        };
        let Some(last) = self.on(day).await?.iter().rev().find(is_seen) else { return Ok(before) };
        Ok(last.seen.expiring.get(number).and_then(|&expires| Moment::from_unix(expires)))
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
