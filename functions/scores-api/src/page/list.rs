//! The list of providers.

use maud::{Markup, html};
use table::{Card, Page};
use trust::summary::Severity;

use super::{frame::frame, words};
use crate::view;

pub(crate) fn list(page: &Page<Card>) -> Markup {
    let body = html! {
        h1 { "Providers" }
        p.soft { "By the lower end of the score's interval: a provider about whom little is known does not rank above one who has proved himself." }
        @if page.items.is_empty() {
            p { "No provider has been registered yet." }
        }
        ol.providers {
            @for card in &page.items { (entry(card)) }
        }
        @if let Some(next) = &page.next {
            p { a href={ "/?cursor=" (next.to_opaque()) } { "More providers" } }
        }
    };
    frame("Providers", &body)
}

fn entry(card: &Card) -> Markup {
    html! {
        li.provider {
            div {
                a href={ "/providers/" (card.provider) } { strong { (card.name) } }
                " " span.tag { (track(card.track)) }
                div.soft {
                    (card.completed) " completed contracts in 365 days · median reply "
                    (words::percentile(&card.reply_median, card.waits)) " (n = " (card.waits) ", 90 days)"
                }
                @if !card.flags.is_empty() {
                    ul.flags {
                        @for flag in &card.flags {
                            li.critical[flag.severity == Severity::Critical] { strong { (view::flag_text(flag)) } }
                        }
                    }
                }
            }
            div.score {
                @if let Some((points, low, high)) = card.score {
                    (words::points(points.value()))
                    br;
                    small {
                        @if low < high {
                            (words::points(low.value())) " to " (words::points(high.value()))
                        } @else {
                            // The whole interval is above the cap.
                            "capped"
                        }
                    }
                } @else {
                    small { "no score yet" }
                }
            }
        }
    }
}

pub(super) fn track(track: trust::summary::Track) -> &'static str {
    use trust::summary::Track;
    match track {
        Track::New => "new",
        Track::Vetting => "vetting",
        Track::Established => "established",
    }
}
