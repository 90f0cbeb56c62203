//! What the score keeps to, whatever the evidence: how far one observation moves it, in which direction, and what changes nothing.

#![expect(clippy::unwrap_used, reason = "a test that can not go on fails")]

mod world;

use proptest::{prelude::*, sample::Index};
use trust::{
    contract::Contract,
    marketplace::{CancelledBy, Happened},
    policy::{Family, Policy},
    score::{Evidence, Kind, Quality, Score, Weighted, score},
    time::{Day, Moment},
};
use world::{Agreed, World};

/// Rounding to billionths, of two scores and their difference.
const ROUNDING: f64 = 3e-9;

fn today() -> Day {
    Day::parse("2026-11-23").unwrap()
}

/// One thing that was observed.
#[derive(Debug, Clone, Copy)]
struct Observation {
    family: Family,
    kind: Kind,
    ago: u16,
    weight: u32,
    quality: u64,
}

impl Observation {
    fn is_good(self) -> bool {
        self.quality == 1000
    }
}

/// Evidence of these; of a day of uptime, which there is only one of, the last.
fn evidence(observations: &[Observation]) -> Evidence {
    let mut evidence = Evidence::new();
    for observed in observations {
        let family = evidence.entry(observed.family).or_default();
        let weighted =
            Weighted { count: 0, weight: observed.weight, quality: Quality::thousandths(observed.quality) };
        let kept = family.entry((today().minus(observed.ago), observed.kind)).or_insert(weighted);
        if observed.kind == Kind::ServiceDay {
            *kept = Weighted { count: 1, ..weighted };
        } else {
            kept.count += 1;
        }
    }
    evidence
}

fn scored(observations: &[Observation]) -> Score {
    score(Policy::current(), &evidence(observations), today())
}

fn points(observations: &[Observation]) -> f64 {
    scored(observations).points.value()
}

fn mean(observations: &[Observation], family: Family) -> f64 {
    let score = scored(observations);
    score.families.iter().find(|of| of.family == family).unwrap().mean.value()
}

/// The families that there is evidence of, and the most that one observation weighs in each, in thousandths.
const SCORED: [(Family, u32); 5] = [
    (Family::Uptime, 1000),
    (Family::Replies, 1000),
    (Family::Contracts, 1000),
    (Family::Feedback, 500),
    (Family::Claims, 1000),
];

fn observation(family: Family) -> BoxedStrategy<Observation> {
    let policy = Policy::current();
    let (contracts, votes) = (&policy.contract_weights, &policy.feedback_weights);
    let kinds = match family {
        Family::Replies => {
            vec![(Kind::RepliedInTime, 1000, 1000), (Kind::RepliedLate, 1000, 0), (Kind::Overdue, 1000, 0)]
        }
        Family::Contracts => vec![
            (Kind::Completed, contracts.completed, 1000),
            (Kind::CancelledByProvider, contracts.cancelled_by_provider, 0),
            (Kind::ProvisioningFailed, contracts.provisioning_failed, 0),
            (Kind::NeverDelivered, contracts.never_delivered, 0),
            (Kind::NoResponse, contracts.no_response, 0),
            (Kind::Rejected, contracts.rejected, 0),
        ],
        Family::Feedback => vec![
            (Kind::MatchedDescription, votes.matched_description, 1000),
            (Kind::DidNotMatch, votes.matched_description, 0),
            (Kind::WouldRentAgain, votes.rent_again, 1000),
            (Kind::WouldNotRentAgain, votes.rent_again, 0),
        ],
        Family::Claims => vec![
            (Kind::AsClaimed, policy.claims.held, 1000),
            (Kind::NotAsClaimed, policy.claims.contradicted, 0),
        ],
        Family::Uptime => vec![],
    };
    // Some lie beyond the horizon, most are young: there an observation weighs most.
    let ago = prop_oneof![Just(0u16), 0..30u16, 0..policy.family(family).horizon_days + 30];
    if kinds.is_empty() {
        let kept = prop_oneof![Just(0u64), Just(1000), 0..=1000u64];
        let day = (ago, 1..=20u32, kept).prop_map(move |(ago, twentieths, quality)| Observation {
            family,
            kind: Kind::ServiceDay,
            ago,
            weight: twentieths * 50,
            quality,
        });
        return day.boxed();
    }
    (ago, prop::sample::select(kinds))
        .prop_map(move |(ago, (kind, weight, quality))| Observation { family, kind, ago, weight, quality })
        .boxed()
}

