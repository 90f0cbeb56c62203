//! `cargo run -p trust --example providers -- SEED COUNT`: that many made-up providers, one JSON object a line. `facts` is what happened, as
//! `docs/scoring.md` speaks of it, and `found` what this implementation makes of it, for others to be compared with.

#![expect(clippy::unwrap_used, reason = "made for tests, where what can not go on fails")]

mod facts;
mod made;
#[path = "../../tests/world/mod.rs"]
mod world;

use std::io::{self, Write};

use serde_json::{Value, json};
use trust::{
    summary::{Severity, Summary},
    time::Moment,
};

fn main() -> io::Result<()> {
    let mut arguments = std::env::args().skip(1).map(|argument| argument.parse::<u64>());
    let (Some(Ok(seed)), Some(Ok(count))) = (arguments.next(), arguments.next()) else {
        return Err(io::Error::other("a seed and a number of providers are needed"));
    };
    let now = Moment::parse("2026-11-23T12:34:56Z").map_err(io::Error::other)?;
    let mut out = io::BufWriter::new(io::stdout().lock());
    for number in 0..count {
        let world = made::provider(seed, number, now);
        let line = json!({
            "provider": world.provider,
            "facts": facts::of(&world, now),
            "found": found(&world.summary(now)),
        });
        writeln!(out, "{line}")?;
    }
    out.flush()
}

fn found(summary: &Summary) -> Value {
    let mut flags: Vec<(Value, &str, u64, u64)> = summary
        .flags
        .iter()
        .map(|flag| {
            let severity = if flag.severity == Severity::Critical { "critical" } else { "warning" };
            (json!(flag.concern), severity, flag.evidence.count, flag.evidence.of)
        })
        .collect();
    flags.sort_by_key(|(concern, ..)| concern.to_string());
    let score = summary.score.as_ref().map(|score| {
        let families: serde_json::Map<String, Value> = score
            .families
            .iter()
            .map(|family| {
                let name = serde_json::to_value(family.family).unwrap().as_str().unwrap().to_owned();
                let figures = json!({
                    "mean": family.mean.value(),
                    "low": family.low.value(),
                    "high": family.high.value(),
                    "observations": family.observations,
                    "effective": family.effective,
                    "contribution": family.contribution.value(),
                });
                (name, figures)
            })
            .collect();
        let mut figures = json!({
            "points": score.points.value(),
            "low": score.low.value(),
            "high": score.high.value(),
            "baseline": score.baseline.value(),
            "families": families,
            "inputs_hash": score.inputs_hash,
        });
        if let Some(capped_from) = score.capped_from {
            figures["capped_from"] = json!(capped_from.value());
        }
        figures
    });
    json!({ "track": summary.track, "flags": flags, "score": score })
}
