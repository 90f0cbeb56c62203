//! The page of one provider.

use maud::{Markup, html};
use table::{Card, History};
use trust::{
    policy::Family,
    price::Priced,
    score::Score,
    summary::{Concern, ReplyWindow, Severity, Summary},
    uptime::facts::Facts,
};

use super::{
    chart,
    claims::claims,
    contracts::contracts,
    feedback::feedback,
    figures::{percentile, share},
    frame::{Head, Shared, frame},
    history, price, uptime, words,
};
use crate::{overview::Overview, preview, view};

/// Most of an operator's other providers that are named.
pub(crate) const SIBLINGS_SHOWN: usize = 10;

/// Bytes that a page may have: it is read on a phone, too. A little less than what is promised.
const MOST_BYTES: usize = 59_500;

/// What is known of a provider.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Known<'a> {
    pub(crate) summary: &'a Summary,
    pub(crate) quarter: &'a Overview<'a>,
    pub(crate) month: &'a Overview<'a>,
    pub(crate) facts: &'a [Facts],
    pub(crate) reported: &'a view::uptime::ReportedOf,
    pub(crate) history: &'a History,
    pub(crate) claims: &'a view::claims::Claims<'a>,
    /// Some of the operator's other providers.
    pub(crate) siblings: &'a [Card],
    /// His offerings against the market.
    pub(crate) priced: &'a [Priced],
    /// Where the API is.
    pub(crate) base: &'a str,
}

pub(crate) fn provider(known: &Known<'_>) -> Markup {
    let Known { summary, quarter, month, facts, reported, history, claims: judged, siblings, priced, base } =
        *known;
    let profile = summary.profile.as_ref();
    let name = profile.map_or(summary.provider.as_str(), |profile| profile.name.as_str());
    // Only what is plainly a web address becomes a link: the marketplace's text could be `javascript:`.
    let website = profile
        .and_then(|profile| profile.website.as_deref())
        .filter(|website| website.starts_with("https://") || website.starts_with("http://"));
    let page = format!("{base}/providers/{}", summary.provider);
    let shared = Shared {
        image: format!("{page}/og.png"),
        feed: format!("/v1/providers/{}/incidents.atom", summary.provider),
        description: &preview::said(summary),
        url: page,
    };
    let head = Head { title: name, shared: Some(shared) };
    let top = html! {
        h1 { (name) " " span.tag { (summary.track.name()) } }
        p.soft {
            "Provider " code { (summary.provider) }
            @if let Some(website) = website { " · " a href=(website) rel="nofollow noopener noreferrer" { (website) } }
            @if let Some(since) = summary.known_since { " · known since " (since.day()) }
            " · as of " time datetime=(summary.as_of) { (words::moment(summary.as_of)) }
        }
        (flags(summary))
        (others(summary, siblings))
    };
    let sections = html! {
        (score(summary))
        (history::history(history))
        (replies(summary))
        (survival(summary))
        (contracts(&summary.contracts))
        (feedback(&summary.provider, &summary.feedback))
        (claims(&summary.provider, &summary.claims, judged))
    };
    let bottom = html! {
        p.soft {
            a href={ "/v1/providers/" (summary.provider) } { "The same as JSON" } " · "
            a href={ "/v1/providers/" (summary.provider) "/incidents.atom" } { "outages as a feed" } " · "
            a href={ "/v1/providers/" (summary.provider) "/badge.svg" } { "badge" }
        }
    };
    let last = html! { (price::price(&summary.provider, priced)) (apart(summary)) };
    // Uptime gets what the others leave: days as bars are most of a page, and the first that can be left out.
    let bare = frame(&head, &html! {});
    let taken: usize = [&bare, &top, &sections, &last, &bottom].into_iter().map(|part| part.0.len()).sum();
    let room = MOST_BYTES.saturating_sub(taken);
    let uptime = uptime::uptime(&summary.provider, quarter, month, facts, reported, room);
    let body = html! { (top) div.grid { (sections) (uptime) (last) } (bottom) };
    frame(&head, &body)
}

