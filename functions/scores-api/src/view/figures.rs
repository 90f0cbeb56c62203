//! Figures that stand in many answers. Every share and percentile goes with its n and interval.

use schemars::JsonSchema;
use serde::Serialize;
use trust::{
    ratio::Ratio,
    score::NORMAL_90,
    summary::{self, Against, Concern, PercentileFact, Severity},
};

use super::{
    flag_text,
    scalar::{Text, Time},
};

/// A page of a list.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "{T}Page")]
pub(crate) struct Listed<T> {
    /// The items, in the order asked for. A page may hold fewer than asked for, or none, while more follow.
    pub(crate) items: Vec<T>,
    /// What to give as `cursor` for the next page; `null` on the last one.
    pub(crate) next_cursor: Option<String>,
}

/// A percentile of durations, with its 90 % interval.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Percentile {
    /// The percentile; `null` with `n` above 0 means that too many still wait for it to be known.
    seconds: Option<u32>,
    /// Lower end of the interval.
    low: Option<u32>,
    /// Upper end of it; `null` where the curve does not come down that far.
    high: Option<u32>,
    /// How many observations it rests on.
    n: u64,
}

impl Percentile {
    pub(super) fn of(fact: &PercentileFact, n: u64) -> Self {
        Self { seconds: fact.seconds, low: fact.low, high: fact.high, n }
    }
}

/// A share, with its 90 % interval.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Share")]
pub(super) struct Rate {
    /// The share; `null` without observations.
    #[schemars(range(min = 0, max = 1))]
    share: Option<f64>,
    /// Lower end of the interval.
    low: Option<f64>,
    /// Upper end of it.
    high: Option<f64>,
    /// How many it holds for,
    count: u64,
    /// of how many.
    n: u64,
}

impl Rate {
    pub(super) fn of(ratio: Ratio) -> Self {
        let interval = ratio.interval(NORMAL_90);
        Self {
            share: ratio.share(),
            low: interval.map(|(low, _)| low),
            high: interval.map(|(_, high)| high),
            count: ratio.count,
            n: ratio.of,
        }
    }
}

/// A warning, with what it rests on.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Flag {
    /// A critical one caps the score.
    #[schemars(extend("enum" = ["critical", "warning"]))]
    severity: Text<Severity>,
    /// What of. More may come.
    concern: Text<Concern>,
    /// The same in words.
    text: String,
    /// How many,
    count: u64,
    /// of how many.
    of: u64,
    /// Since when, where that is known.
    since: Option<Time>,
    /// What was measured, as a share, where feedback is far from it.
    measured: Option<f64>,
    /// In how many weeks before it the others were counted, of a week of far more feedback than usual.
    weeks: Option<u16>,
}

impl Flag {
    pub(super) fn all(flags: &[summary::Flag]) -> Vec<Self> {
        flags.iter().map(Self::of).collect()
    }

    fn of(flag: &summary::Flag) -> Self {
        Self {
            severity: Text(flag.severity),
            concern: Text(flag.concern),
            text: flag_text(flag),
            count: flag.evidence.count,
            of: flag.evidence.of,
            since: flag.since.map(Time),
            measured: match flag.against {
                Some(Against::Measured(mean)) => Some(mean.value()),
                _ => None,
            },
            weeks: match flag.against {
                Some(Against::Weeks(weeks)) => Some(weeks),
                _ => None,
            },
        }
    }
}
