//! Asking a public MCP server (Model Context Protocol, Streamable HTTP): what an independent site offers machines, before its pages.
//!
//! Neither the tools' names nor the shape of what they answer is promised, so tools are discovered (`tools/list`) and chosen by
//! configured patterns, and the answer is whatever JSON a result holds. The protocol is `rmcp`'s; the requests are ours, each behind the
//! egress guard, so that no HTTP library resolves a name or follows a redirect. Every answer is bounded in time and size.

#[cfg(test)]
mod tests;
mod tools;
mod transport;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::HeaderValue;
use probe::guard::Refusal;
use probe::outcome::{Fault, Miss, Reason};
use probe::prober::Prober;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ClientCapabilities, ClientConfig, ContentBlock,
    Implementation, PaginatedRequestParams,
};
use rmcp::service::{RunningService, ServiceError};
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use rmcp::{RoleClient, serve_client};
use serde_json::{Map, Value};
use tokio::time::{Instant, timeout_at};
use trust::time::Moment;
use url::Url;

pub use tools::{Argument, InvalidPattern, Patterns, Tool};
use transport::Guarded;

use crate::json;

/// The most pages of tools that are asked for. A server with more than a handful does not end.
const MOST_PAGES: usize = 16;

/// The most tools that are looked at.
const MOST_TOOLS: usize = 512;

/// How much of a message of the other side is kept, in characters.
const LONGEST_MESSAGE: usize = 200;

/// Bounds of a conversation with a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How long one answer may take.
    pub answer: Duration,
    /// When the whole conversation is over.
    pub until: Instant,
    /// The longest answer, in bytes; of an event stream, all its events together.
    pub most_bytes: usize,
}

/// Why a server did not answer as hoped.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The guard does not let anybody ask this address.
    #[error("the address may not be asked: {0}")]
    Refused(Refusal),
    /// There was no complete answer.
    #[error("no complete answer ({0:?})")]
    NoAnswer(Reason),
    /// It was our own fault.
    #[error("we could not ask ({0:?})")]
    Ours(Fault),
    /// The HTTP answer is not one of success.
    #[error("HTTP status {status}")]
    Status {
        /// Which.
        status: u16,
        /// When to ask again, as the server says it.
        retry_after: Option<String>,
    },
    /// The answer took longer than allowed.
    #[error("no answer in time")]
    Late,
    /// The answer is longer than allowed, or would take more memory once it is read.
    #[error("an answer of more than {most} bytes")]
    TooLarge {
        /// What was allowed.
        most: usize,
    },
    /// What came is no MCP.
    #[error("not an answer of MCP: {0}")]
    Protocol(String),
    /// The server answered with an error of its own.
    #[error("the server says: {0}")]
    Server(String),
    /// No tool matches, or more than one by the same pattern: then which is meant is not guessed.
    #[error("{} tools match {patterns}; there are: {}", matching.len(), offered.join(", "))]
    Choice {
        /// By which patterns.
        patterns: String,
        /// What matches.
        matching: Vec<String>,
        /// What there is.
        offered: Vec<String>,
    },
    /// A tool can not be given what it needs, or what we would ask it for.
    #[error("the tool {tool} has no place for {unplaced:?} and needs {missing:?}")]
    Arguments {
        /// Which tool.
        tool: String,
        /// What it needs that nobody has configured.
        missing: Vec<String>,
        /// Of what we would ask for, what it takes no argument for. Without it, it would answer another question.
        unplaced: Vec<String>,
    },
    /// The tool failed.
    #[error("the tool says: {0}")]
    Tool(String),
    /// The result holds no JSON.
    #[error("the tool's result holds no JSON")]
    NoData,
}

impl From<Miss> for Error {
    fn from(miss: Miss) -> Self {
        match miss {
            Miss::Down(Reason::Timeout) => Self::Late,
            Miss::Down(reason) => Self::NoAnswer(reason),
            Miss::Unknown(fault) => Self::Ours(fault),
            Miss::Barred(refusal) => Self::Refused(refusal),
        }
    }
}

/// What went wrong in the transport last. The protocol's own errors do not carry it.
#[derive(Clone, Default)]
struct Cause(Arc<Mutex<Option<Error>>>);

impl Cause {
    fn set(&self, error: Error) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
    }

    fn take(&self) -> Option<Error> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// A conversation with a server.
pub struct Session {
    running: RunningService<RoleClient, ClientConfig>,
    cause: Cause,
    limits: Limits,
}