pub(super) fn unknown(id: &str) -> Markup {
    let body = html! {
        h1 { "No such provider" }
        p { "No provider " code { (id) } " has been registered. " a href="/" { "All providers" } }
    };
    frame(&Head::titled("No such provider"), &body)
}

/// Who else the operator is: a fresh name is no clean slate.
fn others(summary: &Summary, shown: &[Card]) -> Markup {
    let Some(siblings) = summary.siblings.as_ref().filter(|siblings| siblings.others > 0) else {
        return html! {};
    };
    let left_out = siblings.others.saturating_sub(shown.len() as u64);
    html! {
        p {
            "The same operator has " (siblings.others) " other " @if siblings.others == 1 { "provider" } @else { "providers" }
            @if let Some(since) = siblings.known_since { ", known since " (since.day()) } ": "
            @for (place, card) in shown.iter().enumerate() {
                @if place > 0 { ", " }
                a href={ "/providers/" (card.provider) } { (card.name) }
                @if !card.flags.is_empty() { " (" (card.flags.len()) @if card.flags.len() == 1 { " warning)" } @else { " warnings)" } }
            }
            @if left_out > 0 { " and " (left_out) " more" }
            ". " a href={ "/v1/providers?operator=" (siblings.operator) } { "All as JSON" }
        }
    }
}

fn flags(summary: &Summary) -> Markup {
    html! {
        @if !summary.flags.is_empty() {
            ul.flags aria-label="Warnings" {
                @for flag in &summary.flags {
                    li.critical[flag.severity == Severity::Critical] {
                        strong { @if flag.severity == Severity::Critical { "Critical: " } (view::flag_text(flag)) "." }
                        @if let Some(since) = flag.since { " " (since_when(flag.concern)) " " time datetime=(since) { (words::moment(since)) } "." }
                        @if flag.concern == Concern::ClaimsContradicted { " " a href="#claims" { "What was seen" } }
                    }
                }
            }
        }
    }
}

fn since_when(concern: Concern) -> &'static str {
    match concern {
        Concern::Silent => "The longest since",
        Concern::FeedbackBurst => "Revealed",
        _ => "Since",
    }
}

fn score(summary: &Summary) -> Markup {
    html! {
        section {
            h2 { "Trust score" }
            @match &summary.score {
                None => {
                    p.score { small { "no score yet" } }
                    p { "Not enough data: " (view::reason(summary.track).unwrap_or_default()) "." }
                }
                Some(score) => (scored(summary, score))
            }
        }
    }
}

fn scored(summary: &Summary, score: &Score) -> Markup {
    let (points, low, high) = (score.points.value(), score.low.value(), score.high.value());
    html! {
        (chart::dial(points, low, high))
        p {
            @if let Some(free) = score.capped_from {
                strong { "Capped by a critical warning." } " Without it " (words::points(free.value())) "."
            } @else {
                "90 % interval " strong { (words::points(low)) " to " (words::points(high)) } "."
            }
        }
        div.scroll { table {
            thead { tr { th { "What it is made of" } th.n { "share" } th.n { "n" } th.n { "points" } } }
            tbody {
                tr { th { "Everybody starts with" } td.n {} td.n {} td.n { (words::points(score.baseline.value())) } }
                @for family in &score.families {
                    tr {
                        th { (family_title(family.family)) }
                        @if family.observations == 0 {
                            td.n.soft colspan="2" { "no evidence yet" }
                        } @else {
                            @let (mean, low, high) = (family.mean.value(), family.low.value(), family.high.value());
                            td.n {
                                (words::percent(mean))
                                (chart::share(mean, low, high))
                                div.soft { (words::percent(low)) " to " (words::percent(high)) }
                            }
                            td.n { (family.observations) }
                        }
                        td.n { (words::signed(family.contribution.value())) }
                    }
                }
            }
        } }
        @let costs = view::costliest(score);
        @if !costs.is_empty() {
            p { strong { "What cost most: " } @for cost in costs.iter().take(3) { (view::said(cost)) ". " } }
        }
        @let advice = view::advice(summary);
        @if !advice.is_empty() {
            p { strong { "What would raise it: " } @for line in &advice { (line) " " } }
        }
        p.soft { "Policy " (score.policy) " · inputs " code { (&score.inputs_hash[..12.min(score.inputs_hash.len())]) } }
    }
}

