//! A score: the figure, taken apart, and day by day.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;
use table::HistoryEntry;
use trust::{
    history::{self, Cause},
    id::ProviderId,
    policy::Family,
    score::{self, Kind, Points},
    summary::{Summary, Track},
};

use super::{
    advice,
    figures::Flag,
    reason,
    scalar::{Date, Text, Time},
};

/// How much of a score to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Detail {
    Score,
    Explained,
}

/// A score with all that belongs to the figure.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct ScoreFigures<'a> {
    /// The score, 0 to 100, after caps.
    #[schemars(range(min = 0, max = 100))]
    value: f64,
    /// Lower end of the interval.
    low: f64,
    /// Upper end of it.
    high: f64,
    /// How sure the interval is: 0.9.
    confidence: f64,
    /// The version of the policy.
    policy: &'a str,
    /// What it would be without the cap of a critical flag.
    capped_from: Option<f64>,
}

impl<'a> ScoreFigures<'a> {
    pub(super) fn of(score: &'a score::Score) -> Self {
        Self {
            value: score.points.value(),
            low: score.low.value(),
            high: score.high.value(),
            confidence: 0.9,
            policy: &score.policy,
            capped_from: score.capped_from.map(Points::value),
        }
    }
}

/// A provider's score.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Scored<'a> {
    /// The provider.
    id: Text<&'a ProviderId>,
    /// When it was worked out.
    as_of: Time,
    /// How far he has come.
    #[schemars(extend("enum" = ["new", "vetting", "established"]))]
    track: Text<Track>,
    /// The score; `null` for a new one.
    score: Option<ScoreFigures<'a>>,
    /// Why there is none.
    score_reason: Option<&'static str>,
    /// What to be warned of, the gravest first.
    flags: Vec<Flag>,
    /// The score taken apart: only with `explain=true`, and only where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    explain: Option<Explained<'a>>,
}

impl<'a> Scored<'a> {
    pub(crate) fn of(summary: &'a Summary, detail: Detail) -> Self {
        let score = summary.score.as_ref();
        Self {
            id: Text(&summary.provider),
            as_of: Time(summary.as_of),
            track: Text(summary.track),
            score: score.map(ScoreFigures::of),
            score_reason: reason(summary.track),
            flags: Flag::all(&summary.flags),
            explain: score.filter(|_| detail == Detail::Explained).map(|score| Explained::of(summary, score)),
        }
    }
}

/// A score taken apart: baseline and contributions sum to it.
#[derive(Debug, Serialize, JsonSchema)]
struct Explained<'a> {
    /// What a provider without any evidence has.
    baseline: f64,
    /// What each family adds to the baseline, or takes away.
    families: Vec<FamilyScore>,
    /// Baseline and contributions: the score before caps.
    sum: f64,
    /// Renters who were ever served: to whom something was handed over in a contract that tells something.
    distinct_renters: u64,
    /// What would raise it.
    advice: Vec<String>,
    /// The version of the policy.
    policy: &'a str,
    /// SHA-256 over the policy's version, the day and all evidence: the same evidence gives the same score.
    inputs_hash: &'a str,
    /// The day it was made on.
    as_of_day: Date,
}

impl<'a> Explained<'a> {
    fn of(summary: &Summary, score: &'a score::Score) -> Self {
        Self {
            baseline: score.baseline.value(),
            families: score.families.iter().map(FamilyScore::of).collect(),
            sum: score.capped_from.unwrap_or(score.points).value(),
            distinct_renters: summary.contracts.renters.of,
            advice: advice(summary),
            policy: &score.policy,
            inputs_hash: &score.inputs_hash,
            as_of_day: Date(score.as_of),
        }
    }
}

/// One family's part of a score.
#[derive(Debug, Serialize, JsonSchema)]
struct FamilyScore {
    /// Which.
    #[schemars(extend("enum" = ["uptime", "replies", "contracts", "feedback", "claims"]))]
    family: Text<Family>,
    /// What it counts for: all weights sum to 1.
    weight: f64,
    /// Its share.
    mean: f64,
    /// Lower end of its 90 % interval.
    low: f64,
    /// Upper end of it.
    high: f64,
    /// How many observations it rests on.
    observations: u64,
    /// How many undiscounted ones they are worth.
    effective_observations: f64,
    /// Points added to the baseline.
    contribution: f64,
    /// What took the most points away, at most three.
    costliest: Vec<Cost>,
}

