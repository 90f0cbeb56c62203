//! What is watched for a contract, for the two whom it is between: where each monitor asks, with the salts that open what the public
//! log commits to. Nobody else learns where a service is.
//!
//! The provider is given each monitor's key, too, by which his agents and monitoring tools report on it.

use http::StatusCode;
use lambda::{Problem, report_key::ReportKey, secrets::Secret};
use lambda_http::aws_lambda_events::query_map::QueryMap;
use serde_json::{Value, json};
use trust::{
    id::{CallerId, ContractId},
    time::Moment,
    uptime::{configuration::Monitor, leaves::commitment, names::MonitorId, span::Span},
    wait::Side,
};

use crate::{Answer, App, log::party, not_available, not_your_contract, unavailable};

/// Monitors a page where the caller does not say: all that a contract may have at a time, and some that it had.
const LIMIT: u16 = 50;

/// Most monitors a page. Each is one read.
const MOST: u16 = 100;

/// Shows a page of a contract's monitors to one of its parties.
pub(crate) async fn show(
    app: &App,
    caller: &CallerId,
    contract: &str,
    query: &QueryMap,
) -> Result<Answer, Problem> {
    let (limit, after) = (limit(query)?, after(query)?);
    let id: ContractId = contract.parse().map_err(|_| not_your_contract())?;
    let contract = app.table.contract(&id).await.map_err(|error| unavailable(&error))?;
    let contract = contract.ok_or_else(not_your_contract)?.value;
    let terms = contract.terms().ok_or_else(not_your_contract)?;
    let party = party(terms, caller).ok_or_else(not_your_contract)?;
    let secrets = app.secrets.current().await.map_err(|error| {
        tracing::error!(%error, "no secrets");
        not_available()
    })?;
    let reports = secrets.reports.first().filter(|_| party == Side::Provider);
    let monitoring = app.table.monitoring(&id).await.map_err(|error| unavailable(&error))?;
    let watches = monitoring.map(|stored| stored.value.watches(&contract)).unwrap_or_default();
    let ids: Vec<MonitorId> = watches
        .into_iter()
        .map(|(watch, _)| watch.service.monitor)
        .filter(|monitor| after.as_ref().is_none_or(|after| monitor > after))
        .collect();
    let page = &ids[..ids.len().min(usize::from(limit))];
    let mut items = Vec::new();
    for monitor in page {
        // One that is not there yet is on its way.
        if let Some(stored) = app.table.monitor(monitor).await.map_err(|error| unavailable(&error))? {
            items.push(item(&stored.value, reports));
        }
    }
    let next = page.last().filter(|_| page.len() < ids.len());
    let body = json!({ "contract_id": id, "items": items, "next_cursor": next });
    Ok(Answer { body, provider: terms.provider_id.clone() })
}

/// A monitor with all that opens its commitments, and its key under this secret.
fn item(monitor: &Monitor, reports: Option<&Secret>) -> Value {
    let Monitor { watch, configurations, .. } = monitor;
    let id = &watch.service.monitor;
    let versions: Vec<Value> = (1_u32..)
        .zip(configurations)
        .map(|(number, version)| {
            let target = version.check.canonical();
            json!({
                "version": number,
                "since": version.since,
                "check": version.check,
                "target": target,
                "salt": version.salt,
                "commitment": commitment(&version.salt.0, &target).to_string(),
            })
        })
        .collect();
    let windows = watch.windows.iter().map(|window| {
        json!({ "announced_at": window.announced_at, "from": window.span.from, "until": window.span.until })
    });
    let mut item = json!({
        "id": id,
        "name": watch.name,
        "check": watch.kind,
        "interval_seconds": watch.schedule.grid.interval().seconds(),
        "running": watch.schedule.running.iter().map(span).collect::<Vec<_>>(),
        "ended": watch.ended,
        "maintenance": windows.collect::<Vec<_>>(),
        "versions": versions,
    });
    if let Some(key) = reports.and_then(|secret| ReportKey::of(secret, id)) {
        item["reports"] = json!({ "path": format!("/v1/monitors/{id}/reports"), "key": key.expose() });
    }
    item
}

/// One without an end says so.
fn span(span: Span) -> Value {
    let until = Some(span.until).filter(|until| *until < Moment::LATEST);
    json!({ "from": span.from, "until": until })
}

