//! Everything that was seen of a monitor on a day: a join of single checks.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Attempt, Outcome, Sighting, Verdict};
use crate::uptime::{
    names::Vantage,
    schedule::{Grid, SlotIndex},
};

/// The checks of one monitor on one day, each once.
///
/// Joining is commutative, associative and idempotent: segments may come in any order, split anyhow, and
/// twice.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Flat", into = "Flat")]
pub struct Sightings(BTreeMap<Vantage, BTreeMap<(SlotIndex, Attempt), Outcome>>);

/// How they are stored: by vantage, since a JSON key is one text.
type Flat = BTreeMap<Vantage, Vec<(SlotIndex, Attempt, Outcome)>>;

impl Sightings {
    /// Joins one check. It is the caller's to choose those of the right monitor and day.
    pub fn see(&mut self, grid: Grid, sighting: &Sighting) {
        self.keep(&sighting.vantage, [(sighting.slot, sighting.attempt, sighting.timely(grid))]);
    }

    /// Joins the checks of another part of the same day.
    pub fn join(&mut self, other: &Self) {
        for (vantage, checks) in &other.0 {
            self.keep(vantage, checks.iter().map(|(&(slot, attempt), &outcome)| (slot, attempt, outcome)));
        }
    }

    /// Joins checks of one vantage, as they count: what came too late is nothing already.
    pub fn keep(
        &mut self,
        vantage: &Vantage,
        checks: impl IntoIterator<Item = (SlotIndex, Attempt, Outcome)>,
    ) {
        let mut checks = checks.into_iter().peekable();
        if checks.peek().is_none() {
            return;
        }
        let known = self.0.entry(vantage.clone()).or_default();
        for (slot, attempt, outcome) in checks {
            let held = known.entry((slot, attempt)).or_insert(outcome);
            *held = outcome.max(*held);
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The vantages that saw a slot down: those that confirm an outage.
    pub fn confirmed_by(&self, slot: SlotIndex) -> impl Iterator<Item = &Vantage> {
        self.0.keys().filter(move |vantage| matches!(self.verdict(slot, vantage), Verdict::Down(_)))
    }

    /// What a vantage says of each slot in which it asked at all, by time. One pass over what it saw: a day
    /// is settled from this.
    pub fn verdicts(&self, vantage: &Vantage) -> impl Iterator<Item = (SlotIndex, Verdict)> {
        let mut checks = self.0.get(vantage).into_iter().flatten().peekable();
        std::iter::from_fn(move || {
            let slot = checks.peek()?.0.0;
            let attempts = std::iter::from_fn(|| checks.next_if(|((of, _), _)| *of == slot));
            Some((slot, Verdict::of(attempts.map(|(_, &outcome)| outcome))))
        })
    }

    /// How long each answer to a vantage took, in milliseconds, by time of its slot.
    pub fn answers(&self, vantage: &Vantage) -> impl Iterator<Item = (SlotIndex, u32)> {
        self.0.get(vantage).into_iter().flatten().filter_map(|(&(slot, _), &outcome)| match outcome {
            Outcome::Up { latency_ms } => Some((slot, latency_ms)),
            Outcome::Down(_) | Outcome::Nothing(_) => None,
        })
    }

    /// What a vantage says of a slot.
    pub fn verdict(&self, slot: SlotIndex, vantage: &Vantage) -> Verdict {
        let attempts = (slot, Attempt(0))..=(slot, Attempt(u8::MAX));
        let outcomes = self.0.get(vantage).into_iter().flat_map(|checks| checks.range(attempts.clone()));
        Verdict::of(outcomes.map(|(_, &outcome)| outcome))
    }
}

impl From<Flat> for Sightings {
    fn from(flat: Flat) -> Self {
        let mut sightings = Self::default();
        for (vantage, checks) in flat {
            sightings.keep(&vantage, checks);
        }
        sightings
    }
}

impl From<Sightings> for Flat {
    fn from(sightings: Sightings) -> Self {
        let flat = |((slot, attempt), outcome)| (slot, attempt, outcome);
        sightings
            .0
            .into_iter()
            .map(|(vantage, checks)| (vantage, checks.into_iter().map(flat).collect()))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        time::Day,
        uptime::{
            schedule::Interval,
            slot::{Gap, Nothing, Reason},
        },
    };

    fn outcomes() -> impl Strategy<Value = Outcome> {
        prop_oneof![
            (1..500_u32).prop_map(|latency_ms| Outcome::Up { latency_ms }),
            prop::sample::select(Reason::ALL.to_vec()).prop_map(Outcome::Down),
            Just(Outcome::Nothing(Nothing::Fault)),
        ]
    }

    /// Checks of an hourly monitor, some of them late, some done twice with another result.
    fn checks() -> impl Strategy<Value = Vec<Sighting>> {
        let check = (0..24_u16, 0..3_u8, 0..3_u8, -5..65_i64, outcomes());
        let day = Day::parse("2028-02-29").unwrap();
        let build = move |(slot, vantage, attempt, minutes, outcome)| Sighting {
            monitor: "m".parse().unwrap(),
            day,
            slot: SlotIndex(slot),
            vantage: format!("v{vantage}").parse().unwrap(),
            attempt: Attempt(attempt),
            began_at: grid().span(day, SlotIndex(slot)).from.plus(minutes * 60),
            outcome,
        };
        prop::collection::vec(check.prop_map(build), 0..120)
    }

    fn grid() -> Grid {
        Grid::new(Interval::from_seconds(3600).unwrap(), 1234).unwrap()
    }

    fn gathered<'a>(checks: impl IntoIterator<Item = &'a Sighting>) -> Sightings {
        let mut sightings = Sightings::default();
        for check in checks {
            sightings.see(grid(), check);
        }
        sightings
    }

    proptest! {
        #[test]
        fn any_split_into_segments_in_any_order_and_doubled_gives_the_same_day(
            (checks, shuffled, owners) in checks().prop_flat_map(|checks| {
                let owners = prop::collection::vec(0..5_usize, checks.len());
                (Just(checks.clone()), Just(checks).prop_shuffle(), owners)
            }),
            order in Just((0..10_usize).collect::<Vec<_>>()).prop_shuffle(),
        ) {
            let whole = gathered(&checks);
            let of = |segment: usize| {
                let owned = shuffled.iter().zip(&owners).filter(move |(_, owner)| **owner == segment);
                gathered(owned.map(|(check, _)| check))
            };
            let segments: Vec<Sightings> = (0..5).map(of).collect();
            let mut joined = Sightings::default();
            for place in order {
                joined.join(&segments[place % 5]);
            }
            prop_assert_eq!(&joined, &whole);
            for vantage in whole.0.keys() {
                let spoken: BTreeMap<SlotIndex, Verdict> = whole.verdicts(vantage).collect();
                for slot in grid().slots() {
                    let verdict = spoken.get(&slot).copied().unwrap_or(Verdict::Nothing(Gap::Silent));
                    prop_assert_eq!(verdict, whole.verdict(slot, vantage));
                }
            }
        }

        #[test]
        fn joining_is_commutative_associative_and_idempotent(a in checks(), b in checks(), c in checks()) {
            let (a, b, c) = (gathered(&a), gathered(&b), gathered(&c));
            let join = |one: &Sightings, other: &Sightings| {
                let mut joined = one.clone();
                joined.join(other);
                joined
            };
            prop_assert_eq!(join(&a, &b), join(&b, &a));
            prop_assert_eq!(join(&join(&a, &b), &c), join(&a, &join(&b, &c)));
            prop_assert_eq!(join(&a, &a), a.clone());
            let text = serde_json::to_string(&a).unwrap();
            prop_assert_eq!(serde_json::from_str::<Sightings>(&text).unwrap(), a);
        }
    }
}