fn any_observation() -> impl Strategy<Value = Observation> {
    prop::sample::select(SCORED.to_vec()).prop_flat_map(|(family, _)| observation(family))
}

/// A provider's observations, mostly of one colour in each family: there one more moves most.
fn observations() -> impl Strategy<Value = Vec<Observation>> {
    let of_family = |family| {
        let colour = prop_oneof![Just(None), Just(Some(true)), Just(Some(false))];
        (prop::collection::vec(observation(family), 0..25), colour).prop_map(|(all, colour)| {
            all.into_iter().filter(|one| colour.is_none_or(|good| one.is_good() == good)).collect::<Vec<_>>()
        })
    };
    SCORED.map(|(family, _)| of_family(family)).prop_map(|families| unique(families.into_iter().flatten()))
}

/// Without second days of uptime.
fn unique(observations: impl Iterator<Item = Observation>) -> Vec<Observation> {
    let mut days = std::collections::BTreeSet::new();
    observations.filter(|one| one.kind != Kind::ServiceDay || days.insert(one.ago)).collect()
}

/// How many points one observation moves the score by at most.
#[derive(Debug, Clone, Copy)]
struct Bound {
    /// One more, or one less, that is good.
    good: f64,
    /// One more, or one less, that is bad.
    bad: f64,
    /// Another in its place.
    exchanged: f64,
}

/// By the formula of the document.
fn bound(family: Family) -> Bound {
    let rules = Policy::current().family(family);
    let share = |thousandths: u32| f64::from(thousandths) / 1000.0;
    let (k, m, weight) = (share(rules.prior_strength), share(rules.prior_mean), share(rules.weight));
    let (_, t) = SCORED.into_iter().find(|(of, _)| *of == family).unwrap();
    let t = share(t);
    let more = |against: f64| {
        let n = k.max(against + (against * against + against * t).sqrt());
        100.0 * weight * t * (n - against) / (n * (n + t))
    };
    Bound { good: more(k * m), bad: more(k * (1.0 - m)), exchanged: 100.0 * weight * t / (k + t) }
}

#[test]
fn the_document_states_how_far_one_observation_moves_the_score() {
    let document = include_str!("../../../docs/scoring.md");
    for (family, _) in SCORED {
        let Bound { good, bad, exchanged } = bound(family);
        let up = |points: f64| format!("{:.2}", (points * 100.0).ceil() / 100.0);
        let name = serde_json::to_value(family).unwrap();
        let row = format!("| {} | {} | {} | {} |", name.as_str().unwrap(), up(good), up(bad), up(exchanged));
        assert!(document.contains(&row), "{row}");
    }
}

/// A bound that nothing comes near would be no use, and a test of it could not fail.
#[test]
fn the_bounds_are_reached() {
    for (family, weight) in SCORED {
        let one = |quality: u64, ago: u16| {
            let kind = match (family, quality) {
                (Family::Uptime, _) => Kind::ServiceDay,
                (Family::Replies, 0) => Kind::RepliedLate,
                (Family::Replies, _) => Kind::RepliedInTime,
                (Family::Contracts, 0) => Kind::ProvisioningFailed,
                (Family::Contracts, _) => Kind::Completed,
                (Family::Feedback, 0) => Kind::DidNotMatch,
                (Family::Feedback, _) => Kind::MatchedDescription,
                (Family::Claims, 0) => Kind::NotAsClaimed,
                (Family::Claims, _) => Kind::AsClaimed,
            };
            Observation { family, kind, ago, weight, quality }
        };
        let bound = bound(family);
        let nothing = points(&[]);
        let (good, bad) = (points(&[one(1000, 0)]), points(&[one(0, 0)]));
        assert!((good - bad - bound.exchanged).abs() < 1e-6, "{family:?}");
        assert!((nothing - bad - bound.bad).abs() < 1e-6, "{family:?}");
        // The most comes to whom much bad is known of: how much, depends on the family.
        let most = (0..20u16)
            .map(|bads| {
                let before: Vec<_> = (0..bads)
                    .map(|number| one(0, u16::from(family == Family::Uptime) * (number + 1)))
                    .collect();
                let after: Vec<_> = before.iter().copied().chain([one(1000, 0)]).collect();
                points(&after) - points(&before)
            })
            .fold(0.0, f64::max);
        assert!(
            most <= bound.good + ROUNDING && most > 0.98 * bound.good,
            "{family:?}: {most} of {}",
            bound.good
        );
    }
}

