//! What a provider could do to raise his score: first what can still be done about what is open, then what his costliest observations say he
//! should do otherwise. What is over can not be mended, so those lines are about the next one, with what the last ones cost.

use std::collections::BTreeMap;

use trust::{
    score::{Cost, Kind, Score},
    summary::{Concern, Summary},
};

use crate::page::words;

/// Lines about what is over. More would bury what can be done now.
const LESSONS: usize = 4;

/// What the provider could do to raise his score, what is open first, then what cost most.
pub(crate) fn advice(summary: &Summary) -> Vec<String> {
    let mut advice = open(summary);
    let costs = summary.score.iter().flat_map(costs);
    let mut worst: BTreeMap<Kind, &Cost> = BTreeMap::new();
    for cost in costs {
        worst.entry(cost.kind).and_modify(|known| *known = (*known).max(cost)).or_insert(cost);
    }
    let mut worst: Vec<&Cost> = worst.into_values().collect();
    worst.sort_by(|a, b| b.cmp(a));
    let hours = summary.replies.prompt_within / 3600;
    let lessons =
        worst.into_iter().filter_map(|cost| Some(format!("{}: {}.", lesson(cost.kind, hours)?, said(cost))));
    advice.extend(lessons.take(LESSONS));
    advice
}

/// What took points away in any family, the most first.
pub(crate) fn costliest(score: &Score) -> Vec<&Cost> {
    let mut all: Vec<&Cost> = costs(score).collect();
    all.sort_by(|a, b| b.cmp(a));
    all
}

/// What some observations cost, in words.
pub(crate) fn said(cost: &Cost) -> String {
    let (one, many) = names(cost.kind);
    let name = if cost.count == 1 { one } else { many };
    let points = words::points(cost.points.value());
    format!("{} {name} on {} cost {points} points", cost.count, cost.day)
}

fn costs(score: &Score) -> impl Iterator<Item = &Cost> {
    score.families.iter().flat_map(|family| &family.costliest)
}

/// What still can be done about.
fn open(summary: &Summary) -> Vec<String> {
    let mut advice = Vec::new();
    let waiting = summary.replies.waiting;
    if waiting > 0 {
        let messages =
            if waiting == 1 { "the open message".to_owned() } else { format!("the {waiting} open messages") };
        let silent = summary.flags.iter().any(|flag| flag.concern == Concern::Silent);
        let ends = if silent { ", which ends the warning" } else { "" };
        advice.push(format!("Answer {messages}{ends}."));
    }
    let contracts = &summary.contracts;
    let several = |count: u64, one: &str, many: &str| {
        if count == 1 { one.to_owned() } else { format!("the {count} {many}") }
    };
    if contracts.overdue_responses > 0 {
        let requests = several(contracts.overdue_responses, "the request", "requests");
        advice.push(format!("Answer or decline {requests} left open for over 7 days."));
    }
    if contracts.overdue_deliveries > 0 {
        let services = several(contracts.overdue_deliveries, "the service", "services");
        advice.push(format!("Hand over {services} accepted over 7 days ago."));
    }
    advice
}

/// What to do otherwise. `None` of what is good.
fn lesson(kind: Kind, hours: u32) -> Option<String> {
    let text = match kind {
        Kind::ServiceDay => "Keep the services up",
        Kind::RepliedLate | Kind::Overdue => {
            return Some(format!("Answer within {hours} hours, whatever is promised"));
        }
        Kind::CancelledByProvider => "Let contracts run their term",
        Kind::ProvisioningFailed => "Accept what can be handed over",
        Kind::NeverDelivered => "Hand over within 7 days of accepting",
        Kind::NoResponse => "Answer or decline each request within 7 days",
        Kind::Rejected => "Offer what you will accept requests for",
        Kind::DidNotMatch => "Describe services as they are",
        Kind::WouldNotRentAgain => "Find out what displeases renters",
        Kind::NotAsClaimed => "Claim what machines turn out to be",
        Kind::RepliedInTime
        | Kind::Completed
        | Kind::MatchedDescription
        | Kind::WouldRentAgain
        | Kind::AsClaimed => return None,
    };
    Some(text.to_owned())
}

