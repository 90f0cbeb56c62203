//! All that one renter has said of one provider, and which of it counts.
//!
//! Whether a vote counts depends on the renter's other votes for the provider, so it is decided over all of them, in the order in which they
//! were first answered, whatever the order in which they came in.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Answers, Ballot, FeedbackCount, FeedbackDelta, Refused, Standing};
use crate::{
    contract::{Contract, MINIMAL_SECONDS},
    id::{ContractId, ProviderId},
    parties::Parties,
    time::{Day, Moment},
};

/// Seconds within which one vote of a renter for a provider counts (DESIGN §5). Shorter lets a friend vote more often; longer silences
/// a customer who comes back.
const ONE_VOTE_IN: u32 = 90 * 86_400;

/// The most votes kept of a renter and provider. The earliest revealed ones are forgotten beyond it; what they counted as stays. More
/// could not all change their standing in one transaction.
const MOST_VOTES: usize = 60;

/// What of a contract decides whether a vote about it counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deal {
    /// What it cost, in minor units.
    pub price: u64,
    /// For how many seconds the service was there; absent where it was not provisioned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lasted: Option<u32>,
}

impl Deal {
    /// What is known of a contract; `None` before its terms are.
    pub fn of(contract: &Contract) -> Option<Self> {
        let price = contract.terms()?.price.minor_units;
        let lasted = contract.provisioned.and(contract.lasts());
        Some(Self { price, lasted })
    }
}

/// What a word of a renter about a contract counts as, given when the last one that counted was; it is that one then, if it counts.
pub(crate) fn stands(parties: Parties, deal: Deal, at: Moment, counted: &mut Option<Moment>) -> Standing {
    if parties == Parties::Same {
        Standing::SameParty
    } else if deal.price == 0 {
        Standing::Free
    } else if deal.lasted.is_some_and(|seconds| seconds < MINIMAL_SECONDS) {
        Standing::TooShort
    } else if counted.is_some_and(|before| at.since(before) < ONE_VOTE_IN) {
        Standing::Repeated
    } else {
        *counted = Some(at);
        Standing::Counted
    }
}

/// A vote about one contract.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vote {
    /// What was answered.
    pub ballot: Ballot,
    /// What it was about.
    pub deal: Deal,
}

/// All votes of one renter for one provider.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Votes {
    /// Whether they are two.
    #[serde(default)]
    pub parties: Parties,
    about: BTreeMap<ContractId, Vote>,
    /// When the last one that counted was answered, of those that are forgotten.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    counted_until: Option<Moment>,
}

impl Votes {
    /// The vote about a contract.
    pub fn about(&self, contract: &ContractId) -> Option<&Vote> {
        self.about.get(contract)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.about.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.about.is_empty()
    }

    /// With an answer about a contract, unless it comes too late.
    pub fn cast(
        &self,
        contract: &ContractId,
        deal: Deal,
        (at, answers): (Moment, Answers),
    ) -> Result<Self, Refused> {
        let mut next = self.clone();
        match next.about.get_mut(contract) {
            Some(vote) => {
                vote.ballot.takes(at)?;
                vote.ballot.join(at, answers);
                vote.deal = deal;
            }
            None => {
                next.about.insert(contract.clone(), Vote { ballot: Ballot::new(at, answers), deal });
            }
        }
        Ok(next)
    }

    /// With what is known by now of the parties and of one contract.
    #[must_use]
    pub fn known(&self, parties: Parties, contract: &ContractId, deal: Deal) -> Self {
        let mut next = Self { parties, ..self.clone() };
        if let Some(vote) = next.about.get_mut(contract) {
            vote.deal = deal;
        }
        next
    }

    /// Without the earliest ones, if there are more than are kept and they are revealed. What they counted as stays as it is.
    #[must_use]
    pub fn without_old(&self, now: Moment) -> Self {
        let mut next = self.clone();
        let excess = self.about.len().saturating_sub(MOST_VOTES);
        let old = self.standings().into_iter().take(excess);
        for (contract, vote, standing) in
            old.take_while(|(_, vote, _)| vote.ballot.revealed_on().start() <= now)
        {
            if standing == Standing::Counted {
                next.counted_until = Some(vote.ballot.answered_at());
            }
            next.about.remove(contract);
        }
        next
    }

    /// Each vote with what it counts as, in the order in which they were first answered.
    pub fn standings(&self) -> Vec<(&ContractId, &Vote, Standing)> {
        let mut votes: Vec<_> = self.about.iter().collect();
        votes.sort_by_key(|(contract, vote)| (vote.ballot.answered_at(), *contract));
        let mut counted = self.counted_until;
        let mut standing =
            |vote: &Vote| stands(self.parties, vote.deal, vote.ballot.answered_at(), &mut counted);
        votes.into_iter().map(|(contract, vote)| (contract, vote, standing(vote))).collect()
    }

