//! Sealing: days that are over become records, in their order, and wait for their place in the log.

use std::collections::BTreeMap;

use table::{Asked, Freshness, SealedDay, Stored, TableError};
use trust::{
    time::{Day, Moment},
    uptime::{
        configuration::{Monitor, Salt},
        day::{Latencies, Latency},
        facts::KEPT_DAYS,
        record::{DayRecord, Link},
        shard::ShardId,
        slot::{Panel, Panels},
    },
};

use crate::{
    App, RACES, SealError,
    days::{Numbers, SeenDays, panels, plan},
    reports,
};

/// Seconds after a day's last slot at which it is sealed. Earlier, and what a slow worker saw would come too late; later, and
/// yesterday's proof is not there in the morning.
const GRACE: i64 = 3600;

/// Over how many days latencies are published.
const LATENCY_WINDOWS: [u16; 4] = [1, 7, 30, KEPT_DAYS];

/// What came of trying to seal a monitor's next day.
enum Outcome {
    Sealed,
    /// Nothing is to be done before this moment.
    NotYet(Moment),
    /// There is none: its contract has ended.
    Done,
}

/// Seals all days of a shard's monitors that are over, the oldest of each first, so that what was seen of a day is read once.
///
/// One that can not be sealed does not keep the others from it; the first failure is the answer. When there is something to be done
/// next is noted: until then scheduled runs leave the shard out.
pub async fn seal(app: &App, shard: ShardId, now: Moment) -> Result<(), SealError> {
    let panels = panels(app, now).await?;
    let mut seen = SeenDays::of(&app.table, shard, Freshness::LastWrite, Numbers::All);
    let (mut outcome, mut sealed) = (Ok(()), 0);
    let (mut next, mut retired) = (None, false);
    let version = app.table.shard_version(shard).await?;
    let mut left = app.table.asked_in(shard).await?;
    while !left.is_empty() {
        let mut again = Vec::new();
        for asked in left {
            match step(app, shard, &asked, &panels, &mut seen, now).await {
                Ok(Outcome::Sealed) => {
                    sealed += 1;
                    again.push(asked);
                }
                Ok(Outcome::NotYet(due)) => next = Some(next.map_or(due, |next: Moment| next.min(due))),
                Ok(Outcome::Done) => retired = true,
                Err(error) => {
                    tracing::error!(monitor = %asked.service.monitor, %error, "not sealed");
                    outcome = outcome.and(Err(error));
                }
            }
        }
        left = again;
    }
    app.metrics.count("SealedDays", sealed, now);
    outcome?;
    // Who was retired has changed the shard: the next run finds it as it is.
    let Some(next) = next.filter(|_| !retired) else { return Ok(()) };
    match app.table.note_idle(shard, next, version).await {
        Err(TableError::Conflict) => tracing::debug!(%shard, "its monitors are others meanwhile"),
        outcome => outcome?,
    }
    Ok(())
}

/// Seals a monitor's next day, or takes it out of the shard if there is none.
async fn step(
    app: &App,
    shard: ShardId,
    asked: &Asked,
    panels: &Panels,
    seen: &mut SeenDays<'_>,
    now: Moment,
) -> Result<Outcome, SealError> {
    let outcome = seal_next(app, asked, panels, seen, now).await?;
    if matches!(outcome, Outcome::Done) {
        retire(app, shard, asked).await?;
    }
    Ok(outcome)
}

async fn retire(app: &App, shard: ShardId, asked: &Asked) -> Result<(), TableError> {
    for _ in 0..RACES {
        match app.table.retire_monitor(shard, &asked.service.monitor).await {
            Err(TableError::Conflict) => tracing::debug!(%shard, "another writer was faster"),
            outcome => return outcome,
        }
    }
    Err(TableError::Conflict)
}

async fn seal_next(
    app: &App,
    asked: &Asked,
    panels: &Panels,
    seen: &mut SeenDays<'_>,
    now: Moment,
) -> Result<Outcome, SealError> {
    for _ in 0..RACES {
        match seal_once(app, asked, panels, seen, now).await {
            Err(SealError::Table(TableError::Conflict)) => {
                tracing::debug!(monitor = %asked.service.monitor, "another writer was faster");
            }
            outcome => return outcome,
        }
    }
    Err(TableError::Conflict.into())
}

