//! What concerns the parties of a contract alone: a renter's identity for the widget of exactly the provider he may talk to, a
//! contract's communication log, and what is watched for it.
//!
//! # One request
//!
//! 1. **Route.** Each thing has two paths: `/v1/…` for who comes with a token, `/v1/signed/…` for who signs his requests. The path
//!    alone says which of the two is asked for, so neither stands in for the other.
//! 2. **Who is it?** ([`lambda::caller`]) Otherwise 401.
//! 3. **Admit him** (`admit`): 30 calls a minute, and each signed request once.
//! 4. **Answer** (`identity`, `log`, `monitors`), never to be cached.
//!
//! # What an auditor will ask
//!
//! * **What is an identity hash worth?** Whoever has it is that renter to the widget of that one inbox, until the inbox gets
//!   another key. So it goes to nobody but that renter, over `Cache-Control: no-store`, and into no log line.
//! * **What is a monitor's key worth?** Whoever has it may say of that one monitor what he likes, as a claim that counts for nothing. It
//!   goes to the provider, and to him alone.
//! * **What is logged?** One line a request: what was asked for, what became of it, and which provider it is about.
//! * **Can one learn of contracts that are not his?** No: a contract that is not there and one of others get the same answer.

mod admit;
mod identity;
mod log;
mod monitors;

use http::{HeaderValue, Method, StatusCode, header};
use lambda::{Clients, Environment, Problem, Secrets, StartError, clock};
use lambda_http::{Body, Request, RequestExt, Response};
use serde_json::Value;
use table::{Table, TableError};
use trust::{id::ProviderId, time::Moment};

use admit::Proof;

/// Most bytes of a body. The longest one that means something has some two hundred.
const LONGEST_BODY: usize = 4096;

/// Seconds after which it may be worth asking again when something that is needed can not be reached.
const SOON: u32 = 5;

/// What the function needs from outside.
#[derive(Debug)]
pub struct App {
    table: Table,
    secrets: Secrets,
    /// Where Chatwoot is; absent where no chat is set up.
    chatwoot: Option<String>,
}

impl App {
    /// Connects to the table and the secrets, and fetches the secrets ahead of the first request.
    pub async fn start(environment: &Environment) -> Result<Self, StartError> {
        let clients = Clients::new(environment)?;
        let table = Table::new(clients.dynamodb(), environment.required("TABLE_NAME")?);
        let secrets = Secrets::fetched_ahead(environment, &clients).await?;
        let chatwoot = environment.optional("CHATWOOT_URL").map(|url| url.trim_end_matches('/').to_owned());
        table.warm().await;
        Ok(Self { table, secrets, chatwoot })
    }
}

/// Answers one request.
pub async fn handle(app: &App, request: Request) -> Result<Response<Body>, lambda_runtime::Error> {
    let path = request.raw_http_path().to_owned();
    let Some((proof, asked)) = route(request.method(), &path) else {
        return Ok(Problem::new(StatusCode::NOT_FOUND, "no-such-path", "No such path").into_response());
    };
    let what = asked.name();
    match serve(app, &request, proof, asked, clock::now()).await {
        Ok(answer) => {
            tracing::info!(what, outcome = "answered", provider = %answer.provider, "asked");
            Ok(private(&answer.body))
        }
        Err(problem) => {
            tracing::info!(what, outcome = problem.kind(), "asked");
            Ok(problem.into_response())
        }
    }
}

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked<'a> {
    Identity,
    Log { contract: &'a str },
    Monitors { contract: &'a str },
}

impl Asked<'_> {
    fn name(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Log { .. } => "log",
            Self::Monitors { .. } => "monitors",
        }
    }
}

fn route<'a>(method: &Method, path: &'a str) -> Option<(Proof, Asked<'a>)> {
    let path = path.strip_prefix("/v1/")?;
    let (proof, path) = match path.strip_prefix("signed/") {
        Some(path) => (Proof::Signature, path),
        None => (Proof::Token, path),
    };
    let segments: Vec<&str> = path.split('/').collect();
    let asked = match segments.as_slice() {
        ["chat", "identity"] if method == Method::POST => Asked::Identity,
        ["contracts", contract, "messages"] if method == Method::GET => Asked::Log { contract },
        ["contracts", contract, "monitors"] if method == Method::GET => Asked::Monitors { contract },
        _ => return None,
    };
    Some((proof, asked))
}

/// What is answered, and which provider it is about.
struct Answer {
    body: Value,
    provider: ProviderId,
}

async fn serve(
    app: &App,
    request: &Request,
    proof: Proof,
    asked: Asked<'_>,
    now: Moment,
) -> Result<Answer, Problem> {
    let body: &[u8] = request.body();
    if body.len() > LONGEST_BODY {
        return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body-too-large", "The body is too large")
            .detail(format!("the most is {LONGEST_BODY} bytes")));
    }
    let caller = admit::admit(&app.table, request, proof, now).await?;
    match asked {
        Asked::Identity => identity::issue(app, &caller, body, now).await,
        Asked::Log { contract } => {
            log::show(&app.table, &caller, contract, &request.query_string_parameters()).await
        }
        Asked::Monitors { contract } => {
            monitors::show(app, &caller, contract, &request.query_string_parameters()).await
        }
    }
}

fn private(body: &Value) -> Response<Body> {
    let mut response = Response::new(Body::Text(body.to_string()));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// The table can not say. What happened inside is not the caller's business.
fn unavailable(error: &TableError) -> Problem {
    tracing::error!(%error, "no answer");
    not_available()
}

fn not_available() -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "Not available")
        .detail("there is no answer at the moment; please try again")
        .retry_after(SOON)
}

/// The answer to who asks for a contract that is not his, whether or not there is one. Told apart, the two would say to anybody who
/// tries out ids which contracts there are; and of the two, this is the one that is right for a renter whose contract is on its way
/// here, too.
fn not_your_contract() -> Problem {
    Problem::new(StatusCode::FORBIDDEN, "not-your-contract", "Not a contract of yours")
        .detail("no contract of this id is known to be yours")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_says_what_is_asked_for_and_how_the_caller_proves_who_he_is() {
        let (get, post) = (Method::GET, Method::POST);
        let log = Some(Asked::Log { contract: "c-1" });
        let monitors = Some(Asked::Monitors { contract: "c-1" });
        for (method, path, proof, asked) in [
            (&post, "/v1/chat/identity", Proof::Token, Some(Asked::Identity)),
            (&post, "/v1/signed/chat/identity", Proof::Signature, Some(Asked::Identity)),
            (&get, "/v1/contracts/c-1/messages", Proof::Token, log),
            (&get, "/v1/signed/contracts/c-1/messages", Proof::Signature, log),
            (&get, "/v1/contracts/c-1/monitors", Proof::Token, monitors),
            (&get, "/v1/signed/contracts/c-1/monitors", Proof::Signature, monitors),
            (&get, "/v1/chat/identity", Proof::Token, None),
            (&post, "/v1/contracts/c-1/messages", Proof::Token, None),
            (&post, "/v1/signed/signed/chat/identity", Proof::Token, None),
            (&post, "/v1/signed", Proof::Token, None),
            (&post, "/v1/chat/identity/", Proof::Token, None),
            (&post, "/chat/identity", Proof::Token, None),
            (&get, "/v1/contracts/c-1/2/messages", Proof::Token, None),
        ] {
            assert_eq!(route(method, path), asked.map(|asked| (proof, asked)), "{method} {path}");
        }
    }
}
