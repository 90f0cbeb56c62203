//! Contracts: the join of what the marketplace said of one, and the one outcome it counts as.
//!
//! Events come late, twice and out of order, some before the request that names the parties. Each kind of event fills its own
//! field, the earliest of its kind wins, and nothing is decided before the terms are known.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{
    duration::Bucket,
    id::{ContractId, ConversationId, ProviderId, RenterId},
    marketplace::{AcceptedBy, CancelledBy, Happened, InVain, Terms},
    parties::Parties,
    signal::{Delta, Tally},
    time::{Day, Moment},
};

/// Days without an answer after which a request counts as not responded to, and an accepted contract as not delivered (DESIGN
/// §5). Smaller punishes weekends; larger hides silence.
pub const PATIENCE_DAYS: u32 = 7;

/// Days after a contract's term, with all extensions, at which it is no longer taken to go on where nobody has said that it ended. Fewer,
/// and a late word of an extension leaves a gap in what is watched; more, and what nobody rents any more is asked and counted for longer.
pub const LAPSE_DAYS: i64 = 7;

/// A contract that ran for less tells nothing of who keeps contracts, and a vote about it does not count (DESIGN §5). Less makes either
/// cheaper to buy; more leaves out who rents by the hour.
pub const MINIMAL_SECONDS: u32 = 3600;

/// A contract as far as it is known. Every field is the join of its events.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contract {
    /// The request: its time and terms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requested: Option<(Moment, Terms)>,
    /// The acceptance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted: Option<(Moment, AcceptedBy)>,
    /// The rejection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rejected: Option<Moment>,
    /// The handover.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provisioned: Option<Moment>,
    /// The failed handover.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provisioning_failed: Option<Moment>,
    /// The end at term.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completed: Option<Moment>,
    /// The end before term.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancelled: Option<(Moment, CancelledBy)>,
    /// The first end before term that the marketplace gave a reason for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_vain: Option<(Moment, InVain)>,
    /// The latest end it was extended to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extended_to: Option<Moment>,
    /// Whether renter and provider are two, as far as was known when it was looked at last. Whoever names an operator has his contracts looked
    /// at again.
    #[serde(default, skip_serializing_if = "Parties::are_distinct")]
    pub parties: Parties,
    /// The conversations the marketplace said belong to it.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub conversations: BTreeSet<ConversationId>,
}

impl Contract {
    /// The contract an event is about, if it is about one.
    pub fn subject(happened: &Happened) -> Option<&ContractId> {
        match happened {
            Happened::ContractRequested(terms) => Some(&terms.contract_id),
            Happened::ContractAccepted { contract_id, .. }
            | Happened::ContractRejected { contract_id }
            | Happened::ContractProvisioned { contract_id, .. }
            | Happened::ContractMonitorsSet { contract_id, .. }
            | Happened::ContractProvisioningFailed { contract_id }
            | Happened::ContractCompleted { contract_id }
            | Happened::ContractCancelled { contract_id, .. }
            | Happened::ContractExtended { contract_id, .. } => Some(contract_id),
            Happened::ProviderRegistered(_)
            | Happened::ProviderUpdated(_)
            | Happened::ProviderCheckedIn { .. }
            | Happened::OfferingPublished(_)
            | Happened::OfferingWithdrawn { .. } => None,
        }
    }

    /// Joins an event about this contract. Events about anything else change nothing.
    pub fn join(&mut self, at: Moment, happened: &Happened) {
        match happened {
            Happened::ContractRequested(terms) => {
                self.conversations.extend(terms.conversation);
                keep_earliest(&mut self.requested, (at, terms.clone()));
            }
            Happened::ContractAccepted { by, conversation, .. } => {
                self.conversations.extend(conversation);
                keep_earliest(&mut self.accepted, (at, *by));
            }
            Happened::ContractRejected { .. } => keep_earliest(&mut self.rejected, at),
            Happened::ContractProvisioned { conversation, .. } => {
                self.conversations.extend(conversation);
                keep_earliest(&mut self.provisioned, at);
            }
            Happened::ContractProvisioningFailed { .. } => keep_earliest(&mut self.provisioning_failed, at),
            Happened::ContractCompleted { .. } => keep_earliest(&mut self.completed, at),
            Happened::ContractCancelled { by, reason, .. } => {
                keep_earliest(&mut self.cancelled, (at, *by));
                if let (CancelledBy::Marketplace, Some(reason)) = (by, reason) {
                    keep_earliest(&mut self.in_vain, (at, *reason));
                }
            }
            Happened::ContractExtended { ends_at, .. } => {
                self.extended_to = self.extended_to.max(Some(*ends_at));
            }
            Happened::ProviderRegistered(_)
            | Happened::ProviderUpdated(_)
            | Happened::ProviderCheckedIn { .. }
            | Happened::OfferingPublished(_)
            | Happened::OfferingWithdrawn { .. }
            | Happened::ContractMonitorsSet { .. } => {}
        }
    }

