//! Reads one page of an independent source, if that is still wanted, allowed and one's turn.
//!
//! One message, one request: either for the page or, where the host's rules are not known, for its `robots.txt`; then the message goes
//! back into the queue until the host may be asked again. So nobody is asked twice in a row, whoever else asks, and no invocation waits.
//! What has no sense any more (stopped, paused, read meanwhile, out of budget) is dropped: the plan finds what is due again.
//!
//! A page is read at most once in its time, however often its message comes: what is not due is dropped, and two at once stand in line
//! for the host's turn.

mod ask;
mod names;
pub mod operator;
mod turn;

use std::time::Duration;

use aws_lambda_events::event::sqs::SqsEvent;
use lambda::{
    Clients, Environment, Metrics, Queue, StartError, batch,
    queue::{Message, NotSent},
};
use probe::{guard::Guard, names::Names, prober::Prober, tls::Roots};
use serde_json::{Value, json};
use sources::{configuration::Configuration, fetch::Fetcher};
use table::{Table, TableError};
use trust::{
    source::{PageId, failure::Failure},
    time::Moment,
};

/// How long one request may take, in all: shorter than a [turn](trust::source::turn::LEASE) lasts, so that it is still ours at the end.
const REQUEST: Duration = Duration::from_secs(30);

/// The longest that a queue holds back a message, in seconds. What would have to wait longer is dropped: the plan finds it again.
const LONGEST_DELAY: u32 = 900;

/// What the function needs from outside.
pub struct App {
    table: Table,
    queue: Queue,
    configuration: Configuration,
    fetcher: Option<Fetcher>,
    metrics: Metrics,
}

impl App {
    /// Connects to the table that `TABLE_NAME` names and the queue at `SCRAPE_QUEUE_URL`, to read the sources of the configuration that
    /// `SOURCES` names with the changes in `SOURCES_CHANGES`. We introduce ourselves with `PROBE_CONTACT`; without it nobody is asked.
    ///
    /// `EGRESS_REACH=loopback-too` lets loopback be asked, for tests and the local stack; the template never sets it.
    pub async fn start(environment: &Environment) -> Result<Self, StartError> {
        let unavailable = |error: &dyn std::fmt::Display| StartError::Unavailable(error.to_string());
        let configuration =
            Configuration::named(environment.required("SOURCES")?, environment.optional("SOURCES_CHANGES"))
                .map_err(|invalid| unavailable(&invalid))?;
        let fetcher = match environment.optional("PROBE_CONTACT") {
            None => None,
            Some(contact) => {
                let contact = contact.parse().map_err(|error| unavailable(&error))?;
                let guard = Guard::of_setting(environment.optional("EGRESS_REACH"));
                let names = Names::of_the_system().map_err(|error| unavailable(&error))?;
                let prober =
                    Prober::new(guard, names, Roots::public()).map_err(|error| unavailable(&error))?;
                Some(Fetcher::new(prober, &contact))
            }
        };
        let clients = Clients::new(environment)?;
        let table = Table::new(clients.dynamodb(), environment.required("TABLE_NAME")?);
        table.warm().await;
        let queue = Queue::connect(environment, &clients, "SCRAPE_QUEUE_URL")?;
        Ok(Self { table, queue, configuration, fetcher, metrics: Metrics::connect(environment) })
    }
}

/// Why a page could not be dealt with. It is tried again, and after some tries kept with the dead letters.
#[derive(Debug, thiserror::Error)]
pub enum ScrapeError {
    /// The message does not say which page.
    #[error("not a page of a source: {0}")]
    Malformed(#[from] serde_json::Error),
    /// The configured address is none.
    #[error("the address of {0} is none: {1}")]
    Address(PageId, url::ParseError),
    /// The table could not be read or written.
    #[error(transparent)]
    Table(#[from] TableError),
    /// The message could not be put back.
    #[error(transparent)]
    Queue(#[from] NotSent),
}

/// What came of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Done {
    /// The page says something, which is kept.
    Read,
    /// It says what it said.
    Unchanged,
    /// It was not read, which is noted; what it said before stays.
    Failed(Failure),
    /// It goes on in so many seconds.
    Later(u32),
    /// There is nothing to do.
    Dropped(Why),
}

/// Why there is nothing to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// There is no such page in the configuration.
    NotConfigured,
    /// No contact is set that could be shown to those who are asked.
    NoContact,
    /// The source is stopped, by configuration or by an operator.
    Stopped,
    /// It is left alone for a while.
    Paused,
    /// The page was read meanwhile.
    NotDue,
    /// The day's budget is spent.
    BudgetSpent,
    /// The host wants to be left alone for longer than a message waits.
    HostBusy,
}

/// Handles a batch of pages, one after the other.
pub async fn handle(app: &App, event: Value) -> Result<Value, lambda_runtime::Error> {
    let batch: SqsEvent = serde_json::from_value(event)?;
    let answer = batch::each_message(batch, |_, body| async move {
        let id: PageId = serde_json::from_str(&body)?;
        let done = scrape(app, &id, &lambda::clock::now).await?;
        tracing::info!(page = %id, ?done, "dealt with");
        Ok::<(), ScrapeError>(())
    });
    Ok(json!(answer.await))
}

/// Deals with one page.
pub async fn scrape(
    app: &App,
    id: &PageId,
    clock: &(impl Fn() -> Moment + Sync),
) -> Result<Done, ScrapeError> {
    match ask::ask(app, id, clock).await? {
        Done::Later(wait) if wait > LONGEST_DELAY => Ok(Done::Dropped(Why::HostBusy)),
        Done::Later(wait) => {
            app.queue.send([Message { body: json!(id).to_string(), delay: wait }]).await?;
            Ok(Done::Later(wait))
        }
        done => Ok(done),
    }
}
