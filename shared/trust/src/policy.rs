//! Score policies: every number that decides a score, as data in one versioned file.
//!
//! The code is general; changing a number is a new file with a new version. `docs/scoring.md` explains the numbers to those who
//! are scored.

use std::{collections::BTreeMap, sync::OnceLock};

use serde::{Deserialize, Serialize};

use crate::{duration::Bucket, replies::OpenWait};

/// What the score is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Family {
    /// Does the service stay up?
    Uptime,
    /// Does he answer?
    Replies,
    /// Does he keep his contracts?
    Contracts,
    /// Are renters satisfied?
    Feedback,
    /// Is it what was claimed?
    Claims,
}

impl Family {
    /// All of them, in the order they are shown.
    pub const ALL: [Self; 5] = [Self::Uptime, Self::Replies, Self::Contracts, Self::Feedback, Self::Claims];
}

/// A share in thousandths.
pub type Thousandths = u32;

/// A score policy.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// Its name and version.
    pub version: String,
    /// What each family counts for.
    pub families: BTreeMap<Family, FamilyPolicy>,
    /// When a day of a service counts as kept.
    pub uptime: UptimePolicy,
    /// When a reply is good.
    pub replies: ReplyPolicy,
    /// What each contract outcome counts for.
    pub contract_weights: ContractWeights,
    /// What each answer of a renter counts for.
    pub feedback_weights: FeedbackWeights,
    /// The score a critical flag leaves at most.
    pub critical_cap: u32,
    /// When flags are raised.
    pub flags: FlagPolicy,
    /// When a provider who has completed no contract gets a score.
    pub vetting: Vetting,
    /// When a provider counts as established.
    pub established: Established,
}

/// When a day of a service counts as kept: the same for everybody, whatever was promised, so that promising less never pays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UptimePolicy {
    /// The share of a day that may be down at no cost, in ten-thousandths.
    pub allowed_downtime: u32,
}

/// When a reply is good: the same for everybody, whatever was promised, so that promising less never pays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReplyPolicy {
    /// The longest good wait, in seconds.
    pub within_seconds: u32,
}

impl ReplyPolicy {
    /// The longest wait that still counts as good, in seconds: closed waits are counted in buckets, so it is the end of the bucket that
    /// holds [`ReplyPolicy::within_seconds`], for open ones, too.
    pub fn longest(&self) -> u32 {
        Bucket::of(self.within_seconds).longest()
    }

    /// Whether a wait of so many seconds is good.
    pub fn is_met(&self, seconds: u32) -> bool {
        seconds <= self.longest()
    }
}

/// What each answer of a renter counts for, in thousandths of an observation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeedbackWeights {
    /// Whether the service matched its description.
    pub matched_description: Thousandths,
    /// Whether the renter would rent again.
    pub rent_again: Thousandths,
}

/// How one family's evidence becomes a share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FamilyPolicy {
    /// Its weight in the score. All weights sum to 1000.
    pub weight: Thousandths,
    /// What is assumed before any evidence.
    pub prior_mean: Thousandths,
    /// How many observations that assumption is worth, in thousandths.
    pub prior_strength: u32,
    /// After how many days an observation counts half.
    pub half_life_days: u16,
    /// After how many days it counts no more.
    pub horizon_days: u16,
}

/// What each contract outcome counts for, in thousandths of an observation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContractWeights {
    /// Good: ran its term.
    pub completed: Thousandths,
    /// Bad: ended by the provider.
    pub cancelled_by_provider: Thousandths,
    /// Bad: could not be handed over.
    pub provisioning_failed: Thousandths,
    /// Bad: accepted and never handed over.
    pub never_delivered: Thousandths,
    /// Bad: never answered.
    pub no_response: Thousandths,
    /// Bad, a little: declined.
    pub rejected: Thousandths,
}

impl FlagPolicy {
    /// Seconds after which this open wait makes the provider count as silent: what its contract says, else the policy.
    pub fn silent_after(&self, wait: &OpenWait) -> u32 {
        wait.silent_after.map_or(self.silent_after_hours.saturating_mul(3600), |after| after.0)
    }

    /// Seconds after which that is critical: never before it is silence at all.
    pub fn critical_after(&self, wait: &OpenWait) -> u32 {
        self.critical_silent_after_hours.saturating_mul(3600).max(self.silent_after(wait))
    }
}

/// When flags are raised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FlagPolicy {
    /// Hours after which an open wait flags the provider as silent.
    pub silent_after_hours: u32,
    /// Hours after which that is critical.
    pub critical_silent_after_hours: u32,
    /// Handovers that failed or never came.
    pub provisioning_failures: Threshold,
    /// Contracts the provider ended.
    pub provider_cancellations: Threshold,
    /// Requests he declined.
    pub rejections: Threshold,
    /// Requests he never answered.
    pub no_responses: Threshold,
    /// Days of the last 30 on which his services were down for far more than is allowed.
    pub bad_days: Threshold,
    /// A day is bad below this.
    pub bad_day_kept: Thousandths,
    /// Contracts with one renter, of all.
    pub one_renter: Threshold,
    /// What renters say differs by more than this share from what was measured.
    pub feedback_gap: Thousandths,
    /// From so many answers on, and effective observations of what was measured.
    pub feedback_gap_count: u64,
    /// Weeks in which far more was answered than usual.
    pub feedback_burst: BurstRule,
}

