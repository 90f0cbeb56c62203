//! What is known of one page of a source, and when it is due again.
//!
//! What was read well stays until it is read well again, with its time beside it: a source that breaks makes facts old, never wrong
//! and never gone.

use serde::{Deserialize, Serialize};

use super::{
    failure::{Again, Failure},
    recognition::{Fingerprint, Recognition},
};
use crate::time::Moment;

/// How long after trouble a page is asked for again the first time, in seconds; then twice as long, up to its regular time.
const SOON: u32 = 1_800;

/// The most regular times that a page is left out of which there is none, which is not recognised, or the like.
const LONGEST_BREAK: u32 = 7;

/// Of what was understood the last time, the least that has to be understood now, in basis points. More, and every page that loses
/// some rows raises an alarm; less, and a site that has changed takes good values away unnoticed.
const STILL_THE_SAME: u64 = 7_000;

/// After how many readings in a row that show less the page is believed to say less. An alarm was raised each time.
const BELIEVED_AFTER: u32 = 3;

/// What is known of a page.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    /// Where it was asked for the last time.
    #[serde(default)]
    pub address: String,
    /// When it was asked for the last time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tried_at: Option<Moment>,
    /// When it is to be asked for again; at once where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Moment>,
    /// The last time it was read well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read: Option<Read>,
    /// What has failed since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failing: Option<Failing>,
}

/// A page that was read well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Read {
    /// When it last said so: read, or told to be unchanged.
    pub at: Moment,
    /// When it last said something else.
    pub changed_at: Moment,
    /// How much of it was understood.
    pub recognition: Recognition,
    /// What the facts depend on beside the page; nothing that there is where that was not noted.
    #[serde(default = "by_nothing")]
    pub by: Fingerprint,
    /// What to send to learn whether it has changed.
    #[serde(default)]
    pub validators: Validators,
}

fn by_nothing() -> Fingerprint {
    Fingerprint::of::<&str>([])
}

/// What a source gave us to ask with whether a page has changed (RFC 9110, section 8.8).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Validators {
    /// The page's `ETag`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    /// Its `Last-Modified`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_modified: Option<String>,
}

/// What has failed since a page was read well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failing {
    /// The last failure.
    pub why: Failure,
    /// When the first of them was.
    pub since: Moment,
    /// How many in a row, of whatever kind.
    pub times: u32,
    /// How many of those showed less than when it was read well.
    #[serde(default)]
    pub drifts: u32,
}

/// What came of asking for a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// It came and was understood.
    Recognised {
        /// How much of it.
        recognition: Recognition,
        /// What its facts depend on beside the page: the parser and its version, where it was asked, whose it is taken to be. What was
        /// read by something else is neither compared with it nor believed to be unchanged.
        by: Fingerprint,
        /// What to ask with the next time.
        validators: Validators,
    },
    /// It says what it said the last time.
    Unchanged,
    /// It was not read.
    Failed(Failure),
}

/// Whether the facts that came with a page are to be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Facts {
    /// They take the place of the last ones.
    Taken,
    /// The last ones stay.
    Stay,
}

impl Page {
    /// Whether it is to be asked for.
    pub fn is_due(&self, now: Moment) -> bool {
        self.due.is_none_or(|due| due <= now)
    }

    /// What to send along, so that nothing is sent back that is known. Nothing where it was read by something else, which would now say
    /// something else of the same page; nor while it fails: what is unchanged would stay unread.
    pub fn validators(&self, by: Fingerprint) -> Option<&Validators> {
        let read = self.read.as_ref().filter(|read| read.by == by && self.failing.is_none())?;
        Some(&read.validators).filter(|validators| **validators != Validators::default())
    }

    /// The page after it was asked for at this address, when it is to be read every `refresh` seconds, and what becomes of its facts.
    #[must_use]
    pub fn after(&self, asked: Asked, address: String, now: Moment, refresh: u32) -> (Self, Facts) {
        match asked {
            Asked::Recognised { recognition, by, validators } => {
                if let Some(before) = self.read.as_ref().filter(|read| read.by == by)
                    && has_drifted(before.recognition, recognition)
                    && self.drifts() + 1 < BELIEVED_AFTER
                {
                    let drifted = Failure::Drifted { before: before.recognition, now: recognition };
                    return (self.failed(drifted, address, now, refresh), Facts::Stay);
                }
                let read = Read { at: now, changed_at: now, recognition, by, validators };
                (Self::good(read, address, now, refresh), Facts::Taken)
            }
            Asked::Unchanged => match &self.read {
                Some(read) => {
                    let read = Read { at: now, ..read.clone() };
                    (Self::good(read, address, now, refresh), Facts::Stay)
                }
                // Nobody asked whether it is unchanged.
                None => (self.failed(Failure::Protocol, address, now, refresh), Facts::Stay),
            },
            Asked::Failed(why) => (self.failed(why, address, now, refresh), Facts::Stay),
        }
    }

    fn good(read: Read, address: String, now: Moment, refresh: u32) -> Self {
        let due = Some(now.plus(i64::from(refresh)));
        Self { address, tried_at: Some(now), due, read: Some(read), failing: None }
    }

    fn failed(&self, why: Failure, address: String, now: Moment, refresh: u32) -> Self {
        let (since, times) = self.failing.as_ref().map_or((now, 0), |failing| (failing.since, failing.times));
        let times = times.saturating_add(1);
        let drifts = self.drifts() + u32::from(matches!(why, Failure::Drifted { .. }));
        let wait = match why.again() {
            Again::Soon => SOON.saturating_mul(1 << (times - 1).min(10)).min(refresh),
            // A drift is looked at again at its regular time, to be believed or not.
            Again::Regularly if matches!(why, Failure::Drifted { .. }) => refresh,
            Again::Regularly => refresh.saturating_mul(times.min(LONGEST_BREAK)),
        };
        let wait = wait.max(why.retry_after());
        Self {
            address,
            tried_at: Some(now),
            due: Some(now.plus(i64::from(wait))),
            read: self.read.clone(),
            failing: Some(Failing { why, since, times, drifts }),
        }
    }

    fn drifts(&self) -> u32 {
        self.failing.as_ref().map_or(0, |failing| failing.drifts)
    }
}

/// Whether much less was understood than before: fewer fields or rows, or a smaller share of those that are there.
fn has_drifted(before: Recognition, now: Recognition) -> bool {
    let share = |recognition: Recognition| u64::from(recognition.basis_points().unwrap_or_default());
    let much_less = |now: u64, before: u64| now * 10_000 < before * STILL_THE_SAME;
    much_less(now.found.into(), before.found.into()) || much_less(share(now), share(before))
}

#[cfg(test)]
mod tests;
