//! Flags: what a renter should know that an average must not swallow.
//!
//! A flag needs a count as well as a share, so that one bad contract of one is no 100 %.

use serde::{Deserialize, Serialize};

use super::points::Share;
use crate::policy::{Policy, Threshold};

/// What a flag is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FlagKind {
    /// Waits that lasted, or last so far, longer than the policy's silence; of all waits.
    Silence,
    /// Contracts cancelled by either party in the first tenth of their term; of those handed over.
    EarlyCancellation,
    /// Contracts cancelled by the provider; of those he accepted.
    ProviderCancellation,
    /// Contracts that could not be handed over or never were; of those he accepted.
    ProvisioningFailure,
    /// Requests declined; of all requests.
    Rejection,
    /// Requests never responded to; of all requests.
    NoResponse,
}

impl FlagKind {
    /// All of them, in their order.
    pub const ALL: [Self; 6] = [
        Self::Silence,
        Self::EarlyCancellation,
        Self::ProviderCancellation,
        Self::ProvisioningFailure,
        Self::Rejection,
        Self::NoResponse,
    ];
}

/// How grave a flag is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Shown.
    Warning,
    /// Shown, and caps the score.
    Critical,
}

/// A raised flag, with what raised it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Flag {
    /// What it is about.
    pub kind: FlagKind,
    /// How grave it is.
    pub severity: Severity,
    /// How many are affected.
    pub affected: u64,
    /// Of how many.
    pub of: u64,
    /// The share that is.
    pub share: Share,
}

impl Flag {
    /// The flag that so many affected of so many raise, if any. Both are counted within the policy's window.
    pub fn raised(policy: &Policy, kind: FlagKind, affected: u64, of: u64) -> Option<Self> {
        let thresholds = policy.flags.of(kind);
        let crossed = |threshold: &Threshold| {
            affected >= threshold.count
                && u128::from(affected) * 1000 >= u128::from(of) * u128::from(threshold.share)
        };
        let severity = if thresholds.critical.as_ref().is_some_and(crossed) {
            Severity::Critical
        } else if crossed(&thresholds.warning) {
            Severity::Warning
        } else {
            return None;
        };
        Some(Self { kind, severity, affected, of, share: Share::round(affected as f64 / of.max(1) as f64) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_needs_a_count_as_well_as_a_share() {
        let policy = Policy::embedded().unwrap();
        for (affected, of, severity) in [
            (0, 0, None),
            (1, 1, None),
            (2, 2, Some(Severity::Warning)),
            (2, 21, None),
            (2, 20, Some(Severity::Warning)),
            (3, 10, Some(Severity::Critical)),
            (3, 11, Some(Severity::Warning)),
            (u64::MAX, u64::MAX, Some(Severity::Critical)),
        ] {
            let flag = Flag::raised(&policy, FlagKind::Silence, affected, of);
            assert_eq!(flag.map(|flag| flag.severity), severity, "{affected} of {of}");
        }
        let rejections = Flag::raised(&policy, FlagKind::Rejection, 9, 10).unwrap();
        assert_eq!(rejections.severity, Severity::Warning, "declining is not critical, however often");
        assert_eq!(rejections.share.billionths(), 900_000_000);
    }
}
