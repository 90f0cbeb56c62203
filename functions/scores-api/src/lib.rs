//! What we know of providers, for programs and for people. Reads only; every answer comes from one item or one query, but for a
//! proof, which is put together from the log.

mod answer;
mod log;
mod overview;
mod page;
mod proof;
#[cfg(test)]
mod samples;
mod uptime;
mod view;

use std::sync::Arc;

use axum::{
    Router,
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode},
    response::Response,
    routing::get,
};
use lambda::{Clients, Environment, Problem, StartError};
use serde::Deserialize;
use table::{Cursor, Table, TableError};
use tower::ServiceExt;
use trust::{id::ProviderId, summary::Summary};

use crate::{
    overview::{Overview, Window},
    proof::NoProof,
};

/// Items a page of a list where the caller does not say.
const LIMIT: u16 = 50;

/// Most items a page.
const MOST: u16 = 100;

/// What the function needs from outside.
#[derive(Debug, Clone)]
pub struct App {
    router: Router,
}

impl App {
    /// Connects to the table that `TABLE_NAME` names.
    pub async fn start(environment: &Environment) -> Result<Self, StartError> {
        let table = Table::new(Clients::new(environment)?.dynamodb(), environment.required("TABLE_NAME")?);
        table.warm().await;
        Ok(Self { router: router(table) })
    }
}

/// Answers one request.
pub async fn handle(
    app: &App,
    request: lambda_http::Request,
) -> Result<lambda_http::Response<lambda_http::Body>, lambda_runtime::Error> {
    let (parts, body) = request.into_parts();
    let request = axum::http::Request::from_parts(parts, axum::body::Body::from(body.to_vec()));
    let response = match app.router.clone().oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    };
    let (parts, body) = response.into_parts();
    // Our own answers, whose size we know to be small.
    let bytes = axum::body::to_bytes(body, usize::MAX).await?;
    let body = match String::from_utf8(bytes.to_vec()) {
        Ok(text) if !answer::is_binary(&parts.headers) => lambda_http::Body::Text(text),
        _ => lambda_http::Body::Binary(bytes.to_vec()),
    };
    Ok(lambda_http::Response::from_parts(parts, body))
}

fn router(table: Table) -> Router {
    Router::new()
        .route("/", get(list_page))
        .route("/providers/{id}", get(provider_page))
        .route("/providers/{id}/proof", get(uptime::proof_page))
        .route("/assets/verify.js", get(verifier))
        .route("/assets/proof.js", get(proof_script))
        .route("/v1/providers", get(providers))
        .route("/v1/providers/{id}", get(provider))
        .route("/v1/providers/{id}/replies", get(replies))
        .route("/v1/providers/{id}/score", get(score))
        .route("/v1/providers/{id}/score/history", get(history))
        .route("/v1/providers/{id}/chat", get(chat))
        .route("/v1/providers/{id}/uptime", get(uptime::uptime))
        .route("/v1/providers/{id}/outages", get(uptime::outages))
        .route("/v1/providers/{id}/proof", get(uptime::proof))
        .route("/v1/log/checkpoint", get(log::checkpoint))
        .route("/v1/log/keys", get(log::keys))
        .route("/v1/log/tile/{*path}", get(log::tile))
        .fallback(async || Refusal::NoSuchPath.into_problem())
        .with_state(Arc::new(table))
}

type Shared = State<Arc<Table>>;

/// Why a request gets no answer.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("there is nothing at this path")]
    NoSuchPath,
    #[error("no provider {0:?} has been registered")]
    UnknownProvider(String),
    #[error("this provider has no monitor {0:?}")]
    UnknownMonitor(String),
    #[error("there is no log yet")]
    NoLog,
    #[error("the log has no tile at this path")]
    NoSuchTile,
    #[error(transparent)]
    NoProof(NoProof),
    #[error("{parameter}: {cause}")]
    BadParameter { parameter: &'static str, cause: String },
    #[error(transparent)]
    Table(#[from] TableError),
}

impl Refusal {
    fn into_problem(self) -> Response {
        let detail = self.to_string();
        let problem = match self {
            Self::NoSuchPath => Problem::new(StatusCode::NOT_FOUND, "no-such-path", "No such path"),
            Self::UnknownProvider(_) => {
                Problem::new(StatusCode::NOT_FOUND, "unknown-provider", "No such provider")
            }
            Self::UnknownMonitor(_) => {
                Problem::new(StatusCode::NOT_FOUND, "unknown-monitor", "No such monitor")
            }
            Self::NoLog => Problem::new(StatusCode::NOT_FOUND, "no-log", "No log yet"),
            Self::NoSuchTile => Problem::new(StatusCode::NOT_FOUND, "no-such-tile", "No such tile"),
            Self::NoProof(NoProof::TooLong) => {
                Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "proof-too-long", "The proof is too long")
            }
            Self::NoProof(NoProof::Broken(_)) => {
                tracing::error!(%detail, "no proof");
                return answer::problem(unavailable());
            }
            Self::NoProof(_) => Problem::new(StatusCode::NOT_FOUND, "no-proof", "No proof yet"),
            Self::BadParameter { .. } => {
                Problem::new(StatusCode::BAD_REQUEST, "bad-parameter", "A parameter is wrong")
            }
            Self::Table(error) => {
                tracing::error!(%error, "no answer");
                // What happened inside is not the caller's business.
                return answer::problem(unavailable());
            }
        };
        answer::problem(problem.detail(detail))
    }
}

