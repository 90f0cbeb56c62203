//! The fake Chatwoot is Chatwoot's: its answers are those of the official document, its rules those the reference knows, and what goes
//! wrong goes wrong as planned.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{Router, body::Bytes, extract::State, http::HeaderMap, routing::post};
use end_to_end::chatwoot::{Chatwoot, Clock, Furnished, Identity, Visit};
use reqwest::{Client, Method};
use serde_json::Value;
use trust::time::Moment;

mod answers;
mod delivery;
mod document;
mod rules;

/// Who speaks to the fake's REST API.
#[derive(Clone)]
struct Rest {
    client: Client,
    base: String,
    token: String,
}

impl Rest {
    fn of(chatwoot: &Chatwoot, token: &str) -> Self {
        let client = Client::builder().timeout(Duration::from_secs(20)).no_proxy().build().unwrap();
        Self { client, base: chatwoot.base_url(), token: token.to_owned() }
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<(u16, Value), reqwest::Error> {
        let request = self.client.request(method, format!("{}{path}", self.base));
        let request = request.header("Api-Access-Token", &self.token);
        let request = match body {
            Some(body) => request.json(body),
            None => request,
        };
        let response = request.send().await?;
        let status = response.status().as_u16();
        let body = response.bytes().await?;
        Ok((status, serde_json::from_slice(&body).unwrap_or_default()))
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        self.send(Method::GET, path, None).await.unwrap()
    }

    async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        self.send(Method::POST, path, Some(body)).await.unwrap()
    }

    async fn patch(&self, path: &str, body: &Value) -> (u16, Value) {
        self.send(Method::PATCH, path, Some(body)).await.unwrap()
    }

    async fn delete(&self, path: &str) -> (u16, Value) {
        self.send(Method::DELETE, path, None).await.unwrap()
    }
}

fn noon() -> Moment {
    Moment::parse("2026-09-29T12:00:00Z").unwrap()
}

/// A Chatwoot at noon with one furnished account, and its administrator.
async fn furnished() -> (Chatwoot, Furnished, Rest) {
    let chatwoot = Chatwoot::start(Clock::at(noon())).await.unwrap();
    let acme = chatwoot.furnish("Acme").unwrap();
    let rest = Rest::of(&chatwoot, &acme.administrator_token);
    (chatwoot, acme, rest)
}

fn visit(acme: &Furnished, renter: &str, identity: Identity) -> Visit {
    Visit { account: acme.account, inbox: acme.inbox, renter: renter.to_owned(), identity }
}

/// An endpoint that keeps what it is sent.
#[derive(Clone, Default)]
struct Receiver(Arc<Mutex<Vec<(HeaderMap, Bytes)>>>);

impl Receiver {
    async fn start() -> (Self, String) {
        let receiver = Self::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address: SocketAddr = listener.local_addr().unwrap();
        let router = Router::new().route("/{account}", post(keep)).with_state(receiver.clone());
        tokio::spawn(async move { drop(axum::serve(listener, router).await) });
        (receiver, format!("http://{address}/1"))
    }

    fn taken(&self) -> Vec<(HeaderMap, Bytes)> {
        self.0.lock().unwrap().clone()
    }

    fn payloads(&self) -> Vec<Value> {
        self.taken().iter().map(|(_, body)| serde_json::from_slice(body).unwrap()).collect()
    }

    fn events(&self) -> Vec<String> {
        self.payloads().iter().map(|payload| payload["event"].as_str().unwrap().to_owned()).collect()
    }
}

async fn keep(State(receiver): State<Receiver>, headers: HeaderMap, body: Bytes) {
    receiver.0.lock().unwrap().push((headers, body));
}
