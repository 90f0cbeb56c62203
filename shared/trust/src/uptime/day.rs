//! A monitor's UTC day, and what days add up to.
//!
//! A [`Tally`] counts slots, nothing else, and everything said about uptime is computed from counts, exactly.
//! Two figures are published side by side: the contractual one, without maintenance that counts, and the raw
//! one ([`Tally::raw`]), in which a window of maintenance is what was seen in it.

mod latency;

use std::{
    collections::{BTreeMap, btree_map::Entry},
    iter::Sum,
    ops::AddAssign,
};

use serde::{Deserialize, Serialize};

use crate::{
    ratio::Ratio,
    time::{Day, Moment},
};

use super::{
    names::Vantage,
    percent::BasisPoints,
    schedule::{Grid, Schedule, SlotIndex},
    slot::{Gap, Panel, Reason, Sightings, Slot, Verdict},
    span::Spans,
};

pub use latency::{Latencies, Latency};

/// The coverage below which no uptime is claimed (DESIGN §5): 95 %. Lower, and a prober that stood still for
/// hours could pass for a day without outages; higher, and one restart of ours would silence a day.
pub const ENOUGH_COVERAGE: BasisPoints = BasisPoints::fixed(9_500);

/// How many slots were what.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<(Slot, u64)>", into = "Vec<(Slot, u64)>")]
pub struct Tally(BTreeMap<Slot, u64>);

/// The least and the most that uptime can have been, whatever the unknown slots were.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bounds {
    /// Every unknown slot was down.
    pub least: Ratio,
    /// Every unknown slot was up.
    pub most: Ratio,
}

impl Tally {
    /// Counts slots.
    pub fn count(&mut self, slot: Slot, times: u64) {
        if times > 0 {
            *self.0.entry(slot).or_default() += times;
        }
    }

    /// Takes away a slot that was counted.
    pub(super) fn discount(&mut self, slot: Slot) {
        if let Entry::Occupied(mut counted) = self.0.entry(slot) {
            *counted.get_mut() -= 1;
            if *counted.get() == 0 {
                counted.remove();
            }
        }
    }

    /// The counts, none of them zero.
    pub fn counts(&self) -> impl Iterator<Item = (Slot, u64)> + '_ {
        self.0.iter().map(|(&slot, &times)| (slot, times))
    }

    fn sum(&self, counts: impl Fn(Slot) -> bool) -> u64 {
        self.counts().filter(|&(slot, _)| counts(slot)).map(|(_, times)| times).sum()
    }

    /// Slots in which a check was due.
    pub fn expected(&self) -> u64 {
        self.sum(|_| true)
    }

    /// Slots that were up.
    pub fn up(&self) -> u64 {
        self.sum(|slot| slot == Slot::Up)
    }

    /// Slots that were down.
    pub fn down(&self) -> u64 {
        self.sum(|slot| matches!(slot, Slot::Down(_)))
    }

    /// Slots that were down for this reason.
    pub fn down_for(&self, reason: Reason) -> u64 {
        self.sum(|slot| slot == Slot::Down(reason))
    }

    /// Slots of which nothing can be said.
    pub fn unknown(&self) -> u64 {
        self.sum(|slot| matches!(slot, Slot::Unknown(_)))
    }

    /// Slots of which nothing can be said for this reason.
    pub fn unknown_for(&self, gap: Gap) -> u64 {
        self.sum(|slot| slot == Slot::Unknown(gap))
    }

    /// Slots of announced maintenance that counts.
    pub fn maintenance(&self) -> u64 {
        self.sum(|slot| matches!(slot, Slot::Maintenance(_)))
    }

    /// The same slots with maintenance set aside: up, down or unknown as they were seen.
    #[must_use]
    pub fn raw(&self) -> Self {
        let mut raw = Self::default();
        for (slot, times) in self.counts() {
            raw.count(slot.without_maintenance(), times);
        }
        raw
    }

    /// Slots that were up, of those known to be up or down. Not to be published by itself: see
    /// [`Tally::claim`].
    pub fn uptime(&self) -> Ratio {
        Ratio { count: self.up(), of: self.up() + self.down() }
    }

    /// Slots known to be up or down, of those that should be: all but maintenance.
    pub fn coverage(&self) -> Ratio {
        Ratio { count: self.up() + self.down(), of: self.expected() - self.maintenance() }
    }

    /// The hard bounds of uptime, over all slots but maintenance; of [`Tally::raw`] over all.
    ///
    /// With maintenance in their denominator they would not hold the contractual uptime: of 50 slots up and
    /// 50 of maintenance 100 % were up, not 50 %.
    pub fn bounds(&self) -> Bounds {
        let of = self.expected() - self.maintenance();
        Bounds {
            least: Ratio { count: self.up(), of },
            most: Ratio { count: self.up() + self.unknown(), of },
        }
    }

    /// Whether enough is known to claim an uptime: at least 95 % of the slots that should be.
    pub fn is_covered(&self) -> bool {
        let coverage = self.coverage();
        coverage.of > 0 && ENOUGH_COVERAGE.is_reached_by(coverage)
    }

    /// The uptime that may be published; `None` says "not enough data".
    pub fn claim(&self) -> Option<Ratio> {
        self.is_covered().then(|| self.uptime())
    }
}

impl From<Vec<(Slot, u64)>> for Tally {
    fn from(counts: Vec<(Slot, u64)>) -> Self {
        let mut tally = Self::default();
        for (slot, times) in counts {
            tally.count(slot, times);
        }
        tally
    }
}

