//! Settling: the days of a shard's monitors that are not sealed, worked out anew.
//!
//! A look, at monitors of which a worker saw otherwise than is known, goes on from what was found last and reads only what was seen
//! since: [`Facts::look`].

use std::collections::BTreeSet;

use table::{Asked, Freshness, Known, StoredFacts, TableError};
use trust::{
    time::{Day, Moment},
    uptime::{
        configuration::Monitor,
        day::{MonitorDay, Plan},
        facts::{Facts, LATE},
        names::MonitorId,
        shard::ShardId,
        slot::{Gap, Panels, Sightings, Slot},
    },
};

use crate::{
    App, RACES, SealError,
    days::{Numbers, SeenDays, panels, plan},
    reports,
};

/// Days beyond the sealed ones that are worked out at most. Of a monitor with more, those are sealed first.
const BACKLOG: u32 = 7;

/// How far back a monitor is worked out.
#[derive(Debug, Clone, Copy)]
enum Extent {
    /// All that is not sealed.
    Whole,
    /// What may be otherwise than it was found last, if that is enough.
    Look,
}

/// Settles these monitors of a shard, as a look; all, and wholly, where none is named.
///
/// One that can not be settled does not keep the others from it; the first failure is the answer.
pub async fn settle(app: &App, shard: ShardId, only: &[MonitorId], now: Moment) -> Result<(), SealError> {
    let panels = panels(app, now).await?;
    let (wanted, numbers, extent) = if only.is_empty() {
        (app.table.asked_in(shard).await?, Numbers::All, Extent::Whole)
    } else {
        let named: BTreeSet<MonitorId> = only.iter().cloned().collect();
        let wanted = app.table.asked_of(shard, &named).await?;
        let numbers = Numbers::Only(wanted.iter().map(|asked| asked.number).collect());
        (wanted, numbers, Extent::Look)
    };
    let mut settling = Settling {
        app,
        shard,
        panels: &panels,
        extent,
        now,
        seen: SeenDays::of(&app.table, shard, Freshness::Recent, numbers),
    };
    let mut outcome = Ok(());
    for asked in wanted {
        if let Err(error) = settling.settle_one(&asked).await {
            tracing::error!(monitor = %asked.service.monitor, %error, "not settled");
            outcome = outcome.and(Err(error));
        }
    }
    outcome
}

/// The monitors of a shard that are settled together.
struct Settling<'a> {
    app: &'a App,
    shard: ShardId,
    panels: &'a Panels,
    extent: Extent,
    now: Moment,
    seen: SeenDays<'a>,
}

/// What a monitor was found to be.
struct Found {
    after: StoredFacts,
    /// The days that are wholly worked out.
    days: Vec<MonitorDay>,
    /// From when on it was looked at what was seen.
    from: Moment,
}

impl Settling<'_> {
    async fn settle_one(&mut self, asked: &Asked) -> Result<(), SealError> {
        for _ in 0..RACES {
            match self.settle_once(asked).await {
                Err(SealError::Table(TableError::Conflict)) => {
                    tracing::debug!(monitor = %asked.service.monitor, "another writer was faster");
                }
                outcome => return outcome,
            }
        }
        Err(TableError::Conflict.into())
    }

    async fn settle_once(&mut self, asked: &Asked) -> Result<(), SealError> {
        let Self { app, shard, now, .. } = *self;
        let Some(monitor) = app.table.monitor(&asked.service.monitor).await? else { return Ok(()) };
        let monitor = monitor.value;
        let stored = app.table.facts(&monitor.watch).await?;
        let Some(Found { after, days, from }) = self.find(&monitor, &stored).await? else { return Ok(()) };
        app.tell(&stored.facts, &after.facts).await?;
        app.table.write_current(&after).await?;
        reports::follow(app, &monitor, &days, now).await?;
        let known = if after.facts.open_outage().is_some() { Known::Down } else { Known::Fine };
        if known != asked.known {
            app.table.note_known(shard, &asked.service.monitor, known).await?;
        }
        let said = self.seen.last_said(&monitor, now.day(), from).await?;
        let mut heard = asked.heard.clone();
        heard.retain(|place, _| !said.contains_key(place));
        heard.extend(said.into_iter().filter(|(_, says)| *says != known));
        if heard != asked.heard {
            app.table.note_heard(shard, &asked.service.monitor, &heard).await?;
        }
        Ok(())
    }

    /// What a monitor is by now: by a look if that is asked for and enough, otherwise by all that was seen of it.
    async fn find(&mut self, monitor: &Monitor, stored: &StoredFacts) -> Result<Option<Found>, SealError> {
        if matches!(self.extent, Extent::Look)
            && let Some(from) = stored.facts.looked_at_from(self.now).filter(|_| stored.is_current())
            && !reports::is_anything_said(self.app, &stored.facts, self.now).await?
            && let Some(after) =
                look(self.app, monitor, stored, self.panels, &mut self.seen, from, self.now).await?
        {
            return Ok(Some(Found { after, days: Vec::new(), from }));
        }
        let from = self.now.day().start();
        let found = current(self.app, monitor, stored, self.panels, &mut self.seen, self.now).await?;
        Ok(found.map(|(after, days)| Found { after, days, from }))
    }
}

