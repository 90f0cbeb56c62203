//! Lambda's Runtime API: what a function's process asks for its next event and tells its answer to.
//!
//! Four routes, as AWS documents them for custom runtimes (version 2018-06-01). `next` is a long poll: it is answered when there is
//! an event. One server serves one process, which handles one event at a time.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde_json::Value;
use tokio::{
    net::TcpListener,
    sync::{mpsc, oneshot, watch},
    task::JoinHandle,
};

/// What a function made of an event: its answer, or the error it reported.
pub type Outcome = Result<Value, Value>;

/// The Runtime API of one function's process. It stops when dropped.
#[derive(Debug)]
pub struct RuntimeApi {
    address: SocketAddr,
    shared: Arc<Shared>,
    invocations: mpsc::UnboundedSender<Invocation>,
    server: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    waiting: tokio::sync::Mutex<mpsc::UnboundedReceiver<Invocation>>,
    outcomes: Mutex<HashMap<String, oneshot::Sender<Outcome>>>,
    start_failed: watch::Sender<Option<Value>>,
}

#[derive(Debug)]
struct Invocation {
    id: String,
    function: String,
    deadline_ms: i64,
    event: String,
}

static INVOCATIONS: AtomicU64 = AtomicU64::new(1);

impl RuntimeApi {
    /// Starts the server on a port of its own.
    pub async fn start() -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (invocations, waiting) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared {
            waiting: tokio::sync::Mutex::new(waiting),
            outcomes: Mutex::default(),
            start_failed: watch::Sender::new(None),
        });
        let routes = Router::new()
            .route("/invocation/next", get(next))
            .route("/invocation/{id}/response", post(response))
            .route("/invocation/{id}/error", post(error))
            .route("/init/error", post(start_error))
            .with_state(Arc::clone(&shared));
        let router = Router::new().nest("/2018-06-01/runtime", routes);
        // It ends with the task that serves it.
        let server = tokio::spawn(async move { drop(axum::serve(listener, router).await) });
        Ok(Self { address, shared, invocations, server })
    }

    /// Where it listens, as `AWS_LAMBDA_RUNTIME_API` wants it.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Hands an event to the process when it next asks, and gives what will be heard of it.
    pub fn submit(&self, function: &str, event: &Value, within: Duration) -> oneshot::Receiver<Outcome> {
        let (sender, receiver) = oneshot::channel();
        let id = format!("00000000-0000-4000-8000-{:012}", INVOCATIONS.fetch_add(1, Ordering::Relaxed));
        self.shared.outcomes().insert(id.clone(), sender);
        let deadline_ms = lambda::clock::now().unix() * 1000 + within.as_millis() as i64;
        let (function, event) = (function.to_owned(), event.to_string());
        // Where the server is gone, the receiver hears of it.
        drop(self.invocations.send(Invocation { id, function, deadline_ms, event }));
        receiver
    }

    /// What the process reported when it could not start.
    pub fn start_failures(&self) -> watch::Receiver<Option<Value>> {
        self.shared.start_failed.subscribe()
    }
}

impl Drop for RuntimeApi {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Shared {
    fn outcomes(&self) -> std::sync::MutexGuard<'_, HashMap<String, oneshot::Sender<Outcome>>> {
        self.outcomes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn finish(&self, id: &str, outcome: Outcome) -> Response {
        match self.outcomes().remove(id) {
            Some(sender) => {
                // Whoever asked may have given up meanwhile.
                drop(sender.send(outcome));
                StatusCode::ACCEPTED.into_response()
            }
            None => (StatusCode::BAD_REQUEST, "no such invocation, or answered before").into_response(),
        }
    }
}

async fn next(State(shared): State<Arc<Shared>>) -> Response {
    let Some(invocation) = shared.waiting.lock().await.recv().await else {
        return StatusCode::GONE.into_response();
    };
    let headers = [
        ("content-type", "application/json".to_owned()),
        (
            "lambda-runtime-invoked-function-arn",
            format!("arn:aws:lambda:us-east-1:000000000000:function:{}", invocation.function),
        ),
        ("lambda-runtime-trace-id", "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=0".to_owned()),
        ("lambda-runtime-deadline-ms", invocation.deadline_ms.to_string()),
        ("lambda-runtime-aws-request-id", invocation.id),
    ];
    (headers, invocation.event).into_response()
}

async fn response(State(shared): State<Arc<Shared>>, Path(id): Path<String>, body: Bytes) -> Response {
    match serde_json::from_slice(&body) {
        Ok(answer) => shared.finish(&id, Ok(answer)),
        Err(error) => shared.finish(&id, Err(Value::String(format!("the answer is not JSON: {error}")))),
    }
}

async fn error(State(shared): State<Arc<Shared>>, Path(id): Path<String>, body: Bytes) -> Response {
    shared.finish(&id, Err(report(&body)))
}

async fn start_error(State(shared): State<Arc<Shared>>, body: Bytes) -> StatusCode {
    shared.start_failed.send_replace(Some(report(&body)));
    StatusCode::ACCEPTED
}

fn report(body: &[u8]) -> Value {
    serde_json::from_slice(body).unwrap_or_else(|_| Value::String(String::from_utf8_lossy(body).into_owned()))
}