    /// With what is known of the parties by now: who were found to be one stay so.
    #[must_use]
    pub fn between(self, parties: Parties) -> Self {
        Self { parties: self.parties.max(parties), ..self }
    }

    /// Whether renter and provider are the same party: such a contract is shown and never scored.
    pub fn is_self_dealing(&self) -> bool {
        self.parties == Parties::Same
            || self.terms().is_some_and(|terms| terms.renter_id.as_str() == terms.provider_id.as_str())
    }

    /// The terms, once known.
    pub fn terms(&self) -> Option<&Terms> {
        self.requested.as_ref().map(|(_, terms)| terms)
    }

    /// When it is no longer taken to go on unless something is said of it: [`LAPSE_DAYS`] after its term. `None` until its terms are
    /// known.
    pub fn lapses(&self) -> Option<Moment> {
        Some(self.over()?.plus(LAPSE_DAYS * 86_400))
    }

    /// How it ended, by the earliest word of an end.
    pub fn ended(&self) -> Option<(Moment, End)> {
        let ends = [
            self.completed.map(|at| (at, End::Completed)),
            self.cancelled.map(|(at, by)| (at, End::Cancelled(by))),
            self.provisioning_failed.map(|at| (at, End::ProvisioningFailed)),
            self.rejected.map(|at| (at, End::Rejected)),
        ];
        ends.into_iter().flatten().min()
    }

    /// Which outcome this contract counts as, on which day. `None` until its terms are known.
    ///
    /// Of several ends the earliest counts: what is said of a contract after its end changes nothing.
    pub fn outcome(&self) -> Option<(Day, Outcome)> {
        let (requested, terms) = self.requested.as_ref()?;
        let completed = match self.worth() {
            Worth::SelfDealing => return Some((requested.day(), Outcome::SelfDealing)),
            Worth::Minimal => Outcome::Minimal,
            Worth::Full => Outcome::Completed,
        };
        let ends = [
            self.completed.map(|at| (at, completed)),
            self.cancelled.map(|(at, by)| {
                let cancelled = || Outcome::Cancelled { by, stage: self.stage(at, terms) };
                (at, self.given_up().map_or_else(cancelled, |(_, for_what)| for_what.into()))
            }),
            self.provisioning_failed.map(|at| (at, Outcome::ProvisioningFailed)),
            self.rejected.map(|at| (at, Outcome::Rejected)),
        ];
        let standing = || match (self.provisioned, self.accepted) {
            (Some(at), _) => (at, Outcome::Active),
            (None, Some((at, _))) => (at, Outcome::AwaitingDelivery),
            (None, None) => (*requested, Outcome::AwaitingResponse),
        };
        let (at, outcome) = ends.into_iter().flatten().min().unwrap_or_else(standing);
        let waited_since = match outcome {
            Outcome::NoResponse | Outcome::NeverDelivered => self.given_up().map(|(since, _)| since),
            _ => None,
        };
        Some((waited_since.unwrap_or(at).day(), outcome))
    }

    /// Since when and for what the provider had been waited for in vain when somebody else cancelled, if that is why: after more than
    /// [`PATIENCE_DAYS`], or sooner where the marketplace says so. That it never came is what counts then: a marketplace that clears away what
    /// nobody answered would otherwise clear the provider's record.
    pub fn given_up(&self) -> Option<(Moment, InVain)> {
        let ((requested, _), (cancelled, by)) = (self.requested.as_ref()?, self.cancelled?);
        if by == CancelledBy::Provider || self.provisioned.is_some_and(|at| at <= cancelled) {
            return None;
        }
        let accepted = self.accepted.map(|(at, _)| at).filter(|at| *at <= cancelled);
        let since = accepted.unwrap_or(*requested);
        let said = self.in_vain.filter(|(at, _)| (*at, CancelledBy::Marketplace) == (cancelled, by));
        let waited_long = cancelled.day().since(since.day()) > PATIENCE_DAYS;
        match (accepted, said) {
            (_, None) if !waited_long => None,
            (None, None | Some((_, InVain::NoResponse))) => Some((since, InVain::NoResponse)),
            _ => Some((since, InVain::NotDelivered)),
        }
    }

