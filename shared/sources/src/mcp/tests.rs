use std::convert::Infallible;
use std::net::SocketAddr;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use futures_util::stream;
use probe::guard::Guard;
use probe::names::Names;
use probe::tls::Roots;
use rmcp::handler::server::ServerHandler;
use rmcp::model::{ErrorData, ListToolsResult, ServerCapabilities, ServerConfig};
use rmcp::service::{RequestContext, RoleServer};
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use serde_json::json;
use tokio::net::TcpListener;

use super::*;
use crate::outcome::ParseOutcome;
use crate::page::tests::without_rungs;
use crate::vpsbenchmarks;

/// A server of ours that plays the site's.
#[derive(Clone, Copy)]
struct Site {
    result: fn() -> CallToolResult,
}

fn kvm_8() -> Value {
    json!({"plans": [{
        "hoster": "Hostinger", "plan_name": "KVM 8", "num_cores": 8, "memory_gb": 32, "disk_gb": 400, "data_transfer": "32,000",
        "monthly_price": 73.99, "currency": "USD", "grades": {"overall": "C", "web": "C", "cpu": "A"}
    }]})
}

impl ServerHandler for Site {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
    }

    async fn list_tools(
        &self,
        page: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let tool = |name: &'static str, properties: Value, required: Value| {
            let schema = json!({"type": "object", "properties": properties, "required": required});
            rmcp::model::Tool::new(name, "", schema.as_object().cloned().unwrap())
        };
        let is_second = page.and_then(|page| page.cursor).is_some();
        Ok(if is_second {
            ListToolsResult::with_all_items(vec![tool("list_yabs", json!({}), json!([]))])
        } else {
            let plans =
                tool("search_plans", json!({"provider_slug": {}, "min_cores": {}}), json!(["provider_slug"]));
            let mut tools = ListToolsResult::with_all_items(vec![plans]);
            tools.next_cursor = Some("more".to_owned());
            tools
        })
    }

    async fn call_tool(
        &self,
        call: CallToolRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        if call.arguments != json!({"provider_slug": "hostinger"}).as_object().cloned() {
            return Err(ErrorData::invalid_params("which provider?", None));
        }
        Ok((self.result)().into())
    }
}

/// How the server answers.
#[derive(Debug, Clone, Copy)]
enum Answers {
    AsJson,
    AsEvents,
}

async fn serve(router: Router) -> Url {
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}/mcp").parse().unwrap()
}

async fn site(answers: Answers, result: fn() -> CallToolResult) -> Url {
    let mut configuration = StreamableHttpServerConfig::default();
    configuration.json_response = matches!(answers, Answers::AsJson);
    configuration.legacy_session_mode = matches!(answers, Answers::AsEvents);
    let manager = Arc::new(LocalSessionManager::default());
    let service = StreamableHttpService::new(move || Ok(Site { result }), manager, configuration);
    serve(Router::new().nest_service("/mcp", service)).await
}

fn prober(guard: Guard) -> Arc<Prober> {
    let names = Names::asking(&[SocketAddr::from(([127, 0, 0, 1], 9))]).unwrap();
    Arc::new(Prober::new(guard, names, Roots::public()).unwrap())
}

fn limits(answer: Duration) -> Limits {
    Limits { answer, until: Instant::now() + Duration::from_secs(20), most_bytes: 64 * 1024 }
}

async fn open_within(url: &Url, limits: Limits) -> Result<Session, Error> {
    let agent = HeaderValue::from_static("tests");
    Session::open(prober(Guard::with_loopback_for_tests()), url, agent, limits, Moment::EPOCH).await
}

async fn ask(url: &Url) -> Result<Value, Error> {
    let session = open_within(url, limits(Duration::from_secs(10))).await?;
    let tools = session.tools().await?;
    let patterns = |of: &str| Patterns::try_from(vec![of.to_owned()]).unwrap();
    let plans = patterns("*plan*").tool(&tools)?;
    let provider = Argument { patterns: patterns("*provider*"), value: json!("hostinger") };
    let answer = session.call(plans, plans.arguments(&[provider])?).await;
    session.close().await;
    answer
}

