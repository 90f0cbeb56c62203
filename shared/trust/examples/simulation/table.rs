//! The tables: each line a mean over the same twenty beginnings of chance, so that what differs is what was done.

use std::fmt::Write;

use trust::time::Moment;

use crate::{
    attacks::{Scenario, cheats, honest, new_identities, rivals},
    others::{from_a_hundred, plain_average},
};

const SEEDS: u64 = 20;

/// Of one scenario, the means over those who have a score; absent where nobody has one.
#[derive(Clone, Copy)]
struct Row {
    score: Option<f64>,
    low: Option<f64>,
    plain: Option<f64>,
    penalty: Option<f64>,
}

/// All tables, as Markdown.
pub(crate) fn all() -> String {
    let mut text = String::new();
    let now = Moment::EPOCH.plus(1_795_000_000);
    let head = "| score | lower end | plain average | from 100 |\n|---|---|---|---|---|\n";
    let _ = write!(text, "| honest {head}");
    for scenario in honest() {
        line(&mut text, scenario.name, row(&scenario, now), None);
    }
    let middling = row(&honest()[3], now);
    let _ = write!(text, "\n| what the middling one does {head}");
    for scenario in cheats() {
        line(&mut text, scenario.name, row(&scenario, now), Some(middling));
    }
    let bad = row(&honest()[4], now);
    let _ = write!(text, "\n| what the bad one does {head}");
    for scenario in new_identities() {
        line(&mut text, scenario.name, row(&scenario, now), Some(bad));
    }
    let good = row(&honest()[2], now);
    let _ = write!(text, "\n| what rivals do to the good one {head}");
    for scenario in rivals() {
        line(&mut text, scenario.name, row(&scenario, now), Some(good));
    }
    text
}

fn row(scenario: &Scenario, now: Moment) -> Row {
    let mut rows = Vec::new();
    for seed in 0..SEEDS {
        let world = scenario.world(seed, now);
        let score = world.summary(now).score;
        rows.push(Row {
            score: score.as_ref().map(|score| score.points.value()),
            low: score.as_ref().map(|score| score.low.value()),
            plain: plain_average(&world),
            penalty: from_a_hundred(&world, scenario.target),
        });
    }
    let mean = |of: fn(&Row) -> Option<f64>| {
        let known: Vec<f64> = rows.iter().filter_map(of).collect();
        (!known.is_empty()).then(|| known.iter().sum::<f64>() / known.len() as f64)
    };
    Row {
        score: mean(|row| row.score),
        low: mean(|row| row.low),
        plain: mean(|row| row.plain),
        penalty: mean(|row| row.penalty),
    }
}

fn line(text: &mut String, name: &str, row: Row, honest: Option<Row>) {
    let cell = |of: fn(&Row) -> Option<f64>| {
        let Some(points) = of(&row) else { return "none".to_owned() };
        let gain = honest.as_ref().and_then(of).map(|before| points - before);
        // Without a sign where nothing is left of it.
        let gain =
            gain.map(|gain| if gain.abs() < 0.05 { " (0)".to_owned() } else { format!(" ({gain:+.1})") });
        format!("{points:.1}{}", gain.unwrap_or_default())
    };
    let _ = writeln!(
        text,
        "| {name} | {} | {} | {} | {} |",
        cell(|row| row.score),
        cell(|row| row.low),
        cell(|row| row.plain),
        cell(|row| row.penalty)
    );
}