/// Contracts as they are told: each with what happened to it.
fn stories() -> impl Strategy<Value = Vec<(i64, u8)>> {
    prop::collection::vec((0..700i64, 0..6u8), 1..12)
}

fn told(stories: &[(i64, u8)]) -> World {
    let mut world = World::new("p-1");
    for (number, &(ago, ending)) in stories.iter().enumerate() {
        let at = today().start().plus(-ago * 86_400 + number as i64);
        let agreed = Agreed {
            renter: format!("r-{}", number % 5).parse().unwrap(),
            price: 100,
            term: 86_400,
            promise: None,
            silent_after: None,
        };
        if ending == 0 {
            world.serve(at, agreed);
            continue;
        }
        let contract = world.request(at, agreed);
        match ending {
            1 => world.decline(at.plus(60), &contract),
            2 => world.accept(at.plus(60), &contract),
            3 => world.fail(at.plus(60), &contract),
            4 => world.cancel(at.plus(60), &contract, CancelledBy::Provider),
            _ => {}
        }
    }
    world
}

/// The events that a contract is the join of.
fn events(contract: &Contract) -> Vec<(Moment, Happened)> {
    let (requested, terms) = contract.requested.clone().unwrap();
    let contract_id = terms.contract_id.clone();
    let id = || contract_id.clone();
    let accepted = |(at, by)| (at, Happened::ContractAccepted { contract_id: id(), by, conversation: None });
    let provisioned = |at| {
        let (conversation, endpoints, sla) = (None, Vec::new(), None);
        (at, Happened::ContractProvisioned { contract_id: id(), conversation, endpoints, sla })
    };
    [
        Some((requested, Happened::ContractRequested(terms))),
        contract.accepted.map(accepted),
        contract.rejected.map(|at| (at, Happened::ContractRejected { contract_id: id() })),
        contract.provisioned.map(provisioned),
        contract
            .provisioning_failed
            .map(|at| (at, Happened::ContractProvisioningFailed { contract_id: id() })),
        contract.completed.map(|at| (at, Happened::ContractCompleted { contract_id: id() })),
        contract.cancelled.map(|(at, by)| {
            let reason = contract.in_vain.filter(|(given, _)| *given == at).map(|(_, reason)| reason);
            (at, Happened::ContractCancelled { contract_id: id(), by, reason })
        }),
    ]
    .into_iter()
    .flatten()
    .collect()
}

