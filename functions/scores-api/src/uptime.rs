//! Uptime, outages and the proof, as the API answers them.

use std::collections::BTreeMap;

use axum::{extract::State, http::HeaderMap, response::Response};
use table::{Cursor, Table};
use trust::{
    id::ProviderId,
    time::{Day, Moment},
    uptime::{
        day::VantageCount,
        facts::Facts,
        names::{MonitorId, Vantage},
        outage::{Incident, Outage},
        record::DayRecord,
    },
};

use crate::{
    Refusal, Shared, answer,
    asked::{Id, Parameters, bad, whole},
    overview::{self, Overview, Window},
    page, proof, registered, view,
};

/// The window of `days`, or of `default` where that is not given.
fn window(parameters: &Parameters, default: u16, now: Moment) -> Result<Window, Refusal> {
    let days = parameters.get("days").map_or(Some(default), whole);
    days.and_then(|days| Window::new(days, now)).ok_or_else(|| bad("days", "1, 7, 30 or 90"))
}

/// What is known of a provider's monitors, or of one of them.
async fn facts(table: &Table, provider: &ProviderId, monitor: Option<&str>) -> Result<Vec<Facts>, Refusal> {
    let mut facts = table.facts_of(provider).await?;
    if let Some(wanted) = monitor {
        facts.retain(|facts| facts.watch.service.monitor.as_str() == wanted);
        if facts.is_empty() {
            return Err(Refusal::UnknownMonitor(wanted.chars().take(64).collect()));
        }
    }
    Ok(facts)
}

pub(crate) async fn uptime(
    State(table): Shared,
    Id(id): Id,
    parameters: Parameters,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    parameters.check(&["days", "monitor"])?;
    let now = lambda::clock::now();
    let window = window(&parameters, 30, now)?;
    let provider = registered(&table, &id).await?.provider;
    let facts = facts(&table, &provider, parameters.get("monitor")).await?;
    let reported = table.reported_of(&provider).await?;
    let overview = Overview::of(&facts, window, now);
    Ok(answer::json(&headers, &view::uptime::Uptime::of(&provider, &overview, &reported)))
}

pub(crate) async fn outages(
    State(table): Shared,
    Id(id): Id,
    parameters: Parameters,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    parameters.check(&["days", "limit", "cursor"])?;
    let window = window(&parameters, 90, lambda::clock::now())?;
    let (before, limit) = (begun_before(parameters.cursor()?.as_ref())?, parameters.limit()?);
    let provider = registered(&table, &id).await?.provider;
    let facts = table.facts_of(&provider).await?;
    let mut incidents = overview::incidents(&facts, window);
    incidents.retain(|incident| before.is_none_or(|before| incident.from < before));
    let is_more = incidents.len() > usize::from(limit);
    incidents.truncate(usize::from(limit));
    let next = incidents.last().filter(|_| is_more).map(cursor_after);
    let seen = seen_by(&table, &incidents).await?;
    let view = view::uptime::Outages::of(&provider, &facts, window, &incidents, &seen, next.as_deref());
    let path = |cursor| format!("/v1/providers/{provider}/outages?{}", parameters.query_at(cursor));
    Ok(answer::with_next(answer::json(&headers, &view), next.as_deref().map(path).as_deref()))
}

/// Incidents do not overlap, so when one began is its place among them.
fn cursor_after(incident: &Incident) -> String {
    hex::encode(incident.from.unix().to_string())
}

fn begun_before(cursor: Option<&Cursor>) -> Result<Option<Moment>, Refusal> {
    let Some(cursor) = cursor else { return Ok(None) };
    let text = hex::decode(cursor.to_opaque()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let moment = text.and_then(|text| text.parse().ok()).and_then(Moment::from_unix);
    moment.ok_or_else(|| bad("cursor", "not a cursor of this list")).map(Some)
}

/// What each vantage saw of the monitors on the days of these outages, as far as those are sealed: one query a monitor.
async fn seen_by(table: &Table, incidents: &[Incident]) -> Result<view::uptime::Seen, Refusal> {
    let mut by_monitor: BTreeMap<&MonitorId, Vec<&Outage>> = BTreeMap::new();
    for (monitor, outage) in incidents.iter().flat_map(|incident| &incident.outages) {
        by_monitor.entry(monitor).or_default().push(outage);
    }
    let mut seen = view::uptime::Seen::new();
    for (monitor, outages) in by_monitor {
        let (first, last) = (
            outages.iter().map(|outage| outage.from.day()).min(),
            outages.iter().map(|outage| outage.last_day).max(),
        );
        let (Some(first), Some(last)) = (first, last) else { continue };
        let records: Vec<DayRecord> = table
            .sealed_days(monitor, first, last, table::Freshness::Recent)
            .await?
            .iter()
            .filter_map(|sealed| DayRecord::decode(sealed.counting().as_bytes()).ok())
            .collect();
        for outage in outages {
            let counts = counts_of(&records, outage.from.day(), outage.last_day);
            if !counts.is_empty() {
                seen.insert((monitor.clone(), outage.from.unix()), counts);
            }
        }
    }
    Ok(seen)
}

/// What each vantage saw over whole days.
fn counts_of(records: &[DayRecord], first: Day, last: Day) -> Vec<(Vantage, VantageCount)> {
    let mut sums: BTreeMap<&Vantage, VantageCount> = BTreeMap::new();
    let within = records.iter().filter(|record| (first..=last).contains(&record.day().day));
    for (vantage, count) in within.flat_map(|record| &record.day().vantages) {
        let sum = sums.entry(vantage).or_default();
        sum.up += count.up;
        sum.down += count.down;
        sum.nothing += count.nothing;
    }
    sums.into_iter().map(|(vantage, sum)| (vantage.clone(), sum)).collect()
}

pub(crate) async fn proof(
    State(table): Shared,
    Id(id): Id,
    parameters: Parameters,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    parameters.check(&["days", "monitor"])?;
    let window = window(&parameters, 30, lambda::clock::now())?;
    let provider = registered(&table, &id).await?.provider;
    let facts = facts(&table, &provider, parameters.get("monitor")).await?;
    let proof = proof::prove(&table, &facts, window).await?;
    let name = format!("uptime-{provider}-{}-days-until-{}.bundle", window.days(), proof.last);
    Ok(answer::download(&headers, &name, proof.text))
}

pub(crate) async fn proof_page(
    State(table): Shared,
    Id(id): Id,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let now = lambda::clock::now();
    let summary = match registered(&table, &id).await {
        Ok(summary) => summary,
        Err(Refusal::UnknownProvider(id)) => return Ok(page::no_provider(&id)),
        Err(refusal) => return Err(refusal),
    };
    let facts = table.facts_of(&summary.provider).await?;
    let log = proof::published(&table).await?;
    let overview = Overview::of(&facts, Window::month(now), now);
    Ok(answer::html_with_script(&headers, page::proof(&summary, &overview, log.as_ref())))
}
