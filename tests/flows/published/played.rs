//! All independent sources on loopback, each at an address of its own: documents in their layouts, and two MCP servers, of which one answers in
//! JSON and one in events.

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc};

use axum::{
    Router,
    http::{StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use rmcp::{
    handler::server::ServerHandler,
    model::{
        CallToolRequestParams, CallToolResponse, CallToolResult, ErrorData, ListToolsResult,
        PaginatedRequestParams, ServerCapabilities, ServerConfig, Tool,
    },
    service::{RequestContext, RoleServer},
    transport::streamable_http_server::{
        StreamableHttpServerConfig, StreamableHttpService, session::local::LocalSessionManager,
    },
};
use serde_json::{Value, json};
use sources::configuration::Configuration;
use tokio::net::TcpListener;
use trust::time::Day;

/// The plan, the run and the result that an operator says are of the offering, beside a trial.
pub(super) const RUN: &str = "hetzner-16c-31gb-20251125-8f0aa2";
pub(super) const RESULT: &str = "0e1f7a52-6b0c-4c39-9d1e-3f1f4f0f9a11";
pub(super) const PLAN: &str = "hostinger.kvm-8";

/// `VPSBenchmarks`' server of tools.
#[derive(Clone, Copy)]
struct Tools;

impl ServerHandler for Tools {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let tool = |name: &'static str, properties: Value, required: Value| {
            let schema = json!({ "type": "object", "properties": properties, "required": required });
            Tool::new(name, "", schema.as_object().cloned().unwrap())
        };
        Ok(ListToolsResult::with_all_items(vec![
            tool("list_providers", json!({}), json!([])),
            tool("get_provider", json!({ "slug": {} }), json!(["slug"])),
            tool("search_plans", json!({ "provider_slug": {}, "min_cores": {} }), json!(["provider_slug"])),
            tool("search_yabs", json!({ "provider": {} }), json!([])),
        ]))
    }

    async fn call_tool(
        &self,
        call: CallToolRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let arguments = call.arguments.unwrap_or_default();
        let answer = match &*call.name {
            "list_providers" => json!({ "providers": [
                { "slug": "hostinger", "name": "Hostinger", "website": "https://www.hostinger.example/?ref=bench" },
                { "slug": "netcup", "name": "netcup", "website": "https://www.netcup.example" },
            ] }),
            "search_plans" if arguments.get("provider_slug") == Some(&json!("hostinger")) => {
                json!({ "plans": [{
                "hoster": "Hostinger", "plan_name": "KVM 4", "num_cores": 4, "memory_gb": 16, "disk_gb": 200,
                "data_transfer": "16,000", "monthly_price": 25.99, "currency": "USD", "dedicated_cpu": false,
                "overall_grade": "B", "web_grade": "A", "grade_version": "v2021.11",
            }] })
            }
            _ => return Err(ErrorData::invalid_params("no such question", None)),
        };
        Ok(CallToolResult::structured(answer).into())
    }
}

/// How a server of tools answers.
#[derive(Clone, Copy)]
enum Answers {
    AsJson,
    AsEvents,
}

fn tools(answers: Answers) -> StreamableHttpService<Tools, LocalSessionManager> {
    let mut configuration = StreamableHttpServerConfig::default();
    configuration.json_response = matches!(answers, Answers::AsJson);
    configuration.legacy_session_mode = matches!(answers, Answers::AsEvents);
    StreamableHttpService::new(|| Ok(Tools), Arc::new(LocalSessionManager::default()), configuration)
}

