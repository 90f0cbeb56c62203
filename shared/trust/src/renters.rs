//! Renters: how many were served, and how many came back.
//!
//! Of a provider it is kept how many contracts each renter was served in, and how many renters there are of each such number. The
//! first is nobody's business; the second tells how many came back, and whether one of them is most of them.

use crate::{ratio::Ratio, signal::Tally};

/// In how many contracts a renter was served: 1..254, and 255 for as many and more. Of those it is kept how many exactly, a renter.
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

    /// Whether it stands for as many and more.
    pub fn is_open(self) -> bool {
        self.0 == u8::MAX
    }
}

/// How many renters were served in how many contracts, of all time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Renters {
    counts: Tally<Served>,
    /// Contracts of each of those whose class stands for as many and more.
    large: Vec<u64>,
}

impl Renters {
    /// From the counts of each class.
    pub fn new(counts: Tally<Served>) -> Self {
        Self { counts, large: Vec::new() }
    }

    /// One of the renters of the last class was served in exactly so many contracts.
    pub fn know_large(&mut self, contracts: u64) {
        self.large.push(contracts);
    }

    /// Renters who were served.
    pub fn distinct(&self) -> u64 {
        self.counts.values().sum()
    }

    /// Those served more than once, of all.
    pub fn repeat(&self) -> Ratio {
        let once = self.counts.get(&Served(1)).copied().unwrap_or_default();
        Ratio { count: self.distinct() - once, of: self.distinct() }
    }

    /// The contracts of the renter with the most of them, of all contracts.
    pub fn largest(&self) -> Ratio {
        let at_least: u64 = self.counts.iter().map(|(served, renters)| u64::from(served.0) * renters).sum();
        let beyond: u64 = self.large.iter().map(|contracts| contracts.saturating_sub(u8::MAX.into())).sum();
        let most = self.counts.keys().next_back().map_or(0, |served| u64::from(served.0));
        Ratio { count: self.large.iter().copied().fold(most, u64::max), of: at_least + beyond }
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
    fn the_largest_is_counted_exactly_however_large() {
        let mut some = renters(&[(255, 1), (1, 255)]);
        assert_eq!(some.largest(), Ratio { count: 255, of: 510 }, "before it was kept");
        some.know_large(5000);
        assert_eq!(some.largest(), Ratio { count: 5000, of: 5255 });
        let mut two = renters(&[(255, 2)]);
        two.know_large(300);
        two.know_large(700);
        assert_eq!(two.largest(), Ratio { count: 700, of: 1000 });
    }

    #[test]
    fn none_is_no_class_and_very_many_are_one() {
        assert_eq!(Served::of(0), None);
        assert_eq!(Served::of(1000), Served::of(255));
    }
}