    fn stage(&self, cancelled: Moment, terms: &Terms) -> Stage {
        match self.provisioned {
            Some(start) if start <= cancelled => {
                // The first tenth of the term, DESIGN §5.
                if u64::from(cancelled.since(start)) * 10 < u64::from(terms.term_seconds.get()) {
                    Stage::Early
                } else {
                    Stage::Late
                }
            }
            _ => Stage::BeforeDelivery,
        }
    }

    /// What it is worth as evidence, as far as it is known.
    pub fn worth(&self) -> Worth {
        let Some(terms) = self.terms() else { return Worth::Full };
        if self.is_self_dealing() {
            Worth::SelfDealing
        } else if terms.price.minor_units == 0
            || self.lasts().is_some_and(|seconds| seconds < MINIMAL_SECONDS)
        {
            Worth::Minimal
        } else {
            Worth::Full
        }
    }

    /// For how many seconds it lasted, or is to: from the handover, where that is not known from the acceptance, else from the request, to its
    /// end or its term with all extensions, whichever is earlier. An end that is told of late makes nothing longer.
    pub fn lasts(&self) -> Option<u32> {
        let over = self.over()?;
        let until = self.ended().map_or(over, |(ended, _)| over.min(ended));
        Some(until.since(self.begun()?))
    }

    /// When it began, as far as is known.
    fn begun(&self) -> Option<Moment> {
        let requested = self.requested.as_ref().map(|(at, _)| *at);
        self.provisioned.or(self.accepted.map(|(at, _)| at)).or(requested)
    }

    /// When its term is over, with all extensions. `None` until its terms are known.
    fn over(&self) -> Option<Moment> {
        let over = self.begun()?.plus(i64::from(self.terms()?.term_seconds.get()));
        Some(self.extended_to.map_or(over, |extended| over.max(extended)))
    }

    /// The renter who was served: the one of a contract that was handed over, and tells something.
    pub fn served(&self) -> Option<(&ProviderId, &RenterId)> {
        let terms = self.terms()?;
        (self.worth() == Worth::Full && self.provisioned.is_some())
            .then_some((&terms.provider_id, &terms.renter_id))
    }

    /// How long the handover took, on its day: from acceptance, or from the request where nobody accepted.
    fn delivery(&self) -> Option<(Day, Bucket)> {
        let (requested, _) = self.requested.as_ref()?;
        let provisioned = self.provisioned.filter(|_| self.worth() != Worth::SelfDealing)?;
        let start = self.accepted.map_or(*requested, |(at, _)| at);
        Some((provisioned.day(), Bucket::of(provisioned.since(start))))
    }

    /// Adds to `delta` what changes in the provider's signal when this contract becomes `after`.
    pub fn difference(&self, after: &Self, delta: &mut ContractDelta) {
        if let Some(terms) = self.terms() {
            for (day, class) in self.counts() {
                delta.counts.lose(&terms.provider_id, day, class);
            }
        }
        if let Some(terms) = after.terms() {
            for (day, class) in after.counts() {
                delta.counts.gain(&terms.provider_id, day, class);
            }
        }
        delta.serve(self.served(), -1);
        delta.serve(after.served(), 1);
    }

    fn counts(&self) -> impl Iterator<Item = (Day, ContractCount)> {
        let outcome = self.outcome().map(|(day, outcome)| (day, ContractCount::Outcome(outcome)));
        let delivery = self.delivery().map(|(day, after)| (day, ContractCount::Delivered { after }));
        outcome.into_iter().chain(delivery)
    }
}

fn keep_earliest<T: Ord>(kept: &mut Option<T>, seen: T) {
    match kept {
        Some(earlier) if *earlier <= seen => {}
        _ => *kept = Some(seen),
    }
}

/// What a contract is worth as evidence, most first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Worth {
    /// In full.
    Full,
    /// Nothing: it cost nothing, or was there for under an hour. Anybody can have many such, so it is shown and never scored.
    Minimal,
    /// Nothing: renter and provider are the same party.
    SelfDealing,
}

