//! Where a renter's benchmark sends what it found: `POST /v1/contracts/{id}/yabs?token=…`, straight from `yabs.sh -s`.
//!
//! # One request
//!
//! 1. **Is it a link of ours, for this contract?** ([`trust::link`]) Checked before anything is read. Otherwise 404, and the same where the
//!    contract is not that renter's.
//! 2. **Is there a machine?** From the handover until an hour after the contract's end. Not asked of a run that is known: sent again, it is
//!    decided once more.
//! 3. **What did it find?** ([`sources::yabs`]) What no machine can have is left out with the reason; the rest counts.
//! 4. **Written** together with what it changes in the provider's signal, decided anew if another writer was faster.
//! 5. **Decided once more** by what is known then: whoever has heard meanwhile that the contract ended, who its parties are or what was claimed has not
//!    found the run yet, so the run looks for him.
//!
//! # What an auditor will ask
//!
//! * **What is kept?** Figures: sizes, rates, names of CPU and hypervisor, country, number and name of the network and
//!   the name of who sells its addresses. No address, no host, no city, no organisation that holds the address.
//! * **What is logged?** One line a request: what became of it, and which provider it is about. Not the link, and nothing of the body.
//! * **Who can forge it?** The renter. It counts like his vote: one contract in 90 days, none of a provider with himself.

mod answer;

use http::{Method, StatusCode};
use lambda::{
    Clients, Environment, Problem, Secrets, StartError, clock, secrets::Secret, secrets::SecretsUnavailable,
};
use lambda_http::{Body, Request, RequestExt, Response};
use sources::yabs::{self, NoRun};
use table::{Measuring, Table, TableError};
use trust::{
    claims::measured::{self, Refused, RunId},
    contract::Contract,
    id::ContractId,
    link::{Link, Purpose},
    time::Moment,
};

/// How often a run is decided again after losing a race.
const RACES: usize = 10;

/// Seconds after which it may be worth asking again when something that is needed can not be reached.
const SOON: u32 = 5;

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

/// Why a run is not taken.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("there is nothing at this path")]
    NoSuchPath,
    #[error("a run is sent with POST")]
    Method,
    #[error("this link is not one of ours, or is not for this contract")]
    NoLink,
    #[error("this link was good until {0}")]
    Expired(Moment),
    #[error(transparent)]
    NoRun(#[from] NoRun),
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error(transparent)]
    Table(#[from] TableError),
    #[error(transparent)]
    Secrets(#[from] SecretsUnavailable),
}

impl Refusal {
    fn problem(&self) -> Problem {
        let (status, kind, title) = match self {
            Self::NoSuchPath => (StatusCode::NOT_FOUND, "no-such-path", "No such path"),
            Self::Method => {
                (StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", "Not to be used like this")
            }
            Self::NoLink => (StatusCode::NOT_FOUND, "unknown-link", "No such link"),
            Self::Expired(_) => (StatusCode::GONE, "link-expired", "The link has expired"),
            Self::NoRun(NoRun::TooLong) => {
                (StatusCode::PAYLOAD_TOO_LARGE, "body-too-large", "The body is too large")
            }
            Self::NoRun(NoRun::NotJson(_)) => {
                (StatusCode::BAD_REQUEST, "invalid-body", "The body can not be read")
            }
            Self::NoRun(NoRun::NotYabs) => {
                (StatusCode::UNPROCESSABLE_ENTITY, "not-a-benchmark", "This is no run of yabs.sh")
            }
            Self::Refused(Refused::NotHandedOver) => {
                (StatusCode::CONFLICT, "not-handed-over", "There is no machine yet")
            }
            Self::Refused(Refused::Ended(_)) => {
                (StatusCode::CONFLICT, "contract-ended", "The contract has ended")
            }
            Self::Refused(Refused::TooMany) => {
                (StatusCode::CONFLICT, "too-many-runs", "Enough runs are known")
            }
            Self::Table(_) | Self::Secrets(_) => {
                return Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "Not available")
                    .detail("please send it again; the same run counts once")
                    .retry_after(SOON);
            }
        };
        Problem::new(status, kind, title).detail(self.to_string())
    }
}

/// Answers one request.
pub async fn handle(app: &App, request: Request) -> Result<Response<Body>, lambda_runtime::Error> {
    Ok(answer_at(app, &request, clock::now()).await)
}

/// Answers one request as of a moment.
pub async fn answer_at(app: &App, request: &Request, now: Moment) -> Response<Body> {
    match take(app, request, now).await {
        Ok(taken) => {
            tracing::info!(
                provider = %taken.measuring.provider, repaired = ?taken.run.repaired, void = taken.run.void.len(), "taken"
            );
            answer::taken(&taken)
        }
        Err(refusal) => {
            let problem = refusal.problem();
            if let Refusal::Table(_) | Refusal::Secrets(_) = &refusal {
                tracing::error!(error = %refusal, "no answer");
            }
            tracing::info!(outcome = problem.kind(), "refused");
            answer::private(problem.into_response())
        }
    }
}

/// A run that was taken.
struct Taken {
    contract: ContractId,
    run: yabs::Run,
    /// With the run.
    measuring: Measuring,
}

async fn take(app: &App, request: &Request, now: Moment) -> Result<Taken, Refusal> {
    let path = request.raw_http_path();
    let contract: ContractId = path
        .strip_prefix("/v1/contracts/")
        .and_then(|rest| rest.strip_suffix("/yabs"))
        .and_then(|id| id.parse().ok())
        .ok_or(Refusal::NoSuchPath)?;
    if *request.method() != Method::POST {
        return Err(Refusal::Method);
    }
    let link = open(app, request).await?;
    if *link.contract() != contract {
        return Err(Refusal::NoLink);
    }
    if now >= link.expires_at() {
        return Err(Refusal::Expired(link.expires_at()));
    }
    let body: &[u8] = request.body();
    let run = yabs::Run::read(body)?;
    let made = Made { body, run: &run, now };
    write(app, &link, &made).await?;
    let measuring = settle(app, &contract).await?;
    Ok(Taken { contract, run, measuring })
}

async fn open(app: &App, request: &Request) -> Result<Link, Refusal> {
    let parameters = request.query_string_parameters();
    let token = parameters.first("token").ok_or(Refusal::NoLink)?;
    let document = app.secrets.current().await?;
    Link::open(Purpose::Benchmark, token, document.feedback.iter().map(Secret::expose))
        .map_err(|_| Refusal::NoLink)
}

/// A run as it came.
struct Made<'a> {
    body: &'a [u8],
    run: &'a yabs::Run,
    now: Moment,
}

