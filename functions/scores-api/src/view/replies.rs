//! How a provider replies.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;
use trust::{
    id::ProviderId,
    replies::Scope,
    summary::{self, CurveBand, CurvePoint, Summary},
};

use super::{
    figures::{Percentile, Rate},
    scalar::{Date, Ends, Point, Text, Time},
};

/// How a provider replies.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ReplyFacts {
    /// Waits in contracts that opened in the last 30 and 90 days.
    windows: Vec<ReplyWindow>,
    /// How many waits in contracts are open.
    open: u64,
    /// Since when the longest of those waits.
    oldest_open_since: Option<Time>,
    /// Within how many seconds an answer in a contract is good, in the score: the same for everybody, whatever was promised.
    scored_within_seconds: u32,
    /// What is shown apart and never scored, over 90 days: `pre_sales`, `unverified`, `self_dealing`, `minimal` (contracts for nothing
    /// or under an hour), `excess` (beyond what is scored of one renter and week).
    not_scored: BTreeMap<&'static str, ReplyWindow>,
}

impl ReplyFacts {
    pub(super) fn of(summary: &Summary) -> Self {
        let facts = &summary.replies;
        let apart =
            |(scope, window): (&Scope, &summary::ReplyWindow)| (scope_name(*scope), ReplyWindow::of(window));
        Self {
            windows: facts.windows.iter().map(ReplyWindow::of).collect(),
            open: facts.waiting,
            oldest_open_since: facts.waiting_since.map(Time),
            scored_within_seconds: facts.prompt_within,
            not_scored: facts.apart.iter().map(apart).collect(),
        }
    }
}

fn scope_name(scope: Scope) -> &'static str {
    match scope {
        Scope::Contract => "contract",
        Scope::PreSales => "pre_sales",
        Scope::Unverified => "unverified",
        Scope::SelfDealing => "self_dealing",
        Scope::Minimal => "minimal",
        Scope::Excess => "excess",
    }
}

/// How one provider replies.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Replies<'a> {
    /// The provider.
    id: Text<&'a ProviderId>,
    /// When this was worked out.
    as_of: Time,
    #[serde(flatten)]
    facts: ReplyFacts,
}

impl<'a> Replies<'a> {
    pub(crate) fn of(summary: &'a Summary) -> Self {
        Self { id: Text(&summary.provider), as_of: Time(summary.as_of), facts: ReplyFacts::of(summary) }
    }
}

/// Waits that opened within some days.
#[derive(Debug, Serialize, JsonSchema)]
struct ReplyWindow {
    /// How many days.
    days: u16,
    /// The first of them.
    from: Date,
    /// How many waits, open ones included.
    n: u64,
    /// How many of them are open.
    open: u64,
    /// Half of the waits end within this time.
    median: Percentile,
    /// Nine of ten end within this time.
    p90: Percentile,
    /// Those answered within the promised time, of those answered or overdue.
    within_promise: Rate,
    /// Those answered within `scored_within_seconds`, of those answered or open for longer.
    within_scored_time: Rate,
    /// Half of the first waits of conversations end within this time.
    first_response_median: Percentile,
    /// The longest wait, closed or open.
    longest_seconds: Option<u32>,
    /// The share of waits that last longer, by seconds (Kaplan-Meier). Absent where there is no wait.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    survival: Vec<Point>,
    /// The 90 % interval of each of these shares (Greenwood's variance, log-log transformed), its lower and its upper end.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    survival_interval: Vec<Ends>,
}

impl ReplyWindow {
    fn of(window: &summary::ReplyWindow) -> Self {
        let share = |ten_thousandths: u16| f64::from(ten_thousandths) / 10_000.0;
        let point = |point: &CurvePoint| Point(point.0, share(point.1));
        let ends = |band: &CurveBand| Ends(share(band.0), share(band.1));
        Self {
            days: window.days,
            from: Date(window.from),
            n: window.waits,
            open: window.open,
            median: Percentile::of(&window.median, window.waits),
            p90: Percentile::of(&window.p90, window.waits),
            within_promise: Rate::of(window.in_time),
            within_scored_time: Rate::of(window.prompt),
            first_response_median: Percentile::of(&window.first_median, window.first_waits),
            longest_seconds: window.longest,
            survival: window.curve.iter().map(point).collect(),
            survival_interval: window.curve_band.iter().map(ends).collect(),
        }
    }
}
