//! What became of a provider's contracts.

use maud::{Markup, html};
use trust::summary::{ContractFacts, Trend};

use super::{
    figures::{percentile, share},
    words,
};

pub(super) fn contracts(facts: &ContractFacts) -> Markup {
    let parts = [
        ("good", "completed", facts.completed),
        ("bad", "ended by the provider", facts.cancelled_by_provider),
        ("bad", "handover failed", facts.provisioning_failed),
        ("bad", "never handed over", facts.never_delivered),
        ("warnbar", "never answered", facts.no_response),
        ("warnbar", "declined", facts.rejected),
        ("neutral", "ended by the renter", facts.cancelled_by_renter),
        ("neutral", "ended by the marketplace", facts.cancelled_by_marketplace),
    ];
    let total: u64 = parts.iter().map(|(_, _, count)| count).sum();
    let not_scored = [("with himself", facts.self_dealing), ("for nothing or under an hour", facts.minimal)];
    let all = total + facts.active + facts.pending + facts.self_dealing + facts.minimal;
    html! {
        section.tall id="contracts" {
            h2 { "Contracts, last " (facts.days) " days" }
            @if all == 0 {
                p { "Not enough data: no contract yet." }
            } @else {
                @if total > 0 {
                    div.bar role="img" aria-label=(format!("{} of {total} contracts completed", facts.completed)) {
                        @for (class, _, count) in parts {
                            @if count > 0 { span class=(class) style=(format!("flex:{count}")) {} }
                        }
                    }
                }
                div.scroll { table { tbody {
                    @for (class, name, count) in parts {
                        @if count > 0 { tr.key { th { i class=(class) {} (name) } td.n { (count) } } }
                    }
                    tr { th { "running" } td.n { (facts.active) } }
                    @if facts.pending > 0 { tr { th { "requested or accepted" } td.n { (facts.pending) } } }
                    @for (name, count) in not_scored {
                        @if count > 0 { tr { th { (name) ", not scored" } td.n { (count) } } }
                    }
                    tr { th { "Completed, of those that were the provider's to keep" } td.n { (share(facts.completion())) } }
                    tr { th { "Handover failed or never came" } td.n { (share(facts.provisioning_failure())) } }
                    tr { th { "Requests declined" } td.n { (share(facts.rejection())) } }
                    tr { th { "Requests without an answer in 7 days" } td.n { (share(facts.no_answer())) } }
                    tr { th { "Ended in the first tenth of the term, by anybody" } td.n { (share(facts.early_cancellation())) } }
                    tr { th { "Handed over, half within" } td.n { (percentile(&facts.delivery_median, facts.deliveries)) } }
                    tr { th { "Handed over, nine of ten within" } td.n { (percentile(&facts.delivery_p90, facts.deliveries)) } }
                    tr { th { "Renters who came back, of all time" } td.n { (share(facts.renters)) } }
                } } }
                (trend(&facts.trend))
            }
        }
    }
}

/// How the provider's cancellations of late compare with his own past.
fn trend(trend: &Trend) -> Markup {
    let Some((change, low, high)) = trend.change() else { return html! {} };
    html! {
        p {
            "Of late he ended " (trend.recent.count) " of " (trend.recent.of) " (30 days), before that " (trend.before.count) " of "
            (trend.before.of) ": "
            @if low > 0.0 { strong.warn { "more than he used to" } }
            @else if high < 0.0 { "fewer than he used to" }
            @else { "no difference that chance could not make" }
            " (" (points(change)) " points, " (points(low)) " to " (points(high)) ")."
        }
    }
}

/// A difference of shares in points of a hundred.
fn points(difference: f64) -> String {
    words::signed(difference * 100.0)
}