/// What the sources say at which path: two machines each, priced alike, so that a market comes of it.
fn documents(today: Day) -> BTreeMap<String, String> {
    let fixture = |text: &str| text.to_owned();
    let vultr = |id: &str, cpus: u8, gib: u32, dollars: u32| {
        json!({ "id": id, "vcpu_count": cpus, "ram": gib * 1024, "disk": gib * 20, "bandwidth": 4000,
            "monthly_cost": dollars, "type": "vc2" })
    };
    let linode = |label: &str, cpus: u8, gib: u32, dollars: u32| {
        json!({ "id": label, "label": label, "class": "standard", "vcpus": cpus, "memory": gib * 1024, "disk": gib * 20 * 1024,
            "transfer": 4000, "price": { "hourly": 0.1, "monthly": dollars }, "region_prices": [] })
    };
    let scaleway = |cpus: u8, gib: u64, monthly: f64| json!({ "hourly_price": monthly / 730.0, "ncpus": cpus, "ram": gib << 30 });
    let lightsail = |sku: &str, cpus: &str, memory: &str, storage: &str| {
        json!({ "sku": sku, "productFamily": "Lightsail Instance", "attributes": { "memory": memory, "vcpu": cpus,
            "storage": storage, "operatingSystem": "Linux", "regionCode": "eu-central-1", "usagetype": sku } })
    };
    let hourly = |price: &str| json!({ "T": { "priceDimensions": { "D": { "unit": "Hrs", "pricePerUnit": { "USD": price } } } } });
    let ovh_plan = |code: &str, hundred_millionths: u64| {
        json!({ "planCode": code, "invoiceName": code, "product": code, "pricings": [
            { "capacities": ["renew"], "mode": "default", "phase": 1, "commitment": 0, "interval": 1, "intervalUnit": "month",
              "price": hundred_millionths }] })
    };
    let ovh_product = |code: &str, cpus: u8, gib: u32| {
        json!({ "name": code, "blobs": { "technical": { "cpu": { "cores": cpus }, "memory": { "size": gib },
            "storage": { "disks": [{ "capacity": gib * 20, "technology": "NVMe" }] } } } })
    };
    let trial = include_str!("../../../shared/sources/tests/fixtures/vpsbenchmarks/trial-dl.html");
    let documents = [
        (
            "/stats/eurofxref/eurofxref-daily.xml",
            format!("<Envelope><Cube><Cube time='{today}'><Cube currency='USD' rate='1.1000'/></Cube></Cube></Envelope>"),
        ),
        ("/v1/latest", json!({ "amount": 1.0, "base": "EUR", "date": today, "rates": { "USD": 1.1 } }).to_string()),
        ("/v2/plans", json!({ "plans": [vultr("vc2-2c-4gb", 2, 4, 20), vultr("vc2-1c-2gb", 1, 2, 10)] }).to_string()),
        ("/v4/linode/types", json!({ "data": [linode("Linode 4GB", 2, 4, 24), linode("Linode 2GB", 1, 2, 12)] }).to_string()),
        (
            "/instance/v1/zones/fr-par-1/products/servers",
            json!({ "servers": { "DEV1-M": scaleway(2, 4, 19.0) } }).to_string(),
        ),
        (
            "/instance/v1/zones/fr-par-1/products/servers/2",
            json!({ "servers": { "DEV1-S": scaleway(1, 2, 10.0) } }).to_string(),
        ),
        (
            "/offers/v1.0/aws/AmazonLightsail/current/index.json",
            json!({ "offerCode": "AmazonLightsail",
                "products": { "A": lightsail("A", "2", "4GB", "80 GB"), "B": lightsail("B", "1", "2GB", "40 GB") },
                "terms": { "OnDemand": { "A": hourly("0.032258"), "B": hourly("0.0161290") } } })
            .to_string(),
        ),
        (
            "/v1/order/catalog/public/vps",
            json!({ "locale": { "currencyCode": "EUR", "taxRate": 20 },
                "plans": [ovh_plan("vps-a", 2_100_000_000), ovh_plan("vps-b", 1_050_000_000)],
                "products": [ovh_product("vps-a", 2, 4), ovh_product("vps-b", 1, 2)] })
            .to_string(),
        ),
        (
            "/p32929/vps-price-index/main/docs/plans.json",
            json!({ "generated_utc": format!("{today}T01:00:00Z"), "plans": [
                { "provider": "Vultr", "plan": "vc2-2c-4gb", "vcpu": 2, "ram_gb": 4.0, "disk_gb": 80, "transfer_tb": 3.0,
                  "price": 20.0, "currency": "USD", "note": "" }] })
            .to_string(),
        ),
        (
            "/Hattorius/Server-Pricing/main/servers.json",
            json!([{ "provider": "hetzner", "name": "AX41", "cpuName": "Ryzen 5 3600", "cpuThreads": 12 }]).to_string(),
        ),
        (
            "/hosters/hostinger/plans/kvm-8",
            fixture(include_str!("../../../shared/sources/tests/fixtures/vpsbenchmarks/plan-table.html")),
        ),
        (
            "/yabs/hetzner-16c-31gb-20251125-8f0aa2",
            fixture(include_str!("../../../shared/sources/tests/fixtures/vpsbenchmarks/yabs-cards.html")),
        ),
        (
            "/benchmarks",
            fixture(include_str!("../../../shared/sources/tests/fixtures/serververify/list-table.html")),
        ),
        (
            "/leaderboards",
            fixture(include_str!("../../../shared/sources/tests/fixtures/serververify/list-cards.html")),
        ),
        (
            "/benchmarks/0e1f7a52-6b0c-4c39-9d1e-3f1f4f0f9a11",
            // Of today, so that it never grows too old to be evidence.
            fixture(include_str!("../../../shared/sources/tests/fixtures/serververify/benchmark-dl.html"))
                .replace("09/12/26", &american(today)),
        ),
    ];
    let documents = documents.into_iter().map(|(path, text)| (path.to_owned(), text));
    // Of today, too.
    let trial = trial.replace("Dec 9, 2025", &today.to_string()).replace("09Dec2025", &short(today));
    documents.chain([(format!("/trials/{}", self::trial(today)), trial)]).collect()
}

