//! That nothing was left out. Inclusion proofs show that each record given is in the log, not that all of them were given; so each
//! record of a series carries the next number and the hash of the one before, and a series without a gap is all there is.
//!
//! This holds within the numbers that the claim is about, which the verifier has to know from elsewhere: from the days the claim
//! names, as each has one record. A log that keeps two series under one name shows them both to whoever reads all of it, not to
//! who is given a bundle.

use std::ops::RangeInclusive;

use crate::hash::Hash;

/// A record of a series.
pub trait Linked {
    /// Its number in the series, one more than that of the record before.
    fn sequence(&self) -> u64;
    /// The hash of the record before, as this one states it. None in the first of a series.
    fn previous(&self) -> Option<Hash>;
    /// The hash of this record, as the next one has to state it.
    fn hash(&self) -> Hash;
}

/// What is wrong with a series.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Incomplete {
    /// A record that ought to come next does not.
    #[error("record {0} is missing")]
    Missing(u64),
    /// A record comes that ought not to: before or after the range, once more, or out of order.
    #[error("record {0} is not expected here")]
    Unexpected(u64),
    /// A record that follows another one than is given.
    #[error("record {0} does not follow the record before it")]
    Broken(u64),
}

/// That these are all records of the series with these numbers, in order, each following the one before.
pub fn complete<R: Linked>(records: &[R], expected: RangeInclusive<u64>) -> Result<(), Incomplete> {
    let mut expected = expected;
    let mut before: Option<&R> = None;
    for record in records {
        let sequence = record.sequence();
        match expected.next() {
            Some(next) if next == sequence => {}
            Some(next) if next < sequence => return Err(Incomplete::Missing(next)),
            _ => return Err(Incomplete::Unexpected(sequence)),
        }
        if before.is_some_and(|before| record.previous() != Some(before.hash())) {
            return Err(Incomplete::Broken(sequence));
        }
        before = Some(record);
    }
    expected.next().map_or(Ok(()), |next| Err(Incomplete::Missing(next)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Copy)]
    struct Record(u64, Option<Hash>);

    impl Linked for Record {
        fn sequence(&self) -> u64 {
            self.0
        }
        fn previous(&self) -> Option<Hash> {
            self.1
        }
        fn hash(&self) -> Hash {
            let previous = self.1.map(|hash| hash.to_string()).unwrap_or_default();
            Hash::of_leaf(format!("{} {previous}", self.0).as_bytes())
        }
    }

    /// A series from 0 on.
    fn series(length: u64) -> Vec<Record> {
        let mut previous = None;
        (0..length)
            .map(|sequence| {
                let record = Record(sequence, previous);
                previous = Some(record.hash());
                record
            })
            .collect()
    }

    #[test]
    fn a_series_is_complete_when_each_record_follows_the_one_before() {
        assert_eq!(complete(&series(9), 0..=8), Ok(()));
        assert_eq!(complete(&series(9)[3..6], 3..=5), Ok(()), "its beginning need not be given");
        assert_eq!(complete(&series(9)[..1], 0..=0), Ok(()));
        #[expect(clippy::reversed_empty_ranges, reason = "a range without numbers")]
        let nothing = 1..=0;
        assert_eq!(complete(&series(0), nothing), Ok(()));
        assert_eq!(complete(&[Record(u64::MAX, None)], u64::MAX..=u64::MAX), Ok(()));
    }

    #[test]
    fn a_record_that_is_missing_doubled_or_moved_is_named() {
        let nine = series(9);
        let without = |at: usize| [&nine[..at], &nine[at + 1..]].concat();
        for at in 0..9 {
            assert_eq!(complete(&without(at), 0..=8), Err(Incomplete::Missing(at as u64)));
        }
        assert_eq!(complete(&series(0), 0..=8), Err(Incomplete::Missing(0)));
        assert_eq!(complete(&nine, 0..=9), Err(Incomplete::Missing(9)));
        assert_eq!(complete(&nine, 0..=7), Err(Incomplete::Unexpected(8)));
        assert_eq!(complete(&nine, 1..=8), Err(Incomplete::Unexpected(0)));
        let doubled = [&nine[..4], &nine[3..]].concat();
        assert_eq!(complete(&doubled, 0..=8), Err(Incomplete::Unexpected(3)));
        let mut swapped = nine.clone();
        swapped.swap(4, 5);
        assert_eq!(complete(&swapped, 0..=8), Err(Incomplete::Missing(4)));
    }

    #[test]
    fn a_record_put_in_place_of_another_breaks_the_series() {
        let mut records = series(9);
        records[4].1 = None;
        assert_eq!(complete(&records, 0..=8), Err(Incomplete::Broken(4)));
        assert_eq!(complete(&records[4..], 4..=8), Err(Incomplete::Broken(5)));
        records[4].1 = Some(Hash::of_nothing());
        assert_eq!(complete(&records, 0..=8), Err(Incomplete::Broken(4)));
    }
}
