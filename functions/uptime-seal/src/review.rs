//! Reviewing: sealed days of which something became known late are worked out anew, and corrected in the log where they were other days.
//!
//! What was logged stays; a correction says what counts in its place and why. Whoever changes what is watched notes from which day on.
//! The note stays until nobody can be at work any more who has not heard of the change, and until all days have their place in the log,
//! by which a correction names them.

use std::collections::BTreeMap;

use table::{Correction, Freshness, MOST_CORRECTED, SEGMENTS_KEPT_DAYS, SealedDay, Stored, TableError};
use trust::{
    time::{Day, Moment},
    uptime::{
        configuration::Monitor,
        day::{Latency, MonitorDay, Plan},
        facts::{Facts, KEPT_DAYS},
        leaves::CorrectionLeaf,
        names::MonitorId,
        record::DayRecord,
        review::{difference, differs},
        slot::{Panel, Sightings},
    },
};

use crate::{
    App, RACES, SealError,
    days::{Numbers, SeenDays, panels, plan},
    reports, seal, settle,
};

/// Seconds for which a note stays: no function runs longer, so what was decided before the note has been written by then.
const NOTED: i64 = 900;

/// Looks again at the sealed days of a monitor, if that was noted.
pub async fn review(app: &App, monitor: &MonitorId, now: Moment) -> Result<(), SealError> {
    for _ in 0..RACES {
        match review_once(app, monitor, now).await {
            Err(SealError::Table(TableError::Conflict)) => {
                tracing::debug!(%monitor, "another writer was faster");
            }
            outcome => return outcome,
        }
    }
    Err(TableError::Conflict.into())
}

async fn review_once(app: &App, id: &MonitorId, now: Moment) -> Result<(), SealError> {
    let Some(noted) = app.table.review(id).await? else { return Ok(()) };
    let left = match app.table.monitor(id).await? {
        Some(monitor) => look_again(app, &monitor.value, noted.value.since, now).await?,
        None => None,
    };
    if noted.value.noted_at.plus(NOTED) <= now {
        app.table.finish_review(id, &noted, left).await?;
    }
    Ok(())
}

/// A sealed day, and what is made of it now.
struct Reviewed {
    known: Stored<SealedDay>,
    sealed: DayRecord,
    counting: MonitorDay,
    correction: Option<Correction>,
    /// What decides a day that is corrected, and what was seen of it.
    seen: Option<(Plan, Sightings)>,
}

impl Reviewed {
    /// The day as it counts, with its correction.
    fn day(&self) -> &MonitorDay {
        self.correction.as_ref().map_or(&self.counting, |correction| correction.right.day())
    }
}

/// Corrects the sealed days from one on. The first that has no place in the log yet, so that it could not be looked at, is the answer.
async fn look_again(app: &App, monitor: &Monitor, since: Day, now: Moment) -> Result<Option<Day>, SealError> {
    let id = &monitor.watch.service.monitor;
    let stored = app.table.facts(&monitor.watch).await?;
    let Some(last) = stored.facts.sealed.days.last().map(|fact| fact.day) else { return Ok(None) };
    let oldest = now.day().minus(SEGMENTS_KEPT_DAYS);
    if since < oldest {
        tracing::warn!(monitor = %id, %since, %oldest, "what was seen of earlier days is not kept any more: they are not corrected");
    }
    let mut days = read(app, id, last).await?;
    let numbers = Numbers::Only([monitor.place.number].into());
    let mut seen = SeenDays::of(&app.table, monitor.place.shard, Freshness::LastWrite, numbers);
    let panels = panels(app, now).await?;
    let (mut left, mut count) = (None, 0_usize);
    for reviewed in days.iter_mut().filter(|reviewed| reviewed.counting.day >= since.max(oldest)) {
        let Some(leaf) = reviewed.known.value.leaf.filter(|_| count < MOST_CORRECTED) else {
            left = left.or(Some(reviewed.counting.day));
            continue;
        };
        if let Some((correction, plan, sightings)) = correct(reviewed, leaf, monitor, &mut seen, now).await? {
            reviewed.correction = Some(correction);
            reviewed.seen = Some((plan, sightings));
            count += 1;
        }
    }
    let latencies = seal::windows(&days.iter().map(|reviewed| match &reviewed.correction {
        Some(correction) => &correction.latencies,
        None => reviewed.known.value.latencies_counting(),
    }));
    let changed: Vec<MonitorDay> = days
        .iter()
        .filter(|reviewed| reviewed.counting.day >= since)
        .map(|reviewed| reviewed.day().clone())
        .collect();
    let corrected = days.iter().filter_map(|reviewed| Some((reviewed.day().day, reviewed.seen.as_ref()?)));
    let mut after = stored.with(|facts| {
        let settled = settled(facts, &changed, latencies);
        corrected.fold(settled, |facts, (day, (plan, sightings))| facts.confirm(day, plan, sightings))
    });
    if let Some((current, _)) = settle::current(app, monitor, &after, &panels, &mut seen, now).await? {
        after = current;
    }
    if after.facts.sealed == stored.facts.sealed && count == 0 && after.facts.next_day().is_some() {
        return Ok(left);
    }
    app.tell(&stored.facts, &after.facts).await?;
    let corrections: Vec<Correction> = days.into_iter().filter_map(|reviewed| reviewed.correction).collect();
    let corrected: Vec<MonitorDay> =
        corrections.iter().map(|correction| correction.right.day().clone()).collect();
    app.table.write_corrected(&after, corrections).await?;
    reports::follow(app, monitor, &corrected, now).await?;
    app.metrics.count("CorrectedDays", count, now);
    Ok(left)
}