#[tokio::test]
async fn plans_are_read_from_answers_as_json_and_as_events_structured_or_in_text() {
    let results: [fn() -> CallToolResult; 5] = [
        || CallToolResult::structured(kvm_8()),
        // What the official SDK for Python makes of a text.
        || {
            let mut result = CallToolResult::success(vec![ContentBlock::text(kvm_8().to_string())]);
            result.structured_content = Some(json!({ "result": kvm_8().to_string() }));
            result
        },
        || {
            let mut result = CallToolResult::success(vec![ContentBlock::text(kvm_8().to_string())]);
            result.structured_content = Some(json!({ "status": "ok", "count": 1 }));
            result
        },
        || CallToolResult::structured(json!({ "result": kvm_8().to_string() })),
        || {
            CallToolResult::success(vec![
                ContentBlock::text("Here you are:"),
                ContentBlock::text(kvm_8().to_string()),
            ])
        },
    ];
    for answers in [Answers::AsJson, Answers::AsEvents] {
        for result in results {
            let answer = ask(&site(answers, result).await).await.unwrap();
            let plans = vpsbenchmarks::plans_in(&answer, None, &vpsbenchmarks::synonyms().unwrap());
            let ParseOutcome::Recognised { facts, .. } = plans else { panic!("{answers:?}: {answer}") };
            let [plan] = facts.plans.as_slice() else { panic!("{facts:?}") };
            assert_eq!(
                without_rungs(
                    &(
                        &plan.provider,
                        &plan.name,
                        &plan.machine.cores,
                        &plan.machine.memory,
                        &plan.prices.monthly
                    ),
                    true
                ),
                json!(["Hostinger", "KVM 8", 8, 32_u64 << 30, {"money": {"minor_units": 7_399, "currency": "USD"}}]),
                "{answers:?}"
            );
        }
    }
}

#[tokio::test]
async fn tools_are_read_page_by_page() {
    let url = site(Answers::AsJson, || CallToolResult::structured(kvm_8())).await;
    let session = open_within(&url, limits(Duration::from_secs(10))).await.unwrap();
    let tools = session.tools().await.unwrap();
    assert_eq!(tools.iter().map(Tool::name).collect::<Vec<_>>(), ["search_plans", "list_yabs"]);
}

#[tokio::test]
async fn a_tool_that_fails_or_says_nothing_readable_is_an_error_of_its_own() {
    let failed =
        site(Answers::AsJson, || CallToolResult::error(vec![ContentBlock::text("no such provider")])).await;
    assert_eq!(ask(&failed).await, Err(Error::Tool("no such provider".to_owned())));
    let prose =
        site(Answers::AsJson, || CallToolResult::success(vec![ContentBlock::text("KVM 8 has 8 cores")]))
            .await;
    assert_eq!(ask(&prose).await, Err(Error::NoData));
    let refusing = site(Answers::AsJson, || CallToolResult::structured(kvm_8())).await;
    let session = open_within(&refusing, limits(Duration::from_secs(10))).await.unwrap();
    let tools = session.tools().await.unwrap();
    assert_eq!(session.call(&tools[0], Map::new()).await, Err(Error::Server("which provider?".to_owned())));
}

#[test]
fn a_flat_object_is_an_answer_where_nothing_else_is() {
    let record = json!({ "plan_name": "KVM 8", "num_cores": 8 });
    for (content, structured, expected) in [
        (None, json!({ "result": "KVM 8 has 8 cores" }), Ok(json!({ "result": "KVM 8 has 8 cores" }))),
        (Some("Here you are"), record.clone(), Ok(record.clone())),
        (None, json!("KVM 8"), Err(Error::NoData)),
        (Some("[1]"), json!(8), Ok(json!([1]))),
    ] {
        let mut result = CallToolResult::success(content.map(ContentBlock::text).into_iter().collect());
        result.structured_content = Some(structured.clone());
        assert_eq!(data(result), expected, "{structured}");
    }
    let heavy = format!("[{}0]", "{\"\":0},".repeat(100_000));
    let result =
        CallToolResult::success(vec![ContentBlock::text(heavy.as_str()), ContentBlock::text(heavy.as_str())]);
    assert_eq!(data(result), Err(Error::TooLarge { most: json::HEAVIEST }));
}

#[tokio::test]
async fn an_answer_that_would_fill_the_memory_is_not_read() {
    let url = hostile(|_| typed("application/json", format!("[{}0]", "{\"\":0},".repeat(250_000)))).await;
    let mut limits = limits(Duration::from_secs(10));
    limits.most_bytes = 2 << 20;
    let answer = open_within(&url, limits).await.unwrap().tools().await;
    assert_eq!(answer.err(), Some(Error::TooLarge { most: json::HEAVIEST }));
}

#[tokio::test]
async fn the_guard_holds_for_mcp_too() {
    let url = site(Answers::AsJson, || CallToolResult::structured(kvm_8())).await;
    let agent = HeaderValue::from_static("tests");
    let limits = limits(Duration::from_secs(10));
    let opened = Session::open(prober(Guard::public_only()), &url, agent, limits, Moment::EPOCH).await;
    assert!(matches!(opened.err(), Some(Error::Refused(_))));
    let elsewhere = || async move { (StatusCode::TEMPORARY_REDIRECT, [("location", url.to_string())]) };
    let redirecting = serve(Router::new().route("/mcp", post(elsewhere))).await;
    assert_eq!(ask(&redirecting).await, Err(Error::Status { status: 307, retry_after: None }));
}

