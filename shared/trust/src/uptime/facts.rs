//! What is known of one monitor at a time: its sealed days, which no longer change, and the days after them, which are worked out
//! anew whenever something was seen.
//!
//! Everything here follows from days. [`Facts::settle`] takes the days that are not sealed yet, [`Facts::seal`] makes the oldest of
//! them final, and [`news`] says what is to be told when facts have changed: telling it twice is harmless, since each has an id.

mod look;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::time::{Day, Moment};

use super::{
    count::{UptimeCount, UptimeDelta},
    day::{Latency, MonitorDay, Plan, Tally},
    leaves::CheckKind,
    maintenance::Window,
    names::{EndpointName, Vantage},
    outage::{self, Outage, OutageEvent, Service},
    schedule::{Schedule, SlotIndex},
    sla::{ServiceTime, Sla, Standing},
    slot::{Gap, Sightings, Slot},
    span::Span,
};

pub use look::LATE;

/// Days of which facts are kept at least: what a page shows. A promise over a longer period keeps that many.
pub const KEPT_DAYS: u16 = 90;

/// Most outages that are kept of the sealed days. Whoever has more is told by his uptime.
const KEPT_OUTAGES: usize = 200;

/// How many days before a certificate expires it is told of, once each.
pub const CERTIFICATE_DAYS: [i64; 5] = [30, 14, 7, 3, 1];

/// What anybody may know of a monitor: nothing of where its endpoint is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watch {
    /// Whose it is.
    #[serde(flatten)]
    pub service: Service,
    /// What the parties call the endpoint.
    pub name: EndpointName,
    /// How the endpoint is asked.
    pub kind: CheckKind,
    /// When it is asked.
    pub schedule: Schedule,
    /// The work that was announced.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub windows: Vec<Window>,
    /// When the contract ended, and with it the monitor, for good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Moment>,
    /// When the contract is taken to have ended if nothing is said of it; see [`Watch::lapse`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lapses: Option<Moment>,
    /// What the contract promises.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sla: Option<Sla>,
    /// Who rents the service.
    #[serde(default, skip_serializing_if = "RentedBy::is_another")]
    pub rented_by: RentedBy,
}

/// Who rents a service that is watched.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RentedBy {
    /// Another party than the provider.
    #[default]
    Another,
    /// The provider himself: shown, never scored.
    ProviderHimself,
    /// Another party, for nothing or for under an hour: shown, never scored.
    ForNothing,
}

impl RentedBy {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde wants it so")]
    fn is_another(&self) -> bool {
        *self == Self::Another
    }
}

impl Watch {
    /// What is to be watched at this moment: nothing any more of a contract that has lapsed. Word of an extension or of an end makes it
    /// another watch again.
    #[must_use]
    pub fn lapse(self, now: Moment) -> Self {
        let Some(lapsed) = self.lapses.filter(|lapses| self.ended.is_none() && *lapses <= now) else {
            return self;
        };
        let until = Span { from: Moment::EPOCH, until: lapsed };
        let running = self.schedule.running.iter().map(|span| span.overlap(until)).collect();
        Self { ended: Some(lapsed), schedule: Schedule { running, ..self.schedule }, ..self }
    }

    /// The day of its first slot, which is the day of its first record. `None` if it never runs.
    pub fn first_day(&self) -> Option<Day> {
        let first = self.schedule.running.iter().next()?.from;
        let (day, slot) = self.schedule.grid.slot_at(first)?;
        // A slot is expected if the monitor runs as it begins, so the one it starts in the middle of is not.
        let is_last = self.schedule.grid.slots().next_back() == Some(slot);
        let begins_before = self.schedule.grid.span(day, slot).from < first;
        Some(if is_last && begins_before { day.next() } else { day })
    }

    /// The day of its last record; `None` while it has no end. One that is paused, or is not wished for, has days in which nothing
    /// is expected, so that a day without a record is always one that was left out.
    pub fn last_day(&self) -> Option<Day> {
        let last = self.ended?.plus(-1).day();
        Some(self.first_day().map_or(last, |first| last.max(first)))
    }