/// Adds a run to what its renter has measured.
async fn write(app: &App, link: &Link, made: &Made<'_>) -> Result<(), Refusal> {
    for _ in 0..RACES {
        match write_once(app, link, made).await {
            Err(Refusal::Table(TableError::Conflict)) => tracing::debug!("another writer was faster"),
            outcome => return outcome,
        }
    }
    Err(TableError::Conflict.into())
}

async fn write_once(app: &App, link: &Link, made: &Made<'_>) -> Result<(), Refusal> {
    let id = link.contract();
    let contract = contract(app, id).await?;
    let measuring = app.table.measuring(&contract).await?.ok_or(Refusal::NoLink)?;
    if !link.is_for(&measuring.renter) {
        return Err(Refusal::NoLink);
    }
    let run = RunId::of(made.body);
    if !measuring.measurements.value.about(id).is_some_and(|measured| measured.has(&run)) {
        measured::takes(&contract, made.now)?;
    }
    let rented = app.table.rented(&contract).await?.ok_or(Refusal::NoLink)?;
    let parties = app.table.parties(&measuring.provider, &measuring.renter).await?;
    let run = measured::Run {
        id: run,
        at: measured::made_at(made.run.started, &contract, made.now),
        findings: made.run.findings(),
    };
    let known = measuring.measurements.value.with(id, rented.clone(), &run)?.known(parties, id, rented);
    Ok(app.table.write_measurements(&measuring, &known).await?)
}

/// Decides once more what was measured, by what is known now that the run is there for others to find. The same run sent again comes here again.
async fn settle(app: &App, id: &ContractId) -> Result<Measuring, Refusal> {
    for _ in 0..RACES {
        let contract = contract(app, id).await?;
        let measuring = match app.table.settle_measurements(id, &contract).await {
            Err(TableError::Conflict) => {
                tracing::debug!("another writer was faster");
                continue;
            }
            Ok(None) => app.table.measuring(&contract).await?,
            settled => settled?,
        };
        return measuring.ok_or(Refusal::NoLink);
    }
    Err(TableError::Conflict.into())
}

async fn contract(app: &App, id: &ContractId) -> Result<Contract, Refusal> {
    app.table.contract(id).await?.map(|stored| stored.value).ok_or(Refusal::NoLink)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_gets_no_answer_is_told_to_send_it_again_and_not_that_nothing_was_stored() {
        let answer = Refusal::from(TableError::Conflict).problem().into_response();
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
        let Body::Text(said) = answer.into_body() else { panic!("not a text") };
        assert!(
            said.contains("send it again; the same run counts once") && !said.contains("nothing"),
            "{said}"
        );
    }
}
