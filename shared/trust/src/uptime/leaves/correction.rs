//! What was wrong with an earlier leaf.

use std::{fmt, str::FromStr};

use super::text::{Lines, Malformed, decode};
use crate::uptime::record::DayRecord;

/// Why a leaf is wrong: 1 to 500 characters from space to `~`, no space at either end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason(String);

/// Text that can not be given as a reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a reason has 1 to 500 characters from space to '~', and no space at either end")]
pub struct InvalidReason;

/// Longest reason: what a person reads in one go. Longer ones would fill bundles.
const LONGEST_REASON: usize = 500;

impl Reason {
    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Reason {
    type Err = InvalidReason;
    fn from_str(text: &str) -> Result<Self, InvalidReason> {
        let is_sound = (1..=LONGEST_REASON).contains(&text.len())
            && text.bytes().all(|c| matches!(c, b' '..=b'~'))
            && text.trim() == text;
        is_sound.then(|| Self(text.to_owned())).ok_or(InvalidReason)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The record `correction/1`: an earlier leaf is wrong, and, of a day, how it is right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CorrectionLeaf {
    leaf: u64,
    reason: Reason,
    day: Option<DayRecord>,
}

/// Why a day can not stand in another's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a day is corrected by the same day of the same monitor, at the same place in its series, cut into the same slots"
)]
pub struct AnotherDay;

impl CorrectionLeaf {
    /// The kind of these records: the first line of each.
    pub const KIND: &str = "correction/1";

    /// The record for a leaf at a place in the log. `None` of 2^63 and above, where no log has leaves.
    pub fn new(leaf: u64, reason: Reason) -> Option<Self> {
        i64::try_from(leaf).is_ok().then_some(Self { leaf, reason, day: None })
    }

    /// With the day as it is right.
    #[must_use]
    pub fn with_day(self, day: DayRecord) -> Self {
        Self { day: Some(day), ..self }
    }

    /// The place in the log of the leaf that is wrong, from 0 on.
    pub fn leaf(&self) -> u64 {
        self.leaf
    }

    /// Why it is.
    pub fn reason(&self) -> &Reason {
        &self.reason
    }

    /// What is right in the place of a day that is wrong. `None` where nothing is: the leaf is no day, or it is not known how it was.
    pub fn day(&self) -> Option<&DayRecord> {
        self.day.as_ref()
    }

    /// The day that counts in the place of this one. `None` where the correction says only that it is wrong.
    pub fn in_place_of(&self, wrong: &DayRecord) -> Result<Option<&DayRecord>, AnotherDay> {
        let Some(right) = &self.day else { return Ok(None) };
        let is_same = right.monitor() == wrong.monitor()
            && right.link() == wrong.link()
            && right.day().day == wrong.day().day
            && right.day().grid == wrong.day().grid;
        is_same.then_some(Some(right)).ok_or(AnotherDay)
    }

    /// The record's text, the one there is.
    pub fn encode(&self) -> String {
        let day = self.day.as_ref().map(DayRecord::encode).unwrap_or_default();
        format!("{}\nleaf {}\nreason {}\n{day}", Self::KIND, self.leaf, self.reason)
    }

    /// Reads a record. Takes only what [`CorrectionLeaf::encode`] writes, byte for byte.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        decode(bytes, Self::KIND, Self::read, Self::encode)
    }

    fn read(lines: &mut Lines<'_>) -> Result<Self, Malformed> {
        let (leaf, reason) = (lines.parsed("leaf")?, lines.parsed("reason")?);
        let correction = Self::new(leaf, reason).ok_or(Malformed::Line("leaf"))?;
        let rest = lines.rest();
        if rest.is_empty() {
            return Ok(correction);
        }
        Ok(correction.with_day(DayRecord::decode(rest.as_bytes())?))
    }
}
