//! Settling: the days of a shard's monitors that are not sealed, worked out anew.

use table::{Asked, Known, TableError};
use trust::{
    time::Moment,
    uptime::{names::MonitorId, shard::ShardId},
};

use crate::{
    App, RACES, SealError,
    days::{SeenDays, plan},
    reports,
};

/// Settles these monitors of a shard; all where none is named.
///
/// One that can not be settled does not keep the others from it; the first failure is the answer.
pub async fn settle(app: &App, shard: ShardId, only: &[MonitorId], now: Moment) -> Result<(), SealError> {
    let mut seen = SeenDays::of(&app.table, shard);
    let mut outcome = Ok(());
    for asked in app.table.asked_in(shard).await? {
        if !only.is_empty() && !only.contains(&asked.service.monitor) {
            continue;
        }
        if let Err(error) = settle_one(app, shard, &asked, &mut seen, now).await {
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
    seen: &mut SeenDays<'_>,
    now: Moment,
) -> Result<(), SealError> {
    for _ in 0..RACES {
        match settle_once(app, shard, asked, seen, now).await {
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
    seen: &mut SeenDays<'_>,
    now: Moment,
) -> Result<(), SealError> {
    let Some(monitor) = app.table.monitor(&asked.service.monitor).await? else { return Ok(()) };
    let monitor = monitor.value;
    let stored = app.table.facts(&monitor.watch).await?;
    let Some(next) = stored.facts.next_day() else { return Ok(()) };
    let plan = plan(&monitor, &app.panel);
    let last = monitor.watch.last_day().map_or(now.day(), |last| last.min(now.day()));
    let (mut days, mut day) = (Vec::new(), next);
    while day <= last {
        days.push(plan.settle(day, &seen.sightings(asked, day).await?, now));
        day = day.next();
    }
    let expiring = seen.expiring(asked, now.day()).await?;
    let after = stored.with(|facts| facts.settle(&days, expiring, now));
    app.tell(&stored.facts, &after.facts).await?;
    app.table.write_current(&after).await?;
    reports::follow(app, &monitor, &days, now).await?;
    let known = if after.facts.open_outage().is_some() { Known::Down } else { Known::Fine };
    if known != asked.known {
        app.table.note_known(shard, &asked.service.monitor, known).await?;
    }
    Ok(())
}
