//! What offerings claim, against what was seen.

use maud::{Markup, html};
use trust::{id::ProviderId, summary::ClaimFacts};

use super::{sites::sites, words};
use crate::view::{
    self,
    claims::{Claims, Judged, Offered, title},
};

/// Most offerings on the page, those with a contradicted claim first.
const MOST_OFFERINGS: usize = 2;

/// Most figures that are shown of one claim, the first of which agrees with the verdict.
const MOST_SEEN: usize = 2;

pub(super) fn claims(provider: &ProviderId, facts: &ClaimFacts, claims: &Claims<'_>) -> Markup {
    let left_out = claims.left_out + claims.offerings.len().saturating_sub(MOST_OFFERINGS);
    html! {
        section.wide id="claims" {
            h2 { "Claims against evidence" }
            (machines(facts))
            @if claims.offerings.is_empty() { p { "No offering says what its machine is." } }
            @for offered in claims.offerings.iter().take(MOST_OFFERINGS) { (offering(offered)) }
            @if left_out > 0 { p { (left_out) " more offerings are in the JSON." } }
            (sites(&claims.sites))
            p.soft {
                "Renters measure the machines they are handed, by a link that only they have. "
                a href={ "/v1/providers/" (provider) "/claims" } { "The same as JSON" }
            }
        }
    }
}

/// What rented machines turned out to be, whatever is claimed today.
fn machines(facts: &ClaimFacts) -> Markup {
    let ratio = facts.contradicted;
    html! {
        @if ratio.of == 0 {
            p { "Not enough data: no renter has measured a machine in the last " (facts.days) " days." }
        } @else {
            p {
                strong { (ratio.of - ratio.count) " of " (ratio.of) }
                " measured machines were what was claimed when they were rented (last " (facts.days) " days)"
                @if let Some(share) = ratio.share() { ": " (words::percent(1.0 - share)) }
                "."
            }
        }
        @if !facts.excluded.is_empty() {
            p.soft {
                "Not counted: "
                @for (place, (standing, count)) in facts.excluded.iter().enumerate() {
                    @if place > 0 { "; " }
                    (count) ", as " (view::feedback::words(*standing))
                }
                "."
            }
        }
    }
}

fn offering(offered: &Offered) -> Markup {
    html! {
        h3 { (offered.name) " " code { (offered.offering_id) } }
        @if let Some(words) = offered.networks.words() {
            p.soft { (words) " Many providers rent their place in another's." }
        }
        div.scroll tabindex="0" role="region" aria-label={ "Claims of " (offered.name) } { table {
            thead { tr { th { "Claim" } th { "Claimed" } th { "Verdict" } th { "Seen" } } }
            tbody { @for judged in &offered.claims { (row(judged)) } }
        } }
    }
}

fn row(judged: &Judged) -> Markup {
    html! {
        tr {
            th { (title(judged.of)) }
            td { (judged.claimed) }
            td {
                @if judged.is_contradicted() { strong.bad { (judged.verdict) } }
                @else if judged.is_verified() { strong { (judged.verdict) } }
                @else { span.soft { (judged.verdict) } }
            }
            td {
                @match judged.evidence.first() {
                    None => span.soft { "nothing yet" },
                    Some(first) => {
                        (first.seen)
                        details {
                            summary { (judged.n) " seen" }
                            ul {
                                @for shown in judged.evidence.iter().take(MOST_SEEN) {
                                    li {
                                        (shown.seen) ", "
                                        @match shown.url.as_deref().filter(|url| url.starts_with("https://")) {
                                            Some(url) => a href=(url) rel="nofollow noreferrer" { (shown.who()) },
                                            None => (shown.who())
                                        }
                                        ", " time datetime=(shown.seen_on.0) { (shown.seen_on.0) } ": " (shown.reading)
                                    }
                                }
                            }
                            p.soft { "Tolerance: " (judged.tolerance) "." }
                        }
                    }
                }
            }
        }
    }
}
