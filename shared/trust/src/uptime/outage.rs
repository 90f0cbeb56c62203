//! Outages: maximal runs of `down`, across the ends of days; and incidents: outages of one provider's
//! services that overlap.
//!
//! Any slot that is not down ends a run, `unknown` and maintenance too. Down, unknown, down is two outages:
//! what lay between may have been up, and nobody is accused of what nobody saw. [`Ended`] says of the first
//! that we lost sight of it, not that it recovered.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{
    id::{ContractId, ProviderId},
    time::{Day, Moment},
};

use super::{
    day::MonitorDay,
    names::{MonitorId, Vantage},
    schedule::Grid,
    slot::{Reason, Seen, Slot},
    span::Span,
};

/// The `source` of these events on the bus.
pub const SOURCE: &str = "trust";

/// The version of [`OutageEvent`] this code writes.
pub const VERSION: u32 = 1;

/// What came after the last slot of an outage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ended {
    /// A slot that was up: it recovered.
    Recovered,
    /// A slot, or a whole day, of which nothing is known: it may go on.
    LostSight,
    /// Maintenance that counts.
    Maintenance,
    /// Nothing: the monitor was paused or came to its end.
    Stopped,
}

/// A maximal run of slots that were down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outage {
    /// When its first slot begins.
    pub from: Moment,
    /// When its last slot ends, as far as it is known.
    pub until: Moment,
    /// How many slots it has.
    pub slots: u32,
    /// Why its first slot was down.
    pub reason: Reason,
    /// Who saw its first slot down, of those who decide together: more than one where several do. Nobody is named in one that is
    /// older than this list.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub confirmed_by: BTreeSet<Vantage>,
    /// The day its last slot belongs to: the records from `from`'s day to this one are its evidence.
    pub last_day: Day,
    /// What ended it; `None` while it goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Ended>,
}

impl Outage {
    /// Whether it goes on.
    pub fn is_open(&self) -> bool {
        self.ended.is_none()
    }

    /// How long it has lasted so far, in seconds.
    pub fn seconds(&self) -> u32 {
        self.until.since(self.from)
    }

    /// Its id among all outages: the monitor and the Unix second at which it began.
    pub fn id(&self, monitor: &MonitorId) -> String {
        format!("{monitor}-{}", self.from.unix())
    }

    /// Ends it, if it is open, because the monitor came to its end.
    pub(super) fn stop(&mut self) {
        if self.is_open() {
            self.ended = Some(Ended::Stopped);
        }
    }

    /// What of it lies before a moment, at which a slot begins, as one that goes on; it began before it and reached to it.
    fn up_to(self, at: Moment, grid: Grid) -> Self {
        // All of its slots are beside each other.
        let slots = at.since(self.from) / grid.interval().seconds();
        let last_day = grid.slot_at(at.plus(-1)).map_or(self.last_day, |(day, _)| day);
        Self { until: at, slots, last_day, ended: None, ..self }
    }

    fn ended_at(&mut self, at: Moment, by: Ended) {
        self.until = self.until.min(at);
        self.ended = Some(by);
    }
}

/// The outages of one monitor in days that follow each other, by time; the last one may be open.
///
/// Days do not say who saw a slot down: [`Outage::confirmed_by`] is empty in those that begin in them.
///
/// `before` is the outage that was open at the end of the day before the first one; without it, an outage
/// that began earlier is found to begin with these days. Slots that have not ended at `as_of` are not looked
/// at. A day that is missing between two others is unknown throughout.
pub fn outages<'a>(
    before: Option<Outage>,
    days: impl IntoIterator<Item = &'a MonitorDay>,
    as_of: Moment,
) -> Vec<Outage> {
    outages_within(before, days, Span { from: Moment::EPOCH, until: as_of })
}

/// The same of the slots within a stretch of time, which the first of these days is not wholly in: `before` is the outage that was open
/// as it begins.
pub(super) fn outages_within<'a>(
    before: Option<Outage>,
    days: impl IntoIterator<Item = &'a MonitorDay>,
    within: Span,
) -> Vec<Outage> {
    let mut found = Vec::new();
    let mut open = before.filter(Outage::is_open);
    for day in days {
        if let Some(mut lost) = open.take_if(|outage| day.day > outage.last_day.next()) {
            lost.ended_at(lost.until, Ended::LostSight);
            found.push(lost);
        }
        for (index, slot) in day.grid.slots().zip(&day.slots) {
            let span = day.grid.span(day.day, index);
            if span.from < within.from {
                continue;
            }
            if span.until > within.until {
                break;
            }
            match (*slot, &mut open) {
                (Some(Slot::Down(_)), Some(outage)) => {
                    outage.until = span.until;
                    outage.slots += 1;
                    outage.last_day = day.day;
                }
                (Some(Slot::Down(reason)), None) => {
                    let (from, until, last_day) = (span.from, span.until, day.day);
                    let confirmed_by = BTreeSet::new();
                    open =
                        Some(Outage { from, until, slots: 1, reason, confirmed_by, last_day, ended: None });
                }
                (other, _) => {
                    if let Some(mut over) = open.take() {
                        over.ended_at(span.from, ended_by(other));
                        found.push(over);
                    }
                }
            }
        }
    }
    found.extend(open);
    found
}