    /// Whether no record follows the one of this day.
    pub fn ends_by(&self, day: Day) -> bool {
        self.last_day().is_some_and(|last| last <= day)
    }
}

/// What a day came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DayFact {
    /// The day.
    pub day: Day,
    /// Its slots, as far as they are over.
    pub tally: Tally,
    /// How long the answers took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency: Option<Latency>,
}

impl From<&MonitorDay> for DayFact {
    fn from(day: &MonitorDay) -> Self {
        Self { day: day.day, tally: day.tally(), latency: day.latency }
    }
}

/// The days that are in the log, or on their way there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealed {
    /// The days, each following the other, the oldest first.
    pub days: Vec<DayFact>,
    /// The outages that ended in them, by time.
    pub outages: Vec<Outage>,
    /// The outage that was open at their end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub carried: Option<Outage>,
    /// How long the answers took over the last so many of them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub latency: BTreeMap<u16, Latency>,
}

/// What is known beyond the sealed days.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Current {
    /// As of when.
    pub as_of: Moment,
    /// The days after the sealed ones, up to the one of `as_of`.
    pub days: Vec<DayFact>,
    /// The outages in them, by time; the last may be open.
    pub outages: Vec<Outage>,
    /// When the certificate that was seen last expires, if that is soon.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate_expires: Option<Moment>,
    /// What slots were that ended within [`LATE`] seconds before `as_of` and may still be found otherwise, by their beginnings; those
    /// that are not here were up.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unsure: Vec<(Moment, Slot)>,
}

/// All that is known of a monitor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The monitor.
    pub watch: Watch,
    /// What no longer changes.
    pub sealed: Sealed,
    /// What does; absent before anything was seen.
    pub current: Option<Current>,
}

impl Facts {
    /// Those of a monitor of which nothing is known yet.
    pub fn of(watch: Watch) -> Self {
        Self { watch, sealed: Sealed::default(), current: None }
    }

    /// Facts of two reads, the second of which may be of before a day was sealed that the first has.
    pub fn read(watch: Watch, sealed: Sealed, current: Option<Current>) -> Self {
        let mut facts = Self { watch, sealed, current };
        facts.drop_sealed();
        facts
    }

    /// Leaves out of what is current what is sealed.
    fn drop_sealed(&mut self) {
        let Some(current) = &mut self.current else { return };
        if let Some(last) = self.sealed.days.last() {
            current.days.retain(|known| known.day > last.day);
        }
        let is_sealed = |outage: &Outage| self.sealed.outages.iter().any(|ended| ended.from == outage.from);
        current.outages.retain(|outage| !is_sealed(outage));
    }

    /// The day after the sealed ones: the next to be sealed. `None` if the monitor never runs, or all its days are sealed.
    pub fn next_day(&self) -> Option<Day> {
        let next = match self.sealed.days.last() {
            Some(last) => last.day.next(),
            None => self.watch.first_day()?,
        };
        self.watch.last_day().is_none_or(|last| next <= last).then_some(next)
    }

    /// The facts with these days as all that is known beyond the sealed ones: they begin with [`Facts::next_day`] and follow each
    /// other.
    #[must_use]
    pub fn settle(&self, days: &[MonitorDay], certificate_expires: Option<Moment>, as_of: Moment) -> Self {
        let mut outages = outage::outages(self.sealed.carried.clone(), days, as_of);
        stop(&self.watch, &mut outages, days, as_of);
        let unsure = look::unsure(days, as_of);
        let days = days.iter().map(DayFact::from).collect();
        let current = Current { as_of, days, outages, certificate_expires, unsure };
        Self { current: Some(current), ..self.clone() }
    }

    /// The facts with this day, which is [`Facts::next_day`], among the sealed ones.
    #[must_use]
    pub fn seal(&self, day: &MonitorDay, latency: BTreeMap<u16, Latency>) -> Self {
        let mut facts = self.clone();
        let sealed = &mut facts.sealed;
        sealed.days.push(day.into());
        let period = self.watch.sla.map_or(0, Sla::period_days);
        let kept = usize::from(KEPT_DAYS.max(period));
        sealed.days.drain(..sealed.days.len().saturating_sub(kept));
        let found = outage::outages(sealed.carried.take(), [day], day.grid.end_of(day.day));
        for mut outage in found {
            if self.watch.ends_by(day.day) {
                outage.stop();
            }
            if outage.is_open() {
                sealed.carried = Some(outage);
            } else {
                sealed.outages.push(outage);
            }
        }
        sealed.outages.drain(..sealed.outages.len().saturating_sub(KEPT_OUTAGES));
        sealed.latency = latency;
        facts.drop_sealed();
        facts
    }