/// Of one, and of several.
fn names(kind: Kind) -> (&'static str, &'static str) {
    match kind {
        Kind::ServiceDay => ("day of downtime", "days of downtime"),
        Kind::RepliedInTime => ("message answered in time", "messages answered in time"),
        Kind::RepliedLate => ("message answered late", "messages answered late"),
        Kind::Overdue => ("message without an answer in time", "messages without an answer in time"),
        Kind::Completed => ("completed contract", "completed contracts"),
        Kind::CancelledByProvider => {
            ("contract that the provider ended", "contracts that the provider ended")
        }
        Kind::ProvisioningFailed => ("handover that failed", "handovers that failed"),
        Kind::NeverDelivered => ("handover that never came", "handovers that never came"),
        Kind::NoResponse => ("request without an answer", "requests without an answer"),
        Kind::Rejected => ("request that was declined", "requests that were declined"),
        Kind::MatchedDescription => ("service as described", "services as described"),
        Kind::DidNotMatch => ("service not as described", "services not as described"),
        Kind::WouldRentAgain => ("renter who would come back", "renters who would come back"),
        Kind::WouldNotRentAgain => ("renter who would not come back", "renters who would not come back"),
        Kind::AsClaimed => ("machine as claimed", "machines as claimed"),
        Kind::NotAsClaimed => ("machine that is not as claimed", "machines that are not as claimed"),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use trust::{
        contract::{ContractCount, ContractDay, Outcome},
        policy::Policy,
        score::score,
        summary::{Signals, summarise},
    };

    use super::*;
    use crate::samples;

    fn with(outcomes: &[(Outcome, u64)]) -> Summary {
        let day = outcomes.iter().map(|&(outcome, count)| (ContractCount::Outcome(outcome), count));
        let mut signals = Signals::default();
        signals.days.contracts.insert(samples::now().day().minus(20), day.collect::<ContractDay>());
        summarise(Policy::current(), &"p1".parse().unwrap(), &signals, samples::now())
    }

    #[test]
    fn nobody_is_told_to_do_what_is_over() {
        let open =
            with(&[(Outcome::Completed, 9), (Outcome::AwaitingDelivery, 2), (Outcome::AwaitingResponse, 1)]);
        let advice = advice(&open);
        assert_eq!(advice[0], "Answer or decline the request left open for over 7 days.");
        assert_eq!(advice[1], "Hand over the 2 services accepted over 7 days ago.");
        assert!(advice[2].starts_with(
            "Hand over within 7 days of accepting: 2 handovers that never came on 2026-11-05 cost "
        ));
        let over = with(&[(Outcome::Completed, 9), (Outcome::NeverDelivered, 2), (Outcome::NoResponse, 1)]);
        assert_eq!(super::advice(&over), advice[2..], "what they cost is the same");
    }

    #[test]
    fn what_cost_most_comes_first_with_its_points_and_the_good_is_no_advice() {
        let bad = with(&[(Outcome::Completed, 20), (Outcome::Rejected, 2), (Outcome::ProvisioningFailed, 4)]);
        let advice = advice(&bad);
        assert!(
            advice[0]
                .starts_with("Accept what can be handed over: 4 handovers that failed on 2026-11-05 cost "),
            "{advice:?}"
        );
        assert!(
            advice[1].starts_with("Offer what you will accept requests for: 2 requests that were declined"),
            "{advice:?}"
        );
        assert_eq!(super::advice(&with(&[(Outcome::Completed, 20)])), Vec::<String>::new());
    }

    #[test]
    fn each_bad_kind_has_a_lesson_and_what_is_open_comes_before() {
        let silent = samples::summary("silent", 30, Some(96));
        let advice = advice(&silent);
        assert_eq!(advice[0], "Answer the open message, which ends the warning.");
        assert!(
            advice[1].starts_with(
                "Answer within 4 hours, whatever is promised: 1 message without an answer in time"
            )
        );
        let nothing = score(Policy::current(), &BTreeMap::new(), samples::now().day());
        assert_eq!(costliest(&nothing), Vec::<&Cost>::new());
    }
}
