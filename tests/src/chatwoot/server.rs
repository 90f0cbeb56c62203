//! The REST API as a server: each request is written down, may meet a fault, and changes the installation as a whole or not at all.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, State},
    http::{HeaderMap, Method, StatusCode, Uri, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use super::{
    administration::{self as admin, MemberChange},
    call::Call,
    contacts, conversations,
    delivery::Postman,
    faults::{Fault, Faults, Request},
    installation::{Caller, Installation},
    platform,
    refusal::Refusal,
};

/// What a request got done.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Answer {
    Json(Value),
    Empty,
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        match self {
            Self::Json(body) => {
                ([(CONTENT_TYPE, "application/json; charset=utf-8")], body.to_string()).into_response()
            }
            Self::Empty => StatusCode::OK.into_response(),
        }
    }
}

/// What the server and the tests share.
#[derive(Debug)]
pub(super) struct Shared {
    installation: Mutex<Installation>,
    faults: Mutex<Faults>,
    requests: Mutex<Vec<Request>>,
    pub(super) postman: Postman,
}

impl Shared {
    pub(super) fn new(installation: Installation, postman: Postman) -> Self {
        Self {
            installation: Mutex::new(installation),
            faults: Mutex::default(),
            requests: Mutex::default(),
            postman,
        }
    }

    pub(super) fn installation(&self) -> MutexGuard<'_, Installation> {
        self.installation.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn faults(&self) -> MutexGuard<'_, Faults> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn requests(&self) -> MutexGuard<'_, Vec<Request>> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something to the installation, and lets those know who are to know.
    pub(super) fn change<T>(&self, deed: impl FnOnce(&mut Installation) -> T) -> T {
        let mut installation = self.installation();
        let outcome = deed(&mut installation);
        let letters = installation.commit();
        // Before anybody else's change: letters leave in the order of what they tell.
        self.postman.take(letters);
        outcome
    }
}

/// Long enough for the longest message Chatwoot takes, in the longest spelling JSON has for it.
const LONGEST_BODY: usize = 4 << 20;

pub(super) fn router(shared: Arc<Shared>) -> Router {
    Router::new().fallback(serve).layer(DefaultBodyLimit::max(LONGEST_BODY)).with_state(shared)
}

async fn serve(
    State(shared): State<Arc<Shared>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let call = match Call::read(&method, &uri, &headers, &body) {
        Ok(call) => call,
        Err(refusal) => return refusal.into_response(),
    };
    let request = Request::of(&call);
    let fault = shared.faults().strike(&request);
    let index = {
        let mut requests = shared.requests();
        requests.push(request);
        requests.len() - 1
    };
    let response = answer(&shared, &call, fault).await;
    // Somebody may have emptied the list meanwhile.
    if let Some(request) = shared.requests().get_mut(index) {
        request.answer = Some(response.status().as_u16());
    }
    response
}

async fn answer(shared: &Shared, call: &Call, fault: Option<Fault>) -> Response {
    let done = || shared.change(|installation| route(installation, call)).into_response();
    match fault {
        None => done(),
        Some(Fault::TooManyRequests) => Refusal::throttled().into_response(),
        Some(Fault::Unauthorized) => Refusal::unauthorized("Invalid Access Token").into_response(),
        Some(Fault::Failure) => Refusal::crash().into_response(),
        Some(Fault::FailureOnceDone) => {
            drop(done());
            Refusal::crash().into_response()
        }
        Some(Fault::BadGateway) => Refusal::bad_gateway().into_response(),
        Some(Fault::Silence) => std::future::pending().await,
        Some(Fault::SilenceOnceDone) => {
            drop(done());
            std::future::pending().await
        }
        Some(Fault::Delay(time)) => {
            tokio::time::sleep(time).await;
            done()
        }
    }
}

