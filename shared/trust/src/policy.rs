//! Score policies: every number that decides a score, as data in one versioned file.
//!
//! The code is general; changing a number is a new file with a new version. `docs/scoring.md` explains the numbers to those who
//! are scored. Which policy is in force is the deployment's to say: whoever scores or warns gets it passed in.

use std::{collections::BTreeMap, sync::OnceLock};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// Its name and version: 1-64 of `A-Za-z0-9._/-`.
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
    /// What each machine that a renter measured counts for.
    pub claims: ClaimsPolicy,
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UptimePolicy {
    /// The share of a day that may be down at no cost, in ten-thousandths.
    pub allowed_downtime: u32,
}

/// When a reply is good: the same for everybody, whatever was promised, so that promising less never pays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeedbackWeights {
    /// Whether the service matched its description.
    pub matched_description: Thousandths,
    /// Whether the renter would rent again.
    pub rent_again: Thousandths,
}

/// What each machine that a renter measured counts for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClaimsPolicy {
    /// Good: so many of its claims were decided, and all of them held.
    pub held: Thousandths,
    /// Bad: one of its claims at least was contradicted.
    pub contradicted: Thousandths,
    /// So many claims have to hold before a machine is good. Fewer would pay for claiming only what is easily kept.
    pub decided: u8,
}

/// How one family's evidence becomes a share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
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
    /// The least `silent_after_hours`: sweeps look at no younger wait for that. Were it larger, a policy could not be as strict; were
    /// it smaller, sweeps would look at more waits that have come to nothing.
    pub const EARLIEST_SILENCE: u32 = 1;

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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FlagPolicy {
    /// Hours after which an open wait flags the provider as silent: at least [`FlagPolicy::EARLIEST_SILENCE`].
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
    /// Machines of which a claim was contradicted, of those that renters measured.
    pub contradicted_claims: Threshold,
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vetting {
    /// Days of uptime of which enough is known, within the family's horizon.
    pub covered_days: u64,
}

/// When a provider counts as established.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Established {
    /// Effective observations over all families.
    pub effective_observations: u64,
    /// Completed contracts.
    pub completed_contracts: u64,
    /// Renters who were served.
    pub distinct_renters: u64,
}

/// The policies that are part of the program, the oldest first. One that was in force stays: histories name it.
const FILES: [&str; 1] = [include_str!("../policy/1.json")];

/// A policy file that can not be used.
#[derive(Debug, thiserror::Error)]
pub enum InvalidPolicy {
    /// It does not read as a policy.
    #[error("not a policy: {0}")]
    Malformed(#[from] serde_json::Error),
    /// Its version is no name.
    #[error("a version is 1-64 of A-Z, a-z, 0-9, '.', '_', '/' and '-'")]
    Version,
    /// Another policy has its version: the same version has to give the same scores everywhere.
    #[error("{0} is another policy already; give this one a version of its own")]
    Taken(String),
    /// A family is missing.
    #[error("the family {0:?} is missing")]
    Missing(Family),
    /// The weights do not sum to 1000.
    #[error("the weights sum to {0}, not to 1000")]
    Weights(u32),
    /// A number is out of its range.
    #[error("{0:?}: prior mean must be within 1..999, strength, half-life and horizon above 0")]
    Range(Family),
    /// Providers would count as silent too soon.
    #[error("silent_after_hours must be at least {}", FlagPolicy::EARLIEST_SILENCE)]
    SilentTooSoon,
}

/// There is no policy of a version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no policy {asked}; there is {}", Policy::versions().collect::<Vec<_>>().join(", "))]
pub struct UnknownPolicy {
    /// The version that was asked for.
    pub asked: String,
}

impl Policy {
    /// Reads and checks a policy file.
    pub fn parse(text: &str) -> Result<Self, InvalidPolicy> {
        let policy: Self = serde_json::from_str(text)?;
        let named = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '/' | '-');
        if !(1..=64).contains(&policy.version.len()) || !policy.version.chars().all(named) {
            return Err(InvalidPolicy::Version);
        }
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
        if policy.flags.silent_after_hours < FlagPolicy::EARLIEST_SILENCE {
            return Err(InvalidPolicy::SilentTooSoon);
        }
        let weights = policy.families.values().map(|family| family.weight).sum();
        if weights == 1000 { Ok(policy) } else { Err(InvalidPolicy::Weights(weights)) }
    }

