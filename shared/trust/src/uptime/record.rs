//! The record of a monitor's day, `day/1`: the bytes that go into the log, and from which a stranger
//! recomputes its uptime.
//!
//! A record is ASCII text, so that a verifier can be written from what follows alone:
//!
//! ```text
//! day/1
//! monitor m-17
//! sequence 41
//! previous 2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae
//! configuration 3
//! day 2028-02-29
//! interval 60
//! phase 17
//! vantage eu-central-1 1436 2 2
//! vantage us-east-1 1438 2 0
//! latency 41 180
//! slots 700u2t736u2g
//! ```
//!
//! Each line ends with one line feed (0x0A), the last one too. There is no other white space than one space
//! between the fields of a line. A number is decimal, without sign and leading zeros, and less than 2^32.
//! Lines come in this order, each once but for `vantage`.
//!
//! | line | says |
//! |---|---|
//! | `day/1` | the kind of record |
//! | `monitor` | its name: 1-64 characters of `A-Za-z0-9._-` |
//! | `sequence` | 0 in the monitor's first record, one more in each further one |
//! | `previous` | SHA-256 of the previous record's bytes, 64 lower-case hex digits; `-` in the first record |
//! | `configuration` | the version of the monitor's configuration, of a `monitor/1` record |
//! | `day` | the UTC day, `YYYY-MM-DD`: the one after that of the previous record |
//! | `interval` | seconds: 60 times a divisor of 1440 that is at most 60 |
//! | `phase` | seconds, less than the interval |
//! | `vantage` | a place we ask from, named like a monitor; slots it saw up, saw down, said nothing of |
//! | `latency` | ms that half, and that 95 of 100 of all answers did not exceed, by nearest rank; `-` if none came |
//! | `slots` | the slots of the day |
//!
//! There are 1 to 16 lines `vantage`, ordered by the bytes of their names, no name twice.
//!
//! There are `86400 / interval` slots; slot `k`, from 0 on, begins `phase + k * interval` seconds after the
//! day's midnight and ends as the next begins. They are written by time in runs of equal ones, each as the
//! length of the run, left out if it is 1, and one letter. Two runs beside each other have different letters.
//!
//! | letter | the slot was |
//! |---|---|
//! | `u` | up |
//! | `n` `r` `t` `l` `s` `b` | down: name (DNS), refused, timeout, TLS, status, body |
//! | `g` `a` `f` `c` `d` | unknown: gap (no report), arrived late, our fault, unconfirmed failure, disputed |
//! | one of these in upper case | that, within announced maintenance that counts |
//! | `.` | not expected: the monitor did not run |
//!
//! The counts of each `vantage` sum to the number of slots that are not `.`; there is a latency if and only
//! if a vantage saw anything up. With `U` the number of `u`, `D` that of down and `N` that of unknown
//! lower-case letters over all days of a claim: `uptime = U / (U + D)`, `coverage = (U + D) / (U + D + N)`,
//! uptime is at least `U / (U + D + N)` and at most `(U + N) / (U + D + N)`, and below a coverage of 95 %
//! none is claimed. The raw figures are the same with upper-case letters counted as lower-case ones.
//!
//! What holds always: a [`DayRecord`] has exactly one text, and whatever [`DayRecord::decode`] takes is that
//! text.

mod runs;
mod text;

use std::{fmt, str::FromStr};

use sha2::{Digest, Sha256};

use crate::time::Day;

use super::{
    day::{MonitorDay, Tally},
    names::MonitorId,
    slot::Panel,
};

/// The kind of these records: the first line of each.
pub const KIND: &str = "day/1";

/// The longest record, in bytes: what an entry of a tiled log can hold (C2SP tlog-tiles, a length of 16
/// bits). The longest that can be made, of 1440 slots none of which is as its neighbour and 16 vantages, has
/// less than 4,000.
pub const LONGEST: usize = 65_535;

/// A SHA-256 hash. Written as 64 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sha256Hash(pub [u8; 32]);

impl Sha256Hash {
    /// The hash of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }
}

impl fmt::Display for Sha256Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

/// Text that is not 64 lower-case hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a SHA-256 hash is written as 64 lower-case hex digits")]
pub struct InvalidHash;

impl FromStr for Sha256Hash {
    type Err = InvalidHash;
    fn from_str(text: &str) -> Result<Self, InvalidHash> {
        let mut hash = [0; 32];
        hex::decode_to_slice(text, &mut hash).map_err(|_| InvalidHash)?;
        let hash = Self(hash);
        (hash.to_string() == text).then_some(hash).ok_or(InvalidHash)
    }
}

impl fmt::Debug for Sha256Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A place in the chain of a monitor's records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    /// The first record.
    First,
    /// A further one.
    Next {
        /// How many come before it: at least one.
        sequence: u32,
        /// The hash of the one before.
        previous: Sha256Hash,
    },
}

