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

use chatwoot::{
    signature::{DELIVERY_HEADER, SIGNATURE_HEADER, SignatureError, TIMESTAMP_HEADER},
    webhook::{EventKind, Ignored},
};
use lambda::{
    Bus, Clients, Environment, Problem, Secrets, StartError,
    bus::{BusEvent, InvalidDetail},
    secrets::SecretsUnavailable,
};
use lambda_http::{
    Body, Request, Response,
    http::{HeaderValue, Method, StatusCode, header},
};
use trust::{chat, id::AccountId, time::Moment};

mod decide;

pub use decide::{Decision, Delivery, LONGEST_BODY, Refusal, decide};

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
        let clients = Clients::new(environment)?;
        let bus = Bus::connect(environment, &clients)?;
        Ok(Self { secrets: Secrets::fetched_ahead(environment, &clients).await?, bus })
    }
}

/// Handles one request.
///
/// An error is one of ours that no answer fits; everything a sender can bring about has an answer.
pub async fn handle(app: &App, request: Request) -> Result<Response<Body>, lambda_runtime::Error> {
    let now = lambda::clock::now();
    let account = match route(request.method(), request.uri().path()) {
        Ok(account) => account,
        Err(stray) => {
            tracing::info!(outcome = "refused", reason = stray.as_str());
            return Ok(stray.answer());
        }
    };
    let outcome = deliver(app, account, &request, now).await?;
    outcome.log(account, delivery_id(&request).unwrap_or_default());
    Ok(outcome.answer())
}

async fn deliver(
    app: &App,
    account: AccountId,
    request: &Request,
    now: Moment,
) -> Result<Outcome, InvalidDetail> {
    let secrets = async { Ok((app.secrets.account(account).await?, app.secrets.current().await?)) };
    let (keys, document) = match secrets.await {
        Ok(secrets) => secrets,
        Err::<_, SecretsUnavailable>(error) => return Ok(Outcome::Unavailable(error.to_string())),
    };
    let delivery = Delivery {
        account,
        timestamp: text_header(request, TIMESTAMP_HEADER),
        signature: text_header(request, SIGNATURE_HEADER),
        body: request.body(),
    };
    let mut decision = decide(keys.as_deref(), delivery, now);
    if decision == Decision::Refuse(Refusal::NotSigned(SignatureError::Mismatch)) {
        // The operator's entry may be older than the webhook that was made since.
        match app.secrets.kept(account).await {
            Ok(Some(kept)) => decision = decide(Some(&kept), delivery, now),
            Ok(None) => {}
            Err(error) => return Ok(Outcome::Unavailable(error.to_string())),
        }
    }
    Ok(match decision {
        Decision::Publish { kind, mut event } => {
            if let Some(operator) = &document.operator {
                event.mark_own(operator.user);
            }
            let event = BusEvent::new(chat::SOURCE, kind.detail_type(), &event)?;
            match app.bus.publish(event).await {
                Ok(()) => Outcome::Published(kind),
                Err(error) => Outcome::Unavailable(error.to_string()),
            }
        }
        Decision::Ignore(reason) => Outcome::Ignored(reason),
        Decision::Refuse(refusal) => Outcome::Refused(refusal),
    })
}

/// What came of a delivery.
enum Outcome {
    Published(EventKind),
    Ignored(Ignored),
    Refused(Refusal),
    /// For the reason given, which is for the log alone.
    Unavailable(String),
}

impl Outcome {
    fn answer(&self) -> Response<Body> {
        match self {
            Self::Published(_) => empty(StatusCode::ACCEPTED),
            Self::Ignored(_) => empty(StatusCode::NO_CONTENT),
            Self::Refused(refusal) => refusal.problem().into_response(),
            Self::Unavailable(_) => {
                Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "Not available at the moment")
                    .into_response()
            }
        }
    }

    /// Writes the one line of this request.
    fn log(&self, account: AccountId, delivery: &str) {
        let account = account.0;
        match self {
            Self::Published(kind) => {
                tracing::info!(account, delivery, outcome = "published", event = kind.detail_type());
            }
            Self::Ignored(reason) => {
                tracing::info!(account, delivery, outcome = "ignored", reason = reason.as_str());
            }
            Self::Refused(refusal) => {
                let reason = refusal.as_str();
                tracing::warn!(account, delivery, outcome = "refused", reason, detail = %refusal);
            }
            Self::Unavailable(cause) => tracing::error!(account, delivery, outcome = "unavailable", cause),
        }
    }
}

fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::Empty);
    *response.status_mut() = status;
    response
}

/// A request that is no delivery at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stray {
    Path,
    Method,
}

