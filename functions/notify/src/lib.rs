//! Who is told of news on the bus: the marketplace by signed webhooks, a provider's agents by private notes in the conversation itself,
//! and all of a conversation by a message, where the renter is asked how it was.
//!
//! To the marketplace each event goes out as a CloudEvent 1.0 in JSON, signed as Standard Webhooks with every secret of the document's `marketplace` list, so
//! that a rotation loses nothing. `webhook-id` is the event's own id, the same whenever the same is told: a receiver that has
//! seen it may drop it. What is not taken with a 2xx comes again from the queue, and in the end waits in its dead letters.
//!
//! Agents are told before a promise breaks and when it does. What stands in the conversation already is not written again.

mod note;

use std::time::Duration;

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use chatwoot::client::ClientError;
use lambda::{
    Clients, Environment, Secrets, StartError,
    batch::{self, Envelope},
    operator::{NotConnected, OperatorChat},
};
use reqwest::{Client, StatusCode, Url, header, redirect};
use serde_json::{Value, json};
use standardwebhooks::{HEADER_WEBHOOK_ID, HEADER_WEBHOOK_SIGNATURE, HEADER_WEBHOOK_TIMESTAMP, Webhook};
use trust::{feedback::survey, silence::Stage, time::Moment};

/// The longest a delivery may take. Receivers are to answer first and work later.
const PATIENCE: Duration = Duration::from_secs(10);

/// The longest a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(3);

/// The `source` of our CloudEvents.
const SOURCE: &str = "/provider-trust";

/// What the function needs from outside.
#[derive(Debug)]
pub struct App {
    secrets: Secrets,
    marketplace: Option<Url>,
    client: Client,
    /// Absent where there is no Chatwoot.
    chat: Option<OperatorChat>,
}

impl App {
    /// Connects to the secrets that `SECRET_ID` names; `MARKETPLACE_WEBHOOK_URL`, if set, is where the marketplace listens, and
    /// `CHATWOOT_URL`, if set, where Chatwoot is.
    pub async fn start(environment: &Environment) -> Result<Self, StartError> {
        let secrets = Secrets::fetched_ahead(environment, &Clients::new(environment)?).await?;
        let marketplace = environment
            .optional("MARKETPLACE_WEBHOOK_URL")
            .map(|text| {
                Url::parse(text).map_err(|error| {
                    StartError::Unavailable(format!("MARKETPLACE_WEBHOOK_URL is no URL: {error}"))
                })
            })
            .transpose()?;
        let client = Client::builder()
            .connect_timeout(CONNECT)
            .timeout(PATIENCE)
            // What is signed for one address goes nowhere else.
            .redirect(redirect::Policy::none())
            .user_agent("provider-trust")
            .build()
            .map_err(|error| StartError::Unavailable(error.to_string()))?;
        Ok(Self { secrets, marketplace, client, chat: OperatorChat::connect(environment)? })
    }
}

