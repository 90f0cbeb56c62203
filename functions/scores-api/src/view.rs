//! What programs see: integers of the domain become the API's numbers. Every share and percentile goes with its n and interval.

pub(crate) mod uptime;

use serde_json::{Map, Value, json};
use table::{Card, HistoryEntry, Page};
use trust::{
    ratio::Ratio,
    replies::Scope,
    score::{FamilyScore, NORMAL_90, Score},
    setup::{ProviderChat, State},
    summary::{Flag, PercentileFact, ReplyWindow, Summary, Track},
};

/// How much of a score to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Detail {
    Score,
    Explained,
}

pub(crate) fn list<T>(page: &Page<T>, item: impl Fn(&T) -> Value) -> Value {
    json!({
        "items": page.items.iter().map(item).collect::<Vec<_>>(),
        "next_cursor": page.next.as_ref().map(table::Cursor::to_opaque),
    })
}

pub(crate) fn card(card: &Card) -> Value {
    json!({
        "id": card.provider,
        "name": card.name,
        "track": card.track,
        "score": card.score.map(|(points, low, high)| json!({
            "value": points.value(), "low": low.value(), "high": high.value(),
        })),
        "score_reason": reason(card.track),
        "flags": card.flags.iter().map(flag).collect::<Vec<_>>(),
        "reply_median": percentile(&card.reply_median, card.waits),
        "contracts_completed": card.completed,
        "as_of": card.as_of,
    })
}

pub(crate) fn summary(summary: &Summary) -> Value {
    let profile = summary.profile.as_ref();
    let path = format!("/v1/providers/{}", summary.provider);
    json!({
        "id": summary.provider,
        "name": profile.map(|profile| &profile.name),
        "website": profile.and_then(|profile| profile.website.as_ref()),
        "operator_id": profile.and_then(|profile| profile.operator_id.as_ref()),
        "known_since": summary.known_since,
        "checked_in_at": summary.checked_in_at,
        "as_of": summary.as_of,
        "track": summary.track,
        "score": summary.score.as_ref().map(score_figures),
        "score_reason": reason(summary.track),
        "flags": summary.flags.iter().map(flag).collect::<Vec<_>>(),
        "replies": reply_facts(summary),
        "contracts": contracts(summary),
        "links": {
            "self": path, "score": format!("{path}/score?explain=true"), "history": format!("{path}/score/history"),
            "replies": format!("{path}/replies"), "uptime": format!("{path}/uptime"), "outages": format!("{path}/outages"),
            "proof": format!("{path}/proof"), "page": format!("/providers/{}", summary.provider),
        },
    })
}

pub(crate) fn replies(summary: &Summary) -> Value {
    let mut value = reply_facts(summary);
    value["id"] = json!(summary.provider);
    value["as_of"] = json!(summary.as_of);
    value
}

pub(crate) fn score(summary: &Summary, detail: Detail) -> Value {
    let mut value = json!({
        "id": summary.provider,
        "as_of": summary.as_of,
        "track": summary.track,
        "score": summary.score.as_ref().map(score_figures),
        "score_reason": reason(summary.track),
        "flags": summary.flags.iter().map(flag).collect::<Vec<_>>(),
    });
    if let (Detail::Explained, Some(score)) = (detail, &summary.score) {
        value["explain"] = explain(summary, score);
    }
    value
}

pub(crate) fn history_entry(entry: &HistoryEntry) -> Value {
    json!({
        "day": entry.day, "value": entry.points.value(), "low": entry.low.value(), "high": entry.high.value(),
        "policy": entry.policy, "inputs_hash": entry.inputs_hash,
    })
}

/// Why there is no score.
pub(crate) fn reason(track: Track) -> Option<&'static str> {
    (track == Track::New).then_some("no completed contract yet, and less than 7 days of measured uptime")
}

/// What a flag says, in words.
pub(crate) fn flag_text(flag: &Flag) -> String {
    use trust::summary::Concern;
    let Ratio { count, of } = flag.evidence;
    match flag.concern {
        Concern::Silent => {
            format!(
                "{count} of {of} open messages in contracts have had no answer for over 24 hours, or what the contract sets"
            )
        }
        Concern::ProvisioningFailures => format!("{count} of {of} services were never handed over"),
        Concern::ProviderCancellations => format!("{count} of {of} contracts were ended by the provider"),
        Concern::NoResponses => format!("{count} of {of} requests got no answer within 7 days"),
        Concern::Rejections => format!("{count} of {of} requests were declined"),
        Concern::BadDays => {
            format!("services were down for much of {count} of the last {of} days that were watched")
        }
        Concern::CancellationsRising => {
            format!("the provider ended {count} of {of} contracts in the last 30 days, more than he used to")
        }
        Concern::OneRenter => format!("{count} of {of} contracts are with one renter"),
        Concern::FeedbackFarFromMeasured => {
            format!("{count} of {of} answers of renters are yes, which is far from what was measured")
        }
    }
}

/// What the provider could do to raise his score.
pub(crate) fn advice(summary: &Summary) -> Vec<String> {
    let mut advice = Vec::new();
    let waiting = summary.replies.waiting;
    if waiting > 0 {
        let messages =
            if waiting == 1 { "the open message".to_owned() } else { format!("the {waiting} open messages") };
        advice.push(format!("Answer {messages}."));
    }
    let contracts = &summary.contracts;
    if contracts.no_response > 0 {
        advice.push(format!(
            "Answer or decline the {} requests left open for over 7 days.",
            contracts.no_response
        ));
    }
    if contracts.never_delivered > 0 {
        advice
            .push(format!("Hand over the {} services accepted over 7 days ago.", contracts.never_delivered));
    }
    advice
}

