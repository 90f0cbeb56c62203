//! Flags: what a renter should be warned of, whatever the score says.

use serde::{Deserialize, Serialize};

use crate::{
    feedback::bursts,
    policy::{Family, Policy},
    ratio::Ratio,
    replies::{OpenWait, Scope},
    score::{Score, Share},
    time::Moment,
};

use super::{ClaimFacts, ContractFacts, FeedbackFacts, Signals, UptimeFacts};

/// A warning, with what it rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flag {
    /// How grave.
    pub severity: Severity,
    /// What of.
    pub concern: Concern,
    /// How many of how many it rests on.
    pub evidence: Ratio,
    /// Since when, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Moment>,
    /// What it is held against, where that is not part of the count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub against: Option<Against>,
}

/// What the evidence of a flag is held against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Against {
    /// The mean of what was measured.
    Measured(Share),
    /// So many weeks before.
    Weeks(u16),
}

/// How grave a flag is. A critical one caps the score.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Caps the score.
    Critical,
    /// To be known.
    Warning,
}

/// What a flag warns of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Concern {
    /// A renter has been left without an answer for long.
    Silent,
    /// Handovers failed or never came.
    ProvisioningFailures,
    /// The provider ends contracts.
    ProviderCancellations,
    /// The provider does not answer requests.
    NoResponses,
    /// The provider declines many requests.
    Rejections,
    /// His services were down for much of several days.
    BadDays,
    /// Machines are not what was claimed.
    ClaimsContradicted,
    /// The provider ends contracts more often than he used to.
    CancellationsRising,
    /// Most of his contracts are with one renter.
    OneRenter,
    /// What renters say is far from what was measured.
    FeedbackFarFromMeasured,
    /// Far more was answered in one week than usual.
    FeedbackBurst,
    /// Another provider of the same operator is flagged.
    SiblingFlagged,
}

impl Concern {
    /// All there are.
    pub const ALL: [Self; 11] = [
        Self::Silent,
        Self::ProvisioningFailures,
        Self::ProviderCancellations,
        Self::NoResponses,
        Self::Rejections,
        Self::BadDays,
        Self::CancellationsRising,
        Self::OneRenter,
        Self::FeedbackFarFromMeasured,
        Self::FeedbackBurst,
        Self::SiblingFlagged,
    ];
}

/// What flags are raised from, besides signals.
pub(super) struct Known<'a> {
    pub(super) contracts: &'a ContractFacts,
    pub(super) uptime: &'a UptimeFacts,
    pub(super) feedback: &'a FeedbackFacts,
    pub(super) claims: &'a ClaimFacts,
    /// Before it is capped by a flag.
    pub(super) score: &'a Score,
}

pub(super) fn raise(policy: &Policy, signals: &Signals, known: &Known<'_>, as_of: Moment) -> Vec<Flag> {
    let (rules, contracts) = (&policy.flags, known.contracts);
    let failures = contracts.provisioning_failed + contracts.never_delivered;
    let of_decided = |count| Ratio { count, of: contracts.decided() };
    let rates = [
        (Concern::ProvisioningFailures, rules.provisioning_failures, of_decided(failures)),
        (
            Concern::ProviderCancellations,
            rules.provider_cancellations,
            of_decided(contracts.cancelled_by_provider),
        ),
        (Concern::NoResponses, rules.no_responses, contracts.no_answer()),
        (Concern::Rejections, rules.rejections, contracts.rejection()),
        (Concern::BadDays, rules.bad_days, known.uptime.bad_days),
        (Concern::ClaimsContradicted, rules.contradicted_claims, known.claims.contradicted),
        (Concern::OneRenter, rules.one_renter, contracts.largest_renter),
    ];
    let rates = rates.into_iter().filter(|(_, threshold, rate)| threshold.is_exceeded(rate.count, rate.of));
    let rising =
        contracts.trend.is_worse() && contracts.trend.recent.count >= rules.provider_cancellations.count;
    let rising = rising.then_some((Concern::CancellationsRising, contracts.trend.recent));
    let far = far_from_measured(policy, known).map(|mean| Flag {
        against: Some(Against::Measured(mean)),
        ..warning(Concern::FeedbackFarFromMeasured, known.feedback.yes())
    });
    let warnings = rates.map(|(concern, _, rate)| (concern, rate)).chain(rising);
    let warnings = warnings.map(|(concern, evidence)| warning(concern, evidence)).chain(far);
    let warnings = warnings.chain(burst(policy, signals, as_of)).chain(sibling(signals));
    let mut flags: Vec<Flag> = silence(policy, signals, as_of).into_iter().chain(warnings).collect();
    flags.sort_by_key(|flag| (flag.severity, flag.concern));
    flags
}

fn warning(concern: Concern, evidence: Ratio) -> Flag {
    Flag { severity: Severity::Warning, concern, evidence, since: None, against: None }
}

/// What we measured, uptime and replies together, if what renters say differs from it by more than both may be off.
fn far_from_measured(policy: &Policy, known: &Known<'_>) -> Option<Share> {
    let enough = policy.flags.feedback_gap_count;
    let measured = known.score.families.iter().filter(|family| {
        matches!(family.family, Family::Uptime | Family::Replies) && family.effective >= enough * 1000
    });
    let measured: Vec<f64> = measured.map(|family| family.mean.value()).collect();
    let said = known.feedback.yes().share().filter(|_| known.feedback.votes() >= enough);
    let said = said.filter(|_| !measured.is_empty())?;
    let mean = measured.iter().sum::<f64>() / measured.len() as f64;
    ((said - mean).abs() * 1000.0 > f64::from(policy.flags.feedback_gap)).then(|| Share::of(mean))
}

/// A week of far more feedback than usual, whatever it counts: those who arrange it do not know what counts.
fn burst(policy: &Policy, signals: &Signals, as_of: Moment) -> Option<Flag> {
    let burst = bursts::latest(policy, signals.feedback_days(), as_of.day())?;
    let evidence = Ratio { count: burst.answered, of: burst.answered + burst.before };
    Some(Flag {
        since: Some(burst.revealed_on.start()),
        against: Some(Against::Weeks(burst.weeks)),
        ..warning(Concern::FeedbackBurst, evidence)
    })
}

/// Others of the same operator are flagged. What they did is not what he did: it warns, and caps no score.
fn sibling(signals: &Signals) -> Option<Flag> {
    let siblings = signals.siblings.as_ref().filter(|siblings| siblings.flagged > 0)?;
    Some(warning(Concern::SiblingFlagged, Ratio { count: siblings.flagged, of: siblings.others }))
}

/// Waits in contracts that have been open for too long.
fn silence(policy: &Policy, signals: &Signals, as_of: Moment) -> Option<Flag> {
    let open = || signals.waiting.iter().filter(|wait| wait.scope == Scope::Contract);
    let lasted = |wait: &OpenWait| as_of.since(wait.opened_at);
    let silent: Vec<_> = open().filter(|wait| lasted(wait) > policy.flags.silent_after(wait)).collect();
    let since = silent.iter().map(|wait| wait.opened_at).min()?;
    let critical = silent.iter().any(|wait| lasted(wait) > policy.flags.critical_after(wait));
    Some(Flag {
        severity: if critical { Severity::Critical } else { Severity::Warning },
        concern: Concern::Silent,
        evidence: Ratio { count: silent.len() as u64, of: open().count() as u64 },
        since: Some(since),
        against: None,
    })
}
