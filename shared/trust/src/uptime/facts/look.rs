//! A look between two settlings: what can not be otherwise any more is taken as it was found, and only what came after it is worked out.
//!
//! It finds what [`Facts::settle`] would, as long as nobody reports on a slot later than [`LATE`]; what comes later still is found by
//! the next settling. The one thing it leaves to that is how long the answers of a day took, which needs all of them.

use crate::time::Moment;

use super::{Current, DayFact, Facts, stop};
use crate::uptime::{
    day::{MonitorDay, Tally},
    outage::{self, Outage},
    schedule::SlotIndex,
    slot::Slot,
    span::Span,
};

/// Seconds after its end for which a slot may still be reported on. Shorter, and a slow worker or another place would make an outage
/// seem to end, or be overlooked by a [look](Facts::look); longer delays the news of a prober that stands still, and has looks read more.
///
/// Whoever asks begins before the slot ends, and has half a minute for all his checks.
pub const LATE: i64 = 180;

/// Of the days that are known as of a moment, what slots were that may still be found otherwise, but for those that were up.
pub(super) fn unsure(days: &[MonitorDay], as_of: Moment) -> Vec<(Moment, Slot)> {
    let sure = as_of.plus(-LATE);
    let mut unsure = Vec::new();
    for day in days {
        for (index, slot) in day.grid.slots().zip(&day.slots) {
            let span = day.grid.span(day.day, index);
            let is_unsure = sure < span.until && span.until <= as_of;
            unsure.extend(slot.filter(|slot| is_unsure && *slot != Slot::Up).map(|slot| (span.from, slot)));
        }
    }
    unsure
}

impl Facts {
    /// From when on a look has to see what was seen: where the first slot begins that may be otherwise than it was found. `None` if all
    /// is to be worked out anew, since nothing is current, or what is does not go on from what is sealed.
    pub fn looked_at_from(&self, now: Moment) -> Option<Moment> {
        let current = self.current.as_ref().filter(|current| current.as_of <= now)?;
        let next = self.next_day()?;
        let grid = self.watch.schedule.grid;
        let (day, slot) = grid.slot_at(current.as_of.plus(-LATE))?;
        let (from, begins) = (grid.span(day, slot).from, grid.span(next, SlotIndex(0)).from);
        let has_ended = self.watch.last_day().is_some_and(|last| last < day);
        let follows = current.days.first().is_some_and(|fact| fact.day == next);
        let earlier = current.outages.iter().map(|outage| outage.from).filter(|from| *from < begins);
        let is_carried = earlier.eq(self.sealed.carried.iter().map(|outage| outage.from));
        (begins < from && !has_ended && follows && is_carried).then_some(from)
    }

    /// Whether the monitor was down just before a moment of [`Facts::looked_at_from`].
    pub fn was_down_before(&self, from: Moment) -> bool {
        self.current.as_ref().is_some_and(|current| self.outages_before(current, from).1.is_some())
    }

    /// The facts with what was seen from a moment of [`Facts::looked_at_from`] on, in these days, which begin with the one of that
    /// moment and follow each other. `None` if less is known now than was: then all is to be worked out anew.
    #[must_use]
    pub fn look(
        &self,
        from: Moment,
        days: &[MonitorDay],
        certificate_expires: Option<Moment>,
        as_of: Moment,
    ) -> Option<Self> {
        let known = self.current.as_ref().filter(|known| known.as_of <= as_of)?;
        let (mut outages, open) = self.outages_before(known, from);
        outages.extend(outage::outages_within(open, days, Span { from, until: as_of }));
        stop(&self.watch, &mut outages, days, as_of);
        let mut facts = known.days.clone();
        for day in days {
            let seen = day.tally_from(from);
            if let Some(fact) = facts.iter_mut().find(|fact| fact.day == day.day) {
                fact.tally = self.tally_before(known, fact, from);
                if fact.tally.expected() == 0 {
                    fact.latency = day.latency;
                }
                fact.tally += &seen;
            } else {
                facts.push(DayFact { day: day.day, tally: seen, latency: day.latency });
            }
        }
        let unsure = unsure(days, as_of);
        let current = Current { as_of, days: facts, outages, certificate_expires, unsure };
        Some(Self { current: Some(current), ..self.clone() })
    }

    /// The outages that had ended before a slot begins, and the one that goes on until then, if one does.
    fn outages_before(&self, known: &Current, at: Moment) -> (Vec<Outage>, Option<Outage>) {
        outage::split(known.outages.iter().cloned(), at, self.watch.schedule.grid)
    }

    /// What a day's slots were that begin before a moment.
    fn tally_before(&self, known: &Current, fact: &DayFact, from: Moment) -> Tally {
        let schedule = &self.watch.schedule;
        let spans = schedule.expected(fact.day).map(|slot| schedule.grid.span(fact.day, slot));
        let mut tally = fact.tally.clone();
        for span in spans.filter(|span| from <= span.from && span.until <= known.as_of) {
            let unsure = known.unsure.iter().find(|(of, _)| *of == span.from);
            tally.discount(unsure.map_or(Slot::Up, |(_, slot)| *slot));
        }
        tally
    }
}

#[cfg(test)]
mod tests;
