//! Uptime on the page of a provider: figures, a bar a day, promises, outages, and the way to the proof.

use std::collections::BTreeMap;

use maud::{Markup, html};
use trust::{
    id::ProviderId,
    ratio::Ratio,
    time::Day,
    uptime::{
        day::{Latency, Tally},
        facts::Facts,
        interval::UptimeInterval,
        names::{MonitorId, Vantage},
        outage::{Ended, Incident, Outage},
        reports::{Reported, Reporter, Says},
        sla::Standing,
        slot::Reason,
    },
};

use super::{bars::bars, words};
use crate::{
    overview::{self, Kept, Overview, Promise, Watched, Window},
    view::{self, uptime::ReportedOf},
};

/// Most bytes of bars. More would make a page of hundreds of kilobytes where there are many services; five quiet ones fit.
const LONGEST_BARS: usize = 33_000;

/// What the section says besides its parts and the heading of each monitor, in bytes, rounded up.
const OWN_WORDS: usize = 4_500;

/// What stands below bars, in bytes, rounded up.
const AXIS: usize = 100;

/// Most monitors that are listed. All of them are in the JSON.
const MOST_LISTED: usize = 10;

/// How many of them are listed even where there is no room.
const LEAST_LISTED: usize = 3;

/// Most statements of others that are listed, over all monitors. All of them are in the JSON.
const MOST_CLAIMS: usize = 10;

/// Most promises that are listed.
const MOST_PROMISES: usize = 5;

/// Most incidents that are listed, and most services named in each.
const MOST_INCIDENTS: usize = 10;
const MOST_NAMED: usize = 3;

pub(crate) fn uptime(
    provider: &ProviderId,
    quarter: &Overview<'_>,
    month: &Overview<'_>,
    facts: &[Facts],
    reported: &ReportedOf,
    room: usize,
) -> Markup {
    let promises = if quarter.promises.is_empty() {
        html! {}
    } else {
        promises(quarter)
    };
    let outages = if quarter.monitors.is_empty() {
        html! {}
    } else {
        outages(provider, quarter.window, facts)
    };
    let figures = figures(quarter, month);
    let room = room.saturating_sub(OWN_WORDS + promises.0.len() + outages.0.len() + figures.0.len());
    html! {
        section.wide id="uptime" {
            h2 { "Uptime, as we measured it" }
            @if quarter.monitors.is_empty() {
                p { "Not enough data: no service of this provider is watched yet." }
            } @else {
                (figures)
                (monitors(quarter, month, reported, room))
                p.soft {
                    "All days are UTC. "
                    @match quarter.as_of() {
                        Some(as_of) => { "Last looked at " time datetime=(as_of) { (words::moment(as_of)) } ". " }
                        None => "Not looked at yet. "
                    }
                    a href={ "/providers/" (provider) "/proof" } { "Check the proof" } " · "
                    a href={ "/v1/providers/" (provider) "/uptime?days=90" } { "the same as JSON" }
                }
            }
        }
        (promises)
        (outages)
    }
}

fn figures(quarter: &Overview<'_>, month: &Overview<'_>) -> Markup {
    let is_today_known = quarter.monitors.iter().any(|watched| watched.today.is_some());
    let today = if is_today_known { quarter.today() } else { Tally::default() };
    html! {
        div.scroll { table {
            thead { tr { th {} th.n { "Up" } th.n { "Measured" } } }
            tbody {
                (figure("30 days", &month.tally(), month.interval()))
                (figure("90 days", &quarter.tally(), quarter.interval()))
                (figure("today", &today, None))
            }
        } }
        p.soft {
            "Up: of what was measured, without announced maintenance, with its 90 % interval from whole days; raw: maintenance counted as it was seen. "
            "Measured: of what was due; so up: if all the rest was down, or up. n counts checks."
        }
    }
}

