//! Durations in buckets: a day of any number of waits stays a record of bounded size.
//!
//! Up to 127 s a bucket is one second; beyond, each doubling is cut into 64 equal buckets (the layout of
//! HdrHistogram, Gil Tene 2012). A bucket is represented by the longest duration it holds, so that rounding never
//! makes anybody look faster; the error is below 1/64 = 1.6 %.

use serde::{Deserialize, Serialize};

/// Buckets a doubling. Fewer make percentiles coarser than 1.6 %, more make the records larger.
const STEPS: u32 = 64;

/// A class of durations that are counted together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Bucket(u16);

impl Bucket {
    /// The bucket that holds a duration.
    pub fn of(seconds: u32) -> Self {
        if seconds < 2 * STEPS {
            return Self(seconds as u16);
        }
        let doublings = seconds.ilog2() - STEPS.ilog2();
        Self((doublings * STEPS + (seconds >> doublings)) as u16)
    }

    /// The longest duration this bucket holds, in seconds.
    pub fn longest(self) -> u32 {
        let index = u32::from(self.0);
        if index < 2 * STEPS {
            return index;
        }
        let doublings = index / STEPS - 1;
        let step = u64::from(index % STEPS + STEPS);
        (((step + 1) << doublings) - 1) as u32
    }

    /// The bucket's number, for storage.
    pub fn index(self) -> u16 {
        self.0
    }

    /// The bucket of this number, if there is one.
    pub fn from_index(index: u16) -> Option<Self> {
        (index <= Self::of(u32::MAX).0).then_some(Self(index))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn short_durations_are_exact() {
        for seconds in 0..128 {
            assert_eq!(Bucket::of(seconds).longest(), seconds);
        }
        assert_eq!(Bucket::of(128).longest(), 129);
        assert_eq!(Bucket::of(u32::MAX).longest(), u32::MAX);
    }

    proptest! {
        #[test]
        fn a_bucket_never_shortens_and_adds_less_than_a_sixty_fourth(seconds: u32) {
            let longest = Bucket::of(seconds).longest();
            prop_assert!(longest >= seconds);
            prop_assert!(u64::from(longest - seconds) * 64 <= u64::from(seconds));
            prop_assert_eq!(Bucket::of(longest), Bucket::of(seconds));
            prop_assert_eq!(Bucket::from_index(Bucket::of(seconds).index()), Some(Bucket::of(seconds)));
        }

        #[test]
        fn buckets_keep_the_order_of_durations(a: u32, b: u32) {
            prop_assert!(Bucket::of(a.min(b)) <= Bucket::of(a.max(b)));
        }
    }
}