    /// The facts with these days in the place of sealed ones: they follow each other, and the last of them is the last that is sealed.
    ///
    /// What is current beside them is dropped as far as it goes on from them: [`Facts::settle`] is to follow.
    #[must_use]
    pub fn correct(&self, days: &[MonitorDay], latency: BTreeMap<u16, Latency>) -> Self {
        let (Some(first), Some(last)) = (days.first(), days.last()) else { return self.clone() };
        let begins = first.grid.span(first.day, SlotIndex(0)).from;
        let ends = last.grid.end_of(last.day);
        let mut facts = self.clone();
        let confirmed: BTreeMap<Moment, BTreeSet<Vantage>> =
            facts.outages_mut().map(|outage| (outage.from, outage.confirmed_by.clone())).collect();
        let sealed = &mut facts.sealed;
        for day in days {
            if let Ok(place) = sealed.days.binary_search_by_key(&day.day, |fact| fact.day) {
                sealed.days[place] = day.into();
            }
        }
        let known = sealed.outages.drain(..).chain(sealed.carried.take());
        let (mut kept, open) = outage::split(known, begins, self.watch.schedule.grid);
        kept.extend(outage::outages(open, days, ends));
        if self.watch.ends_by(last.day) {
            kept.iter_mut().for_each(Outage::stop);
        }
        sealed.carried = kept.pop_if(|outage| outage.is_open());
        kept.drain(..kept.len().saturating_sub(KEPT_OUTAGES));
        sealed.outages = kept;
        sealed.latency = latency;
        if let Some(current) = &mut facts.current {
            current.outages.retain(|outage| outage.from >= ends);
        }
        // Of days that are no other than they were it is not known anew.
        for outage in facts.outages_mut() {
            if let Some(by) = confirmed.get(&outage.from) {
                outage.confirmed_by.clone_from(by);
            }
        }
        facts
    }

    /// The facts with those named who confirm the outages that begin on a day, from what was seen of it. After the day was settled,
    /// sealed or corrected.
    #[must_use]
    pub fn confirm(self, day: Day, plan: &Plan, sightings: &Sightings) -> Self {
        self.confirm_from(Moment::EPOCH, day, plan, sightings)
    }

    /// The same, of outages that begin at a moment or later: of what was before it these are not all sightings.
    #[must_use]
    pub fn confirm_from(mut self, from: Moment, day: Day, plan: &Plan, sightings: &Sightings) -> Self {
        for outage in self.outages_mut().filter(|outage| from <= outage.from) {
            let begins = plan.schedule.grid.slot_at(outage.from);
            if let Some((_, slot)) = begins.filter(|(of, _)| *of == day) {
                let seen = sightings.confirmed_by(slot);
                outage.confirmed_by =
                    seen.filter(|vantage| plan.panel.vantages().contains(*vantage)).cloned().collect();
            }
        }
        self
    }

    fn outages_mut(&mut self) -> impl Iterator<Item = &mut Outage> {
        let current = self.current.iter_mut().flat_map(|current| &mut current.outages);
        self.sealed.outages.iter_mut().chain(&mut self.sealed.carried).chain(current)
    }

    /// What this day, once it is sealed, adds to the provider's uptime signal.
    pub fn counted(&self, day: &MonitorDay) -> UptimeDelta {
        let mut delta = UptimeDelta::default();
        if let (RentedBy::Another, Some(class)) = (self.watch.rented_by, UptimeCount::of(&day.tally())) {
            delta.gain(&self.watch.service.provider, day.day, class);
        }
        delta
    }