fn figure(name: &str, tally: &Tally, interval: Option<UptimeInterval>) -> Markup {
    let (coverage, bounds) = (tally.coverage(), tally.bounds());
    html! {
        tr {
            th { (name) }
            td.n {
                (claimed(tally))
                @if let (Some(UptimeInterval { low, high, days }), Some(_)) = (interval, tally.claim()) {
                    div.soft { span.whole { (low) } " to " span.whole { (high) } ", " span.whole { "n = " (days) " days" } }
                }
                @if tally.maintenance() > 0 { div.soft { "raw " (claimed(&tally.raw())) } }
            }
            td.n {
                (percent(coverage)) div.soft { span.whole { "n = " (coverage.of) } }
                @if tally.unknown() > 0 { div.soft { "so up " (percent(bounds.least)) " to " (percent(bounds.most)) } }
            }
        }
    }
}

/// The uptime that may be published.
pub(super) fn claimed(tally: &Tally) -> Markup {
    html! {
        @match tally.claim().and_then(Ratio::basis_points) {
            Some(share) => span.whole { (share) }
            None => "not enough data"
        }
    }
}

fn percent(ratio: Ratio) -> Markup {
    html! { @match ratio.basis_points() { Some(share) => span.whole { (share) } None => "–" } }
}

fn monitors(quarter: &Overview<'_>, month: &Overview<'_>, reported: &ReportedOf, room: usize) -> Markup {
    let mut watched: Vec<&Watched<'_>> = quarter.monitors.iter().collect();
    // Those with something to tell come first: down now, then the least up.
    watched.sort_by_key(|watched| (!watched.is_down(), watched.tally().uptime().basis_points()));
    let month_of: BTreeMap<&MonitorId, &Watched<'_>> =
        month.monitors.iter().map(|watched| (watched.id(), watched)).collect();
    let days = quarter.days();
    let all = (watched.len() > 1)
        .then(|| bars("All services", &all_days(quarter.window, |day| days.get(&day).cloned())));
    let mut claims_left = MOST_CLAIMS;
    let mut left = room;
    let mut listed: Vec<(&Watched<'_>, Markup, Markup)> = Vec::new();
    for &watched in watched.iter().take(MOST_LISTED) {
        let text = monitor(watched, month_of.get(watched.id()).copied());
        let said = reported.get(watched.id());
        let said = said.map_or_else(|| html! {}, |said| claims(quarter.window, said, &mut claims_left));
        let bytes = text.0.len() + said.0.len();
        if bytes > left && listed.len() >= LEAST_LISTED {
            break;
        }
        left = left.saturating_sub(bytes);
        listed.push((watched, text, said));
    }
    let mut left = LONGEST_BARS.min(left);
    let all = all.filter(|bars| bars.0.len() + AXIS <= left);
    left -= all.as_ref().map_or(0, |bars| bars.0.len() + AXIS);
    let listed = listed.into_iter().map(|(watched, text, said)| {
        let bars = bars(
            watched.facts.watch.name.as_str(),
            &all_days(quarter.window, |day| {
                watched.days.iter().find(|fact| fact.day == day).map(|fact| fact.tally.clone())
            }),
        );
        let bytes = bars.0.len() + AXIS;
        let has_room = bytes <= left;
        left = if has_room { left - bytes } else { 0 };
        (watched, has_room.then_some(bars), text, said)
    });
    let listed: Vec<_> = listed.collect();
    html! {
        p.key.legend aria-hidden="true" {
            span { i.good {} "up" } span { i.bad {} "down, with a tick below" }
            span { i.thin {} "unknown" } span { i.dashed {} "maintenance" }
        }
        @if let Some(bars) = all {
            h3 { "All " (watched.len()) " services" }
            (bars)
            (axis(quarter.window))
        }
        @for (watched, bars, text, said) in &listed {
            h3 { (watched.facts.watch.name) " " span.tag { (watched.facts.watch.kind) } " " (state(watched)) }
            @if let Some(bars) = bars {
                (bars)
                (axis(quarter.window))
            }
            (text)
            (said)
        }
        @if claims_left == 0 { p.soft { "What others say of the rest is in the JSON." } }
        @if watched.len() > listed.len() { p.soft { (watched.len() - listed.len()) " more services are in the JSON." } }
    }
}

fn all_days(window: Window, tally: impl Fn(Day) -> Option<Tally>) -> Vec<(Day, Option<Tally>)> {
    (1..=window.days())
        .rev()
        .map(|before| window.today().minus(before))
        .map(|day| (day, tally(day)))
        .collect()
}

fn axis(window: Window) -> Markup {
    html! { div.ends aria-hidden="true" { span { (window.first()) } span { (window.last()) } } }
}

/// What was measured of it, in words.
fn monitor(watched: &Watched<'_>, month: Option<&Watched<'_>>) -> Markup {
    let watch = &watched.facts.watch;
    let (month, quarter) = (month.map(Watched::tally).unwrap_or_default(), watched.tally());
    html! {
        p.soft {
            "30 days: " strong { (claimed(&month)) } " (" (percent(month.coverage())) " measured, n = " (month.uptime().of) ") · 90 days: "
            strong { (claimed(&quarter)) } " (" (percent(quarter.coverage())) " measured, n = " (quarter.uptime().of) ")"
            " · asked every " (words::duration(watch.schedule.grid.interval().seconds()))
            @if let Some(Latency { p50_ms, p95_ms }) = watched.facts.sealed.latency.get(&30) {
                " · answers in 30 days: half within " (p50_ms) " ms, 95 of 100 within " (p95_ms) " ms"
            }
            @if let Some(expires) = watched.facts.current.as_ref().and_then(|current| current.certificate_expires) {
                " · " strong.warn { "its certificate expires " (words::moment(expires)) }
            }
        }
    }
}

/// What others say of it, apart from all that was measured, as far as there is room for it.
fn claims(window: Window, reported: &Reported, left: &mut usize) -> Markup {
    let said = reported.over(window.first(), window.today());
    let shown = said.len().min(*left);
    *left -= shown;
    html! {
        @for (by, said) in said.iter().take(shown) {
            p.soft {
                span.tag { "claimed" } " " (reporter(*by)) " says: down for "
                (words::duration(u32::try_from(said.down_seconds).unwrap_or(u32::MAX))) " in these days."
                @for found in &said.disagreements {
                    " " strong.warn {
                        @if found.says == Says::Down { "It says down where we saw up" } @else { "It says up where we saw down" }
                        ", n = " (found.slots) " checks."
                    }
                }
            }
        }
    }
}

fn reporter(by: Reporter) -> &'static str {
    match by {
        Reporter::Agent => "the provider's agent",
        Reporter::UptimeKuma => "the provider's Uptime Kuma",
        Reporter::Gatus => "the provider's Gatus",
        Reporter::Alertmanager => "the provider's Alertmanager",
    }
}