    /// Adds to `delta` what changes in the provider's signal when these become `after`.
    pub fn difference(&self, after: &Self, provider: &ProviderId, delta: &mut FeedbackDelta) {
        for (day, class) in self.counts() {
            delta.lose(provider, day, class);
        }
        for (day, class) in after.counts() {
            delta.gain(provider, day, class);
        }
    }

    fn counts(&self) -> Vec<(Day, FeedbackCount)> {
        let of_vote = |(_, vote, standing): (_, &Vote, Standing)| {
            let day = vote.ballot.revealed_on();
            let count = move |(question, answer)| (day, FeedbackCount { question, answer, standing });
            vote.ballot.answers().each().map(count)
        };
        self.standings().into_iter().flat_map(of_vote).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{
        super::{
            Answer, Question,
            tests::{any_answers, said},
        },
        *,
    };
    use crate::{
        marketplace::{CancelledBy, Happened, Profile},
        provider::Provider,
    };

    const DAY: i64 = 86_400;
    const PAID: Deal = Deal { price: 500, lasted: Some(86_400) };

    fn happy() -> Answers {
        said(Answer::Yes, Answer::Yes)
    }

    fn contract(number: usize) -> ContractId {
        format!("c{number}").parse().unwrap()
    }

    fn day(days: i64) -> Moment {
        Moment::parse("2026-11-02T12:00:00Z").unwrap().plus(days * DAY)
    }

    fn votes(story: &[(Deal, i64)]) -> Votes {
        story.iter().enumerate().fold(Votes::default(), |votes, (number, (deal, days))| {
            votes.cast(&contract(number), *deal, (day(*days), happy())).unwrap()
        })
    }

    fn standings(votes: &Votes) -> Vec<Standing> {
        votes.standings().into_iter().map(|(_, _, standing)| standing).collect()
    }

    #[test]
    fn one_vote_in_ninety_days_counts_and_the_next_one_counts_again() {
        use Standing::{Counted, Repeated};
        let story = [(PAID, 0), (PAID, 1), (PAID, 89), (PAID, 90), (PAID, 179), (PAID, 180)];
        assert_eq!(standings(&votes(&story)), [Counted, Repeated, Repeated, Counted, Repeated, Counted]);
    }

    #[test]
    fn a_vote_about_what_was_free_or_over_at_once_does_not_count_nor_stand_in_the_way_of_one_that_does() {
        let (free, short) = (Deal { price: 0, ..PAID }, Deal { lasted: Some(3599), ..PAID });
        let never_there = Deal { lasted: None, ..PAID };
        assert_eq!(
            standings(&votes(&[(free, 0), (short, 1), (never_there, 2), (PAID, 3)])),
            [Standing::Free, Standing::TooShort, Standing::Counted, Standing::Repeated]
        );
        assert_eq!(standings(&votes(&[(Deal { lasted: Some(3600), ..PAID }, 0)])), [Standing::Counted]);
    }

    #[test]
    fn a_deal_is_what_the_contract_says() {
        let id = contract(1);
        let terms = serde_json::json!({
            "contract_id": id, "provider_id": "p1", "renter_id": "r1", "offering_id": "o1", "term_seconds": 7200,
            "price": { "minor_units": 7, "currency": "EUR" },
        });
        let mut known = Contract::default();
        assert_eq!(Deal::of(&known), None);
        known.join(day(0), &Happened::ContractRequested(serde_json::from_value(terms).unwrap()));
        assert_eq!(Deal::of(&known), Some(Deal { price: 7, lasted: None }));
        let provisioned = Happened::ContractProvisioned {
            contract_id: id.clone(),
            conversation: None,
            endpoints: Vec::new(),
            sla: None,
        };
        known.join(day(1), &provisioned);
        known.join(
            day(1).plus(60),
            &Happened::ContractCancelled { contract_id: id, by: CancelledBy::Renter, reason: None },
        );
        assert_eq!(Deal::of(&known), Some(Deal { price: 7, lasted: Some(60) }));
    }

    #[test]
    fn who_stands_behind_both_votes_for_himself() {
        let of = |provider: &str, operator: Option<&str>| {
            let profile = Profile {
                provider_id: provider.parse().unwrap(),
                name: provider.to_owned().try_into().unwrap(),
                operator_id: operator.map(|operator| operator.parse().unwrap()),
                website: None,
                chat: None,
                agents: std::collections::BTreeSet::new(),
            };
            Provider { profile: Some((day(0), profile)), ..Provider::default() }
        };
        let nobody = Provider::default();
        let mut renamed = of("p2", None);
        renamed.operators.insert("op".parse().unwrap());
        for (renter, operator, as_provider, parties) in [
            ("r1", None, &nobody, Parties::Distinct),
            ("r1", Some("op"), &nobody, Parties::Distinct),
            ("p1", None, &nobody, Parties::Same),
            ("op", Some("op"), &nobody, Parties::Same),
            ("p2", Some("op"), &of("p2", Some("op")), Parties::Same),
            ("p2", Some("op"), &of("p2", Some("another")), Parties::Distinct),
            ("p2", Some("op"), &of("p2", None), Parties::Distinct),
            ("p2", None, &of("p2", None), Parties::Distinct),
            ("p2", None, &of("p2", Some("p1")), Parties::Same),
            // Whoever was named once.
            ("p2", Some("op"), &renamed, Parties::Same),
        ] {
            let provider = "p1".parse().unwrap();
            let known = of("p1", operator);
            let decided = Parties::of((&provider, &known), (&renter.parse().unwrap(), as_provider));
            assert_eq!(decided, parties, "{renter} {operator:?}");
        }
    }

    #[test]
    fn what_becomes_known_of_the_parties_moves_all_votes_to_where_they_belong() {
        let before = votes(&[(PAID, 0), (PAID, 90)]);
        let after = before.known(Parties::Same, &contract(0), PAID);
        let (provider, mut delta) = ("p1".parse().unwrap(), FeedbackDelta::default());
        before.difference(&after, &provider, &mut delta);
        let count = |standing| FeedbackCount { question: Question::RentAgain, answer: Answer::Yes, standing };
        assert_eq!(delta.days(), 2);
        for (_, _, classes) in delta.iter() {
            assert_eq!((classes[&count(Standing::Counted)], classes[&count(Standing::SameParty)]), (-1, 1));
        }
    }

    #[test]
    fn old_votes_are_forgotten_and_what_is_decided_stays_as_if_they_were_not() {
        let story: Vec<(Deal, i64)> = (0..100).map(|number| (PAID, number * 31)).collect();
        let all = votes(&story);
        let now = day(100 * 31);
        let kept = all.without_old(now);
        assert_eq!(kept.len(), MOST_VOTES);
        assert_eq!(standings(&kept), standings(&all)[100 - MOST_VOTES..]);
        // Those that are not revealed yet could still change.
        assert_eq!(all.without_old(day(0)).len(), 100);
    }

    fn any_vote() -> impl Strategy<Value = (usize, i64, Answers)> {
        (0..4usize, 0..400i64, any_answers())
    }

    fn deal_of(number: usize) -> Deal {
        [PAID, PAID, Deal { price: 0, ..PAID }, Deal { lasted: Some(5), ..PAID }][number]
    }

    fn joined(story: &[(usize, i64, Answers)]) -> Votes {
        let mut votes = Votes::default();
        for (number, days, answers) in story {
            let ballot = Ballot::new(day(*days), *answers);
            let vote =
                votes.about.entry(contract(*number)).or_insert(Vote { ballot, deal: deal_of(*number) });
            vote.ballot.join(day(*days), *answers);
        }
        votes
    }

    proptest! {
        #[test]
        fn any_order_of_votes_counts_the_same(
            (story, shuffled) in prop::collection::vec(any_vote(), 0..12)
                .prop_flat_map(|story| (Just(story.clone()), Just(story).prop_shuffle()))
        ) {
            let (one, other) = (joined(&story), joined(&shuffled));
            prop_assert_eq!(one.counts(), other.counts());
            let counted: Vec<Moment> = one.standings().into_iter()
                .filter(|(_, _, standing)| *standing == Standing::Counted)
                .map(|(_, vote, _)| vote.ballot.answered_at()).collect();
            prop_assert!(counted.windows(2).all(|pair| pair[1].since(pair[0]) >= ONE_VOTE_IN));
        }

        #[test]
        fn the_steps_of_the_signal_add_up_to_the_whole_and_each_vote_is_counted_once_a_question(
            story in prop::collection::vec(any_vote(), 0..12)
        ) {
            let provider = "p1".parse().unwrap();
            let mut steps = FeedbackDelta::default();
            let mut known = Votes::default();
            for end in 0..=story.len() {
                let next = joined(&story[..end]);
                known.difference(&next, &provider, &mut steps);
                known = next;
            }
            let mut whole = FeedbackDelta::default();
            Votes::default().difference(&known, &provider, &mut whole);
            prop_assert_eq!(&steps, &whole);
            let sum: i64 = whole.iter().flat_map(|(_, _, classes)| classes.values().copied()).sum();
            prop_assert_eq!(sum, 2 * known.len() as i64);
            let mondays: Vec<Day> = whole.iter().map(|(_, day, _)| day).collect();
            prop_assert!(mondays.into_iter().all(super::super::is_monday));
        }
    }
}