    /// What a correction of a sealed day changes in the provider's uptime signal: the day is taken away as it was, and added as it is.
    pub fn recounted(&self, was: &MonitorDay, is: &MonitorDay) -> UptimeDelta {
        let mut delta = self.counted(is);
        for (provider, day, classes) in self.counted(was).iter() {
            for class in classes.keys() {
                delta.lose(provider, day, *class);
            }
        }
        delta
    }

    /// All days that are kept, by time; today is the last, as far as it is over.
    pub fn days(&self) -> impl DoubleEndedIterator<Item = &DayFact> {
        self.sealed.days.iter().chain(self.current.iter().flat_map(|current| &current.days))
    }

    /// The days from one up to and including another.
    pub fn days_within(&self, first: Day, last: Day) -> impl Iterator<Item = &DayFact> {
        self.days().filter(move |fact| (first..=last).contains(&fact.day))
    }

    /// Whether a day is final.
    pub fn is_sealed(&self, day: Day) -> bool {
        self.sealed.days.binary_search_by_key(&day, |fact| fact.day).is_ok()
    }

    /// The monitor's days from one up to and including another, each there. A slot that is over and that nobody has settled is
    /// unknown: where we stood still, it shows as coverage and not as uptime.
    pub fn due_days(&self, first: Day, last: Day, now: Moment) -> Vec<DayFact> {
        let Some(begun) = self.watch.first_day() else { return Vec::new() };
        let last = self.watch.last_day().map_or(last, |ended| ended.min(last));
        let mut days = Vec::new();
        let mut day = first.max(begun);
        while day <= last {
            let known = self.days_within(day, day).next();
            let mut fact = known.cloned().unwrap_or(DayFact { day, tally: Tally::default(), latency: None });
            if !self.is_sealed(day) {
                let Schedule { grid, .. } = self.watch.schedule;
                let due = self.watch.schedule.expected(day).filter(|slot| grid.span(day, *slot).until <= now);
                let unsettled = (due.count() as u64).saturating_sub(fact.tally.expected());
                fact.tally.count(Slot::Unknown(Gap::Silent), unsettled);
            }
            days.push(fact);
            day = day.next();
        }
        days
    }

    /// All outages that are kept, by time. One is open at most, the last.
    pub fn outages(&self) -> impl DoubleEndedIterator<Item = &Outage> {
        let current = self.current.iter().flat_map(|current| &current.outages);
        let carried = self.sealed.carried.iter().filter(|_| self.current.is_none());
        self.sealed.outages.iter().chain(current).chain(carried)
    }

    /// The outage that goes on.
    pub fn open_outage(&self) -> Option<&Outage> {
        self.outages().next_back().filter(|outage| outage.is_open())
    }

    /// How the promise stands in the period that a day falls in; `None` without a promise.
    pub fn standing(&self, on: Day) -> Option<Standing> {
        let sla = self.watch.sla?;
        let starts = self.watch.first_day()?;
        let (from, until) = sla.period(starts, on);
        let mut time = BTreeMap::new();
        let mut day = from;
        while day < until {
            time.insert(day, ServiceTime::planned(&self.watch.schedule, day));
            day = day.next();
        }
        for fact in self.days_within(from, until) {
            time.insert(fact.day, ServiceTime::of(&self.watch.schedule, fact.day, &fact.tally));
        }
        Some(sla.standing(starts, on, &time))
    }
}

/// Ends the outage that is open where the last of these days is the monitor's last, and over.
fn stop(watch: &Watch, outages: &mut [Outage], days: &[MonitorDay], as_of: Moment) {
    if days.last().is_some_and(|day| watch.ends_by(day.day) && day.grid.end_of(day.day) <= as_of) {
        outages.iter_mut().for_each(Outage::stop);
    }
}

/// The version of [`SlaBreached`] and [`CertificateExpiring`] this code writes.
pub const VERSION: u32 = 1;

/// The detail of `sla.breached`: a promise was broken in its running period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SlaBreached {
    /// [`VERSION`].
    pub version: u32,
    /// The same whenever the same is told.
    pub id: String,
    /// When the day of the breach began.
    pub at: Moment,
    /// Whose service.
    #[serde(flatten)]
    pub service: Service,
    /// How the promise stands.
    pub standing: Standing,
}

