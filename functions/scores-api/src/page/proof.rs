//! The page of a proof: what it proves and what not, and how to check it, here or elsewhere.

use maud::{Markup, html};
use transparency::{PublicKey, Published};
use trust::summary::Summary;

use super::{
    frame::{Head, frame},
    uptime,
};
use crate::overview::Overview;

pub(crate) fn proof(
    summary: &Summary,
    overview: &Overview<'_>,
    log: Option<&(Published, Vec<PublicKey>)>,
) -> Markup {
    let id = &summary.provider;
    let name = summary.profile.as_ref().map_or(id.as_str(), |profile| profile.name.as_str());
    let bundle = format!("/v1/providers/{id}/proof?days={}", overview.window.days());
    let body = html! {
        h1 { "Proof of uptime: " a href={ "/providers/" (id) } { (name) } }
        p.lead { (uptime::sentence(overview)) }
        div.grid {
            section {
                h2 { "What is proven" }
                ul {
                    li { "What we recorded of each service, check by check, and what each place we ask from saw in a day." }
                    li { "That it was recorded by then, and has not been edited, moved or replaced since." }
                    li { "That no day was left out: each record names the one before it." }
                    li { "That the percentage is what these records come to. You compute it yourself." }
                }
            }
            section {
                h2 { "What is not" }
                ul {
                    li { "That a service was really down or up: only that we saw it so. Several places that must agree, and checks of ourselves, stand against our errors." }
                    li { "That all services of the provider are in it. Name those you know: " code.whole { "--monitor" } "." }
                    li { "That you were not shown another log than others. Compare the checkpoint with somebody else's." }
                }
            }
            @match log {
                None => section.wide { h2 { "There is no proof yet" } p { "The log has not begun. Until then, take the figures for what they are: our word." } }
                Some((checkpoint, keys)) => (check(&bundle, checkpoint, keys))
            }
        }
    };
    frame(&Head::titled(&format!("Proof of uptime: {name}")), &body)
}

fn check(bundle: &str, checkpoint: &Published, keys: &[PublicKey]) -> Markup {
    html! {
        section.wide {
            h2 { "Check it here" }
            p {
                "Your browser fetches the proof, checks signature, places and chains by itself, and computes the percentage. "
                "The script is ours, too: who trusts nothing of ours checks it elsewhere."
            }
            p { button.action id="check" type="button" disabled data-bundle=(bundle) { "Fetch and check" } }
            div id="result" role="status" aria-live="polite" {}
            noscript { p { "This needs JavaScript. Without it, check the proof with the command below." } }
            script type="module" src="/assets/proof.js" {}
        }
        section.wide {
            h2 { "Check it elsewhere" }
            p { a href=(bundle) { "Download the proof" } ", then:" }
            pre { code {
                "verify-uptime FILE"
                @for key in keys { " \\\n  --key '" (key) "'" }
            } }
            p.soft {
                "It needs no network, prints the percentage, and fails with the reason on any doubt. Give it the key you noted before, not the "
                "one a page shows you today. " a href="/v1/log/keys" { "The log's keys" } " · "
                a href="/v1/log/checkpoint" { "the last checkpoint" } " (" (checkpoint.head().size) " records)"
            }
            div id="keys" hidden { @for key in keys { code { (key) } } }
        }
    }
}
