//! Renters: how many were served, and how many came back.
//!
//! Of a provider it is kept how many contracts each renter was served in, and how many renters there are of each such number. The
//! first is nobody's business; the second tells how many came back, and whether one of them is most of them.

use crate::{ratio::Ratio, signal::Tally};

/// In how many contracts a renter was served: 1..255, and 255 for more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Served(u8);

impl Served {
    /// So many contracts; `None` for none.
    pub fn of(contracts: u64) -> Option<Self> {
        let contracts = u8::try_from(contracts).unwrap_or(u8::MAX);
        (contracts > 0).then_some(Self(contracts))
    }

    /// How many contracts, at least.
    pub fn contracts(self) -> u8 {
        self.0
    }
}

/// How many renters were served in how many contracts, of all time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Renters(Tally<Served>);

impl Renters {
    /// From the counts of each class.
    pub fn new(counts: Tally<Served>) -> Self {
        Self(counts)
    }

    /// Renters who were served.
    pub fn distinct(&self) -> u64 {
        self.0.values().sum()
    }

    /// Those served more than once, of all.
    pub fn repeat(&self) -> Ratio {
        let once = self.0.get(&Served(1)).copied().unwrap_or_default();
        Ratio { count: self.distinct() - once, of: self.distinct() }
    }

    /// The contracts of the renter with the most of them, of all contracts.
    pub fn largest(&self) -> Ratio {
        let contracts = self.0.iter().map(|(served, renters)| u64::from(served.0) * renters).sum();
        let most = self.0.keys().next_back().map_or(0, |served| u64::from(served.0));
        Ratio { count: most, of: contracts }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn renters(of_each: &[(u64, u64)]) -> Renters {
        Renters::new(
            of_each.iter().map(|&(contracts, renters)| (Served::of(contracts).unwrap(), renters)).collect(),
        )
    }

    #[test]
    fn renters_who_came_back_are_counted_among_all_and_the_largest_among_contracts() {
        let some = renters(&[(1, 5), (2, 2), (7, 1)]);
        assert_eq!(some.distinct(), 8);
        assert_eq!(some.repeat(), Ratio { count: 3, of: 8 });
        assert_eq!(some.largest(), Ratio { count: 7, of: 16 });
        assert_eq!(renters(&[]).repeat(), Ratio::default());
        assert_eq!(renters(&[]).largest(), Ratio::default());
    }

    #[test]
    fn none_is_no_class_and_very_many_are_one() {
        assert_eq!(Served::of(0), None);
        assert_eq!(Served::of(1000), Served::of(255));
    }
}
