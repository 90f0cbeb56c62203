//! Figures that stand in many panels: each with its interval and its n.

use maud::{Markup, html};
use trust::{ratio::Ratio, summary::PercentileFact};

use super::words;

pub(super) fn percentile(fact: &PercentileFact, n: u64) -> Markup {
    html! {
        (words::percentile(fact, n))
        @if let Some(range) = words::range(fact) { div.soft { (range) } }
        div.soft { "n = " (n) }
    }
}

pub(super) fn share(ratio: Ratio) -> Markup {
    html! {
        @match ratio.share() {
            None => "not enough data"
            Some(share) => (words::percent(share))
        }
        @if let Some(range) = words::share_range(ratio) { div.soft { (range) } }
        div.soft { "n = " (ratio.of) }
    }
}