fn limit(query: &QueryMap) -> Result<u16, Problem> {
    let Some(text) = query.first("limit") else { return Ok(LIMIT) };
    let limit = text.parse().ok().filter(|limit| (1..=MOST).contains(limit));
    limit.ok_or_else(|| bad_parameter("limit", &format!("a whole number from 1 to {MOST}")))
}

/// Monitors come by id, so the last one's is the place in the list.
fn after(query: &QueryMap) -> Result<Option<MonitorId>, Problem> {
    let parse =
        |cursor: &str| cursor.parse().map_err(|_| bad_parameter("cursor", "not a cursor of this list"));
    query.first("cursor").map(parse).transpose()
}

fn bad_parameter(name: &str, cause: &str) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "bad-parameter", "A parameter is wrong")
        .detail(format!("{name}: {cause}"))
}

#[cfg(test)]
mod tests {
    use trust::{
        contract::Contract,
        marketplace::MarketplaceEvent,
        uptime::{
            configuration::Salt,
            monitor::Monitoring,
            shard::{Place, ShardId},
            slot::Panel,
        },
    };

    use super::*;

    fn monitor() -> Monitor {
        let (mut contract, mut monitoring) = (Contract::default(), Monitoring::default());
        for (kind, data) in [
            (
                "contract.requested",
                json!({
                    "contract_id": "c1", "provider_id": "p1", "renter_id": "r1", "offering_id": "o1", "term_seconds": 3600,
                    "price": { "minor_units": 1, "currency": "EUR" },
                }),
            ),
            (
                "contract.provisioned",
                json!({ "contract_id": "c1", "endpoints": [{ "name": "ssh", "check": { "kind": "ssh", "host": "a.example" } }] }),
            ),
        ] {
            let event = json!({
                "specversion": "1.0", "id": kind, "source": "/test", "type": kind, "time": "2026-11-23T12:00:00Z", "data": data,
            });
            let event: MarketplaceEvent = serde_json::from_value(event).unwrap();
            contract.join(event.time, &event.happened);
            monitoring.join(&event, event.time).unwrap();
        }
        let (watch, checks) = monitoring.watches(&contract).pop().unwrap();
        let place = Place { shard: ShardId::first_for(watch.schedule.grid), number: 0 };
        let mut monitor = Monitor { watch: watch.clone(), configurations: Vec::new(), place };
        let panel = Panel::new(["home".parse().unwrap()].into()).unwrap();
        monitor.reconfigure(watch, &checks, &panel, || Salt([0xab; 16]));
        monitor
    }

    #[test]
    fn what_is_shown_opens_the_commitment_of_each_version() {
        let shown = item(&monitor(), None);
        let version = &shown["versions"][0];
        let target = r#"{"kind":"ssh","host":"a.example","port":22}"#;
        assert_eq!((&version["target"], &version["salt"]), (&json!(target), &json!("ab".repeat(16))));
        // python3: hashlib.sha256(bytes.fromhex("ab" * 16) + target.encode()).hexdigest()
        assert_eq!(version["commitment"], "f3351d88ee69d0fe09953fb3781c390a46dfeb87a4c086929979622bdd9b4de0");
        assert_eq!(shown["running"], json!([{ "from": "2026-11-23T12:00:00Z", "until": null }]));
    }

    #[test]
    fn the_key_is_there_only_where_there_is_a_secret_for_it() {
        let (monitor, secret) = (monitor(), Secret::new("s"));
        let key = ReportKey::of(&secret, &monitor.watch.service.monitor).unwrap();
        assert_eq!(item(&monitor, Some(&secret))["reports"]["key"], key.expose());
        for none in [None, Some(&Secret::new(""))] {
            assert!(item(&monitor, none).get("reports").is_none());
        }
    }

    #[test]
    fn a_page_has_one_to_a_hundred_monitors_and_begins_behind_a_cursor_of_ours() {
        let query = |text: &str| text.parse::<QueryMap>().unwrap();
        assert_eq!((limit(&query("")), after(&query(""))), (Ok(LIMIT), Ok(None)));
        assert_eq!(limit(&query("limit=100")), Ok(100));
        for text in ["limit=0", "limit=101", "limit=x"] {
            assert_eq!(limit(&query(text)).unwrap_err().kind(), "bad-parameter", "{text}");
        }
        for text in ["cursor=", "cursor=a%20b"] {
            assert_eq!(after(&query(text)).unwrap_err().kind(), "bad-parameter", "{text}");
        }
    }
}