/// Why an event was not delivered. It comes again.
#[derive(Debug, thiserror::Error)]
pub enum NotifyError {
    /// The secrets can not be had.
    #[error(transparent)]
    Secrets(#[from] lambda::secrets::SecretsUnavailable),
    /// An address is configured, but no secret to sign with.
    #[error("the secret document has no usable secret under marketplace")]
    NoSecret,
    /// The event has no id or time: it is not one of ours.
    #[error("the event has no {0}")]
    Malformed(&'static str),
    /// The receiver did not answer.
    #[error("no answer from the marketplace: {0}")]
    NoAnswer(String),
    /// The receiver did not take it.
    #[error("the marketplace answered {0}")]
    Refused(StatusCode),
    /// Chatwoot can not be spoken to.
    #[error(transparent)]
    NotConnected(#[from] NotConnected),
    /// Chatwoot did not take the note.
    #[error(transparent)]
    Chatwoot(#[from] ClientError),
    /// The event says nothing that a note or a message could be made of.
    #[error("not news for a conversation: {0}")]
    Unreadable(#[from] serde_json::Error),
}

/// Handles a batch of bus events.
pub async fn handle(app: &App, batch: SqsEvent) -> Result<SqsBatchResponse, lambda_runtime::Error> {
    Ok(batch::each_bus_event(batch, |envelope| Box::pin(tell(app, envelope, lambda::clock::now()))).await)
}

async fn tell(app: &App, envelope: Envelope, now: Moment) -> Result<(), NotifyError> {
    match Stage::of_event_type(&envelope.detail_type) {
        Some(stage @ (Stage::ReplyDue | Stage::ReplyOverdue)) => {
            note::write(app, stage, serde_json::from_value(envelope.detail)?).await
        }
        _ if envelope.detail_type == survey::ANNOUNCED => {
            note::announce(app, &serde_json::from_value(envelope.detail)?).await
        }
        _ => deliver(app, envelope, now).await,
    }
}

async fn deliver(app: &App, envelope: Envelope, now: Moment) -> Result<(), NotifyError> {
    let Some(marketplace) = &app.marketplace else {
        tracing::info!(kind = envelope.detail_type, "nobody to tell: MARKETPLACE_WEBHOOK_URL is not set");
        return Ok(());
    };
    let (id, body) = cloud_event(&envelope.detail_type, &envelope.detail)?;
    let secrets = app.secrets.current().await?;
    let secrets = secrets.marketplace.iter().map(lambda::secrets::Secret::expose);
    let signature = signatures(secrets, &id, now, &body).ok_or(NotifyError::NoSecret)?;
    let response = app
        .client
        .post(marketplace.clone())
        .header(header::CONTENT_TYPE, "application/cloudevents+json")
        .header(HEADER_WEBHOOK_ID, &id)
        .header(HEADER_WEBHOOK_TIMESTAMP, now.unix().to_string())
        .header(HEADER_WEBHOOK_SIGNATURE, signature)
        .body(body)
        .send()
        .await
        .map_err(|error| NotifyError::NoAnswer(error.without_url().to_string()))?;
    if !response.status().is_success() {
        return Err(NotifyError::Refused(response.status()));
    }
    tracing::info!(id, kind = envelope.detail_type, "told the marketplace");
    Ok(())
}

/// The event's id, and the CloudEvent that tells it.
fn cloud_event(kind: &str, detail: &Value) -> Result<(String, String), NotifyError> {
    let text =
        |name: &'static str| detail[name].as_str().ok_or(NotifyError::Malformed(name)).map(str::to_owned);
    let (id, at) = (text("id")?, text("at")?);
    let event = json!({
        "specversion": "1.0", "id": id, "source": SOURCE, "type": kind, "time": at,
        "subject": detail["provider"], "datacontenttype": "application/json", "data": detail,
    });
    Ok((id, event.to_string()))
}

/// A signature with each secret; `None` where there is none to sign with.
fn signatures<'a>(
    secrets: impl Iterator<Item = &'a str>,
    id: &str,
    now: Moment,
    body: &str,
) -> Option<String> {
    let signed: Vec<String> = secrets
        .filter_map(|secret| Webhook::new(secret).ok()?.sign(id, now.unix(), body.as_bytes()).ok())
        .collect();
    (!signed.is_empty()).then(|| signed.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_told_as_a_cloud_event_under_its_own_id_and_time() {
        let detail = json!({ "id": "p1-1-42-1-went-silent", "provider": "p1", "at": "2026-11-02T00:00:00Z" });
        let (id, body) = cloud_event("provider.went-silent", &detail).unwrap();
        let event: Value = serde_json::from_str(&body).unwrap();
        assert_eq!((id.as_str(), &event["id"]), ("p1-1-42-1-went-silent", &detail["id"]));
        assert_eq!((&event["type"], &event["time"]), (&json!("provider.went-silent"), &detail["at"]));
        assert_eq!((&event["data"], &event["subject"]), (&detail, &json!("p1")));
        assert!(matches!(cloud_event("x", &json!({ "id": "1" })), Err(NotifyError::Malformed("at"))));
    }

    #[test]
    fn every_secret_signs_so_that_a_receiver_may_know_any_of_them() {
        let (new, old) = ("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let now = Moment::from_unix(1_614_265_330).unwrap();
        let both =
            signatures([new, old].into_iter(), "msg_p5jXN8AQM9LWM0D4loKWxJek", now, "{\"test\": 2432232314}");
        let both = both.unwrap();
        // The example of the Standard Webhooks libraries.
        assert_eq!(both.split(' ').nth(1), Some("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="));
        assert_eq!(both.split(' ').count(), 2);
        assert_eq!(signatures(["not base64!"].into_iter(), "m", now, "{}"), None);
        assert_eq!(signatures(std::iter::empty(), "m", now, "{}"), None);
    }
}
