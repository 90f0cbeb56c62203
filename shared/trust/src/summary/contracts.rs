//! Contract facts: what became of the contracts of the last year.

use serde::{Deserialize, Serialize};

use crate::{
    contract::{ContractCount, Outcome, PATIENCE_DAYS, Stage},
    marketplace::CancelledBy,
    past::CONTRACT_DAYS,
    policy::Policy,
    ratio::Ratio,
    score::{Kind, NORMAL_90, Observations, Quality, observe},
    survival::{Curve, Lengths},
    time::{Day, Moment},
};

use super::{PercentileFact, Signals};

/// Days that are held against those before them.
const RECENT: u16 = 30;

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
    /// Accepted more than 7 days ago and not handed over, or given up for that.
    pub never_delivered: u64,
    /// Those of them that nobody has given up: a handover would still help.
    #[serde(default)]
    pub overdue_deliveries: u64,
    /// Requested more than 7 days ago and not answered, or given up for that.
    pub no_response: u64,
    /// Those of them that nobody has given up: an answer would still help.
    #[serde(default)]
    pub overdue_responses: u64,
    /// Declined.
    pub rejected: u64,
    /// Running.
    pub active: u64,
    /// Requested or accepted, with time left.
    pub pending: u64,
    /// Renter and provider are the same party: shown, never scored.
    pub self_dealing: u64,
    /// Ran their term, but for under an hour or for nothing: shown, never scored.
    #[serde(default)]
    pub minimal: u64,
    /// Ended by anybody after the handover.
    #[serde(default)]
    pub cancelled_after_delivery: u64,
    /// Renters who were served more than once, of all who were, of all time.
    #[serde(default)]
    pub renters: Ratio,
    /// The contracts of the renter with the most of them, of all, of all time.
    #[serde(default)]
    pub largest_renter: Ratio,
    /// How the provider's cancellations of late compare with his own past.
    #[serde(default)]
    pub trend: Trend,
    /// Handovers, and those still awaited.
    pub deliveries: u64,
    /// Half of the handovers come within this time, in seconds from acceptance.
    pub delivery_median: PercentileFact,
    /// Nine of ten come within this time.
    pub delivery_p90: PercentileFact,
}

/// Contracts that the provider ended, of those that were his to keep: lately, and before that.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trend {
    /// In the last 30 days.
    pub recent: Ratio,
    /// In the days before, up to a year.
    pub before: Ratio,
}

impl Trend {
    /// By how much the recent share is higher, with its 90 % interval. `None` while either share has nothing to rest on.
    ///
    /// R. G. Newcombe, "Interval estimation for the difference between independent proportions", 1998, method 10: from the two
    /// Wilson intervals.
    pub fn change(&self) -> Option<(f64, f64, f64)> {
        self.change_within(NORMAL_90)
    }

    fn change_within(&self, z: f64) -> Option<(f64, f64, f64)> {
        let (recent, before) = (self.recent.share()?, self.before.share()?);
        let (recent_low, recent_high) = self.recent.interval(z)?;
        let (before_low, before_high) = self.before.interval(z)?;
        let spread = |a: f64, b: f64| (a * a + b * b).sqrt();
        let change = recent - before;
        let low = change - spread(recent - recent_low, before_high - before);
        let high = change + spread(recent_high - recent, before - before_low);
        Some((change, low, high))
    }

    /// Whether he ends contracts more often than he used to, beyond what chance makes.
    pub fn is_worse(&self) -> bool {
        self.change().is_some_and(|(_, low, _)| low > 0.0)
    }
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

    /// Those ended in the first tenth of their term, of those that were handed over and are over.
    pub fn early_cancellation(&self) -> Ratio {
        Ratio { count: self.cancelled_early, of: self.completed + self.cancelled_after_delivery }
    }

    /// Handovers that failed or never came, of all that were due.
    pub fn provisioning_failure(&self) -> Ratio {
        let failed = self.provisioning_failed + self.never_delivered;
        Ratio { count: failed, of: failed + self.completed + self.cancelled_after_delivery + self.active }
    }

    /// Requests declined, of all that were answered or should have been.
    pub fn rejection(&self) -> Ratio {
        Ratio { count: self.rejected, of: self.requests() }
    }

    /// Requests never answered, of the same.
    pub fn no_answer(&self) -> Ratio {
        Ratio { count: self.no_response, of: self.requests() }
    }
}

