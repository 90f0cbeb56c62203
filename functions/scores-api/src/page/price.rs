//! What a provider asks, among what others ask.

use maud::{Markup, html};
use trust::{
    id::ProviderId,
    price::{Amount, Disk, Outcome, Peer, Position, Priced, Scope, Seller, Standing, amount, said, why_not},
};

use crate::view;

/// Most offerings that are shown; the others are in the JSON.
const SHOWN: usize = 2;

/// Those whose peers are named.
const EXPLAINED: usize = 1;

pub(super) fn price(provider: &ProviderId, priced: &[Priced]) -> Markup {
    // What can be told comes first.
    let mut shown: Vec<&Priced> = priced.iter().collect();
    shown.sort_by_key(|one| one.outcome.position().is_none());
    let left_out = shown.len().saturating_sub(SHOWN);
    html! {
        section.wide id="price" {
            h2 { "Price against the market" }
            @if priced.is_empty() {
                p { "Not enough data: no offering of this provider has been compared yet." }
            }
            @for (place, one) in shown.iter().take(SHOWN).enumerate() { (offering(one, place < EXPLAINED)) }
            p.soft {
                @if left_out > 0 { (left_out) " more " @if left_out == 1 { "offering is" } @else { "offerings are" } " in the JSON. " }
                "For a month, without tax, beside offers of the same kind and terms, one vote a provider. Informs; is not scored. "
                a href={ "/v1/providers/" (provider) "/price" } { "The same as JSON" }
            }
        }
    }
}

fn offering(priced: &Priced, is_explained: bool) -> Markup {
    html! {
        h3 { (priced.name) }
        @match &priced.outcome {
            Outcome::Silent(silence) => p { "Not enough data: " (why_not(silence)) "." },
            Outcome::Placed(position) => (placed(position, is_explained)),
        }
    }
}

fn placed(position: &Position, is_explained: bool) -> Markup {
    let Position { standing, explained, .. } = position;
    let his = |euro| amount(view::price::in_his_currency(position, euro));
    html! {
        p {
            strong { (amount(position.monthly)) " a month, " (said(position)) } ": the median of "
            (explained.providers) " providers (" (explained.peers) " offers" @if let Scope::Region(group) = explained.scope { ", " (group.name()) }
            ") is " (his(standing.median)) ", the middle half of them ask " (his(standing.middle_half.0)) " to " (his(standing.middle_half.1)) "."
        }
        (picture(position))
        @for note in view::price::notes(position) { p { strong.warn { (note) } } }
        @if is_explained { (peers(position)) }
    }
}

fn peers(position: &Position) -> Markup {
    let explained = &position.explained;
    html! {
        details {
            summary { "The nearest of them" }
            div.scroll tabindex="0" role="region" aria-label="The nearest offers" { table {
                thead { tr { th { "Who" } th { "Machine" } th.n { "a month" } th.n { "adjusted by" } th { "priced" } } }
                tbody { @for peer in &explained.nearest { tr {
                    th {
                        @if let Seller::Here(id, _) = &peer.seller { a href={ "/providers/" (id) } { (peer.seller.name()) } }
                        @else { (peer.seller.name()) }
                        div.soft { (peer.name.as_str()) }
                    }
                    td { (machine(peer)) }
                    td.n { (amount(peer.monthly)) }
                    td.n { (format!("{:+.0} %", peer.adjustment.percent())) }
                    td { (peer.priced_on) div.soft { (peer.source) } }
                } } }
            } }
            p.soft {
                "Policy " (explained.policy) " · market of " (explained.on) " · exchange rates of " (explained.rates.0) " (" (explained.rates.1) ")"
            }
        }
    }
}

fn machine(peer: &Peer) -> String {
    let machine = &peer.machine;
    let disk = match machine.disk {
        Disk::NotSaid => String::new(),
        Disk::NotIncluded => ", no disk".to_owned(),
        Disk::Included(size, _) => format!(", {:.0} GB", size.as_gb()),
    };
    let (cpus, memory) = (machine.vcpus, machine.memory.as_gib());
    format!("{}, {cpus} CPUs, {memory:.1} GiB{disk}", view::price::class_words(machine.class))
}

const LEFT: f64 = 20.0;
const WIDTH: f64 = 560.0;
const ROW: f64 = 46.0;

/// A picture's scale: logarithmic, since twice as much is as far as half.
struct Scale {
    low: f64,
    high: f64,
}