/// How a contract ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum End {
    /// It ran its term.
    Completed,
    /// Somebody ended it before its term.
    Cancelled(CancelledBy),
    /// It could not be handed over.
    ProvisioningFailed,
    /// It was declined.
    Rejected,
}

/// What a contract counts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Outcome {
    /// Ran its term.
    Completed,
    /// Ended before its term.
    Cancelled {
        /// By whom.
        by: CancelledBy,
        /// How far it had come.
        stage: Stage,
    },
    /// Could not be handed over.
    ProvisioningFailed,
    /// Declined.
    Rejected,
    /// Runs.
    Active,
    /// Accepted, not handed over yet. After [`PATIENCE_DAYS`] it counts as never delivered.
    AwaitingDelivery,
    /// Requested, not answered yet. After [`PATIENCE_DAYS`] it counts as not responded to.
    AwaitingResponse,
    /// Renter and provider are the same party: shown, never scored.
    SelfDealing,
    /// Ran its term, but for under an hour or for nothing: shown, never scored.
    Minimal,
    /// Given up by somebody else, because the provider never answered.
    NoResponse,
    /// Given up by somebody else, because what the provider accepted was never handed over.
    NeverDelivered,
}

impl From<InVain> for Outcome {
    fn from(awaited: InVain) -> Self {
        match awaited {
            InVain::NoResponse => Self::NoResponse,
            InVain::NotDelivered => Self::NeverDelivered,
        }
    }
}

/// How far a contract had come when it was cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Stage {
    /// Not handed over.
    BeforeDelivery,
    /// In the first tenth of its term.
    Early,
    /// Later.
    Late,
}

/// The class a contract is counted in, within a day: once for its outcome, once for its handover.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ContractCount {
    /// What became of it.
    Outcome(Outcome),
    /// How long the handover took.
    Delivered {
        /// From acceptance.
        after: Bucket,
    },
}

/// The contract signal of one provider and day.
pub type ContractDay = Tally<ContractCount>;

/// What changes in the contract signals.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ContractDelta {
    /// Contracts, by class.
    pub counts: Delta<ContractCount>,
    /// By how many the contracts change in which a provider served a renter. Holds no zero.
    pub served: BTreeMap<(ProviderId, RenterId), i64>,
}