pub(super) fn facts(signals: &Signals, as_of: Moment) -> ContractFacts {
    let mut facts = ContractFacts {
        days: CONTRACT_DAYS,
        renters: signals.renters.repeat(),
        largest_renter: signals.renters.largest(),
        ..ContractFacts::default()
    };
    let mut deliveries = Lengths::default();
    let (first, recent) = (as_of.day().minus(CONTRACT_DAYS - 1), as_of.day().minus(RECENT - 1));
    for (day, classes) in signals.contract_days().filter(|(day, _)| *day >= first) {
        let mut of_day = ContractFacts::default();
        for (class, &count) in classes {
            match class {
                ContractCount::Delivered { after } => deliveries.replied(after.longest(), count),
                ContractCount::Outcome(outcome) => {
                    *of_day.field(*outcome, is_overdue(day, as_of)) += count;
                    if let Outcome::Cancelled { stage, .. } = outcome {
                        of_day.cancelled_early += if *stage == Stage::Early { count } else { 0 };
                        of_day.cancelled_after_delivery +=
                            if *stage == Stage::BeforeDelivery { 0 } else { count };
                    }
                    match (outcome, is_overdue(day, as_of)) {
                        (Outcome::AwaitingDelivery, Overdue::Yes) => of_day.overdue_deliveries += count,
                        (Outcome::AwaitingResponse, Overdue::Yes) => of_day.overdue_responses += count,
                        _ => {}
                    }
                    if matches!(outcome, Outcome::AwaitingDelivery | Outcome::NeverDelivered) {
                        // Accepted at the end of its day at the latest.
                        deliveries.still_waiting(as_of.since(day.next().start()), count);
                    }
                }
            }
        }
        let side = if day >= recent { &mut facts.trend.recent } else { &mut facts.trend.before };
        side.count += of_day.cancelled_by_provider;
        side.of += of_day.decided();
        facts.add(&of_day);
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
    /// Adds the counts of a day.
    fn add(&mut self, day: &Self) {
        let Self { completed, cancelled_by_provider, cancelled_early, cancelled_by_renter, .. } = day;
        let Self { cancelled_by_marketplace, provisioning_failed, never_delivered, no_response, .. } = day;
        let Self { rejected, active, pending, self_dealing, minimal, cancelled_after_delivery, .. } = day;
        let Self { overdue_deliveries, overdue_responses, .. } = day;
        for (sum, count) in [
            (&mut self.completed, completed),
            (&mut self.cancelled_by_provider, cancelled_by_provider),
            (&mut self.cancelled_early, cancelled_early),
            (&mut self.cancelled_by_renter, cancelled_by_renter),
            (&mut self.cancelled_by_marketplace, cancelled_by_marketplace),
            (&mut self.provisioning_failed, provisioning_failed),
            (&mut self.never_delivered, never_delivered),
            (&mut self.no_response, no_response),
            (&mut self.rejected, rejected),
            (&mut self.active, active),
            (&mut self.pending, pending),
            (&mut self.self_dealing, self_dealing),
            (&mut self.minimal, minimal),
            (&mut self.cancelled_after_delivery, cancelled_after_delivery),
            (&mut self.overdue_deliveries, overdue_deliveries),
            (&mut self.overdue_responses, overdue_responses),
        ] {
            *sum += count;
        }
    }

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
            (Outcome::Minimal, _) => &mut self.minimal,
            (Outcome::AwaitingDelivery, Overdue::Yes) | (Outcome::NeverDelivered, _) => {
                &mut self.never_delivered
            }
            (Outcome::AwaitingResponse, Overdue::Yes) | (Outcome::NoResponse, _) => &mut self.no_response,
            (Outcome::AwaitingDelivery | Outcome::AwaitingResponse, Overdue::No) => &mut self.pending,
        }
    }
}

/// The observations that are scored.
pub(super) fn evidence(policy: &Policy, signals: &Signals, as_of: Moment) -> Observations {
    let weights = &policy.contract_weights;
    let mut observations = Observations::new();
    for (day, classes) in signals.contract_days() {
        for (class, &count) in classes {
            let ContractCount::Outcome(outcome) = class else { continue };
            let (kind, weight) = match (outcome, is_overdue(day, as_of)) {
                (Outcome::Completed, _) => (Kind::Completed, weights.completed),
                (Outcome::Cancelled { by: CancelledBy::Provider, .. }, _) => {
                    (Kind::CancelledByProvider, weights.cancelled_by_provider)
                }
                (Outcome::ProvisioningFailed, _) => (Kind::ProvisioningFailed, weights.provisioning_failed),
                (Outcome::AwaitingDelivery, Overdue::Yes) | (Outcome::NeverDelivered, _) => {
                    (Kind::NeverDelivered, weights.never_delivered)
                }
                (Outcome::AwaitingResponse, Overdue::Yes) | (Outcome::NoResponse, _) => {
                    (Kind::NoResponse, weights.no_response)
                }
                (Outcome::Rejected, _) => (Kind::Rejected, weights.rejected),
                _ => continue,
            };
            let quality = if kind == Kind::Completed { Quality::GOOD } else { Quality::BAD };
            observe(&mut observations, day, kind, (weight, quality), count);
        }
    }
    observations
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trend(recent: (u64, u64), before: (u64, u64)) -> Trend {
        let ratio = |(count, of)| Ratio { count, of };
        Trend { recent: ratio(recent), before: ratio(before) }
    }

    /// Newcombe's table II, method 10, at 95 %: 56/70 against 48/80, 9/10 against 3/10, 10/10 against 0/20.
    #[test]
    fn a_change_has_the_interval_that_was_published_for_it() {
        for (recent, before, low, high) in [
            ((56, 70), (48, 80), 0.0524, 0.3339),
            ((9, 10), (3, 10), 0.1705, 0.8090),
            ((10, 10), (0, 20), 0.6791, 1.0),
        ] {
            let (_, found_low, found_high) =
                trend(recent, before).change_within(1.959_963_984_540_054).unwrap();
            assert!(
                (found_low - low).abs() < 0.00006 && (found_high - high).abs() < 0.00006,
                "{found_low} {found_high}"
            );
        }
        assert_eq!(trend((1, 1), (0, 0)).change(), None);
    }

    #[test]
    fn a_cancellation_after_a_clean_past_is_a_change_only_if_there_are_enough_of_both() {
        assert!(!trend((1, 1), (0, 1)).is_worse());
        assert!(trend((4, 5), (0, 40)).is_worse(), "all against none is no unchanged rate");
        assert!(!trend((2, 20), (4, 40)).is_worse());
    }
}