fn state(watched: &Watched<'_>) -> Markup {
    html! {
        @match (watched.facts.open_outage(), watched.facts.watch.ended) {
            (Some(outage), _) => strong.bad { "down since " time datetime=(outage.from) { (words::moment(outage.from)) } }
            (None, Some(ended)) => span.soft { "ended " time datetime=(ended) { (words::moment(ended)) } }
            (None, None) => span.soft { "no open outage" }
        }
    }
}

fn promises(overview: &Overview<'_>) -> Markup {
    let promises = &overview.promises;
    html! {
        section.wide {
            h2 { "Promised uptime" }
            p.soft { "What each contract promises, by the service that stands worst. Contracts are not named." }
            ul.rows { @for promise in promises.iter().take(MOST_PROMISES) { (promise_row(promise)) } }
            @if promises.len() > MOST_PROMISES { p.soft { (promises.len() - MOST_PROMISES) " more contracts are in the JSON." } }
        }
    }
}

fn promise_row(promise: &Promise<'_>) -> Markup {
    let names: Vec<&str> =
        promise.standings.iter().take(MOST_NAMED).map(|(facts, _)| facts.watch.name.as_str()).collect();
    let more = promise.standings.len().saturating_sub(MOST_NAMED);
    html! {
        @if let Some((_, worst)) = promise.standings.first() {
            li {
                div {
                    strong { (names.join(", ")) @if more > 0 { " and " (more) " more" } }
                    div.soft { span.whole { (worst.promised) } " from " span.whole { (worst.from) } " to " span.whole { (worst.until.minus(1)) } }
                }
                div {
                    (stands(worst))
                    div.soft { (time(worst.used)) " down of " (time(worst.allowed)) " allowed, " (time(worst.unknown)) " not seen" }
                    @for past in promise.past.iter().filter(|past| past.breached_on.is_some()) {
                        div { (stands(past)) span.soft { " (" (past.from) " to " (past.until.minus(1)) ")" } }
                    }
                }
            }
        }
    }
}