impl ContractDelta {
    /// Whether nothing changes.
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty() && self.served.is_empty()
    }

    fn serve(&mut self, served: Option<(&ProviderId, &RenterId)>, by: i64) {
        let Some((provider, renter)) = served else { return };
        let pair = (provider.clone(), renter.clone());
        let sum = self.served.entry(pair.clone()).or_default();
        *sum += by;
        if *sum == 0 {
            self.served.remove(&pair);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{marketplace::Money, replies::Promise};
    use proptest::prelude::*;

    fn id() -> ContractId {
        "c1".parse().unwrap()
    }

    fn at(hours: i64) -> Moment {
        Moment::parse("2026-11-01T00:00:00Z").unwrap().plus(hours * 3600)
    }

    fn terms(renter: &str) -> Terms {
        Terms {
            contract_id: id(),
            provider_id: "p1".parse().unwrap(),
            renter_id: renter.parse().unwrap(),
            offering_id: "o1".parse().unwrap(),
            term_seconds: (100 * 3600).try_into().unwrap(),
            price: Money { minor_units: 500, currency: "EUR".to_owned().try_into().unwrap() },
            reply_within_seconds: Some(Promise(3600)),
            silent_after_seconds: None,
            conversation: None,
        }
    }

    fn requested() -> Happened {
        Happened::ContractRequested(terms("r1"))
    }

    fn accepted() -> Happened {
        Happened::ContractAccepted { contract_id: id(), by: AcceptedBy::Provider, conversation: None }
    }

    fn provisioned() -> Happened {
        Happened::ContractProvisioned {
            contract_id: id(),
            conversation: None,
            endpoints: Vec::new(),
            sla: None,
        }
    }

    fn cancelled(by: CancelledBy) -> Happened {
        Happened::ContractCancelled { contract_id: id(), by, reason: None }
    }

    fn contract(story: &[(i64, Happened)]) -> Contract {
        let mut contract = Contract::default();
        for (hours, happened) in story {
            contract.join(at(*hours), happened);
        }
        contract
    }

    #[test]
    fn each_story_has_its_outcome_on_the_day_that_decided_it() {
        let completed = Happened::ContractCompleted { contract_id: id() };
        let failed = Happened::ContractProvisioningFailed { contract_id: id() };
        let rejected = Happened::ContractRejected { contract_id: id() };
        let start = [(0, requested()), (1, accepted()), (2, provisioned())];
        let until = |end: (i64, Happened)| [&start[..], &[end]].concat();
        let cancel = |by, stage| Outcome::Cancelled { by, stage };
        for (story, day, outcome) in [
            (start[..1].to_vec(), 0, Outcome::AwaitingResponse),
            (start[..2].to_vec(), 0, Outcome::AwaitingDelivery),
            (start.to_vec(), 0, Outcome::Active),
            (vec![(0, requested()), (30, rejected)], 1, Outcome::Rejected),
            (vec![(0, requested()), (1, accepted()), (50, failed)], 2, Outcome::ProvisioningFailed),
            (until((102, completed)), 4, Outcome::Completed),
            // The first tenth of 100 h ends 10 h after the handover at hour 2.
            (until((11, cancelled(CancelledBy::Provider))), 0, cancel(CancelledBy::Provider, Stage::Early)),
            (until((12, cancelled(CancelledBy::Provider))), 0, cancel(CancelledBy::Provider, Stage::Late)),
            (until((49, cancelled(CancelledBy::Renter))), 2, cancel(CancelledBy::Renter, Stage::Late)),
            (
                vec![(0, requested()), (1, cancelled(CancelledBy::Marketplace))],
                0,
                cancel(CancelledBy::Marketplace, Stage::BeforeDelivery),
            ),
        ] {
            assert_eq!(contract(&story).outcome(), Some((at(day * 24).day(), outcome)), "{story:?}");
        }
    }

    #[test]
    fn who_gives_up_waiting_leaves_the_delay_on_record() {
        for by in [CancelledBy::Renter, CancelledBy::Marketplace] {
            let give_up =
                |hours| contract(&[(0, requested()), (1, accepted()), (hours, cancelled(by))]).outcome();
            assert!(matches!(give_up(7 * 24), Some((_, Outcome::Cancelled { .. }))));
            assert_eq!(give_up(9 * 24), Some((at(0).day(), Outcome::NeverDelivered)));
            let unanswered = contract(&[(0, requested()), (9 * 24, cancelled(by))]);
            assert_eq!(unanswered.outcome(), Some((at(0).day(), Outcome::NoResponse)));
        }
        let by_himself = contract(&[(0, requested()), (9 * 24, cancelled(CancelledBy::Provider))]).outcome();
        assert!(matches!(by_himself, Some((_, Outcome::Cancelled { by: CancelledBy::Provider, .. }))));
    }

    #[test]
    fn what_is_said_after_the_end_changes_nothing() {
        let story = [
            (0, requested()),
            (5, cancelled(CancelledBy::Renter)),
            (9, Happened::ContractCompleted { contract_id: id() }),
        ];
        assert!(matches!(contract(&story).outcome(), Some((_, Outcome::Cancelled { .. }))));
    }

    #[test]
    fn what_the_marketplace_gives_up_counts_as_what_was_waited_for_on_the_day_it_was_waited_for_since() {
        let cleared =
            |by, reason| Happened::ContractCancelled { contract_id: id(), by, reason: Some(reason) };
        let no_response = cleared(CancelledBy::Marketplace, InVain::NoResponse);
        let not_delivered = cleared(CancelledBy::Marketplace, InVain::NotDelivered);
        let cancelled = |by, stage| Outcome::Cancelled { by, stage };
        for (story, day, outcome) in [
            (vec![(0, requested()), (30, no_response.clone())], 0, Outcome::NoResponse),
            (vec![(0, requested()), (30, not_delivered.clone())], 0, Outcome::NeverDelivered),
            (
                vec![(0, requested()), (30, accepted()), (60, not_delivered.clone())],
                30,
                Outcome::NeverDelivered,
            ),
            (
                vec![(0, requested()), (30, accepted()), (60, no_response.clone())],
                30,
                Outcome::NeverDelivered,
            ),
            // He answered when it was over.
            (vec![(0, requested()), (30, no_response.clone()), (60, accepted())], 0, Outcome::NoResponse),
            (vec![(0, requested()), (30, no_response.clone()), (60, provisioned())], 0, Outcome::NoResponse),
            // Only the marketplace can say so, and not of what was there, nor after another end.
            (
                vec![(0, requested()), (30, cleared(CancelledBy::Renter, InVain::NoResponse))],
                30,
                cancelled(CancelledBy::Renter, Stage::BeforeDelivery),
            ),
            (
                vec![(0, requested()), (30, provisioned()), (60, not_delivered)],
                60,
                cancelled(CancelledBy::Marketplace, Stage::Late),
            ),
            (
                vec![
                    (0, requested()),
                    (
                        30,
                        Happened::ContractCancelled {
                            contract_id: id(),
                            by: CancelledBy::Renter,
                            reason: None,
                        },
                    ),
                    (60, no_response),
                ],
                30,
                cancelled(CancelledBy::Renter, Stage::BeforeDelivery),
            ),
        ] {
            assert_eq!(contract(&story).outcome(), Some((at(day).day(), outcome)), "{story:?}");
        }
    }

    #[test]
    fn an_event_before_its_request_is_kept_and_counts_when_the_request_comes() {
        let early = contract(&[(5, Happened::ContractCompleted { contract_id: id() })]);
        assert_eq!(early.outcome(), None);
        let mut delta = ContractDelta::default();
        Contract::default().difference(&early, &mut delta);
        assert!(delta.is_empty());

        let mut whole = early.clone();
        whole.join(at(0), &requested());
        early.difference(&whole, &mut delta);
        let provider: ProviderId = "p1".parse().unwrap();
        let counted: Vec<_> = delta.counts.iter().collect();
        assert_eq!(counted.len(), 1);
        assert_eq!(counted[0].0, &provider);
        assert_eq!(counted[0].2[&ContractCount::Outcome(Outcome::Completed)], 1);
    }

    #[test]
    fn a_provider_renting_from_himself_counts_as_self_dealing_only() {
        let story = [
            (0, Happened::ContractRequested(terms("p1"))),
            (1, provisioned()),
            (2, Happened::ContractCompleted { contract_id: id() }),
        ];
        let contract = contract(&story);
        assert_eq!(
            contract.counts().collect::<Vec<_>>(),
            [(at(0).day(), ContractCount::Outcome(Outcome::SelfDealing))]
        );
    }

    fn any_event() -> impl Strategy<Value = (i64, Happened)> {
        let happened = prop_oneof![
            Just(requested()),
            Just(Happened::ContractRequested(terms("r2"))),
            Just(accepted()),
            Just(Happened::ContractAccepted { contract_id: id(), by: AcceptedBy::Auto, conversation: None }),
            Just(provisioned()),
            Just(Happened::ContractRejected { contract_id: id() }),
            Just(Happened::ContractProvisioningFailed { contract_id: id() }),
            Just(Happened::ContractCompleted { contract_id: id() }),
            Just(cancelled(CancelledBy::Renter)),
            Just(cancelled(CancelledBy::Provider)),
            Just(Happened::ContractCancelled {
                contract_id: id(),
                by: CancelledBy::Marketplace,
                reason: Some(InVain::NoResponse),
            }),
            (0..300i64)
                .prop_map(|hours| Happened::ContractExtended { contract_id: id(), ends_at: at(hours) }),
        ];
        (0..200i64, happened)
    }

    proptest! {
        #[test]
        fn any_order_and_doubling_of_events_gives_the_same_contract(
            (story, shuffled) in prop::collection::vec(any_event(), 0..10).prop_flat_map(|story| {
                let doubled: Vec<_> = story.iter().chain(story.iter().take(4)).cloned().collect();
                (Just(story), Just(doubled).prop_shuffle())
            })
        ) {
            prop_assert_eq!(contract(&story), contract(&shuffled));
        }

        #[test]
        fn the_steps_of_the_signal_add_up_to_the_whole(story in prop::collection::vec(any_event(), 0..10)) {
            let mut steps = ContractDelta::default();
            let mut known = Contract::default();
            for (hours, happened) in &story {
                let mut next = known.clone();
                next.join(at(*hours), happened);
                known.difference(&next, &mut steps);
                known = next;
            }
            let mut whole = ContractDelta::default();
            Contract::default().difference(&known, &mut whole);
            prop_assert_eq!(steps, whole);
        }
    }
}
