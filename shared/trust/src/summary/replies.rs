//! Reply facts: percentiles, kept promises, and who is waiting.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    past::{ClosedWaits, Past, WINDOWS},
    policy::Policy,
    ratio::Ratio,
    replies::{Counts, OpenWait, Rank, Scope},
    score::{Kind, Observations, Quality, observe},
    survival::{Curve, Lengths, Percentile},
    time::{Day, Moment},
};

use super::Signals;

/// Points of the survival curve that are kept: enough for a picture, few enough for one read unit.
const CURVE_POINTS: usize = 32;

/// How a provider replies.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplyFacts {
    /// Waits in contracts that opened in the last 30 and 90 days.
    pub windows: Vec<ReplyWindow>,
    /// The longest wait in contracts that is still open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting_since: Option<Moment>,
    /// How many waits in contracts are open.
    pub waiting: u64,
    /// The time that scores go by, in seconds: a wait that lasts no longer is good, whatever was promised.
    #[serde(default)]
    pub prompt_within: u32,
    /// The same for what is shown apart and never scored, over 90 days.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub apart: BTreeMap<Scope, ReplyWindow>,
}

/// Waits that opened within some days.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplyWindow {
    /// How many days.
    pub days: u16,
    /// The first of them; the last is that of the summary.
    pub from: Day,
    /// How many waits, open ones included.
    pub waits: u64,
    /// How many of them are open.
    pub open: u64,
    /// Half of the waits end within this time.
    pub median: PercentileFact,
    /// Nine of ten end within this time.
    pub p90: PercentileFact,
    /// Those answered within the promised time, of those that were answered or are overdue.
    pub in_time: Ratio,
    /// Those answered within the time that scores go by ([`ReplyPolicy`](crate::policy::ReplyPolicy)), of those that were answered or have
    /// waited longer.
    #[serde(default)]
    pub prompt: Ratio,
    /// First waits of conversations.
    pub first_waits: u64,
    /// Half of the first waits end within this time.
    pub first_median: PercentileFact,
    /// Share of waits that last longer, by length.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub curve: Vec<CurvePoint>,
    /// The 90 % interval of each of these shares. Absent in summaries made before it was kept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub curve_band: Vec<CurveBand>,
    /// The longest wait, in seconds, closed or open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub longest: Option<u32>,
}

/// A percentile with its 90 % interval, in seconds. Absent: longer than any reply so far, or no wait at all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PercentileFact {
    /// The estimate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<u32>,
    /// The interval's lower end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub low: Option<u32>,
    /// The interval's upper end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub high: Option<u32>,
}

impl From<Percentile> for PercentileFact {
    fn from(Percentile { seconds, low, high }: Percentile) -> Self {
        Self { seconds, low, high }
    }
}

/// A point of the survival curve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CurvePoint(
    /// Seconds.
    pub u32,
    /// Share of waits that last longer, in ten-thousandths.
    pub u16,
);

/// Where the share of a [`CurvePoint`] may lie, in ten-thousandths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CurveBand(
    /// The lower end, rounded down.
    pub u16,
    /// The upper end, rounded up.
    pub u16,
);

