//! What independent sources and prices cost of the table: a plan, pages that are read, and a gathering of many providers' offerings.

use std::{collections::BTreeMap, net::SocketAddr, time::Instant};

use anyhow::{Context, anyhow};
use axum::{Router, http::Uri};
use end_to_end::{
    samples,
    services::{BusHealth, Services},
    table_calls::{Calls, TableCall},
};
use lambda::{Environment, clock};
use scrape::Done;
use serde_json::json;
use sources::configuration::Configuration;
use table::Table;
use tokio::net::TcpListener;
use trust::{
    id::{OfferingId, ProviderId},
    marketplace::{Happened, Offering, Profile},
    provider::Provider,
    source::PageId,
};

/// Machines of the price list.
const MACHINES: u32 = 100;

pub(crate) async fn measure(providers: u64) -> anyhow::Result<()> {
    let site = site().await?;
    let mut sources: BTreeMap<String, serde_json::Value> = BTreeMap::new();
    for name in Configuration::named("sources/1", None)?.sources.keys() {
        sources.insert(name.to_string(), json!(null));
    }
    sources.insert("linode".to_owned(), json!({ "base": format!("http://{site}") }));
    let changes =
        json!({ "defaults": { "delay_seconds": 1, "jitter_seconds": 0 }, "sources": sources }).to_string();
    let parameters = BTreeMap::from([
        ("SourcesChanges".to_owned(), changes),
        ("ProbeContact".to_owned(), "mailto:a@trust.example".to_owned()),
    ]);
    let services = Services::start_with(samples::secrets(), BusHealth::Up, &parameters).await?;
    let table = services.table()?;
    println!("what | calls | read units | write units | milliseconds");
    scraping(&services).await?;
    fill(&table, providers).await?;
    let (environment, calls) =
        Calls::before(&Environment::from_pairs(services.environment("price")?)).await?;
    let price = price::App::start(&environment).await?;
    for which in ["first", "again"] {
        let begun = Instant::now();
        calls.take();
        let gathered =
            price::handle(&price, json!({ "market": "gather" })).await.map_err(|error| anyhow!("{error}"))?;
        show(&format!("gathering {providers} providers, {which}"), &calls.take(), begun);
        println!("  {gathered}");
    }
    let begun = Instant::now();
    let keys = json!({ "pk": { "S": "offerings#p0" }, "sk": { "S": "o" } });
    let records = json!({ "Records": [{ "dynamodb": { "Keys": keys, "SequenceNumber": "1" } }] });
    let placed = price::handle(&price, records).await.map_err(|error| anyhow!("{error}"))?;
    show("an offering that changes, its market read for the first time", &calls.take(), begun);
    println!("  {placed}");
    Ok(())
}

async fn scraping(services: &Services) -> anyhow::Result<()> {
    let (environment, planned) =
        Calls::before(&Environment::from_pairs(services.environment("scrape-plan")?)).await?;
    let plan = scrape_plan::App::start(&environment).await?;
    let reach = BTreeMap::from([("EGRESS_REACH".to_owned(), "loopback-too".to_owned())]);
    let environment = Environment::from_pairs(services.environment("scrape")?).with(&reach);
    let (environment, calls) = Calls::before(&environment).await?;
    let scrape = scrape::App::start(&environment).await?;
    let id: PageId = serde_json::from_value(json!({ "source": "linode", "page": "types" }))?;
    let mut now = clock::now();
    for what in ["a plan before the first page", "a plan after it"] {
        let begun = Instant::now();
        planned.take();
        scrape_plan::plan(&plan, now).await?;
        show(&format!("{what}, of one source"), &planned.take(), begun);
        for part in ["robots.txt", "a page of 100 prices"] {
            let begun = Instant::now();
            calls.take();
            let done = scrape::scrape(&scrape, &id, &|| now).await?;
            if matches!(done, Done::Read | Done::Later(_)) {
                show(part, &calls.take(), begun);
            }
            now = now.plus(5);
        }
    }
    Ok(())
}

/// Providers with an offering each.
async fn fill(table: &Table, providers: u64) -> anyhow::Result<()> {
    let now = clock::now();
    for number in 0..providers {
        let id: ProviderId = format!("p{number}").parse()?;
        let profile: Profile =
            serde_json::from_value(json!({ "provider_id": id, "name": format!("Provider {number}") }))?;
        let mut known = Provider::default();
        known.join(now, &Happened::ProviderRegistered(profile));
        table.write_provider(&id, &known, 0).await?;
        score::summarise_now(table, trust::policy::Policy::current(), &id, &score::Changed::default(), now)
            .await?;
        let offering_id: OfferingId = "o".parse()?;
        let offering: Offering = serde_json::from_value(json!({
            "provider_id": id, "offering_id": offering_id, "name": "VPS", "price": { "minor_units": 700 + number % 900, "currency": "EUR" },
            "specification": { "class": "shared", "vcpus": 1 + number % 8, "memory_mib": 1024 * (1 + number % 16), "disk_gb": 80 },
            "tariff": { "per": "month" },
        }))?;
        table.write_offering((&id, &offering_id), now, Some(&offering)).await?;
    }
    Ok(())
}

/// Linode's price list.
async fn site() -> anyhow::Result<SocketAddr> {
    let machine = |number: u32| {
        json!({ "id": format!("g{number}"), "label": format!("Linode {number}"), "class": "standard", "vcpus": 1 + number % 8,
            "memory": 1024 * (1 + number % 16), "disk": 81_920, "transfer": 1_000, "price": { "hourly": 0.1, "monthly": 5 + number } })
    };
    let machines: Vec<_> = (0..MACHINES).map(machine).collect();
    let list = json!({ "data": machines }).to_string();
    let answer = move |uri: Uri| {
        let list = (uri.path() != "/robots.txt").then(|| list.clone());
        async move { list.ok_or(axum::http::StatusCode::NOT_FOUND) }
    };
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr().context("no address")?;
    tokio::spawn(async move { drop(axum::serve(listener, Router::new().fallback(answer)).await) });
    Ok(address)
}

fn show(what: &str, calls: &[TableCall], begun: Instant) {
    let units = |writes: bool| -> f64 {
        let those = calls.iter().filter(|call| (call.writes > 0) == writes);
        those.fold(0.0, |units, call| units + call.units)
    };
    let milliseconds = begun.elapsed().as_millis();
    println!("{what} | {} | {:.1} | {:.1} | {milliseconds}", calls.len(), units(false), units(true));
}
