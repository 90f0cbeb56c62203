//! The worked examples of `docs/scoring.md`, worked out again.

use serde::Deserialize;
use trust::{
    policy::{Family, Policy},
    score::{Evidence, Kind, Quality, Weighted, score},
    time::Day,
};

#[derive(Deserialize)]
struct Example {
    story: String,
    observations: Vec<Observed>,
    score: f64,
    low: f64,
    high: f64,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Observed {
    Usual(Family, Kind, Ago, u64),
    /// With its weight and quality.
    Measured(Family, Kind, Ago, u64, u32, u64),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Ago {
    Day(u16),
    /// The first and the last of several.
    Days(u16, u16),
}

#[test]
fn the_worked_examples_of_the_scoring_document_are_right() {
    let document = include_str!("../../../docs/scoring.md");
    let examples = document.split("```json").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let examples: Vec<Example> = serde_json::from_str(examples).unwrap();
    assert!(examples.len() >= 7);
    let today = Day::parse("2026-11-23").unwrap();
    for example in examples {
        let mut evidence = Evidence::new();
        for observed in &example.observations {
            let (family, kind, ago, weighted) = weighted(observed);
            let days = match ago {
                Ago::Day(ago) => *ago..=*ago,
                Ago::Days(first, last) => *first..=*last,
            };
            for ago in days {
                evidence.entry(family).or_default().insert((today.minus(ago), kind), weighted);
            }
        }
        let found = score(Policy::current(), &evidence, today);
        let figures = [
            (found.points.value(), example.score),
            (found.low.value(), example.low),
            (found.high.value(), example.high),
        ];
        for (found, stated) in figures {
            assert!((found - stated).abs() < 0.0006, "{}: {found} is not {stated}", example.story);
        }
    }
}

#[test]
fn the_document_states_the_policy_in_force() {
    let document = include_str!("../../../docs/scoring.md");
    let policy = Policy::current();
    assert!(document.contains(&format!("`{}`", policy.version)));
    for (family, rules) in &policy.families {
        let name = serde_json::to_value(family).unwrap();
        let row = format!(
            "| {} | {} % | {} % | {} | {} d | {} d |",
            name.as_str().unwrap(),
            rules.weight / 10,
            rules.prior_mean / 10,
            rules.prior_strength / 1000,
            rules.half_life_days,
            rules.horizon_days
        );
        assert!(document.contains(&row), "{row}");
    }
    let thousands = |seconds: u32| format!("{},{:03}", seconds / 1000, seconds % 1000);
    let replies = format!(
        "the bucket that holds {} s, the last second of which is the {}rd",
        thousands(policy.replies.within_seconds),
        thousands(policy.replies.longest())
    );
    assert!(document.contains(&replies), "{replies}");
}

fn weighted(observed: &Observed) -> (Family, Kind, &Ago, Weighted) {
    let weights = &Policy::current().contract_weights;
    let votes = &Policy::current().feedback_weights;
    match observed {
        Observed::Usual(family, kind, ago, count) => {
            let (weight, quality) = match kind {
                Kind::RepliedInTime => (1000, Quality::GOOD),
                Kind::RepliedLate | Kind::Overdue => (1000, Quality::BAD),
                Kind::Completed => (weights.completed, Quality::GOOD),
                Kind::CancelledByProvider => (weights.cancelled_by_provider, Quality::BAD),
                Kind::ProvisioningFailed => (weights.provisioning_failed, Quality::BAD),
                Kind::NeverDelivered => (weights.never_delivered, Quality::BAD),
                Kind::NoResponse => (weights.no_response, Quality::BAD),
                Kind::Rejected => (weights.rejected, Quality::BAD),
                Kind::MatchedDescription => (votes.matched_description, Quality::GOOD),
                Kind::DidNotMatch => (votes.matched_description, Quality::BAD),
                Kind::WouldRentAgain => (votes.rent_again, Quality::GOOD),
                Kind::WouldNotRentAgain => (votes.rent_again, Quality::BAD),
                Kind::AsClaimed => (Policy::current().claims.held, Quality::GOOD),
                Kind::NotAsClaimed => (Policy::current().claims.contradicted, Quality::BAD),
                Kind::ServiceDay => panic!("a day of uptime has its own weight and quality"),
            };
            (*family, *kind, ago, Weighted { count: *count, weight, quality })
        }
        Observed::Measured(family, kind, ago, count, weight, kept) => {
            let quality = Quality::thousandths(*kept);
            (*family, *kind, ago, Weighted { count: *count, weight: *weight, quality })
        }
    }
}