/// The trial of a day, by the name that the site gives it in addresses.
fn trial(day: Day) -> String {
    format!("ovhcloud_performance_trial_{}", short(day))
}

/// A day as `VPSBenchmarks` writes it in addresses: `09Dec2025`.
fn short(day: Day) -> String {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let text = day.to_string();
    let (year, month, day) = (&text[..4], text[5..7].parse::<usize>().unwrap(), &text[8..10]);
    format!("{day}{}{year}", MONTHS[month - 1])
}

/// Every source of the configuration at an address of its own, and the changes to the configuration that say so.
pub(super) async fn all(today: Day) -> Value {
    let documents = Arc::new(documents(today));
    let answer = move |uri: Uri| {
        let is_further = uri.query().is_some_and(|query| query.contains("page=2"));
        let path = if is_further { format!("{}/2", uri.path()) } else { uri.path().to_owned() };
        let document = documents.get(&path).cloned();
        async move { document.map_or_else(missing, found) }
    };
    let router = Router::new()
        .nest_service("/mcp", tools(Answers::AsJson))
        .nest_service("/events/mcp", tools(Answers::AsEvents))
        .fallback(answer);
    let mut sources = json!({});
    let configuration = Configuration::named("sources/1", None).unwrap();
    for name in configuration.sources.keys() {
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        sources[name.as_str()] = json!({ "base": format!("http://{}", listener.local_addr().unwrap()), "pace": null, "enabled": true });
        let router = router.clone();
        tokio::spawn(async move { drop(axum::serve(listener, router).await) });
    }
    let offering = json!({ "provider_id": "p1", "offering_id": "kvm8" });
    // Both servers of tools are on the site's own host here.
    sources["vpsbenchmarks"]["pages"] = json!({ "hosters": { "base": null }, "plans": { "base": null, "path": "/events/mcp" }, "hoster": null });
    sources["vpsbenchmarks"]["offerings"] = json!({ PLAN: offering, trial(today): offering, RUN: offering });
    sources["serververify"]["offerings"] = json!({ RESULT: offering });
    json!({ "defaults": { "delay_seconds": 1, "jitter_seconds": 0 }, "sources": sources })
}

/// A day as `ServerVerify` writes it.
fn american(day: Day) -> String {
    let text = day.to_string();
    let (year, month, day) = (&text[2..4], &text[5..7], &text[8..10]);
    format!("{month}/{day}/{year}")
}

fn found(document: String) -> Response {
    let kind =
        if document.starts_with('{') || document.starts_with('[') { "application/json" } else { "text/html" };
    ([(header::CONTENT_TYPE, kind)], document).into_response()
}

fn missing() -> Response {
    StatusCode::NOT_FOUND.into_response()
}
