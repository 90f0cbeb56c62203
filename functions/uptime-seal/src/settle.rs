//! Settling: the days of a shard's monitors that are not sealed, worked out anew.

use table::{Asked, Freshness, Known, StoredFacts, TableError};
use trust::{
    time::Moment,
    uptime::{
        configuration::Monitor,
        day::MonitorDay,
        names::MonitorId,
        shard::ShardId,
        slot::{Gap, Panels, Slot},
    },
};

use crate::{
    App, RACES, SealError,
    days::{Numbers, SeenDays, panels, plan},
    reports,
};

/// Seconds after its end for which a slot that nobody has reported on may still be reported on. Shorter, and a slow worker or
/// another place would make an outage seem to end; longer delays the news of a prober that stands still.
const LATE: i64 = 180;

/// Days beyond the sealed ones that are worked out at most. Of a monitor with more, those are sealed first.
const BACKLOG: u32 = 7;

/// Settles these monitors of a shard; all where none is named.
///
/// One that can not be settled does not keep the others from it; the first failure is the answer.
pub async fn settle(app: &App, shard: ShardId, only: &[MonitorId], now: Moment) -> Result<(), SealError> {
    let panels = panels(app, now).await?;
    let mut wanted = app.table.asked_in(shard).await?;
    let numbers = if only.is_empty() {
        Numbers::All
    } else {
        wanted.retain(|asked| only.contains(&asked.service.monitor));
        Numbers::Only(wanted.iter().map(|asked| asked.number).collect())
    };
    let mut seen = SeenDays::of(&app.table, shard, Freshness::Recent, numbers);
    let mut outcome = Ok(());
    for asked in wanted {
        if let Err(error) = settle_one(app, shard, &asked, &panels, &mut seen, now).await {
            tracing::error!(monitor = %asked.service.monitor, %error, "not settled");
            outcome = outcome.and(Err(error));
        }
    }
    outcome
}

async fn settle_one(
    app: &App,
    shard: ShardId,
    asked: &Asked,
    panels: &Panels,
    seen: &mut SeenDays<'_>,
    now: Moment,
) -> Result<(), SealError> {
    for _ in 0..RACES {
        match settle_once(app, shard, asked, panels, seen, now).await {
            Err(SealError::Table(TableError::Conflict)) => {
                tracing::debug!(monitor = %asked.service.monitor, "another writer was faster");
            }
            outcome => return outcome,
        }
    }
    Err(TableError::Conflict.into())
}

async fn settle_once(
    app: &App,
    shard: ShardId,
    asked: &Asked,
    panels: &Panels,
    seen: &mut SeenDays<'_>,
    now: Moment,
) -> Result<(), SealError> {
    let Some(monitor) = app.table.monitor(&asked.service.monitor).await? else { return Ok(()) };
    let monitor = monitor.value;
    let stored = app.table.facts(&monitor.watch).await?;
    let Some((after, days)) = current(app, &monitor, &stored, panels, seen, now).await? else {
        return Ok(());
    };
    app.tell(&stored.facts, &after.facts).await?;
    app.table.write_current(&after).await?;
    reports::follow(app, &monitor, &days, now).await?;
    let known = if after.facts.open_outage().is_some() { Known::Down } else { Known::Fine };
    if known != asked.known {
        app.table.note_known(shard, &asked.service.monitor, known).await?;
    }
    let said = seen.last_said(&monitor, now.day()).await?;
    let mut heard = asked.heard.clone();
    heard.retain(|place, _| !said.contains_key(place));
    heard.extend(said.into_iter().filter(|(_, says)| *says != known));
    if heard != asked.heard {
        app.table.note_heard(shard, &asked.service.monitor, &heard).await?;
    }
    Ok(())
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
    let last = monitor.watch.last_day().map_or(now.day(), |last| last.min(now.day()));
    if last.since(next) > BACKLOG {
        tracing::warn!(monitor = %monitor.watch.service.monitor, %next, "sealed first");
        return Ok(None);
    }
    let mut seen_on = Vec::new();
    let mut day = next;
    while day <= last {
        let plan = plan(monitor, panels.on(day).unwrap_or(&app.panel));
        seen_on.push((day, plan, seen.sightings(monitor, day).await?));
        day = day.next();
    }
    let settle = |as_of| -> Vec<MonitorDay> {
        seen_on.iter().map(|(day, plan, sightings)| plan.settle(*day, sightings, as_of)).collect()
    };
    let mut days = settle(now);
    let as_of = known_until(&days, stored.facts.sealed.carried.is_some(), now);
    if as_of < now {
        days = settle(as_of);
    }
    let before = stored.facts.current.as_ref().and_then(|current| current.certificate_expires);
    let expiring = seen.expiring(monitor, last, before).await?;
    let settled = stored.with(|facts| {
        let settled = facts.settle(&days, expiring, as_of);
        seen_on.iter().fold(settled, |facts, (day, plan, sightings)| facts.confirm(*day, plan, sightings))
    });
    Ok(Some((settled, days)))
}

/// Up to when it can be said what was: until now, or until the slot after one that was down of which nobody has reported yet, but
/// still may. Without that, an outage would seem to end wherever a worker is slow.
fn known_until(days: &[MonitorDay], is_down: bool, now: Moment) -> Moment {
    let recent = now.plus(-LATE);
    let mut is_down = is_down;
    for day in days {
        for (slot, seen) in day.grid.slots().zip(&day.slots) {
            let span = day.grid.span(day.day, slot);
            match seen {
                Some(Slot::Unknown(Gap::Silent)) if is_down && span.until > recent => return span.from,
                Some(seen) => is_down = matches!(seen, Slot::Down(_)),
                None => {}
            }
        }
    }
    now
}