async fn seal_once(
    app: &App,
    asked: &Asked,
    panels: &Panels,
    seen: &mut SeenDays<'_>,
    now: Moment,
) -> Result<Outcome, SealError> {
    let Some(monitor) = app.table.monitor(&asked.service.monitor).await? else { return Ok(Outcome::Done) };
    let monitor = lapse(app, monitor, now).await?;
    let stored = app.table.facts(&monitor.value.watch).await?;
    let Some(day) = stored.facts.next_day() else { return Ok(Outcome::Done) };
    let watch = &monitor.value.watch;
    let due = watch.schedule.grid.end_of(day).plus(GRACE);
    if now < due {
        let lapses = watch.lapses.filter(|_| watch.ended.is_none());
        return Ok(Outcome::NotYet(lapses.map_or(due, |lapses| lapses.min(due))));
    }
    let panel = panels.on(day).unwrap_or(&app.panel);
    let monitor = decided_by(app, monitor, panel, day).await?;
    let plan = plan(&monitor, panel);
    let sightings = seen.sightings(&monitor, day).await?;
    let settled = plan.settle(day, &sightings, now);
    let latencies = plan.latencies(day, &sightings, now);
    let before = earlier(app, &monitor, day).await?;
    let unsealable = |cause: String| SealError::Unsealable {
        monitor: asked.service.monitor.to_string(),
        day: day.to_string(),
        cause,
    };
    let link = link(&stored.facts.sealed.days, before.last()).map_err(unsealable)?;
    let id = monitor.watch.service.monitor.clone();
    let record = DayRecord::new(id, monitor.version_on(day), link, settled.clone())
        .map_err(|contradiction| unsealable(contradiction.to_string()))?;
    let windows = windows(&before.iter().map(SealedDay::latencies_counting).chain([&latencies]));
    let after = stored.with(|facts| facts.seal(&settled, windows).confirm(day, &plan, &sightings));
    app.tell(&stored.facts, &after.facts).await?;
    reports::follow(app, &monitor, &[settled], now).await?;
    app.table.write_sealed(&after, &record, latencies).await?;
    Ok(Outcome::Sealed)
}

/// The monitor, ended if its contract has lapsed: then it is asked no more, and the log says since when.
async fn lapse(app: &App, stored: Stored<Monitor>, now: Moment) -> Result<Stored<Monitor>, SealError> {
    let watch = stored.value.watch.clone().lapse(now);
    if watch == stored.value.watch {
        return Ok(stored);
    }
    let id = watch.service.monitor.clone();
    let contract = watch.service.contract.as_ref().map(tracing::field::display);
    tracing::warn!(monitor = %id, contract, "the contract's term is long over without word of its end: asked no more");
    let mut monitor = stored.value.clone();
    monitor.reconfigure(watch, &[], &app.panel, salt);
    app.table.change_monitor(&stored, &monitor, now).await?;
    app.metrics.count("LapsedMonitors", 1, now);
    Ok(app.table.monitor(&id).await?.unwrap_or(stored))
}

/// The monitor with a version that has this day be decided by this panel, of which the log hears if it is new.
async fn decided_by(
    app: &App,
    stored: Stored<Monitor>,
    panel: &Panel,
    day: Day,
) -> Result<Monitor, TableError> {
    let mut monitor = stored.value.clone();
    monitor.decide_by(panel, day, salt);
    if monitor != stored.value {
        app.table.write_monitor(&stored, &monitor).await?;
    }
    Ok(monitor)
}

fn salt() -> Salt {
    Salt(lambda::random::bytes())
}

/// The sealed days before this one, as far as latencies are published.
async fn earlier(app: &App, monitor: &Monitor, day: Day) -> Result<Vec<SealedDay>, TableError> {
    let first = day.minus(KEPT_DAYS - 1);
    app.table.sealed_days(&monitor.watch.service.monitor, first, day.minus(1), Freshness::LastWrite).await
}

/// The place after the last record, which is the one of the last sealed day.
fn link(sealed: &[trust::uptime::facts::DayFact], last: Option<&SealedDay>) -> Result<Link, String> {
    match (sealed.last(), last) {
        (None, None) => Ok(Link::First),
        (Some(fact), Some(last)) => {
            let record =
                DayRecord::decode(last.record.as_bytes()).map_err(|malformed| malformed.to_string())?;
            if record.day().day != fact.day {
                return Err(format!(
                    "the last record is of {}, the last sealed day is {}",
                    record.day().day,
                    fact.day
                ));
            }
            record.next_link().ok_or_else(|| "there are no more sequence numbers".to_owned())
        }
        (Some(_), None) | (None, Some(_)) => Err("its last record is not there".to_owned()),
    }
}

/// How long the answers took over the last so many of these days, which are in order.
pub(crate) fn windows<'a>(
    latencies: &(impl DoubleEndedIterator<Item = &'a Latencies> + Clone),
) -> BTreeMap<u16, Latency> {
    let over = |days: u16| {
        let mut sum = Latencies::default();
        for latencies in latencies.clone().rev().take(usize::from(days)) {
            sum += latencies;
        }
        Some((days, sum.quantiles()?))
    };
    LATENCY_WINDOWS.into_iter().filter_map(over).collect()
}