impl Scale {
    fn of(position: &Position) -> Self {
        let all = position.explained.votes.iter().copied().chain([position.euro, position.standing.median]);
        let (low, high) = all.fold((u64::MAX, 1), |(low, high), euro| (low.min(euro.max(1)), high.max(euro)));
        // Some room at both ends, and some between where all ask the same.
        Self { low: (low as f64 / 1.2).ln(), high: (high as f64 * 1.2).ln() }
    }

    fn x(&self, euro: u64) -> f64 {
        let place = ((euro.max(1) as f64).ln() - self.low) / (self.high - self.low);
        LEFT + WIDTH * place.clamp(0.0, 1.0)
    }
}

/// The offering among its peers: a dot a provider, the middle half as a band, the median as a line, and the price.
fn picture(position: &Position) -> Markup {
    let Position { standing, explained, .. } = position;
    let Standing { median, middle_half: (low, high), .. } = *standing;
    let scale = Scale::of(position);
    let label = format!(
        "{} among {} providers who ask {} to {} for the same machine; half ask less than {}",
        amount(position.monthly),
        explained.providers,
        euro(explained.votes.first().copied().unwrap_or_default()),
        euro(explained.votes.last().copied().unwrap_or_default()),
        euro(median)
    );
    let at = |euro| format!("{:.1}", scale.x(euro));
    html! {
        svg.plot viewBox="0 0 600 104" role="img" aria-label=(label) {
            rect.band x=(at(low)) y="26" width=(format!("{:.1}", (scale.x(high) - scale.x(low)).max(1.0))) height="40" {}
            line.axis x1=(LEFT) x2=(LEFT + WIDTH) y1="66" y2="66" {}
            line.curve x1=(at(median)) x2=(at(median)) y1="26" y2="66" {}
            @for vote in &explained.votes { circle.peer cx=(at(*vote)) cy=(ROW) r="5" {} }
            path.dot d=(format!("M {x:.1} 66 l -8 14 h 16 Z", x = scale.x(position.euro))) {}
            text x=(at(median)) y="18" text-anchor=(anchor(scale.x(median))) { "median " (euro(median)) }
            text x=(at(position.euro)) y="99" text-anchor=(anchor(scale.x(position.euro))) { "this: " (euro(position.euro)) }
        }
    }
}

/// Which end of a text stands at its place, so that it stays in the picture.
fn anchor(x: f64) -> &'static str {
    if x < LEFT + WIDTH * 0.25 {
        "start"
    } else if x > LEFT + WIDTH * 0.75 {
        "end"
    } else {
        "middle"
    }
}

/// Written `9.40 EUR`.
fn euro(millionths: u64) -> String {
    amount(Amount { millionths, currency: trust::marketplace::Currency::EURO })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    fn panel(priced: &[Priced]) -> String {
        price(&"p1".parse().unwrap(), priced).into_string()
    }

    #[test]
    fn the_picture_has_a_dot_a_provider_and_a_text_that_says_the_same() {
        let page = panel(&[samples::priced("small", 600)]);
        assert_eq!(page.matches("<circle").count(), 9);
        for said in [
            "aria-label=\"6.00 EUR among 9 providers who ask 8.00 EUR to 12.00 EUR for the same machine; half ask less than 10.00 EUR\"",
            "6.00 EUR a month, about 40 % below market (",
            "(18 offers, Europe) is 10.00 EUR",
            "adjusted by",
            "p0",
        ] {
            assert!(page.contains(said), "{said}: {page}");
        }
        assert!(!page.contains("NaN") && !page.contains("<script"));
    }

    #[test]
    fn far_below_the_market_stands_a_warning() {
        assert!(panel(&[samples::priced("small", 300)]).contains("ask how that is paid for"));
        assert!(!panel(&[samples::priced("small", 900)]).contains("ask how that is paid for"));
    }

    #[test]
    fn what_can_not_be_said_comes_last_with_the_reason_and_not_more_than_two_are_shown() {
        let mut all = vec![samples::unpriced("odd")];
        assert!(panel(&all).contains("Not enough data: the offering does not say how much memory it has."));
        all.extend((0..6).map(|number| samples::priced(&format!("n{number}"), 900)));
        let page = panel(&all);
        assert_eq!(page.matches("<svg").count(), 2);
        assert!(!page.contains("odd") && page.contains("5 more offerings are in the JSON"));
        assert!(page.len() < 25_000, "{} bytes", page.len());
        assert!(panel(&[]).contains("no offering of this provider has been compared yet"));
    }
}
