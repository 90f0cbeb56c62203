//! Where a renter answers two questions about a contract, by the link that was made for him.
//!
//! # One request
//!
//! 1. **Is it a link of ours?** ([`trust::link`]) Checked before anything is read. Otherwise 404, and the same for a link whose
//!    contract is not that renter's.
//! 2. **How does it stand?** (`state`) Open, answered and still to be changed, final, closed, or about a contract that goes on.
//! 3. **Answer** (`answer`), as a page or as JSON. Opening a link changes nothing, so whoever scans mail for harm answers for nobody.
//!    What is posted (`form`) is written together with what it changes in the provider's signal.
//!
//! # What an auditor will ask
//!
//! * **What is a link worth?** Whoever has it answers for that renter, about that contract, until it closes. So it goes to the
//!   marketplace alone, over `Referrer-Policy: no-referrer` and `Cache-Control: no-store`, and into no log line.
//! * **What is logged?** One line a request: what became of it, and which provider it is about. Not the link, and not what was answered.

mod answer;
mod form;
mod page;
mod state;

use http::{HeaderMap, Method, header};
use lambda::{
    Clients, Environment, Secrets, StartError, clock, secrets::Secret, secrets::SecretsUnavailable,
};
use lambda_http::{Body, Request, RequestExt, Response};
use table::{Table, TableError};
use trust::{
    feedback::{Answers, Refused},
    link::{Link, Purpose},
    time::Moment,
};

use answer::Form;
use form::{Incomplete, Unread};
use state::{Asked, State};

/// How often an answer is decided again after losing a race.
const RACES: usize = 10;

/// Most bytes of a body. The longest one that means something has some sixty.
const LONGEST_BODY: usize = 4096;

/// What the function needs from outside.
#[derive(Debug)]
pub struct App {
    table: Table,
    secrets: Secrets,
}

impl App {
    /// Connects to the table that `TABLE_NAME` names and the secrets that `SECRET_ID` names, and fetches these ahead of the first request.
    pub async fn start(environment: &Environment) -> Result<Self, StartError> {
        let clients = Clients::new(environment)?;
        let table = Table::new(clients.dynamodb(), environment.required("TABLE_NAME")?);
        let secrets = Secrets::fetched_ahead(environment, &clients).await?;
        table.warm().await;
        Ok(Self { table, secrets })
    }
}

/// Why a request does not come to what was asked.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("there is nothing at this path")]
    NoSuchPath,
    #[error("a link is opened (GET) or answered (POST)")]
    Method,
    #[error("this link is not one of ours, or is incomplete")]
    NoLink,
    #[error("this link could be answered until {0}")]
    Closed(Moment),
    #[error("the contract goes on; its renter is asked when it has ended")]
    NotEnded,
    #[error(transparent)]
    Refused(Refused),
    #[error("the answers are final")]
    Forgotten,
    #[error("both questions need an answer")]
    Faults(Incomplete, Box<Asked>),
    #[error(transparent)]
    Unread(#[from] Unread),
    #[error("the body has at most {LONGEST_BODY} bytes")]
    TooLarge,
    #[error(transparent)]
    Table(#[from] TableError),
    #[error(transparent)]
    Secrets(#[from] SecretsUnavailable),
}

/// Answers one request.
pub async fn handle(app: &App, request: Request) -> Result<Response<Body>, lambda_runtime::Error> {
    Ok(answer_at(app, &request, clock::now()).await)
}

/// Answers one request as of a moment.
pub async fn answer_at(app: &App, request: &Request, now: Moment) -> Response<Body> {
    let path = request.raw_http_path().to_owned();
    let form = Form::asked(request.method(), request.headers());
    match serve(app, request, &path, now).await {
        Ok(Served { asked, state, posted }) => {
            tracing::info!(provider = %asked.provider, outcome = state.name(), posted = posted.is_some(), "asked");
            match (posted, form) {
                // What was posted is not posted again when the page is loaded again.
                (Some(token), Form::Page) => answer::back_to(&token),
                _ => answer::state(form, &asked, &state, request.method()),
            }
        }
        Err(refusal) => {
            if let Refusal::Table(_) | Refusal::Secrets(_) = &refusal {
                tracing::error!(error = %refusal, "no answer");
            }
            let (problem, page) = answer::refusal(refusal);
            tracing::info!(outcome = problem.kind(), "asked");
            answer::refused(form, problem, page)
        }
    }
}

/// What a request came to.
struct Served {
    asked: Asked,
    state: State,
    /// The token by which it was answered, if it was.
    posted: Option<String>,
}

async fn serve(app: &App, request: &Request, path: &str, now: Moment) -> Result<Served, Refusal> {
    let token =
        path.strip_prefix("/v1/feedback/").filter(|rest| !rest.contains('/')).ok_or(Refusal::NoSuchPath)?;
    let link = open(app, token).await?;
    match *request.method() {
        Method::GET | Method::HEAD => {
            let asked = Asked::find(&app.table, &link).await?.ok_or(Refusal::NoLink)?;
            let state = asked.state(&link, now)?;
            Ok(Served { asked, state, posted: None })
        }
        Method::POST => {
            let (asked, state) = take(app, &link, request, now).await?;
            Ok(Served { asked, state, posted: Some(token.to_owned()) })
        }
        _ => Err(Refusal::Method),
    }
}

async fn open(app: &App, token: &str) -> Result<Link, Refusal> {
    let document = app.secrets.current().await?;
    Link::open(Purpose::Feedback, token, document.feedback.iter().map(Secret::expose))
        .map_err(|_| Refusal::NoLink)
}

async fn take(app: &App, link: &Link, request: &Request, now: Moment) -> Result<(Asked, State), Refusal> {
    let body: &[u8] = request.body();
    if body.len() > LONGEST_BODY {
        return Err(Refusal::TooLarge);
    }
    let read = form::read(content_type(request.headers()), body)?;
    for _ in 0..RACES {
        let asked = Asked::find(&app.table, link).await?.ok_or(Refusal::NoLink)?;
        asked.is_open(link, now)?;
        let answers: Answers = match &read {
            Ok(answers) => *answers,
            Err(incomplete) => return Err(Refusal::Faults(incomplete.clone(), Box::new(asked))),
        };
        match asked.answer(&app.table, link, answers, now).await {
            Err(Refusal::Table(TableError::Conflict)) => tracing::debug!("another writer was faster"),
            Err(refusal) => return Err(refusal),
            Ok(answered) => {
                let state = answered.state(link, now)?;
                return Ok((answered, state));
            }
        }
    }
    Err(TableError::Conflict.into())
}

fn content_type(headers: &HeaderMap) -> &str {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim()
}