pub(super) fn facts(policy: &Policy, signals: &Signals, as_of: Moment) -> ReplyFacts {
    let in_contracts = || signals.waiting.iter().filter(|wait| wait.scope == Scope::Contract);
    let apart = [Scope::PreSales, Scope::Unverified, Scope::SelfDealing, Scope::Minimal, Scope::Excess];
    let [short, long] = WINDOWS;
    let window = |scope, days, detail| window(policy, signals, (scope, days), as_of, detail);
    ReplyFacts {
        windows: vec![
            window(Scope::Contract, short, Detail::Numbers),
            window(Scope::Contract, long, Detail::Curve),
        ],
        waiting_since: in_contracts().map(|wait| wait.opened_at).min(),
        waiting: in_contracts().count() as u64,
        prompt_within: policy.replies.within_seconds,
        apart: apart
            .into_iter()
            .map(|scope| (scope, window(scope, long, Detail::Numbers)))
            .filter(|(_, window)| window.waits > 0)
            .collect(),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Detail {
    Numbers,
    Curve,
}

fn window(
    policy: &Policy,
    signals: &Signals,
    (scope, days): (Scope, u16),
    as_of: Moment,
    detail: Detail,
) -> ReplyWindow {
    let from = as_of.day().minus(days - 1);
    let mut closed = signals.past.as_ref().map_or_else(ClosedWaits::default, |past| past.within(days, scope));
    for (_, day) in signals.days.replies.range(from..) {
        for (&class, &count) in day.iter().filter(|(class, _)| class.scope == scope) {
            closed.add(class, count);
        }
    }
    let (mut all, mut first, mut open) = (Lengths::default(), Lengths::default(), 0);
    let mut prompt = 0;
    for (&rank, lengths) in &closed.lengths {
        for (after, &count) in lengths {
            all.replied(after.longest(), count);
            prompt += if policy.replies.is_met(after.longest()) { count } else { 0 };
            if rank == Rank::First {
                first.replied(after.longest(), count);
            }
        }
    }
    let mut in_time = Ratio { count: closed.kept, of: all.count() };
    let mut prompt = Ratio { count: prompt, of: all.count() };
    let counted = |wait: &&OpenWait| match wait.counts {
        Counts::Scored => wait.scope == scope,
        Counts::Beyond => scope == Scope::Excess,
    };
    let waiting = signals.waiting.iter().filter(counted).filter(|wait| wait.opened_at.day() >= from);
    for wait in waiting {
        let age = as_of.since(wait.opened_at);
        all.still_waiting(age, 1);
        if wait.rank == Rank::First {
            first.still_waiting(age, 1);
        }
        in_time.of += u64::from(age > wait.promise.0);
        prompt.of += u64::from(!policy.replies.is_met(age));
        open += 1;
    }
    let curve = Curve::estimate(&all);
    let first_curve = Curve::estimate(&first);
    let thinned = if detail == Detail::Curve { thinned(&curve) } else { Vec::new() };
    ReplyWindow {
        days,
        from,
        waits: all.count(),
        open,
        median: curve.percentile(0.5).into(),
        p90: curve.percentile(0.9).into(),
        in_time,
        prompt,
        first_waits: first.count(),
        first_median: first_curve.percentile(0.5).into(),
        curve: thinned.iter().map(|&(point, _)| point).collect(),
        curve_band: thinned.iter().map(|&(_, band)| band).collect(),
        longest: all.longest(),
    }
}

/// At most [`CURVE_POINTS`] steps of the curve, the last one among them, each with its interval.
fn thinned(curve: &Curve) -> Vec<(CurvePoint, CurveBand)> {
    let steps = curve.steps();
    let every = steps.len().div_ceil(CURVE_POINTS).max(1);
    // Neither the share nor its ends rise again; where an upper end is open, the one before still holds.
    let (mut lowest, mut highest) = (1.0_f64, 1.0_f64);
    let all = steps.iter().map(|step| {
        let (low, high) = step.interval_90();
        (lowest, highest) = (lowest.min(low), highest.min(high));
        (step, lowest, highest)
    });
    let kept = all.enumerate().filter(|(index, _)| (steps.len() - 1 - index).is_multiple_of(every));
    let up = |share: f64| libm::ceil(share * 10_000.0 - 1e-6) as u16;
    // Rounded up: a curve that has not come down to nothing is not shown at nothing.
    kept.map(|(_, (step, low, high))| {
        let band = CurveBand(libm::floor(low * 10_000.0 + 1e-6) as u16, up(high));
        (CurvePoint(step.seconds, up(step.surviving)), band)
    })
    .collect()
}

/// The observations that are scored: answered waits, and open ones once they have waited longer than is good. Until then they say nothing.
pub(super) fn evidence(policy: &Policy, signals: &Signals, as_of: Moment) -> Observations {
    let mut observations = Observations::new();
    let mut note = |day: Day, kind: Kind, count: u64| {
        let quality = if kind == Kind::RepliedInTime { Quality::GOOD } else { Quality::BAD };
        observe(&mut observations, day, kind, (1000, quality), count);
    };
    for (day, answered) in signals.past.iter().flat_map(Past::scored) {
        note(day, Kind::RepliedInTime, answered.in_time);
        note(day, Kind::RepliedLate, answered.late);
    }
    for (&day, classes) in &signals.days.replies {
        for (class, &count) in classes.iter().filter(|(class, _)| class.scope == Scope::Contract) {
            let in_time = policy.replies.is_met(class.after.longest());
            let kind = if in_time { Kind::RepliedInTime } else { Kind::RepliedLate };
            note(day, kind, count);
        }
    }
    let scored = |wait: &&OpenWait| wait.scope == Scope::Contract && wait.counts == Counts::Scored;
    let overdue = |wait: &&OpenWait| !policy.replies.is_met(as_of.since(wait.opened_at));
    for wait in signals.waiting.iter().filter(scored).filter(overdue) {
        note(wait.opened_at.day(), Kind::Overdue, 1);
    }
    observations
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_bands_hold_the_curve_and_neither_rises_again(
            waits in prop::collection::vec((1..5000u32, any::<bool>()), 1..120)
        ) {
            let mut lengths = Lengths::default();
            for (seconds, replied) in waits {
                if replied { lengths.replied(seconds, 1) } else { lengths.still_waiting(seconds, 1) }
            }
            let curve = thinned(&Curve::estimate(&lengths));
            prop_assert!(curve.len() <= CURVE_POINTS);
            for (CurvePoint(_, share), CurveBand(low, high)) in &curve {
                prop_assert!(low <= share && share <= high && *high <= 10_000);
            }
            for pair in curve.windows(2) {
                let ((_, CurveBand(low, high)), (_, CurveBand(next_low, next_high))) = (pair[0], pair[1]);
                prop_assert!(next_high <= high && next_low <= low);
            }
        }
    }
}
