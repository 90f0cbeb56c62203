//! A gate before a function's table: what is about to be written waits there while something else happens.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use lambda::Environment;
use reqwest::Client;
use tokio::{net::TcpListener, sync::Notify};

/// Lets everything through, and holds the next transaction once it is told to.
#[derive(Debug, Default)]
pub(super) struct Gate {
    closed: AtomicBool,
    arrived: Notify,
    opened: Notify,
}

impl Gate {
    /// This environment with a gate between whoever is started in it and the table.
    pub(super) async fn before(environment: &Environment) -> (Environment, Arc<Self>) {
        let gate = Arc::new(Self::default());
        let behind = environment.required("AWS_ENDPOINT_URL_DYNAMODB").unwrap().to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let state = (Arc::clone(&gate), Client::builder().build().unwrap(), behind);
        let router = Router::new().fallback(pass).with_state(state);
        tokio::spawn(async move { axum::serve(listener, router).await });
        let changed = BTreeMap::from([("AWS_ENDPOINT_URL_DYNAMODB".to_owned(), address)]);
        (environment.with(&changed), gate)
    }

    /// Has the next transaction wait while something happens.
    pub(super) async fn meanwhile(&self, happens: impl Future<Output = ()>) {
        self.closed.store(true, Ordering::SeqCst);
        self.arrived.notified().await;
        happens.await;
        self.opened.notify_one();
    }
}

async fn pass(
    State((gate, client, behind)): State<(Arc<Gate>, Client, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
    if target.ends_with(".TransactWriteItems") && gate.closed.swap(false, Ordering::SeqCst) {
        gate.arrived.notify_one();
        gate.opened.notified().await;
    }
    let mut request = client.post(&behind).body(body);
    for name in ["x-amz-target", "content-type", "authorization", "x-amz-date"] {
        if let Some(value) = headers.get(name) {
            request = request.header(name, value);
        }
    }
    let Ok(answer) = request.send().await else { return StatusCode::BAD_GATEWAY.into_response() };
    let (status, body) = (answer.status(), answer.bytes().await.unwrap_or_default());
    (status, [("content-type", "application/x-amz-json-1.0")], body).into_response()
}
