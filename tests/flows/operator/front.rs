//! The proxy in front of Chatwoot, as `infra/chatwoot/Caddyfile` has it.

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, Method, StatusCode, Uri},
    response::{IntoResponse, Response},
};
use reqwest::Client;

/// The proxy in front of Chatwoot.
#[derive(Clone)]
pub(super) struct Front {
    chatwoot: String,
    client: Client,
    habits: Arc<Mutex<Habits>>,
}

/// How the proxy treats what comes.
#[derive(Clone, Copy, Default)]
pub(super) struct Habits {
    pub(super) lets_everything_through: bool,
    pub(super) drops_the_token: bool,
    pub(super) opens_accounts: bool,
}

impl Front {
    pub(super) async fn start(chatwoot: String) -> (Self, String) {
        let front = Self { chatwoot, client: Client::builder().build().unwrap(), habits: Arc::default() };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().fallback(pass).with_state(front.clone());
        tokio::spawn(async move { drop(axum::serve(listener, router).await) });
        (front, format!("http://{address}"))
    }

    pub(super) fn habits(&self, change: impl FnOnce(&mut Habits)) {
        change(&mut self.habits.lock().unwrap());
    }
}

async fn pass(
    State(front): State<Front>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let habits = *front.habits.lock().unwrap();
    let path = uri.path();
    let forgeable =
        path.starts_with("/public/api/v1/csat_survey") || path.starts_with("/public/api/v1/inboxes");
    if forgeable && !habits.lets_everything_through {
        return StatusCode::NOT_FOUND.into_response();
    }
    if path == "/api/v1/accounts" && habits.opens_accounts {
        return (StatusCode::UNPROCESSABLE_ENTITY, r#"{"message":"Invalid"}"#).into_response();
    }
    let token = headers.get("api-access-token").filter(|_| !habits.drops_the_token);
    if token.is_none() && path == "/api/v1/profile" {
        let unknown = r#"{"errors":["You need to sign in or sign up before continuing."]}"#;
        return (StatusCode::UNAUTHORIZED, unknown).into_response();
    }
    let mut request = front.client.request(method, format!("{}{uri}", front.chatwoot)).body(body);
    for (name, value) in [("api-access-token", token), ("content-type", headers.get("content-type"))] {
        if let Some(value) = value {
            request = request.header(name, value);
        }
    }
    match request.send().await {
        Ok(answer) => (answer.status(), answer.bytes().await.unwrap_or_default()).into_response(),
        Err(_) => StatusCode::BAD_GATEWAY.into_response(),
    }
}
