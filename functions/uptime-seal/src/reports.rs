//! What others say of monitors, held against what we saw of their days.
//!
//! It is worked out whenever a day is settled and once more when it is sealed. Of days that are sealed already it is worked out when
//! something is said of them late. Nothing here changes a day.

use trust::{
    time::Moment,
    uptime::{
        configuration::Monitor,
        day::MonitorDay,
        facts::Facts,
        names::MonitorId,
        record::DayRecord,
        reports::{LONGEST_HELD, Statement},
    },
};

use crate::{App, RACES, SealError};
use table::{Freshness, TableError};

/// Keeps what was said of a monitor.
pub(crate) async fn take(
    app: &App,
    monitor: &MonitorId,
    statements: &[Statement],
    now: Moment,
) -> Result<(), SealError> {
    app.table.add_statements(monitor, statements).await?;
    // What is said of today waits for the next settling, so that a heartbeat costs one write.
    let Some(first) = statements.iter().map(|statement| statement.at.day()).min() else { return Ok(()) };
    if first >= now.day() {
        return Ok(());
    }
    let Some(monitor) = app.table.monitor(monitor).await? else { return Ok(()) };
    let monitor = monitor.value;
    let sealed =
        app.table.sealed_days(&monitor.watch.service.monitor, first, now.day(), Freshness::Recent).await?;
    let days = sealed.iter().map(|day| {
        let record = DayRecord::decode(day.counting().as_bytes());
        record.map(|record| record.day().clone()).map_err(|malformed| SealError::Unsealable {
            monitor: monitor.watch.service.monitor.to_string(),
            day: first.to_string(),
            cause: malformed.to_string(),
        })
    });
    let days = days.collect::<Result<Vec<_>, _>>()?;
    for _ in 0..RACES {
        match follow(app, &monitor, &days, now).await {
            Err(SealError::Table(TableError::Conflict)) => {
                tracing::debug!(monitor = %monitor.watch.service.monitor, "another writer was faster");
            }
            outcome => return outcome,
        }
    }
    Err(TableError::Conflict.into())
}

/// Whether anything was said of a monitor that matters for its days that are not sealed: then they are to be worked out wholly.
pub(crate) async fn is_anything_said(app: &App, facts: &Facts, now: Moment) -> Result<bool, TableError> {
    let Some(next) = facts.next_day() else { return Ok(false) };
    let from = next.start().plus(-LONGEST_HELD);
    Ok(!app.table.statements(&facts.watch.service.monitor, from, now).await?.is_empty())
}

/// Works out anew what was said of these days, which are in order.
pub(crate) async fn follow(
    app: &App,
    monitor: &Monitor,
    days: &[MonitorDay],
    now: Moment,
) -> Result<(), SealError> {
    let (Some(first), Some(last)) = (days.first(), days.last()) else { return Ok(()) };
    let service = &monitor.watch.service;
    let from = first.day.start().plus(-LONGEST_HELD);
    let statements = app.table.statements(&service.monitor, from, last.grid.end_of(last.day)).await?;
    if statements.is_empty() {
        return Ok(());
    }
    let stored = app.table.reported(&service.provider, &service.monitor).await?;
    let mut reported = stored.value.clone();
    for day in days {
        reported.review(day, &statements, now);
    }
    if reported != stored.value {
        app.table.write_reported(&service.provider, &service.monitor, &reported, stored.version).await?;
    }
    Ok(())
}