/// The detail of `certificate.expiring`: no outage, but the way to one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CertificateExpiring {
    /// [`VERSION`].
    pub version: u32,
    /// The same whenever the same is told.
    pub id: String,
    /// Since when it is so near.
    pub at: Moment,
    /// Whose service.
    #[serde(flatten)]
    pub service: Service,
    /// When it expires.
    pub expires_at: Moment,
    /// It is told since that is so many days away, or fewer.
    pub within_days: i64,
}

/// Something that is to be told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum News {
    /// An outage began or ended.
    Outage(OutageEvent),
    /// A promise was broken.
    Sla(SlaBreached),
    /// A certificate expires soon.
    Certificate(CertificateExpiring),
}

impl News {
    /// The event's type on the bus.
    pub fn event_type(&self) -> &'static str {
        match self {
            Self::Outage(event) => event.event_type,
            Self::Sla(_) => "sla.breached",
            Self::Certificate(_) => "certificate.expiring",
        }
    }
}

/// What is to be told when facts have changed.
pub fn news(before: &Facts, after: &Facts) -> Vec<News> {
    let mut news = outage_news(before, after);
    let (service, version) = (&after.watch.service, VERSION);
    let breach =
        |facts: &Facts, on: Day| facts.standing(on).filter(|standing| standing.breached_on.is_some());
    // A breach may be found a day late, when yesterday is settled after midnight, in a period that ended with it.
    let current = after.current.iter().flat_map(|current| &current.days);
    // And of what was sealed, where it was corrected.
    let corrected = after.sealed.days.iter().filter(|fact| {
        let known = before.sealed.days.binary_search_by_key(&fact.day, |known| known.day);
        known.is_ok_and(|place| before.sealed.days[place] != **fact)
    });
    for on in corrected.chain(current).map(|fact| fact.day) {
        let Some(standing) = breach(after, on) else { continue };
        let is_known = breach(before, on).is_some();
        let id = format!("{}-sla-{}", service.monitor, standing.from);
        let told = |news: &News| matches!(news, News::Sla(event) if event.id == id);
        if !is_known && !news.iter().any(told) {
            let at = standing.breached_on.unwrap_or(on).start();
            news.push(News::Sla(SlaBreached { version, id, at, service: service.clone(), standing }));
        }
    }
    let warned = |facts: &Facts| {
        let current = facts.current.as_ref()?;
        let expires_at = current.certificate_expires?;
        let left = (expires_at.unix() - current.as_of.unix()).div_euclid(86_400);
        let within_days = CERTIFICATE_DAYS.into_iter().rev().find(|&days| left <= days)?;
        Some((expires_at, within_days))
    };
    if let Some((expires_at, within_days)) = warned(after).filter(|warning| warned(before) != Some(*warning))
    {
        let id = format!("{}-certificate-{}-{within_days}", service.monitor, expires_at.unix());
        let (service, at) = (service.clone(), expires_at.plus(-within_days * 86_400));
        let event = CertificateExpiring { version, id, at, service, expires_at, within_days };
        news.push(News::Certificate(event));
    }
    news
}

fn outage_news(before: &Facts, after: &Facts) -> Vec<News> {
    let end = |outage: &Outage| outage.ended.map(|ended| (outage.until, ended));
    let known: BTreeMap<Moment, _> = before.outages().map(|outage| (outage.from, end(outage))).collect();
    let service = &after.watch.service;
    let mut news = Vec::new();
    for outage in after.outages() {
        if !known.contains_key(&outage.from) {
            news.push(News::Outage(service.opened(outage)));
        }
        // Anew if it ended otherwise than was told: what had come late has changed it.
        if known.get(&outage.from) != Some(&end(outage)) {
            news.extend(service.closed(outage).map(News::Outage));
        }
    }
    // One that what came late has made another: whoever heard of it is to hear that it is over.
    let is_gone =
        |outage: &&Outage| outage.is_open() && !after.outages().any(|known| known.from == outage.from);
    for outage in before.outages().filter(is_gone) {
        let lost = Outage { ended: Some(outage::Ended::LostSight), ..outage.clone() };
        news.extend(service.closed(&lost).map(News::Outage));
    }
    news
}

#[cfg(test)]
mod tests;
