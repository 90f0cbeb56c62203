//! A few providers side by side: a row a fact, a column a provider.

use maud::{Markup, html};
use table::Card;
use trust::{
    id::ProviderId,
    policy::Family,
    ratio::Ratio,
    score::NORMAL_90,
    summary::{Severity, Summary},
    uptime::day::Tally,
};

use super::{
    frame::{Head, frame},
    list::score,
    provider::family_title,
    uptime::claimed,
    words,
};
use crate::{listing::MOST_COMPARED, view};

/// One of those compared.
#[derive(Debug)]
pub(crate) struct Compared {
    pub(crate) summary: Summary,
    pub(crate) card: Card,
    /// The slots of all his monitors in 30 days.
    pub(crate) month: Tally,
}

pub(crate) fn compare(compared: &[Compared], unknown: &[ProviderId]) -> Markup {
    let body = html! {
        h1 { "Providers side by side" }
        @if !unknown.is_empty() {
            p { "Not registered: " @for id in unknown { code { (id) } " " } }
        }
        @if compared.is_empty() {
            p { "Nobody to compare. " a href="/" { "Choose up to " (MOST_COMPARED) " in the list" } "." }
        } @else {
            div.scroll tabindex="0" role="region" aria-label="Comparison" { table.compare {
                thead { tr {
                    td {}
                    @for one in compared { th scope="col" { a href={ "/providers/" (one.card.provider) } { (one.card.name) } } }
                } }
                tbody {
                    (row("Track", compared, |one| html! { (one.card.track.name()) }))
                    (row("Trust score", compared, |one| html! { span.figure { (score(&one.card)) } }))
                    @for family in Family::ALL { (row(family_title(family), compared, |one| share_of(one, family))) }
                    (row("Uptime, 30 days", compared, |one| html! { (claimed(&one.month)) div.soft { "n\u{a0}=\u{a0}" (one.month.uptime().of) " checks" } }))
                    (row("Half answered within", compared, |one| html! {
                        (words::percentile(&one.card.reply_median, one.card.waits))
                        @if let Some(range) = words::range(&one.card.reply_median) { div.soft { (range) } }
                        div.soft { "n\u{a0}=\u{a0}" (one.card.waits) ", 90 days" }
                    }))
                    (row("Contracts completed", compared, |one| ratio(one.summary.contracts.completion())))
                    (row("Known since", compared, |one| html! {
                        @match one.card.known_since { Some(since) => (since.day()) None => "not known" }
                    }))
                    (row("Warnings", compared, warnings))
                }
            } }
            p.soft { "Shares are of the evidence, with everybody's prior; each with its number of observations." }
        }
        p { a href="/" { "All providers" } }
    };
    frame(&Head::titled("Compare providers"), &body)
}

/// Where so many can not be compared, or they are no ids.
pub(crate) fn bad_comparison() -> Markup {
    let body = html! {
        h1 { "Providers side by side" }
        p.doubted role="alert" { "One to " (MOST_COMPARED) " providers can be compared. Please go back, and choose no more than that." }
        p { a href="/" { "All providers" } }
    };
    frame(&Head::titled("Compare providers"), &body)
}

fn row(name: &str, compared: &[Compared], cell: impl Fn(&Compared) -> Markup) -> Markup {
    html! { tr { th scope="row" { (name) } @for one in compared { td { (cell(one)) } } } }
}

fn share_of(one: &Compared, family: Family) -> Markup {
    html! {
        @match one.card.family(family) {
            None => span.soft { "no evidence yet" }
            Some(found) => { (words::percent(found.mean.value())) div.soft { "n\u{a0}=\u{a0}" (found.observations) } }
        }
    }
}

fn ratio(ratio: Ratio) -> Markup {
    html! {
        @match ratio.share() {
            None => span.soft { "not enough data" }
            Some(share) => {
                (words::percent(share))
                @if let Some((low, high)) = ratio.interval(NORMAL_90) {
                    div.soft { (words::percent(low)) " to " (words::percent(high)) ", n\u{a0}=\u{a0}" (ratio.of) }
                }
            }
        }
    }
}

fn warnings(one: &Compared) -> Markup {
    html! {
        @if one.card.flags.is_empty() { "none" } @else {
            ul.flags { @for flag in &one.card.flags {
                li.critical[flag.severity == Severity::Critical] { strong { (view::flag_text(flag)) } }
            } }
        }
    }
}