impl Session {
    /// Opens a conversation at this URL. `agent` is who we say we are; `now` decides which certificates are valid.
    pub async fn open(
        prober: Arc<Prober>,
        url: &Url,
        agent: HeaderValue,
        limits: Limits,
        now: Moment,
    ) -> Result<Self, Error> {
        let cause = Cause::default();
        let client = Guarded { prober, url: url.clone(), agent, limits, now, cause: cause.clone() };
        let mut configuration = StreamableHttpClientTransportConfig::with_uri(url.as_str());
        configuration.max_sse_event_size = limits.most_bytes;
        configuration.max_json_response_size = limits.most_bytes;
        // A session that ended is a failure of this run; the next one begins anew.
        configuration.reinit_on_expired_session = false;
        let transport = StreamableHttpClientTransport::with_client(client, configuration);
        let us = Implementation::new("provider-trust", env!("CARGO_PKG_VERSION"));
        let opening = serve_client(ClientConfig::new(ClientCapabilities::default(), us), transport);
        match timeout_at(limits.until, Box::pin(opening)).await {
            Ok(Ok(running)) => Ok(Self { running, cause, limits }),
            Ok(Err(error)) => Err(cause.take().unwrap_or_else(|| Error::Protocol(short(&error.to_string())))),
            Err(_) => Err(cause.take().unwrap_or(Error::Late)),
        }
    }

    /// The tools that the server offers.
    pub async fn tools(&self) -> Result<Vec<Tool>, Error> {
        let mut tools = Vec::new();
        let mut cursor = None;
        for _ in 0..MOST_PAGES {
            let page = PaginatedRequestParams::default().with_cursor(cursor);
            let page = self.within(self.running.peer().list_tools(Some(page))).await?;
            tools.extend(page.tools.into_iter().map(Tool::from));
            cursor = page.next_cursor;
            if cursor.is_none() || tools.len() > MOST_TOOLS {
                break;
            }
        }
        tools.truncate(MOST_TOOLS);
        Ok(tools)
    }

    /// What a tool answers to these arguments: structured content, or the JSON in its texts.
    pub async fn call(&self, tool: &Tool, arguments: Map<String, Value>) -> Result<Value, Error> {
        let call = CallToolRequestParams::new(tool.name().to_owned()).with_arguments(arguments);
        match self.within(self.running.peer().call_tool_once(call)).await? {
            CallToolResponse::Complete(result) => data(result),
            _ => Err(Error::Protocol("a tool that asks back".to_owned())),
        }
    }

    /// Ends the conversation. A server that does not notice has lost nothing.
    pub async fn close(self) {
        let _ = timeout_at(self.limits.until, self.running.cancel()).await;
    }

    async fn within<T>(&self, asked: impl Future<Output = Result<T, ServiceError>>) -> Result<T, Error> {
        let answer = Instant::now().checked_add(self.limits.answer).unwrap_or(self.limits.until);
        match timeout_at(answer.min(self.limits.until), Box::pin(asked)).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(self.cause.take().unwrap_or_else(|| of_service(&error))),
            Err(_) => Err(self.cause.take().unwrap_or(Error::Late)),
        }
    }
}

fn of_service(error: &ServiceError) -> Error {
    match error {
        ServiceError::McpError(error) => Error::Server(short(&error.message)),
        ServiceError::Timeout { .. } => Error::Late,
        other => Error::Protocol(short(&other.to_string())),
    }
}

/// The JSON of a result. Several texts of JSON are an array.
fn data(result: CallToolResult) -> Result<Value, Error> {
    let texts = result.content.iter().filter_map(|content| match content {
        ContentBlock::Text(text) => Some(text.text.as_str()),
        _ => None,
    });
    if result.is_error == Some(true) {
        return Err(Error::Tool(short(&texts.collect::<Vec<_>>().join(" "))));
    }
    // The official SDK for Python gives the text of a tool as structured content, too: as the only member of an object.
    let structured = result.structured_content.map(unwrapped).filter(is_container);
    let structured = match structured {
        Some(content) if holds_containers(&content) => return Ok(content),
        structured => structured,
    };
    let texts: Vec<&str> = texts.collect();
    if texts.iter().map(|text| json::weight(text.as_bytes())).sum::<usize>() > json::HEAVIEST {
        return Err(Error::TooLarge { most: json::HEAVIEST });
    }
    let mut values: Vec<Value> = texts.into_iter().filter_map(json_in).map(unwrapped).collect();
    match (values.pop(), values.is_empty()) {
        (None, _) => structured.ok_or(Error::NoData),
        (Some(only), true) => Ok(only),
        (Some(last), false) => {
            values.push(last);
            Ok(Value::Array(values))
        }
    }
}

/// The object or array that a text is.
fn json_in(text: &str) -> Option<Value> {
    json::read(text.as_bytes()).ok().filter(is_container)
}

/// What an object holds whose only member is a text of JSON; any other value as it is.
fn unwrapped(value: Value) -> Value {
    let only = value.as_object().filter(|object| object.len() == 1).and_then(|object| object.values().next());
    only.and_then(Value::as_str).and_then(json_in).unwrap_or(value)
}

fn is_container(value: &Value) -> bool {
    value.is_object() || value.is_array()
}

fn holds_containers(value: &Value) -> bool {
    value.is_array() || value.as_object().is_some_and(|object| object.values().any(is_container))
}

fn short(message: &str) -> String {
    crate::text::collapsed(message, LONGEST_MESSAGE)
}
