//! Calibration: how often a provider's true rates, and the score they make, lie within the interval that is stated for them. The providers are
//! drawn with known rates; what is stated comes from the score. `docs/scoring.md` has the figures, and says what they mean.

#![expect(clippy::unwrap_used, reason = "a test that can not go on fails")]

mod world;

use trust::{
    policy::{Family, FamilyPolicy, Policy},
    score::{Evidence, Kind, Observations, Quality, Weighted, score},
    time::Day,
};
use world::draw::Draw;

/// How old the observations are.
#[derive(Clone, Copy)]
enum Ages {
    Today,
    /// Anything up to the half-life.
    HalfLife,
    /// Anything up to the horizon.
    Horizon,
}

/// What a provider is like in each family.
#[derive(Clone, Copy)]
enum Rates {
    /// As the prior has it, and always the same.
    Population,
    /// As the prior has it, and drawn anew at times that make half the rates another after a half-life.
    Changing,
    /// This in every family, and always the same.
    Fixed(f64),
}

/// How often, of all that were asked, in percent.
struct Coverage {
    /// Of the rates: one a family and provider.
    rates: Vec<f64>,
    /// Of the scores that the rates make.
    score: f64,
    /// How often the whole interval of a rate lay above it: who was better than he is.
    flattered: f64,
}

impl Coverage {
    fn of_rates(&self) -> f64 {
        self.rates.iter().sum::<f64>() / self.rates.len() as f64
    }
}

const FAMILIES: [Family; 5] = Family::ALL;

/// Draws that many providers with `count` observations a family, good or bad, of full weight.
fn coverage(ages: Ages, rates: Rates, count: u64, providers: u32) -> Coverage {
    let policy = Policy::current();
    let today = Day::parse("2026-11-23").unwrap();
    let mut draw = Draw::new(20_261_123);
    let (mut within, mut score_within, mut flattered) = ([0u32; 5], 0u32, 0u32);
    for _ in 0..providers {
        let mut evidence = Evidence::new();
        let mut truths = Vec::new();
        let mut true_score = 0.0;
        for family in FAMILIES {
            let rules = policy.family(family);
            let (truth, observations) = history(&mut draw, rules, (ages, rates, count), today);
            truths.push(truth);
            true_score += f64::from(rules.weight) / 10.0 * truth;
            evidence.insert(family, observations);
        }
        let stated = score(policy, &evidence, today);
        for ((family, &truth), within) in stated.families.iter().zip(&truths).zip(&mut within) {
            *within += u32::from((family.low.value()..=family.high.value()).contains(&truth));
            flattered += u32::from(family.low.value() > truth);
        }
        score_within += u32::from((stated.low.value()..=stated.high.value()).contains(&true_score));
    }
    let percent = |count: u32| f64::from(count) * 100.0 / f64::from(providers);
    Coverage {
        rates: within.into_iter().map(percent).collect(),
        score: percent(score_within),
        flattered: percent(flattered) / 5.0,
    }
}

/// A family's true rate, as the observations' weights average it where it changed, and what was observed.
fn history(
    draw: &mut Draw,
    rules: &FamilyPolicy,
    (ages, rates, count): (Ages, Rates, u64),
    today: Day,
) -> (f64, Observations) {
    let strength = f64::from(rules.prior_strength) / 1000.0;
    let prior_mean = f64::from(rules.prior_mean) / 1000.0;
    let of_population = |draw: &mut Draw| draw.rate(strength * prior_mean, strength * (1.0 - prior_mean));
    let now = if let Rates::Fixed(rate) = rates { rate } else { of_population(draw) };
    let span = match ages {
        Ages::Today => 1,
        Ages::HalfLife => rules.half_life_days,
        Ages::Horizon => rules.horizon_days,
    };
    let mut days: Vec<u16> = (0..count).map(|_| draw.below(u64::from(span)) as u16).collect();
    days.sort_unstable();
    let remains = |days: u16| (-f64::from(days) / f64::from(rules.half_life_days)).exp2();
    let (mut rate, mut later, mut sum, mut weights) = (now, 0, 0.0, 0.0);
    let mut observations = Observations::new();
    for ago in days {
        if matches!(rates, Rates::Changing) && !draw.happens(remains(ago - later)) {
            rate = of_population(draw);
        }
        later = ago;
        sum += remains(ago) * rate;
        weights += remains(ago);
        // The names of the kinds mean nothing to the formula.
        let (kind, quality) = if draw.happens(rate) {
            (Kind::Completed, Quality::GOOD)
        } else {
            (Kind::Rejected, Quality::BAD)
        };
        let nothing = Weighted { count: 0, weight: 1000, quality };
        observations.entry((today.minus(ago), kind)).or_insert(nothing).count += 1;
    }
    (if weights > 0.0 { sum / weights } else { now }, observations)
}

const COUNTS: [u64; 3] = [3, 30, 150];

#[test]
fn of_providers_like_the_population_nine_in_ten_are_within_what_is_stated_of_them() {
    let calibrated = |percent: f64| (87.0..=93.0).contains(&percent);
    for count in [0, 1, 10, 100] {
        let found = coverage(Ages::Today, Rates::Population, count, 1000);
        assert!(found.rates.iter().all(|&family| calibrated(family)), "{count}: {:?}", found.rates);
        assert!(calibrated(found.score), "{count}: {}", found.score);
    }
}

#[test]
fn the_document_states_how_often_the_interval_holds() {
    let document = include_str!("../../../docs/scoring.md");
    let models = [
        ("like the population, observed today", Ages::Today, Rates::Population),
        ("the same, observed over a half-life", Ages::HalfLife, Rates::Population),
        ("the same, observed over the horizon", Ages::Horizon, Rates::Population),
        ("changing, observed over a half-life", Ages::HalfLife, Rates::Changing),
        ("changing, observed over the horizon", Ages::Horizon, Rates::Changing),
    ];
    for (model, ages, rates) in models {
        let found = COUNTS.map(|count| coverage(ages, rates, count, 400));
        for coverage in &found {
            // Decayed evidence is less than it could be, so the interval is wider than it would have to be, never narrower.
            assert!(coverage.of_rates() > 88.0 && coverage.score > 87.0, "{model}");
        }
        let [few, some, many] =
            found.map(|coverage| format!("{:.0} % / {:.0} %", coverage.of_rates(), coverage.score));
        let row = format!("| {model} | {few} | {some} | {many} |");
        assert!(document.contains(&row), "{row}");
    }
    for percent in [50, 70, 90, 99] {
        let found =
            COUNTS.map(|count| coverage(Ages::Today, Rates::Fixed(f64::from(percent) / 100.0), count, 400));
        let [few, some, many] =
            found.map(|coverage| format!("{:.0} % ({:.0} %)", coverage.of_rates(), coverage.flattered));
        let row = format!("| {percent} % | {few} | {some} | {many} |");
        assert!(document.contains(&row), "{row}");
    }
}