proptest! {
    #[test]
    fn one_observation_more_or_less_moves_the_score_by_no_more_than_stated(
        before in observations(), one in any_observation()
    ) {
        prop_assume!(before.iter().all(|other| one.kind != Kind::ServiceDay || other.kind != one.kind || other.ago != one.ago));
        let after: Vec<_> = before.iter().copied().chain([one]).collect();
        let moved = points(&after) - points(&before);
        let bound = bound(one.family);
        prop_assert!(moved <= bound.good + ROUNDING, "{moved}");
        prop_assert!(moved >= -bound.bad - ROUNDING, "{moved}");
    }

    #[test]
    fn another_observation_in_its_place_moves_the_score_by_no_more_than_stated(
        before in observations(), which: Index, other in any_observation()
    ) {
        let alike: Vec<usize> = (0..before.len()).filter(|&at| before[at].family == other.family).collect();
        prop_assume!(!alike.is_empty());
        let mut after = before.clone();
        after[*which.get(&alike)] = other;
        prop_assume!(unique(after.iter().copied()).len() == after.len());
        let moved = points(&after) - points(&before);
        prop_assert!(moved.abs() <= bound(other.family).exchanged + ROUNDING, "{moved}");
    }

    #[test]
    fn good_never_lowers_a_family_and_bad_never_raises_it(before in observations(), one in any_observation()) {
        prop_assume!(one.quality == 0 || one.is_good());
        prop_assume!(before.iter().all(|other| one.kind != Kind::ServiceDay || other.kind != one.kind || other.ago != one.ago));
        let after: Vec<_> = before.iter().copied().chain([one]).collect();
        for (family, _) in SCORED {
            let (was, is) = (mean(&before, family), mean(&after, family));
            if family != one.family {
                prop_assert_eq!(was.to_bits(), is.to_bits(), "evidence of one family says nothing of another");
            } else if one.is_good() {
                prop_assert!(is >= was - 1e-9);
            } else {
                prop_assert!(is <= was + 1e-9);
            }
        }
    }

    #[test]
    fn a_day_of_which_more_was_kept_never_counts_for_less(before in observations(), which: Index, more in 0..=1000u64) {
        let days: Vec<usize> = (0..before.len()).filter(|&at| before[at].kind == Kind::ServiceDay).collect();
        prop_assume!(!days.is_empty());
        let mut after = before.clone();
        let day = &mut after[*which.get(&days)];
        day.quality = day.quality.max(more);
        prop_assert!(mean(&after, Family::Uptime) >= mean(&before, Family::Uptime) - 1e-9);
    }

    #[test]
    fn the_order_of_observations_changes_nothing(mut all in observations().prop_shuffle()) {
        let one = scored(&all);
        all.reverse();
        prop_assert_eq!(scored(&all), one);
    }

    #[test]
    fn events_in_any_order_and_twice_make_the_same_summary(
        (stories, retold) in stories().prop_flat_map(|stories| {
            let once: Vec<_> = told(&stories).contracts.values().flat_map(events).collect();
            let retold = prop::collection::vec(prop::sample::select(once.clone()), 0..10)
                .prop_map(move |again| once.iter().cloned().chain(again).collect::<Vec<_>>());
            (Just(stories), retold.prop_shuffle())
        })
    ) {
        let world = told(&stories);
        let mut other = World::new("p-1");
        for (at, happened) in &retold {
            let id = Contract::subject(happened).unwrap().clone();
            other.contracts.entry(id).or_default().join(*at, happened);
        }
        let now = today().start().plus(43_200);
        prop_assert_eq!(other.summary(now), world.summary(now));
    }

    /// The very first that says the opposite of the prior may widen it: two that disagree are less sure than one.
    #[test]
    fn from_two_observations_on_more_of_the_same_mix_narrow_every_interval(
        good in 0..40u64, bad in 0..40u64, times in 2..8u64
    ) {
        prop_assume!(good + bad >= 2);
        for (family, good_kind, bad_kind) in [
            (Family::Replies, Kind::RepliedInTime, Kind::RepliedLate),
            (Family::Contracts, Kind::Completed, Kind::ProvisioningFailed),
            (Family::Feedback, Kind::MatchedDescription, Kind::DidNotMatch),
            (Family::Claims, Kind::AsClaimed, Kind::NotAsClaimed),
        ] {
            let widths = |times: u64| {
                let of = |count, quality| Weighted { count: count * times, weight: 1000, quality };
                let observed = [
                    ((today(), good_kind), of(good, Quality::GOOD)),
                    ((today(), bad_kind), of(bad, Quality::BAD)),
                ];
                let evidence = Evidence::from([(family, observed.into())]);
                let score = score(Policy::current(), &evidence, today());
                let of = score.families.iter().find(|of| of.family == family).unwrap();
                (of.high.value() - of.low.value(), score.high.value() - score.low.value())
            };
            let (few, many) = (widths(1), widths(times));
            prop_assert!(many.0 < few.0 && many.1 < few.1, "{family:?}: {few:?} {many:?}");
        }
    }
}

#[test]
fn a_family_without_evidence_keeps_its_prior_and_claims_no_observation() {
    let nothing = scored(&[]);
    for family in &nothing.families {
        let rules = Policy::current().family(family.family);
        assert_eq!((family.observations, family.effective), (0, 0));
        assert!((family.mean.value() - f64::from(rules.prior_mean) / 1000.0).abs() < 1e-9);
        assert!(family.high.value() - family.low.value() > 0.3, "{family:?}");
        assert!(family.costliest.is_empty());
    }
    let unknown = World::new("p-1").summary(today().start());
    assert!(unknown.score.is_none() && unknown.flags.is_empty());
    let json = serde_json::to_value(&unknown).unwrap();
    assert!(json["score"].is_null(), "no score is no number");
    for window in json["replies"]["windows"].as_array().unwrap() {
        assert!(window["median"]["seconds"].is_null() && window["p90"]["seconds"].is_null());
    }
}
