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
    observations: Vec<(Family, Kind, u16, u64)>,
    score: f64,
    low: f64,
    high: f64,
}

#[test]
fn the_worked_examples_of_the_scoring_document_are_right() {
    let document = include_str!("../../../docs/scoring.md");
    let examples = document.split("```json").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let examples: Vec<Example> = serde_json::from_str(examples).unwrap();
    assert!(examples.len() >= 3);
    let today = Day::parse("2026-11-23").unwrap();
    for example in examples {
        let mut evidence = Evidence::new();
        for (family, kind, days_ago, count) in &example.observations {
            let quality = if is_good(*kind) { Quality::GOOD } else { Quality::BAD };
            let observation = Weighted { count: *count, weight: 1000, quality };
            evidence.entry(*family).or_default().insert((today.minus(*days_ago), *kind), observation);
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
}

fn is_good(kind: Kind) -> bool {
    matches!(kind, Kind::RepliedInTime | Kind::Completed | Kind::MatchedDescription | Kind::WouldRentAgain)
}
