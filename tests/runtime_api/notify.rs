//! What the marketplace is told, as it receives it.

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use end_to_end::{
    function::Function,
    samples::{self, MARKETPLACE_SECRET},
    services::{BusHealth, Services},
};
use serde_json::{Value, json};
use standardwebhooks::Webhook;
use tokio::net::TcpListener;

/// A marketplace that keeps what it is sent and answers as it was told to.
struct Marketplace {
    url: String,
    received: Arc<Mutex<Vec<(HeaderMap, Bytes)>>>,
}

impl Marketplace {
    async fn answering(status: StatusCode) -> Self {
        let received: Arc<Mutex<Vec<(HeaderMap, Bytes)>>> = Arc::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hooks/trust", listener.local_addr().unwrap());
        let keep =
            async move |State(received): State<Arc<Mutex<Vec<_>>>>, headers: HeaderMap, body: Bytes| {
                received.lock().unwrap().push((headers, body));
                // Where a client that follows it would end up at once again.
                (status, [("location", "/hooks/trust")])
            };
        let router = Router::new().route("/hooks/trust", post(keep)).with_state(Arc::clone(&received));
        tokio::spawn(async move { drop(axum::serve(listener, router).await) });
        Self { url, received }
    }

    async fn tell(&self, secrets: Value) -> Value {
        let services = Services::start(secrets, BusHealth::Up).await.unwrap();
        let mut environment = services.environment("notify").unwrap();
        environment.insert("MARKETPLACE_WEBHOOK_URL".to_owned(), self.url.clone());
        let mut notify = Function::start("notify", &environment).await.unwrap();
        notify.invoke(&samples::of("notify").unwrap()).await.unwrap()
    }

    fn received(&self) -> Vec<(HeaderMap, Bytes)> {
        self.received.lock().unwrap().clone()
    }
}

fn message_failed() -> Value {
    json!({ "batchItemFailures": [{ "itemIdentifier": "message-1" }] })
}

#[tokio::test]
async fn the_marketplace_gets_a_signed_cloud_event() {
    let marketplace = Marketplace::answering(StatusCode::NO_CONTENT).await;
    assert_eq!(marketplace.tell(samples::secrets()).await, json!({ "batchItemFailures": [] }));
    let received = marketplace.received();
    let [(headers, body)] = received.as_slice() else { panic!("{received:?}") };
    Webhook::new(MARKETPLACE_SECRET).unwrap().verify(body, headers).unwrap();
    assert_eq!(headers["content-type"], "application/cloudevents+json");
    let event: Value = serde_json::from_slice(body).unwrap();
    assert_eq!(headers["webhook-id"], event["id"].as_str().unwrap());
    assert_eq!(
        (&event["specversion"], &event["type"], &event["time"]),
        (&json!("1.0"), &json!("provider.went-silent"), &json!("2026-11-21T10:00:00Z"))
    );
    let schema: Value = serde_json::from_str(include_str!("../../events/schemas/silence.json")).unwrap();
    jsonschema::validate(&schema, &event["data"]).unwrap();
}

#[tokio::test]
async fn what_the_marketplace_does_not_take_comes_again() {
    for status in [
        StatusCode::INTERNAL_SERVER_ERROR,
        StatusCode::TOO_MANY_REQUESTS,
        StatusCode::UNAUTHORIZED,
        StatusCode::TEMPORARY_REDIRECT,
    ] {
        let marketplace = Marketplace::answering(status).await;
        assert_eq!(marketplace.tell(samples::secrets()).await, message_failed(), "{status}");
        assert_eq!(marketplace.received().len(), 1, "{status}");
    }
}

#[tokio::test]
async fn nothing_goes_out_unsigned() {
    let marketplace = Marketplace::answering(StatusCode::OK).await;
    assert_eq!(marketplace.tell(json!({ "marketplace": [] })).await, message_failed());
    assert_eq!(marketplace.received().len(), 0);
}
