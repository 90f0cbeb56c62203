//! What we know of providers, for programs and for people. Reads only; an answer comes from one item or one query where it can, and
//! from a bounded number of them where it can not.

mod answer;
mod asked;
mod badge;
mod document;
mod feed;
mod listing;
mod log;
mod overview;
mod page;
mod preview;
mod proof;
#[cfg(test)]
mod samples;
mod sources;
mod uptime;
mod view;

use std::sync::Arc;

use axum::{
    Extension, Router,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode},
    response::Response,
    routing::{MethodRouter, get},
};
use lambda::{Clients, Environment, Problem, StartError};
use table::{Card, Cursor, Freshness, History, Table, TableError};
use tower::ServiceExt;
use trust::{id::ProviderId, summary::Summary};

use crate::{
    asked::{Id, Parameters, bad},
    overview::{Overview, Window},
    proof::NoProof,
    view::{
        claims::{Claims, Held},
        feedback::Feedback,
        figures::Listed,
        price::Prices,
        provider::{Chat, Provider},
        replies::Replies,
        score::{Detail, HistoryDay, Scored},
        sites::Site,
    },
};

/// Days of the score's history on a provider's page.
const DAYS_SHOWN: u16 = 180;

/// What the function needs from outside.
#[derive(Debug, Clone)]
pub struct App {
    router: Router,
}