/// The facts with these days as the last that are sealed. Of a monitor that has no others, nothing else is known.
fn settled(facts: &Facts, days: &[MonitorDay], latencies: BTreeMap<u16, Latency>) -> Facts {
    let mut facts = facts.correct(days, latencies);
    if facts.next_day().is_none()
        && let Some(current) = &mut facts.current
    {
        current.days.clear();
        current.outages.clear();
    }
    facts
}

/// The sealed days of which latencies are published, up to the last.
async fn read(app: &App, id: &MonitorId, last: Day) -> Result<Vec<Reviewed>, SealError> {
    let known = app.table.days_to_review(id, last.minus(KEPT_DAYS - 1), last).await?;
    let read = |known: Stored<SealedDay>| {
        let decoded = |text: &str| {
            DayRecord::decode(text.as_bytes()).map_err(|malformed| SealError::Unsealable {
                monitor: id.to_string(),
                day: last.to_string(),
                cause: malformed.to_string(),
            })
        };
        let (sealed, counting) = (decoded(&known.value.record)?, decoded(known.value.counting())?);
        Ok(Reviewed { known, sealed, counting: counting.day().clone(), correction: None, seen: None })
    };
    known.into_iter().map(read).collect()
}

/// The correction of a day, if it was another, with what it comes from.
async fn correct(
    reviewed: &Reviewed,
    leaf: u64,
    monitor: &Monitor,
    seen: &mut SeenDays<'_>,
    now: Moment,
) -> Result<Option<(Correction, Plan, Sightings)>, SealError> {
    let Reviewed { known, sealed, counting, .. } = reviewed;
    let (id, day) = (&monitor.watch.service.monitor, counting.day);
    let uncorrectable = |cause: &dyn ToString| SealError::Unsealable {
        monitor: id.to_string(),
        day: day.to_string(),
        cause: cause.to_string(),
    };
    // Those who decided as it was sealed decide still.
    let panel = Panel::new(sealed.day().vantages.keys().cloned().collect());
    let plan = plan(monitor, &panel.map_err(|error| uncorrectable(&error))?);
    let sightings = seen.sightings(monitor, day).await?;
    let right = plan.settle(day, &sightings, now);
    if !differs(counting, &right) {
        return Ok(None);
    }
    let latencies = plan.latencies(day, &sightings, now);
    let reason = difference(counting, &right, &monitor.watch).reason();
    let reason = reason.map_err(|error| uncorrectable(&error))?;
    tracing::info!(monitor = %id, %day, %reason, "corrected");
    let right = DayRecord::new(id.clone(), monitor.version_on(day), sealed.link(), right)
        .map_err(|contradiction| uncorrectable(&contradiction))?;
    let correction =
        CorrectionLeaf::new(leaf, reason).ok_or_else(|| uncorrectable(&"no log has such a place"))?;
    let leaf = correction.with_day(right.clone());
    let correction = Correction { known: known.clone(), leaf, was: counting.clone(), right, latencies };
    Ok(Some((correction, plan, sightings)))
}