/// The facts with what was seen beyond the sealed days, and those days. `None` if there are none, or too many.
pub(crate) async fn current(
    app: &App,
    monitor: &Monitor,
    stored: &StoredFacts,
    panels: &Panels,
    seen: &mut SeenDays<'_>,
    now: Moment,
) -> Result<Option<(StoredFacts, Vec<MonitorDay>)>, SealError> {
    let Some(next) = stored.facts.next_day() else { return Ok(None) };
    let last = last_day(monitor, now);
    if last.since(next) > BACKLOG {
        tracing::warn!(monitor = %monitor.watch.service.monitor, %next, "sealed first");
        return Ok(None);
    }
    let from = next.start();
    let stretch = Stretch::of(app, monitor, panels, seen, from, now).await?;
    let (days, as_of) = stretch.settle(stored.facts.sealed.carried.is_some(), now);
    let before = stored.facts.current.as_ref().and_then(|current| current.certificate_expires);
    let expiring = seen.expiring(monitor, last, from, before).await?;
    let settled = stored.with(|facts| stretch.confirm(facts.settle(&days, expiring, as_of)));
    Ok(Some((settled, days)))
}

/// The facts with what was seen from a slot on that may be otherwise than it was found. `None` if that is not enough.
async fn look(
    app: &App,
    monitor: &Monitor,
    stored: &StoredFacts,
    panels: &Panels,
    seen: &mut SeenDays<'_>,
    from: Moment,
    now: Moment,
) -> Result<Option<StoredFacts>, SealError> {
    let last = last_day(monitor, now);
    if stored.facts.next_day().is_none_or(|next| last.since(next) > BACKLOG) {
        return Ok(None);
    }
    let stretch = Stretch::of(app, monitor, panels, seen, from, now).await?;
    let (days, as_of) = stretch.settle(stored.facts.was_down_before(from), now);
    let before = stored.facts.current.as_ref().and_then(|current| current.certificate_expires);
    let expiring = seen.expiring(monitor, last, from, before).await?;
    let Some(facts) = stored.facts.look(from, &days, expiring, as_of) else { return Ok(None) };
    Ok(Some(stored.with(|_| stretch.confirm(facts))))
}

/// The last of a monitor's days of which something may have been seen.
fn last_day(monitor: &Monitor, now: Moment) -> Day {
    monitor.watch.last_day().map_or(now.day(), |last| last.min(now.day()))
}

/// What was seen of a monitor from the beginning of a slot on, and what decides what becomes of it.
struct Stretch {
    from: Moment,
    days: Vec<(Day, Plan, Sightings)>,
}

impl Stretch {
    async fn of(
        app: &App,
        monitor: &Monitor,
        panels: &Panels,
        seen: &mut SeenDays<'_>,
        from: Moment,
        now: Moment,
    ) -> Result<Self, SealError> {
        let mut days = Vec::new();
        let (mut day, last) = (from.day(), last_day(monitor, now));
        while day <= last {
            let plan = plan(monitor, panels.on(day).unwrap_or(&app.panel));
            days.push((day, plan, seen.sightings_from(monitor, day, from).await?));
            day = day.next();
        }
        Ok(Self { from, days })
    }

    /// The days, and up to when it can be said what was in them. `is_down`: just before.
    fn settle(&self, is_down: bool, now: Moment) -> (Vec<MonitorDay>, Moment) {
        let settle = |as_of| -> Vec<MonitorDay> {
            self.days.iter().map(|(day, plan, sightings)| plan.settle(*day, sightings, as_of)).collect()
        };
        let days = settle(now);
        let as_of = known_until(&days, is_down, self.from, now);
        if as_of < now { (settle(as_of), as_of) } else { (days, now) }
    }

    /// The facts with those named who confirm the outages that begin in these days.
    fn confirm(&self, facts: Facts) -> Facts {
        let confirm = |facts: Facts, (day, plan, sightings): &(Day, Plan, Sightings)| {
            facts.confirm_from(self.from, *day, plan, sightings)
        };
        self.days.iter().fold(facts, confirm)
    }
}

/// Up to when it can be said what was: until now, or until the slot after one that was down of which nobody has reported yet, but
/// still may. Without that, an outage would seem to end wherever a worker is slow.
fn known_until(days: &[MonitorDay], is_down: bool, from: Moment, now: Moment) -> Moment {
    let recent = now.plus(-LATE);
    let mut is_down = is_down;
    for day in days {
        for (slot, seen) in day.grid.slots().zip(&day.slots) {
            let span = day.grid.span(day.day, slot);
            match seen {
                _ if span.from < from => {}
                Some(Slot::Unknown(Gap::Silent)) if is_down && span.until > recent => return span.from,
                seen => is_down = matches!(seen, Some(Slot::Down(_))),
            }
        }
    }
    now
}