    /// Reads a policy file that is not part of the program. One that goes by the version of another policy is refused.
    pub fn of_file(text: &str) -> Result<Self, InvalidPolicy> {
        let policy = Self::parse(text)?;
        match Self::of(&policy.version) {
            Ok(known) if *known != policy => Err(InvalidPolicy::Taken(policy.version)),
            _ => Ok(policy),
        }
    }

    /// The policy of this version, of those that are part of the program.
    pub fn of(version: &str) -> Result<&'static Self, UnknownPolicy> {
        let found = Self::all().iter().find(|policy| policy.version == version);
        found.ok_or_else(|| UnknownPolicy { asked: version.to_owned() })
    }

    /// The versions that are part of the program, the oldest first.
    pub fn versions() -> impl Iterator<Item = &'static str> {
        Self::all().iter().map(|policy| policy.version.as_str())
    }

    /// The newest policy that is part of the program. It is in force where the deployment names no other.
    pub fn current() -> &'static Self {
        let [.., newest] = Self::all();
        newest
    }

    /// # Panics
    /// If a file in the program is no sound policy, which a test rules out.
    fn all() -> &'static [Self; FILES.len()] {
        static ALL: OnceLock<[Policy; FILES.len()]> = OnceLock::new();
        #[expect(clippy::expect_used, reason = "the files are part of the program, and a test reads them")]
        ALL.get_or_init(|| FILES.map(|text| Self::parse(text).expect("a sound policy")))
    }

    /// SHA-256 over all its numbers, in hex: the same for the same policy, however its file is laid out.
    pub fn fingerprint(&self) -> Result<String, InvalidPolicy> {
        Ok(hex::encode(Sha256::digest(serde_json::to_vec(self)?)))
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
    fn every_policy_of_the_program_is_sound_and_found_by_its_version() {
        let versions: Vec<&str> = Policy::versions().collect();
        assert_eq!(versions, ["trust-score/1"]);
        for version in versions {
            assert_eq!(Policy::of(version).unwrap().version, version);
        }
        assert_eq!(
            Policy::of("trust-score/9").unwrap_err().to_string(),
            "there is no policy trust-score/9; there is trust-score/1"
        );
    }

    #[test]
    fn a_file_is_another_policy_only_under_a_version_of_its_own() {
        let text = include_str!("../policy/1.json");
        assert_eq!(Policy::of_file(text).unwrap(), *Policy::current());
        let changed = text.replace("\"critical_cap\": 49", "\"critical_cap\": 40");
        assert!(matches!(Policy::of_file(&changed), Err(InvalidPolicy::Taken(_))));
        let named = changed.replace("trust-score/1", "mine/1");
        assert_eq!(Policy::of_file(&named).unwrap().critical_cap, 40);
    }

    #[test]
    fn a_fingerprint_is_of_the_numbers_and_not_of_the_layout() {
        let text = include_str!("../policy/1.json");
        let of = |text: &str| Policy::parse(text).unwrap().fingerprint().unwrap();
        assert_eq!(of(text), of(&text.replace(char::is_whitespace, "")));
        assert_ne!(of(text), of(&text.replace("\"critical_cap\": 49", "\"critical_cap\": 48")));
    }

    #[test]
    fn a_policy_that_does_not_add_up_is_refused_with_the_reason() {
        let text = include_str!("../policy/1.json");
        let with = |from: &str, to: &str| Policy::parse(&text.replacen(from, to, 1)).unwrap_err().to_string();
        assert_eq!(with("\"weight\": 250", "\"weight\": 251"), "the weights sum to 1001, not to 1000");
        assert!(with("\"half_life_days\": 60", "\"half_life_days\": 0").starts_with("Replies"));
        assert!(with("\"version\"", "\"edition\"").starts_with("not a policy: unknown field `edition`"));
        assert!(with("\"uptime\"", "\"downtime\"").starts_with("not a policy"));
        assert!(with("trust-score/1", "two words").starts_with("a version is"));
        assert_eq!(
            with("silent_after_hours\": 24", "silent_after_hours\": 0"),
            "silent_after_hours must be at least 1"
        );
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
