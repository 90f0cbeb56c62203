//! The functions, in this process: the same handlers as deployed, each with its own environment.

use std::{future::Future, pin::Pin, sync::Arc, time::Duration};

use anyhow::{Context, anyhow, bail};
use lambda::Environment;
use serde_json::Value;

/// What an invocation comes to.
type Invocation<T> = Pin<Box<dyn Future<Output = Result<T, lambda_runtime::Error>> + Send>>;

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

macro_rules! http {
    ($function:ident, $environment:expr) => {{
        let app = Arc::new($function::App::start($environment).await?);
        Handler::Http(Arc::new(move |request| {
            let app = Arc::clone(&app);
            Box::pin(async move { $function::handle(&app, request).await })
        }))
    }};
}

macro_rules! event {
    ($function:ident, $environment:expr) => {{
        let app = Arc::new($function::App::start($environment).await?);
        Handler::Event(Arc::new(move |event| {
            let app = Arc::clone(&app);
            Box::pin(async move {
                let answer = $function::handle(&app, serde_json::from_value(event)?).await?;
                Ok(serde_json::to_value(answer)?)
            })
        }))
    }};
}

/// Starts the function of this name. One that is in the template but not here is an error.
pub async fn start(binary: &str, environment: &Environment) -> anyhow::Result<Handler> {
    Ok(match binary {
        "chatwoot-webhook" => http!(chatwoot_webhook, environment),
        "event-ingress" => http!(event_ingress, environment),
        "scores-api" => http!(scores_api, environment),
        "lifecycle" => event!(lifecycle, environment),
        "chat-ledger" => event!(chat_ledger, environment),
        "score" => event!(score, environment),
        other => bail!("the local stack has no function {other}; add it to infra/local/src/functions.rs"),
    })
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
}

impl Function {
    /// Invokes the function with an event. A panic or a timeout ends this invocation and nothing else.
    pub async fn invoke(&self, event: Value) -> anyhow::Result<Value> {
        let Handler::Event(handler) = &self.handler else { bail!("{} takes HTTP requests", self.name) };
        self.limited(handler(event)).await
    }

    /// Invokes the function with an HTTP event.
    pub async fn invoke_http(
        &self,
        event: Value,
    ) -> anyhow::Result<lambda_http::Response<lambda_http::Body>> {
        let Handler::Http(handler) = &self.handler else { bail!("{} takes no HTTP requests", self.name) };
        let request: lambda_http::request::LambdaRequest =
            serde_json::from_value(event).context("the gateway's own event")?;
        self.limited(handler(request.into())).await
    }

    async fn limited<T: Send + 'static>(&self, invocation: Invocation<T>) -> anyhow::Result<T> {
        let mut task = tokio::spawn(invocation);
        match tokio::time::timeout(self.timeout, &mut task).await {
            Ok(Ok(outcome)) => outcome.map_err(|error| anyhow!("{}: {error}", self.name)),
            Ok(Err(panic)) => Err(anyhow!("{}: {panic}", self.name)),
            Err(_) => {
                task.abort();
                Err(anyhow!("{}: timed out after {:?}", self.name, self.timeout))
            }
        }
    }
}