impl App {
    /// Connects to the table that `TABLE_NAME` names, and reads which sources there are.
    pub async fn start(environment: &Environment) -> Result<Self, StartError> {
        let table = Table::new(Clients::new(environment)?.dynamodb(), environment.required("TABLE_NAME")?);
        table.warm().await;
        let sources = Arc::new(sources::Sources::of(environment)?);
        Ok(Self { router: router(table, sources) })
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

/// All paths, with what answers them.
fn routes() -> [(&'static str, MethodRouter<Arc<Table>>); 28] {
    [
        ("/", get(listing::list_page)),
        ("/compare", get(listing::compare_page)),
        ("/docs", get(document::page)),
        ("/providers/{id}", get(provider_page)),
        ("/providers/{id}/proof", get(uptime::proof_page)),
        ("/providers/{id}/og.png", get(preview::image)),
        ("/assets/verify.js", get(verifier)),
        ("/assets/proof.js", get(proof_script)),
        ("/v1/openapi.json", get(document::document)),
        ("/v1/providers", get(listing::providers)),
        ("/v1/providers/{id}", get(provider)),
        ("/v1/providers/{id}/replies", get(replies)),
        ("/v1/providers/{id}/feedback", get(feedback)),
        ("/v1/providers/{id}/price", get(price)),
        ("/v1/providers/{id}/claims", get(claims)),
        ("/v1/providers/{id}/score", get(score)),
        ("/v1/providers/{id}/score/history", get(history)),
        ("/v1/providers/{id}/chat", get(chat)),
        ("/v1/providers/{id}/uptime", get(uptime::uptime)),
        ("/v1/providers/{id}/outages", get(uptime::outages)),
        ("/v1/providers/{id}/incidents.atom", get(feed::incidents)),
        ("/v1/providers/{id}/proof", get(uptime::proof)),
        ("/v1/providers/{id}/badge.svg", get(badge::image)),
        ("/v1/providers/{id}/badge.json", get(badge::endpoint)),
        ("/v1/sources", get(sources::sources)),
        ("/v1/log/checkpoint", get(log::checkpoint)),
        ("/v1/log/keys", get(log::keys)),
        ("/v1/log/tile/{*path}", get(log::tile)),
    ]
}

fn router(table: Table, sources: Arc<sources::Sources>) -> Router {
    let router =
        routes().into_iter().fold(Router::new(), |router, (path, answer)| router.route(path, answer));
    router
        .fallback(async || Refusal::NoSuchPath.into_problem())
        .method_not_allowed_fallback(async || Refusal::NoSuchMethod.into_problem())
        .layer(Extension(sources))
        .with_state(Arc::new(table))
}

type Shared = State<Arc<Table>>;

/// Why a request gets no answer.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("there is nothing at this path")]
    NoSuchPath,
    #[error("this path is read with GET")]
    NoSuchMethod,
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
    BadParameter { parameter: String, cause: String },
    #[error(transparent)]
    Table(#[from] TableError),
}

impl Refusal {
    fn into_problem(self) -> Response {
        let detail = self.to_string();
        let problem = match self {
            Self::NoSuchPath => Problem::new(StatusCode::NOT_FOUND, "no-such-path", "No such path"),
            Self::NoSuchMethod => {
                Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", "Not to be used like this")
            }
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

async fn registered(table: &Table, id: &str) -> Result<Summary, Refusal> {
    let unknown = || Refusal::UnknownProvider(id.chars().take(128).collect());
    let provider: ProviderId = id.parse().map_err(|_| unknown())?;
    let summary = table.summary(&provider).await?;
    summary.filter(|summary| summary.profile.is_some()).ok_or_else(unknown)
}

/// What a provider's summary says, seen by a view; without parameters.
async fn seen(
    table: &Table,
    id: &str,
    parameters: &Parameters,
    view: impl FnOnce(&Summary) -> Response,
) -> Result<Response, Refusal> {
    parameters.check(&[])?;
    Ok(view(&registered(table, id).await?))
}

async fn provider(
    State(table): Shared,
    Id(id): Id,
    parameters: Parameters,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    seen(&table, &id, &parameters, |summary| answer::json(&headers, &Provider::of(summary))).await
}

async fn replies(
    State(table): Shared,
    Id(id): Id,
    parameters: Parameters,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    seen(&table, &id, &parameters, |summary| answer::json(&headers, &Replies::of(summary))).await
}

async fn feedback(
    State(table): Shared,
    Id(id): Id,
    parameters: Parameters,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    seen(&table, &id, &parameters, |summary| answer::json(&headers, &Feedback::of(summary))).await
}

async fn price(
    State(table): Shared,
    Id(id): Id,
    parameters: Parameters,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    parameters.check(&[])?;
    let summary = registered(&table, &id).await?;
    let priced = table.priced(&summary.provider).await?;
    Ok(answer::json(&headers, &Prices::of(&summary, &priced)))
}

async fn claims(
    State(table): Shared,
    Extension(sources): Extension<Arc<sources::Sources>>,
    Id(id): Id,
    parameters: Parameters,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    parameters.check(&[])?;
    let summary = registered(&table, &id).await?;
    Ok(answer::json(&headers, &judged(&table, &sources, &summary).await?))
}

/// What a provider's offerings claim, and what was seen of them.
async fn judged<'a>(
    table: &Table,
    sources: &sources::Sources,
    summary: &'a Summary,
) -> Result<Claims<'a>, TableError> {
    let provider = &summary.provider;
    let offerings = table.offerings(provider, Freshness::Recent).await?;
    let independent = table.independent_of(provider).await?;
    let is_nothing = independent.rated.is_empty() && independent.evidence.is_empty();
    let decided = if is_nothing { Vec::new() } else { table.names_of(provider).await? };
    let configuration = sources.configuration();
    let sites = Site::all(configuration, &decided, &independent.rated, provider);
    let names = view::claims::names(configuration, &decided, summary);
    let held = Held { evidence: view::claims::evidence(configuration, independent, provider), names };
    Ok(Claims::of(summary, offerings, &held, sites, lambda::clock::now().day()))
}

async fn score(
    State(table): Shared,
    Id(id): Id,
    parameters: Parameters,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    parameters.check(&["explain"])?;
    let detail = match parameters.get("explain") {
        None | Some("false") => Detail::Score,
        Some("true") => Detail::Explained,
        Some(_) => return Err(bad("explain", "true or false")),
    };
    let summary = registered(&table, &id).await?;
    Ok(answer::json(&headers, &Scored::of(&summary, detail)))
}

async fn history(
    State(table): Shared,
    Id(id): Id,
    parameters: Parameters,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    parameters.check(&["limit", "cursor"])?;
    let (cursor, limit) = (parameters.cursor()?, parameters.limit()?);
    if cursor.as_ref().is_some_and(|cursor| !History::has(cursor)) {
        return Err(bad("cursor", "not a cursor of this list"));
    }
    let provider = registered(&table, &id).await?.provider;
    let history = table.history(&provider, cursor.as_ref(), limit).await?;
    let next_cursor = history.page.next.as_ref().map(Cursor::to_opaque);
    let path =
        |cursor: &String| format!("/v1/providers/{provider}/score/history?{}", parameters.query_at(cursor));
    let next = next_cursor.as_ref().map(path);
    let items = history.days().map(|(day, before)| HistoryDay::of(day, before)).collect();
    Ok(answer::with_next(answer::json(&headers, &Listed { items, next_cursor }), next.as_deref()))
}

async fn chat(
    State(table): Shared,
    Id(id): Id,
    parameters: Parameters,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    parameters.check(&[])?;
    let summary = registered(&table, &id).await?;
    let chat = table.provider_chat(&summary.provider).await?;
    Ok(answer::json_soon_stale(&headers, &Chat::of(&summary, chat.as_ref().map(|stored| &stored.value))))
}

async fn provider_page(
    State(table): Shared,
    Extension(sources): Extension<Arc<sources::Sources>>,
    Id(id): Id,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    match registered(&table, &id).await {
        Ok(summary) => {
            let now = lambda::clock::now();
            let facts = table.facts_of(&summary.provider).await?;
            let reported = table.reported_of(&summary.provider).await?;
            let history = table.history(&summary.provider, None, DAYS_SHOWN).await?;
            let quarter = Overview::of(&facts, Window::quarter(now), now);
            let month = Overview::of(&facts, Window::month(now), now);
            let siblings = siblings(&table, &summary).await?;
            let priced = table.priced(&summary.provider).await?;
            let claims = judged(&table, &sources, &summary).await?;
            let known = page::Known {
                summary: &summary,
                quarter: &quarter,
                month: &month,
                facts: &facts,
                reported: &reported,
                history: &history,
                claims: &claims,
                siblings: &siblings,
                priced: &priced,
                base: &base(&headers),
            };
            Ok(answer::html(&headers, page::provider(&known)))
        }
        Err(Refusal::UnknownProvider(id)) => Ok(page::no_provider(&id)),
        Err(refusal) => Err(refusal),
    }
}

/// Some of the operator's other providers, those with warnings first.
async fn siblings(table: &Table, summary: &Summary) -> Result<Vec<Card>, TableError> {
    let Some(siblings) = summary.siblings.as_ref().filter(|siblings| siblings.others > 0) else {
        return Ok(Vec::new());
    };
    let members = table.members(&siblings.operator).await?.into_iter();
    let mut others: Vec<_> = members.filter(|(id, _)| *id != summary.provider).collect();
    others.sort_by_key(|(_, member)| member.concerns.is_empty());
    others.truncate(page::SIBLINGS_SHOWN);
    let ids: Vec<_> = others.into_iter().map(|(id, _)| id).collect();
    Ok(table.cards(&ids).await?.into_iter().flatten().collect())
}

/// Where this API is, as its caller has it; empty where he does not say. Links that leave our pages need it.
fn base(headers: &HeaderMap) -> String {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let sound = |host: &&str| host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.:[]".contains(&b));
    let Some(host) = text("host").filter(sound) else { return String::new() };
    let scheme = if text("x-forwarded-proto") == Some("http") { "http" } else { "https" };
    format!("{scheme}://{host}")
}

/// The check of a proof in the browser, to be read as it is.
async fn verifier(headers: HeaderMap) -> Response {
    answer::script(&headers, include_str!("page/verify.js"))
}

async fn proof_script(headers: HeaderMap) -> Response {
    answer::script(&headers, include_str!("page/proof.js"))
}