fn unavailable() -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "Not available")
        .detail("the facts can not be read at the moment; please try again")
}

impl From<NoProof> for Refusal {
    fn from(reason: NoProof) -> Self {
        match reason {
            NoProof::Table(error) => Self::Table(error),
            NoProof::NoLog => Self::NoLog,
            reason => Self::NoProof(reason),
        }
    }
}

impl axum::response::IntoResponse for Refusal {
    fn into_response(self) -> Response {
        self.into_problem()
    }
}

#[derive(Debug, Deserialize)]
pub(crate) struct ListQuery {
    sort: Option<String>,
    cursor: Option<String>,
    limit: Option<String>,
}

impl ListQuery {
    fn limit(&self) -> Result<u16, Refusal> {
        let Some(text) = &self.limit else { return Ok(LIMIT) };
        text.parse().ok().filter(|limit| (1..=MOST).contains(limit)).ok_or_else(|| Refusal::BadParameter {
            parameter: "limit",
            cause: format!("a whole number from 1 to {MOST}"),
        })
    }

    fn cursor(&self) -> Result<Option<Cursor>, Refusal> {
        let parse = |opaque: &String| {
            Cursor::parse(opaque)
                .map_err(|error| Refusal::BadParameter { parameter: "cursor", cause: error.to_string() })
        };
        self.cursor.as_ref().map(parse).transpose()
    }

    fn check_sort(&self) -> Result<(), Refusal> {
        match self.sort.as_deref() {
            None | Some("score") => Ok(()),
            Some(_) => Err(Refusal::BadParameter {
                parameter: "sort",
                cause: "\"score\" is the only order there is".to_owned(),
            }),
        }
    }
}

#[derive(Debug, Deserialize)]
struct ScoreQuery {
    explain: Option<String>,
}

async fn registered(table: &Table, id: &str) -> Result<Summary, Refusal> {
    let unknown = || Refusal::UnknownProvider(id.chars().take(128).collect());
    let provider: ProviderId = id.parse().map_err(|_| unknown())?;
    let summary = table.summary(&provider).await?;
    summary.filter(|summary| summary.profile.is_some()).ok_or_else(unknown)
}

async fn providers(
    State(table): Shared,
    Query(query): Query<ListQuery>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    query.check_sort()?;
    let page = table.ranking(query.cursor()?.as_ref(), query.limit()?).await?;
    Ok(answer::json(&headers, &view::list(&page, view::card)))
}

async fn provider(
    State(table): Shared,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let summary = registered(&table, &id).await?;
    Ok(answer::json(&headers, &view::summary(&summary)))
}

async fn replies(
    State(table): Shared,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let summary = registered(&table, &id).await?;
    Ok(answer::json(&headers, &view::replies(&summary)))
}

async fn score(
    State(table): Shared,
    Path(id): Path<String>,
    Query(query): Query<ScoreQuery>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let detail = match query.explain.as_deref() {
        None | Some("false") => view::Detail::Score,
        Some("true") => view::Detail::Explained,
        Some(_) => {
            return Err(Refusal::BadParameter { parameter: "explain", cause: "true or false".to_owned() });
        }
    };
    let summary = registered(&table, &id).await?;
    Ok(answer::json(&headers, &view::score(&summary, detail)))
}

async fn history(
    State(table): Shared,
    Path(id): Path<String>,
    Query(query): Query<ListQuery>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let (cursor, limit) = (query.cursor()?, query.limit()?);
    let summary = registered(&table, &id).await?;
    let page = table.history(&summary.provider, cursor.as_ref(), limit).await?;
    Ok(answer::json(&headers, &view::list(&page, view::history_entry)))
}

async fn chat(State(table): Shared, Path(id): Path<String>, headers: HeaderMap) -> Result<Response, Refusal> {
    let summary = registered(&table, &id).await?;
    let chat = table.provider_chat(&summary.provider).await?;
    Ok(answer::json_soon_stale(&headers, &view::chat(&summary, chat.as_ref().map(|stored| &stored.value))))
}

async fn list_page(
    State(table): Shared,
    Query(query): Query<ListQuery>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let page = table.ranking(query.cursor()?.as_ref(), query.limit()?).await?;
    Ok(answer::html(&headers, page::list(&page)))
}

async fn provider_page(
    State(table): Shared,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    match registered(&table, &id).await {
        Ok(summary) => {
            let now = lambda::clock::now();
            let facts = table.facts_of(&summary.provider).await?;
            let reported = table.reported_of(&summary.provider).await?;
            let quarter = Overview::of(&facts, Window::quarter(now), now);
            let month = Overview::of(&facts, Window::month(now), now);
            Ok(answer::html(&headers, page::provider(&summary, &quarter, &month, &facts, &reported)))
        }
        Err(Refusal::UnknownProvider(id)) => Ok(page::no_provider(&id)),
        Err(refusal) => Err(refusal),
    }
}

/// The check of a proof in the browser, to be read as it is.
async fn verifier(headers: HeaderMap) -> Response {
    answer::script(&headers, include_str!("page/verify.js"))
}

async fn proof_script(headers: HeaderMap) -> Response {
    answer::script(&headers, include_str!("page/proof.js"))
}