pub(super) fn family_title(family: Family) -> &'static str {
    match family {
        Family::Uptime => "Uptime",
        Family::Replies => "Replies",
        Family::Contracts => "Contracts",
        Family::Feedback => "Feedback",
        Family::Claims => "Claims",
    }
}

fn replies(summary: &Summary) -> Markup {
    let good = summary.replies.prompt_within;
    html! {
        section {
            h2 { "Reply time in contracts" }
            div.scroll { table {
                thead { tr { th {} @for window in &summary.replies.windows { th.n { (window.days) " days" } } } }
                tbody {
                    (row(summary, "Half answered within", |window| percentile(&window.median, window.waits)))
                    (row(summary, "Nine of ten within", |window| percentile(&window.p90, window.waits)))
                    (row(summary, "First reply, half within", |window| percentile(&window.first_median, window.first_waits)))
                    (row(summary, &format!("Within {} (scored)", words::duration(good)), |window| share(window.prompt)))
                    (row(summary, "Within the promised time", |window| share(window.in_time)))
                    (row(summary, "Open now", |window| html! { (window.open) }))
                }
            } }
            p {
                @match summary.replies.waiting_since {
                    Some(since) => {
                        strong { (summary.replies.waiting) " waiting for an answer" } ", the longest since "
                        time datetime=(since) { (words::moment(since)) } "."
                    }
                    None => "Nobody in a contract is waiting for an answer."
                }
            }
        }
    }
}

fn row(summary: &Summary, name: &str, cell: impl Fn(&ReplyWindow) -> Markup) -> Markup {
    html! { tr { th { (name) } @for window in &summary.replies.windows { td.n { (cell(window)) } } } }
}

fn survival(summary: &Summary) -> Markup {
    html! {
        @if let Some(window) = summary.replies.windows.last() {
            section {
                h2 { "How long renters wait" }
                @if window.waits == 0 {
                    p { "Not enough data: no renter in a contract has written in the last " (window.days) " days." }
                } @else {
                    (chart::survival(window))
                    p.soft {
                        "Share of waits that last longer than the time below (Kaplan-Meier with its 90 % band, n = " (window.waits) ", "
                        (window.open) " still open, last " (window.days) " days)."
                    }
                }
            }
        }
    }
}

fn apart(summary: &Summary) -> Markup {
    use trust::replies::Scope;
    html! {
        @if !summary.replies.apart.is_empty() {
            section.wide {
                h2 { "Shown apart, not scored" }
                div.scroll { table {
                    thead { tr { th {} th.n { "Half answered within" } th.n { "Open now" } th.n { "n" } } }
                    tbody {
                        @for (scope, window) in &summary.replies.apart {
                            tr {
                                th {
                                    @match scope {
                                        Scope::PreSales => "Before a contract"
                                        Scope::Unverified => "In contracts, from visitors nobody verified"
                                        Scope::SelfDealing => "With himself"
                                        Scope::Minimal => "In contracts for nothing or under an hour"
                                        Scope::Excess => "In contracts, beyond three a renter and week"
                                        Scope::Contract => "In contracts"
                                    }
                                    " (" (window.days) " days)"
                                }
                                td.n { (percentile(&window.median, window.waits)) }
                                td.n { (window.open) }
                                td.n { (window.waits) }
                            }
                        }
                    }
                } }
            }
        }
    }
}