fn typed(kind: &'static str, body: impl Into<Body>) -> Response {
    ([("content-type", kind)], body.into()).into_response()
}

/// A server that begins well and then answers every request so.
async fn hostile(answer: fn(&Value) -> Response) -> Url {
    let handle = move |body: Bytes| async move {
        let message: Value = serde_json::from_slice(&body).unwrap_or_default();
        if message.get("id").is_none() {
            return StatusCode::ACCEPTED.into_response();
        }
        if message["method"] == "initialize" {
            let result = json!({
                "protocolVersion": message["params"]["protocolVersion"], "capabilities": {"tools": {}},
                "serverInfo": {"name": "hostile", "version": "1"}
            });
            let response = json!({"jsonrpc": "2.0", "id": message["id"], "result": result});
            return typed("application/json", response.to_string());
        }
        answer(&message)
    };
    serve(Router::new().route("/mcp", post(handle))).await
}

async fn tools_of(url: &Url, answer: Duration) -> Result<Vec<Tool>, Error> {
    open_within(url, limits(answer)).await?.tools().await
}

#[tokio::test]
async fn a_server_that_hangs_floods_or_lies_is_left_with_the_reason() {
    const PATIENT: Duration = Duration::from_secs(10);
    type Hostile = (&'static str, fn(&Value) -> Response, fn(&Error) -> bool, Duration);
    let servers: [Hostile; 8] = [
        (
            "floods with events",
            |_| {
                let event = Bytes::from_static(b"data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{\"progressToken\":1,\"progress\":1}}\n\n");
                typed(
                    "text/event-stream",
                    Body::from_stream(stream::repeat_with(move || Ok::<_, Infallible>(event.clone()))),
                )
            },
            |error| *error == Error::TooLarge { most: 64 * 1024 },
            PATIENT,
        ),
        (
            "floods with one event",
            |_| {
                typed(
                    "text/event-stream",
                    Body::from_stream(stream::repeat_with(|| {
                        Ok::<_, Infallible>(Bytes::from_static(&[b'x'; 1_024]))
                    })),
                )
            },
            |error| *error == Error::TooLarge { most: 64 * 1024 },
            PATIENT,
        ),
        (
            "floods with JSON",
            |_| {
                typed(
                    "application/json",
                    Body::from_stream(stream::repeat_with(|| {
                        Ok::<_, Infallible>(Bytes::from_static(&[b'['; 1_024]))
                    })),
                )
            },
            |error| *error == Error::TooLarge { most: 64 * 1024 },
            PATIENT,
        ),
        (
            "hangs",
            |_| typed("text/event-stream", Body::from_stream(stream::pending::<Result<Bytes, Infallible>>())),
            |error| *error == Error::Late,
            Duration::from_millis(300),
        ),
        (
            "answers a page",
            |_| typed("text/html", "<p>hello"),
            |error| matches!(error, Error::Protocol(_)),
            PATIENT,
        ),
        (
            "answers no JSON",
            |_| typed("application/json", "{"),
            |error| matches!(error, Error::Protocol(_)),
            PATIENT,
        ),
        (
            "answers another question",
            |_| typed("application/json", r#"{"jsonrpc":"2.0","id":99999,"result":{"tools":[]}}"#),
            |error| matches!(error, Error::Late | Error::Protocol(_)),
            Duration::from_millis(300),
        ),
        (
            "has had enough",
            |_| (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "120")]).into_response(),
            |error| *error == Error::Status { status: 429, retry_after: Some("120".to_owned()) },
            PATIENT,
        ),
    ];
    for (name, answer, is_expected, patience) in servers {
        let error = tools_of(&hostile(answer).await, patience).await.err();
        assert!(error.as_ref().is_some_and(is_expected), "{name}: {error:?}");
    }
}

#[tokio::test]
async fn a_server_without_an_end_of_tools_is_left_after_some_pages() {
    let url = hostile(|message| {
        let tool = json!({"name": "one", "inputSchema": {"type": "object"}});
        let result = json!({"tools": [tool], "nextCursor": "again"});
        typed(
            "application/json",
            json!({"jsonrpc": "2.0", "id": message["id"], "result": result}).to_string(),
        )
    })
    .await;
    assert_eq!(tools_of(&url, Duration::from_secs(10)).await.map(|tools| tools.len()), Ok(MOST_PAGES));
}

#[tokio::test]
async fn nobody_there_is_no_answer() {
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
    let url = format!("http://{}/mcp", listener.local_addr().unwrap()).parse().unwrap();
    drop(listener);
    assert_eq!(ask(&url).await, Err(Error::NoAnswer(Reason::Refused)));
}