impl Stray {
    fn as_str(self) -> &'static str {
        match self {
            Self::Path => "no-such-path",
            Self::Method => "no-such-method",
        }
    }

    fn answer(self) -> Response<Body> {
        match self {
            Self::Path => {
                Problem::new(StatusCode::NOT_FOUND, "not-found", "There is nothing at this address")
                    .detail("webhooks go to /{account}, the number of a Chatwoot account")
                    .into_response()
            }
            Self::Method => {
                let problem =
                    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", "Not a POST");
                let mut answer = problem.into_response();
                answer.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST"));
                answer
            }
        }
    }
}

/// `POST /{account}`, the account written as Chatwoot writes it: without sign or leading zeros, so that each has one address.
fn route(method: &Method, path: &str) -> Result<AccountId, Stray> {
    let segment = path.strip_prefix('/').ok_or(Stray::Path)?;
    let account: AccountId = segment.parse().map_err(|_| Stray::Path)?;
    match (account.to_string() == segment, method == Method::POST) {
        (false, _) => Err(Stray::Path),
        (true, false) => Err(Stray::Method),
        (true, true) => Ok(account),
    }
}

/// A header as text. One that is no text is there all the same, so it reads as empty, not as absent.
fn text_header<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    request.headers().get(name).map(|value| value.to_str().unwrap_or_default())
}

/// The id of the delivery, if it has the form of a UUID. Anybody can write this header, and it goes into the log.
fn delivery_id(request: &Request) -> Option<&str> {
    let is_uuid =
        |id: &&str| id.len() == 36 && id.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    text_header(request, DELIVERY_HEADER).filter(is_uuid)
}

#[cfg(test)]
mod tests {
    use lambda_http::http::HeaderName;

    use super::*;

    #[test]
    fn only_posts_to_an_account_are_deliveries() {
        for (method, path, expected) in [
            (Method::POST, "/1", Ok(AccountId(1))),
            (Method::POST, "/18446744073709551615", Ok(AccountId(u64::MAX))),
            (Method::GET, "/1", Err(Stray::Method)),
            (Method::PUT, "/1", Err(Stray::Method)),
            (Method::POST, "", Err(Stray::Path)),
            (Method::POST, "/", Err(Stray::Path)),
            (Method::GET, "/", Err(Stray::Path)),
            (Method::POST, "1", Err(Stray::Path)),
            (Method::POST, "/01", Err(Stray::Path)),
            (Method::POST, "/+1", Err(Stray::Path)),
            (Method::POST, "/-1", Err(Stray::Path)),
            (Method::POST, "/1/", Err(Stray::Path)),
            (Method::POST, "/1/2", Err(Stray::Path)),
            (Method::POST, "/one", Err(Stray::Path)),
            (Method::POST, "/18446744073709551616", Err(Stray::Path)),
        ] {
            assert_eq!(route(&method, path), expected, "{method} {path}");
        }
        assert_eq!(Stray::Method.answer().headers()[header::ALLOW], "POST");
        assert_eq!(Stray::Path.answer().status(), StatusCode::NOT_FOUND);
    }

    fn with_header(name: &str, value: &[u8]) -> Request {
        let mut request = Request::new(Body::Empty);
        let name: HeaderName = name.parse().unwrap();
        request.headers_mut().insert(name, HeaderValue::from_bytes(value).unwrap());
        request
    }

    #[test]
    fn a_delivery_id_of_another_form_does_not_reach_the_log() {
        let id = "0b8d7a52-93c4-4f1e-8a86-2f1c6f0f6f1d";
        assert_eq!(delivery_id(&with_header("X-Chatwoot-Delivery", id.as_bytes())), Some(id));
        for other in [&b"\xff"[..], b"", b"buy now", &[b'a'; 4000]] {
            assert_eq!(delivery_id(&with_header("X-Chatwoot-Delivery", other)), None);
        }
        assert_eq!(delivery_id(&Request::new(Body::Empty)), None);
    }

    #[test]
    fn a_signature_that_is_no_text_is_malformed_and_not_absent() {
        assert_eq!(text_header(&with_header(SIGNATURE_HEADER, b"\xff"), SIGNATURE_HEADER), Some(""));
        assert_eq!(text_header(&Request::new(Body::Empty), SIGNATURE_HEADER), None);
    }

    #[test]
    fn what_is_published_is_accepted_what_is_ignored_has_no_content_and_causes_stay_inside() {
        let status = |outcome: Outcome| outcome.answer().status().as_u16();
        assert_eq!(status(Outcome::Published(EventKind::MessageCreated)), 202);
        assert_eq!(status(Outcome::Ignored(Ignored::Typing)), 204);
        assert_eq!(status(Outcome::Refused(Refusal::UnknownAccount)), 404);
        let unavailable = Outcome::Unavailable("10.1.2.3 refused".to_owned()).answer();
        assert_eq!(unavailable.status().as_u16(), 503);
        assert!(!String::from_utf8_lossy(unavailable.body()).contains("10.1.2.3"));
    }
}