fn flag(flag: &Flag) -> Value {
    json!({
        "severity": flag.severity, "concern": flag.concern, "text": flag_text(flag),
        "count": flag.evidence.count, "of": flag.evidence.of, "since": flag.since,
    })
}

fn score_figures(score: &Score) -> Value {
    json!({
        "value": score.points.value(), "low": score.low.value(), "high": score.high.value(),
        "confidence": 0.9, "policy": score.policy, "capped_from": score.capped_from.map(trust::score::Points::value),
    })
}

fn explain(summary: &Summary, score: &Score) -> Value {
    json!({
        "baseline": score.baseline.value(),
        "families": score.families.iter().map(family).collect::<Vec<_>>(),
        "sum": score.capped_from.unwrap_or(score.points).value(),
        "advice": advice(summary),
        "policy": score.policy,
        "inputs_hash": score.inputs_hash,
        "as_of_day": score.as_of,
    })
}

fn family(family: &FamilyScore) -> Value {
    json!({
        "family": family.family,
        "weight": f64::from(family.weight) / 1000.0,
        "mean": family.mean.value(), "low": family.low.value(), "high": family.high.value(),
        "observations": family.observations,
        "effective_observations": family.effective as f64 / 1000.0,
        "contribution": family.contribution.value(),
        "costliest": family.costliest.iter().map(|cost| json!({
            "points": cost.points.value(), "kind": cost.kind, "day": cost.day, "count": cost.count,
        })).collect::<Vec<_>>(),
    })
}

fn reply_facts(summary: &Summary) -> Value {
    let facts = &summary.replies;
    let apart: Map<String, Value> =
        facts.apart.iter().map(|(scope, facts)| (scope_name(*scope).to_owned(), window(facts))).collect();
    json!({
        "windows": facts.windows.iter().map(window).collect::<Vec<_>>(),
        "open": facts.waiting,
        "oldest_open_since": facts.waiting_since,
        "not_scored": apart,
    })
}

fn scope_name(scope: Scope) -> &'static str {
    match scope {
        Scope::Contract => "contract",
        Scope::PreSales => "pre_sales",
        Scope::Unverified => "unverified",
        Scope::SelfDealing => "self_dealing",
    }
}

fn window(window: &ReplyWindow) -> Value {
    let mut value = json!({
        "days": window.days,
        "from": window.from,
        "n": window.waits,
        "open": window.open,
        "median": percentile(&window.median, window.waits),
        "p90": percentile(&window.p90, window.waits),
        "within_promise": ratio(window.in_time),
        "first_response_median": percentile(&window.first_median, window.first_waits),
        "longest_seconds": window.longest,
    });
    if !window.curve.is_empty() {
        let points = window.curve.iter().map(|point| json!([point.0, f64::from(point.1) / 10_000.0]));
        value["survival"] = points.collect();
    }
    value
}

fn percentile(fact: &PercentileFact, n: u64) -> Value {
    json!({ "seconds": fact.seconds, "low": fact.low, "high": fact.high, "n": n })
}

fn ratio(ratio: Ratio) -> Value {
    let interval = ratio.interval(NORMAL_90);
    json!({
        "share": ratio.share(), "low": interval.map(|(low, _)| low), "high": interval.map(|(_, high)| high),
        "count": ratio.count, "n": ratio.of,
    })
}

fn contracts(summary: &Summary) -> Value {
    let facts = &summary.contracts;
    json!({
        "days": facts.days,
        "completion": ratio(facts.completion()),
        "completed": facts.completed,
        "cancelled_by_provider": facts.cancelled_by_provider,
        "cancelled_by_renter": facts.cancelled_by_renter,
        "cancelled_by_marketplace": facts.cancelled_by_marketplace,
        "cancelled_early": facts.cancelled_early,
        "provisioning_failed": facts.provisioning_failed,
        "never_delivered": facts.never_delivered,
        "no_response": facts.no_response,
        "rejected": facts.rejected,
        "active": facts.active,
        "pending": facts.pending,
        "not_scored": { "self_dealing": facts.self_dealing },
        "delivery_median": percentile(&facts.delivery_median, facts.deliveries),
        "delivery_p90": percentile(&facts.delivery_p90, facts.deliveries),
    })
}

/// How far a provider's place in Chatwoot has come; `chat` is absent where nobody has asked for one.
pub(crate) fn chat(summary: &Summary, chat: Option<&ProviderChat>) -> Value {
    let place = summary.profile.as_ref().and_then(|profile| profile.chat);
    let (state, reason) = match (chat.map(|chat| chat.attempts.state()), place) {
        (Some(State::Ready), _) => ("ready", None),
        (Some(State::Pending(reason)), _) => ("pending", reason),
        (Some(State::Failed(reason)), _) => ("failed", Some(reason)),
        (None, Some(_)) => ("ready", Some("set up by the marketplace")),
        (None, None) => ("pending", Some("waiting for his first published offering")),
    };
    json!({ "provider_id": summary.provider, "state": state, "reason": reason })
}