fn stands(standing: &Standing) -> Markup {
    html! {
        @match (Kept::of(standing), standing.breached_on) {
            (_, Some(day)) => strong.bad { "broken on " (day) }
            (Kept::Undecided, None) => "not enough data: unseen time could have broken it"
            (_, None) => { "kept so far, " (time(standing.left())) " left" }
        }
    }
}

fn time(seconds: u64) -> String {
    words::duration(u32::try_from(seconds).unwrap_or(u32::MAX))
}

fn outages(provider: &ProviderId, window: Window, facts: &[Facts]) -> Markup {
    let incidents = overview::incidents(facts, window);
    let names: BTreeMap<&MonitorId, &str> =
        facts.iter().map(|facts| (&facts.watch.service.monitor, facts.watch.name.as_str())).collect();
    html! {
        section.wide {
            h2 { "Outages in 90 days" }
            @if incidents.is_empty() {
                p { "None was seen. What was not measured is said above." }
            } @else {
                ul.rows { @for incident in incidents.iter().take(MOST_INCIDENTS) { (incident_row(incident, &names)) } }
                p.soft {
                    (incidents.len().min(MOST_INCIDENTS)) " of " (incidents.len()) ". "
                    a href={ "/v1/providers/" (provider) "/outages?days=90" } { "All of them as JSON" }
                }
            }
        }
    }
}

fn incident_row(incident: &Incident, names: &BTreeMap<&MonitorId, &str>) -> Markup {
    let ended: Vec<Option<Ended>> = incident.outages.iter().map(|(_, outage)| outage.ended).collect();
    let name = |monitor: &MonitorId| names.get(monitor).copied().unwrap_or("?").to_owned();
    let shown = incident.outages.iter().take(MOST_NAMED);
    let more = incident.outages.len().saturating_sub(MOST_NAMED);
    html! {
        li {
            div {
                time.whole datetime=(incident.from) { (words::moment(incident.from)) }
                div {
                    strong { (words::duration(incident.until.since(incident.from))) } " · "
                    (ended_by(incident.is_open, &ended))
                }
            }
            div {
                @for (monitor, outage) in shown { div { (name(monitor)) span.soft { ": " (why(outage)) } } }
                @if more > 0 { div.soft { "and " (more) " more" } }
            }
        }
    }
}

pub(crate) fn why(outage: &Outage) -> String {
    let reason = match outage.reason {
        Reason::Dns => "name not resolved",
        Reason::Refused => "connection refused",
        Reason::Timeout => "no answer in time",
        Reason::Tls => "TLS failed",
        Reason::Status => "wrong status",
        Reason::Body => "wrong content",
    };
    let places: Vec<&str> = outage.confirmed_by.iter().map(Vantage::as_str).collect();
    let seen =
        if places.is_empty() { String::new() } else { format!(", seen from {}", places.join(" and ")) };
    format!("{reason}, n = {}{seen}", outage.slots)
}

fn ended_by(is_open: bool, ended: &[Option<Ended>]) -> Markup {
    let any = |wanted: Ended| ended.contains(&Some(wanted));
    html! {
        @if is_open { strong.bad { "so far: it goes on" } }
        @else if any(Ended::LostSight) { "then out of our sight: it may have gone on" }
        @else if any(Ended::Maintenance) { "until announced maintenance" }
        @else if any(Ended::Stopped) { "until it was no longer watched" }
        @else { "until it recovered" }
    }
}

/// The uptime of a window in a sentence, or why there is none.
pub(super) fn sentence(overview: &Overview<'_>) -> Markup {
    let tally = overview.tally();
    let (uptime, coverage) = (tally.uptime(), tally.coverage());
    html! {
        @match view::uptime::no_claim(&tally) {
            Some(reason) => { (reason) ". " }
            None => {
                strong { (claimed(&tally)) } " up in the " (overview.window.days()) " days from " (overview.window.first()) " to "
                (overview.window.last()) ": " (uptime.count) " of " (uptime.of) " checks, " (percent(coverage)) " of what was due measured, "
                (overview.monitors.len()) @if overview.monitors.len() == 1 { " service. " } @else { " services. " }
            }
        }
    }
}
