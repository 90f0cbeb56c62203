//! Flags: what a renter should be warned of, whatever the score says.

use serde::{Deserialize, Serialize};

use crate::{
    policy::Policy,
    ratio::Ratio,
    replies::{OpenWait, Scope},
    time::Moment,
};

use super::{ContractFacts, Signals};

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
}

pub(super) fn raise(policy: &Policy, signals: &Signals, facts: &ContractFacts, as_of: Moment) -> Vec<Flag> {
    let rules = &policy.flags;
    let failures = facts.provisioning_failed + facts.never_delivered;
    let counted = [
        (Concern::ProvisioningFailures, rules.provisioning_failures, failures, facts.decided()),
        (
            Concern::ProviderCancellations,
            rules.provider_cancellations,
            facts.cancelled_by_provider,
            facts.decided(),
        ),
        (Concern::NoResponses, rules.no_responses, facts.no_response, facts.requests()),
        (Concern::Rejections, rules.rejections, facts.rejected, facts.requests()),
    ];
    let counted = counted
        .into_iter()
        .filter(|(_, threshold, count, of)| threshold.is_exceeded(*count, *of))
        .map(|(concern, _, count, of)| Flag {
            severity: Severity::Warning,
            concern,
            evidence: Ratio { count, of },
            since: None,
        });
    let mut flags: Vec<Flag> = silence(policy, signals, as_of).into_iter().chain(counted).collect();
    flags.sort_by_key(|flag| (flag.severity, flag.concern));
    flags
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
    })
}
