//! What `infra/template.yaml` says, as far as this machine needs it: the model between the reader of the template
//! (`template`) and the parts that run it.

use std::{collections::BTreeMap, time::Duration};

use crate::{pattern::Pattern, schedule::Schedule};

/// The template, resolved: no intrinsic function, no parameter left.
#[derive(Debug, Clone, Default)]
pub struct Wiring {
    /// The Lambda functions.
    pub functions: Vec<Function>,
    /// The HTTP API's routes.
    pub routes: Vec<Route>,
    /// The functions that have a Function URL, by logical name.
    pub function_urls: Vec<String>,
    /// The names of the event buses.
    pub buses: Vec<String>,
    /// The rules of the buses.
    pub rules: Vec<Rule>,
    /// The SQS queues, dead-letter queues among them.
    pub queues: Vec<Queue>,
    /// Which function reads which queue.
    pub queue_triggers: Vec<QueueTrigger>,
    /// The names of the secrets that the operator fills.
    pub secrets: Vec<String>,
    /// The DynamoDB tables.
    pub tables: Vec<Table>,
    /// Which function reads which table's stream.
    pub stream_triggers: Vec<StreamTrigger>,
    /// Which function runs when.
    pub schedule_triggers: Vec<ScheduleTrigger>,
}

/// A Lambda function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    /// Its logical name in the template.
    pub logical_name: String,
    /// The folder under `functions/`, which is also its binary and crate name.
    pub binary: String,
    /// Its environment, the template's globals included.
    pub environment: BTreeMap<String, String>,
    /// How long one invocation may take.
    pub timeout: Duration,
    /// Most invocations at a time, where the template reserves them.
    pub at_most: Option<usize>,
}

/// A route of the HTTP API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// `GET`, `POST`, … or `ANY`.
    pub method: String,
    /// As in the template: `/v1/providers/{id}`, `/v1/log/{proxy+}`.
    pub path: String,
    /// The function's logical name.
    pub function: String,
    /// Whose tokens it wants; absent where it lets everybody in.
    pub authorizer: Option<JwtAuthorizer>,
    /// Which pages of other origins may use it.
    pub cors: Option<Cors>,
}

/// Whose tokens, and for whom, let a request in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JwtAuthorizer {
    /// The issuer.
    pub issuer: String,
    /// Whom the token may be for: any one of these.
    pub audience: Vec<String>,
}

/// What the browsers of other origins' pages are told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cors {
    /// The origins that are allowed; `*` is any.
    pub origins: Vec<String>,
    /// With which methods they may ask.
    pub methods: Vec<String>,
    /// Which headers they may send.
    pub headers: Vec<String>,
    /// Which headers of an answer they may see.
    pub exposed: Vec<String>,
    /// For how many seconds a browser may remember that.
    pub max_age: Option<u64>,
}

/// A rule of an event bus.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Its logical name.
    pub name: String,
    /// The bus it listens on.
    pub bus: String,
    /// Which events it takes.
    pub pattern: Pattern,
    /// The names of the queues it sends them to.
    pub queues: Vec<String>,
}

/// The longest a message may be delayed, in seconds: SQS's limit.
pub const MOST_DELAY: u64 = 900;

/// An SQS queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queue {
    /// Its name.
    pub name: String,
    /// How long a received message stays hidden.
    pub visibility: Duration,
    /// How long a message is kept.
    pub retention: Duration,
    /// How long a new message stays hidden, unless it says so itself.
    pub delay: Duration,
    /// Where messages go that were received too often.
    pub redrive: Option<Redrive>,
}

/// Where a queue sends the messages nobody could handle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redrive {
    /// The dead-letter queue's name.
    pub dead_letter: String,
    /// How many receives a message gets.
    pub max_receives: u32,
}

/// A queue as a function's event source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueTrigger {
    /// The function's logical name.
    pub function: String,
    /// The queue's name.
    pub queue: String,
    /// Most messages an invocation.
    pub batch_size: usize,
    /// How long to gather a batch.
    pub window: Duration,
    /// What an answer of the function means for the batch.
    pub failures: Failures,
    /// Most invocations at a time, where the template sets it.
    pub at_most: Option<usize>,
}

/// What an answer of the function means for its batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failures {
    /// The answer names the items that failed (`ReportBatchItemFailures`).
    Reported,
    /// Any error fails the whole batch.
    WholeBatch,
}

/// A DynamoDB table.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// The body of the `CreateTable` request.
    pub create: serde_json::Value,
    /// The attribute that holds the expiry time.
    pub expiry: Option<String>,
}

/// A table's stream as a function's event source.
#[derive(Debug, Clone)]
pub struct StreamTrigger {
    /// The function's logical name.
    pub function: String,
    /// The table's name.
    pub table: String,
    /// Most records an invocation.
    pub batch_size: usize,
    /// How long to gather a batch.
    pub window: Duration,
    /// Records that match any of these reach the function; all of them where there is none.
    pub filters: Vec<Pattern>,
    /// What an answer of the function means for the batch.
    pub failures: Failures,
    /// How often a failing batch is tried again; forever where absent.
    pub retries: Option<u32>,
    /// The name of the queue that keeps what could not be handled.
    pub on_failure: Option<String>,
}

/// A schedule as a function's event source.
#[derive(Debug, Clone)]
pub struct ScheduleTrigger {
    /// The function's logical name.
    pub function: String,
    /// The event's name in the template.
    pub name: String,
    /// When.
    pub schedule: Schedule,
    /// The event the function gets.
    pub input: serde_json::Value,
}
