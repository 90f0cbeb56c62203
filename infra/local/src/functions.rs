//! The functions, in this process: the same handlers as deployed, each with its own environment.

use std::{collections::BTreeMap, fmt, future::Future, pin::Pin, sync::Arc, time::Duration};

use anyhow::{Context, anyhow, bail};
use lambda::Environment;
use lambda_http::request::LambdaRequest;
use serde_json::Value;
use tokio::{sync::Semaphore, task::JoinSet};

use crate::wiring;

type Running<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// What an invocation comes to.
type Invocation<T> = Running<Result<T, lambda_runtime::Error>>;

/// How a function starts in its environment.
type Start = Arc<dyn Fn(Environment) -> Running<anyhow::Result<Handler>> + Send + Sync>;

/// A started function.
#[derive(Clone)]
pub enum Handler {
    /// Takes an HTTP API or Function URL event.
    Http(
        Arc<
            dyn Fn(lambda_http::Request) -> Invocation<lambda_http::Response<lambda_http::Body>>
                + Send
                + Sync,
        >,
    ),
    /// Takes any other event.
    Event(Arc<dyn Fn(Value) -> Invocation<Value> + Send + Sync>),
}

impl Handler {
    /// A function that answers HTTP requests.
    pub fn http<F, Answer>(handle: F) -> Self
    where
        F: Fn(lambda_http::Request) -> Answer + Send + Sync + 'static,
        Answer: Future<Output = Result<lambda_http::Response<lambda_http::Body>, lambda_runtime::Error>>
            + Send
            + 'static,
    {
        Self::Http(Arc::new(move |request| Box::pin(handle(request))))
    }

    /// A function that takes events of other kinds.
    pub fn event<F, Answer>(handle: F) -> Self
    where
        F: Fn(Value) -> Answer + Send + Sync + 'static,
        Answer: Future<Output = Result<Value, lambda_runtime::Error>> + Send + 'static,
    {
        Self::Event(Arc::new(move |event| Box::pin(handle(event))))
    }
}

/// The functions that can be started, by the name of their binary.
#[derive(Clone, Default)]
pub struct Registry {
    starts: BTreeMap<String, Start>,
}

macro_rules! http {
    ($function:ident) => {
        |environment| async move {
            let app = Arc::new($function::App::start(&environment).await?);
            Ok(Handler::http(move |request| {
                let app = Arc::clone(&app);
                async move { $function::handle(&app, request).await }
            }))
        }
    };
}

macro_rules! event {
    ($function:ident) => {
        |environment| async move {
            let app = Arc::new($function::App::start(&environment).await?);
            Ok(Handler::event(move |event| {
                let app = Arc::clone(&app);
                async move {
                    let answer = $function::handle(&app, serde_json::from_value(event)?).await?;
                    Ok(serde_json::to_value(answer)?)
                }
            }))
        }
    };
}

impl Registry {
    /// The functions of this project. A new one is added here.
    pub fn of_the_project() -> Self {
        Self::default()
            .with("chatwoot-webhook", http!(chatwoot_webhook))
            .with("event-ingress", http!(event_ingress))
            .with("scores-api", http!(scores_api))
            .with("chat-identity", http!(chat_identity))
            .with("feedback", http!(feedback))
            .with("yabs", http!(yabs))
            .with("lifecycle", event!(lifecycle))
            .with("chat-ledger", event!(chat_ledger))
            .with("chat-sweep", event!(chat_sweep))
            .with("notify", event!(notify))
            .with("price", event!(price))
            .with("score", event!(score))
            .with("probe-plan", event!(probe_plan))
            .with("probe", event!(prober))
            .with("scrape-plan", event!(scrape_plan))
            .with("scrape", event!(scrape))
            .with("uptime-seal", event!(uptime_seal))
    }

    /// These functions and one more.
    #[must_use]
    pub fn with<F, Starting>(mut self, binary: &str, start: F) -> Self
    where
        F: Fn(Environment) -> Starting + Send + Sync + 'static,
        Starting: Future<Output = anyhow::Result<Handler>> + Send + 'static,
    {
        self.starts.insert(binary.to_owned(), Arc::new(move |environment| Box::pin(start(environment))));
        self
    }

    /// Starts a function as the template has it. One that is in the template but not here is an error.
    pub async fn start(
        &self,
        function: &wiring::Function,
        environment: &Environment,
    ) -> anyhow::Result<Function> {
        let name = &function.binary;
        let Some(start) = self.starts.get(name) else {
            bail!("the local stack has no function {name}; add it to infra/local/src/functions.rs");
        };
        let starting = start(environment.with(&function.environment));
        let handler = starting.await.with_context(|| format!("starting {name}"))?;
        let room = function.at_most.map(|most| Arc::new(Semaphore::new(most)));
        Ok(Function { name: name.clone(), handler, timeout: function.timeout, room })
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.starts.keys()).finish()
    }
}

/// A started function and how long one invocation may take.
#[derive(Clone)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// Its handler.
    pub handler: Handler,
    /// The most an invocation may take.
    pub timeout: Duration,
    /// Room for invocations at the same time, where it is limited.
    pub room: Option<Arc<Semaphore>>,
}

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Function").field("name", &self.name).finish_non_exhaustive()
    }
}

