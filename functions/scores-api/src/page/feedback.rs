//! What renters said, a bar a question.

use maud::{Markup, html};
use trust::{id::ProviderId, ratio::Ratio, summary::FeedbackFacts};

use super::words;
use crate::view;

pub(super) fn feedback(provider: &ProviderId, facts: &FeedbackFacts) -> Markup {
    let questions = [
        ("Did the service match its description?", facts.matched_description.yes),
        ("Would you rent from this provider again?", facts.rent_again.yes),
    ];
    html! {
        section id="feedback" {
            h2 { "What renters say, last " (facts.days) " days" }
            @if facts.votes() == 0 {
                p { "Not enough data: no answer that counts is revealed yet." }
            } @else {
                @for (question, yes) in questions { (answers(question, yes)) }
            }
            @if !facts.excluded.is_empty() {
                h3 { "Shown, not counted" }
                div.scroll { table { tbody {
                    @for (standing, count) in &facts.excluded {
                        tr { th { (view::feedback::words(*standing)) } td.n { (count) } }
                    }
                } } }
            }
            p.soft {
                "Asked once a contract, when it ends; revealed on Mondays. "
                a href={ "/v1/providers/" (provider) "/feedback" } { "The same as JSON" }
            }
        }
    }
}

fn answers(question: &str, yes: Ratio) -> Markup {
    let no = yes.of - yes.count;
    html! {
        h3 { (question) }
        div.bar role="img" aria-label=(format!("{} of {} answered yes", yes.count, yes.of)) {
            @if yes.count > 0 { span.good style=(format!("flex:{}", yes.count)) {} }
            @if no > 0 { span.bad style=(format!("flex:{no}")) {} }
        }
        p {
            @if let Some(share) = yes.share() { strong { (words::percent(share)) " yes" } }
            @if let Some(range) = words::share_range(yes) { " (" (range) ")" }
            ": " (yes.count) " yes, " (no) " no"
        }
    }
}
