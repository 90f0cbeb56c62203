//! A provider's incidents as an Atom feed (RFC 4287), for those who would rather be told than ask.

use axum::{extract::State, http::HeaderMap, response::Response};
use maud::{Markup, PreEscaped, html};
use trust::{
    summary::Summary,
    time::Moment,
    uptime::{facts::Facts, names::MonitorId, outage::Incident},
};

use crate::{
    Refusal, Shared, answer,
    asked::{Id, Parameters},
    base, overview,
    overview::Window,
    page::{uptime, words},
    registered,
};

/// Most incidents in the feed: readers ask often, and keep what they have seen.
const MOST_ENTRIES: usize = 50;

pub(crate) async fn incidents(
    State(table): Shared,
    Id(id): Id,
    parameters: Parameters,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    parameters.check(&[])?;
    let summary = registered(&table, &id).await?;
    let facts = table.facts_of(&summary.provider).await?;
    let incidents = overview::incidents(&facts, Window::quarter(lambda::clock::now()));
    Ok(answer::atom(&headers, feed(&summary, &facts, &incidents, &base(&headers)).into_string()))
}

/// The feed. `base` is where the API is, since a feed is read far from it.
fn feed(summary: &Summary, facts: &[Facts], incidents: &[Incident], base: &str) -> Markup {
    let provider = &summary.provider;
    let name = summary.profile.as_ref().map_or(provider.as_str(), |profile| profile.name.as_str());
    let page = format!("{base}/providers/{provider}");
    let shown = incidents.iter().take(MOST_ENTRIES);
    // Without incidents nothing has changed since we know him.
    let updated = shown.clone().map(last_seen).max().or(summary.known_since).unwrap_or(summary.as_of);
    html! {
        (PreEscaped("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n"))
        feed xmlns="http://www.w3.org/2005/Atom" xml:lang="en" {
            id { (tag(provider.as_str(), "")) }
            title { "Outages of " (plain(name)) }
            subtitle { "As our own checks saw them, in the last 90 days" }
            updated { (updated) }
            author { name { "Provider Trust" } }
            link rel="self" type="application/atom+xml" href={ (base) "/v1/providers/" (provider) "/incidents.atom" } {}
            link rel="alternate" type="text/html" href=(page) {}
            @for incident in shown { (entry(provider.as_str(), facts, incident, &page)) }
        }
    }
}

fn entry(provider: &str, facts: &[Facts], incident: &Incident, page: &str) -> Markup {
    let seconds = words::duration(incident.until.since(incident.from)).replace(words::NBSP, " ");
    let name = |monitor: &MonitorId| {
        let of = facts.iter().find(|facts| facts.watch.service.monitor == *monitor);
        of.map_or_else(|| "a service".to_owned(), |facts| facts.watch.name.to_string())
    };
    html! {
        entry {
            id { (tag(provider, &format!("/{}", incident.from.unix()))) }
            title {
                @if incident.is_open { "Down for " (seconds) " so far" } @else { "Down for " (seconds) }
                ", " (incident.outages.len()) @if incident.outages.len() == 1 { " service" } @else { " services" }
            }
            published { (incident.from) }
            updated { (last_seen(incident)) }
            link rel="alternate" type="text/html" href={ (page) "#uptime" } {}
            content type="text" {
                "From " (words::moment(incident.from))
                @if incident.is_open { ", and it goes on. " } @else { " to " (words::moment(incident.until)) ". " }
                @for (monitor, outage) in &incident.outages { (name(monitor)) ": " (uptime::why(outage)) ". " }
            }
        }
    }
}

/// As of when an incident is known: its end, or so far.
fn last_seen(incident: &Incident) -> Moment {
    incident.until
}

/// An id that stays, wherever the API moves (RFC 4151).
fn tag(provider: &str, of: &str) -> String {
    format!("tag:provider-trust.dev,2026:incidents/{provider}{of}")
}

/// Without control characters, of which XML takes none.
fn plain(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() && !matches!(c, '\u{fffe}' | '\u{ffff}')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    fn shown(name: &str, seen: impl Fn(u32, u32) -> char) -> String {
        let facts = [samples::monitor("web", 40, seen)];
        let mut summary = samples::summary("p1", 3, None);
        summary.profile.as_mut().unwrap().name = name.to_owned().try_into().unwrap();
        let incidents = overview::incidents(&facts, Window::quarter(samples::now()));
        feed(&summary, &facts, &incidents, "https://trust.example").into_string()
    }

    #[test]
    fn a_feed_has_what_atom_requires_and_an_entry_an_incident() {
        let feed = shown("Acme", |day, hour| if [(5, 3), (2, 4)].contains(&(day, hour)) { 'd' } else { 'u' });
        insta::assert_snapshot!(feed.replace("><", ">\n<"));
    }

    #[test]
    fn an_outage_that_goes_on_keeps_its_id_and_is_updated() {
        let entry = |until: u32| {
            let feed =
                shown("Acme", |day, hour| if day == 0 && (3..until).contains(&hour) { 'd' } else { 'u' });
            let (_, entry) = feed.split_once("<entry>").unwrap();
            let part = |name: &str| {
                let (_, rest) = entry.split_once(&format!("<{name}>")).unwrap();
                rest.split_once("</").unwrap().0.to_owned()
            };
            (part("id"), part("updated"), part("title"))
        };
        let (over, open) = (entry(5), entry(9));
        assert_eq!(over.0, open.0);
        assert!(over.1 < open.1, "{} {}", over.1, open.1);
        assert!(open.2.ends_with("so far, 1 service"), "{}", open.2);
    }

    #[test]
    fn names_can_not_break_the_document() {
        let feed = shown("<a> & \u{fffe}\"b\"", |_, _| 'u');
        assert!(feed.contains("<title>Outages of &lt;a&gt; &amp; &quot;b&quot;</title>"), "{feed}");
    }

    #[test]
    fn without_incidents_the_feed_does_not_change() {
        let feed = shown("Acme", |_, _| 'u');
        assert!(feed.contains("<updated>2026-11-24T09:30:00Z</updated>"), "{feed}");
        assert!(!feed.contains("<entry>"));
    }
}