/// When a week of feedback stands out, and for how long that is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BurstRule {
    /// The fewest contracts answered about. Fewer flags a provider who had a good week.
    pub count: u64,
    /// How many times the usual week. Lower flags growth.
    pub factor: u32,
    /// How many weeks before are the usual.
    pub weeks: u16,
    /// Of how many of these something has to be known. Fewer flags every provider who begins.
    pub known_weeks: u16,
    /// Days after it was revealed.
    pub told_days: u16,
}

/// A count *and* a share: one bad contract of one is no 100 %.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Threshold {
    /// At least this many.
    pub count: u64,
    /// And more than this share.
    pub share: Thousandths,
}

impl Threshold {
    /// Whether this many of so many are too many.
    pub fn is_exceeded(&self, count: u64, of: u64) -> bool {
        count >= self.count && u128::from(count) * 1000 > u128::from(self.share) * u128::from(of)
    }
}

/// When a provider who has completed no contract gets a score.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vetting {
    /// Days of uptime of which enough is known, within the family's horizon.
    pub covered_days: u64,
}

/// When a provider counts as established.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Established {
    /// Effective observations over all families.
    pub effective_observations: u64,
    /// Completed contracts.
    pub completed_contracts: u64,
    /// Renters who were served.
    pub distinct_renters: u64,
}

/// A policy file that can not be used.
#[derive(Debug, thiserror::Error)]
pub enum InvalidPolicy {
    /// It does not read as a policy.
    #[error("not a policy: {0}")]
    Malformed(#[from] serde_json::Error),
    /// A family is missing.
    #[error("the family {0:?} is missing")]
    Missing(Family),
    /// The weights do not sum to 1000.
    #[error("the weights sum to {0}, not to 1000")]
    Weights(u32),
    /// A number is out of its range.
    #[error("{0:?}: prior mean must be within 1..999, strength, half-life and horizon above 0")]
    Range(Family),
}

impl Policy {
    /// Reads and checks a policy file.
    pub fn parse(text: &str) -> Result<Self, InvalidPolicy> {
        let policy: Self = serde_json::from_str(text)?;
        for family in Family::ALL {
            let found = policy.families.get(&family).ok_or(InvalidPolicy::Missing(family))?;
            let sound = (1..1000).contains(&found.prior_mean)
                && found.prior_strength > 0
                && found.half_life_days > 0
                && found.horizon_days > 0;
            if !sound {
                return Err(InvalidPolicy::Range(family));
            }
        }
        let weights = policy.families.values().map(|family| family.weight).sum();
        if weights == 1000 { Ok(policy) } else { Err(InvalidPolicy::Weights(weights)) }
    }

    /// The policy in force.
    ///
    /// # Panics
    /// If the file in the program is no sound policy, which a test rules out.
    pub fn current() -> &'static Self {
        static CURRENT: OnceLock<Policy> = OnceLock::new();
        #[expect(clippy::expect_used, reason = "the file is part of the program, and a test reads it")]
        CURRENT.get_or_init(|| Self::parse(include_str!("../policy/1.json")).expect("a sound policy"))
    }

    /// What a family counts for.
    pub fn family(&self, family: Family) -> &FamilyPolicy {
        &self.families[&family]
    }

    /// The longest horizon of all families, in days.
    pub fn horizon_days(&self) -> u16 {
        self.families.values().map(|family| family.horizon_days).max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_in_force_is_sound() {
        assert_eq!(Policy::current().version, "trust-score/1");
    }

    #[test]
    fn a_policy_that_does_not_add_up_is_refused_with_the_reason() {
        let text = include_str!("../policy/1.json");
        let with = |from: &str, to: &str| Policy::parse(&text.replacen(from, to, 1)).unwrap_err().to_string();
        assert_eq!(with("\"weight\": 250", "\"weight\": 251"), "the weights sum to 1001, not to 1000");
        assert!(with("\"half_life_days\": 60", "\"half_life_days\": 0").starts_with("Replies"));
        assert!(with("\"version\"", "\"edition\"").starts_with("not a policy: unknown field `edition`"));
        assert!(with("\"uptime\"", "\"downtime\"").starts_with("not a policy"));
    }

    #[test]
    fn a_reply_is_good_to_the_end_of_the_bucket_that_holds_four_hours() {
        let replies = Policy::current().replies;
        assert_eq!((replies.within_seconds, replies.longest()), (14_400, 14_463));
        for seconds in 14_300..14_600 {
            assert_eq!(replies.is_met(seconds), replies.is_met(Bucket::of(seconds).longest()), "{seconds}");
        }
        assert!(replies.is_met(14_463) && !replies.is_met(14_464));
    }

    #[test]
    fn a_rate_flags_only_together_with_a_count() {
        let threshold = Threshold { count: 3, share: 150 };
        assert!(!threshold.is_exceeded(1, 1));
        assert!(!threshold.is_exceeded(3, 20));
        assert!(threshold.is_exceeded(3, 19));
    }
}
