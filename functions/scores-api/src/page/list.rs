//! The list of providers, with the search above it. Everything works by links and forms alone.

use maud::{Markup, html};
use table::{Card, Page, Sort};
use trust::summary::Severity;

use super::{
    frame::{Head, frame},
    words,
};
use crate::{asked::Parameters, listing::MOST_COMPARED, view};

pub(crate) fn list(parameters: &Parameters, page: &Page<Card>) -> Markup {
    let body = html! {
        h1 { "Providers" }
        (search(parameters, None))
        @if page.items.is_empty() {
            p {
                @if page.next.is_some() { "None of those looked at so far. There are more to look at." }
                @else if parameters.is_empty() { "No provider has been registered yet." }
                @else { "No provider is like that." }
            }
        }
        form action="/compare" {
            ol.providers { @for card in &page.items { (entry(card)) } }
            @if page.items.len() > 1 {
                p { button.action type="submit" { "Compare those ticked" } span.soft { " up to " (MOST_COMPARED) } }
            }
        }
        @if let Some(next) = &page.next {
            p { a rel="next" href={ "/?" (parameters.query_at(&next.to_opaque())) } { "More providers" } }
        }
    };
    frame(&Head::titled("Providers"), &body)
}

/// The list's page where what was asked for can not be understood.
pub(crate) fn bad_search(parameters: &Parameters, parameter: &str, cause: &str) -> Markup {
    let body = html! {
        h1 { "Providers" }
        (search(parameters, Some((parameter, cause))))
    };
    frame(&Head::titled("Providers"), &body)
}

/// The search, filled in as it was asked.
fn search(parameters: &Parameters, wrong: Option<(&str, &str)>) -> Markup {
    let given = |name| parameters.get(name).unwrap_or_default();
    let filtered = ["track", "flags", "min_score", "min_replies", "min_uptime"]
        .iter()
        .any(|name| !given(name).is_empty());
    html! {
        form.search action="/" role="search" {
            @if let Some((parameter, cause)) = wrong { p.doubted role="alert" { strong { (parameter) } ": " (cause) "." } }
            p.fields {
                label { "Name or id" input type="search" name="q" maxlength="64" value=(given("q")); }
                label { "Order" select name="sort" {
                    @for sort in Sort::ALL {
                        option value=(sort.name()) selected[given("sort") == sort.name()] { (order(sort)) }
                    }
                } }
                button.action type="submit" { "Search" }
            }
            details open[filtered] {
                summary { "More filters" }
                p.fields {
                    label { "Track" select name="track" {
                        option value="" { "any" }
                        @for name in ["established", "vetting", "new"] {
                            option value=(name) selected[given("track") == name] { (name) }
                        }
                    } }
                    label { "Score, at least" (least("min_score", "100", "1", given("min_score"))) }
                    label { "Replies in time, share" (least("min_replies", "1", "0.01", given("min_replies"))) }
                    label { "Uptime, share" (least("min_uptime", "1", "0.001", given("min_uptime"))) }
                    label.tick { input type="checkbox" name="flags" value="none" checked[given("flags") == "none"]; " without warnings" }
                }
            }
            p.soft {
                "Scores are ordered by the lower end of their interval: a provider about whom little is known does not rank above one "
                "who has proved himself."
            }
        }
    }
}

fn least(name: &str, most: &str, step: &str, value: &str) -> Markup {
    html! { input type="number" name=(name) min="0" max=(most) step=(step) value=(value); }
}

fn order(sort: Sort) -> &'static str {
    match sort {
        Sort::Score => "trust score",
        Sort::Name => "name",
        Sort::Uptime => "uptime",
        Sort::Replies => "replies in time",
        Sort::Newest => "newest first",
    }
}

fn entry(card: &Card) -> Markup {
    html! {
        li.provider {
            div { a href={ "/providers/" (card.provider) } { strong { (card.name) } } " " span.tag { (card.track.name()) } }
            div.score { (score(card)) }
            div.wide {
                div.soft {
                    (card.completed) " completed contracts in 365 days · median reply "
                    (words::percentile(&card.reply_median, card.waits))
                    " (" @if let Some(range) = words::range(&card.reply_median) { (range) ", " } "n\u{a0}=\u{a0}" (card.waits) ", 90\u{a0}days)"
                }
                @if !card.flags.is_empty() {
                    ul.flags {
                        @for flag in &card.flags {
                            li.critical[flag.severity == Severity::Critical] { strong { (view::flag_text(flag)) } }
                        }
                    }
                }
                label.tick.soft { input type="checkbox" name="ids" value=(card.provider) aria-label={ "compare " (card.name) }; " compare" }
            }
        }
    }
}

/// A card's score, with its interval.
pub(super) fn score(card: &Card) -> Markup {
    html! {
        @if let Some((points, low, high)) = card.score {
            (words::points(points.value()))
            br;
            small {
                @if card.capped_from.is_some() || low >= high {
                    "capped"
                } @else {
                    (words::points(low.value())) " to " (words::points(high.value()))
                }
            }
        } @else {
            small { "no score yet" }
        }
    }
}