impl Link {
    /// How many records come before.
    pub fn sequence(self) -> u32 {
        match self {
            Self::First => 0,
            Self::Next { sequence, .. } => sequence,
        }
    }

    /// The hash of the record before, if there is one.
    pub fn previous(self) -> Option<Sha256Hash> {
        match self {
            Self::First => None,
            Self::Next { previous, .. } => Some(previous),
        }
    }
}

/// The record of a monitor's day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DayRecord {
    monitor: MonitorId,
    configuration: u32,
    link: Link,
    day: MonitorDay,
}

/// A day that contradicts itself, and so can not be recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Contradiction {
    /// Not as many slots as the interval gives a day.
    #[error("the day has not as many slots as its interval says")]
    Slots,
    /// No vantages, or more than 16.
    #[error("a day is seen from 1 to 16 vantages")]
    Vantages,
    /// The counts of a vantage do not sum to the expected slots.
    #[error("the counts of a vantage do not sum to the slots that were expected")]
    Counts,
    /// A latency without an answer, an answer without a latency, or a median above the 95th percentile.
    #[error("the latencies do not fit the answers")]
    Latency,
    /// The first record has a number other than 0 or a later one has 0.
    #[error("the first record has the number 0 and no previous one, and each further one has both")]
    Link,
}

/// Why a record is not the one after another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Break {
    /// They are of two monitors.
    #[error("the records are of two monitors")]
    Monitor,
    /// The number is not one more.
    #[error("a record is missing or there twice: the sequence numbers do not follow each other")]
    Sequence,
    /// The day is not the next.
    #[error("a day is missing or there twice: the days do not follow each other")]
    Day,
    /// The hash is not that of the other.
    #[error("the record before is not the one that was there: its hash is another")]
    Previous,
}

impl DayRecord {
    /// The record of a day.
    pub fn new(
        monitor: MonitorId,
        configuration: u32,
        link: Link,
        day: MonitorDay,
    ) -> Result<Self, Contradiction> {
        let expected = day.slots.iter().flatten().count() as u64;
        if day.slots.len() != usize::from(day.grid.interval().slots_a_day()) {
            return Err(Contradiction::Slots);
        }
        if !(1..=Panel::LARGEST).contains(&day.vantages.len()) {
            return Err(Contradiction::Vantages);
        }
        if day.vantages.values().any(|count| count.slots() != expected) {
            return Err(Contradiction::Counts);
        }
        let is_answered = day.vantages.values().any(|count| count.up > 0);
        let is_ordered = day.latency.is_none_or(|latency| latency.p50_ms <= latency.p95_ms);
        if day.latency.is_some() != is_answered || !is_ordered {
            return Err(Contradiction::Latency);
        }
        if matches!(link, Link::Next { sequence: 0, .. }) {
            return Err(Contradiction::Link);
        }
        Ok(Self { monitor, configuration, link, day })
    }

    /// The monitor.
    pub fn monitor(&self) -> &MonitorId {
        &self.monitor
    }

    /// The version of its configuration on that day.
    pub fn configuration(&self) -> u32 {
        self.configuration
    }

    /// Its place in the chain of the monitor's records.
    pub fn link(&self) -> Link {
        self.link
    }

    /// The day, slot by slot.
    pub fn day(&self) -> &MonitorDay {
        &self.day
    }

    /// The day's counts.
    pub fn tally(&self) -> Tally {
        self.day.tally()
    }

    /// The hash of its bytes.
    pub fn hash(&self) -> Sha256Hash {
        Sha256Hash::of(self.encode().as_bytes())
    }

    /// The link of the record after this one. `None` after 2^32 days.
    pub fn next_link(&self) -> Option<Link> {
        let sequence = self.link.sequence().checked_add(1)?;
        Some(Link::Next { sequence, previous: self.hash() })
    }

    /// Checks that this is the record right after `previous`: none left out, none changed.
    ///
    /// Days follow each other without a gap. A monitor that is paused has records in which nothing is
    /// expected, so a day without a record is always one that was left out.
    pub fn follows(&self, previous: &Self) -> Result<(), Break> {
        let next_day: Day = previous.day.day.next();
        if self.monitor != previous.monitor {
            Err(Break::Monitor)
        } else if Some(self.link.sequence()) != previous.link.sequence().checked_add(1) {
            Err(Break::Sequence)
        } else if self.day.day != next_day {
            Err(Break::Day)
        } else if self.link.previous() != Some(previous.hash()) {
            Err(Break::Previous)
        } else {
            Ok(())
        }
    }
}

pub use text::Malformed;

#[cfg(test)]
mod tests;