/// As many invocations are at work as may be at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no more invocations of this function may run now")]
pub struct Throttled;

impl Function {
    /// Invokes the function with an event. A panic or a timeout ends this invocation and nothing else.
    ///
    /// Waits for room: event sources of Lambda that are throttled try again until there is some.
    pub async fn invoke(&self, event: Value) -> anyhow::Result<Value> {
        let Handler::Event(handler) = &self.handler else { bail!("{} takes HTTP requests", self.name) };
        let _room = match &self.room {
            Some(room) => Some(room.acquire().await?),
            None => None,
        };
        self.limited(handler(event)).await
    }

    /// Invokes the function with an HTTP event, or fails as [`Throttled`] at once.
    pub async fn invoke_http(
        &self,
        event: Value,
    ) -> anyhow::Result<lambda_http::Response<lambda_http::Body>> {
        let Handler::Http(handler) = &self.handler else { bail!("{} takes no HTTP requests", self.name) };
        let handler = Arc::clone(handler);
        let _room = match &self.room {
            Some(room) => Some(room.try_acquire().map_err(|_| Throttled)?),
            None => None,
        };
        // Reading the event is the runtime's part of an invocation; what it can not read ends that invocation too.
        self.limited(async move {
            let request: LambdaRequest = serde_json::from_value(event)?;
            handler(request.into()).await
        })
        .await
    }

    async fn limited<T: Send + 'static>(
        &self,
        invocation: impl Future<Output = Result<T, lambda_runtime::Error>> + Send + 'static,
    ) -> anyhow::Result<T> {
        // In a task of its own for its panics, in a set so that it ends with whoever waits for it.
        let mut running = JoinSet::new();
        running.spawn(invocation);
        match tokio::time::timeout(self.timeout, running.join_next()).await {
            Ok(Some(Ok(outcome))) => outcome.map_err(|error| anyhow!("{}: {error}", self.name)),
            Ok(Some(Err(panic))) => Err(anyhow!("{}: {panic}", self.name)),
            Ok(None) => Err(anyhow!("{}: it did not run", self.name)),
            Err(_) => Err(anyhow!("{}: timed out after {:?}", self.name, self.timeout)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use serde_json::json;

    use super::*;

    fn function(handler: Handler) -> Function {
        Function { name: "work".to_owned(), handler, timeout: Duration::from_millis(50), room: None }
    }

    #[tokio::test]
    async fn a_panic_a_timeout_and_the_wrong_kind_of_event_end_one_invocation_only() {
        let work = function(Handler::event(|event: Value| async move {
            match event["do"].as_str() {
                Some("panic") => panic!("as asked"),
                Some("hang") => std::future::pending().await,
                _ => Ok(event),
            }
        }));
        for (what, expected) in [("panic", "panicked"), ("hang", "timed out")] {
            let error = work.invoke(json!({ "do": what })).await.unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
        assert!(work.invoke_http(json!({})).await.is_err());
        assert_eq!(work.invoke(json!({"do": "echo"})).await.unwrap(), json!({"do": "echo"}));
    }

    #[tokio::test]
    async fn events_wait_for_room_and_requests_are_turned_away() {
        let (inside, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let seen = Arc::clone(&most);
        let handler = Handler::event(move |event: Value| {
            let (inside, most) = (Arc::clone(&inside), Arc::clone(&most));
            async move {
                most.fetch_max(inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                tokio::task::yield_now().await;
                inside.fetch_sub(1, Ordering::SeqCst);
                Ok(event)
            }
        });
        let room = Some(Arc::new(Semaphore::new(2)));
        let work = Function { timeout: Duration::from_secs(20), room, ..function(handler) };
        let mut all = JoinSet::new();
        for number in 0..10 {
            let work = work.clone();
            all.spawn(async move { work.invoke(json!(number)).await.unwrap() });
        }
        assert_eq!(all.join_all().await.len(), 10);
        assert_eq!(seen.load(Ordering::SeqCst), 2);

        let full = Function {
            room: Some(Arc::new(Semaphore::new(0))),
            ..function(Handler::http(|_| async { Ok(lambda_http::Response::new(lambda_http::Body::Empty)) }))
        };
        assert!(full.invoke_http(json!({})).await.unwrap_err().is::<Throttled>());
    }

    #[tokio::test]
    async fn a_function_nobody_registered_and_one_that_fails_to_start_are_named() {
        let registry = Registry::default().with("broken", |_| async { bail!("no table") });
        for (binary, expected) in
            [("unknown", "no function unknown"), ("broken", "starting broken: no table")]
        {
            let function = wiring::Function {
                logical_name: "F".to_owned(),
                binary: binary.to_owned(),
                environment: BTreeMap::new(),
                timeout: Duration::from_secs(1),
                at_most: None,
            };
            let started = registry.start(&function, &Environment::default()).await;
            let error = format!("{:#}", started.err().unwrap());
            assert!(error.contains(expected), "{error}");
        }
    }
}
