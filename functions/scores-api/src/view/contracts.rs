//! What became of a provider's contracts.

use schemars::JsonSchema;
use serde::Serialize;
use trust::summary::{self, ContractFacts};

use super::figures::{Percentile, Rate};

/// What became of the contracts that were decided in some days, or are not decided yet.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Contracts {
    /// How many days.
    days: u16,
    /// Completed, of those that were the provider's to keep.
    completion: Rate,
    /// Ended by anybody in the first tenth of their term, of those that were handed over and are over.
    early_cancellation: Rate,
    /// Handovers that failed or never came, of all that were due.
    provisioning_failure: Rate,
    /// Requests declined, of all that were answered or should have been.
    rejection: Rate,
    /// Requests not answered within 7 days, of the same.
    unanswered: Rate,
    /// Ran their term.
    completed: u64,
    /// Ended by the provider.
    cancelled_by_provider: u64,
    /// Ended by the renter.
    cancelled_by_renter: u64,
    /// Ended by the marketplace.
    cancelled_by_marketplace: u64,
    /// Ended by anybody in the first tenth of their term.
    cancelled_early: u64,
    /// Could not be handed over.
    provisioning_failed: u64,
    /// Accepted more than 7 days ago and not handed over.
    never_delivered: u64,
    /// Requested more than 7 days ago and not answered.
    no_response: u64,
    /// Declined.
    rejected: u64,
    /// Running.
    active: u64,
    /// Requested or accepted, with time left.
    pending: u64,
    /// What is shown, and never scored.
    not_scored: NotScored,
    /// Half of the handovers come within this time from acceptance.
    delivery_median: Percentile,
    /// Nine of ten come within this time.
    delivery_p90: Percentile,
    /// Contracts that the provider ended: of late, and before.
    cancellation_trend: Trend,
    /// Renters who were served more than once, of all who were, of all time.
    repeat_renters: Rate,
    /// The contracts of the renter with the most of them, of all, of all time. Who he is, is not said.
    largest_renter: Rate,
}

impl Contracts {
    pub(super) fn of(facts: &ContractFacts) -> Self {
        Self {
            days: facts.days,
            completion: Rate::of(facts.completion()),
            early_cancellation: Rate::of(facts.early_cancellation()),
            provisioning_failure: Rate::of(facts.provisioning_failure()),
            rejection: Rate::of(facts.rejection()),
            unanswered: Rate::of(facts.no_answer()),
            completed: facts.completed,
            cancelled_by_provider: facts.cancelled_by_provider,
            cancelled_by_renter: facts.cancelled_by_renter,
            cancelled_by_marketplace: facts.cancelled_by_marketplace,
            cancelled_early: facts.cancelled_early,
            provisioning_failed: facts.provisioning_failed,
            never_delivered: facts.never_delivered,
            no_response: facts.no_response,
            rejected: facts.rejected,
            active: facts.active,
            pending: facts.pending,
            not_scored: NotScored { self_dealing: facts.self_dealing, minimal: facts.minimal },
            delivery_median: Percentile::of(&facts.delivery_median, facts.deliveries),
            delivery_p90: Percentile::of(&facts.delivery_p90, facts.deliveries),
            cancellation_trend: Trend::of(&facts.trend),
            repeat_renters: Rate::of(facts.renters),
            largest_renter: Rate::of(facts.largest_renter),
        }
    }
}

/// Contracts that count for nothing.
#[derive(Debug, Serialize, JsonSchema)]
struct NotScored {
    /// Renter and provider are the same party.
    self_dealing: u64,
    /// Completed, but after under an hour or for nothing.
    minimal: u64,
}

/// Contracts that the provider ended, of those that were his to keep, held against his own past.
#[derive(Debug, Serialize, JsonSchema)]
struct Trend {
    /// In the last 30 days.
    recent: Rate,
    /// In the days before, up to a year.
    before: Rate,
    /// How much higher the recent share is; `null` while there is nothing to compare.
    change: Option<Difference>,
}

impl Trend {
    fn of(trend: &summary::Trend) -> Self {
        let change = trend.change().map(|(value, low, high)| Difference { value, low, high });
        Self { recent: Rate::of(trend.recent), before: Rate::of(trend.before), change }
    }
}

/// The difference of two shares, with its 90 % interval (Newcombe 1998, method 10).
#[derive(Debug, Serialize, JsonSchema)]
struct Difference {
    /// The difference.
    #[schemars(range(min = -1, max = 1))]
    value: f64,
    /// Lower end of the interval.
    low: f64,
    /// Upper end of it.
    high: f64,
}
