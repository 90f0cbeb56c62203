//! The door for Chatwoot: authenticate, read, publish, answer.
//!
//! Chatwoot posts every change of a conversation to `POST /{account}`, waits five seconds and never tries again. So this function
//! does as little as possible before it answers: it touches no table, and what it answers for is on the bus, which is durable.
//!
//! # One delivery
//!
//! 1. **Route.** Anything but `POST /{account}` is 404 or 405. The account of the address is the one that counts; a body that names
//!    another is refused.
//! 2. **Authenticate** ([`decide()`]). HMAC-SHA256 over the timestamp and the raw bytes, compared in constant time, with the account's
//!    current secret or a previous one, at most five minutes old or ahead. Otherwise 401. Nothing reads the body before that.
//!    An account may be configured to take deliveries *without* a signature, from a Chatwoot older than 4.12; a wrong signature
//!    is refused even then.
//! 3. **Read** ([`chatwoot::webhook`]). Of five kinds of event, ids, times, classes and a hash; every other kind is thanked for
//!    (204) and forgotten. What can not be read is 400 and names the field.
//! 4. **Publish** a [`trust::chat::ChatEvent`] with source `chat`, then answer 202. A bus that does not take it is 503.
//!
//! | outcome | status | on the bus |
//! |---|---|---|
//! | published | 202 | one event |
//! | ignored: an event we do not use | 204 | nothing |
//! | unreadable body, or another account's | 400 | nothing |
//! | wrong, missing, stale or future signature | 401 | nothing |
//! | unknown account, or another path | 404 | nothing |
//! | not `POST` | 405 | nothing |
//! | body over 6 MiB | 413 | nothing |
//! | secrets or bus can not be reached | 503 | nothing, as far as we know |
//!
//! # What an auditor will ask
//!
//! * **What leaves this function?** [`trust::chat::ChatEvent`], whose schema `events/schemas/chat.json` allows nothing else. No
//!   text, name, address or `pubsub_token`: there are no fields for them.
//! * **What is logged?** One line a request: account, delivery id, outcome, reason; for an unreadable body the name of the field.
//!   Never any of the body.
//! * **Can a delivery be replayed?** Within five minutes, by who recorded it. It then says the same thing twice, and the ledger takes
//!   the same thing twice as once.
//! * **What if one is lost?** Chatwoot does not try again. A later event about the conversation shows its last message, too, and that
//!   counts as seen.

use lambda::{
    Bus, Environment, Problem, Secrets, StartError,
    bus::{BusEvent, NotPublished},
};
use lambda_http::{
    Body, Request, Response,
    http::{Method, StatusCode, header},
};
use trust::{chat, id::AccountId, time::Moment};

mod decide;

pub use decide::{Decision, Delivery, LONGEST_BODY, Refusal, decide};

use chatwoot::signature::{DELIVERY_HEADER, SIGNATURE_HEADER, TIMESTAMP_HEADER};

/// What the function needs from outside.
#[derive(Debug)]
pub struct App {
    secrets: Secrets,
    bus: Bus,
}

impl App {
    /// Connects to the secrets that `SECRET_ID` names and the bus that `BUS_NAME` names.
    ///
    /// The secrets are fetched at once, while Lambda grants start-up its full processor. Should that fail, the first delivery
    /// tries again.
    pub async fn start(environment: &Environment) -> Result<Self, StartError> {
        let app = Self { secrets: Secrets::connect(environment)?, bus: Bus::connect(environment)? };
        if let Err(error) = app.secrets.current().await {
            tracing::warn!(%error, "starting without the secrets");
        }
        Ok(app)
    }
}

/// Handles one delivery.
///
/// An error is one of ours that no answer fits; everything a sender can bring about has an answer.
pub async fn handle(app: &App, request: Request) -> Result<Response<Body>, lambda_runtime::Error> {
    let now = lambda::clock::now();
    let account = match route(request.method(), request.uri().path()) {
        Ok(account) => account,
        Err(answer) => {
            tracing::info!(outcome = "refused", reason = "no-such-route", status = answer.status().as_u16());
            return Ok(answer);
        }
    };
    let delivery_id = delivery_id(&request).unwrap_or_default();
    let outcome = deliver(app, account, &request, now).await?;
    let (status, answer) = (outcome.status, outcome.answer);
    let (outcome, reason, field) = (outcome.name, outcome.reason, outcome.field);
    let status = status.as_u16();
    tracing::info!(account = account.0, delivery = delivery_id, outcome, reason, field, status);
    Ok(answer)
}
