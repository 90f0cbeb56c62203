//! How long answers took: exactly for one day, in buckets for sums of days.

use std::{collections::BTreeMap, iter::Sum, ops::AddAssign};

use serde::{Deserialize, Serialize};

use crate::duration::Bucket;

/// Half and nineteen twentieths of answers, in milliseconds, by nearest rank: each of the two is the time of
/// one answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Latency {
    /// Half of them took no longer.
    pub p50_ms: u32,
    /// 95 of 100 took no longer.
    pub p95_ms: u32,
}

impl Latency {
    /// The quantiles of these times; `None` of none.
    pub fn of(mut times_ms: Vec<u32>) -> Option<Self> {
        times_ms.sort_unstable();
        let ranked =
            |percent| times_ms.get(nearest_rank(times_ms.len() as u64, percent)? as usize - 1).copied();
        Some(Self { p50_ms: ranked(50)?, p95_ms: ranked(95)? })
    }
}

/// The place, from 1 on, of the smallest of `count` values that this many percent of them do not exceed.
fn nearest_rank(count: u64, percent: u64) -> Option<u64> {
    let rank = (u128::from(count) * u128::from(percent)).div_ceil(100) as u64;
    (rank > 0).then_some(rank)
}

/// Answers by how long they took, in classes of milliseconds that are less than 1.6 % wide. They sum;
/// quantiles do not.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<(Bucket, u64)>", into = "Vec<(Bucket, u64)>")]
pub struct Latencies(BTreeMap<Bucket, u64>);

impl Latencies {
    /// Counts an answer.
    pub fn count(&mut self, milliseconds: u32) {
        *self.0.entry(Bucket::of(milliseconds)).or_default() += 1;
    }

    /// How many answers there are.
    pub fn answers(&self) -> u64 {
        self.0.values().sum()
    }

    /// The quantiles, each the longest time of its class, so that none looks faster than it was; `None` of
    /// none.
    pub fn quantiles(&self) -> Option<Latency> {
        let answers = self.answers();
        let ranked = |percent| {
            let mut left = nearest_rank(answers, percent)?;
            let reaches = |&(_, &count): &(&Bucket, &u64)| {
                let is_reached = left <= count;
                left = left.saturating_sub(count);
                is_reached
            };
            self.0.iter().find(reaches).map(|(bucket, _)| bucket.longest())
        };
        Some(Latency { p50_ms: ranked(50)?, p95_ms: ranked(95)? })
    }
}

impl From<Vec<(Bucket, u64)>> for Latencies {
    fn from(counts: Vec<(Bucket, u64)>) -> Self {
        let mut latencies = Self::default();
        for (bucket, count) in counts.into_iter().filter(|&(_, count)| count > 0) {
            *latencies.0.entry(bucket).or_default() += count;
        }
        latencies
    }
}

impl From<Latencies> for Vec<(Bucket, u64)> {
    fn from(latencies: Latencies) -> Self {
        latencies.0.into_iter().collect()
    }
}

impl AddAssign<&Latencies> for Latencies {
    fn add_assign(&mut self, other: &Self) {
        for (&bucket, &count) in &other.0 {
            *self.0.entry(bucket).or_default() += count;
        }
    }
}

impl<'a> Sum<&'a Latencies> for Latencies {
    fn sum<I: Iterator<Item = &'a Self>>(days: I) -> Self {
        let mut sum = Self::default();
        for day in days {
            sum += day;
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn latencies_are_those_of_single_answers_by_nearest_rank() {
        for (times, p50_ms, p95_ms) in [
            (vec![7], 7, 7),
            (vec![9, 1], 1, 9),
            ((1..=20).rev().collect(), 10, 19),
            ((1..=21).collect(), 11, 20),
            ((1..=100).collect(), 50, 95),
        ] {
            assert_eq!(Latency::of(times), Some(Latency { p50_ms, p95_ms }));
        }
        assert_eq!(Latency::of(vec![]), None);
        assert_eq!(Latencies::default().quantiles(), None);
    }

    proptest! {
        #[test]
        fn days_sum_to_the_quantiles_of_all_their_answers_up_to_the_width_of_a_class(
            days in prop::collection::vec(prop::collection::vec(0..60_000_u32, 0..40), 1..6),
        ) {
            let counted = |day: &Vec<u32>| {
                let mut latencies = Latencies::default();
                for &milliseconds in day {
                    latencies.count(milliseconds);
                }
                latencies
            };
            let by_day: Vec<Latencies> = days.iter().map(counted).collect();
            let classed = |exact: u32| Bucket::of(exact).longest();
            let exact = Latency::of(days.concat());
            let expected = exact.map(|exact| Latency { p50_ms: classed(exact.p50_ms), p95_ms: classed(exact.p95_ms) });
            prop_assert_eq!(by_day.iter().sum::<Latencies>().quantiles(), expected);
        }
    }
}