/// Of these outages, which are in order, those that had ended before a moment at which a slot begins, and the one that reached to it, as
/// one that goes on. What ended it is not known before that slot is.
pub(super) fn split(
    outages: impl IntoIterator<Item = Outage>,
    at: Moment,
    grid: Grid,
) -> (Vec<Outage>, Option<Outage>) {
    let (before, mut reaching): (Vec<Outage>, Vec<Outage>) =
        outages.into_iter().filter(|outage| outage.from < at).partition(|outage| outage.until < at);
    (before, reaching.pop().map(|outage| outage.up_to(at, grid)))
}

fn ended_by(slot: Option<Slot>) -> Ended {
    match slot {
        None => Ended::Stopped,
        Some(Slot::Maintenance(_)) => Ended::Maintenance,
        Some(slot) => match slot.raw() {
            Seen::Up => Ended::Recovered,
            Seen::Unknown(_) | Seen::Down(_) => Ended::LostSight,
        },
    }
}

/// Outages of one provider's services that overlap, directly or by way of others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incident {
    /// When the first of them begins.
    pub from: Moment,
    /// When the last of them ends, as far as it is known.
    pub until: Moment,
    /// Whether one of them goes on.
    pub is_open: bool,
    /// The outages, by their beginning.
    pub outages: Vec<(MonitorId, Outage)>,
}

/// The incidents that outages of one provider make up, by time. One that is open overlaps all that come after
/// its beginning; two of which one begins as the other ends do not overlap.
pub fn incidents(outages: impl IntoIterator<Item = (MonitorId, Outage)>) -> Vec<Incident> {
    let mut outages: Vec<(MonitorId, Outage)> = outages.into_iter().collect();
    outages.sort_by(|(a, one), (b, other)| (one.from, a).cmp(&(other.from, b)));
    let mut incidents: Vec<Incident> = Vec::new();
    for (monitor, outage) in outages {
        match incidents.last_mut().filter(|last| last.is_open || outage.from < last.until) {
            Some(last) => {
                last.until = last.until.max(outage.until);
                last.is_open |= outage.is_open();
                last.outages.push((monitor, outage));
            }
            None => incidents.push(Incident {
                from: outage.from,
                until: outage.until,
                is_open: outage.is_open(),
                outages: vec![(monitor, outage)],
            }),
        }
    }
    incidents
}

/// Whose monitor it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    /// The provider.
    pub provider: ProviderId,
    /// The contract it is watched for, if it is for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contract: Option<ContractId>,
    /// The monitor.
    pub monitor: MonitorId,
}

/// The detail of a `trust` event about an outage: equal for equal outages, so whoever hears it twice knows it
/// by its id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OutageEvent {
    /// [`VERSION`].
    pub version: u32,
    /// The same whenever the same is told.
    pub id: String,
    /// When it came about: when the outage began, or ended.
    pub at: Moment,
    /// The event's type on the bus: `outage.opened` or `outage.closed`.
    #[serde(skip)]
    pub event_type: &'static str,
    /// Whose service.
    #[serde(flatten)]
    pub service: Service,
    /// When the outage began.
    pub opened_at: Moment,
    /// Why its first slot was down.
    pub reason: Reason,
    /// Who saw it down, as far as was known as this was told.
    pub confirmed_by: BTreeSet<Vantage>,
    /// Its end; absent in `outage.opened`.
    #[serde(flatten)]
    pub closed: Option<Closed>,
}

/// The end of an outage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Closed {
    /// When its last slot ended.
    pub closed_at: Moment,
    /// How many slots it had.
    pub slots: u32,
    /// What ended it.
    pub ended: Ended,
}

impl Service {
    /// The event that tells that an outage began.
    pub fn opened(&self, outage: &Outage) -> OutageEvent {
        self.event(outage, "outage.opened", None)
    }

    /// The event that tells that it ended; `None` while it goes on.
    pub fn closed(&self, outage: &Outage) -> Option<OutageEvent> {
        let ended = outage.ended?;
        let closed = Closed { closed_at: outage.until, slots: outage.slots, ended };
        Some(self.event(outage, "outage.closed", Some(closed)))
    }

    fn event(&self, outage: &Outage, event_type: &'static str, closed: Option<Closed>) -> OutageEvent {
        OutageEvent {
            version: VERSION,
            id: match &closed {
                None => format!("{}-opened", outage.id(&self.monitor)),
                // One that goes on after all, because what was seen came late, ends another time.
                Some(closed) => format!("{}-closed-{}", outage.id(&self.monitor), closed.closed_at.unix()),
            },
            at: closed.as_ref().map_or(outage.from, |closed| closed.closed_at),
            event_type,
            service: self.clone(),
            opened_at: outage.from,
            reason: outage.reason,
            confirmed_by: outage.confirmed_by.clone(),
            closed,
        }
    }
}

#[cfg(test)]
mod tests;