impl From<Tally> for Vec<(Slot, u64)> {
    fn from(tally: Tally) -> Self {
        tally.0.into_iter().collect()
    }
}

impl AddAssign<&Tally> for Tally {
    fn add_assign(&mut self, other: &Self) {
        for (slot, times) in other.counts() {
            self.count(slot, times);
        }
    }
}

impl<'a> Sum<&'a Tally> for Tally {
    fn sum<I: Iterator<Item = &'a Self>>(tallies: I) -> Self {
        let mut sum = Self::default();
        for tally in tallies {
            sum += tally;
        }
        sum
    }
}

/// What decides how a monitor's day turns out, besides what was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// When it is asked.
    pub schedule: Schedule,
    /// From where.
    pub panel: Panel,
    /// When maintenance counts: [`super::maintenance::counted`].
    pub maintenance: Spans,
}

/// How often one vantage saw what, over the expected slots of a day.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VantageCount {
    /// Slots it saw up.
    pub up: u32,
    /// Slots it saw down, confirmedly.
    pub down: u32,
    /// Slots of which it said nothing.
    pub nothing: u32,
}

impl VantageCount {
    /// All slots it should have seen.
    pub fn slots(self) -> u64 {
        u64::from(self.up) + u64::from(self.down) + u64::from(self.nothing)
    }
}

/// A monitor's UTC day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MonitorDay {
    /// Which day.
    pub day: Day,
    /// How it is cut into slots.
    pub grid: Grid,
    /// Each slot of the day; `None` where no check was due. As many as the grid has a day.
    pub slots: Vec<Option<Slot>>,
    /// What each vantage of the panel saw.
    pub vantages: BTreeMap<Vantage, VantageCount>,
    /// How long the answers took; `None` where there was none.
    pub latency: Option<Latency>,
}

impl Plan {
    /// What a day was, as far as it is over at `as_of`: a slot that has not ended is not expected yet.
    ///
    /// A slot is maintenance if all of it is. Where a part were enough, announcements of a minute around each
    /// hourly check would hide whole days.
    pub fn settle(&self, day: Day, sightings: &Sightings, as_of: Moment) -> MonitorDay {
        let grid = self.schedule.grid;
        let count = usize::from(grid.interval().slots_a_day());
        let width = self.panel.vantages().len();
        // A row a slot, a column a vantage.
        let mut verdicts = vec![Verdict::Nothing(Gap::Silent); count * width];
        for (column, vantage) in self.panel.vantages().iter().enumerate() {
            for (slot, verdict) in sightings.verdicts(vantage) {
                if let Some(row) = verdicts.chunks_exact_mut(width).nth(usize::from(slot.0)) {
                    row[column] = verdict;
                }
            }
        }
        let mut slots = vec![None; count];
        let mut counts = vec![VantageCount::default(); width];
        for slot in grid.slots().filter(|&slot| self.is_over(day, slot, as_of)) {
            let place = usize::from(slot.0);
            let row = &verdicts[place * width..(place + 1) * width];
            for (count, verdict) in counts.iter_mut().zip(row) {
                match verdict {
                    Verdict::Up => count.up += 1,
                    Verdict::Down(_) => count.down += 1,
                    Verdict::Nothing(_) => count.nothing += 1,
                }
            }
            let seen = self.panel.decide(row);
            let is_maintenance = self.maintenance.covers(grid.span(day, slot));
            slots[place] = Some(if is_maintenance { Slot::Maintenance(seen) } else { seen.into() });
        }
        let vantages = self.panel.vantages().iter().cloned().zip(counts).collect();
        let latency = Latency::of(self.answers(day, sightings, as_of).collect());
        MonitorDay { day, grid, slots, vantages, latency }
    }

    /// How long the answers of a day took, in a form that days sum in.
    pub fn latencies(&self, day: Day, sightings: &Sightings, as_of: Moment) -> Latencies {
        let mut latencies = Latencies::default();
        for milliseconds in self.answers(day, sightings, as_of) {
            latencies.count(milliseconds);
        }
        latencies
    }

    /// How long each answer in a slot that counts took, in milliseconds.
    fn answers<'a>(
        &'a self,
        day: Day,
        sightings: &'a Sightings,
        as_of: Moment,
    ) -> impl Iterator<Item = u32> + 'a {
        let answers = self.panel.vantages().iter().flat_map(|vantage| sightings.answers(vantage));
        answers.filter(move |&(slot, _)| self.is_over(day, slot, as_of)).map(|(_, milliseconds)| milliseconds)
    }

    /// Whether a slot is expected, and over.
    fn is_over(&self, day: Day, slot: SlotIndex, as_of: Moment) -> bool {
        self.schedule.grid.span(day, slot).until <= as_of && self.schedule.expects(day, slot)
    }
}

impl MonitorDay {
    /// The day's counts.
    pub fn tally(&self) -> Tally {
        self.tally_from(Moment::EPOCH)
    }

    /// The counts of the slots that begin at a moment or later.
    pub fn tally_from(&self, from: Moment) -> Tally {
        let mut tally = Tally::default();
        for (index, slot) in self.grid.slots().zip(&self.slots) {
            if let Some(slot) = slot.filter(|_| from <= self.grid.span(self.day, index).from) {
                tally.count(slot, 1);
            }
        }
        tally
    }
}

#[cfg(test)]
mod tests;
