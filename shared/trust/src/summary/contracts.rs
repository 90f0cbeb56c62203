//! Contract facts: what became of the contracts of the last year.

use serde::{Deserialize, Serialize};

use crate::{
    contract::{ContractCount, Outcome, PATIENCE_DAYS, Stage},
    marketplace::CancelledBy,
    policy::Policy,
    ratio::Ratio,
    score::{Kind, Observations, Weighted},
    survival::{Curve, Lengths},
    time::{Day, Moment},
};

use super::{PercentileFact, Signals};

/// Days of contracts that are shown.
const SHOWN: u16 = 365;

/// What became of the contracts that were decided in the last year, or are not decided yet.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContractFacts {
    /// How many days that is.
    pub days: u16,
    /// Ran their term.
    pub completed: u64,
    /// Ended by the provider.
    pub cancelled_by_provider: u64,
    /// Ended by anybody in the first tenth of their term.
    pub cancelled_early: u64,
    /// Ended by the renter.
    pub cancelled_by_renter: u64,
    /// Ended by the marketplace.
    pub cancelled_by_marketplace: u64,
    /// Could not be handed over.
    pub provisioning_failed: u64,
    /// Accepted more than 7 days ago and not handed over.
    pub never_delivered: u64,
    /// Requested more than 7 days ago and not answered.
    pub no_response: u64,
    /// Declined.
    pub rejected: u64,
    /// Running.
    pub active: u64,
    /// Requested or accepted, with time left.
    pub pending: u64,
    /// Renter and provider are the same party: shown, never scored.
    pub self_dealing: u64,
    /// Handovers, and those still awaited.
    pub deliveries: u64,
    /// Half of the handovers come within this time, in seconds from acceptance.
    pub delivery_median: PercentileFact,
    /// Nine of ten come within this time.
    pub delivery_p90: PercentileFact,
}

impl ContractFacts {
    /// Contracts that came to an end which is the provider's doing, good or bad.
    pub fn decided(&self) -> u64 {
        self.completed + self.cancelled_by_provider + self.provisioning_failed + self.never_delivered
    }

    /// Requests that were answered or should have been.
    pub fn requests(&self) -> u64 {
        self.decided()
            + self.rejected
            + self.no_response
            + self.active
            + self.cancelled_by_renter
            + self.cancelled_by_marketplace
    }

    /// Those that ran their term, of those decided.
    pub fn completion(&self) -> Ratio {
        Ratio { count: self.completed, of: self.decided() }
    }
}

pub(super) fn facts(signals: &Signals, as_of: Moment) -> ContractFacts {
    let mut facts = ContractFacts { days: SHOWN, ..ContractFacts::default() };
    let mut deliveries = Lengths::default();
    for (&day, classes) in signals.contracts.range(as_of.day().minus(SHOWN - 1)..) {
        for (class, &count) in classes {
            match class {
                ContractCount::Delivered { after } => deliveries.replied(after.longest(), count),
                ContractCount::Outcome(outcome) => {
                    *facts.field(*outcome, is_overdue(day, as_of)) += count;
                    if matches!(outcome, Outcome::Cancelled { stage: Stage::Early, .. }) {
                        facts.cancelled_early += count;
                    }
                    if *outcome == Outcome::AwaitingDelivery {
                        // Accepted at the end of its day at the latest.
                        deliveries.still_waiting(as_of.since(day.next().start()), count);
                    }
                }
            }
        }
    }
    let curve = Curve::estimate(&deliveries);
    facts.deliveries = deliveries.count();
    facts.delivery_median = curve.percentile(0.5).into();
    facts.delivery_p90 = curve.percentile(0.9).into();
    facts
}

/// Whether patience with something not done on this day has run out.
fn is_overdue(day: Day, as_of: Moment) -> Overdue {
    if as_of.day().since(day) > PATIENCE_DAYS { Overdue::Yes } else { Overdue::No }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Overdue {
    Yes,
    No,
}

impl ContractFacts {
    fn field(&mut self, outcome: Outcome, overdue: Overdue) -> &mut u64 {
        match (outcome, overdue) {
            (Outcome::Completed, _) => &mut self.completed,
            (Outcome::Cancelled { by: CancelledBy::Provider, .. }, _) => &mut self.cancelled_by_provider,
            (Outcome::Cancelled { by: CancelledBy::Renter, .. }, _) => &mut self.cancelled_by_renter,
            (Outcome::Cancelled { by: CancelledBy::Marketplace, .. }, _) => {
                &mut self.cancelled_by_marketplace
            }
            (Outcome::ProvisioningFailed, _) => &mut self.provisioning_failed,
            (Outcome::Rejected, _) => &mut self.rejected,
            (Outcome::Active, _) => &mut self.active,
            (Outcome::SelfDealing, _) => &mut self.self_dealing,
            (Outcome::AwaitingDelivery, Overdue::Yes) => &mut self.never_delivered,
            (Outcome::AwaitingResponse, Overdue::Yes) => &mut self.no_response,
            (Outcome::AwaitingDelivery | Outcome::AwaitingResponse, Overdue::No) => &mut self.pending,
        }
    }
}

/// The observations that are scored.
pub(super) fn evidence(policy: &Policy, signals: &Signals, as_of: Moment) -> Observations {
    let weights = &policy.contract_weights;
    let mut observations = Observations::new();
    for (&day, classes) in &signals.contracts {
        for (class, &count) in classes {
            let ContractCount::Outcome(outcome) = class else { continue };
            let (kind, weight) = match (outcome, is_overdue(day, as_of)) {
                (Outcome::Completed, _) => (Kind::Completed, weights.completed),
                (Outcome::Cancelled { by: CancelledBy::Provider, .. }, _) => {
                    (Kind::CancelledByProvider, weights.cancelled_by_provider)
                }
                (Outcome::ProvisioningFailed, _) => (Kind::ProvisioningFailed, weights.provisioning_failed),
                (Outcome::AwaitingDelivery, Overdue::Yes) => (Kind::NeverDelivered, weights.never_delivered),
                (Outcome::AwaitingResponse, Overdue::Yes) => (Kind::NoResponse, weights.no_response),
                (Outcome::Rejected, _) => (Kind::Rejected, weights.rejected),
                _ => continue,
            };
            observations.entry((day, kind)).or_insert(Weighted { count: 0, weight }).count += count;
        }
    }
    observations
}