fn route(installation: &mut Installation, call: &Call) -> Result<Answer, Refusal> {
    let path: Vec<&str> = call.path.trim_matches('/').split('/').collect();
    match (call.method.as_str(), path.as_slice()) {
        ("GET", ["health"]) => Ok(Answer::Json(json!({ "status": "woot" }))),
        ("GET", ["api"]) => Ok(status(installation)),
        (_, ["platform", "api", "v1", rest @ ..]) => platform::route(installation, call, rest),
        ("GET", ["api", "v1", "profile"]) => admin::show_profile(installation, call),
        ("POST", ["api", "v1", "profile", "reset_access_token"]) => admin::reset_token(installation, call),
        (_, ["api", "v1", "accounts", account, rest @ ..]) => {
            let caller = installation.caller(call, account)?;
            of_account(installation, &caller, call, rest)
        }
        _ => Err(Refusal::not_found()),
    }
}

fn status(installation: &Installation) -> Answer {
    let word = |answers: bool| if answers { "ok" } else { "failing" };
    let now = installation.clock.now().to_string();
    let timestamp = now.replace('T', " ").replace('Z', "");
    Answer::Json(json!({
        "version": installation.version, "timestamp": timestamp,
        "queue_services": word(installation.services.queue),
        "data_services": word(installation.services.data),
    }))
}

fn of_account(
    installation: &mut Installation,
    caller: &Caller,
    call: &Call,
    path: &[&str],
) -> Result<Answer, Refusal> {
    match (call.method.as_str(), path) {
        ("GET", ["agents"]) => admin::list_agents(installation, caller),
        ("POST", ["agents"]) => admin::create_agent(installation, caller, call),
        ("DELETE", ["agents", id]) => admin::delete_agent(installation, caller, id),
        ("GET", ["inboxes"]) => admin::list_inboxes(installation, caller),
        ("POST", ["inboxes"]) => admin::create_inbox(installation, caller, call),
        ("GET", ["inboxes", id]) => admin::show_inbox(installation, caller, id),
        ("PATCH" | "PUT", ["inboxes", id]) => admin::update_inbox(installation, caller, call, id),
        ("GET", ["inbox_members", inbox]) => admin::list_members(installation, caller, inbox),
        ("POST", ["inbox_members"]) => admin::change_members(installation, caller, call, MemberChange::Add),
        ("PATCH", ["inbox_members"]) => {
            admin::change_members(installation, caller, call, MemberChange::Replace)
        }
        ("GET", ["webhooks"]) => admin::list_webhooks(installation, caller),
        ("POST", ["webhooks"]) => admin::create_webhook(installation, caller, call),
        ("PATCH" | "PUT", ["webhooks", id]) => admin::update_webhook(installation, caller, call, id),
        ("DELETE", ["webhooks", id]) => admin::delete_webhook(installation, caller, id),
        ("GET", ["custom_attribute_definitions"]) => admin::list_definitions(installation, caller, call),
        ("POST", ["custom_attribute_definitions"]) => admin::create_definition(installation, caller, call),
        ("GET", ["integrations", "apps"]) => admin::list_integrations(installation, caller),
        ("POST", ["integrations", "hooks"]) => admin::create_hook(installation, caller, call),
        ("POST", ["contacts"]) => contacts::create(installation, caller, call),
        ("GET", ["contacts", "search"]) => contacts::search(installation, caller, call),
        ("POST", ["contacts", "filter"]) => contacts::filter(installation, caller, call),
        ("GET", ["contacts", id]) => contacts::show(installation, caller, id),
        ("GET", ["contacts", id, "conversations"]) => contacts::conversations(installation, caller, id),
        ("POST", ["contacts", id, "contact_inboxes"]) => {
            contacts::create_session(installation, caller, call, id)
        }
        ("GET", ["conversations"]) => conversations::list(installation, caller, call),
        ("POST", ["conversations"]) => conversations::create(installation, caller, call),
        (method, ["conversations", number, rest @ ..]) => {
            let id = conversations::find(installation, caller, number)?;
            match (method, rest) {
                ("GET", []) => conversations::show(installation, id),
                ("GET", ["messages"]) => conversations::list_messages(installation, call, id),
                ("POST", ["messages"]) => conversations::create_message(installation, caller, call, id),
                ("DELETE", ["messages", message]) => conversations::delete_message(installation, id, message),
                ("POST", ["toggle_status"]) => conversations::toggle_status(installation, caller, call, id),
                ("POST", ["custom_attributes"]) => conversations::set_attributes(installation, call, id),
                _ => Err(Refusal::not_found()),
            }
        }
        _ => Err(Refusal::not_found()),
    }
}
