//! Signals: per provider, family and day, how many observations stand in each class.
//!
//! An observation stands in exactly one class of one day. When it changes, it is taken away there and added here; those
//! steps commute, so any arrival order of the same events ends in the same counts.

use std::collections::BTreeMap;

use crate::{id::ProviderId, time::Day};

/// How many observations of one provider and day stand in each class. Holds no zero.
pub type Tally<C> = BTreeMap<C, u64>;

/// Changes to the tallies of several providers and days. Holds no zero.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delta<C>(BTreeMap<(ProviderId, Day), BTreeMap<C, i64>>);

impl<C> Default for Delta<C> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<C: Ord + Copy> Delta<C> {
    /// Counts one observation more in a class.
    pub fn gain(&mut self, provider: &ProviderId, day: Day, class: C) {
        self.add(provider, day, class, 1);
    }

    /// Counts one observation less in a class.
    pub fn lose(&mut self, provider: &ProviderId, day: Day, class: C) {
        self.add(provider, day, class, -1);
    }

    fn add(&mut self, provider: &ProviderId, day: Day, class: C, by: i64) {
        let key = (provider.clone(), day);
        let classes = self.0.entry(key.clone()).or_default();
        let sum = classes.entry(class).or_default();
        *sum += by;
        if *sum == 0 {
            classes.remove(&class);
        }
        if classes.is_empty() {
            self.0.remove(&key);
        }
    }

    /// Whether nothing changes.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many provider days change.
    pub fn days(&self) -> usize {
        self.0.len()
    }

    /// The changes of each provider and day.
    pub fn iter(&self) -> impl Iterator<Item = (&ProviderId, Day, &BTreeMap<C, i64>)> {
        self.0.iter().map(|((provider, day), classes)| (provider, *day, classes))
    }
}