impl FamilyScore {
    fn of(family: &score::FamilyScore) -> Self {
        let cost = |cost: &score::Cost| Cost {
            points: cost.points.value(),
            kind: Text(cost.kind),
            day: Date(cost.day),
            count: cost.count,
        };
        Self {
            family: Text(family.family),
            weight: f64::from(family.weight) / 1000.0,
            mean: family.mean.value(),
            low: family.low.value(),
            high: family.high.value(),
            observations: family.observations,
            effective_observations: family.effective as f64 / 1000.0,
            contribution: family.contribution.value(),
            costliest: family.costliest.iter().map(cost).collect(),
        }
    }
}

/// Observations that took points away.
#[derive(Debug, Serialize, JsonSchema)]
struct Cost {
    /// How much higher the score were without them.
    points: f64,
    /// Their kind. More may come.
    kind: Text<Kind>,
    /// Their day.
    day: Date,
    /// How many.
    count: u64,
}

/// One day of a score.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct HistoryDay<'a> {
    /// The day.
    day: Date,
    /// The score.
    value: f64,
    /// Lower end of its 90 % interval.
    low: f64,
    /// Upper end of it.
    high: f64,
    /// What it would have been without the cap of a critical flag.
    capped_from: Option<f64>,
    /// The version of the policy.
    policy: &'a str,
    /// The hash of what it was made from.
    inputs_hash: &'a str,
    /// Its place in the log, from 0 on; `null` while the day can still change, or the score waits for its place.
    leaf: Option<u64>,
    /// What each family added to the baseline. Empty of days before this was kept.
    contributions: BTreeMap<&'static str, f64>,
    /// Why it moved by more than three points since the day before it in this history; `null` where it did not.
    jump: Option<Jump>,
}

impl<'a> HistoryDay<'a> {
    /// A day, and the one before it in the history.
    pub(crate) fn of(entry: &'a HistoryEntry, before: Option<&HistoryEntry>) -> Self {
        let contribution = |(family, points): &(Family, Points)| (family_name(*family), points.value());
        Self {
            day: Date(entry.day),
            value: entry.points.value(),
            low: entry.low.value(),
            high: entry.high.value(),
            capped_from: entry.capped_from.map(Points::value),
            policy: &entry.policy,
            inputs_hash: &entry.inputs_hash,
            leaf: entry.leaf,
            contributions: entry.families.iter().map(contribution).collect(),
            jump: before.and_then(|before| history::jump(&before.made(), &entry.made())).map(Jump::of),
        }
    }
}

/// A change of more than three points.
#[derive(Debug, Serialize, JsonSchema)]
struct Jump {
    /// By how many points, up or down.
    points: f64,
    /// Why: the family that changed most, a cap, or another policy.
    #[schemars(extend("enum" = ["family", "cap-set", "cap-lifted", "policy-changed", "unknown"]))]
    cause: &'static str,
    /// Which family, where one is the cause.
    #[schemars(extend("enum" = ["uptime", "replies", "contracts", "feedback", "claims", null]))]
    family: Option<&'static str>,
    /// By how many points that family changed.
    family_points: Option<f64>,
    /// The same in words.
    text: String,
}

impl Jump {
    fn of(jump: history::Jump) -> Self {
        let (cause, family) = match jump.cause {
            Cause::PolicyChanged => ("policy-changed", None),
            Cause::CapSet => ("cap-set", None),
            Cause::CapLifted => ("cap-lifted", None),
            Cause::Family(family, by) => ("family", Some((family_name(family), by.value()))),
            Cause::Unknown => ("unknown", None),
        };
        Self {
            points: jump.change.value(),
            cause,
            family: family.map(|(family, _)| family),
            family_points: family.map(|(_, points)| points),
            text: jump_text(&jump),
        }
    }
}

/// A jump in words.
pub(crate) fn jump_text(jump: &history::Jump) -> String {
    let points = |by: history::Change| format!("{:+.1}", by.value());
    let by = points(jump.change);
    match jump.cause {
        Cause::PolicyChanged => format!("{by} points: scored by another policy"),
        Cause::CapSet => format!("{by} points: capped by a critical warning"),
        Cause::CapLifted => format!("{by} points: the critical warning is gone"),
        Cause::Family(family, of) => {
            format!("{by} points, most of it from {} ({})", family_name(family), points(of))
        }
        Cause::Unknown => format!("{by} points: what it was made of before was not kept"),
    }
}

/// A family as programs name it.
pub(crate) fn family_name(family: Family) -> &'static str {
    match family {
        Family::Uptime => "uptime",
        Family::Replies => "replies",
        Family::Contracts => "contracts",
        Family::Feedback => "feedback",
        Family::Claims => "claims",
    }
}
